//! Where a time without an offset is meant: a zone of the IANA database, which is compiled in, so that every machine and every run
//! reads a file alike, or a fixed offset. A local time that a zone's clocks show twice or never is refused, not guessed.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use super::super::CodecError;
use super::super::cursor::Cursor;
use crate::reject::RejectCode;

const IN_A_GAP: CodecError = CodecError::new(
    RejectCode::InvalidTimestamp,
    "a local time that was skipped in its zone, where clocks went forward: write it with an offset such as +01:00, or load \
     such records by themselves with --timezone +01:00",
);
const IN_A_FOLD: CodecError = CodecError::new(
    RejectCode::InvalidTimestamp,
    "a local time that there was twice in its zone, where clocks went back: write it with an offset such as +01:00, or load \
     such records by themselves with --timezone +01:00",
);
const BEYOND_ZONES: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "beyond the years -9999 to 9999, in which offsets of a time zone are known: write it with an offset such as +00:00",
);
const NO_SUCH_ZONE: CodecError = CodecError::new(
    RejectCode::InvalidTimestamp,
    "names no time zone of the IANA database: write one such as Europe/Paris, or an offset",
);
const OFFSET_AGAINST_ZONE: CodecError = CodecError::new(
    RejectCode::InvalidTimestamp,
    "its offset is not that of its time zone at that time: correct one of them",
);

/// The largest offset that an ISO 8601 text may have.
const OFFSET_MAX_S: u32 = 18 * 3600;

/// A time zone, or a fixed offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    /// As the database writes it, or as `+hh:mm`.
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// By how many seconds its clocks are ahead of UTC when they show this many seconds since 1970-01-01T00:00:00.
    pub(super) fn offset_s(&self, local_second: i64) -> Result<i64, CodecError> {
        let local = Timestamp::from_second(local_second).map_err(|_| BEYOND_ZONES)?;
        local_offset_s(&self.zone, Offset::UTC.to_datetime(local))
    }
}

/// The offset of a zone whose name is in a text, and which may have said it by itself.
pub(super) fn offset_in(name: &str, local: DateTime, said: Option<Offset>) -> Result<i64, CodecError> {
    let zone = database().get(name).map_err(|_| NO_SUCH_ZONE)?;
    let Some(said) = said else { return local_offset_s(&zone, local) };
    let instant = said.to_timestamp(local).map_err(|_| BEYOND_ZONES)?;
    if zone.to_offset(instant) == said { Ok(i64::from(said.seconds())) } else { Err(OFFSET_AGAINST_ZONE) }
}

fn local_offset_s(zone: &TimeZone, local: DateTime) -> Result<i64, CodecError> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => Ok(i64::from(offset.seconds())),
        AmbiguousOffset::Gap { .. } => Err(IN_A_GAP),
        AmbiguousOffset::Fold { .. } => Err(IN_A_FOLD),
    }
}

fn database() -> &'static TimeZoneDatabase {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled)
}

/// `±hh`, `±hhmm` or `±hh:mm`, in seconds.
fn fixed(text: &str) -> Option<i32> {
    let mut cursor = Cursor::new(text.as_bytes());
    let negative = cursor.eat_sign()?;
    let hour = cursor.two()?;
    let colon = cursor.eat(b':');
    let minute = if colon || !cursor.is_empty() { cursor.two()? } else { 0 };
    let seconds = hour * 3600 + minute * 60;
    if !cursor.is_empty() || minute > 59 || seconds > OFFSET_MAX_S {
        return None;
    }
    let seconds = i32::try_from(seconds).ok()?;
    Some(if negative { -seconds } else { seconds })
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let offset = fixed(text).and_then(|seconds| Some((seconds, Offset::from_seconds(seconds).ok()?)));
        if let Some((seconds, offset)) = offset {
            let sign = if seconds < 0 { '-' } else { '+' };
            let minutes = seconds.unsigned_abs() / 60;
            let name = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
            return Ok(Zone { name, zone: TimeZone::fixed(offset) });
        }
        let known = database().get(text).ok();
        let named = known.and_then(|zone| Some((zone.iana_name()?.to_owned(), zone)));
        let (name, zone) = named.ok_or_else(|| {
            "is no time zone: give a name of the IANA database such as Europe/Paris, or an offset such as +01:00".to_owned()
        })?;
        Ok(Zone { name, zone })
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.name
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset_s(zone: &str, local: &str) -> Result<i64, CodecError> {
        let local: DateTime = local.parse().unwrap();
        let second = Offset::UTC.to_timestamp(local).unwrap().as_second();
        zone.parse::<Zone>().unwrap().offset_s(second)
    }

    #[test]
    fn a_zones_offset_follows_its_clocks() {
        assert_eq!(offset_s("Europe/Paris", "2026-01-31T12:00:00"), Ok(3_600));
        assert_eq!(offset_s("europe/paris", "2026-07-31T12:00:00"), Ok(7_200));
        assert_eq!(offset_s("Asia/Kathmandu", "2026-07-31T12:00:00"), Ok(20_700));
        assert_eq!(offset_s("America/New_York", "1883-11-18T11:00:00"), Ok(-17_762));
        assert_eq!(offset_s("America/New_York", "9999-07-01T11:00:00"), Ok(-14_400));
        assert_eq!(offset_s("UTC", "2026-07-31T12:00:00"), Ok(0));
        for text in ["-0330", "-03:30"] {
            assert_eq!(offset_s(text, "2026-07-31T12:00:00"), Ok(-12_600));
        }
        assert_eq!(offset_s("+18", "2026-07-31T12:00:00"), Ok(64_800));
    }

    #[test]
    fn local_times_that_there_are_twice_or_never_are_refused() {
        assert_eq!(offset_s("Europe/Paris", "2026-03-29T01:59:59"), Ok(3_600));
        assert_eq!(offset_s("Europe/Paris", "2026-03-29T02:00:00"), Err(IN_A_GAP));
        assert_eq!(offset_s("Europe/Paris", "2026-03-29T02:59:59"), Err(IN_A_GAP));
        assert_eq!(offset_s("Europe/Paris", "2026-03-29T03:00:00"), Ok(7_200));
        assert_eq!(offset_s("Europe/Paris", "2026-10-25T01:59:59"), Ok(7_200));
        assert_eq!(offset_s("Europe/Paris", "2026-10-25T02:00:00"), Err(IN_A_FOLD));
        assert_eq!(offset_s("Europe/Paris", "2026-10-25T02:59:59"), Err(IN_A_FOLD));
        assert_eq!(offset_s("Europe/Paris", "2026-10-25T03:00:00"), Ok(3_600));
        // A day whose midnight there was not.
        assert_eq!(offset_s("America/Sao_Paulo", "2018-11-04T00:00:00"), Err(IN_A_GAP));
        let zone: Zone = "Europe/Paris".parse().unwrap();
        assert_eq!(zone.offset_s(i64::MAX), Err(BEYOND_ZONES));
        assert_eq!(zone.offset_s(300_000_000_000), Err(BEYOND_ZONES));
    }

    #[test]
    fn names_are_as_the_database_has_them() {
        for (text, name) in
            [(" europe/PARIS", "Europe/Paris"), ("-5", ""), ("+0530", "+05:30"), ("-00:00", "+00:00")]
        {
            let found = text.parse::<Zone>().map(|zone| zone.to_string()).unwrap_or_default();
            assert_eq!(found, name, "{text}");
        }
        for text in ["", "Paris", "+19:00", "+01:60", "Etc/Unknown", "local"] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
    }
}
