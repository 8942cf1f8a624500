//! The work unit: a piece of one input file whose record boundaries are proved, the thing handed to a worker.
//! It is the key by which the assignment, the rejects and the report speak of work.

use serde::{Deserialize, Serialize};

/// The number of a unit in its job, counted from 0 in file order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitId(pub u32);

impl std::fmt::Display for UnitId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an input file in its job, counted from 0 in the order in which the files were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// A piece of a unit that is read and parsed at once. It begins between records and ends where the next chunk (or the unit)
/// begins, so it holds whole records only; empty lines and comments may be all it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Offset in the file of the chunk's first byte.
    pub start: u64,
    /// Length in bytes.
    pub len: u64,
    /// How many records the chunk holds.
    pub records: u64,
    /// The line of the chunk's first byte, counted from 1 by `\n` bytes.
    pub line: u64,
}

/// A contiguous range of whole records of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkUnit {
    /// Which unit of the job.
    pub id: UnitId,
    /// Which input file.
    pub file: FileId,
    /// The ordinal in the job (over all files, from 0) of the unit's first record: what its write time is made of.
    pub first_ordinal: u64,
    /// The number in the file (from 1, without the header) of the unit's first record: what rejects name.
    pub first_record: u64,
    /// The unit's chunks, contiguous and in order; never empty.
    pub chunks: Vec<Chunk>,
}

impl WorkUnit {
    /// Length of the unit in bytes.
    pub fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len).sum()
    }

    /// How many records the unit holds, as proved by the scan.
    pub fn records(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.records).sum()
    }

    /// How many chunks the unit has.
    pub fn chunk_count(&self) -> u32 {
        // A unit is made of chunks of its own size or of 256 KiB, so that there are far fewer.
        u32::try_from(self.chunks.len()).unwrap_or(u32::MAX)
    }

    /// What is left of the unit after its first `chunks` chunks, under the same number; `None` if that is nothing.
    pub fn after(&self, chunks: u32) -> Option<WorkUnit> {
        let (gone, rest) = self.chunks.split_at_checked(chunks as usize)?;
        let records: u64 = gone.iter().map(|chunk| chunk.records).sum();
        (!rest.is_empty()).then(|| WorkUnit {
            first_ordinal: self.first_ordinal + records,
            first_record: self.first_record + records,
            chunks: rest.to_vec(),
            ..*self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_unit_begins_with_the_record_after_those_that_are_gone() {
        let chunk =
            |index: u64, records| Chunk { start: 100 + index * 10, len: 10, records, line: 1 + index };
        let chunks = vec![chunk(0, 3), chunk(1, 0), chunk(2, 5)];
        let unit = WorkUnit { id: UnitId(7), file: FileId(1), first_ordinal: 40, first_record: 21, chunks };
        let left = |chunks| {
            let left = unit.after(chunks)?;
            assert_eq!((left.id, left.file), (unit.id, unit.file));
            Some((left.first_ordinal, left.first_record, left.records(), left.bytes()))
        };
        assert_eq!(left(0), Some((40, 21, 8, 30)));
        assert_eq!(left(1), Some((43, 24, 5, 20)));
        assert_eq!(left(2), Some((43, 24, 5, 10)));
        assert_eq!(left(3), None);
        assert_eq!(left(4), None);
    }
}
