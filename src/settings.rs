//! Settings: flags, environment and configuration file, resolved once and validated. `cli` makes them; everything
//! after it reads only these. Pure data.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codec::CodecOptions;
use crate::codec::row::Jagged;
use crate::format::Format;
use crate::format::detect::Said;
use crate::ledger::fingerprint::FingerprintKind;
use crate::ledger::job::Rerun;
use crate::plan::compression::CompressionChoice;
use crate::plan::pipe::is_stdin;
use crate::plan::places::PlaceSettings;
use crate::propose::ProposeSettings;
use crate::schema::column_map::ColumnMap;
use crate::schema::field::FieldRef;
use crate::schema::query::Query;
use crate::schema::table::TableSchema;
use crate::verify::sample::Sample;

/// A password or other secret. Never shown by `Debug`; serialized only into the control channel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: String) -> Self {
        Secret(secret)
    }

    /// The secret itself: call this only where it goes to the database.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A user name and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The role's name.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// How the node's certificate is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsVerification {
    /// The certificate must name the node's IP address.
    NodeAddress,
    /// The certificate must name this host.
    ServerName(String),
    /// Nothing is checked: anyone can pose as the node.
    None,
}

/// TLS towards the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSettings {
    /// PEM file of the certificate authorities to trust; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// PEM files of the client's certificate chain and key.
    pub client: Option<ClientCertificate>,
    /// How the node's certificate is checked.
    pub verification: TlsVerification,
}

/// The client's certificate chain and key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// Certificate chain.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// The consistency levels that a request may ask for (CQL protocol v4, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsistencyLevel {
    /// Any node, a hint counts: for writes only.
    Any,
    /// One replica.
    One,
    /// Two replicas.
    Two,
    /// Three replicas.
    Three,
    /// A majority of all replicas.
    Quorum,
    /// All replicas.
    All,
    /// A majority of the replicas in the local datacenter.
    LocalQuorum,
    /// A majority of the replicas in each datacenter.
    EachQuorum,
    /// One replica in the local datacenter.
    LocalOne,
}

/// The consistency levels of a condition (IF) (CQL protocol v4, section 4.1.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SerialConsistencyLevel {
    /// A majority of all replicas agrees.
    Serial,
    /// A majority of those in the local datacenter does.
    #[default]
    LocalSerial,
}

/// Compression of the frames between client and node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FrameCompression {
    /// LZ4.
    Lz4,
    /// None.
    None,
}

/// How to reach the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionSettings {
    /// Contact points as `host:port`, IPv6 addresses in brackets; never empty.
    pub hosts: Vec<String>,
    /// Where a node calls itself by an address that is not reachable from here: (its own address, the one to use).
    pub address_map: Vec<(SocketAddr, SocketAddr)>,
    /// The datacenter whose nodes coordinate the requests; `None`: any.
    pub datacenter: Option<String>,
    /// User and password, if the cluster asks for them.
    pub credentials: Option<Credentials>,
    /// TLS, if asked for.
    pub tls: Option<TlsSettings>,
    /// Consistency of the requests.
    pub consistency: ConsistencyLevel,
    /// Consistency of conditions.
    pub serial_consistency: SerialConsistencyLevel,
    /// Frame compression.
    pub compression: FrameCompression,
    /// How long opening a session may take, attempts included.
    pub connect_timeout: Duration,
    /// How long one request may take before it counts as lost.
    pub request_timeout: Duration,
}

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

/// What to do with a timestamp or time that the column cannot hold exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Rounding {
    /// Reject the record.
    #[default]
    Reject,
    /// Cut the digits that do not fit, towards the past.
    Truncate,
}

/// What becomes of a cell for which a record has a null.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum NullAs {
    /// It stays as it is.
    #[default]
    Unset,
    /// What it has is deleted.
    Tombstone,
}

/// How S3, or what speaks like it, is reached, as far as the environment does not say so; keys are never here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Settings {
    /// The server, as a URL; `None`: as the environment says, or AWS.
    pub endpoint: Option<String>,
    /// The region; `None`: as the environment says, or `us-east-1`.
    pub region: Option<String>,
    /// The bucket is in the host's name, not in the path.
    pub virtual_host: bool,
    /// Requests are not signed.
    pub anonymous: bool,
}

/// How inputs at URLs are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteSettings {
    /// Several workers read one object.
    pub split: bool,
    /// How long a server may be silent or in trouble.
    pub timeout: Duration,
    /// How S3 is reached.
    pub s3: S3Settings,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        RemoteSettings { split: false, timeout: Duration::from_secs(120), s3: S3Settings::default() }
    }
}

/// Where the dialect is taken from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DialectChoice {
    /// From the options and their defaults.
    #[default]
    Options,
    /// From the files' content, but for what options say.
    Auto,
}

/// How the input is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSettings {
    /// What the files are.
    pub format: Format,
    /// Whether that was said, and is not only what is usual.
    pub format_is_said: bool,
    /// What is taken of directories, and the list of files.
    pub places: PlaceSettings,
    /// How the files are compressed.
    pub compression: CompressionChoice,
    /// Texts that, unquoted, mean null; the unquoted empty field always does.
    pub nulls: Vec<String>,
    /// What becomes of a cell whose field is null.
    pub null_as: NullAs,
    /// The columns of the fields in order, instead of the header's names.
    pub columns: Option<Vec<String>>,
    /// What fills columns, where anything else than fields of their names does.
    pub map: Option<ColumnMap>,
    /// The statement that writes a record, where the user gives it.
    pub query: Option<Query>,
    /// Load although regular columns of the table are not in the file.
    pub allow_missing_columns: bool,
    /// Load although the file has fields that are no columns of the table.
    pub allow_unknown_columns: bool,
    /// Which records are taken though they are not as long as the header.
    pub jagged: Jagged,
    /// Records of each file, from its first, that are passed over.
    pub skip: u64,
    /// Records of all files that are loaded, at most.
    pub limit: Option<u64>,
    /// The longest record in bytes.
    pub max_record_bytes: u64,
    /// How texts are read as values.
    pub codec: CodecOptions,
    /// How inputs at URLs are read.
    pub remote: RemoteSettings,
    /// Where the dialect is taken from.
    pub dialect_choice: DialectChoice,
    /// What of it the user has said.
    pub said: Said,
}

impl InputSettings {
    /// Whether records at the files' beginnings or ends are left out.
    pub fn is_in_part(&self) -> bool {
        self.skip > 0 || self.limit.is_some()
    }
}

/// Where rows' write times come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimestampMode {
    /// The job's base plus the record's ordinal: the later of two records with one key wins.
    Order,
    /// One constant: the job's start.
    Now,
    /// One constant, microseconds since 1970-01-01T00:00:00Z.
    Fixed(i64),
    /// The time in this field of each record.
    Field(FieldRef),
}

/// How long rows live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TtlMode {
    /// So many seconds, at most [`TTL_SECONDS_MAX`]; 0: for ever, whatever the table's default.
    Seconds(u32),
    /// As many seconds as this field of the record says; the table's default where it is null.
    Field(FieldRef),
}

/// The longest time to live that a server takes: 20 years of 365 days (Cassandra's `Attributes.MAX_TTL`).
pub const TTL_SECONDS_MAX: u32 = 20 * 365 * 24 * 60 * 60;

/// How many bad records a load may have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ErrorBudget {
    /// At most so many.
    Count(u64),
    /// At most this share of the records, 0 to 100, judged after 1,000 records and at the end.
    Percent(f64),
}

/// Requests in flight in each worker where nobody says otherwise.
const IN_FLIGHT_DEFAULT: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// Sessions being opened at any instant where nobody says otherwise.
const SESSION_STARTS_DEFAULT: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// How rows are written.
#[derive(Debug, Clone, PartialEq)]
pub struct WritingSettings {
    /// Worker processes; 0: in the coordinator's process; `None`: from the cores and the input's size.
    pub workers: Option<usize>,
    /// Parser threads in each worker; `None`: cores / workers.
    pub threads: Option<NonZeroUsize>,
    /// Requests in flight in each worker.
    pub in_flight: NonZeroUsize,
    /// Sessions being opened at any instant over all workers.
    pub session_starts: NonZeroUsize,
    /// Bytes of a unit; `None`: from the input's size and the workers.
    pub unit_bytes: Option<u64>,
    /// Write times.
    pub timestamp: TimestampMode,
    /// How long rows live; `None`: as long as the table's default says.
    pub ttl: Option<TtlMode>,
    /// How long a cluster fault may last before the load gives up.
    pub retry_for: Duration,
}

impl Default for WritingSettings {
    fn default() -> Self {
        WritingSettings {
            workers: None,
            threads: None,
            in_flight: IN_FLIGHT_DEFAULT,
            session_starts: SESSION_STARTS_DEFAULT,
            unit_bytes: None,
            timestamp: TimestampMode::Order,
            ttl: None,
            retry_for: Duration::from_secs(600),
        }
    }
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressMode {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// A bar.
    Bar,
    /// A line every 10 seconds.
    Plain,
    /// A JSON object a line every second.
    Json,
    /// Nothing but warnings and the summary.
    None,
}

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

/// How lines stand in the log file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Time, level, event, then `name=value`.
    #[default]
    Text,
    /// A JSON object.
    Json,
}

/// The log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// Where; lines are appended.
    pub file: PathBuf,
    /// How.
    pub format: LogFormat,
}

/// What tells of a run, on the way and at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchingSettings {
    /// How progress is shown.
    pub progress: ProgressMode,
    /// Print nothing when all is well and one line otherwise, whatever `progress` says.
    pub quiet: bool,
    /// Where the summary goes as JSON.
    pub summary: Option<PathBuf>,
    /// Where happenings are logged.
    pub log: Option<LogSettings>,
    /// Where metrics are served over HTTP while the run goes on, as `host:port`.
    pub metrics: Option<String>,
}

impl LoadSettings {
    /// Whether standard input is among the inputs.
    pub fn reads_stdin(&self) -> bool {
        self.inputs.iter().any(|path| is_stdin(path))
    }
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
