//! The state directory and the ledger in it, when all is well and when it is not: who may read it, what is not in it, what a run
//! does with one that is damaged, of another version, out of reach, or on a disk that is full.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::support::database::Keyspace;
use crate::support::numbered::{self, NumberedLoad};
use crate::support::program::{Run, Running, send_signal, wait_until};
use crate::support::scratch::Scratch;
use crate::support::small_disk::SmallDisk;

const RECORDS: u64 = 2_500;
/// So many rows are written before something happens.
const WRITTEN: u64 = 1_000;

/// A load in one process that stands still when it has written some rows.
fn cut_short(load: &NumberedLoad, run: Run) -> Running {
    load.relay.allow_writes(WRITTEN);
    load.wait_for_writes(run.start())
}

/// The ledger of a load that was interrupted.
#[track_caller]
fn interrupted(load: &NumberedLoad) -> PathBuf {
    let running = cut_short(load, load.run(0));
    send_signal(running.pid(), "TERM");
    load.relay.allow_writes(500);
    running.finish().expect_code(143);
    load.scratch.join("state/ledger.sqlite")
}

/// Fails the test unless the same command goes on with the job and completes it.
#[track_caller]
fn expect_goes_on(load: &NumberedLoad, run: Run) {
    load.relay.allow_all_writes();
    let run = run.finish().expect_code(0).expect_counts(load.records, load.records, 0);
    let resumed = run.number("resumed_records");
    assert!(0 < resumed && resumed < load.records, "{}", run.summary);
    load.expect_every_row_at_its_time();
}

/// Everything below a directory.
fn contents(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { [contents(&path), vec![path]].concat() } else { vec![path] })
        .collect()
}

#[test]
fn only_the_owner_may_read_the_ledger_and_no_password_is_in_it() {
    const PASSWORD: &str = "correct horse battery staple";
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    // The node asks nobody for a password; it is known to the run all the same, and sent to its workers.
    let with_login = |run: Run| run.args(["--user", "somebody"]).env("RINGLOAD_PASSWORD", PASSWORD);
    let check = || {
        let state = load.scratch.join("state");
        let files = contents(&state);
        for path in files.iter().chain([&state]) {
            let is_dir = path.is_dir();
            let mode = fs::metadata(path).expect("a file").permissions().mode() & 0o7777;
            assert_eq!(mode, if is_dir { 0o700 } else { 0o600 }, "{}", path.display());
            let bytes = if is_dir { Vec::new() } else { fs::read(path).expect("a file") };
            assert!(memchr::memmem::find(&bytes, PASSWORD.as_bytes()).is_none(), "{}", path.display());
        }
        files.len()
    };
    load.relay.allow_writes(WRITTEN);
    let running = load.wait_for_writes(with_login(load.run(2)).start());
    assert!(check() > 3, "the ledger, what belongs to it, and a lock");
    send_signal(running.pid(), "KILL");
    running.finish();
    check();
    load.relay.allow_all_writes();
    with_login(load.run(2)).finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    assert!(check() >= 2);
}

#[test]
fn a_ledger_that_cannot_be_used_is_told_and_left_alone_and_nothing_is_loaded() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let ledger = interrupted(&load);
    let good = fs::read(&ledger).expect("the ledger");
    let rows = load.rows().len();
    let check = |content: &[u8], said: &str| {
        fs::write(&ledger, content).expect("the ledger");
        let path = ledger.display().to_string();
        load.run_directly(0).finish().expect_code(4).expect_said(&[&path, said]);
        load.run_directly(0).arg("--restart").finish().expect_code(4).expect_said(&[&path, said]);
        Run::new(&load.scratch).arg("jobs").finish().expect_code(4).expect_said(&[&path, said]);
        assert!(fs::read(&ledger).expect("the ledger") == content, "it was written to");
        assert_eq!(load.rows().len(), rows);
    };
    let damaged = |from: usize, to: usize| {
        let mut content = good.clone();
        content[from..to].fill(0x5A);
        content
    };
    check(&damaged(0, 64), "is damaged");
    check(&damaged(good.len() / 2, good.len()), "is damaged");
    check(&good[..good.len() / 2], "is damaged");
    check(&[], "is damaged (nothing is in it any more)");
    // The layout's number is in the header (SQLite's file format, section 1.3.13).
    let mut newer = good.clone();
    newer[63] += 1;
    check(&newer, "has the layout of a newer ringload");
    fs::write(&ledger, &good).expect("the ledger");
    expect_goes_on(&load, load.run_directly(0));
}

#[test]
fn a_state_directory_that_cannot_be_used_is_named_before_anything_is_loaded() {
    let Some(load) = NumberedLoad::of(10) else { return };
    let below_a_file = load.file.join("state");
    let elsewhere = |path: &Path| load.run(0).arg("--state-dir").arg(path);
    for path in [&below_a_file, Path::new("/proc/none"), &load.file] {
        let path_said = path.display().to_string();
        elsewhere(path).finish().expect_code(4).expect_said(&[
            "the state directory",
            &path_said,
            "--state-dir",
        ]);
    }
    assert_eq!(load.passed(), 0);
    elsewhere(&load.scratch.join("a/b/c")).finish().expect_code(0);
}

#[test]
fn jobs_that_begin_at_once_share_a_new_ledger() {
    const JOBS: usize = 6;
    let Some(keyspace) = Keyspace::new(&[numbered::TABLE]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("numbered.csv", numbered::csv(100));
    let start = |job: usize| {
        let summary = scratch.join(&format!("summary-{job}.json"));
        let run = Run::new(&scratch).args([
            "load",
            "-t",
            &keyspace.table("numbered"),
            "--hosts",
            &keyspace.contact,
        ]);
        run.args(["--job", &format!("job {job}"), "--summary"]).arg(summary).arg(&file).start()
    };
    let running: Vec<Running> = (0..JOBS).map(start).collect();
    for running in running {
        running.finish().expect_code(0);
    }
    let jobs = Run::new(&scratch).args(["jobs", "--format", "json"]).finish().expect_code(0);
    let jobs: Vec<Value> = serde_json::from_str(&jobs.stdout).expect("JSON");
    assert_eq!(jobs.len(), JOBS);
    assert!(jobs.iter().all(|job| job["state"] == "done" && job["records"] == 100), "{jobs:?}");
    numbered::expect_every_row(&keyspace, 100);
}

#[test]
fn a_full_disk_under_the_ledger_stops_the_load_and_the_same_command_goes_on_when_there_is_room() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let disk = SmallDisk::new(&load.scratch);
    let state = disk.path.join("state").display().to_string();
    let run = || load.run_as(disk.run(&load.scratch)).env("RINGLOAD_STATE_DIR", &state);
    let said = [&format!("the ledger {state}/ledger.sqlite cannot be written")[..], "free space on its disk"];

    disk.fill();
    run().finish().expect_code(4).expect_said(&said);
    assert_eq!(load.passed(), 0);
    disk.free();

    let running = cut_short(&load, run());
    wait_until("something is written down", || {
        let jobs =
            disk.run(&load.scratch).env("RINGLOAD_STATE_DIR", &state).args(["jobs", "--format", "json"]);
        let jobs: Value = serde_json::from_str(&jobs.finish().expect_code(0).stdout).expect("JSON");
        jobs[0]["records"].as_u64() > Some(0)
    });
    disk.fill();
    load.relay.allow_writes(500);
    let stopped = running.finish().expect_code(4).expect_said(&said);
    stopped.expect_said(&["run the same command again to go on from here"]);
    // Still full, with the room that the run gave back at its end.
    disk.fill();
    run().finish().expect_code(4).expect_said(&said);
    disk.free();
    expect_goes_on(&load, run());

    // Moved away where there is no room for a new one: that is no ledger which was emptied.
    fs::remove_file(disk.seen("state/ledger.sqlite")).expect("the ledger");
    assert!(disk.seen("state/locks").exists());
    disk.fill();
    run().finish().expect_code(4).expect_said(&said);
    disk.free();
    run().finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
}

#[test]
fn what_happens_while_the_ledger_is_busy_is_in_it_at_the_end() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let run = load.run_in_units(0, "1MiB").args(["--job", "nightly"]);
    let running = cut_short(&load, run);
    let ledger = load.scratch.join("state/ledger.sqlite");
    let mut ledger = rusqlite::Connection::open(ledger).expect("the ledger");
    ledger.busy_timeout(Duration::from_secs(10)).expect("a connection");
    let behaviour = rusqlite::TransactionBehavior::Immediate;
    let locked = ledger.transaction_with_behavior(behaviour).expect("a moment between two runs' facts");
    load.relay.allow_all_writes();
    wait_until("the only unit is done", || {
        load.relay.rows_passed() == RECORDS && load.relay.connected().is_empty()
    });
    locked.rollback().expect("the ledger as it was");
    running.finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    let again = load.run_directly(0).args(["--job", "nightly"]).finish().expect_code(0);
    again.expect_counts(RECORDS, RECORDS, 0).expect_said(&["nothing to do"]);
}

#[test]
fn nothing_is_sent_before_the_ledger_knows_that_it_may_have_been() {
    let Some(load) = NumberedLoad::of(4 * RECORDS) else { return };
    let mut running = cut_short(&load, load.run(2));
    let ledger = load.scratch.join("state/ledger.sqlite");
    let mut ledger = rusqlite::Connection::open(ledger).expect("the ledger");
    ledger.busy_timeout(Duration::from_secs(10)).expect("a connection");
    let behaviour = rusqlite::TransactionBehavior::Immediate;
    let locked = ledger.transaction_with_behavior(behaviour).expect("a moment between two runs' facts");
    let first_unknown =
        "SELECT first_ordinal FROM units WHERE unit = (SELECT max(unit) + 1 FROM attempts) AND job = 1";
    let known: i64 =
        locked.query_row(first_unknown, [], |row| row.get(0)).expect("units that nobody has begun");
    let known = known as u64;
    // Every worker may do what it has been told of, but nothing can be written down.
    load.relay.allow_all_writes();
    wait_until("what may be sent is sent", || running.has_ended() || load.relay.rows_passed() >= known);
    assert!(load.relay.rows_passed() <= known, "{} rows, {known} of them foretold", load.relay.rows_passed());
    locked.rollback().expect("the ledger as it was");
    send_signal(running.pid(), "KILL");
    running.finish();
    let run = load.run(2).finish().expect_code(0).expect_counts(load.records, load.records, 0);
    assert!(run.number("resumed_records") + run.number("uncertain") >= known, "{}", run.summary);
}

#[test]
fn an_input_that_is_cut_off_under_a_running_load_is_named_and_the_job_goes_on_when_it_is_whole_again() {
    let Some(load) = NumberedLoad::of(3 * RECORDS) else { return };
    let content = fs::read(&load.file).expect("the file");
    let time = fs::metadata(&load.file).and_then(|file| file.modified()).expect("a time of change");
    let running = cut_short(&load, load.run(2).args(["--job", "nightly"]));
    let cut = content.len() as u64 - 100;
    File::options().write(true).open(&load.file).and_then(|file| file.set_len(cut)).expect("a shorter file");
    load.relay.allow_all_writes();
    let path = load.file.display().to_string();
    let said = [&path[..], "has changed since the load began", "--restart"];
    let run = running.finish().expect_code(4).expect_said(&said);
    assert_eq!(run.summary["status"], "failed");

    let next = || load.run_directly(2).args(["--job", "nightly"]);
    let sizes = format!("{path}: it had {} bytes and has {cut} now", content.len());
    next().finish().expect_code(4).expect_said(&["job nightly is unfinished", &sizes]);
    let shown = Run::new(&load.scratch).args(["jobs", "show", "nightly"]).finish().expect_code(0);
    assert!(
        shown.stdout.contains("failed") && shown.stdout.contains("has changed since"),
        "{}",
        shown.stdout
    );

    fs::write(&load.file, content).expect("the file");
    File::options().write(true).open(&load.file).and_then(|file| file.set_modified(time)).expect("its time");
    expect_goes_on(&load, next());
}
