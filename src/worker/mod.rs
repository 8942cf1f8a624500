//! The child process: obeys the coordinator's messages, loads units, reports, and ends when its input ends.
//!
//! A worker never outlives its coordinator, never prints, and may be killed at any instant without loss.

pub mod desk;
mod library;
pub mod memory;
pub mod pipeline;
pub mod session;

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use crate::control::message::{FailureKind, FromWorker, JobSpec, PROTOCOL_VERSION, ToWorker, WorkerTotals};
use crate::control::transport::{self, ReceiveError};
use crate::insert::count::CountEngine;
use crate::insert::engine::Engine;
use crate::insert::halt::{Failure, Halt, PanicWatch};
use crate::plan::pipe::SharedPipe;
use crate::plan::unit::WorkUnit;
use crate::remote::address::Hidden;
use crate::remote::connect::Remotes;
use desk::Desk;
use pipeline::Pipeline;

/// Messages read ahead. A worker is never sent more than a permit, two units and an end without having answered.
const INBOX_MESSAGES: usize = 16;
/// How soon a worker that waits for a unit sees that it is to stop, or that rows wait for those of another unit.
const SEEN_WITHIN: Duration = Duration::from_millis(5);

/// Runs a worker over its control channel until the channel ends or its work is done. What its process reads of standard input, if it
/// does, is in `pipe`.
pub fn run(
    reader: impl BufRead + Send + 'static,
    writer: impl Write + Send + 'static,
    pipe: Option<&SharedPipe>,
) {
    let desk = Arc::new(Desk::new(writer, Arc::default()));
    let last = live(reader, &desk, pipe);
    desk.say(&last);
}

/// The same as the one thing that this process does: what libraries say in it goes over the channel too.
pub fn run_process(reader: impl BufRead + Send + 'static, writer: impl Write + Send + 'static) {
    let desk = Arc::new(Desk::new(writer, Arc::default()));
    let ear = library::hear(&desk);
    let last = live(reader, &desk, None);
    ear.tell_rest();
    desk.say(&last);
}

/// A worker's life up to its last word, which is returned.
fn live(reader: impl BufRead + Send + 'static, desk: &Arc<Desk>, pipe: Option<&SharedPipe>) -> FromWorker {
    let halt = Arc::clone(desk.halt());
    let inbox = listen(reader, Arc::clone(&halt));
    let greeted = greet(&inbox, desk).map(|mut job| {
        for file in job.files.iter_mut().filter(|file| file.input.is_stdin()) {
            file.input.pipe = pipe.cloned();
        }
        let remotes = Remotes::new(job.remote.clone(), Hidden::new());
        for object in job.files.iter_mut().filter_map(|file| file.input.remote.as_mut()) {
            object.remotes = remotes.clone();
        }
        job
    });
    let outcome = greeted.and_then(|job| match job.connection {
        Some(_) => session::load_through_session(job, &inbox, desk),
        None => load(job, CountEngine, &inbox, desk),
    });
    match halt.failure().or(outcome.as_ref().err().cloned()) {
        Some(Failure { kind, message }) => FromWorker::Failed { kind, message },
        None => FromWorker::Bye { totals: outcome.unwrap_or_default() },
    }
}

/// Reads messages on a thread of its own, so that a stop is seen whatever the worker is doing.
fn listen(mut reader: impl BufRead + Send + 'static, halt: Arc<Halt>) -> Receiver<ToWorker> {
    let (to_inbox, inbox) = bounded(INBOX_MESSAGES);
    thread::spawn(move || {
        loop {
            match transport::receive(&mut reader) {
                Ok(Some(ToWorker::Stop)) => return halt.stop(),
                Ok(Some(message)) => {
                    if to_inbox.send(message).is_err() {
                        return;
                    }
                }
                // The end of the stream is the end of the coordinator.
                Ok(None) | Err(ReceiveError::Io(_)) => return halt.stop(),
                Err(error) => return halt.fail(FailureKind::Protocol, error.to_string()),
            }
        }
    });
    inbox
}

/// The version comes before everything else.
fn greet(inbox: &Receiver<ToWorker>, desk: &Desk) -> Result<JobSpec, Failure> {
    desk.say(&FromWorker::Hello { version: PROTOCOL_VERSION });
    match inbox.recv() {
        Ok(ToWorker::Hello { version: PROTOCOL_VERSION, job }) => Ok(*job),
        Ok(ToWorker::Hello { version, .. }) => Err(protocol(format!(
            "the coordinator speaks version {version} and this worker version {PROTOCOL_VERSION}: was the program replaced \
             during the run? run it again"
        ))),
        Ok(_) => Err(protocol("the first message is not hello".into())),
        Err(_) => Err(protocol("the coordinator went away before it said hello".into())),
    }
}

/// Loads every unit that comes through `engine`. This is the worker's whole life once it is connected.
fn load<E: Engine>(
    job: JobSpec,
    engine: E,
    inbox: &Receiver<ToWorker>,
    desk: &Arc<Desk>,
) -> Result<WorkerTotals, Failure> {
    let engine = Arc::new(engine);
    let (feed, rows) = bounded(pipeline::BATCHES_AHEAD);
    let inserter = {
        let engine = Arc::clone(&engine);
        let halt = Arc::clone(desk.halt());
        thread::spawn(move || {
            let _watch = PanicWatch::new(&halt, "the inserter");
            engine.run(rows)
        })
    };
    let mut pipeline = Pipeline::new(job, engine, feed, Arc::clone(desk))?;
    let ticker = desk.start_ticker();
    let loaded = load_units(&mut pipeline, inbox, desk);
    pipeline.finish();
    let totals = inserter.join().map_err(|_| protocol("the inserter panicked: this is a bug".into()));
    ticker.stop();
    desk.close_units();
    loaded.and(totals)
}

fn load_units<E: Engine>(
    pipeline: &mut Pipeline<E>,
    inbox: &Receiver<ToWorker>,
    desk: &Desk,
) -> Result<(), Failure> {
    while let Some((unit, attempt, in_doubt)) = next_unit(inbox, desk)? {
        if let Err(failure) = pipeline.load_unit(unit, attempt, in_doubt) {
            desk.halt().fail(failure.kind, failure.message);
        }
    }
    Ok(())
}

/// The next unit; `None` when no more will come or the worker is to stop.
fn next_unit(inbox: &Receiver<ToWorker>, desk: &Desk) -> Result<Option<(WorkUnit, u32, bool)>, Failure> {
    let gauges = desk.gauges();
    while !desk.halt().is_stopped() {
        return match inbox.recv_timeout(SEEN_WITHIN) {
            Ok(ToWorker::Unit { unit, attempt, in_doubt }) => Ok(Some((unit, attempt, in_doubt))),
            Ok(ToWorker::Finish | ToWorker::Stop) | Err(RecvTimeoutError::Disconnected) => Ok(None),
            Ok(ToWorker::Hello { .. } | ToWorker::PermitGranted) => {
                Err(protocol("a message came out of turn".into()))
            }
            Ok(ToWorker::LetGo) => {
                gauges.let_go.store(true, Ordering::Relaxed);
                continue;
            }
            Err(RecvTimeoutError::Timeout) => {
                if gauges.hungry.swap(false, Ordering::Relaxed) {
                    desk.say(&FromWorker::Hungry);
                }
                continue;
            }
        };
    }
    Ok(None)
}

fn protocol(message: String) -> Failure {
    Failure { kind: FailureKind::Protocol, message }
}

#[cfg(test)]
mod tests;
