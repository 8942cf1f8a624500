//! Ranges of an object of a server, as its columns are read: each goes forwards from a place of its own, so that what is asked for at once
//! is a part of one of them. Asks only for the version that was found, never for more at once than a bounded piece, and never holds
//! more than [`HELD_BYTES`] beside what it is asked for.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use crate::plan::discover::InputFile;
use crate::remote::error::RemoteError;
use crate::remote::object::RemoteObject;
use crate::remote::reader::RemoteReader;

/// Bytes that are kept, because what comes next of a column is among them.
const HELD_BYTES: u64 = 32 << 20;
/// Bytes that are asked for at once: at least, where so many are wanted, ...
const AHEAD_MIN: u64 = 64 << 10;
/// ... and ahead of what is wanted, at most.
const AHEAD_MAX: u64 = 4 << 20;
/// What a single request brings at most, however long a page is.
const ASKED_MAX: usize = 64 << 20;

/// An object, and what is known of its bytes.
pub(super) struct Ranges {
    reader: RemoteReader,
    size: u64,
    /// What will be read; in order, apart from each other. Empty: it is not known.
    wanted: Vec<Range<u64>>,
    ahead: u64,
    /// What came last is last.
    pieces: VecDeque<Piece>,
    failure: Option<RemoteError>,
}

struct Piece {
    start: u64,
    bytes: Bytes,
}

impl Ranges {
    pub(super) fn new(file: &InputFile, object: &RemoteObject) -> Self {
        let reader = RemoteReader::new(object.clone(), file.path.clone(), file.size);
        Ranges {
            reader,
            size: file.size,
            wanted: Vec::new(),
            ahead: AHEAD_MIN,
            pieces: VecDeque::new(),
            failure: None,
        }
    }

    /// Says what will be read, by so many columns at the same time.
    pub(super) fn set_wanted(&mut self, mut wanted: Vec<Range<u64>>, columns: usize) {
        wanted.sort_unstable_by_key(|range| range.start);
        self.wanted.clear();
        for range in wanted {
            match self.wanted.last_mut() {
                // A gap that costs less than a request of its own.
                Some(last) if range.start <= last.end.saturating_add(AHEAD_MIN) => {
                    last.end = last.end.max(range.end);
                }
                _ => self.wanted.push(range),
            }
        }
        self.ahead = (HELD_BYTES / (2 * columns.max(1) as u64)).clamp(AHEAD_MIN, AHEAD_MAX);
    }

    /// Why the last reading failed, if it was the server.
    pub(super) fn take_failure(&mut self) -> Option<RemoteError> {
        self.failure.take()
    }

    /// `len` bytes from `start` on, which the object has.
    pub(super) fn bytes(&mut self, start: u64, len: usize) -> Result<Bytes, RemoteError> {
        let known = self.known(start).unwrap_or_default();
        if let Some(end) = known.len().checked_sub(len) {
            return Ok(known.slice(..known.len() - end));
        }
        let from = start + known.len() as u64;
        let missing = len - known.len();
        let fetched = self.fetch(from, self.len_of_request(from, missing))?;
        self.keep(from, fetched.clone());
        let now = fetched.slice(..missing.min(fetched.len()));
        match known.is_empty() {
            true => Ok(now),
            false => Ok([known, now].concat().into()),
        }
    }

    /// What is there from `start` on, as far as it goes.
    fn known(&self, start: u64) -> Option<Bytes> {
        let from = |piece: &Piece| usize::try_from(start.checked_sub(piece.start)?).ok();
        let tail = |piece: &Piece| from(piece).filter(|from| *from < piece.bytes.len());
        self.pieces.iter().rev().find_map(|piece| Some(piece.bytes.slice(tail(piece)?..)))
    }

    /// How much to ask for: what is missing, and what will be wanted next.
    fn len_of_request(&self, from: u64, missing: usize) -> usize {
        let least = from.saturating_add(missing as u64);
        // Whatever else is read is little.
        let little = from.saturating_add(AHEAD_MIN);
        let wanted = self.wanted.iter().find(|range| range.contains(&from)).map_or(little, |range| range.end);
        let behind = self.pieces.iter().map(|piece| piece.start).filter(|start| *start >= least).min();
        let end = from.saturating_add(self.ahead).min(wanted).min(behind.unwrap_or(u64::MAX));
        usize::try_from(end.max(least).min(self.size).saturating_sub(from)).unwrap_or(missing)
    }

    fn fetch(&mut self, from: u64, len: usize) -> Result<Bytes, RemoteError> {
        let mut bytes = vec![0; len];
        let mut at = from;
        for part in bytes.chunks_mut(ASKED_MAX) {
            self.reader.set_end(at + part.len() as u64);
            let read =
                self.reader.read_at(part, at).inspect_err(|error| self.failure = Some(error.clone()))?;
            at += read as u64;
        }
        Ok(bytes.into())
    }

    fn keep(&mut self, start: u64, bytes: Bytes) {
        if bytes.len() as u64 > HELD_BYTES {
            return;
        }
        self.pieces.push_back(Piece { start, bytes });
        while self.pieces.iter().map(|piece| piece.bytes.len() as u64).sum::<u64>() > HELD_BYTES {
            self.pieces.pop_front();
        }
    }
}
