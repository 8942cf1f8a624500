//! Every type in every notation and form: what is loaded from a text, by itself and within other values, is what the database itself
//! makes of the CQL literal, byte for byte and as JSON. Also what is said of texts that are not in their form.

use std::fmt::Write;

use serde_json::Value;

use crate::support::database::Keyspace;
use crate::support::program::Finished;
use crate::support::scratch::Scratch;
use crate::types::CASES;

/// A type, a text of it, and the CQL literal that it must equal.
type Case<'a> = (&'a str, &'a str, &'a str);

/// The types of the columns that a type is tried in, and the notations of their values: JSON, CQL with texts in quotes, and CQL as
/// literals are. `T` is the type; `Q` its text as a JSON string, `C` as a CQL string, `L` the literal.
const CONTAINERS: [(&str, &str, [&str; 3]); 7] = [
    ("l", "frozen<list<T>>", ["[Q, Q]", "['C','C']", "[L, L]"]),
    ("s", "set<T>", ["[Q]", "{'C'}", "{L}"]),
    ("m", "map<T, T>", ["{Q: Q}", "{'C': 'C'}", "{L: L}"]),
    ("p", "map<int, frozen<map<text, T>>>", ["[[1, {\"k\": Q}]]", "{1: {'k': 'C'}}", "{1: {'k': L}}"]),
    ("t", "tuple<int, T>", ["[null, Q]", "(null, 'C')", "(null, L)"]),
    ("x", "vector<T, 2>", ["[Q, Q]", "['C', 'C']", "[L, L]"]),
    ("u", "u_T", ["{\"v\": Q}", "{v: 'C'}", "{v: L}"]),
];

/// Whether a type may be in a container: the server takes a duration in no set and in no key.
fn is_allowed(cql_type: &str, container: &str) -> bool {
    cql_type != "duration" || !matches!(container, "s" | "m")
}

/// Whether the literal of a case is one that a cell may hold too: the database also has dates and times as numbers, and functions.
fn is_notation(cql_type: &str, literal: &str) -> bool {
    let is_number = !literal.starts_with('\'');
    let is_function = literal.contains('(');
    !(is_function || is_number && matches!(cql_type, "date" | "time"))
}

/// A text as it stands in a CSV file, without its quotes.
fn unquoted(text: &str) -> String {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// `pattern` with a case in it.
fn filled(pattern: &str, (cql_type, text, literal): Case<'_>) -> String {
    let json = serde_json::to_string(text).unwrap();
    let cql = text.replace('\'', "''");
    let mut filled = String::new();
    for character in pattern.chars() {
        match character {
            'T' => filled += cql_type,
            'Q' => filled += &json,
            'C' => filled += &cql,
            'L' => filled += literal,
            other => filled.push(other),
        }
    }
    filled
}

/// A keyspace with the tables `loaded` and `inserted`, that have a column for each of these types, and one for each container of it.
fn keyspace(types: &[&str]) -> Option<Keyspace> {
    let user_types: Vec<String> = types.iter().map(|of| format!("CREATE TYPE u_{of} (v {of})")).collect();
    let tables = ["loaded", "inserted"].map(|table| {
        let mut columns = String::new();
        for of in types {
            write!(columns, ", {of}_v {of}").unwrap();
            for (name, pattern, _) in CONTAINERS.iter().filter(|(name, ..)| is_allowed(of, name)) {
                write!(columns, ", {of}_{name} {}", filled(pattern, (of, "", ""))).unwrap();
            }
        }
        format!("CREATE TABLE {table} (id int PRIMARY KEY{columns})")
    });
    let statements: Vec<&str> = user_types.iter().chain(&tables).map(String::as_str).collect();
    Keyspace::new(&statements)
}

/// The columns of a type, with the cells of a row in one of the notations, and the literals.
fn cells(case: Case<'_>, notation: usize) -> Vec<(String, String, String)> {
    let (of, text, literal) = case;
    let by_itself = (format!("{of}_v"), text.to_owned(), literal.to_owned());
    let within = CONTAINERS.iter().filter(|(name, ..)| is_allowed(of, name)).map(|(name, _, notations)| {
        (format!("{of}_{name}"), filled(notations[notation], case), filled(notations[2], case))
    });
    std::iter::once(by_itself).chain(within).collect()
}

/// Loads all cases in all notations with these options, and compares each cell with what is inserted.
fn check(keyspace: &Keyspace, options: &[&str], cases: &[Case<'_>], first_id: usize) -> usize {
    let scratch = Scratch::new();
    let mut types: Vec<&str> = cases.iter().map(|case| case.0).collect();
    types.dedup();
    let header: Vec<String> =
        types.iter().flat_map(|of| cells((of, "", ""), 0)).map(|(column, ..)| column).collect();
    let mut csv = format!("id,{}\n", header.join(","));
    let mut rows = Vec::new();
    for case in cases {
        // Only what stands without quotes is a literal whatever the options say.
        let is_literal = is_notation(case.0, case.2) && (options.is_empty() || !case.2.starts_with('\''));
        for notation in (0..3).filter(|notation| *notation < 2 || is_literal) {
            let (id, cells) = (first_id + rows.len(), cells(*case, notation));
            write!(csv, "{id}").unwrap();
            for column in &header {
                let cell = cells.iter().find(|(name, ..)| name == column);
                write!(csv, ",{}", cell.map_or(String::new(), |(_, text, _)| quoted(text))).unwrap();
            }
            csv.push('\n');
            let names: String = cells.iter().map(|(name, ..)| format!(", {name}")).collect();
            let literals: String = cells.iter().map(|(.., literal)| format!(", {literal}")).collect();
            keyspace.cql(&format!("INSERT INTO inserted (id{names}) VALUES ({id}{literals})"));
            rows.push((*case, notation, names));
        }
    }
    let file = scratch.write("cells.csv", csv);
    let count = rows.len() as u64;
    let options = [options, &["--allow-missing-columns"]].concat();
    let run = keyspace.load(&scratch, "loaded").args(&options).arg(&file).finish();
    assert_eq!(run.code, Some(0), "{options:?}: {}\n{}", run.stderr, reasons(&run, &scratch));
    run.expect_counts(count, count, 0);
    for table in ["loaded", "inserted"] {
        let run = keyspace.verify(&scratch, table).args(&options).arg(&file).finish().expect_code(0);
        assert_eq!(run.summary["verify"]["same"].as_u64(), Some(count), "{table}: {}", run.summary);
    }
    for (at, (case, notation, names)) in rows.iter().enumerate() {
        let id = first_id + at;
        for json in ["", "JSON "] {
            let read = |table: &str| {
                keyspace.raw_rows(&format!("SELECT {json}id{names} FROM {table} WHERE id = {id}")).remove(0)
            };
            assert_eq!(read("loaded"), read("inserted"), "{case:?} in notation {notation} with {options:?}");
        }
    }
    first_id + rows.len()
}

/// What the rejects of a run are told of.
fn reasons(run: &Finished, scratch: &Scratch) -> String {
    let dir = run.summary["rejects_dir"].as_str().map(|dir| scratch.join(dir).join("reasons.jsonl"));
    dir.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default()
}

#[test]
fn every_type_within_every_other_is_what_the_database_makes_of_its_literal_in_both_notations() {
    let types: Vec<&str> = CASES.iter().map(|(name, _)| *name).collect();
    let Some(keyspace) = keyspace(&types) else { return };
    let cases: Vec<(&str, String, &str)> = CASES
        .iter()
        .flat_map(|(of, cases)| cases.iter().map(move |(text, literal)| (*of, unquoted(text), *literal)))
        .collect();
    let cases: Vec<Case<'_>> =
        cases.iter().map(|(of, text, literal)| (*of, text.as_str(), *literal)).collect();
    check(&keyspace, &[], &cases, 0);
}

#[test]
fn every_form_of_a_text_is_what_the_database_makes_of_its_literal() {
    const AT: &str = "'2026-01-31 12:34:56.789Z'";
    const DAY: &str = "'2026-01-31'";
    let groups: &[(&[&str], &[Case<'_>])] = &[
        (
            &["--booleans", "ja:nein,1:0,да:нет"],
            &[
                ("boolean", "ja", "true"),
                ("boolean", "NEIN", "false"),
                ("boolean", "0", "false"),
                ("boolean", "Да", "true"),
            ],
        ),
        (&[], &[("boolean", "on", "true"), ("boolean", "Off", "false")]),
        (
            &["--decimal-separator", ",", "--thousands-separator", "."],
            &[
                ("tinyint", "-128", "-128"),
                ("smallint", "32.767", "32767"),
                ("int", "-2.147.483.648", "-2147483648"),
                ("bigint", "9.223.372.036.854.775.807", "9223372036854775807"),
                ("bigint", "1,5e3", "1500"),
                ("varint", "18.446.744.073.709.551.616", "18446744073709551616"),
                ("decimal", "-1.234.567,890", "-1234567.890"),
                ("double", "1.234,5e-7", "1234.5e-7"),
                ("double", "-Infinity", "-Infinity"),
                ("float", "16.777.217", "16777217"),
                ("float", "nan", "NaN"),
            ],
        ),
        (
            &["--thousands-separator", "nbsp"],
            &[("int", "1\u{a0}234", "1234"), ("decimal", "1\u{a0}234.50", "1234.50")],
        ),
        (
            &[
                "--timestamp-format",
                "%d/%m/%Y %H:%M:%S%.f,epoch,iso",
                "--date-format",
                "%d.%m.%y,%b %-d %Y",
                "--time-format",
                "%I:%M %p",
            ],
            &[
                ("timestamp", "31/01/2026 12:34:56.789", AT),
                ("timestamp", "1769862896789", AT),
                ("timestamp", "2026-01-31T13:34:56.789+01:00", AT),
                ("date", "31.01.26", DAY),
                ("date", "31.12.69", "'1969-12-31'"),
                ("date", "Jan 31 2026", DAY),
                ("time", "12:05 AM", "'00:05:00'"),
                ("time", "1:05 pm", "'13:05:00'"),
            ],
        ),
        (
            &[
                "--timestamp-format",
                "%Y%m%d%H%M%S%3f",
                "--timezone",
                "America/New_York",
                "--date-format",
                "%Y%j",
            ],
            &[
                ("timestamp", "20260131073456789", AT),
                ("timestamp", "20260731083456789", "'2026-07-31 12:34:56.789Z'"),
                ("date", "2026031", DAY),
            ],
        ),
        (
            &["--timestamp-format", "%FT%T%.f%:z[%Q],%FT%T%.fZ,%a%t%d-%b-%Y %I:%M:%S%.f %p %z"],
            &[
                ("timestamp", "2026-01-31T13:34:56.789+01:00[Europe/Paris]", AT),
                ("timestamp", "2026-01-31T12:34:56.789Z", AT),
                ("timestamp", "Sat 31-Jan-2026 06:04:56.789 PM +0530", AT),
            ],
        ),
        (
            &["--timezone", "Europe/Paris"],
            &[
                ("timestamp", "2026-01-31 13:34:56.789", AT),
                ("timestamp", "2026-01-31 12:34:56.789Z", AT),
                ("timestamp", "2026-07-31", "'2026-07-30 22:00:00Z'"),
            ],
        ),
        (
            &["--epoch-unit", "s"],
            &[("timestamp", "1769862896.789", AT), ("timestamp", "-1", "'1969-12-31 23:59:59Z'")],
        ),
        (&["--epoch-unit", "us"], &[("timestamp", "1769862896789000", AT)]),
        (&["--epoch-unit", "ns"], &[("timestamp", "1769862896789000000", AT)]),
        (
            &["--blobs", "base64"],
            &[("blob", "yv66vg==", "0xcafebabe"), ("blob", "AA==", "0x00"), ("blob", "0xca", "0xd3171a")],
        ),
        (
            &["--timeuuid-from", "min"],
            &[
                ("timeuuid", "2026-01-31T12:34:56.789Z", "minTimeuuid('2026-01-31 12:34:56.789Z')"),
                ("timeuuid", "-1", "minTimeuuid('1969-12-31 23:59:59.999Z')"),
                ("timeuuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            ],
        ),
        (
            &["--timeuuid-from", "max", "--timezone", "Europe/Paris"],
            &[("timeuuid", "2026-01-31T13:34:56.789", "maxTimeuuid('2026-01-31 12:34:56.789Z')")],
        ),
        (
            &["--timeuuid-from", "fixed"],
            &[("timeuuid", "1970-01-01T00:00:00.0000001Z", "13814001-1dd2-11b2-8000-010000000000")],
        ),
    ];
    let types = [
        "boolean",
        "tinyint",
        "smallint",
        "int",
        "bigint",
        "varint",
        "decimal",
        "double",
        "float",
        "timestamp",
        "date",
        "time",
        "blob",
        "timeuuid",
    ];
    let Some(keyspace) = keyspace(&types) else { return };
    let mut first_id = 0;
    for (options, cases) in groups {
        first_id = check(&keyspace, options, cases, first_id);
    }
}

#[test]
fn texts_that_are_not_exactly_in_their_form_are_rejected_and_load_again_once_they_are_said_right() {
    let Some(keyspace) =
        Keyspace::new(&["CREATE TABLE events (id int PRIMARY KEY, at timestamp, n bigint, raw blob)"])
    else {
        return;
    };
    let scratch = Scratch::new();
    let file = scratch.write(
        "events.csv",
        "id,at,n,raw\n\
         1,2026-01-31 12:00:00,1.234,\n\
         2,2026-03-29 02:30:00,,\n\
         3,2026-10-25 02:30:00,,\n\
         4,,1.23,\n\
         5,,\"0,5\",\n\
         6,,,0xcafe\n\
         7,2026-10-25 02:30:00+02:00,,AA==\n",
    );
    let options = [
        "--timezone",
        "Europe/Paris",
        "--thousands-separator",
        ".",
        "--decimal-separator",
        ",",
        "--blobs",
        "base64",
    ];
    let run = keyspace.load(&scratch, "events").args(options).arg(&file).finish();
    let run = run.expect_code(1).expect_counts(7, 2, 5);
    let told = reasons(&run, &scratch);
    let told: Vec<String> = told
        .lines()
        .map(|line| {
            let reason: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| reason[key].as_str().unwrap_or_default().to_owned();
            let words: Vec<String> = text("message").split(' ').take(8).map(str::to_owned).collect();
            format!("{} {}: {}", text("column"), text("code"), words.join(" "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "at invalid_timestamp: a local time that was skipped in its",
            "at invalid_timestamp: a local time that there was twice in",
            "n invalid_number: not a number as --decimal-separator and --thousands-separator say:",
            "n inexact: has digits after the point, which an integer",
            "raw invalid_blob: not base64: write letters, digits, + and /,",
        ]
    );
    keyspace.expect_rows("SELECT id FROM events WHERE id IN (1, 7)", &["1", "7"]);
    // The reason says how: the rejected records by themselves, with the offset that is meant.
    let dir = scratch.join(run.summary["rejects_dir"].as_str().unwrap());
    let rejected = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let rejected: Vec<_> = rejected
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("rejected-"))
        .collect();
    assert_eq!(rejected.len(), 1);
    let again = ["--timezone", "+02:00", "--max-errors", "3"];
    let run = keyspace.load(&scratch, "events").args(again).arg(&rejected[0]).finish();
    run.expect_code(1).expect_counts(5, 3, 2);
    let at =
        |id: u8| keyspace.raw_rows(&format!("SELECT at FROM events WHERE id = {id}")).remove(0).remove(0);
    assert_eq!(at(3), at(7));
    assert_eq!(at(3), Some(1_792_888_200_000i64.to_be_bytes().to_vec()));
}

#[test]
fn write_times_are_read_in_the_forms_of_timestamps() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE t (id int PRIMARY KEY, at timestamp, n int)"]) else {
        return;
    };
    let scratch = Scratch::new();
    let file = scratch.write(
        "t.csv",
        "id,at,n\n1,31/01/2026 13:34:56,1\n1,31/01/2026 13:34:55,2\n2,,3\n3,31/02/2026 00:00:00,4\n",
    );
    let options = ["--timestamp-format", "%d/%m/%Y %T", "--timezone", "Europe/Paris", "--timestamp", "@at"];
    let run = keyspace.load(&scratch, "t").args(options).arg(&file).finish();
    run.expect_code(1).expect_counts(4, 2, 2);
    keyspace.expect_rows("SELECT n, WRITETIME(n) FROM t", &["1, 1769862896000000"]);
}

#[test]
fn timeuuids_of_records_stay_the_same_and_do_not_hide_each_other() {
    let Some(keyspace) =
        Keyspace::new(&["CREATE TABLE log (day date, id timeuuid, line text, PRIMARY KEY (day, id))"])
    else {
        return;
    };
    let scratch = Scratch::new();
    let mut csv = String::from("day,id,line\n");
    for line in 0..500 {
        writeln!(csv, "2026-01-31,2026-01-31T12:34:56.{:03}Z,{line}", line % 10).unwrap();
    }
    let file = scratch.write("log.csv", &csv);
    let load = |from: &str| {
        let run = keyspace.load(&scratch, "log").args([
            "--timeuuid-from",
            from,
            "--unit-size",
            "4KiB",
            "--workers",
            "2",
        ]);
        run.arg(&file).finish().expect_code(0).expect_counts(500, 500, 0);
    };
    let ids = || keyspace.raw_rows("SELECT id, line FROM log");
    load("record");
    let first = ids();
    assert_eq!(first.len(), 500);
    load("record");
    assert_eq!(ids(), first);
    let run = keyspace.verify(&scratch, "log").args(["--timeuuid-from", "record"]).arg(&file).finish();
    assert_eq!(run.expect_code(0).summary["verify"]["same"].as_u64(), Some(500));
    keyspace.cql("TRUNCATE log");
    load("fixed");
    assert_eq!(ids().len(), 10);
}

#[test]
fn an_unfinished_job_keeps_to_its_forms() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE t (id int PRIMARY KEY, at timestamp)"]) else {
        return;
    };
    let scratch = Scratch::new();
    let file = scratch.write("t.csv", "id,at\n1,2026-01-31\nx,2026-01-31\n");
    let load = |options: &[&str]| {
        let run = keyspace.load(&scratch, "t").args(["--job", "t", "--max-errors", "0"]);
        run.args(options).arg(&file).finish()
    };
    load(&["--timezone", "Europe/Paris"]).expect_code(3);
    load(&["--timezone", "Europe/Berlin"])
        .expect_code(2)
        .expect_said(&["--timezone was Europe/Paris and is Europe/Berlin now"]);
    load(&["--timezone", "europe/paris", "--blobs", "base64"])
        .expect_code(2)
        .expect_said(&["--blobs was", "base64 now"]);
    load(&[]).expect_code(2).expect_said(&["--timezone"]);
    load(&["--timezone", "europe/paris"]).expect_code(3);
}
