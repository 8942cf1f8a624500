//! What is left of a unit, and what of it is in a worker's hands: whether counts close, and what an attempt has rejected. Pure.

use super::{AssignmentError, Attempt};
use crate::control::message::{Prefix, UnitCounts};
use crate::coordinator::workers::WorkerId;
use crate::plan::unit::{Chunk, WorkUnit};
use crate::reject::merge::Part;
use crate::worker::pipeline::MEMORY_BYTES_MAX;

/// What is left of a unit.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) unit: WorkUnit,
    /// Where it begins: chunks of the whole unit that are settled.
    pub(super) first_chunk: u32,
    /// Attempts so far.
    pub(super) attempts: u32,
    /// Workers that died over it in this run.
    pub(super) deaths: u32,
    /// Whether its records may have been sent, and must not be twice.
    pub(super) in_doubt: bool,
}

/// A unit, or what is left of one, in a worker's hands. Its last attempt is the one that is being made.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) rest: Rest,
    pub(super) worker: WorkerId,
    pub(super) started: bool,
    pub(super) counts: UnitCounts,
    pub(super) prefix: Prefix,
}

/// How many records of a unit a worker may have sent that has told of none of them, whatever the settings that it had.
pub(super) fn sent_at_most(unit: &WorkUnit) -> u64 {
    let mut bytes = 0;
    let chunks = unit.chunks.iter().take_while(|chunk| {
        let fits = bytes < MEMORY_BYTES_MAX;
        bytes += chunk.len;
        fits
    });
    chunks.map(|chunk| chunk.records).sum()
}

impl Lease {
    pub(super) fn attempt(&self, run: u32) -> Attempt {
        Attempt {
            unit: self.rest.unit.id,
            run,
            attempt: self.rest.attempts,
            first_chunk: self.rest.first_chunk,
            prefix: self.prefix,
            retried: self.counts.retried,
        }
    }
}

impl Rest {
    /// Whether an attempt at this may be settled so far, after it was so far `before`.
    pub(super) fn check(&self, before: &Prefix, now: &Prefix) -> Result<(), AssignmentError> {
        let unit = self.unit.id;
        let Some(grown) = self.unit.chunks.get(before.chunks as usize..now.chunks as usize) else {
            let (before, now, chunks) = (before.chunks, now.chunks, self.unit.chunk_count());
            return Err(AssignmentError::PrefixJumps { unit, before, now, chunks });
        };
        let sum = |of: fn(&Chunk) -> u64| grown.iter().map(of).sum::<u64>();
        let planned = before.records + sum(|chunk| chunk.records);
        let Prefix { records, written, rejected, aside, bytes, verify, .. } = *now;
        let closes = records == planned
            && bytes == before.bytes + sum(|chunk| chunk.len)
            && (written >= before.written && rejected >= before.rejected)
            && verify.total() <= written
            && (before.aside <= aside && aside <= rejected)
            && written.checked_add(rejected) == Some(records);
        match closes {
            true => Ok(()),
            false => Err(AssignmentError::DoesNotClose { unit, planned, records, written, rejected }),
        }
    }

    /// What an attempt at this has rejected, if anything.
    pub(super) fn part(&self, attempt: &Attempt) -> Option<Part> {
        let Prefix { records, rejected, .. } = attempt.prefix;
        (rejected > 0).then_some(Part {
            unit: attempt.unit,
            run: attempt.run,
            attempt: attempt.attempt,
            file: self.unit.file,
            first_record: self.unit.first_record,
            records,
            rejected,
            settled: true,
        })
    }
}

pub(super) fn add(sum: &mut UnitCounts, counts: &UnitCounts) {
    sum.bytes += counts.bytes;
    sum.records += counts.records;
    sum.parsed += counts.parsed;
    sum.written += counts.written;
    sum.rejected += counts.rejected;
    sum.aside += counts.aside;
    sum.retried += counts.retried;
    sum.verify += counts.verify;
}
