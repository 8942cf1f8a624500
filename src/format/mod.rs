//! Bytes to records. Everything here is pure: it is given bytes and returns records, and never reads a file.
//!
//! [`Format`] is what the rest of the program knows of formats: where one is split and read, a `match` on it says how.

pub mod boundaries;
pub mod charset;
pub mod csv;
pub mod detect;
pub mod json;
pub mod parquet;
pub mod reader;
pub mod record;

use serde::{Deserialize, Serialize};

use charset::Charset;
use csv::dialect::Dialect;

/// A format, as `--format` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lowercase")]
pub enum FormatName {
    /// CSV.
    Csv,
    /// CSV without quotes, by tabs, with backslashes.
    Tsv,
    /// A JSON object a line.
    #[value(alias = "jsonl")]
    Ndjson,
    /// JSON objects that may span lines.
    Json,
    /// Parquet.
    Parquet,
}

/// What the inputs are, with all that says how they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// CSV in some dialect; TSV is one.
    Csv(Dialect),
    /// A JSON object a line, in this encoding.
    Ndjson(Charset),
    /// JSON objects that may span lines, one after the other or in one array, in this encoding.
    Json(Charset),
    /// Parquet.
    Parquet,
}

impl Format {
    /// How the format is called by `--format`.
    pub fn name(&self) -> &'static str {
        match self {
            Format::Csv(_) => "csv",
            Format::Ndjson(_) => "ndjson",
            Format::Json(_) => "json",
            Format::Parquet => "parquet",
        }
    }

    /// The encoding of the files.
    pub fn charset(&self) -> Charset {
        match self {
            Format::Csv(dialect) => dialect.charset,
            Format::Ndjson(charset) | Format::Json(charset) => *charset,
            Format::Parquet => Charset::UTF_8,
        }
    }

    /// The same for a file that is decoded before it is read, from this encoding.
    pub fn decoded_from(&self, decoding: Option<Charset>) -> Format {
        match (*self, decoding) {
            (format, None) => format,
            (Format::Csv(dialect), Some(charset)) => Format::Csv(Dialect { charset, ..dialect }),
            (Format::Ndjson(_), Some(charset)) => Format::Ndjson(charset),
            (Format::Json(_), Some(charset)) => Format::Json(charset),
            (Format::Parquet, Some(_)) => Format::Parquet,
        }
    }

    /// Whether its fields are those of keys in each record, instead of names in a header.
    pub fn is_keyed(&self) -> bool {
        matches!(self, Format::Ndjson(_) | Format::Json(_))
    }

    /// The dialect, if it is CSV.
    pub fn dialect(&self) -> Option<&Dialect> {
        match self {
            Format::Csv(dialect) => Some(dialect),
            Format::Ndjson(_) | Format::Json(_) | Format::Parquet => None,
        }
    }
}

impl Default for Format {
    fn default() -> Self {
        Format::Csv(Dialect::default())
    }
}
