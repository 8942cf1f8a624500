//! Faults of the cluster: the load pauses, says so, goes on, and rejects nothing; or it gives up in time and says that.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::database::{Keyspace, environment};
use crate::support::nodes::Nodes;
use crate::support::numbered::{self, NumberedLoad, TABLE};
use crate::support::program::{Finished, Run, send_signal, wait_until};
use crate::support::scratch::Scratch;

/// The variable that allows a test to start a ring of three nodes.
const RING: &str = "RINGLOAD_TEST_RING";
/// How long the cluster is away. Not a wait for anything: its length is what is tested.
const OUTAGE: Duration = Duration::from_secs(15);
/// How soon a load that may bear a fault for 5 s must have ended, where others bear it for a minute.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(50);

#[track_caller]
fn expect_all_written_after_a_pause(load: &NumberedLoad, run: Finished) -> Finished {
    let run = run.expect_code(0);
    assert!(run.stderr.contains("warning: the cluster is not taking rows: "), "{}", run.stderr);
    assert_eq!((run.number("records"), run.number("written")), (load.records, load.records));
    assert_eq!(run.number("rejected"), 0);
    assert!(run.number("retried") > 0, "{}", run.summary);
    load.expect_every_row();
    run
}

#[track_caller]
fn check_survives_an_outage(workers: usize) {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.allow_writes(3_000);
    let run = load.run(workers).args(["--log-file", "run.log", "--log-format", "json"]);
    let running = load.wait_for_writes(run.start());
    load.relay.go_down();
    load.relay.allow_all_writes();
    thread::sleep(OUTAGE);
    load.relay.come_up();
    let run = expect_all_written_after_a_pause(&load, running.finish());
    assert_eq!(run.number("workers_lost"), 0);
    let log = std::fs::read_to_string(load.scratch.join("run.log")).unwrap();
    // What the driver has to say of it is in the log, of every worker.
    for worker in 0..workers {
        let said = format!(r#""event":"library","worker":{worker},"source":"scylla::"#);
        assert!(log.contains(&said), "{said} is not in {log}");
    }
    assert!(log.contains(r#""event":"library""#), "{log}");
}

#[test]
fn workers_wait_for_a_cluster_that_is_away_for_a_while() {
    check_survives_an_outage(3);
}

#[test]
fn a_load_in_one_process_waits_for_a_cluster_that_is_away_for_a_while() {
    check_survives_an_outage(0);
}

#[test]
fn a_cluster_that_stays_away_ends_the_load_after_the_time_it_may_take() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.allow_writes(3_000);
    let running = load.wait_for_writes(load.run(3).args(["--retry-for", "5s"]).start());
    load.relay.go_down();
    let begin = Instant::now();
    let run = running.finish().expect_code(4);
    assert!(begin.elapsed() < GIVEN_UP_WITHIN, "it took {:?}", begin.elapsed());
    assert_eq!((run.summary["status"].as_str(), run.number("rejected")), (Some("failed"), 0));
    assert!(run.stderr.contains("longer than --retry-for allows; the last error: "), "{}", run.stderr);
    load.expect_only_rows_of_the_file();
}

#[test]
fn a_node_that_hangs_costs_no_row() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.allow_writes(3_000);
    let run = load.run(2).args(["--request-timeout", "2s", "--log-file", "run.log"]);
    let running = load.wait_for_writes(run.start());
    load.relay.stall();
    load.relay.allow_all_writes();
    wait_until("requests count as lost", || {
        let log = std::fs::read_to_string(load.scratch.join("run.log"));
        log.is_ok_and(|log| log.contains("the cluster is not taking rows"))
    });
    load.relay.go_on();
    expect_all_written_after_a_pause(&load, running.finish());
}

#[test]
fn a_worker_whose_connections_hang_costs_no_row_and_does_not_hold_up_the_others() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.allow_writes(2_000);
    let running = load.wait_for_writes(load.run(2).args(["--request-timeout", "2s"]).start());
    let (slow, other) = (running.workers()[0], running.workers()[1]);
    let passed = || load.relay.writes_passed().get(&other).copied().unwrap_or(0);
    let before = passed();
    load.relay.stall_only([slow]);
    load.relay.allow_all_writes();
    wait_until("the other worker has gone on", || passed() >= before + 2_000);
    load.relay.go_on();
    let run = running.finish().expect_code(0);
    assert_eq!((run.number("written"), run.number("rejected")), (load.records, 0));
    load.expect_every_row();
}

#[test]
fn a_worker_that_dies_while_the_cluster_is_away_is_replaced_when_it_is_back() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.allow_writes(3_000);
    let running = load.wait_for_writes(load.run(2).start());
    load.relay.go_down();
    load.relay.allow_all_writes();
    send_signal(running.workers()[0], "KILL");
    // Longer than it takes to find out that no contact point can be reached.
    thread::sleep(OUTAGE);
    load.relay.come_up();
    let run = expect_all_written_after_a_pause(&load, running.finish());
    assert_eq!(run.number("workers_lost"), 1);
}

#[test]
fn a_node_of_a_ring_that_is_killed_in_mid_load_costs_no_row() {
    const RECORDS: u64 = 30_000;
    if environment(RING).is_none() {
        return;
    }
    let ring = Nodes::start(&["--nodes", "3"]);
    let hosts = ring.get("contact_points");
    let first = hosts.split(',').next().expect("a contact point");
    // Sessions of the tests read at LOCAL_QUORUM, which is the driver's own choice.
    let keyspace = Keyspace::on(first, 3, &[TABLE]);
    let scratch = Scratch::new();
    let mut running = Run::load(&scratch, hosts, &keyspace.table("numbered"))
        .args(["--workers", "2", "--unit-size", "64KiB", "--in-flight", "64"])
        .args(["--consistency", "LOCAL_QUORUM", "--retry-for", "120s"])
        .arg(scratch.write("numbered.csv", numbered::csv(RECORDS)))
        .start();
    wait_until("rows are in the table", || {
        !keyspace.rows(&format!("SELECT id FROM numbered WHERE id = {}", RECORDS / 10)).is_empty()
    });
    ring.kill(2);
    assert!(!running.has_ended(), "the load was over before the node was killed");
    let run = running.finish().expect_code(0);
    assert_eq!(["records", "written", "rejected"].map(|key| run.number(key)), [RECORDS, RECORDS, 0]);
    // Until the others have found out that the node is dead, they wait for its answers to reads.
    wait_until("the ring can be read", || keyspace.try_rows("SELECT id FROM numbered").is_ok());
    numbered::expect_every_row(&keyspace, RECORDS);
}
