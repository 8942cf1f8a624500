//! The one place through which requests leave a lane: one row, or several in a batch. Whoever limits or counts requests does it in
//! [`Wire::send`]. Decides nothing about failures.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use scylla::errors::ExecutionError;
use scylla::response::query_result::QueryResult;
use scylla::serialize::SerializationError;
use scylla::serialize::batch::{BatchValues, BatchValuesIterator};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::statement::batch::{Batch, BatchStatement, BatchType};
use scylla::statement::bound::BoundStatement;

use super::cql::{Gauges, Target};
use super::encoded::StampedRow;
use super::engine::{BoundBatch, RowRef};
use super::request::Batchable;
use super::watchdog::Watchdog;
use crate::schema::statement::Stamp;

/// A row, wherever its batch is.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) batch: Arc<BoundBatch>,
    pub(super) row: u32,
}

impl Held {
    pub(super) fn row(&self) -> Option<RowRef<'_>> {
        self.batch.row(self.row as usize)
    }
}

/// What a request carries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cargo<'a> {
    /// One row.
    Row(&'a BoundStatement),
    /// Several: more than one.
    Rows(&'a [Held]),
}

/// What is to be known of a request before it is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Rows.
    pub(super) rows: usize,
    /// Bytes of their values.
    pub(super) bytes: usize,
    /// The token by which the request finds its way.
    #[expect(
        dead_code,
        reason = "the driver computes it again; what chooses nodes or limits them finds it here"
    )]
    pub(super) token: i64,
}

/// A lane's way to the cluster.
pub(super) struct Wire {
    /// The lane's number.
    pub(super) lane: usize,
    pub(super) target: Arc<Target>,
    pub(super) gauges: Arc<Gauges>,
    pub(super) watchdog: Arc<Watchdog>,
    pub(super) batches: Arc<Batches>,
}

impl Wire {
    /// Sends a request and waits for its answer, no longer than a request may take. Returns how long it took, too.
    pub(super) async fn send(
        &self,
        cargo: Cargo<'_>,
        load: Load,
    ) -> Result<(QueryResult, Duration), ExecutionError> {
        debug_assert!(load.rows > 0 && load.bytes > 0, "{load:?}");
        self.gauges.requests.fetch_add(1, Ordering::Relaxed);
        self.gauges.in_flight.fetch_add(1, Ordering::Relaxed);
        let sent_at = Instant::now();
        let answer = self.watchdog.watch(self.lane, self.execute(cargo)).await;
        self.gauges.in_flight.fetch_sub(1, Ordering::Relaxed);
        match answer {
            Some(answer) => answer.map(|answer| (answer, sent_at.elapsed())),
            None => Err(ExecutionError::RequestTimeout(self.watchdog.timeout())),
        }
    }

    async fn execute(&self, cargo: Cargo<'_>) -> Result<QueryResult, ExecutionError> {
        let session = &self.target.session;
        match cargo {
            Cargo::Row(statement) => session.execute_bound_unpaged(statement).await,
            Cargo::Rows(rows) => {
                let Some((batch, stamp)) = self.batches.of(rows.len()) else {
                    return Err(ExecutionError::EmptyPlan);
                };
                session.batch(batch, Together { rows, stamp }).await
            }
        }
    }
}

/// Batches of one statement by how many rows they take, each made once.
#[derive(Default)]
pub(super) struct Batches {
    statement: Option<(BatchStatement, Stamp)>,
    made: Vec<OnceLock<Batch>>,
}

impl Batches {
    /// Batches of up to so many rows, if rows may be sent together at all.
    pub(super) fn of_statement(batchable: Option<Batchable<'_>>, rows_max: usize) -> Self {
        let Some(Batchable { statement, stamp }) = batchable else { return Batches::default() };
        let made = std::iter::repeat_with(OnceLock::new).take(rows_max + 1).collect();
        Batches { statement: Some((statement.clone().into(), stamp)), made }
    }

    fn of(&self, rows: usize) -> Option<(&Batch, Stamp)> {
        let (statement, stamp) = self.statement.as_ref()?;
        let batch = self.made.get(rows)?.get_or_init(|| {
            let statements = std::iter::repeat_n(statement, rows).cloned().collect();
            let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
            batch.set_is_idempotent(true);
            if let BatchStatement::PreparedStatement(statement) = statement {
                batch.set_execution_profile_handle(statement.get_execution_profile_handle().cloned());
            }
            batch
        });
        Some((batch, *stamp))
    }
}

/// The values of several rows.
#[derive(Clone, Copy)]
struct Together<'a> {
    rows: &'a [Held],
    stamp: Stamp,
}

/// Those that are still to come.
struct TogetherRest<'a>(Together<'a>);

impl BatchValues for Together<'_> {
    type BatchValuesIter<'r>
        = TogetherRest<'r>
    where
        Self: 'r;

    fn batch_values_iter(&self) -> TogetherRest<'_> {
        TogetherRest(*self)
    }
}

impl<'a> TogetherRest<'a> {
    fn next(&mut self) -> Option<StampedRow<'a>> {
        let (first, rest) = self.0.rows.split_first()?;
        self.0.rows = rest;
        // The bridge takes only rows that are there; were one not, it would be refused as malformed.
        let values = first.row().map_or(&[][..], |row| row.values);
        Some(StampedRow { values, stamp: self.0.stamp })
    }
}

impl<'a> BatchValuesIterator<'a> for TogetherRest<'a> {
    fn serialize_next(
        &mut self,
        ctx: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Option<Result<(), SerializationError>> {
        self.next().map(|row| row.serialize(ctx, writer))
    }

    fn is_empty_next(&mut self) -> Option<bool> {
        self.next().map(|row| row.is_empty())
    }

    fn skip_next(&mut self) -> Option<()> {
        self.next().map(drop)
    }
}
