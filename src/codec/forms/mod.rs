//! How texts are written where that is not as usual: one file a family of types, and [`Forms`] to put them before the codecs. All of it is
//! settled before the first record, and a text is still either a value of its type exactly or an error. With the usual forms nothing
//! here is asked.

mod booleans;
mod packed;
mod pattern;
mod separators;
mod times;
mod timeuuid;
mod zone;

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{CodecError, net, stamp, text, usual};
use crate::reject::RejectCode;
use crate::schema::types::CqlType;
use crate::settings::Rounding;
pub use booleans::Booleans;
pub use separators::Separators;
use times::Context;
pub use times::{EpochUnit, Times};
pub use timeuuid::TimeuuidFrom;
pub(crate) use timeuuid::own_bytes;
pub use zone::Zone;

const NOT_BASE64: CodecError = CodecError::new(
    RejectCode::InvalidBlob,
    "not base64: write letters, digits, + and /, filled up with = to a multiple of four; hexadecimal needs --blobs hex",
);
const BARE_BASE64: CodecError = CodecError::new(
    RejectCode::InvalidBlob,
    "not a blob: base64 needs quotes within a list, set, map, tuple, vector or user type, only 0x stands without",
);
const TICKS_TOO_FINE: CodecError = CodecError::new(
    RejectCode::Inexact,
    "finer than the timeuuid that is made of it: 100 nanoseconds with --timeuuid-from fixed and record, a millisecond with min \
     and max; --timestamp-rounding truncate cuts the digits beyond",
);
const RECORD_WITHIN: CodecError = CodecError::new(
    RejectCode::InvalidUuid,
    "a time within another value, which --timeuuid-from record cannot make a timeuuid of: use fixed, min or max",
);

/// How blobs are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Blobs {
    /// `0x` and hexadecimal digits.
    #[default]
    Hex,
    /// Base64 (RFC 4648, section 4), filled up.
    Base64,
}

/// The forms that texts have; at least one of them is not the usual one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forms {
    /// Words for true and false.
    pub booleans: Option<Booleans>,
    /// What stands in numbers beside digits.
    pub separators: Option<Separators>,
    /// How timestamps, dates and times of day are written.
    pub times: Option<Times>,
    /// How blobs are written.
    pub blobs: Blobs,
    /// How a timeuuid is made of a timestamp; `None`: not at all.
    pub timeuuid: Option<TimeuuidFrom>,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is a cell.
    Cell,
    /// It is a cell of a JSON document, without quotes: as JSON writes numbers, true and false.
    BareCell,
    /// In quotes within another value.
    Quoted,
    /// Without quotes within another value: as JSON and CQL write numbers, true, false and blobs.
    Bare,
}

impl Place {
    fn is_bare(self) -> bool {
        matches!(self, Place::BareCell | Place::Bare)
    }
}

impl Forms {
    /// These, or `None` where all are the usual ones.
    pub fn unless_usual(self) -> Option<Box<Forms>> {
        (self != Forms::default()).then(|| Box::new(self))
    }

    /// What of it holds for texts that were made of values.
    pub(crate) fn of_values(&self) -> Option<Box<Forms>> {
        let times = self.times.as_ref().and_then(Times::of_values);
        Forms { times, timeuuid: self.timeuuid, ..Forms::default() }.unless_usual()
    }

    /// Whether times without a zone are UTC.
    pub(crate) fn is_utc(&self) -> bool {
        self.times.as_ref().is_none_or(Times::is_utc)
    }

    /// What differs from the usual forms, as options have it.
    pub fn options(&self) -> Vec<(&'static str, String)> {
        let list = |texts: Vec<String>| {
            // Texts can always be written.
            (!texts.is_empty()).then(|| serde_json::to_string(&texts).unwrap_or_default())
        };
        let times = self.times.as_ref().map(Times::texts);
        let (timestamps, dates, clocks, unit, zone) = times.map_or((None, None, None, None, None), |times| {
            let unit = times.epoch_unit.map(|unit| unit.name().to_owned());
            (list(times.timestamps), list(times.dates), list(times.clocks), unit, times.zone)
        });
        let separators = self.separators;
        let options = [
            ("booleans", self.booleans.as_ref().map(Booleans::to_string)),
            ("decimal-separator", separators.map(|separators| separators.decimal().to_string())),
            ("thousands-separator", separators.and_then(Separators::thousands).map(|c| c.to_string())),
            ("timestamp-format", timestamps),
            ("date-format", dates),
            ("time-format", clocks),
            ("epoch-unit", unit),
            ("timezone", zone),
            ("blobs", (self.blobs == Blobs::Base64).then(|| "base64".to_owned())),
            ("timeuuid-from", self.timeuuid.map(|from| from.name().to_owned())),
        ];
        options.into_iter().filter_map(|(option, value)| Some((option, value?))).collect()
    }

    /// Whether digits alone are a timestamp in milliseconds because nobody has said what they are.
    pub(crate) fn are_digits_unsaid(&self) -> bool {
        self.times.as_ref().is_none_or(Times::are_digits_unsaid)
    }

    /// Appends the bytes of a text in these forms.
    pub(super) fn scalar(
        &self,
        cql_type: &CqlType,
        text: &[u8],
        rounding: Rounding,
        place: Place,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let separators = self.separators.filter(|_| !place.is_bare());
        match cql_type {
            CqlType::Boolean => self.boolean(text, place, out),
            CqlType::Bigint
            | CqlType::Decimal
            | CqlType::Double
            | CqlType::Float
            | CqlType::Int
            | CqlType::Smallint
            | CqlType::Tinyint
            | CqlType::Varint => match separators {
                Some(separators) => separators.plain(text, |text| usual(cql_type, text, rounding, out)),
                None => usual(cql_type, text, rounding, out),
            },
            CqlType::Blob if self.blobs == Blobs::Base64 => base64(text, place, out),
            CqlType::Timeuuid => self.timeuuid(text, rounding, separators, place, out),
            CqlType::Timestamp => match &self.times {
                Some(times) => times.timestamp(text, Context { rounding, separators }, out),
                None => usual(cql_type, text, rounding, out),
            },
            CqlType::Date => match &self.times {
                Some(times) => times.date(text, out),
                None => usual(cql_type, text, rounding, out),
            },
            CqlType::Time => match &self.times {
                Some(times) => times.clock(text, rounding, out),
                None => usual(cql_type, text, rounding, out),
            },
            _ => usual(cql_type, text, rounding, out),
        }
    }

    fn boolean(&self, cell: &[u8], place: Place, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match (&self.booleans, cell) {
            (None, _) => text::boolean(cell, out),
            (Some(_), b"true" | b"false") if place.is_bare() => text::boolean(cell, out),
            (Some(booleans), _) => {
                out.push(u8::from(booleans.read(cell)?));
                Ok(())
            }
        }
    }

    /// Appends a timeuuid: one that is written as such, or what is made of a timestamp. With [`TimeuuidFrom::Record`] the bytes behind
    /// the time are then still to be set.
    fn timeuuid(
        &self,
        text: &[u8],
        rounding: Rounding,
        separators: Option<Separators>,
        place: Place,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError> {
        let Some(from) = self.timeuuid.filter(|_| !net::is_uuid(text)) else {
            return net::timeuuid(text, out);
        };
        if from == TimeuuidFrom::Record && matches!(place, Place::Quoted | Place::Bare) {
            return Err(RECORD_WITHIN);
        }
        let usual_times = Times::default();
        let times = self.times.as_ref().unwrap_or(&usual_times);
        let context = Context { rounding, separators };
        let ticks = if from.is_of_millis() {
            times.instant::<3>(text, context, TICKS_TOO_FINE)?.saturating_mul(10_000)
        } else {
            times.instant::<7>(text, context, TICKS_TOO_FINE)?
        };
        out.extend_from_slice(&from.of(ticks)?);
        Ok(())
    }

    /// Whether a cell of a timeuuid is a time, to which the record adds the rest.
    pub(super) fn needs_record(&self, text: &[u8]) -> bool {
        self.timeuuid == Some(TimeuuidFrom::Record) && !net::is_uuid(text)
    }

    /// A write time in microseconds since 1970-01-01T00:00:00Z, or `None` where nothing here says how it is written.
    pub(super) fn write_time(
        &self,
        text: &[u8],
        rounding: Rounding,
        place: Place,
    ) -> Option<Result<i64, CodecError>> {
        let separators = self.separators.filter(|_| !place.is_bare());
        let context = Context { rounding, separators };
        let usual_times = Times::default();
        match (&self.times, separators) {
            (None, None) => None,
            (times, _) => Some(times.as_ref().unwrap_or(&usual_times).write_time(text, context)),
        }
    }

    /// A time to live in whole seconds.
    pub(super) fn ttl(&self, text: &[u8], place: Place) -> Result<[u8; 4], CodecError> {
        match self.separators.filter(|_| !place.is_bare()) {
            Some(separators) => separators.plain(text, stamp::ttl),
            None => stamp::ttl(text),
        }
    }
}

/// Appends a blob in base64.
fn base64(text: &[u8], place: Place, out: &mut Vec<u8>) -> Result<(), CodecError> {
    match text.trim_ascii() {
        text @ [b'0', b'x' | b'X', ..] if place.is_bare() => text::blob(text, out),
        _ if place.is_bare() => Err(BARE_BASE64),
        text => STANDARD.decode_vec(text, out).map_err(|_| NOT_BASE64),
    }
}
