//! What a node takes at most: the requests of a load, made beforehand with the library's own code, and then only sent. What `ringload load` gets
//! of that is what its reading, parsing and bookkeeping leave. `scripts/bench ceiling` runs both in turns.
//! Holds the whole file in memory, retries nothing, and ends with the first error.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its results and its errors")]

use std::error::Error;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use ringload::clock::Clock;
use ringload::codec::CodecOptions;
use ringload::codec::row::{RecordPlace, RowEncoder};
use ringload::control::message::WriteTime;
use ringload::format::Format;
use ringload::format::csv::dialect::Dialect;
use ringload::format::csv::reader::ChunkReader;
use ringload::insert::encoded::StampedRow;
use ringload::insert::gather::{Arrival, Gather, GroupKey, Limits, WindowSize};
use ringload::insert::prospect::Prospect;
use ringload::insert::request::{Insert, Request};
use ringload::plan::beginning::read_beginning;
use ringload::plan::discover::{InputFile, discover};
use ringload::plan::header::{Header, HeaderNames};
use ringload::plan::split::{CHUNK_BYTES, SplitSettings, SplitStart, WHOLE_CHUNKS_MAX, split};
use ringload::plan::unit::{Chunk, UnitId};
use ringload::schema::mapping::{FieldMapping, FileFields, MappingRules, plan_files};
use ringload::schema::prepare::prepare_insert;
use ringload::schema::statement::{RowPlan, Stamp, insert_statement};
use ringload::schema::table::read_table;
use ringload::session::connect::{PoolShape, connect};
use ringload::settings::{
    BatchMode, ConnectionSettings, ConsistencyLevel, FrameCompression, NullAs, SerialConsistencyLevel,
    TableName,
};
use scylla::client::session::Session;
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;
use tokio::runtime::{Builder, Runtime};

const USAGE: &str = "usage: ceiling --hosts HOST:PORT -t KEYSPACE.TABLE [OPTIONS] FILE.csv
  --null TEXT      what stands for null besides nothing
  --batch MODE     as ringload load has it: auto, partition, replica (of a single node: any rows), off (auto)
  --window ROWS    how far apart rows may be that go together (262144)
  --sessions N     sessions, each with one connection and one thread of the driver (the cores)
  --in-flight N    requests in flight of each session (256)
";

/// Ticks of `/proc`'s CPU times, the same on all Linux machines.
const TICKS_A_SECOND: f64 = 100.0;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

struct Options {
    hosts: String,
    table: TableName,
    file: PathBuf,
    null: Option<String>,
    mode: BatchMode,
    window: WindowSize,
    sessions: usize,
    in_flight: usize,
}

/// What goes into one request at most, as in `insert::bridge`.
const PARTITION: Limits = Limits { rows: 128, weight: 64 << 10, tokens: usize::MAX };
const REPLICAS: Limits = Limits { rows: 128, weight: 5 << 10, tokens: 10 };
/// What a row weighs besides its values, on a guess.
const ROW_WEIGHT: usize = 32;

/// A row in the encoder's form.
struct Row {
    values: Box<[u8]>,
    /// Its partition's.
    token: i64,
    /// Bytes of its record.
    record_bytes: u64,
}

/// What is sent at once.
enum Packet {
    Row(BoundStatement),
    Rows(Vec<Box<[u8]>>),
}

fn main() -> ExitCode {
    let Some(options) = parse(std::env::args().skip(1)) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ceiling: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Options> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (mut hosts, mut table, mut file, mut null) = (None, None, None, None);
    let (mut mode, mut window, mut sessions, mut in_flight) =
        (BatchMode::Auto, WindowSize { rows: 262_144, bytes: 32 << 20 }, cores, 256);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--hosts" => hosts = words.next(),
            "-t" => table = words.next(),
            "--null" => null = words.next().filter(|text| !text.is_empty()),
            "--batch" => mode = BatchMode::from_str(&words.next()?, false).ok()?,
            "--window" => window.rows = words.next()?.parse().ok()?,
            "--sessions" => sessions = words.next()?.parse().ok()?,
            "--in-flight" => in_flight = words.next()?.parse().ok()?,
            _ => file = Some(PathBuf::from(word)),
        }
    }
    let table = table?;
    let (keyspace, table) = table.split_once('.')?;
    let table = TableName { keyspace: keyspace.to_owned(), table: table.to_owned() };
    let (hosts, file) = (hosts?, file?);
    Some(Options { hosts, table, file, null, mode, window, sessions, in_flight })
}

fn run(options: &Options) -> Outcome<()> {
    let sessions: Vec<(Runtime, Arc<Session>)> =
        (0..options.sessions.max(1)).map(|_| open(options)).collect::<Outcome<_>>()?;
    let (runtime, session) = sessions.first().ok_or("no session")?;
    let file = discover(std::slice::from_ref(&options.file))?.remove(0);
    let format = Format::Csv(Dialect::default());
    let header = read_beginning(&file, &format, true, HeaderNames::Used, 16 << 20)?;
    let schema = runtime.block_on(read_table(session, &options.table))?;
    let fields = FileFields {
        path: Path::new(&options.file),
        names: &header.names,
        passed_over: &[],
        first_record: &[],
        sampled: None,
    };
    let codec = CodecOptions::default();
    let rules = MappingRules {
        allow_missing: false,
        allow_unknown: false,
        ttl: None,
        write_time: None,
        map: None,
        codec: &codec,
        null_as: NullAs::Unset,
    };
    let (terms, mappings) = plan_files(&schema, &[fields], rules)?;
    let columns: Vec<_> = terms.into_iter().map(|term| term.column).collect();
    let plan = insert_statement(&options.table, &columns, None);
    let statement = runtime.block_on(prepare_insert(session, &options.table, &plan))?;
    let mapping = mappings.first().ok_or("no mapping")?;
    let (insert, rows) = make_rows(options, &file, &header, &plan, mapping, &statement)?;
    let row_count = rows.len();
    let packets = Arc::new(pack(&insert, rows, options)?);
    let batches = Arc::new(batches(&statement, PARTITION.rows.max(REPLICAS.rows)));
    let (begun, cpu) = (Instant::now(), cpu_seconds()?);
    send(&sessions, &packets, &batches, options)?;
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    println!("rows={row_count}\nrequests={}", packets.len());
    println!("seconds={seconds:.3}\ncpu_seconds={cpu:.2}\nrows_per_second={:.0}", row_count as f64 / seconds);
    Ok(())
}

/// A session as a worker of one thread has it, on a runtime of its own.
fn open(options: &Options) -> Outcome<(Runtime, Arc<Session>)> {
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("driver").enable_all().build()?;
    let settings = ConnectionSettings {
        hosts: vec![options.hosts.clone()],
        address_map: Vec::new(),
        datacenter: None,
        credentials: None,
        tls: None,
        consistency: ConsistencyLevel::LocalQuorum,
        serial_consistency: SerialConsistencyLevel::default(),
        compression: FrameCompression::None,
        connect_timeout: Duration::from_secs(60),
        request_timeout: Duration::from_secs(30),
    };
    let pool = PoolShape { connections_per_node: NonZeroUsize::MIN };
    let session = runtime.block_on(connect(&settings, &options.table.keyspace, pool))?;
    Ok((runtime, Arc::new(session)))
}

/// The file's chunks, as workers get them.
fn chunks(file: &InputFile, header: &Header) -> Outcome<Vec<Chunk>> {
    let settings = SplitSettings {
        whole_chunks: WHOLE_CHUNKS_MAX,
        unit_bytes: 64 << 20,
        chunk_bytes: CHUNK_BYTES,
        max_record_bytes: 16 << 20,
        skip: 0,
        limit: None,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let start = SplitStart { ordinal: 0, unit: UnitId(0) };
    let mut chunks = Vec::new();
    split(file, header.data(), &Dialect::default(), &settings, start, &pool, &mut |unit| {
        chunks.extend(unit.chunks);
        ControlFlow::Continue(())
    })?;
    Ok(chunks)
}

/// All rows of the file, read and encoded as workers do it, and what inserts them.
fn make_rows(
    options: &Options,
    input: &InputFile,
    header: &Header,
    plan: &RowPlan,
    mapping: &FieldMapping,
    statement: &PreparedStatement,
) -> Outcome<(Insert, Vec<Row>)> {
    let chunks = chunks(input, header)?;
    let nulls: Vec<String> = options.null.iter().cloned().collect();
    let encoder = RowEncoder::new(plan, mapping, &nulls, CodecOptions::default());
    let records: u64 = chunks.iter().map(|chunk| chunk.records).sum();
    // In the past when they are sent, so that none has to be held back.
    let base = Clock::set().now_us() - i64::try_from(records)?;
    let write_time = WriteTime::Ordinal(base);
    let insert = Insert::new(statement.clone(), plan, write_time);
    let (file, mut reader) = (input.open()?, ChunkReader::new(&Dialect::default()));
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for chunk in chunks {
        let mut bytes = vec![0; usize::try_from(chunk.len)?];
        input.read_at(&file, &mut bytes, chunk.start)?;
        for record in reader.read(bytes)?.iter() {
            let ordinal = rows.len() as u64;
            let place = RecordPlace { write_time_us: write_time.of(ordinal), line: 0, number: ordinal + 1 };
            values.clear();
            encoder
                .encode(record, place, &mut values)
                .map_err(|fault| format!("record {}: {fault:?}", ordinal + 1))?;
            let token = insert.token(&values)?;
            rows.push(Row {
                values: values.as_slice().into(),
                token,
                record_bytes: record.raw().len() as u64,
            });
        }
    }
    Ok((insert, rows))
}

/// Rows to requests, gathered as workers do it.
fn pack(insert: &Insert, rows: Vec<Row>, options: &Options) -> Outcome<Vec<Packet>> {
    let bind = |values: &[u8]| insert.bind(values).map(Packet::Row);
    if options.mode == BatchMode::Off || insert.batchable().is_none() {
        return Ok(rows.iter().map(|row| bind(&row.values)).collect::<Result<_, _>>()?);
    }
    let mut gather = Gather::new(options.window);
    let mut prospect = Prospect::new(options.window);
    let mut parcels = Vec::new();
    for row in rows {
        let Row { values, token, record_bytes: held_bytes } = row;
        prospect.note(token, held_bytes);
        let by_partition = match options.mode {
            BatchMode::Auto => prospect.pays(),
            BatchMode::Partition => true,
            BatchMode::Replica | BatchMode::Off => false,
        };
        let (key, limits) = match by_partition {
            true => (GroupKey::Partition(token), PARTITION),
            false => (GroupKey::Replicas(0), REPLICAS),
        };
        let weight = values.len() + ROW_WEIGHT;
        gather.push(Arrival { row: values, token, weight, held_bytes }, key, limits, &mut parcels);
    }
    parcels.extend(std::iter::from_fn(|| gather.release()));
    let packets = parcels.into_iter().map(|parcel| match parcel.rows.as_slice() {
        [only] => bind(only),
        _ => Ok(Packet::Rows(parcel.rows)),
    });
    Ok(packets.collect::<Result<_, _>>()?)
}

/// The statements of batches, by their number of rows.
fn batches(statement: &PreparedStatement, rows_max: usize) -> Vec<Batch> {
    (0..=rows_max)
        .map(|rows| {
            let statements = (0..rows).map(|_| statement.clone().into()).collect();
            let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
            batch.set_is_idempotent(true);
            batch
        })
        .collect()
}

/// Sends everything, each packet once; returns when all are acknowledged.
fn send(
    sessions: &[(Runtime, Arc<Session>)],
    packets: &Arc<Vec<Packet>>,
    batches: &Arc<Vec<Batch>>,
    options: &Options,
) -> Outcome<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut lanes = Vec::new();
    for (runtime, session) in sessions {
        for _ in 0..options.in_flight.max(1) {
            let (session, packets, batches) = (Arc::clone(session), Arc::clone(packets), Arc::clone(batches));
            let next = Arc::clone(&next);
            let lane = runtime.spawn(async move {
                while let Some(packet) = packets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    send_packet(&session, packet, &batches).await?;
                }
                Outcome::Ok(())
            });
            lanes.push((runtime, lane));
        }
    }
    for (runtime, lane) in lanes {
        runtime.block_on(lane)??;
    }
    Ok(())
}

async fn send_packet(session: &Session, packet: &Packet, batches: &[Batch]) -> Outcome<()> {
    match packet {
        Packet::Row(row) => {
            session.execute_bound_unpaged(row).await?;
        }
        Packet::Rows(rows) => {
            let batch = batches.get(rows.len()).ok_or("a batch is too large")?;
            let values: Vec<_> =
                rows.iter().map(|values| StampedRow { values, stamp: Stamp::Last }).collect();
            session.batch(batch, values).await?;
        }
    }
    Ok(())
}

/// CPU time of this process so far, user and system: fields 14 and 15 in proc(5).
fn cpu_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    let used = ticks(11).zip(ticks(12)).map(|(user, system)| user + system).ok_or("no CPU time in /proc")?;
    Ok(used / TICKS_A_SECOND)
}
