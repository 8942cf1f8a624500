//! Keys of JSON objects and the columns that they fill; and tab-separated values as databases write them.

use crate::support::database::Keyspace;
use crate::support::program::Run;
use crate::support::scratch::Scratch;

const TABLE: &str =
    "CREATE TABLE things (id int PRIMARY KEY, \"Note\" text, \"note\" text, n int, tags list<text>)";

/// Loads NDJSON into the table.
fn load(keyspace: &Keyspace, scratch: &Scratch, text: &str, options: &[&str]) -> Run {
    keyspace.cql("TRUNCATE things");
    let file = scratch.write("in.ndjson", text);
    let run = keyspace.load(scratch, "things").args(["--format", "ndjson", "--again"]);
    run.args(["--max-errors", "100"]).args(options).arg(file)
}

#[test]
fn keys_fill_the_columns_of_their_names_and_what_is_not_there_stays_unset() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let text = "{\"id\":1,\"Note\":\"A\",\"note\":\"a\",\"n\":1e1,\"tags\":[\"x\"]}\n\
                {\"N\":2,\"ID\":2}\n\
                {\"id\":3,\"note\":\"null\",\"Note\":null,\"tags\":[]}\n\
                {\"id\":5,\"note\":{\"deep\": [1]},\"n\":\"7\"}\n\
                {\"id\":6.0,\"note\":\"\",\"Note\":12.50}\n\
                {\"id\":1.5}\n";
    let run = load(&keyspace, &scratch, text, &["--null", "null", "--null", "NULL"]).finish().expect_code(1);
    run.expect_counts(6, 5, 1);
    let expected = [
        "1, 'A', 'a', 10, ['x']",
        "2, null, null, 2, null",
        "3, null, 'null', null, null",
        "5, null, '{\"deep\": [1]}', 7, null",
        "6, '12.50', '', null, null",
    ];
    keyspace.expect_rows("SELECT id, \"Note\", note, n, tags FROM things", &expected);
    // What is not there is left as it is.
    keyspace.cql("INSERT INTO things (id, n) VALUES (1, 99)");
    let file = scratch.write("more.ndjson", "{\"id\":1,\"note\":\"new\"}");
    keyspace.load(&scratch, "things").args(["--format", "ndjson"]).arg(file).finish().expect_code(0);
    keyspace.expect_rows("SELECT id, note, n FROM things WHERE id = 1", &["1, 'new', 99"]);
}

#[test]
fn keys_that_are_no_columns_are_refused_before_anything_is_written_or_rejected_later() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let refused = |text: &str, options: &[&str], said: &[&str]| {
        let run = load(&keyspace, &scratch, text, options).finish().expect_code(4).expect_said(said);
        assert_eq!(run.number("records"), 0);
    };
    refused("{\"id\":1,\"nope\":2}", &[], &["no such column: \"nope\"", "--allow-unknown-columns"]);
    refused(
        "{\"x\":1,\"y\":2}",
        &["--allow-unknown-columns"],
        &["key columns that none of the first 1 records has: \"id\""],
    );
    refused("{\"x\":1,\"y\":2}", &[], &["none of the keys \"x\", \"y\" is a column"]);
    refused("{\"n\":1}\n{\"n\":2}", &[], &["key columns that none of the first 2 records has: \"id\""]);
    refused("{\"id\":1,\"NOTE\":2}", &[], &["field \"NOTE\" may be any of the columns \"Note\", \"note\""]);
    refused("{\"id\":1}", &["--map", "n = #2, *"], &["#2 is a place, and keys of JSON objects have none"]);
    load(&keyspace, &scratch, "{\"id\":1,\"nope\":2}", &["--allow-unknown-columns"]).finish().expect_code(0);
    // Behind what is looked at first, each such record is told by itself.
    let mut text: String = (0..6_000).map(|id| format!("{{\"id\":{id},\"n\":1}}\n")).collect();
    text += "{\"id\":7000,\"nope\":2}\n{\"n\":2}\n";
    let run = load(&keyspace, &scratch, &text, &[]).finish().expect_code(1).expect_counts(6_002, 6_000, 2);
    let codes: Vec<&str> = run.summary["reject_reasons"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|reason| reason["code"].as_str())
        .collect();
    assert!(codes.contains(&"unknown_key") && codes.contains(&"null_key"), "{codes:?}");
}

#[test]
fn keys_are_mapped_by_name_and_fill_write_times_and_times_to_live() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let text = "{\"Order ID\":1,\"n\":5,\"when\":1700000000000000,\"for\":1000,\"extra\":1}\n\
                {\"order id\":2,\"when\":\"2026-01-31T00:00:00Z\",\"for\":null}\n";
    let map = "id = Order ID, \"Note\" = $line, -tags, *";
    let options = [
        "--map",
        map,
        "--set",
        "note = 'const'",
        "--timestamp",
        "@when",
        "--ttl",
        "@for",
        "--allow-unknown-columns",
    ];
    load(&keyspace, &scratch, text, &options).finish().expect_code(0).expect_counts(2, 2, 0);
    keyspace.expect_rows(
        "SELECT id, \"Note\", note, n FROM things",
        &["1, '1', 'const', 5", "2, '2', 'const', null"],
    );
    keyspace.expect_rows("SELECT writetime(note) FROM things WHERE id = 1", &["1700000000000000"]);
    keyspace.expect_rows("SELECT ttl(note) FROM things WHERE id = 2", &["null"]);
    // Without *, only what is mapped is looked at.
    let only = load(&keyspace, &scratch, text, &["--map", "id = Order ID", "--state-dir", "other"]).finish();
    only.expect_code(0).expect_counts(2, 2, 0);
    keyspace.expect_rows("SELECT id, n FROM things", &["1, null", "2, null"]);
}

#[test]
fn tab_separated_values_are_read_as_databases_write_them() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let text = "id\tnote\tn\n1\ta\\tb\\nc\\\\d\t\\N\n2\t\"quoted\"\t7\n3\t\\N\t\n4\t\\\\N\t1\n5\tC:\\Users\\x\t1\n6\ta\\\nb\t2\n";
    let file = scratch.write("in.tsv", text);
    let load = |options: &[&str]| {
        keyspace.cql("TRUNCATE things");
        let run = keyspace.load(&scratch, "things").args(["--allow-missing-columns", "--again"]);
        run.args(options).arg(&file)
    };
    load(&["--format", "tsv", "--workers", "2", "--unit-size", "1KiB"])
        .finish()
        .expect_code(0)
        .expect_counts(6, 6, 0);
    let expected = [
        "1, 'a\tb\nc\\d', null",
        "2, '\"quoted\"', 7",
        "3, null, null",
        "4, '\\N', 1",
        "5, 'C:\\Users\\x', 1",
        "6, 'a\nb', 2",
    ];
    keyspace.expect_rows("SELECT id, note, n FROM things", &expected);
    // Backslashes as data.
    let raw = load(&["--format", "tsv", "--escape", "none", "--null", "\\N", "--limit", "5"]).finish();
    raw.expect_code(0).expect_counts(5, 5, 0);
    keyspace.expect_rows("SELECT note FROM things WHERE id = 1", &["'a\\tb\\nc\\\\d'"]);
}
