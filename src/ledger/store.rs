//! The ledger of a state directory: what is asked of it (`reading`), written to it (`writing`), and how it is laid out (`layout`).
//!
//! Facts about a unit are added, or a settled prefix grows; nothing of a job is taken back until it begins anew. In WAL mode a
//! process may die at any instant without harm. The beginning and the end of a run are on the disk when their function returns;
//! progress may be lost with the machine's power, which costs only that rows are sent again.

mod layout;
mod reading;
mod writing;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::LedgerError;
use super::job::{JobPlan, Scanned};
use crate::control::message::WriteTime;
use crate::coordinator::assignment::Attempt;
use crate::plan::unit::WorkUnit;

/// The ledger's name in the state directory.
pub const LEDGER_FILE: &str = "ledger.sqlite";

/// The ledger of a state directory.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    connection: Connection,
}

/// A job that begins.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its name.
    pub name: String,
    /// Whether the user gave it that name.
    pub named: bool,
    /// What it is to do.
    pub plan: JobPlan,
    /// Its write times.
    pub write_time: WriteTime,
    /// Now, in microseconds since 1970-01-01T00:00:00Z.
    pub begun_us: i64,
    /// Where its rejects go.
    pub rejects_dir: PathBuf,
}

/// What happened since the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Units that are proved.
    pub units: Vec<WorkUnit>,
    /// Attempts whose settled prefix has grown.
    pub attempts: Vec<Attempt>,
    /// All inputs are scanned.
    pub scanned: Option<Scanned>,
}

impl Facts {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty() && self.attempts.is_empty() && self.scanned.is_none()
    }
}

/// How far a job is, for lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units known.
    pub units: u64,
    /// Units whose every record is settled.
    pub units_done: u64,
    /// Records settled.
    pub records: u64,
    /// Rows acknowledged.
    pub written: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Records that are neither written nor bad.
    pub aside: Aside,
    /// Bytes of settled records.
    pub bytes: u64,
}

/// Records of which nobody knows whether they were written, and those whose condition did not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Aside {
    /// All of them.
    pub all: u64,
    /// Which are which, once the job is finished. A job that an earlier version has finished does not tell: it took them for rejects.
    pub told: Option<Told>,
}

/// What is set aside, in two numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Records of which nobody knows whether they were written.
    pub uncertain: u64,
    /// Records whose condition did not hold.
    pub not_applied: u64,
}

impl Ledger {
    fn failed(&self, error: rusqlite::Error) -> LedgerError {
        translate(&self.path, error)
    }
}

fn translate(path: &Path, error: rusqlite::Error) -> LedgerError {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase};
    let (path, reason) = (path.to_path_buf(), error.to_string());
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            DatabaseCorrupt | NotADatabase => LedgerError::Damaged { path, reason },
            DatabaseBusy | DatabaseLocked => LedgerError::Busy { path, reason },
            _ => LedgerError::Unwritable { path, reason },
        },
        // What is in it is not what this program writes.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => LedgerError::Damaged { path, reason },
        _ => LedgerError::Unwritable { path, reason },
    }
}

#[cfg(test)]
mod tests;
