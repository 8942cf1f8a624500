//! The engine that speaks CQL: a bounded number of lanes, each with one request in flight. What a request is, an INSERT or
//! another, is for [`Request`] to say.
//!
//! The feed is a blocking channel, the lanes are tasks of an async runtime; the thread that calls `run` is the bridge between
//! them, so that no thread of the runtime ever blocks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::Receiver;
use hdrhistogram::Histogram;
use scylla::client::session::Session;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

use super::caution::Caution;
use super::engine::{BoundBatch, Engine};
use super::halt::{Halt, PanicWatch};
use super::lane::{Lane, Run};
use super::request::Request;
use crate::clock::Clock;
use crate::control::latency::new_histogram;
use crate::control::message::WorkerTotals;
use crate::schema::statement::RowPlan;
use crate::settings::TableName;

/// Rows that a lane takes at once: enough to make the hand-over cheap, few enough to keep all lanes busy at the end.
const RUN_ROWS: usize = 8;
/// How long requests in flight may take when the worker is stopped.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// What the progress shows of the requests, kept by the lanes.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Rows being sent.
    pub in_flight: AtomicU64,
    /// Rows that have failed because of the cluster and are not settled.
    pub waiting: AtomicU64,
    /// Requests sent, retries included.
    pub requests: AtomicU64,
    /// Rows acknowledged.
    pub acknowledged: AtomicU64,
    /// Rows that the server refused since the last acknowledgement.
    pub refused_in_a_row: AtomicU64,
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

    /// Hands the feed's rows to the lanes; waits while all of them are busy, and ends early when there are none left.
    fn bridge(&self, feed: &Receiver<BoundBatch<R::Row>>, runs: &mpsc::Sender<Run<R::Row>>) {
        for batch in feed {
            let batch = Arc::new(batch);
            for start in (0..batch.rows.len()).step_by(RUN_ROWS) {
                let rows = start..batch.rows.len().min(start + RUN_ROWS);
                if runs.blocking_send(Run { batch: Arc::clone(&batch), rows }).is_err() {
                    return;
                }
            }
        }
    }
}

impl<R: Request> Engine for CqlEngine<R> {
    type Row = R::Row;

    fn bind(&self, values: &[u8]) -> Result<R::Row, String> {
        self.request.bind(values)
    }

    fn run(&self, feed: Receiver<BoundBatch<R::Row>>) -> WorkerTotals {
        let (runs, queue) = mpsc::channel(self.options.in_flight.div_ceil(4));
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        let latencies = Arc::new(Mutex::new(new_histogram()));
        let (clock, caution) = (Clock::set(), Arc::new(Caution::default()));
        let lanes: Vec<_> = (0..self.options.in_flight)
            .map(|_| {
                let lane = Lane {
                    halt: Arc::clone(&self.halt),
                    gauges: Arc::clone(&self.gauges),
                    retry_for: self.options.retry_for,
                    caution: Arc::clone(&caution),
                    clock: self.options.hold.then_some(clock),
                    target: Arc::clone(&self.target),
                    request: Arc::clone(&self.request),
                };
                self.runtime.spawn(run_lane(lane, Arc::clone(&queue), Arc::clone(&latencies)))
            })
            .collect();
        // The lanes alone hold the queue: when they are gone, so is it, and the bridge sees it.
        drop(queue);
        let patience = self.runtime.spawn(abort_after_stop(
            Arc::clone(&self.halt),
            lanes.iter().map(JoinHandle::abort_handle).collect(),
        ));
        self.bridge(&feed, &runs);
        drop((feed, runs));
        for lane in lanes {
            // A lane that panicked has failed the worker (see `PanicWatch`).
            let _ = self.runtime.block_on(lane);
        }
        patience.abort();
        let latency_us = latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .collect();
        WorkerTotals { requests: self.gauges.requests.load(Ordering::Relaxed), latency_us }
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
    queue: Arc<tokio::sync::Mutex<mpsc::Receiver<Run<R::Row>>>>,
    histogram: Arc<Mutex<Histogram<u64>>>,
) {
    let _watch = PanicWatch::new(&lane.halt, "a lane of the inserter");
    let mut latencies = Vec::with_capacity(RUN_ROWS);
    loop {
        let Some(run) = queue.lock().await.recv().await else { return };
        lane.send(&run, &mut latencies).await;
        drop(run);
        let mut histogram = histogram.lock().unwrap_or_else(PoisonError::into_inner);
        for latency in latencies.drain(..) {
            histogram.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        }
    }
}
