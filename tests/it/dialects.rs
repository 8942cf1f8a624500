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
