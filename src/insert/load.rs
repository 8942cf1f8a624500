//! A unit and its chunks while they are loaded: counts of what became of each record, and the unit's end.
//!
//! A record is settled once: written or rejected. When all of a unit's records are settled and its rejects are flushed, the
//! unit is done and only then reported; so a unit that is reported has lost nothing, and one that is cut short is never reported.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::halt::Halt;
use crate::control::message::{FailureKind, UnitCounts, UnitReport};
use crate::format::record::RecordBatch;
use crate::plan::unit::{Chunk, WorkUnit};
use crate::reject::part::PartWriter;
use crate::reject::{Fault, RejectCode, RejectReason};

/// How many records the worker may reject before it waits for the coordinator's verdict.
#[derive(Debug)]
pub struct RejectBrake {
    limit: u64,
    rejected: AtomicU64,
}

impl RejectBrake {
    /// A brake that stops the worker at the reject after `limit`.
    pub fn new(limit: u64) -> Self {
        RejectBrake { limit, rejected: AtomicU64::new(0) }
    }
}

/// What is called with the report of a unit that is done.
pub type OnDone = Box<dyn Fn(UnitReport) + Send + Sync>;

/// One attempt at a unit.
pub struct UnitLoad {
    /// The unit.
    pub unit: WorkUnit,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The input file's path, for rejects.
    path: String,
    halt: Arc<Halt>,
    brake: Arc<RejectBrake>,
    on_done: OnDone,
    rejects: Mutex<PartWriter>,
    bytes: AtomicU64,
    parsed: AtomicU64,
    written: AtomicU64,
    rejected: AtomicU64,
    retried: AtomicU64,
    unsettled: AtomicU64,
}

impl UnitLoad {
    /// Begins an attempt at `unit`. Rejects go to `rejects`; `on_done` is called once, when every record is settled.
    pub fn new(
        unit: WorkUnit,
        attempt: u32,
        path: String,
        rejects: PartWriter,
        halt: Arc<Halt>,
        brake: Arc<RejectBrake>,
        on_done: OnDone,
    ) -> Self {
        let unsettled = AtomicU64::new(unit.records());
        UnitLoad {
            unit,
            attempt,
            path,
            halt,
            brake,
            on_done,
            rejects: Mutex::new(rejects),
            bytes: AtomicU64::new(0),
            parsed: AtomicU64::new(0),
            written: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            unsettled,
        }
    }

    /// What became of the unit so far.
    pub fn counts(&self) -> UnitCounts {
        let written = self.written.load(Ordering::Relaxed);
        let rejected = self.rejected.load(Ordering::Relaxed);
        UnitCounts {
            bytes: self.bytes.load(Ordering::Relaxed),
            records: written + rejected,
            // Read after the rejects, so that it counts the records that they are among.
            parsed: self.parsed.load(Ordering::Acquire),
            written,
            rejected,
            retried: self.retried.load(Ordering::Relaxed),
        }
    }

    /// Whether every record is written or rejected.
    pub fn is_settled(&self) -> bool {
        self.unsettled.load(Ordering::Acquire) == 0
    }

    /// Puts a record into the reject files; false where they cannot be written: the record is not settled then.
    fn reject(&self, reason: &RejectReason, raw: &[u8]) -> bool {
        let written = self.rejects.lock().unwrap_or_else(PoisonError::into_inner).write(reason, raw);
        if let Err(error) = written {
            self.halt.fail(FailureKind::Output, error.to_string());
            return false;
        }
        self.rejected.fetch_add(1, Ordering::Relaxed);
        if self.brake.rejected.fetch_add(1, Ordering::Relaxed) >= self.brake.limit {
            self.halt.stop();
        }
        true
    }

    fn settle(&self, records: u64) {
        if self.unsettled.fetch_sub(records, Ordering::AcqRel) != records {
            return;
        }
        if let Err(error) = self.finish_rejects() {
            self.halt.fail(FailureKind::Output, error.to_string());
            return;
        }
        (self.on_done)(UnitReport { unit: self.unit.id, attempt: self.attempt, counts: self.counts() });
    }

    /// Flushes the reject files to disk.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn finish_rejects(&self) -> Result<(), crate::reject::RejectError> {
        self.rejects.lock().unwrap_or_else(PoisonError::into_inner).finish()
    }
}

impl std::fmt::Debug for UnitLoad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnitLoad").field("unit", &self.unit.id).field("counts", &self.counts()).finish()
    }
}

/// A chunk whose records are being loaded.
#[derive(Debug)]
pub struct ChunkLoad {
    unit: Arc<UnitLoad>,
    chunk: Chunk,
    /// The number in the file, from 1, of the chunk's first record.
    first_record: u64,
    records: RecordBatch,
    unsettled: AtomicU64,
    /// Given back when the chunk's bytes are no longer needed.
    _memory: MemoryLease,
}

/// Gives memory back when it is dropped.
pub type MemoryLease = Box<dyn std::any::Any + Send + Sync>;

impl ChunkLoad {
    /// The load of one chunk of `unit` whose first record is number `first_record` of the file (from 1).
    pub fn new(
        unit: Arc<UnitLoad>,
        chunk: Chunk,
        first_record: u64,
        records: RecordBatch,
        memory: MemoryLease,
    ) -> Self {
        let unsettled = AtomicU64::new(chunk.records);
        unit.parsed.fetch_add(chunk.records, Ordering::Release);
        ChunkLoad { unit, chunk, first_record, records, unsettled, _memory: memory }
    }

    /// The chunk's records.
    pub fn records(&self) -> &RecordBatch {
        &self.records
    }

    /// Tells that the chunk holds no record, so that its bytes are done.
    pub fn nothing_to_settle(&self) {
        self.unit.bytes.fetch_add(self.chunk.len, Ordering::Relaxed);
    }

    /// Tells that `rows` rows are acknowledged.
    pub fn written(&self, rows: u64) {
        self.unit.written.fetch_add(rows, Ordering::Relaxed);
        self.settle(rows);
    }

    /// Tells that a request was sent again.
    pub fn retried(&self) {
        self.unit.retried.fetch_add(1, Ordering::Relaxed);
    }

    /// Rejects the record at `index` of the chunk. Does nothing once the worker is stopped: the unit will be tried again.
    pub fn reject(&self, index: u32, fault: &Fault) {
        if self.unit.halt.is_stopped() {
            return;
        }
        let Some(record) = self.records.get(index as usize) else { return };
        let reason = RejectReason {
            file: self.unit.path.clone(),
            line: self.chunk.line + record.line_offset(),
            offset: self.chunk.start + record.offset(),
            bytes: record.raw().len() as u64,
            record: self.first_record + u64::from(index),
            column: fault.column.clone(),
            value: fault.value.as_deref().map(|value| String::from_utf8_lossy(value).into_owned()),
            code: fault.code,
            message: fault.message.clone(),
        };
        if self.unit.reject(&reason, record.raw()) {
            self.settle(1);
        }
    }

    /// Rejects the record at `index` because the server refused it for its content.
    pub fn refused(&self, index: u32, message: String) {
        self.reject(index, &Fault { code: RejectCode::RefusedByServer, column: None, value: None, message });
    }

    fn settle(&self, records: u64) {
        if self.unsettled.fetch_sub(records, Ordering::AcqRel) == records {
            self.unit.bytes.fetch_add(self.chunk.len, Ordering::Relaxed);
        }
        self.unit.settle(records);
    }
}
