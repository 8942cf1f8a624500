//! The ledger: what is known to be done, in an SQLite database that survives being killed at any instant.
//!
//! The coordinator asks it what to do with a job ([`job::decide`]), tells it facts as they happen ([`journal`]), and after a crash
//! goes on from them. Units, settled prefixes and counts are in it; rows, credentials and addresses never are.

pub mod fingerprint;
pub mod job;
pub mod journal;
pub mod lock;
pub mod overview;
pub mod store;

use std::io;
use std::path::PathBuf;

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The state directory.
    #[error("the state directory {} cannot be used ({source}): choose another with --state-dir", path.display())]
    Directory {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is there is no ledger, or no longer one.
    #[error(
        "the ledger {} is damaged ({reason}): restore it from a backup, or move it away to load everything anew; what was \
         loaded so far is known only to it",
        path.display()
    )]
    Damaged {
        /// The ledger.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A later version wrote it.
    #[error(
        "the ledger {} has the layout of a newer ringload ({found}, this one knows {known}): use that version, or another \
         --state-dir",
        path.display()
    )]
    Newer {
        /// The ledger.
        path: PathBuf,
        /// Its layout.
        found: i64,
        /// The latest that this program knows.
        known: i64,
    },
    /// The disk, most often.
    #[error("the ledger {} cannot be written or read ({reason}): free space on its disk", path.display())]
    Unwritable {
        /// The ledger.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// Another process does not let go of it.
    #[error(
        "the ledger {} is held by another process ({reason}): look for a ringload that hangs",
        path.display()
    )]
    Busy {
        /// The ledger.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// What it says does not fit together.
    #[error(
        "the ledger's facts about job {job} do not fit together ({reason}): begin the job anew with --restart (--again, if it is finished)"
    )]
    Inconsistent {
        /// The job.
        job: String,
        /// What does not fit.
        reason: String,
    },
}
