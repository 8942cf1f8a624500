//! How fast record boundaries are found on one core: blocks of the usual size are scanned and composed as `plan::split`
//! does, without the reading. Rerun with `cargo bench --bench scan`. Targets: 2 GB/s on sensor data, 0.7 GB/s all quoted.

use std::hint::black_box;

use criterion::Throughput;
use ringload::format::csv::dialect::Dialect;
use ringload::format::csv::scan::{State, scan};
use ringload::plan::split::CHUNK_BYTES;

mod data;
mod thread_time;

const DATA_BYTES: usize = 64 * 1024 * 1024;

/// How many records there are.
fn scan_all(dialect: &Dialect, bytes: &[u8]) -> u64 {
    let mut state = State::RecordStart;
    let mut records = 0;
    for block in bytes.chunks(CHUNK_BYTES as usize) {
        let transitions = scan(dialect, block);
        let lane = transitions.from(state);
        records += lane.records;
        state = lane.end;
    }
    records
}

fn main() {
    let mut criterion = thread_time::criterion().sample_size(10).configure_from_args();
    let dialect = Dialect::default();
    let mut group = criterion.benchmark_group("scan");
    for (name, bytes) in [
        ("sensors", data::sensors(DATA_BYTES)),
        ("no_quotes", data::plain(DATA_BYTES)),
        ("all_quoted", data::all_quoted(DATA_BYTES)),
    ] {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| scan_all(&dialect, black_box(&bytes))));
    }
    group.finish();
    criterion.final_summary();
}
