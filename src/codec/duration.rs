//! duration: months, days and nanoseconds as three signed variable-length integers, all of one sign. Takes the forms of
//! the CQL specification ("Durations"): `1y2mo3w4d5h6m7s8ms9us10ns`, ISO 8601's `P1Y2M3DT4H5M6S` and `P1W`, and its
//! alternative `P0001-02-03T04:05:06`, each with a sign before it or none.

use super::cursor::{Cursor, number};
use super::{CodecError, vint};
use crate::reject::RejectCode;

const INVALID: CodecError = CodecError::new(
    RejectCode::InvalidDuration,
    "not a duration: write units from large to small such as 1y2mo3d4h5m6s7ms, or ISO 8601 such as P1Y2M3DT4H5M6S",
);
const OUT_OF_RANGE: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "outside the range of duration, 32-bit months, 32-bit days and 64-bit nanoseconds: use larger units",
);
const TOO_FINE: CodecError = CodecError::new(
    RejectCode::Inexact,
    "finer than a nanosecond, the finest that duration holds: cut the digits beyond in the file",
);

const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const HOUR_NS: i64 = 60 * MINUTE_NS;

/// One of the three parts that a duration is made of.
#[derive(Clone, Copy)]
enum Part {
    Months,
    Days,
    Nanos,
}

/// The sizes of the three parts.
#[derive(Default)]
struct Parts {
    months: i64,
    days: i64,
    nanos: i64,
}

impl Parts {
    /// Adds `count` units of `size` to a part.
    fn add(&mut self, part: Part, count: i64, size: i64) -> Result<(), CodecError> {
        let (sum, max) = match part {
            Part::Months => (&mut self.months, i64::from(i32::MAX)),
            Part::Days => (&mut self.days, i64::from(i32::MAX)),
            Part::Nanos => (&mut self.nanos, i64::MAX),
        };
        let total = count.checked_mul(size).and_then(|more| sum.checked_add(more)).ok_or(OUT_OF_RANGE)?;
        if total > max {
            return Err(OUT_OF_RANGE);
        }
        *sum = total;
        Ok(())
    }
}

/// A unit: its spellings, which part it adds to, and how much.
type Unit = (&'static [&'static str], Part, i64);

/// From large to small, the order in which CQL wants them.
const UNITS: [Unit; 10] = [
    (&["y"], Part::Months, 12),
    (&["mo"], Part::Months, 1),
    (&["w"], Part::Days, 7),
    (&["d"], Part::Days, 1),
    (&["h"], Part::Nanos, HOUR_NS),
    (&["m"], Part::Nanos, MINUTE_NS),
    (&["s"], Part::Nanos, SECOND_NS),
    (&["ms"], Part::Nanos, 1_000_000),
    // Both Unicode spellings: the micro sign and the Greek letter.
    (&["us", "\u{b5}s", "\u{3bc}s"], Part::Nanos, 1_000),
    (&["ns"], Part::Nanos, 1),
];
const ISO_DATE_UNITS: [Unit; 3] =
    [(&["Y"], Part::Months, 12), (&["M"], Part::Months, 1), (&["D"], Part::Days, 1)];
const ISO_TIME_UNITS: [Unit; 3] =
    [(&["H"], Part::Nanos, HOUR_NS), (&["M"], Part::Nanos, MINUTE_NS), (&["S"], Part::Nanos, SECOND_NS)];

/// Appends a CQL duration (CQL binary protocol v4, section 6).
pub(super) fn duration(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(CodecError::empty(RejectCode::InvalidDuration));
    }
    let mut cursor = Cursor::new(text);
    let negative = cursor.eat_sign().unwrap_or(false);
    let parts = if !cursor.eat(b'P') {
        standard(cursor)?
    } else if cursor.rest().get(4) == Some(&b'-') {
        alternative(cursor)?
    } else {
        iso(cursor)?
    };
    for part in [parts.months, parts.days, parts.nanos] {
        vint::append_signed(if negative { -part } else { part }, out);
    }
    Ok(())
}

/// `1y2mo3w4d5h6m7s8ms9us10ns`: at least one unit, each at most once, in this order, of either case.
fn standard(mut cursor: Cursor<'_>) -> Result<Parts, CodecError> {
    let mut parts = Parts::default();
    let mut units = UNITS.as_slice();
    loop {
        let digits = cursor.digits();
        let name = cursor.take_while(|byte| !byte.is_ascii_digit());
        units = add_unit(&mut parts, units, digits, name)?;
        if cursor.is_empty() {
            return Ok(parts);
        }
    }
}

/// Behind the `P`: `1Y2M3DT4H5M6S`, any of them left out but not all, or weeks alone. Seconds may have a fraction.
fn iso(mut cursor: Cursor<'_>) -> Result<Parts, CodecError> {
    let mut parts = Parts::default();
    if let [digits @ .., b'W'] = cursor.rest() {
        let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let weeks = if all_digits { number(digits).ok_or(OUT_OF_RANGE)? } else { return Err(INVALID) };
        parts.add(Part::Days, weeks, 7)?;
        return Ok(parts);
    }
    let mut units = ISO_DATE_UNITS.as_slice();
    let mut in_time = false;
    loop {
        if !in_time && cursor.eat(b'T') {
            (units, in_time) = (&ISO_TIME_UNITS, true);
        }
        let digits = cursor.digits();
        let has_fraction = in_time && (cursor.eat(b'.') || cursor.eat(b','));
        let fraction = if has_fraction { cursor.digits() } else { &[] };
        let name = cursor.take_while(|byte| byte.is_ascii_alphabetic() && byte != b'T');
        if has_fraction {
            if fraction.is_empty() || !name.eq_ignore_ascii_case(b"S") {
                return Err(INVALID);
            }
            parts.add(Part::Nanos, nanos(fraction)?, 1)?;
        }
        units = add_unit(&mut parts, units, digits, name)?;
        if cursor.is_empty() {
            return Ok(parts);
        }
    }
}

/// Behind the `P`: `YYYY-MM-DDThh:mm:ss`, all of it; as in CQL, 13 months or 60 seconds are what they say.
fn alternative(mut cursor: Cursor<'_>) -> Result<Parts, CodecError> {
    let mut parts = Parts::default();
    let years = cursor.two().ok_or(INVALID)? * 100 + cursor.two().ok_or(INVALID)?;
    parts.add(Part::Months, i64::from(years), 12)?;
    let rest = [
        (b'-', Part::Months, 1),
        (b'-', Part::Days, 1),
        (b'T', Part::Nanos, HOUR_NS),
        (b':', Part::Nanos, MINUTE_NS),
        (b':', Part::Nanos, SECOND_NS),
    ];
    for (separator, part, size) in rest {
        if !cursor.eat(separator) {
            return Err(INVALID);
        }
        parts.add(part, i64::from(cursor.two().ok_or(INVALID)?), size)?;
    }
    if cursor.is_empty() { Ok(parts) } else { Err(INVALID) }
}

/// Adds a number of the unit called `name`; returns the units that may still follow.
fn add_unit<'u>(
    parts: &mut Parts,
    units: &'u [Unit],
    digits: &[u8],
    name: &[u8],
) -> Result<&'u [Unit], CodecError> {
    let is_called =
        |(names, ..): &Unit| names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    let at = units.iter().position(is_called).filter(|_| !digits.is_empty()).ok_or(INVALID)?;
    if let Some(&(_, part, size)) = units.get(at) {
        parts.add(part, number(digits).ok_or(OUT_OF_RANGE)?, size)?;
    }
    Ok(units.get(at + 1..).unwrap_or_default())
}

/// A fraction of a second in nanoseconds.
fn nanos(fraction: &[u8]) -> Result<i64, CodecError> {
    if fraction.iter().skip(9).any(|&digit| digit != b'0') {
        return Err(TOO_FINE);
    }
    let padded = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    Ok(padded.fold(0, |value, digit| value * 10 + i64::from(digit.wrapping_sub(b'0'))))
}
