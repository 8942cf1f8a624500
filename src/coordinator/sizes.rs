//! How much there is to do, and into how many hands and pieces it goes: workers from the cores and the inputs' size, units from
//! their size and the workers. Pure, but for the number of cores.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::thread;

use crate::format::Format;
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::plan::split::{CHUNK_BYTES, SplitSettings, WHOLE_CHUNKS_MAX, unit_bytes_default};
use crate::settings::LoadSettings;

/// Inputs smaller than this are loaded in the coordinator's process: starting workers would take longer than it saves.
const WORKERS_FROM_BYTES: u64 = 32 << 20;

/// The largest and the smallest unit of records that must not be sent twice: when a worker dies, all that it had in hand is in doubt,
/// which is two of these. Each is written down, on the disk, before it is begun.
const ONCE_UNIT_BYTES: RangeInclusive<u64> = 4 << 10..=64 << 10;
/// As many such units a small input has.
const ONCE_UNITS: u64 = 64;

/// What a compressed file usually holds, in its own size.
const COMPRESSED_FACTOR: u64 = 4;

/// Bytes of the inputs, and how many workers they are for.
pub(super) fn workers_for(settings: &LoadSettings, inputs: &[(InputFile, Header)]) -> (u64, usize) {
    if settings.reads_stdin() {
        // How much there is nobody knows before its end.
        return (0, 0);
    }
    let bytes_total = inputs.iter().map(|(file, header)| file.data_bytes(header.data_start)).sum();
    let workers = || workers_default(bytes_total, inputs.iter().map(|(file, _)| file), settings);
    (bytes_total, settings.writing.workers.unwrap_or_else(workers))
}

/// How the inputs are cut into units.
pub(super) fn split_settings(
    settings: &LoadSettings,
    bytes_total: u64,
    workers: usize,
    is_once: bool,
) -> SplitSettings {
    let usual =
        || if is_once { once_unit_bytes(bytes_total) } else { unit_bytes_default(bytes_total, workers) };
    let unit_bytes = settings.writing.unit_bytes.unwrap_or_else(usual);
    SplitSettings {
        whole_chunks: if is_once { 1 } else { WHOLE_CHUNKS_MAX },
        unit_bytes,
        chunk_bytes: CHUNK_BYTES.min(unit_bytes),
        max_record_bytes: settings.input.max_record_bytes,
        skip: settings.input.skip,
        limit: settings.input.limit,
    }
}

/// The usual size of a unit of records that must not be sent twice: of a small input too, what is in hand is a small part.
fn once_unit_bytes(bytes_total: u64) -> u64 {
    (bytes_total / ONCE_UNITS).clamp(*ONCE_UNIT_BYTES.start(), *ONCE_UNIT_BYTES.end())
}

/// A worker for each core, but no more than there are units, and none for an input that one process loads as fast. A compressed
/// file is one unit, and so is an object of a server that is not to be split.
fn workers_default<'a>(
    bytes_total: u64,
    inputs: impl Iterator<Item = &'a InputFile>,
    settings: &LoadSettings,
) -> usize {
    let (mut files, mut whole_bytes, mut unpacked_bytes) = (0_usize, 0, 0);
    // The parts of a Parquet file are known from its end.
    let split = settings.input.remote.split || settings.input.format == Format::Parquet;
    for file in inputs.filter(|file| file.is_read_forwards() || (file.remote.is_some() && !split)) {
        files += 1;
        whole_bytes += file.size;
        unpacked_bytes += if file.is_read_forwards() { file.size * (COMPRESSED_FACTOR - 1) } else { 0 };
    }
    if bytes_total + unpacked_bytes < WORKERS_FROM_BYTES {
        return 0;
    }
    let bytes_total = bytes_total.saturating_sub(whole_bytes);
    let unit_bytes = settings.writing.unit_bytes.unwrap_or_else(|| unit_bytes_default(bytes_total, cores()));
    let units = usize::try_from(bytes_total.div_ceil(unit_bytes.max(1))).unwrap_or(usize::MAX);
    cores().min(units.saturating_add(files))
}

/// The cores that this process may use.
pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_must_not_be_sent_twice_a_small_input_has_dozens_of_units_too() {
        for (bytes_total, expected) in [
            (0, 4 << 10),
            (100 << 10, 4 << 10),
            (1 << 20, 16 << 10),
            (4 << 20, 64 << 10),
            (1 << 30, 64 << 10),
        ] {
            assert_eq!(once_unit_bytes(bytes_total), expected, "{bytes_total}");
        }
    }
}
