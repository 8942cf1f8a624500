//! How a job is remembered, and what `ringload jobs` does with those that are.

use std::path::PathBuf;
use std::time::Duration;

use crate::ledger::fingerprint::FingerprintKind;
use crate::ledger::job::Rerun;

/// How a job is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSettings {
    /// The name that it was given; `None`: one that is derived from what it does.
    pub name: Option<String>,
    /// Where the ledger is.
    pub state_dir: PathBuf,
    /// What to do with a job that has run before.
    pub rerun: Rerun,
    /// What of the inputs is hashed.
    pub fingerprint: FingerprintKind,
}

/// The format of what a command prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}

/// What `ringload jobs` is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobsTask {
    /// Show all jobs.
    List,
    /// Show the job of this name.
    Show(String),
    /// Forget the job of this name.
    Forget(String),
    /// Forget jobs of long ago.
    Prune {
        /// At which no run has been for so long.
        older_than: Duration,
        /// Unfinished ones too.
        unfinished: bool,
    },
}

/// All that `ringload jobs` needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobsSettings {
    /// What to do.
    pub task: JobsTask,
    /// Where the ledger is.
    pub state_dir: PathBuf,
    /// The format of what is printed.
    pub format: OutputFormat,
}
