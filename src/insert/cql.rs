//! The engine that writes through prepared INSERTs: a bounded number of lanes, each with one request in flight.
//!
//! The feed is a blocking channel, the lanes are tasks of an async runtime; the thread that calls `run` is the bridge between
//! them, so that no thread of the runtime ever blocks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::Receiver;
use hdrhistogram::Histogram;
use scylla::client::session::Session;
use scylla::errors::ExecutionError;
use scylla::serialize::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

use super::engine::{BoundBatch, Engine};
use super::halt::{Halt, PanicWatch};
use super::lane::{Lane, Run};
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
    pub(super) fn note_fault(&self, error: &ExecutionError) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if fault.is_none() {
            *fault = Some(error.to_string());
        }
    }

    /// A cluster fault since the last call, if there was one.
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

/// Writes rows through one prepared statement of one session.
pub struct CqlEngine {
    runtime: Handle,
    target: Arc<Target>,
    statement: PreparedStatement,
    options: CqlOptions,
    halt: Arc<Halt>,
    gauges: Arc<Gauges>,
}

/// Where rows go.
pub struct Target {
    /// The session.
    pub session: Session,
    /// The table.
    pub table: TableName,
    /// The statement that writes to it.
    pub row_plan: RowPlan,
}

impl CqlEngine {
    /// An engine over a session that lives on `runtime`, which must have threads of its own; `statement` is the target's, prepared.
    pub fn new(
        runtime: Handle,
        target: Target,
        statement: PreparedStatement,
        options: CqlOptions,
        halt: Arc<Halt>,
        gauges: Arc<Gauges>,
    ) -> Self {
        CqlEngine { runtime, target: Arc::new(target), statement, options, halt, gauges }
    }

    /// Hands the feed's rows to the lanes; waits while all of them are busy, and ends early when there are none left.
    fn bridge(&self, feed: &Receiver<BoundBatch<BoundStatement>>, runs: &mpsc::Sender<Run>) {
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

impl Engine for CqlEngine {
    type Row = BoundStatement;

    fn bind(&self, values: &[u8]) -> Result<BoundStatement, String> {
        self.statement.clone().bind(&EncodedRow(values)).map_err(|error| error.to_string())
    }

    fn run(&self, feed: Receiver<BoundBatch<BoundStatement>>) -> WorkerTotals {
        let (runs, queue) = mpsc::channel(self.options.in_flight.div_ceil(4));
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        let latencies = Arc::new(Mutex::new(new_histogram()));
        let clock = Clock::set();
        let lanes: Vec<_> = (0..self.options.in_flight)
            .map(|_| {
                let lane = Lane {
                    halt: Arc::clone(&self.halt),
                    gauges: Arc::clone(&self.gauges),
                    retry_for: self.options.retry_for,
                    clock: self.options.hold.then_some(clock),
                    target: Arc::clone(&self.target),
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

async fn run_lane(
    lane: Lane,
    queue: Arc<tokio::sync::Mutex<mpsc::Receiver<Run>>>,
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

/// A row in the encoder's form (see [`crate::codec::row`]) on its way into a statement.
struct EncodedRow<'a>(&'a [u8]);

/// Length of a value that is not set (CQL protocol v4, section 3, [value]).
const UNSET: i32 = -2;

impl SerializeRow for EncodedRow<'_> {
    fn serialize(
        &self,
        ctx: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let (count, mut rest) = self.0.split_at_checked(2).ok_or_else(|| malformed("no value count"))?;
        if usize::from(u16::from_be_bytes([count[0], count[1]])) != ctx.columns().len() {
            return Err(malformed("the number of values is not the statement's"));
        }
        for _ in ctx.columns() {
            let (length, values) =
                rest.split_first_chunk().ok_or_else(|| malformed("a value's length is cut off"))?;
            let cell = writer.make_cell_writer();
            rest = match i32::from_be_bytes(*length) {
                UNSET => {
                    cell.set_unset();
                    values
                }
                length => {
                    let length =
                        usize::try_from(length).map_err(|_| malformed("a value's length is negative"))?;
                    let (value, values) =
                        values.split_at_checked(length).ok_or_else(|| malformed("a value is cut off"))?;
                    cell.set_value(value).map_err(SerializationError::new)?;
                    values
                }
            };
        }
        if rest.is_empty() { Ok(()) } else { Err(malformed("there is more than the statement's values")) }
    }

    fn is_empty(&self) -> bool {
        self.0.len() <= 2
    }
}

fn malformed(what: &'static str) -> SerializationError {
    SerializationError::new(MalformedRow(what))
}

#[derive(Debug, thiserror::Error)]
#[error("an encoded row is malformed: {0}")]
struct MalformedRow(&'static str);

#[cfg(test)]
mod tests {
    use super::*;
    use scylla::frame::response::result::{ColumnSpec, ColumnType, NativeType, TableSpec};

    fn serialize(values: &[u8], columns: usize) -> Result<Vec<u8>, String> {
        let table = TableSpec::borrowed("k", "t");
        let int = || ColumnType::Native(NativeType::Int);
        let specs: Vec<_> = (0..columns).map(|_| ColumnSpec::borrowed("c", int(), table.clone())).collect();
        let mut out = Vec::new();
        let ctx = RowSerializationContext::from_specs(&specs);
        EncodedRow(values)
            .serialize(&ctx, &mut RowWriter::new(&mut out))
            .map(|()| out)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_encoded_row_goes_into_the_statement_as_it_is() {
        let row = [0, 2, 0, 0, 0, 1, 7, 0xff, 0xff, 0xff, 0xfe];
        assert_eq!(serialize(&row, 2).unwrap(), row[2..]);
    }

    #[test]
    fn a_row_that_is_cut_off_or_too_long_is_refused() {
        let row = [0, 2, 0, 0, 0, 1, 7, 0, 0, 0, 0];
        assert!(serialize(&row, 2).is_ok());
        for cut in 0..row.len() {
            assert!(serialize(&row[..cut], 2).is_err(), "cut at {cut}");
        }
        assert!(serialize(&row, 3).is_err());
        assert!(serialize(&[&row[..], &[0]].concat(), 2).is_err());
        assert!(serialize(&[0, 1, 0xff, 0xff, 0xff, 0xfd], 1).is_err());
    }
}
