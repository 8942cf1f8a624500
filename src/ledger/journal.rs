//! The thread that writes facts down while the run goes on. The event loop hands over what has happened since the last time and
//! never waits for the disk; what comes while the thread is busy waits, gathered, for the next time.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use super::LedgerError;
use super::job::Job;
use super::store::{Facts, Ledger};
use crate::clock::Clock;

/// How long the last facts of a run may take to be written: as long as another run's transaction may, and some.
const CLOSE_WITHIN: Duration = Duration::from_secs(30);

/// Writes the facts of one run down.
pub struct Journal {
    waiting: Facts,
    facts: Option<Sender<Facts>>,
    done: Receiver<Closed>,
    thread: JoinHandle<()>,
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
    /// A journal of a run of `job`. `failed` is called, once and on the journal's thread, when facts cannot be written.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        mut ledger: Ledger,
        job: Job,
        failed: impl FnOnce(String) + Send + 'static,
    ) -> std::io::Result<Journal> {
        let (facts, to_write) = bounded::<Facts>(1);
        let (closed, done) = bounded(1);
        let thread = thread::Builder::new().name("ledger".into()).spawn(move || {
            let clock = Clock::set();
            let mut failed = Some(failed);
            let mut outcome = Ok(());
            for facts in to_write {
                if outcome.is_ok() {
                    outcome = ledger.record(&job, &facts, clock.now_us());
                }
                if let Err(error) = &outcome
                    && let Some(failed) = failed.take()
                {
                    failed(error.to_string());
                }
            }
            let _ = closed.send(Closed { ledger, outcome, cpu: thread_cpu() });
        })?;
        Ok(Journal { waiting: Facts::default(), facts: Some(facts), done, thread })
    }

    /// What has happened since [`Journal::flush`] was last able to hand over.
    pub fn waiting(&mut self) -> &mut Facts {
        &mut self.waiting
    }

    /// Hands over what has happened, unless the thread is still at what it got before.
    pub fn flush(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let Some(facts) = &self.facts else { return };
        match facts.try_send(std::mem::take(&mut self.waiting)) {
            Ok(()) => {}
            Err(TrySendError::Full(waiting) | TrySendError::Disconnected(waiting)) => self.waiting = waiting,
        }
    }

    /// Writes the rest down and ends the thread.
    ///
    /// # Errors
    /// Facts could not be written, now or before; `None` if the thread does not end in time.
    pub fn close(mut self) -> (Option<Written>, Result<(), String>) {
        let Some(facts) = self.facts.take() else { return (None, Ok(())) };
        let rest = std::mem::take(&mut self.waiting);
        if !rest.is_empty() && facts.send_timeout(rest, CLOSE_WITHIN).is_err() {
            return (None, Err(format!("the ledger was not written within {} s", CLOSE_WITHIN.as_secs())));
        }
        drop(facts);
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
