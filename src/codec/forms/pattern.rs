//! Times in forms that an option describes, as strptime reads them (jiff's: <https://docs.rs/jiff/latest/jiff/fmt/strtime/>). What
//! strptime would read as something else without a word is refused here: a form that says a thing twice or half, a year of two digits
//! where four are meant, second 60.

use jiff::civil::{DateTime, date};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::Offset;

use super::super::CodecError;
use super::super::temporal::{LEAP_SECOND, Moment};
use super::packed::{self, Packed};
use super::zone;
use crate::reject::RejectCode;

const MISMATCH: CodecError = CodecError::new(RejectCode::InvalidTimestamp, "");
const SHORT_YEAR: &str =
    "has a year of fewer than four digits where the format's %Y or %F stands: use %y, or write all four";
const SHORT_NUMBER: &str = "has a number of fewer digits than its directive has, and nothing between it and the next one, so it may be \
     read in two ways: write its leading zeros";

/// What is read: says which parts of a time a form must and may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A date, perhaps a time of day and an offset.
    Timestamp,
    /// A date; a time of day must be midnight.
    Date,
    /// A time of day.
    Time,
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    text: String,
    /// Whether it ends with a `Z`, `UTC` or `GMT` that stands for itself.
    is_utc: bool,
    /// Where in it a year of four digits stands.
    year_at: Option<usize>,
    /// Its numbers with nothing between them.
    packed: Vec<Packed>,
    /// What is in front of each space in it that stands between others: for strptime, a space may also be none.
    before_spaces: Vec<String>,
}

impl Pattern {
    /// Holds a form against what it is to read.
    pub(super) fn parse(text: &str, kind: Kind) -> Result<Self, String> {
        let Parts { found, year_at, ends_with } = Parts::of(text)?;
        let has = |part| found.contains(&part);
        let (needed, unwanted): (Part, &[Part]) = match kind {
            Kind::Timestamp => (Part::Year, &[]),
            Kind::Date => (Part::Year, &[Part::Offset, Part::Zone]),
            Kind::Time => (
                Part::Hour,
                &[
                    Part::Year,
                    Part::Month,
                    Part::Day,
                    Part::DayOfYear,
                    Part::Week,
                    Part::Weekday,
                    Part::Offset,
                    Part::Zone,
                ],
            ),
        };
        if let Some(part) = unwanted.iter().find(|part| has(**part)) {
            let (kind, part) = (kind.name(), part.name());
            return Err(format!("has {part}, which a {kind} has not: leave it out"));
        }
        if !has(needed) {
            return Err(format!("lacks {}, which a {} needs", needed.name(), kind.name()));
        }
        if let Some((one, other)) = contradiction(&found) {
            let (one, other) = (one.name(), other.name());
            return Err(format!(
                "has {one} and {other}, which may contradict each other: leave one of them out"
            ));
        }
        if has(Part::Hour12) != has(Part::Half) {
            return Err("needs both %I and %p, or %H instead: hours of 12 go with AM and PM".to_owned());
        }
        let names_utc = ["Z", "UTC", "GMT"]
            .iter()
            .any(|name| ends_with.trim() == *name || ends_with.ends_with(&format!(" {name}")));
        let is_utc = names_utc && kind == Kind::Timestamp && !has(Part::Offset) && !has(Part::Zone);
        let (packed, before_spaces) = (packed::of(text), before_spaces(text));
        let pattern = Pattern { text: text.to_owned(), is_utc, year_at, packed, before_spaces };
        pattern.prove(kind, has(Part::Zone))?;
        Ok(pattern)
    }

    /// Writes a time in this form and reads it back.
    fn prove(&self, kind: Kind, has_zone: bool) -> Result<(), String> {
        let sample = date(2026, 1, 31).at(23, 58, 57, 123_000_000);
        let zone = if has_zone { "Asia/Kolkata" } else { "UTC" };
        let unusable = |error: jiff::Error| format!("is no format that can be read: {error}");
        let written =
            sample.in_tz(zone).and_then(|sample| strtime::format(&self.text, &sample)).map_err(unusable)?;
        let read = BrokenDownTime::parse(&self.text, &written).map_err(unusable)?;
        let time = read.to_time().map_err(unusable)?;
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        let is_same_time = matches!((hour, minute, second), (23, 58, 57 | 0) | (23 | 0, 0, 0));
        let is_same_date = kind == Kind::Time || read.to_date().map_err(unusable)? == sample.date();
        if is_same_date && is_same_time {
            return Ok(());
        }
        Err(format!("is ambiguous: it writes {sample} as {written:?}, and reads that as another time"))
    }

    /// As it was given.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The moment that a text says; `Err` with [`is_mismatch`] where it is not in this form.
    pub(super) fn moment(&self, text: &[u8]) -> Result<Moment, CodecError> {
        let parsed = self.read(text, RejectCode::InvalidTimestamp)?;
        let local = parsed.to_datetime().map_err(|_| MISMATCH)?;
        let offset_s = match (parsed.iana_time_zone(), parsed.offset()) {
            (Some(name), said) => Some(zone::offset_in(name, local, said)?),
            (None, Some(offset)) => Some(i64::from(offset.seconds())),
            (None, None) => self.is_utc.then_some(0),
        };
        let nanos = u32::try_from(local.subsec_nanosecond()).map_err(|_| MISMATCH)?;
        Ok(Moment { second: seconds_of(local)?, nanos, is_finer: false, offset_s })
    }

    /// The day since 1970-01-01 that a text says, and nanoseconds since its midnight.
    pub(super) fn day_and_nanos(&self, text: &[u8], code: RejectCode) -> Result<(i64, i64), CodecError> {
        let parsed = self.read(text, code)?;
        let local = parsed.to_datetime().map_err(|_| MISMATCH)?;
        let second = seconds_of(local.date().to_datetime(jiff::civil::Time::midnight()))?;
        Ok((second / super::super::temporal::DAY_S, nanos_of(local.time())))
    }

    /// The nanoseconds since midnight that a text says.
    pub(super) fn nanos(&self, text: &[u8]) -> Result<i64, CodecError> {
        let parsed = self.read(text, RejectCode::InvalidTime)?;
        parsed.to_time().map(nanos_of).map_err(|_| MISMATCH)
    }

    fn read(&self, text: &[u8], code: RejectCode) -> Result<BrokenDownTime, CodecError> {
        let parsed = BrokenDownTime::parse(&self.text, text).map_err(|_| MISMATCH)?;
        if parsed.second() == Some(59) && self.has_second_60(text) {
            return Err(CodecError::new(code, LEAP_SECOND));
        }
        if !self.before_spaces.iter().all(|before| has_space_behind(before, text)) {
            return Err(MISMATCH);
        }
        let year = parsed.year().or_else(|| parsed.iso_week_year()).unwrap_or(i16::MAX);
        if self.year_at.is_some() && year.unsigned_abs() < 1000 && !self.has_four_digits_of_year(text) {
            return Err(CodecError::new(code, SHORT_YEAR));
        }
        if !self.packed.iter().all(|packed| packed.is_whole(text)) {
            return Err(CodecError::new(code, SHORT_NUMBER));
        }
        Ok(parsed)
    }

    /// Whether the second that was read as 59 was written as 60: then it cannot be read as 61.
    fn has_second_60(&self, text: &[u8]) -> bool {
        let mut changed = text.to_vec();
        for at in memchr::memmem::find_iter(text, b"60") {
            let Some(digit) = changed.get_mut(at + 1) else { continue };
            *digit = b'1';
            if BrokenDownTime::parse(&self.text, &changed).is_err() {
                return true;
            }
            if let Some(digit) = changed.get_mut(at + 1) {
                *digit = b'0';
            }
        }
        false
    }

    /// Whether four digits stand where the year is.
    fn has_four_digits_of_year(&self, text: &[u8]) -> bool {
        let before = self.year_at.and_then(|at| self.text.get(..at)).unwrap_or_default();
        let consumed = BrokenDownTime::parse_prefix(before, text).map_or(0, |(_, len)| len);
        let year = text.get(consumed..).unwrap_or_default().trim_ascii_start();
        let year = year.strip_prefix(b"-").or_else(|| year.strip_prefix(b"+")).unwrap_or(year);
        year.iter()
            .skip_while(|byte| byte.is_ascii_whitespace())
            .take_while(|byte| byte.is_ascii_digit())
            .take(4)
            .count()
            == 4
    }
}

/// What is in front of each run of spaces in a form that has something on both sides.
fn before_spaces(form: &str) -> Vec<String> {
    let is_space = |c: char| c.is_ascii_whitespace();
    let inside = form.trim_end_matches(is_space);
    let starts = inside.char_indices().filter(|(at, c)| {
        let before = inside.get(..*at).unwrap_or_default();
        is_space(*c) && !before.trim_matches(is_space).is_empty() && !before.ends_with(is_space)
    });
    starts.filter_map(|(at, _)| inside.get(..at)).map(str::to_owned).collect()
}

/// Whether a space follows in a text on what is in front of one in its form.
fn has_space_behind(before: &str, text: &[u8]) -> bool {
    let consumed = BrokenDownTime::parse_prefix(before, text).ok().map(|(_, len)| len);
    consumed.and_then(|consumed| text.get(consumed)).is_some_and(u8::is_ascii_whitespace)
}

/// Whether a text is not in the form, rather than in it and wrong: another form may fit it. What is to be said of it if none does is
/// kept in `reason`.
pub(super) fn is_mismatch(error: CodecError, reason: &mut CodecError) -> bool {
    let is_short = matches!(error.message, SHORT_YEAR | SHORT_NUMBER);
    if is_short {
        *reason = error;
    }
    is_short || error.message.is_empty()
}

/// Whole seconds since 1970-01-01T00:00:00 that clocks show; with a fraction, the library would count it backwards before 1970.
fn seconds_of(local: DateTime) -> Result<i64, CodecError> {
    let local = local.date().at(local.hour(), local.minute(), local.second(), 0);
    Offset::UTC.to_timestamp(local).map(|instant| instant.as_second()).map_err(|_| MISMATCH)
}

fn nanos_of(time: jiff::civil::Time) -> i64 {
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    seconds * 1_000_000_000 + i64::from(time.subsec_nanosecond())
}

/// Two ways of saying a day: only one of them would count.
fn contradiction(found: &[Part]) -> Option<(Part, Part)> {
    let has = |part: &Part| found.contains(part);
    let first = |parts: &[Part]| parts.iter().copied().find(has);
    let of_month = first(&[Part::Month, Part::Day]);
    let of_year = first(&[Part::DayOfYear]);
    let of_week = first(&[Part::Week]);
    of_month.zip(of_year.or(of_week)).or(of_year.zip(of_week))
}

/// What a directive stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    DayOfYear,
    Week,
    Weekday,
    Hour,
    Hour12,
    Half,
    Minute,
    Second,
    Fraction,
    Offset,
    Zone,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Timestamp => "timestamp",
            Kind::Date => "date",
            Kind::Time => "time of day",
        }
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Year => "a year",
            Part::Month => "a month",
            Part::Day => "a day",
            Part::DayOfYear => "a day of the year",
            Part::Week => "a week",
            Part::Weekday => "a day of the week",
            Part::Hour => "an hour",
            Part::Hour12 => "an hour of 12",
            Part::Half => "AM or PM",
            Part::Minute => "minutes",
            Part::Second => "seconds",
            Part::Fraction => "a fraction",
            Part::Offset => "an offset",
            Part::Zone => "a time zone",
        }
    }
}

/// The directives of a form.
struct Parts<'t> {
    found: Vec<Part>,
    year_at: Option<usize>,
    /// What stands behind the last one.
    ends_with: &'t str,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Result<Self, String> {
        let mut parts = Parts { found: Vec::new(), year_at: None, ends_with: text };
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            let (_, directive) = rest.split_at_checked(at).unwrap_or((rest, ""));
            let body = directive.get(1..).unwrap_or_default();
            let name_at = body.find(|c: char| !matches!(c, '_' | '-' | '0'..='9' | '^' | '#' | ':' | '.'));
            let (_, named) = body.split_at_checked(name_at.unwrap_or(body.len())).unwrap_or_default();
            let name = named
                .chars()
                .next()
                .ok_or_else(|| "ends within a % directive: write %% for a %".to_owned())?;
            rest = named.get(name.len_utf8()..).unwrap_or_default();
            let start = text.len() - directive.len();
            if matches!(name, 'Y' | 'F' | 'G') {
                parts.year_at = Some(start);
            }
            for part in meant(name)? {
                if parts.found.contains(part) {
                    return Err(format!("has {} twice: leave one of them out", part.name()));
                }
                parts.found.push(*part);
            }
            parts.ends_with = rest;
        }
        Ok(parts)
    }
}

/// What a directive reads.
fn meant(name: char) -> Result<&'static [Part], String> {
    Ok(match name {
        'Y' | 'y' | 'G' | 'g' => &[Part::Year],
        'm' | 'B' | 'b' | 'h' => &[Part::Month],
        'd' | 'e' => &[Part::Day],
        'F' | 'D' => &[Part::Year, Part::Month, Part::Day],
        'j' => &[Part::DayOfYear],
        'U' | 'W' | 'V' => &[Part::Week],
        'A' | 'a' | 'u' | 'w' => &[Part::Weekday],
        'H' | 'k' => &[Part::Hour],
        'I' | 'l' => &[Part::Hour, Part::Hour12],
        'p' | 'P' => &[Part::Half],
        'M' => &[Part::Minute],
        'S' => &[Part::Second],
        'T' => &[Part::Hour, Part::Minute, Part::Second],
        'R' => &[Part::Hour, Part::Minute],
        'f' | 'N' => &[Part::Fraction],
        'z' => &[Part::Offset],
        'Q' => &[Part::Zone],
        '%' | 'n' | 't' => &[],
        's' => {
            return Err("has %s: for seconds since 1970 write epoch instead, and --epoch-unit s".to_owned());
        }
        _ => {
            return Err(format!(
                "has %{name}, which cannot be read: see the list of directives in the README"
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(pattern: &str, text: &str) -> Result<(i64, u32, Option<i64>), CodecError> {
        let pattern =
            Pattern::parse(pattern, Kind::Timestamp).unwrap_or_else(|problem| panic!("{pattern} {problem}"));
        pattern.moment(text.as_bytes()).map(|moment| (moment.second, moment.nanos, moment.offset_s))
    }

    #[test]
    fn texts_are_read_as_their_form_says() {
        let check = |pattern: &str, text: &str, nanos: u32, offset_s: Option<i64>| {
            assert_eq!(moment(pattern, text), Ok((1_769_862_896, nanos, offset_s)), "{pattern} of {text}");
        };
        check("%d/%m/%Y %H:%M:%S", "31/01/2026 12:34:56", 0, None);
        check("%d.%m.%Y %T%.f", "31.1.2026 12:34:56.789", 789_000_000, None);
        check("%F %T.%f", "2026-01-31 12:34:56.000000001", 1, None);
        check("%Y%m%d%H%M%S", "20260131123456", 0, None);
        check("%Y%m%d%H%M%S%3f", "20260131123456789", 789_000_000, None);
        check("%b %d, %Y %I:%M:%S %p", "jan 31, 2026 12:34:56 PM", 0, None);
        check("%a %b %e %T %Y", "Sat Jan 31 12:34:56 2026", 0, None);
        check("%A, %d-%B-%y %T", "Saturday, 31-January-26 12:34:56", 0, None);
        check("%Y-%j %T", "2026-031 12:34:56", 0, None);
        check("%G-W%V-%u %T", "2026-W05-6 12:34:56", 0, None);
        check("%FT%T%z", "2026-01-31T12:34:56-0530", 0, Some(-19_800));
        check("%FT%T%:z", "2026-01-31T12:34:56+01:00", 0, Some(3_600));
        check("%FT%TZ", "2026-01-31T12:34:56Z", 0, Some(0));
        check("%F %T UTC", "2026-01-31 12:34:56 UTC", 0, Some(0));
        check("%F %T %Q", "2026-01-31 12:34:56 Europe/Paris", 0, Some(3_600));
        check("%FT%T%:z[%Q]", "2026-01-31T12:34:56+01:00[Europe/Paris]", 0, Some(3_600));
    }

    #[test]
    fn a_space_in_the_form_is_a_space_in_the_text() {
        let read = |pattern: &str, text: &str| moment(pattern, text).map(|(second, ..)| second).ok();
        let expected = Some(1_769_862_840);
        for text in ["31.01.26 1234", "31.01.26   1234", "31.01.26\t1234", "31.1.26 1234"] {
            assert_eq!(read("%d.%m.%y %H%M", text), expected, "{text:?}");
        }
        // Without it, the two digits of a year and the hour would run into each other.
        for text in ["31.01.261234", "31.01.20261234", "31.01. 261234"] {
            assert_eq!(read("%d.%m.%y %H%M", text), None, "{text:?}");
        }
        assert_eq!(read("%b %e  %y %I:%M %p", "Jan 31 26 12:34 PM"), expected);
        assert_eq!(read("%b %e  %y %I:%M %p", "Jan 31 26 12:34PM"), None);
        assert_eq!(read(" %d.%m.%y %H:%M ", "31.01.26 12:34"), expected);
    }

    #[test]
    fn what_is_not_in_the_form_or_not_in_the_calendar_is_refused() {
        let refuse = |pattern: &str, text: &str| {
            assert!(moment(pattern, text).is_err(), "{pattern} of {text}");
        };
        refuse("%d/%m/%Y", "31/02/2026");
        refuse("%d/%m/%Y", "01/31/2026");
        refuse("%d/%m/%Y", "31/01/26");
        refuse("%Y/%m/%d", "26/01/31");
        refuse("%d/%m/%Y %H:%M", "31/01/26 00:26");
        refuse("%d%m%Y%H%M", "3101260026");
        refuse("%Y%m%d", "2026131");
        refuse("%Y%m%d%H%M%S%3f", "2026013123456789");
        refuse("%d/%m/%Y", "31/01/2026 ");
        refuse("%d/%m/%Y", "");
        refuse("%F %T", "2026-01-31 24:00:00");
        refuse("%F %T", "2026-01-31 23:59:60");
        refuse("%F %T", "1960-12-31 23:59:60");
        refuse("%a %F", "Sun 2026-01-31");
        refuse("%F %T%.f", "2026-01-31 12:34:56.1234567891");
        refuse("%F %T %Q", "2026-10-25 02:30:00 Europe/Paris");
        refuse("%F %T %Q", "2026-10-25 12:30:00 Europe/Nowhere");
        refuse("%FT%T%:z[%Q]", "2026-01-31T12:34:56+02:00[Europe/Paris]");
        refuse("%F %T", "99999-01-31 12:34:56");
        assert_eq!(moment("%F %T", "1960-12-31 23:60:59").unwrap_err(), MISMATCH);
        assert!(moment("%F %T", "1960-12-31 23:59:59").is_ok());
        assert!(moment("%F %T", "0026-12-31 23:59:59").is_ok());
        assert!(moment("%F", "-0026-12-31").is_ok());
    }

    #[test]
    fn forms_that_would_be_read_as_something_else_are_refused() {
        let refuse = |kind: Kind, pattern: &str, reason: &str| {
            let problem = Pattern::parse(pattern, kind).expect_err(pattern);
            assert!(problem.contains(reason), "{pattern}: {problem}");
        };
        refuse(Kind::Timestamp, "", "lacks a year");
        refuse(Kind::Timestamp, "%H:%M", "lacks a year");
        refuse(Kind::Timestamp, "%Y-%m", "no format that can be read");
        refuse(Kind::Timestamp, "%F %I:%M", "both %I and %p");
        refuse(Kind::Timestamp, "%F %H:%M %p", "both %I and %p");
        refuse(Kind::Timestamp, "%F %T %H", "an hour twice");
        refuse(Kind::Timestamp, "%F %j", "a month and a day of the year, which may contradict");
        refuse(Kind::Timestamp, "%F %V", "a month and a week, which may contradict");
        refuse(Kind::Timestamp, "%Y-%j %U", "a day of the year and a week, which may contradict");
        refuse(Kind::Timestamp, "%F %M:%S", "no format that can be read");
        refuse(Kind::Timestamp, "%C%y-%m-%d", "%C, which cannot be read");
        refuse(Kind::Timestamp, "%F %T %Z", "%Z, which cannot be read");
        refuse(Kind::Timestamp, "%s", "epoch");
        refuse(Kind::Timestamp, "%F %", "ends within");
        refuse(Kind::Timestamp, "%F %E", "%E, which cannot be read");
        refuse(Kind::Timestamp, "%F %ü", "%ü, which cannot be read");
        refuse(Kind::Timestamp, "yyyy-MM-dd", "lacks a year");
        refuse(Kind::Date, "%F%z", "an offset, which a date has not");
        refuse(Kind::Time, "%F %T", "a year, which a time of day has not");
        refuse(Kind::Time, "%M:%S", "lacks an hour");
    }

    #[test]
    fn dates_may_have_a_time_and_times_are_to_the_nanosecond() {
        let date = Pattern::parse("%m/%d/%Y %H:%M", Kind::Date).unwrap();
        let read = |text: &str| date.day_and_nanos(text.as_bytes(), RejectCode::InvalidDate);
        assert_eq!(read("1/31/2026 0:00"), Ok((20_484, 0)));
        assert_eq!(read("12/31/1969 00:01"), Ok((-1, 60_000_000_000)));
        let time = Pattern::parse("%I:%M %p", Kind::Time).unwrap();
        assert_eq!(time.nanos(b"12:05 am"), Ok(300_000_000_000));
        assert!(time.nanos(b"13:05 am").is_err());
    }
}
