//! Why a file cannot be split: told with the line, so that the user finds the record. What a broken document breaks is said by
//! [`crate::format::json::documents`]; nothing is decided here.

use std::path::PathBuf;

use crate::format::json::documents::Breach;
use crate::plan::discover::InputError;

/// Why a record cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The file ends inside quotes.
    #[error(
        "{}, line {line}: the quote opened here never closes: close it, or load with --quote none if quotes are data",
        path.display()
    )]
    OpenQuote {
        /// The file.
        path: PathBuf,
        /// The line of the quote, from 1.
        line: u64,
    },
    /// A record is over the limit, inside quotes.
    #[error(
        "{}, line {line}: the quote opened here does not close within {limit} bytes: close it, load with --quote none \
         if quotes are data, or raise --max-record-size",
        path.display()
    )]
    LongQuote {
        /// The file.
        path: PathBuf,
        /// The line of the quote, from 1.
        line: u64,
        /// The limit.
        limit: u64,
    },
    /// A record is over the limit.
    #[error(
        "{}, line {line}: the record that starts here is longer than {limit} bytes: raise --max-record-size",
        path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The line of the record's first byte, from 1.
        line: u64,
        /// The limit.
        limit: u64,
    },
    /// Where a document ends cannot be told.
    #[error(
        "{}, line {line} (byte {offset}), in the document that begins on line {opened}: {why}; what follows cannot be told apart from \
         it: correct it",
        path.display()
    )]
    BrokenDocument {
        /// The file.
        path: PathBuf,
        /// The line of what is wrong, from 1.
        line: u64,
        /// Its offset in the file.
        offset: u64,
        /// What it is.
        why: Breach,
        /// The line of the document's first byte, from 1.
        opened: u64,
    },
    /// Something is wrong between documents.
    #[error(
        "{}, line {line} (byte {offset}): {why}; with --format json a file is one array of objects, or objects one after the \
         other without commas",
        path.display()
    )]
    BrokenRun {
        /// The file.
        path: PathBuf,
        /// The line of what is wrong, from 1.
        line: u64,
        /// Its offset in the file.
        offset: u64,
        /// What it is.
        why: Breach,
    },
    /// The file ends inside a document.
    #[error("{}, line {line}: the document that begins here is never closed: is the file whole?", path.display())]
    OpenDocument {
        /// The file.
        path: PathBuf,
        /// The line of the document's first byte, from 1.
        line: u64,
    },
    /// The file ends inside its array.
    #[error("{}: the array that is the file is never closed by a ']': is the file whole?", path.display())]
    OpenArray {
        /// The file.
        path: PathBuf,
    },
    /// A comment is far over the limit.
    #[error("{}, line {line}: this comment is longer than {limit} bytes: remove it", path.display())]
    LongComment {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The limit.
        limit: u64,
    },
}

/// Why a file cannot be split.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The file cannot be read or has changed.
    #[error(transparent)]
    Input(#[from] InputError),
    /// One of its records cannot be taken.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The job's units cannot be numbered.
    #[error("{}: more than {} units: raise --unit-size", path.display(), u32::MAX)]
    TooManyUnits {
        /// The file.
        path: PathBuf,
    },
}
