//! How timestamps, dates and times of day are written, where that is not ISO 8601 in UTC and milliseconds: forms that options describe
//! (`pattern`), numbers of another unit, a time zone for texts without an offset (`zone`). Pure.

use serde::{Deserialize, Serialize};

use super::super::cursor::Cursor;
use super::super::temporal::{self, Moment};
use super::super::{CodecError, stamp};
use super::pattern::{Kind, Pattern, is_mismatch};
use super::separators::Separators;
use super::zone::Zone;
use crate::reject::RejectCode;
use crate::settings::Rounding;

const NO_FORM_OF_TIMESTAMP: CodecError = CodecError::new(
    RejectCode::InvalidTimestamp,
    "not a timestamp in a form that --timestamp-format names: correct it, or give its form too (iso and epoch are forms)",
);
const NO_FORM_OF_DATE: CodecError = CodecError::new(
    RejectCode::InvalidDate,
    "not a date in a form that --date-format names: correct it, or give its form too (iso is one)",
);
const NO_FORM_OF_TIME: CodecError = CodecError::new(
    RejectCode::InvalidTime,
    "not a time of day in a form that --time-format names: correct it, or give its form too (iso is one)",
);
const NOT_MIDNIGHT: CodecError = CodecError::new(
    RejectCode::Inexact,
    "has a time of day, which a date cannot hold: load it into a timestamp, or take the time away in the file",
);
const NUMBER_OUT_OF_RANGE: CodecError = CodecError::new(
    RejectCode::OutOfRange,
    "outside the range of times that are counted: is it in the unit that --epoch-unit says?",
);

/// The most digits of a number of seconds or parts of them; more are out of range in any unit.
const EPOCH_DIGITS_MAX: usize = 25;

/// What a number that is a time counts since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum EpochUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl EpochUnit {
    /// Its name as an option's value.
    pub fn name(self) -> &'static str {
        match self {
            EpochUnit::S => "s",
            EpochUnit::Ms => "ms",
            EpochUnit::Us => "us",
            EpochUnit::Ns => "ns",
        }
    }

    /// How many decimal digits it is finer than a second.
    fn digits(self) -> u32 {
        match self {
            EpochUnit::S => 0,
            EpochUnit::Ms => 3,
            EpochUnit::Us => 6,
            EpochUnit::Ns => 9,
        }
    }
}

/// A form of a time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// As without options: ISO 8601.
    Iso,
    /// A number.
    Epoch,
    Pattern(Pattern),
}

/// How times are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "TimesText", into = "TimesText")]
pub struct Times {
    /// Tried in this order; where there are none, numbers and ISO 8601.
    timestamps: Vec<Form>,
    /// Tried in this order; where there are none, ISO 8601. The same goes for times of day.
    dates: Vec<Form>,
    clocks: Vec<Form>,
    /// `None`: milliseconds, and microseconds in write times.
    epoch_unit: Option<EpochUnit>,
    /// Where texts without an offset are meant; `None`: UTC.
    zone: Option<Zone>,
}

impl Times {
    /// What of it holds for texts that were made of values; `None` where that is nothing.
    pub(super) fn of_values(&self) -> Option<Times> {
        let times = Times { epoch_unit: self.epoch_unit, zone: self.zone.clone(), ..Times::default() };
        (times != Times::default()).then_some(times)
    }

    /// Whether texts without an offset are UTC.
    pub(super) fn is_utc(&self) -> bool {
        self.zone.is_none()
    }

    /// The same with these forms of timestamps: `iso`, `epoch`, or what strptime reads.
    ///
    /// # Errors
    /// One of them, and what is wrong with it.
    pub fn with_timestamps(mut self, forms: &[String]) -> Result<Self, (String, String)> {
        self.timestamps = forms_of(forms, Kind::Timestamp)?;
        Ok(self)
    }

    /// The same with these forms of dates: `iso`, or what strptime reads.
    ///
    /// # Errors
    /// As above.
    pub fn with_dates(mut self, forms: &[String]) -> Result<Self, (String, String)> {
        self.dates = forms_of(forms, Kind::Date)?;
        Ok(self)
    }

    /// The same with these forms of times of day: `iso`, or what strptime reads.
    ///
    /// # Errors
    /// As above.
    pub fn with_clocks(mut self, forms: &[String]) -> Result<Self, (String, String)> {
        self.clocks = forms_of(forms, Kind::Time)?;
        Ok(self)
    }

    /// The same with numbers of this unit, and texts without an offset meant in this zone.
    pub fn with_meaning(self, epoch_unit: Option<EpochUnit>, zone: Option<Zone>) -> Self {
        Times { epoch_unit, zone, ..self }
    }

    /// Whether digits alone are a timestamp in milliseconds because nobody has said what they are.
    pub(super) fn are_digits_unsaid(&self) -> bool {
        self.timestamps.is_empty() && self.epoch_unit.is_none()
    }

    /// The forms of each, the unit and the zone, as options have them.
    pub(super) fn texts(&self) -> TimesText {
        let texts = |forms: &[Form]| forms.iter().map(|form| form.text().to_owned()).collect();
        TimesText {
            timestamps: texts(&self.timestamps),
            dates: texts(&self.dates),
            clocks: texts(&self.clocks),
            epoch_unit: self.epoch_unit,
            zone: self.zone.as_ref().map(Zone::to_string),
        }
    }

    /// Appends a CQL timestamp.
    pub(super) fn timestamp(
        &self,
        text: &[u8],
        context: Context,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let millis = self.instant::<3>(text, context, temporal::TIMESTAMP_TOO_FINE)?;
        out.extend_from_slice(&millis.to_be_bytes());
        Ok(())
    }

    /// A timestamp counted from the epoch in units that have this many decimal digits after those of a second.
    pub(super) fn instant<const DIGITS: u32>(
        &self,
        text: &[u8],
        context: Context,
        too_fine: CodecError,
    ) -> Result<i64, CodecError> {
        let number = |text: &[u8]| {
            let unit = self.epoch_unit.unwrap_or(EpochUnit::Ms);
            self.count::<DIGITS>(text, unit, context, too_fine)
        };
        self.first_that_fits::<DIGITS>(text, context, too_fine, number)
    }

    /// A write time in microseconds. Numbers are microseconds unless `--epoch-unit` says otherwise.
    pub(super) fn write_time(&self, text: &[u8], context: Context) -> Result<i64, CodecError> {
        let number = |text: &[u8]| match self.epoch_unit {
            None => stamp::number_of_micros(text, context.separators).transpose(),
            Some(unit) => self
                .count::<6>(text, unit, context, temporal::WRITE_TIME_TOO_FINE)
                .map(|count| count.and_then(stamp::plausible_micros)),
        };
        let micros = self.first_that_fits::<6>(text, context, temporal::WRITE_TIME_TOO_FINE, number)?;
        stamp::not_before_1970(micros)
    }

    /// What the first form makes of a text in which it is; `number` is for those that may be numbers.
    fn first_that_fits<const DIGITS: u32>(
        &self,
        text: &[u8],
        context: Context,
        too_fine: CodecError,
        number: impl Fn(&[u8]) -> Option<Result<i64, CodecError>>,
    ) -> Result<i64, CodecError> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(CodecError::empty(RejectCode::InvalidTimestamp));
        }
        let finish = |moment: Moment| self.placed(moment)?.since_epoch::<DIGITS>(context.rounding, too_fine);
        if self.timestamps.is_empty() {
            return match number(text) {
                Some(count) => count,
                None => finish(temporal::iso_moment(text)?),
            };
        }
        let mut reason = NO_FORM_OF_TIMESTAMP;
        for form in &self.timestamps {
            let found = match form {
                Form::Epoch => number(text),
                Form::Iso => match temporal::iso_moment(text) {
                    Err(error) if error == temporal::NOT_A_TIMESTAMP => None,
                    moment => Some(moment.and_then(finish)),
                },
                Form::Pattern(pattern) => match pattern.moment(text) {
                    Err(error) if is_mismatch(error, &mut reason) => None,
                    moment => Some(moment.and_then(finish)),
                },
            };
            if let Some(found) = found {
                return found;
            }
        }
        Err(reason)
    }

    /// With the offset that its place has, where it says none.
    fn placed(&self, moment: Moment) -> Result<Moment, CodecError> {
        match (moment.offset_s, &self.zone) {
            (None, Some(zone)) => Ok(Moment { offset_s: Some(zone.offset_s(moment.second)?), ..moment }),
            _ => Ok(moment),
        }
    }

    /// A number of units, with decimals where the unit is said; `None` where the text is no number.
    fn count<const DIGITS: u32>(
        &self,
        text: &[u8],
        unit: EpochUnit,
        context: Context,
        too_fine: CodecError,
    ) -> Option<Result<i64, CodecError>> {
        let decimals = self.epoch_unit.is_some();
        match context.separators.filter(|_| text.iter().any(u8::is_ascii_digit)) {
            None => count::<DIGITS>(text, unit, decimals, context.rounding, too_fine),
            // What is no number with these separators is none.
            Some(separators) => separators
                .plain(text, |text| Ok(count::<DIGITS>(text, unit, decimals, context.rounding, too_fine)))
                .ok()
                .flatten(),
        }
    }

    /// Appends a CQL date.
    pub(super) fn date(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        if self.dates.is_empty() {
            return temporal::date(text, out);
        }
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(CodecError::empty(RejectCode::InvalidDate));
        }
        let mut reason = NO_FORM_OF_DATE;
        for form in &self.dates {
            let found = match form {
                Form::Pattern(pattern) => match pattern.day_and_nanos(text, RejectCode::InvalidDate) {
                    Err(error) if is_mismatch(error, &mut reason) => continue,
                    Ok((_, 1..)) => Err(NOT_MIDNIGHT),
                    found => found.map(|(days, _)| days),
                },
                Form::Iso | Form::Epoch => match temporal::any_date(text) {
                    Err(_) => continue,
                    found => found,
                },
            };
            return temporal::append_date(found?, out);
        }
        Err(reason)
    }

    /// Appends a CQL time.
    pub(super) fn clock(&self, text: &[u8], rounding: Rounding, out: &mut Vec<u8>) -> Result<(), CodecError> {
        if self.clocks.is_empty() {
            return temporal::time(text, rounding, out);
        }
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(CodecError::empty(RejectCode::InvalidTime));
        }
        let mut reason = NO_FORM_OF_TIME;
        for form in &self.clocks {
            match form {
                Form::Pattern(pattern) => match pattern.nanos(text) {
                    Err(error) if is_mismatch(error, &mut reason) => {}
                    nanos => {
                        out.extend_from_slice(&nanos?.to_be_bytes());
                        return Ok(());
                    }
                },
                Form::Iso | Form::Epoch => match temporal::time(text, rounding, out) {
                    Err(error) if error == temporal::NOT_A_TIME => {}
                    done => return done,
                },
            }
        }
        Err(reason)
    }
}

/// What beside the forms of times says what a text means.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    pub(super) rounding: Rounding,
    pub(super) separators: Option<Separators>,
}

/// A sign or none, digits, and where there may be `decimals` a point and more digits.
fn count<const DIGITS: u32>(
    text: &[u8],
    unit: EpochUnit,
    decimals: bool,
    rounding: Rounding,
    too_fine: CodecError,
) -> Option<Result<i64, CodecError>> {
    let mut cursor = Cursor::new(text);
    let negative = cursor.eat_sign().unwrap_or(false);
    let whole = cursor.digits();
    let fraction = if decimals && cursor.eat(b'.') { cursor.digits() } else { &[] };
    if whole.is_empty() || !cursor.is_empty() {
        return None;
    }
    let significant = whole.iter().skip_while(|&&digit| digit == b'0').count();
    if significant > EPOCH_DIGITS_MAX {
        return Some(Err(NUMBER_OUT_OF_RANGE));
    }
    // In billionths of the unit: 25 digits and 9 more are below 2^127.
    let (nanos, is_finer) = temporal::nanos(fraction);
    let units = whole.iter().fold(0i128, |value, &digit| value * 10 + i128::from(digit.wrapping_sub(b'0')));
    let size = units * 1_000_000_000 + i128::from(nanos);
    let billionths = if negative { -size - i128::from(is_finer) } else { size };
    let divisor = 10i128.pow((unit.digits() + 9).saturating_sub(DIGITS));
    let is_inexact = is_finer || billionths.rem_euclid(divisor) != 0;
    if is_inexact && rounding == Rounding::Reject {
        return Some(Err(too_fine));
    }
    // As everywhere, what is cut off goes towards the past.
    Some(i64::try_from(billionths.div_euclid(divisor)).map_err(|_| NUMBER_OUT_OF_RANGE))
}

fn forms_of(texts: &[String], kind: Kind) -> Result<Vec<Form>, (String, String)> {
    let form = |text: &String| match text.as_str() {
        name if name.eq_ignore_ascii_case("iso") => Ok(Form::Iso),
        name if name.eq_ignore_ascii_case("epoch") && kind == Kind::Timestamp => Ok(Form::Epoch),
        pattern => {
            Pattern::parse(pattern, kind).map(Form::Pattern).map_err(|problem| (text.clone(), problem))
        }
    };
    texts.iter().map(form).collect()
}

impl Form {
    fn text(&self) -> &str {
        match self {
            Form::Iso => "iso",
            Form::Epoch => "epoch",
            Form::Pattern(pattern) => pattern.text(),
        }
    }
}

/// [`Times`] as it travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TimesText {
    pub(super) timestamps: Vec<String>,
    pub(super) dates: Vec<String>,
    pub(super) clocks: Vec<String>,
    pub(super) epoch_unit: Option<EpochUnit>,
    pub(super) zone: Option<String>,
}

impl From<Times> for TimesText {
    fn from(times: Times) -> TimesText {
        times.texts()
    }
}

impl TryFrom<TimesText> for Times {
    type Error = String;

    fn try_from(text: TimesText) -> Result<Self, String> {
        let zone = text.zone.map(|zone| zone.parse()).transpose()?;
        Times::default()
            .with_timestamps(&text.timestamps)
            .and_then(|times| times.with_dates(&text.dates))
            .and_then(|times| times.with_clocks(&text.clocks))
            .map(|times| times.with_meaning(text.epoch_unit, zone))
            .map_err(|(form, problem)| format!("{form:?} {problem}"))
    }
}
