//! Every case in both layouts, whole and cut between records, with fields and faults.

use proptest::prelude::*;

use super::*;
use crate::format::json::keys::KeyName;
use crate::format::json::lines;

/// A record: its line, its bytes, and its fields or what is wrong with it.
type FoundRecord = (u64, String, Result<Vec<Found>, String>);

/// A field: `None` for null, else its text and whether it was a string.
type Found = Option<(String, bool)>;

fn keys(fields: &[&str], skip_unknown: bool) -> Keys {
    let field = |name: &&str| KeyName { name: (*name).to_owned(), exact: false };
    Keys { fields: fields.iter().map(field).collect(), refused: vec!["odd".to_owned()], skip_unknown }
}

fn reader(extent: Extent) -> JsonReader {
    JsonReader::new(extent, Charset::UTF_8, keys(&["a", "b"], false))
}

/// Each record's line and bytes, and its fields or what is wrong with it.
fn read(reader: &mut JsonReader, bytes: &[u8]) -> Vec<FoundRecord> {
    let batch = reader.read(bytes.to_vec()).unwrap();
    let records = batch.iter().map(|record| {
        let raw = String::from_utf8_lossy(&record.raw()).into_owned();
        assert_eq!(record.raw(), &bytes[record.offset() as usize..][..record.raw().len()]);
        let fields = match record.fault() {
            Some(fault) => {
                assert_eq!(record.field_count(), 0);
                Err(format!("{:?} {}", fault.code, fault))
            }
            None => Ok((0..record.field_count())
                .map(|index| {
                    let field = record.field(index).unwrap();
                    let text = String::from_utf8(field.bytes.to_vec()).unwrap();
                    (field.quoted || !text.is_empty()).then_some((text, field.quoted))
                })
                .collect()),
        };
        (record.line_offset(), raw, fields)
    });
    records.collect()
}

fn raw(text: &str) -> Found {
    Some((text.to_owned(), false))
}

fn text(text: &str) -> Found {
    Some((text.to_owned(), true))
}

/// One record, as a line and as a document.
fn check(record: &str, expected: Result<Vec<Found>, &str>) {
    for (extent, behind) in [(Extent::Line, "\n"), (Extent::Document, "")] {
        let bytes = [record, "\n", r#"{"b":9}"#, "\n"].concat();
        let found = read(&mut reader(extent), bytes.as_bytes());
        assert_eq!(found.len(), 2, "{record}");
        assert_eq!(found[0].1, [record, behind].concat());
        match (&found[0].2, &expected) {
            (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{record}: {found}"),
            (found, expected) => assert_eq!(
                found.as_deref().map_err(String::as_str),
                expected.as_deref().map_err(|e| *e),
                "{record}"
            ),
        }
        // What is wrong with one record is nothing to its neighbour.
        assert_eq!(found[1].2, Ok(vec![None, raw("9")]), "{record}");
        assert_eq!(found[1].0, 1);
    }
}

#[test]
fn strings_numbers_nulls_and_nested_values_are_told_apart() {
    check(r#"{"a":1,"b":"x"}"#, Ok(vec![raw("1"), text("x")]));
    check(r#"{"b":"","a":null}"#, Ok(vec![None, text("")]));
    check(r#"{"a":"null"}"#, Ok(vec![text("null"), None]));
    check("{}", Ok(vec![None, None]));
    check(r#"{"a":-1.50e3,"b":true}"#, Ok(vec![raw("-1.50e3"), raw("true")]));
    check(r#"{"a":[1, {"x":"\u0041"}],"b":{ }}"#, Ok(vec![raw(r#"[1, {"x":"\u0041"}]"#), raw("{ }")]));
    check(r#"{"a":"\u00e9\n\\","b":"é"}"#, Ok(vec![text("é\n\\"), text("é")]));
    check(r#"{" A ":1,"\u0062":2}"#, Ok(vec![raw("1"), raw("2")]));
}

#[test]
fn what_is_wrong_with_a_record_is_told_with_its_place() {
    check(r#"{"a":01}"#, Err("InvalidJson not JSON, column 6: a number that is none of JSON's"));
    check(
        r#"{"a":1,}"#,
        Err("InvalidJson not JSON, column 8: a key in double quotes should be here, and not \"}\""),
    );
    check(r#"{"a" 1}"#, Err("InvalidJson not JSON, column 6: ':' should be here, and not \"1}\""));
    check(
        r#"[1,2]"#,
        Err("InvalidJson not JSON, column 1: a record must be an object, in braces, and this is an array"),
    );
    check(
        "12",
        Err("InvalidJson not JSON, column 1: a record must be an object, in braces, and this is a number"),
    );
    check(r#"{"a":1,"c":2}"#, Err("UnknownKey column c: column 9: no column has the name of this key"));
    check(r#"{"odd":1}"#, Err("UnknownKey column odd: column 3: the column of this key is of a type"));
    check(r#"{"a":1,"a":2}"#, Err("DuplicateKey column a: column 9: this key"));
    check(r#"{"a":1,"A":"\n"}"#, Err("DuplicateKey column A: column 9: this key"));
    check(r#"{"a":"\ud800"}"#, Err("InvalidJson not JSON, column 7: \\u needs"));
}

#[test]
fn a_line_holds_one_object_and_nothing_else() {
    let found = read(
        &mut reader(Extent::Line),
        b"{\"a\":1} {\"a\":2}\n{\"a\":3},\r\n \r\n\t{\"a\":4}\t\r\n{\"a\":5}",
    );
    let outcomes: Vec<_> =
        found.iter().map(|(line, raw, fields)| (*line, raw.as_str(), fields.is_ok())).collect();
    let expected = [
        (0, "{\"a\":1} {\"a\":2}\n", false),
        (1, "{\"a\":3},\r\n", false),
        (3, "{\"a\":4}\t\r\n", true),
        (4, "{\"a\":5}", true),
    ];
    assert_eq!(outcomes, expected);
    let told = found[0].2.clone().unwrap_err();
    assert!(told.contains("column 9: nothing should follow an object on its line"), "{told}");
}

#[test]
fn documents_span_lines_and_their_faults_are_told_by_line() {
    let bytes = b"{\n \"a\": 1\n}{\"a\":2}\n\n{\n \"a\": 3,\n \"b\": x\n},\n {\"b\":\n[4,\n5]}]\n";
    let found = read(&mut reader(Extent::Document), bytes);
    let places: Vec<_> = found.iter().map(|(line, raw, _)| (*line, raw.len())).collect();
    assert_eq!(places, [(0, 11), (2, 7), (4, 20), (8, 13)]);
    assert_eq!(
        found[2].2,
        Err(
            "InvalidJson not JSON, line 3 of the record, column 7: a value should be here, and not \"x\\n}\""
                .to_owned()
        )
    );
    assert_eq!(found[3].2, Ok(vec![None, raw("[4,\n5]")]));
}

#[test]
fn what_is_not_utf8_is_one_records_fault() {
    for extent in [Extent::Line, Extent::Document] {
        let found =
            read(&mut reader(extent), b"{\"a\":\"\xc3\xa9\\t\"}\n{\"a\":\"\xe9\"}\n{\"b\":\"\xc3\xa9\"}\n");
        assert_eq!(found[0].2, Ok(vec![text("é\t"), None]));
        assert_eq!(
            found[1].2,
            Err("InvalidUtf8 column 7 is not UTF-8: name the file's own encoding with --encoding".to_owned())
        );
        assert_eq!(found[2].2, Ok(vec![None, text("é")]));
    }
}

#[test]
fn records_in_another_encoding_are_decoded_before_their_escapes_are_read() {
    let charset: Charset = "windows-1253".parse().unwrap();
    let keys = keys(&["ü", "b"], false);
    for extent in [Extent::Line, Extent::Document] {
        let mut reader = JsonReader::new(extent, charset, keys.clone());
        let found = read(
            &mut reader,
            b"{\"\\u00fc\":\"\xe1\\u00e9\",\"b\":\"\xe1\"}\n{\"b\":\"\xd2\"}\n{\"b\":\"x\"}\n",
        );
        assert_eq!(found[0].2, Ok(vec![text("αé"), text("α")]));
        assert!(
            found[1]
                .2
                .as_ref()
                .is_err_and(|told| told.starts_with("InvalidEncoding the record is not windows-1253")),
            "{found:?}"
        );
        assert_eq!(found[2].2, Ok(vec![None, text("x")]));
    }
}

#[test]
fn keys_that_are_no_fields_are_passed_over_where_that_is_asked_for() {
    let mut reader = JsonReader::new(Extent::Line, Charset::UTF_8, keys(&["a"], true));
    let found = read(&mut reader, b"{\"x\":\"\\n\",\"a\":1,\"x\":[{}]}\n{\"x\":tru,\"a\":1}\n");
    assert_eq!(found[0].2, Ok(vec![raw("1")]));
    assert!(found[1].2.as_ref().is_err_and(|told| told.contains("column 6")), "{found:?}");
}

/// Lines that hold anything.
fn nasty() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"{\"a\":1}",
        b"{\"b\":\"\\n\"}",
        b"{\"a\":[1,\n2]}",
        b"\n",
        b"\r\n",
        b" ",
        b"{",
        b"}",
        b"\"",
        b"x",
        b"{\"a\":\"\xff\"}",
        b"[",
        b"]",
        b",",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

/// Documents, good and bad.
fn nasty_documents() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"{\"a\":1}",
        b"{\"b\":\"\\n\"}",
        b"{\"a\":[1,\n2]}",
        b"\n",
        b" ",
        b"x",
        b"{\"a\" 1}",
        b"[1]",
        b"\"}\\\"\"",
        b"{\"a\":\"\xff\"}",
        b"{,}",
        b"-1",
        b"{\"b\":[[],[{}]]}",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_lines_are_the_records_that_the_scan_counts_however_they_are_cut(bytes in nasty()) {
        let mut reader = reader(Extent::Line);
        let whole = read(&mut reader, &bytes);
        prop_assert_eq!(lines::scan(&bytes).from(crate::format::csv::scan::State::RecordStart).records, whole.len() as u64);
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            let state = lines::scan(left).from(crate::format::csv::scan::State::RecordStart).end;
            let lane = *lines::scan(right).from(state);
            let count = lines::scan(left).from(crate::format::csv::scan::State::RecordStart).records + lane.records;
            prop_assert_eq!(count, whole.len() as u64);
            prop_assert_eq!(lines::nth_record_start(state, right, 0).map(|at| at as u64), lane.first);
            if let Some(first) = lane.first {
                let at = cut + first as usize;
                let (front, behind) = (read(&mut reader, &bytes[..at]), read(&mut reader, &bytes[at..]));
                let fields = |records: &[FoundRecord]| {
                    records.iter().map(|(_, raw, fields)| (raw.clone(), fields.clone())).collect::<Vec<_>>()
                };
                prop_assert_eq!([fields(&front), fields(&behind)].concat(), fields(&whole));
            }
        }
    }

    #[test]
    fn documents_that_the_scan_finds_are_read_one_for_one(bytes in nasty_documents()) {
        use crate::format::json::documents::Layout;
        let mut documents = Documents::start(Layout::Run);
        let count = documents.scan(&bytes).unwrap().records;
        prop_assert!(documents.may_end());
        prop_assert_eq!(read(&mut reader(Extent::Document), &bytes).len() as u64, count);
    }
}
