//! How fast records become rows: the sensor table as a whole, then each type by itself.
//! `cargo bench --bench encode`; throughput is bytes of CSV text (a delimiter or line end a field) on one core.

#![expect(clippy::expect_used, reason = "a bench that cannot prepare its records has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use ringload::codec::CodecOptions;
use ringload::codec::row::{RecordPlace, RowEncoder};
use ringload::format::record::{Field, RecordBatch};
use ringload::schema::mapping::FieldMapping;
use ringload::schema::statement::RowPlan;
use ringload::schema::table::{Column, ColumnRole};
use ringload::schema::types::{CqlType, UserField, UserTypes};

mod thread_time;
use thread_time::ThreadTime;

const RECORDS: u64 = 10_000;

/// Numbers that look random and are the same in every run (splitmix64).
fn random(seed: u64) -> u64 {
    let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The text of a value of a type, as an export would have it.
fn sample(cql_type: &CqlType, seed: u64) -> String {
    let bits = random(seed);
    let items = |from: u64, of: &CqlType| (0..8).map(|at| json(of, seed + from + at)).collect::<Vec<_>>();
    match cql_type {
        CqlType::Ascii | CqlType::Text => format!("station {:04}", bits % 10_000),
        CqlType::Bigint => (bits as i64 >> 20).to_string(),
        CqlType::Blob => format!("0x{bits:016x}{:016x}", random(bits)),
        CqlType::Boolean => (bits & 1 == 0).to_string(),
        CqlType::Date => format!("20{:02}-{:02}-{:02}", bits % 30, 1 + bits / 30 % 12, 1 + bits / 360 % 28),
        CqlType::Decimal => format!("{}.{:02}", bits as i32, bits % 100),
        CqlType::Double | CqlType::Float => format!("{:.4}", bits as i32 as f64 / 1e6),
        CqlType::Duration => format!("{}h{}m{}s", bits % 100, bits / 100 % 60, bits / 6000 % 60),
        CqlType::Inet => format!("10.{}.{}.{}", bits as u8, (bits >> 8) as u8, (bits >> 16) as u8),
        CqlType::Int => (bits as i32).to_string(),
        CqlType::Smallint => (bits as i16).to_string(),
        CqlType::Time => format!("{:02}:{:02}:{:02}.123456", bits % 24, bits / 24 % 60, bits / 1440 % 60),
        CqlType::Timestamp => {
            let date = sample(&CqlType::Date, seed);
            let (hour, minute, second) = (bits % 24, bits / 24 % 60, bits / 1440 % 60);
            format!("{date}T{hour:02}:{minute:02}:{second:02}.{:03}Z", bits / 86_400 % 1000)
        }
        CqlType::Timeuuid => uuid::Builder::from_u128(u128::from(bits) << 64 | u128::from(random(bits)))
            .with_version(uuid::Version::Mac)
            .into_uuid()
            .to_string(),
        CqlType::Tinyint => (bits as i8).to_string(),
        CqlType::Uuid => uuid::Uuid::from_u64_pair(bits, random(bits)).to_string(),
        CqlType::Varint => format!("{}{:019}", bits as i64, random(bits) >> 1),
        CqlType::List(list) => format!("[{}]", items(0, &list.of).join(",")),
        CqlType::Set(set) => format!("[{}]", items(0, &set.of).join(",")),
        CqlType::Map(map) => {
            let entries = (0..8).map(|at| {
                let key = sample(&map.key, seed + at);
                format!("\"{key}\":{}", json(&map.value, seed + at + 50))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        CqlType::Tuple(parts) => {
            let parts: Vec<_> = (seed..).zip(parts).map(|(seed, part)| json(part, seed)).collect();
            format!("[{}]", parts.join(","))
        }
        CqlType::User(user) => {
            let field = |(seed, field): (u64, &UserField)| {
                format!("\"{}\":{}", field.name, json(&field.cql_type, seed))
            };
            format!("{{{}}}", (seed..).zip(&user.fields).map(field).collect::<Vec<_>>().join(","))
        }
        CqlType::Vector(vector) => {
            let dimensions = u64::from(vector.dimensions);
            let parts: Vec<_> = (0..dimensions).map(|at| json(&vector.of, seed * dimensions + at)).collect();
            format!("[{}]", parts.join(","))
        }
    }
}

/// The same as JSON has it.
fn json(cql_type: &CqlType, seed: u64) -> String {
    use CqlType::{
        Bigint, Boolean, Double, Float, Int, List, Map, Set, Smallint, Tinyint, Tuple, User, Vector,
    };
    let text = sample(cql_type, seed);
    match cql_type {
        Bigint | Boolean | Double | Float | Int | Smallint | Tinyint => text,
        List(_) | Map(_) | Set(_) | Tuple(_) | User(_) | Vector(_) => text,
        _ => format!("\"{text}\""),
    }
}

/// What is the same for all records here.
const PLACE: RecordPlace = RecordPlace { write_time_us: 1_769_862_645_678_901, line: 2, number: 1 };

/// Records of these columns, the first of them the partition key, and the encoder for them.
fn case(types: &[CqlType]) -> (RecordBatch, RowEncoder) {
    let mut batch = RecordBatch::default();
    for record in 0..RECORDS {
        let texts: Vec<_> =
            (0u64..).zip(types).map(|(at, cql_type)| sample(cql_type, record * 100 + at)).collect();
        let fields: Vec<_> =
            texts.iter().map(|text| Field { bytes: text.as_bytes(), quoted: false }).collect();
        batch.push(&fields).expect("a small batch");
    }
    let column = |(at, cql_type): (usize, &CqlType)| Column {
        name: format!("c{at}"),
        cql_type: cql_type.clone(),
        role: if at == 0 { ColumnRole::PartitionKey } else { ColumnRole::Regular },
    };
    let plan = RowPlan { columns: types.iter().enumerate().map(column).collect(), ..RowPlan::default() };
    let mapping = FieldMapping {
        field_count: types.len(),
        fields: (0..types.len()).collect(),
        ..FieldMapping::default()
    };
    (batch, RowEncoder::new(&plan, &mapping, &[], CodecOptions::default()))
}

fn encode_rows(criterion: &mut Criterion<ThreadTime>, name: &str, types: &[CqlType]) {
    let (batch, encoder) = case(types);
    let csv_bytes: u64 = batch.iter().map(|record| record.raw().len() as u64).sum();
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Bytes(csv_bytes));
    let mut out = Vec::new();
    group.bench_function(format!("{name}, {RECORDS} rows"), |bencher| {
        bencher.iter(|| {
            out.clear();
            for record in batch.iter() {
                encoder.encode(record, PLACE, &mut out).expect("a good record");
            }
            black_box(&out);
        });
    });
    group.finish();
}

fn sensors(criterion: &mut Criterion<ThreadTime>) {
    use CqlType::{Date, Double, Text, Timestamp, Uuid};
    encode_rows(criterion, "sensors", &[Uuid, Date, Timestamp, Double, Text, Text]);
}

fn each_type(criterion: &mut Criterion<ThreadTime>) {
    use CqlType::{
        Ascii, Bigint, Blob, Boolean, Date, Decimal, Double, Duration, Float, Inet, Int, Smallint, Text,
        Time, Timestamp, Timeuuid, Tinyint, Uuid, Varint,
    };
    for cql_type in [
        Ascii, Bigint, Blob, Boolean, Date, Decimal, Double, Duration, Float, Inet, Int, Smallint, Text,
        Time, Timestamp, Timeuuid, Tinyint, Uuid, Varint,
    ] {
        encode_rows(criterion, cql_type.name(), &[cql_type]);
    }
}

/// Values made of others, eight elements or entries each but for the vectors, as JSON.
fn nested(criterion: &mut Criterion<ThreadTime>) {
    let mut types = UserTypes::default();
    let fields = [("street", "text"), ("number", "int"), ("since", "date"), ("tags", "frozen<set<text>>")];
    types.add("addr".to_owned(), fields.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
    for text in [
        "list<int>",
        "list<text>",
        "set<int>",
        "set<text>",
        "map<text, bigint>",
        "map<int, frozen<list<timestamp>>>",
        "tuple<int, text, double>",
        "addr",
        "list<frozen<addr>>",
        "vector<float, 64>",
        "vector<text, 8>",
    ] {
        let cql_type = types.parse(text).expect("a type");
        encode_rows(criterion, text, &[CqlType::Int, cql_type]);
    }
}

fn main() {
    let mut criterion = thread_time::criterion().configure_from_args();
    sensors(&mut criterion);
    each_type(&mut criterion);
    nested(&mut criterion);
    criterion.final_summary();
}
