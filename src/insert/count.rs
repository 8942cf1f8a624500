//! The engine that writes nothing: for dry runs, and for measuring everything before the last stage.

use crossbeam_channel::Receiver;

use super::engine::{BoundBatch, Engine};
use crate::control::message::WorkerTotals;

/// Counts rows as written.
#[derive(Debug, Default)]
pub struct CountEngine;

impl Engine for CountEngine {
    fn run(&self, feed: Receiver<BoundBatch>) -> WorkerTotals {
        for batch in feed {
            batch.chunk.written(batch.rows.len() as u64);
        }
        WorkerTotals::default()
    }
}
