//! A cell's bytes for people to read, in messages only: nothing is decided by it. What cannot be read as the column's type is shown
//! as bytes.

mod nested;

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use num_bigint::BigInt;
use uuid::Uuid;

use crate::schema::types::CqlType;

/// How much of a value is shown, in characters; of bytes, half as many.
const SHOWN_CHARS: usize = 100;
/// Integers of more bytes than these are shown as bytes: converting them takes time.
const INTEGER_BYTES_MAX: usize = 40;
/// A date's days are counted from this one.
const EPOCH_DAY: i64 = 1 << 31;

/// The value that these bytes are.
pub(crate) fn value(cql_type: &CqlType, bytes: &[u8]) -> String {
    known(cql_type, bytes).unwrap_or_else(|| hex(bytes))
}

/// A time in microseconds since 1970-01-01T00:00:00Z.
pub(super) fn time(us: i64) -> String {
    Timestamp::from_microsecond(us).map_or_else(|_| us.to_string(), |time| format!("{time:.6}"))
}

/// A text of the file in quotes, not too long.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match text.char_indices().nth(SHOWN_CHARS).and_then(|(cut, _)| text.get(..cut)) {
        Some(start) => format!("'{start}…'"),
        None => format!("'{text}'"),
    }
}

fn known(cql_type: &CqlType, bytes: &[u8]) -> Option<String> {
    Some(match cql_type {
        CqlType::Ascii | CqlType::Text => text(std::str::from_utf8(bytes).ok()?.as_bytes()),
        CqlType::Bigint => i64::from_be_bytes(bytes.try_into().ok()?).to_string(),
        CqlType::Int => i32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        CqlType::Smallint => i16::from_be_bytes(bytes.try_into().ok()?).to_string(),
        CqlType::Tinyint => i8::from_be_bytes(bytes.try_into().ok()?).to_string(),
        CqlType::Varint => integer(bytes)?.to_string(),
        CqlType::Decimal => decimal(bytes)?,
        CqlType::Float => f32::from_be_bytes(bytes.try_into().ok()?).to_string(),
        CqlType::Double => f64::from_be_bytes(bytes.try_into().ok()?).to_string(),
        CqlType::Boolean => match bytes {
            [0] => "false".to_owned(),
            [1] => "true".to_owned(),
            _ => return None,
        },
        CqlType::Timestamp => {
            let ms = i64::from_be_bytes(bytes.try_into().ok()?);
            Timestamp::from_millisecond(ms)
                .map_or_else(|_| format!("{ms} ms since 1970"), |time| format!("'{time:.3}'"))
        }
        CqlType::Date => date(i64::from(u32::from_be_bytes(bytes.try_into().ok()?)) - EPOCH_DAY),
        CqlType::Time => time_of_day(u64::from_be_bytes(bytes.try_into().ok()?)),
        CqlType::Uuid | CqlType::Timeuuid => Uuid::from_slice(bytes).ok()?.to_string(),
        CqlType::Inet => match bytes.len() {
            4 => Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string(),
            _ => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string(),
        },
        CqlType::Duration => duration(bytes)?,
        CqlType::Blob => return None,
        made_of_others => nested::value(made_of_others, bytes)?,
    })
}

fn hex(bytes: &[u8]) -> String {
    let (start, more) = match bytes.get(..SHOWN_CHARS / 2) {
        Some(start) if start.len() < bytes.len() => (start, "…"),
        _ => (bytes, ""),
    };
    let mut shown = String::from("0x");
    for byte in start {
        // Writing to a string does not fail.
        let _ = write!(shown, "{byte:02x}");
    }
    shown + more
}

fn integer(bytes: &[u8]) -> Option<BigInt> {
    (1..=INTEGER_BYTES_MAX).contains(&bytes.len()).then(|| BigInt::from_signed_bytes_be(bytes))
}

fn decimal(bytes: &[u8]) -> Option<String> {
    let (scale, unscaled) = bytes.split_first_chunk()?;
    let (scale, unscaled) = (i32::from_be_bytes(*scale), integer(unscaled)?);
    let digits = unscaled.magnitude().to_string();
    let sign = if unscaled.sign() == num_bigint::Sign::Minus { "-" } else { "" };
    Some(match usize::try_from(scale) {
        Ok(0) => format!("{sign}{digits}"),
        Ok(scale) if scale < SHOWN_CHARS => {
            let digits = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = digits.split_at_checked(digits.len() - scale)?;
            format!("{sign}{whole}.{fraction}")
        }
        _ => format!("{sign}{digits}e{}", -i64::from(scale)),
    })
}

fn date(days: i64) -> String {
    let date = Span::new().try_days(days).and_then(|span| Date::constant(1970, 1, 1).checked_add(span));
    date.map_or_else(|_| format!("{days} days since 1970"), |date| format!("'{date}'"))
}

fn time_of_day(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    format!("'{:02}:{:02}:{:02}.{:09}'", seconds / 3600, seconds / 60 % 60, seconds % 60, ns % 1_000_000_000)
}

/// Three zig-zag encoded variable-length integers (CQL binary protocol v5, section 6, duration).
fn duration(mut bytes: &[u8]) -> Option<String> {
    let mut parts = [0i64; 3];
    for part in &mut parts {
        let (first, rest) = bytes.split_first()?;
        let extra = first.leading_ones() as usize;
        let (more, rest) = rest.split_at_checked(extra)?;
        let head = u64::from(*first) & (0xffu64 >> extra);
        let raw = more.iter().fold(head, |raw, byte| raw << 8 | u64::from(*byte));
        *part = (raw >> 1) as i64 ^ -((raw & 1) as i64);
        bytes = rest;
    }
    let [months, days, nanos] = parts;
    bytes.is_empty().then(|| format!("{months}mo{days}d{nanos}ns"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{CodecOptions, encode};

    #[test]
    fn values_of_every_type_are_shown_as_people_write_them() {
        let check = |cql_type: CqlType, text: &str, expected: &str| {
            let mut bytes = Vec::new();
            encode(&cql_type, text.as_bytes(), &CodecOptions::DEFAULT, &mut bytes).unwrap();
            assert_eq!(value(&cql_type, &bytes), expected);
        };
        check(CqlType::Ascii, "a b", "'a b'");
        check(CqlType::Text, "naïve", "'naïve'");
        check(CqlType::Tinyint, "-7", "-7");
        check(CqlType::Smallint, "300", "300");
        check(CqlType::Int, "-70000", "-70000");
        check(CqlType::Bigint, "9000000000", "9000000000");
        check(CqlType::Varint, "-123456789012345678901234567890", "-123456789012345678901234567890");
        check(CqlType::Decimal, "-0.05", "-0.05");
        check(CqlType::Decimal, "12.50", "12.50");
        check(CqlType::Decimal, "12", "12");
        check(CqlType::Decimal, "1e9", "1e9");
        check(CqlType::Float, "1.5", "1.5");
        check(CqlType::Double, "-2e-7", "-0.0000002");
        check(CqlType::Boolean, "yes", "true");
        check(CqlType::Timestamp, "2026-01-31T12:30:05.120Z", "'2026-01-31T12:30:05.120Z'");
        check(CqlType::Date, "1969-12-31", "'1969-12-31'");
        check(CqlType::Time, "12:30:05.5", "'12:30:05.500000000'");
        check(CqlType::Uuid, "9F2C6C1E-0A1B-4C3D-8E4F-5A6B7C8D9E0F", "9f2c6c1e-0a1b-4c3d-8e4f-5a6b7c8d9e0f");
        check(CqlType::Inet, "10.0.0.1", "10.0.0.1");
        check(CqlType::Inet, "::1", "::1");
        check(CqlType::Blob, "0xCAFE", "0xcafe");
        check(CqlType::Duration, "1y2mo3d4ns", "14mo3d4ns");
        check(CqlType::Duration, "-300d", "0mo-300d0ns");
    }

    #[test]
    fn what_is_no_value_of_the_type_is_shown_as_bytes() {
        let check =
            |cql_type: CqlType, bytes: &[u8], expected: &str| assert_eq!(value(&cql_type, bytes), expected);
        check(CqlType::Int, &[], "0x");
        check(CqlType::Int, &[1, 2], "0x0102");
        check(CqlType::Text, &[0xff], "0xff");
        check(CqlType::Boolean, &[2], "0x02");
        check(CqlType::Inet, &[1, 2, 3], "0x010203");
        check(CqlType::Decimal, &[0, 0, 0], "0x000000");
        check(CqlType::Duration, &[0xff], "0xff");
        check(CqlType::Varint, &[], "0x");
        check(CqlType::Blob, &[7; 60], &format!("0x{}…", "07".repeat(50)));
        check(CqlType::Text, &[b'x'; 200], &format!("'{}…'", "x".repeat(100)));
        check(CqlType::Timestamp, &i64::MAX.to_be_bytes(), "9223372036854775807 ms since 1970");
        check(CqlType::Date, &[0xff; 4], "2147483647 days since 1970");
    }

    #[test]
    fn times_are_shown_to_the_microsecond() {
        assert_eq!(time(1_769_862_605_000_001), "2026-01-31T12:30:05.000001Z");
        assert_eq!(time(i64::MAX), i64::MAX.to_string());
    }
}
