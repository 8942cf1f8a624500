//! Every native type: what is loaded from a text is what the database itself makes of the CQL literal.

use std::fmt::Write;

use serde_json::Value;

use crate::support::database::Keyspace;
use crate::support::scratch::Scratch;

/// A type, and texts of it as they stand in a CSV file with the CQL literals that they must equal.
pub(crate) type Cases = (&'static str, &'static [(&'static str, &'static str)]);

pub(crate) const CASES: [Cases; 20] = [
    (
        "ascii",
        &[
            ("plain", "'plain'"),
            ("\"\"", "''"),
            (" spaced ", "' spaced '"),
            ("it's", "'it''s'"),
            ("\"a, \"\"b\"\"\r\nc\"", "'a, \"b\"\r\nc'"),
            ("\t~\u{1}\u{7f}", "'\t~\u{1}\u{7f}'"),
        ],
    ),
    (
        "bigint",
        &[
            ("0", "0"),
            ("-1", "-1"),
            ("+5", "5"),
            ("007", "7"),
            (" 42 ", "42"),
            ("\"42\"", "42"),
            ("1e3", "1000"),
            ("12.0", "12"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775807", "9223372036854775807"),
        ],
    ),
    (
        "blob",
        &[("0x", "0x"), ("\"\"", "0x"), ("0x00", "0x00"), ("0xCAFEf00d", "0xcafef00d"), ("0XfF", "0xff")],
    ),
    (
        "boolean",
        &[
            ("true", "true"),
            ("false", "false"),
            ("True", "true"),
            ("FALSE", "false"),
            ("t", "true"),
            ("n", "false"),
            ("yes", "true"),
            ("0", "false"),
            ("1", "true"),
        ],
    ),
    (
        "date",
        &[
            ("2026-01-31", "'2026-01-31'"),
            ("1970-01-01", "'1970-01-01'"),
            ("1969-12-31", "'1969-12-31'"),
            ("2024-02-29", "'2024-02-29'"),
            ("0001-01-01", "'0001-01-01'"),
            ("9999-12-31", "'9999-12-31'"),
            ("1582-10-10", "'1582-10-10'"),
            ("-5877641-06-23", "0"),
            ("5881580-07-11", "4294967295"),
        ],
    ),
    (
        "decimal",
        &[
            ("0", "0"),
            ("0.00", "0.00"),
            ("-0.5", "-0.5"),
            ("1.50", "1.50"),
            ("+1.5", "1.5"),
            (".5", "0.5"),
            ("-12.5e-3", "-12.5e-3"),
            ("1E9", "1E9"),
            ("123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789"),
            ("-99999999999999999999999999999999999999", "-99999999999999999999999999999999999999"),
            ("1e-30000", "1e-30000"),
        ],
    ),
    (
        "double",
        &[
            ("0", "0.0"),
            ("-0.0", "-0.0"),
            ("0.1", "0.1"),
            ("-1.5e-7", "-1.5e-7"),
            ("123456789012345678", "123456789012345678"),
            ("9007199254740993", "9007199254740993"),
            ("1.7976931348623157e308", "1.7976931348623157e308"),
            ("4.9e-324", "4.9e-324"),
            ("1e-400", "0.0"),
            ("NaN", "NaN"),
            ("Infinity", "Infinity"),
            ("-Infinity", "-Infinity"),
            ("-inf", "-Infinity"),
        ],
    ),
    (
        "duration",
        &[
            ("1y2mo3w4d5h6m7s8ms9us10ns", "1y2mo3w4d5h6m7s8ms9us10ns"),
            ("-1d", "-1d"),
            ("89h4m48s", "89h4m48s"),
            ("P1Y2M3DT4H5M6S", "P1Y2M3DT4H5M6S"),
            ("-P1Y", "-P1Y"),
            ("P1W", "P1W"),
            ("PT1.5S", "1s500ms"),
            ("P0001-02-03T04:05:06", "P0001-02-03T04:05:06"),
            ("0s", "0s"),
            ("1\u{b5}s", "1us"),
            ("2147483647mo2147483647d9223372036854775807ns", "2147483647mo2147483647d9223372036854775807ns"),
            (
                "-2147483647mo2147483647d9223372036854775807ns",
                "-2147483647mo2147483647d9223372036854775807ns",
            ),
        ],
    ),
    (
        "float",
        &[
            ("0", "0.0"),
            ("-0.0", "-0.0"),
            ("0.1", "0.1"),
            ("16777217", "16777217"),
            ("3.4028235e38", "3.4028235e38"),
            ("1.4e-45", "1.4e-45"),
            ("1.00000017881393432617187499", "1.00000017881393432617187499"),
            ("nan", "NaN"),
            ("Infinity", "Infinity"),
            ("-Infinity", "-Infinity"),
        ],
    ),
    (
        "inet",
        &[
            ("127.0.0.1", "'127.0.0.1'"),
            ("0.0.0.0", "'0.0.0.0'"),
            ("255.255.255.255", "'255.255.255.255'"),
            ("::", "'::'"),
            ("::1", "'::1'"),
            ("2001:db8::1", "'2001:db8::1'"),
            ("2001:0DB8:0:0:0:0:0:1", "'2001:db8::1'"),
            (" fe80::1 ", "'fe80::1'"),
        ],
    ),
    (
        "int",
        &[
            ("0", "0"),
            ("-7", "-7"),
            ("2e1", "20"),
            ("-2147483648", "-2147483648"),
            ("2147483647", "2147483647"),
        ],
    ),
    ("smallint", &[("0", "0"), ("-32768", "-32768"), ("32767", "32767"), ("1.0", "1")]),
    (
        "text",
        &[
            ("plain", "'plain'"),
            ("\"\"", "''"),
            (" spaced ", "' spaced '"),
            ("\"two\nlines, \"\"quoted\"\"\"", "'two\nlines, \"quoted\"'"),
            ("5\" pipe", "'5\" pipe'"),
            ("Größe 😀 日本語 e\u{301}", "'Größe 😀 日本語 e\u{301}'"),
            ("null", "'null'"),
            ("\u{feff}mark", "'\u{feff}mark'"),
            ("a\u{0}b", "'a\u{0}b'"),
        ],
    ),
    (
        "time",
        &[
            ("00:00", "'00:00:00'"),
            ("12:34:56", "'12:34:56'"),
            ("12:34:56.7", "'12:34:56.7'"),
            ("23:59:59.999999999", "'23:59:59.999999999'"),
            ("12:34:56.000000001", "45296000000001"),
            ("12:34:56.123456789000", "'12:34:56.123456789'"),
        ],
    ),
    (
        "timestamp",
        &[
            ("2026-01-31T12:34:56.789Z", "1769862896789"),
            ("2026-01-31 12:34:56.789", "1769862896789"),
            ("2026-01-31T12:34:56.789", "'2026-01-31T12:34:56.789Z'"),
            ("2026-01-31T12:34:56Z", "1769862896000"),
            ("2026-01-31 12:34:56", "1769862896000"),
            ("2026-01-31T12:34Z", "1769862840000"),
            ("2026-01-31 12:34", "1769862840000"),
            ("2026-01-31", "1769817600000"),
            ("2026-01-31T12:34:56.7Z", "1769862896700"),
            ("2026-01-31T12:34:56.78", "1769862896780"),
            ("\"2026-01-31T12:34:56,789Z\"", "1769862896789"),
            ("2026-01-31T12:34:56.789000Z", "1769862896789"),
            ("2026-01-31T12:34:56.789000000+00:00", "1769862896789"),
            ("2026-01-31T13:34:56.789+01:00", "'2026-01-31T13:34:56.789+0100'"),
            ("2026-01-31T13:34:56.789+0100", "1769862896789"),
            ("2026-01-31 13:34:56.789+01", "1769862896789"),
            ("2026-01-31T07:04:56.789-05:30", "1769862896789"),
            ("2026-01-31 12:34:56.789 +00:00", "1769862896789"),
            ("2026-01-31 12:34:56 UTC", "1769862896000"),
            ("2026-01-31t12:34:56z", "1769862896000"),
            ("20260131T123456Z", "1769862896000"),
            ("20260131T123456.789Z", "1769862896789"),
            ("1769862896789", "1769862896789"),
            ("-1", "-1"),
            ("0", "0"),
            ("1969-12-31T23:59:59.999Z", "-1"),
            ("2024-02-29", "1709164800000"),
            ("0001-01-01T00:00:00Z", "-62135596800000"),
            ("9999-12-31T23:59:59.999Z", "253402300799999"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775807", "9223372036854775807"),
        ],
    ),
    (
        "timeuuid",
        &[
            ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            ("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            ("f81d4fae7dec11d0a76500a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            ("00000000-0000-1000-8080-808080808080", "00000000-0000-1000-8080-808080808080"),
            ("ffffffff-ffff-1fff-bf7f-7f7f7f7f7f7f", "ffffffff-ffff-1fff-bf7f-7f7f7f7f7f7f"),
        ],
    ),
    ("tinyint", &[("0", "0"), ("-128", "-128"), ("127", "127"), ("1e2", "100")]),
    (
        "uuid",
        &[
            ("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            ("9B2F4E6A-1C3D-4E5F-8A7B-0C1D2E3F4A5B", "9b2f4e6a-1c3d-4e5f-8a7b-0c1d2e3f4a5b"),
            ("0190163d-8694-739b-aea5-966c26f8ad91", "0190163d-8694-739b-aea5-966c26f8ad91"),
        ],
    ),
    ("varchar", &[("plain", "'plain'"), ("\"\"", "''"), ("Größe 😀", "'Größe 😀'")]),
    (
        "varint",
        &[
            ("0", "0"),
            ("-1", "-1"),
            ("127", "127"),
            ("128", "128"),
            ("-128", "-128"),
            ("-129", "-129"),
            ("255", "255"),
            ("65536", "65536"),
            ("1e20", "100000000000000000000"),
            ("-18446744073709551616", "-18446744073709551616"),
            (
                "170141183460469231731687303715884105727000000000000000000000000000000000000001",
                "170141183460469231731687303715884105727000000000000000000000000000000000000001",
            ),
        ],
    ),
];

/// Every type but duration, which the server takes in no key.
fn key_types() -> impl Iterator<Item = &'static Cases> {
    CASES.iter().filter(|(name, _)| *name != "duration")
}

fn joined<T: std::borrow::Borrow<str>>(items: impl Iterator<Item = T>) -> String {
    items.collect::<Vec<T>>().join(",")
}

#[test]
fn a_text_of_every_type_becomes_what_the_database_makes_of_its_literal() {
    let columns = joined(CASES.iter().map(|(name, _)| format!("v_{name} {name}")));
    let tables =
        ["loaded", "inserted"].map(|table| format!("CREATE TABLE {table} (id int PRIMARY KEY, {columns})"));
    let Some(keyspace) = Keyspace::new(&[&tables[0], &tables[1]]) else { return };
    let scratch = Scratch::new();
    let names = joined(CASES.iter().map(|(name, _)| format!("v_{name}")));
    let mut csv = format!("id,{names}\n");
    // One row more than the longest list: nulls of every type.
    let rows = 1 + CASES.iter().map(|(_, cases)| cases.len()).max().unwrap_or(0);
    for row in 0..rows {
        let of_row = |(name, cases): &Cases| {
            cases.get(row).map(|(text, literal)| (format!("v_{name}"), *text, *literal))
        };
        let texts = CASES.iter().map(|cases| of_row(cases).map_or("", |(_, text, _)| text));
        writeln!(csv, "{row},{}", joined(texts)).unwrap();
        let given: Vec<_> = CASES.iter().filter_map(of_row).collect();
        let names: String = given.iter().map(|(name, ..)| format!(", {name}")).collect();
        let literals: String = given.iter().map(|(.., literal)| format!(", {literal}")).collect();
        keyspace.cql(&format!("INSERT INTO inserted (id{names}) VALUES ({row}{literals})"));
    }
    let file = scratch.write("types.csv", csv);
    let rows = rows as u64;
    keyspace.load(&scratch, "loaded").arg(&file).finish().expect_code(0).expect_counts(rows, rows, 0);
    // Read back, every value is the same, whether it was loaded or inserted by somebody else.
    for table in ["loaded", "inserted"] {
        let run = keyspace.verify(&scratch, table).arg(&file).finish().expect_code(0);
        assert_eq!(run.summary["verify"]["same"].as_u64(), Some(rows), "{}", run.summary);
    }

    for (name, cases) in CASES {
        let bytes = if name == "blob" { "v_blob".to_owned() } else { format!("{name}AsBlob(v_{name})") };
        let read = |table: &str| {
            let mut rows = keyspace.rows(&format!("SELECT id, v_{name}, {bytes} FROM {table}"));
            rows.sort_by_key(|row| row.columns[0].as_ref().and_then(|id| id.as_int()));
            // As text, so that NaN equals NaN.
            rows.iter().map(|row| format!("{:?}", row.columns)).collect::<Vec<_>>()
        };
        let (loaded, inserted) = (read("loaded"), read("inserted"));
        assert_eq!(loaded.len(), inserted.len(), "{name}");
        for (row, (loaded, inserted)) in loaded.iter().zip(&inserted).enumerate() {
            assert_eq!(loaded, inserted, "{name}: {:?}", cases.get(row));
            assert_eq!(inserted.contains("None"), row >= cases.len(), "{name}: {inserted}");
        }
    }
}

#[test]
fn rows_with_keys_of_every_type_are_found_by_their_literals() {
    let columns = joined(key_types().map(|(name, _)| format!("p_{name} {name}, c_{name} {name}")));
    let partition = joined(key_types().map(|(name, _)| format!("p_{name}")));
    let clustering = joined(key_types().map(|(name, _)| format!("c_{name}")));
    let table = format!("CREATE TABLE keyed ({columns}, n int, PRIMARY KEY (({partition}), {clustering}))");
    let Some(keyspace) = Keyspace::new(&[&table]) else { return };
    let scratch = Scratch::new();
    let first = |cases: &Cases| cases.1[0];
    let last = |cases: &Cases| cases.1[cases.1.len() - 1];
    let texts =
        |case: fn(&Cases) -> (&'static str, &'static str)| joined(key_types().map(|cases| case(cases).0));
    let (firsts, lasts) = (texts(first), texts(last));
    let csv = format!("n,{partition},{clustering}\n1,{lasts},{firsts}\n2,{firsts},{lasts}\n");
    let file = scratch.write("keyed.csv", csv);
    keyspace.load(&scratch, "keyed").arg(&file).finish().expect_code(0).expect_counts(2, 2, 0);
    let run = keyspace.verify(&scratch, "keyed").arg(&file).finish().expect_code(0);
    assert_eq!(run.summary["verify"]["same"].as_u64(), Some(2), "{}", run.summary);
    let literals = |prefix: &str, case: fn(&Cases) -> (&'static str, &'static str)| {
        let equal = key_types().map(|cases| format!("{prefix}_{} = {}", cases.0, case(cases).1));
        equal.collect::<Vec<_>>().join(" AND ")
    };
    let query = "SELECT n FROM keyed WHERE";
    keyspace.expect_rows(&format!("{query} {} AND {}", literals("p", last), literals("c", first)), &["1"]);
    keyspace.expect_rows(&format!("{query} {} AND {}", literals("p", first), literals("c", last)), &["2"]);
}

#[test]
fn quotes_with_nothing_in_them_are_a_value_of_texts_and_blobs_only() {
    let columns = joined(CASES.iter().map(|(name, _)| format!("v_{name} {name}")));
    let Some(keyspace) = Keyspace::new(&[&format!("CREATE TABLE quoted (id int PRIMARY KEY, {columns})")])
    else {
        return;
    };
    let scratch = Scratch::new();
    let mut csv = format!("id,{}\n", joined(CASES.iter().map(|(name, _)| format!("v_{name}"))));
    for row in 0..CASES.len() {
        let fields = (0..CASES.len()).map(|at| if at == row { "\"\"" } else { "" });
        writeln!(csv, "{row},{}", joined(fields)).unwrap();
    }
    let file = scratch.write("quoted.csv", csv);
    let run = keyspace.load(&scratch, "quoted").arg(file).finish().expect_code(1).expect_counts(20, 4, 16);
    let dir = run.summary["rejects_dir"].as_str().expect("rejects");
    let reasons = std::fs::read_to_string(scratch.join(dir).join("reasons.jsonl")).expect("reasons");
    let blamed: Vec<String> = reasons
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["column"]
                .as_str()
                .expect("a column")
                .to_owned()
        })
        .collect();
    let valued = ["ascii", "blob", "text", "varchar"];
    let expected: Vec<String> = CASES
        .iter()
        .filter(|(name, _)| !valued.contains(name))
        .map(|(name, _)| format!("v_{name}"))
        .collect();
    assert_eq!(blamed, expected);
}

#[test]
fn times_that_do_not_fit_are_rejected_or_cut_as_said() {
    const TABLE: &str = "CREATE TABLE events (id int PRIMARY KEY, at timestamp, clock time)";
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write(
        "events.csv",
        "id,at,clock\n\
         1,2026-01-31T12:34:56.789123Z,\n\
         2,1969-12-31T23:59:59.999999999Z,\n\
         3,2026-01-31T13:34:56.7899+01:00,\n\
         4,,12:34:56.1234567899\n\
         5,2026-01-31T12:34:56.789000Z,12:34:56.123456789000\n",
    );
    let read = || {
        let mut rows =
            keyspace.rows("SELECT id, bigintAsBlob(toUnixTimestamp(at)), timeAsBlob(clock) FROM events");
        rows.sort_by_key(|row| row.columns[0].as_ref().and_then(|id| id.as_int()));
        rows
    };
    let number = |value: &Option<scylla::value::CqlValue>| {
        value
            .as_ref()
            .and_then(|value| value.as_blob())
            .map(|bytes| i64::from_be_bytes(bytes[..].try_into().unwrap()))
    };
    let numbers = || -> Vec<[Option<i64>; 2]> {
        read().iter().map(|row| [number(&row.columns[1]), number(&row.columns[2])]).collect()
    };
    let exact = [Some(1_769_862_896_789), Some(45_296_123_456_789)];

    let run = keyspace.load(&scratch, "events").arg(&file).finish().expect_code(1).expect_counts(5, 1, 4);
    assert_eq!(numbers(), [exact]);
    let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
    let reasons = std::fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let told: Vec<Value> = reasons.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let columns: Vec<&str> = told.iter().map(|reason| reason["column"].as_str().unwrap()).collect();
    assert_eq!(columns, ["at", "at", "at", "clock"]);
    assert!(told.iter().all(|reason| reason["code"] == "inexact"), "{reasons}");
    assert!(
        told.iter().all(|reason| reason["message"].as_str().unwrap().contains("--timestamp-rounding")),
        "{reasons}"
    );

    keyspace
        .load(&scratch, "events")
        .args(["--timestamp-rounding", "truncate"])
        .arg(&file)
        .finish()
        .expect_code(0)
        .expect_counts(5, 5, 0);
    let truncated = Some(1_769_862_896_789);
    assert_eq!(
        numbers(),
        [[truncated, None], [Some(-1), None], [truncated, None], [None, Some(45_296_123_456_789)], exact]
    );
}
