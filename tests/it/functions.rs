//! CQL functions that fill columns, with fields and constants as their arguments.

use crate::support::database::Keyspace;
use crate::support::scratch::Scratch;

const EVENTS: &str =
    "CREATE TABLE events (id int PRIMARY KEY, day date, seen timestamp, raw blob, line text)";
const DAYS: &str = "CREATE TABLE days (day date, id int, note text, PRIMARY KEY (day, id))";

#[test]
fn functions_take_fields_and_constants() {
    let Some(keyspace) = Keyspace::new(&[EVENTS]) else { return };
    let scratch = Scratch::new();
    let csv = "id,The time,text\n1,2026-01-31T12:00:00Z,a\n2,,b\n3,soon,c\n4,2026-02-01,d\n";
    let file = scratch.write("events.csv", csv);
    let map = "id = id, day = toDate((timestamp)\"The time\"), seen = \"The time\", raw = textAsBlob(text), line = blobAsText(intAsBlob(64))";
    let load = keyspace.load(&scratch, "events").args(["--map", map]).arg(&file).finish();
    load.expect_code(1).expect_counts(4, 3, 1);
    keyspace.expect_rows(
        "SELECT id, toTimestamp(day), seen, blobAsText(raw), textAsBlob(line) FROM events",
        &[
            "1, '2026-01-31 00:00:00.000+0000', '2026-01-31 12:00:00.000+0000', 'a', 0x00000040",
            "2, null, null, 'b', 0x00000040",
            "4, '2026-02-01 00:00:00.000+0000', '2026-02-01 00:00:00.000+0000', 'd', 0x00000040",
        ],
    );
    // What functions fill is not compared, the rest is.
    let verify = keyspace.verify(&scratch, "events").args(["--map", map]).arg(&file).finish().expect_code(1);
    assert_eq!(verify.summary["verify"]["same"], 3, "{}", verify.summary);
    assert_eq!(verify.summary["verify"]["not_checked"], 1, "{}", verify.summary);
    verify.expect_said(&["columns that functions fill are not compared: day, line, raw"]);
    let check = keyspace.load(&scratch, "events").args(["--dry-run", "--map", map]).arg(&file).finish();
    check.expect_code(1).expect_counts(4, 3, 1);
}

#[test]
fn a_key_may_come_from_a_function_and_then_nothing_can_be_read_back() {
    let Some(keyspace) = Keyspace::new(&[DAYS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("days.csv", "id,at,note\n1,2026-01-31T12:00:00Z,a\n2,,b\n");
    let map = ["--map", "*, day = toDate((timestamp)at)"];
    let load = keyspace.load(&scratch, "days").args(map).arg(&file).finish().expect_code(1);
    load.expect_counts(2, 1, 1);
    keyspace.expect_rows(
        "SELECT toTimestamp(day), id, note FROM days",
        &["'2026-01-31 00:00:00.000+0000', 1, 'a'"],
    );
    let verify = keyspace.verify(&scratch, "days").args(map).arg(&file).finish();
    verify.expect_code(2).expect_said(&["key column \"day\" is filled by a function"]);
    let load = keyspace.load(&scratch, "days").args(map).arg("--verify").arg(&file).finish();
    load.expect_code(2).expect_said(&["key column \"day\" is filled by a function"]);
}

#[track_caller]
fn check_refused(keyspace: &Keyspace, options: &[&str], code: i32, said: &[&str]) {
    let scratch = Scratch::new();
    let file = scratch.write("events.csv", "id,at\n1,2026-01-31T12:00:00Z\n");
    let run = keyspace.load(&scratch, "events").args(options).arg(file).finish();
    run.expect_code(code).expect_said(said);
    assert!(keyspace.rows("SELECT id FROM events").is_empty(), "{said:?}: something was written");
}

#[test]
fn what_the_server_does_not_understand_is_told_before_anything_is_sent() {
    let Some(keyspace) = Keyspace::new(&[EVENTS]) else { return };
    let check = |map: &str, code, said: &[&str]| {
        check_refused(&keyspace, &["--allow-missing-columns", "--map", map], code, said);
    };
    check("id = id, day = toDay(at)", 4, &["the server refuses `INSERT INTO", "today", "--map or --query"]);
    check("id = id, day = toDate(at)", 4, &["mbiguous call to function"]);
    check("id = id, day = textAsBlob(at)", 4, &["the server refuses"]);
    check("id = id, day = toDate((timestamp)when)", 4, &["no field is called \"when\""]);
    let schema = Scratch::new();
    let schema = schema.write("t.cql", format!("USE {}; {EVENTS};", keyspace.name));
    let scratch = Scratch::new();
    let file = scratch.write("events.csv", "id,at\n1,2026-01-31T12:00:00Z\n");
    let offline = |map: &str| {
        let run =
            keyspace.load(&scratch, "events").args(["--dry-run", "--allow-missing-columns", "--map", map]);
        run.arg("--schema").arg(&schema).arg(&file).finish()
    };
    offline("id = id, day = toDate((timestamp)at)").expect_code(2).expect_said(&["only a cluster knows"]);
    offline("id = id, seen = toTimestamp(now())").expect_code(0).expect_counts(1, 1, 0);
}

#[test]
fn a_function_that_fails_rejects_its_record_at_once() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE tags (id int PRIMARY KEY, tags list<int>)"]) else {
        return;
    };
    let scratch = Scratch::new();
    let file = scratch.write("tags.csv", "id,json\n1,\"[1,2]\"\n2,no JSON\n3,[3]\n");
    let load = keyspace.load(&scratch, "tags").args(["--map", "id = id, tags = fromJson(json)"]);
    let load = load.arg(&file).finish().expect_code(1);
    let load = load.expect_counts(3, 2, 1);
    assert_eq!(load.number("retried"), 0);
    keyspace.expect_rows("SELECT id, tags FROM tags", &["1, [1,2]", "3, [3]"]);
    let query = format!("INSERT INTO {} JSON :doc", keyspace.table("tags"));
    let file = scratch.write("docs.csv", "doc\n\"{\"\"id\"\": 1, \"\"tags\"\": [7]}\"\n");
    keyspace.load(&scratch, "tags").args(["--query", &query]).arg(&file).finish().expect_code(0);
    keyspace.expect_rows("SELECT id, tags FROM tags WHERE id = 1", &["1, [7]"]);
    // A list that is written twice at one time has its elements twice, whatever fills it.
    let load = keyspace.load(&scratch, "tags").args(["--query", &query, "--timestamp", "now"]);
    load.arg(&file).finish().expect_code(2).expect_said(&["\"tags\" is a list that is not frozen"]);
}
