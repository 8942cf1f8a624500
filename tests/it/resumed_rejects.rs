//! Rejects of a job with several runs: whatever ended them, at the end each bad record is in the reject files once, in the order of
//! the input.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::numbered::{NumberedLoad, note};
use crate::support::program::{Finished, Run, send_signal};

const RECORDS: u64 = 3_000;
/// One of so many records is bad: some in each unit, at its borders too.
const BAD_EVERY: u64 = 37;
const UNIT_SIZE: &str = "4KiB";

fn is_bad(id: u64) -> bool {
    id % BAD_EVERY == BAD_EVERY - 1
}

fn record(id: u64) -> String {
    let bad = if is_bad(id) { "no number: " } else { "" };
    format!("{bad}{id},{}\n", note(id as i64))
}

fn load_with_bad_records(records: u64) -> Option<NumberedLoad> {
    let load = NumberedLoad::of(records)?;
    let records: String = (0..records).map(record).collect();
    fs::write(&load.file, format!("id,note\n{records}")).expect("a file");
    Some(load)
}

fn rejects_dir(load: &NumberedLoad, run: &Finished) -> PathBuf {
    load.scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"))
}

/// The numbers of the records in the reject files; fails the test unless both files have the same, each once, in order.
#[track_caller]
fn rejected(dir: &Path) -> Vec<u64> {
    let reasons = fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let number = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["record"].as_u64();
    let numbers: Vec<u64> = reasons.lines().map(|line| number(line).expect("a number")).collect();
    let records: String = numbers.iter().map(|number| record(number - 1)).collect();
    let kept = fs::read_to_string(dir.join("rejected-numbered.csv")).expect("records");
    assert!(kept == format!("id,note\n{records}"), "{kept:?} is not of {numbers:?}");
    assert!(numbers.is_sorted_by(|one, next| one < next) && numbers.iter().all(|number| is_bad(number - 1)));
    numbers
}

/// Fails the test unless the job is done, with each bad record rejected once and each other one in the table, and nothing else is
/// left of its rejects.
#[track_caller]
fn expect_all_rejected(load: &NumberedLoad, run: Finished) {
    let (records, bad) = (load.records, load.records / BAD_EVERY);
    let run = run.expect_code(1).expect_counts(records, records - bad, bad);
    let dir = rejects_dir(load, &run);
    assert_eq!(rejected(&dir), (1..=records).filter(|number| is_bad(number - 1)).collect::<Vec<_>>());
    assert_eq!(fs::read_dir(&dir).expect("a directory").count(), 2, "a part is left");
    assert_eq!(fs::read_dir(dir.parent().expect("a parent")).expect("a directory").count(), 1);
    let expected = (0..records).filter(|id| !is_bad(*id)).map(|id| (id as i64, note(id as i64)));
    assert!(load.rows().into_iter().eq(expected), "the table is not the file");
}

#[test]
fn each_bad_record_is_rejected_once_however_often_the_load_is_killed() {
    let Some(load) = load_with_bad_records(RECORDS) else { return };
    for (round, workers) in [2, 0, 2, 3, 0].into_iter().enumerate() {
        load.relay.allow_writes(300 + 61 * round as u64);
        let running = load.wait_for_writes(load.run_in_units(workers, UNIT_SIZE).start());
        send_signal(running.pid(), "KILL");
        assert_eq!(running.finish().code, None);
    }
    load.relay.allow_writes(200);
    let running = load.wait_for_writes(load.run_in_units(2, UNIT_SIZE).start());
    send_signal(running.pid(), "INT");
    load.relay.allow_writes(100);
    let run = running.finish().expect_code(130);
    let preview = rejected(&rejects_dir(&load, &run));
    assert_eq!(preview.len() as u64, run.number("rejected"), "{}", run.summary);
    assert!(preview.len() as u64 > 2 && (preview.len() as u64) < RECORDS / BAD_EVERY);
    let last = load.run_directly(2).finish();
    assert!(last.number("resumed_records") > 0, "{}", last.summary);
    assert_eq!(rejects_dir(&load, &run), rejects_dir(&load, &last));
    expect_all_rejected(&load, last);
}

#[test]
fn a_job_that_had_too_many_errors_goes_on_with_a_larger_budget() {
    let Some(load) = load_with_bad_records(RECORDS) else { return };
    let run = |budget: &str| load.run_in_units(0, UNIT_SIZE).args(["--max-errors", budget]).finish();
    let larger = "run the same command with a larger --max-errors to go on from here";
    let first = run("20").expect_code(3).expect_said(&[larger]);
    // With no larger one it stops again, and has lost nothing.
    let second = run("20").expect_code(3).expect_said(&[larger]);
    assert!(second.number("resumed_records") > 0, "{}", second.summary);
    assert!(rejected(&rejects_dir(&load, &second)).len() > 20);
    let last = run("81");
    assert_eq!(first.summary["job"], last.summary["job"]);
    assert!(last.number("resumed_records") >= second.number("resumed_records"), "{}", last.summary);
    expect_all_rejected(&load, last);
}

#[test]
fn a_job_whose_share_of_errors_was_too_large_at_the_end_is_done_as_soon_as_it_is_borne() {
    // Of so few records, the share is judged when all are settled.
    let Some(load) = load_with_bad_records(900) else { return };
    let run = |budget: &str| load.run_in_units(0, UNIT_SIZE).args(["--max-errors", budget]).finish();
    let first = run("2.6%").expect_code(3);
    assert_eq!(first.number("records"), 900);
    assert_eq!(rejected(&rejects_dir(&load, &first)).len(), 24);
    let last = run("2.7%");
    assert_eq!((last.number("resumed_records"), last.number("requests")), (900, 0), "{}", last.summary);
    expect_all_rejected(&load, last);
}

#[test]
fn a_job_whose_rejects_were_taken_away_is_not_done_until_it_begins_anew() {
    let Some(load) = load_with_bad_records(RECORDS) else { return };
    load.relay.allow_writes(1_200);
    let running = load.wait_for_writes(load.run_in_units(2, UNIT_SIZE).start());
    send_signal(running.pid(), "INT");
    load.relay.allow_writes(100);
    let dir = rejects_dir(&load, &running.finish().expect_code(130));
    fs::remove_dir_all(&dir).expect("the rejects");
    let rows = load.rows().len();
    for _ in 0..2 {
        let said = [&format!("cannot read the reject file {}/part-", dir.display())[..], "--restart"];
        let run = load.run_directly(2).finish().expect_code(4).expect_said(&said);
        assert!(!run.stderr.contains("to go on from here"), "{}", run.stderr);
        // It is found out before anything is loaded in vain.
        assert_eq!(load.rows().len(), rows);
    }
    // What its rejects are to be in is of the job too: said, where another place is asked for.
    let elsewhere = load.run_directly(2).args(["--rejects", "elsewhere"]);
    elsewhere
        .finish()
        .expect_code(4)
        .expect_said(&[&format!("all runs of this job go to {}", dir.display())]);
    let jobs = Run::new(&load.scratch).args(["jobs", "--format", "json"]).finish().expect_code(0);
    let jobs: Value = serde_json::from_str(&jobs.stdout).expect("JSON");
    assert_eq!(jobs[0]["state"], "failed", "{jobs}");
    expect_all_rejected(&load, load.run_directly(2).arg("--restart").finish());
}
