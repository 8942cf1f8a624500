//! Why a load or a verification could not begin: one variant for each stage, whose own error says where and what to do.

use std::io;

use super::dialect::DialectGuessError;
use super::job::JobError;
use super::new_table::NewTableError;
use super::survey::PlanError;
use crate::format::parquet::fit::Misfit;
use crate::ledger::LedgerError;
use crate::plan::discover::DiscoverError;
use crate::plan::header::HeaderError;
use crate::plan::places::PlaceError;
use crate::reject::RejectError;
use crate::schema::mapping::MappingError;
use crate::schema::table::SchemaError;
use crate::session::connect::ConnectError;

/// Why a load could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A directory, a pattern or a list of files.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// An input file.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// Its header.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Their dialect, where it is to be guessed.
    #[error(transparent)]
    Dialect(#[from] DialectGuessError),
    /// The connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The table.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The table could not be created.
    #[error(transparent)]
    NewTable(#[from] NewTableError),
    /// The files do not fit the table.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// What is asked for does not go together.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Types of a file's columns that never go into those of the table.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The job.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Rejects could not be kept.
    #[error(transparent)]
    Reject(#[from] RejectError),
    /// Threads or the executable itself.
    #[error("cannot start the run's threads or processes: {0}")]
    Threads(io::Error),
}

impl From<LedgerError> for LoadError {
    fn from(error: LedgerError) -> Self {
        LoadError::Job(error.into())
    }
}
