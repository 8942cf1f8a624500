use super::*;
use crate::plan::unit::{Chunk, FileId};

const CHUNKS: [u64; 4] = [3, 0, 5, 2];
const RECORDS: u64 = 10;

/// A unit of four chunks, one of them without records.
fn unit(id: u32) -> WorkUnit {
    let start = |index: usize| u64::from(id) * 1_000 + index as u64 * 100;
    let chunk = |(index, &records): (usize, &u64)| Chunk { start: start(index), len: 100, records, line: 1 };
    let chunks = CHUNKS.iter().enumerate().map(chunk).collect();
    let first = u64::from(id) * RECORDS;
    WorkUnit { id: UnitId(id), file: FileId(0), first_ordinal: first, first_record: first + 1, chunks }
}

fn counts(written: u64, rejected: u64) -> UnitCounts {
    let records = written + rejected;
    UnitCounts { bytes: 400, records, parsed: records, written, rejected, retried: 0 }
}

fn prefix(chunks: u32, written: u64, rejected: u64) -> Prefix {
    Prefix { chunks, records: written + rejected, written, rejected, bytes: u64::from(chunks) * 100 }
}

fn report(id: u32, attempt: u32, counts: UnitCounts) -> UnitReport {
    UnitReport { unit: UnitId(id), attempt, counts }
}

/// The second run of a job with so many units that nobody has begun.
fn planned(units: u32) -> Assignment {
    let mut assignment = Assignment::new(2);
    (0..units).for_each(|id| assignment.add(unit(id)));
    assignment
}

fn leased(assignment: &mut Assignment, worker: usize) -> Option<u32> {
    let (unit, _) = assignment.lease(WorkerId(worker))?;
    assignment.started(WorkerId(worker), unit.id).unwrap();
    Some(unit.id.0)
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
    assert_eq!((again, attempt), (unit(0), 2));
}

#[test]
fn counts_after_a_dead_workers_prefix_are_forgotten() {
    let mut assignment = planned(1);
    leased(&mut assignment, 0);
    assignment.progress(WorkerId(0), UnitId(0), counts(5, 1), prefix(1, 2, 1)).unwrap();
    assert_eq!(assignment.counts(), counts(5, 1));
    assignment.worker_lost(WorkerId(0));
    let settled = UnitCounts { bytes: 100, ..counts(2, 1) };
    assert_eq!((assignment.counts(), assignment.done_counts()), (settled, settled));

    let (rest, attempt) = assignment.lease(WorkerId(1)).unwrap();
    assert_eq!((Some(rest), attempt), (unit(0).after(1), 2));
    assignment.done(WorkerId(1), &report(0, 2, UnitCounts { bytes: 300, ..counts(6, 1) })).unwrap();
    assert_eq!(assignment.counts(), counts(8, 2));
    assert_eq!(assignment.units_done(), 1);
    let parts = assignment.parts();
    let parts: Vec<_> =
        parts.iter().map(|part| (part.attempt, part.first_record, part.records, part.rejected)).collect();
    assert_eq!(parts, [(1, 1, 3, 1), (2, 4, 7, 1)]);
}

#[test]
fn a_unit_over_which_three_workers_died_is_failed_but_not_one_that_only_waited() {
    let mut assignment = planned(2);
    for worker in 0..3 {
        let first = assignment.lease(WorkerId(worker)).unwrap().0;
        let second = assignment.lease(WorkerId(worker)).unwrap().0;
        assert_eq!((first.id, second.id), (UnitId(0), UnitId(1)));
        assignment.started(WorkerId(worker), UnitId(0)).unwrap();
        if worker == 1 {
            // Coming further does not help: something in the rest kills workers.
            assignment.progress(WorkerId(1), UnitId(0), counts(3, 0), prefix(2, 3, 0)).unwrap();
        }
        let failed = assignment.worker_lost(WorkerId(worker));
        assert_eq!(failed, if worker == 2 { vec![UnitId(0)] } else { vec![] });
    }
    assert_eq!(assignment.failed(), [unit(0).after(2).unwrap()]);
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
        let changes = assignment.take_changes();
        assert!(changes.iter().all(|attempt| attempt.prefix == Prefix::default()), "{changes:?}");
    }
}

#[test]
fn a_worker_that_speaks_of_a_unit_it_does_not_hold_is_contradicted() {
    let mut assignment = planned(1);
    leased(&mut assignment, 0);
    for (worker, attempt) in [(1, 1), (0, 2)] {
        let done = assignment.done(WorkerId(worker), &report(0, attempt, counts(10, 0)));
        assert_eq!(done, Err(AssignmentError::NotHeld { worker: WorkerId(worker), unit: UnitId(0) }));
    }
    assert!(!assignment.is_settled());
}
