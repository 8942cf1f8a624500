//! The fixed-size numbers: tinyint, smallint, int, bigint (two's complement, big-endian) and float, double (IEEE 754,
//! big-endian). Integers may be written as `1.0` or `1e3` where that is exact; nothing is ever rounded to an integer.

use super::CodecError;
use super::literal::Literal;
use crate::reject::RejectCode;

const NOT_AN_INTEGER: CodecError = CodecError::new(
    RejectCode::InvalidNumber,
    "not an integer: write digits with an optional sign, such as -42",
);
const NOT_INTEGRAL: CodecError = CodecError::new(
    RejectCode::Inexact,
    "has digits after the point, which an integer cannot hold: round it in the file or load it into a decimal or double",
);
const NOT_A_NUMBER: CodecError = CodecError::new(
    RejectCode::InvalidNumber,
    "not a number: write one such as -12.5 or 1.5e9, or NaN, Infinity, -Infinity",
);

/// Digits that always fit an i64.
const FAST_DIGITS_MAX: usize = 18;

macro_rules! fixed_integer {
    ($name:ident, $type:ty, $message:literal) => {
        #[doc = concat!("Appends a CQL ", stringify!($name), " (CQL binary protocol v4, section 6).")]
        pub(super) fn $name(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
            const OUT_OF_RANGE: CodecError = CodecError::new(RejectCode::OutOfRange, $message);
            let value = match small_integer(text) {
                Some(value) => value,
                None => integer(text, OUT_OF_RANGE)?,
            };
            let value = <$type>::try_from(value).map_err(|_| OUT_OF_RANGE)?;
            out.extend_from_slice(&value.to_be_bytes());
            Ok(())
        }
    };
}

fixed_integer!(tinyint, i8, "outside the range of tinyint, -128 to 127: load it into a smallint or int");
fixed_integer!(
    smallint,
    i16,
    "outside the range of smallint, -32768 to 32767: load it into an int or bigint"
);
fixed_integer!(int, i32, "outside the range of int, -2147483648 to 2147483647: load it into a bigint");
fixed_integer!(
    bigint,
    i64,
    "outside the range of bigint, -9223372036854775808 to 9223372036854775807: load it into a varint"
);

/// The usual form: a sign or none, then 1 to 18 digits and nothing else. `None` is for [`integer`] to judge.
#[inline]
pub(super) fn small_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > FAST_DIGITS_MAX {
        return None;
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// Any integer, in any of its forms.
#[cold]
pub(super) fn integer(text: &[u8], out_of_range: CodecError) -> Result<i64, CodecError> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(CodecError::empty(RejectCode::InvalidNumber));
    }
    let literal = Literal::parse(text).ok_or(NOT_AN_INTEGER)?;
    let (digits, count, power) = literal.significant();
    if count == 0 {
        return Ok(0);
    }
    let zeros = u32::try_from(power).map_err(|_| if power < 0 { NOT_INTEGRAL } else { out_of_range })?;
    let value = digits
        .chain(std::iter::repeat_n(0, zeros as usize))
        .try_fold(0i128, |value, digit| value.checked_mul(10)?.checked_add(i128::from(digit)))
        .ok_or(out_of_range)?;
    i64::try_from(if literal.negative { -value } else { value }).map_err(|_| out_of_range)
}

/// Appends a CQL double (CQL binary protocol v4, section 6): the nearest one to the text.
pub(super) fn double(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    let value = match short_decimal(text) {
        Some(value) => value,
        None => any_double(text)?,
    };
    out.extend_from_slice(&value.to_be_bytes());
    Ok(())
}

/// Appends a CQL float (CQL binary protocol v4, section 6): the nearest one to the text.
pub(super) fn float(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    const OUT_OF_RANGE: CodecError = CodecError::new(
        RejectCode::OutOfRange,
        "larger than a float can be, about 3.4e38: load it into a double or decimal",
    );
    // Not by way of a double: rounding twice is not rounding to the nearest.
    let value = float_text(text)?.parse::<f32>().map_err(|_| NOT_A_NUMBER)?;
    if value.is_infinite() && has_digit(text) {
        return Err(OUT_OF_RANGE);
    }
    let value = if value.is_nan() { f32::NAN } else { value };
    out.extend_from_slice(&value.to_be_bytes());
    Ok(())
}

/// The usual form of a double: a sign or none, 1 to 15 digits with one point among or before them, nothing else.
///
/// Up to 15 digits and the powers of ten up to 10^22 are doubles themselves, and IEEE 754 rounds the quotient of two
/// doubles to the nearest, so the one division gives the right answer (W. D. Clinger, "How to Read Floating Point
/// Numbers Accurately", 1990). `None` is for [`any_double`] to judge.
#[inline]
pub(super) fn short_decimal(text: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > POWERS.len() {
        return None;
    }
    let mut value = 0u64;
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + u64::from(digit);
        } else if *byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    let (digit_count, decimals) = match point {
        Some(at) => (digits.len() - 1, digits.len() - 1 - at),
        None => (digits.len(), 0),
    };
    if digit_count == 0 || digit_count > 15 {
        return None;
    }
    let value = value as f64 / POWERS.get(decimals)?;
    Some(if negative { -value } else { value })
}

/// Any double, in any of its forms.
pub(super) fn any_double(text: &[u8]) -> Result<f64, CodecError> {
    const OUT_OF_RANGE: CodecError = CodecError::new(
        RejectCode::OutOfRange,
        "larger than a double can be, about 1.8e308: load it into a decimal",
    );
    let value = float_text(text)?.parse::<f64>().map_err(|_| NOT_A_NUMBER)?;
    if value.is_infinite() && has_digit(text) {
        return Err(OUT_OF_RANGE);
    }
    // One NaN for all its spellings: in a key, NaNs of different bits would be different rows.
    Ok(if value.is_nan() { f64::NAN } else { value })
}

fn float_text(text: &[u8]) -> Result<&str, CodecError> {
    match text.trim_ascii() {
        [] => Err(CodecError::empty(RejectCode::InvalidNumber)),
        text => std::str::from_utf8(text).map_err(|_| NOT_A_NUMBER),
    }
}

/// Whether a text that parsed as infinity was a number too large, rather than the word.
fn has_digit(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit)
}
