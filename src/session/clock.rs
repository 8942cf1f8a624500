//! The client's clock against the cluster's. Rows carry write times from the client's clock, so a clock that is behind the
//! cluster's lets older data win, and one that is ahead shadows what applications write next. Reads only.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use scylla::client::session::Session;
use scylla::errors::{ExecutionError, IntoRowsResultError, SingleRowError};
use scylla::statement::{Consistency, Statement};
use scylla::value::CqlTimeuuid;
use uuid::Uuid;

/// How often the cluster is asked: the first answers pay for warming up, the fastest is the most exact.
const QUESTIONS: usize = 5;

/// `now()` is a version 1 UUID in every version of Cassandra and ScyllaDB; the functions that make a number of it changed
/// their names.
const QUESTION: &str = "SELECT now() FROM system.local";

/// How far two clocks are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// Client minus cluster in milliseconds: positive where the client's clock is ahead.
    pub ahead_ms: i64,
    /// By how much that may be wrong, in milliseconds: half the round trip, and the cluster's tick.
    pub uncertainty_ms: i64,
}

impl Skew {
    /// Whether the clocks are certainly further apart than this.
    pub fn exceeds(self, limit: Duration) -> bool {
        let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let apart_ms = i64::try_from(self.ahead_ms.unsigned_abs()).unwrap_or(i64::MAX);
        apart_ms.saturating_sub(self.uncertainty_ms) > limit_ms
    }
}

/// Why the clocks could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The cluster did not answer.
    #[error("the cluster's clock cannot be read: {0}")]
    Query(#[from] ExecutionError),
    /// The answer holds no rows.
    #[error("the cluster's clock cannot be read: {0}")]
    Answer(#[from] IntoRowsResultError),
    /// The answer is not one row with one time.
    #[error("the cluster's clock cannot be read: {0}")]
    Row(#[from] SingleRowError),
    /// The answer is no time, or this machine's clock is before 1970.
    #[error("the clocks cannot be compared: one of them is out of range; check this machine's clock")]
    OutOfRange,
}

/// Compares the client's clock with that of the nodes that happen to answer; the fastest answer counts.
///
/// # Errors
/// The cluster does not answer; a caller may go on without.
pub async fn cluster_clock_skew(session: &Session) -> Result<Skew, ClockError> {
    let mut question = Statement::new(QUESTION);
    // The load's consistency may be one that is not for reading.
    question.set_consistency(Consistency::One);
    let mut best: Option<(Duration, Skew)> = None;
    for _ in 0..QUESTIONS {
        let asked_at = unix_us(SystemTime::now()).ok_or(ClockError::OutOfRange)?;
        let asked = Instant::now();
        let answer = session.query_unpaged(question.clone(), ()).await?;
        let round_trip = asked.elapsed();
        let (now,) = answer.into_rows_result()?.single_row::<(CqlTimeuuid,)>()?;
        let node_at = timeuuid_unix_us(now).ok_or(ClockError::OutOfRange)?;
        if best.is_none_or(|(fastest, _)| round_trip < fastest) {
            best = Some((round_trip, skew(asked_at, round_trip, node_at)));
        }
    }
    best.map(|(_, skew)| skew).ok_or(ClockError::OutOfRange)
}

/// The skew, if the node read its clock half-way between question and answer. All in microseconds since 1970.
fn skew(asked_at: i64, round_trip: Duration, node_at: i64) -> Skew {
    let half_us = i64::try_from(round_trip.as_micros() / 2).unwrap_or(i64::MAX);
    let client_at = asked_at.saturating_add(half_us);
    // Nodes count in whole milliseconds and fill the rest up with a counter.
    Skew {
        ahead_ms: client_at.saturating_sub(node_at) / 1000,
        uncertainty_ms: (half_us / 1000).saturating_add(1),
    }
}

fn unix_us(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_micros()).ok()
}

fn timeuuid_unix_us(id: CqlTimeuuid) -> Option<i64> {
    let (seconds, nanos) = Uuid::from(id).get_timestamp()?.to_unix();
    i64::try_from(seconds).ok()?.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked_at: i64, round_trip_us: u64, node_at: i64, ahead_ms: i64, uncertainty_ms: i64) {
        let found = skew(asked_at, Duration::from_micros(round_trip_us), node_at);
        assert_eq!(found, Skew { ahead_ms, uncertainty_ms });
    }

    #[test]
    fn half_the_round_trip_is_taken_off_and_is_the_doubt() {
        let noon = 1_700_000_000_000_000;
        check(noon, 0, noon, 0, 1);
        check(noon, 4_000, noon + 2_000, 0, 3);
        check(noon, 4_000, noon - 3_000_000, 3_002, 3);
        check(noon, 10_000, noon + 60_005_000, -60_000, 6);
    }

    #[test]
    fn a_skew_exceeds_a_limit_only_beyond_doubt() {
        let second = Duration::from_secs(1);
        for (ahead_ms, uncertainty_ms, expected) in [
            (1_001, 0, true),
            (1_000, 0, false),
            (-1_500, 100, true),
            (1_500, 600, false),
            (i64::MIN, 1, true),
        ] {
            let skew = Skew { ahead_ms, uncertainty_ms };
            assert_eq!(skew.exceeds(second), expected, "{skew:?}");
        }
    }

    #[test]
    fn a_timeuuid_is_read_to_the_microsecond() {
        // RFC 9562, appendix A.1: the UUID of 2022-02-22T19:22:22Z, local time -05:00 taken in.
        let id: CqlTimeuuid = "C232AB00-9414-11EC-B3C8-9F6BDECED846".parse().unwrap();
        assert_eq!(timeuuid_unix_us(id), Some(1_645_557_742_000_000));
    }
}
