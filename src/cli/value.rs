//! Single values out of text: numbers, sizes, durations, characters, addresses. Each function returns the value or
//! what is wrong with the text, as a fragment that ends with what to write instead. Pure.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use bytesize::ByteSize;

use crate::codec::stamp::{MistakenUnit, mistaken_unit};
use crate::format::csv::dialect::{DELIMITER_BYTES_MAX, Delimiter, Dialect};
use crate::schema::field::FieldRef;
use crate::settings::{ErrorBudget, TTL_SECONDS_MAX, TimestampMode, TtlMode, WINDOW_BYTES_MAX, Window};
use crate::verify::sample::Sample;

/// The port of a node that says none.
const PORT: u16 = 9042;

/// The longest duration that an option takes, so that deadlines never overflow a clock.
const DURATION_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The memory for the window would be used up long before it has as many rows.
const WINDOW_ROWS_MAX: usize = 100_000_000;
/// A window of less than a chunk holds back next to nothing.
const WINDOW_BYTES_MIN: u64 = 256 << 10;

/// A flag's value.
pub(super) fn flag(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("is neither true nor false".to_owned()),
    }
}

/// A whole number within a range.
pub(super) fn number(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    text.trim()
        .parse::<usize>()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}

/// A count of records.
pub(super) fn count(text: &str, least: u64) -> Result<u64, String> {
    let count = text.trim().parse().ok().filter(|count| *count >= least);
    count.ok_or_else(|| format!("must be a whole number from {least}"))
}

/// A size in bytes within a range.
pub(super) fn size(text: &str, range: RangeInclusive<u64>) -> Result<u64, String> {
    let Ok(ByteSize(bytes)) = text.trim().parse::<ByteSize>() else {
        return Err("is no size: write bytes, or KiB, MiB or GiB, for example 64MiB".to_owned());
    };
    if range.contains(&bytes) {
        return Ok(bytes);
    }
    let [least, most] = [range.start(), range.end()].map(|bound| ByteSize(*bound).display().iec());
    Err(format!("must be from {least} to {most}"))
}

/// Rows where it is a plain number, bytes of input where it has a unit.
pub(super) fn window(text: &str) -> Result<Window, String> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let rows = number(text, 1..=WINDOW_ROWS_MAX)?;
        return Ok(Window::Rows(u64::try_from(rows).unwrap_or(u64::MAX)));
    }
    if text.parse::<ByteSize>().is_err() {
        return Err("is neither rows nor a size: write for example 100000 or 32MiB".to_owned());
    }
    size(text, WINDOW_BYTES_MIN..=WINDOW_BYTES_MAX).map(Window::Bytes)
}

/// A duration that may be zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.parse::<u64>().is_ok_and(|number| number > 0) {
        return Err(format!("has no unit: write {text}s, {text}m or {text}h"));
    }
    let parsed = humantime::parse_duration(text).map_err(|_| {
        "is no duration: write a number and a unit, for example 500ms, 30s, 10m or 1h".to_owned()
    })?;
    if parsed > DURATION_MAX { Err("must be at most 365days".to_owned()) } else { Ok(parsed) }
}

/// A duration longer than zero.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| {
        if time.is_zero() { Err("must be longer than 0, for example 30s".to_owned()) } else { Ok(time) }
    })
}

/// What stands between fields: up to 8 bytes in UTF-8, of which none ends a line.
pub(super) fn delimiter(text: &str) -> Result<Delimiter, String> {
    if text.eq_ignore_ascii_case("tab") {
        return Ok(Delimiter::byte(b'\t'));
    }
    let bytes = unescaped(text);
    match bytes.len() {
        0 => Err("is empty: give at least one character".to_owned()),
        1..=DELIMITER_BYTES_MAX => {
            Delimiter::new(&bytes).ok_or_else(|| "must not hold a line end or NUL".to_owned())
        }
        len => Err(format!("must be at most {DELIMITER_BYTES_MAX} bytes in UTF-8 and is {len}, or tab")),
    }
}

/// The bytes of a text in which `\t` stands for a tab and `\x` and two digits for an ASCII character.
fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some(character) = rest.chars().next() {
        let code = rest.strip_prefix("\\x").and_then(|digits| digits.get(..2));
        let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii);
        let len = match (code, rest.starts_with("\\t")) {
            (Some(code), _) => {
                bytes.push(code);
                4
            }
            (None, true) => {
                bytes.push(b'\t');
                2
            }
            (None, false) => {
                bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                character.len_utf8()
            }
        };
        rest = rest.get(len..).unwrap_or_default();
    }
    bytes
}

/// A character of the CSV dialect: one byte below 0x80 that is no line end and no NUL.
pub(super) fn character(text: &str) -> Result<u8, String> {
    match &unescaped(text)[..] {
        _ if text.eq_ignore_ascii_case("tab") => Ok(b'\t'),
        [byte] if Dialect::is_usable(*byte) => Ok(*byte),
        [_] => Err("must not be a line end or NUL".to_owned()),
        [] => Err("is empty: give one character".to_owned()),
        _ if text.chars().count() == 1 => Err("must be an ASCII character".to_owned()),
        _ => Err("must be one character, or tab".to_owned()),
    }
}

/// A character within numbers.
pub(super) fn separator(text: &str) -> Result<char, String> {
    let mut characters = text.chars();
    match (text.to_ascii_lowercase().as_str(), characters.next(), characters.next()) {
        ("space", ..) => Ok(' '),
        ("nbsp", ..) => Ok('\u{a0}'),
        ("nnbsp", ..) => Ok('\u{202f}'),
        (_, Some(character), None) => Ok(character),
        _ => Err("must be one character, or space, nbsp or nnbsp".to_owned()),
    }
}

/// As [`character`], or `none`.
pub(super) fn optional_character(text: &str) -> Result<Option<u8>, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    character(text).map(Some).map_err(|problem| format!("{problem}; or none"))
}

/// `N` or `N%`.
pub(super) fn error_budget(text: &str) -> Result<ErrorBudget, String> {
    let problem = || "must be a count from 0, for example 100, or a share from 0% to 100%".to_owned();
    let text = text.trim();
    match text.strip_suffix('%') {
        Some(share) => share
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|share| (0.0..=100.0).contains(share))
            .map(|share| ErrorBudget::Percent(share.abs()))
            .ok_or_else(problem),
        None => text.parse().map(ErrorBudget::Count).map_err(|_| problem()),
    }
}

/// `N%`: a share of the records.
pub(super) fn sample(text: &str) -> Result<Sample, String> {
    let share = text.trim().strip_suffix('%').and_then(|share| share.trim().parse().ok());
    share
        .and_then(Sample::percent)
        .ok_or_else(|| "must be a share from 0.0001% to 100%, for example 10%".to_owned())
}

/// `order`, `now`, microseconds since 1970-01-01T00:00:00Z, or `@` and a field.
pub(super) fn timestamp(text: &str) -> Result<TimestampMode, String> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("order") {
        return Ok(TimestampMode::Order);
    }
    if text.eq_ignore_ascii_case("now") {
        return Ok(TimestampMode::Now);
    }
    if let Some(field) = text.strip_prefix('@') {
        return FieldRef::parse(field).map(TimestampMode::Field);
    }
    let micros: i64 = text.parse().map_err(|_| {
        "must be order, now, microseconds since 1970, or @ and the name of a field".to_owned()
    })?;
    let mistaken = |unit: &str, as_micros: Option<i64>| {
        let date = jiff::Timestamp::from_microsecond(micros)
            .map_or_else(|_| "no date".to_owned(), |t| t.to_string());
        let hint = as_micros.map(|value| format!(", {value}")).unwrap_or_default();
        Err(format!("looks like {unit}; as microseconds it is {date}: give microseconds{hint}"))
    };
    match mistaken_unit(micros) {
        _ if micros < 0 => Err("must not be before 1970".to_owned()),
        Some(MistakenUnit::Seconds) => mistaken("seconds", micros.checked_mul(1_000_000)),
        Some(MistakenUnit::Milliseconds) => mistaken("milliseconds", micros.checked_mul(1000)),
        Some(MistakenUnit::Nanoseconds) => mistaken("nanoseconds", Some(micros / 1000)),
        None => Ok(TimestampMode::Fixed(micros)),
    }
}

/// Seconds, a duration, or `@` and a field.
pub(super) fn ttl(text: &str) -> Result<TtlMode, String> {
    let text = text.trim();
    if let Some(field) = text.strip_prefix('@') {
        return FieldRef::parse(field).map(TtlMode::Field);
    }
    let too_long = || format!("must be at most 20 years, {TTL_SECONDS_MAX} seconds or 7300d");
    let seconds = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_err(|_| too_long())?
    } else {
        let duration = humantime::parse_duration(text).map_err(|_| {
            "is no time to live: write seconds, a duration as 12h or 30d, 0 for none, or @ and the name of a field".to_owned()
        })?;
        if duration.subsec_nanos() > 0 {
            return Err("must be whole seconds".to_owned());
        }
        duration.as_secs()
    };
    let seconds = u32::try_from(seconds).ok().filter(|seconds| *seconds <= TTL_SECONDS_MAX);
    seconds.map(TtlMode::Seconds).ok_or_else(too_long)
}

/// A contact point as `host:port`, IPv6 in brackets.
pub(super) fn host(text: &str) -> Result<String, String> {
    let (name, port) = host_and_port(text.trim())?;
    Ok(joined(name, port.unwrap_or(PORT)))
}

/// Where to listen, as `host:port`: a port alone is one of this machine only.
pub(super) fn listen_address(text: &str) -> Result<String, String> {
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) {
        return Ok(format!("127.0.0.1:{}", port(text)?));
    }
    let (name, Some(port)) = host_and_port(text)? else {
        return Err("names no port: write PORT, HOST:PORT or [::1]:PORT".to_owned());
    };
    Ok(joined(name, port))
}

/// `NODE=HOST:PORT`, both sides IP addresses; a side without a port has 9042.
pub(super) fn address_pair(text: &str) -> Result<(SocketAddr, SocketAddr), String> {
    let Some((node, target)) = text.split_once('=') else {
        return Err("must be NODE=HOST:PORT, for example 10.0.0.1=127.0.0.1:19042".to_owned());
    };
    Ok((address(node.trim())?, address(target.trim())?))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let (name, port) = host_and_port(text)?;
    let port = port.unwrap_or(PORT);
    let ip: IpAddr =
        name.parse().map_err(|_| format!("'{name}' is no IP address: names are not looked up here"))?;
    Ok(SocketAddr::new(ip, port))
}

fn joined(name: &str, port: u16) -> String {
    match name.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]:{port}"),
        Err(_) => format!("{name}:{port}"),
    }
}

/// A host, and its port where there is one.
fn host_and_port(text: &str) -> Result<(&str, Option<u16>), String> {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((name, after)) = rest.split_once(']') else {
            return Err("'[' is never closed: write an IPv6 address as [::1]:9042".to_owned());
        };
        ipv6(name)?;
        return match after.strip_prefix(':') {
            Some(digits) => Ok((name, Some(port(digits)?))),
            None if after.is_empty() => Ok((name, None)),
            None => Err(format!("'{after}' after ']' is not understood: write [::1]:9042")),
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => ipv6(text).map(|()| (text, None)),
        Some((name, digits)) => Ok((host_name(name)?, Some(port(digits)?))),
        None => Ok((host_name(text)?, None)),
    }
}

fn ipv6(text: &str) -> Result<(), String> {
    text.parse::<Ipv6Addr>()
        .map(|_| ())
        .map_err(|_| format!("'{text}' is no IPv6 address: write it as [::1]:9042, one host for each item"))
}

fn host_name(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        return Err("names no host: write HOST or HOST:PORT".to_owned());
    }
    if text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')) {
        Ok(text)
    } else {
        Err(format!("'{text}' is no host name: write HOST or HOST:PORT"))
    }
}

fn port(digits: &str) -> Result<u16, String> {
    digits
        .parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| format!("'{digits}' is no port: it must be from 1 to 65535"))
}

#[cfg(test)]
mod tests;
