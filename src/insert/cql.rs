//! The engine that speaks CQL: a bounded number of lanes, each with one request in flight. What a request is, an INSERT or
//! another, is for [`Request`] to say.
//!
//! The feed is a blocking channel, the lanes are tasks of an async runtime; the thread that calls `run` is the bridge between
//! them, so that no thread of the runtime ever blocks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::Receiver;
use hdrhistogram::Histogram;
use scylla::client::session::Session;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

use super::bridge::{self, Bridge};
use super::caution::Caution;
use super::engine::{BoundBatch, Engine};
use super::halt::{Halt, PanicWatch};
use super::lane::{Lane, Work};
use super::request::Request;
use super::watchdog::Watchdog;
use super::wire::{Batches, Wire};
use crate::clock::Clock;
use crate::control::latency::new_histogram;
use crate::control::message::WorkerTotals;
use crate::schema::statement::RowPlan;
use crate::settings::{BatchMode, Gathering, TableName};

/// How long requests in flight may take when the worker is stopped.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What the progress shows of the requests, kept by the lanes.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Requests being sent.
    pub in_flight: AtomicU64,
    /// Rows that have failed because of the cluster and are not settled.
    pub waiting: AtomicU64,
    /// Requests sent, retries included.
    pub requests: AtomicU64,
    /// Rows acknowledged.
    pub acknowledged: AtomicU64,
    /// Rows that the server refused since the last acknowledgement.
    pub refused_in_a_row: AtomicU64,
    /// Whether rows wait for others, and nothing comes.
    pub hungry: AtomicBool,
    /// Whether it is known that nothing will come for now.
    pub let_go: AtomicBool,
    /// Whether reading waits until rows are settled.
    pub memory_wanted: Arc<AtomicBool>,
    /// The last cluster fault that has not been shown yet.
    fault: Mutex<Option<String>>,
}

impl Gauges {
    /// Keeps a fault to be shown, unless there is one already.
    pub(super) fn note_fault(&self, fault: impl FnOnce() -> String) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(fault);
    }

    /// A cluster fault since the last call, if there was one, in words.
    pub fn take_fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// How the engine sends.
#[derive(Debug, Clone, Copy)]
pub struct CqlOptions {
    /// Requests in flight.
    pub in_flight: usize,
    /// How long a cluster fault may last.
    pub retry_for: Duration,
    /// Whether rows wait until their write time has come.
    pub hold: bool,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// Which rows are sent together, where they may be.
    pub gathering: Gathering,
}

/// Sends a request for each row through one session.
pub struct CqlEngine<R> {
    runtime: Handle,
    target: Arc<Target>,
    request: Arc<R>,
    options: CqlOptions,
    halt: Arc<Halt>,
    gauges: Arc<Gauges>,
}

/// What requests are about.
pub struct Target {
    /// The session.
    pub session: Session,
    /// The table.
    pub table: TableName,
    /// The statement that writes to it, and its columns.
    pub row_plan: RowPlan,
}

impl<R: Request> CqlEngine<R> {
    /// An engine over a session that lives on `runtime`, which must have threads of its own.
    pub fn new(
        runtime: Handle,
        target: Target,
        request: R,
        options: CqlOptions,
        halt: Arc<Halt>,
        gauges: Arc<Gauges>,
    ) -> Self {
        CqlEngine { runtime, target: Arc::new(target), request: Arc::new(request), options, halt, gauges }
    }

    /// The lanes, each a task that takes work from the queue.
    fn start_lanes(
        &self,
        queue: &Arc<tokio::sync::Mutex<mpsc::Receiver<Work>>>,
        latencies: &Arc<Mutex<Histogram<u64>>>,
        watchdog: &Arc<Watchdog>,
    ) -> Vec<JoinHandle<()>> {
        let batches = Arc::new(Batches::of_statement(self.request.batchable(), bridge::PARTITION.rows));
        let (clock, caution) = (Clock::set(), Arc::new(Caution::default()));
        let lane = |lane| Lane {
            wire: Wire {
                lane,
                target: Arc::clone(&self.target),
                gauges: Arc::clone(&self.gauges),
                watchdog: Arc::clone(watchdog),
                batches: Arc::clone(&batches),
            },
            halt: Arc::clone(&self.halt),
            gauges: Arc::clone(&self.gauges),
            retry_for: self.options.retry_for,
            caution: Arc::clone(&caution),
            clock: self.options.hold.then_some(clock),
            request: Arc::clone(&self.request),
        };
        (0..self.options.in_flight)
            .map(|number| {
                self.runtime.spawn(run_lane(lane(number), Arc::clone(queue), Arc::clone(latencies)))
            })
            .collect()
    }
}

impl<R: Request> Engine for CqlEngine<R> {
    fn token(&self, values: &[u8]) -> Result<i64, String> {
        self.request.token(values)
    }

    fn run(&self, feed: Receiver<BoundBatch>) -> WorkerTotals {
        let (work, queue) = mpsc::channel(self.options.in_flight.div_ceil(4));
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        let latencies = Arc::new(Mutex::new(new_histogram()));
        let watchdog = Arc::new(Watchdog::new(self.options.in_flight, self.options.request_timeout));
        let lanes = self.start_lanes(&queue, &latencies, &watchdog);
        let watching = self.runtime.spawn(async move { watchdog.run().await });
        // The lanes alone hold the queue: when they are gone, so is it, and the bridge sees it.
        drop(queue);
        let patience = self.runtime.spawn(abort_after_stop(
            Arc::clone(&self.halt),
            lanes.iter().map(JoinHandle::abort_handle).collect(),
        ));
        let mode = match self.request.batchable() {
            Some(_) => self.options.gathering.mode,
            None => BatchMode::Off,
        };
        let gathering = Gathering { mode, ..self.options.gathering };
        Bridge::new(&feed, &work, &self.gauges, &self.target, gathering).run();
        drop((feed, work));
        for lane in lanes {
            // A lane that panicked has failed the worker (see `PanicWatch`).
            let _ = self.runtime.block_on(lane);
        }
        patience.abort();
        watching.abort();
        let latency_us = latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .collect();
        let Gauges { requests, acknowledged, .. } = &*self.gauges;
        let (requests, rows) = (requests.load(Ordering::Relaxed), acknowledged.load(Ordering::Relaxed));
        WorkerTotals { requests, rows, latency_us }
    }
}

/// Gives requests in flight a while to end when the worker is stopped, then abandons them: their units are not reported.
async fn abort_after_stop(halt: Arc<Halt>, lanes: Vec<AbortHandle>) {
    halt.stopped().await;
    tokio::time::sleep(STOP_GRACE).await;
    for lane in lanes {
        lane.abort();
    }
}

async fn run_lane<R: Request>(
    lane: Lane<R>,
    queue: Arc<tokio::sync::Mutex<mpsc::Receiver<Work>>>,
    histogram: Arc<Mutex<Histogram<u64>>>,
) {
    let _watch = PanicWatch::new(&lane.halt, "a lane of the inserter");
    let mut latencies = Vec::new();
    loop {
        let Some(work) = queue.lock().await.recv().await else { return };
        lane.work(&work, &mut latencies).await;
        drop(work);
        let mut histogram = histogram.lock().unwrap_or_else(PoisonError::into_inner);
        for latency in latencies.drain(..) {
            histogram.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        }
    }
}
