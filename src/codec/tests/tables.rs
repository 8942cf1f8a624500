//! For each type, texts and the exact bytes or the code that they give.

use super::encoded;
use crate::codec::CodecOptions;
use crate::reject::RejectCode::{self, *};
use crate::schema::types::CqlType;
use crate::settings::Rounding;

const TRUNCATE: CodecOptions = CodecOptions { rounding: Rounding::Truncate, forms: None };

/// Each text gives the bytes written behind it in hexadecimal.
fn check(cql_type: CqlType, expected: &[(&str, &str)]) {
    check_with(cql_type, CodecOptions::default(), expected);
}

fn check_with(cql_type: CqlType, options: CodecOptions, expected: &[(&str, &str)]) {
    for (text, bytes) in expected {
        let got = encoded(cql_type.clone(), text, options.clone())
            .map(|bytes| hex(&bytes))
            .map_err(|error| error.code);
        assert_eq!(got, Ok(bytes.replace(' ', "")), "{cql_type} of {text:?}");
    }
}

/// Each text gives the number written behind it, as big-endian bytes.
fn check_i64(cql_type: CqlType, options: CodecOptions, expected: &[(&str, i64)]) {
    for &(text, number) in expected {
        let got = encoded(cql_type.clone(), text, options.clone()).map_err(|error| error.code);
        let got = got.map(|bytes| i64::from_be_bytes(bytes.try_into().unwrap()));
        assert_eq!(got, Ok(number), "{cql_type} of {text:?}");
    }
}

/// Each text is refused with this code.
fn refuse(cql_type: CqlType, code: RejectCode, texts: &[&str]) {
    for text in texts {
        let error = encoded(cql_type.clone(), text, CodecOptions::default()).expect_err(text);
        assert_eq!(error.code, code, "{cql_type} of {text:?}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn millis(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

#[test]
fn integers_are_twos_complement_of_their_width() {
    check(CqlType::Tinyint, &[("0", "00"), ("-1", "ff"), ("127", "7f"), ("-128", "80"), (" +7\t", "07")]);
    check(CqlType::Smallint, &[("32767", "7fff"), ("-32768", "8000"), ("00300", "012c")]);
    check(CqlType::Int, &[("2147483647", "7fffffff"), ("-2147483648", "80000000"), ("-0", "00000000")]);
    check(
        CqlType::Bigint,
        &[
            ("9223372036854775807", "7fffffffffffffff"),
            ("-9223372036854775808", "8000000000000000"),
            ("000000000000000000000000000000000000000000000000000001", "0000000000000001"),
        ],
    );
}

#[test]
fn integers_may_be_written_with_point_or_exponent_where_that_is_exact() {
    check(
        CqlType::Int,
        &[
            ("1.0", "00000001"),
            ("1.", "00000001"),
            ("1e3", "000003e8"),
            ("1.5E+1", "0000000f"),
            ("-2500e-2", "ffffffe7"),
            ("0.05e2", "00000005"),
            ("0e999999999999999999999999", "00000000"),
            ("-0.000", "00000000"),
            ("100e-2", "00000001"),
            (".0", "00000000"),
        ],
    );
    refuse(CqlType::Int, Inexact, &["1.5", "1e-1", ".5", "2147483647.5", "1e-99999999999999999999"]);
    refuse(CqlType::Bigint, OutOfRange, &["1e19", "1e999999999", "1e99999999999999999999999999", "-1e40"]);
}

#[test]
fn integers_outside_their_range_are_refused() {
    refuse(CqlType::Tinyint, OutOfRange, &["128", "-129", "1e3"]);
    refuse(CqlType::Smallint, OutOfRange, &["32768", "-32769"]);
    refuse(
        CqlType::Int,
        OutOfRange,
        &["2147483648", "-2147483649", "99999999999999999999999999999999999999999999"],
    );
    refuse(CqlType::Bigint, OutOfRange, &["9223372036854775808", "-9223372036854775809"]);
}

#[test]
fn what_is_no_integer_is_refused() {
    let texts = [
        "",
        " ",
        "-",
        "+",
        ".",
        "e5",
        "1e",
        "1e+",
        "0x10",
        "1,000",
        "1_000",
        "1 000",
        "--1",
        "+-1",
        "1-",
        "\u{2212}1",
        "NaN",
        "١",
    ];
    for cql_type in [CqlType::Tinyint, CqlType::Smallint, CqlType::Int, CqlType::Bigint, CqlType::Varint] {
        refuse(cql_type, InvalidNumber, &texts);
    }
}

#[test]
fn doubles_are_the_nearest_to_their_text() {
    check(
        CqlType::Double,
        &[
            ("0", "0000000000000000"),
            ("-0", "8000000000000000"),
            ("1.5", "3ff8000000000000"),
            (" -12.25 ", "c028800000000000"),
            ("1e3", "408f400000000000"),
            (".5", "3fe0000000000000"),
            ("5.", "4014000000000000"),
            ("+5", "4014000000000000"),
            ("0.1", "3fb999999999999a"),
            ("9007199254740993", "4340000000000000"),
            ("4.9e-324", "0000000000000001"),
            ("1e-400", "0000000000000000"),
            ("1.7976931348623157e308", "7fefffffffffffff"),
            ("NaN", "7ff8000000000000"),
            ("-nan", "7ff8000000000000"),
            ("inf", "7ff0000000000000"),
            ("Infinity", "7ff0000000000000"),
            ("-Infinity", "fff0000000000000"),
        ],
    );
    refuse(CqlType::Double, OutOfRange, &["1e309", "-1.8e308"]);
    refuse(
        CqlType::Double,
        InvalidNumber,
        &["", "  ", ".", "-", "1,5", "1.2.3", "0x1p3", "1e", "infinit", "1 2", "é"],
    );
}

#[test]
fn floats_are_rounded_once() {
    check(
        CqlType::Float,
        &[
            ("1.5", "3fc00000"),
            ("-0.1", "bdcccccd"),
            ("16777217", "4b800000"),
            // By way of a double this would become 3f800000.
            ("1.00000005960464477540", "3f800001"),
            ("NaN", "7fc00000"),
            ("-inf", "ff800000"),
            (" 1e-60", "00000000"),
        ],
    );
    refuse(CqlType::Float, OutOfRange, &["3.5e38", "-1e39", "1e400"]);
    refuse(CqlType::Float, InvalidNumber, &["", "1,5", "abc"]);
}

#[test]
fn varints_have_as_few_bytes_as_they_need() {
    check(
        CqlType::Varint,
        &[
            ("0", "00"),
            ("-0", "00"),
            ("1", "01"),
            ("127", "7f"),
            ("128", "0080"),
            ("255", "00ff"),
            ("256", "0100"),
            ("-1", "ff"),
            ("-128", "80"),
            ("-129", "ff7f"),
            ("-256", "ff00"),
            ("18446744073709551616", "010000000000000000"),
            ("-18446744073709551616", "ff0000000000000000"),
            ("-170141183460469231731687303715884105728", "80000000000000000000000000000000"),
            (" 1e3 ", "03e8"),
            ("0e999999999", "00"),
            ("12.50e1", "7d"),
        ],
    );
    refuse(CqlType::Varint, Inexact, &["1.5", "1e-1", "10e-2"]);
}

#[test]
fn varints_of_absurd_size_are_refused_without_being_computed() {
    refuse(CqlType::Varint, OutOfRange, &["1e999999999", "1e100000", "1e99999999999999999999999"]);
    let digits = "9".repeat(100_001);
    refuse(CqlType::Varint, OutOfRange, &[&digits]);
    let longest = encoded(CqlType::Varint, &digits[1..], CodecOptions::default()).unwrap();
    assert_eq!(longest.len(), 41_525);
    assert_eq!(encoded(CqlType::Varint, "1e99999", CodecOptions::default()).unwrap().len(), 41_524);
}

#[test]
fn decimals_keep_their_scale() {
    check(
        CqlType::Decimal,
        &[
            ("0", "00000000 00"),
            ("0.00", "00000002 00"),
            ("1.5", "00000001 0f"),
            ("1.50", "00000002 0096"),
            ("-1.5", "00000001 f1"),
            (".5", "00000001 05"),
            ("5.", "00000000 05"),
            ("+12.8", "00000001 0080"),
            ("1e9", "fffffff7 01"),
            ("1E-9", "00000009 01"),
            ("1.5e9", "fffffff8 0f"),
            ("1e999999999", "c4653601 01"),
            ("1e2147483648", "80000000 01"),
            ("1e-2147483647", "7fffffff 01"),
            ("123456789012345678", "00000000 01b69b4ba630f34e"),
            ("1234567890123456789", "00000000 112210f47de98115"),
            (" 99999999999999999999.99 ", "00000002 021e19e0c9bab23fffff"),
        ],
    );
    refuse(CqlType::Decimal, OutOfRange, &["1e2147483649", "1e-2147483648", "0e99999999999999999999999"]);
    refuse(CqlType::Decimal, OutOfRange, &[&"9".repeat(100_001), &format!("0.{}", "9".repeat(100_001))]);
    refuse(CqlType::Decimal, InvalidNumber, &["", " ", "NaN", "Infinity", "1,5", "1e", ".", "0x1", "1 2"]);
}

#[test]
fn texts_keep_every_byte_and_white_space() {
    check(CqlType::Text, &[("", ""), (" a\t", "206109"), ("é€", "c3a9e282ac"), ("a\nb", "610a62")]);
    check(CqlType::Ascii, &[("", ""), (" a ", "206120"), ("\u{0}\u{7f}", "007f")]);
    refuse(CqlType::Ascii, InvalidAscii, &["é", "plain and then \u{80}"]);
    for text in [&b"\xff"[..], b"\xc3", b"ok\xc0\x80", b"\xed\xa0\x80"] {
        let error = encoded(CqlType::Text, text, CodecOptions::default()).unwrap_err();
        assert_eq!(error.code, InvalidUtf8);
        let error = encoded(CqlType::Ascii, text, CodecOptions::default()).unwrap_err();
        assert_eq!(error.code, InvalidAscii);
    }
}

#[test]
fn blobs_are_hexadecimal_behind_0x() {
    check(CqlType::Blob, &[("", ""), ("0x", ""), ("0xCafe", "cafe"), ("0X00ff", "00ff"), (" 0x01 ", "01")]);
    refuse(
        CqlType::Blob,
        InvalidBlob,
        &["cafe", "0xc", "0xcag0", "x", "0", " ", "0x c0", "yv4=", "\\xcafe", "0x0x00"],
    );
}

#[test]
fn booleans_are_the_usual_words_of_any_case() {
    check(
        CqlType::Boolean,
        &[
            ("true", "01"),
            ("TRUE", "01"),
            ("t", "01"),
            ("Yes", "01"),
            ("y", "01"),
            ("1", "01"),
            ("oN", "01"),
            (" True ", "01"),
        ],
    );
    check(
        CqlType::Boolean,
        &[("false", "00"), ("F", "00"), ("NO", "00"), ("n", "00"), ("OFF", "00"), ("0", "00")],
    );
    refuse(CqlType::Boolean, InvalidBoolean, &["", " ", "o", "of", "2", "01", "-1", "truee", "tr", "yes no"]);
}

#[test]
fn dates_are_days_centred_on_2_to_the_31() {
    check(
        CqlType::Date,
        &[
            ("1970-01-01", "80000000"),
            ("1970-01-02", "80000001"),
            ("1969-12-31", "7fffffff"),
            ("2026-01-31", "80005004"),
            (" 2000-02-29 ", "80002b08"),
            ("+2000-02-29", "80002b08"),
            ("0000-01-01", "7ff50558"),
            ("-0001-12-31", "7ff50557"),
            ("-5877641-06-23", "00000000"),
            ("5881580-07-11", "ffffffff"),
            ("+5881580-07-11", "ffffffff"),
        ],
    );
    refuse(CqlType::Date, OutOfRange, &["-5877641-06-22", "5881580-07-12", "99999999999999999999-01-01"]);
    refuse(
        CqlType::Date,
        InvalidDate,
        &[
            "",
            " ",
            "2026-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-01-32",
            "20260131",
            "18000",
            "-1",
            "2026-1-31",
            "26-01-31",
            "2026/01/31",
            "31.01.2026",
            "2026-01-31T00:00",
            "2026-01",
            "-0000-01-01",
            "2026-01-31Z",
            "2026-01-3",
            "2026-01-311",
            "2026-0131",
            "+-2026-01-31",
        ],
    );
}

#[test]
fn times_are_nanoseconds_since_midnight() {
    let none = CodecOptions::default();
    check_i64(
        CqlType::Time,
        none,
        &[
            ("00:00", 0),
            ("12:30", 45_000_000_000_000),
            ("23:59:59", 86_399_000_000_000),
            ("23:59:59.999999999", 86_399_999_999_999),
            ("00:00:00.1", 100_000_000),
            ("00:00:00,000000001", 1),
            (" 01:02:03.000000004000 ", 3_723_000_000_004),
        ],
    );
    check_i64(CqlType::Time, TRUNCATE, &[("00:00:00.0000000019", 1)]);
    refuse(CqlType::Time, Inexact, &["00:00:00.0000000001"]);
    refuse(
        CqlType::Time,
        InvalidTime,
        &[
            "",
            " ",
            "24:00",
            "24:00:00",
            "23:60",
            "23:59:60",
            "1:00",
            "12",
            "1230",
            "12:3",
            "12:30:",
            "12:30:00.",
            "12:30.5",
            "12:30:00Z",
            "43200000000000",
            "-01:00",
            "12:30:00 PM",
            "12:30:0",
        ],
    );
}

#[test]
fn timestamps_are_taken_in_every_usual_form_of_iso_8601() {
    let midnight = millis("2026-01-31T00:00:00Z");
    let noon = millis("2026-01-31T12:30:00Z");
    let exact = millis("2026-01-31T12:30:45.678Z");
    check_i64(
        CqlType::Timestamp,
        CodecOptions::default(),
        &[
            ("2026-01-31", midnight),
            ("2026-01-31Z", midnight),
            ("2026-01-31 UTC", midnight),
            ("2026-01-31+00:00", midnight),
            ("2026-01-31+0100", midnight - 3_600_000),
            ("2026-01-31-01:00", midnight + 3_600_000),
            ("2026-01-31T12:30", noon),
            ("2026-01-31t12:30z", noon),
            ("2026-01-31 12:30", noon),
            ("2026-01-31T12:30:00", noon),
            ("2026-01-31 12:30:00", noon),
            ("2026-01-31T12:30:00Z", noon),
            ("2026-01-31 12:30:00 UTC", noon),
            ("2026-01-31 12:30:00GMT", noon),
            ("2026-01-31 12:30:00 gmt", noon),
            (" 2026-01-31 12:30:00 Z ", noon),
            ("2026-01-31T14:00:00+01:30", noon),
            ("2026-01-31T14:00:00+0130", noon),
            ("2026-01-31 14:30:00 +02", noon),
            ("2026-01-31 14:30 +02", noon),
            ("2026-01-31T10:30:00-02", noon),
            ("2026-01-31T12:30:00-00:00", noon),
            ("2026-02-01T06:30:00+18:00", noon),
            ("2026-01-31T12:30:45.678", exact),
            ("2026-01-31 12:30:45.678", exact),
            ("2026-01-31T12:30:45.678Z", exact),
            ("2026-01-31T12:30:45,678Z", exact),
            ("2026-01-31T12:30:45.678000000000000000000Z", exact),
            ("2026-01-31T13:30:45.678+01:00", exact),
            ("2026-01-31T12:30:45.6Z", exact - 78),
            ("2026-01-31T12:30:45.67", exact - 8),
            ("20260131T123045Z", exact - 678),
            ("20260131T123045.678Z", exact),
            ("20260131T133045.678+0100", exact),
            ("20260131T1230", noon),
            ("20260131 123000", noon),
        ],
    );
}

#[test]
fn timestamps_of_digits_alone_are_epoch_milliseconds() {
    check_i64(
        CqlType::Timestamp,
        CodecOptions::default(),
        &[
            ("0", 0),
            ("1769862645678", 1_769_862_645_678),
            ("-1", -1),
            ("+5", 5),
            // Not a date: nothing tells it from milliseconds.
            ("20260131", 20_260_131),
            ("9223372036854775807", i64::MAX),
            (" -9223372036854775808 ", i64::MIN),
        ],
    );
    refuse(CqlType::Timestamp, OutOfRange, &["9223372036854775808", "-9223372036854775809"]);
}

#[test]
fn timestamps_reach_as_far_as_their_64_bits() {
    check_i64(
        CqlType::Timestamp,
        CodecOptions::default(),
        &[
            ("-0001-12-31T23:59:59.999Z", millis("-000001-12-31T23:59:59.999Z")),
            ("-9999-01-02T00:00:00Z", -377_705_030_400_000),
            ("+012026-01-31T00:00:00Z", 317_339_337_600_000),
            ("292278994-08-17T07:12:55.807Z", i64::MAX),
            ("-292275055-05-16T16:47:04.192Z", i64::MIN),
        ],
    );
    refuse(
        CqlType::Timestamp,
        OutOfRange,
        &[
            "+292278994-08-17T07:12:55.808Z",
            "-292275055-05-16T16:47:04.191Z",
            "-292275055-05-16",
            "99999999999999999999999999-01-01",
        ],
    );
}

#[test]
fn timestamps_finer_than_a_millisecond_are_refused_or_cut_towards_the_past() {
    refuse(
        CqlType::Timestamp,
        Inexact,
        &[
            "2026-01-31T12:30:45.6781",
            "1969-12-31T23:59:59.9999999Z",
            "2026-01-31 12:30:45.0000000000000001 +01:00",
        ],
    );
    let error = encoded(CqlType::Timestamp, "2026-01-31T12:30:45.6781", CodecOptions::default()).unwrap_err();
    assert!(error.message.contains("--timestamp-rounding truncate"));
    check_i64(
        CqlType::Timestamp,
        TRUNCATE,
        &[
            ("1970-01-01T00:00:00.0019Z", 1),
            ("1970-01-01T00:00:00.9999999Z", 999),
            ("1969-12-31T23:59:59.9999Z", -1),
            ("1969-12-31T23:59:59.0001Z", -1000),
            ("2026-01-31T12:30:45.678Z", millis("2026-01-31T12:30:45.678Z")),
        ],
    );
}

#[test]
fn what_is_no_timestamp_is_refused() {
    refuse(
        CqlType::Timestamp,
        InvalidTimestamp,
        &[
            "",
            " ",
            "now",
            "2026-02-29",
            "2026-01-31T24:00:00",
            "2026-12-31T23:59:60Z",
            "2026-01-31T12",
            "2026-01-31T",
            "2026-01-31T12:60",
            "2026-01-31T12:30:61",
            "2026-01-31  12:30",
            "2026-01-31T12:30:45.",
            "2026-01-31T12:30.5",
            "2026-01-31T12:30:45+",
            "2026-01-31T12:30:45+1",
            "2026-01-31T12:30:45+19:00",
            "2026-01-31T12:30:45+18:01",
            "2026-01-31T12:30:45+01:60",
            "2026-01-31T12:30:45+01:",
            "2026-01-31T12:30:45 CET",
            "2026-01-31T12:30:45 Zulu",
            "2026-01-31T12:30:45[UTC]",
            "2026-01-31-05",
            "2026-01-31-0500",
            "20260131Z",
            "20260131-0500",
            "20260131T12:30",
            "2026-01-31T1230",
            "20260131T123",
            "20260131 UTC",
            "2026-031",
            "2026-W05-6",
            "2026-01",
            "01/31/2026",
            "31.01.2026 12:30",
            "1769862645.678",
            "1.7e12",
            "-0000-01-01",
            "2026-01-31T12:30:45ZZ",
            "2026-01-31T12:30:45  Z",
            "2026-1-31",
            "-20260131T120000Z",
            "2026-01-31T12:30:45 +01:00 Z",
        ],
    );
    for (text, word) in [("2026-12-31T23:59:60Z", "leap"), ("2026-12-31T24:00Z", "hour 24")] {
        let error = encoded(CqlType::Timestamp, text, CodecOptions::default()).unwrap_err();
        assert!(error.message.contains(word), "{}", error.message);
    }
}

#[test]
fn durations_are_months_days_and_nanoseconds() {
    check(
        CqlType::Duration,
        &[
            ("0s", "00 00 00"),
            ("1y2mo3w4d", "1c 32 00"),
            ("1ns", "00 00 02"),
            ("-1ns", "00 00 01"),
            ("1y2mo3w4d5h6m7s8ms9us10ns", "1c 32 fc2168cdf9d664"),
            ("1Y2MO3W4D5H6M7S8MS9US10NS", "1c 32 fc2168cdf9d664"),
            ("9\u{b5}s", "00 00 c04650"),
            ("9\u{3bc}s", "00 00 c04650"),
            ("-1mo1d1ns", "01 01 01"),
            ("+1mo", "02 00 00"),
            (" 14mo ", "1c 00 00"),
            ("P14M", "1c 00 00"),
            ("P1Y2M25D", "1c 32 00"),
            ("P3W", "00 2a 00"),
            ("-P1D", "00 01 00"),
            ("PT1M", "00 00 f81bf08eb000"),
            ("PT60S", "00 00 f81bf08eb000"),
            ("PT59.5S", "00 00 f81bb4f3e600"),
            ("PT0.000000001S", "00 00 02"),
            ("P0001-02-03T00:01:00", "1c 06 f81bf08eb000"),
            ("2147483647mo", "f0fffffffe 00 00"),
            ("-2147483647d", "00 f0fffffffd 00"),
            ("9223372036854775807ns", "00 00 fffffffffffffffffe"),
        ],
    );
}

#[test]
fn durations_out_of_range_or_form_are_refused() {
    refuse(
        CqlType::Duration,
        OutOfRange,
        &[
            "2147483648mo",
            "178956971y",
            "2147483648d",
            "306783379w",
            "9223372036854775808ns",
            "2562048h",
            "99999999999999999999999s",
            "P99999999999999999999W",
            "9223372036s999ms",
        ],
    );
    refuse(CqlType::Duration, Inexact, &["PT0.0000000001S"]);
    refuse(
        CqlType::Duration,
        InvalidDuration,
        &[
            "",
            " ",
            "0",
            "12",
            "y",
            "1x",
            "1mo1y",
            "1d1d",
            "1s1m",
            "1y 2mo",
            "1.5s",
            "-",
            "P",
            "PT",
            "P1YT",
            "P1",
            "PT1",
            "PW",
            "P1W1D",
            "P1D1Y",
            "P1H",
            "PT1D",
            "PT1.S",
            "PT.5S",
            "PT1.5M",
            "P1.5D",
            "1y-2mo",
            "--1y",
            "-P-1Y",
            "PT1S1M",
            "P0001-02-03",
            "P0001-02-03T04:05",
            "P0001-02-03T04:05:06Z",
            "P001-02-03T04:05:06",
            "12:30:00",
            "p1y",
            "PTT1S",
        ],
    );
}

#[test]
fn inets_are_4_or_16_bytes() {
    check(
        CqlType::Inet,
        &[
            ("192.0.2.1", "c0000201"),
            (" 0.0.0.0 ", "00000000"),
            ("::", "00000000000000000000000000000000"),
            ("2001:DB8::1", "20010db8000000000000000000000001"),
            ("::ffff:192.0.2.1", "c0000201"),
        ],
    );
    refuse(
        CqlType::Inet,
        InvalidInet,
        &[
            "",
            " ",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.01",
            "192.0.2.1:80",
            "192.0.2.0/24",
            "[::1]",
            "fe80::1%eth0",
            "localhost",
            "3221225985",
            "é",
        ],
    );
}

#[test]
fn uuids_are_16_bytes_and_timeuuids_of_version_1() {
    let random = "550e8400e29b41d4a716446655440000";
    let time_based = "f81d4fae7dec11d0a76500a0c91e6bf6";
    check(
        CqlType::Uuid,
        &[
            ("550e8400-e29b-41d4-a716-446655440000", random),
            ("550E8400-E29B-41D4-A716-446655440000", random),
            (" 550e8400-e29b-41d4-a716-446655440000\t", random),
            ("550e8400e29b41d4a716446655440000", random),
            ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", time_based),
            ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000"),
        ],
    );
    check(
        CqlType::Timeuuid,
        &[
            ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", time_based),
            ("F81D4FAE7DEC11D0A76500A0C91E6BF6", time_based),
        ],
    );
    let not_version_1 = ["550e8400-e29b-41d4-a716-446655440000", "00000000-0000-0000-0000-000000000000"];
    refuse(CqlType::Timeuuid, InvalidUuid, &not_version_1);
    for cql_type in [CqlType::Uuid, CqlType::Timeuuid] {
        refuse(
            cql_type,
            InvalidUuid,
            &[
                "",
                " ",
                "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
                "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
                "f81d4fae-7dec-11d0-a765-00a0c91e6bf67",
                "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                "f81d4fae-7dec-11d0-a76500-a0c91e6bf6",
                "f81d4fae 7dec 11d0 a765 00a0c91e6bf6",
                "f81d4fae-7dec11d0-a765-00a0c91e6bf6-",
            ],
        );
    }
}

#[test]
fn an_empty_text_is_a_value_only_of_text_ascii_and_blob() {
    for cql_type in CqlType::ALL {
        let empty = encoded(cql_type.clone(), "", CodecOptions::default());
        if matches!(cql_type, CqlType::Text | CqlType::Ascii | CqlType::Blob) {
            assert_eq!(empty, Ok(Vec::new()), "{cql_type}");
        } else {
            let error = empty.expect_err(cql_type.name());
            assert!(error.message.contains("for null leave the field empty and unquoted"), "{cql_type}");
        }
    }
}
