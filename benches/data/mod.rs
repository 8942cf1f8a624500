//! Data for the benchmarks: the same bytes on every machine and in every run, made from a small generator of its own.
//! The sensor data have the shape of the project's standard load: six fields, one record in five with a quoted note.

use std::io::Write;

/// A xorshift generator: fast, and the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// What the last field of a sensor record looks like.
#[derive(Clone, Copy)]
enum Notes {
    /// One in five quoted, with doubled quotes and a line end.
    Mixed,
    /// Never quoted.
    Plain,
}

/// Sensor readings without a header, about `bytes` long: uuid, date, timestamp, number, word, note.
pub(crate) fn sensors(bytes: usize) -> Vec<u8> {
    sensor_records(bytes, Notes::Mixed)
}

/// The same without any quotes.
pub(crate) fn plain(bytes: usize) -> Vec<u8> {
    sensor_records(bytes, Notes::Plain)
}

/// Records of which every field is quoted, none with quotes in it.
pub(crate) fn all_quoted(bytes: usize) -> Vec<u8> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut out = Vec::with_capacity(bytes + 256);
    let mut index = 0;
    while out.len() < bytes {
        let (sensor, value, note) = sensor_values(&mut numbers);
        let (day, time) = day_and_time(index);
        let status = STATUS[index as usize % STATUS.len()];
        // Writing to a vector cannot fail.
        let _ = writeln!(
            out,
            "\"{sensor}\",\"{day}\",\"{day}T{time}Z\",\"{value}\",\"{status}\",\"plain note {note}\""
        );
        index += 1;
    }
    out
}

const STATUS: [&str; 3] = ["ok", "warn", "fail"];

fn sensor_records(bytes: usize, notes: Notes) -> Vec<u8> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut out = Vec::with_capacity(bytes + 256);
    let mut index = 0;
    while out.len() < bytes {
        let (sensor, value, note) = sensor_values(&mut numbers);
        let (day, time) = day_and_time(index);
        let status = STATUS[index as usize % STATUS.len()];
        let _ = write!(out, "{sensor},{day},{day}T{time}Z,{value},{status},");
        let _ = match (notes, index % 5) {
            (Notes::Mixed, 0) => {
                writeln!(out, "\"quoted, with \"\"quotes\"\" and\nnewline {}\"", note % 1000)
            }
            _ => writeln!(out, "plain note {note}"),
        };
        index += 1;
    }
    out
}

/// A uuid out of 10,000, a number with six decimals, and a number for the note.
fn sensor_values(numbers: &mut Numbers) -> (String, String, u64) {
    let sensor = numbers.below(10_000) * 2_654_435_761 + 1;
    let value = numbers.below(100_000_000);
    let uuid = format!("00000000-0000-0000-{:04x}-{:012x}", sensor >> 48, sensor & 0xffff_ffff_ffff);
    (uuid, format!("{}.{:06}", value / 1_000_000, value % 1_000_000), numbers.below(100_000))
}

/// Day and time of day of the reading at `index`: one every 37 ms from 2026-01-01, at most 28 days of them.
fn day_and_time(index: u64) -> (String, String) {
    let millis = index * 37;
    let (seconds, day) = (millis / 1000 % 86_400, millis / 86_400_000 % 28 + 1);
    let time =
        format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, millis % 1000);
    (format!("2026-01-{day:02}"), time)
}
