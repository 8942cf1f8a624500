//! From pieces to units: the scans are composed in order, and the chunk and the unit that grow from them are cut where a record is
//! proved to begin. Reads the file again only to tell the line of an error, or of the place behind a unit.

use std::ops::ControlFlow;

use memchr::{memchr_iter, memrchr};

use super::block::Piece;
use super::{CHUNK_BYTES, FileTotals, Place, RecordError, SplitError, SplitSettings, SplitStart};
use crate::format::boundaries::Effect;
use crate::format::csv::scan::{Lane, State};
use crate::format::json::documents::{Broken, Documents};
use crate::plan::discover::InputError;
use crate::plan::source::Source;
use crate::plan::unit::{Chunk, UnitId, WorkUnit};

/// The scans composed so far, and the chunk and unit that grow from them. Offsets are the file's, those of lanes too: what is
/// in front of the data counts as bytes without a record.
pub(super) struct Assembly<'a> {
    source: &'a Source,
    unit_bytes: u64,
    pub(super) max_record_bytes: u64,
    /// What the pieces so far do, composed, and the line behind them.
    pub(super) lane: Lane,
    line: u64,
    /// The chunk that grows; its length is set when it is closed.
    pub(super) chunk: Chunk,
    /// The unit that grows.
    pub(super) unit: WorkUnit,
    pub(super) totals: FileTotals,
    /// Records that are still to be passed over, and whether the first record behind them is not found yet.
    to_skip: u64,
    skipping: bool,
    /// Records that may still come into units.
    room: u64,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(source: &'a Source, place: Place, settings: &SplitSettings, start: SplitStart) -> Self {
        let Place { offset, line, record } = place;
        Assembly {
            source,
            unit_bytes: settings.unit_bytes,
            max_record_bytes: settings.max_record_bytes.max(1),
            lane: Lane::new(State::RecordStart),
            line,
            chunk: Chunk { start: offset, len: 0, records: 0, line },
            unit: WorkUnit {
                id: start.unit,
                file: source.input().id,
                first_ordinal: start.ordinal,
                first_record: record,
                chunks: Vec::new(),
            },
            totals: FileTotals::default(),
            to_skip: settings.skip.saturating_sub(record.saturating_sub(1)),
            skipping: settings.skip >= record,
            room: settings.limit.map_or(u64::MAX, |limit| limit.saturating_sub(start.ordinal)),
        }
    }

    /// Adds the next piece.
    pub(super) fn take(
        &mut self,
        piece: &Piece<'_>,
        effect: &Effect,
        emit: &mut dyn FnMut(WorkUnit) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SplitError> {
        let before = self.lane;
        let lane = before.then_lane(piece.offset, &effect.lane);
        self.check_record_length(piece, effect, &lane)?;
        let mut flow = ControlFlow::Continue(());
        match effect.lane.first {
            // A chunk without a record yet (empty lines and comments only) goes on into the piece.
            Some(first) if self.chunk.records > 0 || self.skipping => {
                self.cut(piece, first as usize);
                if self.unit.bytes() >= self.unit_bytes {
                    flow = self.emit_unit(emit)?;
                }
            }
            Some(_) => {}
            None if before.end.in_record() => {}
            None => self.cut_gap(piece, lane.end)?,
        }
        let records = self.pass_over(piece, effect, lane.records - before.records);
        if records > self.room {
            return self.end_at_limit(piece, effect, lane.records - before.records - records, emit);
        }
        self.chunk.records += records;
        self.room -= records;
        self.lane = lane;
        self.line += effect.newlines;
        Ok(flow)
    }

    /// Of the records that start in the piece: how many are behind those that are passed over. Where
    /// the first such is found, the first unit begins.
    fn pass_over(&mut self, piece: &Piece<'_>, effect: &Effect, records: u64) -> u64 {
        if !self.skipping {
            return records;
        }
        let skipped = self.to_skip.min(records);
        self.unit.first_record += skipped;
        self.to_skip -= skipped;
        if records > skipped
            && let Some(at) = effect.nth_record_start(piece.bytes, skipped)
        {
            self.cut(piece, at);
            self.skipping = false;
        }
        records - skipped
    }

    /// Ends the last chunk and unit in front of the first record that is too many: the one behind `skipped` and those for which
    /// there is room.
    fn end_at_limit(
        &mut self,
        piece: &Piece<'_>,
        effect: &Effect,
        skipped: u64,
        emit: &mut dyn FnMut(WorkUnit) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SplitError> {
        self.chunk.records += self.room;
        if let Some(at) = effect.nth_record_start(piece.bytes, skipped + self.room) {
            self.cut(piece, at);
        }
        if self.unit.records() > 0 {
            // Nothing is left to do, whatever the caller says.
            let _ = self.emit_unit(emit)?;
        }
        Ok(ControlFlow::Break(()))
    }

    /// Closes the last chunk and unit at the end of the file.
    pub(super) fn finish(
        mut self,
        end: u64,
        emit: &mut dyn FnMut(WorkUnit) -> ControlFlow<()>,
    ) -> Result<FileTotals, SplitError> {
        if self.lane.end.in_quotes() {
            let line = self.line_of_quote(&self.lane)?;
            return Err(RecordError::OpenQuote { path: self.source.input().path.clone(), line }.into());
        }
        self.chunk.len = end.saturating_sub(self.chunk.start);
        if self.chunk.len > 0 && !self.skipping {
            self.unit.chunks.push(self.chunk);
        }
        if self.unit.records() > 0 {
            // Nothing is left to do, whatever the caller says.
            let _ = self.emit_unit(emit)?;
        }
        Ok(self.totals)
    }

    /// Ends the chunk in front of the byte at `at` in the piece and begins the next one with it.
    fn cut(&mut self, piece: &Piece<'_>, at: usize) {
        let start = piece.offset + at as u64;
        self.chunk.len = start - self.chunk.start;
        if self.chunk.len > 0 && !self.skipping {
            self.unit.chunks.push(self.chunk);
        }
        let line = self.line + piece.newlines_before(at);
        self.chunk = Chunk { start, len: 0, records: 0, line };
    }

    /// Ends the chunk inside a piece that holds no record start at all, lest empty lines and comments make it endless.
    fn cut_gap(&mut self, piece: &Piece<'_>, end: State) -> Result<(), SplitError> {
        // Between records, `\n` always ends what there is: a comment or an empty line.
        if let Some(last) = memrchr(b'\n', piece.bytes) {
            self.cut(piece, last + 1);
        } else if end == State::RecordStart {
            self.cut(piece, piece.bytes.len());
        } else if piece.end() - self.chunk.start > 2 * (self.max_record_bytes + piece.bytes.len() as u64) {
            let (path, limit) = (self.source.input().path.clone(), self.max_record_bytes);
            return Err(RecordError::LongComment { path, line: self.line, limit }.into());
        }
        Ok(())
    }

    /// Hands out the unit and begins the next one behind it.
    fn emit_unit(
        &mut self,
        emit: &mut dyn FnMut(WorkUnit) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SplitError> {
        let (records, bytes) = (self.unit.records(), self.unit.bytes());
        let too_many = || SplitError::TooManyUnits { path: self.source.input().path.clone() };
        let id = self.unit.id.0.checked_add(1).ok_or_else(too_many)?;
        let next = WorkUnit {
            id: UnitId(id),
            file: self.unit.file,
            first_ordinal: self.unit.first_ordinal + records,
            first_record: self.unit.first_record + records,
            chunks: Vec::new(),
        };
        self.totals.records += records;
        self.totals.bytes += bytes;
        self.totals.units += 1;
        Ok(emit(std::mem::replace(&mut self.unit, next)))
    }

    /// Checks the record that is open in front of the piece, which composes to `lane`. Records inside a piece are no longer
    /// than it, and so within the limit.
    fn check_record_length(&self, piece: &Piece<'_>, effect: &Effect, lane: &Lane) -> Result<(), SplitError> {
        let Some(record) = self.lane.last.filter(|_| self.lane.end.in_record()) else { return Ok(()) };
        if piece.end() - record <= self.max_record_bytes {
            return Ok(());
        }
        let line_end = effect.record_end(piece.bytes);
        let end = line_end.map_or(piece.end(), |at| piece.offset + at as u64);
        if end - record <= self.max_record_bytes {
            return Ok(());
        }
        let (path, limit) = (self.source.input().path.clone(), self.max_record_bytes);
        if line_end.is_none() && lane.end.in_quotes() {
            return Err(RecordError::LongQuote { path, line: self.line_of_quote(lane)?, limit }.into());
        }
        Err(RecordError::TooLong { path, line: self.line_of(record)?, limit }.into())
    }

    /// What to say of documents that cannot be told apart any more in a piece.
    pub(super) fn broken(&self, piece: &Piece<'_>, broken: Broken) -> SplitError {
        let Broken { at, start, why } = broken;
        let line = self.line + piece.newlines_before(at);
        let opened = match start {
            Some(start) => Ok(self.line + piece.newlines_before(start)),
            None => self.lane.last.map_or(Ok(line), |start| self.line_of(start)),
        };
        let (path, offset) = (self.source.input().path.clone(), piece.offset + at as u64);
        match opened {
            Ok(opened) if why.is_inside() => {
                RecordError::BrokenDocument { path, line, offset, why, opened }.into()
            }
            Ok(_) => RecordError::BrokenRun { path, line, offset, why }.into(),
            Err(error) => error.into(),
        }
    }

    /// Checks that no document is open at the end of the file, nor the array of them.
    pub(super) fn check_end(&self, documents: &Documents) -> Result<(), SplitError> {
        let path = self.source.input().path.clone();
        match (documents.may_end(), self.lane.last.filter(|_| documents.in_brackets())) {
            (true, _) => Ok(()),
            (false, Some(start)) => {
                Err(RecordError::OpenDocument { path, line: self.line_of(start)? }.into())
            }
            (false, None) => Err(RecordError::OpenArray { path }.into()),
        }
    }

    /// The line where the quotes opened that the lane ends in.
    fn line_of_quote(&self, lane: &Lane) -> Result<u64, InputError> {
        self.line_of(lane.quote.unwrap_or(self.chunk.start))
    }

    /// The line of a byte in the chunk that grows, for an error: lines are counted again from the chunk's start.
    fn line_of(&self, offset: u64) -> Result<u64, InputError> {
        let newlines = newlines_between(self.source, self.chunk.start, offset)?;
        Ok(self.chunk.line + newlines)
    }
}

/// How many `\n` bytes are in a part of the file.
pub(super) fn newlines_between(source: &Source, start: u64, end: u64) -> Result<u64, InputError> {
    let mut newlines = 0;
    let mut buffer = vec![0; CHUNK_BYTES as usize];
    let mut at = start;
    while at < end {
        let len = (end - at).min(CHUNK_BYTES);
        let bytes = buffer.get_mut(..len as usize).unwrap_or_default();
        source.read_at(bytes, at)?;
        newlines += memchr_iter(b'\n', bytes).count() as u64;
        at += len;
    }
    Ok(newlines)
}
