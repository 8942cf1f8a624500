//! Parquet files: their end says what is in them, so they are planned without being scanned. [`footer`] reads it, [`units`] cuts the rows into
//! work units, [`rows`] reads runs of rows for a worker. Whatever such a file claims is checked before it is believed.

pub mod footer;
mod pread;
mod ranges;
pub mod rows;
pub mod units;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use parquet::errors::ParquetError as LibraryError;

use super::compression::Compression;
use super::discover::InputError;
use crate::format::parquet::render::TooMuchText;
use pread::Pread;

/// Why a Parquet file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ParquetError {
    /// The file cannot be read or has changed.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Standard input.
    #[error("standard input cannot be Parquet, whose end is read first: save it in a file and load that")]
    Stdin,
    /// The file as a whole is compressed.
    #[error(
        "{}: is {compression}-compressed as a whole, and the end of a Parquet file is read first: unpack it, Parquet is \
         compressed within",
        path.display()
    )]
    Compressed {
        /// The file.
        path: PathBuf,
        /// How.
        compression: Compression,
    },
    /// Another format.
    #[error("{}: is no Parquet file, for it does not begin with PAR1: say what it is with --format", path.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
    },
    /// The footer is encrypted.
    #[error("{}: is encrypted, and there is nothing here to decrypt it: write it without encryption", path.display())]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// The end is not there.
    #[error(
        "{}: does not end as a Parquet file does, so it is cut off, or still being written: get it whole",
        path.display()
    )]
    CutOff {
        /// The file.
        path: PathBuf,
    },
    /// The footer makes no sense.
    #[error("{}: what its end says of it cannot be read ({reason}): the file is damaged, get it anew", path.display())]
    Footer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A row group makes no sense.
    #[error(
        "{}: row group {group} cannot be read from row {row} on ({reason}): the file is damaged, get it anew",
        path.display()
    )]
    RowGroup {
        /// The file.
        path: PathBuf,
        /// Which row group, from 1.
        group: usize,
        /// The number in the file, from 1, of the first row that is not read.
        row: u64,
        /// What is wrong.
        reason: String,
    },
    /// Rows that are too long.
    #[error("{}, rows from {row} on: {source}", path.display())]
    TooMuch {
        /// The file.
        path: PathBuf,
        /// The number in the file of the first of them, from 1.
        row: u64,
        /// What is wrong.
        source: TooMuchText,
    },
}

/// What the library says, or the reason why it says nothing. It was written for files that are whole: on damaged ones it may panic, and one
/// file must not end a process that has others in its hands.
fn guarded<T>(read: impl FnOnce() -> Result<T, LibraryError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(outcome) => outcome.map_err(|error| said(&error)),
        Err(_) => Err("its parts contradict each other".to_owned()),
    }
}

/// What was wrong: the server, where it was that, or else the file.
fn blamed(pread: &Pread, reason: String, damaged: impl FnOnce(String) -> ParquetError) -> ParquetError {
    pread.take_failure().map_or_else(|| damaged(reason), |failure| InputError::from(failure).into())
}

/// Its words without the library's own prefix, on one line.
fn said(error: &LibraryError) -> String {
    let text = match error {
        LibraryError::General(text) | LibraryError::EOF(text) | LibraryError::NYI(text) => text.clone(),
        LibraryError::ArrowError(text) => text.clone(),
        other => other.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
