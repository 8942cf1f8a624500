//! SIGINT and SIGTERM: the first ends the load in order, the second at once, and the same command completes it afterwards.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::numbered::NumberedLoad;
use crate::support::program::{Run, is_alive, send_signal, wait_until};

/// Records of a file of which only a part may be written before the load is stopped.
const RECORDS: u64 = 12_000;
/// How soon a load that is stopped must have ended where nothing answers: requests in flight have 5 s to end, and two minutes to be
/// answered.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);
/// How soon a load must have ended one of whose workers does not obey: it is killed after 15 s, and would hang for ever.
const KILLED_WITHIN: Duration = Duration::from_secs(120);
/// How soon a load must have ended that is connecting, which it may do for a minute.
const ENDED_WITHIN: Duration = Duration::from_secs(40);

#[track_caller]
fn check_stops_in_order(signal: &str, code: i32, workers: usize) {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    // More than workers hold at once, so that something is done.
    load.relay.allow_writes(5_000);
    let running = load.wait_for_writes(load.run(workers).start());
    let children = running.workers();
    assert_eq!(children.len(), workers);
    let begin = Instant::now();
    send_signal(running.pid(), signal);
    // The requests in flight may end now; there is not enough for the whole file.
    load.relay.allow_writes(5_000);
    let run = running.finish().expect_code(code);
    assert!(begin.elapsed() < STOPPED_WITHIN, "it took {:?}", begin.elapsed());
    assert_eq!(run.summary["status"], "interrupted");
    assert_eq!(run.number("exit_code"), code as u64);
    for said in [&format!("interrupted by SIG{signal}"), "run the same command again to go on from here"] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    assert!(!children.iter().any(|child| is_alive(*child)), "a worker is left");
    let there = load.expect_only_rows_of_the_file();
    assert!(run.number("written") <= there && there < RECORDS, "{there} rows, {}", run.summary);
    assert_eq!((run.number("rejected"), run.number("workers_lost")), (0, 0));

    let again = load.run_directly(workers).finish().expect_code(0);
    assert_eq!((again.number("records"), again.number("written")), (RECORDS, RECORDS));
    // What had been acknowledged when the first run ended is not sent again.
    // Only whole chunks count, and these units have one each.
    let resumed = again.number("resumed_records");
    assert!(0 < resumed && resumed <= run.number("records"), "{}", again.summary);
    assert!(again.sent() <= RECORDS - resumed, "{}", again.summary);
    load.expect_every_row();
}

#[test]
fn sigint_stops_workers_in_order_and_the_same_command_completes_the_load() {
    check_stops_in_order("INT", 130, 3);
}

#[test]
fn sigterm_stops_workers_in_order_and_the_same_command_completes_the_load() {
    check_stops_in_order("TERM", 143, 3);
}

#[test]
fn sigint_stops_a_load_in_one_process_in_order() {
    check_stops_in_order("INT", 130, 0);
}

#[test]
fn sigterm_stops_a_load_in_one_process_in_order() {
    check_stops_in_order("TERM", 143, 0);
}

#[track_caller]
fn check_ends_at_once(workers: usize) {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    load.relay.allow_writes(2_000);
    let run = load.run(workers).args(["--progress", "json"]);
    let mut running = load.wait_for_writes(run.start());
    load.relay.stall();
    let children = running.workers();
    // Two signals that come together may arrive as one, so they come until the load has ended.
    wait_until("the load has ended", || {
        let ended = running.has_ended();
        if !ended {
            send_signal(running.pid(), "INT");
        }
        ended
    });
    let run = running.finish().expect_code(130).expect_said(&[r#""at_once":true"#]);
    assert_eq!(run.summary["status"], "interrupted");
    assert!(!children.iter().any(|child| is_alive(*child)), "a worker is left");
}

#[test]
fn a_second_sigint_ends_a_load_with_workers_at_once_although_nothing_answers() {
    check_ends_at_once(3);
}

#[test]
fn a_second_sigint_ends_a_load_in_one_process_at_once_although_nothing_answers() {
    check_ends_at_once(0);
}

#[track_caller]
fn check_ends_in_time(workers: usize) {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    load.relay.allow_writes(2_000);
    let running = load.wait_for_writes(load.run(workers).start());
    load.relay.stall();
    let begin = Instant::now();
    send_signal(running.pid(), "INT");
    running.finish().expect_code(130);
    assert!(begin.elapsed() < STOPPED_WITHIN, "it took {:?}", begin.elapsed());
}

#[test]
fn one_sigint_is_enough_for_workers_although_nothing_answers() {
    check_ends_in_time(3);
}

#[test]
fn one_sigint_is_enough_in_one_process_although_nothing_answers() {
    check_ends_in_time(0);
}

#[test]
fn a_worker_that_does_not_obey_is_killed_in_time() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    load.relay.allow_writes(2_000);
    let running = load.wait_for_writes(load.run(2).start());
    let children = running.workers();
    send_signal(children[0], "STOP");
    let begin = Instant::now();
    send_signal(running.pid(), "INT");
    running.finish().expect_code(130);
    assert!(begin.elapsed() < KILLED_WITHIN, "it took {:?}", begin.elapsed());
    assert!(!children.iter().any(|child| is_alive(*child)), "a worker is left");
}

#[test]
fn sigint_stops_workers_that_are_opening_their_sessions() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    load.relay.hold_ready();
    let running = load.run(3).start();
    load.relay.spare(running.pid());
    wait_until("a worker is opening its session", || !load.relay.opening().is_empty());
    let children = running.workers();
    let begin = Instant::now();
    send_signal(running.pid(), "INT");
    let run = running.finish().expect_code(130);
    assert!(begin.elapsed() < STOPPED_WITHIN, "it took {:?}", begin.elapsed());
    assert_eq!((run.number("written"), run.number("workers_lost")), (0, 0));
    assert!(!children.iter().any(|child| is_alive(*child)), "a worker is left");
}

#[test]
fn sigint_ends_a_load_that_has_not_reached_the_cluster_yet() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    load.relay.hold_ready();
    // A shell without job control has programs in the background ignore it, and so everything that they start.
    let mut starter = Command::new("env");
    starter.arg("--default-signal=INT");
    let running = load.run_as(Run::through(starter, &load.scratch)).start();
    wait_until("the load is connecting", || !load.relay.opening().is_empty());
    let begin = Instant::now();
    send_signal(running.pid(), "INT");
    let run = running.finish();
    assert!(begin.elapsed() < ENDED_WITHIN, "it took {:?}", begin.elapsed());
    // There is nothing to put in order: the signal itself may end the process, which a shell shows as 130 too.
    assert!(matches!(run.code, None | Some(130)), "{run:?}");
    assert!(load.rows().is_empty());
}
