//! How fast a Parquet file becomes rows on one core, read to encoded: January's flights, about a million rows of 19 columns, written by the
//! library's own writer with snappy. Throughput is bytes of the same records as CSV, so that it compares with the CSV beside it.
//! Rerun with `cargo bench --bench parquet`; `scripts/bench formats` puts others beside it, for which `RINGLOAD_BENCH_PARQUET` names the
//! file that is to be written and read.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a bench that cannot prepare its file has nothing to measure, and says what its bytes are"
)]

use std::fs::File;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch as Columns, StringArray, TimestampMillisecondArray};
use criterion::Throughput;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use ringload::codec::CodecOptions;
use ringload::codec::row::{RecordPlace, RowEncoder};
use ringload::format::csv::dialect::Dialect;
use ringload::format::csv::reader::ChunkReader;
use ringload::plan::beginning::read_beginning;
use ringload::plan::discover::{InputFile, discover};
use ringload::plan::header::HeaderNames;
use ringload::plan::parquet::rows::Rows;
use ringload::plan::split::{SplitSettings, SplitStart};
use ringload::plan::unit::{UnitId, WorkUnit};
use ringload::schema::mapping::FieldMapping;
use ringload::schema::statement::RowPlan;
use ringload::schema::table::{Column, ColumnRole};
use ringload::schema::types::CqlType;

mod thread_time;

/// So often the file's records are there.
const TIMES: usize = 37;

/// What the table's columns are, in the order of the file's (fixtures/schema/flights.cql).
fn types() -> [CqlType; 19] {
    use CqlType::{Int, Smallint, Text, Timestamp, Tinyint};
    [
        Smallint, Tinyint, Tinyint, Smallint, Smallint, Smallint, Smallint, Smallint, Smallint, Text, Int,
        Text, Text, Text, Smallint, Int, Tinyint, Tinyint, Timestamp,
    ]
}

/// A column as a table of it in Python or a database would have it: 64-bit integers, texts, times.
fn column(texts: &[&str], cql_type: &CqlType) -> ArrayRef {
    let some = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
    match cql_type {
        CqlType::Text => Arc::new(texts.iter().map(some).collect::<StringArray>()),
        CqlType::Timestamp => {
            let millis = |text: &&str| text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
            let times: TimestampMillisecondArray = texts.iter().map(millis).collect();
            Arc::new(times.with_timezone("UTC"))
        }
        _ => Arc::new(texts.iter().map(|text| text.parse::<i64>().ok()).collect::<Int64Array>()),
    }
}

/// Writes the file; its records as CSV without the header, and how many there are.
fn write(path: &Path) -> (Vec<u8>, u64) {
    let csv = include_str!("../fixtures/flights-2013-01.csv");
    let (header, body) = csv.split_once('\n').expect("a header");
    let records: Vec<Vec<&str>> = body.lines().map(|line| line.split(',').collect()).collect();
    let arrays = header.split(',').zip(types()).enumerate().map(|(at, (name, cql_type))| {
        let texts: Vec<&str> = records.iter().map(|record| record[at]).collect();
        (name, column(&texts, &cql_type), true)
    });
    let columns = Columns::try_from_iter_with_nullable(arrays).expect("columns of one length");
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = File::create(path).expect("a scratch file");
    let mut writer = ArrowWriter::try_new(file, columns.schema(), Some(properties)).expect("a writer");
    for _ in 0..TIMES {
        writer.write(&columns).expect("a written row group");
    }
    writer.close().expect("a written file");
    eprintln!("as Arrow {} bytes", columns.get_array_memory_size() * TIMES);
    (body.as_bytes().repeat(TIMES), (records.len() * TIMES) as u64)
}

fn plan() -> (RowPlan, FieldMapping) {
    let column = |(at, cql_type)| Column {
        name: format!("c{at}"),
        cql_type,
        role: if at == 0 { ColumnRole::PartitionKey } else { ColumnRole::Regular },
    };
    let columns: Vec<Column> = types().into_iter().enumerate().map(column).collect();
    let mapping = FieldMapping {
        field_count: columns.len(),
        fields: (0..columns.len()).collect(),
        ..FieldMapping::default()
    };
    (RowPlan { columns, ..RowPlan::default() }, mapping)
}

/// The file's units, as the planner makes them.
fn units(file: &InputFile) -> Vec<WorkUnit> {
    let format = ringload::format::Format::Parquet;
    let header = read_beginning(file, &format, true, HeaderNames::Used, 1 << 20).expect("a whole file");
    let settings = SplitSettings {
        unit_bytes: 64 << 20,
        chunk_bytes: 256 << 10,
        max_record_bytes: 1 << 20,
        skip: 0,
        limit: None,
        whole_chunks: 1,
    };
    let mut units = Vec::new();
    let start = SplitStart { ordinal: 0, unit: UnitId(0) };
    let row_groups = header.columns.as_ref().expect("columns").row_groups.clone();
    let emit = &mut |unit| {
        units.push(unit);
        ControlFlow::Continue(())
    };
    row_groups.split(file, header.data(), &settings, start, emit).expect("units");
    units
}

const PLACE: RecordPlace = RecordPlace { write_time_us: 1_769_862_645_678_901, line: 2, number: 1 };

fn main() {
    let mut criterion = thread_time::criterion().sample_size(10).configure_from_args();
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = std::env::var_os("RINGLOAD_BENCH_PARQUET")
        .map_or_else(|| folder.path().join("flights.parquet"), PathBuf::from);
    let (csv, records) = write(&path);
    let file = discover(std::slice::from_ref(&path)).expect("the file").remove(0);
    eprintln!("{records} rows: as CSV {} bytes, as Parquet {} bytes", csv.len(), file.size);
    let (plan, mapping) = plan();
    let units = units(&file);
    let mut group = criterion.benchmark_group("parquet");
    group.throughput(Throughput::Bytes(csv.len() as u64));
    let mut out = Vec::new();
    group.bench_function("read_and_encode", |bencher| {
        bencher.iter(|| {
            let rows = Rows::open(&file, &plan, &mapping, true).expect("a whole file");
            let encoder =
                RowEncoder::new(&plan, &mapping, &[], CodecOptions::default()).with_made(rows.made());
            let mut done = 0;
            for unit in &units {
                let mut first = unit.first_record;
                for chunk in &unit.chunks {
                    let read = rows.read(first, chunk.records).expect("rows");
                    let batch = rows.records(first, &read).expect("records");
                    out.clear();
                    for record in batch.iter() {
                        encoder.encode(record, PLACE, &mut out).expect("a good record");
                    }
                    black_box(&out);
                    first += chunk.records;
                    done += chunk.records;
                }
            }
            assert_eq!(done, records, "rows were lost");
        });
    });
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let rows = Rows::open(&file, &plan, &mapping, true).expect("a whole file");
            for unit in &units {
                let mut first = unit.first_record;
                for chunk in &unit.chunks {
                    black_box(rows.read(first, chunk.records).expect("rows"));
                    first += chunk.records;
                }
            }
        });
    });
    let encoder = RowEncoder::new(&plan, &mapping, &[], CodecOptions::default());
    let mut reader = ChunkReader::new(&Dialect::default());
    // Whole records of about 256 KiB.
    let mut chunks = Vec::new();
    let mut rest = &csv[..];
    while !rest.is_empty() {
        let end = rest.iter().skip(256 << 10).position(|&byte| byte == b'\n');
        let (chunk, behind) = rest.split_at(end.map_or(rest.len(), |end| end + (256 << 10) + 1));
        chunks.push(chunk);
        rest = behind;
    }
    group.bench_function("csv_read_and_encode", |bencher| {
        bencher.iter(|| {
            for chunk in &chunks {
                let batch = reader.read(chunk.to_vec()).expect("records");
                out.clear();
                for record in batch.iter() {
                    encoder.encode(record, PLACE, &mut out).expect("a good record");
                }
                black_box(&out);
            }
        });
    });
    group.finish();
    criterion.final_summary();
}
