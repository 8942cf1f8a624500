//! A text read from left to right, for the types whose texts have several forms. Talks to `literal`, `temporal` and
//! `duration`; knows no type itself and never allocates.

/// What is left of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Cursor { rest: text }
    }

    pub(super) fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn peek(self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes the next byte if it is `byte`.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes a sign if there is one: `Some(true)` for minus.
    pub(super) fn eat_sign(&mut self) -> Option<bool> {
        if self.eat(b'-') {
            Some(true)
        } else if self.eat(b'+') {
            Some(false)
        } else {
            None
        }
    }

    /// Takes the bytes for which `wanted` holds; they may be none.
    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| !wanted(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Takes the digits that come next; they may be none.
    pub(super) fn digits(&mut self) -> &'a [u8] {
        self.take_while(|byte| byte.is_ascii_digit())
    }

    /// Takes two digits as a number.
    pub(super) fn two(&mut self) -> Option<u32> {
        let (pair, rest) = self.rest.split_first_chunk::<2>()?;
        let value = two_digits(pair[0], pair[1]);
        if value > 99 {
            return None;
        }
        self.rest = rest;
        Some(value)
    }
}

/// The number that two digits make, or something above 99 where one of them is no digit.
#[inline]
pub(super) fn two_digits(tens: u8, ones: u8) -> u32 {
    let (tens, ones) = (u32::from(tens.wrapping_sub(b'0')), u32::from(ones.wrapping_sub(b'0')));
    if tens > 9 || ones > 9 { 1_000 } else { tens * 10 + ones }
}

/// The number that `digits` make, or `None` where it does not fit.
pub(super) fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0i64, |value, &digit| {
        value.checked_mul(10)?.checked_add(i64::from(digit.wrapping_sub(b'0')))
    })
}
