//! The thread that writes facts down while the run goes on. The event loop hands over what has happened since the last time and
//! never waits for the disk; what comes while the thread is busy waits, gathered, for the next time.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use super::LedgerError;
use super::job::Job;
use super::store::{Facts, Ledger};
use crate::clock::Clock;
use crate::coordinator::assignment::Attempt;

/// How long the last facts of a run may take to be written: as long as another run's transaction may, and some.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);

/// Writes the facts of one run down.
pub struct Journal {
    waiting: Batch,
    /// Of what was handed over last.
    begun: u64,
    batches: Option<Sender<Batch>>,
    done: Receiver<Closed>,
    thread: JoinHandle<()>,
}

/// What is written down together.
#[derive(Default)]
struct Batch {
    facts: Facts,
    /// Attempts of this run whose beginning is known when this is written down.
    begun: u64,
}

/// What the journal leaves behind.
struct Closed {
    ledger: Ledger,
    outcome: Result<(), LedgerError>,
    cpu: Option<Duration>,
}

/// A journal that is closed.
pub struct Written {
    /// The ledger, given back.
    pub ledger: Ledger,
    /// CPU time of writing, where the system tells.
    pub cpu: Option<Duration>,
}

impl Journal {
    /// A journal of a run of `job`. On the journal's thread, `told` is called with the number of attempts whose beginning is
    /// written down whenever there are more of them, and once, for the last time, when facts cannot be written.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        mut ledger: Ledger,
        job: Job,
        told: impl Fn(Result<u64, String>) + Send + 'static,
    ) -> std::io::Result<Journal> {
        let (batches, to_write) = bounded::<Batch>(1);
        let (closed, done) = bounded(1);
        let thread = thread::Builder::new().name("ledger".into()).spawn(move || {
            let clock = Clock::set();
            let mut outcome = Ok(());
            let mut known = 0;
            for Batch { facts, begun } in to_write {
                if outcome.is_err() {
                    // What has happened since is lost, but whoever hands it over is not held up.
                    continue;
                }
                outcome = ledger.record(&job, &facts, clock.now_us());
                match &outcome {
                    Ok(()) if begun > known => {
                        known = begun;
                        told(Ok(begun));
                    }
                    Ok(()) => {}
                    Err(error) => told(Err(error.to_string())),
                }
            }
            let _ = closed.send(Closed { ledger, outcome, cpu: thread_cpu() });
        })?;
        Ok(Journal { waiting: Batch::default(), begun: 0, batches: Some(batches), done, thread })
    }

    /// What has happened since [`Journal::flush`] was last able to hand over.
    pub fn waiting(&mut self) -> &mut Facts {
        &mut self.waiting.facts
    }

    /// Attempts are settled further, and `begun` of this run have begun, these among them.
    pub fn add_attempts(&mut self, attempts: Vec<Attempt>, begun: u64) {
        self.waiting.facts.attempts.extend(attempts);
        self.waiting.begun = begun;
    }

    /// Attempts that had begun according to what was handed over.
    pub fn begun(&self) -> u64 {
        self.begun
    }

    /// Hands over what has happened, unless the thread is still at what it got before.
    pub fn flush(&mut self) {
        if self.waiting.facts.is_empty() {
            return;
        }
        let Some(batches) = &self.batches else { return };
        let begun = self.waiting.begun;
        match batches.try_send(std::mem::take(&mut self.waiting)) {
            Ok(()) => self.begun = begun.max(self.begun),
            Err(TrySendError::Full(waiting) | TrySendError::Disconnected(waiting)) => self.waiting = waiting,
        }
    }

    /// Writes the rest down and ends the thread.
    ///
    /// # Errors
    /// Facts could not be written, now or before; `None` if the thread does not end in time.
    pub fn close(mut self) -> (Option<Written>, Result<(), String>) {
        let Some(batches) = self.batches.take() else { return (None, Ok(())) };
        let rest = std::mem::take(&mut self.waiting);
        if !rest.facts.is_empty() && batches.send_timeout(rest, CLOSE_WITHIN).is_err() {
            return (None, Err(format!("the ledger was not written within {} s", CLOSE_WITHIN.as_secs())));
        }
        drop(batches);
        match self.done.recv_timeout(CLOSE_WITHIN) {
            Ok(Closed { ledger, outcome, cpu }) => {
                // It has said its last word.
                let _ = self.thread.join();
                (Some(Written { ledger, cpu }), outcome.map_err(|error| error.to_string()))
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                (None, Err(format!("the ledger was not written within {} s", CLOSE_WITHIN.as_secs())))
            }
        }
    }
}

/// CPU time of this thread: the first number of its schedstat, in nanoseconds (Linux, Documentation/scheduler/sched-stats.rst).
fn thread_cpu() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
