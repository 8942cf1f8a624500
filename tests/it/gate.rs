//! The session gate, seen from the node's side: how many workers have a connection that is not ready yet at one instant.

use std::time::Duration;

use crate::support::numbered::NumberedLoad;
use crate::support::program::{send_signal, wait_until};

/// How long the relay keeps each READY, so that sessions that are opened at one time are seen to overlap.
const READY_DELAY: Duration = Duration::from_millis(100);

#[test]
fn of_eight_workers_no_more_than_two_are_opening_a_session_at_any_instant() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.hold_ready();
    // Nobody is through before all have a session.
    load.relay.allow_writes(0);
    // With so many threads a pool has two connections: a permit that came back with the first one would be seen.
    let running = load.run(8).args(["--session-starts", "2", "--threads", "4"]).start();
    load.relay.spare(running.pid());
    wait_until("two workers are opening sessions", || load.relay.opening().len() >= 2);
    wait_until("all workers run", || running.workers().len() == 8);
    load.relay.release_ready(READY_DELAY);
    wait_until("all workers are connected", || load.relay.connected().len() == 8);
    load.relay.allow_all_writes();
    let run = running.finish().expect_code(0);
    assert_eq!(load.relay.opening_peak(), 2);
    assert_eq!(run.summary["session_starts"], serde_json::json!({"total": 8, "peak_concurrent": 2}));
    load.expect_every_row();
}

#[test]
fn without_a_narrow_gate_more_than_two_are_opening_a_session() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.hold_ready();
    let running = load.run(8).args(["--session-starts", "8"]).start();
    load.relay.spare(running.pid());
    wait_until("more than two workers are opening sessions", || load.relay.opening().len() > 2);
    load.relay.release_ready(READY_DELAY);
    let run = running.finish().expect_code(0);
    assert!(load.relay.opening_peak() > 2);
    assert!(run.summary["session_starts"]["peak_concurrent"].as_u64() > Some(2), "{}", run.summary);
}

#[test]
fn a_worker_that_dies_with_the_only_permit_gives_it_back() {
    let Some(load) = NumberedLoad::of(10_000) else { return };
    load.relay.hold_ready();
    load.relay.allow_writes(0);
    let running = load.run(3).args(["--session-starts", "1"]).start();
    load.relay.spare(running.pid());
    wait_until("a worker is opening its session", || !load.relay.opening().is_empty());
    wait_until("all workers run", || running.workers().len() == 3);
    let opening = load.relay.opening();
    assert_eq!(opening.len(), 1, "{opening:?}");
    let victim = *opening.first().expect("a worker");
    assert!(running.workers().contains(&victim));
    send_signal(victim, "KILL");
    wait_until("another worker has the permit", || {
        load.relay.opening().iter().any(|worker| *worker != victim)
    });
    load.relay.release_ready(READY_DELAY);
    wait_until("three workers are connected", || load.relay.connected().len() == 3);
    load.relay.allow_all_writes();
    let run = running.finish().expect_code(0);
    assert_eq!(run.number("workers_lost"), 1);
    assert_eq!(run.summary["session_starts"], serde_json::json!({"total": 3, "peak_concurrent": 1}));
    assert_eq!((run.number("records"), run.number("written")), (10_000, 10_000));
    load.expect_every_row();
}
