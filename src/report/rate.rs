//! How fast the run is now: rates over the last seconds, from the snapshots alone; no clock of its own.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::Snapshot;

/// Rates shown are of this time: short enough to follow a change, long enough to stand still otherwise.
const RECENT: Duration = Duration::from_secs(5);
/// The time left is judged by this time, so that it does not jump.
const STEADY: Duration = Duration::from_secs(30);
/// Samples closer together than this add nothing.
const APART_MIN: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy)]
struct Sample {
    elapsed: Duration,
    bytes: u64,
    rows: u64,
}

/// The rates at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Rates {
    /// Rows acknowledged each second, lately.
    pub(super) rows_per_second: f64,
    /// Bytes done each second, lately.
    pub(super) bytes_per_second: f64,
    /// The time that the rest takes; `None` while nothing moves.
    pub(super) left: Option<Duration>,
}

/// Remembers the last snapshots; at most 302 of them (30 s, ten a second, and the borders).
#[derive(Debug, Default)]
pub(super) struct Meter {
    samples: VecDeque<Sample>,
}

impl Meter {
    /// Takes a snapshot and says how fast the run is at that instant.
    pub(super) fn observe(&mut self, snapshot: &Snapshot) -> Rates {
        let now = Sample { elapsed: snapshot.elapsed, bytes: snapshot.bytes_done, rows: snapshot.written };
        if self.samples.is_empty() {
            // What earlier runs did is not how fast this one is.
            let resumed = snapshot.resumed;
            let start = Sample { elapsed: Duration::ZERO, bytes: resumed.bytes, rows: resumed.written };
            self.samples.push_back(start);
        }
        let (rows_per_second, bytes_per_second) = self.since(now, RECENT);
        let (_, steady) = self.since(now, STEADY);
        let rest = snapshot.bytes_total.saturating_sub(snapshot.bytes_done) as f64;
        let left = if steady > 0.0 { Duration::try_from_secs_f64(rest / steady).ok() } else { None };
        self.remember(now);
        Rates { rows_per_second, bytes_per_second, left }
    }

    /// Rows and bytes each second from the newest sample that is at least `window` old (or the oldest of all) to `now`.
    fn since(&self, now: Sample, window: Duration) -> (f64, f64) {
        let start = now.elapsed.saturating_sub(window);
        let old = self.samples.iter().rev().find(|sample| sample.elapsed <= start).or(self.samples.front());
        let Some(old) = old else { return (0.0, 0.0) };
        let seconds = now.elapsed.saturating_sub(old.elapsed).as_secs_f64();
        if seconds <= 0.0 {
            return (0.0, 0.0);
        }
        // A worker that is lost takes its unfinished rows with it: the counts may go back.
        (
            now.rows.saturating_sub(old.rows) as f64 / seconds,
            now.bytes.saturating_sub(old.bytes) as f64 / seconds,
        )
    }

    fn remember(&mut self, now: Sample) {
        let apart = self.samples.back().is_none_or(|last| now.elapsed >= last.elapsed + APART_MIN);
        if !apart {
            return;
        }
        self.samples.push_back(now);
        let start = now.elapsed.saturating_sub(STEADY);
        // The second sample being old enough makes the first one superfluous.
        while self.samples.get(1).is_some_and(|second| second.elapsed <= start) {
            self.samples.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64, rows: u64) -> Snapshot {
        Snapshot {
            bytes_total: 100_000,
            bytes_done: rows * 10,
            written: rows,
            elapsed: Duration::from_millis(millis),
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_rate_is_of_the_last_five_seconds_only() {
        let mut meter = Meter::default();
        // 100 rows/s for 20 s, then 200 rows/s.
        for second in 1..=20 {
            meter.observe(&at(second * 1000, second * 100));
        }
        assert_eq!(meter.observe(&at(22_000, 2400)).rows_per_second, (2400.0 - 1700.0) / 5.0);
        for second in 23..=27 {
            meter.observe(&at(second * 1000, 2000 + (second - 20) * 200));
        }
        let rates = meter.observe(&at(28_000, 3600));
        assert_eq!((rates.rows_per_second, rates.bytes_per_second), (200.0, 2000.0));
    }

    #[test]
    fn the_time_left_comes_from_a_longer_stretch() {
        let mut meter = Meter::default();
        meter.observe(&at(10_000, 1000));
        // Nothing moved in the last ten seconds: the rate says so, the time left grows.
        let rates = meter.observe(&at(20_000, 1000));
        assert_eq!(rates.rows_per_second, 0.0);
        assert_eq!(rates.left, Some(Duration::from_secs(180)));
    }

    #[test]
    fn without_progress_no_time_is_promised() {
        let mut meter = Meter::default();
        assert_eq!(meter.observe(&at(0, 0)), Rates::default());
        assert_eq!(meter.observe(&at(1000, 0)), Rates::default());
    }

    #[test]
    fn counts_that_go_back_are_no_progress() {
        let mut meter = Meter::default();
        meter.observe(&at(1000, 500));
        meter.observe(&at(2000, 900));
        assert_eq!(meter.observe(&at(7000, 300)).rows_per_second, 0.0);
    }

    #[test]
    fn memory_stays_bounded_however_many_snapshots_come() {
        let mut meter = Meter::default();
        for step in 0..100_000 {
            meter.observe(&at(step * 10, step));
        }
        assert!(meter.samples.len() <= 302, "{}", meter.samples.len());
    }
}
