//! What makes a CSV file's dialect. The default is RFC 4180: comma, double quotes doubled to escape, a header.
//! The one place that turns a dialect into a csv-core reader: what that reader says is what the file holds.

use serde::{Deserialize, Serialize};

/// The characters that a CSV file's structure is made of. Every one is a single byte below 0x80.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// Between the fields of a record.
    pub delimiter: u8,
    /// Around fields that hold delimiters, quotes or line ends; `None`: quotes are data.
    pub quote: Option<u8>,
    /// Before a quote inside a quoted field, beside doubling it; `None`: only doubling escapes.
    pub escape: Option<u8>,
    /// At the start of a line: the line is no record.
    pub comment: Option<u8>,
    /// Whether the first record names the columns.
    pub header: bool,
}

/// Why a dialect cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialectError {
    /// One character with two meanings.
    #[error("--{first} and --{second} are both '{}': each needs a character of its own", byte.escape_ascii())]
    Ambiguous {
        /// One setting.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// The byte of both.
        byte: u8,
    },
    /// A quote that escapes itself needs no mention.
    #[error("--escape is the same as --quote: doubled quotes are always understood; leave --escape out")]
    EscapeIsQuote,
    /// An escape works inside quotes only.
    #[error("--escape with --quote none: an escape stands before quotes in quoted fields; leave it out")]
    EscapeWithoutQuote,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect { delimiter: b',', quote: Some(b'"'), escape: None, comment: None, header: true }
    }
}

impl Dialect {
    /// Whether a byte can be one of a dialect's characters: it ends no line and no string and is no part of a longer one.
    pub fn is_usable(byte: u8) -> bool {
        byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0)
    }

    /// Checks that every byte has one meaning at most.
    ///
    /// # Errors
    /// Two settings share a character, or there is an escape but no quote.
    pub fn validate(&self) -> Result<(), DialectError> {
        match (self.quote, self.escape) {
            (None, Some(_)) => return Err(DialectError::EscapeWithoutQuote),
            (Some(quote), Some(escape)) if quote == escape => return Err(DialectError::EscapeIsQuote),
            _ => {}
        }
        let roles = [
            ("delimiter", Some(self.delimiter)),
            ("quote", self.quote),
            ("escape", self.escape),
            ("comment", self.comment),
        ];
        for (index, &(second, byte)) in roles.iter().enumerate() {
            let Some(byte) = byte else { continue };
            let same = roles.iter().take(index).find(|(_, other)| *other == Some(byte));
            if let Some(&(first, _)) = same {
                return Err(DialectError::Ambiguous { first, second, byte });
            }
        }
        Ok(())
    }

    /// A csv-core reader for this dialect. `\n`, `\r` and `\r\n` each end a record.
    ///
    /// Never clone a built reader: csv-core's `Clone` leaves out a part of its tables.
    pub fn core_reader(&self) -> csv_core::Reader {
        let mut builder = csv_core::ReaderBuilder::new();
        builder
            .delimiter(self.delimiter)
            .double_quote(true)
            .escape(self.escape)
            .comment(self.comment)
            .terminator(csv_core::Terminator::CRLF);
        match self.quote {
            Some(quote) => builder.quote(quote),
            None => builder.quoting(false),
        };
        builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dialect: Dialect, expected: Result<(), &str>) {
        let found = dialect.validate().map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn usual_dialects_are_valid() {
        check(Dialect::default(), Ok(()));
        check(Dialect { delimiter: b'\t', quote: None, ..Dialect::default() }, Ok(()));
        check(Dialect { escape: Some(b'\\'), comment: Some(b'#'), ..Dialect::default() }, Ok(()));
    }

    #[test]
    fn one_character_cannot_have_two_meanings() {
        let check = |dialect: Dialect, first: &str, second: &str, byte: &str| {
            let message =
                format!("--{first} and --{second} are both '{byte}': each needs a character of its own");
            super::tests::check(dialect, Err(&message));
        };
        let usual = Dialect::default();
        check(Dialect { quote: Some(b','), ..usual }, "delimiter", "quote", ",");
        check(Dialect { delimiter: b'\t', comment: Some(b'\t'), ..usual }, "delimiter", "comment", "\\t");
        check(Dialect { escape: Some(b'#'), comment: Some(b'#'), ..usual }, "escape", "comment", "#");
    }

    #[test]
    fn line_ends_nul_and_bytes_of_longer_characters_are_not_usable() {
        for byte in [b'\n', b'\r', 0, 0x80, 0xe9, 0xff] {
            assert!(!Dialect::is_usable(byte), "{byte}");
        }
        for byte in [b'\t', 1, b' ', b'|', 0x7f] {
            assert!(Dialect::is_usable(byte), "{byte}");
        }
    }

    #[test]
    fn an_escape_needs_a_quote_that_is_another_character() {
        let escaped = Dialect { escape: Some(b'"'), ..Dialect::default() };
        assert_eq!(escaped.validate(), Err(DialectError::EscapeIsQuote));
        assert_eq!(Dialect { quote: None, ..escaped }.validate(), Err(DialectError::EscapeWithoutQuote));
    }
}
