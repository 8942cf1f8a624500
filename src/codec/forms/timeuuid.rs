//! A timeuuid from a time: RFC 9562, version 1, whose bytes behind the time are made in one of four ways. All of them are repeatable,
//! so that a record that is loaded again, or verified, has the same one.

use serde::{Deserialize, Serialize};

use super::super::CodecError;
use crate::reject::RejectCode;

const OUT_OF_RANGE: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "outside the times that a timeuuid can hold, 1582-10-15 to 5236-03-31: correct it, or load a UUID",
);

/// Ticks of 100 ns between 1582-10-15T00:00:00Z, from which version 1 counts, and 1970-01-01T00:00:00Z (RFC 9562, section 5.1).
const EPOCH_TICKS: i64 = 0x01b2_1dd2_1381_4000;
/// The time has 60 bits.
const TICKS_MAX: i64 = (1 << 60) - 1;
/// Ticks in a millisecond.
const MILLI_TICKS: i64 = 10_000;

/// The least and the greatest bytes behind the time, as the server compares them (each signed).
const LEAST: u64 = 0x8080_8080_8080_8080;
const GREATEST: u64 = 0x7f7f_7f7f_7f7f_7f7f;
/// Variant 1, clock sequence 0, and a node that is no card's address (RFC 9562, section 6.10: the multicast bit is set).
const FIXED: u64 = 0x8000_0100_0000_0000;
/// The two bits of the variant, and those that a record's own bytes may have.
const VARIANT: u64 = 1 << 63;
const OWN_BITS: u64 = (1 << 62) - 1;

/// How the rest of a timeuuid is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum TimeuuidFrom {
    /// The least of its millisecond, as `minTimeuuid` gives.
    Min,
    /// The greatest of its millisecond, as `maxTimeuuid` gives.
    Max,
    /// The same for all: one time is one timeuuid.
    Fixed,
    /// From the content of the record: records that differ have different ones.
    Record,
}

impl TimeuuidFrom {
    /// Whether it is made of a time of whole milliseconds.
    pub(super) fn is_of_millis(self) -> bool {
        matches!(self, TimeuuidFrom::Min | TimeuuidFrom::Max)
    }

    /// Its name as an option's value.
    pub fn name(self) -> &'static str {
        match self {
            TimeuuidFrom::Min => "min",
            TimeuuidFrom::Max => "max",
            TimeuuidFrom::Fixed => "fixed",
            TimeuuidFrom::Record => "record",
        }
    }

    /// The bytes for a time in ticks of 100 ns since 1970-01-01T00:00:00Z.
    pub(super) fn of(self, unix_ticks: i64) -> Result<[u8; 16], CodecError> {
        let ticks = unix_ticks.checked_add(EPOCH_TICKS).filter(|ticks| (0..=TICKS_MAX).contains(ticks));
        let ticks = ticks.ok_or(OUT_OF_RANGE)?;
        let (ticks, rest) = match self {
            TimeuuidFrom::Min => (ticks, LEAST),
            TimeuuidFrom::Max => (ticks.saturating_add(MILLI_TICKS - 1).min(TICKS_MAX), GREATEST),
            TimeuuidFrom::Fixed | TimeuuidFrom::Record => (ticks, FIXED),
        };
        let ticks = ticks.cast_unsigned();
        let high = ticks << 32 | (ticks >> 32 & 0xffff) << 16 | 0x1000 | ticks >> 48;
        Ok((u128::from(high) << 64 | u128::from(rest)).to_be_bytes())
    }
}

/// The bytes behind the time for a record whose content has this hash.
pub(crate) fn own_bytes(hash: u64) -> [u8; 8] {
    (VARIANT | hash & OWN_BITS).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeuuid_holds_its_time_and_the_rest_as_said() {
        let check = |from: TimeuuidFrom, ticks: i64, expected: &str| {
            let uuid = from.of(ticks).map(|bytes| uuid::Uuid::from_bytes(bytes).to_string());
            assert_eq!(uuid.as_deref(), Ok(expected));
        };
        // As Cassandra's minTimeuuid and maxTimeuuid have them.
        check(TimeuuidFrom::Min, 0, "13814000-1dd2-11b2-8080-808080808080");
        check(TimeuuidFrom::Max, 0, "1381670f-1dd2-11b2-7f7f-7f7f7f7f7f7f");
        check(TimeuuidFrom::Fixed, 1, "13814001-1dd2-11b2-8000-010000000000");
        let own = uuid::Uuid::from_bytes(TimeuuidFrom::Record.of(17_698_628_967_891_234).unwrap());
        let (seconds, nanos) = own.get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos), (1_769_862_896, 789_123_400));
        assert_eq!(own_bytes(u64::MAX), [0xbf, 255, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn times_that_do_not_fit_are_refused() {
        assert!(TimeuuidFrom::Min.of(-EPOCH_TICKS).is_ok());
        assert_eq!(TimeuuidFrom::Min.of(-EPOCH_TICKS - 1), Err(OUT_OF_RANGE));
        assert!(TimeuuidFrom::Max.of(TICKS_MAX - EPOCH_TICKS).is_ok());
        assert_eq!(TimeuuidFrom::Max.of(TICKS_MAX - EPOCH_TICKS + 1), Err(OUT_OF_RANGE));
        assert_eq!(TimeuuidFrom::Fixed.of(i64::MAX), Err(OUT_OF_RANGE));
    }
}
