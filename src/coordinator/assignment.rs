//! Which unit is where: pending -> leased -> done or failed. A pure state machine; the dispatcher tells it what happened.
//!
//! Units go out in file order, so that write times stay near the clock. What a dead worker held goes back to the front, without the
//! prefix that it had settled; so does what an earlier run left. A unit that was begun by three workers that died is failed, for it
//! probably killed them.

mod error;
mod rest;

use std::collections::BTreeMap;

pub use self::error::AssignmentError;
use super::workers::WorkerId;
use crate::control::message::{Prefix, UnitCounts, UnitReport};
use crate::plan::unit::{UnitId, WorkUnit};
use crate::reject::merge::Part;
use rest::{Lease, Rest, add, sent_at_most};

/// After so many workers have died over a unit in one run, it is failed.
pub const DEATHS_MAX: u32 = 3;
/// Units that a worker holds: one to load, one to begin with when the first one's last rows are in flight.
pub const LEASES_PER_WORKER: usize = 2;
/// Units that a worker holds at most, where those that it has read wait for rows of others.
pub const LEASES_MAX: usize = 8;

/// What an attempt has contributed to a unit: the unit's chunks from `first_chunk` on, as many as the prefix has, are settled by it.
/// The attempts at a unit follow each other without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The unit.
    pub unit: UnitId,
    /// The run of the job in which it was made, from 1.
    pub run: u32,
    /// Which attempt at the unit it was, from 1, over all runs.
    pub attempt: u32,
    /// The chunk of the unit with which it began.
    pub first_chunk: u32,
    /// How far it is settled from there.
    pub prefix: Prefix,
    /// Requests sent again.
    pub retried: u64,
}

impl Attempt {
    fn counts(&self) -> UnitCounts {
        let Prefix { records, written, rejected, aside, bytes, verify, .. } = self.prefix;
        UnitCounts {
            bytes,
            records,
            parsed: records,
            written,
            rejected,
            aside,
            retried: self.retried,
            verify,
        }
    }
}

/// The state of every unit planned so far.
#[derive(Debug)]
pub struct Assignment {
    run: u32,
    /// Whether no record must be sent twice.
    once: bool,
    pending: BTreeMap<UnitId, Rest>,
    leased: BTreeMap<UnitId, Lease>,
    failed: Vec<WorkUnit>,
    planned: u64,
    units_done: u64,
    /// Counts of all attempts that are over, as far as they are settled.
    settled: UnitCounts,
    /// Of these, what earlier runs have settled.
    resumed: UnitCounts,
    uncertain_records: u64,
    /// The rejects of those attempts.
    parts: Vec<Part>,
    /// Attempts that are settled further than it was told.
    changed: BTreeMap<(UnitId, u32), Attempt>,
    /// Whether a worker was ever given a unit in this run.
    was_begun: bool,
}

impl Assignment {
    /// A run of a job, by its number from 1, of which no unit is known yet.
    pub fn new(run: u32) -> Self {
        Assignment {
            run,
            once: false,
            pending: BTreeMap::new(),
            leased: BTreeMap::new(),
            failed: Vec::new(),
            planned: 0,
            units_done: 0,
            settled: UnitCounts::default(),
            resumed: UnitCounts::default(),
            uncertain_records: 0,
            parts: Vec::new(),
            changed: BTreeMap::new(),
            was_begun: false,
        }
    }

    /// The same for a job of which no record must be sent twice: what an attempt may have sent and not settled is in doubt.
    pub fn once(self, once: bool) -> Self {
        Assignment { once, ..self }
    }

    /// A unit was planned.
    pub fn add(&mut self, unit: WorkUnit) {
        self.planned += 1;
        self.pending.insert(unit.id, Rest { unit, first_chunk: 0, attempts: 0, deaths: 0, in_doubt: false });
    }

    /// A unit is known from earlier runs, with what they have done of it, in any order. What is left of it is pending.
    ///
    /// # Errors
    /// The attempts do not follow each other, or their counts do not close. The assignment is then of no use any more.
    pub fn restore(&mut self, unit: WorkUnit, mut attempts: Vec<Attempt>) -> Result<(), AssignmentError> {
        let id = unit.id;
        let last = attempts.iter().map(|attempt| attempt.attempt).max().unwrap_or(0);
        attempts.retain(|attempt| attempt.prefix.chunks > 0);
        attempts.sort_unstable_by_key(|attempt| attempt.first_chunk);
        let chunks = unit.chunk_count();
        let in_doubt = self.once && last > 0;
        let mut left = Some(Rest { unit, first_chunk: 0, attempts: last, deaths: 0, in_doubt });
        self.planned += 1;
        for attempt in attempts {
            if attempt.run >= self.run {
                return Err(AssignmentError::NotEarlier { unit: id, run: attempt.run });
            }
            let Some(rest) = left.take_if(|rest| rest.first_chunk == attempt.first_chunk) else {
                let expected = left.map_or(chunks, |rest| rest.first_chunk);
                return Err(AssignmentError::Gap { unit: id, expected, found: attempt.first_chunk });
            };
            rest.check(&Prefix::default(), &attempt.prefix)?;
            add(&mut self.resumed, &attempt.counts());
            left = self.settle(rest, &attempt);
        }
        match left {
            Some(rest) => {
                if last > 0 {
                    let all = rest.unit.records();
                    self.uncertain_records += if self.once { all } else { sent_at_most(&rest.unit) };
                }
                self.pending.insert(id, rest);
            }
            None => self.units_done += 1,
        }
        Ok(())
    }

    /// The next unit for a worker, if there is one and the worker has room; it holds the unit from now on. Of a unit that was begun
    /// before, it gets what is left.
    pub fn lease(&mut self, worker: WorkerId) -> Option<(WorkUnit, u32)> {
        self.lease_up_to(LEASES_PER_WORKER, worker)
    }

    /// The same for a worker that could do with more than usual.
    pub fn lease_one_more(&mut self, worker: WorkerId) -> Option<(WorkUnit, u32)> {
        self.lease_up_to(LEASES_MAX, worker)
    }

    fn lease_up_to(&mut self, most: usize, worker: WorkerId) -> Option<(WorkUnit, u32)> {
        if self.held_by(worker) >= most {
            return None;
        }
        let (id, mut rest) = self.pending.pop_first()?;
        self.was_begun = true;
        rest.attempts += 1;
        let leased = (rest.unit.clone(), rest.attempts);
        let (counts, prefix) = (UnitCounts::default(), Prefix::default());
        let lease = Lease { rest, worker, started: false, counts, prefix };
        // That it has begun is worth remembering: some of its rows may be written before anything is settled.
        self.changed.insert((id, lease.rest.attempts), lease.attempt(self.run));
        self.leased.insert(id, lease);
        Some(leased)
    }

    /// The worker has begun with a unit.
    ///
    /// # Errors
    /// It does not hold the unit.
    pub fn started(&mut self, worker: WorkerId, unit: UnitId) -> Result<(), AssignmentError> {
        self.held(worker, unit)?.started = true;
        Ok(())
    }

    /// How far a worker is with a unit. Progress of a unit that it no longer holds came late and says nothing.
    ///
    /// # Errors
    /// The prefix has shrunk, or its counts do not close; the unit is then failed.
    pub fn progress(
        &mut self,
        worker: WorkerId,
        unit: UnitId,
        counts: UnitCounts,
        prefix: Prefix,
    ) -> Result<(), AssignmentError> {
        let Ok(lease) = self.held(worker, unit) else { return Ok(()) };
        lease.counts = counts;
        if prefix == lease.prefix {
            return Ok(());
        }
        if let Err(error) = lease.rest.check(&lease.prefix, &prefix) {
            self.fail(unit);
            return Err(error);
        }
        lease.prefix = prefix;
        let (number, run) = (lease.rest.attempts, self.run);
        if let Some(lease) = self.leased.get(&unit) {
            self.changed.insert((unit, number), lease.attempt(run));
        }
        Ok(())
    }

    /// A worker has done a unit.
    ///
    /// # Errors
    /// It does not hold the unit, or the counts do not close; the unit is then failed.
    pub fn done(&mut self, worker: WorkerId, report: &UnitReport) -> Result<(), AssignmentError> {
        let UnitReport { unit, attempt, counts } = *report;
        let lease = self.held(worker, unit)?;
        if lease.rest.attempts != attempt {
            return Err(AssignmentError::NotHeld { worker, unit });
        }
        let UnitCounts { records, written, rejected, aside, verify, .. } = counts;
        let (chunks, bytes) = (lease.rest.unit.chunk_count(), lease.rest.unit.bytes());
        let whole = Prefix { chunks, records, written, rejected, aside, bytes, verify };
        self.progress(worker, unit, counts, whole)?;
        if let Some(lease) = self.leased.remove(&unit) {
            self.end(lease);
        }
        Ok(())
    }

    /// A worker has died: what it held goes back. Returns the units that are failed by that.
    pub fn worker_lost(&mut self, worker: WorkerId) -> Vec<UnitId> {
        let held: Vec<UnitId> = self.leases_of(worker).map(|lease| lease.rest.unit.id).collect();
        let mut failed = Vec::new();
        for id in held {
            let Some(mut lease) = self.leased.remove(&id) else { continue };
            lease.rest.deaths += u32::from(lease.started);
            // It had been told of it, so that it may have begun even where it did not come to say so.
            lease.rest.in_doubt |= self.once;
            let Some(rest) = self.end(lease) else { continue };
            if rest.deaths >= DEATHS_MAX {
                failed.push(id);
                self.failed.push(rest.unit);
            } else {
                self.pending.insert(id, rest);
            }
        }
        failed
    }

    /// Attempts that are settled further than when this was last asked, each as it is now. To be remembered together or not at
    /// all: they build on each other.
    pub fn take_changes(&mut self) -> Vec<Attempt> {
        std::mem::take(&mut self.changed).into_values().collect()
    }

    /// Whether a worker was ever given a unit in this run, so that rows may have been sent.
    pub fn was_begun(&self) -> bool {
        self.was_begun
    }

    /// Units that nobody has yet.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether every unit planned so far is done or failed.
    pub fn is_settled(&self) -> bool {
        self.pending.is_empty() && self.leased.is_empty()
    }

    /// How many units a worker holds.
    pub fn held_by(&self, worker: WorkerId) -> usize {
        self.leases_of(worker).count()
    }

    /// What is left of the units that failed for good.
    pub fn failed(&self) -> &[WorkUnit] {
        &self.failed
    }

    /// Units planned so far.
    pub fn planned(&self) -> u64 {
        self.planned
    }

    /// Units done.
    pub fn units_done(&self) -> u64 {
        self.units_done
    }

    /// Records that earlier runs have settled.
    pub fn resumed_records(&self) -> u64 {
        self.resumed.records
    }

    /// Counts of what earlier runs have settled: a rate of this run leaves them out.
    pub fn resumed_counts(&self) -> UnitCounts {
        self.resumed
    }

    /// Whether what a worker was just given may have been sent before, and must not be twice.
    pub fn is_in_doubt(&self, unit: UnitId) -> bool {
        self.leased.get(&unit).is_some_and(|lease| lease.rest.in_doubt)
    }

    /// Of what earlier runs have rejected, so many records are not bad: the reject files tell, also where the ledger was written by
    /// an earlier version, which did not count them.
    pub fn set_aside_before(&mut self, records: u64) {
        self.settled.aside = records;
        self.resumed.aside = records;
    }

    /// Records that may have been sent before and will be sent again, or not, where none must be: of each unit that was begun, what a worker may hold beyond
    /// what it has told.
    pub fn uncertain_records(&self) -> u64 {
        self.uncertain_records
    }

    /// Counts of all attempts that are over, in this run and earlier ones: what of them is settled.
    pub fn done_counts(&self) -> UnitCounts {
        self.settled
    }

    /// The same, and what workers are at now.
    pub fn counts(&self) -> UnitCounts {
        let mut counts = self.settled;
        for lease in self.leased.values() {
            add(&mut counts, &lease.counts);
        }
        counts
    }

    /// What there is to gather of rejects: those of every attempt's prefix, and, where a run ended before its work did, what
    /// attempts have rejected after theirs.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = self.parts.clone();
        for lease in self.leased.values() {
            parts.extend(lease.rest.part(&lease.attempt(self.run)));
            if let Some(unit) = lease.rest.unit.after(lease.prefix.chunks) {
                parts.push(Part {
                    unit: unit.id,
                    run: self.run,
                    attempt: lease.rest.attempts,
                    file: unit.file,
                    first_record: unit.first_record,
                    records: unit.records(),
                    rejected: lease.counts.rejected.saturating_sub(lease.prefix.rejected),
                    settled: false,
                });
            }
        }
        parts
    }

    /// An attempt is over: what it has settled counts from now on. Returns what is left of the unit; nothing of one that is done.
    fn end(&mut self, lease: Lease) -> Option<Rest> {
        let attempt = lease.attempt(self.run);
        let left = self.settle(lease.rest, &attempt);
        self.units_done += u64::from(left.is_none());
        left
    }

    fn settle(&mut self, rest: Rest, attempt: &Attempt) -> Option<Rest> {
        let chunks = attempt.prefix.chunks;
        if chunks > 0 {
            add(&mut self.settled, &attempt.counts());
        }
        self.parts.extend(rest.part(attempt));
        let unit = rest.unit.after(chunks)?;
        Some(Rest { unit, first_chunk: rest.first_chunk + chunks, ..rest })
    }

    fn fail(&mut self, unit: UnitId) {
        let left = self.leased.remove(&unit).and_then(|lease| self.end(lease));
        self.failed.extend(left.map(|rest| rest.unit));
    }

    fn leases_of(&self, worker: WorkerId) -> impl Iterator<Item = &Lease> {
        self.leased.values().filter(move |lease| lease.worker == worker)
    }

    fn held(&mut self, worker: WorkerId, unit: UnitId) -> Result<&mut Lease, AssignmentError> {
        self.leased
            .get_mut(&unit)
            .filter(|lease| lease.worker == worker)
            .ok_or(AssignmentError::NotHeld { worker, unit })
    }
}

#[cfg(test)]
mod tests;
