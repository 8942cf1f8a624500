//! Finds in a part's files what the part owns. Reads the reasons once and keeps a few bytes for each reject, never its text.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;

use super::merge::{Part, Rejects};
use super::part::PartFiles;
use super::{RejectCode, RejectError};

/// The longest reason that is read, in bytes: far more than any has. After a crash a file may end in anything.
const REASON_BYTES_MAX: u64 = 1 << 20;

/// Where a reject is in its part's two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The record's number in its input file.
    number: u64,
    pub(super) code: RejectCode,
    pub(super) record: Span,
    pub(super) reason: Span,
}

/// A piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) len: u32,
}

impl Span {
    fn end(self) -> u64 {
        self.start + u64::from(self.len)
    }
}

/// What is needed of a [`RejectReason`](super::RejectReason).
#[derive(Deserialize)]
struct Entry {
    bytes: u32,
    record: u64,
    column: Option<String>,
    code: RejectCode,
}

/// The rejects that a part owns, in the order of the input (they were written as they were found, by several threads), and counted
/// in `rejects`.
///
/// # Errors
/// The files cannot be read, or do not hold what they must.
pub(super) fn index(
    part: &Part,
    files: &PartFiles,
    rejects: &mut Rejects,
) -> Result<Vec<Place>, RejectError> {
    let reasons = match File::open(&files.reasons) {
        // Nobody has promised that there is one.
        Err(error) if !part.settled && error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened.map_err(RejectError::reading(&files.reasons))?,
    };
    let records = fs::metadata(&files.records).map_err(RejectError::reading(&files.records))?;
    let mut entries = Entries { reasons: BufReader::new(reasons), record_start: 0, reason_start: 0 };
    let mut places = Vec::new();
    let mut ends_early = &files.reasons;
    while let Some((entry, place)) = entries.next().map_err(RejectError::reading(&files.reasons))? {
        if place.record.end() > records.len() {
            ends_early = &files.records;
            break;
        }
        if part.owns(entry.record) {
            places.push(place);
            rejects.count(entry.column, entry.code);
        }
    }
    places.sort_unstable_by_key(|place| place.number);
    check(part, files, &places, ends_early)?;
    Ok(places)
}

fn check(
    part: &Part,
    files: &PartFiles,
    places: &[Place],
    ends_early: &std::path::Path,
) -> Result<(), RejectError> {
    let twice = places.windows(2).find_map(|pair| match pair {
        [one, other] if one.number == other.number => Some(one.number),
        _ => None,
    });
    if let Some(number) = twice {
        return Err(RejectError::damaged(&files.reasons, format!("has record {number} twice")));
    }
    match places.len() as u64 {
        found if part.settled && found != part.rejected => {
            let what = format!("has {found} of the {} rejects that were counted", part.rejected);
            Err(RejectError::damaged(ends_early, what))
        }
        _ => Ok(()),
    }
}

/// The lines of a reasons file.
struct Entries {
    reasons: BufReader<File>,
    record_start: u64,
    reason_start: u64,
}

impl Entries {
    /// The next entry; `None` at the end, or where something stands that is no entry: there the worker was killed. Whether
    /// something is missing is told by the count.
    fn next(&mut self) -> io::Result<Option<(Entry, Place)>> {
        let mut line = Vec::new();
        self.reasons.by_ref().take(REASON_BYTES_MAX).read_until(b'\n', &mut line)?;
        let Some(text) = line.strip_suffix(b"\n") else { return Ok(None) };
        let Ok(entry) = serde_json::from_slice::<Entry>(text) else { return Ok(None) };
        let place = Place {
            number: entry.record,
            code: entry.code,
            record: Span { start: self.record_start, len: entry.bytes },
            reason: Span { start: self.reason_start, len: line.len() as u32 },
        };
        (self.record_start, self.reason_start) = (place.record.end(), place.reason.end());
        Ok(Some((entry, place)))
    }
}
