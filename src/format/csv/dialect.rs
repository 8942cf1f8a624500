//! What makes a CSV file's dialect. The default is RFC 4180: comma, double quotes doubled to escape, a header.
//! The one place that turns a dialect into a csv-core reader: what that reader says is what the file holds.

use serde::{Deserialize, Serialize};

use crate::format::charset::Charset;

/// The longest delimiter in bytes.
pub const DELIMITER_BYTES_MAX: usize = 8;

/// What stands between the fields of a record: some bytes that end no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delimiter {
    bytes: [u8; DELIMITER_BYTES_MAX],
    len: u8,
}

impl Delimiter {
    /// A delimiter of one byte.
    pub const fn byte(byte: u8) -> Self {
        let mut bytes = [0; DELIMITER_BYTES_MAX];
        bytes[0] = byte;
        Delimiter { bytes, len: 1 }
    }

    /// A delimiter of these bytes; `None` if they are none or too many, or hold a line end or NUL.
    pub const fn new(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > DELIMITER_BYTES_MAX {
            return None;
        }
        let mut bytes = [0; DELIMITER_BYTES_MAX];
        let mut at = 0;
        while at < text.len() {
            if matches!(text[at], b'\n' | b'\r' | 0) {
                return None;
            }
            bytes[at] = text[at];
            at += 1;
        }
        // The length is at most that of the array.
        Some(Delimiter { bytes, len: text.len() as u8 })
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The byte, if it is only one.
    pub fn single(&self) -> Option<u8> {
        match self.as_bytes() {
            [byte] => Some(*byte),
            _ => None,
        }
    }
}

/// What the escape character does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Escapes {
    /// In quoted fields, before a quote and before itself; elsewhere it is data.
    #[default]
    Quotes,
    /// Everywhere: the character behind it is data, whatever it is.
    Any,
    /// As [`Escapes::Any`], and what is left is unescaped again, as cqlsh escapes texts before it writes them as CSV.
    Cqlsh,
    /// As [`Escapes::Any`], but what stands behind it may be a letter for a character that a line of tab-separated values cannot hold,
    /// and a field that is only the escape and `N` is null, as PostgreSQL and MySQL write such files.
    Tsv,
}

/// Which spaces and tabs at a field's ends are no part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Trim {
    /// None: all are data.
    #[default]
    None,
    /// Those outside of quotes.
    Unquoted,
    /// Those inside of quotes too.
    All,
}

/// What a CSV file's structure is made of. Every character but the delimiter is a single byte below 0x80.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// Between the fields of a record.
    pub delimiter: Delimiter,
    /// Around fields that hold delimiters, quotes or line ends; `None`: quotes are data.
    pub quote: Option<u8>,
    /// Before a quote inside a quoted field, beside doubling it; `None`: only doubling escapes.
    pub escape: Option<u8>,
    /// Where else it escapes.
    pub escapes: Escapes,
    /// At the start of a line: the line is no record.
    pub comment: Option<u8>,
    /// Which spaces are no data.
    pub trim: Trim,
    /// What the bytes of texts mean. The structure is made of the same bytes in all encodings.
    pub charset: Charset,
    /// Whether the first record names the columns.
    pub header: bool,
}

/// Why a dialect cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialectError {
    /// A character that is a part of the delimiter.
    #[error("--{second} '{}' is a part of --delimiter: each needs characters of its own", byte.escape_ascii())]
    InDelimiter {
        /// The other setting.
        second: &'static str,
        /// Its byte.
        byte: u8,
    },
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
    #[error(
        "--escape with --quote none: an escape stands before quotes in quoted fields; leave it out, or add --escapes any"
    )]
    EscapeWithoutQuote,
    /// What an escape does where there is none.
    #[error("--escapes without --escape: say which character it is, for example --escape '\\'")]
    NoEscape,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect {
            delimiter: Delimiter::byte(b','),
            quote: Some(b'"'),
            escape: None,
            escapes: Escapes::Quotes,
            comment: None,
            trim: Trim::None,
            charset: Charset::UTF_8,
            header: true,
        }
    }
}

impl Dialect {
    /// Whether a byte can be one of a dialect's characters: it ends no line and no string and is no part of a longer one.
    pub fn is_usable(byte: u8) -> bool {
        byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0)
    }

    /// Whether csv-core reads it: it knows delimiters of one byte, no spaces around fields, and an escape that is always left out.
    pub(crate) fn is_simple(&self) -> bool {
        self.is_plain() && self.escape.is_none()
    }

    /// Whether its records begin where csv-core says that they do.
    pub(super) fn is_plain(&self) -> bool {
        self.delimiter.single().is_some() && self.trim == Trim::None && !self.escapes_anywhere()
    }

    /// Whether the escape works outside of quotes too.
    pub(super) fn escapes_anywhere(&self) -> bool {
        self.escapes != Escapes::Quotes
    }

    /// What a byte behind the escape stands for; `None`: nothing but itself, and the escape is data.
    pub(super) fn escaped(&self, byte: u8) -> Option<u8> {
        let is_own = self.quote == Some(byte) || self.escape == Some(byte);
        match (self.escapes, byte) {
            (Escapes::Quotes, _) => is_own.then_some(byte),
            (Escapes::Any | Escapes::Cqlsh, _) => Some(byte),
            (Escapes::Tsv, b'b') => Some(0x08),
            (Escapes::Tsv, b'f') => Some(0x0c),
            (Escapes::Tsv, b'n') => Some(b'\n'),
            (Escapes::Tsv, b'r') => Some(b'\r'),
            (Escapes::Tsv, b't') => Some(b'\t'),
            (Escapes::Tsv, b'v') => Some(0x0b),
            (Escapes::Tsv, b'0') => Some(0),
            (Escapes::Tsv, b'\n' | b'\r' | b'\'') => Some(byte),
            (Escapes::Tsv, _) => (is_own || self.delimiter.as_bytes().contains(&byte)).then_some(byte),
        }
    }

    /// Whether a text without quotes, as it stands in the file, says null.
    pub(super) fn is_null_mark(&self, text: &[u8]) -> bool {
        match text {
            [escape, b'N'] => self.escapes == Escapes::Tsv && self.escape == Some(*escape),
            _ => false,
        }
    }

    /// Whether a byte is a space that may be no data.
    #[inline]
    pub(super) fn trims(&self, byte: u8) -> bool {
        matches!(byte, b' ' | b'\t') && self.trim != Trim::None && !self.delimiter.as_bytes().contains(&byte)
    }

    /// Checks that every byte has one meaning at most.
    ///
    /// # Errors
    /// Two settings share a character, or there is an escape but no quote.
    pub fn validate(&self) -> Result<(), DialectError> {
        match (self.quote, self.escape) {
            (_, None) if self.escapes_anywhere() => return Err(DialectError::NoEscape),
            (None, Some(_)) if !self.escapes_anywhere() => return Err(DialectError::EscapeWithoutQuote),
            (Some(quote), Some(escape)) if quote == escape => return Err(DialectError::EscapeIsQuote),
            _ => {}
        }
        let roles = [
            ("delimiter", self.delimiter.single()),
            ("quote", self.quote),
            ("escape", self.escape),
            ("comment", self.comment),
        ];
        for (index, &(second, byte)) in roles.iter().enumerate() {
            let Some(byte) = byte else { continue };
            if self.delimiter.single().is_none() && self.delimiter.as_bytes().contains(&byte) {
                return Err(DialectError::InDelimiter { second, byte });
            }
            let same = roles.iter().take(index).find(|(_, other)| *other == Some(byte));
            if let Some(&(first, _)) = same {
                return Err(DialectError::Ambiguous { first, second, byte });
            }
        }
        Ok(())
    }

    /// A csv-core reader for this dialect, if it is a simple one (see `Dialect::is_simple`). `\n`, `\r` and `\r\n` each end a
    /// record.
    ///
    /// Never clone a built reader: csv-core's `Clone` leaves out a part of its tables.
    pub fn core_reader(&self) -> csv_core::Reader {
        let mut builder = csv_core::ReaderBuilder::new();
        builder
            .delimiter(self.delimiter.single().unwrap_or(b','))
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
        check(Dialect { delimiter: Delimiter::byte(b'\t'), quote: None, ..Dialect::default() }, Ok(()));
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
        check(
            Dialect { delimiter: Delimiter::byte(b'\t'), comment: Some(b'\t'), ..usual },
            "delimiter",
            "comment",
            "\\t",
        );
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
