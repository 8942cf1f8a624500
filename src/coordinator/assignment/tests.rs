use super::*;
use crate::plan::unit::{Chunk, FileId};
use proptest::prelude::*;
use std::collections::BTreeSet;

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
    UnitCounts { bytes: 400, records, parsed: records, written, rejected, ..UnitCounts::default() }
}

fn prefix(chunks: u32, written: u64, rejected: u64) -> Prefix {
    let (records, bytes) = (written + rejected, u64::from(chunks) * 100);
    Prefix { chunks, records, written, rejected, bytes, ..Prefix::default() }
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
fn a_worker_that_is_hungry_gets_more_than_two_but_not_any_number() {
    let mut assignment = planned(LEASES_MAX as u32 + 2);
    let more =
        |assignment: &mut Assignment| assignment.lease_one_more(WorkerId(0)).map(|(unit, _)| unit.id.0);
    let all: Vec<_> = std::iter::from_fn(|| more(&mut assignment)).collect();
    assert_eq!(all, (0..LEASES_MAX as u32).collect::<Vec<_>>());
    assert_eq!(leased(&mut assignment, 0), None);
    assert_eq!(leased(&mut assignment, 1), Some(LEASES_MAX as u32));
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
fn what_must_not_be_sent_twice_is_in_doubt_once_a_worker_had_it() {
    let next = |assignment: &mut Assignment| {
        let (unit, _) = assignment.lease(WorkerId(9)).unwrap();
        (unit.id.0, assignment.is_in_doubt(unit.id))
    };
    let mut assignment = planned(3).once(true);
    // The second unit is not even begun, as far as is known.
    leased(&mut assignment, 0);
    assignment.lease(WorkerId(0)).unwrap();
    assert!(!assignment.is_in_doubt(UnitId(0)));
    assignment.worker_lost(WorkerId(0));
    assert_eq!([next(&mut assignment), next(&mut assignment)], [(0, true), (1, true)]);
    assignment.worker_lost(WorkerId(9));
    assert_eq!(next(&mut assignment), (0, true), "and so it stays");
    let mut assignment = Assignment::new(3).once(true);
    assignment.restore(unit(0), vec![attempt(1, 1, 0, prefix(1, 3, 0))]).unwrap();
    assignment.restore(unit(1), Vec::new()).unwrap();
    assert_eq!(assignment.uncertain_records(), RECORDS - 3, "all that is left of it");
    assert_eq!([next(&mut assignment), next(&mut assignment)], [(0, true), (1, false)]);
    let mut assignment = planned(1);
    leased(&mut assignment, 0);
    assignment.worker_lost(WorkerId(0));
    assert_eq!(next(&mut assignment), (0, false), "others are sent again");
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

fn attempt(run: u32, attempt: u32, first_chunk: u32, prefix: Prefix) -> Attempt {
    Attempt { unit: UnitId(0), run, attempt, first_chunk, prefix, retried: 0 }
}

#[test]
fn progress_that_cannot_be_fails_the_unit() {
    let closes_not = |wrong| {
        let mut assignment = planned(1);
        leased(&mut assignment, 0);
        assignment.progress(WorkerId(0), UnitId(0), counts(3, 0), prefix(2, 2, 1)).unwrap();
        let outcome = assignment.progress(WorkerId(0), UnitId(0), counts(3, 0), wrong);
        assert_eq!(assignment.failed(), [unit(0).after(2).unwrap()]);
        assert_eq!(assignment.done_counts().records, 3, "what was settled before stays");
        outcome.unwrap_err()
    };
    for wrong in [
        prefix(3, 6, 1),
        prefix(3, 8, 1),
        // A record that was rejected cannot be written later.
        prefix(3, 8, 0),
        Prefix { bytes: 299, ..prefix(3, 7, 1) },
        Prefix { written: u64::MAX, ..prefix(3, 7, 1) },
    ] {
        assert!(matches!(closes_not(wrong), AssignmentError::DoesNotClose { .. }), "{wrong:?}");
    }
    for wrong in [prefix(1, 2, 1), prefix(5, 9, 1), prefix(u32::MAX, 9, 1)] {
        assert!(matches!(closes_not(wrong), AssignmentError::PrefixJumps { .. }), "{wrong:?}");
    }
}

#[test]
fn progress_that_comes_late_says_nothing() {
    let mut assignment = planned(1);
    leased(&mut assignment, 0);
    assignment.worker_lost(WorkerId(0));
    leased(&mut assignment, 1);
    let begun = [1, 2].map(|number| attempt(2, number, 0, prefix(0, 0, 0)));
    assignment.progress(WorkerId(0), UnitId(0), counts(3, 0), prefix(1, 3, 0)).unwrap();
    assert_eq!((assignment.counts(), assignment.take_changes()), (UnitCounts::default(), begun.to_vec()));
}

#[test]
fn changes_are_told_once_each_as_it_is_now() {
    let mut assignment = planned(2);
    leased(&mut assignment, 0);
    assert_eq!(
        assignment.take_changes(),
        [attempt(2, 1, 0, prefix(0, 0, 0))],
        "that it has begun is a change"
    );
    for prefix in [prefix(0, 0, 0), prefix(1, 3, 0), prefix(2, 3, 0)] {
        assignment.progress(WorkerId(0), UnitId(0), counts(5, 0), prefix).unwrap();
    }
    assignment.worker_lost(WorkerId(0));
    leased(&mut assignment, 1);
    assignment.done(WorkerId(1), &report(0, 2, UnitCounts { retried: 4, ..counts(7, 0) })).unwrap();
    let first = attempt(2, 1, 0, prefix(2, 3, 0));
    let second = Attempt { retried: 4, ..attempt(2, 2, 2, prefix(2, 7, 0)) };
    assert_eq!(assignment.take_changes(), [first, second]);
    assert_eq!(assignment.take_changes(), []);
}

#[test]
fn a_unit_of_an_earlier_run_goes_on_where_its_attempts_have_come() {
    let mut assignment = Assignment::new(3);
    let known = vec![
        attempt(2, 3, 1, prefix(2, 4, 1)),
        attempt(2, 4, 3, prefix(0, 0, 0)),
        Attempt { retried: 2, ..attempt(1, 1, 0, prefix(1, 2, 1)) },
    ];
    assignment.restore(unit(0), known).unwrap();
    let before = UnitCounts { bytes: 300, retried: 2, ..counts(6, 2) };
    assert_eq!((assignment.counts(), assignment.done_counts()), (before, before));
    assert_eq!((assignment.resumed_records(), assignment.planned(), assignment.units_done()), (8, 1, 0));
    assert_eq!(assignment.take_changes(), [], "they are known");
    assert_eq!(assignment.lease(WorkerId(0)), Some((unit(0).after(3).unwrap(), 5)));
    assignment.done(WorkerId(0), &report(0, 5, counts(2, 0))).unwrap();
    assert_eq!(assignment.take_changes(), [attempt(3, 5, 3, prefix(1, 2, 0))]);
    assert!(assignment.is_settled());
    let parts: Vec<_> =
        assignment.parts().iter().map(|part| (part.run, part.attempt, part.rejected)).collect();
    assert_eq!(parts, [(1, 1, 1), (2, 3, 1)]);
}

#[test]
fn a_unit_that_earlier_runs_have_done_is_done() {
    let mut assignment = Assignment::new(2);
    let known = vec![attempt(1, 1, 0, prefix(2, 3, 0)), attempt(1, 2, 2, prefix(2, 7, 0))];
    assignment.restore(unit(0), known).unwrap();
    assert!(assignment.is_settled());
    assert_eq!(
        (assignment.units_done(), assignment.counts(), assignment.resumed_records()),
        (1, counts(10, 0), 10)
    );
}

#[test]
fn what_is_known_of_a_unit_must_fit_together() {
    let check = |known: Vec<Attempt>, expected: &str| {
        let error = Assignment::new(2).restore(unit(0), known).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let first = attempt(1, 1, 0, prefix(2, 3, 0));
    check(
        vec![first, attempt(1, 2, 3, prefix(1, 2, 0))],
        "begins with its chunk 3, but the ones before it end at 2",
    );
    check(
        vec![first, attempt(1, 2, 1, prefix(2, 5, 0))],
        "begins with its chunk 1, but the ones before it end at 2",
    );
    check(
        vec![attempt(1, 1, 1, prefix(2, 5, 0))],
        "begins with its chunk 1, but the ones before it end at 0",
    );
    check(vec![first, first], "begins with its chunk 0, but the ones before it end at 2");
    let whole = attempt(1, 1, 0, prefix(4, 10, 0));
    check(
        vec![whole, attempt(1, 2, 4, prefix(1, 1, 0))],
        "begins with its chunk 4, but the ones before it end at 4",
    );
    check(vec![attempt(1, 1, 0, prefix(5, 10, 0))], "up to its chunk 0 of 4 and is now up to 5");
    check(vec![attempt(1, 1, 0, prefix(2, 4, 0))], "does not close: 3 records planned, 4 read");
    check(vec![Attempt { run: 2, ..first }], "known from run 2");
}

#[test]
fn rejects_after_the_prefix_are_shown_only_while_their_attempt_lasts() {
    let mut assignment = planned(1);
    leased(&mut assignment, 0);
    assignment.progress(WorkerId(0), UnitId(0), counts(3, 3), prefix(2, 2, 1)).unwrap();
    let part = |first_record, records, rejected, settled| {
        let (unit, file) = (UnitId(0), FileId(0));
        Part { unit, run: 2, attempt: 1, file, first_record, records, rejected, settled }
    };
    assert_eq!(assignment.parts(), [part(1, 3, 1, true), part(4, 7, 2, false)]);
    assignment.worker_lost(WorkerId(0));
    assert_eq!(assignment.parts(), [part(1, 3, 1, true)]);
}

/// What can happen to a run. Numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Step {
    Lease(usize),
    Start(usize),
    /// A worker has settled so many chunks more of a unit that it holds.
    Settle(usize, u32),
    Done(usize),
    Lost(usize),
    /// The ledger writes down what has changed.
    Save,
    /// Everything dies but the ledger, and a new run begins.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let worker = 0usize..3;
    let step = prop_oneof![
        4 => worker.clone().prop_map(Step::Lease),
        2 => (0usize..6).prop_map(Step::Start),
        6 => (0usize..6, 1u32..4).prop_map(|(lease, chunks)| Step::Settle(lease, chunks)),
        2 => (0usize..6).prop_map(Step::Done),
        2 => worker.prop_map(Step::Lost),
        2 => Just(Step::Save),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 0..120)
}

/// The model: records by their ordinals, each settled or not. The ledger is simulated beside it.
struct Simulation {
    assignment: Assignment,
    run: u32,
    /// What workers hold: theirs, and how many chunks of it they have told to be settled.
    held: Vec<(WorkerId, WorkUnit, u32, u32)>,
    ledger: BTreeMap<(UnitId, u32, u32), Attempt>,
    /// What was told to be settled, and what of it is in the ledger.
    settled: BTreeSet<u64>,
    saved: BTreeSet<u64>,
    resumed: u64,
}

const UNITS: u32 = 4;

/// The ordinals of a unit's first chunks.
fn ordinals(unit: &WorkUnit, chunks: u32) -> std::ops::Range<u64> {
    let records: u64 = unit.chunks[..chunks as usize].iter().map(|chunk| chunk.records).sum();
    unit.first_ordinal..unit.first_ordinal + records
}

fn is_bad(ordinal: &u64) -> bool {
    ordinal % 3 == 1
}

/// What a worker says of a unit whose first chunks are settled.
fn prefix_of(unit: &WorkUnit, chunks: u32) -> Prefix {
    let records = ordinals(unit, chunks);
    let rejected = records.clone().filter(is_bad).count() as u64;
    let bytes = u64::from(chunks) * 100;
    let records = records.end - records.start;
    Prefix { chunks, records, written: records - rejected, rejected, bytes, ..Prefix::default() }
}

fn counts_of(prefix: Prefix) -> UnitCounts {
    let Prefix { records, written, rejected, bytes, .. } = prefix;
    UnitCounts { bytes, records, parsed: records, written, rejected, ..UnitCounts::default() }
}

impl Simulation {
    fn new() -> Self {
        let mut assignment = Assignment::new(1);
        (0..UNITS).for_each(|id| assignment.add(unit(id)));
        let (held, ledger) = (Vec::new(), BTreeMap::new());
        let (settled, saved) = (BTreeSet::new(), BTreeSet::new());
        Simulation { assignment, run: 1, held, ledger, settled, saved, resumed: 0 }
    }

    fn step(&mut self, step: Step) {
        let choose = |choice: usize| choice.checked_rem(self.held.len());
        match step {
            Step::Lease(worker) => {
                if let Some((unit, attempt)) = self.assignment.lease(WorkerId(worker)) {
                    self.held.push((WorkerId(worker), unit, attempt, 0));
                }
            }
            Step::Start(choice) => {
                if let Some((worker, unit, ..)) = choose(choice).map(|index| &self.held[index]) {
                    self.assignment.started(*worker, unit.id).unwrap();
                }
            }
            Step::Settle(choice, more) => {
                let Some(index) = choose(choice) else { return };
                let (worker, unit, _, chunks) = &mut self.held[index];
                *chunks = (*chunks + more).min(unit.chunk_count());
                let prefix = prefix_of(unit, *chunks);
                self.assignment.progress(*worker, unit.id, counts_of(prefix), prefix).unwrap();
                self.settled.extend(ordinals(unit, *chunks));
            }
            Step::Done(choice) => {
                let Some(index) = choose(choice) else { return };
                let (worker, unit, attempt, _) = self.held.remove(index);
                let whole = prefix_of(&unit, unit.chunk_count());
                self.assignment.done(worker, &report(unit.id.0, attempt, counts_of(whole))).unwrap();
                self.settled.extend(ordinals(&unit, whole.chunks));
            }
            Step::Lost(worker) => {
                self.assignment.worker_lost(WorkerId(worker));
                self.held.retain(|(holder, ..)| *holder != WorkerId(worker));
            }
            Step::Save => self.save(),
            Step::Crash => self.crash(),
        }
    }

    fn save(&mut self) {
        for attempt in self.assignment.take_changes() {
            assert_eq!(attempt.run, self.run);
            self.ledger.insert((attempt.unit, attempt.run, attempt.attempt), attempt);
        }
        self.saved = self.settled.clone();
        let of_ledger = self.ledger.values().flat_map(|attempt| {
            let begin = unit(attempt.unit.0).after(attempt.first_chunk).unwrap();
            assert_eq!(attempt.prefix, prefix_of(&begin, attempt.prefix.chunks));
            ordinals(&begin, attempt.prefix.chunks)
        });
        assert_each_once(of_ledger, &self.saved);
    }

    fn crash(&mut self) {
        self.run += 1;
        self.assignment = Assignment::new(self.run);
        for id in (0..UNITS).rev() {
            let of_unit = self.ledger.values().filter(|attempt| attempt.unit == UnitId(id));
            // In no order that would help.
            self.assignment.restore(unit(id), of_unit.rev().copied().collect()).unwrap();
        }
        self.held.clear();
        self.settled = self.saved.clone();
        self.resumed = self.saved.len() as u64;
    }

    fn check(&self) {
        let Assignment { pending, leased, failed, .. } = &self.assignment;
        let all = |unit: &WorkUnit| ordinals(unit, unit.chunk_count());
        let nobodys = pending.values().map(|rest| all(&rest.unit));
        let workers = leased.values().filter_map(|lease| lease.rest.unit.after(lease.prefix.chunks));
        let outstanding =
            nobodys.chain(workers.map(|unit| all(&unit))).chain(failed.iter().map(all)).flatten();
        let expected =
            (0..u64::from(UNITS) * RECORDS).filter(|ordinal| !self.settled.contains(ordinal)).collect();
        assert_each_once(outstanding, &expected);

        let told = self.settled.len() as u64;
        let rejected = self.settled.iter().filter(|ordinal| is_bad(ordinal)).count() as u64;
        let counts = self.assignment.counts();
        assert_eq!((counts.records, counts.written, counts.rejected), (told, told - rejected, rejected));
        assert_eq!(self.assignment.resumed_records(), self.resumed);
        assert_eq!(self.assignment.planned(), u64::from(UNITS));
        let done = self.assignment.units_done() as usize;
        assert_eq!(done + pending.len() + leased.len() + failed.len(), UNITS as usize);

        let parts = self.assignment.parts();
        let settled = parts.iter().filter(|part| part.settled);
        let gathered = settled.flat_map(|part| {
            // Every unit is of one file, so records are numbered as in the job, but from 1.
            let bad = (part.first_record - 1..part.first_record - 1 + part.records).filter(is_bad);
            assert_eq!(bad.clone().count() as u64, part.rejected, "{part:?}");
            bad
        });
        assert_each_once(gathered, &self.settled.iter().copied().filter(is_bad).collect());
    }

    /// Lets everything be done that can be.
    fn finish(&mut self) {
        self.held.clear();
        (0..3).for_each(|worker| drop(self.assignment.worker_lost(WorkerId(worker))));
        while let Some((unit, attempt)) = self.assignment.lease(WorkerId(9)) {
            let whole = prefix_of(&unit, unit.chunk_count());
            self.assignment.done(WorkerId(9), &report(unit.id.0, attempt, counts_of(whole))).unwrap();
            self.settled.extend(ordinals(&unit, whole.chunks));
        }
    }
}

#[track_caller]
fn assert_each_once(found: impl Iterator<Item = u64>, expected: &BTreeSet<u64>) {
    let mut found: Vec<u64> = found.collect();
    found.sort_unstable();
    assert!(found.iter().eq(expected), "{found:?} is not {expected:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever workers do, die of, and tell, and whenever everything crashes: each record is outstanding or settled, and what is
    /// outstanding after a crash is what the ledger does not have.
    #[test]
    fn every_record_is_settled_once_or_outstanding(steps in steps()) {
        let mut simulation = Simulation::new();
        for step in steps {
            simulation.step(step);
            simulation.check();
        }
        simulation.finish();
        simulation.check();
        simulation.save();
        // What three workers died over is tried again by the next run.
        simulation.crash();
        simulation.check();
        simulation.finish();
        prop_assert!(simulation.assignment.is_settled());
        prop_assert_eq!(simulation.settled.len() as u64, u64::from(UNITS) * RECORDS);
        simulation.check();
    }
}
