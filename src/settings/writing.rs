//! How rows are written: write times, time to live, how many workers and requests, how many bad records are borne.

use std::num::NonZeroUsize;
use std::time::Duration;

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
