//! What the second run of a job does: goes on, refuses, begins anew, or finds nothing to do; and what of the application's own
//! writes and of the rejects is left when a load was cut short and went on.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use crate::support::database::{CASSANDRA, Keyspace, environment};
use crate::support::numbered::{self, NumberedLoad, note, rows_and_times};
use crate::support::program::{Finished, Run, Running, is_alive, send_signal, wait_until};

/// Records of most loads here; some five units, of which each must be whole to count.
const RECORDS: u64 = 2_500;
/// So many rows are written before a load is cut short.
const WRITTEN: u64 = 1_000;
const JOB: &str = "nightly";

/// Starts a run through the relay that stands still when it has written some rows.
fn cut_short(load: &NumberedLoad, run: Run) -> Running {
    load.relay.allow_writes(WRITTEN);
    load.wait_for_writes(run.start())
}

/// A run that is interrupted in mid-load.
#[track_caller]
fn interrupted(load: &NumberedLoad, run: Run) -> Finished {
    let running = cut_short(load, run);
    send_signal(running.pid(), "TERM");
    // Requests in flight may end now; there is not enough for the whole file.
    load.relay.allow_writes(500);
    let run = running.finish().expect_code(143);
    assert_eq!(run.summary["status"], "interrupted");
    run.expect_said(&["run the same command again to go on from here"])
}

/// A load whose job of this name was interrupted.
#[track_caller]
fn interrupted_job(load: &NumberedLoad) -> Finished {
    interrupted(load, load.run(0).args(["--job", JOB]))
}

/// The job's next run, past the relay.
fn next(load: &NumberedLoad) -> Run {
    load.run_directly(0).args(["--job", JOB])
}

/// Fails the test unless a run went on with a job and wrote the rest of its records.
#[track_caller]
fn expect_went_on(load: &NumberedLoad, run: Finished) {
    let run = run.expect_code(0).expect_counts(load.records, load.records, 0);
    let resumed = run.number("resumed_records");
    assert!(0 < resumed && resumed < load.records, "{}", run.summary);
    assert_eq!(run.sent(), load.records - resumed, "{}", run.summary);
    load.expect_every_row_at_its_time();
}

/// Fails the test unless a run refused to go on, saying this, and sent nothing.
#[track_caller]
fn expect_refused(run: Finished, code: i32, said: &[&str]) {
    let run = run.expect_code(code).expect_said(said).expect_said(&[JOB, "is unfinished", "--restart"]);
    assert_eq!(run.number("written"), 0);
}

/// The earliest and the latest write time in the table.
fn times(load: &NumberedLoad) -> (i64, i64) {
    let times = || rows_and_times(&load.keyspace).into_values().map(|(_, time)| time);
    (times().min().expect("a row"), times().max().expect("a row"))
}

/// Fails the test unless every row was written later than `before`.
#[track_caller]
fn expect_later(load: &NumberedLoad, before: (i64, i64)) {
    load.expect_every_row_at_its_time();
    assert!(times(load).0 > before.1, "{:?} is not after {before:?}", times(load));
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|file| file.modified()).expect("a time of change")
}

fn touch(path: &Path, time: SystemTime) {
    File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("a file");
}

#[test]
fn an_interrupted_job_goes_on_however_the_work_is_divided_and_the_cluster_is_called() {
    let Some(load) = NumberedLoad::of(6_000) else { return };
    let first = interrupted(&load, load.run(0));
    let other =
        load.run_in_units(2, "3KiB").args(["--threads", "1", "--in-flight", "8", "--session-starts", "1"]);
    let second = interrupted(&load, other);
    assert_eq!(first.summary["job"], second.summary["job"]);
    assert!(
        first.number("resumed_records") == 0 && second.number("resumed_records") > 0,
        "{}",
        second.summary
    );
    let contacts = format!("{0},{0}", load.keyspace.contact);
    let third = Run::load(&load.scratch, &contacts, &load.keyspace.table("numbered"))
        .args(["--workers", "3", "--threads", "2", "--in-flight", "64"])
        .args(["--consistency", "ONE", "--retry-for", "5s", "--max-errors", "0", "--batch", "off"])
        .arg(&load.file);
    let third = third.finish();
    assert_eq!(third.summary["job"], first.summary["job"]);
    assert!(third.number("resumed_records") > second.number("resumed_records"), "{}", third.summary);
    expect_went_on(&load, third);
}

/// The records of a load with a quote in this one that never closes.
fn with_open_quote(records: u64, in_record: u64) -> String {
    let record = format!("\n{in_record},");
    let damaged = numbered::csv(records).replacen(&record, &format!("{record}\""), 1);
    assert!(damaged.contains('"'));
    damaged
}

#[test]
fn a_job_of_which_nothing_was_sent_takes_the_mended_file_and_other_settings() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let whole = fs::read_to_string(&load.file).unwrap();
    fs::write(&load.file, with_open_quote(RECORDS, 3)).unwrap();
    for _ in 0..2 {
        let run = next(&load).finish().expect_code(4);
        run.expect_said(&["the quote opened here never closes", "nothing was sent yet: mend the input"]);
    }
    fs::write(&load.file, &whole).unwrap();
    let run = next(&load).args(["--timestamp", "now"]).finish().expect_code(0);
    assert_eq!(run.expect_counts(RECORDS, RECORDS, 0).number("resumed_records"), 0);
}

#[test]
fn a_job_of_which_a_unit_was_begun_does_not_take_the_mended_file() {
    let Some(load) = NumberedLoad::of(15_000) else { return };
    let whole = fs::read_to_string(&load.file).unwrap();
    // The scan gets so far only when units were taken: it is eight ahead at most.
    fs::write(&load.file, with_open_quote(15_000, 14_900)).unwrap();
    let run = next(&load).finish().expect_code(4).expect_said(&["never closes", "begin anew with --restart"]);
    assert!(!run.stderr.contains("nothing was sent"), "{}", run.stderr);
    fs::write(&load.file, &whole).unwrap();
    expect_refused(next(&load).finish(), 4, &[]);
    next(&load).arg("--restart").finish().expect_code(0).expect_counts(15_000, 15_000, 0);
    load.expect_every_row_at_its_time();
}

#[test]
fn a_job_goes_on_after_the_cluster_was_away_for_too_long() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let running = cut_short(&load, load.run(0).args(["--retry-for", "1s"]));
    load.relay.go_down();
    running.finish().expect_code(4).expect_said(&["run the same command again to go on from here"]);
    load.relay.come_up();
    load.relay.allow_all_writes();
    expect_went_on(&load, load.run(0).finish());
}

#[test]
fn an_unfinished_job_refuses_other_settings_and_other_content_and_goes_on_with_its_own() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let own = |run: Run| run.args(["--job", JOB, "--columns", "id,note"]);
    // A header of two fields whatever the delimiter.
    let content = numbered::csv(RECORDS).replacen("id,note\n", "id,note;note\n", 1);
    fs::write(&load.file, &content).unwrap();
    interrupted(&load, own(load.run(0)));

    let settings = [
        (&["--null", "NA"][..], r#"--null was not set and is ["NA"] now"#),
        (&["--timestamp", "now"], "--timestamp was order and is now now"),
        (&["--delimiter", ";"], "--delimiter was ',' and is ';' now"),
        (&["--quote", "none"], r#"--quote was '"' and is none now"#),
        (&["--comment", "#"], "--comment was none and is '#' now"),
        (&["--no-header"], "--no-header was false and is true now"),
        (&["--timestamp-rounding", "truncate"], "--timestamp-rounding was reject and is truncate now"),
        (&["--allow-missing-fields"], "--allow-missing-fields was not set and is true now"),
        (&["--allow-extra-fields"], "--allow-extra-fields was not set and is true now"),
        (&["--encoding", "latin1"], "--encoding was not set and is windows-1252 now"),
        (&["--trim", "all"], "--trim was not set and is all now"),
        (&["--escape", "|", "--escapes", "any"], "--escape was none and is '|' now"),
        (&["--skip", "1"], "--skip was not set and is 1 now"),
        (&["--limit", "2000"], "--limit was not set and is 2000 now"),
        (&["--allow-missing-columns"], "--allow-missing-columns was false and is true now"),
    ];
    for (options, said) in settings {
        expect_refused(own(load.run_directly(0)).args(options).finish(), 2, &[said]);
    }
    let columns = load.run_directly(0).args(["--job", JOB, "--columns", "note,id"]);
    let said = r#"--columns was ["id","note"] and is ["note","id"] now"#;
    expect_refused(columns.finish(), 2, &[said]);

    let (path, time) = (load.file.display().to_string(), modified(&load.file));
    let other = content.replacen("record 7 of", "record 8 of", 1);
    let grown = format!("{content}9999,more\n");
    let sizes = format!("it had {} bytes and has {} now", content.len(), grown.len());
    let inputs = [
        (&grown, time, &sizes[..]),
        (&other, time, "its content is another"),
        (&content, time + Duration::from_secs(1), "it was written to since"),
    ];
    for (content, time, said) in inputs {
        fs::write(&load.file, content).unwrap();
        touch(&load.file, time);
        expect_refused(own(load.run_directly(0)).finish(), 4, &[&path, said]);
    }
    fs::write(&load.file, &content).unwrap();
    touch(&load.file, time);
    let second = load.scratch.write("second.csv", "id,note\n1,second\n");
    let said = format!("its inputs are {path}, and these are {path}, {}", second.display());
    expect_refused(own(load.run_directly(0)).arg(&second).finish(), 4, &[&said]);
    fs::remove_file(&load.file).unwrap();
    own(load.run_directly(0)).finish().expect_code(4).expect_said(&[&path, "no such file"]);

    fs::write(&load.file, &content).unwrap();
    touch(&load.file, time);
    // Spelled in another way, it is the same file.
    let spelled = Run::load(&load.scratch, &load.keyspace.contact, &load.keyspace.table("numbered"));
    let spelled =
        own(spelled).args(["--delimiter", ",", "--timestamp", "ORDER", "--batch", "off", "./numbered.csv"]);
    expect_went_on(&load, spelled.finish());
}

#[test]
fn an_unfinished_job_refuses_another_table_of_the_same_name() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let own = |run: Run| run.args(["--job", JOB, "--allow-unknown-columns"]);
    let with_extra =
        numbered::csv(RECORDS).replace("id,note\n", "id,note,extra\n").replace(" file\n", " file,x\n");
    fs::write(&load.file, with_extra).unwrap();
    interrupted(&load, own(load.run(0)));
    let before = times(&load);
    let table = load.keyspace.table("numbered");

    load.keyspace.cql("ALTER TABLE numbered ADD extra text");
    let said = format!("the columns of {table} that are loaded have changed since");
    expect_refused(own(load.run_directly(0)).finish(), 4, &[&said]);
    load.keyspace.cql("ALTER TABLE numbered DROP extra");

    load.keyspace.cql("TRUNCATE numbered");
    expect_refused(own(load.run_directly(0)).finish(), 4, &[&format!("{table} was truncated since")]);

    load.keyspace.cql("DROP TABLE numbered");
    load.keyspace.cql(numbered::TABLE);
    expect_refused(
        own(load.run_directly(0)).finish(),
        4,
        &[&format!("{table} was dropped and created again")],
    );

    let run = own(load.run_directly(0)).arg("--restart").finish().expect_code(0);
    let run = run.expect_counts(RECORDS, RECORDS, 0);
    assert_eq!(run.number("resumed_records"), 0);
    expect_later(&load, before);
}

#[test]
fn a_column_that_was_dropped_and_added_again_is_loaded_anew_and_never_left_empty() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let replace = || {
        load.keyspace.cql("ALTER TABLE numbered DROP note");
        load.keyspace.cql("ALTER TABLE numbered ADD note text");
    };
    interrupted_job(&load);
    let before = times(&load);
    replace();
    let said = format!("column note of {} was dropped since it was begun", load.keyspace.table("numbered"));
    expect_refused(next(&load).finish(), 4, &[&said]);
    next(&load).arg("--restart").finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    expect_later(&load, before);

    let before = times(&load);
    next(&load).finish().expect_code(0).expect_said(&["nothing to do"]);
    replace();
    next(&load).finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    expect_later(&load, before);
}

/// Microseconds since 1970 by this machine's clock.
fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
    i64::try_from(since.as_micros()).expect("a time of this age")
}

#[test]
fn a_load_says_that_the_clock_is_behind_instead_of_waiting_for_it() {
    const HOUR_US: i64 = 3_600_000_000;
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    interrupted_job(&load);
    // As if that run's clock had been ahead, and was put right since.
    let ledger = rusqlite::Connection::open(load.scratch.join("state/ledger.sqlite")).expect("the ledger");
    let base = format!("{{\"Ordinal\":{}}}", now_us() + HOUR_US);
    assert_eq!(ledger.execute("UPDATE jobs SET write_time = ?1", [&base]).expect("the job"), 1);
    let said = ["its next row is to be written at", "59m", "put the clock right", "--restart"];
    next(&load).finish().expect_code(4).expect_said(&said);

    let last = now_us() + HOUR_US;
    ledger.execute("UPDATE write_times SET last_us = ?1", [last]).expect("the table's");
    drop(ledger);
    for timestamp in ["order", "now"] {
        let run = next(&load).args(["--restart", "--timestamp", timestamp]).finish().expect_code(4);
        run.expect_said(&[
            "was given rows with write times up to",
            "59m",
            "put the clock right",
            "--state-dir",
        ]);
    }
    let later = (last + 1).to_string();
    let run = next(&load).args(["--restart", "--timestamp", &later]).finish().expect_code(0);
    run.expect_counts(RECORDS, RECORDS, 0);
    assert_eq!(times(&load), (last + 1, last + 1));
    // That is known now too.
    load.run_directly(0).finish().expect_code(4).expect_said(&[&format!("({later})")]);
}

#[test]
fn a_job_older_than_the_memory_of_deletions_is_only_begun_anew() {
    let Some(contact) = environment(CASSANDRA) else { return };
    let table = format!("{} WITH gc_grace_seconds = 1", numbered::TABLE);
    let load = NumberedLoad::into(Keyspace::on(&contact, 1, &[&table]), RECORDS);
    interrupted_job(&load);
    let (before, begin) = (times(&load), Instant::now());
    wait_until("the job is too old", || begin.elapsed() > Duration::from_secs(1));
    let said = format!("longer ago than gc_grace_seconds (1) of {}", load.keyspace.table("numbered"));
    expect_refused(next(&load).finish(), 4, &[&said]);
    next(&load).arg("--restart").finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    expect_later(&load, before);
}

#[test]
fn restart_begins_an_unfinished_job_anew_with_later_write_times() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    interrupted_job(&load);
    let before = times(&load);
    let run = next(&load).args(["--restart", "--null", "NA"]).finish().expect_code(0);
    let run = run.expect_counts(RECORDS, RECORDS, 0);
    assert_eq!((run.number("resumed_records"), run.sent()), (0, RECORDS), "{}", run.summary);
    expect_later(&load, before);
}

#[test]
fn a_finished_job_with_a_name_is_loaded_again_only_if_something_changed_or_on_demand() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    next(&load).finish().expect_code(0);
    let mut before = times(&load);

    for option in ["--restart", "--max-errors=1"] {
        // The relay would show that something is sent.
        let run = load.run(0).args(["--job", JOB, option]).finish().expect_code(0);
        let run = run.expect_said(&[&format!("job {JOB} was finished"), "nothing to do", "--again"]);
        let run = run.expect_counts(RECORDS, RECORDS, 0);
        assert_eq!((run.number("requests"), run.number("resumed_records")), (0, RECORDS), "{}", run.summary);
        assert_eq!((load.passed(), times(&load)), (0, before));
    }

    next(&load).arg("--again").finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    expect_later(&load, before);
    before = times(&load);

    // The next night's file.
    let load = NumberedLoad { records: RECORDS + 10, ..load };
    fs::write(&load.file, numbered::csv(load.records)).unwrap();
    let run = next(&load).finish().expect_code(0).expect_counts(load.records, load.records, 0);
    assert_eq!(run.number("resumed_records"), 0);
    expect_later(&load, before);
    before = times(&load);

    next(&load).args(["--null", "NA"]).finish().expect_code(0).expect_counts(load.records, load.records, 0);
    expect_later(&load, before);

    load.keyspace.cql("TRUNCATE numbered");
    next(&load).args(["--null", "NA"]).finish().expect_code(0).expect_counts(load.records, load.records, 0);
    load.expect_every_row_at_its_time();
}

#[test]
fn a_job_of_several_files_goes_on_in_the_midst_of_any_of_them() {
    let Some(load) = NumberedLoad::of(3 * RECORDS) else { return };
    let csv = numbered::csv(load.records);
    let lines: Vec<&str> = csv.split_inclusive('\n').collect();
    // Two columns in either order, one file without a record, one without a last line end, and one of a few bytes.
    let pieces = [&lines[1..2_000], &[], &lines[2_000..2_001], &lines[2_001..6_000], &lines[6_000..]];
    let swapped = |line: &&str| line.trim_end().split_once(',').map(|(id, note)| format!("{note},{id}\r\n"));
    let contents = pieces.iter().enumerate().map(|(number, piece)| match number {
        3 => format!("note,id\r\n{}", piece.iter().filter_map(swapped).collect::<String>().trim_end()),
        _ => format!("id,note\n{}", piece.concat()),
    });
    let files: Vec<_> = contents
        .enumerate()
        .map(|(number, content)| load.scratch.write(&format!("{number}.csv"), content))
        .collect();
    fs::write(&load.file, "id,note\n").expect("a file");
    let own = |run: Run| run.args(["--job", JOB]).args(&files);
    for workers in [2, 0, 3] {
        load.relay.allow_writes(2_000);
        let running = load.wait_for_writes(own(load.run_in_units(workers, "7KiB")).start());
        send_signal(running.pid(), "KILL");
        running.finish();
    }
    expect_went_on(&load, own(load.run_directly(2)).finish());
}

#[test]
fn a_finished_job_without_a_name_is_loaded_again() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let first = load.run_directly(0).finish().expect_code(0);
    let before = times(&load);
    let second = load.run_directly(0).finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    assert_eq!((second.number("resumed_records"), second.sent()), (0, RECORDS));
    assert_eq!(first.summary["job"], second.summary["job"]);
    expect_later(&load, before);
}

#[test]
fn a_job_that_compares_whole_files_goes_on_with_one_that_was_only_touched() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    interrupted(&load, load.run(0).args(["--job", JOB, "--fingerprint", "full"]));
    let content = fs::read_to_string(&load.file).unwrap();
    touch(&load.file, modified(&load.file) + Duration::from_secs(1));
    let time = modified(&load.file);
    fs::write(&load.file, content.replacen("record 7 of", "record 8 of", 1)).unwrap();
    touch(&load.file, time);
    expect_refused(next(&load).finish(), 4, &["numbered.csv: its content is another"]);
    fs::write(&load.file, &content).unwrap();
    touch(&load.file, time);
    // What the job was begun with counts, not what its next run says.
    expect_went_on(&load, next(&load).args(["--fingerprint", "sampled"]).finish());
}

#[test]
fn a_job_that_another_run_is_at_is_left_alone_until_that_ends() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let first = cut_short(&load, load.run(0).args(["--job", JOB]));
    let held = format!("another run (process {}, started ", first.pid());
    for options in [&[][..], &["--restart"], &["--again", "--null", "NA"]] {
        next(&load).args(options).finish().expect_code(5).expect_said(&[&held, JOB]);
    }
    let kill = |running: Running| {
        send_signal(running.pid(), "KILL");
        wait_until("it is dead", || !is_alive(running.pid()));
    };
    // Before the next one begins, or it would take that one's writes.
    kill(first);
    let unnamed = cut_short(&load, load.run(2));
    let held = format!("another run (process {}, started ", unnamed.pid());
    load.run_directly(0).finish().expect_code(5).expect_said(&[&held]);
    kill(unnamed);
    // Its workers may still be ending; the lock was the coordinator's.
    next(&load).finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    load.run_directly(0).finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
}

#[test]
fn what_an_application_writes_while_a_job_is_cut_short_stays() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    interrupted_job(&load);
    let there = rows_and_times(&load.keyspace);
    let base = there[&0].1;
    // The first units are done; at the end of the file nothing is.
    let updated = [0, 1, 700, RECORDS as i64 - 2, RECORDS as i64 - 1];
    assert!(there.contains_key(&updated[1]) && !there.contains_key(&updated[4]), "{}", there.len());
    write_as_application(&load, &updated);
    next(&load).finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    expect_application_kept(&load, base, &updated);
}

#[test]
fn what_an_application_writes_while_a_job_goes_on_stays() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    interrupted_job(&load);
    let base = rows_and_times(&load.keyspace)[&0].1;
    // The second run stands still in mid-load, with rows on their way and others not sent yet.
    load.relay.allow_writes(100);
    let running = load.wait_for_writes(load.run(0).args(["--job", JOB]).start());
    let there = rows_and_times(&load.keyspace);
    let missing = (0..RECORDS as i64).filter(|id| !there.contains_key(id));
    let updated: Vec<i64> = [0, 1].into_iter().chain(missing.step_by(7)).collect();
    assert!(updated.len() > 20 && updated.last() > Some(&(RECORDS as i64 - 8)), "{updated:?}");
    write_as_application(&load, &updated);
    load.relay.allow_all_writes();
    running.finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    expect_application_kept(&load, base, &updated);
}

fn write_as_application(load: &NumberedLoad, ids: &[i64]) {
    for id in ids {
        load.keyspace.cql(&format!("UPDATE numbered SET note = 'the application''s {id}' WHERE id = {id}"));
    }
}

/// Fails the test unless these rows are the application's, and all others the file's.
#[track_caller]
fn expect_application_kept(load: &NumberedLoad, base: i64, updated: &[i64]) {
    let rows = rows_and_times(&load.keyspace);
    assert_eq!(rows.len() as u64, RECORDS);
    for (id, (text, time)) in rows {
        if updated.contains(&id) {
            assert_eq!(text, format!("the application's {id}"));
            assert!(time > base + RECORDS as i64, "{id}");
        } else {
            assert_eq!((text, time), (note(id), base + id), "{id}");
        }
    }
}
