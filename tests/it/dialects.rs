//! Files that are not RFC 4180: each loads into the rows that it means, with the options that its dialect needs, and is rejected
//! or refused without them.

use scylla::value::CqlValue;

use crate::support::database::Keyspace;
use crate::support::scratch::Scratch;

const PAIRS: &str = "CREATE TABLE pairs (id text PRIMARY KEY, a text, b text)";

/// A text that stands for null in what is expected.
const NULL: &str = "(null)";

/// Loads `content` with these options, and fails the test unless the table then has these rows.
#[track_caller]
fn check(content: &[u8], options: &[&str], code: i32, rows: &[[&str; 3]]) {
    let Some(keyspace) = Keyspace::new(&[PAIRS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("pairs.csv", content);
    let run = keyspace.load(&scratch, "pairs").args(options).arg(file).finish().expect_code(code);
    let text = |value: &Option<CqlValue>| match value {
        Some(CqlValue::Text(text)) => text.clone(),
        Some(other) => panic!("{other:?}"),
        None => NULL.to_owned(),
    };
    let found = keyspace.rows("SELECT id, a, b FROM pairs");
    let mut found: Vec<Vec<String>> =
        found.iter().map(|row| row.columns.iter().map(text).collect()).collect();
    found.sort_unstable();
    assert_eq!(found, rows, "{options:?}");
    assert_eq!(run.number("written"), rows.len() as u64, "{}", run.summary);
}

#[test]
fn records_that_are_shorter_or_longer_than_the_header_load_where_that_is_allowed() {
    let file = b"id,a,b\n1,x,y\n2,x\n3\n4,x,y,z,\n5,,y\n";
    check(file, &[], 1, &[["1", "x", "y"], ["5", NULL, "y"]]);
    check(
        file,
        &["--allow-missing-fields"],
        1,
        &[["1", "x", "y"], ["2", "x", NULL], ["3", NULL, NULL], ["5", NULL, "y"]],
    );
    check(file, &["--allow-extra-fields"], 1, &[["1", "x", "y"], ["4", "x", "y"], ["5", NULL, "y"]]);
    let both = ["--allow-missing-fields", "--allow-extra-fields"];
    check(
        file,
        &both,
        0,
        &[["1", "x", "y"], ["2", "x", NULL], ["3", NULL, NULL], ["4", "x", "y"], ["5", NULL, "y"]],
    );
    check(b"a,id\nx,1\ny\n", &["--allow-missing-fields", "--allow-missing-columns"], 1, &[["1", "x", NULL]]);
}

/// The rows of which the next two tests have files.
const EXPORTED: [[&str; 3]; 8] = [
    ["1", "plain", "with, comma"],
    ["2", "a\\b", "say \"hi\""],
    ["3", "C:\\new\\", NULL],
    ["4", "x\\\"y", "\\\\"],
    ["5", "back\\, comma", "\""],
    ["6", "line\ntwo", "tab\tx"],
    ["7", " lead", "trail "],
    ["8", "é¦", "\\n"],
];

#[test]
fn what_cqlsh_copy_to_writes_loads_as_it_was() {
    // As cqlsh 6.2 with Python 3.11 writes it; 3.b is empty there, which it does not tell from null.
    let file = "id,a,b\r\n5,\"back\\\\\\\\, comma\",\\\"\r\n1,plain,\"with, comma\"\r\n8,é¦,\\\\\\\\n\r\n\
                2,a\\\\\\\\b,say \\\"hi\\\"\r\n4,x\\\\\\\\\\\"y,\\\\\\\\\\\\\\\\\r\n7, lead,trail \r\n\
                6,line\\\\ntwo,tab\\\\tx\r\n3,C:\\\\\\\\new\\\\\\\\,\r\n";
    check(file.as_bytes(), &["--escape", "\\", "--escapes", "cqlsh"], 0, &EXPORTED);
    check(
        file.as_bytes(),
        &["--escape", "\\", "--escapes", "cqlsh", "--unit-size", "1KiB", "--workers", "2"],
        0,
        &EXPORTED,
    );
    let once = ["5", "back\\\\, comma", "\""];
    check(b"id,a,b\n5,\"back\\\\\\\\, comma\",\\\"\n", &["--escape", "\\", "--escapes", "any"], 0, &[once]);
}

#[test]
fn what_dsbulk_unload_writes_loads_as_it_was() {
    // As dsbulk 1.10.0 writes it.
    let file = "id,a,b\n8,é¦,\\n\n4,\"x\\\\\\\"y\",\\\\\n2,a\\b,\"say \\\"hi\\\"\"\n1,plain,\"with, comma\"\n\
                5,\"back\\\\, comma\",\"\\\"\"\n3,C:\\new\\,\"\"\n7, lead,trail \n6,\"line\ntwo\",tab\tx\n";
    let mut expected = EXPORTED;
    // Here, the empty text is not null.
    expected[2][2] = "";
    check(file.as_bytes(), &["--escape", "\\"], 0, &expected);
}

#[test]
fn spaces_around_fields_are_trimmed_where_that_is_asked_for() {
    let file = b"id , a,\tb\n1 ,  x y ,\" z \" \n2, \"a,\n b\"\t,  \n";
    let columns = ["--columns", "id,a,b"];
    check(file, &columns, 1, &[["1 ", "  x y ", " z  "], ["2", " \"a", NULL]]);
    check(file, &["--trim", "unquoted"], 0, &[["1", "x y", " z "], ["2", "a,\n b", NULL]]);
    check(file, &["--trim", "all"], 0, &[["1", "x y", "z"], ["2", "a,\n b", NULL]]);
}

#[test]
fn delimiters_may_be_of_several_characters_or_of_unusual_ones() {
    let expected = [["1", "x|y", "z"], ["2", "a||b\nc", NULL], ["3", "|", "\""]];
    let file = b"id||a||b\n1||x|y||z\n2||\"a||b\nc\"||\n3||\"|\"||\"\"\"\"\n";
    check(file, &["--delimiter", "||"], 0, &expected);
    check("id¦a¦b\n1¦x¦\"y¦z\"\n".as_bytes(), &["--delimiter", "¦"], 0, &[["1", "x", "y¦z"]]);
    check(b"id\x01a\x01b\n1\x01x,\x01\"y\x01z\"\n", &["--delimiter", "\\x01"], 0, &[["1", "x,", "y\x01z"]]);
    check(b"id::a::b\n1:::x::\"y\n", &["--delimiter", "::", "--quote", "none"], 0, &[["1", ":x", "\"y"]]);
}

#[test]
fn files_in_encodings_of_one_byte_a_character_load_as_the_texts_that_they_are() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE latin (\"größe\" text PRIMARY KEY, n int)"]) else {
        return;
    };
    let scratch = Scratch::new();
    let file =
        scratch.write("latin.csv", b"gr\xf6\xdfe\xa7n\nna\xefve\xa71\n\"\xa7\n\"\"\"\xa72\nmi\xdf\xa7\xbd\n");
    let options = ["--encoding", "latin1", "--delimiter", "§", "--null", "½"];
    keyspace.load(&scratch, "latin").args(options).arg(&file).finish().expect_code(0).expect_counts(3, 3, 0);
    keyspace.expect_rows("SELECT * FROM latin", &["'naïve', 1", "'§\n\"', 2", "'miß', null"]);
    let verify = keyspace.verify(&scratch, "latin").args(options).arg(&file).finish().expect_code(0);
    assert_eq!(verify.summary["verify"]["same"], 3, "{}", verify.summary);

    // Of its bytes, two are no UTF-8; one is no character of another encoding, and one is another character there.
    let file = scratch.write("bytes.csv", b"n,gr\xc3\xb6\xc3\x9fe\n1,\xf6\n2,\xd2\n3,a\n");
    let run = keyspace.load(&scratch, "latin").arg(&file).finish().expect_code(1).expect_counts(3, 1, 2);
    assert_eq!(run.summary["reject_reasons"][0]["code"], "invalid_utf8");
    let greek = ["--encoding", "windows-1253", "--columns", "n,größe"];
    let run = keyspace.load(&scratch, "latin").args(greek).arg(&file).finish().expect_code(1);
    let run = run.expect_counts(3, 2, 1);
    assert_eq!(run.summary["reject_reasons"][0]["code"], "invalid_encoding");
    keyspace.expect_rows("SELECT * FROM latin WHERE \"größe\" = 'φ'", &["'φ', 1"]);
}
