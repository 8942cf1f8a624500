//! Settings: flags, environment and configuration file, resolved once and validated. `cli` makes them; everything
//! after it reads only these. Pure data.

mod connection;
mod input;
mod jobs;
mod watching;
mod writing;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::plan::pipe::is_stdin;
use crate::propose::ProposeSettings;
use crate::schema::table::TableSchema;
use crate::verify::sample::Sample;

pub use connection::{
    ClientCertificate, ConnectionSettings, ConsistencyLevel, Credentials, FrameCompression, Secret,
    SerialConsistencyLevel, TlsSettings, TlsVerification,
};
pub use input::{DialectChoice, InputSettings, NullAs, RemoteSettings, Rounding, S3Settings};
pub use jobs::{JobSettings, JobsSettings, JobsTask, OutputFormat};
pub use watching::{LogFormat, LogSettings, ProgressMode, WatchingSettings};
pub use writing::{
    BatchMode, ErrorBudget, Gathering, TTL_SECONDS_MAX, TimestampMode, TtlMode, WINDOW_BYTES_MAX, Window,
    WritingSettings,
};

/// The table to load, names as the server stores them (unquoted).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableName {
    /// Keyspace.
    pub keyspace: String,
    /// Table.
    pub table: String,
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.keyspace, self.table)
    }
}

/// All that `ringload load`, `ringload check` and `ringload verify` need to know.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadSettings {
    /// Where to.
    pub table: TableName,
    /// The table's definition where a file has it, for dry runs: no cluster is asked then.
    pub schema: Option<TableSchema>,
    /// The table to create where it is not there; `None`: it has to be.
    pub new_table: Option<ProposeSettings>,
    /// What: paths in the order given; never empty.
    pub inputs: Vec<PathBuf>,
    /// Through which connection.
    pub connection: ConnectionSettings,
    /// How it is read.
    pub input: InputSettings,
    /// How it is written.
    pub writing: WritingSettings,
    /// How many bad records are borne.
    pub max_errors: ErrorBudget,
    /// Where rejects go; made only when there is one.
    pub rejects_dir: PathBuf,
    /// How the job is remembered; `None` where nothing is written.
    pub job: Option<JobSettings>,
    /// Read, parse, map and encode, but write nothing.
    pub dry_run: bool,
    /// Rows each second at which to estimate how long the load would take, for dry runs.
    pub estimate_rate: Option<NonZeroUsize>,
    /// Read back what is loaded, or what was loaded before.
    pub read_back: Option<ReadBackSettings>,
    /// What tells of it.
    pub watching: WatchingSettings,
}

impl LoadSettings {
    /// Whether standard input is among the inputs.
    pub fn reads_stdin(&self) -> bool {
        self.inputs.iter().any(|path| is_stdin(path))
    }
}

/// How what was loaded is read back.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadBackSettings {
    /// Which records.
    pub sample: Sample,
    /// Where it is told what is not as in the files; made only when there is something.
    pub differences_dir: PathBuf,
    /// How many findings are borne.
    pub max_errors: ErrorBudget,
}

/// What it takes to propose a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaSettings {
    /// What is wanted.
    pub propose: ProposeSettings,
    /// Paths in the order given; never empty.
    pub inputs: Vec<PathBuf>,
    /// How they are read.
    pub input: InputSettings,
    /// What the user should know.
    pub warnings: Vec<String>,
}
