//! `ringload jobs`: what it says of jobs that are done, interrupted, killed and at work, and what it forgets.

use serde_json::Value;

use crate::support::numbered::NumberedLoad;
use crate::support::program::{Finished, Run, Running, send_signal};

const RECORDS: u64 = 2_500;
/// So many rows are written before a load is cut short: the first of five units, and more.
const WRITTEN: u64 = 1_000;

/// `ringload jobs` with these words.
fn jobs(load: &NumberedLoad, words: &[&str]) -> Run {
    Run::new(&load.scratch).arg("jobs").args(words)
}

fn json(run: Run) -> Value {
    let run = run.args(["--format", "json"]).finish().expect_code(0);
    serde_json::from_str(&run.stdout).expect("JSON")
}

/// The state of each job, by name.
fn states(load: &NumberedLoad) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let jobs = json(jobs(load, &[]));
    let mut states: Vec<_> =
        jobs.as_array().expect("a list").iter().map(|job| (text(&job["job"]), text(&job["state"]))).collect();
    states.sort_unstable();
    states
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, state)| (name.to_owned(), state.to_owned())).into()
}

/// A run of a job of this name that stands still when it has written some rows.
fn cut_short(load: &NumberedLoad, name: &str) -> Running {
    load.relay.allow_writes(WRITTEN);
    load.wait_for_writes(load.run(0).args(["--job", name]).start())
}

fn finish(load: &NumberedLoad, name: &str) -> Finished {
    load.run_directly(0).args(["--job", name]).finish().expect_code(0)
}

#[test]
fn jobs_are_shown_as_they_are_and_forgotten_unless_a_run_is_at_them() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    assert_eq!(jobs(&load, &[]).finish().expect_code(0).stdout, "no jobs\n");
    assert_eq!(json(jobs(&load, &[])), Value::Array(Vec::new()));

    finish(&load, "done");
    let interrupted = cut_short(&load, "interrupted");
    send_signal(interrupted.pid(), "TERM");
    load.relay.allow_writes(500);
    interrupted.finish().expect_code(143);
    let killed = cut_short(&load, "killed");
    send_signal(killed.pid(), "KILL");
    killed.finish();
    let running = cut_short(&load, "running");
    let all =
        [("done", "done"), ("interrupted", "interrupted"), ("killed", "killed"), ("running", "running")];
    assert_eq!(states(&load), pairs(all));

    check_table(&load);
    check_one(&load);

    jobs(&load, &["forget", "running"]).finish().expect_code(5).expect_said(&["at job running", "(process "]);
    for words in [["forget", "none"], ["show", "none"]] {
        jobs(&load, &words).finish().expect_code(4).expect_said(&["no job none", "ringload jobs shows all"]);
    }
    assert_eq!(states(&load), pairs(all));

    assert_eq!(json(jobs(&load, &["prune"])), Value::Array(Vec::new()), "none is so old");
    let misplaced = jobs(&load, &["--older-than", "0s"]).finish().expect_code(2);
    misplaced.expect_said(&["--older-than chooses what prune forgets"]);
    assert_eq!(jobs(&load, &["prune", "--older-than", "0s"]).finish().expect_code(0).stdout, "forgot done\n");
    assert_eq!(states(&load), pairs([all[1], all[2], all[3]]));
    assert_eq!(jobs(&load, &["forget", "killed"]).finish().expect_code(0).stdout, "forgot killed\n");
    assert_eq!(finish(&load, "killed").number("resumed_records"), 0);
    let pruned = json(jobs(&load, &["prune", "--older-than", "0s", "--unfinished"]));
    assert_eq!(pruned, serde_json::json!(["killed", "interrupted"]));
    assert_eq!(states(&load), pairs([all[3]]));

    load.relay.allow_all_writes();
    running.finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    assert_eq!(states(&load), pairs([("running", "done")]));
}

/// The table for people has a line for each, the latest first.
#[track_caller]
fn check_table(load: &NumberedLoad) {
    let run = jobs(load, &["list"]).finish().expect_code(0);
    let lines: Vec<Vec<&str>> =
        run.stdout.lines().map(|line| line.split_ascii_whitespace().collect()).collect();
    let names: Vec<&str> = lines.iter().map(|line| line[0]).collect();
    assert_eq!(names, ["JOB", "running", "killed", "interrupted", "done"]);
    let table = load.keyspace.table("numbered");
    assert_eq!(lines[4][1..7], ["done", "100%", "2,500", "0", "0", "1"], "{}", run.stdout);
    assert!(lines[1..].iter().all(|line| line.last() == Some(&&table[..])), "{}", run.stdout);
}

/// A job on its own: how far it is, what is left of it, and how it goes on.
#[track_caller]
fn check_one(load: &NumberedLoad) {
    let shown = json(jobs(load, &["show", "interrupted"]));
    let number = |key: &str| shown[key].as_u64().unwrap_or_else(|| panic!("no number {key} in {shown}"));
    let units = shown["open_units"].as_array().expect("a list");
    assert!(!units.is_empty() && number("units") == number("units_done") + units.len() as u64, "{shown}");
    let open: u64 = units.iter().map(|unit| unit["records"].as_u64().expect("a number")).sum();
    // All of the small file is scanned by now.
    assert_eq!((number("records") + open, number("records_total")), (RECORDS, RECORDS), "{shown}");
    let first = &units[0];
    assert_eq!(first["file"], load.file.display().to_string());
    assert_eq!(shown["inputs"][0]["path"], load.file.display().to_string());
    assert_eq!((&shown["settings"]["timestamp"], &shown["named"]), (&"order".into(), &true.into()));
    assert_eq!((number("written"), number("rejected"), number("runs")), (number("records"), 0, 1));

    let said = jobs(load, &["show", "interrupted"]).finish().expect_code(0).stdout;
    for line in [
        "state        interrupted",
        "why          stopped by a signal; run the same command again to go on from here",
        "to go on     the same command again: ringload load --job 'interrupted' -t ",
        &format!(
            "  open       {}: {}, records {} to ",
            first["unit"],
            load.file.display(),
            first["first_record"]
        ),
    ] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    let done = json(jobs(load, &["show", "done"]));
    assert!(done["bytes_done"].as_u64() > Some(0) && done["bytes_done"] == done["bytes_total"], "{done}");
    let done = jobs(load, &["show", "done"]).finish().expect_code(0).stdout;
    assert!(!done.contains("open") && !done.contains("to go on"), "{done}");
}
