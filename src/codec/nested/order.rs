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

/// A number that is smaller for a smaller value. Values with one number may still differ, and where it is always 0 `compare` decides
/// everything: it costs what looking at eight bytes does, and mostly settles the order.
#[inline]
fn rank(cql_type: &CqlType, value: &[u8]) -> u64 {
    const SIGN: u64 = 1 << 63;
    match cql_type {
        CqlType::Ascii
        | CqlType::Blob
        | CqlType::Boolean
        | CqlType::Date
        | CqlType::Duration
        | CqlType::Inet
        | CqlType::Text
        | CqlType::Time => prefix(value),
        CqlType::Int => match value.try_into() {
            Ok(bytes) => i64::from(i32::from_be_bytes(bytes)).cast_unsigned() ^ SIGN,
            Err(_) => signed(value).cast_unsigned() ^ SIGN,
        },
        CqlType::Bigint | CqlType::Timestamp => match value.try_into() {
            Ok(bytes) => i64::from_be_bytes(bytes).cast_unsigned() ^ SIGN,
            Err(_) => signed(value).cast_unsigned() ^ SIGN,
        },
        CqlType::Tinyint | CqlType::Smallint => signed(value).cast_unsigned() ^ SIGN,
        // As `total_cmp` has it: negative numbers count backwards by their bits.
        CqlType::Float => match float(value).to_bits() {
            bits if bits >> 31 == 1 => u64::from(!bits),
            bits => u64::from(bits | 1 << 31),
        },
        CqlType::Double => match double(value).to_bits() {
            bits if bits >> 63 == 1 => !bits,
            bits => bits | SIGN,
        },
        CqlType::Uuid => {
            let bits = uuid_bits(value);
            let version = (bits >> 76) as u64 & 0xf;
            // The time has the version in its highest four bits.
            if version == 1 { uuid_time(bits) } else { version << 60 | (bits >> 68) as u64 }
        }
        CqlType::Timeuuid => uuid_time(uuid_bits(value)),
        CqlType::Varint
        | CqlType::Decimal
        | CqlType::List(_)
        | CqlType::Set(_)
        | CqlType::Map(_)
        | CqlType::Tuple(_)
        | CqlType::User(_)
        | CqlType::Vector(_) => 0,
    }
}

/// The first eight bytes, as if zeros followed.
#[inline]
fn prefix(value: &[u8]) -> u64 {
    match value.first_chunk::<8>() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => {
            let shift = 64 - 8 * value.len() as u32;
            value.iter().fold(0u64, |rank, &byte| rank << 8 | u64::from(byte)).checked_shl(shift).unwrap_or(0)
        }
    }
}

/// Whether the keys of a set or map come in the server's order.
pub(super) struct Keys<'c> {
    cql_type: &'c CqlType,
    /// The last key and its rank.
    last: Option<(u64, Range<usize>)>,
    in_order: bool,
}

impl<'c> Keys<'c> {
    pub(super) fn of(cql_type: &'c CqlType) -> Self {
        Keys { cql_type, last: None, in_order: true }
    }

    /// Takes notice of the key in this range of `out`.
    #[inline]
    pub(super) fn note(&mut self, out: &[u8], key: Range<usize>) {
        if !self.in_order {
            return;
        }
        let bytes = |range: Range<usize>| out.get(range).unwrap_or_default();
        let rank = rank(self.cql_type, bytes(key.clone()));
        if let Some((last_rank, last)) = self.last.replace((rank, key.clone())) {
            let order = last_rank.cmp(&rank);
            self.in_order = order.then_with(|| compare(self.cql_type, bytes(last), bytes(key))).is_lt();
        }
    }

    /// Brings the collection that begins at `start` into order if it is not.
    pub(super) fn finish(self, out: &mut Vec<u8>, start: usize, per_entry: usize) {
        if !self.in_order {
            sort(out, start, self.cql_type, per_entry);
        }
    }
}

/// So many entries are sorted without asking for memory.
const FEW: usize = 16;

/// A key or element of an encoded set or map: where it is and what belongs to it, counted from the collection's first byte. No
/// collection is as long as 32 bits can count.
#[derive(Clone, Copy, Default)]
struct Entry {
    rank: u64,
    /// From its length.
    key: u32,
    key_end: u32,
    /// Where what belongs to the key begins, from its length, and ends: nothing in a set.
    value: u32,
    value_end: u32,
}

impl Entry {
    /// The key without its length.
    fn key_bytes(self, encoded: &[u8]) -> &[u8] {
        encoded.get(self.key as usize + 4..self.key_end as usize).unwrap_or_default()
    }
}

/// Brings the set (`per_entry` 1) or map (2) that begins at `start` of `out` into the order of its keys, each once: of equal
/// keys the first stays, with the value of the last. (The server keeps either.)
pub(super) fn sort(out: &mut Vec<u8>, start: usize, key_type: &CqlType, per_entry: usize) {
    let encoded = out.get(start..).unwrap_or_default();
    let (mut few, mut many) = ([Entry::default(); FEW], Vec::new());
    let mut count = 0;
    let mut at = 4;
    let mut parts = Parts::counted(encoded);
    while let Some(key) = parts.next() {
        let end_of = |at: u32, part: Option<&[u8]>| at + 4 + part.map_or(0, <[u8]>::len) as u32;
        let key_end = end_of(at, key);
        let value_end = if per_entry == 2 { end_of(key_end, parts.next().flatten()) } else { key_end };
        let rank = rank(key_type, key.unwrap_or_default());
        let entry = Entry { rank, key: at, key_end, value: key_end, value_end };
        match few.get_mut(count) {
            Some(place) => *place = entry,
            None => many.push(entry),
        }
        count += 1;
        at = value_end;
    }
    let entries = match few.get_mut(..count) {
        Some(entries) => entries,
        None => {
            many.splice(0..0, few);
            &mut many[..]
        }
    };
    let by_key = |a: &Entry, b: &Entry| {
        let by_value = || compare(key_type, a.key_bytes(encoded), b.key_bytes(encoded));
        a.rank.cmp(&b.rank).then_with(by_value)
    };
    // Equal keys keep the order in which they came.
    entries.sort_unstable_by(|a, b| by_key(a, b).then(a.key.cmp(&b.key)));
    let kept = dedup(entries, |a, b| by_key(a, b).is_eq());
    // Behind the collection there is room for the sorted one, which then takes its place.
    let end = out.len();
    out.extend_from_slice(&u32::try_from(kept).unwrap_or(u32::MAX).to_be_bytes());
    for entry in entries.iter().take(kept) {
        let at = |offset: u32| start + offset as usize;
        if entry.key_end == entry.value && per_entry == 2 {
            out.extend_from_within(at(entry.key)..at(entry.value_end));
        } else {
            out.extend_from_within(at(entry.key)..at(entry.key_end));
            out.extend_from_within(at(entry.value)..at(entry.value_end));
        }
    }
    let len = out.len() - end;
    out.copy_within(end.., start);
    out.truncate(start + len);
}

/// Of neighbours with one key, the first stays with the value of the last; how many are left at the beginning.
fn dedup(entries: &mut [Entry], is_same: impl Fn(&Entry, &Entry) -> bool) -> usize {
    let mut kept = 0;
    for at in 1..entries.len() {
        let (Some(&last), Some(&next)) = (entries.get(kept), entries.get(at)) else { break };
        let stays = if is_same(&last, &next) {
            Entry { value: next.value, value_end: next.value_end, ..last }
        } else {
            kept += 1;
            next
        };
        if let Some(place) = entries.get_mut(kept) {
            *place = stays;
        }
    }
    if entries.is_empty() { 0 } else { kept + 1 }
}
