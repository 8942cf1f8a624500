//! Files that other readers stumble over, through a real table: whatever the number of workers, the same rows or the same clear rejects.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::database::Keyspace;
use crate::support::scratch::Scratch;

/// One that has everything, a few, and more than there are cores.
const WORKERS: [&str; 3] = ["1", "2", "7"];

/// A row by its number: its texts, of which some are null.
type Rows = BTreeMap<i64, Vec<Option<String>>>;

const FIELDS: &str = "CREATE TABLE fields (n bigint PRIMARY KEY, a text, b text, c text, d text, e text)";

/// The rows of `fields`.
fn read_fields(keyspace: &Keyspace) -> Rows {
    let text = |value: &Option<scylla::value::CqlValue>| {
        value.as_ref().map(|value| value.as_text().expect("a text").clone())
    };
    let row = |row: scylla::value::Row| {
        let number = row.columns[0].as_ref().and_then(|value| value.as_bigint()).expect("a number");
        (number, row.columns[1..].iter().map(text).collect())
    };
    keyspace.rows("SELECT n, a, b, c, d, e FROM fields").into_iter().map(row).collect()
}

/// Which records were rejected and why, without the message.
fn rejected(scratch: &Scratch, summary: &Value) -> Vec<(u64, u64, u64, String)> {
    let Some(dir) = summary["rejects_dir"].as_str() else { return Vec::new() };
    let index = fs::read_to_string(scratch.join(dir).join("reasons.jsonl")).expect("the rejects");
    let number = |line: &Value, key: &str| line[key].as_u64().expect("a number");
    let reject = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let code = line["code"].as_str().expect("a code").to_owned();
        (number(&line, "record"), number(&line, "line"), number(&line, "offset"), code)
    };
    index.lines().map(reject).collect()
}

/// Loads the first fields of each record under the record's number, with each number of workers. Fails unless each time the table
/// has these rows, and these records are rejected.
#[track_caller]
fn check(
    keyspace: &Keyspace,
    name: &str,
    content: &[u8],
    options: &[&str],
    fields: usize,
    rows: &Rows,
    bad: &[(u64, u64, u64, &str)],
) {
    let scratch = Scratch::new();
    let file = scratch.write("in.csv", content);
    let columns = ["a", "b", "c", "d", "e"];
    let map: Vec<String> =
        (1..).zip(&columns[..fields]).map(|(field, column)| format!("{column} = #{field}")).collect();
    let map = format!("n = $record, {}", map.join(", "));
    for workers in WORKERS {
        keyspace.cql("TRUNCATE fields");
        let run = keyspace
            .load(&scratch, "fields")
            .args(["--workers", workers, "--unit-size", "1KiB", "--max-errors", "1000", "--again"])
            .args(["--allow-missing-columns", "--allow-unknown-columns", "--map", &map])
            .args(options)
            .arg(&file)
            .finish()
            .expect_code(i32::from(!bad.is_empty()));
        assert_eq!(&read_fields(keyspace), rows, "{name} with {workers} workers");
        let found = rejected(&scratch, &run.summary);
        let found: Vec<_> =
            found.iter().map(|(record, line, at, code)| (*record, *line, *at, &code[..])).collect();
        assert_eq!(found, bad, "{name} with {workers} workers");
    }
}

/// Rows in the order of their records; the empty text stands for null.
fn rows_of(records: &[[&str; 3]]) -> Rows {
    let text = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
    let row = |record: &[&str; 3]| record.iter().map(text).chain([None, None]).collect();
    (1..).zip(records.iter().map(row)).collect()
}

#[test]
fn the_files_of_a_public_collection_load_as_its_authors_expect_whatever_the_workers() {
    let Some(keyspace) = Keyspace::new(&[FIELDS]) else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/difficult/csv-spectrum");
    for name in [
        "comma_in_quotes",
        "empty_crlf",
        "escaped_quotes",
        "json",
        "newlines_crlf",
        "quotes_and_newlines",
        "utf8",
    ] {
        let csv = fs::read(folder.join(format!("csvs/{name}.csv"))).expect("the file");
        let json = fs::read(folder.join(format!("json/{name}.json"))).expect("the expectation");
        let expected: Vec<BTreeMap<String, String>> = serde_json::from_slice(&json).expect("objects");
        let header_end = 1 + csv.iter().position(|&byte| byte == b'\n').expect("a header");
        let names = String::from_utf8(csv[..header_end].to_vec()).expect("UTF-8");
        let names: Vec<&str> = names.trim_end().split(',').collect();
        // The records many times over, so that there are units for all workers.
        let times = 40;
        let mut content = csv[..header_end].to_vec();
        let mut rows = Rows::new();
        for _ in 0..times {
            content.extend_from_slice(&csv[header_end..]);
            if !content.ends_with(b"\n") {
                content.push(b'\n');
            }
            for record in &expected {
                let texts = names.iter().map(|name| Some(record[*name].clone()));
                let row = texts.chain(std::iter::repeat(None)).take(5).collect();
                rows.insert(1 + rows.len() as i64, row);
            }
        }
        // Quoted empty fields are empty texts; of the collection's unquoted fields none is empty.
        check(&keyspace, name, &content, &[], names.len(), &rows, &[]);
    }
}

#[test]
fn bad_utf8_nul_bytes_and_wrong_numbers_of_fields_are_rows_or_rejects_whatever_the_workers() {
    let Some(keyspace) = Keyspace::new(&[FIELDS]) else { return };
    let mut content = b"a,b,c\n".to_vec();
    let mut rows = Rows::new();
    let mut bad = Vec::new();
    let filler = "f".repeat(100);
    let mut line = 2;
    for number in 1..=120_u64 {
        let (record, row, code): (Vec<u8>, _, _) = match number % 6 {
            0 => (b"x,\xff\xfe,z\n".to_vec(), None, Some("invalid_utf8")),
            1 => (b"n\0l,\"\0\",\0\n".to_vec(), Some(["n\0l", "\0", "\0"]), None),
            2 => (b"only,two\n".to_vec(), None, Some("field_count")),
            3 => (b"one,two,three,four\n".to_vec(), None, Some("field_count")),
            // A surrogate is no character of UTF-8, nor is what is longer than it must be.
            4 if number % 4 == 0 => (b"\xed\xa0\x80,y,z\n".to_vec(), None, Some("invalid_utf8")),
            4 => (b"x,y,\"\xc0\xaf\n\"\n".to_vec(), None, Some("invalid_utf8")),
            _ => (
                format!("{filler},\"\u{1f389}\n\",z\n").into_bytes(),
                Some([&filler[..], "\u{1f389}\n", "z"]),
                None,
            ),
        };
        if let Some(row) = row {
            rows.extend([(number as i64, rows_of(&[row]).remove(&1).unwrap())]);
        }
        if let Some(code) = code {
            bad.push((number, line, content.len() as u64, code));
        }
        line += record.iter().filter(|&&byte| byte == b'\n').count() as u64;
        content.extend(record);
    }
    check(&keyspace, "bad records", &content, &[], 3, &rows, &bad);
}

#[test]
fn every_mixture_of_line_ends_and_a_missing_one_give_the_same_rows_whatever_the_workers() {
    let Some(keyspace) = Keyspace::new(&[FIELDS]) else { return };
    let ends = ["\n", "\r\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "\n\n"];
    let mut content = "a,b,c\r\r\n".to_owned();
    let mut records = Vec::new();
    for number in 0..140 {
        let end = ends[number % ends.len()];
        content.push_str(&format!("{number},\"x\r\r\ny\",{}{end}", "z".repeat(number)));
        records.push((number.to_string(), "z".repeat(number)));
    }
    content.push_str("last,,without");
    let mut rows: Vec<[&str; 3]> = records.iter().map(|(a, c)| [&a[..], "x\r\r\ny", &c[..]]).collect();
    rows.push(["last", "", "without"]);
    check(&keyspace, "line ends", content.as_bytes(), &[], 3, &rows_of(&rows), &[]);
}

#[test]
fn headers_with_names_that_are_empty_or_there_twice_are_refused_or_passed_over() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE pairs (id int PRIMARY KEY, a text)"]) else { return };
    let scratch = Scratch::new();
    for workers in WORKERS {
        let load = |content: &str| {
            let file = scratch.write("pairs.csv", content);
            keyspace.load(&scratch, "pairs").args(["--workers", workers, "--again"]).arg(file)
        };
        let run = load("id,a,id\n1,x,2\n").finish().expect_code(4);
        run.expect_said(&["names \"id\" twice, in fields 1 and 3", "--columns"]);
        load("id,,a\n1,,x\n").finish().expect_code(4).expect_said(&["field 2 is empty", "--columns"]);
        // Who names the columns, or the fields by their places, has what he asked for.
        let named = load("id,a,id\n1,x,2\n").args(["--columns", "id,a,rest", "--allow-unknown-columns"]);
        named.finish().expect_code(0).expect_counts(1, 1, 0);
        keyspace.expect_rows("SELECT id, a FROM pairs", &["1, 'x'"]);
        keyspace.cql("TRUNCATE pairs");
    }
}

#[test]
fn five_thousand_columns_are_five_thousand_cells_whatever_the_workers() {
    let columns: Vec<String> = (0..5_000).map(|column| format!("c{column}")).collect();
    let table = format!("CREATE TABLE wide (id int PRIMARY KEY, {} text)", columns.join(" text, "));
    let Some(keyspace) = Keyspace::new(&[&table]) else { return };
    let scratch = Scratch::new();
    let mut content = format!("id,{}\n", columns.join(","));
    for id in 0..8 {
        let cells: Vec<String> = (0..5_000).map(|cell| format!("\"{id},{cell}\"")).collect();
        // One of them has a field too many.
        content.push_str(&format!("{id},{}{}\n", cells.join(","), if id == 5 { ",x" } else { "" }));
    }
    let file = scratch.write("wide.csv", content);
    for workers in WORKERS {
        keyspace.cql("TRUNCATE wide");
        let run = keyspace
            .load(&scratch, "wide")
            .args(["--workers", workers, "--unit-size", "64KiB", "--max-errors", "1", "--again"])
            .arg(&file)
            .finish();
        run.expect_code(1).expect_counts(8, 7, 1);
        let expected: Vec<String> =
            [0, 1, 2, 3, 4, 6, 7].map(|id| format!("{id}, '{id},0', '{id},2500', '{id},4999'")).to_vec();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        keyspace.expect_rows("SELECT id, c0, c2500, c4999 FROM wide", &expected);
    }
}

#[test]
fn a_field_of_ten_megabytes_arrives_whole_whatever_the_workers() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE large (id int PRIMARY KEY, note text)"]) else {
        return;
    };
    let scratch = Scratch::new();
    let line = "ten megabytes, \"\"quoted\"\"\r\r\n";
    let large = line.repeat(10_000_000 / line.len() + 1);
    let file = scratch.write("large.csv", format!("id,note\n1,small\n2,\"{large}\"\n3,small\n4,\"{large}"));
    for workers in WORKERS {
        keyspace.cql("TRUNCATE large");
        let load = |more: &[&str]| {
            let load = keyspace.load(&scratch, "large").args(["--workers", workers, "--unit-size", "1MiB"]);
            load.args(["--max-errors", "1", "--again"]).args(more).arg(&file).finish()
        };
        // The last one's quotes do not close: what is before it is loaded or not, but nothing wrong is.
        load(&["--job", &format!("open-{workers}")]).expect_code(4).expect_said(&["never closes"]);
        let run = load(&["--limit", "3", "--job", &format!("first-{workers}")]);
        assert_eq!(
            (run.code, run.number("written"), run.number("rejected")),
            (Some(0), 3, 0),
            "{}",
            run.stderr
        );
        let rows = keyspace.rows("SELECT note FROM large WHERE id = 2");
        let note = rows[0].columns[0].as_ref().and_then(|value| value.as_text()).expect("a note");
        assert!(*note == large.replace("\"\"", "\""), "a note of {} bytes", note.len());
    }
}
