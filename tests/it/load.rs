//! Loads into a real database: every row arrives as it is in the file, however the work is divided.

use std::collections::BTreeMap;
use std::fmt::Write;

use scylla::value::{CqlValue, Row};

use crate::support::database::Keyspace;
use crate::support::program::wait_until;
use crate::support::scratch::Scratch;

const NOTES: &str = "CREATE TABLE notes (id bigint PRIMARY KEY, note text, n int)";

/// A file of `records` records, every fifth with a quoted note of several lines, and what each row must be.
fn notes(records: u64) -> (String, BTreeMap<i64, (String, Option<i32>)>) {
    let mut csv = String::from("id,note,n\n");
    let mut rows = BTreeMap::new();
    for id in 0..records as i64 {
        let note = match id % 5 {
            0 => format!("line one, of {id}\nsays \"two\"\r\nthree"),
            1 => format!("5\" pipe {id}"),
            _ => format!("plain note {id}"),
        };
        let n = (id % 3 != 0).then_some(id as i32 * 7);
        let number = n.map(|n| n.to_string()).unwrap_or_default();
        let field = if id % 5 == 0 { format!("\"{}\"", note.replace('"', "\"\"")) } else { note.clone() };
        writeln!(csv, "{id},{field},{number}").unwrap();
        rows.insert(id, (note, n));
    }
    (csv, rows)
}

fn read_notes(keyspace: &Keyspace, table: &str) -> BTreeMap<i64, (String, Option<i32>)> {
    let row = |row: Row| match &row.columns[..] {
        [Some(CqlValue::BigInt(id)), Some(CqlValue::Text(note)), n] => {
            (*id, (note.clone(), n.as_ref().map(|n| n.as_int().expect("an int"))))
        }
        other => panic!("{other:?}"),
    };
    keyspace.rows(&format!("SELECT id, note, n FROM {table}")).into_iter().map(row).collect()
}

#[test]
fn four_workers_with_many_units_load_every_row_of_the_file() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let (csv, expected) = notes(50_000);
    let file = scratch.write("notes.csv", csv);
    let run = keyspace
        .load(&scratch, "notes")
        .args(["--workers", "4", "--unit-size", "32KiB"])
        .arg(file)
        .finish()
        .expect_code(0);
    assert!(run.number("units") >= 16, "{}", run.summary);
    run.expect_counts(50_000, 50_000, 0);
    assert!(read_notes(&keyspace, "notes") == expected, "the table is not the file");
}

/// Loads `records` records of [`notes`] into a table of their own with these options.
fn check_division(keyspace: &Keyspace, table: &str, records: u64, options: &[&str]) {
    keyspace.cql(&NOTES.replace("notes", table));
    let scratch = Scratch::new();
    let (csv, expected) = notes(records);
    let file = scratch.write("notes.csv", csv);
    keyspace
        .load(&scratch, table)
        .args(options)
        .arg(file)
        .finish()
        .expect_code(0)
        .expect_counts(records, records, 0);
    assert!(read_notes(keyspace, table) == expected, "{options:?}: the table is not the file");
}

#[test]
fn however_the_work_is_divided_the_rows_are_the_same() {
    let Some(keyspace) = Keyspace::new(&[]) else { return };
    check_division(&keyspace, "in_process", 10_000, &["--workers", "0"]);
    check_division(&keyspace, "one_worker", 10_000, &["--workers", "1"]);
    check_division(&keyspace, "one_request_at_a_time", 1_000, &["--workers", "2", "--in-flight", "1"]);
    check_division(&keyspace, "small_units", 3_000, &["--workers", "2", "--unit-size", "1KiB"]);
    check_division(
        &keyspace,
        "one_thread",
        3_000,
        &["--workers", "2", "--threads", "1", "--unit-size", "4KiB"],
    );
    check_division(&keyspace, "compressed", 3_000, &["--compression", "lz4", "--threads", "3"]);
}

/// Rows of a number and a note by their key.
type Keyed = BTreeMap<i32, (Option<i32>, Option<String>)>;

/// 20,000 records over 50 keys, and for each key its cells when the last record that has one wins.
fn duplicates() -> (String, Keyed) {
    let mut csv = String::from("key,n,note\n");
    let mut rows = Keyed::new();
    for record in 0..20_000 {
        let key = record * 7_919 % 50;
        let n = (record % 3 != 0).then_some(record);
        // A text that is smaller the later it comes, in a third of the records.
        let note = (record % 9 < 3).then(|| format!("note {}", 30_000 - record));
        let (number, text) = (n.map(|n| n.to_string()).unwrap_or_default(), note.clone().unwrap_or_default());
        writeln!(csv, "{key},{number},{text}").unwrap();
        let row = rows.entry(key).or_default();
        row.0 = n.or(row.0);
        row.1 = note.or(row.1.take());
    }
    (csv, rows)
}

#[test]
fn the_last_record_of_a_key_wins_whatever_the_workers() {
    let Some(keyspace) = Keyspace::new(&[]) else { return };
    let scratch = Scratch::new();
    let (csv, expected) = duplicates();
    let file = scratch.write("duplicates.csv", csv);
    for workers in ["0", "1", "4"] {
        let table = format!("with_{workers}");
        keyspace.cql(&format!("CREATE TABLE {table} (key int PRIMARY KEY, n int, note text)"));
        let run = keyspace
            .load(&scratch, &table)
            .args(["--workers", workers, "--unit-size", "8KiB"])
            .arg(&file)
            .finish()
            .expect_code(0)
            .expect_counts(20_000, 20_000, 0);
        assert!(run.number("units") >= 16, "{}", run.summary);
        let row = |row: Row| match &row.columns[..] {
            [Some(CqlValue::Int(key)), n, note] => {
                let n = n.as_ref().map(|n| n.as_int().expect("an int"));
                (*key, (n, note.as_ref().map(|note| note.as_text().expect("a text").clone())))
            }
            other => panic!("{other:?}"),
        };
        let found: Keyed =
            keyspace.rows(&format!("SELECT key, n, note FROM {table}")).into_iter().map(row).collect();
        assert_eq!(found, expected, "{workers} workers");
    }
}

/// Microseconds since 1970.
fn now_us() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as i64
}

/// The write time of column `n` of each row by its `id`.
fn write_times(keyspace: &Keyspace, table: &str) -> BTreeMap<i32, i64> {
    let row = |row: Row| match row.columns[..] {
        [Some(CqlValue::Int(id)), Some(CqlValue::BigInt(time))] => (id, time),
        ref other => panic!("{other:?}"),
    };
    keyspace.rows(&format!("SELECT id, WRITETIME(n) FROM {table}")).into_iter().map(row).collect()
}

/// A file with the columns id and n and these ids.
fn numbers(ids: std::ops::Range<i32>) -> String {
    let mut csv = String::from("id,n\n");
    for id in ids {
        writeln!(csv, "{id},{}", id % 10).unwrap();
    }
    csv
}

#[test]
fn write_times_follow_the_order_of_files_and_records() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE numbers (id int PRIMARY KEY, n int)"]) else { return };
    let scratch = Scratch::new();
    let files = [0..2_000, 2_000..2_001, 2_001..4_000].map(|ids| {
        let name = format!("from-{}.csv", ids.start);
        scratch.write(&name, numbers(ids))
    });
    let before = now_us();
    keyspace
        .load(&scratch, "numbers")
        .args(["--workers", "3", "--unit-size", "2KiB"])
        .args(files)
        .finish()
        .expect_code(0)
        .expect_counts(4_000, 4_000, 0);
    let after = now_us();
    let times = write_times(&keyspace, "numbers");
    let first = times[&0];
    assert_eq!(times, (0..4_000).map(|id| (id, first + i64::from(id))).collect());
    assert!(before < first && first + 3_999 <= after, "{before} {first} {after}");
}

#[test]
fn one_write_time_for_all_is_the_start_or_as_said() {
    const TIME: &str = "1700000000123456";
    let tables = ["now", "fixed"].map(|name| format!("CREATE TABLE at_{name} (id int PRIMARY KEY, n int)"));
    let Some(keyspace) = Keyspace::new(&[&tables[0], &tables[1]]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("numbers.csv", numbers(0..500));
    let options = ["--workers", "2", "--unit-size", "1KiB", "--timestamp"];
    let before = now_us();
    keyspace.load(&scratch, "at_now").args(options).arg("now").arg(&file).finish().expect_code(0);
    let times = write_times(&keyspace, "at_now");
    let start = times[&0];
    assert!(before <= start && start <= now_us(), "{start}");
    assert_eq!(times, (0..500).map(|id| (id, start)).collect());
    keyspace.load(&scratch, "at_fixed").args(options).arg(TIME).arg(&file).finish().expect_code(0);
    let time: i64 = TIME.parse().unwrap();
    assert_eq!(write_times(&keyspace, "at_fixed"), (0..500).map(|id| (id, time)).collect());
}

#[test]
fn a_load_stands_in_time_where_it_happened() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE notes (id int PRIMARY KEY, note text)"]) else {
        return;
    };
    let scratch = Scratch::new();
    for id in 1..=3 {
        keyspace.cql(&format!("INSERT INTO notes (id, note) VALUES ({id}, 'before')"));
    }
    keyspace.cql("DELETE FROM notes WHERE id = 2");
    let file = scratch.write("notes.csv", "id,note\n1,loaded\n2,loaded\n3,loaded\n");
    keyspace.load(&scratch, "notes").arg(&file).finish().expect_code(0);
    keyspace.expect_rows("SELECT * FROM notes", &["1, 'loaded'", "2, 'loaded'", "3, 'loaded'"]);
    keyspace.cql("INSERT INTO notes (id, note) VALUES (3, 'after')");
    keyspace.expect_rows("SELECT * FROM notes", &["1, 'loaded'", "2, 'loaded'", "3, 'after'"]);
    // A load that says that it is of long ago changes nothing that is newer.
    keyspace
        .load(&scratch, "notes")
        .args(["--timestamp", "1500000000000000"])
        .arg(&file)
        .finish()
        .expect_code(0);
    keyspace.expect_rows("SELECT * FROM notes", &["1, 'loaded'", "2, 'loaded'", "3, 'after'"]);
}

#[test]
fn what_an_application_writes_during_a_load_is_not_overwritten_by_it() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE numbers (id int PRIMARY KEY, n int)"]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("numbers.csv", numbers(0..3_000));
    let mut run = keyspace
        .load(&scratch, "numbers")
        .args(["--workers", "1", "--in-flight", "1", "--unit-size", "1KiB"])
        .arg(file)
        .start();
    wait_until("the first row is there", || !keyspace.rows("SELECT id FROM numbers LIMIT 1").is_empty());
    // Rows of the file's end, which are yet to come.
    for id in 2_900..3_000 {
        keyspace.cql(&format!("INSERT INTO numbers (id, n) VALUES ({id}, -1)"));
    }
    assert!(!run.has_ended(), "the load was over before the application wrote");
    run.finish().expect_code(0).expect_counts(3_000, 3_000, 0);
    let expected: Vec<String> =
        (0..3_000).map(|id| format!("{id}, {}", if id < 2_900 { id % 10 } else { -1 })).collect();
    keyspace.expect_rows("SELECT id, n FROM numbers", &expected);
}

#[test]
fn a_null_leaves_the_cell_as_it_is_and_no_tombstone() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE notes (id int PRIMARY KEY, note text, n int)"]) else {
        return;
    };
    let scratch = Scratch::new();
    const TIME: i64 = 1_700_000_000_000_000;
    let insert = |time: i64, id: i32| {
        keyspace.cql(&format!(
            "INSERT INTO notes (id, note, n) VALUES ({id}, 'there', 7) USING TIMESTAMP {time}"
        ));
    };
    insert(TIME - 10, 1);
    let file = scratch.write("notes.csv", "id,note,n\n1,,\n2,NULL,\n3,\"\",8\n");
    keyspace
        .load(&scratch, "notes")
        .args(["--null", "NULL", "--timestamp", &TIME.to_string()])
        .arg(file)
        .finish()
        .expect_code(0);
    keyspace.expect_rows("SELECT id, note, n FROM notes", &["1, 'there', 7", "2, null, null", "3, '', 8"]);
    // A tombstone of the load's time would hide a cell that was written a little earlier.
    insert(TIME - 5, 2);
    keyspace.expect_rows("SELECT id, note, n FROM notes WHERE id = 2", &["2, 'there', 7"]);
}

/// Loads a small file of one form; afterwards the table is empty again.
fn check_form(keyspace: &Keyspace, options: &[&str], content: &[u8], expected: &[&str]) {
    let scratch = Scratch::new();
    let file = scratch.write("form.csv", content);
    let count = expected.len() as u64;
    keyspace
        .load(&scratch, "forms")
        .args(options)
        .arg(file)
        .finish()
        .expect_code(0)
        .expect_counts(count, count, 0);
    keyspace.expect_rows("SELECT id, note, n FROM forms", expected);
    for row in keyspace.rows("SELECT id FROM forms") {
        keyspace.cql(&format!("DELETE FROM forms WHERE id = {}", row.columns[0].as_ref().expect("a key")));
    }
}

const FORMS: &str = "CREATE TABLE forms (id int PRIMARY KEY, note text, n int)";

#[test]
fn files_of_every_usual_form_are_read() {
    let Some(keyspace) = Keyspace::new(&[FORMS]) else { return };
    let check = |content: &str, expected: &[&str]| check_form(&keyspace, &[], content.as_bytes(), expected);
    let two = ["1, 'a', 10", "2, null, 20"];
    check("id,note,n\n1,a,10\n2,,20\n", &two);
    check("id,note,n\r\n1,a,10\r\n2,,20\r\n", &two);
    check("id,note,n\r1,a,10\r2,,20\r", &two);
    check("id,note,n\n1,a,10\n2,,20", &two);
    check("id,note,n\r\n1,a,10\r\n2,,20\r", &two);
    check("\u{feff}id,note,n\n1,a,10\n2,,20\n", &two);
    check("\u{feff}\"id\",\"note\",\"n\"\n\"1\",\"a\",\"10\"\n2,,\"20\"\n", &two);
    check("\n\nid,note,n\n\n1,a,10\n\r\n2,,20\n\n\n", &two);
    check("N,Note,ID\n10,a,1\n20,,2\n", &two);
    check(" n , note,id\n10,a, 1\n 20 ,,2\n", &two);
    check("id,note,n\n1,\"two\nlines, \"\"quoted\"\"\",\n", &["1, 'two\nlines, \"quoted\"', null"]);
    check("id,note,n\n1,5\" pipe,\n2, \"b\",\n", &["1, '5\" pipe', null", "2, ' \"b\"', null"]);
    check("id,note,n\n1,\"a\"b,\n2,\"\",\n", &["1, 'ab', null", "2, '', null"]);
    check("id,note,n\n1,Übergröße 😀,1e3\n", &["1, 'Übergröße 😀', 1000"]);
    check("id,note,n\n1,NULL,10\n", &["1, 'NULL', 10"]);
}

#[test]
fn other_dialects_are_read_as_said() {
    let Some(keyspace) = Keyspace::new(&[FORMS]) else { return };
    let check = |options: &[&str], content: &str, expected: &[&str]| {
        check_form(&keyspace, options, content.as_bytes(), expected);
    };
    let two = ["1, 'a', 10", "2, null, 20"];
    check(&["--delimiter", "tab"], "id\tnote\tn\n1\ta\t10\n2\t\t20\n", &two);
    check(&["--delimiter", ";"], "id;note;n\n1;a;10\n2;;20\n", &two);
    check(&["--delimiter", "|", "--quote", "'"], "id|note|n\n1|'a'|10\n2||20\n", &two);
    check(&["--quote", "none"], "id,note,n\n1,\"a\",10\n2,5\",20\n", &["1, '\"a\"', 10", "2, '5\"', 20"]);
    check(
        &["--escape", "\\"],
        "id,note,n\n1,\"say \\\"hi\\\", \"\"you\"\"\",10\n",
        &["1, 'say \"hi\", \"you\"', 10"],
    );
    let commented =
        "# made on Monday\nid,note,n\n# first, second\n1,a,10\n#2,b,\n2,,20\n3,#c,\n# an open \" quote\n";
    check(&["--comment", "#"], commented, &["1, 'a', 10", "2, null, 20", "3, '#c', null"]);
    check(
        &["--null", "NULL,\\N"],
        "id,note,n\n1,NULL,\\N\n2,\"NULL\",20\n3,\"\\N\",\n",
        &["1, null, null", "2, 'NULL', 20", "3, '\\N', null"],
    );
    check(&["--no-header", "--columns", "n,id,note"], "10,1,a\n20,2,\n", &two);
    check(&["--columns", "n,id,note"], "id,note,whatever\n10,1,a\n20,2,\n", &two);
    check(&["--columns", "n", "--columns", "id,note"], "x,x,\n10,1,a\n20,2,\n", &two);
}

#[test]
fn a_file_without_records_is_loaded_with_none() {
    let Some(keyspace) = Keyspace::new(&[FORMS]) else { return };
    let check = |content: &str| check_form(&keyspace, &[], content.as_bytes(), &[]);
    check("");
    check("\u{feff}");
    check("\n\r\n\n");
    check("id,note,n");
    check("id,note,n\n");
    check("\u{feff}id,note,n\r\n\r\n");
    check_form(&keyspace, &["--no-header", "--columns", "id,note,n"], b"", &[]);
    check_form(&keyspace, &["--columns", "id,note,n"], b"", &[]);
    check_form(&keyspace, &["--workers", "2"], b"", &[]);
    let scratch = Scratch::new();
    let files = [
        ("empty.csv", ""),
        ("one.csv", "id,note,n\n1,a,10\n"),
        ("header.csv", "n,note,id\n"),
        ("last.csv", ""),
    ]
    .map(|(name, content)| scratch.write(name, content));
    keyspace.load(&scratch, "forms").args(files).finish().expect_code(0).expect_counts(1, 1, 0);
    keyspace.expect_rows("SELECT id, note, n FROM forms", &["1, 'a', 10"]);
}

#[test]
fn several_files_may_have_their_columns_in_different_orders_and_unusual_names() {
    let Some(keyspace) = Keyspace::new(&[FORMS]) else { return };
    let scratch = Scratch::new();
    let files = [
        ("Stückliste März (1).csv", "id,note,n\n1,a,10\n2,b,20\n"),
        ("it's, \"new\".csv", "n,id,note\n30,3,c\n"),
        ("-4.csv", "\u{feff}note,n,id\r\nd,40,4"),
    ]
    .map(|(name, content)| scratch.write(name, content));
    let run = keyspace.load(&scratch, "forms").args(["--workers", "2"]).args(&files).finish();
    let run = run.expect_code(0).expect_counts(4, 4, 0);
    keyspace.expect_rows(
        "SELECT id, note, n FROM forms",
        &["1, 'a', 10", "2, 'b', 20", "3, 'c', 30", "4, 'd', 40"],
    );
    let inputs: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
    assert_eq!(run.summary["inputs"], serde_json::json!(inputs));
}

#[test]
fn a_record_of_five_megabytes_arrives_whole() {
    let Some(keyspace) = Keyspace::new(&[FORMS]) else { return };
    let scratch = Scratch::new();
    let line = "a line with, a \"\"quote\"\"\r\n";
    let large = line.repeat(5 * 1024 * 1024 / line.len());
    let file = scratch.write("large.csv", format!("id,note,n\n1,small,\n2,\"{large}\",7\n3,small,\n"));
    keyspace
        .load(&scratch, "forms")
        .args(["--workers", "2", "--unit-size", "1MiB"])
        .arg(file)
        .finish()
        .expect_code(0)
        .expect_counts(3, 3, 0);
    keyspace.expect_rows("SELECT id, n FROM forms", &["1, null", "2, 7", "3, null"]);
    let rows = keyspace.rows("SELECT note FROM forms WHERE id = 2");
    let note = rows[0].columns[0].as_ref().and_then(CqlValue::as_text).expect("a note");
    assert!(*note == large.replace("\"\"", "\""), "a note of {} bytes", note.len());
}

#[test]
fn a_dry_run_counts_everything_and_writes_nothing() {
    let Some(keyspace) = Keyspace::new(&[FORMS]) else { return };
    let scratch = Scratch::new();
    let records: String =
        (0..1_000).map(|id| format!("{id},note,{}\n", if id % 100 == 7 { "x" } else { "1" })).collect();
    let file = scratch.write("dry.csv", format!("id,note,n\n{records}"));
    for workers in ["0", "2"] {
        let run = keyspace
            .load(&scratch, "forms")
            .args(["--dry-run", "--workers", workers, "--unit-size", "2KiB"])
            .arg(&file)
            .finish()
            .expect_code(1)
            .expect_counts(1_000, 990, 10);
        assert_eq!(run.summary["dry_run"], true);
        assert_eq!(
            (run.number("requests"), &run.summary["session_starts"]["total"]),
            (0, &serde_json::json!(0))
        );
        run.expect_said(&["nothing was written", "would write"]);
    }
    let good = scratch.write("good.csv", "id,note,n\n1,a,1\n");
    keyspace
        .load(&scratch, "forms")
        .arg("--dry-run")
        .arg(good)
        .finish()
        .expect_code(0)
        .expect_counts(1, 1, 0);
    keyspace.expect_rows::<&str>("SELECT id FROM forms", &[]);
}

#[test]
fn a_file_larger_than_a_worker_holds_at_once_goes_through() {
    let Some(keyspace) = Keyspace::new(&[FORMS]) else { return };
    let scratch = Scratch::new();
    let mut csv = String::from("id,note,n\n");
    for id in 0..400_000 {
        writeln!(csv, "{id},\"a note of some length,\nin two lines\",{}", id % 7).unwrap();
    }
    let file = scratch.write("large.csv", csv);
    for workers in ["0", "2"] {
        keyspace
            .load(&scratch, "forms")
            .args(["--dry-run", "--workers", workers])
            .arg(&file)
            .finish()
            .expect_code(0)
            .expect_counts(400_000, 400_000, 0);
    }
}

#[test]
fn the_summary_file_has_every_documented_field() {
    let Some(keyspace) = Keyspace::new(&[FORMS]) else { return };
    let scratch = Scratch::new();
    let content = "id,note,n\n1,a,10\n2,b,x\n3,c,30\n";
    let file = scratch.write("forms.csv", content);
    let run = keyspace.load(&scratch, "forms").args(["--workers", "2", "--batch", "off"]);
    let run = run.arg(&file).finish().expect_code(1);
    let summary = &run.summary.clone();
    let object = summary.as_object().expect("an object");
    let documented = "version job status exit_code table inputs bytes records written rejected retried resumed_records \
                      uncertain units workers session_starts requests rows_per_request seconds seconds_to_first_row rows_per_second latency_ms rejects_dir";
    for key in documented.split_whitespace() {
        assert!(object.contains_key(key), "{key} is not in {summary}");
    }
    let expected = serde_json::json!({
        "version": 1, "status": "done_with_rejects", "exit_code": 1, "table": keyspace.table("forms"),
        "inputs": [file], "bytes": content.len() - "id,note,n\n".len(), "records": 3, "written": 2, "rejected": 1, "retried": 0,
        "resumed_records": 0, "uncertain": 0, "units": 1, "workers": 2, "requests": 2, "dry_run": false, "message": null,
    });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&summary[key], value, "{key}");
    }
    let number =
        |value: &serde_json::Value| value.as_f64().unwrap_or_else(|| panic!("no number in {summary}"));
    // The only unit may be done before the second worker's session is open.
    assert!((1.0..=2.0).contains(&number(&summary["session_starts"]["total"])));
    assert!((1.0..=2.0).contains(&number(&summary["session_starts"]["peak_concurrent"])));
    assert!(number(&summary["seconds"]) > 0.0 && number(&summary["rows_per_second"]) > 0.0);
    assert!((0.001..=number(&summary["seconds"])).contains(&number(&summary["seconds_to_first_row"])));
    let latencies: Vec<f64> =
        ["p50", "p99", "p999", "max"].map(|key| number(&summary["latency_ms"][key])).to_vec();
    assert!(latencies[0] > 0.0 && latencies.is_sorted(), "{latencies:?}");
    let rejects = summary["rejects_dir"].as_str().expect("a directory");
    assert!(scratch.join(rejects).join("reasons.jsonl").is_file(), "{rejects}");
    assert_eq!(run.stdout, "", "standard output is for data");
    run.expect_said(&["done, with 1 reject", rejects, &keyspace.table("forms")]);
}
