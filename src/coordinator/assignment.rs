//! Which unit is where: pending -> leased -> done or failed. A pure state machine; the dispatcher tells it what happened.
//!
//! Units go out in file order, so that write times stay near the clock. What a dead worker held goes back to the front; a unit
//! that was begun by three workers that died is failed, for it probably killed them.

use std::collections::BTreeMap;

use super::workers::WorkerId;
use crate::control::message::{UnitCounts, UnitReport};
use crate::plan::unit::{UnitId, WorkUnit};
use crate::reject::merge::Part;

/// After so many workers have died over a unit, it is failed.
pub const DEATHS_MAX: u32 = 3;
/// Units that a worker holds: one to load, one to begin with when the first one's last rows are in flight.
pub const LEASES_PER_WORKER: usize = 2;

/// A unit in a worker's hands.
#[derive(Debug)]
struct Lease {
    unit: WorkUnit,
    worker: WorkerId,
    attempt: u32,
    started: bool,
    counts: UnitCounts,
}

/// A unit nobody has.
#[derive(Debug)]
struct Pending {
    unit: WorkUnit,
    /// Attempts so far.
    attempts: u32,
    deaths: u32,
}

/// Why a worker's message about a unit cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// It speaks of a unit that it does not hold.
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
}

/// The state of every unit planned so far.
#[derive(Debug, Default)]
pub struct Assignment {
    pending: BTreeMap<UnitId, Pending>,
    leased: BTreeMap<UnitId, Lease>,
    /// Deaths over units that are leased again.
    deaths: BTreeMap<UnitId, u32>,
    failed: Vec<WorkUnit>,
    planned: u64,
    done: UnitCounts,
    units_done: u64,
    /// Attempts whose rejects count, and those whose do not.
    parts: Vec<Part>,
    stale_parts: Vec<Part>,
}

impl Assignment {
    /// A unit was planned.
    pub fn add(&mut self, unit: WorkUnit) {
        self.planned += 1;
        self.pending.insert(unit.id, Pending { unit, attempts: 0, deaths: 0 });
    }

    /// The next unit for a worker, if there is one and the worker has room; it holds the unit from now on.
    pub fn lease(&mut self, worker: WorkerId) -> Option<(WorkUnit, u32)> {
        if self.held_by(worker) >= LEASES_PER_WORKER {
            return None;
        }
        let (id, Pending { unit, attempts, deaths }) = self.pending.pop_first()?;
        let attempt = attempts + 1;
        self.deaths.insert(id, deaths);
        let lease =
            Lease { unit: unit.clone(), worker, attempt, started: false, counts: UnitCounts::default() };
        self.leased.insert(id, lease);
        Some((unit, attempt))
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
    pub fn progress(&mut self, worker: WorkerId, unit: UnitId, counts: UnitCounts) {
        if let Ok(lease) = self.held(worker, unit) {
            lease.counts = counts;
        }
    }

    /// A worker has done a unit.
    ///
    /// # Errors
    /// It does not hold the unit, or the counts do not close; the unit is then failed.
    pub fn done(&mut self, worker: WorkerId, report: &UnitReport) -> Result<(), AssignmentError> {
        self.held(worker, report.unit)?;
        let Some(lease) = self.leased.remove(&report.unit) else { return Ok(()) };
        let UnitCounts { records, written, rejected, .. } = report.counts;
        let planned = lease.unit.records();
        if records != planned || written + rejected != records {
            self.failed.push(lease.unit);
            return Err(AssignmentError::DoesNotClose {
                unit: report.unit,
                planned,
                records,
                written,
                rejected,
            });
        }
        self.deaths.remove(&report.unit);
        self.units_done += 1;
        add(&mut self.done, &report.counts);
        self.parts.push(lease.part());
        Ok(())
    }

    /// A worker has died: what it held goes back. Returns the units that are failed by that.
    pub fn worker_lost(&mut self, worker: WorkerId) -> Vec<UnitId> {
        let held: Vec<UnitId> = self.leases_of(worker).map(|lease| lease.unit.id).collect();
        let mut failed = Vec::new();
        for id in held {
            let Some(lease) = self.leased.remove(&id) else { continue };
            let deaths = self.deaths.remove(&id).unwrap_or(0) + u32::from(lease.started);
            self.stale_parts.push(lease.part());
            if deaths >= DEATHS_MAX {
                failed.push(id);
                self.failed.push(lease.unit);
            } else {
                self.pending.insert(id, Pending { unit: lease.unit, attempts: lease.attempt, deaths });
            }
        }
        failed
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

    /// Units that failed for good.
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

    /// Counts of the units that are done.
    pub fn done_counts(&self) -> UnitCounts {
        self.done
    }

    /// Counts of the units that are done and of those under way.
    pub fn counts(&self) -> UnitCounts {
        let mut counts = self.done;
        for lease in self.leased.values() {
            add(&mut counts, &lease.counts);
        }
        counts
    }

    /// The attempts whose rejects count: those that were done, and those under way (which count once nobody goes on with them).
    pub fn parts(&self) -> Vec<Part> {
        self.parts.iter().copied().chain(self.leased.values().map(Lease::part)).collect()
    }

    /// The attempts that died.
    pub fn stale_parts(&self) -> &[Part] {
        &self.stale_parts
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

impl Lease {
    fn part(&self) -> Part {
        Part { unit: self.unit.id, attempt: self.attempt, file: self.unit.file }
    }
}

fn add(sum: &mut UnitCounts, counts: &UnitCounts) {
    sum.bytes += counts.bytes;
    sum.records += counts.records;
    sum.parsed += counts.parsed;
    sum.written += counts.written;
    sum.rejected += counts.rejected;
    sum.retried += counts.retried;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::unit::{Chunk, FileId};
    use proptest::prelude::*;

    const RECORDS: u64 = 10;

    fn unit(id: u32) -> WorkUnit {
        let chunks = vec![Chunk { start: u64::from(id) * 100, len: 100, records: RECORDS, line: 1 }];
        let first = u64::from(id) * RECORDS;
        WorkUnit { id: UnitId(id), file: FileId(0), first_ordinal: first, first_record: first + 1, chunks }
    }

    fn counts(written: u64, rejected: u64) -> UnitCounts {
        let records = written + rejected;
        UnitCounts { bytes: 100, records, parsed: records, written, rejected, retried: 0 }
    }

    fn report(id: u32, attempt: u32, counts: UnitCounts) -> UnitReport {
        UnitReport { unit: UnitId(id), attempt, counts }
    }

    fn planned(units: u32) -> Assignment {
        let mut assignment = Assignment::default();
        (0..units).for_each(|id| assignment.add(unit(id)));
        assignment
    }

    fn leased(assignment: &mut Assignment, worker: usize) -> Option<u32> {
        assignment.lease(WorkerId(worker)).map(|(unit, _)| unit.id.0)
    }

    #[test]
    fn units_go_out_in_file_order_two_to_a_worker() {
        let mut assignment = planned(5);
        let order = [0, 0, 0, 1, 1].map(|worker| leased(&mut assignment, worker));
        assert_eq!(order, [Some(0), Some(1), None, Some(2), Some(3)]);
    }

    #[test]
    fn what_a_dead_worker_held_goes_to_the_next_before_later_units() {
        let mut assignment = planned(4);
        leased(&mut assignment, 0);
        leased(&mut assignment, 0);
        leased(&mut assignment, 1);
        assert_eq!(assignment.worker_lost(WorkerId(0)), []);
        let (again, attempt) = assignment.lease(WorkerId(1)).unwrap();
        assert_eq!((again.id, attempt), (UnitId(0), 2));
    }

    #[test]
    fn counts_of_a_dead_worker_are_forgotten() {
        let mut assignment = planned(1);
        leased(&mut assignment, 0);
        assignment.progress(WorkerId(0), UnitId(0), counts(5, 1));
        assert_eq!(assignment.counts().written, 5);
        assignment.worker_lost(WorkerId(0));
        assert_eq!(assignment.counts(), UnitCounts::default());
        leased(&mut assignment, 1);
        assignment.done(WorkerId(1), &report(0, 2, counts(9, 1))).unwrap();
        assert_eq!(assignment.counts(), counts(9, 1));
        let part = |attempt| Part { unit: UnitId(0), attempt, file: FileId(0) };
        assert_eq!((assignment.parts(), assignment.stale_parts()), (vec![part(2)], &[part(1)][..]));
    }

    #[test]
    fn a_unit_over_which_three_workers_died_is_failed_but_not_one_that_only_waited() {
        let mut assignment = planned(2);
        for worker in 0..3 {
            assert_eq!(leased(&mut assignment, worker), Some(0));
            assert_eq!(leased(&mut assignment, worker), Some(1));
            assignment.started(WorkerId(worker), UnitId(0)).unwrap();
            let failed = assignment.worker_lost(WorkerId(worker));
            assert_eq!(failed, if worker == 2 { vec![UnitId(0)] } else { vec![] });
        }
        assert_eq!(leased(&mut assignment, 3), Some(1));
        assert_eq!(leased(&mut assignment, 3), None);
    }

    #[test]
    fn counts_that_do_not_close_fail_the_unit() {
        for wrong in [counts(9, 0), counts(11, 0), UnitCounts { written: 9, ..counts(10, 0) }] {
            let mut assignment = planned(1);
            leased(&mut assignment, 0);
            let outcome = assignment.done(WorkerId(0), &report(0, 1, wrong));
            assert!(matches!(outcome, Err(AssignmentError::DoesNotClose { .. })), "{wrong:?}");
            assert_eq!(assignment.failed(), [unit(0)]);
            assert_eq!(assignment.units_done(), 0);
        }
    }

    #[test]
    fn a_worker_that_speaks_of_a_unit_it_does_not_hold_is_contradicted() {
        let mut assignment = planned(1);
        leased(&mut assignment, 0);
        let done = assignment.done(WorkerId(1), &report(0, 1, counts(10, 0)));
        assert_eq!(done, Err(AssignmentError::NotHeld { worker: WorkerId(1), unit: UnitId(0) }));
        assert!(!assignment.is_settled());
    }

    proptest! {
        /// Whatever order workers ask, finish and die in, each unit is done at most once and none is ever lost.
        #[test]
        fn every_unit_is_pending_leased_done_or_failed(
            steps in prop::collection::vec((0u8..3, 0usize..4), 0..300),
        ) {
            const UNITS: u32 = 12;
            let mut assignment = planned(UNITS);
            let mut done = std::collections::BTreeSet::new();
            for (step, worker) in steps {
                let worker = WorkerId(worker);
                match step {
                    0 => {
                        if let Some((unit, _)) = assignment.lease(worker) {
                            assignment.started(worker, unit.id).unwrap();
                        }
                    }
                    1 => {
                        let held = assignment.leases_of(worker).next().map(|lease| (lease.unit.id, lease.attempt));
                        if let Some((id, attempt)) = held {
                            assignment.done(worker, &report(id.0, attempt, counts(RECORDS, 0))).unwrap();
                            prop_assert!(done.insert(id), "unit {} was done twice", id);
                        }
                    }
                    _ => { assignment.worker_lost(worker); }
                }
                let all = assignment.pending.len() + assignment.leased.len() + done.len() + assignment.failed.len();
                prop_assert_eq!(all, UNITS as usize);
                prop_assert_eq!(assignment.counts().written, done.len() as u64 * RECORDS);
            }
        }
    }
}
