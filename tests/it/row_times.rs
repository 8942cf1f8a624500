//! How long rows live and when they count as written: from options and from fields, and what a verification makes of it.

use serde_json::Value;

use crate::support::database::Keyspace;
use crate::support::program::{Finished, Run, wait_until};
use crate::support::scratch::Scratch;

const NOTES: &str = "CREATE TABLE notes (id int PRIMARY KEY, note text)";
const FADING: &str = "CREATE TABLE fading (id int PRIMARY KEY, note text) WITH default_time_to_live = 5000";

/// The ids of the rows of a table, each with the time to live that its note has left, in whole thousands of seconds.
#[track_caller]
fn expect_ttls(keyspace: &Keyspace, table: &str, expected: &[(i32, Option<i32>)]) {
    let rows = keyspace.rows(&format!("SELECT id, TTL(note) FROM {table}"));
    let mut found: Vec<(i32, Option<i32>)> = rows
        .iter()
        .map(|row| {
            let [id, ttl] = [0, 1].map(|at| row.columns[at].as_ref().and_then(|value| value.as_int()));
            // A test may take a while: nobody waits here for a thousand seconds.
            (id.expect("an id"), ttl.map(|ttl| (ttl + 999) / 1_000))
        })
        .collect();
    found.sort_unstable();
    assert_eq!(found, expected, "{table}");
}

/// Codes and columns of the rejects of a run.
fn reasons(scratch: &Scratch, run: &Finished) -> Vec<(String, String)> {
    let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
    let text = std::fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let texts = |line: &str| {
        let reason: Value = serde_json::from_str(line).expect("JSON");
        ["code", "column"].map(|key| reason[key].as_str().unwrap_or_default().to_owned()).into()
    };
    text.lines().map(texts).collect()
}

#[test]
fn rows_live_as_long_as_they_are_told_to() {
    let Some(keyspace) = Keyspace::new(&[NOTES, FADING]) else { return };
    let scratch = Scratch::new();
    let plain = |id: i32| scratch.write("notes.csv", format!("id,note\n{id},a\n"));
    for table in ["notes", "fading"] {
        for (id, ttl) in [(1, "--ttl=0"), (2, "--ttl=7000"), (3, "--ttl=150m")] {
            let load = keyspace.load(&scratch, table).arg(ttl).arg(plain(id));
            load.finish().expect_code(0).expect_counts(1, 1, 0);
        }
        keyspace.load(&scratch, table).arg(plain(4)).finish().expect_code(0);
    }
    expect_ttls(&keyspace, "notes", &[(1, None), (2, Some(7)), (3, Some(9)), (4, None)]);
    expect_ttls(&keyspace, "fading", &[(1, None), (2, Some(7)), (3, Some(9)), (4, Some(5))]);
}

#[test]
fn a_field_of_the_record_says_how_long_its_row_lives() {
    let Some(keyspace) = Keyspace::new(&[NOTES, FADING]) else { return };
    let scratch = Scratch::new();
    let csv = "id,Seconds,note\n1,3000,a\n2,,b\n3,NULL,c\n4,0,d\n5,-1,e\n6,630720001,f\n7,soon,g\n8,\"\",h\n";
    let file = scratch.write("notes.csv", csv);
    for (table, default) in [("notes", None), ("fading", Some(5))] {
        let load = keyspace.load(&scratch, table).args(["--ttl", "@seconds", "--null", "NULL"]);
        let run = load.arg(&file).finish().expect_code(1).expect_counts(8, 4, 4);
        let expected = ["out_of_range", "out_of_range", "invalid_number", "invalid_number"];
        assert_eq!(reasons(&scratch, &run), expected.map(|code| (code.to_owned(), "[ttl]".to_owned())));
        expect_ttls(&keyspace, table, &[(1, Some(3)), (2, default), (3, default), (4, None)]);
        // A check finds the same, and a verification knows which field is no column.
        let check = keyspace.load(&scratch, table).args(["--dry-run", "--ttl", "@seconds", "--null", "NULL"]);
        check.arg(&file).finish().expect_code(1).expect_counts(8, 4, 4);
        let verify = keyspace.verify(&scratch, table).args(["--ttl", "@seconds", "--null", "NULL"]);
        let run = verify.arg(&file).finish().expect_code(1);
        assert_eq!(run.summary["verify"]["same"], 4, "{}", run.summary);
        assert_eq!(run.summary["verify"]["not_checked"], 4, "{}", run.summary);
    }
    let load = keyspace.load(&scratch, "notes").args(["--ttl", "@second"]).arg(&file);
    load.finish().expect_code(4).expect_said(&["--ttl @second: no field is called", "did you mean Seconds?"]);
    let load = keyspace.load(&scratch, "notes").arg(&file).finish().expect_code(4);
    load.expect_said(&["no such column: \"Seconds\""]);
}

#[test]
fn a_field_may_be_a_column_and_a_time_to_live_at_once() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE kept (id int PRIMARY KEY, note int)"]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("kept.csv", "1,2000\n2,\n");
    let load = keyspace.load(&scratch, "kept").args(["--no-header", "--columns", "id,note", "--ttl", "@#2"]);
    load.arg(&file).finish().expect_code(0);
    expect_ttls(&keyspace, "kept", &[(1, Some(2)), (2, None)]);
    keyspace.expect_rows("SELECT id, note FROM kept", &["1, 2000", "2, null"]);
}

#[test]
fn an_unfinished_job_does_not_change_how_long_its_rows_live() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", "id,note\n1,a\nx,b\n");
    let load =
        |args: &[&str]| keyspace.load(&scratch, "notes").args(["--job", "j"]).args(args).arg(&file).finish();
    load(&["--ttl", "1h", "--max-errors", "0"]).expect_code(3);
    load(&[]).expect_code(2).expect_said(&["--ttl was 3600 and is not set now", "--restart"]);
    load(&["--ttl", "7200"]).expect_code(2).expect_said(&["--ttl was 3600 and is 7200 now"]);
    load(&["--ttl", "3600"]).expect_code(1).expect_counts(2, 1, 1);
}

#[test]
fn a_row_that_expires_later_than_the_server_can_count_is_a_reject_that_says_so() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", "id,note\n1,a\n");
    let load = keyspace.load(&scratch, "notes").args(["--ttl", "7300d"]).arg(&file).finish();
    let run = load.expect_said(&["--ttl 630720000: the rows would expire after 2038-01-19"]);
    // Servers that count further take it.
    if run.code == Some(0) {
        expect_ttls(&keyspace, "notes", &[(1, Some(630_720))]);
        return;
    }
    let run = run.expect_code(1).expect_counts(1, 0, 1);
    assert_eq!(reasons(&scratch, &run), [("refused_by_server".to_owned(), String::new())]);
}

/// Verifies a table, and fails the test unless these are the counts of missing, different and expired records.
#[track_caller]
fn expect_gone(verify: Run, code: i32, expected: [u64; 3]) -> Finished {
    let run = verify.finish().expect_code(code);
    let counts = ["missing", "different", "expired"].map(|key| run.summary["verify"][key].as_u64());
    assert_eq!(counts, expected.map(Some), "{}", run.summary);
    run
}

#[test]
fn what_has_expired_is_not_missing() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    // Two rows live for a second, one for an hour, one for ever.
    let csv = "id,seconds,note\n1,1,a\n2,1,b\n3,3600,c\n4,0,d\n";
    let file = scratch.write("notes.csv", csv);
    let ttl = ["--ttl", "@seconds"];
    keyspace.load(&scratch, "notes").args(ttl).arg(&file).finish().expect_code(0);
    // One row is kept alive in part by an application.
    keyspace.cql("UPDATE notes SET note = null WHERE id = 2");
    keyspace.cql("INSERT INTO notes (id) VALUES (2)");
    wait_until("rows expire", || keyspace.rows("SELECT id FROM notes WHERE id = 1").is_empty());
    let verify = || keyspace.verify(&scratch, "notes");
    let run = expect_gone(verify().args(ttl).arg(&file), 0, [0, 0, 2]);
    assert_eq!(run.summary["verify"]["same"], 2);
    let run = run.expect_said(&["\n  expired         2\n"]);
    assert_eq!(run.summary["status"], "done");
    // What cannot have expired is missing.
    keyspace.cql("DELETE FROM notes WHERE id = 3");
    keyspace.cql("DELETE FROM notes WHERE id = 4");
    expect_gone(verify().args(ttl).arg(&file), 1, [2, 0, 2]);
    // Where no job is known, nobody knows when the rows came.
    expect_gone(verify().args(ttl).args(["--state-dir", "elsewhere"]).arg(&file), 1, [3, 1, 0]);
}

#[test]
fn the_jobs_or_the_tables_time_to_live_is_known_without_being_told() {
    let fading = "CREATE TABLE fading (id int PRIMARY KEY, note text) WITH default_time_to_live = 1";
    let Some(keyspace) = Keyspace::new(&[NOTES, fading]) else { return };
    let scratch = Scratch::new();
    for (table, ttl) in [("notes", Some("--ttl=1")), ("fading", None)] {
        let file = scratch.write(&format!("{table}.csv"), "id,note\n1,a\n");
        let load = keyspace.load(&scratch, table).args(ttl).arg(&file).finish();
        load.expect_code(0).expect_counts(1, 1, 0);
        wait_until("the row expires", || keyspace.rows(&format!("SELECT id FROM {table}")).is_empty());
        expect_gone(keyspace.verify(&scratch, table).arg(&file), 0, [0, 0, 1]);
    }
    // Read back at once, the row is there or has expired.
    let file = scratch.write("notes.csv", "id,note\n7,a\n");
    let run = keyspace.load(&scratch, "notes").args(["--ttl", "1", "--verify"]).arg(&file).finish();
    assert_eq!(run.expect_code(0).summary["verify"]["missing"], 0);
}

const VERSIONS: &str = "id,at,note\n\
                        1,1700000000000002,newer\n\
                        1,1700000000000001,older\n\
                        2,2026-01-31T12:30:45.678901Z,text\n\
                        3,,no time\n\
                        4,1700000000000,milliseconds\n\
                        5,soon,no time\n";

#[test]
fn a_field_of_the_record_says_when_its_row_was_written() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", VERSIONS);
    let at = ["--timestamp", "@at"];
    let expect = || {
        keyspace.expect_rows(
            "SELECT id, note, WRITETIME(note) FROM notes",
            &["1, 'newer', 1700000000000002", "2, 'text', 1769862645678901"],
        );
    };
    for _ in 0..2 {
        // What is loaded twice is there once, and an older version never wins.
        let run = keyspace.load(&scratch, "notes").args(at).arg(&file).finish().expect_code(1);
        let run = run.expect_counts(6, 3, 3);
        let codes = ["invalid_timestamp", "out_of_range", "invalid_timestamp"];
        assert_eq!(reasons(&scratch, &run), codes.map(|code| (code.to_owned(), "[timestamp]".to_owned())));
        expect();
    }
    let load = keyspace.load(&scratch, "notes").args(["--timestamp", "@when"]).arg(&file);
    load.finish().expect_code(4).expect_said(&["--timestamp @when: no field is called \"when\""]);
}

#[test]
fn a_verification_compares_with_the_records_own_write_times() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", VERSIONS);
    let at = ["--timestamp", "@at"];
    keyspace.load(&scratch, "notes").args(at).args(["--job", "j"]).arg(&file).finish().expect_code(1);
    let counts = |run: &Finished| {
        ["same", "different", "superseded", "not_checked"].map(|key| run.summary["verify"][key].as_u64())
    };
    let verify = |args: &[&str]| keyspace.verify(&scratch, "notes").args(args).arg(&file).finish();
    // With or without a ledger: the times are in the file.
    for args in [&at[..], &["--timestamp", "@at", "--state-dir", "elsewhere"]] {
        let run = verify(args).expect_code(1);
        assert_eq!(counts(&run), [2, 0, 1, 3].map(Some), "{}", run.summary);
        assert_eq!(run.summary["verify"]["write_times"], "each_record");
        run.expect_said(&["whatever was written later than a record counts as superseding it"]);
    }
    // Same values of another time are no trace of these records, and what an application wrote later is superseding.
    keyspace.cql("TRUNCATE notes");
    keyspace.cql("INSERT INTO notes (id, note) VALUES (1, 'mine') USING TIMESTAMP 1700000000000003");
    keyspace.cql("INSERT INTO notes (id, note) VALUES (2, 'text') USING TIMESTAMP 1769862645678900");
    let run = verify(&at).expect_code(1);
    assert_eq!(counts(&run), [0, 1, 2, 3].map(Some), "{}", run.summary);
    // A field that is no column has to be named, and other write times are the ledger's.
    verify(&[]).expect_code(4).expect_said(&["no such column: \"at\""]);
    verify(&["--timestamp", "now"]).expect_code(2).expect_said(&["or from a field with @"]);
    let run = verify(&["--job", "j", "--allow-unknown-columns"]).expect_code(1);
    let run = run.expect_said(&["job j took write times from a field: without --timestamp @at"]);
    assert_eq!(run.summary["verify"]["write_times"], "none");
}

#[test]
fn an_unfinished_job_does_not_change_where_its_write_times_come_from() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", VERSIONS);
    let load =
        |args: &[&str]| keyspace.load(&scratch, "notes").args(["--job", "j"]).args(args).arg(&file).finish();
    load(&["--timestamp", "@at", "--max-errors", "0"]).expect_code(3);
    let said = ["--timestamp was @at and is @#2 now", "--restart"];
    load(&["--timestamp", "@#2"]).expect_code(2).expect_said(&said);
    load(&["--allow-unknown-columns"]).expect_code(2).expect_said(&["now", "--restart"]);
    load(&["--timestamp", "@at"]).expect_code(1).expect_counts(6, 3, 3);
    keyspace.expect_rows("SELECT WRITETIME(note) FROM notes WHERE id = 1", &["1700000000000002"]);
}

#[test]
fn write_times_and_times_to_live_from_fields_go_together() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("notes.csv", "at,id,ttl,note\n2020-01-01,1,1,gone\n2020-01-01,2,7000,there\n");
    let both = ["--timestamp", "@at", "--ttl", "@ttl"];
    keyspace.load(&scratch, "notes").args(both).arg(&file).finish().expect_code(0);
    wait_until("a row expires", || keyspace.rows("SELECT id FROM notes WHERE id = 1").is_empty());
    keyspace.expect_rows("SELECT id, WRITETIME(note) FROM notes", &["2, 1577836800000000"]);
    // It lives from its arrival, not from its write time.
    expect_ttls(&keyspace, "notes", &[(2, Some(7))]);
    expect_gone(keyspace.verify(&scratch, "notes").args(both).arg(&file), 0, [0, 0, 1]);
    keyspace.cql("DELETE FROM notes WHERE id = 2");
    expect_gone(keyspace.verify(&scratch, "notes").args(both).arg(&file), 1, [1, 0, 1]);
}

#[test]
fn a_list_that_is_not_frozen_may_expire_but_not_have_a_write_time_from_a_field() {
    let table = "CREATE TABLE tagged (id int PRIMARY KEY, tags list<int>, note text)";
    let Some(keyspace) = Keyspace::new(&[table]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("tagged.csv", "id,tags,note\n1,\"[1, 2]\",1700000000000001\n");
    for _ in 0..2 {
        keyspace.load(&scratch, "tagged").args(["--ttl", "7000"]).arg(&file).finish().expect_code(0);
        keyspace.expect_rows("SELECT tags FROM tagged", &["[1,2]"]);
    }
    expect_ttls(&keyspace, "tagged", &[(1, Some(7))]);
    let load = keyspace.load(&scratch, "tagged").args(["--timestamp", "@note"]).arg(&file).finish();
    load.expect_code(2).expect_said(&["column \"tags\" is a list that is not frozen", "--timestamp order"]);
}
