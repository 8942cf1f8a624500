//! Reading back what was loaded: what is missing, different, overwritten or superseded is told apart, record by record, and a table
//! that is as the files say is found to be so, whatever happens on the way.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::database::{CASSANDRA, Keyspace, environment};
use crate::support::program::{Finished, Run, send_signal, wait_until};
use crate::support::relay::Relay;
use crate::support::scratch::Scratch;

const NOTES: &str = "CREATE TABLE notes (id int PRIMARY KEY, note text, price double)";

/// What a verification counts.
const COUNTS: [&str; 8] =
    ["checked", "same", "missing", "different", "overwritten", "superseded", "not_checked", "not_sampled"];

/// Fails the test unless the verification counted so, in the order of [`COUNTS`].
#[track_caller]
fn expect_counts(run: Finished, expected: [u64; 8]) -> Finished {
    let counts = COUNTS.map(|key| run.summary["verify"][key].as_u64());
    assert_eq!(counts, expected.map(Some), "{COUNTS:?}\nstderr: {}\nsummary: {}", run.stderr, run.summary);
    run
}

/// The directory of a verification's findings.
#[track_caller]
fn differences(scratch: &Scratch, run: &Finished) -> PathBuf {
    let dir = run.summary["verify"]["differences_dir"].as_str();
    scratch.join(dir.unwrap_or_else(|| panic!("no findings: {}", run.summary)))
}

fn reasons(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Code, line, column and value of each finding.
fn found(dir: &Path) -> Vec<Value> {
    let brief = |reason: Value| json!([reason["code"], reason["line"], reason["column"], reason["value"]]);
    reasons(dir).into_iter().map(brief).collect()
}

/// A file of so many records for the table of notes.
fn notes(records: u32) -> String {
    let mut csv = String::from("id,note,price\n");
    for id in 1..=records {
        writeln!(csv, "{id},note {id},{id}.5").expect("a longer string");
    }
    csv
}

/// The write time of a row's note.
fn written_us(keyspace: &Keyspace, id: u32) -> i64 {
    let rows = keyspace.rows(&format!("SELECT WRITETIME(note) FROM notes WHERE id = {id}"));
    rows[0].columns[0].as_ref().and_then(|time| time.as_bigint()).expect("a write time")
}

#[test]
fn a_table_that_was_loaded_is_found_to_be_as_the_files_say() {
    const PEOPLE: &str = "CREATE TABLE people (team text, name text, motto text static, age int, note text, PRIMARY KEY (team, name))";
    const PAIRS: &str = "CREATE TABLE pairs (a int, b text, PRIMARY KEY (a, b))";
    let Some(keyspace) = Keyspace::new(&[NOTES, PEOPLE, PAIRS]) else { return };
    let scratch = Scratch::new();
    let check = |table: &str, csv: String, workers: &str, records: u64| {
        let file = scratch.write(&format!("{table}.csv"), csv);
        let load = keyspace.load(&scratch, table).args(["--workers", workers, "--unit-size", "1KiB"]);
        load.arg(&file).finish().expect_code(0);
        let run = keyspace.verify(&scratch, table).args(["--workers", workers, "--unit-size", "1KiB"]);
        let run = expect_counts(run.arg(&file).finish().expect_code(0), [records, records, 0, 0, 0, 0, 0, 0]);
        assert_eq!(run.summary["status"], "done");
        assert_eq!(run.summary["verify"]["write_times"], "each_record");
        assert!(!scratch.join("ringload-differences").exists());
        assert_eq!((run.number("records"), run.number("written")), (records, 0));
    };
    check("notes", notes(2_000), "3", 2_000);
    // The motto of a team is the same in all of its records; nulls are left as they are.
    let people = "team,name,motto,age,note\n\
                  red,ann,onward,31,\n\
                  red,bob,onward,,\"two\nlines\"\n\
                  blue,cid,,,\n\
                  blue,\"d, e\",,5,\"\"\n";
    check("people", people.to_owned(), "0", 4);
    check("pairs", "a,b\n1,x\n1,y\n2,x\n".to_owned(), "0", 3);
}

#[test]
fn rows_that_are_hidden_by_write_times_in_the_future_are_different_and_not_overwritten_since() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", notes(5));
    let future = "USING TIMESTAMP 4102444800000000";
    // By somebody whose clock is wrong, before the load; one with the very value of the file.
    keyspace.cql(&format!("INSERT INTO notes (id, note) VALUES (1, 'hidden') {future}"));
    keyspace.cql(&format!("INSERT INTO notes (id, note) VALUES (2, 'note 2') {future}"));
    let run = keyspace.load(&scratch, "notes").arg("--verify").arg(&file).finish().expect_code(1);
    let run = expect_counts(run, [5, 3, 0, 1, 1, 0, 0, 0]);
    assert_eq!(run.summary["status"], "differences");
    let reasons = reasons(&differences(&scratch, &run));
    let message = reasons[0]["message"].as_str().expect("a message");
    assert!(
        message.contains("'hidden', written 2100-01-01T00:00:00.000000Z, which is still to come"),
        "{message}"
    );
}

#[test]
fn every_kind_of_finding_is_counted_apart_and_named() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    // Lines 2 to 13; the records of lines 12 and 13 come after others of their keys, and that of line 14 is no row.
    let csv = format!("{}2,later,\n3,later,7.5\nx,no number,1\n", notes(10));
    let file = scratch.write("notes.csv", &csv);
    keyspace.load(&scratch, "notes").arg(&file).finish().expect_code(1).expect_counts(13, 12, 1);

    keyspace.cql("DELETE FROM notes WHERE id = 4");
    keyspace.cql("DELETE note FROM notes WHERE id = 5");
    let own_time = written_us(&keyspace, 6);
    // Of two cells of one time the larger value stays.
    keyspace
        .cql(&format!("UPDATE notes USING TIMESTAMP {own_time} SET note = 'zzz', price = 99 WHERE id = 6"));
    keyspace.cql("UPDATE notes SET price = 1 WHERE id = 7");
    keyspace.cql("UPDATE notes SET note = 'note 8' WHERE id = 8");

    let run = keyspace.verify(&scratch, "notes").arg(&file).finish().expect_code(1);
    let run = expect_counts(run, [12, 5, 1, 2, 2, 2, 1, 0]);
    assert_eq!(run.summary["status"], "differences");
    let run = run.expect_said(&[
        "1 row missing, 2 rows different\n",
        "\n  missing         1\n",
        "\n  overwritten     2\n",
        "\n  superseded      2\n",
    ]);
    let dir = differences(&scratch, &run);
    let expected = [
        json!(["missing", 5, null, null]),
        json!(["different", 6, "note", "note 5"]),
        json!(["different", 7, "note", "note 6"]),
        json!(["overwritten", 8, "price", "7.5"]),
        json!(["overwritten", 9, "note", "note 8"]),
        json!(["invalid_number", 14, "id", "x"]),
    ];
    assert_eq!(found(&dir), expected);
    let told = reasons(&dir);
    let message = |index: usize| told[index]["message"].as_str().expect("a message");
    assert_eq!(message(0), "the table has no row with id '4'");
    assert_eq!(message(1), "the table has null");
    assert!(message(2).starts_with("the table has 'zzz', written 20"), "{}", message(2));
    assert!(message(2).ends_with("this record's write time; one more column differs"), "{}", message(2));
    assert!(message(3).starts_with("the table has 1, written 20"), "{}", message(3));
    assert!(message(3).ends_with(", after the job's last write"), "{}", message(3));

    // Each kind has a file of its own, under the header.
    let file = |name: &str| fs::read_to_string(dir.join(name)).expect(name);
    assert_eq!(file("missing-notes.csv"), "id,note,price\n4,note 4,4.5\n");
    assert_eq!(file("different-notes.csv"), "id,note,price\n5,note 5,5.5\n6,note 6,6.5\n");
    assert_eq!(file("overwritten-notes.csv"), "id,note,price\n7,note 7,7.5\n8,note 8,8.5\n");
    assert_eq!(file("rejected-notes.csv"), "id,note,price\nx,no number,1\n");

    // What is missing can be loaded as it is.
    keyspace.load(&scratch, "notes").arg(dir.join("missing-notes.csv")).finish().expect_code(0);
    keyspace.expect_rows("SELECT note, price FROM notes WHERE id = 4", &["'note 4', 4.5"]);
}

#[test]
fn what_was_overwritten_or_superseded_is_no_fault() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", format!("{}2,later,0\n", notes(5)));
    keyspace.load(&scratch, "notes").arg(&file).finish().expect_code(0);
    keyspace.cql("UPDATE notes SET note = 'mine' WHERE id = 3");
    let run = keyspace.verify(&scratch, "notes").arg(&file).finish().expect_code(0);
    let run = expect_counts(run, [6, 4, 0, 0, 1, 1, 0, 0]);
    assert_eq!(run.summary["status"], "done");
    assert_eq!(found(&differences(&scratch, &run)), [json!(["overwritten", 4, "note", "note 3"])]);
}

#[test]
fn a_value_from_before_the_load_says_that_what_was_loaded_is_not_there() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", notes(3));
    keyspace.load(&scratch, "notes").arg(&file).finish().expect_code(0);
    keyspace.cql("TRUNCATE notes");
    for (id, note) in [(1, "note 1"), (2, "old")] {
        keyspace.cql(&format!(
            "INSERT INTO notes (id, note, price) VALUES ({id}, '{note}', {id}.5) USING TIMESTAMP 1000000"
        ));
    }
    let run = keyspace.verify(&scratch, "notes").arg(&file).finish().expect_code(1);
    let run = expect_counts(run, [3, 0, 1, 2, 0, 0, 0, 0]);
    let told = reasons(&differences(&scratch, &run));
    for (index, value) in [(0, "'note 1'"), (1, "'old'")] {
        assert_eq!(
            told[index]["message"],
            format!(
                "the table has {value}, written 1970-01-01T00:00:01.000000Z, before this record: what this record wrote is not \
                 there; one more column differs"
            )
        );
    }
}

/// A file of events, three a second, whose key is their time to the millisecond.
fn events(seconds: u32) -> String {
    let mut csv = String::from("sensor,at,value\n");
    for event in 0..seconds * 3 {
        let (second, ms) = (event / 3, event % 3 * 333 + 1);
        let (minute, second) = (second / 60, second % 60);
        writeln!(csv, "7,2026-01-31T12:{minute:02}:{second:02}.{ms:03}Z,{event}").expect("a longer string");
    }
    csv
}

#[test]
fn an_import_that_cut_its_timestamps_to_seconds_is_found_out() {
    const SECONDS: u32 = 200;
    let table = |name: &str| {
        format!("CREATE TABLE {name} (sensor int, at timestamp, value int, PRIMARY KEY (sensor, at))")
    };
    let Some(keyspace) = Keyspace::new(&[&table("loaded"), &table("imported")]) else { return };
    let scratch = Scratch::new();
    let csv = events(SECONDS);
    let file = scratch.write("events.csv", &csv);
    let records = u64::from(SECONDS) * 3;
    keyspace.load(&scratch, "loaded").arg(&file).finish().expect_code(0).expect_counts(records, records, 0);
    // Another tool took every record, said so, and lost the milliseconds: of three rows one is there, and not under its key.
    for line in csv.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (at, _) = fields[1].rsplit_once('.').expect("milliseconds");
        keyspace.cql(&format!(
            "INSERT INTO imported (sensor, at, value) VALUES ({}, '{at}Z', {})",
            fields[0], fields[2]
        ));
    }
    assert_eq!(keyspace.rows("SELECT at FROM imported").len(), SECONDS as usize);
    // One of them was mended by hand.
    keyspace.cql("INSERT INTO imported (sensor, at, value) VALUES (7, '2026-01-31T12:00:00.001Z', 0)");

    let verify = |table| keyspace.verify(&scratch, table).arg(&file).finish();
    expect_counts(verify("loaded").expect_code(0), [records, records, 0, 0, 0, 0, 0, 0]);
    let run = expect_counts(verify("imported").expect_code(1), [records, 1, records - 1, 0, 0, 0, 0, 0]);
    // No job of the ledger has loaded it.
    assert_eq!((&run.summary["job"], &run.summary["verify"]["write_times"]), (&Value::Null, &json!("none")));
    let run =
        run.expect_said(&["what was overwritten or superseded counts as different", "599 rows missing"]);
    let missing =
        fs::read_to_string(differences(&scratch, &run).join("missing-events.csv")).expect("records");
    let all_but_the_first = csv.replacen("7,2026-01-31T12:00:00.001Z,0\n", "", 1);
    assert_eq!(missing, all_but_the_first);
}

#[test]
fn without_a_job_only_values_are_compared() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", format!("{}2,later,0\n", notes(5)));
    keyspace.load(&scratch, "notes").arg(&file).finish().expect_code(0);
    keyspace.cql("UPDATE notes SET note = 'mine' WHERE id = 3");
    let run = keyspace.verify(&scratch, "notes").args(["--state-dir", "elsewhere"]).arg(&file).finish();
    let run = expect_counts(run.expect_code(1), [6, 4, 0, 2, 0, 0, 0, 0]);
    assert!(!scratch.join("elsewhere").exists(), "a verification remembers nothing");
    let columns = found(&differences(&scratch, &run));
    assert_eq!(
        columns,
        [json!(["different", 3, "note", "note 2"]), json!(["different", 4, "note", "note 3"])]
    );
    run.expect_said(&["\n  overwritten     unknown\n", "\n  superseded      unknown\n"]);
}

#[test]
fn a_job_is_found_by_its_files_or_by_its_name() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", format!("{}2,later,0\n", notes(5)));
    let load = keyspace.load(&scratch, "notes").args(["--job", "nightly", "--timestamp", "now"]);
    load.arg(&file).finish().expect_code(0);
    let verify =
        |args: &[&str], file: &Path| keyspace.verify(&scratch, "notes").args(args).arg(file).finish();

    // One write time for all: a duplicate is no longer told from a difference, and the larger of its values is there.
    let run = expect_counts(verify(&[], &file).expect_code(1), [6, 5, 0, 1, 0, 0, 0, 0]);
    assert_eq!(run.summary["job"], "nightly");

    // Files that were moved away are still the job's, if it is named.
    let moved = scratch.join("done.csv");
    fs::rename(&file, &moved).expect("a moved file");
    let run = verify(&[], &moved).expect_code(1);
    assert_eq!(run.summary["verify"]["write_times"], "none");
    let run = verify(&["--job", "nightly"], &moved).expect_code(1);
    assert_eq!(run.summary["verify"]["write_times"], "each_record");

    // Files that have changed are not.
    fs::write(&moved, notes(6)).expect("a changed file");
    let run = verify(&["--job", "nightly"], &moved).expect_code(1);
    let run = expect_counts(run, [6, 5, 1, 0, 0, 0, 0, 0]).expect_said(&["warning: since job nightly "]);
    assert_eq!(run.summary["verify"]["write_times"], "last_record");

    verify(&["--job", "weekly"], &moved).expect_code(4).expect_said(&["no job weekly in the ledger"]);
    keyspace.cql("DROP TABLE notes");
    keyspace.cql(NOTES);
    verify(&["--job", "nightly"], &moved).expect_code(4).expect_said(&["job nightly loaded"]);
}

#[test]
fn a_sample_is_about_its_share_and_always_the_same_records() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    // An empty table: every record that is looked at is named.
    let file = scratch.write("notes.csv", notes(5_000));
    let sample = |workers: &str, unit_size: &str| {
        let run = keyspace.verify(&scratch, "notes");
        let run = run.args(["--sample", "10%", "--workers", workers, "--unit-size", unit_size]);
        let run = run.arg(&file).finish().expect_code(1);
        let verify = &run.summary["verify"];
        let [checked, missing, left_out] =
            ["checked", "missing", "not_sampled"].map(|key| verify[key].as_u64().expect("a count"));
        assert!((400..=600).contains(&checked), "{verify}");
        assert_eq!((missing, checked + left_out), (checked, 5_000));
        assert_eq!(verify["sample"], "10%");
        found(&differences(&scratch, &run))
    };
    let first = sample("0", "1MiB");
    assert!(first.iter().all(|finding| finding[0] == "missing"), "{first:?}");
    assert!(sample("2", "8KiB") == first, "another sample");
}

/// Names that a relay knows requests by, in the key: both INSERT and SELECT have it.
const NAMED: &str = "CREATE TABLE named (name text PRIMARY KEY, n int)";
const MARKER: &[u8] = b" of the file";

/// A table whose keys the relay sees, a file for it, and a relay.
struct Named {
    keyspace: Keyspace,
    relay: Relay,
    scratch: Scratch,
    file: PathBuf,
}

impl Named {
    fn of(records: u64) -> Option<Named> {
        let keyspace = Keyspace::on(&environment(CASSANDRA)?, 1, &[NAMED]);
        let scratch = Scratch::new();
        let mut csv = String::from("name,n\n");
        for n in 0..records {
            writeln!(csv, "row {n} of the file,{n}").expect("a longer string");
        }
        let file = scratch.write("named.csv", csv);
        let relay = Relay::to(&keyspace.contact, MARKER);
        Some(Named { keyspace, relay, scratch, file })
    }

    fn through_relay(&self, command: fn(&Scratch, &str, &str) -> Run) -> Run {
        command(&self.scratch, &self.relay.contact, &self.keyspace.table("named"))
            .args(["--address-map", &self.relay.address_map(), "--in-flight", "32", "--unit-size", "16KiB"])
            .env("RINGLOAD_RETRY_FOR", "60s")
            // The relay counts requests, and the tests take them for rows.
            .env("RINGLOAD_BATCH", "off")
            .arg(&self.file)
    }

    fn load(&self) {
        self.keyspace.load(&self.scratch, "named").arg(&self.file).finish().expect_code(0);
    }
}

#[test]
fn a_cluster_that_is_away_for_a_while_costs_a_verification_nothing() {
    let Some(named) = Named::of(10_000) else { return };
    named.load();
    named.keyspace.cql("DELETE FROM named WHERE name = 'row 9999 of the file'");
    named.relay.allow_writes(2_000);
    let mut running = named.through_relay(Run::verify).args(["--workers", "2"]).start();
    wait_until("rows are read", || running.has_ended() || named.relay.writes_used_up());
    named.relay.go_down();
    named.relay.allow_all_writes();
    // Longer than the driver takes to give a connection up. Not a wait for anything: it is what is tested.
    thread::sleep(Duration::from_secs(5));
    named.relay.come_up();
    let run = running.finish().expect_code(1).expect_said(&["warning: the cluster is not answering: "]);
    assert!(run.number("retried") > 0, "{}", run.summary);
    expect_counts(run, [10_000, 9_999, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn a_worker_that_is_killed_costs_a_verification_nothing() {
    let Some(named) = Named::of(10_000) else { return };
    named.load();
    named.keyspace.cql("DELETE FROM named WHERE name = 'row 7 of the file'");
    named.relay.allow_writes(2_000);
    let mut running = named.through_relay(Run::verify).args(["--workers", "2"]).start();
    wait_until("rows are read", || running.has_ended() || named.relay.writes_used_up());
    send_signal(running.workers()[0], "KILL");
    named.relay.allow_all_writes();
    let run = expect_counts(running.finish().expect_code(1), [10_000, 9_999, 1, 0, 0, 0, 0, 0]);
    assert_eq!(run.number("workers_lost"), 1);
    assert_eq!(found(&differences(&named.scratch, &run)).len(), 1);
}

#[test]
fn a_load_that_verifies_finds_what_is_lost_between_writing_and_reading() {
    let Some(named) = Named::of(3_000) else { return };
    for workers in ["0", "2"] {
        named.keyspace.cql("TRUNCATE named");
        // Every row is written, and not one is read.
        named.relay.allow_writes(3_000);
        let mut running = named.through_relay(Run::load).args(["--verify", "--workers", workers]).start();
        wait_until("all rows are written", || running.has_ended() || named.relay.writes_used_up());
        named.keyspace.cql("DELETE FROM named WHERE name = 'row 17 of the file'");
        named.relay.allow_all_writes();
        let run = running.finish().expect_code(1);
        assert_eq!(run.summary["status"], "differences");
        let run = expect_counts(run, [3_000, 2_999, 1, 0, 0, 0, 0, 0]).expect_counts(3_000, 3_000, 0);
        let run = run.expect_said(&["loaded, but 1 row missing\n"]);
        assert_eq!(found(&differences(&named.scratch, &run)), [json!(["missing", 19, null, null])]);
    }
}

#[test]
fn a_load_that_verifies_finds_everything_where_it_was_put() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", format!("{}2,later,0\n", notes(500)));
    let load = |args: &[&str]| keyspace.load(&scratch, "notes").args(args).arg(&file).finish();
    let run = load(&["--verify", "--job", "nightly", "--workers", "2", "--unit-size", "1KiB"]).expect_code(0);
    let run = expect_counts(run, [501, 500, 0, 0, 0, 1, 0, 0]).expect_counts(501, 501, 0);
    assert_eq!(run.summary["status"], "done");
    run.expect_said(&["\n  checked         501 in ", "\n  superseded      1\n"]);

    // A job that is finished has nothing to load, but may have lost something since.
    keyspace.cql("DELETE FROM notes WHERE id = 400");
    let run = load(&["--verify", "--job", "nightly"]).expect_code(1);
    expect_counts(run, [501, 499, 1, 0, 0, 1, 0, 0]);
    load(&["--job", "nightly"]).expect_code(0);
}

#[test]
fn a_finished_job_that_is_read_back_is_let_alone_by_others_and_wants_all_of_its_pieces() {
    let Some(named) = Named::of(1_000) else { return };
    let load = || named.through_relay(Run::load).args(["--job", "nightly", "--workers", "0"]);
    load().finish().expect_code(0);
    named.relay.allow_writes(100);
    let mut running = load().arg("--verify").start();
    wait_until("rows are read", || running.has_ended() || named.relay.writes_used_up());
    let held = format!("process {}, started ", running.pid());
    Run::new(&named.scratch)
        .args(["jobs", "forget", "nightly"])
        .finish()
        .expect_code(5)
        .expect_said(&[&held]);
    load().arg("--again").finish().expect_code(5).expect_said(&[&held]);
    named.relay.allow_all_writes();
    expect_counts(running.finish().expect_code(0), [1_000, 1_000, 0, 0, 0, 0, 0, 0]);

    let ledger = rusqlite::Connection::open(named.scratch.join("state/ledger.sqlite")).expect("the ledger");
    assert!(ledger.execute("DELETE FROM units WHERE unit = 1", []).expect("a unit") == 1);
    let run = load().arg("--verify").finish().expect_code(4);
    run.expect_said(&[
        "the load is done, but not verified (the ledger's facts about job nightly do not fit",
        "--again",
    ]);
}

#[test]
fn what_a_load_has_rejected_is_not_looked_for() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", format!("{}x,no number,1\n", notes(20)));
    let run = keyspace.load(&scratch, "notes").arg("--verify").arg(&file).finish().expect_code(1);
    let run = expect_counts(run, [20, 20, 0, 0, 0, 0, 1, 0]).expect_counts(21, 20, 1);
    assert_eq!(run.summary["status"], "done_with_rejects");
    assert_eq!(run.summary["verify"]["differences_dir"], Value::Null);
    assert!(!scratch.join("ringload-differences").exists());
}

#[test]
fn findings_beyond_the_budget_stop_a_verification() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", notes(2_000));
    let run =
        keyspace.verify(&scratch, "notes").args(["--max-errors", "5", "--workers", "0"]).arg(&file).finish();
    let run = run.expect_code(3).expect_said(&["more than 5 records are not as in the files"]);
    assert_eq!(run.summary["status"], "too_many_errors");
}

#[test]
fn a_verification_waits_for_no_run_that_is_loading() {
    let Some(named) = Named::of(3_000) else { return };
    named.relay.allow_writes(100);
    let mut running = named.through_relay(Run::load).args(["--workers", "0"]).start();
    wait_until("rows are written", || running.has_ended() || named.relay.writes_used_up());
    let verify = || named.keyspace.verify(&named.scratch, "named").arg(&named.file).finish();
    verify().expect_code(5).expect_said(&["another run is at job"]);
    send_signal(running.pid(), "KILL");
    running.finish();
    let run =
        verify().expect_code(1).expect_said(&["is unfinished: what it has not loaded yet counts as missing"]);
    let verified = &run.summary["verify"];
    let [checked, missing, same] =
        ["checked", "missing", "same"].map(|key| verified[key].as_u64().expect("a count"));
    assert_eq!((checked, missing + same), (3_000, 3_000), "{verified}");
    // The last of them may have been on its way.
    assert!((1..=100).contains(&same), "{verified}");
}

#[test]
fn what_cannot_be_read_with_is_refused() {
    let scratch = Scratch::new();
    let check = |args: &[&str], expected: &str| {
        let run = Run::new(&scratch).args(args).args(["-t", "k.t", "a.csv"]).finish().expect_code(2);
        run.expect_said(&[expected]);
    };
    check(&["verify", "--consistency", "any"], "nothing can be read back with it");
    check(&["load", "--verify", "--consistency", "any"], "nothing can be read back with it");
    check(&["load", "--verify", "--dry-run"], "--verify with --dry-run");
    check(&["load", "--sample", "1%"], "--sample without --verify");
    check(&["verify", "--sample", "0%"], "must be a share from 0.0001% to 100%");
}
