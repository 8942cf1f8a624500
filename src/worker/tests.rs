use super::*;
use crate::codec::CodecOptions;
use crate::codec::row::Jagged;
use crate::control::message::{FileSpec, Prefix, WriteTime};
use crate::format::Format;
use crate::insert::engine::BoundBatch;
use crate::plan::discover::discover;
use crate::plan::unit::{Chunk, FileId, UnitId};
use crate::schema::mapping::FieldMapping;
use crate::schema::statement::insert_statement;
use crate::schema::table::{Column, ColumnRole};
use crate::schema::types::CqlType;
use crate::settings::{BatchMode, Gathering, RemoteSettings, TableName};
use pipeline::MEMORY_BYTES;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Mutex;

const RECORD_BYTES: u64 = 16 << 10;
const CHUNK_RECORDS: u64 = 16;
const UNIT_CHUNKS: u64 = 40;
const UNITS: u64 = 3;

/// Listens to a worker, and keeps what it has told.
#[derive(Clone, Default)]
struct Listener {
    /// What is settled of each unit.
    told: Arc<Mutex<BTreeMap<UnitId, Prefix>>>,
    done: Arc<Mutex<Vec<UnitId>>>,
}

impl Listener {
    fn told_bytes(&self) -> u64 {
        self.told.lock().unwrap().values().map(|prefix| prefix.bytes).sum()
    }
}

impl Write for Listener {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut told = self.told.lock().unwrap();
        match serde_json::from_slice(line).unwrap() {
            FromWorker::Progress { unit, prefix, counts, .. } => {
                let before = told.insert(unit, prefix).unwrap_or_default();
                assert!(before.chunks <= prefix.chunks, "{before:?} {prefix:?}");
                assert!(prefix.records <= counts.records && prefix.rejected == 0);
                assert_eq!(prefix.bytes, u64::from(prefix.chunks) * CHUNK_RECORDS * RECORD_BYTES);
            }
            FromWorker::UnitDone { report } => {
                assert_eq!(report.counts.records, UNIT_CHUNKS * CHUNK_RECORDS);
                told.insert(report.unit, Prefix { bytes: report.counts.bytes, ..Prefix::default() });
                self.done.lock().unwrap().push(report.unit);
            }
            FromWorker::UnitStarted { .. } => (),
            other => panic!("{other:?}"),
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends rows in its head, and has them acknowledged late and in any order: the first of those that are under way last.
struct Sluggish {
    listener: Listener,
    /// The most bytes that were sent and not told.
    untold_peak: Arc<Mutex<u64>>,
}

impl Engine for Sluggish {
    fn run(&self, feed: Receiver<BoundBatch>) -> WorkerTotals {
        let mut sent = 0;
        let mut under_way: Vec<BoundBatch> = Vec::new();
        loop {
            match feed.recv_timeout(Duration::from_millis(1)) {
                Ok(batch) => {
                    sent += batch.rows.len() as u64 * RECORD_BYTES;
                    let mut peak = self.untold_peak.lock().unwrap();
                    *peak = (sent - self.listener.told_bytes()).max(*peak);
                    under_way.push(batch);
                }
                // Nothing more comes before something is acknowledged.
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(batch) = under_way.pop() {
                        batch.chunk.written(batch.rows.len() as u64);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        for batch in under_way {
            batch.chunk.written(batch.rows.len() as u64);
        }
        WorkerTotals::default()
    }
}

/// A file of whole units, whose records are all of one length.
fn write_file(path: &Path) {
    let record = |number: u64| {
        let mut record = format!("{number:08},");
        record.extend(std::iter::repeat_n('x', RECORD_BYTES as usize - record.len() - 1));
        record + "\n"
    };
    let file: String = (0..UNITS * UNIT_CHUNKS * CHUNK_RECORDS).map(record).collect();
    std::fs::write(path, file).unwrap();
}

fn unit(id: u64) -> WorkUnit {
    let len = CHUNK_RECORDS * RECORD_BYTES;
    let first = id * UNIT_CHUNKS * CHUNK_RECORDS;
    let chunk = |index| Chunk {
        start: first * RECORD_BYTES + index * len,
        len,
        records: CHUNK_RECORDS,
        line: 1 + first + index * CHUNK_RECORDS,
    };
    WorkUnit {
        id: UnitId(id as u32),
        file: FileId(0),
        first_ordinal: first,
        first_record: first + 1,
        chunks: (0..UNIT_CHUNKS).map(chunk).collect(),
    }
}

fn job(file: &Path) -> JobSpec {
    let table = TableName { keyspace: "k".into(), table: "t".into() };
    let column = |name: &str, cql_type, role| Column { name: name.into(), cql_type, role };
    let columns = [
        column("id", CqlType::Int, ColumnRole::PartitionKey),
        column("note", CqlType::Text, ColumnRole::Regular),
    ];
    JobSpec {
        connection: None,
        row_plan: insert_statement(&table, &columns, None),
        table,
        files: vec![FileSpec {
            input: discover(&[file.to_path_buf()]).unwrap().remove(0),
            mapping: FieldMapping { field_count: 2, fields: vec![0, 1], ..FieldMapping::default() },
            header: Vec::new(),
        }],
        format: Format::default(),
        nulls: Vec::new(),
        jagged: Jagged::default(),
        codec: CodecOptions::DEFAULT,
        write_time: WriteTime::Constant(1),
        threads: 2,
        in_flight: 1,
        gathering: Gathering { mode: BatchMode::Off, ..Gathering::default() },
        connections: None,
        retry_for: Duration::ZERO,
        run: 1,
        rejects_dir: "never-made".into(),
        reject_limit: None,
        verify: None,
        remote: RemoteSettings::default(),
    }
}

#[test]
fn a_worker_never_has_sent_more_than_its_memory_beyond_what_it_has_told() {
    let tmp = tempfile::tempdir().unwrap();
    let file = tmp.path().join("in.csv");
    write_file(&file);
    let (listener, untold_peak) = (Listener::default(), Arc::new(Mutex::new(0)));
    let halt = Arc::new(Halt::default());
    let desk = Arc::new(Desk::new(listener.clone(), Arc::clone(&halt)));
    let (to_inbox, inbox) = bounded(INBOX_MESSAGES);
    for id in 0..UNITS {
        to_inbox.send(ToWorker::Unit { unit: unit(id), attempt: 1, in_doubt: false }).unwrap();
    }
    to_inbox.send(ToWorker::Finish).unwrap();
    let engine = Sluggish { listener: listener.clone(), untold_peak: Arc::clone(&untold_peak) };
    load(job(&file), engine, &inbox, &desk).unwrap();
    assert_eq!(halt.failure(), None);
    let mut done = listener.done.lock().unwrap().clone();
    done.sort_unstable();
    assert_eq!(done, (0..UNITS as u32).map(UnitId).collect::<Vec<_>>());
    let peak = *untold_peak.lock().unwrap();
    assert!(peak <= MEMORY_BYTES, "{peak} bytes were sent and not told");
    assert!(peak > MEMORY_BYTES / 2, "and it is made use of: {peak}");
}

/// The coordinator's side: to a worker that is hungry it has nothing to give.
struct Stingy(crossbeam_channel::Sender<ToWorker>);

impl Write for Stingy {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if matches!(serde_json::from_slice(line).unwrap(), FromWorker::Hungry) {
            self.0.send(ToWorker::LetGo).unwrap();
            self.0.send(ToWorker::Finish).unwrap();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_worker_whose_rows_wait_for_others_asks_for_more_and_is_told_if_there_is_none() {
    let (to_inbox, inbox) = bounded(INBOX_MESSAGES);
    let desk = Desk::new(Stingy(to_inbox), Arc::default());
    desk.gauges().hungry.store(true, Ordering::Relaxed);
    assert_eq!(next_unit(&inbox, &desk).unwrap(), None);
    assert!(desk.gauges().let_go.load(Ordering::Relaxed) && !desk.gauges().hungry.load(Ordering::Relaxed));
}
