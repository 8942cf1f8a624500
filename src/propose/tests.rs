//! Proposals for small files.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::codec::CodecOptions;
use crate::codec::forms::{Blobs, EpochUnit, Forms, Separators, Times, TimeuuidFrom};
use crate::codec::row::{RecordPlace, RowEncoder};
use crate::format::Format;
use crate::format::charset::Charset;
use crate::format::csv::dialect::{Dialect, Trim};
use crate::format::reader::RecordReader;
use crate::plan::beginning::read_beginning;
use crate::plan::decoding::settle_encoding;
use crate::plan::discover::discover;
use crate::plan::header::HeaderNames;
use crate::reject::RejectCode;
use crate::schema::ddl::table_of;
use crate::schema::mapping::{FileFields, MappingRules, plan_files};
use crate::schema::statement::write_statement;
use crate::settings::Rounding;

fn input() -> InputSettings {
    InputSettings { nulls: vec!["NULL".to_owned()], max_record_bytes: 1 << 20, ..InputSettings::usual() }
}

/// A proposal for files of these names and contents.
fn propose_for(
    files: &[(&str, &str)],
    key: Option<&str>,
    sample_bytes: u64,
) -> Result<Proposal, ProposeError> {
    propose_as(&input(), files, key, sample_bytes)
}

/// The same with these settings.
fn propose_as(
    input: &InputSettings,
    files: &[(&str, impl AsRef<[u8]>)],
    key: Option<&str>,
    sample_bytes: u64,
) -> Result<Proposal, ProposeError> {
    let folder = tempfile::tempdir().unwrap();
    let inputs: Vec<_> =
        files.iter().map(|(name, text)| written(folder.path(), input, name, text.as_ref())).collect();
    let key = key.map(|key| KeySpec::parse(key).unwrap());
    let mut proposal = propose(
        &ProposeSettings { table: None, key, sample_bytes, fields_beside: Vec::new() },
        input,
        &inputs,
    )?;
    let folder = format!("{}/", folder.path().display());
    proposal.notes.iter_mut().for_each(|note| *note = note.replace(&folder, ""));
    Ok(proposal)
}

/// A file of this name and content, opened as a load would.
fn written(folder: &Path, input: &InputSettings, name: &str, text: &[u8]) -> (InputFile, Header) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    let mut file = discover(&[path]).unwrap().remove(0);
    settle_encoding(&mut file, input.format.charset()).unwrap();
    let header =
        read_beginning(&file, &input.format, input.format_is_said, HeaderNames::Used, input.max_record_bytes)
            .unwrap();
    (file, header)
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
    let wanted = ProposeSettings { table: None, key: None, sample_bytes: ALL, fields_beside: Vec::new() };
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
        let wanted = ProposeSettings { table: None, key: None, sample_bytes: ALL, fields_beside: Vec::new() };
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

#[test]
fn the_names_of_files_end_no_comment() {
    let proposal = propose_for(&[("t.csv\nDROP TABLE x;\r.csv", "id\n1\n")], None, ALL).unwrap();
    let text = proposal.text();
    assert!(
        text.starts_with("-- From 1 records: all of t.csv\\nDROP TABLE x;\\r.csv.\n-- A guess"),
        "{text}"
    );
}

#[test]
fn files_that_spell_a_column_in_two_ways_have_it_once() {
    let files = [("a.csv", "Id,V\n1,x\n"), ("b.csv", " v ,ID\ny,2\n")];
    let proposal = propose_for(&files, None, ALL).unwrap();
    assert!(
        proposal.statement.contains("(\n    id int,\n    v text,\n    PRIMARY"),
        "{}",
        proposal.statement
    );
    let refused = propose_for(&[("t.csv", " x,x\n1,2\n")], None, ALL).unwrap_err().to_string();
    assert!(refused.starts_with("the fields \" x\" and \"x\" differ in case, or in spaces"), "{refused}");
    let refused = propose_for(&[("t.csv", "Id,ID\n1,2\n")], None, ALL).unwrap_err().to_string();
    assert!(refused.starts_with("the fields \"Id\" and \"ID\" differ in case"), "{refused}");
}

#[test]
fn what_a_load_skips_or_refuses_is_not_looked_at() {
    let skipping = InputSettings { skip: 1, ..input() };
    let proposal = propose_as(&skipping, &[("t.csv", "id\nunit\n1\n2\n")], None, ALL).unwrap();
    assert!(proposal.text().contains("-- From 2 records: ") && proposal.statement.contains("id int"));
    let json = InputSettings { format: Format::Json(Charset::UTF_8), format_is_said: true, ..input() };
    let refused =
        propose_as(&json, &[("t.json", "[{\"a\":1},\n{\"a\":2}")], None, ALL).unwrap_err().to_string();
    assert!(refused.contains("never closed"), "{refused}");
}

#[test]
fn texts_in_other_encodings_are_no_numbers() {
    for (name, text) in [
        ("shift_jis", &b"id,v\n1,2\n2,\x83e\x83X\x83g\n"[..]),
        ("utf-16le", &b"i\0d\0,\0v\0\n\x001\0,\x002\0\n\x002\0,\0\xe9\0\n\0"[..]),
        ("latin1", &b"id,v\n1,2\n2,\xe9\n"[..]),
    ] {
        let format = Format::Csv(Dialect { charset: name.parse().unwrap(), ..Dialect::default() });
        let proposal =
            propose_as(&InputSettings { format, ..input() }, &[("t.csv", text)], None, ALL).unwrap();
        assert!(proposal.statement.contains("id int,\n    v text,"), "{name}: {}", proposal.statement);
    }
}

/// What a load with the proposed table rejects: each fault's code and message.
fn rejects(input: &InputSettings, text: &str, key: &str) -> Result<Vec<String>, ProposeError> {
    let folder = tempfile::tempdir().unwrap();
    let inputs = [written(folder.path(), input, "t.csv", text.as_bytes())];
    let name = TableName { keyspace: "k".to_owned(), table: "t".to_owned() };
    let key = Some(KeySpec::parse(key).unwrap());
    let wanted =
        ProposeSettings { table: Some(name.clone()), key, sample_bytes: ALL, fields_beside: Vec::new() };
    let proposal = propose(&wanted, input, &inputs)?;
    let schema = table_of(Path::new("proposal"), &proposal.text(), Some(&name)).unwrap();
    let (file, header) = &inputs[0];
    let rules = MappingRules {
        allow_missing: false,
        allow_unknown: false,
        ttl: None,
        write_time: None,
        map: None,
        codec: &input.codec,
        null_as: input.null_as,
    };
    let fields = FileFields {
        path: &file.path,
        names: &header.names,
        passed_over: &[],
        first_record: &[],
        sampled: header.sampled.as_ref(),
    };
    let (terms, mappings) = plan_files(&schema, &[fields], rules).unwrap();
    let (plan, places) = write_statement(&name, &terms, None, input.null_as);
    let mapping = mappings[0].clone().arranged(&places);
    let format = input.format;
    let encoder = RowEncoder::new(&plan, &mapping, &input.nulls, input.codec.clone())
        .with_charset(format.field_charset())
        .with_json(format.is_keyed());
    let data = text.as_bytes()[header.data_start as usize..].to_vec();
    let keys = mapping.keys.clone().unwrap_or_default();
    let batch = RecordReader::new(&format, &keys).read(data).unwrap();
    let place = RecordPlace { write_time_us: 1, line: 1, number: 1 };
    let encoded = batch.iter().filter_map(|record| {
        let fault = match record.fault() {
            Some(fault) => Some(Box::new(fault.clone())),
            None => encoder.encode(record, place, &mut Vec::new()).err(),
        };
        let is_of_key = |code| matches!(code, RejectCode::NullKey | RejectCode::EmptyKey);
        fault.filter(|fault| !is_of_key(fault.code))
    });
    Ok(encoded.map(|fault| format!("{fault:?} with {}", proposal.statement)).collect())
}

/// Cells that look like many things.
fn cells() -> impl Strategy<Value = String> {
    let looks = prop::sample::select(vec![
        "",
        " ",
        "NULL",
        "0",
        "-0",
        "1",
        " 7 ",
        "007",
        "+5",
        "2147483648",
        "9223372036854775808",
        "1.0",
        "1e3",
        "1E400",
        "0.1234567890123456789",
        "-1.5e-9",
        "1,5",
        "1.234,5",
        "1.234",
        "true",
        "False",
        " TRUE",
        "ja",
        "nein",
        "y",
        "NaN",
        "2024-01-01",
        "2024-02-30",
        " 2024-01-01 ",
        "2024-01-01T10:20:30Z",
        "2024-01-01 10:20:30.123456",
        "31.12.2024",
        "31/12/2024",
        "20241231",
        "10:20",
        "10:20:30.5",
        "24:00",
        "P1D",
        "1h",
        "2024-03-31 02:30:00",
        "10.0.0.1",
        "::1",
        "fe80::1%1",
        "0xcafe",
        "0x",
        "0xc",
        "John",
        "Zm9v",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "0b5b9a4e-3b5e-4f0c-9a57-2d7f7f0c1a11",
        "D41D8CD98F00B204E9800998ECF8427E",
        "[]",
        "{}",
        "[1, 2]",
        "[1.5]",
        "[\"2024-01-01\"]",
        "[\"x\"]",
        "[null]",
        "[[1],[]]",
        "{\"a\": 1}",
        "{\"a\": 1, \"a\": 2}",
        "{\"\": \"\"}",
        "[true]",
        "[100000000000000000001]",
        "[\"\\u0000\"]",
        "[1",
        "{a: 1}",
        "[\"1,5\"]",
        " [1] ",
        "[1e400]",
        "[-0]",
        "\u{e9}",
        "\u{a0}1",
        "1\n2",
        "\t1",
    ]);
    let looks = looks.prop_map(str::to_owned);
    prop_oneof![6 => looks, 1 => "[0-9.:/+-]{1,12}", 1 => "[\\[{][0-9,:\"a\\]} ]{0,8}[\\]}]", 1 => any::<String>()]
}

/// Settings under which texts mean something else.
fn settings() -> impl Strategy<Value = InputSettings> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let times = Times::default()
        .with_timestamps(&texts(&["%d/%m/%Y", "epoch", "iso"]))
        .and_then(|times| times.with_dates(&texts(&["%d.%m.%Y", "%Y%m%d"])))
        .unwrap()
        .with_meaning(Some(EpochUnit::S), Some("Europe/Paris".parse().unwrap()));
    let forms = prop::sample::select(vec![
        Forms::default(),
        Forms { timeuuid: Some(TimeuuidFrom::Record), ..Forms::default() },
        Forms { blobs: Blobs::Base64, ..Forms::default() },
        Forms { booleans: Some("ja:nein,1:0".parse().unwrap()), ..Forms::default() },
        Forms { separators: Some(Separators::new(',', Some('.')).unwrap()), ..Forms::default() },
        Forms { times: Some(times), ..Forms::default() },
    ]);
    let rounding = prop::sample::select(vec![Rounding::Reject, Rounding::Truncate]);
    let trim = prop::sample::select(vec![Trim::None, Trim::Unquoted, Trim::All]);
    (forms, rounding, trim).prop_map(|(forms, rounding, trim)| InputSettings {
        format: Format::Csv(Dialect { trim, ..Dialect::default() }),
        codec: CodecOptions { rounding, forms: forms.unless_usual() },
        ..input()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_that_was_looked_at_as_a_whole_fits_the_proposed_table(
        input in settings(),
        rows in (1_usize..4).prop_flat_map(|columns| {
            let cell = (cells(), any::<bool>());
            prop::collection::vec(prop::collection::vec(cell, columns), 1..5)
        }),
        key in 1_usize..4,
    ) {
        let written = |(cell, quoted): &(String, bool)| {
            let needs_quotes = cell.contains(['"', ',', '\n', '\r']);
            if *quoted || needs_quotes { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
        };
        let columns = rows[0].len();
        let header: Vec<String> = (1..=columns).map(|column| format!("C{column}")).collect();
        let lines = rows.iter().map(|row| row.iter().map(written).collect::<Vec<_>>().join(","));
        let text: String = [header.join(",")].into_iter().chain(lines).map(|line| line + "\n").collect();
        let key = format!("#{}", key.min(columns));
        prop_assert_eq!(rejects(&input, &text, &key).unwrap(), Vec::<String>::new(), "{}", text);
    }
}

#[test]
fn codes_stay_what_they_are_and_without_records_there_are_no_types() {
    let proposal = propose_for(&[("t.csv", "id,code,n\n1,12E4,1.5e3\n2,3E10,2.5\n")], None, ALL).unwrap();
    assert!(proposal.statement.contains("code text,\n    n double,"), "{}", proposal.statement);
    let refused = propose_for(&[("t.csv", "a,b\n")], Some("a"), ALL).unwrap_err();
    assert!(matches!(refused, ProposeError::NoRecords), "{refused}");
    // Keys cannot be named by an option.
    let ndjson = InputSettings { format: Format::Ndjson(Charset::UTF_8), format_is_said: true, ..input() };
    let refused = propose_as(&ndjson, &[("t.json", "")], Some("a"), ALL).unwrap_err();
    assert!(matches!(refused, ProposeError::NoRecords), "{refused}");
}

#[test]
fn what_is_behind_the_limit_is_not_looked_at() {
    let files = [("a.csv", "id,v\n1,1\n2,2\n"), ("b.csv", "id,v\n3,3\n4,x\n"), ("c.csv", "id,v\n5,x\n")];
    let limited =
        |limit, skip| propose_as(&InputSettings { limit, skip, ..input() }, &files, None, ALL).unwrap();
    let three = limited(Some(3), 0);
    assert_eq!(three.notes[0], "From 3 records: all of a.csv, the first 1 of b.csv (--limit).");
    assert!(three.statement.contains("    v int,\n"), "{}", three.statement);
    assert!(limited(Some(4), 0).statement.contains("    v text,\n"));
    assert_eq!(limited(Some(9), 0).notes[0], "From 5 records: all of a.csv, all of b.csv, all of c.csv.");
    let skipped = limited(Some(1), 1);
    assert_eq!(skipped.notes[0], "From 1 records: the first 1 of a.csv (--limit).");
}

#[test]
fn fields_that_say_how_rows_are_written_get_no_column_unless_the_key_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = [written(folder.path(), &input(), "a.csv", b"id,Expires,at\n1,60,2024-01-01\n")];
    let proposed = |key: &str| {
        let beside = ["expires", "#3"].map(|field| FieldRef::parse(field).unwrap());
        let key = Some(KeySpec::parse(key).unwrap());
        let settings =
            ProposeSettings { table: None, key, sample_bytes: ALL, fields_beside: beside.to_vec() };
        propose(&settings, &input(), &inputs).unwrap().statement
    };
    let statement = proposed("id");
    assert!(statement.contains("id int,\n") && !statement.contains("expires"), "{statement}");
    assert!(!statement.contains(" at "), "{statement}");
    let statement = proposed("id, at");
    assert!(statement.contains("at date,\n") && !statement.contains("expires"), "{statement}");
}
