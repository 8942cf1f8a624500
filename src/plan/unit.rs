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
}
