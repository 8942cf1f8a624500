//! Bad records: each is told with its place and reason, its neighbours are written, and what was rejected loads again once it is
//! mended. Also what stops a load: the error budget, quotes that never close, inputs that change.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::database::Keyspace;
use crate::support::program::{Finished, wait_until};
use crate::support::scratch::Scratch;

/// A record of a test's file.
struct Record {
    raw: Vec<u8>,
    /// Column and code, where it is bad.
    fault: Option<(Option<&'static str>, &'static str)>,
    /// What mends its bytes.
    mended: Vec<u8>,
}

/// A file in the making.
#[derive(Default)]
struct BadFile {
    header: Vec<u8>,
    records: Vec<Record>,
}

impl BadFile {
    fn new(header: &str) -> BadFile {
        BadFile { header: header.into(), records: Vec::new() }
    }

    fn good(&mut self, raw: &str) {
        self.records.push(Record { raw: raw.into(), fault: None, mended: raw.into() });
    }

    /// A record that is rejected because of `column` with `code`, and what it should have been.
    fn bad(
        &mut self,
        raw: impl Into<Vec<u8>>,
        column: Option<&'static str>,
        code: &'static str,
        mended: impl Into<Vec<u8>>,
    ) {
        self.records.push(Record { raw: raw.into(), fault: Some((column, code)), mended: mended.into() });
    }

    fn bytes(&self) -> Vec<u8> {
        self.records.iter().fold(self.header.clone(), |bytes, record| [bytes, record.raw.clone()].concat())
    }

    fn count_bad(&self) -> u64 {
        self.records.iter().filter(|record| record.fault.is_some()).count() as u64
    }

    /// The places and codes that must be told of `path`.
    fn reasons(&self, path: &Path) -> Vec<Value> {
        let mut reasons = Vec::new();
        let mut before = self.header.clone();
        for (record, number) in self.records.iter().zip(1..) {
            if let Some((column, code)) = record.fault {
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                reasons.push(json!({
                    "file": path, "line": line, "offset": before.len(), "bytes": record.raw.len(), "record": number,
                    "column": column, "code": code,
                }));
            }
            before.extend_from_slice(&record.raw);
        }
        reasons
    }

    /// The rejected records as they were and mended, each under the header.
    fn rejected(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut raw, mut mended) = (self.header.clone(), self.header.clone());
        for record in self.records.iter().filter(|record| record.fault.is_some()) {
            raw.extend_from_slice(&record.raw);
            mended.extend_from_slice(&record.mended);
        }
        (raw, mended)
    }
}

/// The directory of a run's rejects.
fn rejects_dir(scratch: &Scratch, run: &Finished) -> PathBuf {
    scratch
        .join(run.summary["rejects_dir"].as_str().unwrap_or_else(|| panic!("no rejects in {}", run.summary)))
}

/// The reasons that a run told, in the records' order.
fn told(scratch: &Scratch, run: &Finished) -> Vec<Value> {
    let text = fs::read_to_string(rejects_dir(scratch, run).join("reasons.jsonl")).expect("reasons");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

const THINGS: &str = "CREATE TABLE things (part text, seq int, note text, n smallint, ok boolean, at timestamp, id uuid, \
                      tag ascii, raw blob, addr inet, span duration, day date, clock time, amount decimal, \
                      PRIMARY KEY (part, seq))";
const THINGS_HEADER: &str = "part,seq,note,n,ok,at,id,tag,raw,addr,span,day,clock,amount\n";
const FIELDS: [&str; 14] =
    ["part", "seq", "note", "n", "ok", "at", "id", "tag", "raw", "addr", "span", "day", "clock", "amount"];

/// A record of `things` with this key and `fields` filled.
fn thing(part: &[u8], seq: &str, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let field = |name: &str| match name {
        "part" => part,
        "seq" => seq.as_bytes(),
        _ => fields.iter().find(|(of, _)| *of == name).map_or(&b""[..], |(_, text)| text),
    };
    let mut raw = FIELDS.map(field).join(&b',');
    raw.push(b'\n');
    raw
}

/// A file of all kinds of bad records among good ones.
fn bad_things() -> BadFile {
    let mut file = BadFile::new(THINGS_HEADER);
    let mut seq = 0;
    let mut next = || {
        seq += 1;
        seq.to_string()
    };
    let good = |file: &mut BadFile, seq: String| {
        let raw = thing(b"p", &seq, &[("note", b"\"good,\n \"\"quoted\"\"\nlines\""), ("n", b"7")]);
        file.good(std::str::from_utf8(&raw).unwrap());
    };
    good(&mut file, next());
    let large = vec![b'k'; 70_000];
    let key = next();
    file.bad(thing(b"", &key, &[]), Some("part"), "null_key", thing(b"p", &key, &[]));
    let key = next();
    file.bad(
        thing(b"p", "", &[("note", b"x")]),
        Some("seq"),
        "null_key",
        thing(b"p", &key, &[("note", b"x")]),
    );
    let key = next();
    file.bad(thing(b"\"\"", &key, &[]), Some("part"), "empty_key", thing(b"p", &key, &[]));
    good(&mut file, next());
    let key = next();
    file.bad(thing(&large, &key, &[]), Some("part"), "key_too_large", thing(b"p", &key, &[]));
    for (raw, mended) in
        [("p,SEQ\n", "p,SEQ,,,,,,,,,,,,\n"), ("p,SEQ,a,b,,,,,,,,,,,,\n", "p,SEQ,a,,,,,,,,,,,\n")]
    {
        let key = next();
        file.bad(raw.replace("SEQ", &key), None, "field_count", mended.replace("SEQ", &key));
    }
    let fields: [(&'static str, &[u8], &'static str, &[u8]); 22] = [
        ("note", b"caf\xe9", "invalid_utf8", "café".as_bytes()),
        ("note", b"\"two\nlines \xff\"", "invalid_utf8", b"\"two\nlines\""),
        ("tag", "Größe".as_bytes(), "invalid_ascii", b"Groesse"),
        ("n", b"seven", "invalid_number", b"7"),
        ("n", b"\"\"", "invalid_number", b""),
        ("n", b"40000", "out_of_range", b"4000"),
        ("n", b"1.5", "inexact", b"1"),
        ("ok", b"maybe", "invalid_boolean", b"yes"),
        ("at", b"31.01.2026", "invalid_timestamp", b"2026-01-31"),
        ("at", b"2026-02-30T00:00:00Z", "invalid_timestamp", b"2026-02-28"),
        ("at", b"2026-01-31T10:00:00.123456Z", "inexact", b"2026-01-31T10:00:00.123Z"),
        ("id", b"1234", "invalid_uuid", b"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ("raw", b"cafe", "invalid_blob", b"0xcafe"),
        ("raw", b"0xabc", "invalid_blob", b"0x0abc"),
        ("addr", b"10.0.0.256", "invalid_inet", b"10.0.0.25"),
        ("addr", b"localhost", "invalid_inet", b"127.0.0.1"),
        ("span", b"soon", "invalid_duration", b"1d"),
        ("day", b"2026-13-01", "invalid_date", b"2026-12-01"),
        ("day", b"9999999-01-01", "out_of_range", b"9999-01-01"),
        ("clock", b"25:00", "invalid_time", b"23:00"),
        ("amount", b"1,5", "field_count", b"1.5"),
        ("amount", b"1e99999999999", "out_of_range", b"1e9"),
    ];
    for (column, text, code, mended) in fields {
        let key = next();
        let blamed = (code != "field_count").then_some(column);
        file.bad(thing(b"p", &key, &[(column, text)]), blamed, code, thing(b"p", &key, &[(column, mended)]));
        good(&mut file, next());
    }
    file
}

/// Loads a file with bad records; returns the run and its scratch folder.
#[track_caller]
fn check_rejects(
    keyspace: &Keyspace,
    table: &str,
    name: &str,
    file: &BadFile,
    options: &[&str],
) -> (Scratch, Finished) {
    let scratch = Scratch::new();
    let path = scratch.write(name, file.bytes());
    let (records, bad) = (file.records.len() as u64, file.count_bad());
    let run = keyspace.load(&scratch, table).args(options).arg(&path).finish().expect_code(1).expect_counts(
        records,
        records - bad,
        bad,
    );
    let mut told = told(&scratch, &run);
    for reason in &mut told {
        let reason = reason.as_object_mut().expect("an object");
        let message = reason.remove("message").unwrap_or_default();
        assert!(message.as_str().is_some_and(|message| message.len() > 20), "{message}");
        let has_value = reason.remove("value").is_some_and(|value| !value.is_null());
        assert_eq!(has_value, !reason["column"].is_null(), "a value for each column");
    }
    assert_eq!(told, file.reasons(&path));
    (scratch, run)
}

#[test]
fn bad_records_of_every_kind_are_rejected_one_by_one_and_load_again_mended() {
    let Some(keyspace) = Keyspace::new(&[THINGS]) else { return };
    let file = bad_things();
    let (scratch, run) = check_rejects(&keyspace, "things", "things.csv", &file, &[]);
    let good: Vec<String> = (file.records.iter().zip(1..))
        .filter(|(record, _)| record.fault.is_none())
        .map(|(_, seq)| format!("'p', {seq}, 'good,\n \"quoted\"\nlines', 7"))
        .collect();
    keyspace.expect_rows("SELECT part, seq, note, n FROM things", &good);

    let dir = rejects_dir(&scratch, &run);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let rejected = dir.join("rejected-things.csv");
    assert_eq!([&dir, &rejected, &dir.join("reasons.jsonl")].map(|path| mode(path)), [0o700, 0o600, 0o600]);
    assert_eq!(fs::read_dir(&dir).expect("a directory").count(), 2, "nothing else is left there");
    let (raw, mended) = file.rejected();
    assert!(fs::read(&rejected).expect("rejected records") == raw, "the original bytes, header included");

    fs::write(&rejected, mended).expect("it can be written");
    let count = file.count_bad();
    keyspace.load(&scratch, "things").arg(rejected).finish().expect_code(0).expect_counts(count, count, 0);
    let all: Vec<String> = (1..=file.records.len()).map(|seq| format!("'p', {seq}")).collect();
    keyspace.expect_rows("SELECT part, seq FROM things", &all);
}

#[test]
fn rejects_are_found_where_they_are_whatever_the_workers_and_units() {
    let Some(keyspace) = Keyspace::new(&[THINGS]) else { return };
    let mut file = BadFile::new(THINGS_HEADER);
    for _ in 0..8 {
        let mut more = bad_things();
        file.records.append(&mut more.records);
    }
    let options = ["--max-errors", "100%", "--workers"];
    check_rejects(&keyspace, "things", "a.csv", &file, &[&options[..], &["0", "--threads", "3"]].concat());
    check_rejects(
        &keyspace,
        "things",
        "a.csv",
        &file,
        &[&options[..], &["4", "--unit-size", "2KiB"]].concat(),
    );
    check_rejects(
        &keyspace,
        "things",
        "a.csv",
        &file,
        &[&options[..], &["2", "--unit-size", "1KiB"]].concat(),
    );
    check_rejects(&keyspace, "things", "a.csv", &file, &[&options[..], &["0", "--dry-run"]].concat());
}

#[test]
fn rejects_that_cannot_be_written_end_the_load_and_say_where() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let scratch = Scratch::new();
    scratch.write("taken", "a file where a folder should be");
    let file = scratch.write("numbers.csv", numbers(10, |id| id == 9));
    for workers in ["0", "2"] {
        let run = keyspace
            .load(&scratch, "numbers")
            .args(["--rejects", "taken/here", "--workers", workers])
            .arg(&file)
            .finish()
            .expect_code(4)
            .expect_said(&["cannot write the reject file taken/here/", "--rejects"]);
        assert_eq!((&run.summary["status"], run.number("rejected")), (&json!("failed"), 0));
    }
}

const NUMBERS: &str = "CREATE TABLE numbers (id int PRIMARY KEY, n int)";

#[test]
fn offsets_and_lines_are_right_in_files_of_other_forms() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE forms (id int PRIMARY KEY, note text)"]) else {
        return;
    };
    let check = |content: &str, options: &[&str], bad: &str, line: u64, record: u64| {
        let scratch = Scratch::new();
        let path = scratch.write("forms.csv", content);
        let run = keyspace.load(&scratch, "forms").args(options).arg(path).finish().expect_code(1);
        let told = told(&scratch, &run);
        let [reason] = &told[..] else { panic!("{told:?}") };
        let offset = reason["offset"].as_u64().expect("a number") as usize;
        assert!(content[offset..].starts_with(bad), "{content:?} at {offset}: {:?}", &content[offset..]);
        assert_eq!((&reason["line"], &reason["record"]), (&json!(line), &json!(record)), "{content:?}");
        let rejected =
            fs::read_to_string(rejects_dir(&scratch, &run).join("rejected-forms.csv")).expect("text");
        let header =
            if options.contains(&"--no-header") { "" } else { &content[content.find("id").unwrap()..] };
        let header = header.split_inclusive(['\r', '\n']).next().unwrap_or_default();
        assert!(rejected.starts_with(header), "{rejected:?}");
        assert!(rejected.ends_with(&format!("{bad}\n")) || rejected.ends_with(bad), "{rejected:?}");
    };
    check("id,note\nx,a\n", &[], "x,a\n", 2, 1);
    check("id,note\n1,a\nx,a", &[], "x,a", 3, 2);
    check("id,note\r\n1,\"a\r\n\r\nb\"\r\nx,a\r\n3,c\r\n", &[], "x,a\r\n", 5, 2);
    check("\u{feff}id,note\n1,\"a\nb\"\nx,\"a\nb\"\n", &[], "x,\"a\nb\"\n", 4, 2);
    check("\u{feff}x,a\n1,b\n", &["--no-header", "--columns", "id,note"], "x,a\n", 1, 1);
    check("\n\nid,note\n\n1,a\n\n\nx,a\n\n3,b\n", &[], "x,a\n", 8, 2);
    check("#1\nid,note\n#2\n1,a\n#3 \"\n#4\nx,#a\n#5\n", &["--comment", "#"], "x,#a\n", 7, 2);
    check("id,note\r1,a\rx,a\r3,b\r", &[], "x,a\r", 1, 2);
    check("id;note\n1;'a\n'\nx;'a'\n", &["--delimiter", ";", "--quote", "'"], "x;'a'\n", 4, 2);
}

#[test]
fn every_input_file_has_its_rejects_in_a_file_of_its_own() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let scratch = Scratch::new();
    fs::create_dir(scratch.join("more")).expect("a folder");
    let files = [
        ("in.csv", "id,n\n1,1\n2,x\n"),
        ("good.csv", "id,n\n3,3\n"),
        ("more/in.csv", "n,id\r\n4,4\r\ny,5\r\n"),
    ]
    .map(|(name, content)| scratch.write(name, content));
    let rejects = scratch.join("out/here");
    let run = keyspace.load(&scratch, "numbers").arg("--rejects").arg(&rejects).args(&files).finish();
    let run = run.expect_code(1).expect_counts(5, 3, 2);
    let dir = rejects_dir(&scratch, &run);
    assert!(dir.starts_with(&rejects), "{}", dir.display());
    let mut names: Vec<_> =
        fs::read_dir(&dir).expect("a directory").map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["reasons.jsonl", "rejected-0001-in.csv", "rejected-0003-in.csv"]);
    let text = |name: &str| fs::read_to_string(dir.join(name)).expect("a text");
    assert_eq!(text("rejected-0001-in.csv"), "id,n\n2,x\n");
    assert_eq!(text("rejected-0003-in.csv"), "n,id\r\ny,5\r\n");
    let of: Vec<Value> = told(&scratch, &run).iter().map(|reason| reason["file"].clone()).collect();
    assert_eq!(of, [json!(files[0]), json!(files[2])]);
    // A second run keeps away from what the first has left.
    let run = keyspace.load(&scratch, "numbers").arg("--rejects").arg(&rejects).arg(&files[0]).finish();
    let second = rejects_dir(&scratch, &run.expect_code(1));
    assert_ne!(dir, second);
    assert_eq!(text("rejected-0001-in.csv"), "id,n\n2,x\n");
}

#[test]
fn without_rejects_there_is_no_directory_for_them() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("numbers.csv", "id,n\n1,1\n");
    for rejects in [&[][..], &["--rejects", "out"]] {
        let run = keyspace.load(&scratch, "numbers").args(rejects).arg(&file).finish().expect_code(0);
        assert_eq!(run.summary["rejects_dir"], Value::Null);
        let left: Vec<_> =
            fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(
            left.iter()
                .all(|name| ["numbers.csv", "summary.json", "state"].iter().any(|known| name == known)),
            "{left:?}"
        );
    }
}

#[test]
fn a_row_that_only_the_server_refuses_is_rejected_and_its_neighbours_are_written() {
    const TABLE: &str = "CREATE TABLE indexed (id int PRIMARY KEY, note text)";
    let Some(keyspace) = Keyspace::new(&[TABLE, "CREATE INDEX ON indexed (note)"]) else { return };
    let scratch = Scratch::new();
    // An index holds no value of 64 KiB.
    let large = "x".repeat(70_000);
    let file = scratch.write("indexed.csv", format!("id,note\n1,a\n2,{large}\n3,c\n"));
    for workers in ["0", "1"] {
        let run = keyspace.load(&scratch, "indexed").args(["--workers", workers]).arg(&file).finish();
        let run = run.expect_code(1).expect_counts(3, 2, 1);
        let told = told(&scratch, &run);
        assert_eq!((&told[0]["code"], &told[0]["line"]), (&json!("refused_by_server"), &json!(3)));
        assert!(told[0]["message"].as_str().unwrap().contains("70000"), "{}", told[0]);
    }
    keyspace.expect_rows("SELECT id, note FROM indexed", &["1, 'a'", "3, 'c'"]);
}

#[test]
fn a_row_over_the_servers_limit_is_rejected_before_it_is_sent() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE notes (id int PRIMARY KEY, note text)"]) else {
        return;
    };
    let mut file = BadFile::new("id,note\n");
    file.good("1,a\n");
    file.bad(format!("2,{}\n", "x".repeat((15 << 20) + 1)), Some("note"), "value_too_large", "2,x\n");
    file.good("3,c\n");
    let (scratch, run) = check_rejects(&keyspace, "notes", "notes.csv", &file, &["--batch", "off"]);
    assert_eq!(run.number("requests"), 2, "the large row was not sent");
    let value = told(&scratch, &run)[0]["value"].as_str().unwrap().len();
    assert!(value <= 1_000, "the reason repeats {value} bytes of the value");
    keyspace.expect_rows("SELECT id, note FROM notes", &["1, 'a'", "3, 'c'"]);
}

/// A file of `records` records, of which each with a number that `is_bad` is bad.
fn numbers(records: usize, is_bad: impl Fn(usize) -> bool) -> String {
    let mut csv = String::from("id,n\n");
    for id in 0..records {
        csv += &format!("{id},{}\n", if is_bad(id) { "bad" } else { "1" });
    }
    csv
}

#[test]
fn the_error_budget_decides_whether_a_load_goes_on() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let check = |budget: &str, workers: &str, csv: &str, code: i32| {
        let scratch = Scratch::new();
        let file = scratch.write("numbers.csv", csv);
        let options = ["--max-errors", budget, "--workers", workers, "--unit-size", "4KiB"];
        let run = keyspace.load(&scratch, "numbers").args(options).arg(file).finish().expect_code(code);
        if code != 3 {
            return;
        }
        assert_eq!(run.summary["status"], "too_many_errors");
        assert_eq!(told(&scratch, &run).len() as u64, run.number("rejected"), "{}", run.summary);
        run.expect_said(&["too many errors", "--max-errors", budget, "ringload-rejects"]);
    };
    let (tenth, few) = (numbers(3_000, |id| id % 10 == 5), numbers(3_000, |id| id % 1_000 == 999));
    for workers in ["0", "3"] {
        check("3", workers, &tenth, 3);
        check("3", workers, &few, 1);
        check("2", workers, &few, 3);
        check("0", workers, &few, 3);
        check("0", workers, &numbers(50, |_| false), 0);
        check("50%", workers, &numbers(3_000, |id| id % 5 < 3), 3);
        check("50%", workers, &numbers(3_000, |id| id % 5 < 2), 1);
    }
    // A percentage is judged at the end, however few the records are.
    check("1%", "0", &numbers(99, |id| id == 50), 3);
    check("1%", "0", &numbers(100, |id| id == 50), 1);
    check("0%", "0", &numbers(100, |id| id == 50), 3);
    check("100%", "0", &numbers(100, |_| true), 1);
}

#[test]
fn a_share_of_bad_records_below_the_budget_never_stops_a_load() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let scratch = Scratch::new();
    // Rejects are known at once and writes only when they are acknowledged: the share must not be taken of the writes so far.
    let file = scratch.write("numbers.csv", numbers(12_000, |id| id % 125 == 99));
    keyspace
        .load(&scratch, "numbers")
        .args(["--max-errors", "1%", "--workers", "0", "--in-flight", "4"])
        .arg(file)
        .finish()
        .expect_code(1)
        .expect_counts(12_000, 11_904, 96);
}

#[test]
fn a_quote_that_never_closes_ends_the_load_and_names_its_line() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE notes (id int PRIMARY KEY, note text)"]) else {
        return;
    };
    let check = |content: String, options: &[&str], said: &[&str]| {
        let scratch = Scratch::new();
        let file = scratch.write("quotes.csv", content);
        let run = keyspace.load(&scratch, "notes").args(options).arg(file).finish().expect_code(4);
        assert_eq!(run.summary.get("exit_code").unwrap_or(&json!(4)), 4);
        run.expect_said(&["quotes.csv, line "]).expect_said(said);
    };
    let more: String = (3..3_000).map(|id| format!("{id},plain\n")).collect();
    check(
        format!("id,note\n1,\"two\nlines\"\n2,\"open\n{more}"),
        &[],
        &["line 4: the quote opened here never closes"],
    );
    check(format!("id,note\n{more}2,\"open"), &["--workers", "2"], &["line 2999: the quote", "--quote none"]);
    check(format!("id,\"note\n{more}"), &[], &["line 1: the quote opened here never closes"]);
    let limit = ["--max-record-size", "1KiB"];
    check(
        format!("id,note\n1,a\n2,\"open\n{more}"),
        &limit,
        &["line 3: the quote", "1024 bytes", "--max-record-size"],
    );
    let long = "x".repeat(2_000);
    check(
        format!("id,note\n1,a\n2,{long}\n3,b\n"),
        &limit,
        &["line 3: the record", "longer than 1024 bytes"],
    );
}

#[test]
fn a_file_that_changes_while_it_is_loaded_ends_the_load_and_is_named() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    type Change = fn(&Path);
    let changes: [(&str, Change); 2] = [
        ("0", |path| fs::write(path, "id,n\n1,1\n").expect("the file can be written")),
        ("2", |path| {
            fs::OpenOptions::new()
                .append(true)
                .open(path)
                .and_then(|mut file| std::io::Write::write_all(&mut file, b"1,1\n"))
                .expect("the file can be written")
        }),
    ];
    for (workers, change) in changes {
        let scratch = Scratch::new();
        // One request at a time: the load takes many times longer than the change.
        let path = scratch.write("changing.csv", numbers(200_000, |_| false));
        let run = keyspace
            .load(&scratch, "numbers")
            .args(["--workers", workers, "--in-flight", "1", "--unit-size", "16KiB"])
            .arg(&path)
            .start();
        wait_until("the first row is there", || !keyspace.rows("SELECT id FROM numbers LIMIT 1").is_empty());
        change(&path);
        let run = run.finish().expect_code(4).expect_said(&["changing.csv", "changed"]);
        assert_eq!(run.summary["status"], "failed");
        assert!(run.number("written") < 200_000);
        keyspace.cql("TRUNCATE numbers");
    }
}
