//! Single values as the text that stands for them in a CSV file: the codecs read it back to the same value. Knows nothing of columns.

use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use arrow_schema::TimeUnit;

const DAY_S: i64 = 86_400;

const DIGIT_PAIRS: &[u8; 200] =
    b"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/// An integer.
pub(super) fn int(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    uint(value.unsigned_abs(), out);
}

/// One without a sign.
pub(super) fn uint(mut value: u64, out: &mut Vec<u8>) {
    // u64::MAX has 20 digits.
    let mut digits = [0; 20];
    let mut at = digits.len();
    while value >= 100 {
        at -= 2;
        put_pair(&mut digits, at, (value % 100) as usize);
        value /= 100;
    }
    if value >= 10 {
        at -= 2;
        put_pair(&mut digits, at, value as usize);
    } else {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + value as u8;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}

#[inline]
fn put_pair(digits: &mut [u8], at: usize, pair: usize) {
    if let (Some(to), Some(from)) = (digits.get_mut(at..at + 2), DIGIT_PAIRS.get(pair * 2..pair * 2 + 2)) {
        to.copy_from_slice(from);
    }
}

/// Two digits.
#[inline]
fn pair(value: u32, out: &mut Vec<u8>) {
    let pair = value as usize * 2;
    out.extend_from_slice(DIGIT_PAIRS.get(pair..pair + 2).unwrap_or(b"??"));
}

/// A number in at least `width` digits.
fn padded(value: u64, width: usize, out: &mut Vec<u8>) {
    // A Vec takes all that is written.
    let _ = write!(out, "{value:0width$}");
}

/// The shortest text that stands for this number and no other of its type.
pub(super) fn float(value: impl zmij::Float + Into<f64> + Copy, out: &mut Vec<u8>) {
    let wide: f64 = value.into();
    if wide.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(match (wide.is_nan(), wide > 0.0) {
            (true, _) => b"NaN",
            (false, true) => b"Infinity",
            (false, false) => b"-Infinity",
        });
    }
}

/// A decimal: its digits, with a sign or none, and how many of them are behind the point.
pub(super) fn decimal(unscaled: &str, scale: i8, out: &mut Vec<u8>) {
    let (sign, digits) = unscaled.strip_prefix('-').map_or(("", unscaled), |digits| ("-", digits));
    out.extend_from_slice(sign.as_bytes());
    let Ok(places) = usize::try_from(scale) else {
        // Zeros would make it another decimal.
        out.extend_from_slice(digits.as_bytes());
        // As above.
        let _ = write!(out, "e{}", -i16::from(scale));
        return;
    };
    let (whole, part) = digits.split_at(digits.len().saturating_sub(places));
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole.as_bytes() });
    if places > 0 {
        out.push(b'.');
        out.extend(std::iter::repeat_n(b'0', places - part.len()));
        out.extend_from_slice(part.as_bytes());
    }
}

/// Days since 1970-01-01 as `YYYY-MM-DD`.
pub(super) fn date(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil(days);
    match u32::try_from(year) {
        Ok(year @ 0..=9999) => {
            pair(year / 100, out);
            pair(year % 100, out);
        }
        _ => {
            // Years of more digits have a sign (ISO 8601).
            out.push(if year < 0 { b'-' } else { b'+' });
            padded(year.unsigned_abs(), 4, out);
        }
    }
    out.push(b'-');
    pair(month, out);
    out.push(b'-');
    pair(day, out);
}

/// The day of the proleptic Gregorian calendar, from days since 1970-01-01: years are counted from March, so that the leap day comes
/// last, in eras of 400 years (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// How many of a unit are in a second, and how many digits that is.
fn per_second(unit: TimeUnit) -> (i64, usize) {
    match unit {
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1_000, 3),
        TimeUnit::Microsecond => (1_000_000, 6),
        TimeUnit::Nanosecond => (1_000_000_000, 9),
    }
}

/// A count since midnight as `hh:mm:ss`, with as many digits behind as it needs, in threes. What is no time of day is left as the
/// number, for the codec to refuse.
pub(super) fn time(value: i64, unit: TimeUnit, out: &mut Vec<u8>) {
    let (per_second, digits) = per_second(unit);
    let seconds = value.div_euclid(per_second);
    if !(0..DAY_S).contains(&seconds) {
        return int(value, out);
    }
    clock(seconds as u32, value.rem_euclid(per_second) as u64, digits, out);
}

/// A count since 1970-01-01T00:00:00 as `YYYY-MM-DDThh:mm:ss`, with as many digits behind as it needs, in threes; `is_utc`: and a `Z`.
/// `as_date`: nothing but the date where it is midnight.
pub(super) fn timestamp(value: i64, unit: TimeUnit, is_utc: bool, as_date: bool, out: &mut Vec<u8>) {
    let (per_second, digits) = per_second(unit);
    let (seconds, part) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    date(seconds.div_euclid(DAY_S), out);
    let of_day = seconds.rem_euclid(DAY_S);
    if as_date && of_day == 0 && part == 0 {
        return;
    }
    out.push(b'T');
    clock(of_day as u32, part as u64, digits, out);
    if is_utc {
        out.push(b'Z');
    }
}

fn clock(seconds: u32, mut part: u64, mut digits: usize, out: &mut Vec<u8>) {
    pair(seconds / 3600, out);
    out.push(b':');
    pair(seconds / 60 % 60, out);
    out.push(b':');
    pair(seconds % 60, out);
    if part == 0 {
        return;
    }
    while digits > 3 && part.is_multiple_of(1000) {
        (part, digits) = (part / 1000, digits - 3);
    }
    out.push(b'.');
    padded(part, digits, out);
}

/// Bytes as CQL writes a blob.
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"0x");
    out.extend(bytes.iter().flat_map(|byte| {
        [byte >> 4, byte & 15].map(|digit| DIGITS.get(usize::from(digit)).copied().unwrap_or_default())
    }));
}

/// 16 bytes as a UUID; others as a blob, for the codec to refuse.
pub(super) fn uuid(bytes: &[u8], out: &mut Vec<u8>) {
    match uuid::Uuid::from_slice(bytes) {
        Ok(uuid) => {
            let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
            out.extend_from_slice(uuid.hyphenated().encode_lower(&mut text).as_bytes());
        }
        Err(_) => hex(bytes, out),
    }
}

/// 4 or 16 bytes as an address; others as the text that they may be.
pub(super) fn inet(bytes: &[u8], out: &mut Vec<u8>) {
    // A Vec takes all that is written.
    let _ = match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
        (Ok(v4), _) => write!(out, "{}", Ipv4Addr::from(v4)),
        (_, Ok(v6)) => write!(out, "{}", Ipv6Addr::from(v6)),
        _ => out.write_all(bytes),
    };
}
