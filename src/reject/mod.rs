//! Rejects: records that could not become rows. Each leaves its original bytes, in a file that loads again after a fix,
//! and the reason, as a JSON line at the same place of another file.
//!
//! Workers write one pair of part files for each attempt at a unit ([`part`]); when a run ends the coordinator joins what counts of
//! them ([`merge`]), and keeps them for the next run if the job is not finished. All may hold data: files are created 0600, their
//! directory 0700.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub mod budget;
mod index;
pub mod merge;
pub mod part;
pub mod refused;

/// Why a record was rejected: a stable code, written to the reject files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// More or fewer fields than the header (or `--columns`) names.
    FieldCount,
    /// A key column is null.
    NullKey,
    /// The only partition key column is empty, which the server refuses.
    EmptyKey,
    /// A key is longer than 65,535 bytes.
    KeyTooLarge,
    /// A value or row is larger than the server takes.
    ValueTooLarge,
    /// Not UTF-8.
    InvalidUtf8,
    /// No text in the encoding that the file is said to have.
    InvalidEncoding,
    /// Not 7-bit text.
    InvalidAscii,
    /// Not a number.
    InvalidNumber,
    /// A number or date outside the type's range.
    OutOfRange,
    /// Neither true nor false.
    InvalidBoolean,
    /// Not a date.
    InvalidDate,
    /// Not a time of day.
    InvalidTime,
    /// Not a timestamp.
    InvalidTimestamp,
    /// A time or number that the type cannot hold exactly.
    Inexact,
    /// Not a UUID (or, for timeuuid, not of version 1).
    InvalidUuid,
    /// Not an IP address.
    InvalidInet,
    /// Not hexadecimal bytes.
    InvalidBlob,
    /// Not a duration.
    InvalidDuration,
    /// Not the notation of a list, set, map, tuple, user type or vector.
    InvalidCollection,
    /// A null where only a value can be, inside a collection or vector.
    NullElement,
    /// More or fewer elements than the tuple or vector has.
    ElementCount,
    /// A field that the user type does not have, or one that is given twice.
    UnknownField,
    /// No JSON, or none that is an object.
    InvalidJson,
    /// A key of a JSON object that is no column, or not just one.
    UnknownKey,
    /// A key that stands in a JSON object twice.
    DuplicateKey,
    /// The server refused the row for its content.
    RefusedByServer,
    /// It was sent, and nobody knows whether it was written; it must not be sent twice.
    Uncertain,
    /// The condition of its statement did not hold.
    NotApplied,
    /// In a verification: the table has no such row.
    Missing,
    /// In a verification: the row has another value than the file.
    Different,
    /// In a verification: the row was written again after the job.
    Overwritten,
}

impl RejectCode {
    /// Whether it tells what the table has, and not what is wrong with the record.
    pub fn is_finding(self) -> bool {
        matches!(self, RejectCode::Missing | RejectCode::Different | RejectCode::Overwritten)
    }

    /// Whether nothing is wrong with the record, so that it does not count as an error.
    pub fn is_aside(self) -> bool {
        matches!(self, RejectCode::Uncertain | RejectCode::NotApplied)
    }

    /// What the name of the file begins with that gets the record. Each finding has one of its own: what is missing may be loaded
    /// again, what was overwritten must not.
    fn file_prefix(self) -> &'static str {
        match self {
            RejectCode::Uncertain => "uncertain",
            RejectCode::NotApplied => "not-applied",
            RejectCode::Missing => "missing",
            RejectCode::Different => "different",
            RejectCode::Overwritten => "overwritten",
            _ => REJECTED,
        }
    }
}

/// What the names of files of rejected records begin with.
const REJECTED: &str = "rejected";
/// What the names of all files of records begin with.
const FILE_PREFIXES: [&str; 6] =
    [REJECTED, "uncertain", "not-applied", "missing", "different", "overwritten"];

/// What is wrong with a record, before it is known where the record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The stable code.
    pub code: RejectCode,
    /// The column, where one is to blame.
    pub column: Option<String>,
    /// The field's text, cut to a readable length; only where a column is to blame.
    pub value: Option<Vec<u8>>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.column {
            Some(column) => write!(f, "column {column}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// A line of the reasons file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectReason {
    /// The input file.
    pub file: String,
    /// Line of the record's first byte, from 1.
    pub line: u64,
    /// Offset in the file of the record's first byte.
    pub offset: u64,
    /// Length of the record, its line end included.
    pub bytes: u64,
    /// The record's number in the file, from 1, without the header.
    pub record: u64,
    /// The column, where one is to blame.
    pub column: Option<String>,
    /// The field's text, cut to a readable length.
    pub value: Option<String>,
    /// The stable code.
    pub code: RejectCode,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Why there are no reject files, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum RejectError {
    /// They cannot be written.
    #[error("cannot write the reject file {}: {source}; choose another directory with --rejects (of a verification: --differences)", path.display())]
    Write {
        /// The file or its directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What a worker has written cannot be read.
    #[error("cannot read the reject file {}: {source}; bring it back, or begin anew with --restart", path.display())]
    Read {
        /// The part file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What a worker has written is not there any more.
    #[error("the reject file {} {what}: was it changed? bring it back, or begin anew with --restart", path.display())]
    Damaged {
        /// The part file.
        path: PathBuf,
        /// What it holds and what it should.
        what: String,
    },
}

impl RejectError {
    /// Whether rejects are gone that were counted: going on would end here again.
    pub fn is_loss(&self) -> bool {
        match self {
            RejectError::Write { .. } => false,
            RejectError::Read { .. } | RejectError::Damaged { .. } => true,
        }
    }

    fn at(path: &Path) -> impl FnOnce(io::Error) -> RejectError {
        let path = path.to_path_buf();
        move |source| RejectError::Write { path, source }
    }

    fn reading(path: &Path) -> impl FnOnce(io::Error) -> RejectError {
        let path = path.to_path_buf();
        move |source| RejectError::Read { path, source }
    }

    fn damaged(path: &Path, what: String) -> RejectError {
        RejectError::Damaged { path: path.to_path_buf(), what }
    }
}
