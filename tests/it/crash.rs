//! Processes that are killed: whatever dies and whenever, every row arrives, is counted once, and nobody is left behind.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::numbered::NumberedLoad;
use crate::support::processes::exists;
use crate::support::program::{Finished, Running, is_alive, send_signal, wait_until};

/// How soon workers must have ended after their coordinator: requests in flight have 5 s to end.
const ORPHANS_WITHIN: Duration = Duration::from_secs(10);

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
    let Some(load) = NumberedLoad::of(30_000) else { return };
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
    let Some(load) = NumberedLoad::of(30_000) else { return };
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
    let Some(load) = NumberedLoad::of(20_000) else { return };
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
fn expect_nobody_left(
    load: &NumberedLoad,
    run: crate::support::program::Run,
    then: impl FnOnce(&Running),
) -> Finished {
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
