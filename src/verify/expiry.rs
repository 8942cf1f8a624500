//! Whether a row that is not found may have expired: it lives, from when it arrived at the cluster, as long as its time to live says.
//! Pure: it is told what time it is.

use serde::{Deserialize, Serialize};

/// A server counts expiry in whole seconds, and its clock may be ahead of this machine's by about as much.
const SLACK_US: i64 = 1_000_000;

/// What is known of when rows expire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// When the job was begun that wrote the rows, in microseconds since 1970-01-01T00:00:00Z: none can have arrived before. `None`
    /// where no job is known: nothing counts as expired then.
    pub begun_us: Option<i64>,
    /// The table's default time to live in seconds, 0 for none: for rows that have none of their own.
    pub table_ttl_s: u32,
}

impl Expiry {
    /// Whether a row may have expired by `now_us`. `ttl_s` is its own time to live in seconds, `arrived_us` a time before which it
    /// cannot have arrived, beside the job's beginning; times in microseconds since 1970-01-01T00:00:00Z.
    pub fn may_have_expired(self, ttl_s: Option<u32>, arrived_us: Option<i64>, now_us: i64) -> bool {
        let ttl_s = ttl_s.unwrap_or(self.table_ttl_s);
        let Some(begun_us) = self.begun_us.filter(|_| ttl_s > 0) else { return false };
        let arrived_us = arrived_us.map_or(begun_us, |at| at.max(begun_us));
        let expires_us = arrived_us.saturating_add(i64::from(ttl_s) * 1_000_000);
        expires_us.saturating_sub(SLACK_US) <= now_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;
    const BEGUN: i64 = 1_000 * S;

    fn check(begun_us: Option<i64>, ttl_s: Option<u32>, arrived_us: Option<i64>, now_s: i64, expected: bool) {
        let expiry = Expiry { begun_us, table_ttl_s: 50 };
        let found = expiry.may_have_expired(ttl_s, arrived_us, now_s * S);
        assert_eq!(found, expected, "{begun_us:?} {ttl_s:?} {arrived_us:?} {now_s}");
    }

    #[test]
    fn a_row_expires_no_earlier_than_its_time_to_live_after_its_arrival() {
        check(Some(BEGUN), Some(10), None, 1_008, false);
        check(Some(BEGUN), Some(10), None, 1_009, true);
        check(Some(BEGUN), Some(10), None, 9_000, true);
        check(Some(BEGUN), Some(10), Some(BEGUN + 100 * S), 1_108, false);
        check(Some(BEGUN), Some(10), Some(BEGUN + 100 * S), 1_109, true);
        // A write time of long ago is no time of arrival.
        check(Some(BEGUN), Some(10), Some(0), 1_008, false);
    }

    #[test]
    fn a_row_without_a_time_to_live_has_that_of_its_table_and_zero_is_none() {
        check(Some(BEGUN), None, None, 1_048, false);
        check(Some(BEGUN), None, None, 1_049, true);
        check(Some(BEGUN), Some(0), None, i64::MAX / S, false);
    }

    #[test]
    fn where_no_job_is_known_nothing_has_expired() {
        check(None, Some(10), None, 9_000, false);
        check(None, Some(10), Some(BEGUN), 9_000, false);
    }
}
