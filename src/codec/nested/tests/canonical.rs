//! Tests of the comparison of values in whatever bytes.

use super::{cql_type, encoded, hex};
use crate::codec::{CodecOptions, canonical, is_kept_as_null};

/// These bytes, written in hexadecimal, are the value of this text.
#[track_caller]
fn check(of: &str, bytes: &str, text: &str) {
    let expected = encoded(of, text.as_bytes(), CodecOptions::default()).unwrap();
    assert_eq!(canonical(&cql_type(of), &of_hex(bytes)).map(|bytes| hex(&bytes)), Some(hex(&expected)));
}

fn of_hex(text: &str) -> Vec<u8> {
    let digits = text.replace(' ', "");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn sets_and_maps_in_another_order_are_the_same_at_any_depth() {
    check("frozen<set<tinyint>>", "00000002 00000001 02 00000001 01", "{1, 2}");
    check(
        "frozen<map<tinyint, tinyint>>",
        "00000002 00000001 02 00000001 07 00000001 01 00000001 08",
        "{1: 8, 2: 7}",
    );
    check("tuple<frozen<set<tinyint>>>", "0000000e 00000002 00000001 02 00000001 01", "({1, 2})");
    check("vector<frozen<set<tinyint>>, 1>", "0e 00000002 00000001 02 00000001 01", "[{1, 2}]");
}

#[test]
fn fields_that_a_user_type_had_not_yet_are_null() {
    check("addr", "00000001 61 00000004 00000001", "{street: 'a', zip: 1}");
    check("list<frozen<geo>>", "00000001 00000000", "[{}]");
}

#[test]
fn what_is_no_value_of_the_type_is_none() {
    for (of, bytes) in [
        ("list<int>", ""),
        ("list<int>", "00000002 00000001 01"),
        ("list<int>", "ffffffff"),
        ("map<int, int>", "00000001 00000001 01"),
        ("tuple<int>", "00000001 01 00000001 01"),
        ("tuple<int>", "00000002 01"),
        ("vector<int, 2>", "00000001"),
        ("vector<text, 1>", "05 61"),
    ] {
        assert_eq!(canonical(&cql_type(of), &of_hex(bytes)), None, "{of} {bytes}");
    }
}

#[test]
fn nothing_in_cells_of_their_own_is_null() {
    let check = |of: &str, text: &str, expected: bool| {
        let bytes = encoded(of, text.as_bytes(), CodecOptions::default()).unwrap();
        assert_eq!(is_kept_as_null(&cql_type(of), &bytes), expected, "{of} {text}");
    };
    check("list<int>", "[]", true);
    check("set<int>", "{}", true);
    check("map<int, int>", "{}", true);
    check("addr", "{}", true);
    check("frozen<list<int>>", "[]", false);
    check("frozen<addr>", "{}", false);
    check("tuple<int>", "[null]", false);
    check("list<int>", "[1]", false);
    check("addr", "{zip: 1}", false);
}
