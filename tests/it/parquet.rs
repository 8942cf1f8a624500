//! Parquet: values of every type become what the database makes of their literals, whoever wrote the file; row groups are loaded by as many workers
//! as there are and each row once, also where a load is killed; what is damaged or cannot fit is told before or instead of a wrong row.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, IntervalDayTimeArray, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde_json::Value;

use crate::support::database::Keyspace;
use crate::support::numbered::{NumberedLoad, TABLE, expect_every_row, note, rows};
use crate::support::packing::pack;
use crate::support::program::Run;
use crate::support::s3::Bucket;
use crate::support::scratch::Scratch;
use crate::support::web::{Object, WebServer};

/// Rows of a row group of most files here.
const GROUP_ROWS: u64 = 700;

/// Written by pyarrow (fixtures/parquet/write_types.py).
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/parquet").join(name)
}

/// The columns that pyarrow's file has beside its key, the types that they are loaded into, and the literals of its rows.
const TYPES: &[(&str, &str, [&str; 5])] = &[
    ("flag", "boolean", ["true", "false", "null", "true", "false"]),
    ("i8", "tinyint", ["1", "-128", "null", "127", "0"]),
    ("i16", "smallint", ["1", "-32768", "null", "32767", "0"]),
    ("i64", "bigint", ["1", "-9223372036854775808", "null", "9223372036854775807", "0"]),
    ("u8", "smallint", ["1", "255", "null", "0", "128"]),
    ("u32", "bigint", ["1", "4294967295", "null", "0", "2147483648"]),
    ("u64", "varint", ["0", "18446744073709551615", "null", "1", "9223372036854775808"]),
    ("f16", "float", ["1.5", "NaN", "null", "Infinity", "-0.0"]),
    ("f32", "float", ["0.1", "NaN", "null", "3e38", "-0.0"]),
    ("f64", "double", ["0.1", "-Infinity", "null", "1e300", "5e-324"]),
    ("wide", "double", ["0.5", "NaN", "null", "0.10000000149011612", "-0.0"]),
    ("dec", "decimal", ["1.50", "-0.01", "null", "123456789.12", "0.00"]),
    ("dec256", "decimal", ["1.50", "-0.01", "null", "123456789.12", "0.00"]),
    ("day", "date", ["'2024-02-29'", "'0001-01-01'", "null", "'9999-12-31'", "'1969-12-31'"]),
    ("clock", "time", ["'01:02:03'", "'23:59:59.999999'", "null", "'00:00:00'", "'00:00:00.000001'"]),
    ("clock_ms", "time", ["'01:02:03'", "'23:59:59'", "null", "'00:00:00'", "'00:00:00.001'"]),
    ("ts_us", "timestamp", ["1709168523004", "-62135596800000", "null", "253402214400000", "-1"]),
    ("ts_ns", "timestamp", ["1709168523004", "0", "null", "7289568000000", "-1"]),
    ("ts_day", "date", ["'2024-02-29'", "'1970-01-01'", "null", "'2200-12-31'", "'1969-12-31'"]),
    ("word", "text", ["'a'", "''", "null", "'ü,\"x\"\n'", "'null'"]),
    ("dictionary", "text", ["'x'", "'y'", "null", "'x'", "'y'"]),
    ("large", "ascii", ["'a'", "''", "null", "'b'", "'c'"]),
    ("bytes", "blob", ["0x00ff", "0x", "null", "0x61", "0x62"]),
    ("old_text", "text", ["'a'", "''", "null", "'é'", "'b'"]),
    (
        "uid",
        "uuid",
        [
            "00000000-0000-0000-0000-000000000000",
            "00000000-0000-0000-0000-000000000001",
            "null",
            "00000000-0000-0000-0000-000000000003",
            "00000000-0000-0000-0000-000000000004",
        ],
    ),
    ("ip", "inet", ["'10.0.0.1'", "'::1'", "null", "'255.255.255.255'", "'127.0.0.1'"]),
    ("items", "list<int>", ["[1, 2]", "[]", "null", "[3]", "[4, 5, 6]"]),
    ("words", "set<text>", ["{'a\"b', '\\'}", "{}", "null", "{'\n'}", "{'null'}"]),
    ("counts", "map<text, bigint>", ["{'a': 1}", "{}", "null", "{'b': 2, 'c': 3}", "{'d': 4}"]),
    ("rates", "frozen<map<int, double>>", ["{1: 1.5}", "{}", "null", "{2: 2.5, 3: NaN}", "{4: 4.0}"]),
    (
        "home",
        "frozen<addr>",
        [
            "{street: 'x', \"Number\": 1}",
            "{street: null, \"Number\": 2}",
            "null",
            "{street: 'y', \"Number\": null}",
            "{street: '', \"Number\": 3}",
        ],
    ),
    (
        "homes",
        "list<frozen<addr>>",
        [
            "[{street: 'x', \"Number\": 1}]",
            "[]",
            "null",
            "[{street: null, \"Number\": 2}]",
            "[{street: 'a', \"Number\": 3}, {street: 'b', \"Number\": 4}]",
        ],
    ),
    ("pair", "tuple<int, text>", ["(1, 'q')", "(null, 'w')", "null", "(3, null)", "(4, 'e')"]),
    ("vec", "vector<float, 3>", ["[1, 2, 3]", "[4, 5, 6]", "null", "[7, 8, 9]", "[1, 1, 1]"]),
    ("nothing", "text", ["null", "null", "null", "null", "null"]),
];

#[test]
fn values_of_every_type_become_what_their_literals_are_whether_times_have_a_zone_or_not() {
    let columns: Vec<String> = TYPES.iter().map(|(name, of, _)| format!("{name} {of}")).collect();
    let table = |name: &str| format!("CREATE TABLE {name} (id int PRIMARY KEY, {})", columns.join(", "));
    let user = "CREATE TYPE addr (street text, \"Number\" int)";
    let Some(keyspace) = Keyspace::new(&[user, &table("loaded"), &table("written")]) else { return };
    let scratch = Scratch::new();
    let run = keyspace.load(&scratch, "loaded").args(["--format", "parquet"]).arg(fixture("types.parquet"));
    run.finish().expect_code(0).expect_counts(5, 5, 0);
    for row in 0..5 {
        let set = TYPES.iter().filter(|(_, _, values)| values[row] != "null");
        let (names, values): (Vec<&str>, Vec<&str>) =
            set.map(|(name, _, values)| (*name, values[row])).unzip();
        let names: String = names.iter().map(|name| format!(", {name}")).collect();
        let values: String = values.iter().map(|value| format!(", {value}")).collect();
        keyspace.cql(&format!("INSERT INTO written (id{names}) VALUES ({}{values})", row + 1));
    }
    for (name, of, _) in TYPES {
        let cells = |table: &str| {
            let mut rows = keyspace.raw_rows(&format!("SELECT id, {name} FROM {table}"));
            rows.sort_unstable();
            rows
        };
        assert_eq!(cells("loaded"), cells("written"), "{name} as {of}");
    }
    // What was loaded is found again, and so are the times of old writers.
    let run = keyspace.verify(&scratch, "loaded").args(["--format", "parquet"]).arg(fixture("types.parquet"));
    assert_eq!(run.finish().expect_code(0).summary["verify"]["same"], 5);
    let old = keyspace.load(&scratch, "loaded").args([
        "--format",
        "parquet",
        "--allow-missing-columns",
        "--map",
        "*, ts_us = at",
    ]);
    old.arg(fixture("int96.parquet")).finish().expect_code(0).expect_counts(5, 5, 0);
    let times = |table: &str| {
        let mut rows = keyspace.raw_rows(&format!("SELECT id, ts_us FROM {table}"));
        rows.sort_unstable();
        rows
    };
    assert_eq!(times("loaded"), times("written"), "96 bits");
}

/// Writes columns, in row groups of so many rows.
fn write(scratch: &Scratch, name: &str, columns: Vec<(&str, ArrayRef)>, group_rows: u64) -> PathBuf {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length");
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group_rows as usize))
        .set_compression(Compression::ZSTD(parquet::basic::ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("written rows");
    scratch.write(name, writer.into_inner().expect("a whole file"))
}

/// The numbered records as Parquet, in several row groups.
fn numbered(scratch: &Scratch, name: &str, records: u64) -> PathBuf {
    let ids: ArrayRef = Arc::new((0..records as i64).collect::<Int64Array>());
    let notes: ArrayRef = Arc::new((0..records as i64).map(|id| Some(note(id))).collect::<StringArray>());
    write(scratch, name, vec![("ID", ids), ("note", notes)], GROUP_ROWS)
}

#[test]
fn however_the_row_groups_are_divided_every_row_arrives_and_parts_are_exact() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let records = 4 * GROUP_ROWS + 13;
    let file = numbered(&scratch, "in.parquet", records);
    let bytes = fs::metadata(&file).expect("the file").len();
    for (workers, unit_size) in [("0", "1KiB"), ("1", "16KiB"), ("2", "1KiB"), ("7", "24KiB"), ("2", "64MiB")]
    {
        keyspace.cql("TRUNCATE numbered");
        let run = keyspace
            .load(&scratch, "numbered")
            .args(["--format", "parquet", "--workers", workers, "--unit-size", unit_size])
            .arg(&file)
            .finish();
        let run = run.expect_code(0).expect_counts(records, records, 0);
        assert_eq!(run.number("bytes"), bytes, "the units add up to the file");
        assert!(run.number("units") > 4 || unit_size != "1KiB", "{unit_size}");
        expect_every_row(&keyspace, records);
    }
    for (skip, limit) in [(0, 1), (699, 2), (700, 700), (1_234, 1_500), (2_812, 9), (5_000, 9)] {
        keyspace.cql("TRUNCATE numbered");
        let part = ["--skip", &skip.to_string(), "--limit", &limit.to_string(), "--workers", "2"];
        let run = keyspace.load(&scratch, "numbered").args(["--format", "parquet", "--unit-size", "1KiB"]);
        run.args(part).arg(&file).finish().expect_code(0);
        let expected: Vec<i64> = (0..records as i64).skip(skip).take(limit).collect();
        assert_eq!(rows(&keyspace).into_keys().collect::<Vec<_>>(), expected, "{part:?}");
    }
}

#[test]
fn a_load_that_is_killed_goes_on_in_the_middle_of_a_row_group() {
    for workers in [0, 2] {
        let Some(mut load) = NumberedLoad::of(6_000) else { return };
        load.file = numbered(&load.scratch, "numbered.parquet", load.records);
        load.relay.allow_writes(3_000);
        let run = || load.run_in_units(workers, "4KiB").args(["--format", "parquet"]);
        load.kill_when_settled(run().start(), 0);
        let run = run().finish().expect_code(0).expect_counts(6_000, 6_000, 0);
        let resumed = run.number("resumed_records");
        assert!(resumed > 0 && resumed < 6_000, "{}", run.summary);
        load.expect_every_row_at_its_time();
    }
}

#[test]
fn rejected_rows_are_kept_as_csv_and_load_again() {
    let key = "CREATE TABLE keyed (id bigint PRIMARY KEY, small tinyint, note text, at timestamp)";
    let Some(keyspace) = Keyspace::new(&[key]) else { return };
    let scratch = Scratch::new();
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4), Some(5)]));
    let small: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), Some(300), None, Some(-5)]));
    let texts = vec![Some("a"), Some("b"), Some("c, \"d\"\ne"), Some(""), None];
    let notes: ArrayRef = Arc::new(StringArray::from(texts));
    let at =
        arrow_array::TimestampMicrosecondArray::from(vec![Some(0), Some(1_000), Some(2_000), Some(1), None]);
    let columns = vec![("id", ids), ("small", small), ("note", notes), ("at", Arc::new(at) as ArrayRef)];
    let file = write(&scratch, "in.parquet", columns, 2);
    let run = keyspace.load(&scratch, "keyed").args(["--format", "parquet", "--max-errors", "9"]).arg(&file);
    let run = run.finish().expect_code(1).expect_counts(5, 2, 3);
    let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
    let reasons = fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let reasons: Vec<Value> = reasons.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told = |key: &str| reasons.iter().map(|reason| reason[key].clone()).collect::<Vec<_>>();
    assert_eq!(told("record"), [2, 3, 4]);
    assert_eq!(told("code"), ["null_key", "out_of_range", "inexact"]);
    assert_eq!(told("value"), ["", "300", "1970-01-01T00:00:00.000001"]);
    let kept = dir.join("rejected-in.parquet.csv");
    let expected = "id,small,note,at\n,2,b,1970-01-01T00:00:00.001Z\n\
                    3,300,\"c, \"\"d\"\"\ne\",1970-01-01T00:00:00.002Z\n\
                    4,,\"\",1970-01-01T00:00:00.000001\n";
    let text = fs::read_to_string(&kept).expect("rejected records");
    assert_eq!(text, expected);
    fs::write(&kept, text.replace(",2,b", "2,2,b").replace("300", "30").replace("000001", "001"))
        .expect("mended");
    keyspace.load(&scratch, "keyed").arg(&kept).finish().expect_code(0).expect_counts(3, 3, 0);
    keyspace.expect_rows(
        "SELECT id, small, note FROM keyed",
        &["1, 1, 'a'", "2, 2, 'b'", "3, 30, 'c, \"d\"\ne'", "4, null, ''", "5, -5, null"],
    );
}

/// A check of these files without a cluster.
fn check(scratch: &Scratch, options: &[&str]) -> Run {
    scratch.write("numbered.cql", TABLE.replace("numbered", "ks.numbered") + ";");
    Run::new(scratch)
        .args(["check", "--progress", "none", "--schema", "numbered.cql", "--summary"])
        .arg(scratch.join("summary.json"))
        .args(options)
}

#[test]
fn what_is_no_whole_parquet_file_is_refused_with_what_to_do() {
    let scratch = Scratch::new();
    let whole = fs::read(numbered(&scratch, "in.parquet", 3 * GROUP_ROWS)).expect("the file");
    check(&scratch, &["in.parquet"])
        .finish()
        .expect_code(4)
        .expect_said(&["in.parquet: is a Parquet file: load it with --format parquet"]);
    let refused = |name: &str, bytes: &[u8], said: &str| {
        scratch.write(name, bytes);
        check(&scratch, &["--format", "parquet", name]).finish().expect_code(4).expect_said(&[name, said]);
    };
    refused("empty", b"", "is no Parquet file");
    refused("text.csv", b"id,note\n1,a\n2,b\n", "is no Parquet file");
    refused("cut", &whole[..whole.len() - 1_000], "is cut off");
    refused("secret", &[b"PARE", &whole[4..]].concat(), "is encrypted");
    refused("packed.gz", &pack("gzip", &whole), "is gzip-compressed as a whole");
    let mut lying = whole.clone();
    let end = lying.len();
    lying[end - 8..end - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    refused("lying", &lying, "what its end says of it cannot be read");
    let stdin = check(&scratch, &["--format", "parquet", "-"]);
    let run = stdin.stdin(fs::File::open(scratch.join("in.parquet")).expect("the file")).finish();
    run.expect_code(4).expect_said(&["standard input cannot be Parquet"]);
    check(&scratch, &["--format", "parquet", "--delimiter", ";", "in.parquet"])
        .finish()
        .expect_code(2)
        .expect_said(&["--delimiter with --format parquet"]);
}

#[test]
fn columns_that_never_fit_are_told_before_the_first_row_and_can_be_left_out() {
    let scratch = Scratch::new();
    let ids: ArrayRef = Arc::new((0..10).collect::<Int64Array>());
    let spans: ArrayRef = Arc::new(IntervalDayTimeArray::from(vec![None; 10]));
    let columns = vec![("id", Arc::clone(&ids)), ("note", spans), ("other", ids)];
    write(&scratch, "in.parquet", columns, 5);
    let run = check(&scratch, &["--format", "parquet", "in.parquet", "--allow-unknown-columns"]).finish();
    run.expect_code(4).expect_said(&["\"note\" is Interval", "does not go into column note text"]);
    let left_out = ["--format", "parquet", "in.parquet", "--map", "*,-note", "--allow-unknown-columns"];
    check(&scratch, &left_out).finish().expect_code(0).expect_counts(10, 10, 0);
    let by_place = ["--format", "parquet", "in.parquet", "--map", "id = #3", "--allow-missing-columns"];
    check(&scratch, &by_place).finish().expect_code(0).expect_counts(10, 10, 0);
    let named = [
        "--format",
        "parquet",
        "in.parquet",
        "--columns",
        "a,b,id",
        "--allow-unknown-columns",
        "--allow-missing-columns",
    ];
    check(&scratch, &named).finish().expect_code(0).expect_counts(10, 10, 0);
}

#[test]
fn a_damaged_row_group_is_named_and_the_rows_before_it_are_accounted_for() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let mut bytes = fs::read(numbered(&scratch, "whole.parquet", 10 * GROUP_ROWS)).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 600].fill(0xa5);
    let file = scratch.write("damaged.parquet", bytes);
    let options = ["--format", "parquet", "--workers", "1", "--unit-size", "1KiB"];
    let run = keyspace.load(&scratch, "numbered").args(options).arg(&file).finish().expect_code(4);
    let run = run.expect_said(&["damaged.parquet: row group", "cannot be read from row"]);
    let found = rows(&keyspace);
    assert!(found.iter().all(|(id, text)| *text == note(*id)), "a wrong row");
    assert!(run.number("written") <= found.len() as u64, "{}", run.summary);
    assert_eq!(run.number("records"), run.number("written") + run.number("rejected"));
}

/// The CQL that is proposed for files.
fn proposed(scratch: &Scratch, options: &[&str]) -> String {
    let run = Run::new(scratch).args(["schema", "--format", "parquet", "-t", "ks.t"]).args(options);
    run.finish().expect_code(0).stdout
}

#[test]
fn a_new_table_has_the_types_of_the_columns_and_takes_their_rows() {
    let Some(keyspace) = Keyspace::new(&[]) else { return };
    let scratch = Scratch::new();
    let file = fixture("types.parquet");
    let run = keyspace.load(&scratch, "fresh").args([
        "--format",
        "parquet",
        "--create-table",
        "--key",
        "id",
        "--progress",
        "plain",
    ]);
    let run = run.arg(&file).finish().expect_code(0).expect_counts(5, 5, 0);
    let created = [
        "id int,",
        "i8 tinyint,",
        "i64 bigint,",
        "u8 smallint,",
        "u64 varint,",
        "f16 float,",
        "f64 double,",
        "dec decimal,",
        "day date,",
        "clock time,",
        "ts_us timestamp,",
        "word text,",
        "bytes blob,",
        "uid blob,",
        "items frozen<list<int>>,",
        "rates frozen<map<int, double>>,",
        "home frozen<tuple<text, int>>, -- Struct(\"street\": Utf8, \"Number\": Int32): a tuple has",
        "homes frozen<list<frozen<tuple<text, int>>>>,",
        "nothing text,",
    ];
    run.expect_said(&created).expect_said(&["-- The types are those that the files themselves say"]);
    let verify = keyspace.verify(&scratch, "fresh").args(["--format", "parquet"]).arg(&file);
    assert_eq!(verify.finish().expect_code(0).summary["verify"]["same"], 5);
}

#[test]
fn of_values_only_nulls_and_keys_matter_to_a_new_table() {
    let scratch = Scratch::new();
    let longs: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let digits: ArrayRef = Arc::new(StringArray::from(vec!["1", "2", "3"]));
    let at: ArrayRef = Arc::new(arrow_array::TimestampMicrosecondArray::from(vec![1_000, 2_000, 2_001]));
    let columns = vec![("n", Arc::clone(&longs)), ("digits", Arc::clone(&digits)), ("at", at)];
    write(&scratch, "a.parquet", columns, 2);
    let cql = proposed(&scratch, &["--key", "n", "a.parquet"]);
    for said in [
        "    n bigint, -- null in 1 records, which a load rejects\n",
        "    digits text,\n",
        "    at timestamp, -- values finer than a millisecond: load them with --timestamp-rounding truncate\n",
    ] {
        assert!(cql.contains(said), "{said} in {cql}");
    }
    let cql = proposed(&scratch, &["--timestamp-rounding", "truncate", "a.parquet"]);
    assert!(cql.contains("at timestamp,\n") && cql.contains("PRIMARY KEY (digits)"), "{cql}");
    // A file without rows has types all the same; what is of another width is widened, and what is not alike is refused.
    let small: ArrayRef = Arc::new(arrow_array::Int16Array::from(Vec::<i16>::new()));
    let none: ArrayRef = Arc::new(StringArray::from(Vec::<&str>::new()));
    write(&scratch, "b.parquet", vec![("n", small), ("digits", none)], 2);
    let cql = proposed(&scratch, &["--key", "n", "b.parquet"]);
    assert!(cql.contains("n smallint,\n"), "{cql}");
    let cql = proposed(&scratch, &["--key", "digits", "b.parquet", "a.parquet"]);
    assert!(cql.contains("n bigint,\n"), "{cql}");
    write(&scratch, "c.parquet", vec![("n", digits)], 2);
    let spans: ArrayRef = Arc::new(IntervalDayTimeArray::from(vec![None; 3]));
    write(&scratch, "d.parquet", vec![("n", longs), ("span", spans)], 2);
    let refused = |files: &[&str], said: &[&str]| {
        let run = Run::new(&scratch).args(["schema", "--format", "parquet"]).args(files.iter().copied());
        run.finish().expect_code(4).expect_said(said);
    };
    refused(&["a.parquet", "c.parquet"], &["column \"n\" is Int64 in a.parquet, and Utf8 in c.parquet"]);
    refused(&["d.parquet"], &["its column \"span\" is Interval(DayTime), for which CQL has no type"]);
}

#[test]
fn objects_of_web_servers_are_read_in_the_ranges_that_are_wanted() {
    const RECORDS: u64 = 40_000;
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let (scratch, server) = (Scratch::new(), WebServer::start());
    let ids = || Arc::new((0..RECORDS as i64).collect::<Int64Array>()) as ArrayRef;
    let notes = (0..RECORDS as i64).map(|id| Some(note(id))).collect::<StringArray>();
    // What nobody wants is most of it, and does not get smaller.
    let waste = (0..RECORDS).map(|id| Some(blake3::hash(&id.to_le_bytes()).to_hex().to_string()));
    let columns: Vec<(&str, ArrayRef)> =
        vec![("ID", ids()), ("waste", Arc::new(waste.collect::<StringArray>())), ("note", Arc::new(notes))];
    let file = write(&scratch, "in.parquet", columns, 10_000);
    let bytes = fs::read(&file).expect("the file");
    let url = server.put("/in.parquet", Object::of(bytes.clone()));
    for workers in ["0", "1", "2"] {
        keyspace.cql("TRUNCATE numbered");
        server.forget_requests();
        let run = keyspace.load(&scratch, "numbered").args(["--format", "parquet", "--workers", workers]);
        let run = run.args(["--unit-size", "100KiB", "--allow-unknown-columns"]).arg(&url);
        let run = run.finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
        assert!(run.number("units") >= 4, "{}", run.summary);
        expect_every_row(&keyspace, RECORDS);
        let requests = server.requests();
        assert!(requests.iter().skip(1).all(|request| request.if_match.is_some()), "{requests:?}");
        let asked = requests.iter().map(|request| request.range.clone().expect("a range"));
        let asked: u64 = asked.map(|range| range.end.min(bytes.len() as u64) - range.start).sum();
        assert!(asked < bytes.len() as u64, "{asked} of {}: {requests:?}", bytes.len());
    }
    let check_at = |options: &[&str]| {
        let options = [&["--format", "parquet", "--allow-unknown-columns"], options].concat();
        check(&scratch, &options).env("RINGLOAD_REMOTE_TIMEOUT", "20s")
    };
    // All of it, over a connection that breaks.
    let put = |path: &str, change: &dyn Fn(&mut Object)| {
        let mut object = Object::of(bytes.clone());
        change(&mut object);
        server.put(path, object)
    };
    let breaking = put("/breaking.parquet", &|object| object.breaks = (3, 40_000));
    check_at(&[&breaking]).finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    let other = || Box::new(Object::of(vec![0; bytes.len()]));
    let replaced = put("/replaced.parquet", &|object| object.replaced = Some((4, other())));
    check_at(&[&replaced])
        .finish()
        .expect_code(4)
        .expect_said(&["the object has changed since the load began"]);
    let whole_only = put("/whole.parquet", &|object| object.ranges = false);
    check_at(&[&whole_only])
        .finish()
        .expect_code(4)
        .expect_said(&["does not send parts of it (no range requests)"]);
    let cut = server.put("/cut.parquet", Object::of(&bytes[..bytes.len() - 100]));
    check_at(&[&cut])
        .finish()
        .expect_code(4)
        .expect_said(&["cut.parquet: does not end as a Parquet file does"]);
    let schema = proposed(&scratch, &["--key", "id", &url]);
    assert!(schema.contains("id bigint,\n") && schema.contains("waste text,\n"), "{schema}");
}

#[test]
fn a_load_from_s3_that_is_killed_goes_on_in_its_row_groups() {
    let (Some(mut load), Some(bucket)) = (NumberedLoad::of(6_000), Bucket::new()) else { return };
    let file = numbered(&load.scratch, "numbered.parquet", load.records);
    load.file = bucket.put("in.parquet", fs::read(file).expect("the file")).into();
    let run = || bucket.reached_by(load.run_in_units(2, "4KiB").args(["--format", "parquet"]));
    load.relay.allow_writes(3_000);
    load.kill_when_settled(run().start(), 0);
    let run = run().finish().expect_code(0).expect_counts(6_000, 6_000, 0);
    assert!(run.number("resumed_records") > 0, "{}", run.summary);
    load.expect_every_row_at_its_time();
}
