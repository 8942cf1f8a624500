//! The rows of a Parquet file to work units, without reading them: how many there are in each row group is known. A chunk is a run of
//! rows of one row group; where in the file it is is told in proportion to the rows, so that all chunks add up to the file. Pure.

use std::ops::ControlFlow;

use super::footer::{RowGroup, RowGroups};
use crate::plan::discover::InputFile;
use crate::plan::split::{FileTotals, Place, SplitError, SplitSettings, SplitStart};
use crate::plan::unit::{Chunk, UnitId, WorkUnit};

/// Rows of a chunk, at most.
const ROWS_MAX: u64 = 8_192;
/// Bytes of a chunk without compression, as far as can be told: fits the second-level cache with the text that it becomes.
const CHUNK_BYTES: u64 = 512 * 1024;
/// Chunks of a unit, at most: as much as is said to a worker at once, whatever a file says of itself.
const CHUNKS_MAX: usize = 4_096;

impl RowGroup {
    /// How many rows of it are about so many bytes.
    fn rows_in(&self, bytes: u64) -> u64 {
        share(self.rows, bytes, self.bytes).clamp(1, ROWS_MAX)
    }

    /// Bytes of so many of its rows without compression.
    pub fn bytes_of(&self, rows: u64) -> u64 {
        share(self.bytes, rows, self.rows)
    }
}

fn share(of: u64, part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(of) * u128::from(part) / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

impl RowGroups {
    /// Where in the file a row is (from 0), in proportion to all rows.
    fn offset(&self, file: &InputFile, row: u64, rows: u64) -> u64 {
        share(file.size, row, rows)
    }

    /// The row group that a row is in (both from 0), and that group's first row.
    pub fn group_of(&self, row: u64) -> Option<(usize, u64)> {
        let mut first = 0;
        self.groups.iter().enumerate().find_map(|(index, group)| {
            let start = first;
            first += group.rows;
            (row < first).then_some((index, start))
        })
    }

    /// How many rows, from this one on (from 0), are read at once.
    pub fn rows_from(&self, row: u64) -> u64 {
        let Some((index, start)) = self.group_of(row) else { return 0 };
        self.groups.get(index).map_or(0, |group| group.rows_in(CHUNK_BYTES).min(start + group.rows - row))
    }

    /// The place behind a unit of the file, where the next one begins.
    pub fn place_behind(unit: &WorkUnit) -> Place {
        let record = unit.first_record + unit.records();
        Place { offset: unit.chunks.last().map_or(0, |last| last.start + last.len), line: record, record }
    }

    /// Hands out the file's rows from `place` on in units, until `emit` breaks. What a unit holds is counted without compression;
    /// it ends with a row group where it can.
    ///
    /// # Errors
    /// The job's units cannot be numbered.
    pub fn split(
        &self,
        file: &InputFile,
        place: Place,
        settings: &SplitSettings,
        start: SplitStart,
        emit: &mut dyn FnMut(WorkUnit) -> ControlFlow<()>,
    ) -> Result<FileTotals, SplitError> {
        let rows = self.rows();
        let first = place.record.saturating_sub(1).max(settings.skip);
        let left = settings.limit.map_or(u64::MAX, |limit| limit.saturating_sub(start.ordinal));
        let end = rows.min(first.saturating_add(left));
        let mut growing = Growing::new(file, start, first);
        let mut group_start = 0;
        for group in &self.groups {
            let group_end = group_start + group.rows;
            let at_once = group.rows_in(CHUNK_BYTES.min(settings.unit_bytes));
            // From the first chunk of the group that has a row behind `first`.
            let before = first.saturating_sub(group_start).min(group.rows);
            let mut row =
                if before < group.rows { group_start + before / at_once * at_once } else { group_end };
            while row < group_end.min(end) {
                let (from, to) = (row.max(first), (row + at_once).min(group_end).min(end));
                row += at_once;
                let offset = self.offset(file, from, rows);
                let len = self.offset(file, to, rows) - offset;
                growing.add(Chunk { start: offset, len, records: to - from, line: from + 1 });
                growing.held = growing.held.saturating_add(group.bytes_of(to - from));
                let is_full = growing.held >= settings.unit_bytes || growing.unit.chunks.len() >= CHUNKS_MAX;
                let is_last = to == group_end.min(end);
                // Small row groups go together; what little is left of one stays with it.
                let ends = if is_last { growing.held * 2 >= settings.unit_bytes } else { is_full };
                if (is_full || ends) && growing.emit(emit)?.is_break() {
                    return Ok(growing.totals);
                }
            }
            group_start = group_end;
        }
        if !growing.unit.chunks.is_empty() {
            // It is over in either case.
            let _ = growing.emit(emit)?;
        }
        Ok(growing.totals)
    }
}

/// The unit that grows.
struct Growing<'a> {
    file: &'a InputFile,
    unit: WorkUnit,
    /// Its bytes without compression.
    held: u64,
    totals: FileTotals,
}

impl<'a> Growing<'a> {
    fn new(file: &'a InputFile, start: SplitStart, first: u64) -> Self {
        let unit = WorkUnit {
            id: start.unit,
            file: file.id,
            first_ordinal: start.ordinal,
            first_record: first + 1,
            chunks: Vec::new(),
        };
        Growing { file, unit, held: 0, totals: FileTotals::default() }
    }

    fn add(&mut self, chunk: Chunk) {
        self.unit.chunks.push(chunk);
    }

    fn emit(
        &mut self,
        emit: &mut dyn FnMut(WorkUnit) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, SplitError> {
        let too_many = || SplitError::TooManyUnits { path: self.file.path.clone() };
        let records = self.unit.records();
        let next = WorkUnit {
            id: UnitId(self.unit.id.0.checked_add(1).ok_or_else(too_many)?),
            file: self.unit.file,
            first_ordinal: self.unit.first_ordinal + records,
            first_record: self.unit.first_record + records,
            chunks: Vec::new(),
        };
        self.totals.records += records;
        self.totals.bytes += self.unit.bytes();
        self.totals.units += 1;
        self.held = 0;
        Ok(emit(std::mem::replace(&mut self.unit, next)))
    }
}
