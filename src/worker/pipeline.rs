//! THE data path for one unit: read -> parse -> encode -> (feed) -> insert.
//!
//! Chunks of a unit are loaded in parallel on the worker's rayon pool, and a unit begins while the last rows of the one before are
//! still in flight. What bounds it: a fixed number of bytes of input at once and of batches between parsing and inserting.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch as Columns;
use crossbeam_channel::Sender;

use super::desk::Desk;
use super::memory::MemoryBudget;
use crate::codec::row::{RecordPlace, RowEncoder};
use crate::control::message::{ATTEMPTS_MAX, FailureKind, JobSpec, VerifyCounts, VerifySpec};
use crate::format::Format;
use crate::format::json::keys::Keys;
use crate::format::reader::{ReadError, RecordReader};
use crate::format::record::RecordBatch;
use crate::insert::engine::{BoundBatch, BoundRow, Engine};
use crate::insert::halt::{Failure, PanicWatch};
use crate::insert::load::{ChunkLoad, RejectBrake, UnitLoad, Unsaid};
use crate::plan::discover::{InputError, InputFile};
use crate::plan::parquet::ParquetError;
use crate::plan::parquet::rows::Rows;
use crate::plan::source::Source;
use crate::plan::unit::{Chunk, FileId, WorkUnit};
use crate::reject::Fault;
use crate::reject::part::{PartFiles, PartWriter};
use crate::remote::object::Cut;
use crate::settings::WINDOW_BYTES_MAX;

/// Bytes of input that a worker has read and not told to be settled, at most, beside those of rows that wait for others
/// ([`Gathering::held_bytes`](crate::settings::Gathering::held_bytes)): as much is sent again when it dies. Rows in memory take about
/// four times as much. Enough rows of 20 KiB to keep the default number of requests in flight.
pub const MEMORY_BYTES: u64 = 8 << 20;
/// The same with the rows that wait, whatever the settings are.
pub const MEMORY_BYTES_MAX: u64 = MEMORY_BYTES + WINDOW_BYTES_MAX;
/// When there is so much to tell while memory is waited for, it is told at once. A small part of the whole, so that what is left
/// keeps the inserter busy; not so small that telling costs much.
const TELL_BYTES: u64 = MEMORY_BYTES / 8;
/// The rows of a chunk are in one buffer, whose places are 32 bits wide.
const TOO_LARGE: &str = "a chunk's rows take more than 4 GiB";
/// Why it is not known what became of a record that an earlier attempt had.
const CUT_SHORT: &str = "whoever was at it was stopped or has died";
/// Batches between the parser threads and the inserter. Small: what waits here could as well wait as a file.
pub const BATCHES_AHEAD: usize = 4;

/// A worker's way of loading units.
pub struct Pipeline<E: Engine> {
    shared: Arc<Shared<E>>,
    pool: rayon::ThreadPool,
    memory: Arc<MemoryBudget>,
    /// The file that was opened last: units come in file order.
    open: Option<(FileId, Arc<OpenInput>)>,
    brake: Arc<RejectBrake>,
}

/// What the tasks on the pool share.
struct Shared<E: Engine> {
    job: JobSpec,
    engine: Arc<E>,
    feed: Sender<BoundBatch>,
    desk: Arc<Desk>,
}

/// An input file that is open, and the way its records become rows.
struct OpenInput {
    source: Source,
    encoder: RowEncoder,
    format: Format,
    keys: Keys,
    /// Of a Parquet file: its rows.
    rows: Option<Rows>,
    /// Readers that no thread is using: there come to be as many as threads.
    readers: Mutex<Vec<RecordReader>>,
}

/// A chunk on its way.
struct ChunkTask {
    unit: Arc<UnitLoad>,
    /// Its place in the unit.
    index: u32,
    chunk: Chunk,
    /// How much of the memory it has.
    held_bytes: u64,
    bytes: ChunkBytes,
    open: Arc<OpenInput>,
    first_ordinal: u64,
    first_record: u64,
    /// By how much this attempt writes later than the records' first write times, in microseconds.
    later_us: i64,
    /// The records may have been sent by an earlier attempt, and must not be twice.
    in_doubt: bool,
}

/// Where a chunk's bytes are.
enum ChunkBytes {
    /// In a file that many threads may read at once.
    InFile,
    /// Here: the input can only be read in order.
    Read(Vec<u8>),
    /// Rows that are read already.
    Rows(Columns),
}

/// Why a chunk could not be loaded. Bad records are not among these: they are rejected and the chunk goes on.
#[derive(Debug, thiserror::Error)]
enum ChunkFailure {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("{}: bytes {start} to {end}: {source}", path.display())]
    Parse { path: PathBuf, start: u64, end: u64, source: ReadError },
    #[error(
        "{}: bytes {start} to {end} held {expected} records when they were scanned and hold {found} now: let the file's writer \
         finish, then load it again",
        path.display()
    )]
    Changed { path: PathBuf, start: u64, end: u64, expected: u64, found: u64 },
    #[error(transparent)]
    Rows(#[from] ParquetError),
    #[error("a row cannot be made: {0}; this is a bug")]
    Bind(String),
}

impl<E: Engine> Pipeline<E> {
    /// A pipeline that ends in `feed`.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn new(
        job: JobSpec,
        engine: Arc<E>,
        feed: Sender<BoundBatch>,
        desk: Arc<Desk>,
    ) -> Result<Self, Failure> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(job.threads)
            .thread_name(|index| format!("parse-{index}"))
            // A panic fails the worker (see `PanicWatch`); without a handler it would end the process without a word.
            .panic_handler(|_| ())
            .build()
            .map_err(|error| Failure { kind: FailureKind::Protocol, message: error.to_string() })?;
        let brake = Arc::new(RejectBrake::new(job.reject_limit.unwrap_or(u64::MAX)));
        let shared = Arc::new(Shared { job, engine, feed, desk });
        let wanted = Arc::clone(&shared.desk.gauges().memory_wanted);
        let memory = Arc::new(MemoryBudget::new(shared.job.memory_bytes(), wanted));
        Ok(Pipeline { shared, pool, memory, open: None, brake })
    }

    /// Brings a unit on its way; returns when its last chunk is, and reports the unit when its last record is settled.
    ///
    /// # Errors
    /// The input file cannot be opened or decompressed, or there is no write time left.
    pub fn load_unit(&mut self, unit: WorkUnit, attempt: u32, in_doubt: bool) -> Result<(), Failure> {
        let open = self.open(unit.file)?;
        let later_us = match &self.shared.job {
            JobSpec { verify: None, write_time, .. } => write_time
                .attempt_us(attempt)
                .ok_or_else(|| no_write_time_left(&unit, open.source.input()))?,
            JobSpec { verify: Some(_), .. } => 0,
        };
        if let (Some(Cut::Parts), Some(last)) =
            (open.source.input().remote.as_ref().map(|object| object.cut), unit.chunks.last())
        {
            open.source.set_end(last.start + last.len);
        }
        let (mut first_ordinal, mut first_record) = (unit.first_ordinal, unit.first_record);
        let load = Arc::new(self.begin(unit, attempt, open.source.input()));
        self.shared.desk.begin(Arc::clone(&load));
        for (index, &chunk) in (0..).zip(&load.unit.chunks) {
            let held_bytes = match &open.rows {
                Some(rows) => rows.bytes_of(first_record, chunk.records),
                None => self.shared.job.memory_of(chunk),
            };
            let memory = self.memory.take(held_bytes, || self.shared.may_wait());
            let Some(memory) = memory.filter(|_| !self.shared.desk.halt().is_stopped()) else { break };
            let Some(bytes) = self.shared.read_ahead(&open, chunk, first_record)? else { break };
            load.begin_chunk(Box::new(memory));
            let (unit, open) = (Arc::clone(&load), Arc::clone(&open));
            let task = ChunkTask {
                unit,
                index,
                chunk,
                held_bytes,
                bytes,
                open,
                first_ordinal,
                first_record,
                later_us,
                in_doubt,
            };
            first_ordinal += chunk.records;
            first_record += chunk.records;
            let shared = Arc::clone(&self.shared);
            self.pool.spawn_fifo(move || {
                let _watch = PanicWatch::new(shared.desk.halt(), "a parser thread");
                if let Err(failure) = shared.load_chunk(task) {
                    shared.desk.halt().fail(failure.kind(), failure.to_string());
                }
            });
        }
        Ok(())
    }

    /// No more units: the feed ends when the last chunk has gone through.
    pub fn finish(self) {
        drop(self);
    }

    fn begin(&self, unit: WorkUnit, attempt: u32, input: &InputFile) -> UnitLoad {
        let job = &self.shared.job;
        let path = input.path.display().to_string();
        let rejects = PartWriter::new(PartFiles::new(&job.rejects_dir, unit.id, job.run, attempt));
        let (memory, bell) = (Arc::clone(&self.memory), self.shared.desk.bell().clone());
        let on_grown = Box::new(move |unsaid: Unsaid| {
            if unsaid.done || (unsaid.bytes >= TELL_BYTES && memory.is_wanted()) {
                bell.ring();
            }
        });
        let halt = Arc::clone(self.shared.desk.halt());
        UnitLoad::new(unit, attempt, path, rejects, halt, Arc::clone(&self.brake), on_grown)
    }

    fn open(&mut self, id: FileId) -> Result<Arc<OpenInput>, Failure> {
        if let Some((known, open)) = &self.open
            && *known == id
        {
            return Ok(Arc::clone(open));
        }
        let job = &self.shared.job;
        let fail = |kind, message| Failure { kind, message };
        let spec = job.files.get(id.0 as usize).ok_or_else(|| {
            fail(FailureKind::Protocol, format!("a unit belongs to input file {}, which is unknown", id.0))
        })?;
        let source =
            Source::open(&spec.input).map_err(|error| fail(FailureKind::Input, error.to_string()))?;
        let format = job.format.decoded_from(spec.input.decoding);
        let mut encoder = RowEncoder::new(&job.row_plan, &spec.mapping, &job.nulls, job.codec.clone())
            .with_jagged(job.jagged)
            .with_charset(format.field_charset())
            .with_json(format.is_keyed());
        let keys = spec.mapping.keys.clone().unwrap_or_default();
        let rows = match job.format {
            Format::Parquet => {
                Some(Rows::open(&spec.input, &job.row_plan, &spec.mapping, job.codec.is_utc()))
            }
            Format::Csv(_) | Format::Ndjson(_) | Format::Json(_) => None,
        };
        let rows = rows.transpose().map_err(|error| fail(FailureKind::Input, error.to_string()))?;
        if let Some(rows) = &rows {
            encoder = encoder.with_made(rows.made());
        }
        let open = Arc::new(OpenInput { source, encoder, format, keys, rows, readers: Mutex::default() });
        self.open = Some((id, Arc::clone(&open)));
        Ok(open)
    }
}

impl OpenInput {
    fn reader(&self) -> RecordReader {
        let free = self.readers().pop();
        free.unwrap_or_else(|| RecordReader::new(&self.format, &self.keys))
    }

    fn readers(&self) -> MutexGuard<'_, Vec<RecordReader>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of the same record each attempt has write times of its own, and there are not many.
fn no_write_time_left(unit: &WorkUnit, input: &InputFile) -> Failure {
    let (first, last) = (unit.first_record, unit.first_record + unit.records().saturating_sub(1));
    let message = format!(
        "{}: records {first} to {last} were begun {ATTEMPTS_MAX} times; with a list that is not frozen there is no write time left \
         at which they could be sent again: begin anew with --restart",
        input.path.display()
    );
    Failure { kind: FailureKind::WriteTimes, message }
}

impl<E: Engine> Shared<E> {
    /// Whether it is worth waiting for memory. What has been settled and not told is holding some.
    fn may_wait(&self) -> bool {
        self.desk.bell().ring();
        !self.desk.halt().is_stopped()
    }

    /// A chunk's bytes or rows where the input can only be read in order; that is done here, forwards, one chunk at a time. `None` where
    /// the worker is to stop.
    fn read_ahead(
        &self,
        open: &OpenInput,
        chunk: Chunk,
        first_record: u64,
    ) -> Result<Option<ChunkBytes>, Failure> {
        let source = &open.source;
        if let Some(rows) = &open.rows {
            let read = rows.read(first_record, chunk.records).map(|rows| Some(ChunkBytes::Rows(rows)));
            return read.map_err(|error| Failure { kind: FailureKind::Input, message: error.to_string() });
        }
        if !source.is_sequential() {
            return Ok(Some(ChunkBytes::InFile));
        }
        if let Some(pipe) = source.pipe() {
            let gone = || Failure {
                kind: FailureKind::Input,
                message:
                    "standard input can be read only once, and a part of it has gone by: load all of it again"
                        .into(),
            };
            return pipe.take(chunk).map(|bytes| Some(ChunkBytes::Read(bytes))).ok_or_else(gone);
        }
        let mut go_on = || !self.desk.halt().is_stopped();
        let read = source.skip_to(chunk.start, &mut go_on).and_then(|_| {
            if !go_on() {
                return Ok(None);
            }
            let mut bytes = zeros(chunk.len);
            source.read_at(&mut bytes, chunk.start).map(|()| Some(ChunkBytes::Read(bytes)))
        });
        read.map_err(|error| Failure { kind: FailureKind::Input, message: error.to_string() })
    }

    /// One chunk, from its bytes to bound rows in the feed.
    fn load_chunk(&self, task: ChunkTask) -> Result<(), ChunkFailure> {
        let ChunkTask {
            unit,
            index,
            chunk,
            held_bytes,
            bytes,
            open,
            first_ordinal,
            first_record,
            later_us,
            in_doubt,
        } = task;
        let records = match (bytes, &open.rows) {
            (ChunkBytes::Rows(columns), Some(rows)) => rows.records(first_record, &columns)?,
            (bytes, _) => self.read(&open, chunk, bytes)?,
        };
        let chunk = Arc::new(ChunkLoad::new(unit, index, chunk, first_record, records));
        let (rows, values) = self.encode(&chunk, &open.encoder, first_ordinal, later_us)?;
        if in_doubt {
            rows.iter().for_each(|row| chunk.in_doubt(row.record, CUT_SHORT));
            return Ok(());
        }
        if !rows.is_empty() {
            // The inserter is gone only when the worker is stopping.
            let _ = self.feed.send(BoundBatch { chunk, values, rows, held_bytes });
        }
        Ok(())
    }

    fn read(&self, open: &OpenInput, chunk: Chunk, bytes: ChunkBytes) -> Result<RecordBatch, ChunkFailure> {
        let Chunk { start, len, records: expected, .. } = chunk;
        let source = &open.source;
        let bytes = match bytes {
            ChunkBytes::Read(bytes) => bytes,
            ChunkBytes::Rows(_) | ChunkBytes::InFile => {
                let mut bytes = zeros(len);
                source.read_at(&mut bytes, start)?;
                bytes
            }
        };
        // What was proved of the file holds only while nobody writes to it.
        source.check_unchanged()?;
        let (path, end) = (&source.input().path, start + len);
        let mut reader = open.reader();
        let records = reader.read(bytes).map_err(|source| ChunkFailure::Parse {
            path: path.clone(),
            start,
            end,
            source,
        })?;
        open.readers().push(reader);
        match records.len() as u64 {
            found if found == expected => Ok(records),
            found => Err(ChunkFailure::Changed { path: path.clone(), start, end, expected, found }),
        }
    }

    /// Encodes each record, all into one buffer; bad ones are rejected on the way.
    fn encode(
        &self,
        chunk: &Arc<ChunkLoad>,
        encoder: &RowEncoder,
        first_ordinal: u64,
        later_us: i64,
    ) -> Result<(Vec<BoundRow>, Vec<u8>), ChunkFailure> {
        let mut rows = Vec::with_capacity(chunk.records().len());
        let mut values = Vec::with_capacity(chunk.records().bytes.len());
        let mut aside = VerifyCounts::default();
        for (record, ordinal) in chunk.records().iter().zip(first_ordinal..) {
            if let Some(verify) = &self.job.verify
                && verify.leaves_out(ordinal, &mut aside)
            {
                continue;
            }
            let write_time_us = self.job.write_time.of(ordinal).saturating_add(later_us);
            let start = values.len();
            let line = chunk.line_of(record);
            let place = RecordPlace { write_time_us, line, number: chunk.number_of(record) };
            let encoded = match record.fault() {
                None => encoder.encode(record, place, &mut values),
                Some(fault) => Err(Box::new(fault.clone())),
            };
            match encoded {
                Ok(write_time_us) => {
                    let row = values.get(start..).unwrap_or_default();
                    let token = self.engine.token(row).map_err(ChunkFailure::Bind)?;
                    let start = u32::try_from(start).map_err(|_| ChunkFailure::Bind(TOO_LARGE.to_owned()))?;
                    rows.push(BoundRow { record: record.index() as u32, start, write_time_us, token });
                }
                Err(fault) => self.reject(chunk, record.index() as u32, &fault, &mut aside),
            }
        }
        if aside.total() > 0 {
            chunk.set_aside(aside.total(), aside);
        }
        Ok((rows, values))
    }

    /// Rejects a record that cannot be encoded; what the load before has rejected already is passed over.
    fn reject(&self, chunk: &ChunkLoad, record: u32, fault: &Fault, aside: &mut VerifyCounts) {
        match &self.job.verify {
            Some(VerifySpec { rejected: Some(_), .. }) => aside.passed_over += 1,
            _ => chunk.reject(record, fault),
        }
    }
}

/// Room for a chunk. The scan made the chunk, so it is no longer than a record may be and a chunk is.
fn zeros(len: u64) -> Vec<u8> {
    vec![0; usize::try_from(len).unwrap_or(usize::MAX)]
}

/// Bytes that a column takes which is not there, in a record's fields and in its row, in those of input: of which rows take four
/// times as much.
const ABSENT_BYTES: u64 = 4;

impl JobSpec {
    /// How much input may be in the worker's hands.
    fn memory_bytes(&self) -> u64 {
        let is_held = self.connection.is_some() && self.verify.is_none();
        MEMORY_BYTES + if is_held { self.gathering.held_bytes() } else { 0 }
    }

    /// How much of the memory a chunk is to be counted for: its length, but where records need not have their fields, at least what
    /// rows take of which nothing is set.
    fn memory_of(&self, chunk: Chunk) -> u64 {
        let absent = match self.format.is_keyed() {
            true => chunk.records * self.row_plan.columns.len() as u64 * ABSENT_BYTES,
            false => 0,
        };
        chunk.len.max(absent)
    }
}

impl VerifySpec {
    /// Whether the record with this ordinal is not to be looked at; counts it in `aside` then.
    fn leaves_out(&self, ordinal: u64, aside: &mut VerifyCounts) -> bool {
        let is_rejected = |rejected: &Vec<u64>| rejected.binary_search(&ordinal).is_ok();
        if !self.sample.takes(ordinal) {
            aside.not_sampled += 1;
            return true;
        }
        if self.rejected.as_ref().is_some_and(is_rejected) {
            aside.passed_over += 1;
            return true;
        }
        false
    }
}

impl ChunkFailure {
    fn kind(&self) -> FailureKind {
        match self {
            ChunkFailure::Input(_)
            | ChunkFailure::Parse { .. }
            | ChunkFailure::Changed { .. }
            | ChunkFailure::Rows(_) => FailureKind::Input,
            ChunkFailure::Bind(_) => FailureKind::Accounting,
        }
    }
}
