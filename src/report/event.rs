//! What the run tells the report. Everything that a person or a script sees of a run is made from these.

use std::path::PathBuf;
use std::time::Duration;

use crate::reject::RejectCode;
use crate::settings::TableName;
use crate::verify::compare::Known;
use crate::verify::sample::Sample;

/// A happening that somebody may want to see.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// The run begins.
    Started {
        /// The table as `keyspace.table`.
        table: String,
        /// The input files.
        inputs: Vec<PathBuf>,
        /// Bytes of all inputs.
        bytes_total: u64,
        /// Worker processes; 0: in this process.
        workers: usize,
        /// Whether nothing is written.
        dry_run: bool,
    },
    /// What was loaded, now or before, begins to be read back.
    Verifying {
        /// The table as `keyspace.table`.
        table: String,
        /// The input files.
        inputs: Vec<PathBuf>,
        /// Bytes of all inputs.
        bytes_total: u64,
        /// Worker processes; 0: in this process.
        workers: usize,
        /// Which records.
        sample: Sample,
    },
    /// The run goes on with a job that earlier runs have begun.
    Resumed {
        /// The job.
        job: String,
        /// When it was begun.
        begun: String,
        /// The number of this run.
        run: u32,
        /// What was done before.
        resumed: Resumed,
        /// Inputs that can only be read forwards and are partly done: that part is read again and skipped.
        read_again: Vec<PathBuf>,
    },
    /// The table was not there, and is now.
    TableCreated {
        /// The table as `keyspace.table`.
        table: String,
        /// The CREATE TABLE, with what it was made from as comments.
        cql: String,
        /// It was only proposed.
        dry_run: bool,
    },
    /// How far the run is; comes a few times a second.
    Progress(Snapshot),
    /// A worker process ended before its time and what it had is given to others.
    WorkerLost {
        /// Its number.
        worker: usize,
        /// How it ended, with the last lines of its standard error.
        reason: String,
    },
    /// Something that the user should know.
    Warning(String),
    /// Something that the user may want to know, and that is no reason to worry.
    Note(String),
    /// What a library in a worker, most often the driver, says is wrong: for the log only.
    Library {
        /// Its number.
        worker: usize,
        /// The library's part that says it.
        source: String,
        /// What it says.
        message: String,
        /// Whether it calls it an error, not a warning.
        is_error: bool,
    },
    /// A signal asks the run to end.
    Stopping {
        /// Its number.
        signal: i32,
        /// Whether the run was ending already, so that it ends at once now.
        at_once: bool,
    },
    /// The run is over.
    Finished(Box<Summary>),
}

/// What earlier runs of a job have done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Records that are settled.
    pub records: u64,
    /// Rows acknowledged.
    pub written: u64,
    /// Bytes whose records are settled.
    pub bytes: u64,
    /// Records that may be in the table already and are sent again: those that were on their way when the last run ended.
    pub uncertain: u64,
}

/// How far the run is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Snapshot {
    /// Bytes of all inputs; 0 where nobody knows yet, as of standard input.
    pub bytes_total: u64,
    /// Bytes whose records are done.
    pub bytes_done: u64,
    /// What of all this was done before this run.
    pub resumed: Resumed,
    /// Rows acknowledged.
    pub written: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Requests sent again.
    pub retried: u64,
    /// Requests in flight now, over all workers.
    pub in_flight: u64,
    /// Rows waiting to be sent again because of a cluster fault.
    pub waiting: u64,
    /// Workers with an open session.
    pub workers_ready: usize,
    /// Since the run's start.
    pub elapsed: Duration,
    /// Whether rows are read back: `written` is then how many, and `rejected` how many of them are not as in the file.
    pub verifying: bool,
}

impl Snapshot {
    /// Whether nobody knows how much there is to do.
    pub fn is_total_unknown(&self) -> bool {
        self.bytes_total == 0
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// Every record is in the table (or would be).
    Done,
    /// Every record is in the table or in the reject files.
    DoneWithRejects,
    /// Everything is read back, and the table has not what the files say.
    Differences,
    /// The error budget is spent.
    TooManyErrors,
    /// The cluster, a file or the table made going on impossible.
    Failed,
    /// A unit failed for good, or the accounting does not close.
    Incomplete,
    /// Stopped by a signal of this number.
    Interrupted(i32),
}

impl RunStatus {
    /// Whether nothing is left to do.
    pub fn is_success(self) -> bool {
        matches!(self, RunStatus::Done | RunStatus::DoneWithRejects | RunStatus::Differences)
    }
}

/// What became of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// How it ended.
    pub status: RunStatus,
    /// Why, where it did not end well: what happened and what to do.
    pub message: Option<String>,
    /// The job's name, if it is remembered.
    pub job: Option<String>,
    /// The table as `keyspace.table`.
    pub table: String,
    /// The input files.
    pub inputs: Vec<PathBuf>,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Bytes of all inputs.
    pub bytes: u64,
    /// Records that are settled, in this run and the ones before it.
    pub records: u64,
    /// What of all this was done before this run.
    pub resumed: Resumed,
    /// CPU time that keeping the ledger has taken, where the system tells.
    pub ledger_cpu: Option<Duration>,
    /// How long after its begin the run had settled its first record, as workers tell it ten times a second.
    pub first_settled: Option<Duration>,
    /// Rows acknowledged.
    pub written: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Records of which nobody knows whether they were written, and which must not be sent twice.
    pub uncertain: u64,
    /// Records whose condition did not hold.
    pub not_applied: u64,
    /// Requests sent again.
    pub retried: u64,
    /// Units planned.
    pub units: u64,
    /// Worker processes; 0: in this process.
    pub workers: usize,
    /// Workers that ended before their time.
    pub workers_lost: u64,
    /// Sessions opened by workers.
    pub session_starts: u64,
    /// The most sessions that were being opened at one instant.
    pub session_starts_peak: usize,
    /// Requests sent.
    pub requests: u64,
    /// Rows in each request that was acknowledged, on average, if there were any.
    pub rows_per_request: Option<f64>,
    /// From start to end.
    pub elapsed: Duration,
    /// Latencies of acknowledged requests, if there were any.
    pub latency: Option<Latency>,
    /// The reject files' directory, if there are any.
    pub rejects_dir: Option<PathBuf>,
    /// Rejects by column and reason, the most frequent first.
    pub reject_reasons: Vec<RejectTally>,
    /// What each input file holds, in their order; empty where the scan did not come to its end.
    pub files: Vec<FileTally>,
    /// The sizes of the units; `None` where there is none, or the scan did not come to its end.
    pub unit_bytes: Option<UnitBytes>,
    /// How long the load would take, where that was asked for and everything was gone through.
    pub estimate: Option<Estimate>,
    /// Whether the run has only read back what was loaded before. What could not be is then all that counts as rejected.
    pub verify_only: bool,
    /// What was found when everything was read back, if it was.
    pub verified: Option<Verified>,
    /// Warnings so far, lost workers among them; the report counts them.
    pub warnings: u64,
}

/// What the table has of the records.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Records whose rows were looked up: the sum of those below, down to `expired`.
    pub checked: u64,
    /// Rows that are as in the file.
    pub same: u64,
    /// Records without a row.
    pub missing: u64,
    /// Rows that are not as in the file.
    pub different: u64,
    /// Rows that were written again after the job.
    pub overwritten: u64,
    /// Records that a later one of the same key has superseded.
    pub superseded: u64,
    /// Records whose rows are not there, or not whole, and may have expired.
    pub expired: u64,
    /// Records that could not be looked up, or that the load has rejected.
    pub not_checked: u64,
    /// Records that are not in the sample.
    pub not_sampled: u64,
    /// What is known of the write times.
    pub known: Known,
    /// Which records were to be looked at.
    pub sample: Sample,
    /// What is missing, different or overwritten, by column, the most frequent first.
    pub reasons: Vec<RejectTally>,
    /// Where that is told record by record, if there is any.
    pub differences_dir: Option<PathBuf>,
    /// What the verification took.
    pub elapsed: Duration,
}

impl Summary {
    /// The summary of a load that could not begin: nothing was read or written, and `message` says why.
    pub fn not_begun(table: &TableName, inputs: &[PathBuf], dry_run: bool, message: String) -> Summary {
        Summary {
            status: RunStatus::Failed,
            message: Some(message),
            job: None,
            table: table.to_string(),
            inputs: inputs.to_vec(),
            dry_run,
            bytes: 0,
            records: 0,
            resumed: Resumed::default(),
            ledger_cpu: None,
            first_settled: None,
            written: 0,
            rejected: 0,
            uncertain: 0,
            not_applied: 0,
            retried: 0,
            units: 0,
            workers: 0,
            workers_lost: 0,
            session_starts: 0,
            session_starts_peak: 0,
            requests: 0,
            rows_per_request: None,
            elapsed: Duration::ZERO,
            latency: None,
            rejects_dir: None,
            reject_reasons: Vec::new(),
            files: Vec::new(),
            unit_bytes: None,
            estimate: None,
            verify_only: false,
            verified: None,
            warnings: 0,
        }
    }
}

/// How many records were rejected for one reason in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectTally {
    /// The column, where one is to blame.
    pub column: Option<String>,
    /// The reason.
    pub code: RejectCode,
    /// How many.
    pub count: u64,
}

/// What an input file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTally {
    /// Which file.
    pub path: PathBuf,
    /// Its bytes, without the header.
    pub bytes: u64,
    /// Its records, the rejected ones too.
    pub records: u64,
    /// Its units.
    pub units: u64,
    /// Why one reader has all of it, where it is so.
    pub one_reader: Option<String>,
}

/// The sizes of units, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitBytes {
    /// The smallest.
    pub smallest: u64,
    /// The largest.
    pub largest: u64,
}

/// How long a load would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// At so many rows in a second.
    pub rows_per_second: u64,
    /// So long.
    pub time: Duration,
}

/// Latency percentiles, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Largest.
    pub max: f64,
}
