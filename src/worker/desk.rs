//! The worker's side of the conversation: what it says, and the progress it tells a few times a second, and whenever that gives
//! back memory that is waited for. Only what is told is settled: the rejects in it are on the disk before, the memory it held is
//! given back after.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};

use crate::control::message::{FailureKind, FromWorker, UnitReport};
use crate::control::transport;
use crate::insert::cql::Gauges;
use crate::insert::halt::{Halt, PanicWatch};
use crate::insert::load::{Saying, UnitLoad};

/// How often progress is told: what is settled and not told is done again when the worker dies.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// How often a lasting cluster fault is told again.
const FAULT_EVERY: Duration = Duration::from_secs(10);

/// The worker's side of the control channel.
pub struct Desk {
    writer: Mutex<Box<dyn Write + Send>>,
    halt: Arc<Halt>,
    gauges: Arc<Gauges>,
    /// Units that are begun and not told to be done.
    active: Mutex<Vec<Arc<UnitLoad>>>,
    bell: Bell,
    rung: Receiver<()>,
}

/// Calls for progress to be told now.
#[derive(Debug, Clone)]
pub struct Bell(Sender<()>);

impl Bell {
    /// Never waits. Told is what is settled when it is heard, so once is as good as twice.
    pub fn ring(&self) {
        match self.0.try_send(()) {
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => (),
        }
    }
}

impl Desk {
    /// A desk that says everything through `writer`.
    pub fn new(writer: impl Write + Send + 'static, halt: Arc<Halt>) -> Self {
        let (bell, rung) = bounded(1);
        Desk {
            writer: Mutex::new(Box::new(writer)),
            halt,
            gauges: Arc::new(Gauges::default()),
            active: Mutex::new(Vec::new()),
            bell: Bell(bell),
            rung,
        }
    }

    /// The worker's switch.
    pub fn halt(&self) -> &Arc<Halt> {
        &self.halt
    }

    /// Calls for progress to be told.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// What the inserter counts.
    pub fn gauges(&self) -> &Arc<Gauges> {
        &self.gauges
    }

    /// Says something to the coordinator. Where nobody listens any more, the worker stops.
    pub fn say(&self, message: &FromWorker) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if transport::send(&mut *writer, message).is_err() {
            self.halt.stop();
        }
    }

    /// From now on, the unit's progress is told.
    pub fn begin(&self, unit: Arc<UnitLoad>) {
        self.say(&FromWorker::UnitStarted { unit: unit.unit.id });
        self.active().push(unit);
    }

    /// Tells how far each active unit is, or, if only news are wanted, each that has come further; and lets go of those that are
    /// done.
    fn tell_progress(&self, only_news: bool) {
        let units: Vec<_> = self.active().clone();
        for unit in units {
            let saying = unit.take_prefix();
            if only_news && !saying.is_new {
                continue;
            }
            let is_kept = !saying.has_new_rejects || self.keep_rejects(&unit);
            if is_kept {
                self.tell(&unit, &saying);
            }
            if saying.done || !is_kept {
                self.active().retain(|active| !Arc::ptr_eq(active, &unit));
            }
        }
    }

    /// Brings a unit's rejects to the disk; where that fails, nothing more is to be told of the unit.
    fn keep_rejects(&self, unit: &UnitLoad) -> bool {
        unit.keep_rejects().map_err(|error| self.halt.fail(FailureKind::Output, error.to_string())).is_ok()
    }

    fn tell(&self, unit: &UnitLoad, saying: &Saying) {
        let (counts, id) = (unit.counts(), unit.unit.id);
        self.say(&match saying.done {
            true => FromWorker::UnitDone { report: UnitReport { unit: id, attempt: unit.attempt, counts } },
            false => FromWorker::Progress {
                unit: id,
                counts,
                prefix: saying.prefix,
                in_flight: self.gauges.in_flight.load(Ordering::Relaxed),
                waiting: self.gauges.waiting.load(Ordering::Relaxed),
            },
        });
    }

    fn active(&self) -> std::sync::MutexGuard<'_, Vec<Arc<UnitLoad>>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the rejects of units that were cut short, tells how far all are for the last time, and lets go of them.
    pub fn close_units(&self) {
        self.active().retain(|unit| self.keep_rejects(unit));
        self.tell_progress(false);
        self.active().clear();
    }

    /// Starts telling progress.
    pub fn start_ticker(self: &Arc<Self>) -> Ticker {
        self.tick(PROGRESS_EVERY)
    }

    fn tick(self: &Arc<Self>, every: Duration) -> Ticker {
        let (stop, stopped) = bounded::<()>(0);
        let desk = Arc::clone(self);
        let thread = thread::spawn(move || {
            let _watch = PanicWatch::new(&desk.halt, "the thread that tells progress");
            let mut fault_told: Option<Instant> = None;
            loop {
                let only_news = select! {
                    recv(stopped) -> _ => return,
                    recv(desk.rung) -> _ => true,
                    default(every) => false,
                };
                desk.tell_progress(only_news);
                desk.tell_fault(&mut fault_told);
            }
        });
        Ticker { stop, thread }
    }

    /// Tells that the cluster is not taking rows, now and then.
    fn tell_fault(&self, told: &mut Option<Instant>) {
        if told.is_none_or(|told| told.elapsed() >= FAULT_EVERY)
            && let Some(fault) = self.gauges.take_fault()
        {
            *told = Some(Instant::now());
            self.say(&FromWorker::Warning { message: fault });
        }
    }
}

/// The thread that tells progress.
pub struct Ticker {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Ticker {
    /// Ends it.
    pub fn stop(self) {
        drop(self.stop);
        // If it has panicked, the worker is failed.
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::message::Prefix;
    use crate::format::csv::dialect::Dialect;
    use crate::format::csv::reader::ChunkReader;
    use crate::insert::load::{ChunkLoad, MemoryLease, RejectBrake};
    use crate::plan::unit::{Chunk, FileId, UnitId, WorkUnit};
    use crate::reject::part::{PartFiles, PartWriter};
    use crate::reject::{Fault, RejectCode};
    use std::path::{Path, PathBuf};
    use std::sync::mpsc;

    const RECORDS: u64 = 2;

    /// Where the desk speaks to: passes on every message with the reasons that are on the disk by then.
    struct Listener {
        messages: mpsc::Sender<(FromWorker, usize)>,
        reasons: PathBuf,
    }

    impl Write for Listener {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            let reasons = std::fs::read_to_string(&self.reasons).unwrap_or_default();
            self.messages.send((serde_json::from_slice(line).unwrap(), reasons.lines().count())).unwrap();
            Ok(line.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A desk with a unit of three chunks.
    struct Office {
        desk: Arc<Desk>,
        unit: Arc<UnitLoad>,
        chunks: Vec<ChunkLoad>,
        said: mpsc::Receiver<(FromWorker, usize)>,
    }

    impl Office {
        fn new(rejects: &Path) -> Office {
            let (messages, said) = mpsc::channel();
            let files = PartFiles::new(rejects, UnitId(0), 1, 1);
            let halt = Arc::new(Halt::default());
            let listener = Listener { messages, reasons: files.reasons.clone() };
            let desk = Arc::new(Desk::new(listener, Arc::clone(&halt)));
            let chunk = |index: u64| Chunk { start: index * 4, len: 4, records: RECORDS, line: 1 };
            let chunks: Vec<Chunk> = (0..3).map(chunk).collect();
            let unit = WorkUnit {
                id: UnitId(0),
                file: FileId(0),
                first_ordinal: 0,
                first_record: 1,
                chunks: chunks.clone(),
            };
            let brake = Arc::new(RejectBrake::new(u64::MAX));
            let bell = desk.bell().clone();
            let on_grown = Box::new(move |_| bell.ring());
            let rejects = PartWriter::new(files);
            let unit = UnitLoad::new(unit, 1, "in.csv".into(), rejects, halt, brake, on_grown);
            let unit = Arc::new(unit);
            desk.begin(Arc::clone(&unit));
            let chunks = (0..).zip(chunks).map(|(index, chunk)| {
                let records = ChunkReader::new(&Dialect::default()).read(b"x\ny\n".to_vec()).unwrap();
                unit.begin_chunk(Box::new(()) as MemoryLease);
                ChunkLoad::new(Arc::clone(&unit), index, chunk, 1 + u64::from(index) * RECORDS, records)
            });
            let chunks = chunks.collect();
            assert!(matches!(said.recv(), Ok((FromWorker::UnitStarted { .. }, 0))));
            Office { desk, unit, chunks, said }
        }

        fn reject(&self, chunk: usize) {
            let message = "bad".into();
            let fault = Fault { code: RejectCode::InvalidNumber, column: None, value: None, message };
            self.chunks[chunk].reject(0, &fault);
        }

        /// What was said of the unit: how many chunks are settled (all: it is done), and how many reasons were on the disk by then.
        fn said(&self) -> Vec<(u32, usize)> {
            let chunks = |message| match message {
                FromWorker::Progress { prefix: Prefix { chunks, .. }, .. } => chunks,
                FromWorker::UnitDone { report } => {
                    assert_eq!((report.attempt, report.counts), (1, self.unit.counts()));
                    3
                }
                other => panic!("{other:?}"),
            };
            self.said.try_iter().map(|(message, reasons)| (chunks(message), reasons)).collect()
        }
    }

    #[test]
    fn rejects_are_on_the_disk_before_the_prefix_that_they_are_in_is_told() {
        let tmp = tempfile::tempdir().unwrap();
        let office = Office::new(tmp.path());
        office.reject(1);
        office.desk.tell_progress(false);
        assert_eq!(office.said(), [(0, 0)], "nobody needs them yet");
        office.chunks[0].written(2);
        office.chunks[1].written(1);
        office.desk.tell_progress(false);
        assert_eq!(office.said(), [(2, 1)]);
        office.reject(2);
        office.chunks[2].written(1);
        office.desk.tell_progress(false);
        office.desk.tell_progress(false);
        assert_eq!(office.said(), [(3, 2)], "once it is told to be done, there is nothing more to tell");
    }

    #[test]
    fn a_prefix_whose_rejects_cannot_be_kept_is_never_told() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("rejects");
        let office = Office::new(&dir);
        office.chunks[0].written(2);
        office.desk.tell_progress(false);
        std::fs::write(&dir, "a file where a folder should be").unwrap();
        office.reject(1);
        office.chunks[1].written(1);
        office.chunks[2].written(2);
        assert!(office.unit.keep_rejects().is_err());
        office.desk.close_units();
        assert_eq!(office.said(), [(1, 0)]);
        assert_eq!(office.desk.halt().failure().map(|failure| failure.kind), Some(FailureKind::Output));
    }

    #[test]
    fn news_are_told_and_nothing_else_where_only_news_are_wanted() {
        let tmp = tempfile::tempdir().unwrap();
        let office = Office::new(tmp.path());
        office.chunks[1].written(2);
        office.desk.tell_progress(true);
        office.chunks[0].written(2);
        office.desk.tell_progress(true);
        office.desk.tell_progress(true);
        assert_eq!(office.said(), [(2, 0)]);
    }

    #[test]
    fn whoever_rings_does_not_wait_for_the_tick() {
        let tmp = tempfile::tempdir().unwrap();
        let office = Office::new(tmp.path());
        let ticker = office.desk.tick(Duration::from_secs(3_600));
        office.chunks.iter().for_each(|chunk| chunk.written(RECORDS));
        let told = || office.said.recv_timeout(Duration::from_secs(60)).map(|(message, _)| message);
        while !matches!(told().unwrap(), FromWorker::UnitDone { .. }) {}
        ticker.stop();
    }

    #[test]
    fn what_a_unit_that_is_cut_short_has_rejected_is_kept_and_told() {
        let tmp = tempfile::tempdir().unwrap();
        let office = Office::new(tmp.path());
        office.chunks[0].written(2);
        office.reject(2);
        office.desk.halt().stop();
        office.desk.close_units();
        assert_eq!(office.said(), [(1, 1)]);
    }

    #[test]
    fn a_unit_that_is_cut_short_does_not_keep_the_channel_open() {
        let office = Office::new(Path::new("never-made"));
        office.desk.close_units();
        assert_eq!(Arc::strong_count(&office.desk), 1);
    }
}
