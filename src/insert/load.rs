//! A unit and its chunks while they are loaded: counts of what became of each record, and the unit's end.
//!
//! A record is settled once: written or rejected. A chunk whose records are all settled joins the unit's prefix when all chunks
//! before it have; what is told of a unit is its prefix, with the rejects in it on the disk. A unit whose prefix is all of it is done.
//! Tells nobody anything itself.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::halt::Halt;
use crate::control::message::{FailureKind, Prefix, UnitCounts, VerifyCounts};
use crate::format::record::{Record, RecordBatch};
use crate::plan::unit::{Chunk, FileId, WorkUnit};
use crate::reject::part::PartWriter;
use crate::reject::{Fault, RejectCode, RejectError, RejectReason};

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

/// Gives memory back when it is dropped.
pub type MemoryLease = Box<dyn std::any::Any + Send + Sync>;

/// What is called when a prefix has grown, from whichever thread has settled the last record: it must not wait.
pub type OnGrown = Box<dyn Fn(Unsaid) + Send + Sync>;

/// What there is to say of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsaid {
    /// Bytes of the prefix that have not been taken to be said.
    pub bytes: u64,
    /// Whether the unit is done.
    pub done: bool,
}

/// The prefix as it was when it was taken to be said. What its chunks held back of the memory is given back when this is dropped:
/// that is to be after it was said.
pub struct Saying {
    /// How far the unit is settled.
    pub prefix: Prefix,
    /// Whether that is all of it.
    pub done: bool,
    /// Whether the prefix has grown since it was taken last.
    pub is_new: bool,
    /// Whether it has rejects that it had not then.
    pub has_new_rejects: bool,
    _memory: Vec<MemoryLease>,
}

/// One attempt at a unit, or at what earlier attempts left of it.
pub struct UnitLoad {
    /// The unit.
    pub unit: WorkUnit,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The input file's path, for rejects.
    path: String,
    halt: Arc<Halt>,
    brake: Arc<RejectBrake>,
    on_grown: OnGrown,
    rejects: Mutex<PartWriter>,
    bytes: AtomicU64,
    parsed: AtomicU64,
    written: AtomicU64,
    rejected: AtomicU64,
    /// Of these, those whose records are not bad.
    aside: AtomicU64,
    retried: AtomicU64,
    verify: VerifyTally,
    progress: Mutex<Progress>,
}

/// Counts of a verification while it goes on.
#[derive(Debug, Default)]
struct VerifyTally {
    superseded: AtomicU64,
    expired: AtomicU64,
    not_sampled: AtomicU64,
    passed_over: AtomicU64,
}

impl VerifyTally {
    fn add(&self, counts: &VerifyCounts) {
        self.superseded.fetch_add(counts.superseded, Ordering::Relaxed);
        self.expired.fetch_add(counts.expired, Ordering::Relaxed);
        self.not_sampled.fetch_add(counts.not_sampled, Ordering::Relaxed);
        self.passed_over.fetch_add(counts.passed_over, Ordering::Relaxed);
    }

    fn counts(&self) -> VerifyCounts {
        VerifyCounts {
            superseded: self.superseded.load(Ordering::Relaxed),
            expired: self.expired.load(Ordering::Relaxed),
            not_sampled: self.not_sampled.load(Ordering::Relaxed),
            passed_over: self.passed_over.load(Ordering::Relaxed),
        }
    }
}

/// How far a unit is.
#[derive(Default)]
struct Progress {
    prefix: Prefix,
    /// The chunks after the prefix that are begun.
    begun: VecDeque<Begun>,
    /// The prefix as it was last taken to be said, and what the chunks hold that have come into it since.
    taken: Prefix,
    unsaid: Vec<MemoryLease>,
}

/// A chunk that is begun and not in the prefix.
struct Begun {
    memory: MemoryLease,
    settled: Option<Tally>,
}

/// What became of a chunk's records.
#[derive(Debug, Clone, Copy)]
struct Tally {
    written: u64,
    rejected: u64,
    aside: u64,
    verify: VerifyCounts,
}

impl Progress {
    /// Notes that the chunk at `index` of the unit is settled; whether the prefix has grown.
    fn settle(&mut self, index: u32, tally: Tally, chunks: &[Chunk]) -> bool {
        let before = self.prefix.chunks;
        if let Some(begun) = self.begun.get_mut(index.wrapping_sub(before) as usize) {
            begun.settled = Some(tally);
        }
        while let Some(&Begun { settled: Some(tally), .. }) = self.begun.front()
            && let Some(chunk) = chunks.get(self.prefix.chunks as usize)
        {
            self.prefix.chunks += 1;
            self.prefix.records += chunk.records;
            self.prefix.bytes += chunk.len;
            self.prefix.written += tally.written;
            self.prefix.rejected += tally.rejected;
            self.prefix.aside += tally.aside;
            self.prefix.verify += tally.verify;
            self.unsaid.extend(self.begun.pop_front().map(|begun| begun.memory));
        }
        self.prefix.chunks > before
    }
}

impl UnitLoad {
    /// Begins an attempt at `unit`. Rejects go to `rejects`; `on_grown` is called whenever there is more to say.
    pub fn new(
        unit: WorkUnit,
        attempt: u32,
        path: String,
        rejects: PartWriter,
        halt: Arc<Halt>,
        brake: Arc<RejectBrake>,
        on_grown: OnGrown,
    ) -> Self {
        UnitLoad {
            unit,
            attempt,
            path,
            halt,
            brake,
            on_grown,
            rejects: Mutex::new(rejects),
            bytes: AtomicU64::new(0),
            parsed: AtomicU64::new(0),
            written: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            aside: AtomicU64::new(0),
            retried: AtomicU64::new(0),
            verify: VerifyTally::default(),
            progress: Mutex::default(),
        }
    }

    /// What became of the unit so far.
    pub fn counts(&self) -> UnitCounts {
        let written = self.written.load(Ordering::Relaxed);
        let rejected = self.rejected.load(Ordering::Acquire);
        // Read after the rejects that they are among, so that none of those counts as bad.
        let aside = self.aside.load(Ordering::Relaxed).min(rejected);
        UnitCounts {
            bytes: self.bytes.load(Ordering::Relaxed),
            records: written + rejected,
            // Read after the rejects, so that it counts the records that they are among.
            parsed: self.parsed.load(Ordering::Acquire),
            written,
            rejected,
            aside,
            retried: self.retried.load(Ordering::Relaxed),
            verify: self.verify.counts(),
        }
    }

    /// The unit's next chunk is begun: `memory` is given back when it is said that the chunk is settled.
    pub fn begin_chunk(&self, memory: MemoryLease) {
        self.progress().begun.push_back(Begun { memory, settled: None });
    }

    /// Takes the prefix to be said. Its rejects must be kept before (see [`UnitLoad::keep_rejects`]).
    pub fn take_prefix(&self) -> Saying {
        let mut progress = self.progress();
        let prefix = progress.prefix;
        let before = std::mem::replace(&mut progress.taken, prefix);
        Saying {
            prefix,
            done: self.is_done(&prefix),
            is_new: prefix.chunks > before.chunks,
            has_new_rejects: prefix.rejected > before.rejected,
            _memory: std::mem::take(&mut progress.unsaid),
        }
    }

    /// Brings all rejects so far to the disk, so that those of a prefix that was taken before are there.
    ///
    /// # Errors
    /// The reject files cannot be written.
    pub fn keep_rejects(&self) -> Result<(), RejectError> {
        let unsynced = self.rejects.lock().unwrap_or_else(PoisonError::into_inner).flush()?;
        // Not under the lock: whoever rejects a record meanwhile must not wait for the disk.
        unsynced.map_or(Ok(()), |unsynced| unsynced.sync())
    }

    /// Puts a record into the reject files; false where they cannot be written: the record is not settled then.
    fn reject(&self, reason: &RejectReason, raw: &[u8]) -> bool {
        let written = self.rejects.lock().unwrap_or_else(PoisonError::into_inner).write(reason, raw);
        if let Err(error) = written {
            self.halt.fail(FailureKind::Output, error.to_string());
            return false;
        }
        let is_aside = reason.code.is_aside();
        self.aside.fetch_add(u64::from(is_aside), Ordering::Relaxed);
        self.rejected.fetch_add(1, Ordering::Release);
        if is_aside {
            return true;
        }
        if self.brake.rejected.fetch_add(1, Ordering::Relaxed) >= self.brake.limit {
            self.halt.stop();
        }
        true
    }

    fn settle(&self, index: u32, tally: Tally) {
        let mut progress = self.progress();
        if !progress.settle(index, tally, &self.unit.chunks) {
            return;
        }
        let bytes = progress.prefix.bytes - progress.taken.bytes;
        let unsaid = Unsaid { bytes, done: self.is_done(&progress.prefix) };
        drop(progress);
        (self.on_grown)(unsaid);
    }

    fn is_done(&self, prefix: &Prefix) -> bool {
        prefix.chunks as usize == self.unit.chunks.len()
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Its place in the unit.
    index: u32,
    chunk: Chunk,
    /// The number in the file, from 1, of the chunk's first record.
    first_record: u64,
    records: RecordBatch,
    unsettled: AtomicU64,
    written: AtomicU64,
    rejected: AtomicU64,
    aside: AtomicU64,
    verify: VerifyTally,
}

impl ChunkLoad {
    /// The load of the chunk at `index` of `unit`, whose first record is number `first_record` of the file (from 1). One without
    /// records is settled at once.
    pub fn new(
        unit: Arc<UnitLoad>,
        index: u32,
        chunk: Chunk,
        first_record: u64,
        records: RecordBatch,
    ) -> Self {
        unit.parsed.fetch_add(chunk.records, Ordering::Release);
        let load = ChunkLoad {
            unit,
            index,
            chunk,
            first_record,
            records,
            unsettled: AtomicU64::new(chunk.records),
            written: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            aside: AtomicU64::new(0),
            verify: VerifyTally::default(),
        };
        if chunk.records == 0 {
            load.settled();
        }
        load
    }

    /// The chunk's records.
    pub fn records(&self) -> &RecordBatch {
        &self.records
    }

    /// The line of a record's first byte in the file, from 1.
    pub fn line_of(&self, record: Record<'_>) -> u64 {
        self.chunk.line + record.line_offset()
    }

    /// A record's number in the file, from 1.
    pub fn number_of(&self, record: Record<'_>) -> u64 {
        self.first_record + record.index() as u64
    }

    /// Tells that `rows` rows are acknowledged.
    pub fn written(&self, rows: u64) {
        self.unit.written.fetch_add(rows, Ordering::Relaxed);
        self.written.fetch_add(rows, Ordering::Relaxed);
        self.settle(rows);
    }

    /// Tells that `records` records are settled in a verification that is not to find them the same: they count as written, and
    /// as what `counts` says.
    pub fn set_aside(&self, records: u64, counts: VerifyCounts) {
        self.unit.verify.add(&counts);
        self.verify.add(&counts);
        self.written(records);
    }

    /// The input file.
    pub fn file(&self) -> FileId {
        self.unit.unit.file
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
        let raw = record.raw();
        let reason = RejectReason {
            file: self.unit.path.clone(),
            line: self.line_of(record),
            offset: self.chunk.start + record.offset(),
            bytes: raw.len() as u64,
            record: self.number_of(record),
            column: fault.column.clone(),
            value: fault.value.as_deref().map(|value| String::from_utf8_lossy(value).into_owned()),
            code: fault.code,
            message: fault.message.clone(),
        };
        if self.unit.reject(&reason, &raw) {
            self.rejected.fetch_add(1, Ordering::Relaxed);
            self.aside.fetch_add(u64::from(fault.code.is_aside()), Ordering::Relaxed);
            self.settle(1);
        }
    }

    /// Rejects the record at `index` because the server refused it for its content.
    pub fn refused(&self, index: u32, message: String) {
        self.reject(index, &Fault { code: RejectCode::RefusedByServer, column: None, value: None, message });
    }

    /// Tells that nobody knows whether the record at `index` was written, which must not be sent again.
    pub fn in_doubt(&self, index: u32, why: &str) {
        let message = format!(
            "it was sent, and nobody knows whether it was written: {why}; look whether it was, and load it again if not"
        );
        self.reject(index, &Fault { code: RejectCode::Uncertain, column: None, value: None, message });
    }

    /// Tells that the condition of the record at `index` did not hold, and what was found instead.
    pub fn not_applied(&self, index: u32, found: &str) {
        let found = if found.is_empty() { String::new() } else { format!("; the row has {found}") };
        let message = format!("the condition does not hold{found}");
        self.reject(index, &Fault { code: RejectCode::NotApplied, column: None, value: None, message });
    }

    fn settle(&self, records: u64) {
        // Whoever settles the last record sees what all others have counted.
        if self.unsettled.fetch_sub(records, Ordering::AcqRel) == records {
            self.settled();
        }
    }

    fn settled(&self) {
        self.unit.bytes.fetch_add(self.chunk.len, Ordering::Relaxed);
        let written = self.written.load(Ordering::Relaxed);
        let rejected = self.rejected.load(Ordering::Relaxed);
        let aside = self.aside.load(Ordering::Relaxed);
        self.unit.settle(self.index, Tally { written, rejected, aside, verify: self.verify.counts() });
    }
}

#[cfg(test)]
mod tests;
