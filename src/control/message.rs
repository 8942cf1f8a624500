//! What coordinator and worker say to each other, both directions in one file. The version comes first.
//!
//! A worker's life: [`ToWorker::Hello`] -> [`FromWorker::Hello`]; [`FromWorker::PermitRequest`] ->
//! [`ToWorker::PermitGranted`] -> [`FromWorker::SessionOpen`]; then units, until [`ToWorker::Finish`] or
//! [`ToWorker::Stop`] -> [`FromWorker::Bye`] and the end of both streams.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codec::CodecOptions;
use crate::codec::row::Jagged;
use crate::format::Format;
use crate::plan::discover::InputFile;
use crate::plan::unit::{UnitId, WorkUnit};
use crate::schema::mapping::FieldMapping;
use crate::schema::statement::RowPlan;
use crate::settings::{ConnectionSettings, Gathering, RemoteSettings, TableName};
use crate::verify::compare::Known;
use crate::verify::expiry::Expiry;
use crate::verify::sample::Sample;

/// The version of these messages. Coordinator and worker are one executable, so any difference is an error.
pub const PROTOCOL_VERSION: u32 = 6;

/// One input file, as a worker needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSpec {
    /// The file as it was when it was scanned.
    pub input: InputFile,
    /// Where each column is found in its records.
    pub mapping: FieldMapping,
    /// The header's original bytes, line end included; empty if it has none. Reject files begin with it.
    pub header: Vec<u8>,
}

/// Where a row's write time comes from, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriteTime {
    /// This plus the record's ordinal in the job; held until that time has come.
    Ordinal(i64),
    /// This plus [`SLOT_US`] for each record before; held until that time has come. Each time that a record is sent has a write time
    /// of its own: a list that is not frozen holds its elements twice when it is written twice at one time.
    Spaced(i64),
    /// This for all.
    Constant(i64),
    /// The one in a field of each record, which only its encoder knows.
    Field,
    /// None of ours: the server, or the statement itself, says it.
    Server,
}

/// How many microseconds each record has with [`WriteTime::Spaced`]: the product of the two below.
pub const SLOT_US: u8 = ATTEMPTS_MAX * SENDS_MAX;
/// How many attempts at a unit there can be, over all runs, with [`WriteTime::Spaced`].
pub const ATTEMPTS_MAX: u8 = 4;
/// How many write times a row has in one attempt with [`WriteTime::Spaced`].
pub const SENDS_MAX: u8 = 4;

impl WriteTime {
    /// The first write time of the record with this ordinal in the job, in microseconds since 1970-01-01T00:00:00Z. Where it is in a
    /// field, or not ours to say, the end of time: a bound that no record passes.
    pub fn of(self, ordinal: u64) -> i64 {
        let ordinal = i64::try_from(ordinal).unwrap_or(i64::MAX);
        match self {
            WriteTime::Ordinal(base) => base.saturating_add(ordinal),
            WriteTime::Spaced(base) => base.saturating_add(ordinal.saturating_mul(i64::from(SLOT_US))),
            WriteTime::Constant(constant) => constant,
            WriteTime::Field | WriteTime::Server => i64::MAX,
        }
    }

    /// How many write times each record has.
    pub fn slot_us(self) -> i64 {
        match self {
            WriteTime::Spaced(_) => i64::from(SLOT_US),
            WriteTime::Ordinal(_) | WriteTime::Constant(_) | WriteTime::Field | WriteTime::Server => 1,
        }
    }

    /// The last write time of the record with this ordinal.
    pub fn last_of(self, ordinal: u64) -> i64 {
        self.of(ordinal).saturating_add(self.slot_us() - 1)
    }

    /// By how much an attempt at a unit, from 1, writes later than the records' first write times; `None` where there is no time left
    /// for it.
    pub fn attempt_us(self, attempt: u32) -> Option<i64> {
        match self {
            WriteTime::Spaced(_) => {
                let earlier =
                    u8::try_from(attempt.saturating_sub(1)).ok().filter(|&earlier| earlier < ATTEMPTS_MAX)?;
                Some(i64::from(earlier * SENDS_MAX))
            }
            WriteTime::Ordinal(_) | WriteTime::Constant(_) | WriteTime::Field | WriteTime::Server => Some(0),
        }
    }

    /// Whether a row waits until its write time has come.
    pub fn is_held(self) -> bool {
        !matches!(self, WriteTime::Constant(_) | WriteTime::Field | WriteTime::Server)
    }
}

/// All that a worker needs to know of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// How to reach the cluster, secrets included; `None` in a dry run.
    pub connection: Option<ConnectionSettings>,
    /// The table.
    pub table: TableName,
    /// The statement and its columns.
    pub row_plan: RowPlan,
    /// The input files by [`FileId`](crate::plan::unit::FileId).
    pub files: Vec<FileSpec>,
    /// What the files are.
    pub format: Format,
    /// Texts that, unquoted, mean null.
    pub nulls: Vec<String>,
    /// Which records are taken though they are not as long as the header.
    pub jagged: Jagged,
    /// How texts are read as values.
    pub codec: CodecOptions,
    /// Write times.
    pub write_time: WriteTime,
    /// Parser threads.
    pub threads: usize,
    /// Requests in flight.
    pub in_flight: usize,
    /// Which rows are sent together.
    pub gathering: Gathering,
    /// Connections to each node, or each of its shards; `None`: from the threads.
    pub connections: Option<NonZeroUsize>,
    /// How long a cluster fault may last.
    pub retry_for: Duration,
    /// Which run of the job this is, from 1: names the reject files, so that those of an earlier run are never taken for its own.
    pub run: u32,
    /// Where rejects are collected, unit by unit.
    pub rejects_dir: PathBuf,
    /// After so many rejects a worker waits for the coordinator's verdict; `None`: the budget is no number.
    pub reject_limit: Option<u64>,
    /// Read the rows back instead of writing them; what is not as in the file is a reject.
    #[serde(default)]
    pub verify: Option<VerifySpec>,
    /// How inputs at URLs are read.
    #[serde(default)]
    pub remote: RemoteSettings,
}

/// How rows are read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifySpec {
    /// What is known of the write times of what was loaded.
    pub known: Known,
    /// What is known of when it expires.
    pub expiry: Expiry,
    /// Which records are looked at.
    pub sample: Sample,
    /// Where the same run has just loaded them: records that cannot be encoded were rejected then, and so were those with these
    /// ordinals, in ascending order. Neither is a finding.
    pub rejected: Option<Vec<u64>>,
}

/// From the coordinator to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    /// Always the first message, and `version` always its first field: the worker checks it before anything else.
    Hello {
        /// [`PROTOCOL_VERSION`].
        version: u32,
        /// The job.
        job: Box<JobSpec>,
    },
    /// The worker may open its session now.
    PermitGranted,
    /// A unit to load. The worker may hold a second one while it finishes the first.
    Unit {
        /// The unit.
        unit: WorkUnit,
        /// Which attempt at it this is, from 1: names the attempt's reject files.
        attempt: u32,
        /// Its records may have been sent, and must not be twice: they are to be told as such, and nothing is to be sent.
        #[serde(default)]
        in_doubt: bool,
    },
    /// There is no other unit for a worker that is hungry: rows need not wait for others any longer.
    LetGo,
    /// No more units will come: finish what you have, close the session, say goodbye.
    Finish,
    /// Stop: let the requests in flight end, send no more, say goodbye.
    Stop,
}

/// From a worker to the coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromWorker {
    /// Always the first message.
    Hello {
        /// [`PROTOCOL_VERSION`].
        version: u32,
    },
    /// The worker wants to open its session.
    PermitRequest,
    /// The session is open and its pools are full: the permit comes back.
    SessionOpen,
    /// The worker has begun to read a unit.
    UnitStarted {
        /// The unit.
        unit: UnitId,
    },
    /// The worker has read all that it has, and rows wait for others: it could do with another unit.
    Hungry,
    /// How far a unit is, in all since its start; sent a few times a second.
    Progress {
        /// The unit.
        unit: UnitId,
        /// Counts so far.
        counts: UnitCounts,
        /// How far it is settled without a gap: what would not have to be done again if the worker died now.
        prefix: Prefix,
        /// Requests in flight in the worker now.
        in_flight: u64,
        /// Rows of the worker now waiting to be sent again because of a cluster fault.
        waiting: u64,
    },
    /// A unit is done: each of its records is acknowledged or in the reject files.
    UnitDone {
        /// The report.
        report: UnitReport,
    },
    /// Something that the user should know.
    Warning {
        /// What.
        message: String,
    },
    /// What a library in the worker says is wrong: for the log only, and bounded.
    Library {
        /// The library's part that says it.
        source: String,
        /// What it says.
        message: String,
        /// Whether it calls it an error, not a warning.
        is_error: bool,
    },
    /// The worker cannot go on. Nothing but the end of the stream follows.
    Failed {
        /// What kind of failure: decides the exit code.
        kind: FailureKind,
        /// What happened and what to do about it.
        message: String,
    },
    /// The worker's last words.
    Bye {
        /// Its totals.
        totals: WorkerTotals,
    },
}

/// Counts of one attempt at a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitCounts {
    /// Bytes whose records are all done.
    pub bytes: u64,
    /// Records that are settled: written or rejected.
    pub records: u64,
    /// Records that are parsed: those that are settled, and those on their way.
    pub parsed: u64,
    /// Rows acknowledged (in a dry run: encoded).
    pub written: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Of these, those that are not bad: it is not known whether they were written, or their condition did not hold.
    #[serde(default)]
    pub aside: u64,
    /// Requests sent again.
    pub retried: u64,
    /// In a verification: what of the written is not the same in the table.
    #[serde(default)]
    pub verify: VerifyCounts,
}

/// In a verification: records that count as written though they were not found the same in the table, and are no fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyCounts {
    /// Records that a later one of the same key has superseded.
    pub superseded: u64,
    /// Records whose rows are not there, or not whole, and may have expired.
    #[serde(default)]
    pub expired: u64,
    /// Records that are not in the sample.
    pub not_sampled: u64,
    /// Records that the load before has rejected.
    pub passed_over: u64,
}

impl VerifyCounts {
    /// Those that were not looked up.
    pub fn left_out(self) -> u64 {
        self.not_sampled + self.passed_over
    }

    /// All of them.
    pub fn total(self) -> u64 {
        self.superseded + self.expired + self.not_sampled + self.passed_over
    }
}

impl std::ops::AddAssign for VerifyCounts {
    fn add_assign(&mut self, other: VerifyCounts) {
        self.superseded += other.superseded;
        self.expired += other.expired;
        self.not_sampled += other.not_sampled;
        self.passed_over += other.passed_over;
    }
}

/// How far an attempt at a unit is settled without a gap from its start, in whole chunks. Its rejects are on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prefix {
    /// Chunks, counted from the attempt's first.
    pub chunks: u32,
    /// Records in them: written + rejected.
    pub records: u64,
    /// Rows acknowledged (in a dry run: encoded).
    pub written: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Of these, those that are not bad.
    #[serde(default)]
    pub aside: u64,
    /// Length of the chunks in bytes.
    pub bytes: u64,
    /// In a verification: what of the written is not the same in the table.
    #[serde(default)]
    pub verify: VerifyCounts,
}

/// What became of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitReport {
    /// The unit.
    pub unit: UnitId,
    /// The attempt that did it.
    pub attempt: u32,
    /// Its final counts: records = written + rejected.
    pub counts: UnitCounts,
}

/// Why a worker cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The cluster: unreachable, refused the login, down for longer than `--retry-for`.
    Cluster,
    /// An input file: unreadable, truncated or changed since it was scanned.
    Input,
    /// The reject files could not be written.
    Output,
    /// A unit was begun as often as its records have write times.
    WriteTimes,
    /// The two sides do not understand each other.
    Protocol,
    /// The counts do not close: a bug, or an input that changes.
    Accounting,
}

/// A worker's totals over its life.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerTotals {
    /// Requests sent, retries included.
    pub requests: u64,
    /// Rows in the requests that were acknowledged.
    pub rows: u64,
    /// Latencies of acknowledged requests: (microseconds, how many), in the histogram's resolution.
    pub latency_us: Vec<(u64, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_sends_of_any_record_in_any_attempt_have_the_same_write_time() {
        let spaced = WriteTime::Spaced(1_000);
        let mut expected = 1_000;
        for ordinal in 0..3 {
            assert_eq!(spaced.of(ordinal), expected);
            for attempt in 1..=u32::from(ATTEMPTS_MAX) {
                for send in 0..i64::from(SENDS_MAX) {
                    assert_eq!(spaced.of(ordinal) + spaced.attempt_us(attempt).unwrap() + send, expected);
                    expected += 1;
                }
            }
            assert_eq!(spaced.last_of(ordinal), expected - 1);
        }
        assert_eq!(spaced.attempt_us(u32::from(ATTEMPTS_MAX) + 1), None);
        assert_eq!(spaced.of(u64::MAX), i64::MAX);
    }

    #[test]
    fn other_write_times_are_the_same_in_every_attempt() {
        for time in [WriteTime::Ordinal(7), WriteTime::Constant(7)] {
            assert_eq!((time.slot_us(), time.attempt_us(1_000)), (1, Some(0)));
            assert_eq!(time.last_of(5), time.of(5));
        }
    }
}
