//! Tests of values that are made of others: tables of texts and bytes, and properties checked against the driver's own serialization.

mod canonical;
mod properties;

use super::encode;
use crate::codec::{CodecOptions, Flaw};
use crate::reject::RejectCode::{self, *};
use crate::schema::types::{CqlType, UserTypes};
use crate::settings::Rounding;

/// A type of this text, among `addr`, `geo` and `"Odd"`.
fn cql_type(text: &str) -> CqlType {
    let mut types = UserTypes::default();
    let mut add = |name: &str, fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        assert!(types.add(name.to_owned(), fields));
    };
    add("addr", &[("street", "text"), ("zip", "int"), ("at", "frozen<geo>"), ("tags", "frozen<set<text>>")]);
    add("geo", &[("lat", "double"), ("lon", "double")]);
    add("Odd", &[("Name", "int"), ("name", "int"), ("a b", "int")]);
    types.parse(text).unwrap_or_else(|| panic!("{text}"))
}

fn encoded(of: &str, text: &[u8], options: CodecOptions) -> Result<Vec<u8>, Box<Flaw>> {
    let mut out = b"before".to_vec();
    encode(&cql_type(of), text, &options, &mut out)?;
    Ok(out.strip_prefix(b"before").unwrap().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All of these texts give the bytes, written in hexadecimal.
#[track_caller]
fn check(of: &str, bytes: &str, texts: &[&str]) {
    for text in texts {
        let got = encoded(of, text.as_bytes(), CodecOptions::default()).map(|bytes| hex(&bytes));
        assert_eq!(got.map_err(|flaw| flaw.to_string()), Ok(bytes.replace(' ', "")), "{of} of {text}");
    }
}

/// Each text is refused with this code and for this reason.
#[track_caller]
fn refuse(of: &str, code: RejectCode, expected: &[(&str, &str)]) {
    for (text, reason) in expected {
        let flaw = encoded(of, text.as_bytes(), CodecOptions::default()).expect_err(text);
        assert_eq!((flaw.code(), flaw.to_string().as_str()), (code, *reason), "{of} of {text}");
    }
}

#[test]
fn lists_are_counted_and_each_element_has_its_length() {
    check("list<int>", "00000000", &["[]", " [ ] "]);
    check(
        "list<int>",
        "00000002 00000004 00000003 00000004 fffffffe",
        &["[3,-2]", "[3, -2]", "\t[ 3 ,\r\n-2 ] ", r#"["3", "-2"]"#, "['3', -2.0]"],
    );
    check("list<text>", "00000002 00000001 61 00000000", &[r#"["a", ""]"#, "['a', '']"]);
    check(
        "frozen<list<boolean>>",
        "00000002 00000001 01 00000001 00",
        &["[true, false]", r#"["yes", "no"]"#],
    );
    check(
        "list<frozen<list<tinyint>>>",
        "00000002 0000000e 00000002 00000001 01 00000001 02 00000004 00000000",
        &["[[1, 2], []]"],
    );
    check("list<blob>", "00000001 00000002 cafe", &["[0xcafe]", r#"["0xCAFE"]"#]);
    check("list<float>", "00000002 00000004 7fc00000 00000004 7f800000", &["[NaN, Infinity]"]);
}

#[test]
fn strings_are_those_of_json_or_of_cql() {
    let check_text = |expected: &str, text: &str| {
        let bytes = format!("00000001 {:08x} {}", expected.len(), hex(expected.as_bytes()));
        check("list<text>", &bytes, &[text]);
    };
    check_text("a\"b\\/\u{8}\u{c}\n\r\t", r#"["a\"b\\\/\b\f\n\r\t"]"#);
    check_text("é😀\0", r#"["\u00e9\uD83D\ude00\u0000"]"#);
    check_text("é😀", r#"["é😀"]"#);
    check_text("it's \\n \"", r#"['it''s \n "']"#);
    check_text("''", "['''''']");
    check_text("[1, 2] {}", r#"["[1, 2] {}"]"#);
    // Of what has no quotes only what JSON would read is taken for a text.
    check_text("12.50", "[12.50]");
    check_text("-1e3", "[-1e3]");
    check_text("true", "[true]");
    refuse(
        "list<text>",
        InvalidCollection,
        &[
            ("[a]", "element 1 (a): a text needs quotes around it: \"...\" or '...'"),
            ("[01]", "element 1 (01): a text needs quotes around it: \"...\" or '...'"),
            (r#"["a]"#, r#"element 1 ("a]): a string whose closing quote is missing"#),
            ("['a]", "element 1 ('a]): a string whose closing quote is missing"),
            (r#"["\"]"#, r#"element 1 ("\"]): a string whose closing quote is missing"#),
            (r#"["\x"]"#, r"element 1 (\x): a backslash that begins none of JSON's escapes: double it"),
            (
                r#"["\ud800"]"#,
                r"element 1 (\ud800): \u needs four hexadecimal digits that name a character, or a pair of them",
            ),
            (
                r#"["\u12"]"#,
                r"element 1 (\u12): \u needs four hexadecimal digits that name a character, or a pair of them",
            ),
            ("['a''b' c]", "at c]: a comma or ] should be here"),
        ],
    );
}

#[test]
fn sets_are_sorted_and_each_element_is_there_once() {
    check(
        "set<int>",
        "00000003 00000004 ffffffff 00000004 00000002 00000004 0000000a",
        &["[10, 2, -1]", "{10, 2, -1}", "[-1, 2, 10]", "{-1,2,2,10,-1}"],
    );
    check("set<text>", "00000002 00000001 61 00000001 62", &[r#"["b","a"]"#, "{'b', 'a', 'b'}"]);
    check("set<text>", "00000000", &["[]", "{}", "{ }"]);
    // Of equal numbers the first stays as it is.
    check("set<decimal>", "00000001 00000005 00000002 64", &["{1.00, 1.0, 1}"]);
    check(
        "frozen<set<frozen<set<tinyint>>>>",
        "00000002 00000004 00000000 0000000e 00000002 00000001 01 00000001 02",
        &["[[2, 1], [], [1, 2, 2]]", "{{2, 1}, {}}"],
    );
    refuse(
        "set<int>",
        InvalidCollection,
        &[
            ("{1, 2]", "at ]: a comma or } should be here"),
            ("[1, 2}", "at }: a comma or ] should be here"),
            ("1, 2", "at 1, 2: a set such as [1, 2] or {1, 2} should be here"),
        ],
    );
}

#[test]
fn maps_are_sorted_by_key_and_of_equal_keys_the_last_value_counts() {
    let bytes = "00000002 00000001 61 00000004 00000001 00000001 62 00000004 00000002";
    check(
        "map<text, int>",
        bytes,
        &[
            r#"{"a": 1, "b": 2}"#,
            r#"{"b":2,"a":1}"#,
            "{'a': 1, 'b': 2}",
            r#"[["b", 2], ["a", 1]]"#,
            r#"{"a": 7, "b": 2, "a": 1}"#,
        ],
    );
    check("map<text, int>", "00000000", &["{}", "[]"]);
    let bytes = "00000002 00000001 02 00000001 61 00000001 0a 00000001 62";
    check(
        "map<tinyint, text>",
        bytes,
        &[
            r#"{"10": "b", "2": "a"}"#,
            "{10: 'b', 2: 'a'}",
            r#"[[10, "b"], [2, "a"]]"#,
            "{ 2 : 'a' , 10 : 'b' }",
        ],
    );
    // A key that is made of others is written in a JSON string, or as it is.
    let bytes = "00000001 0000000e 00000002 00000001 01 00000001 02 00000001 05";
    check(
        "map<frozen<list<tinyint>>, tinyint>",
        bytes,
        &[r#"{"[1, 2]": 5}"#, "{'[1,2]': 5}", "{[1, 2]: 5}", "[[[1, 2], 5]]"],
    );
    let bytes = "00000001 0000000a 00000001 78 00000001 07 00000001 05";
    check(
        "map<frozen<tuple<text, tinyint>>, tinyint>",
        bytes,
        &[r#"{"[\"x\", 7]": 5}"#, "{('x', 7): 5}", r#"{"('x', 7)": 5}"#],
    );
    check(
        "map<uuid, timestamp>",
        "00000001 00000010 550e8400e29b41d4a716446655440000 00000008 0000000000000001",
        &[
            "{550e8400-e29b-41d4-a716-446655440000: 1}",
            "{\"550e8400-e29b-41d4-a716-446655440000\": \"1970-01-01 00:00:00.001\"}",
        ],
    );
}

#[test]
fn what_is_wrong_in_a_map_is_told_with_its_key() {
    refuse(
        "map<text, frozen<list<int>>>",
        InvalidNumber,
        &[(
            r#"{"a": [1], "b": [1, "x"]}"#,
            "value of \"b\", element 2 (\"x\"): not an integer: write digits with an optional sign, such as -42",
        )],
    );
    let number = "not an integer: write digits with an optional sign, such as -42";
    refuse(
        "map<int, int>",
        InvalidNumber,
        &[
            (r#"{"a": 1}"#, &format!("key \"a\" (\"a\"): {number}")),
            ("{1: x}", &format!("value of 1 (x): {number}")),
            ("[[1, 2], [3, x]]", &format!("element 2, value of 3 (x): {number}")),
        ],
    );
    refuse(
        "map<int, int>",
        InvalidCollection,
        &[
            ("{1}", "at }: a colon should be here"),
            ("{1: 2", "ends where a comma or } should be"),
            ("{1: 2,}", "a key (}): a value should be here"),
            ("[1, 2]", "element 1 (1, 2]): a pair such as [\"a\", 1] should be here"),
            ("[[1]]", "element 1 (]]): a comma and the key's value should be here"),
        ],
    );
}

#[test]
fn tuples_have_all_their_elements_and_any_may_be_null() {
    check(
        "tuple<int, text, boolean>",
        "00000004 00000001 00000001 61 00000001 01",
        &[r#"[1, "a", true]"#, "(1, 'a', true)", "( 1,'a' , TRUE )"],
    );
    check("tuple<int, text>", "ffffffff 00000000", &["[null, \"\"]", "(NULL, '')"]);
    check("tuple<tinyint>", "00000001 05", &["[5]", "(5)"]);
    refuse(
        "tuple<int, text>",
        ElementCount,
        &[
            ("[1]", "1 of the 2 elements that the tuple has: write null for what is not there"),
            ("()", "0 of the 2 elements that the tuple has: write null for what is not there"),
            ("[1, 'a', 2]", "more than the 2 elements that the tuple has: leave the rest out"),
        ],
    );
}

#[test]
fn fields_of_a_user_type_come_in_any_order_and_those_that_are_missing_are_null() {
    let bytes = "00000001 61 00000004 00000007 ffffffff ffffffff";
    check(
        "addr",
        bytes,
        &[
            r#"{"street": "a", "zip": 7}"#,
            r#"{"zip": 7, "street": "a", "at": null}"#,
            "{street: 'a', zip: 7}",
            "{ZIP: 7, Street: 'a'}",
            r#"{"Street": "a", "\"zip\"": 7}"#,
            "{tags: null, zip: 7, street: 'a'}",
        ],
    );
    check("frozen<addr>", "ffffffff ffffffff ffffffff ffffffff", &["{}"]);
    check(
        "addr",
        "ffffffff 00000004 00000001 00000010 00000008 3ff0000000000000 ffffffff 0000000e 00000002 00000001 61 00000001 62",
        &[r#"{"tags": ["b", "a"], "at": {"lat": 1}, "zip": 1}"#, "{at: {lat: 1}, tags: {'b', 'a'}, zip: 1}"],
    );
    check(
        "\"Odd\"",
        "00000004 00000001 00000004 00000002 00000004 00000003",
        &[r#"{"Name": 1, "name": 2, "a b": 3}"#, r#"{"\"Name\"": 1, name: 2, "a b": 3}"#],
    );
    check("\"Odd\"", "ffffffff 00000004 00000002 ffffffff", &["{Name: 2}", r#"{"NAME": 2}"#]);
    refuse(
        "addr",
        UnknownField,
        &[
            (r#"{"town": "x"}"#, r#"at "town": no field of addr, which has street, zip, at, tags"#),
            ("{zip: 1, zip: 2}", "field zip: given twice: leave it once"),
            ("{at: {alt: 1}}", "field at (alt): no field of geo, which has lat, lon"),
        ],
    );
    refuse(
        "addr",
        InvalidCollection,
        &[
            ("['a', 7]", "at ['a', 7]: a user type's fields such as {\"a\": 1} or {a: 1} should be here"),
            ("{'zip': 7}", "at 'zip': 7}: a field's name, bare or in double quotes, should be here"),
            ("{zip 7}", "field zip (7}): a colon should be here"),
        ],
    );
    refuse(
        "addr",
        OutOfRange,
        &[(
            "{zip: 3000000000}",
            "field zip (3000000000): outside the range of int, -2147483648 to 2147483647: load it into a bigint",
        )],
    );
}

#[test]
fn vectors_have_exactly_so_many_elements_without_lengths_where_all_are_of_one_size() {
    check("vector<float, 3>", "3f000000 3f800000 c0000000", &["[0.5, 1, -2]", r#"["0.5", 1e0, -2.0]"#]);
    check("vector<text, 2>", "01 61 00", &[r#"["a", ""]"#]);
    check("vector<smallint, 2>", "02 0001 02 0002", &["[1, 2]"]);
    check("vector<vector<int, 1>, 2>", "00000001 00000002", &["[[1], [2]]"]);
    check("vector<frozen<set<tinyint>>, 1>", "0e 00000002 00000001 01 00000001 02", &["[[2, 1]]"]);
    let long = format!("[\"{}\"]", "x".repeat(200));
    check("vector<text, 1>", &format!("80c8 {}", "78".repeat(200)), &[&long]);
    refuse(
        "vector<float, 3>",
        ElementCount,
        &[
            ("[1, 2]", "2 of the 3 elements that the vector has: write all of them"),
            ("[1, 2, 3, 4]", "more than the 3 elements that the vector has: leave the rest out"),
        ],
    );
}

#[test]
fn a_null_can_only_be_a_field_or_an_element_of_a_tuple() {
    let reason = "null, which only a field of a user type or tuple can be: give it a value, or leave it out";
    for (of, text, place) in [
        ("list<int>", "[1, null]", "element 2"),
        ("set<text>", "[NULL]", "element 1"),
        ("map<text, int>", r#"{"a": null}"#, "value of \"a\""),
        ("map<text, int>", r#"{null: 1}"#, "key null"),
        ("map<text, int>", r#"[["a", null]]"#, "element 1, value of \"a\""),
        ("vector<int, 1>", "[null]", "element 1"),
        ("addr", "{tags: [null]}", "field tags, element 1"),
    ] {
        refuse(of, NullElement, &[(text, &format!("{place}: {reason}"))]);
    }
    check("list<text>", "00000001 00000004 6e756c6c", &[r#"["null"]"#]);
}

#[test]
fn what_is_no_value_is_told_with_what_should_be_there() {
    refuse(
        "list<int>",
        InvalidCollection,
        &[
            ("", "ends where a list such as [1, 2] should be"),
            ("  ", "ends where a list such as [1, 2] should be"),
            ("1", "at 1: a list such as [1, 2] should be here"),
            ("null", "at null: a list such as [1, 2] should be here"),
            ("[1", "ends where a comma or ] should be"),
            ("[1,", "element 2: ends where a value should be"),
            ("[1,,2]", "element 2 (,2]): a value should be here"),
            ("[1] x", "at x: text behind the end of the list: take it away"),
            ("[1 2]", "at 2]: a comma or ] should be here"),
            ("[[1]]", "element 1 ([1]]): an int, which has no brackets, should be here"),
        ],
    );
    refuse(
        "list<int>",
        InvalidNumber,
        &[(r#"[""]"#, "element 1 (\"\"): nothing between the quotes: write a value")],
    );
    let long = format!("[{}]", "é".repeat(100));
    let shown = format!("element 1 ({}...)", "é".repeat(60));
    let flaw = encoded("list<int>", long.as_bytes(), CodecOptions::default()).unwrap_err();
    assert!(flaw.to_string().starts_with(&shown), "{flaw}");
}

#[test]
fn what_is_inside_is_read_as_cells_are() {
    let fine = br#"["2026-01-31T12:34:56.789999Z"]"#;
    let flaw = encoded("list<timestamp>", fine, CodecOptions::default()).unwrap_err();
    assert_eq!(flaw.code(), Inexact);
    let truncate = CodecOptions { rounding: Rounding::Truncate, forms: None };
    let cut = encoded("list<timestamp>", fine, truncate).unwrap();
    assert_eq!(cut.get(8..).unwrap(), 1_769_862_896_789_i64.to_be_bytes());
}

#[test]
fn few_characters_cannot_stand_for_more_bytes_than_a_row_has() {
    // Each `{}` is a thousand nulls.
    let fields: Vec<_> = (0..1000).map(|at| (format!("f{at}"), "int".to_owned())).collect();
    let mut types = UserTypes::default();
    types.add("wide".to_owned(), fields);
    let list = types.parse("list<frozen<wide>>").unwrap();
    let text = format!("[{}]", vec!["{}"; 100_000].join(","));
    let mut out = Vec::new();
    let flaw = encode(&list, text.as_bytes(), &CodecOptions::default(), &mut out).unwrap_err();
    assert_eq!(flaw.code(), ValueTooLarge);
    assert!(out.len() < 16 << 20, "{}", out.len());
}

#[test]
fn the_deepest_type_is_read_on_a_small_stack() {
    let depth = 24;
    let of = format!("{}int{}", "frozen<list<".repeat(depth), ">>".repeat(depth));
    let text = format!("{}7{}", "[".repeat(depth), "]".repeat(depth));
    let hostile = "[".repeat(1 << 20);
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
        assert_eq!(encoded(&of, text.as_bytes(), CodecOptions::default()).unwrap().len(), depth * 8 + 4);
        assert!(encoded(&of, hostile.as_bytes(), CodecOptions::default()).is_err());
    });
    thread.unwrap().join().unwrap();
}
