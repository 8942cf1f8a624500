//! date (days, centred on 2^31), time (nanoseconds since midnight) and timestamp (milliseconds since
//! 1970-01-01T00:00:00Z), from ISO 8601 texts in the proleptic Gregorian calendar. The usual forms have a fast path; the
//! general path behind it must give the same answers, which the tests hold it to.
//!
//! A timestamp of digits alone is milliseconds since the epoch, as in cqlsh and dsbulk, even where its eight digits look
//! like a date.

use super::CodecError;
use super::cursor::{Cursor, number, two_digits};
use crate::reject::RejectCode;
use crate::settings::Rounding;

const NOT_A_DATE: CodecError =
    CodecError::new(RejectCode::InvalidDate, "not a date of the calendar: write YYYY-MM-DD");
const DATE_OUT_OF_RANGE: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "outside the range of date, -5877641-06-23 to 5881580-07-11: load it into a text",
);
pub(super) const NOT_A_TIME: CodecError = CodecError::new(
    RejectCode::InvalidTime,
    "not a time of day: write hh:mm, hh:mm:ss or hh:mm:ss.fffffffff",
);
pub(super) const TIME_TOO_FINE: CodecError = CodecError::new(
    RejectCode::Inexact,
    "finer than a nanosecond, the finest that time holds: --timestamp-rounding truncate cuts the digits beyond",
);
pub(super) const NOT_A_TIMESTAMP: CodecError = CodecError::new(
    RejectCode::InvalidTimestamp,
    "not a timestamp: write YYYY-MM-DDThh:mm:ss.mmmZ (also with an offset such as +01:00; none is UTC) or milliseconds \
     since 1970",
);
pub(super) const TIMESTAMP_TOO_FINE: CodecError = CodecError::new(
    RejectCode::Inexact,
    "finer than a millisecond, the finest that timestamp holds: --timestamp-rounding truncate cuts the digits beyond",
);
pub(super) const WRITE_TIME_TOO_FINE: CodecError = CodecError::new(
    RejectCode::Inexact,
    "finer than a microsecond, the finest that a write time is: --timestamp-rounding truncate cuts the digits beyond",
);
pub(super) const TIMESTAMP_OUT_OF_RANGE: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "outside the range of timestamp, 64-bit milliseconds from 1970: load it into a text",
);
pub(super) const LEAP_SECOND: &str =
    "has second 60, and CQL has no leap seconds: change it to 59 in the file";
const MIDNIGHT_24: &str = "has hour 24: write 00:00 of the next day";

/// A year of more digits than this is beyond every type's range whatever they are.
const YEAR_MAX: i64 = 10_000_000_000;
/// The largest offset that is in use anywhere, and that java.time takes: 18 hours.
const OFFSET_MAX_S: u32 = 18 * 3600;
pub(super) const DAY_S: i64 = 86_400;

/// Appends a CQL date (CQL binary protocol v4, section 6).
pub(super) fn date(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    let days = match fast_date(text) {
        Some(days) => days,
        None => any_date(text)?,
    };
    append_date(days, out)
}

/// Appends a CQL date, given as days since 1970-01-01.
pub(super) fn append_date(days: i64, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let centred = u32::try_from(days + (1 << 31)).map_err(|_| DATE_OUT_OF_RANGE)?;
    out.extend_from_slice(&centred.to_be_bytes());
    Ok(())
}

/// Appends a CQL time (CQL binary protocol v4, section 6).
pub(super) fn time(text: &[u8], rounding: Rounding, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(CodecError::empty(RejectCode::InvalidTime));
    }
    let mut cursor = Cursor::new(text);
    let clock = clock(&mut cursor, true, NOT_A_TIME)?;
    if !cursor.is_empty() {
        return Err(NOT_A_TIME);
    }
    let (nanos, is_finer) = nanos(clock.fraction);
    if is_finer && rounding == Rounding::Reject {
        return Err(TIME_TOO_FINE);
    }
    out.extend_from_slice(&(i64::from(clock.second) * 1_000_000_000 + i64::from(nanos)).to_be_bytes());
    Ok(())
}

/// Appends a CQL timestamp (CQL binary protocol v4, section 6).
pub(super) fn timestamp(text: &[u8], rounding: Rounding, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let millis = match fast_timestamp(text) {
        Some(millis) => millis,
        None => any_timestamp(text, rounding)?,
    };
    out.extend_from_slice(&millis.to_be_bytes());
    Ok(())
}

/// `YYYY-MM-DD` and nothing else, as days since 1970-01-01. `None` is for [`any_date`] to judge.
#[inline]
pub(super) fn fast_date(text: &[u8]) -> Option<i64> {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text else { return None };
    let (century, year) = (two_digits(a, b), two_digits(c, d));
    if century > 99 || year > 99 {
        return None;
    }
    days(i64::from(century * 100 + year), two_digits(e, f), two_digits(g, h))
}

/// A date in any of its forms, as days since 1970-01-01.
#[cold]
pub(super) fn any_date(text: &[u8]) -> Result<i64, CodecError> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(CodecError::empty(RejectCode::InvalidDate));
    }
    let mut cursor = Cursor::new(text);
    let days = extended_date(&mut cursor).ok_or(NOT_A_DATE)?;
    if cursor.is_empty() { Ok(days) } else { Err(NOT_A_DATE) }
}

/// `YYYY-MM-DD[T ]hh:mm:ss[.mmm][Z]` and nothing else. `None` is for [`any_timestamp`] to judge.
#[inline]
pub(super) fn fast_timestamp(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let (&[b'T' | b' ', a, b, b':', c, d, b':', e, f], rest) = rest.split_first_chunk::<9>()? else {
        return None;
    };
    let millis = match *rest {
        [] | [b'Z'] => 0,
        [b'.', g, h, i] | [b'.', g, h, i, b'Z'] => {
            let (hundreds, rest) = (two_digits(b'0', g), two_digits(h, i));
            if hundreds > 9 || rest > 99 {
                return None;
            }
            hundreds * 100 + rest
        }
        _ => return None,
    };
    let (hour, minute, second) = (two_digits(a, b), two_digits(c, d), two_digits(e, f));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let second = fast_date(date)? * DAY_S + i64::from(hour * 3600 + minute * 60 + second);
    Some(second * 1000 + i64::from(millis))
}

/// A timestamp in any of its forms, as milliseconds since the epoch.
#[cold]
pub(super) fn any_timestamp(text: &[u8], rounding: Rounding) -> Result<i64, CodecError> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(CodecError::empty(RejectCode::InvalidTimestamp));
    }
    if let Some(millis) = epoch_millis(text) {
        return millis;
    }
    iso_moment(text)?.since_epoch::<3>(rounding, TIMESTAMP_TOO_FINE)
}

/// A timestamp that is no number, as microseconds since the epoch.
pub(super) fn instant_us(text: &[u8], rounding: Rounding) -> Result<i64, CodecError> {
    match fast_timestamp(text) {
        Some(millis) => Ok(millis * 1_000),
        None => iso_moment(text)?.since_epoch::<6>(rounding, WRITE_TIME_TOO_FINE),
    }
}

/// Date and time as a text has them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Seconds since 1970-01-01T00:00:00, as clocks at its place show them.
    pub(super) second: i64,
    /// Nanoseconds within the second. They count forwards even before 1970, so leaving digits out goes towards the past.
    pub(super) nanos: u32,
    /// Whether it is finer than that.
    pub(super) is_finer: bool,
    /// The seconds that its place is ahead of UTC, where the text says so.
    pub(super) offset_s: Option<i64>,
}

impl Moment {
    /// Counted from the epoch in units that have this many decimal digits after those of a second; without an offset in UTC.
    pub(super) fn since_epoch<const DIGITS: u32>(
        self,
        rounding: Rounding,
        too_fine: CodecError,
    ) -> Result<i64, CodecError> {
        let unit_ns = 10u32.pow(9 - DIGITS);
        if rounding == Rounding::Reject && (self.is_finer || !self.nanos.is_multiple_of(unit_ns)) {
            return Err(too_fine);
        }
        let second = i128::from(self.second) - i128::from(self.offset_s.unwrap_or(0));
        let units = second * 10i128.pow(DIGITS) + i128::from(self.nanos / unit_ns);
        i64::try_from(units).map_err(|_| TIMESTAMP_OUT_OF_RANGE)
    }
}

/// A timestamp in ISO 8601, without white space around it.
pub(super) fn iso_moment(text: &[u8]) -> Result<Moment, CodecError> {
    let mut cursor = Cursor::new(text);
    let basic = is_basic(text);
    let days = if basic { basic_date(&mut cursor) } else { extended_date(&mut cursor) };
    let days = days.ok_or(NOT_A_TIMESTAMP)?;
    let has_time = cursor.eat(b'T') || cursor.eat(b't') || is_spaced_time(&mut cursor);
    // A basic date without a time may as well be a number with a unit.
    if basic && !has_time {
        return Err(NOT_A_TIMESTAMP);
    }
    let clock = if has_time {
        clock(&mut cursor, !basic, NOT_A_TIMESTAMP)?
    } else {
        Clock { second: 0, fraction: &[] }
    };
    let offset_s = zone(&mut cursor, has_time).ok_or(NOT_A_TIMESTAMP)?;
    let (nanos, is_finer) = nanos(clock.fraction);
    // The years that are read are few enough for their seconds.
    Ok(Moment { second: days * DAY_S + i64::from(clock.second), nanos, is_finer, offset_s })
}

/// A sign or none and then digits only: milliseconds since the epoch.
fn epoch_millis(text: &[u8]) -> Option<Result<i64, CodecError>> {
    let mut cursor = Cursor::new(text);
    let negative = cursor.eat_sign().unwrap_or(false);
    let digits = cursor.digits();
    if digits.is_empty() || !cursor.is_empty() {
        return None;
    }
    // i64::MIN is the one number whose size does not fit: its text is parsed with its sign.
    let parsed = digits.iter().try_fold(0i64, |value, &digit| {
        let digit = i64::from(digit.wrapping_sub(b'0'));
        value.checked_mul(10)?.checked_add(if negative { -digit } else { digit })
    });
    Some(parsed.ok_or(TIMESTAMP_OUT_OF_RANGE))
}

/// Whether the date is in the basic form, `YYYYMMDD`, which only a time after it tells from epoch milliseconds.
fn is_basic(text: &[u8]) -> bool {
    matches!(text.split_first_chunk::<8>(), Some((date, _)) if date.iter().all(u8::is_ascii_digit))
        && !text.get(8).is_some_and(|&next| next.is_ascii_digit() || next == b'-')
}

fn basic_date(cursor: &mut Cursor<'_>) -> Option<i64> {
    let year = cursor.two()? * 100 + cursor.two()?;
    let (month, day) = (cursor.two()?, cursor.two()?);
    days(i64::from(year), month, day)
}

/// `[+-]YYYY-MM-DD` with four digits of year or more, as days since 1970-01-01.
fn extended_date(cursor: &mut Cursor<'_>) -> Option<i64> {
    let negative = cursor.eat_sign().unwrap_or(false);
    let digits = cursor.digits();
    if digits.len() < 4 || !cursor.eat(b'-') {
        return None;
    }
    let size = number(digits).map_or(YEAR_MAX, |year| year.min(YEAR_MAX));
    if negative && size == 0 {
        return None;
    }
    let month = cursor.two()?;
    if !cursor.eat(b'-') {
        return None;
    }
    days(if negative { -size } else { size }, month, cursor.two()?)
}

/// Days since 1970-01-01 of a date, if the calendar has it.
#[inline]
fn days(year: i64, month: u32, day: u32) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return None,
    };
    if day == 0 || day > days_in_month {
        return None;
    }
    Some(days_from_civil(year, i64::from(month), i64::from(day)))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar: Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms", `days_from_civil`. Years start in March, so that the leap day comes last, and count in eras of 400.
#[inline]
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A time of day.
struct Clock<'a> {
    /// Whole seconds since midnight.
    second: u32,
    /// The digits of the fraction.
    fraction: &'a [u8],
}

/// `hh:mm[:ss[.fraction]]`, or `hhmm[ss[.fraction]]` where not `extended`.
fn clock<'a>(cursor: &mut Cursor<'a>, extended: bool, invalid: CodecError) -> Result<Clock<'a>, CodecError> {
    let hour = cursor.two().ok_or(invalid)?;
    if extended && !cursor.eat(b':') {
        return Err(invalid);
    }
    let minute = cursor.two().ok_or(invalid)?;
    let has_second =
        if extended { cursor.eat(b':') } else { cursor.peek().is_some_and(|next| next.is_ascii_digit()) };
    let second = if has_second { cursor.two().ok_or(invalid)? } else { 0 };
    let mut digits: &[u8] = &[];
    if has_second && (cursor.eat(b'.') || cursor.eat(b',')) {
        digits = cursor.digits();
        if digits.is_empty() {
            return Err(invalid);
        }
    }
    match (hour, minute, second) {
        (24, ..) => Err(CodecError { message: MIDNIGHT_24, ..invalid }),
        (0..=23, 0..=59, 60) => Err(CodecError { message: LEAP_SECOND, ..invalid }),
        (0..=23, 0..=59, 0..=59) => {
            Ok(Clock { second: hour * 3600 + minute * 60 + second, fraction: digits })
        }
        _ => Err(invalid),
    }
}

/// A fraction of a second in nanoseconds, and whether there is more of it.
pub(super) fn nanos(digits: &[u8]) -> (u32, bool) {
    let is_finer = digits.iter().skip(9).any(|&digit| digit != b'0');
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    (padded.fold(0, |value, digit| value * 10 + u32::from(digit.wrapping_sub(b'0'))), is_finer)
}

/// Takes a space with a time behind it, rather than a zone.
fn is_spaced_time(cursor: &mut Cursor<'_>) -> bool {
    let spaced_digit = matches!(cursor.rest(), [b' ', next, ..] if next.is_ascii_digit());
    spaced_digit && cursor.eat(b' ')
}

/// What follows date and time, with one space before it or none: nothing, `Z`, `UTC` or `GMT`, or `±hh`, `±hhmm`,
/// `±hh:mm`. As the seconds that local time is ahead of UTC; `Some(None)` where nothing follows.
///
/// Behind a bare date, `-` needs a colon after the hour: `2026-01-31-05` may as well be the hour of a day.
fn zone(cursor: &mut Cursor<'_>, has_time: bool) -> Option<Option<i64>> {
    let spaced = cursor.eat(b' ');
    let Some(negative) = cursor.eat_sign() else {
        let name = cursor.rest();
        let is_utc = name.eq_ignore_ascii_case(b"Z")
            || name.eq_ignore_ascii_case(b"UTC")
            || name.eq_ignore_ascii_case(b"GMT");
        return match name {
            [] if !spaced => Some(None),
            _ => is_utc.then_some(Some(0)),
        };
    };
    let hour = cursor.two()?;
    let colon = cursor.eat(b':');
    let minute = if colon || !cursor.is_empty() { cursor.two()? } else { 0 };
    let offset_s = hour * 3600 + minute * 60;
    if !cursor.is_empty() || minute > 59 || offset_s > OFFSET_MAX_S || (negative && !colon && !has_time) {
        return None;
    }
    Some(Some(if negative { -i64::from(offset_s) } else { i64::from(offset_s) }))
}
