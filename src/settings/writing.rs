//! How rows are written: write times, time to live, how many workers and requests, how many bad records are borne.

use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::schema::field::FieldRef;

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

/// Which rows are sent in one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum BatchMode {
    /// Those of one partition where the input has enough of them close to each other, those of the same replicas elsewhere.
    #[default]
    Auto,
    /// Those of one partition.
    Partition,
    /// Those of the same replicas, as few as servers take without a warning.
    Replica,
    /// Each row is a request.
    Off,
}

/// Rows of the window where nobody says otherwise: enough that a partition among 10,000 has 26 of them.
const WINDOW_ROWS_DEFAULT: u64 = 256 << 10;
/// Bytes of input of the window where nobody says otherwise.
const WINDOW_BYTES_DEFAULT: u64 = 32 << 20;
/// The largest window in bytes of input.
pub const WINDOW_BYTES_MAX: u64 = 256 << 20;
/// The windows of all workers together, in bytes of input, where nobody says otherwise.
const WINDOWS_BYTES_DEFAULT: u64 = 512 << 20;

/// How rows are gathered into requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathering {
    /// Which rows go together.
    pub mode: BatchMode,
    /// How many rows may come while one is held back.
    pub window_rows: u64,
    /// How many bytes of input may come while a row is held back.
    pub window_bytes: u64,
}

impl Default for Gathering {
    fn default() -> Self {
        Gathering {
            mode: BatchMode::Auto,
            window_rows: WINDOW_ROWS_DEFAULT,
            window_bytes: WINDOW_BYTES_DEFAULT,
        }
    }
}

/// How far apart rows may be in the input that are sent in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// So many rows, and not more bytes than where nothing is said.
    Rows(u64),
    /// So many bytes of input, at most [`WINDOW_BYTES_MAX`].
    Bytes(u64),
}

impl Gathering {
    /// The gathering of each of so many workers.
    pub fn of(mode: BatchMode, window: Option<Window>, workers: usize) -> Self {
        let workers = u64::try_from(workers.max(1)).unwrap_or(u64::MAX);
        let usual = WINDOW_BYTES_DEFAULT.min(WINDOWS_BYTES_DEFAULT / workers);
        let (window_rows, window_bytes) = match window {
            None => (WINDOW_ROWS_DEFAULT, usual),
            Some(Window::Rows(rows)) => (rows, usual),
            Some(Window::Bytes(bytes)) => (u64::MAX, bytes),
        };
        Gathering { mode, window_rows, window_bytes }
    }

    /// Bytes of input that rows may hold which wait for others.
    pub fn held_bytes(&self) -> u64 {
        if self.mode == BatchMode::Off { 0 } else { self.window_bytes }
    }
}

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
    /// Connections to each node, and to each shard of a ScyllaDB node, in each worker; `None`: from the threads.
    pub connections: Option<NonZeroUsize>,
    /// Which rows are sent together.
    pub batch: BatchMode,
    /// How far apart those may be; `None`: as far as is usual.
    pub window: Option<Window>,
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
            connections: None,
            batch: BatchMode::Auto,
            window: None,
        }
    }
}
