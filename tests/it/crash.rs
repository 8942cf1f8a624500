//! Processes that are killed: whatever dies and whenever, every row arrives, is counted once, and nobody is left behind.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::numbered::NumberedLoad;
use crate::support::processes::exists;
use crate::support::program::{Finished, Run, Running, is_alive, send_signal, wait_until};

/// How soon workers must have ended after their coordinator: requests in flight have 5 s to end, and two minutes to be answered.
const ORPHANS_WITHIN: Duration = Duration::from_secs(60);

/// The worker that has written the most since `before`.
fn busiest(load: &NumberedLoad, running: &Running, before: &std::collections::BTreeMap<u32, u64>) -> u32 {
    let passed = load.relay.writes_passed();
    let since = |pid: &u32| passed.get(pid).unwrap_or(&0) - before.get(pid).unwrap_or(&0);
    running.workers().into_iter().max_by_key(since).expect("a worker")
}

fn kill_worker(pid: u32) {
    send_signal(pid, "KILL");
    wait_until("the worker is dead", || !is_alive(pid));
}

#[track_caller]
fn expect_each_record_once(load: &NumberedLoad, run: &Finished) {
    let counts = ["records", "written", "rejected"].map(|key| run.number(key));
    assert_eq!(counts, [load.records, load.records, 0]);
    load.expect_every_row();
}

#[test]
fn a_worker_that_is_killed_in_mid_load_costs_no_row_and_counts_none_twice() {
    let Some(load) = NumberedLoad::of(12_000) else { return };
    load.relay.allow_writes(5_000);
    let running = load.wait_for_writes(load.run(3).start());
    let before: BTreeSet<u32> = running.workers().into_iter().collect();
    assert_eq!(before.len(), 3);
    kill_worker(busiest(&load, &running, &Default::default()));
    wait_until("another worker is in its place", || load.relay.connected().difference(&before).count() == 1);
    load.relay.allow_all_writes();
    let run = running.finish().expect_code(0);
    assert_eq!(run.number("workers_lost"), 1);
    assert_eq!(
        run.summary["session_starts"]["total"], 4,
        "three workers and the one in the dead one's place"
    );
    assert!(
        run.stderr.contains("ended before its time, its units go to others: signal: 9"),
        "{}",
        run.stderr
    );
    expect_each_record_once(&load, &run);
}

#[test]
fn workers_that_are_killed_again_and_again_cost_no_row() {
    const KILLS: u64 = 5;
    let Some(load) = NumberedLoad::of(12_000) else { return };
    load.relay.allow_writes(0);
    // A worker holds at most two units of 100 records, so one that has written 500 rows since the last death has done what
    // it held then: no unit sees two deaths, and units are done between them.
    let mut running = load.run_in_units(2, "3KiB").start();
    for kill in 0..KILLS {
        let before = load.relay.writes_passed();
        // Somewhere else in a unit each time.
        load.relay.allow_writes(1_000 + kill * 137);
        running = load.wait_for_writes(running);
        kill_worker(busiest(&load, &running, &before));
    }
    load.relay.allow_all_writes();
    let run = running.finish().expect_code(0);
    assert_eq!(run.number("workers_lost"), KILLS);
    expect_each_record_once(&load, &run);
}

/// Records so long that the file is three times what a worker may hold.
struct LongRecords {
    load: NumberedLoad,
    /// Every so many records, one is bad.
    bad_every: u64,
}

impl LongRecords {
    const RECORDS: u64 = 6_000;
    const NOTE_BYTES: usize = 4 << 10;
    /// What a worker may have sent and not told: 8 MiB of input.
    const WINDOW_RECORDS: u64 = (8 << 20) / Self::NOTE_BYTES as u64;

    fn of(bad_every: u64) -> Option<LongRecords> {
        let mut load = NumberedLoad::of(Self::RECORDS)?;
        let records: String = (0..Self::RECORDS).map(|id| Self::record(bad_every, id)).collect();
        load.file = load.scratch.write("long.csv", format!("id,note\n{records}"));
        Some(LongRecords { load, bad_every })
    }

    fn note(id: u64) -> String {
        format!("record {id} of the file {}", "x".repeat(Self::NOTE_BYTES))
    }

    fn record(bad_every: u64, id: u64) -> String {
        let bad = if (id + 1).is_multiple_of(bad_every) { "bad" } else { "" };
        format!("{bad}{id},{}\n", Self::note(id))
    }

    fn bad(&self) -> impl Iterator<Item = u64> {
        (0..Self::RECORDS).filter(|id| (id + 1).is_multiple_of(self.bad_every))
    }

    /// Starts a load of one unit by one worker, and kills the worker whenever so many more rows have been written.
    fn run_with_deaths(&self, rows: &[u64]) -> Finished {
        self.load.relay.allow_writes(0);
        let mut running = self.load.run_in_units(1, "64MiB").start();
        for rows in rows {
            self.load.relay.allow_writes(*rows);
            running = self.load.wait_for_writes(running);
            running.workers().into_iter().for_each(kill_worker);
        }
        self.load.relay.allow_all_writes();
        let run = running.finish();
        assert_eq!((run.number("workers_lost"), run.number("units")), (rows.len() as u64, 1));
        run
    }

    /// Fails the test unless the good records, and only they, are rows.
    fn expect_rows(&self) {
        let bad: BTreeSet<u64> = self.bad().collect();
        let good = (0..Self::RECORDS).filter(|id| !bad.contains(id));
        let rows = self.load.rows();
        assert!(
            rows.iter().map(|(id, note)| (*id as u64, note.clone())).eq(good.map(|id| (id, Self::note(id))))
        );
    }
}

#[test]
fn a_killed_workers_unit_goes_on_from_what_was_told_of_it() {
    let Some(long) = LongRecords::of(u64::MAX) else { return };
    const KILLED_AFTER: u64 = 5_000;
    let run = long.run_with_deaths(&[KILLED_AFTER]).expect_code(0);
    let run = run.expect_counts(LongRecords::RECORDS, LongRecords::RECORDS, 0);
    long.expect_rows();
    let sent = long.load.passed() - run.number("retried");
    let again = sent.saturating_sub(LongRecords::RECORDS);
    assert!(again <= LongRecords::WINDOW_RECORDS, "{again} rows were sent again, of {KILLED_AFTER}");
}

#[test]
fn each_reject_is_told_once_whichever_workers_died_over_it() {
    let Some(long) = LongRecords::of(75) else { return };
    let run = long.run_with_deaths(&[1_500, 2_000]).expect_code(1);
    let bad = long.bad().count() as u64;
    let dir = long.load.scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
    run.expect_counts(LongRecords::RECORDS, LongRecords::RECORDS - bad, bad);
    long.expect_rows();
    let rejected: String = long.bad().map(|id| LongRecords::record(75, id)).collect();
    let told = std::fs::read_to_string(dir.join("rejected-long.csv")).expect("rejected records");
    assert!(told == format!("id,note\n{rejected}"), "each once, in the order of the file");
    let reasons = std::fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let reason = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    let told: Vec<u64> = reasons.lines().filter_map(|line| reason(line)["record"].as_u64()).collect();
    assert_eq!(told, long.bad().map(|id| id + 1).collect::<Vec<_>>());
    assert_eq!(std::fs::read_dir(&dir).expect("a directory").count(), 2, "no part is left");
}

#[test]
fn a_unit_over_which_three_workers_died_is_given_up_and_the_others_are_loaded() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.allow_writes(0);
    let running = load.run(1).start();
    for _ in 0..3 {
        let mut victim = 0;
        wait_until("a worker has begun with a unit", || {
            victim = running.workers().first().copied().unwrap_or(0);
            load.relay.holds_write_of(victim)
        });
        kill_worker(victim);
    }
    load.relay.allow_all_writes();
    let run = running.finish().expect_code(6);
    assert_eq!(run.summary["status"], "incomplete");
    assert_eq!(run.number("workers_lost"), 3);
    for said in [
        "unit 0 is given up: three workers died over it",
        "not everything is loaded; missing: ",
        "records 1 to ",
    ] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    let rows = load.rows();
    assert!(rows.contains_key(&(load.records as i64 - 1)), "the units after it are loaded");
    // Rows that a dead worker had under way may still arrive; what is counted is there.
    let there = load.expect_only_rows_of_the_file();
    assert!(run.number("written") <= there && there < load.records, "{there} rows, {}", run.summary);

    // What killed them may be over: the job is not.
    let shown = Run::new(&load.scratch).arg("jobs").finish().expect_code(0);
    assert!(shown.stdout.contains(" incomplete "), "{}", shown.stdout);
    let again = load.run_directly(1).finish().expect_code(0);
    assert_eq!(again.number("resumed_records"), run.number("records"), "{}", again.summary);
    expect_each_record_once(&load, &again);
}

#[test]
fn workers_that_die_as_soon_as_they_start_end_the_load() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.allow_writes(0);
    let mut running = load.run(1).start();
    let mut killed = BTreeSet::new();
    wait_until("the load has ended", || {
        for worker in running.workers() {
            if killed.insert(worker) {
                send_signal(worker, "KILL");
            }
        }
        running.has_ended()
    });
    let run = running.finish().expect_code(4);
    assert_eq!(killed.len(), 4);
    assert!(run.stderr.contains("4 workers died in a row; the last one: signal: 9"), "{}", run.stderr);
}

#[test]
fn a_coordinator_that_is_killed_leaves_no_worker_and_a_second_run_completes_the_load() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.allow_writes(3_000);
    let running = load.wait_for_writes(load.run(3).start());
    let workers = running.workers();
    assert_eq!(workers.len(), 3);
    send_signal(running.pid(), "KILL");
    let killed = Instant::now();
    wait_until("no worker is alive", || !workers.iter().any(|worker| is_alive(*worker)));
    assert!(killed.elapsed() < ORPHANS_WITHIN, "it took {:?}", killed.elapsed());
    assert_eq!(running.finish().code, None);
    assert!(load.expect_only_rows_of_the_file() < load.records);
    let run = load.run_directly(3).finish().expect_code(0);
    expect_each_record_once(&load, &run);
}

/// Runs a load with three workers that have begun to write, lets `then` go on with it, and tells what became of it once it is
/// sure that no process of it is left.
fn expect_nobody_left(load: &NumberedLoad, run: Run, then: impl FnOnce(&Running)) -> Finished {
    load.relay.allow_writes(1_000);
    let running = load.wait_for_writes(run.start());
    let workers = running.workers();
    assert_eq!(workers.len(), 3);
    then(&running);
    let run = running.finish();
    // Not even as a zombie: that would be a child that nobody waited for.
    let left: Vec<u32> = workers.into_iter().filter(|worker| exists(*worker)).collect();
    assert!(left.is_empty(), "{left:?} are left; stderr: {}", run.stderr);
    run
}

#[test]
fn a_load_that_goes_well_leaves_no_process() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    let run = expect_nobody_left(&load, load.run(3), |_| load.relay.allow_all_writes());
    run.expect_code(0);
}

#[test]
fn a_load_that_fails_leaves_no_process() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    let bad = load.scratch.write("bad.csv", "id,note\nx,y\n");
    let run = load.run(3).args(["--max-errors", "0"]).arg(bad);
    expect_nobody_left(&load, run, |_| load.relay.allow_all_writes()).expect_code(3);
}

#[test]
fn a_load_that_is_interrupted_leaves_no_process() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    let run = expect_nobody_left(&load, load.run(3), |running| {
        send_signal(running.pid(), "INT");
        load.relay.allow_writes(1_000);
    });
    run.expect_code(130);
}
