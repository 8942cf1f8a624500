//! The order in which Cassandra keeps the elements of sets and the keys of maps (the `compare` of its `marshal` types), and what has
//! to be done for it: a set or map within a frozen value, or in a key, is stored as it is sent, so that two of one content are equal
//! only if both are in this order, without repetitions. Works on encoded values of our own making.

use std::cmp::Ordering;
use std::ops::Range;

use num_bigint::{BigInt, Sign};

use super::parts::{Parts, Varying};
use crate::schema::types::CqlType;

/// How two values of a type stand to one another, both as encoded by this crate.
pub(super) fn compare(cql_type: &CqlType, a: &[u8], b: &[u8]) -> Ordering {
    match cql_type {
        CqlType::Ascii
        | CqlType::Blob
        | CqlType::Boolean
        | CqlType::Date
        | CqlType::Duration
        | CqlType::Inet
        | CqlType::Text
        | CqlType::Time => a.cmp(b),
        CqlType::Tinyint | CqlType::Smallint | CqlType::Int | CqlType::Bigint | CqlType::Timestamp => {
            signed(a).cmp(&signed(b))
        }
        // As Java's Float.compare: minus zero before zero, NaN last.
        CqlType::Float => float(a).total_cmp(&float(b)),
        CqlType::Double => double(a).total_cmp(&double(b)),
        CqlType::Varint => BigInt::from_signed_bytes_be(a).cmp(&BigInt::from_signed_bytes_be(b)),
        CqlType::Decimal => compare_decimals(a, b),
        CqlType::Uuid => uuid_key(a).cmp(&uuid_key(b)),
        CqlType::Timeuuid => timeuuid_key(a).cmp(&timeuuid_key(b)),
        CqlType::List(list) => compare_parts(Parts::counted(a), Parts::counted(b), |_| Some(&list.of)),
        CqlType::Set(set) => compare_parts(Parts::counted(a), Parts::counted(b), |_| Some(&set.of)),
        CqlType::Map(map) => compare_parts(Parts::counted(a), Parts::counted(b), |at| {
            Some(if at % 2 == 0 { &map.key } else { &map.value })
        }),
        CqlType::Tuple(parts) => compare_parts(Parts::all(a), Parts::all(b), |at| parts.get(at)),
        CqlType::User(user) => {
            compare_parts(Parts::all(a), Parts::all(b), |at| user.fields.get(at).map(|field| &field.cql_type))
        }
        CqlType::Vector(vector) => match vector.of.fixed_len() {
            Some(len) if len > 0 => {
                let pairs = a.chunks(len).zip(b.chunks(len));
                first_difference(pairs.map(|(a, b)| compare(&vector.of, a, b)))
            }
            _ => {
                let pairs = Varying::of(a).zip(Varying::of(b));
                first_difference(pairs.map(|(a, b)| compare(&vector.of, a, b)))
            }
        },
    }
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// One part after the other; where all are equal the shorter comes first. A null comes before everything.
fn compare_parts<'t>(a: Parts<'_>, b: Parts<'_>, of: impl Fn(usize) -> Option<&'t CqlType>) -> Ordering {
    let (len_a, len_b) = (a.clone().count(), b.clone().count());
    let pairs = a.zip(b).enumerate().map(|(at, pair)| match (pair, of(at)) {
        ((Some(a), Some(b)), Some(of)) => compare(of, a, b),
        ((a, b), _) => a.cmp(&b),
    });
    first_difference(pairs).then(len_a.cmp(&len_b))
}

fn signed(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |value, &byte| value << 8 | i64::from(byte))
}

fn float(bytes: &[u8]) -> f32 {
    bytes.first_chunk().map_or(0.0, |bytes| f32::from_be_bytes(*bytes))
}

fn double(bytes: &[u8]) -> f64 {
    bytes.first_chunk().map_or(0.0, |bytes| f64::from_be_bytes(*bytes))
}

/// The time of a version 1 UUID: its low, middle and high parts stand in the other order.
fn uuid_time(bits: u128) -> u64 {
    let high = (bits >> 64) as u64;
    high << 48 | (high << 16 & 0xffff_0000_0000) | high >> 32
}

fn uuid_bits(bytes: &[u8]) -> u128 {
    bytes.first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes))
}

/// By version, then version 1 by time, then all by their bits.
fn uuid_key(bytes: &[u8]) -> (u8, u64, u128) {
    let bits = uuid_bits(bytes);
    let version = (bits >> 76) as u8 & 0xf;
    (version, if version == 1 { uuid_time(bits) } else { 0 }, bits)
}

/// By time, then by the other bytes, which are signed here.
fn timeuuid_key(bytes: &[u8]) -> (u64, u64) {
    let bits = uuid_bits(bytes);
    (uuid_time(bits), bits as u64 ^ 0x8080_8080_8080_8080)
}

/// By value: 1.0 and 1.00 are equal.
fn compare_decimals(a: &[u8], b: &[u8]) -> Ordering {
    let parts = |bytes: &[u8]| {
        let (scale, digits) = bytes.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
        (i64::from(i32::from_be_bytes(*scale)), BigInt::from_signed_bytes_be(digits))
    };
    let ((scale_a, a), (scale_b, b)) = (parts(a), parts(b));
    if a.sign() != b.sign() || a.sign() == Sign::NoSign {
        return a.sign().cmp(&b.sign());
    }
    // With powers of ten far apart the digits need not be written out: those of `a` begin at this power, give or take one.
    let magnitude =
        |value: &BigInt, scale: i64| value.bits() as f64 * std::f64::consts::LOG10_2 - scale as f64;
    let (size_a, size_b) = (magnitude(&a, scale_a), magnitude(&b, scale_b));
    if (size_a - size_b).abs() > 2.0 {
        let larger = size_a.total_cmp(&size_b);
        return if a.sign() == Sign::Minus { larger.reverse() } else { larger };
    }
    // Now the scales differ by hardly more than the numbers' digits.
    let ten = |by: i64| BigInt::from(10u8).pow(u32::try_from(by).unwrap_or(0));
    match scale_a.cmp(&scale_b) {
        Ordering::Less => (a * ten(scale_b - scale_a)).cmp(&b),
        Ordering::Equal => a.cmp(&b),
        Ordering::Greater => a.cmp(&(b * ten(scale_a - scale_b))),
    }
}

/// Whether the keys of a set or map come in the server's order.
pub(super) struct Keys<'c> {
    cql_type: &'c CqlType,
    last: Option<Range<usize>>,
    in_order: bool,
}

impl<'c> Keys<'c> {
    pub(super) fn of(cql_type: &'c CqlType) -> Self {
        Keys { cql_type, last: None, in_order: true }
    }

    /// Takes notice of the key in this range of `out`.
    pub(super) fn note(&mut self, out: &[u8], key: Range<usize>) {
        if !self.in_order {
            return;
        }
        let bytes = |range: Range<usize>| out.get(range).unwrap_or_default();
        if let Some(last) = self.last.replace(key.clone()) {
            self.in_order = compare(self.cql_type, bytes(last), bytes(key)).is_lt();
        }
    }

    /// Brings the collection that begins at `start` into order if it is not.
    pub(super) fn finish(self, out: &mut Vec<u8>, start: usize, per_entry: usize) {
        if !self.in_order {
            sort(out, start, self.cql_type, per_entry);
        }
    }
}

/// A key or element of an encoded set or map.
struct Entry {
    key: Range<usize>,
    /// What belongs to the key: nothing in a set.
    value: Range<usize>,
}

/// Brings the set (`per_entry` 1) or map (2) that begins at `start` of `out` into the order of its keys, each once: of equal
/// keys the first stays, with the value of the last. (The server keeps either.)
pub(super) fn sort(out: &mut Vec<u8>, start: usize, key_type: &CqlType, per_entry: usize) {
    let encoded = out.get(start..).unwrap_or_default();
    let mut entries = Vec::new();
    let mut at = 4;
    let mut parts = Parts::counted(encoded);
    while let Some(key) = parts.next() {
        let part = |at: usize, part: Option<&[u8]>| at + 4..at + 4 + part.map_or(0, <[u8]>::len);
        let key = part(at, key);
        let value = if per_entry == 2 { part(key.end, parts.next().flatten()) } else { key.end..key.end };
        at = value.end;
        entries.push(Entry { key, value });
    }
    let bytes = |range: &Range<usize>| encoded.get(range.clone()).unwrap_or_default();
    let by_key = |a: &Entry, b: &Entry| compare(key_type, bytes(&a.key), bytes(&b.key));
    entries.sort_by(by_key);
    entries.dedup_by(|later, kept| {
        let same = by_key(later, kept).is_eq();
        if same {
            kept.value = later.value.clone();
        }
        same
    });
    let mut sorted = Vec::with_capacity(encoded.len());
    sorted.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(u32::MAX).to_be_bytes());
    for Entry { key, value } in entries {
        sorted.extend_from_slice(bytes(&(key.start - 4..key.end)));
        if per_entry == 2 {
            sorted.extend_from_slice(bytes(&(value.start - 4..value.end)));
        }
    }
    out.truncate(start);
    out.append(&mut sorted);
}
