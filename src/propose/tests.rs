//! Proposals for small files.

use std::fs;

use super::*;
use crate::codec::CodecOptions;
use crate::codec::row::Jagged;
use crate::format::Format;
use crate::format::charset::Charset;
use crate::format::detect::Said;
use crate::plan::beginning::read_beginning;
use crate::plan::compression::CompressionChoice;
use crate::plan::discover::discover;
use crate::plan::header::HeaderNames;
use crate::plan::places::PlaceSettings;
use crate::settings::{DialectChoice, NullAs, RemoteSettings};

fn input() -> InputSettings {
    InputSettings {
        format: Format::default(),
        format_is_said: false,
        places: PlaceSettings::default(),
        compression: CompressionChoice::Auto,
        nulls: vec!["NULL".to_owned()],
        columns: None,
        map: None,
        allow_missing_columns: false,
        allow_unknown_columns: false,
        jagged: Jagged::default(),
        skip: 0,
        limit: None,
        max_record_bytes: 1 << 20,
        null_as: NullAs::default(),
        query: None,
        codec: CodecOptions::default(),
        remote: RemoteSettings::default(),
        dialect_choice: DialectChoice::Options,
        said: Said::default(),
    }
}

/// A proposal for files of these names and contents.
fn propose_for(
    files: &[(&str, &str)],
    key: Option<&str>,
    sample_bytes: u64,
) -> Result<Proposal, ProposeError> {
    let folder = tempfile::tempdir().unwrap();
    let input = input();
    let open = |(name, text): &(&str, &str)| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let file = discover(&[path]).unwrap().remove(0);
        let header =
            read_beginning(&file, &input.format, false, HeaderNames::Used, input.max_record_bytes).unwrap();
        (file, header)
    };
    let inputs: Vec<_> = files.iter().map(open).collect();
    let key = key.map(|key| KeySpec::parse(key).unwrap());
    let mut proposal = propose(&ProposeSettings { table: None, key, sample_bytes }, &input, &inputs)?;
    let folder = format!("{}/", folder.path().display());
    proposal.notes.iter_mut().for_each(|note| *note = note.replace(&folder, ""));
    Ok(proposal)
}

const ALL: u64 = 1 << 30;

#[test]
fn a_table_is_proposed_with_what_was_looked_at() {
    let text = "ID,Flight Date,delay,note,gone\n7,2024-01-01,1.5,a,\n8,2024-01-02,NULL,\"b\nc\",\n9,2024-01-02,2,,NULL\n";
    let proposal = propose_for(&[("Flights-2024.csv", text)], None, ALL).unwrap();
    assert_eq!(
        proposal.text(),
        "-- From 3 records: all of Flights-2024.csv.
-- A guess, as no --key was given: id is the first column with another value in each of these records.
CREATE TABLE IF NOT EXISTS flights_2024 (
    id int,
    \"Flight Date\" date,
    delay double,
    note text,
    gone text, -- nothing but null to go by
    PRIMARY KEY (id)
);
"
    );
}

#[test]
fn a_key_that_is_given_is_taken_and_doubted() {
    let text = "d,t,v\na,1,x\na,1,y\n,2,z\nb,2,w\nb,2,u\nb\n";
    let proposal = propose_for(&[("t.csv", text)], Some("D, t DESC"), ALL).unwrap();
    assert!(
        proposal.statement.contains("d text, -- null in 1 records, which a load rejects\n"),
        "{}",
        proposal.statement
    );
    assert!(
        proposal.statement.contains("PRIMARY KEY (d, t)\n) WITH CLUSTERING ORDER BY (t DESC);"),
        "{}",
        proposal.statement
    );
    assert_eq!(
        proposal.notes[1..],
        [
            "1 records have more or fewer fields than the header and were not looked at: a load would reject them.",
            "2 of 5 records have the key of one before: of those only the last will be in the table.",
        ]
    );
}

#[test]
fn keys_that_are_none_are_refused() {
    let files = [("t.csv", "a,b\n1,x\n1,x\n")];
    let refused = |key: Option<&str>| propose_for(&files, key, ALL).unwrap_err().to_string();
    assert!(refused(Some("c")).starts_with("--key: no field is called \"c\""), "{}", refused(Some("c")));
    assert_eq!(refused(Some("a, A")), "--key names a twice: leave it once");
    let none = refused(None);
    assert!(none.contains("no column has another value") && none.ends_with("a int, b text"), "{none}");
}

#[test]
fn of_a_sample_it_is_said_so_and_integers_may_grow() {
    let mut text = "id,v\n".to_owned();
    (0..400_000).for_each(|id| text.push_str(&format!("{id},x\n")));
    let proposal =
        propose_for(&[("t.csv", &text), ("u.csv", "id,w\n-1,true\n")], Some("id"), 8 * 1024).unwrap();
    assert!(
        proposal.statement.contains("id bigint,\n    v text,\n    w boolean,\n"),
        "{}",
        proposal.statement
    );
    let note = &proposal.notes[0];
    assert!(note.starts_with("From 1") && note.ends_with(" KiB of t.csv, all of u.csv."), "{note}");
}

#[test]
fn records_longer_than_what_is_read_at_once_are_taken_whole() {
    let long = "x".repeat(700_000);
    let text = format!("id,v\n1,\"{long}\n{long}\"\n2,y\n");
    let mut settings = input();
    settings.max_record_bytes = 4 << 20;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, &text).unwrap();
    let file = discover(&[path]).unwrap().remove(0);
    let header =
        read_beginning(&file, &settings.format, false, HeaderNames::Used, settings.max_record_bytes).unwrap();
    let wanted = ProposeSettings { table: None, key: None, sample_bytes: ALL };
    let inputs = [(file, header)];
    let proposal = propose(&wanted, &settings, &inputs).unwrap();
    assert!(proposal.notes[0].starts_with("From 2 records: all of "), "{:?}", proposal.notes);
    // What is too long for a load is too long here, with the same words.
    settings.max_record_bytes = 1 << 20;
    let long = "y".repeat(2 << 20);
    fs::write(&inputs[0].0.path, format!("id,v\n1,a\n2,{long}{long}\n3,z\n")).unwrap();
    let file = discover(&[inputs[0].0.path.clone()]).unwrap().remove(0);
    let header = inputs[0].1.clone();
    let refused = propose(&wanted, &settings, &[(file, header)]).unwrap_err().to_string();
    assert!(
        refused.contains(", line 3: the record that starts here is longer than 1048576 bytes"),
        "{refused}"
    );
}

#[test]
fn an_open_quote_is_told_with_its_line() {
    let refused = propose_for(&[("t.csv", "id,v\n1,a\n2,\"b\n")], None, ALL).unwrap_err().to_string();
    assert!(refused.contains("t.csv, line 3: the quote opened here never closes"), "{refused}");
}

#[test]
fn files_without_columns_are_refused() {
    let refused = propose_for(&[("t.csv", "")], None, ALL).unwrap_err();
    assert!(matches!(refused, ProposeError::NoColumns), "{refused}");
}

#[test]
fn tables_are_named_after_the_first_file() {
    for (file, expected) in [
        ("orders.csv.gz", "orders"),
        ("2024 Sales.csv", "t_2024_sales"),
        (".hidden", "hidden"),
        ("Größe.csv", "gr__e"),
    ] {
        let proposal = propose_for(&[(file, "id\n1\n")], None, ALL).unwrap();
        assert!(
            proposal.statement.starts_with(&format!("CREATE TABLE IF NOT EXISTS {expected} (")),
            "{}",
            proposal.statement
        );
    }
}

#[test]
fn of_json_the_keys_are_columns_and_strings_are_no_numbers() {
    for (format, name, text) in [
        (
            Format::Ndjson(Charset::UTF_8),
            "t.ndjson",
            "{\"Id\": 1, \"zip\": \"12345\", \"at\": \"2024-01-01\"}\n{\"Id\": 2, \"zip\": \"1\", \"at\": null, \"n\": [1.5]}\n",
        ),
        (
            Format::Json(Charset::UTF_8),
            "t.json",
            "[{\"Id\": 1, \"zip\": \"12345\",\n \"at\": \"2024-01-01\"}, {\"Id\": 2, \"zip\": \"1\", \"at\": null, \"n\": [1.5]}]",
        ),
    ] {
        let input = InputSettings { format, ..input() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let file = discover(&[path]).unwrap().remove(0);
        let header = read_beginning(&file, &format, true, HeaderNames::Used, 1 << 20).unwrap();
        let wanted = ProposeSettings { table: None, key: None, sample_bytes: ALL };
        let proposal = propose(&wanted, &input, &[(file, header)]).unwrap();
        assert_eq!(
            proposal.statement,
            "CREATE TABLE IF NOT EXISTS t (
    id int,
    zip text,
    at date,
    n frozen<list<double>>,
    PRIMARY KEY (id)
);
",
            "{name}"
        );
    }
}
