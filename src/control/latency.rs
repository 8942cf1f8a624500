//! The shape of the latency histogram, the same on both sides of the control channel.

use hdrhistogram::Histogram;

/// A latency histogram over microseconds up to an hour, with two significant digits.
pub fn new_histogram() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "the bounds are constants that are valid; a test makes one")]
    Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("valid bounds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_histogram_takes_everything_up_to_an_hour_and_cuts_what_is_longer() {
        let mut histogram = new_histogram();
        histogram.saturating_record(0);
        histogram.saturating_record(u64::MAX);
        assert_eq!(histogram.len(), 2);
    }
}
