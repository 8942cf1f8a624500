//! Tests of texts in forms that options describe: tables, as cells and within other values, and what is said of them elsewhere.

use super::*;
use crate::codec::{CodecOptions, EncodeError, encode, stamp};
use crate::reject::RejectCode::*;
use crate::schema::types::UserTypes;

fn times(timestamps: &[&str], dates: &[&str], clocks: &[&str], unit: Option<EpochUnit>, zone: &str) -> Forms {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let zone = (!zone.is_empty()).then(|| zone.parse().unwrap());
    let times = Times::default().with_timestamps(&texts(timestamps)).unwrap();
    let times = times.with_dates(&texts(dates)).unwrap().with_clocks(&texts(clocks)).unwrap();
    Forms { times: Some(times.with_meaning(unit, zone)), ..Forms::default() }
}

fn comma_and_point() -> Forms {
    Forms { separators: Some(Separators::new(',', Some('.')).unwrap()), ..Forms::default() }
}

fn options(forms: &Forms) -> CodecOptions {
    CodecOptions { forms: Some(Box::new(forms.clone())), ..CodecOptions::default() }
}

fn encoded(forms: &Forms, of: &str, text: &str) -> Result<Vec<u8>, EncodeError> {
    let cql_type = UserTypes::default().parse(of).unwrap();
    let mut out = Vec::new();
    encode(&cql_type, text.as_bytes(), &options(forms), &mut out).map(|()| out)
}

/// Each text is the same value as one in the usual form.
#[track_caller]
fn check(forms: &Forms, of: &str, expected: &[(&str, &str)]) {
    for (text, usual) in expected {
        let expected =
            encoded(&Forms::default(), of, usual).unwrap_or_else(|error| panic!("{usual}: {error}"));
        let got = encoded(forms, of, text).map_err(|error| error.to_string());
        assert_eq!(got, Ok(expected), "{of} of {text}");
    }
}

#[track_caller]
fn refuse(forms: &Forms, of: &str, expected: &[(&str, RejectCode)]) {
    for (text, code) in expected {
        assert_eq!(encoded(forms, of, text).map_err(|error| error.code()), Err(*code), "{of} of {text}");
    }
}

#[test]
fn booleans_have_their_own_words_and_json_keeps_its() {
    let forms = Forms { booleans: Some("ja:nein".parse().unwrap()), ..Forms::default() };
    check(&forms, "boolean", &[("Ja", "true"), (" nein ", "false")]);
    refuse(&forms, "boolean", &[("true", InvalidBoolean), ("1", InvalidBoolean), ("", InvalidBoolean)]);
    check(
        &forms,
        "list<boolean>",
        &[(r#"["ja", 'NEIN', true, false, ja]"#, "[true, false, true, false, true]")],
    );
    refuse(&forms, "list<boolean>", &[(r#"["true"]"#, InvalidBoolean), ("[1]", InvalidBoolean)]);
}

#[test]
fn numbers_of_every_type_have_their_separators_and_json_keeps_its_point() {
    let forms = comma_and_point();
    check(&forms, "tinyint", &[("-128", "-128"), ("1,0", "1")]);
    check(&forms, "smallint", &[("32.767", "32767")]);
    check(&forms, "int", &[("-2.147.483.648", "-2147483648"), ("1e3", "1000")]);
    check(&forms, "bigint", &[("9.223.372.036.854.775.807", "9223372036854775807")]);
    check(&forms, "varint", &[("18.446.744.073.709.551.616", "18446744073709551616")]);
    check(&forms, "decimal", &[("1.234,50", "1234.50"), ("-0,5e-3", "-0.5e-3")]);
    check(&forms, "double", &[("1.234,5", "1234.5"), ("NaN", "NaN"), ("-infinity", "-Infinity")]);
    check(&forms, "float", &[("1.234,5", "1234.5"), ("-inf", "-Infinity")]);
    for of in ["int", "bigint", "varint", "decimal", "double", "float"] {
        refuse(
            &forms,
            of,
            &[
                ("1.23", InvalidNumber),
                ("12.34.567", InvalidNumber),
                ("0.123", InvalidNumber),
                ("", InvalidNumber),
            ],
        );
    }
    refuse(&forms, "int", &[("2.147.483.648", OutOfRange), ("1,5", Inexact)]);
    check(&forms, "list<double>", &[(r#"["1.234,5", 1.234]"#, "[1234.5, 1.234]")]);
    check(
        &forms,
        "map<double, int>",
        &[(r#"{"1,5": "1.000"}"#, r#"{"1.5": 1000}"#), ("{1.5: 2}", "{1.5: 2}")],
    );
}

#[test]
fn blobs_in_base64_are_filled_up_and_bare_ones_stay_hexadecimal() {
    let forms = Forms { blobs: Blobs::Base64, ..Forms::default() };
    check(
        &forms,
        "blob",
        &[
            ("yv66vg==", "0xcafebabe"),
            ("", "0x"),
            (" AA== ", "0x00"),
            ("0xca", "0xd3171a"),
            ("+/+/", "0xfbffbf"),
        ],
    );
    refuse(
        &forms,
        "blob",
        &[
            ("yv66vg", InvalidBlob),
            ("0xcafe", InvalidBlob),
            ("-_-_", InvalidBlob),
            ("AB==", InvalidBlob),
            ("A A=", InvalidBlob),
        ],
    );
    check(&forms, "list<blob>", &[(r#"["AA==", 'AA==', 0xff]"#, r#"["0x00", "0x00", "0xff"]"#)]);
    refuse(&forms, "list<blob>", &[("[AA==]", InvalidBlob), ("[0xf]", InvalidBlob)]);
}

#[test]
fn forms_are_tried_in_their_order_and_nothing_else_is_taken() {
    let forms = times(
        &["%d/%m/%Y %H:%M", "%Y%m%d", "epoch", "iso"],
        &["%d.%m.%Y", "%m/%d/%Y %H:%M", "iso"],
        &["%I:%M %p", "iso"],
        None,
        "",
    );
    check(
        &forms,
        "timestamp",
        &[
            (" 31/01/2026 12:34 ", "2026-01-31T12:34Z"),
            ("20260131", "2026-01-31"),
            ("1769862896789", "1769862896789"),
            ("-1", "-1"),
            ("2026-01-31 13:34:56+01:00", "2026-01-31T12:34:56Z"),
        ],
    );
    check(
        &forms,
        "date",
        &[("31.01.2026", "2026-01-31"), ("1/31/2026 00:00", "2026-01-31"), ("-0044-03-15", "-0044-03-15")],
    );
    check(
        &forms,
        "time",
        &[("1:05 PM", "13:05"), ("12:00 am", "00:00"), ("13:05:06.123456789", "13:05:06.123456789")],
    );
    refuse(
        &forms,
        "timestamp",
        &[("31/02/2026 12:34", InvalidTimestamp), ("2026-02-30", InvalidTimestamp), ("", InvalidTimestamp)],
    );
    refuse(&forms, "date", &[("1/31/2026 00:01", Inexact), ("31/1/2026", InvalidDate), ("", InvalidDate)]);
    refuse(&forms, "time", &[("13:05 PM", InvalidTime), ("12:00:00.1234567891", Inexact), ("", InvalidTime)]);
    let only = times(&["%d/%m/%Y"], &["%d/%m/%Y"], &["%H.%M"], None, "");
    refuse(&only, "timestamp", &[("2026-01-31", InvalidTimestamp), ("0", InvalidTimestamp)]);
    refuse(&only, "date", &[("2026-01-31", InvalidDate)]);
    refuse(&only, "time", &[("12:30", InvalidTime)]);
    let years = times(&["%d/%m/%Y", "%d/%m/%y"], &["%Y%m%d", "%d%m%y"], &[], None, "");
    check(&years, "timestamp", &[("31/01/26", "2026-01-31"), ("31/01/2026", "2026-01-31")]);
    check(&years, "date", &[("20260131", "2026-01-31"), ("310126", "2026-01-31")]);
    refuse(&years, "date", &[("2026131", InvalidDate), ("2026 131", InvalidDate), ("31126", InvalidDate)]);
    let within = "map<date, frozen<list<timestamp>>>";
    check(&only, within, &[(r#"{"31/01/2026": ['01/02/2026']}"#, r#"{"2026-01-31": ["2026-02-01"]}"#)]);
}

#[test]
fn what_a_form_reads_finer_than_its_type_is_refused_or_cut() {
    let forms = times(&["%F %T%.f"], &[], &[], None, "");
    check(&forms, "timestamp", &[("2026-01-31 12:34:56.789000", "2026-01-31T12:34:56.789Z")]);
    refuse(&forms, "timestamp", &[("2026-01-31 12:34:56.789123", Inexact)]);
    let cut = CodecOptions { rounding: Rounding::Truncate, ..options(&forms) };
    let mut out = Vec::new();
    encode(&CqlType::Timestamp, b"1969-12-31 23:59:59.9999", &cut, &mut out).unwrap();
    assert_eq!(out, (-1i64).to_be_bytes());
}

#[test]
fn numbers_count_in_their_unit() {
    let check = |unit: EpochUnit, rounding: Rounding, text: &str, expected: Result<i64, RejectCode>| {
        let mut out = Vec::new();
        let options = CodecOptions { rounding, ..options(&times(&[], &[], &[], Some(unit), "")) };
        let got = encode(&CqlType::Timestamp, text.as_bytes(), &options, &mut out);
        let got = got.map(|()| i64::from_be_bytes(out[..].try_into().unwrap())).map_err(|error| error.code());
        assert_eq!(got, expected, "{text} {unit:?}");
    };
    use EpochUnit::{Ms, Ns, S, Us};
    use Rounding::{Reject, Truncate};
    check(S, Reject, "1769862896", Ok(1_769_862_896_000));
    check(S, Reject, "-1769862896.789", Ok(-1_769_862_896_789));
    check(S, Reject, "1769862896.7891", Err(Inexact));
    check(S, Truncate, "1769862896.7891", Ok(1_769_862_896_789));
    check(S, Truncate, "-0.0001", Ok(-1));
    check(S, Truncate, "-0.0000000000001", Ok(-1));
    check(S, Reject, "9223372036854775.807", Ok(i64::MAX));
    check(S, Reject, "9223372036854775.808", Err(OutOfRange));
    check(S, Reject, "99999999999999999999999999", Err(OutOfRange));
    check(Ms, Reject, "-9223372036854775808", Ok(i64::MIN));
    check(Us, Reject, "1769862896789000", Ok(1_769_862_896_789));
    check(Us, Reject, "1769862896789001", Err(Inexact));
    check(Ns, Truncate, "-1", Ok(-1));
    check(Ns, Reject, "1769862896789000000", Ok(1_769_862_896_789));
    check(S, Reject, "2026-01-31", Ok(1_769_817_600_000));
    check(S, Reject, "1e9", Err(InvalidTimestamp));
    check(S, Reject, "1.", Ok(1_000));
    check(S, Reject, ".5", Err(InvalidTimestamp));
}

#[test]
fn texts_without_an_offset_are_meant_in_their_zone() {
    let forms = times(&[], &[], &[], None, "Europe/Paris");
    check(
        &forms,
        "timestamp",
        &[
            ("2026-01-31T12:34:56.789", "2026-01-31T11:34:56.789Z"),
            ("2026-07-31 12:34:56", "2026-07-31T10:34:56Z"),
            ("2026-07-31", "2026-07-30T22:00Z"),
            ("2026-01-31T12:34:56Z", "2026-01-31T12:34:56Z"),
            ("2026-01-31 12:34:56 UTC", "2026-01-31T12:34:56Z"),
            ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"),
            ("1769862896789", "1769862896789"),
        ],
    );
    refuse(
        &forms,
        "timestamp",
        &[
            ("2026-03-29 02:30:00", InvalidTimestamp),
            ("2026-10-25T02:30", InvalidTimestamp),
            ("99999-01-01", OutOfRange),
        ],
    );
    check(&forms, "date", &[("2026-03-29", "2026-03-29")]);
    check(&forms, "time", &[("02:30", "02:30")]);
    let formatted = times(&["%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M Z"], &[], &[], None, "+05:30");
    check(
        &formatted,
        "timestamp",
        &[("31/01/2026 05:30", "2026-01-31T00:00Z"), ("31/01/2026 05:30 Z", "2026-01-31T05:30Z")],
    );
}

#[test]
fn timeuuids_are_made_of_timestamps_and_uuids_stay() {
    let zoned = times(&[], &[], &[], Some(EpochUnit::S), "Europe/Paris");
    let fixed = Forms { timeuuid: Some(TimeuuidFrom::Fixed), ..zoned };
    let uuid =
        |text: &str| uuid::Uuid::from_slice(&encoded(&fixed, "timeuuid", text).unwrap()).unwrap().to_string();
    assert_eq!(uuid("1970-01-01T01:00:00.0000001"), "13814001-1dd2-11b2-8000-010000000000");
    assert_eq!(uuid("0"), "13814000-1dd2-11b2-8000-010000000000");
    let given = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    assert_eq!(uuid(given), given);
    refuse(
        &fixed,
        "timeuuid",
        &[
            ("1970-01-01T01:00:00.00000001", Inexact),
            ("9999-01-01", OutOfRange),
            ("9b2f4e6a-1c3d-4e5f-8a7b-0c1d2e3f4a5b", InvalidUuid),
            ("x", InvalidTimestamp),
            ("", InvalidTimestamp),
        ],
    );
    check(
        &fixed,
        "list<timeuuid>",
        &[(
            r#"["1970-01-01T01:00:00", 0]"#,
            r#"["13814000-1dd2-11b2-8000-010000000000", "13814000-1dd2-11b2-8000-010000000000"]"#,
        )],
    );
    let min = Forms { timeuuid: Some(TimeuuidFrom::Min), ..Forms::default() };
    refuse(&min, "timeuuid", &[("1970-01-01T00:00:00.0001", Inexact)]);
    let record = Forms { timeuuid: Some(TimeuuidFrom::Record), ..Forms::default() };
    refuse(&record, "list<timeuuid>", &[(r#"["1970-01-01"]"#, InvalidUuid)]);
    refuse(&Forms::default(), "timeuuid", &[("1970-01-01", InvalidUuid)]);
}

#[test]
fn write_times_and_times_to_live_are_read_in_the_same_forms() {
    let check = |forms: &Forms, text: &str, expected: Result<i64, RejectCode>| {
        let got =
            stamp::write_time(text.as_bytes(), &options(forms), Place::Cell).map_err(|error| error.code);
        assert_eq!(got, expected, "{text}");
    };
    let zoned = times(&[], &[], &[], None, "Europe/Paris");
    check(&zoned, "2026-01-31T13:34:56.789123", Ok(1_769_862_896_789_123));
    check(&zoned, "1769862896789123", Ok(1_769_862_896_789_123));
    check(&zoned, "1769862896789", Err(OutOfRange));
    check(&zoned, "2026-10-25T02:30", Err(InvalidTimestamp));
    let formatted = times(&["%Y%m%d%H%M%S"], &[], &[], None, "");
    check(&formatted, "20260131123456", Ok(1_769_862_896_000_000));
    check(&formatted, "1769862896789123", Err(InvalidTimestamp));
    let seconds = times(&[], &[], &[], Some(EpochUnit::S), "");
    check(&seconds, "1769862896.789123", Ok(1_769_862_896_789_123));
    check(&seconds, "1769862896789123", Err(OutOfRange));
    check(&seconds, "-1", Err(OutOfRange));
    let millis = times(&[], &[], &[], Some(EpochUnit::Ms), "");
    check(&millis, "1769862896", Err(OutOfRange));
    check(&millis, "1769862896789", Ok(1_769_862_896_789_000));
    let separated = comma_and_point();
    check(&separated, "1.769.862.896.789.123", Ok(1_769_862_896_789_123));
    check(&separated, "1.000", Ok(1_000));
    check(&separated, "1.00", Err(InvalidTimestamp));
    check(&separated, "2026-01-31", Ok(1_769_817_600_000_000));
    assert_eq!(separated.ttl(b"3.600", Place::Cell), Ok(3_600u32.to_be_bytes()));
    assert!(separated.ttl(b"3.60", Place::Cell).is_err());
    let both = Forms { separators: separated.separators, ..seconds };
    self::check(&both, "timestamp", &[("1.769.862.896,789", "1769862896789"), ("2026-01-31", "2026-01-31")]);
    refuse(&both, "timestamp", &[("1.76", InvalidTimestamp)]);
}

#[test]
fn forms_travel_and_are_told_as_options() {
    let mut forms =
        times(&["%d/%m/%Y", "iso"], &["%d/%m/%Y"], &["%H.%M"], Some(EpochUnit::S), "europe/paris");
    forms.separators = comma_and_point().separators;
    forms.booleans = Some("ja:nein".parse().unwrap());
    (forms.blobs, forms.timeuuid) = (Blobs::Base64, Some(TimeuuidFrom::Record));
    let options = options(&forms);
    let text = serde_json::to_string(&options).unwrap();
    assert_eq!(serde_json::from_str::<CodecOptions>(&text).unwrap(), options);
    let told: Vec<String> =
        forms.options().into_iter().map(|(option, value)| format!("{option} {value}")).collect();
    let expected = [
        "booleans ja:nein",
        "decimal-separator ,",
        "thousands-separator .",
        r#"timestamp-format ["%d/%m/%Y","iso"]"#,
        r#"date-format ["%d/%m/%Y"]"#,
        r#"time-format ["%H.%M"]"#,
        "epoch-unit s",
        "timezone Europe/Paris",
        "blobs base64",
        "timeuuid-from record",
    ];
    assert_eq!(told, expected);
    assert!(Forms::default().options().is_empty());
    assert_eq!(Forms::default().unless_usual(), None);
}

#[test]
fn only_where_nobody_says_what_digits_are_they_are_doubted() {
    assert!(Forms::default().are_digits_unsaid());
    assert!(times(&[], &["iso"], &[], None, "UTC").are_digits_unsaid());
    assert!(!times(&["epoch"], &[], &[], None, "").are_digits_unsaid());
    assert!(!times(&[], &[], &[], Some(EpochUnit::Ms), "").are_digits_unsaid());
}
