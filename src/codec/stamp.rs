//! What a row is stamped with beside its values, from fields of its record: when it counts as written, and how long it lives. Texts
//! are read as the columns' codecs read them, and held to what a server takes, so that it need not refuse the row. Pure.

use super::forms::{Place, Separators};
use super::literal::Literal;
use super::{CodecError, CodecOptions};
use super::{number, temporal};
use crate::reject::RejectCode;
use crate::settings::TTL_SECONDS_MAX;

const TTL_OUT_OF_RANGE: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "no time to live that a server takes: write seconds from 0 (for ever) to 630720000 (20 years), or nothing for the table's \
     default",
);

pub(super) const NO_WRITE_TIME: CodecError =
    CodecError::new(RejectCode::InvalidTimestamp, "null: each record needs a write time of its own here");
const BEFORE_1970: CodecError =
    CodecError::new(RejectCode::OutOfRange, "before 1970: a write time is not earlier than that");
const WRITE_TIME_OUT_OF_RANGE: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "beyond the write times that a server counts: write microseconds since 1970, or a timestamp",
);
const LOOKS_LIKE_SECONDS: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "looks like seconds since 1970, and a write time is in microseconds: give --epoch-unit s if all numbers that are times are so, or write a timestamp",
);
const LOOKS_LIKE_MILLISECONDS: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "looks like milliseconds since 1970, and a write time is in microseconds: give --epoch-unit ms if all numbers that are times are so, or write a timestamp",
);
const LOOKS_LIKE_NANOSECONDS: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "looks like nanoseconds since 1970, and a write time is in microseconds: give --epoch-unit ns if all numbers that are times are so, or write a timestamp",
);

const IMPLAUSIBLE: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "before 1973 or after 5138 as a write time in the unit that --epoch-unit says: name the unit that it is in",
);

/// Write times below are too early to be anything but a small constant chosen on purpose (1970, the first 100 seconds).
const MICROSECONDS_MIN: i64 = 100_000_000;
/// From [`MICROSECONDS_MIN`] to here, a number is a date of 1973 to 5138 if it counts seconds.
const SECONDS_MAX: i64 = 100_000_000_000;
/// From [`SECONDS_MAX`] to here, a number is a date of 1973 to 5138 if it counts milliseconds.
const MILLISECONDS_MAX: i64 = 100_000_000_000_000;
/// From here on, a number is a date after 1973 if it counts nanoseconds, and after 5138 if it counts microseconds.
const NANOSECONDS_MIN: i64 = 100_000_000_000_000_000;

/// What a number probably counts that should count microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MistakenUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Nanoseconds.
    Nanoseconds,
}

/// Whether a number that should be microseconds since 1970 is probably something else.
pub(crate) fn mistaken_unit(micros: i64) -> Option<MistakenUnit> {
    match micros {
        MICROSECONDS_MIN..SECONDS_MAX => Some(MistakenUnit::Seconds),
        SECONDS_MAX..MILLISECONDS_MAX => Some(MistakenUnit::Milliseconds),
        NANOSECONDS_MIN.. => Some(MistakenUnit::Nanoseconds),
        _ => None,
    }
}

/// A write time in microseconds since 1970-01-01T00:00:00Z: that number, or a timestamp.
pub(super) fn write_time(text: &[u8], options: &CodecOptions, place: Place) -> Result<i64, CodecError> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(CodecError::empty(RejectCode::InvalidTimestamp));
    }
    if let Some(read) =
        options.forms.as_ref().and_then(|forms| forms.write_time(text, options.rounding, place))
    {
        return read;
    }
    match number_of_micros(text, None)? {
        Some(micros) => Ok(micros),
        None => not_before_1970(temporal::instant_us(text, options.rounding)?),
    }
}

/// A number of microseconds; `None` where the text is no number.
pub(super) fn number_of_micros(
    text: &[u8],
    separators: Option<Separators>,
) -> Result<Option<i64>, CodecError> {
    let read = |text: &[u8]| match number::small_integer(text) {
        Some(micros) => Ok(Some(micros)),
        None if Literal::parse(text).is_some() => number::integer(text, WRITE_TIME_OUT_OF_RANGE).map(Some),
        None => Ok(None),
    };
    let micros = match separators {
        None => read(text)?,
        // What is no number with these separators may be a timestamp.
        Some(separators) => match separators.plain(text, |text| Ok(read(text))) {
            Ok(found) => found?,
            Err(_) => None,
        },
    };
    micros.map(checked_micros).transpose()
}

/// A number of microseconds, unless it probably counts something else.
pub(super) fn checked_micros(micros: i64) -> Result<i64, CodecError> {
    match mistaken_unit(micros) {
        _ if micros < 0 => Err(BEFORE_1970),
        Some(MistakenUnit::Seconds) => Err(LOOKS_LIKE_SECONDS),
        Some(MistakenUnit::Milliseconds) => Err(LOOKS_LIKE_MILLISECONDS),
        Some(MistakenUnit::Nanoseconds) => Err(LOOKS_LIKE_NANOSECONDS),
        None => Ok(micros),
    }
}

/// What was counted in a unit that is said, unless that is probably another one.
pub(super) fn plausible_micros(micros: i64) -> Result<i64, CodecError> {
    if mistaken_unit(micros).is_some() { Err(IMPLAUSIBLE) } else { not_before_1970(micros) }
}

/// A write time, if it can be one.
pub(super) fn not_before_1970(micros: i64) -> Result<i64, CodecError> {
    if micros < 0 { Err(BEFORE_1970) } else { Ok(micros) }
}

/// A time to live in whole seconds, as an int of CQL (CQL binary protocol v4, section 6).
pub(super) fn ttl(text: &[u8]) -> Result<[u8; 4], CodecError> {
    let seconds = match number::small_integer(text) {
        Some(seconds) => seconds,
        None => number::integer(text, TTL_OUT_OF_RANGE)?,
    };
    let seconds = u32::try_from(seconds).ok().filter(|seconds| *seconds <= TTL_SECONDS_MAX);
    // In range, an int has the same bytes.
    seconds.map(u32::to_be_bytes).ok_or(TTL_OUT_OF_RANGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Rounding;

    const TRUNCATE: CodecOptions = CodecOptions { rounding: Rounding::Truncate, forms: None };

    #[test]
    fn a_write_time_is_microseconds_or_a_timestamp() {
        let check = |text: &str, expected: Result<i64, CodecError>| {
            assert_eq!(write_time(text.as_bytes(), &CodecOptions::DEFAULT, Place::Cell), expected, "{text}");
        };
        check("1769862645678901", Ok(1_769_862_645_678_901));
        check(" 1769862645678901 ", Ok(1_769_862_645_678_901));
        check("1769862645678901.0", Ok(1_769_862_645_678_901));
        check("1.769862645e15", Ok(1_769_862_645_000_000));
        check("0", Ok(0));
        check("2026-01-31T12:30:45.678901Z", Ok(1_769_862_645_678_901));
        check("2026-01-31 13:30:45.678901+01:00", Ok(1_769_862_645_678_901));
        check("2026-01-31T12:30:45.678Z", Ok(1_769_862_645_678_000));
        check("2026-01-31T12:30:45.6789010", Ok(1_769_862_645_678_901));
        check("2026-01-31", Ok(1_769_817_600_000_000));
        check("-1", Err(BEFORE_1970));
        check("1969-12-31", Err(BEFORE_1970));
        check("1769862645", Err(LOOKS_LIKE_SECONDS));
        check("1769862645678", Err(LOOKS_LIKE_MILLISECONDS));
        check("1769862645678901234", Err(LOOKS_LIKE_NANOSECONDS));
        check("99999999999999999999", Err(WRITE_TIME_OUT_OF_RANGE));
        check("", Err(CodecError::empty(RejectCode::InvalidTimestamp)));
        let code = |text: &str| {
            write_time(text.as_bytes(), &CodecOptions::DEFAULT, Place::Cell).map_err(|error| error.code)
        };
        assert_eq!(code("yesterday"), Err(RejectCode::InvalidTimestamp));
        assert_eq!(code("2026-01-31T12:30:45.6789012Z"), Err(RejectCode::Inexact));
        assert_eq!(code("999999-01-01"), Err(RejectCode::OutOfRange));
        let truncated = write_time(b"2026-01-31T12:30:45.6789019Z", &TRUNCATE, Place::Cell);
        assert_eq!(truncated, Ok(1_769_862_645_678_901));
    }

    #[test]
    fn a_time_to_live_is_whole_seconds_that_a_server_takes() {
        let check = |text: &str, expected: Result<u32, RejectCode>| {
            let found = ttl(text.as_bytes()).map(u32::from_be_bytes).map_err(|error| error.code);
            assert_eq!(found, expected, "{text}");
        };
        check("0", Ok(0));
        check("3600", Ok(3_600));
        check(" 3600 ", Ok(3_600));
        check("1e3", Ok(1_000));
        check("630720000", Ok(TTL_SECONDS_MAX));
        check("630720001", Err(RejectCode::OutOfRange));
        check("-1", Err(RejectCode::OutOfRange));
        check("99999999999999999999", Err(RejectCode::OutOfRange));
        check("1.5", Err(RejectCode::Inexact));
        check("1d", Err(RejectCode::InvalidNumber));
        check(" ", Err(RejectCode::InvalidNumber));
    }
}
