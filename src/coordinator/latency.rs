//! Requests and latencies of all workers, put together.

use hdrhistogram::Histogram;

use crate::control::latency::new_histogram;
use crate::control::message::WorkerTotals;
use crate::report::event::Latency;

/// The workers' totals added up.
#[derive(Debug)]
pub struct LatencyTally {
    requests: u64,
    rows: u64,
    histogram: Histogram<u64>,
}

impl Default for LatencyTally {
    fn default() -> Self {
        LatencyTally { requests: 0, rows: 0, histogram: new_histogram() }
    }
}

impl LatencyTally {
    /// Adds a worker's totals.
    pub fn add(&mut self, totals: &WorkerTotals) {
        self.requests += totals.requests;
        self.rows += totals.rows;
        for &(latency_us, count) in &totals.latency_us {
            self.histogram.saturating_record_n(latency_us, count);
        }
    }

    /// Requests of all workers.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Rows in each request that was acknowledged, on average, if there were any.
    pub fn rows_per_request(&self) -> Option<f64> {
        (!self.histogram.is_empty()).then(|| self.rows as f64 / self.histogram.len() as f64)
    }

    /// The latencies, if there were any.
    pub fn latency(&self) -> Option<Latency> {
        let ms = |us: u64| us as f64 / 1_000.0;
        (!self.histogram.is_empty()).then(|| Latency {
            p50: ms(self.histogram.value_at_quantile(0.5)),
            p99: ms(self.histogram.value_at_quantile(0.99)),
            p999: ms(self.histogram.value_at_quantile(0.999)),
            max: ms(self.histogram.max()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_all_workers_together() {
        let mut tally = LatencyTally::default();
        assert_eq!((tally.latency(), tally.rows_per_request()), (None, None));
        tally.add(&WorkerTotals { requests: 98, rows: 400, latency_us: vec![(1_000, 98)] });
        tally.add(&WorkerTotals { requests: 2, rows: 100, latency_us: vec![(100_000, 2)] });
        let latency = tally.latency().unwrap();
        assert_eq!((tally.requests(), tally.rows_per_request()), (100, Some(5.0)));
        let near = |value: f64, expected: f64| (value / expected - 1.0).abs() < 0.02;
        assert!(
            near(latency.p50, 1.0) && near(latency.p99, 100.0) && near(latency.max, 100.0),
            "{latency:?}"
        );
    }
}
