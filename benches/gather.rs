//! How fast rows are gathered: what it costs to hold a row back and to let it go, and to look whether that pays.
//! `cargo bench --bench gather`; throughput is rows on one core.

use std::hint::black_box;

use criterion::{BatchSize, Throughput};
use ringload::insert::gather::{Arrival, Gather, GroupKey, Limits, WindowSize};
use ringload::insert::prospect::Prospect;

mod thread_time;

use thread_time::ThreadTime;

type Criterion = criterion::Criterion<ThreadTime>;

const ROWS: u64 = 1_000_000;
const WINDOW: WindowSize = WindowSize { rows: 262_144, bytes: 32 << 20 };
const PARTITION: Limits = Limits { rows: 128, weight: 64 << 10, tokens: usize::MAX };
const REPLICAS: Limits = Limits { rows: 128, weight: 5 << 10, tokens: 10 };

/// Numbers that look random and are the same in every run (splitmix64).
fn random(seed: u64) -> u64 {
    let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The tokens of rows, of partitions chosen like this.
fn tokens(partition_of: impl Fn(u64) -> u64) -> Vec<i64> {
    (0..ROWS).map(|row| random(partition_of(row)).cast_signed()).collect()
}

fn gather(criterion: &mut Criterion, name: &str, tokens: &[i64], key: fn(i64) -> GroupKey, limits: Limits) {
    let mut group = criterion.benchmark_group("gather");
    group.throughput(Throughput::Elements(ROWS));
    group.bench_function(name, |bencher| {
        bencher.iter_batched(
            || Gather::new(WINDOW),
            |mut gather| {
                let mut out = Vec::new();
                for (row, &token) in (0_u64..).zip(tokens) {
                    // As large as what the inserter holds of a row.
                    let arrival = Arrival { row: [row, row], token, weight: 110, held_bytes: 98 };
                    gather.push(arrival, key(token), limits, &mut out);
                    for parcel in out.drain(..) {
                        black_box(&parcel);
                    }
                }
                while let Some(parcel) = gather.release() {
                    black_box(&parcel);
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn by_partition(criterion: &mut Criterion) {
    let random_order = tokens(|row| random(row + ROWS) % 10_000);
    gather(criterion, "10,000 partitions in random order", &random_order, GroupKey::Partition, PARTITION);
    gather(criterion, "sorted", &tokens(|row| row / 100), GroupKey::Partition, PARTITION);
    gather(criterion, "each row alone", &tokens(|row| row), GroupKey::Partition, PARTITION);
}

fn by_replicas(criterion: &mut Criterion) {
    let tokens = tokens(|row| row);
    gather(criterion, "one set of replicas", &tokens, |_| GroupKey::Replicas(0), REPLICAS);
    let of_many = |token: i64| GroupKey::Replicas((token >> 56).unsigned_abs() as u32);
    gather(criterion, "128 sets of replicas", &tokens, of_many, REPLICAS);
}

fn prospect(criterion: &mut Criterion) {
    let tokens = tokens(|row| row);
    let mut group = criterion.benchmark_group("prospect");
    group.throughput(Throughput::Elements(ROWS));
    group.bench_function("each row alone", |bencher| {
        bencher.iter(|| {
            let mut prospect = Prospect::new(WINDOW);
            tokens.iter().for_each(|token| prospect.note(*token, 98));
            black_box(prospect.pays())
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = thread_time::criterion().sample_size(10).configure_from_args();
    by_partition(&mut criterion);
    by_replicas(&mut criterion);
    prospect(&mut criterion);
    criterion.final_summary();
}
