//! JSON: what it loads is what the same values in CSV load, of every type; every row arrives however the work is divided, compressed,
//! piped, cut short or gone on with; bad records are told with their places and load again once they are mended.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::database::Keyspace;
use crate::support::numbered::{NumberedLoad, TABLE, csv, expect_every_row, note};
use crate::support::packing::pack;
use crate::support::program::{Finished, Run, send_signal};
use crate::support::scratch::Scratch;
use crate::{nested, types};

const RECORDS: u64 = 3_000;
/// The formats of one content, and their options.
const SHAPES: [(&str, &str); 4] =
    [("lines", "ndjson"), ("run", "json"), ("pretty", "json"), ("array", "json")];

/// Records as they stand in a file of some shape.
fn shaped(shape: &str, records: impl Iterator<Item = Value>) -> String {
    let mut text = String::new();
    let pretty = |record: &Value| serde_json::to_string_pretty(record).unwrap();
    match shape {
        "lines" => records.for_each(|record| writeln!(text, "{record}").unwrap()),
        "run" => records.for_each(|record| write!(text, "{record}").unwrap()),
        "pretty" => records.for_each(|record| writeln!(text, "{}\n", pretty(&record)).unwrap()),
        _ => text = pretty(&Value::Array(records.collect())),
    }
    text
}

/// The numbered records.
fn numbered(records: u64) -> impl Iterator<Item = Value> {
    (0..records as i64).map(|id| json!({ "id": id, "note": note(id) }))
}

/// The value of a CSV field in JSON: a number or a boolean where it is written as one, else a string; `None` for null.
fn json_value(field: &str) -> Option<String> {
    match field.strip_prefix('"').and_then(|field| field.strip_suffix('"')) {
        Some(quoted) => Some(serde_json::to_string(&quoted.replace("\"\"", "\"")).unwrap()),
        None if field.is_empty() => None,
        None => match serde_json::from_str::<Value>(field) {
            Ok(Value::Number(_) | Value::Bool(_)) if field.trim() == field => Some(field.to_owned()),
            _ => Some(serde_json::to_string(field).unwrap()),
        },
    }
}

#[test]
fn every_type_is_what_the_same_value_in_csv_is() {
    let plain = types::CASES.iter().enumerate().map(|(at, cases)| (format!("v{at}"), *cases, false));
    let made = nested::CASES.iter().enumerate().map(|(at, cases)| (format!("n{at}"), *cases, true));
    let columns: Vec<(String, types::Cases, bool)> = plain.chain(made).collect();
    let definition: Vec<String> = columns.iter().map(|(name, (of, _), _)| format!("{name} {of}")).collect();
    let tables = ["csv", "lines", "pretty", "array"]
        .map(|table| format!("CREATE TABLE as_{table} (id int PRIMARY KEY, {})", definition.join(", ")));
    let statements: Vec<&str> =
        nested::USER_TYPES.into_iter().chain(tables.iter().map(String::as_str)).collect();
    let Some(keyspace) = Keyspace::new(&statements) else { return };
    let scratch = Scratch::new();
    let rows = 1 + columns.iter().map(|(_, (_, cases), _)| cases.len()).max().unwrap_or(0);
    let names: Vec<&str> = columns.iter().map(|(name, ..)| name.as_str()).collect();
    let mut csv = format!("id,{}\n", names.join(","));
    let mut lines = String::new();
    let (mut pretty, mut elements) = (String::new(), Vec::new());
    for row in 0..rows {
        let (mut fields, mut members) = (Vec::new(), vec![format!("\"id\":{row}")]);
        for (name, (_, cases), is_made) in &columns {
            let text = cases.get(row).map_or("", |(text, _)| *text);
            let value = match (text, is_made) {
                ("", _) => None,
                (text, true) => Some(text.to_owned()),
                (text, false) => json_value(text),
            };
            fields.push(if *is_made && !text.is_empty() {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.to_owned()
            });
            // Null, or not there at all.
            match value {
                Some(value) => members.push(format!("\"{name}\":{value}")),
                None if row % 2 == 0 => members.push(format!("\"{name}\": null")),
                None => {}
            }
        }
        writeln!(csv, "{row},{}", fields.join(",")).unwrap();
        // Spaces between tokens may be line ends elsewhere.
        writeln!(lines, "{{{}}}", members.join(",").replace('\n', " ")).unwrap();
        writeln!(pretty, "{{\n  {}\n}}", members.join(",\n  ")).unwrap();
        elements.push(format!("{{ {} }}", members.join(" , ")));
    }
    let array = format!("[\n{}\n]\n", elements.join(",\n"));
    let count = rows as u64;
    let expected = {
        let file = scratch.write("types.csv", csv);
        keyspace.load(&scratch, "as_csv").arg(file).finish().expect_code(0).expect_counts(count, count, 0);
        raw_rows(&keyspace, "as_csv", &names)
    };
    assert_eq!(expected.len(), rows);
    for (name, format, text) in
        [("lines", "ndjson", lines), ("pretty", "json", pretty), ("array", "json", array)]
    {
        let file = scratch.write(name, text);
        let table = format!("as_{name}");
        let run = keyspace.load(&scratch, &table).args(["--format", format]).arg(&file).finish();
        run.expect_code(0).expect_counts(count, count, 0);
        let found = raw_rows(&keyspace, &table, &names);
        assert_eq!(found.len(), rows, "{name}");
        for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
            for (column, (found, expected)) in names.iter().zip(found.iter().zip(expected).skip(1)) {
                assert_eq!(found, expected, "{name}, row {row}, column {column}");
            }
        }
        let run = keyspace.verify(&scratch, &table).args(["--format", format]).arg(&file).finish();
        assert_eq!(run.expect_code(0).summary["verify"]["same"].as_u64(), Some(count));
    }
}

/// The cells of a table's rows as the server sends them, by id.
fn raw_rows(keyspace: &Keyspace, table: &str, names: &[&str]) -> Vec<Vec<Option<Vec<u8>>>> {
    let mut rows = keyspace.raw_rows(&format!("SELECT id, {} FROM {table}", names.join(", ")));
    rows.sort();
    rows
}

#[test]
fn every_row_arrives_however_the_work_is_divided() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    for (shape, format) in SHAPES {
        let file = scratch.write(shape, shaped(shape, numbered(RECORDS)));
        let divided: &[&str] = if matches!(shape, "lines" | "array") { &["1", "2", "7"] } else { &["2"] };
        for workers in divided {
            keyspace.cql("TRUNCATE numbered");
            let run = keyspace.load(&scratch, "numbered").args(["--format", format, "--workers", workers]);
            let run = run.args(["--unit-size", "16KiB"]).arg(&file).finish().expect_code(0);
            let run = run.expect_counts(RECORDS, RECORDS, 0);
            assert!(run.number("units") >= 5, "{}", run.summary);
            expect_every_row(&keyspace, RECORDS);
        }
        let verified = keyspace.verify(&scratch, "numbered").args(["--format", format]).arg(&file).finish();
        assert_eq!(verified.expect_code(0).summary["verify"]["same"].as_u64(), Some(RECORDS));
    }
}

#[test]
fn compressed_files_and_standard_input_are_loaded_whole_and_in_part() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    for (shape, format) in SHAPES {
        let text = shaped(shape, numbered(RECORDS));
        let packed = scratch.write("in.gz", pack("gzip", text.as_bytes()));
        keyspace.cql("TRUNCATE numbered");
        let load = || keyspace.load(&scratch, "numbered").args(["--format", format, "--unit-size", "16KiB"]);
        load().arg(&packed).finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
        expect_every_row(&keyspace, RECORDS);

        keyspace.cql("TRUNCATE numbered");
        let plain = scratch.write("plain", &text);
        let run = load().arg("-").stdin(File::open(&plain).unwrap()).finish();
        run.expect_code(0).expect_counts(RECORDS, RECORDS, 0);
        expect_every_row(&keyspace, RECORDS);

        keyspace.cql("TRUNCATE numbered");
        let run = load().args(["--skip", "700", "--limit", "1100"]).arg(&plain).finish();
        run.expect_code(0).expect_counts(1_100, 1_100, 0);
        keyspace.expect_rows("SELECT min(id), max(id), count(*) FROM numbered", &["700, 1799, 1100"]);
    }
}

#[test]
fn a_load_that_is_killed_goes_on_where_it_was() {
    for (shape, format) in SHAPES {
        let Some(mut load) = NumberedLoad::of(RECORDS) else { return };
        load.file = load.scratch.write(shape, shaped(shape, numbered(RECORDS)));
        let options = ["--format", format, "--job", "j"];
        load.relay.allow_writes(1_500);
        let running = load.wait_for_writes(load.run(0).args(options).start());
        send_signal(running.pid(), "KILL");
        running.finish();
        load.relay.allow_all_writes();
        // Another format would read other records.
        let other = load.run_directly(0).args(["--job", "j", "--format", "csv"]).finish();
        assert_ne!(other.code, Some(0), "{}", other.stderr);
        let run = load.run_directly(2).args(options).finish();
        let run = run.expect_code(0).expect_counts(RECORDS, RECORDS, 0);
        assert!(run.number("resumed_records") > 0, "{}", run.summary);
        load.expect_every_row_at_its_time();
    }
}

/// A check without a cluster.
fn check(scratch: &Scratch, options: &[&str]) -> Run {
    scratch.write("numbered.cql", TABLE.replace("numbered", "ks.numbered") + ";");
    let run =
        Run::new(scratch).args(["check", "--progress", "none", "--schema", "numbered.cql", "--summary"]);
    run.arg(scratch.join("summary.json")).args(["--max-errors", "100", "--rejects", "rejects"]).args(options)
}

/// What a run told of its rejects: line, offset, bytes, number, column and code of each; and the records, as they were.
fn rejects(run: &Finished, scratch: &Scratch, name: &str) -> (Vec<Value>, PathBuf) {
    let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
    let reasons = fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let told = reasons.lines().map(|line| {
        let reason: Value = serde_json::from_str(line).expect("JSON");
        json!([
            reason["line"],
            reason["offset"],
            reason["bytes"],
            reason["record"],
            reason["column"],
            reason["code"]
        ])
    });
    (told.collect(), dir.join(format!("rejected-{name}")))
}

#[test]
fn bad_lines_are_told_with_their_places_and_load_again_when_they_are_mended() {
    let scratch = Scratch::new();
    let bad = [
        "{\"id\":1,\"note\":x}",
        "{\"id\":2,\"note\":\"a\"},",
        "{\"id\":3,\"id\":4}",
        "[5,\"a\"]",
        "{\"note\":\"no key\"}",
        "{\"id\":\"six\"}",
        "{\"id\":7,\"note\":\"\\ud800\"}",
        "{\"id\":8,\"note\":\"unclosed}",
    ];
    let mut text = String::new();
    for (id, line) in bad.iter().enumerate() {
        writeln!(text, "{{\"id\":{},\"note\":\"good\"}}\n{line}", 100 + id).unwrap();
    }
    scratch.write("in.ndjson", text.trim_end());
    for unit in ["1KiB", "1MiB"] {
        let run = check(&scratch, &["--format", "ndjson", "--unit-size", unit, "in.ndjson"]).finish();
        let run = run.expect_code(1).expect_counts(16, 8, 8);
        let (told, records) = rejects(&run, &scratch, "in.ndjson");
        let codes = [
            "invalid_json",
            "invalid_json",
            "duplicate_key",
            "invalid_json",
            "null_key",
            "invalid_number",
            "invalid_json",
            "invalid_json",
        ];
        let columns = [None, None, Some("id"), None, Some("id"), Some("id"), None, None];
        let mut offset = 0;
        let expected: Vec<Value> = (0..8)
            .map(|at| {
                let start = offset + "{\"id\":100,\"note\":\"good\"}\n".len();
                // The last line has no end.
                let bytes = bad[at].len() + usize::from(at < 7);
                offset = start + bytes;
                json!([2 * at + 2, start, bytes, 2 * at + 2, columns[at], codes[at]])
            })
            .collect();
        assert_eq!(told, expected);
        assert_eq!(fs::read_to_string(&records).unwrap(), bad.join("\n") + "\n");
        let again = check(&scratch, &["--format", "ndjson"]).arg(&records).finish();
        again.expect_code(1).expect_counts(8, 0, 8);
    }
}

#[test]
fn bad_documents_of_an_array_load_again_as_a_run() {
    let scratch = Scratch::new();
    let text = "[\n{\"id\":1},\n{\"id\":2,\n \"note\": 01},\n{\"id\":3}, 4,{\"id\":\"x\"},\n{\"id\":5}]";
    scratch.write("in.json", text);
    for unit in ["1KiB", "1MiB"] {
        let run = check(&scratch, &["--format", "json", "--unit-size", unit, "in.json"]).finish();
        let run = run.expect_code(1).expect_counts(6, 3, 3);
        let (told, records) = rejects(&run, &scratch, "in.json");
        let expected = [
            json!([3, 12, 21, 2, null, "invalid_json"]),
            json!([5, 45, 1, 4, null, "invalid_json"]),
            json!([5, 47, 10, 5, "id", "invalid_number"]),
        ];
        assert_eq!(told, expected);
        let raw = fs::read_to_string(&records).unwrap();
        assert_eq!(raw, "{\"id\":2,\n \"note\": 01}\n4\n{\"id\":\"x\"}\n");
        fs::write(&records, raw.replace("01", "1").replace("\n4\n", "{\"id\":4}").replace("\"x\"", "6"))
            .unwrap();
        let again = check(&scratch, &["--format", "json"]).arg(&records).finish();
        again.expect_code(0).expect_counts(3, 3, 0);
    }
}

#[test]
fn what_cannot_be_told_apart_ends_the_run_and_names_the_place() {
    let scratch = Scratch::new();
    for (text, said) in [
        ("{\"id\":1}\n{\"id\":2\n", "bad.json, line 2: the document that begins here is never closed"),
        (
            "{\"id\":1}\n{\"id\":[2}\n",
            "line 2 (byte 17), in the document that begins on line 2: '}' closes a '['",
        ),
        ("[{\"id\":1}\n{\"id\":2}]", "line 2 (byte 10): ',' or ']' should be here"),
        ("{\"id\":1},{\"id\":2}", "line 1 (byte 8): a comma between documents"),
    ] {
        scratch.write("bad.json", text);
        check(&scratch, &["--format", "json", "bad.json"]).finish().expect_code(4).expect_said(&[said]);
    }
}

#[test]
fn a_file_that_can_hardly_be_csv_is_not_taken_for_it_unless_that_is_said() {
    let scratch = Scratch::new();
    scratch.write("lines", "{\"id\":1}\n");
    scratch.write("array", "[\n  {\"id\":1}\n]\n");
    let said = "begins as JSON does: load it with --format ndjson, or with --format csv";
    check(&scratch, &["lines"]).finish().expect_code(4).expect_said(&[said]);
    check(&scratch, &["array"]).finish().expect_code(4).expect_said(&["load it with --format json"]);
    let as_csv = check(&scratch, &["--format", "csv", "lines"]).finish().expect_code(4);
    as_csv.expect_said(&["none of the fields"]);
    scratch.write("numbered.csv", csv(3));
    let wrong = check(&scratch, &["--format", "ndjson", "numbered.csv"]).finish().expect_code(4);
    wrong.expect_said(&["of its first 4 records none are JSON objects", "if it is CSV, leave out --format"]);
    let option = check(&scratch, &["--format", "ndjson", "--delimiter", ";", "lines"]).finish();
    option.expect_code(2).expect_said(&["--delimiter with --format ndjson"]);
}
