//! From a file to work units: blocks are read (pread, never mmap) and scanned in parallel, the scans are composed in order,
//! and a unit goes out as soon as the records in front of it prove where it begins. Talks to its caller through `emit`.
//! Never guesses a boundary, never reads a file that has changed, never holds more than one round of blocks.
//!
//! Three grids: *blocks* of equal size are what is read at once; *pieces* of them, as long as a chunk is usually to be, are
//! what is scanned; *chunks* are what workers read. A chunk begins at the first record start of a piece, so the records of a
//! chunk are exactly those that start in its piece.

mod assembly;
mod block;
mod error;

use std::ops::ControlFlow;

use rayon::ThreadPool;
use rayon::prelude::*;

use super::discover::{InputError, InputFile};
use super::pipe;
use super::source::Source;
use super::unit::{UnitId, WorkUnit};
use crate::format::boundaries::{Boundaries, Effect};
use crate::remote::object::Cut;
use assembly::{Assembly, newlines_between};
use block::{Block, place_round, read_round};
pub use error::{RecordError, SplitError};

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

#[cfg(test)]
mod tests;

#[cfg(test)]
mod json_tests;
