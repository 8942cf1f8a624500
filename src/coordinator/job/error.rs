//! Why a run cannot be at its job. Every message says what to do.

use std::io;
use std::path::PathBuf;

use crate::coordinator::write_times::ClockError;
use crate::ledger::LedgerError;
use crate::ledger::job::Refusal;
use crate::plan::discover::InputError;
use crate::reject::RejectError;

/// Why a run cannot be at its job.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The job cannot go on.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The clock.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// Another run is at it.
    #[error("another run{holder} is at job {job}: wait for its end, or stop it")]
    Locked {
        /// The job.
        job: String,
        /// What the other run says of itself, with a space before it.
        holder: String,
    },
    /// There is none of that name.
    #[error("no job {job} in the ledger of {state_dir}: ringload jobs shows all of them")]
    Unknown {
        /// The name.
        job: String,
        /// Where the ledger is.
        state_dir: String,
    },
    /// It loaded another table.
    #[error(
        "job {job} loaded {of}, and this {table} is another table or was created anew since: name another job, or none"
    )]
    OtherTable {
        /// The job.
        job: String,
        /// Its table.
        of: String,
        /// The table asked for.
        table: String,
    },
    /// A list with one write time for all records.
    #[error(
        "column {column:?} is a list that is not frozen: a row that is sent again at the same write time would have its elements twice; \
         give --timestamp order, or leave the column out of the file or, with --map '*, -COLUMN', of the load"
    )]
    ListAtOneTime {
        /// The column.
        column: String,
    },
    /// An input cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The job's rejects.
    #[error(transparent)]
    Rejects(#[from] RejectError),
    /// Paths are kept as text.
    #[error(
        "{}: the absolute path is not UTF-8, so that the job could not be remembered with it: rename the directory, or begin in another \
         one (for rejects, see --rejects)",
        path.display()
    )]
    PathNotUtf8 {
        /// The path, as far as it can be shown.
        path: PathBuf,
    },
    /// An input's path.
    #[error("{}: the absolute path cannot be told ({source}): give it", path.display())]
    Path {
        /// The path as given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
