//! The numbers of any size: varint (two's complement, big-endian, as few bytes as it takes) and decimal (a 32-bit scale
//! before such an integer). What they cost is bounded by the length of the text: an exponent becomes a scale in a decimal,
//! and may make a varint no longer than a text may be.

use num_bigint::{BigInt, BigUint, Sign};

use super::CodecError;
use super::literal::Literal;
use super::number::small_integer;
use crate::reject::RejectCode;

/// The most digits that are converted. Conversion takes time in the square of their number; these take milliseconds.
pub(super) const DIGITS_MAX: usize = 100_000;

const NOT_A_NUMBER: CodecError =
    CodecError::new(RejectCode::InvalidNumber, "not a number: write one such as -12.50 or 1.5e9");
const NOT_AN_INTEGER: CodecError = CodecError::new(
    RejectCode::InvalidNumber,
    "not an integer: write digits with an optional sign, such as -42",
);
const NOT_INTEGRAL: CodecError = CodecError::new(
    RejectCode::Inexact,
    "has digits after the point, which a varint cannot hold: round it in the file or load it into a decimal",
);
const TOO_MANY_DIGITS: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "has more than 100,000 digits, the most that ringload converts: load it into a text or blob",
);
const SCALE_OUT_OF_RANGE: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "its exponent does not fit the 32-bit scale of a decimal, -2147483648 to 2147483647: load it into a text",
);

/// Appends a CQL varint (CQL binary protocol v4, section 6).
pub(super) fn varint(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    if let Some(value) = small_integer(text) {
        append_small(value, out);
        return Ok(());
    }
    let literal = parse(text, NOT_AN_INTEGER)?;
    let (digits, count, power) = literal.significant();
    if count == 0 {
        append_small(0, out);
        return Ok(());
    }
    let zeros = usize::try_from(power).map_err(|_| NOT_INTEGRAL)?;
    if count.saturating_add(zeros) > DIGITS_MAX {
        return Err(TOO_MANY_DIGITS);
    }
    append(literal.negative, digits.chain(std::iter::repeat_n(0, zeros)).collect(), out);
    Ok(())
}

/// Appends a CQL decimal (CQL binary protocol v4, section 6): `1.50` is 150 with scale 2, `1e9` is 1 with scale -9.
pub(super) fn decimal(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    let literal = parse(text, NOT_A_NUMBER)?;
    let scale = literal.power().checked_neg().and_then(|scale| i32::try_from(scale).ok());
    out.extend_from_slice(&scale.ok_or(SCALE_OUT_OF_RANGE)?.to_be_bytes());
    let digits = literal.whole.iter().chain(literal.fraction).map(|digit| digit.wrapping_sub(b'0'));
    let count = literal.whole.len() + literal.fraction.len();
    if count <= 18 {
        let value = digits.fold(0i64, |value, digit| value * 10 + i64::from(digit));
        append_small(if literal.negative { -value } else { value }, out);
    } else if count <= DIGITS_MAX {
        append(literal.negative, digits.collect(), out);
    } else {
        return Err(TOO_MANY_DIGITS);
    }
    Ok(())
}

fn parse(text: &[u8], invalid: CodecError) -> Result<Literal<'_>, CodecError> {
    match text.trim_ascii() {
        [] => Err(CodecError::empty(RejectCode::InvalidNumber)),
        text => Literal::parse(text).ok_or(invalid),
    }
}

/// The shortest two's complement of a number: the leading bytes that only repeat the sign are left out.
fn append_small(value: i64, out: &mut Vec<u8>) {
    let redundant = if value < 0 { value.leading_ones() } else { value.leading_zeros() };
    let skip = (redundant.saturating_sub(1) / 8) as usize;
    out.extend(value.to_be_bytes().into_iter().skip(skip));
}

fn append(negative: bool, digits: Vec<u8>, out: &mut Vec<u8>) {
    let magnitude = BigUint::from_radix_be(&digits, 10).unwrap_or_default();
    let sign = if negative { Sign::Minus } else { Sign::Plus };
    out.extend_from_slice(&BigInt::from_biguint(sign, magnitude).to_signed_bytes_be());
}
