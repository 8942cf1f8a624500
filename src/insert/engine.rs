//! The seam of the last stage: encoded rows go in, each row's outcome is told to the chunk that it came from.

use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::load::ChunkLoad;
use crate::control::message::WorkerTotals;

/// A row ready for an engine: what is to be known of it beside its values.
#[derive(Debug, Clone, Copy)]
pub struct BoundRow {
    /// Its record's place in the chunk.
    pub record: u32,
    /// Where its values begin in those of the batch; they end where the next row's begin.
    pub start: u32,
    /// When it is written, in microseconds since 1970-01-01T00:00:00Z.
    pub write_time_us: i64,
    /// The token of its partition, where the engine wants to know it.
    pub token: i64,
}

/// The rows of one chunk.
#[derive(Debug)]
pub struct BoundBatch {
    /// Where their outcomes go.
    pub chunk: Arc<ChunkLoad>,
    /// The values of all of them, each row as [`crate::codec::row`] encodes it.
    pub values: Vec<u8>,
    /// The rows, in the order of the input.
    pub rows: Vec<BoundRow>,
    /// How much of the worker's memory the chunk holds until it is settled, in bytes of input.
    pub held_bytes: u64,
}

/// One row of a batch.
#[derive(Debug, Clone, Copy)]
pub struct RowRef<'a> {
    /// Its record's place in the chunk.
    pub record: u32,
    /// When it is written, in microseconds since 1970-01-01T00:00:00Z.
    pub write_time_us: i64,
    /// Its values as [`crate::codec::row`] encodes them.
    pub values: &'a [u8],
}

impl BoundBatch {
    /// The row at a place, if there is one.
    pub fn row(&self, at: usize) -> Option<RowRef<'_>> {
        let row = self.rows.get(at)?;
        let end = self.rows.get(at + 1).map_or(self.values.len(), |next| next.start as usize);
        let values = self.values.get(row.start as usize..end)?;
        Some(RowRef { record: row.record, write_time_us: row.write_time_us, values })
    }
}

/// What writes rows.
pub trait Engine: Send + Sync + 'static {
    /// The token of a row's partition, from its values, where this engine wants to know it. Runs on the parser threads.
    ///
    /// # Errors
    /// A message: the values are not what the encoder promises, which is a bug.
    fn token(&self, values: &[u8]) -> Result<i64, String> {
        let _ = values;
        Ok(0)
    }

    /// Writes every row of the feed and tells each one's outcome; returns when the feed has ended and every outcome is told,
    /// or soon after the worker is stopped.
    fn run(&self, feed: Receiver<BoundBatch>) -> WorkerTotals;
}
