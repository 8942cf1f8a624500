//! Bytes to records. Everything here is pure: it is given bytes and returns records, and never reads a file.
//!
//! [`Format`] is what the rest of the program knows of formats: where one is split and read, a `match` on it says how.

pub mod boundaries;
pub mod charset;
pub mod csv;
pub mod detect;
pub mod reader;
pub mod record;

use serde::{Deserialize, Serialize};

use csv::dialect::Dialect;

/// What the inputs are, with all that says how they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// CSV in some dialect; TSV is one.
    Csv(Dialect),
}

impl Format {
    /// The dialect, if it is CSV.
    pub fn dialect(&self) -> Option<&Dialect> {
        match self {
            Format::Csv(dialect) => Some(dialect),
        }
    }
}

impl Default for Format {
    fn default() -> Self {
        Format::Csv(Dialect::default())
    }
}
