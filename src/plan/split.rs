//! From a file to work units: blocks are read (pread, never mmap) and scanned in parallel, the scans are composed in order,
//! and a unit goes out as soon as the records in front of it prove where it begins. Talks to its caller through `emit`.
//! Never guesses a boundary, never reads a file that has changed, never holds more than one round of blocks.
//!
//! Three grids: *blocks* of equal size are what is read at once; *pieces* of them, as long as a chunk is usually to be, are
//! what is scanned; *chunks* are what workers read. A chunk begins at the first record start of a piece, so the records of a
//! chunk are exactly those that start in its piece.

use std::ops::ControlFlow;
use std::path::PathBuf;

use memchr::{memchr_iter, memrchr};
use rayon::ThreadPool;
use rayon::prelude::*;

use super::discover::{InputError, InputFile};
use super::pipe;
use super::source::Source;
use super::unit::{Chunk, UnitId, WorkUnit};
use crate::format::boundaries::{Boundaries, Effect, Splitter};
use crate::format::csv::scan::{Lane, State, Transitions};
use crate::format::json::documents::{Breach, Broken, Documents};
use crate::remote::object::Cut;

/// The usual size of a chunk: fits the second-level cache, where it is read, scanned and parsed.
pub const CHUNK_BYTES: u64 = 256 * 1024;

/// Bytes read at once, whatever the chunks: small units do not make small reads.
const BLOCK_BYTES: u64 = CHUNK_BYTES;

/// Blocks of a round for each thread of the pool: enough to even out their differences.
const BLOCKS_PER_THREAD: usize = 4;

/// The most chunks that a compressed file's unit is made of: with so many, what is said to a worker of the unit is within what may
/// be said at once, and there are 128 GiB in it.
pub const WHOLE_CHUNKS_MAX: u32 = 1 << 19;

const UNIT_BYTES_MIN: u64 = 4 * 1024 * 1024;
const UNIT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How a file is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitSettings {
    /// Chunks of a compressed file's unit, at most.
    pub whole_chunks: u32,
    /// A unit ends at the first chunk that begins so many bytes behind its start.
    pub unit_bytes: u64,
    /// Bytes scanned as one piece, and so the usual length of a chunk. Never more than `max_record_bytes` are.
    pub chunk_bytes: u64,
    /// The longest record in bytes, without its line end; at most [`RECORD_BYTES_MAX`](crate::format::record::RECORD_BYTES_MAX).
    pub max_record_bytes: u64,
    /// Records of each file, from its first, that are in no unit.
    pub skip: u64,
    /// Records of all files that are in units, at most.
    pub limit: Option<u64>,
}

/// Where in a file its units begin: in front of a record, or of what is skipped before one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Offset in the file of the first byte.
    pub offset: u64,
    /// The line of that byte, counted from 1 by `\n` bytes.
    pub line: u64,
    /// The number in the file (from 1, without the header) of the record that follows.
    pub record: u64,
}

/// The numbers that a file's first unit gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitStart {
    /// The ordinal in the job of the file's first record.
    pub ordinal: u64,
    /// The number in the job of the file's first unit.
    pub unit: UnitId,
}

/// What the emitted units of a file hold in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileTotals {
    /// Records.
    pub records: u64,
    /// Bytes: all behind the header, or behind what is skipped, up to the file's end or the limit; none where there is no record.
    pub bytes: u64,
    /// Units.
    pub units: u32,
}

/// Why a record cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The file ends inside quotes.
    #[error(
        "{}, line {line}: the quote opened here never closes: close it, or load with --quote none if quotes are data",
        path.display()
    )]
    OpenQuote {
        /// The file.
        path: PathBuf,
        /// The line of the quote, from 1.
        line: u64,
    },
    /// A record is over the limit, inside quotes.
    #[error(
        "{}, line {line}: the quote opened here does not close within {limit} bytes: close it, load with --quote none \
         if quotes are data, or raise --max-record-size",
        path.display()
    )]
    LongQuote {
        /// The file.
        path: PathBuf,
        /// The line of the quote, from 1.
        line: u64,
        /// The limit.
        limit: u64,
    },
    /// A record is over the limit.
    #[error(
        "{}, line {line}: the record that starts here is longer than {limit} bytes: raise --max-record-size",
        path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The line of the record's first byte, from 1.
        line: u64,
        /// The limit.
        limit: u64,
    },
    /// Where a document ends cannot be told.
    #[error(
        "{}, line {line} (byte {offset}), in the document that begins on line {opened}: {why}; what follows cannot be told apart from \
         it: correct it",
        path.display()
    )]
    BrokenDocument {
        /// The file.
        path: PathBuf,
        /// The line of what is wrong, from 1.
        line: u64,
        /// Its offset in the file.
        offset: u64,
        /// What it is.
        why: Breach,
        /// The line of the document's first byte, from 1.
        opened: u64,
    },
    /// Something is wrong between documents.
    #[error(
        "{}, line {line} (byte {offset}): {why}; with --format json a file is one array of objects, or objects one after the \
         other without commas",
        path.display()
    )]
    BrokenRun {
        /// The file.
        path: PathBuf,
        /// The line of what is wrong, from 1.
        line: u64,
        /// Its offset in the file.
        offset: u64,
        /// What it is.
        why: Breach,
    },
    /// The file ends inside a document.
    #[error("{}, line {line}: the document that begins here is never closed: is the file whole?", path.display())]
    OpenDocument {
        /// The file.
        path: PathBuf,
        /// The line of the document's first byte, from 1.
        line: u64,
    },
    /// The file ends inside its array.
    #[error("{}: the array that is the file is never closed by a ']': is the file whole?", path.display())]
    OpenArray {
        /// The file.
        path: PathBuf,
    },
    /// A comment is far over the limit.
    #[error("{}, line {line}: this comment is longer than {limit} bytes: remove it", path.display())]
    LongComment {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The limit.
        limit: u64,
    },
}

/// Why a file cannot be split.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The file cannot be read or has changed.
    #[error(transparent)]
    Input(#[from] InputError),
    /// One of its records cannot be taken.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The job's units cannot be numbered.
    #[error("{}: more than {} units: raise --unit-size", path.display(), u32::MAX)]
    TooManyUnits {
        /// The file.
        path: PathBuf,
    },
}

/// The usual size of a unit: four for each worker, but none so small that handing it out costs more than loading it, and none
/// so large that a dead worker costs much.
pub fn unit_bytes_default(total_bytes: u64, workers: usize) -> u64 {
    (total_bytes / (4 * workers.max(1) as u64)).clamp(UNIT_BYTES_MIN, UNIT_BYTES_MAX)
}

/// Splits the data of `file` into units and hands each to `emit` as soon as it is proved, until `emit` breaks.
/// The units' chunks cover the file from `place` to its end without gap or overlap, but for the records that
/// are skipped or behind the limit: those are in none.
///
/// # Errors
/// The file cannot be read or changes meanwhile, a record is too long, or a quote does not close. Units that were emitted
/// before are right all the same.
pub fn split(
    file: &InputFile,
    place: Place,
    boundaries: impl Into<Boundaries>,
    settings: &SplitSettings,
    start: SplitStart,
    pool: &ThreadPool,
    emit: &mut dyn FnMut(WorkUnit) -> ControlFlow<()>,
) -> Result<FileTotals, SplitError> {
    let boundaries = boundaries.into();
    let source = Source::open(file)?;
    if !source.is_sequential() {
        return split_source(&source, place, boundaries, settings, start, pool, emit);
    }
    if let Some(pipe) = source.pipe() {
        // What is planned ahead is in memory.
        let settings =
            SplitSettings { unit_bytes: settings.unit_bytes.min(pipe::UNIT_BYTES_MAX), ..*settings };
        return split_source(&source, place, boundaries, &settings, start, pool, &mut |unit| {
            pipe.hand_over(&unit);
            emit(unit)
        });
    }
    if !is_one_unit(file) {
        return split_source(&source, place, boundaries, settings, start, pool, emit);
    }
    let mut whole = Whole::default();
    let totals = split_source(&source, place, boundaries, settings, start, pool, &mut |unit| {
        whole.add(unit);
        ControlFlow::Continue(())
    })?;
    Ok(FileTotals { units: whole.emit(settings.whole_chunks, emit), ..totals })
}

/// Splits the data of an input that is open, and hands out each unit as soon as it is proved.
fn split_source(
    source: &Source,
    place: Place,
    mut boundaries: Boundaries,
    settings: &SplitSettings,
    start: SplitStart,
    pool: &ThreadPool,
    emit: &mut dyn FnMut(WorkUnit) -> ControlFlow<()>,
) -> Result<FileTotals, SplitError> {
    let mut assembly = Assembly::new(source, place, settings, start);
    let piece_bytes = settings.chunk_bytes.clamp(1, assembly.max_record_bytes);
    // Whole pieces, so that a block's end does not cut one short.
    let block_bytes = piece_bytes * (BLOCK_BYTES / piece_bytes).max(1);
    let mut blocks: Vec<Block> = Vec::new();
    blocks.resize_with(pool.current_num_threads().max(1) * BLOCKS_PER_THREAD, Block::default);

    let mut offset = place.offset;
    loop {
        let splitter = boundaries.splitter();
        let scan = |block: &mut Block| block.scan(splitter, piece_bytes as usize);
        let round = match source.is_sequential() {
            true => {
                let round = read_round(source, &mut blocks, offset, block_bytes)?;
                pool.install(|| round.par_iter_mut().for_each(scan));
                round
            }
            false => {
                let round = place_round(source, &mut blocks, offset, block_bytes);
                let read = |block: &mut Block| block.read(source).map(|()| scan(block));
                pool.install(|| round.par_iter_mut().try_for_each(read))?;
                round
            }
        };
        source.check_unchanged()?;
        let Some(last) = round.last() else { break };
        offset = last.end();
        for (piece, scanned) in round.iter().flat_map(|block| block.pieces(piece_bytes as usize)) {
            let effect = match (&mut boundaries, scanned) {
                (Boundaries::Anywhere(splitter), Some(scanned)) => {
                    Effect::of(*splitter, scanned, assembly.lane.end)
                }
                (Boundaries::InOrder(documents), _) => Effect::of_documents(documents, piece.bytes)
                    .map_err(|broken| assembly.broken(&piece, broken))?,
                // Every piece of a block is scanned.
                (Boundaries::Anywhere(_), None) => continue,
            };
            if assembly.take(&piece, &effect, emit)?.is_break() {
                return Ok(assembly.totals);
            }
        }
        if let Some(pipe) = source.pipe() {
            pipe.follow(&assembly.unit.chunks, assembly.chunk.start);
        }
    }
    if let Boundaries::InOrder(documents) = &boundaries {
        assembly.check_end(documents)?;
    }
    assembly.finish(offset, emit)
}

/// Where the next blocks of a plain file are: as many as there are, or as the file has bytes for.
fn place_round<'a>(
    source: &Source,
    blocks: &'a mut [Block],
    mut offset: u64,
    block_bytes: u64,
) -> &'a mut [Block] {
    let mut round = 0;
    for block in &mut *blocks {
        let len = block_bytes.min(source.input().size.saturating_sub(offset));
        if len == 0 {
            break;
        }
        block.place(offset, len);
        offset += len;
        round += 1;
    }
    blocks.get_mut(..round).unwrap_or_default()
}

/// Reads the next blocks of an input that tells its end only when it is there.
fn read_round<'a>(
    source: &Source,
    blocks: &'a mut [Block],
    mut offset: u64,
    block_bytes: u64,
) -> Result<&'a mut [Block], InputError> {
    let mut round = 0;
    for block in &mut *blocks {
        block.place(offset, block_bytes);
        let read = source.read_up_to(&mut block.bytes, offset)?;
        block.bytes.truncate(read);
        offset += read as u64;
        round += usize::from(read > 0);
        if (read as u64) < block_bytes {
            break;
        }
    }
    Ok(blocks.get_mut(..round).unwrap_or_default())
}

/// Whether an input's units go out joined: it is compressed, or an object that one of several workers is to read alone.
fn is_one_unit(file: &InputFile) -> bool {
    file.is_read_forwards() || file.remote.as_ref().is_some_and(|object| object.cut == Cut::Whole)
}

/// The units of an input for one reader. They go out when all of it is proved to be whole, and joined: of a compressed file, each
/// worker that had one would have to decompress all that is before it.
#[derive(Default)]
struct Whole {
    joined: Option<WorkUnit>,
}

impl Whole {
    fn add(&mut self, unit: WorkUnit) {
        match &mut self.joined {
            Some(joined) => joined.chunks.extend(unit.chunks),
            None => self.joined = Some(unit),
        }
    }

    /// Hands them out in units of at most `chunks_max` chunks, until `emit` breaks. Returns how many.
    fn emit(self, chunks_max: u32, emit: &mut dyn FnMut(WorkUnit) -> ControlFlow<()>) -> u32 {
        let (mut emitted, mut rest) = (0, self.joined);
        while let Some(mut unit) = rest {
            rest = unit
                .after(chunks_max)
                .map(|rest| WorkUnit { id: UnitId(unit.id.0.saturating_add(1)), ..rest });
            unit.chunks.truncate(chunks_max as usize);
            emitted += 1;
            if emit(unit).is_break() {
                break;
            }
        }
        emitted
    }
}

/// Whether a unit of `file` is known to be its last: a compressed or encoded file is one unit, but for one of more than `whole_chunks`
/// chunks.
pub fn is_whole(file: &InputFile, unit: &WorkUnit, whole_chunks: u32) -> bool {
    file.is_read_forwards() && unit.chunk_count() < whole_chunks
}

/// The place behind a unit of `file`, where the next one begins.
///
/// # Errors
/// The file cannot be read or has changed.
pub fn place_behind(file: &InputFile, unit: &WorkUnit) -> Result<Place, InputError> {
    let mut place = Place { offset: 0, line: 1, record: unit.first_record + unit.records() };
    if let Some(last) = unit.chunks.last() {
        let source = Source::open(file)?;
        let newlines = newlines_between(&source, last.start, last.start + last.len)?;
        (place.offset, place.line) = (last.start + last.len, last.line + newlines);
    }
    Ok(place)
}

/// How many `\n` bytes are in a part of the file.
fn newlines_between(source: &Source, start: u64, end: u64) -> Result<u64, InputError> {
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

/// Bytes that are read at once.
#[derive(Default)]
struct Block {
    offset: u64,
    bytes: Vec<u8>,
    /// What each of its pieces does.
    scans: Vec<Transitions>,
}

impl Block {
    fn place(&mut self, offset: u64, len: u64) {
        self.offset = offset;
        self.bytes.resize(len as usize, 0);
    }

    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    fn read(&mut self, source: &Source) -> Result<(), InputError> {
        source.read_at(&mut self.bytes, self.offset)
    }

    /// Scans the block's pieces, each of `piece_bytes` but for the last one, where they can be scanned apart.
    fn scan(&mut self, splitter: Option<Splitter>, piece_bytes: usize) {
        self.scans.clear();
        let Some(splitter) = splitter else { return };
        self.scans.extend(self.bytes.chunks(piece_bytes).map(|piece| splitter.scan(piece)));
    }

    fn pieces(&self, piece_bytes: usize) -> impl Iterator<Item = (Piece<'_>, Option<&Transitions>)> {
        let offsets = (self.offset..).step_by(piece_bytes);
        let pieces =
            self.bytes.chunks(piece_bytes).zip(offsets).map(|(bytes, offset)| Piece { offset, bytes });
        pieces.zip(self.scans.iter().map(Some).chain(std::iter::repeat(None)))
    }
}

/// Bytes that were scanned at once.
struct Piece<'a> {
    offset: u64,
    bytes: &'a [u8],
}

impl Piece<'_> {
    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// `\n` bytes in front of `at`.
    fn newlines_before(&self, at: usize) -> u64 {
        memchr_iter(b'\n', self.bytes.get(..at).unwrap_or_default()).count() as u64
    }
}

/// The scans composed so far, and the chunk and unit that grow from them. Offsets are the file's, those of lanes too: what is
/// in front of the data counts as bytes without a record.
struct Assembly<'a> {
    source: &'a Source,
    unit_bytes: u64,
    max_record_bytes: u64,
    /// What the pieces so far do, composed, and the line behind them.
    lane: Lane,
    line: u64,
    /// The chunk that grows; its length is set when it is closed.
    chunk: Chunk,
    /// The unit that grows.
    unit: WorkUnit,
    totals: FileTotals,
    /// Records that are still to be passed over, and whether the first record behind them is not found yet.
    to_skip: u64,
    skipping: bool,
    /// Records that may still come into units.
    room: u64,
}

impl<'a> Assembly<'a> {
    fn new(source: &'a Source, place: Place, settings: &SplitSettings, start: SplitStart) -> Self {
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
    fn take(
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
    fn finish(
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
    fn broken(&self, piece: &Piece<'_>, broken: Broken) -> SplitError {
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
    fn check_end(&self, documents: &Documents) -> Result<(), SplitError> {
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

#[cfg(test)]
mod tests;

#[cfg(test)]
mod json_tests;
