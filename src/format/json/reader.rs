//! Whole JSON records to fields: takes a chunk that begins between records and ends at a record's end, gives a [`RecordBatch`]. Strings
//! are left where they are in the chunk, but for those with escapes, whose text goes behind it.
//!
//! A record that is no object, or has a key that it must not have, is there with its fault; those beside it are read all the same.

use std::borrow::Cow;
use std::str::from_utf8;

use memchr::{memchr, memchr_iter, memrchr};

use super::documents::Documents;
use super::keys::{KeyFinder, KeyMatch, Keys};
use super::syntax::{Flaw, Quoted, Value, is_space, object, skip_space, unescape};
use crate::format::charset::Charset;
use crate::format::csv::reader::{CHUNK_BYTES_MAX, ReadError};
use crate::format::record::{FieldSpan, RecordBatch, RecordSpan};
use crate::reject::{Fault, RejectCode};

/// How much of what is wrong is shown, in characters.
const SHOWN_MAX: usize = 24;
/// How much of a key or its value is kept in a fault, in bytes.
const KEPT_MAX: usize = 200;
/// No text in UTF-8 is longer than so many times its text in an encoding of one byte a character.
const DECODED_FACTOR: usize = 4;

/// A field that is null or not there.
const NOTHING: FieldSpan = FieldSpan { start: 0, end: 0, quoted: false };

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What stands on a line.
    Line,
    /// A document, however many lines it has.
    Document,
}

/// Reads chunks of one file, one after the other.
pub struct JsonReader {
    extent: Extent,
    charset: Charset,
    keys: KeyFinder,
    /// The fields of the record, and for each the record that had it last.
    slots: Vec<(FieldSpan, u64)>,
    /// Numbers the records, from 1.
    record: u64,
    /// How many records the last chunk had: the next one has about as many.
    last: usize,
}

/// Why a record cannot be read. Offsets are in its text.
enum Problem {
    Syntax(Flaw),
    /// A key, what is wrong with it, and its value.
    Key(Quoted, KeyProblem, Value),
}

#[derive(Clone, Copy)]
enum KeyProblem {
    Unknown,
    Refused,
    Ambiguous,
    Twice,
}

impl From<Flaw> for Problem {
    fn from(flaw: Flaw) -> Self {
        Problem::Syntax(flaw)
    }
}

/// Where the texts go that are not in the chunk as they are.
struct Texts {
    bytes: Vec<u8>,
    /// Where they will be in the batch.
    base: usize,
}

impl Texts {
    fn end(&self) -> usize {
        self.base + self.bytes.len()
    }
}

impl JsonReader {
    /// A reader for objects with these keys.
    pub fn new(extent: Extent, charset: Charset, keys: Keys) -> Self {
        let slots = vec![(NOTHING, 0); keys.fields.len()];
        JsonReader { extent, charset, keys: KeyFinder::new(keys), slots, record: 0, last: 0 }
    }

    /// The records of a chunk.
    ///
    /// # Errors
    /// The chunk is too long.
    pub fn read(&mut self, bytes: Vec<u8>) -> Result<RecordBatch, ReadError> {
        let is_utf8 = self.charset.is_utf8();
        if bytes.len() > CHUNK_BYTES_MAX / if is_utf8 { 1 } else { DECODED_FACTOR } {
            return Err(ReadError::TooLong { bytes: bytes.len() });
        }
        let mut batch = RecordBatch::default();
        batch.records.reserve(self.last);
        batch.fields.reserve(self.last * self.keys.field_count());
        let mut texts = Texts { bytes: Vec::new(), base: bytes.len() };
        // Most chunks are; where one is not, its records are looked at one by one.
        let is_text = is_utf8 && from_utf8(&bytes).is_ok();
        let (mut pos, mut line) = (0, 0);
        while let Some(start) = self.next_start(&bytes, pos) {
            line += newlines(bytes.get(pos..start));
            let kept = texts.bytes.len();
            let (raw_end, outcome) = match is_text {
                true => self.read_text(&bytes, start, &mut texts),
                false => self.read_other(&bytes, start, &mut texts),
            };
            let (first_field, record) = (batch.fields.len() as u32, batch.records.len() as u32);
            match outcome {
                Ok(()) => {
                    batch.fields.extend(self.slots.iter().map(|&(span, seen)| match seen == self.record {
                        true => span,
                        false => NOTHING,
                    }))
                }
                Err(fault) => {
                    texts.bytes.truncate(kept);
                    batch.faults.push((record, fault));
                }
            }
            batch.records.push(RecordSpan {
                first_field,
                raw_start: start as u32,
                raw_end: raw_end as u32,
                line,
            });
            line += newlines(bytes.get(start..raw_end));
            pos = raw_end;
        }
        self.last = batch.records.len();
        batch.bytes = bytes;
        batch.bytes.append(&mut texts.bytes);
        Ok(batch)
    }

    /// The first byte of the next record from `pos` on. Where documents stand in an array, their commas and its end are passed over.
    fn next_start(&self, bytes: &[u8], pos: usize) -> Option<usize> {
        let is_between = |byte: u8| match self.extent {
            Extent::Line => is_space(byte),
            Extent::Document => is_space(byte) || matches!(byte, b',' | b']'),
        };
        let rest = bytes.get(pos..)?;
        rest.iter().position(|byte| !is_between(*byte)).map(|at| pos + at)
    }

    /// Reads the record at `start` of a chunk that is UTF-8. Returns where it ends, its line end included.
    fn read_text(
        &mut self,
        bytes: &[u8],
        start: usize,
        texts: &mut Texts,
    ) -> (usize, Result<(), Box<Fault>>) {
        if self.extent == Extent::Line {
            let (end, raw_end) = line_end(bytes, start);
            let text = bytes.get(start..end).unwrap_or_default();
            return (raw_end, self.read_whole(text, start, texts));
        }
        let text = bytes.get(start..).unwrap_or_default();
        if let Ok(end) = self.members(text, start, texts) {
            return (start + end, Ok(()));
        }
        let text = text.get(..Documents::end_of_first(text)).unwrap_or_default();
        (start + text.len(), self.read_whole(text, start, texts))
    }

    /// The same for a chunk that is not, or not all of it.
    fn read_other(
        &mut self,
        bytes: &[u8],
        start: usize,
        texts: &mut Texts,
    ) -> (usize, Result<(), Box<Fault>>) {
        let (end, raw_end) = match self.extent {
            Extent::Line => line_end(bytes, start),
            Extent::Document => {
                let end = start + Documents::end_of_first(bytes.get(start..).unwrap_or_default());
                (end, end)
            }
        };
        let text = bytes.get(start..end).unwrap_or_default();
        if self.charset.is_utf8() {
            let outcome = match from_utf8(text) {
                Ok(_) => self.read_whole(text, start, texts),
                Err(error) => Err(undecodable(text, error.valid_up_to(), RejectCode::InvalidUtf8, "UTF-8")),
            };
            return (raw_end, outcome);
        }
        let outcome = match self.charset.decode(text) {
            Some(Cow::Borrowed(text)) => self.read_whole(text, start, texts),
            Some(Cow::Owned(text)) => {
                let base = texts.end();
                texts.bytes.extend_from_slice(&text);
                self.read_whole(&text, base, texts)
            }
            None => Err(undecodable(text, 0, RejectCode::InvalidEncoding, self.charset.name())),
        };
        (raw_end, outcome)
    }

    /// Reads the record that is all of `text`, which is at `base` of the batch.
    fn read_whole(&mut self, text: &[u8], base: usize, texts: &mut Texts) -> Result<(), Box<Fault>> {
        let kept = texts.bytes.len();
        let outcome = self.members(text, base, texts).and_then(|end| match skip_space(text, end) {
            end if end == text.len() => Ok(()),
            at => Err(Flaw {
                at,
                what: "nothing should follow an object on its line (documents back to back are --format json)",
            }
            .into()),
        });
        outcome.map_err(|problem| {
            texts.bytes.truncate(kept);
            problem.fault(text)
        })
    }

    /// Fills the slots from the object at the start of `text`, which is at `base` of the batch. Returns the offset behind it.
    #[inline]
    fn members(&mut self, text: &[u8], base: usize, texts: &mut Texts) -> Result<usize, Problem> {
        self.record += 1;
        self.keys.begin();
        let JsonReader { keys, slots, record, .. } = self;
        object(text, 0, |key, value| {
            let raw = text.get(key.start..key.end).unwrap_or_default();
            let index = match keys.find(raw, || key_text(text, key)) {
                KeyMatch::Field(index) => index,
                KeyMatch::Skipped => return Ok(()),
                KeyMatch::Unknown => return Err(Problem::Key(key, KeyProblem::Unknown, value)),
                KeyMatch::Refused => return Err(Problem::Key(key, KeyProblem::Refused, value)),
                KeyMatch::Ambiguous => return Err(Problem::Key(key, KeyProblem::Ambiguous, value)),
            };
            let Some((slot, seen)) = slots.get_mut(index) else { return Ok(()) };
            if *seen == *record {
                return Err(Problem::Key(key, KeyProblem::Twice, value));
            }
            *seen = *record;
            *slot = match value {
                Value::Null => NOTHING,
                Value::Raw(start, end) => span(base + start, base + end, false),
                Value::Text(Quoted { start, end, escaped: false }) => span(base + start, base + end, true),
                Value::Text(quoted) => {
                    let start = texts.end();
                    unescape(text, quoted, &mut texts.bytes);
                    span(start, texts.end(), true)
                }
            };
            Ok(())
        })
    }
}

/// A chunk's length bounds its offsets.
#[inline]
fn span(start: usize, end: usize, quoted: bool) -> FieldSpan {
    FieldSpan { start: start as u32, end: end as u32, quoted }
}

/// Where the line ends that holds the byte at `start`: without and with its `\n`.
#[inline]
fn line_end(bytes: &[u8], start: usize) -> (usize, usize) {
    match memchr(b'\n', bytes.get(start..).unwrap_or_default()) {
        Some(at) => (start + at, start + at + 1),
        None => (bytes.len(), bytes.len()),
    }
}

/// How many `\n` there are. A chunk's length bounds the count.
fn newlines(bytes: Option<&[u8]>) -> u32 {
    memchr_iter(b'\n', bytes.unwrap_or_default()).count() as u32
}

/// What a key says.
fn key_text(text: &[u8], key: Quoted) -> Cow<'_, str> {
    if !key.escaped {
        return String::from_utf8_lossy(text.get(key.start..key.end).unwrap_or_default());
    }
    let mut said = Vec::new();
    unescape(text, key, &mut said);
    Cow::Owned(String::from_utf8_lossy(&said).into_owned())
}

#[cold]
fn undecodable(text: &[u8], at: usize, code: RejectCode, encoding: &str) -> Box<Fault> {
    let place = if at > 0 { place(text, at) } else { "the record".to_owned() };
    let message = format!("{place} is not {encoding}: name the file's own encoding with --encoding");
    Box::new(Fault { code, column: None, value: None, message })
}

/// Where in a record a byte is, for people. Columns are counted in bytes, on the record's first line from its first byte.
fn place(text: &[u8], at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    match memrchr(b'\n', before) {
        None => format!("column {}", before.len() + 1),
        Some(line_end) => {
            let line = memchr_iter(b'\n', before).count() + 1;
            format!("line {line} of the record, column {}", before.len() - line_end)
        }
    }
}

/// What stands at a place, short enough for a message.
fn shown(text: &[u8], at: usize) -> String {
    let rest = text.get(at..).unwrap_or_default();
    let rest = String::from_utf8_lossy(rest.get(..4 * SHOWN_MAX).unwrap_or(rest)).into_owned();
    match rest.chars().count() {
        0 => "the end of the record".to_owned(),
        1..=SHOWN_MAX => format!("{rest:?}"),
        _ => format!("{:?}...", rest.chars().take(SHOWN_MAX).collect::<String>()),
    }
}

impl Problem {
    #[cold]
    fn fault(self, text: &[u8]) -> Box<Fault> {
        let (key, problem, value) = match self {
            Problem::Syntax(Flaw { at, what }) => {
                let message = format!("not JSON, {}: {what}, and not {}", place(text, at), shown(text, at));
                return Box::new(Fault { code: RejectCode::InvalidJson, column: None, value: None, message });
            }
            Problem::Key(key, problem, value) => (key, problem, value),
        };
        let (code, why) = match problem {
            KeyProblem::Unknown => (
                RejectCode::UnknownKey,
                "no column has the name of this key: correct it, map it, or leave such keys out with --allow-unknown-columns",
            ),
            KeyProblem::Refused => (
                RejectCode::UnknownKey,
                "the column of this key is of a type that ringload does not know: leave it out with --map '*, -COLUMN'",
            ),
            KeyProblem::Ambiguous => (
                RejectCode::UnknownKey,
                "this key may be any of several columns: write it with the column's capitals",
            ),
            KeyProblem::Twice => (
                RejectCode::DuplicateKey,
                "this key, or another for the same column, stands in the object twice",
            ),
        };
        let value = match value {
            Value::Null => b"null",
            Value::Raw(start, end) | Value::Text(Quoted { start, end, .. }) => {
                text.get(start..end).unwrap_or_default()
            }
        };
        let value = value.get(..KEPT_MAX).unwrap_or(value).to_vec();
        let column: String = key_text(text, key).chars().take(KEPT_MAX).collect();
        let message = format!("{}: {why}", place(text, key.start));
        Box::new(Fault { code, column: Some(column), value: Some(value), message })
    }
}

#[cfg(test)]
mod tests;
