//! How fast chunks become records on one core, with the `csv` crate reading the same bytes in the same run as yardstick.
//! Both copy each chunk first, as reading a file would. Rerun with `cargo bench --bench parse`.

use std::hint::black_box;
use std::ops::Range;

use criterion::Throughput;
use ringload::format::csv::dialect::Dialect;
use ringload::format::csv::reader::ChunkReader;
use ringload::format::csv::scan::{State, scan};
use ringload::plan::split::CHUNK_BYTES;

mod data;
mod thread_time;

const DATA_BYTES: usize = 64 * 1024 * 1024;

/// Chunks as `plan::split` makes them: from the first record start of a block to that of the next.
fn chunks(dialect: &Dialect, bytes: &[u8]) -> Vec<Range<usize>> {
    let mut state = State::RecordStart;
    let mut chunks = Vec::new();
    let (mut start, mut offset) = (0, 0);
    for block in bytes.chunks(CHUNK_BYTES as usize) {
        let transitions = scan(dialect, block);
        let lane = transitions.from(state);
        if let Some(first) = lane.first.filter(|_| offset > 0) {
            chunks.push(start..offset + first as usize);
            start = offset + first as usize;
        }
        state = lane.end;
        offset += block.len();
    }
    chunks.push(start..bytes.len());
    chunks
}

/// How many fields there are.
fn read_chunks(reader: &mut ChunkReader, bytes: &[u8], chunks: &[Range<usize>]) -> usize {
    let mut fields = 0;
    for chunk in chunks {
        match reader.read(bytes[chunk.clone()].to_vec()) {
            Ok(batch) => fields += batch.iter().map(|record| record.field_count()).sum::<usize>(),
            Err(error) => return black_box(error.to_string().len()),
        }
    }
    fields
}

/// The same with the `csv` crate: one reader, one record used again.
fn read_csv(bytes: &[u8]) -> usize {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(CHUNK_BYTES as usize)
        .from_reader(bytes);
    let mut record = csv::ByteRecord::new();
    let mut fields = 0;
    while let Ok(true) = reader.read_byte_record(&mut record) {
        fields += record.len();
    }
    fields
}

fn main() {
    let mut criterion = thread_time::criterion().sample_size(10).configure_from_args();
    let dialect = Dialect { header: false, ..Dialect::default() };
    let mut group = criterion.benchmark_group("parse");
    for (name, bytes) in [
        ("sensors", data::sensors(DATA_BYTES)),
        ("no_quotes", data::plain(DATA_BYTES)),
        ("all_quoted", data::all_quoted(DATA_BYTES)),
    ] {
        let chunks = chunks(&dialect, &bytes);
        let mut reader = ChunkReader::new(&dialect);
        assert_eq!(read_chunks(&mut reader, &bytes, &chunks), read_csv(&bytes), "{name} is read right");
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("{name}/ringload"), |bencher| {
            bencher.iter(|| read_chunks(&mut reader, black_box(&bytes), &chunks));
        });
        group.bench_function(format!("{name}/csv_crate"), |bencher| {
            bencher.iter(|| read_csv(black_box(&bytes)))
        });
    }
    group.finish();
    criterion.final_summary();
}
