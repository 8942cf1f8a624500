//! What cannot be right in what is said of units, by workers or by an earlier run.

use crate::coordinator::workers::WorkerId;
use crate::plan::unit::UnitId;

/// Why a worker's message about a unit, or what is known of it from an earlier run, cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// The worker speaks of a unit that it does not hold.
    #[error("worker {worker} speaks of unit {unit}, which it does not hold: this is a bug")]
    NotHeld {
        /// The worker.
        worker: WorkerId,
        /// The unit.
        unit: UnitId,
    },
    /// The counts do not close.
    #[error(
        "the accounting of unit {unit} does not close: {planned} records planned, {records} read, {written} written, {rejected} \
         rejected; its rows may not all be in the table"
    )]
    DoesNotClose {
        /// The unit.
        unit: UnitId,
        /// Records that the scan counted.
        planned: u64,
        /// Records that the worker read.
        records: u64,
        /// Rows acknowledged.
        written: u64,
        /// Records rejected.
        rejected: u64,
    },
    /// The prefix of an attempt has shrunk, or is longer than its unit.
    #[error(
        "an attempt at unit {unit} was settled up to its chunk {before} of {chunks} and is now up to {now}: this is a bug"
    )]
    PrefixJumps {
        /// The unit.
        unit: UnitId,
        /// Chunks settled before.
        before: u32,
        /// Chunks settled now.
        now: u32,
        /// Chunks that there are.
        chunks: u32,
    },
    /// The attempts at a unit do not follow each other.
    #[error(
        "what is known of unit {unit} does not fit together: an attempt begins with its chunk {found}, but the ones before it end \
         at {expected}; begin anew with --restart"
    )]
    Gap {
        /// The unit.
        unit: UnitId,
        /// Where the next attempt should begin.
        expected: u32,
        /// Where it begins.
        found: u32,
    },
    /// An attempt is said to be of this run, or a later one.
    #[error(
        "an attempt at unit {unit} is known from run {run}, which has only begun: begin anew with --restart"
    )]
    NotEarlier {
        /// The unit.
        unit: UnitId,
        /// The attempt's run.
        run: u32,
    },
}
