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
        let (stop, stopped) = bounded::<()>(0);
        let desk = Arc::clone(self);
        let thread = thread::spawn(move || {
            let _watch = PanicWatch::new(&desk.halt, "the thread that tells progress");
            let mut fault_told: Option<Instant> = None;
            loop {
                let only_news = select! {
                    recv(stopped) -> _ => return,
                    recv(desk.rung) -> _ => true,
                    default(PROGRESS_EVERY) => false,
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
            self.say(&FromWorker::Warning { message: format!("the cluster is not taking rows: {fault}") });
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
    use crate::insert::load::RejectBrake;
    use crate::plan::unit::{Chunk, FileId, UnitId, WorkUnit};
    use crate::reject::part::{PartFiles, PartWriter};

    #[test]
    fn a_unit_that_is_cut_short_does_not_keep_the_channel_open() {
        let halt = Arc::new(Halt::default());
        let desk = Arc::new(Desk::new(std::io::sink(), Arc::clone(&halt)));
        let chunks = vec![Chunk { start: 0, len: 10, records: 1, line: 1 }];
        let unit = WorkUnit { id: UnitId(0), file: FileId(0), first_ordinal: 0, first_record: 1, chunks };
        let rejects = PartWriter::new(PartFiles::new("never-made".as_ref(), unit.id, 1, 1));
        let brake = Arc::new(RejectBrake::new(u64::MAX));
        let bell = desk.bell().clone();
        let load =
            UnitLoad::new(unit, 1, "in.csv".into(), rejects, halt, brake, Box::new(move |_| bell.ring()));
        desk.begin(Arc::new(load));
        desk.close_units();
        assert_eq!(Arc::strong_count(&desk), 1);
    }
}
