//! What fills columns where names alone do not say it: maps by name and by place, constants, and what is known of records and files.

use std::path::Path;

use serde_json::Value;

use crate::support::database::Keyspace;
use crate::support::program::{Finished, Run};
use crate::support::scratch::Scratch;

const ORDERS: &str = r#"CREATE TABLE orders (id int PRIMARY KEY, "Note" text, "select" text, source text, line int, record bigint, n smallint)"#;

const ROWS: &str = r#"SELECT id, "Note", "select", source, line, record, n FROM orders"#;

/// Loads a file, and verifies it with the same options.
#[track_caller]
fn load(keyspace: &Keyspace, scratch: &Scratch, options: &[&str], file: &Path, records: u64) {
    let load = keyspace.load(scratch, "orders").args(options).arg(file).finish();
    load.expect_code(0).expect_counts(records, records, 0);
    let run = keyspace.verify(scratch, "orders").args(options).arg(file).finish().expect_code(0);
    assert_eq!(run.summary["verify"]["same"], records, "{}", run.summary);
    assert_ne!(run.summary["job"], Value::Null);
}

#[track_caller]
fn check_refused(keyspace: &Keyspace, options: &[&str], content: &str, code: i32, said: &[&str]) {
    let scratch = Scratch::new();
    let file = scratch.write("orders.csv", content);
    let run = keyspace.load(&scratch, "orders").args(options).arg(file).finish();
    let run = run.expect_code(code).expect_said(said);
    assert_eq!(run.stderr.trim_end().lines().count(), 1, "{}", run.stderr);
    assert!(keyspace.rows("SELECT id FROM orders").is_empty(), "{said:?}: something was written");
}

#[test]
fn fields_go_where_a_map_says() {
    let Some(keyspace) = Keyspace::new(&[ORDERS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("orders.csv", "Order ID,n,text,more\n1,7,a,x\n2,8,\"b\nc\",y\n");
    let name = [
        "--map",
        "id = Order ID, \"Note\" = text, *, -select, -source, -line, -record",
        "--allow-unknown-columns",
    ];
    load(&keyspace, &scratch, &name, &file, 2);
    keyspace
        .expect_rows(ROWS, &["1, 'a', null, null, null, null, 7", "2, 'b\nc', null, null, null, null, 8"]);
    keyspace.cql("TRUNCATE orders");
    let by_place = "\"select\" = #3, \"Note\"=#4, id=#1";
    load(&keyspace, &scratch, &["--map", by_place, "--allow-missing-columns"], &file, 2);
    keyspace.expect_rows(
        ROWS,
        &["1, 'x', 'a', null, null, null, null", "2, 'y', 'b\nc', null, null, null, null"],
    );
}

#[test]
fn a_file_without_a_header_needs_no_names() {
    let Some(keyspace) = Keyspace::new(&[ORDERS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("orders.csv", "x,1,a\ny,2,b\n");
    let map = ["--no-header", "--allow-missing-columns", "--map", "id = #2, \"Note\" = #3"];
    load(&keyspace, &scratch, &map, &file, 2);
    keyspace.expect_rows("SELECT id, \"Note\" FROM orders", &["1, 'a'", "2, 'b'"]);
    // With names from --columns the star finds them.
    let named = [
        "--no-header",
        "--allow-missing-columns",
        "--columns",
        "first,id,NOTE",
        "--map",
        "*, source = first",
    ];
    load(&keyspace, &scratch, &named, &file, 2);
    keyspace.expect_rows("SELECT id, \"Note\", source FROM orders", &["1, 'a', 'x'", "2, 'b', 'y'"]);
}

#[test]
fn files_lines_and_constants_fill_columns() {
    let Some(keyspace) = Keyspace::new(&[ORDERS]) else { return };
    let scratch = Scratch::new();
    let csv = "id,Note\n1,\"a\nb\"\n\n2,c\n";
    let (one, two) = (
        scratch.write("one.csv", csv),
        scratch.write("two.csv", csv.replace("1,", "3,").replace("2,", "4,")),
    );
    let map = "*, source = $name, line = $line, record = $record, \"select\" = $file";
    let options = ["--map", map, "--set", "n = 7"];
    let load = keyspace.load(&scratch, "orders").args(options).args(["--verify", "--unit-size", "1KiB"]);
    let run = load.args([&one, &two]).finish().expect_code(0).expect_counts(4, 4, 0);
    assert_eq!(run.summary["verify"]["same"], 4, "{}", run.summary);
    let row = |id: u32, note: &str, file: &Path, line: u32, record: u32| {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        format!("{id}, '{note}', '{}', '{name}', {line}, {record}, 7", file.display())
    };
    keyspace.expect_rows(
        ROWS,
        &[
            row(1, "a\nb", &one, 2, 1),
            row(2, "c", &one, 5, 2),
            row(3, "a\nb", &two, 2, 1),
            row(4, "c", &two, 5, 2),
        ],
    );
    // What is not as a constant or a line says is found, with what it should be.
    keyspace.cql("UPDATE orders SET n = 8 WHERE id = 1");
    keyspace.cql("UPDATE orders SET line = 3 WHERE id = 4");
    let verify = keyspace.verify(&scratch, "orders").args(options).args(["--state-dir", "elsewhere"]);
    let run = verify.args([&one, &two]).finish().expect_code(1);
    let dir = scratch.join(run.summary["verify"]["differences_dir"].as_str().expect("findings"));
    let reasons = std::fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let brief = |line: &str| {
        let reason: Value = serde_json::from_str(line).expect("JSON");
        format!("{} {} {}", reason["line"], reason["column"], reason["value"])
    };
    let reasons: Vec<String> = reasons.lines().map(brief).collect();
    assert_eq!(reasons, ["2 \"n\" \"7\"", "5 \"line\" \"5\""]);
}

#[test]
fn keys_may_be_constants_and_a_line_that_does_not_fit_is_a_reject() {
    let table = "CREATE TABLE days (day date, line tinyint, v int, PRIMARY KEY (day, line))";
    let Some(keyspace) = Keyspace::new(&[table]) else { return };
    let scratch = Scratch::new();
    let csv: String = std::iter::once("v\n".to_owned()).chain((2..=130).map(|v| format!("{v}\n"))).collect();
    let file = scratch.write("days.csv", csv);
    let options = ["--map", "*, line = $line", "--set", "day = 2026-01-31"];
    let load = keyspace.load(&scratch, "days").args(options).arg(&file).finish();
    let run = load.expect_code(1).expect_counts(129, 126, 3);
    assert_eq!(run.summary["reject_reasons"][0]["column"], "line");
    assert_eq!(run.summary["reject_reasons"][0]["code"], "out_of_range");
    keyspace.expect_rows("SELECT v FROM days WHERE day = '2026-01-31' AND line = 127", &["127"]);
}

#[test]
fn a_map_that_does_not_fit_is_refused_before_anything_is_written() {
    let Some(keyspace) = Keyspace::new(&[ORDERS]) else { return };
    let check = |options: &[&str], code: i32, said: &[&str]| {
        check_refused(&keyspace, options, "id,Note,x\n1,a,b\n", code, said);
    };
    let has = "orders has: id int (partition key), \"Note\" text";
    check(&["--map", "*, nota = x"], 4, &["orders.csv: nota: no such column (did you mean Note", has]);
    check(&["--map", "*, n = y"], 4, &["n = y: no field is called \"y\" (did you mean x?)", has]);
    check(&["--map", "id = #4"], 4, &["id = #4: there is no field #4: the file has 3"]);
    check(&["--map", "id = id, ID = x"], 4, &["column ID is filled twice by --map and --set"]);
    check(&["--set", "n = many"], 4, &["column n of type smallint cannot be 'many': not an integer"]);
    check(&["--map", "id = id"], 4, &["columns without a field: \"Note\", ", "--allow-missing-columns"]);
    check(&["--map", "id"], 2, &["--map 'id': 'id' alone says nothing"]);
    check(&["--map", "id = 0"], 2, &["write #1 for the first field"]);
    check(&["--set", "n = now()"], 2, &["--set 'n = now()': now(): functions are given with --map"]);
    check(&["--no-header", "--map", "*"], 2, &["--no-header without --columns"]);
}

#[test]
fn an_unfinished_job_does_not_change_what_fills_its_columns() {
    let Some(keyspace) = Keyspace::new(&[ORDERS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("orders.csv", "id,Note\n1,a\nx,b\n");
    let run = |args: &[&str]| -> Finished {
        let load = keyspace.load(&scratch, "orders").args(["--job", "j", "--allow-missing-columns"]);
        load.args(args).arg(&file).finish()
    };
    run(&["--map", "*, source=$name", "--set", "n=7", "--max-errors", "0"]).expect_code(3);
    let said = ["--map was *, source = $name and is *, source = $file now", "--restart"];
    run(&["--map", "*, source=$file", "--set", "n=7"]).expect_code(2).expect_said(&said);
    let said = ["--set was n = '7' and is n = '8' now"];
    run(&["--map", "*, source=$name", "--set", "n=8"]).expect_code(2).expect_said(&said);
    run(&["--map", "*, source=$name"]).expect_code(2).expect_said(&["--set was n = '7' and is not set now"]);
    let run = run(&["--map", " * ,source = $name", "--set", "n = 7"]).expect_code(1);
    run.expect_counts(2, 1, 1);
    keyspace.expect_rows("SELECT id, source, n FROM orders", &["1, 'orders.csv', 7"]);
}

#[test]
fn a_check_without_a_cluster_and_a_configuration_file_know_maps() {
    let scratch = Scratch::new();
    let schema = scratch.write("orders.cql", format!("USE shop; {ORDERS};"));
    let config = scratch.write(
        "r.toml",
        "map = \"*, \\\"Note\\\" = x\"\nset = [\"source = a, b\", \"\\\"select\\\" = 'it''s'\", \"n = 7\"]\nallow-missing-columns = true\n",
    );
    let file = scratch.write("orders.csv", "id,x\n1,a\ny,b\n");
    let check = |set: &[&str]| {
        let run = Run::new(&scratch).args(["check", "--summary", "summary.json", "--schema"]).arg(&schema);
        run.arg("--config").arg(&config).args(set).arg(&file).finish()
    };
    check(&[]).expect_code(1).expect_counts(2, 1, 1);
    check(&["--set", "n = x"]).expect_code(4).expect_said(&["column n of type smallint cannot be 'x'"]);
}
