//! The seam of the last stage: bound rows go in, each row's outcome is told to the chunk that it came from.

use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::load::ChunkLoad;
use crate::control::message::WorkerTotals;

/// A row ready for an engine.
#[derive(Debug)]
pub struct BoundRow<R> {
    /// Its record's place in the chunk.
    pub record: u32,
    /// When it is written, in microseconds since 1970-01-01T00:00:00Z.
    pub write_time_us: i64,
    /// The row as the engine wants it.
    pub row: R,
}

/// The rows of one chunk.
#[derive(Debug)]
pub struct BoundBatch<R> {
    /// Where their outcomes go.
    pub chunk: Arc<ChunkLoad>,
    /// The rows, in the order of the input.
    pub rows: Vec<BoundRow<R>>,
}

/// What writes rows.
pub trait Engine: Send + Sync + 'static {
    /// A row in this engine's form.
    type Row: Send + Sync + 'static;

    /// Makes a row from its encoded values (see [`crate::codec::row`]). Runs on the parser threads.
    ///
    /// # Errors
    /// A message: the values are not what the encoder promises, which is a bug.
    fn bind(&self, values: &[u8]) -> Result<Self::Row, String>;

    /// Writes every row of the feed and tells each one's outcome; returns when the feed has ended and every outcome is told,
    /// or soon after the worker is stopped.
    fn run(&self, feed: Receiver<BoundBatch<Self::Row>>) -> WorkerTotals;
}
