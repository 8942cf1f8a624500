//! What makes a CSV file's dialect. The default is RFC 4180: comma, double quotes doubled to escape, a header.

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

impl Default for Dialect {
    fn default() -> Self {
        Dialect { delimiter: b',', quote: Some(b'"'), escape: None, comment: None, header: true }
    }
}
