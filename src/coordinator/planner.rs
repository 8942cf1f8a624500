//! The thread that scans the inputs into units, a bounded number of units ahead of the loading.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, bounded};

use super::tally::UnitTally;
use crate::format::csv::dialect::Dialect;
use crate::plan::discover::{InputError, InputFile};
use crate::plan::header::Header;
use crate::plan::split::{Place, SplitSettings, SplitStart, place_behind, split};
use crate::plan::unit::{UnitId, WorkUnit};

/// What the planner says.
#[derive(Debug)]
pub enum Planned {
    /// A unit, its records proved.
    Unit(WorkUnit),
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
    ) -> Result<ScanStart, InputError> {
        let file = unit.file.0 as usize;
        let place = inputs.get(file).map(|(file, _)| place_behind(file, unit)).transpose()?;
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
    dialect: Dialect,
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
        for (file, header) in inputs.iter().skip(first) {
            let mut emit = |unit: WorkUnit| {
                tally.lock().unwrap_or_else(PoisonError::into_inner).add(&unit);
                match planned.send(Planned::Unit(unit)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            };
            let place = place.take().unwrap_or_else(|| header.data());
            match split(file, place, &dialect, &settings, start, &pool, &mut emit) {
                Ok(totals) => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::discover::discover;
    use crate::plan::header::{HeaderNames, read_header};

    #[test]
    fn the_last_word_counts_what_is_in_units() {
        let folder = tempfile::tempdir().unwrap();
        let dialect = Dialect::default();
        // No record is in the second file, so no unit will ever tell that its bytes are done.
        let paths =
            [("a.csv", "id\n1\n\n\n"), ("b.csv", "id\n\n\n\n"), ("c.csv", "id\n2\n3")].map(|(name, text)| {
                let path = folder.path().join(name);
                std::fs::write(&path, text).unwrap();
                path
            });
        let inputs = discover(&paths).unwrap().into_iter().map(|file| {
            let header = read_header(&file, &dialect, HeaderNames::Used, 100).unwrap();
            (file, header)
        });
        let settings = SplitSettings { unit_bytes: 4, chunk_bytes: 4, max_record_bytes: 100 };
        let units = start(inputs.collect(), dialect, settings, 1, ScanStart::FIRST, Arc::default()).unwrap();
        let (mut of_units, mut last) = (0, None);
        for planned in units {
            match planned {
                Planned::Unit(unit) => of_units += unit.bytes(),
                other => last = Some(other),
            }
        }
        let Some(Planned::Done { records, bytes }) = last else { panic!("{last:?}") };
        assert_eq!((records, bytes, of_units), (3, 7, 7));
    }
}
