//! What a run is told, what may happen in it, and what it leaves behind: the words of the event loop and of those who talk with it.

use std::time::{Duration, Instant};

use super::assignment::Assignment;
use super::latency::LatencyTally;
use super::workers::{WorkerId, WorkerKind};
use crate::control::message::{FailureKind, FromWorker, JobSpec};
use crate::ledger::journal::Journal;
use crate::report::event::Resumed;
use crate::settings::ErrorBudget;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A worker said something.
    FromWorker(WorkerId, FromWorker),
    /// A worker closed its side of the channel; with a reason if what it sent last was no message.
    WorkerClosed(WorkerId, Option<String>),
    /// The user or the system wants the run to end.
    Signal(i32),
    /// So many beginnings of attempts, counted from the run's begin, are in the ledger.
    BegunWrittenDown(u64),
    /// What happened cannot be written down any more, for this reason.
    JournalFailed(String),
}

/// Why a run ended before its work was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The error budget is spent.
    TooManyErrors,
    /// A worker or the planner could not go on.
    Failed(FailureKind, String),
    /// A signal of this number.
    Signal(i32),
}

/// What the loop needs to know.
pub struct DispatcherOptions {
    /// What workers are told.
    pub job: JobSpec,
    /// Where workers run.
    pub kind: WorkerKind,
    /// How many of them.
    pub workers: usize,
    /// Sessions being opened at once.
    pub session_starts: usize,
    /// How many bad records are borne.
    pub max_errors: ErrorBudget,
    /// Bytes of all inputs.
    pub bytes_total: u64,
    /// What earlier runs have done.
    pub resumed: Resumed,
    /// When the run began.
    pub started: Instant,
}

/// What the loop leaves behind.
pub struct Outcome {
    /// Records of all inputs, if the scan went through.
    pub records_planned: Option<u64>,
    /// Every unit's state.
    pub assignment: Assignment,
    /// Why the run ended early, if it did.
    pub stopped: Option<Stopped>,
    /// A signal that came when there was nothing left to do but to end.
    pub late_signal: Option<i32>,
    /// The most sessions that were opening at one instant.
    pub session_starts_peak: usize,
    /// Sessions opened.
    pub session_starts: u64,
    /// How long after the run's begin its first record was settled, if one was.
    pub first_settled: Option<Duration>,
    /// Workers that ended before their time.
    pub workers_lost: u64,
    /// Requests and latencies of all workers.
    pub latency: LatencyTally,
    /// What follows the run, with the last of what happened not handed over yet.
    pub journal: Option<Journal>,
}
