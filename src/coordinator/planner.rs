//! The thread that scans the inputs into units, a bounded number of units ahead of the loading.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, bounded};

use super::tally::UnitTally;
use crate::format::Format;
use crate::format::boundaries::Boundaries;
use crate::plan::discover::{InputError, InputFile};
use crate::plan::header::Header;
use crate::plan::parquet::footer::RowGroups;
use crate::plan::split::{Place, SplitSettings, SplitStart, is_whole, place_behind, split};
use crate::plan::unit::{UnitId, WorkUnit};

/// What the planner says.
#[derive(Debug)]
pub enum Planned {
    /// A unit, its records proved.
    Unit(WorkUnit),
    /// How many bytes all units will hold, as far as can be told: where records are skipped, their
    /// number is limited, or inputs are compressed.
    Outlook(u64),
    /// Something that the user should know.
    Warning(String),
    /// An input cannot be split: nothing follows.
    Failed(String),
    /// All inputs are split: nothing follows. A channel that closes without this has lost something.
    Done {
        /// Records of all inputs.
        records: u64,
        /// Bytes of all units: less than the inputs' where a file holds nothing but comments and empty lines.
        bytes: u64,
    },
}

/// Units that wait to be taken; with those that the dispatcher holds, the scan runs at most 8 units ahead.
const UNITS_AHEAD: usize = 4;

/// Where a scan begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanStart {
    /// The number of the input in `inputs`; those before it are scanned already.
    file: usize,
    /// Where in it, if not at the beginning of its data.
    place: Option<Place>,
    numbers: SplitStart,
    /// Bytes of the units before.
    bytes: u64,
}

impl ScanStart {
    /// At the beginning of the first input.
    pub const FIRST: ScanStart =
        ScanStart { file: 0, place: None, numbers: SplitStart { ordinal: 0, unit: UnitId(0) }, bytes: 0 };

    /// Behind the last unit that is known from earlier runs; all of them hold so many bytes.
    ///
    /// # Errors
    /// An input cannot be read.
    pub fn behind(
        inputs: &[(InputFile, Header)],
        unit: &WorkUnit,
        bytes: u64,
        whole_chunks: u32,
    ) -> Result<ScanStart, InputError> {
        let file = unit.file.0 as usize;
        let place = match inputs.get(file) {
            // All of it was scanned before any of it was known: nobody has to decompress it once more to see that.
            Some((input, _)) if is_whole(input, unit, whole_chunks) => None,
            Some((_, Header { columns: Some(_), .. })) => Some(RowGroups::place_behind(unit)),
            input => input.map(|(input, _)| place_behind(input, unit)).transpose()?,
        };
        let file = file + usize::from(place.is_none());
        let numbers = SplitStart {
            ordinal: unit.first_ordinal + unit.records(),
            unit: UnitId(unit.id.0.saturating_add(1)),
        };
        Ok(ScanStart { file, place, numbers, bytes })
    }
}

/// What is said where nothing is left to scan.
pub fn nothing_to_scan(records: u64, bytes: u64) -> Receiver<Planned> {
    let (planned, units) = bounded(1);
    // There is room for it.
    let _ = planned.try_send(Planned::Done { records, bytes });
    units
}

/// Scans `inputs` in order from `begin` on a thread of its own. Dropping the receiver ends the scan at its next unit; nobody waits for that,
/// since it only reads. Units are counted in `tally` before they are sent.
///
/// # Errors
/// The scanning threads cannot be started.
pub fn start(
    inputs: Vec<(InputFile, Header)>,
    format: Format,
    settings: SplitSettings,
    threads: usize,
    begin: ScanStart,
    tally: Arc<Mutex<UnitTally>>,
) -> Result<Receiver<Planned>, rayon::ThreadPoolBuildError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("scan-{index}"))
        .build()?;
    let (planned, units) = bounded(UNITS_AHEAD);
    thread::spawn(move || {
        let ScanStart { file: first, mut place, numbers: mut start, mut bytes } = begin;
        for (index, (file, header)) in inputs.iter().enumerate().skip(first) {
            if settings.limit.is_some_and(|limit| start.ordinal >= limit) {
                break;
            }
            let mut outlook = Outlook::new(&inputs, index, &settings, bytes);
            let mut emit = |unit: WorkUnit| {
                tally.lock().unwrap_or_else(PoisonError::into_inner).add(&unit);
                // First what there is to do, then what is to be done: never more is done than there is.
                let sent = outlook.after(&unit).map_or(Ok(()), |outlook| planned.send(outlook));
                match sent.and_then(|()| planned.send(Planned::Unit(unit))) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            };
            let boundaries = Boundaries::of(&format, header.layout, place.is_none());
            let place = place.take().unwrap_or_else(|| header.data());
            let totals = match &header.columns {
                Some(columns) => columns.row_groups.split(file, place, &settings, start, &mut emit),
                None => split(file, place, boundaries, &settings, start, &pool, &mut emit),
            };
            match totals {
                Ok(totals) => {
                    if settings.skip >= place.record && totals.records == 0 {
                        let path = file.path.display();
                        let warning = format!("{path}: --skip {} leaves no record of it", settings.skip);
                        // As above.
                        let _ = planned.send(Planned::Warning(warning));
                    }
                    start.ordinal += totals.records;
                    start.unit.0 += totals.units;
                    bytes += totals.bytes;
                }
                Err(error) => {
                    // Nobody listens only when the run is over already.
                    let _ = planned.send(Planned::Failed(error.to_string()));
                    return;
                }
            }
        }
        let _ = planned.send(Planned::Done { records: start.ordinal, bytes });
    });
    Ok(units)
}

/// What the units of all inputs will hold, told with each unit of one input.
struct Outlook {
    /// Whether the inputs' sizes do not tell it.
    told: bool,
    limit: Option<u64>,
    /// Where the input ends, if it is plain; its size, if it is compressed.
    end: u64,
    compressed: u64,
    /// Bytes of plain inputs behind it, and the size of compressed ones.
    behind: u64,
    compressed_behind: u64,
    /// Bytes of the units so far, and of those of this input.
    bytes: u64,
    held: u64,
}

impl Outlook {
    fn new(inputs: &[(InputFile, Header)], index: usize, settings: &SplitSettings, bytes: u64) -> Self {
        let is_compressed = |file: &InputFile| file.is_read_forwards();
        let size = |of: bool| {
            inputs.get(index).filter(|(file, _)| is_compressed(file) == of).map_or(0, |(file, _)| file.size)
        };
        let behind = |of: bool| {
            let behind = inputs.iter().skip(index + 1).filter(|(file, _)| is_compressed(file) == of);
            behind.map(|(file, header)| file.data_bytes(header.data_start)).sum()
        };
        Outlook {
            // Of standard input nobody can tell.
            told: !inputs.iter().any(|(file, _)| file.is_stdin())
                && (settings.skip > 0
                    || settings.limit.is_some()
                    || inputs.iter().any(|(file, _)| is_compressed(file))),
            limit: settings.limit,
            end: size(false),
            compressed: size(true),
            behind: behind(false),
            compressed_behind: behind(true),
            bytes,
            held: 0,
        }
    }

    /// Nothing but where it differs from the size of the inputs. Records that are left out later are taken for as long as those
    /// so far, and compressed inputs to hold as much for their size as the last one.
    fn after(&mut self, unit: &WorkUnit) -> Option<Planned> {
        self.bytes += unit.bytes();
        self.held += unit.bytes();
        let unit_end = unit.chunks.last().map_or(0, |chunk| chunk.start + chunk.len);
        let share = |of: u64, part: u64, whole: u64| {
            let share = u128::from(of) * u128::from(part) / u128::from(whole.max(1));
            u64::try_from(share).unwrap_or(u64::MAX)
        };
        let unpacked = match self.compressed {
            0 => self.compressed_behind,
            size => share(self.compressed_behind, self.held, size),
        };
        let rest = self.end.saturating_sub(unit_end).saturating_add(self.behind).saturating_add(unpacked);
        let records = unit.first_ordinal + unit.records();
        let limited = self.limit.map(|limit| share(self.bytes, limit, records));
        let outlook = self.bytes.saturating_add(rest).min(limited.unwrap_or(u64::MAX));
        self.told.then_some(Planned::Outlook(outlook))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::format::csv::dialect::Dialect;
    use crate::plan::beginning::read_beginning;
    use crate::plan::discover::discover;
    use crate::plan::header::HeaderNames;

    /// What is planned of three files, of which the second holds no record, with these records skipped and this limit.
    fn planned(skip: u64, limit: Option<u64>) -> (Vec<Planned>, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (format, dialect) = (Format::default(), Dialect::default());
        let texts = [("a.csv", "id\n1\n\n\n"), ("b.csv", "id\n\n\n\n"), ("c.csv", "id\n2\n3")];
        let paths = texts.map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        });
        let inputs = discover(&paths).unwrap().into_iter().map(|file| {
            let header = read_beginning(&file, &Format::Csv(dialect), true, HeaderNames::Used, 100).unwrap();
            (file, header)
        });
        let settings = SplitSettings {
            whole_chunks: 4,
            unit_bytes: 4,
            chunk_bytes: 4,
            max_record_bytes: 100,
            skip,
            limit,
        };
        let planned = start(inputs.collect(), format, settings, 1, ScanStart::FIRST, Arc::default()).unwrap();
        (planned.into_iter().collect(), folder.path().to_owned())
    }

    /// The records and bytes that the last word tells and those that are in units, and the last outlook.
    fn counts(planned: &[Planned]) -> ((u64, u64), (u64, u64), Option<u64>) {
        let (mut of_units, mut outlook, mut last) = ((0, 0), None, None);
        for planned in planned {
            match planned {
                Planned::Unit(unit) => of_units = (of_units.0 + unit.records(), of_units.1 + unit.bytes()),
                Planned::Outlook(bytes) => outlook = Some(*bytes),
                Planned::Done { records, bytes } => last = Some((*records, *bytes)),
                Planned::Warning(_) => {}
                Planned::Failed(message) => panic!("{message}"),
            }
        }
        (last.unwrap(), of_units, outlook)
    }

    #[test]
    fn the_last_word_counts_what_is_in_units() {
        // No record is in the second file, so no unit will ever tell that its bytes are done.
        assert_eq!(counts(&planned(0, None).0), ((3, 7), (3, 7), None));
    }

    #[test]
    fn a_limit_is_over_all_files_and_ends_the_scan() {
        assert_eq!(counts(&planned(0, Some(2)).0), ((2, 6), (2, 6), Some(6)));
        assert_eq!(counts(&planned(0, Some(1)).0), ((1, 4), (1, 4), Some(4)));
        assert_eq!(counts(&planned(0, Some(9)).0), ((3, 7), (3, 7), Some(7)));
    }

    #[test]
    fn records_are_skipped_in_each_file_and_a_file_of_which_nothing_is_left_is_told() {
        let (planned, folder) = planned(1, Some(5));
        assert_eq!(counts(&planned), ((1, 1), (1, 1), Some(1)));
        let warnings = planned.iter().filter_map(|planned| match planned {
            Planned::Warning(message) => Some(message.replace(folder.to_str().unwrap(), "")),
            _ => None,
        });
        let warnings: Vec<String> = warnings.collect();
        assert_eq!(warnings, ["a", "b"].map(|name| format!("/{name}.csv: --skip 1 leaves no record of it")));
    }
}
