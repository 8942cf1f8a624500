//! The worker's side of the conversation: what it says, and the progress it tells a few times a second.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use crate::control::message::FromWorker;
use crate::control::transport;
use crate::insert::cql::Gauges;
use crate::insert::halt::Halt;
use crate::insert::load::UnitLoad;

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// How often a lasting cluster fault is told again.
const FAULT_EVERY: Duration = Duration::from_secs(10);

/// The worker's side of the control channel.
pub struct Desk {
    writer: Mutex<Box<dyn Write + Send>>,
    halt: Arc<Halt>,
    gauges: Arc<Gauges>,
    /// Units that are begun and not settled.
    active: Mutex<Vec<Arc<UnitLoad>>>,
}

impl Desk {
    /// A desk that says everything through `writer`.
    pub fn new(writer: impl Write + Send + 'static, halt: Arc<Halt>) -> Self {
        Desk {
            writer: Mutex::new(Box::new(writer)),
            halt,
            gauges: Arc::new(Gauges::default()),
            active: Mutex::new(Vec::new()),
        }
    }

    /// The worker's switch.
    pub fn halt(&self) -> &Arc<Halt> {
        &self.halt
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

    /// Tells how far each active unit is, and forgets those that are settled.
    fn tell_progress(&self) {
        let mut active = self.active();
        active.retain(|unit| !unit.is_settled());
        let units: Vec<_> = active.iter().cloned().collect();
        drop(active);
        for unit in units {
            self.say(&FromWorker::Progress {
                unit: unit.unit.id,
                counts: unit.counts(),
                in_flight: self.gauges.in_flight.load(Ordering::Relaxed),
                waiting: self.gauges.waiting.load(Ordering::Relaxed),
            });
        }
    }

    fn active(&self) -> std::sync::MutexGuard<'_, Vec<Arc<UnitLoad>>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Flushes the rejects of units that were cut short, tells their last counts, and lets go of them.
    pub fn close_units(&self) {
        for unit in self.active().iter() {
            if let Err(error) = unit.finish_rejects() {
                self.halt.fail(crate::control::message::FailureKind::Output, error.to_string());
            }
        }
        self.tell_progress();
        // They hold this desk to report through it: kept, the two would keep the channel to the coordinator open for ever.
        self.active().clear();
    }

    /// Starts telling progress.
    pub fn start_ticker(self: &Arc<Self>) -> Ticker {
        let (stop, stopped) = bounded::<()>(0);
        let desk = Arc::clone(self);
        let thread = thread::spawn(move || {
            let mut fault_told: Option<Instant> = None;
            while stopped.recv_timeout(PROGRESS_EVERY) == Err(RecvTimeoutError::Timeout) {
                desk.tell_progress();
                if fault_told.is_none_or(|told| told.elapsed() >= FAULT_EVERY)
                    && let Some(fault) = desk.gauges.take_fault()
                {
                    fault_told = Some(Instant::now());
                    desk.say(&FromWorker::Warning {
                        message: format!("the cluster is not taking rows: {fault}"),
                    });
                }
            }
        });
        Ticker { stop, thread }
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
        // It cannot panic; and if it did, progress is no reason to fail a load that is done.
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
        let rejects = PartWriter::new(PartFiles::new("never-made".as_ref(), unit.id, 1));
        let brake = Arc::new(RejectBrake::new(u64::MAX));
        let reports_to = Arc::clone(&desk);
        let on_done = Box::new(move |report| reports_to.say(&FromWorker::UnitDone { report }));
        let load = UnitLoad::new(unit, 1, "in.csv".into(), rejects, halt, brake, on_done);
        desk.begin(Arc::new(load));
        desk.close_units();
        assert_eq!(Arc::strong_count(&desk), 1);
    }
}
