//! Types that are made of others: what is loaded from JSON or from a CQL literal is what the database itself makes of the literal, byte
//! for byte, and so is what it writes as JSON.

use std::fmt::Write;

use crate::support::database::Keyspace;
use crate::support::scratch::Scratch;

/// A type, and values of it in JSON and as CQL literals.
pub(crate) type Cases = (&'static str, &'static [(&'static str, &'static str)]);

pub(crate) const USER_TYPES: [&str; 3] = [
    "CREATE TYPE geo (lat double, lon double)",
    "CREATE TYPE addr (street text, zip int, at frozen<geo>, tags frozen<set<text>>)",
    "CREATE TYPE \"Odd\" (\"Name\" int, name int, \"a b\" int)",
];

pub(crate) const CASES: [Cases; 37] = [
    ("list<int>", &[("[]", "[]"), ("[3, 1, 3]", "[3, 1, 3]"), (r#"["-7"]"#, "[-7]")]),
    (
        "list<text>",
        &[
            (r#"["a\"\\\n\u00e9", "it's", ""]"#, "['a\"\\\né', 'it''s', '']"),
            (r#"["[1]", "{,}"]"#, "['[1]', '{,}']"),
        ],
    ),
    ("frozen<list<text>>", &[("[]", "[]"), (r#"["b", "a"]"#, "['b', 'a']")]),
    ("set<int>", &[("[]", "{}"), ("[10, -1, 2, 2]", "{10, -1, 2, 2}")]),
    ("frozen<set<tinyint>>", &[("[]", "{}"), ("[100, -128, 2, 2]", "{100, -128, 2, 2}")]),
    ("frozen<list<frozen<set<smallint>>>>", &[("[[300, -1, 5], []]", "[{300, -1, 5}, {}]")]),
    ("frozen<list<frozen<set<bigint>>>>", &[("[[5000000000, -1]]", "[{5000000000, -1}]")]),
    (
        "frozen<list<frozen<set<varint>>>>",
        &[("[[128, -129, 0, -1, 99999999999999999999]]", "[{128, -129, 0, -1, 99999999999999999999}]")],
    ),
    (
        "frozen<list<frozen<set<decimal>>>>",
        &[(r#"[["1.5", "-2", "1e-9", "1.51", "1e9"]]"#, "[{1.5, -2, 1e-9, 1.51, 1e9}]")],
    ),
    (
        "frozen<list<frozen<set<float>>>>",
        &[(r#"[[1.5, -0.0, 0.0, -7, "NaN"]]"#, "[{1.5, -0.0, 0.0, -7.0, NaN}]")],
    ),
    (
        "frozen<list<frozen<set<double>>>>",
        &[(r#"[["Infinity", 1e300, "-Infinity"]]"#, "[{Infinity, 1e300, -Infinity}]")],
    ),
    ("frozen<list<frozen<set<boolean>>>>", &[("[[true, false]]", "[{true, false}]")]),
    (
        "frozen<list<frozen<set<text>>>>",
        &[(r#"[["b", "a", "", "é", "😀", "Z"]]"#, "[{'b', 'a', '', 'é', '😀', 'Z'}]")],
    ),
    ("frozen<list<frozen<set<ascii>>>>", &[(r#"[["b", "a", "~"]]"#, "[{'b', 'a', '~'}]")]),
    (
        "frozen<list<frozen<set<blob>>>>",
        &[(r#"[["0xff", "0x", "0x00ff", "0x00"]]"#, "[{0xff, 0x, 0x00ff, 0x00}]")],
    ),
    (
        "frozen<list<frozen<set<date>>>>",
        &[(r#"[["2026-01-31", "1969-12-31"]]"#, "[{'2026-01-31', '1969-12-31'}]")],
    ),
    (
        "frozen<list<frozen<set<time>>>>",
        &[(r#"[["12:00:00", "00:00:00.000000001"]]"#, "[{'12:00:00', '00:00:00.000000001'}]")],
    ),
    (
        "frozen<list<frozen<set<timestamp>>>>",
        &[(
            r#"[["2026-01-31 12:34:56.789Z", "1969-12-31T00:00:00Z"]]"#,
            "[{'2026-01-31 12:34:56.789Z', '1969-12-31T00:00:00Z'}]",
        )],
    ),
    (
        "frozen<list<frozen<set<inet>>>>",
        &[(
            r#"[["255.0.0.1", "10.0.0.1", "::1", "2001:db8::"]]"#,
            "[{'255.0.0.1', '10.0.0.1', '::1', '2001:db8::'}]",
        )],
    ),
    (
        "frozen<list<frozen<set<uuid>>>>",
        &[(
            r#"[["ffffffff-ffff-4fff-bf7f-7f7f7f7f7f7f", "00000001-0000-4000-8000-000000000000", "00000000-0000-1002-8080-808080808080",
                "00000009-0000-1001-8080-808080808080", "00000009-0000-1001-0080-808080808080", "0190163d-8694-739b-aea5-966c26f8ad91"]]"#,
            "[{ffffffff-ffff-4fff-bf7f-7f7f7f7f7f7f, 00000001-0000-4000-8000-000000000000, 00000000-0000-1002-8080-808080808080, \
              00000009-0000-1001-8080-808080808080, 00000009-0000-1001-0080-808080808080, 0190163d-8694-739b-aea5-966c26f8ad91}]",
        )],
    ),
    (
        "frozen<list<frozen<set<timeuuid>>>>",
        &[(
            r#"[["00000000-0000-1002-8080-808080808080", "00000009-0000-1001-8080-808080808080", "00000009-0000-1001-bf7f-7f7f7f7f7f7f"]]"#,
            "[{00000000-0000-1002-8080-808080808080, 00000009-0000-1001-8080-808080808080, 00000009-0000-1001-bf7f-7f7f7f7f7f7f}]",
        )],
    ),
    (
        "frozen<list<frozen<set<frozen<list<int>>>>>>",
        &[("[[[2], [], [1, 5], [1]]]", "[{[2], [], [1, 5], [1]}]")],
    ),
    (
        "frozen<list<frozen<set<frozen<tuple<int, text>>>>>>",
        &[(
            r#"[[[2, "a"], [null, "z"], [1, "b"], [1, null]]]"#,
            "[{(2, 'a'), (null, 'z'), (1, 'b'), (1, null)}]",
        )],
    ),
    (
        "frozen<list<frozen<set<frozen<addr>>>>>",
        &[(
            r#"[[{"zip": 2}, {"zip": -1}, {}, {"street": "a"}]]"#,
            "[{{zip: 2}, {zip: -1}, {street: 'a'}, {street: null}}]",
        )],
    ),
    (
        "frozen<list<frozen<set<vector<int, 2>>>>>",
        &[("[[[2, 1], [-1, 5], [2, 0]]]", "[{[2, 1], [-1, 5], [2, 0]}]")],
    ),
    ("frozen<list<frozen<set<vector<varint, 2>>>>>", &[("[[[200, 1], [-1, 5]]]", "[{[200, 1], [-1, 5]}]")]),
    (
        "map<text, int>",
        &[
            ("{}", "{}"),
            (r#"{"b": 1, "a": 2}"#, "{'b': 1, 'a': 2}"),
            (r#"{"it's": 1, "a: b": 2}"#, "{'it''s': 1, 'a: b': 2}"),
        ],
    ),
    (
        "map<int, frozen<map<uuid, boolean>>>",
        &[(
            r#"{"10": {"550e8400-e29b-41d4-a716-446655440000": true}, "9": {}}"#,
            "{10: {550e8400-e29b-41d4-a716-446655440000: true}, 9: {}}",
        )],
    ),
    (
        "frozen<map<timestamp, duration>>",
        &[(
            r#"{"2026-01-31T00:00:00Z": "1y2mo", "1969-12-31T00:00:00Z": "1s500ms"}"#,
            "{'2026-01-31T00:00:00Z': 1y2mo, '1969-12-31T00:00:00Z': 1s500ms}",
        )],
    ),
    ("map<frozen<list<int>>, text>", &[(r#"{"[2, 1]": "b", "[]": "a"}"#, "{[2, 1]: 'b', []: 'a'}")]),
    (
        "map<frozen<addr>, frozen<tuple<int, int>>>",
        &[(r#"{"{\"zip\": 1}": [1, null]}"#, "{{zip: 1}: (1, null)}")],
    ),
    (
        "tuple<int, text, frozen<set<int>>>",
        &[(r#"[1, "a", [3, 2]]"#, "(1, 'a', {3, 2})"), ("[null, null, null]", "(null, null, null)")],
    ),
    (
        "addr",
        &[
            (
                r#"{"street": "x", "zip": 7, "at": {"lat": 1.5, "lon": -2}, "tags": ["b", "a"]}"#,
                "{street: 'x', zip: 7, at: {lat: 1.5, lon: -2}, tags: {'b', 'a'}}",
            ),
            (r#"{"zip": 7, "street": null}"#, "{zip: 7, street: null}"),
            (r#"{"tags": ["z"], "zip": 1}"#, "{tags: {'z'}, zip: 1}"),
        ],
    ),
    (
        "frozen<addr>",
        &[(r#"{"tags": [], "at": {}}"#, "{tags: {}, at: {lat: null}}"), (r#"{"zip": 0}"#, "{zip: 0}")],
    ),
    (
        "frozen<\"Odd\">",
        &[(r#"{"\"Name\"": 1, "name": 2, "\"a b\"": 3}"#, "{\"Name\": 1, name: 2, \"a b\": 3}")],
    ),
    ("vector<float, 3>", &[("[0.5, -0.0, 1e10]", "[0.5, -0.0, 1e10]")]),
    ("vector<text, 2>", &[(r#"["a", ""]"#, "['a', '']")]),
];

fn columns() -> String {
    let columns = CASES.iter().enumerate().map(|(at, (cql_type, _))| format!(", v{at} {cql_type}"));
    columns.collect()
}

/// A field of a CSV file.
fn field(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Loads these texts, one row for each, all other columns null.
fn load(keyspace: &Keyspace, table: &str, rows: &[(usize, String)]) {
    let scratch = Scratch::new();
    let mut csv = String::from("id");
    for at in 0..CASES.len() {
        write!(csv, ",v{at}").unwrap();
    }
    for (id, (column, text)) in rows.iter().enumerate() {
        let before = ",".repeat(column + 1);
        let after = ",".repeat(CASES.len() - column - 1);
        write!(csv, "\n{id}{before}{}{after}", field(text)).unwrap();
    }
    let file = scratch.write("nested.csv", csv);
    let count = rows.len() as u64;
    keyspace.load(&scratch, table).arg(&file).finish().expect_code(0).expect_counts(count, count, 0);
    for table in [table, "inserted"] {
        let run = keyspace.verify(&scratch, table).arg(&file).finish();
        assert_eq!(run.summary["verify"]["same"].as_u64(), Some(count), "{table}: {}", run.stderr);
    }
}

#[test]
fn both_notations_become_what_the_database_makes_of_the_literal() {
    let tables = ["inserted", "from_json", "from_cql", "from_server"]
        .map(|table| format!("CREATE TABLE {table} (id int PRIMARY KEY{})", columns()));
    let statements: Vec<&str> = USER_TYPES.into_iter().chain(tables.iter().map(String::as_str)).collect();
    let Some(keyspace) = Keyspace::new(&statements) else { return };
    let cases: Vec<(usize, &str, &str)> = CASES
        .iter()
        .enumerate()
        .flat_map(|(column, (_, cases))| cases.iter().map(move |&(json, cql)| (column, json, cql)))
        .collect();
    for (id, (column, json, cql)) in cases.iter().enumerate() {
        keyspace.cql(&format!("INSERT INTO inserted (id, v{column}) VALUES ({id}, {cql})"));
        // What is JSON here is JSON to the database.
        let json = json.replace('\'', "''");
        keyspace.cql(&format!("INSERT INTO from_server (id, v{column}) VALUES ({id}, fromJson('{json}'))"));
    }
    let read = |table: &str, id: usize, column: usize| {
        keyspace.raw_rows(&format!("SELECT v{column} FROM {table} WHERE id = {id}")).remove(0).remove(0)
    };
    let check = |table: &str| {
        for (id, (column, json, cql)) in cases.iter().enumerate() {
            let expected = read("inserted", id, *column);
            let (cql_type, _) = CASES[*column];
            assert_eq!(read(table, id, *column), expected, "{table}: {cql_type}: {json} {cql}");
        }
    };
    check("from_server");
    let texts = |text: fn(&(usize, &str, &str)) -> String| -> Vec<(usize, String)> {
        cases.iter().map(|case| (case.0, text(case))).collect()
    };
    load(&keyspace, "from_json", &texts(|(_, json, _)| (*json).to_owned()));
    check("from_json");
    load(&keyspace, "from_cql", &texts(|(_, _, cql)| (*cql).to_owned()));
    check("from_cql");
    // In JSON the server has null for what it keeps as null, and for numbers that JSON does not have.
    let as_json = |(id, (column, json, cql)): (usize, &(usize, &str, &str))| {
        let query = format!("SELECT toJson(v{column}) FROM inserted WHERE id = {id}");
        let text = String::from_utf8(keyspace.raw_rows(&query).remove(0).remove(0).unwrap()).unwrap();
        let is_lost = text == "null" || cql.contains("NaN") || cql.contains("Infinity");
        (*column, if is_lost { (*json).to_owned() } else { text })
    };
    load(&keyspace, "from_server", &cases.iter().enumerate().map(as_json).collect::<Vec<_>>());
    check("from_server");
}

#[test]
fn rows_with_nested_keys_are_found_by_their_literals() {
    const KEYS: [Cases; 5] = [
        ("frozen<set<int>>", &[("[3, 1, 1]", "{1, 3}")]),
        ("frozen<map<text, int>>", &[(r#"{"b": 1, "a": 2}"#, "{'a': 2, 'b': 1}")]),
        ("frozen<addr>", &[(r#"{"tags": ["b", "a"], "zip": 1}"#, "{zip: 1, tags: {'a', 'b'}}")]),
        ("tuple<int, frozen<set<text>>>", &[(r#"[1, ["b", "a"]]"#, "(1, {'a', 'b'})")]),
        ("vector<float, 2>", &[("[0.5, 1]", "[0.5, 1]")]),
    ];
    let types: Vec<String> =
        KEYS.iter().enumerate().map(|(at, (of, _))| format!("p{at} {of}, c{at} {of}")).collect();
    let names =
        |prefix: char| (0..KEYS.len()).map(|at| format!("{prefix}{at}")).collect::<Vec<_>>().join(", ");
    let table = format!(
        "CREATE TABLE keyed ({}, n int, PRIMARY KEY (({}), {}))",
        types.join(", "),
        names('p'),
        names('c')
    );
    let statements: Vec<&str> = USER_TYPES.into_iter().chain([table.as_str()]).collect();
    let Some(keyspace) = Keyspace::new(&statements) else { return };
    let scratch = Scratch::new();
    let header: String = (0..KEYS.len()).map(|at| format!(",p{at},c{at}")).collect();
    let fields = |of: fn(&(&'static str, &'static str)) -> &'static str| -> String {
        KEYS.iter().map(|(_, cases)| format!(",{0},{0}", field(of(&cases[0])))).collect()
    };
    // Both are one row: the later one stays.
    let csv = format!("n{header}\n1{}\n2{}\n", fields(|case| case.0), fields(|case| case.1));
    let file = scratch.write("keyed.csv", csv);
    keyspace.load(&scratch, "keyed").arg(&file).finish().expect_code(0).expect_counts(2, 2, 0);
    let equal: Vec<String> = KEYS
        .iter()
        .enumerate()
        .map(|(at, (_, cases))| format!("p{at} = {0} AND c{at} = {0}", cases[0].1))
        .collect();
    keyspace.expect_rows(&format!("SELECT n FROM keyed WHERE {}", equal.join(" AND ")), &["2"]);
    keyspace.expect_rows("SELECT n FROM keyed", &["2"]);
    let run = keyspace.verify(&scratch, "keyed").arg(&file).finish().expect_code(0);
    assert_eq!(run.summary["verify"]["superseded"].as_u64(), Some(1), "{}", run.summary);
}

#[test]
fn what_is_wrong_in_a_value_is_told_with_its_place() {
    let statements: Vec<&str> = USER_TYPES
        .into_iter()
        .chain(["CREATE TABLE people (id int PRIMARY KEY, homes map<text, frozen<addr>>, marks frozen<list<int>>)"])
        .collect();
    let Some(keyspace) = Keyspace::new(&statements) else { return };
    let scratch = Scratch::new();
    let csv = r#"id,homes,marks
1,"{""a"": {""zip"": 1}}","[1, 2]"
2,"{""a"": {""zip"": ""x""}}",
3,,"[1, null]"
4,"{'a': {town: 'x'}}",
5,,1
"#;
    let file = scratch.write("people.csv", csv);
    let run = keyspace.load(&scratch, "people").arg(file).finish().expect_code(1).expect_counts(5, 1, 4);
    let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
    let reasons = std::fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let told: Vec<String> = reasons
        .lines()
        .map(|line| {
            let reason: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let [column, code, message] =
                ["column", "code", "message"].map(|key| reason[key].as_str().unwrap().to_owned());
            format!("{column} {code} {}", message.split(": ").next().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            "homes invalid_number value of \"a\", field zip (\"x\")",
            "marks null_element element 2",
            "homes unknown_field value of 'a' (town)",
            "marks invalid_collection at 1",
        ]
    );
}

#[test]
fn a_job_is_not_continued_when_a_user_type_has_changed() {
    let statements =
        ["CREATE TYPE geo (lat double)", "CREATE TABLE places (id int PRIMARY KEY, at frozen<geo>)"];
    let Some(keyspace) = Keyspace::new(&statements) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("places.csv", "id,at\n1,{lat: 1}\nx,\n");
    let load = || {
        let run = keyspace.load(&scratch, "places").args(["--job", "places", "--max-errors", "0"]).arg(&file);
        run.finish()
    };
    load().expect_code(3);
    keyspace.cql("ALTER TYPE geo ADD lon double");
    load().expect_code(4).expect_said(&["columns of", "have changed since"]);
}

#[test]
fn verification_knows_values_in_other_bytes_and_who_wrote_them() {
    let statements: Vec<&str> = USER_TYPES
        .into_iter()
        .chain([
            "CREATE TABLE v (id int PRIMARY KEY, tags set<text>, home addr, deep frozen<list<frozen<addr>>>)",
        ])
        .collect();
    let Some(keyspace) = Keyspace::new(&statements) else { return };
    let scratch = Scratch::new();
    let csv = "id,tags,home,deep\n1,\"{'b', 'a'}\",{zip: 1},[{zip: 2}]\n2,[],{},[]\n3,['x'],,\n4,['x'],,\n5,['x'],,\n5,['y'],,\n6,[],,\n";
    let file = scratch.write("v.csv", csv);
    keyspace.load(&scratch, "v").arg(&file).finish().expect_code(0).expect_counts(7, 7, 0);
    let verify = |expected: &[(&str, u64)], code| {
        let run = keyspace.verify(&scratch, "v").arg(&file).finish().expect_code(code);
        for (what, count) in expected {
            assert_eq!(run.summary["verify"][what].as_u64(), Some(*count), "{what}: {}", run.summary);
        }
    };
    verify(&[("same", 6), ("superseded", 1)], 0);
    // An element more, written later; another one less; and what should be empty is not.
    keyspace.cql("UPDATE v SET tags = tags + {'z'} WHERE id = 3");
    keyspace.cql("DELETE tags['x'] FROM v WHERE id = 4");
    keyspace.cql("UPDATE v USING TIMESTAMP 1 SET home.zip = 5 WHERE id = 6");
    verify(&[("same", 4), ("superseded", 1), ("overwritten", 1), ("different", 1)], 1);
}
