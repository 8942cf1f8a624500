//! What a summary tells beyond totals: the units of each file, rejects by column and reason, and how long the load would take.
//! It only counts; it decides nothing.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::plan::unit::WorkUnit;
use crate::reject::RejectCode;
use crate::report::event::{Estimate, FileTally, RejectTally, Summary, UnitBytes};
use crate::settings::LoadSettings;

/// The units that were planned so far.
#[derive(Debug, Clone, Default)]
pub struct UnitTally {
    /// Of each input file, by its number: records, units and their bytes.
    files: BTreeMap<u32, (u64, u64, u64)>,
    bytes: Option<UnitBytes>,
}

impl UnitTally {
    /// A unit was planned.
    pub fn add(&mut self, unit: &WorkUnit) {
        let (records, units, of_file) = self.files.entry(unit.file.0).or_default();
        let bytes = unit.bytes();
        *records += unit.records();
        *units += 1;
        *of_file += bytes;
        let UnitBytes { smallest, largest } =
            self.bytes.unwrap_or(UnitBytes { smallest: bytes, largest: bytes });
        self.bytes = Some(UnitBytes { smallest: smallest.min(bytes), largest: largest.max(bytes) });
    }

    /// Each input file with its records and units, those without any included. `in_part`: only the bytes of units count.
    fn by_file(&self, inputs: &[(InputFile, Header)], in_part: bool) -> Vec<FileTally> {
        let tally = |(number, (file, header)): (u32, &(InputFile, Header))| {
            let (records, units, of_units) = self.files.get(&number).copied().unwrap_or_default();
            // How much it holds may be known only now.
            let bytes = match in_part || file.is_of_unknown_length() {
                true => of_units,
                false => file.data_bytes(header.data_start),
            };
            let one_reader = file.one_reader_because();
            FileTally { path: file.path.clone(), bytes, records, units, one_reader }
        };
        (0..).zip(inputs).map(tally).collect()
    }
}

/// Completes a summary by the tally of the units, if the scan came to its end (half a tally would mislead), and by the estimate
/// where one was asked for.
pub fn complete(
    summary: &mut Summary,
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    units: Option<&UnitTally>,
) {
    if let Some(units) = units {
        summary.unit_bytes = units.bytes;
        summary.files = units.by_file(inputs, settings.input.is_in_part());
        summary.bytes = summary.files.iter().map(|file| file.bytes).sum();
    }
    summary.estimate = settings.estimate_rate.filter(|_| summary.status.is_success()).map(|rate| {
        let seconds = summary.written as f64 / rate.get() as f64;
        Estimate {
            rows_per_second: rate.get() as u64,
            time: Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
        }
    });
}

/// The most frequent first; of those that are equally frequent, in the order of their columns.
pub fn by_frequency(counts: BTreeMap<(Option<String>, RejectCode), u64>) -> Vec<RejectTally> {
    let tally = |((column, code), count)| RejectTally { column, code, count };
    let mut tallies: Vec<RejectTally> = counts.into_iter().map(tally).collect();
    tallies.sort_by_key(|tally| Reverse(tally.count));
    tallies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(file: u32, chunks: &[(u64, u64)]) -> WorkUnit {
        use crate::plan::unit::{Chunk, FileId, UnitId};
        let chunk = |&(len, records): &(u64, u64)| Chunk { start: 0, len, records, line: 1 };
        let chunks = chunks.iter().map(chunk).collect();
        WorkUnit { id: UnitId(0), file: FileId(file), first_ordinal: 0, first_record: 1, chunks }
    }

    #[test]
    fn units_are_counted_by_file_and_a_file_without_any_is_there_too() {
        let folder = tempfile::tempdir().unwrap();
        let input = |name: &str, text: &str| {
            use crate::format::Format;
            use crate::plan::beginning::read_beginning;
            use crate::plan::header::HeaderNames;
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let file = crate::plan::discover::discover(&[path]).unwrap().remove(0);
            let header = read_beginning(&file, &Format::default(), true, HeaderNames::Used, 100).unwrap();
            (file, header)
        };
        let inputs = [input("a.csv", "id\n1\n22\n333\n"), input("b.csv", "id\n"), input("c.csv", "id\n4\n")];
        let mut tally = UnitTally::default();
        for unit in [unit(0, &[(2, 1), (3, 1)]), unit(0, &[(4, 1)]), unit(2, &[(2, 1)])] {
            tally.add(&unit);
        }
        let found: Vec<(&str, u64, u64, u64)> =
            vec![("a.csv", 9, 3, 2), ("b.csv", 0, 0, 0), ("c.csv", 2, 1, 1)];
        let files = tally.by_file(&inputs, false);
        let shown: Vec<_> = files
            .iter()
            .map(|file| {
                (file.path.file_name().unwrap().to_str().unwrap(), file.bytes, file.records, file.units)
            })
            .collect();
        assert_eq!(shown, found);
        let in_part = tally.by_file(&inputs, true);
        assert_eq!(in_part.iter().map(|file| file.bytes).collect::<Vec<_>>(), [9, 0, 2]);
        assert_eq!(tally.bytes, Some(UnitBytes { smallest: 2, largest: 5 }));
        assert_eq!(UnitTally::default().bytes, None);
    }

    #[test]
    fn the_most_frequent_reason_comes_first_and_of_equal_ones_the_first_column() {
        let (number, count) = (RejectCode::InvalidNumber, RejectCode::FieldCount);
        let key = |column: Option<&str>, code| (column.map(str::to_owned), code);
        let counts = BTreeMap::from([
            (key(Some("a"), number), 1),
            (key(Some("b"), number), 2),
            (key(Some("b"), RejectCode::OutOfRange), 1),
            (key(None, count), 1),
        ]);
        let tally = |column: Option<&str>, code, count| RejectTally {
            column: column.map(str::to_owned),
            code,
            count,
        };
        assert_eq!(
            by_frequency(counts),
            [
                tally(Some("b"), number, 2),
                tally(None, count, 1),
                tally(Some("a"), number, 1),
                tally(Some("b"), RejectCode::OutOfRange, 1),
            ]
        );
    }
}
