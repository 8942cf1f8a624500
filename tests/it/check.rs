//! `ringload check`: the same findings as a load's dry run, with a cluster and without, where a file of CQL has the table.

use std::fs;
use std::path::Path;

use ringload::schema::ddl::table_of;
use ringload::settings::TableName;
use serde_json::{Value, json};

use crate::support::database::Keyspace;
use crate::support::program::{Finished, Run};
use crate::support::scratch::Scratch;

const ORDERS: &str = "CREATE TABLE orders (shop text, id int, price decimal, at timestamp, motto text static, PRIMARY KEY (shop, id)) \
                      WITH CLUSTERING ORDER BY (id DESC)";

/// 3,000 records, of which every 50th has no number as its id, and one a field too many.
fn orders() -> String {
    let record = |number: u32| match number % 50 {
        0 => format!("se,x{number},1.5,2026-01-31,vi\n"),
        _ => format!("se,{number},1.5,2026-01-31,vi\n"),
    };
    let records: String = (1..=3000).map(record).collect();
    format!("shop,id,price,at,motto\n{records}se,1,2,2026-01-31,vi,more\n")
}

/// A check without a cluster, which says so by naming a host where none is.
fn check(scratch: &Scratch, options: &[&str]) -> Run {
    let summary = scratch.join("summary.json");
    Run::new(scratch)
        .args(["check", "--progress", "none", "--hosts", "127.0.0.1:1", "--summary"])
        .arg(summary)
        .args(options)
}

/// The summary without what differs from run to run.
fn findings(run: &Finished) -> Value {
    let mut summary = run.summary.clone();
    for key in ["seconds", "seconds_to_first_row", "rows_per_second", "rejects_dir"] {
        assert!(summary[key].take() != Value::Null, "{key} is not in {}", run.summary);
    }
    summary
}

/// Every reason, in order.
fn reasons(run: &Finished, scratch: &Scratch) -> String {
    let dir = run.summary["rejects_dir"].as_str().expect("a directory of rejects");
    fs::read_to_string(scratch.join(dir).join("reasons.jsonl")).expect("reasons")
}

#[test]
fn with_a_cluster_or_without_a_check_finds_what_a_dry_run_finds() {
    let Some(keyspace) = Keyspace::new(&[ORDERS]) else { return };
    let scratch = Scratch::new();
    scratch.write("one.csv", orders());
    scratch.write("two.csv", "motto,at,price,id,shop\nvi,2026-13-31,1,1,se\nvi,2026-01-31,,2,se\n");
    scratch.write("orders.cql", format!("USE {};\n{ORDERS};\n", keyspace.name));
    let common = ["--workers", "2", "--unit-size", "16KiB", "one.csv", "two.csv"];
    let dry_run = keyspace.load(&scratch, "orders").arg("--dry-run").args(common).finish();
    let dry_run = dry_run.expect_code(1).expect_counts(3003, 2941, 62);
    let table = keyspace.table("orders");
    for options in [&["-t", &table, "--hosts", &keyspace.contact][..], &["--schema", "orders.cql"]] {
        let run = check(&scratch, options).args(common).finish().expect_code(1);
        assert_eq!(findings(&run), findings(&dry_run), "{options:?}");
        assert_eq!(reasons(&run, &scratch), reasons(&dry_run, &scratch), "{options:?}");
    }
    let offline =
        keyspace.load(&scratch, "orders").args(["--dry-run", "--schema", "orders.cql"]).args(common);
    assert_eq!(findings(&offline.finish().expect_code(1)), findings(&dry_run));
    keyspace.expect_rows::<&str>("SELECT id FROM orders", &[]);
}

/// `ringload check` of a small table with these options and files; a check that refuses, or that warns.
#[track_caller]
fn check_inputs(options: &[&str], files: &[(&str, &[u8])], code: i32, said: &[&str]) {
    let scratch = Scratch::new();
    scratch.write("days.cql", "CREATE TABLE ks.days (id int PRIMARY KEY, at timestamp)");
    for (name, content) in files {
        scratch.write(name, content);
    }
    let run = check(&scratch, &["--schema", "days.cql"]).args(options).finish().expect_code(code);
    run.expect_said(said);
}

#[test]
fn inputs_that_nobody_means_to_give_are_refused() {
    let csv = &b"id,at\n1,2026-01-31\n"[..];
    let twice = ["b.csv: given twice", "name each file once"];
    check_inputs(&["b.csv", "a.csv", "./b.csv"], &[("a.csv", csv), ("b.csv", csv)], 2, &twice);
    let zip = ["a.zip: is a ZIP archive: unpack it first, for example with unzip a.zip"];
    check_inputs(&["a.zip"], &[("a.zip", b"PK\x03\x04")], 4, &zip);
}

#[test]
fn inputs_that_may_be_read_otherwise_than_meant_are_warned_of() {
    let check = |options: &[&str], content: &str, code: i32, said: &[&str]| {
        let options = [options, &["a.csv"]].concat();
        check_inputs(&options, &[("a.csv", content.as_bytes())], code, said);
    };
    let columns = ["--columns", "id,at"];
    let order =
        ["warning: a.csv: the header names the columns of --columns in another order: \"at\", \"id\""];
    check(&columns, "at,id\n1,2026-01-31\n", 0, &order);
    let names = ["warning: a.csv: the first record is nothing but the columns' names: \"ID\", \"at\""];
    check(&["--columns", "id,at", "--no-header"], "ID,at\n1,2026-01-31\n", 1, &names);
    let digits = ["warning: a.csv: 20260131 in column at is read as milliseconds", "as in 2026-01-31"];
    check(&[], "id,at\n1,20260131\n", 0, &digits);
    check(&columns, "id,at\n1,20260131\n", 0, &digits);
}

#[test]
fn what_was_found_is_told_by_reason_file_and_unit_with_an_estimate() {
    let scratch = Scratch::new();
    scratch.write("one.csv", orders());
    scratch.write("two.csv", "shop,id,price,at,motto\nse,1,x,2026-01-31,vi\n");
    scratch.write("orders.cql", format!("USE shop; {ORDERS}"));
    let options = ["--schema", "orders.cql", "--unit-size", "16KiB", "--workers", "0", "--rate", "100"];
    let run = check(&scratch, &options).args(["one.csv", "two.csv"]).finish();
    let run = run.expect_code(1).expect_counts(3002, 2940, 62).expect_said(&[
        "dry run done, with 62 rejects, nothing was written",
        "table           shop.orders",
        "    one.csv: 3,001 records, ",
        "    two.csv: 1 record, 21 B, 1 unit",
        "    60            column id: invalid_number\n    1             field_count\n    1             column price: invalid_number",
        "estimate        29.4s for 2,940 rows at 100 rows/s",
    ]);
    let reason = |column: Option<&str>, code: &str, count: u32| json!({"column": column, "code": code, "count": count});
    assert_eq!(
        run.summary["reject_reasons"],
        json!([
            reason(Some("id"), "invalid_number", 60),
            reason(None, "field_count", 1),
            reason(Some("price"), "invalid_number", 1)
        ])
    );
    assert_eq!(run.summary["estimate"], json!({"rows_per_second": 100, "seconds": 29.4}));
    let of = |file: usize, key: &str| run.summary["files"][file][key].clone();
    assert_eq!(
        [of(0, "path"), of(1, "path"), of(2, "path")],
        [json!("one.csv"), json!("two.csv"), Value::Null]
    );
    assert_eq!([of(0, "records"), of(1, "records"), of(1, "bytes"), of(1, "units")], [3001, 1, 21, 1]);
    let sum = |key: &str| of(0, key).as_u64().unwrap() + of(1, key).as_u64().unwrap();
    assert_eq!((sum("bytes"), sum("units")), (run.number("bytes"), run.number("units")));
    assert!(run.number("units") > 4, "{}", run.summary);
    let sizes = &run.summary["unit_bytes"];
    assert_eq!(sizes["smallest"], 21);
    assert!((16_384..32_768).contains(&sizes["largest"].as_u64().unwrap()), "{sizes}");
    // Nobody asked for an estimate.
    let plain = check(&scratch, &["--schema", "orders.cql", "two.csv"]).finish().expect_code(1);
    assert_eq!(plain.summary["estimate"], Value::Null);
    assert!(!plain.stderr.contains("estimate"), "{}", plain.stderr);
}

#[test]
fn a_load_tells_its_rejects_by_reason_too() {
    let Some(keyspace) = Keyspace::new(&[ORDERS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("one.csv", orders());
    let run = keyspace.load(&scratch, "orders").arg(file).finish().expect_code(1);
    run.expect_counts(3001, 2940, 61)
        .expect_said(&["    60            column id: invalid_number\n    1             field_count"]);
}

#[test]
fn a_load_that_goes_on_tells_of_what_the_run_before_it_did_too() {
    let Some(keyspace) = Keyspace::new(&[ORDERS]) else { return };
    let scratch = Scratch::new();
    scratch.write("one.csv", orders());
    scratch.write("two.csv", orders());
    let load = |max_errors: &str, code: i32| {
        // One thread, and no row waits for others: the leading chunks are settled first, so that there is something to go on from.
        let options = ["--unit-size", "8KiB", "--workers", "0", "--threads", "1", "--max-errors", max_errors];
        keyspace
            .load(&scratch, "orders")
            .args(options)
            .args(["--batch", "off", "one.csv", "two.csv"])
            .finish()
            .expect_code(code)
    };
    let stopped = load("70", 3);
    let run = load("200", 1).expect_counts(6002, 5880, 122);
    assert!(run.number("resumed_records") > 0, "{}", stopped.summary);
    let records: Vec<&Value> = [0, 1].map(|file: usize| &run.summary["files"][file]["records"]).to_vec();
    assert_eq!(records, [3001, 3001]);
    let reasons = run.summary["reject_reasons"].as_array().unwrap();
    assert_eq!(reasons.iter().map(|reason| reason["count"].as_u64().unwrap()).collect::<Vec<_>>(), [120, 2]);
}

#[test]
fn the_exit_code_tells_clean_rejected_too_much_and_impossible_apart() {
    let scratch = Scratch::new();
    scratch.write("t.cql", "CREATE TABLE k.t (id int PRIMARY KEY, v text)");
    scratch.write("clean.csv", "id,v\n1,a\n2,b\n");
    scratch.write("rejects.csv", "id,v\n1,a\nx,b\n");
    scratch.write("other.csv", "id,w\n1,a\n");
    scratch.write("broken.csv", "id,v\n1,\"a\n");
    let run = |options: &[&str], code: i32| {
        check(&scratch, &["--schema", "t.cql"]).args(options).finish().expect_code(code)
    };
    let clean = run(&["clean.csv"], 0).expect_counts(2, 2, 0);
    assert_eq!((&clean.summary["rejects_dir"], &clean.summary["reject_reasons"]), (&Value::Null, &json!([])));
    run(&["rejects.csv"], 1).expect_counts(2, 1, 1);
    run(&["rejects.csv", "--max-errors", "0", "--rate", "5"], 3)
        .expect_said(&["--max-errors", "1             column id: invalid_number"]);
    run(&["other.csv"], 4).expect_said(&[
        "other.csv",
        "no such column: \"w\"",
        "k.t has: id int (partition key), v text",
    ]);
    let broken = run(&["broken.csv", "--rate", "5"], 4).expect_said(&["broken.csv", "line 2"]);
    assert_eq!([&broken.summary["estimate"], &broken.summary["files"]], [&Value::Null, &json!([])]);
    run(&["none.csv"], 4).expect_said(&["none.csv"]);
    // With a cluster to ask, that there is none is an error.
    let scratch = Scratch::new();
    scratch.write("clean.csv", "id,v\n1,a\n");
    let run = check(&scratch, &["-t", "k.t", "--connect-timeout", "2s", "clean.csv"]).finish();
    run.expect_code(4).expect_said(&["127.0.0.1:1"]);
}

#[test]
fn a_schema_file_that_is_wrong_is_wrong_usage_told_with_its_place() {
    let scratch = Scratch::new();
    scratch.write("in.csv", "id\n1\n");
    let refused = |cql: &str, options: &[&str], said: &str| {
        scratch.write("s.cql", cql);
        let run = check(&scratch, &["--schema", "s.cql", "in.csv"]).args(options).finish().expect_code(2);
        assert_eq!(run.stderr, format!("error: {said}\n"), "{cql}");
    };
    refused(
        "CREATE TABLE k.t (\n  id int PRIMARY KEY;\n",
        &[],
        "s.cql:2:21: there is ; where ',' or ')' should be",
    );
    refused(
        "CREATE TABLE k.t (id int PRIMARY KEY); CREATE TABLE k.u (id int PRIMARY KEY)",
        &[],
        "s.cql: there are several tables (k.t, k.u): choose one with -t KEYSPACE.TABLE",
    );
    refused(
        "CREATE TABLE k.tables (id int PRIMARY KEY)",
        &["-t", "k.table"],
        "s.cql: there is no CREATE TABLE k.table (did you mean k.tables?); correct --table or --schema",
    );
    refused("-- nothing", &[], "s.cql: there is no CREATE TABLE: put there what DESCRIBE TABLE prints");
    scratch.write("s.cql", b"\xff");
    check(&scratch, &["--schema", "s.cql", "in.csv"])
        .finish()
        .expect_code(2)
        .expect_said(&["s.cql", "UTF-8"]);
    check(&scratch, &["--schema", "no.cql", "in.csv"])
        .finish()
        .expect_code(2)
        .expect_said(&["no.cql", "--schema"]);
    let load = Run::new(&scratch).args(["load", "-t", "k.t", "--schema", "s.cql", "in.csv"]).finish();
    load.expect_code(2).expect_said(&["--schema without --dry-run"]);
}

/// Tables of every kind, as a person would write them.
const TABLES: [(&str, &str); 9] = [
    (
        "natives",
        "CREATE TABLE natives (a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h duration, i float, j inet, \
         k int PRIMARY KEY, l smallint, m text, n time, o timestamp, p timeuuid, q tinyint, r uuid, s varint, t varchar)",
    ),
    (
        "composite",
        "CREATE TABLE IF NOT EXISTS Composite (z text, y date, x int, w timeuuid, v text STATIC, u blob, -- a comment\n\
         PRIMARY KEY ((z, y), w, x)) WITH CLUSTERING ORDER BY (w DESC, x ASC) AND comment = 'it''s; a \"comment\"'",
    ),
    ("single", "create table single (k int, v int, primary key (k)) with gc_grace_seconds = 5"),
    ("pair", "CREATE COLUMNFAMILY pair (v int, k int, c int, PRIMARY KEY (k, c),)"),
    (
        "Quoted_Name",
        r#"CREATE TABLE "Quoted_Name" ("Id" int, id text, "select" text, "a b" int static, "ü" date, key blob, PRIMARY KEY (("Id"), "ü"))"#,
    ),
    (
        "nested",
        "CREATE TABLE nested (id int PRIMARY KEY, a list<int>, b frozen<list<varchar>>, c map<text, frozen<map<int, list<int>>>>, \
         d frozen<map<text, list<set<int>>>>, e tuple<int, varchar>, f tuple<int, tuple<int, list<int>>>, g list<tuple<int,text>>, \
         h frozen<tuple<int, text>>, i SET < TimeUuid >, z text)",
    ),
    (
        "user_types",
        "CREATE TABLE user_types (id int PRIMARY KEY, a addr, b frozen<Addr>, c \"MyType\", d frozen<\"MyType\">, \
         e list<frozen<addr>>, f frozen<list<addr>>, g map<frozen<addr>, frozen<\"MyType\">>, h tuple<addr, int>, i person)",
    ),
    ("user_key", "CREATE TABLE user_key (id frozen<person> PRIMARY KEY, a text)"),
    (
        "vectors",
        "CREATE TABLE vectors (id int PRIMARY KEY, a vector<float, 3>, b vector<frozen<list<int>>,2>, c frozen<vector<int, 2>>, \
         d list<vector<int, 2>>, e vector<text, 16>)",
    ),
];

#[test]
fn the_table_of_a_file_is_the_table_that_the_cluster_makes_of_it() {
    let types = [
        "CREATE TYPE addr (street text, number int)",
        "CREATE TYPE \"MyType\" (a int, \"B\" frozen<list<int>>)",
        "CREATE TYPE person (name varchar, home frozen<addr>, tags frozen<set<text>>)",
    ];
    let Some(keyspace) = Keyspace::new(&types) else { return };
    let types = format!("USE {};\n{};\n", keyspace.name, types.join(";\n"));
    let mut written = types.clone();
    for (_, create) in TABLES {
        keyspace.cql(create);
        written.push_str(create);
        written.push_str(";\n");
    }
    keyspace.cql("CREATE INDEX ON single (v)");
    let described = |query: &str| -> String {
        let rows = keyspace.rows(query);
        let statement = |row: &scylla::value::Row| {
            row.columns
                .get(3)
                .and_then(Option::as_ref)
                .and_then(|text| text.as_text().cloned())
                .expect("a statement")
        };
        rows.iter().map(statement).collect::<Vec<_>>().join("\n\n")
    };
    let whole = described(&format!("DESCRIBE KEYSPACE {}", keyspace.name));
    for (table, create) in TABLES {
        let expected = keyspace.schema(table);
        assert!(expected.columns.len() + expected.unsupported.len() > 1, "{table}");
        let name = TableName { keyspace: keyspace.name.clone(), table: table.to_string() };
        let quoted = format!("DESCRIBE TABLE \"{table}\"");
        for (text, wanted) in [
            (&format!("{types}{create}"), Some(&name)),
            (&written, Some(&name)),
            (&format!("{types}{create}"), None),
            (&(types.clone() + &described(&quoted)), None),
            (&whole, Some(&name)),
        ] {
            let parsed =
                table_of(Path::new("s.cql"), text, wanted).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(parsed, expected, "{text}");
        }
    }
}
