//! How fast a month of real flights as NDJSON becomes rows on one core: scanned, read, encoded, and all of it; with serde_json reading the
//! same lines into trees in the same run as yardstick. Rerun with `cargo bench --bench json`; `scripts/bench formats` puts others
//! beside it, for which `RINGLOAD_BENCH_NDJSON` names the file that is to be written and read.

#![expect(clippy::expect_used, reason = "a bench that cannot prepare its records has nothing to measure")]

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;

use criterion::Throughput;
use ringload::codec::CodecOptions;
use ringload::codec::row::{RecordPlace, RowEncoder};
use ringload::format::charset::Charset;
use ringload::format::json::documents::{Documents, Layout};
use ringload::format::json::keys::SampledKeys;
use ringload::format::json::lines;
use ringload::format::json::reader::{Extent, JsonReader};
use ringload::plan::split::CHUNK_BYTES;
use ringload::schema::ddl::table_of;
use ringload::schema::mapping::{FileFields, MappingRules, plan_files};
use ringload::schema::statement::insert_statement;

mod thread_time;

const DATA_BYTES: usize = 64 * 1024 * 1024;
const PLACE: RecordPlace = RecordPlace { write_time_us: 1_769_862_645_678_901, line: 2, number: 1 };

/// The flights of the fixture, again and again: numbers as numbers, NA as null.
fn flights() -> Vec<u8> {
    let mut reader = csv::Reader::from_path("fixtures/flights-2013-01.csv").expect("the fixture");
    let names = reader.headers().expect("a header").clone();
    let mut month = String::new();
    for record in reader.records() {
        let mut separator = '{';
        for (name, field) in names.iter().zip(&record.expect("a record")) {
            let is_number = field.parse::<f64>().is_ok();
            // Writing to a string cannot fail.
            let _ = match field {
                "NA" => write!(month, "{separator}\"{name}\":null"),
                _ if is_number => write!(month, "{separator}\"{name}\":{field}"),
                _ => write!(month, "{separator}\"{name}\":\"{field}\""),
            };
            separator = ',';
        }
        month.push_str("}\n");
    }
    month.as_bytes().repeat(DATA_BYTES.div_ceil(month.len()))
}

/// The file in chunks, each of whole lines.
fn chunks(bytes: &[u8]) -> Vec<&[u8]> {
    let mut rest = bytes;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let line_end = rest.iter().skip(CHUNK_BYTES as usize).position(|byte| *byte == b'\n');
        let (chunk, behind) = rest.split_at(line_end.map_or(rest.len(), |at| CHUNK_BYTES as usize + at + 1));
        chunks.push(chunk);
        rest = behind;
    }
    chunks
}

fn main() {
    let mut criterion = thread_time::criterion().sample_size(10).configure_from_args();
    let bytes = flights();
    if let Some(path) = std::env::var_os("RINGLOAD_BENCH_NDJSON") {
        std::fs::write(path, &bytes).expect("the file is written");
    }
    let chunks = chunks(&bytes);
    let schema = include_str!("../fixtures/schema/flights.cql");
    let schema =
        table_of(Path::new("flights.cql"), &format!("USE bench;\n{schema}"), None).expect("the table");
    let sampled = SampledKeys::default();
    let file = FileFields {
        path: Path::new("flights.ndjson"),
        names: &[],
        passed_over: &[],
        first_record: &[],
        sampled: Some(&sampled),
    };
    let (terms, mappings) = plan_files(&schema, &[file], MappingRules::default()).expect("a mapping");
    let columns: Vec<_> = terms.into_iter().map(|term| term.column).collect();
    let plan = insert_statement(&schema.name, &columns, None);
    let encoder = RowEncoder::new(&plan, &mappings[0], &[], CodecOptions::default());
    let keys = mappings[0].keys.clone().expect("keys");

    let mut group = criterion.benchmark_group("json");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("scan_lines", |bencher| {
        bencher.iter(|| chunks.iter().map(|chunk| lines::scan(black_box(chunk)).newlines).sum::<u64>());
    });
    group.bench_function("scan_documents", |bencher| {
        bencher.iter(|| {
            let mut documents = Documents::start(Layout::Run);
            chunks
                .iter()
                .filter_map(|chunk| documents.scan(black_box(chunk)).ok())
                .map(|lane| lane.records)
                .sum::<u64>()
        });
    });
    for (name, extent) in [("lines", Extent::Line), ("documents", Extent::Document)] {
        let mut reader = JsonReader::new(extent, Charset::UTF_8, keys.clone());
        group.bench_function(format!("read_{name}"), |bencher| {
            bencher.iter(|| {
                let read = |chunk: &&[u8]| reader.read(chunk.to_vec()).map_or(0, |batch| batch.len());
                chunks.iter().map(read).sum::<usize>()
            });
        });
    }
    let mut reader = JsonReader::new(Extent::Line, Charset::UTF_8, keys);
    let mut values = Vec::new();
    group.bench_function("read_and_encode", |bencher| {
        bencher.iter(|| {
            for chunk in &chunks {
                let batch = reader.read(chunk.to_vec()).expect("a chunk");
                for record in batch.iter() {
                    values.clear();
                    encoder.encode(record, PLACE, &mut values).expect("a good record");
                    black_box(&values);
                }
            }
        });
    });
    group.bench_function("serde_json_trees", |bencher| {
        bencher.iter(|| {
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            lines.filter(|line| serde_json::from_slice::<serde_json::Value>(line).is_ok()).count()
        });
    });
    group.finish();
    criterion.final_summary();
}
