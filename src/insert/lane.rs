//! One lane of the inserter: it has one request in flight at a time, so as many lanes as requests in flight. A lane takes a short
//! run of rows, sends each until it is settled, and takes the next run; or a parcel of rows that go in one request.
//!
//! A lane never gives a row up silently: it is acknowledged, rejected for what the server said of it, or the worker stops.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use scylla::errors::ExecutionError;
use scylla::response::query_result::QueryResult;

use super::caution::Caution;
use super::cql::Gauges;
use super::engine::{BoundBatch, RowRef};
use super::fault::{Attempt, Decision, FaultKind, classify, decide, may_have_been_executed, pause};
use super::gather::Parcel;
use super::halt::Halt;
use super::load::ChunkLoad;
use super::request::{Again, Request};
use super::wire::{Cargo, Held, Load, Wire};
use crate::clock::Clock;
use crate::control::message::{FailureKind, SENDS_MAX};

/// After so many refusals without an acknowledgement, the table is looked at again.
const REFUSED_IN_A_ROW_MAX: u64 = 20;

/// A row that can be sent only so often is sent again after a pause so many times as long: the cluster is to recover meanwhile.
const PAUSES_IN_DOUBT: u32 = 20;

/// Where nobody can say why so many tries of several rows have failed, each is tried by itself: one may be the reason.
const UNCLEAR_TOGETHER_MAX: u32 = 3;

/// What a lane is given to do.
pub(super) enum Work {
    /// Rows that are sent each by itself.
    Run(Run),
    /// Rows that are sent together.
    Parcel(Parcel<Held>),
}

/// A few rows of one batch, handed to a lane at once.
pub(super) struct Run {
    pub(super) batch: Arc<BoundBatch>,
    pub(super) rows: Range<usize>,
}

/// A row that is being sent, and where its outcome goes.
#[derive(Clone, Copy)]
struct Sent<'a> {
    row: RowRef<'a>,
    token: i64,
    chunk: &'a ChunkLoad,
}

/// A lane.
pub(super) struct Lane<R> {
    pub(super) wire: Wire,
    pub(super) request: Arc<R>,
    pub(super) halt: Arc<Halt>,
    pub(super) gauges: Arc<Gauges>,
    pub(super) retry_for: Duration,
    pub(super) caution: Arc<Caution>,
    /// Where rows wait until their write time has come: by this clock.
    pub(super) clock: Option<Clock>,
}

/// What became of a row's request.
enum Settled {
    Acknowledged(Duration),
    Refused(String),
    InDoubt(String),
    Stopped,
}

/// What became of the request of several rows.
enum SettledTogether {
    Acknowledged(Duration),
    /// Each is to be sent by itself.
    Apart,
    Stopped,
}

/// The worker was stopped.
struct Stop;

impl<R: Request> Lane<R> {
    /// Does what it is given; adds the latencies of the requests that were acknowledged.
    pub(super) async fn work(&self, work: &Work, latencies: &mut Vec<Duration>) {
        let done = match work {
            Work::Run(run) => self.send_run(run, latencies).await,
            Work::Parcel(parcel) => self.send_parcel(parcel, latencies).await,
        };
        // What is left is tried again, with its unit.
        let (Ok(()) | Err(Stop)) = done;
    }

    async fn send_run(&self, run: &Run, latencies: &mut Vec<Duration>) -> Result<(), Stop> {
        for at in run.rows.clone() {
            self.send_row(&run.batch, at, latencies).await?;
        }
        Ok(())
    }

    async fn send_parcel(&self, parcel: &Parcel<Held>, latencies: &mut Vec<Duration>) -> Result<(), Stop> {
        if parcel.rows.len() > 1 {
            match self.settle_together(parcel).await {
                SettledTogether::Acknowledged(latency) => {
                    latencies.push(latency);
                    return Ok(());
                }
                SettledTogether::Apart => {}
                SettledTogether::Stopped => return Err(Stop),
            }
        }
        for held in &parcel.rows {
            self.send_row(&held.batch, held.row as usize, latencies).await?;
        }
        Ok(())
    }

    async fn send_row(
        &self,
        batch: &BoundBatch,
        at: usize,
        latencies: &mut Vec<Duration>,
    ) -> Result<(), Stop> {
        let (Some(row), Some(bound)) = (batch.row(at), batch.rows.get(at)) else { return Ok(()) };
        let sent = Sent { row, token: bound.token, chunk: &batch.chunk };
        self.hold_until(row.write_time_us).await;
        let turn = match self.request.is_once() {
            true => self.wait_for_turn().await,
            false => None,
        };
        if self.halt.is_stopped() {
            return Err(Stop);
        }
        let settled = self.settle(sent).await;
        match &settled {
            Settled::Acknowledged(_) | Settled::Refused(_) => self.caution.answered(),
            Settled::InDoubt(_) => self.caution.doubted(),
            Settled::Stopped => {}
        }
        drop(turn);
        match settled {
            Settled::Acknowledged(latency) => {
                latencies.push(latency);
                self.acknowledged(1);
            }
            Settled::Refused(message) => {
                self.suspect_the_table().await;
                batch.chunk.refused(row.record, message);
            }
            Settled::InDoubt(message) => {
                self.gauges.note_fault(|| format!("the cluster is not {}: {message}", R::TROUBLE));
                batch.chunk.in_doubt(row.record, &message);
            }
            Settled::Stopped => return Err(Stop),
        }
        Ok(())
    }

    fn acknowledged(&self, rows: u64) {
        self.gauges.acknowledged.fetch_add(rows, Ordering::Relaxed);
        self.gauges.refused_in_a_row.store(0, Ordering::Relaxed);
    }

    /// Waits until a row that cannot be sent twice can be sent. Where the cluster is in trouble for too long, the worker stops.
    async fn wait_for_turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let (turn, trouble) = tokio::select! {
            turn = self.caution.turn() => turn?,
            () = self.halt.stopped() => return None,
        };
        if trouble.lasts() >= self.retry_for {
            let message = format!(
                "of {} rows in a row nobody knows whether they were written, for {} s, longer than --retry-for allows",
                trouble.rows,
                trouble.lasts().as_secs()
            );
            self.halt.fail(FailureKind::Cluster, message);
            return None;
        }
        let _ = self.pause(pause(trouble.rows, jitter())).await;
        Some(turn)
    }

    /// Sends rows in one request until they are acknowledged, or it turns out that each has to go by itself.
    async fn settle_together(&self, parcel: &Parcel<Held>) -> SettledTogether {
        let rows = || parcel.rows.iter().filter_map(Held::row);
        if let Some(last) = rows().map(|row| row.write_time_us).max() {
            self.hold_until(last).await;
        }
        if self.halt.is_stopped() {
            return SettledTogether::Stopped;
        }
        let load = Load {
            rows: parcel.rows.len(),
            bytes: rows().map(|row| row.values.len()).sum(),
            token: parcel.token,
        };
        let mut failing: Option<Failing<'_>> = None;
        loop {
            let error = match self.wire.send(Cargo::Rows(&parcel.rows), load).await {
                Ok((_, latency)) => {
                    self.written(&parcel.rows);
                    return SettledTogether::Acknowledged(latency);
                }
                Err(error) => error,
            };
            let failing = failing.get_or_insert_with(|| Failing::begin(&self.gauges, load.rows));
            failing.sent = failing.sent.saturating_add(1);
            let kind = classify(&error);
            if kind == FaultKind::Unclear && failing.sent >= UNCLEAR_TOGETHER_MAX {
                return SettledTogether::Apart;
            }
            match self.decide(failing, kind, false) {
                Decision::Retry(pause) => {
                    self.gauges.note_fault(|| format!("the cluster is not {}: {error}", R::TROUBLE));
                    if !self.pause(pause).await {
                        return SettledTogether::Stopped;
                    }
                    if let Some(first) = parcel.rows.first() {
                        first.batch.chunk.retried();
                    }
                }
                Decision::Reject | Decision::LeaveInDoubt => return SettledTogether::Apart,
                Decision::GiveUp => {
                    self.halt.fail(FailureKind::Cluster, gave_up(R::WHAT, &error, failing));
                    return SettledTogether::Stopped;
                }
            }
        }
    }

    /// Tells the chunks of rows that they are acknowledged, each chunk once for its neighbours.
    fn written(&self, rows: &[Held]) {
        for of_chunk in rows.chunk_by(|a, b| Arc::ptr_eq(&a.batch, &b.batch)) {
            if let Some(first) = of_chunk.first() {
                first.batch.chunk.written(of_chunk.len() as u64);
            }
        }
        self.acknowledged(rows.len() as u64);
    }

    async fn settle(&self, sent: Sent<'_>) -> Settled {
        let mut failing: Option<Failing<'_>> = None;
        let (mut instead, mut replaced): (Option<Box<[u8]>>, u8) = (None, 0);
        loop {
            let values = instead.as_deref().unwrap_or(sent.row.values);
            let statement = match self.request.bind(values) {
                Ok(statement) => statement,
                Err(message) => return self.accounting(message),
            };
            let load = Load { rows: 1, bytes: values.len(), token: sent.token };
            let error = match self.wire.send(Cargo::Row(&statement), load).await {
                Ok((answer, latency)) => return self.hear(answer, latency, sent),
                Err(error) => error,
            };
            let failing = failing.get_or_insert_with(|| Failing::begin(&self.gauges, 1));
            failing.sent = failing.sent.saturating_add(1);
            let may_be_done = may_have_been_executed(&error, self.request.is_conditional());
            let in_doubt = may_be_done && self.request.is_once();
            match self.decide(failing, classify(&error), in_doubt) {
                Decision::Retry(mut pause) => {
                    if may_be_done {
                        match self.in_doubt(values, replaced, &error) {
                            Ok(None) => {}
                            Ok(other) => {
                                (instead, replaced) = (other, replaced + 1);
                                pause = pause.saturating_mul(PAUSES_IN_DOUBT);
                            }
                            Err(Stop) => return Settled::Stopped,
                        }
                    }
                    self.gauges.note_fault(|| format!("the cluster is not {}: {error}", R::TROUBLE));
                    if !self.pause(pause).await {
                        return Settled::Stopped;
                    }
                    sent.chunk.retried();
                }
                Decision::Reject => return Settled::Refused(error.to_string()),
                Decision::LeaveInDoubt => return Settled::InDoubt(error.to_string()),
                Decision::GiveUp => {
                    self.halt.fail(FailureKind::Cluster, gave_up(R::WHAT, &error, failing));
                    return Settled::Stopped;
                }
            }
        }
    }

    fn accounting(&self, message: String) -> Settled {
        self.halt.fail(FailureKind::Accounting, format!("a row cannot be bound: {message}; this is a bug"));
        Settled::Stopped
    }

    /// What is to be sent instead of a row that may have been written, if it is not the same.
    fn in_doubt(
        &self,
        values: &[u8],
        replaced: u8,
        error: &ExecutionError,
    ) -> Result<Option<Box<[u8]>>, Stop> {
        match self.request.after_doubt(values, replaced) {
            Ok(Again::Same) => Ok(None),
            Ok(Again::Instead(other)) => Ok(Some(other)),
            Ok(Again::Nothing) => {
                let message = format!(
                    "a row was sent {SENDS_MAX} times without an answer; with a list that is not frozen it cannot be sent more often \
                     in one go; the last error: {error}"
                );
                self.halt.fail(FailureKind::Cluster, message);
                Err(Stop)
            }
            Err(message) => {
                self.halt.fail(FailureKind::Accounting, message);
                Err(Stop)
            }
        }
    }

    /// The row is settled by what the server answers.
    fn hear(&self, answer: QueryResult, latency: Duration, sent: Sent<'_>) -> Settled {
        match self.request.settle(answer, sent.row, sent.chunk) {
            Ok(()) => Settled::Acknowledged(latency),
            Err(message) => {
                self.halt.fail(FailureKind::Protocol, message);
                Settled::Stopped
            }
        }
    }

    fn decide(&self, failing: &Failing<'_>, kind: FaultKind, in_doubt: bool) -> Decision {
        let others_succeed = self.gauges.acknowledged.load(Ordering::Relaxed) > failing.acknowledged;
        let failing_for = failing.since.elapsed();
        let attempt = Attempt { kind, sent: failing.sent, failing_for, others_succeed, in_doubt };
        decide(attempt, self.retry_for, jitter())
    }

    /// When the server refuses row after row, it may be the table that has changed, and not the rows that are bad.
    async fn suspect_the_table(&self) {
        let refused = self.gauges.refused_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if !refused.is_multiple_of(REFUSED_IN_A_ROW_MAX) {
            return;
        }
        if let Err(error) = self.request.look_at_table(&self.wire.target).await
            && !error.is_passing()
        {
            self.halt
                .fail(FailureKind::Cluster, format!("the server refused {refused} rows in a row: {error}"));
        }
    }

    /// Waits before a request is sent again; false when the worker is to stop.
    async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.halt.stopped() => false,
        }
    }

    /// A row is not written before its write time: rows of the future would shadow what applications write.
    async fn hold_until(&self, write_time_us: i64) {
        let Some(clock) = self.clock else { return };
        let ahead = write_time_us.saturating_sub(clock.now_us());
        if let Ok(ahead @ 1..) = u64::try_from(ahead) {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_micros(ahead)) => (),
                () = self.halt.stopped() => (),
            }
        }
    }
}

/// Rows that have failed and are not settled: they count as waiting for as long.
struct Failing<'a> {
    gauges: &'a Gauges,
    rows: u64,
    since: Instant,
    sent: u32,
    /// Rows of the worker that were acknowledged when these failed first.
    acknowledged: u64,
}

impl<'a> Failing<'a> {
    fn begin(gauges: &'a Gauges, rows: usize) -> Self {
        let rows = rows as u64;
        gauges.waiting.fetch_add(rows, Ordering::Relaxed);
        let acknowledged = gauges.acknowledged.load(Ordering::Relaxed);
        Failing { gauges, rows, since: Instant::now(), sent: 0, acknowledged }
    }
}

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        self.gauges.waiting.fetch_sub(self.rows, Ordering::Relaxed);
    }
}

fn gave_up(what: &str, error: &ExecutionError, failing: &Failing<'_>) -> String {
    match classify(error) {
        FaultKind::Fatal => format!("the cluster refuses {what}: {error}"),
        _ => format!(
            "a row failed {} times in {} s, longer than --retry-for allows; the last error: {error}",
            failing.sent,
            failing.since.elapsed().as_secs()
        ),
    }
}

/// A number in 0..1 that differs from row to row (SplitMix64 over a counter): enough to keep retries apart.
fn jitter() -> f64 {
    static STEPS: AtomicU64 = AtomicU64::new(0);
    let step = STEPS.fetch_add(1, Ordering::Relaxed).wrapping_add(u64::from(std::process::id()) << 32);
    let mut mixed = step.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_spreads_over_the_whole_range() {
        let drawn: Vec<f64> = (0..1_000).map(|_| jitter()).collect();
        assert!(drawn.iter().all(|x| (0.0..1.0).contains(x)));
        let low = drawn.iter().filter(|x| **x < 0.25).count();
        let high = drawn.iter().filter(|x| **x >= 0.75).count();
        assert!((150..350).contains(&low) && (150..350).contains(&high), "{low} {high}");
    }
}
