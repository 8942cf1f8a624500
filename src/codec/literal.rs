//! Decimal literals cut into their parts, for integers and for numbers of any size: `[+-] digits [. digits] [e [+-] digits]`,
//! with a digit on at least one side of the point. Only looks; converts nothing, so its cost is the length of the text.

use super::cursor::{self, Cursor};

/// No type holds a number with a power of ten this large: larger exponents are brought down to it, so that sums with the
/// length of a text cannot overflow.
const EXPONENT_MAX: i64 = 1 << 60;

/// The parts of a decimal literal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Literal<'a> {
    pub(super) negative: bool,
    /// The digits before the point.
    pub(super) whole: &'a [u8],
    /// The digits after it.
    pub(super) fraction: &'a [u8],
    /// The power of ten behind the `e`, within ±[`EXPONENT_MAX`].
    pub(super) exponent: i64,
}

impl<'a> Literal<'a> {
    /// Reads the whole of `text`, which has no white space around it.
    pub(super) fn parse(text: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        let negative = cursor.eat_sign().unwrap_or(false);
        let whole = cursor.digits();
        let fraction = if cursor.eat(b'.') { cursor.digits() } else { &[] };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = if cursor.eat(b'e') || cursor.eat(b'E') { exponent(&mut cursor)? } else { 0 };
        cursor.is_empty().then_some(Literal { negative, whole, fraction, exponent })
    }

    /// The power of ten that the digits before and after the point, read as one integer, are multiplied by.
    pub(super) fn power(&self) -> i64 {
        // A text's length is at most isize::MAX, so neither the conversion nor the difference overflows in practice.
        self.exponent.saturating_sub(i64::try_from(self.fraction.len()).unwrap_or(i64::MAX))
    }

    /// The value's digits without zeros at either end, and the power of ten to multiply them by; no digits: zero.
    pub(super) fn significant(&self) -> (impl Iterator<Item = u8> + Clone + use<'a>, usize, i64) {
        let (whole, fraction) = (trim_start(self.whole), self.fraction);
        let fraction = if whole.is_empty() { trim_start(fraction) } else { fraction };
        let kept_fraction = trim_end(fraction);
        let kept_whole = if kept_fraction.is_empty() { trim_end(whole) } else { whole };
        let dropped = whole.len() - kept_whole.len() + fraction.len() - kept_fraction.len();
        let power = self.power().saturating_add(i64::try_from(dropped).unwrap_or(i64::MAX));
        let digits = kept_whole.iter().chain(kept_fraction).map(|digit| digit.wrapping_sub(b'0'));
        (digits, kept_whole.len() + kept_fraction.len(), power)
    }
}

fn exponent(cursor: &mut Cursor<'_>) -> Option<i64> {
    let negative = cursor.eat_sign().unwrap_or(false);
    let digits = cursor.digits();
    if digits.is_empty() {
        return None;
    }
    let size = cursor::number(digits).map_or(EXPONENT_MAX, |size| size.min(EXPONENT_MAX));
    Some(if negative { -size } else { size })
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
    digits.get(..digits.len() - zeros).unwrap_or_default()
}
