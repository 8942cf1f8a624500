//! Properties: texts of random values give the bytes that the driver gives for the values, the fast paths agree with the
//! general ones, and no bytes whatever make a codec panic.

use std::net::IpAddr;

use proptest::prelude::*;
use scylla::cluster::metadata::{ColumnType, NativeType};
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::CellWriter;
use scylla::value::{CqlDate, CqlDecimal, CqlDuration, CqlTime, CqlTimestamp, CqlTimeuuid, CqlVarint};

use super::encoded;
use crate::codec::{CodecOptions, net, number, temporal};
use crate::schema::types::CqlType;
use crate::settings::Rounding;

/// The bytes that the driver sends for a value, without their length.
fn of_driver(native: NativeType, value: &impl SerializeValue) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.serialize(&ColumnType::Native(native), CellWriter::new(&mut bytes)).unwrap();
    bytes.split_off(4)
}

/// `text` gives the bytes that the driver gives for `value`.
fn check(cql_type: CqlType, text: &str, native: NativeType, value: &impl SerializeValue) {
    let got = encoded(cql_type.clone(), text, CodecOptions::default());
    assert_eq!(got, Ok(of_driver(native, value)), "{cql_type} of {text:?}");
}

/// Texts near to those that a type takes: its alphabet, or a good text with one byte changed.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let good = prop::sample::select(vec![
        "2026-01-31T12:30:45.678Z",
        "2026-01-31 12:30:45",
        "2026-01-31",
        "20260131T123045Z",
        "+292278994-08-17T07:12:55.807+01:00",
        "23:59:59.999999999",
        "1y2mo3w4d5h6m7s8ms9us10ns",
        "P1Y2M3DT4H5M6.5S",
        "P0001-02-03T04:05:06",
        "550e8400-e29b-41d4-a716-446655440000",
        "550e8400e29b41d4a716446655440000",
        "-123456789012345678.25e-3",
        "-12.3456",
        "0xcafe",
        "true",
        "2001:db8::1",
        "192.0.2.1",
    ]);
    let mutated =
        (good, any::<prop::sample::Index>(), any::<u8>(), 0..3u8).prop_map(|(good, at, byte, how)| {
            let mut text = good.as_bytes().to_vec();
            let at = at.index(text.len());
            match how {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => drop(text.remove(at)),
            }
            text
        });
    let alphabet = prop::collection::vec(prop::sample::select(b"0123456789+-.:eETZ Pymdsx,".to_vec()), 0..40);
    prop_oneof![mutated, alphabet, prop::collection::vec(any::<u8>(), 0..64)]
}

fn sign(negative: bool) -> &'static str {
    if negative { "-" } else { "" }
}

proptest! {
    #[test]
    fn no_bytes_make_a_codec_panic(text in nearly(), truncate: bool) {
        let rounding = if truncate { Rounding::Truncate } else { Rounding::Reject };
        for cql_type in CqlType::ALL {
            let _ = encoded(cql_type.clone(), &text, CodecOptions { rounding, forms: None });
        }
    }

    #[test]
    fn where_a_fast_path_answers_the_general_path_agrees(text in nearly()) {
        if let Some(bytes) = net::hyphenated(&text) {
            prop_assert_eq!(net::any_uuid(&text), Ok(bytes));
        }
        if let Some(days) = temporal::fast_date(&text) {
            prop_assert_eq!(temporal::any_date(&text), Ok(days));
        }
        if let Some(millis) = temporal::fast_timestamp(&text) {
            prop_assert_eq!(temporal::any_timestamp(&text, Rounding::Reject), Ok(millis));
        }
        if let Some(value) = number::small_integer(&text) {
            let range = crate::codec::CodecError::new(crate::reject::RejectCode::OutOfRange, "");
            prop_assert_eq!(number::integer(&text, range), Ok(value));
        }
        if let Some(value) = number::short_decimal(&text) {
            prop_assert_eq!(number::any_double(&text).map(f64::to_bits), Ok(value.to_bits()));
        }
    }

    #[test]
    fn times_in_the_usual_form_are_read_alike_on_both_paths(
        text in "[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{3})?Z?",
    ) {
        // The fast path takes all that the general one takes of this form, and nothing else.
        let text = text.as_bytes();
        let general = temporal::any_timestamp(text, Rounding::Reject).ok();
        prop_assert_eq!(temporal::fast_timestamp(text), general);
        let date = text.get(..10).unwrap();
        prop_assert_eq!(temporal::fast_date(date), temporal::any_date(date).ok());
    }

    #[test]
    fn uuids_in_the_usual_form_are_read_alike_on_both_paths(
        text in "[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-gA-G]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ) {
        prop_assert_eq!(net::hyphenated(text.as_bytes()), net::any_uuid(text.as_bytes()).ok());
    }

    #[test]
    fn short_decimals_are_read_as_rust_reads_them(text in "-?[0-9]{0,9}\\.?[0-9]{0,9}") {
        if let Some(value) = number::short_decimal(text.as_bytes()) {
            prop_assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
        }
    }

    #[test]
    fn integers_are_as_the_driver_has_them(a: i8, b: i16, c: i32, d: i64) {
        check(CqlType::Tinyint, &a.to_string(), NativeType::TinyInt, &a);
        check(CqlType::Smallint, &b.to_string(), NativeType::SmallInt, &b);
        check(CqlType::Int, &format!("{c}.0"), NativeType::Int, &c);
        check(CqlType::Bigint, &format!("{d:+}"), NativeType::BigInt, &d);
    }

    #[test]
    fn floats_are_as_the_driver_has_them(a in prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL, b in prop::num::f64::ANY) {
        check(CqlType::Float, &format!("{a:e}"), NativeType::Float, &a);
        let b = if b.is_nan() { f64::NAN } else { b };
        check(CqlType::Double, &format!("{b}"), NativeType::Double, &b);
    }

    #[test]
    fn varints_are_as_the_driver_has_them(bytes in prop::collection::vec(any::<u8>(), 1..40)) {
        let value = num_bigint::BigInt::from_signed_bytes_be(&bytes);
        let shortest = CqlVarint::from_signed_bytes_be(value.to_signed_bytes_be());
        check(CqlType::Varint, &value.to_string(), NativeType::Varint, &shortest);
    }

    #[test]
    fn decimals_are_as_the_driver_has_them(bytes in prop::collection::vec(any::<u8>(), 1..30), scale in -60i32..60) {
        let unscaled = num_bigint::BigInt::from_signed_bytes_be(&bytes);
        let value = CqlDecimal::from_signed_be_bytes_and_exponent(unscaled.to_signed_bytes_be(), scale);
        check(CqlType::Decimal, &format!("{unscaled}e{}", -scale), NativeType::Decimal, &value);
        // Written out with a point, as another library reads and writes it.
        let text = bigdecimal::BigDecimal::new(unscaled.clone(), i64::from(scale.abs())).to_plain_string();
        let value = CqlDecimal::from_signed_be_bytes_and_exponent(unscaled.to_signed_bytes_be(), scale.abs());
        check(CqlType::Decimal, &text, NativeType::Decimal, &value);
    }

    #[test]
    fn texts_and_blobs_are_as_the_driver_has_them(text in "\\PC{0,60}", ascii in "[\\x00-\\x7f]{0,60}", blob: Vec<u8>) {
        check(CqlType::Text, &text, NativeType::Text, &text);
        check(CqlType::Ascii, &ascii, NativeType::Ascii, &ascii);
        let hex: String = blob.iter().map(|byte| format!("{byte:02X}")).collect();
        check(CqlType::Blob, &format!("0x{hex}"), NativeType::Blob, &blob);
    }

    #[test]
    fn dates_are_as_the_driver_has_them(days in -4_371_586i32..2_932_896) {
        let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
        let text = format!("{}{:04}-{:02}-{:02}", sign(date.year() < 0), date.year().abs(), date.month(), date.day());
        check(CqlType::Date, &text, NativeType::Date, &CqlDate((i64::from(days) + (1 << 31)) as u32));
    }

    #[test]
    fn times_are_as_the_driver_has_them(nanos in 0..86_400_000_000_000i64) {
        let (second, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        let text = format!("{:02}:{:02}:{:02}.{fraction:09}", second / 3600, second / 60 % 60, second % 60);
        check(CqlType::Time, &text, NativeType::Time, &CqlTime(nanos));
    }

    #[test]
    fn timestamps_are_as_the_driver_has_them(
        millis in prop_oneof![-377_705_023_201_000..253_402_207_200_999i64, 0..4_102_444_800_000i64],
        offset_min in -1080i32..=1080,
        space: bool,
    ) {
        let utc = jiff::Timestamp::from_millisecond(millis).unwrap();
        let offset = jiff::tz::Offset::from_seconds(offset_min * 60).unwrap();
        let separator = if space { ' ' } else { 'T' };
        let form = |local: jiff::civil::DateTime| format!(
            "{}{:04}-{:02}-{:02}{separator}{:02}:{:02}:{:02}.{:03}",
            sign(local.year() < 0), local.year().abs(), local.month(), local.day(),
            local.hour(), local.minute(), local.second(), local.millisecond(),
        );
        let expected = CqlTimestamp(millis);
        let in_utc = form(jiff::tz::Offset::UTC.to_datetime(utc));
        check(CqlType::Timestamp, &in_utc, NativeType::Timestamp, &expected);
        check(CqlType::Timestamp, &format!("{in_utc}Z"), NativeType::Timestamp, &expected);
        check(CqlType::Timestamp, &millis.to_string(), NativeType::Timestamp, &expected);
        let (hour, minute) = (offset_min.abs() / 60, offset_min.abs() % 60);
        let ahead = if offset_min < 0 { '-' } else { '+' };
        let local = form(offset.to_datetime(utc));
        check(CqlType::Timestamp, &format!("{local}{ahead}{hour:02}:{minute:02}"), NativeType::Timestamp, &expected);
        check(CqlType::Timestamp, &format!("{local} {ahead}{hour:02}{minute:02}"), NativeType::Timestamp, &expected);
    }

    #[test]
    fn dates_far_from_today_follow_one_another(days in i64::from(i32::MIN)..i64::from(i32::MAX)) {
        // The inverse of the conversion, from the same source, so that every year in the range is reached.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let text = format!("{}{:04}-{month:02}-{day:02}", sign(year < 0), year.abs());
        check(CqlType::Date, &text, NativeType::Date, &CqlDate((days + (1 << 31)) as u32));
    }

    #[test]
    fn durations_are_as_the_driver_has_them(
        months in 0..=i32::MAX, days in 0..=i32::MAX, nanoseconds in 0..=i64::MAX, negative: bool,
    ) {
        let value = if negative {
            CqlDuration { months: -months, days: -days, nanoseconds: -nanoseconds }
        } else {
            CqlDuration { months, days, nanoseconds }
        };
        let sign = sign(negative);
        let (years, weeks, seconds) = (months / 12, days / 7, nanoseconds / 1_000_000_000);
        let text = format!(
            "{sign}{years}y{}mo{weeks}w{}d{}h{}m{}s{}ms{}us{}ns",
            months % 12, days % 7, seconds / 3600, seconds / 60 % 60, seconds % 60,
            nanoseconds / 1_000_000 % 1000, nanoseconds / 1000 % 1000, nanoseconds % 1000,
        );
        check(CqlType::Duration, &text, NativeType::Duration, &value);
        let text = format!("{sign}P{months}M{days}DT{seconds}.{:09}S", nanoseconds % 1_000_000_000);
        check(CqlType::Duration, &text, NativeType::Duration, &value);
    }

    #[test]
    fn inets_and_uuids_are_as_the_driver_has_them(v4: [u8; 4], v6: [u8; 16], uuid: [u8; 16]) {
        for address in [IpAddr::from(v4), IpAddr::from(v6)] {
            check(CqlType::Inet, &address.to_string(), NativeType::Inet, &address);
        }
        let uuid = uuid::Uuid::from_bytes(uuid);
        check(CqlType::Uuid, &uuid.to_string(), NativeType::Uuid, &uuid);
        check(CqlType::Uuid, &uuid.simple().to_string().to_uppercase(), NativeType::Uuid, &uuid);
        let time_based = uuid::Builder::from_bytes(*uuid.as_bytes()).with_version(uuid::Version::Mac).into_uuid();
        check(CqlType::Timeuuid, &time_based.to_string(), NativeType::Timeuuid, &CqlTimeuuid::from(time_based));
    }

    #[test]
    fn booleans_are_as_the_driver_has_them(value: bool) {
        check(CqlType::Boolean, &value.to_string(), NativeType::Boolean, &value);
    }
}
