//! Numbers with other separators than the point: checked, and written as the codecs of numbers read them. Pure; converts nothing.
//! What is not exactly so is refused: `1.23` with points between thousands is no number, not 123.

use serde::{Deserialize, Serialize};

use super::super::CodecError;
use crate::reject::RejectCode;

const NOT_WITH_THESE: CodecError = CodecError::new(
    RejectCode::InvalidNumber,
    "not a number as --decimal-separator and --thousands-separator say: with separators between thousands, all groups but \
     the first have three digits, and the first is not 0",
);

/// The most bytes of a number that are written without asking for memory.
const SHORT_BYTES: usize = 64;

/// What stands in numbers beside digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Separators {
    decimal: char,
    thousands: Option<char>,
}

impl Separators {
    /// These two.
    ///
    /// # Errors
    /// They are one, or mean something else in a number.
    pub fn new(decimal: char, thousands: Option<char>) -> Result<Self, String> {
        let is_taken = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-') || c.is_control();
        if let Some(taken) = [Some(decimal), thousands].into_iter().flatten().find(|&c| is_taken(c)) {
            return Err(format!(
                "{taken:?} is no separator: digits, letters and signs mean something else in a number"
            ));
        }
        if Some(decimal) == thousands {
            return Err(format!(
                "{decimal:?} cannot stand both before decimals and between thousands: give --decimal-separator and \
                 --thousands-separator two different characters"
            ));
        }
        Ok(Separators { decimal, thousands })
    }

    /// The character before decimals.
    pub fn decimal(self) -> char {
        self.decimal
    }

    /// The character between thousands.
    pub fn thousands(self) -> Option<char> {
        self.thousands
    }

    /// What `read` makes of a number once it is written with a point. Texts without any digit (`NaN`) are passed on.
    pub(crate) fn plain<T>(
        self,
        text: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, CodecError>,
    ) -> Result<T, CodecError> {
        let text = text.trim_ascii();
        if !text.iter().any(u8::is_ascii_digit) {
            return read(text);
        }
        // A number becomes no longer by it.
        let mut short = [0; SHORT_BYTES];
        let mut long = Vec::new();
        let room = match short.get_mut(..text.len()) {
            Some(room) => room,
            None => {
                long.resize(text.len(), 0);
                &mut long[..]
            }
        };
        let len = self.write(text, room).ok_or(NOT_WITH_THESE)?;
        read(room.get(..len).ok_or(NOT_WITH_THESE)?)
    }

    /// Writes `text` with a point; how long it is.
    fn write(self, text: &[u8], room: &mut [u8]) -> Option<usize> {
        let mut out = Writer { room, len: 0 };
        let mut rest = text;
        if let [sign @ (b'+' | b'-'), after @ ..] = rest {
            out.push(*sign)?;
            rest = after;
        }
        rest = self.whole(rest, &mut out)?;
        if let Some(after) = strip(rest, self.decimal) {
            out.push(b'.')?;
            rest = out.digits(after)?.1;
        }
        if let [b'e' | b'E', after @ ..] = rest {
            out.push(b'e')?;
            rest = after;
            if let [sign @ (b'+' | b'-'), after @ ..] = rest {
                out.push(*sign)?;
                rest = after;
            }
            rest = out.digits(rest)?.1;
        }
        rest.is_empty().then_some(out.len)
    }

    /// The digits before the decimals: all together, or in groups.
    fn whole<'t>(self, text: &'t [u8], out: &mut Writer<'_>) -> Option<&'t [u8]> {
        let (first, mut rest) = out.digits(text)?;
        let Some(thousands) = self.thousands else { return Some(rest) };
        let is_first_of_many = (1..=3).contains(&first) && text.first() != Some(&b'0');
        while let Some(after) = strip(rest, thousands).filter(|_| is_first_of_many) {
            let (count, after) = out.digits(after)?;
            if count != 3 {
                return None;
            }
            rest = after;
        }
        Some(rest)
    }
}

/// What follows a character.
fn strip(text: &[u8], character: char) -> Option<&[u8]> {
    text.strip_prefix(character.encode_utf8(&mut [0; 4]).as_bytes())
}

/// A place for a text that is known to have room for it.
struct Writer<'r> {
    room: &'r mut [u8],
    len: usize,
}

impl Writer<'_> {
    fn push(&mut self, byte: u8) -> Option<()> {
        *self.room.get_mut(self.len)? = byte;
        self.len += 1;
        Some(())
    }

    /// Writes the digits at the beginning of `text`; how many they are, and what follows them.
    fn digits<'t>(&mut self, text: &'t [u8]) -> Option<(usize, &'t [u8])> {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = text.split_at_checked(count)?;
        self.room.get_mut(self.len..self.len + count)?.copy_from_slice(digits);
        self.len += count;
        Some((count, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(decimal: char, thousands: Option<char>, text: &str) -> Option<String> {
        let separators = Separators::new(decimal, thousands).unwrap();
        let read = |text: &[u8]| Ok(String::from_utf8(text.to_vec()).unwrap());
        separators.plain(text.as_bytes(), read).ok()
    }

    #[test]
    fn numbers_are_written_with_a_point_and_without_thousands() {
        let check = |decimal, thousands, text: &str, expected: &str| {
            assert_eq!(plain(decimal, thousands, text).as_deref(), Some(expected), "{text}");
        };
        check(',', Some('.'), "1.234.567,89", "1234567.89");
        check(',', Some('.'), " -1.234 ", "-1234");
        check(',', Some('.'), "+999.000,5e-3", "+999000.5e-3");
        check(',', Some('.'), "1234567,89", "1234567.89");
        check(',', Some('.'), "0,5", "0.5");
        check(',', Some('.'), ",5", ".5");
        check(',', Some('.'), "007", "007");
        check(',', Some('.'), "5,", "5.");
        check(',', None, "1,5E10", "1.5e10");
        check('.', Some(','), "1,234.5", "1234.5");
        check('.', Some('\''), "1'234'567", "1234567");
        check(',', Some(' '), "1 234,5", "1234.5");
        check(',', Some('\u{a0}'), "12\u{a0}345\u{a0}678,5", "12345678.5");
        check(',', Some('\u{202f}'), "1\u{202f}234", "1234");
        check('٫', Some('٬'), "1٬234٫5", "1234.5");
        check(',', Some('.'), "NaN", "NaN");
        check(',', Some('.'), "-Infinity", "-Infinity");
        check(',', Some('.'), &format!("1{}", ".000".repeat(40)), &format!("1{}", "000".repeat(40)));
    }

    #[test]
    fn misplaced_separators_are_refused() {
        let check = |decimal, thousands, text: &str| {
            assert_eq!(plain(decimal, thousands, text), None, "{text}");
        };
        for text in [
            "1.23",
            "1.2345",
            "12.34.567",
            "1234.567",
            ".123",
            "1..234",
            "1.234.",
            "1.234,567.8",
            "0.123",
            "000.123",
            "1,2,3",
            "1,234,567",
            "1 234",
            "1e1.000",
            "--1",
            "1.234x",
            "0x10",
            "1.-234",
            "\u{661}1",
        ] {
            check(',', Some('.'), text);
        }
        check(',', None, "1.5");
        check(',', None, "1.000");
        check('.', Some(','), "1,5");
        check('.', Some(' '), "1  234");
    }

    #[test]
    fn separators_are_two_characters_without_another_meaning() {
        for (decimal, thousands) in
            [('.', Some('.')), ('1', None), (',', Some('e')), ('-', None), (',', Some('+')), ('\n', None)]
        {
            assert!(Separators::new(decimal, thousands).is_err(), "{decimal:?} {thousands:?}");
        }
    }
}
