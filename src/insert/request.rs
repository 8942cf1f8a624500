//! What a lane sends for a row, and what the answer means: the one thing in which loading and reading back differ.

use std::future::Future;

use scylla::response::query_result::QueryResult;
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;

use super::applied::{Applied, applied};
use super::cql::Target;
use super::encoded::{EncodedRow, StampedRow};
use super::engine::BoundRow;
use super::load::ChunkLoad;
use crate::control::message::{SENDS_MAX, WriteTime};
use crate::schema::prepare::prepare_insert;
use crate::schema::statement::{RowPlan, Stamp};
use crate::schema::table::SchemaError;

/// What can be sent after something that may have been executed.
#[derive(Debug)]
pub enum Again<T> {
    /// The same: executing it twice is executing it once.
    Same,
    /// This, which takes back what the earlier one did.
    Instead(T),
    /// Nothing: it could be executed twice.
    Nothing,
}

/// One request for each row.
pub trait Request: Send + Sync + 'static {
    /// A row in the form in which it is sent.
    type Row: Send + Sync + 'static;

    /// What the cluster does not do while it is in trouble: `the cluster is not …`.
    const TROUBLE: &'static str;
    /// What the cluster may refuse for good: `the cluster refuses …`.
    const WHAT: &'static str;

    /// Makes a row from its encoded values (see [`crate::codec::row`]).
    ///
    /// # Errors
    /// A message: the values are not what the encoder promises, which is a bug.
    fn bind(&self, values: &[u8]) -> Result<Self::Row, String>;

    /// What is sent for a row.
    fn statement(row: &Self::Row) -> &BoundStatement;

    /// Whether no row must be sent again that may have been executed.
    fn is_once(&self) -> bool {
        false
    }

    /// Whether a condition is agreed on before a row is written.
    fn is_conditional(&self) -> bool {
        false
    }

    /// What is sent after `row`, of which nobody knows whether the server has executed it.
    ///
    /// # Errors
    /// As [`Request::bind`].
    fn after_doubt(&self, row: &Self::Row) -> Result<Again<Self::Row>, String>;

    /// Tells `chunk` what the server's answer says of the row.
    ///
    /// # Errors
    /// A message: the answer cannot be understood, and the worker cannot go on.
    fn settle(&self, answer: QueryResult, row: &BoundRow<Self::Row>, chunk: &ChunkLoad)
    -> Result<(), String>;

    /// Looks whether the table still is what the statement was made for.
    fn look_at_table(&self, target: &Target) -> impl Future<Output = Result<(), SchemaError>> + Send;
}

/// Writes the row.
#[derive(Debug)]
pub struct Insert {
    statement: PreparedStatement,
    stamp: Stamp,
    once: bool,
    conditional: bool,
    write_time: WriteTime,
}

/// A row that is written.
#[derive(Debug)]
pub struct InsertRow {
    statement: BoundStatement,
    /// Where the row cannot be written twice at one time.
    once: Option<Once>,
}

/// A row that is written at another time when it is written again.
#[derive(Debug)]
struct Once {
    /// As the encoder made them; the write time is at their end.
    values: Box<[u8]>,
    /// How often it can be sent after this.
    sends_left: u8,
}

impl Insert {
    /// Inserts through the target's statement, prepared, which gives rows such write times.
    pub fn new(statement: PreparedStatement, plan: &RowPlan, write_time: WriteTime) -> Self {
        let (once, conditional) = (plan.once.is_some(), plan.conditional);
        Insert { statement, stamp: plan.stamp, once, conditional, write_time }
    }

    fn statement_of(&self, values: &[u8]) -> Result<BoundStatement, String> {
        let statement = self.statement.clone();
        let bound = match self.stamp {
            Stamp::Last | Stamp::Nowhere => statement.bind(&EncodedRow(values)),
            Stamp::Behind(behind) => statement.bind(&StampedRow { values, behind }),
        };
        bound.map_err(|error| error.to_string())
    }
}

/// The same row, written a microsecond later: what an earlier INSERT put into a list is older than the deletion that comes with a
/// later one, in whatever order they arrive.
fn later(values: &[u8]) -> Option<Box<[u8]>> {
    let mut values: Box<[u8]> = values.into();
    let time = values.last_chunk_mut::<8>()?;
    *time = i64::from_be_bytes(*time).checked_add(1)?.to_be_bytes();
    Some(values)
}

impl Request for Insert {
    type Row = InsertRow;

    const TROUBLE: &'static str = "taking rows";
    const WHAT: &'static str = "the load";

    fn bind(&self, values: &[u8]) -> Result<InsertRow, String> {
        let once = matches!(self.write_time, WriteTime::Spaced(_))
            .then(|| Once { values: values.into(), sends_left: SENDS_MAX - 1 });
        Ok(InsertRow { statement: self.statement_of(values)?, once })
    }

    fn statement(row: &InsertRow) -> &BoundStatement {
        &row.statement
    }

    fn is_once(&self) -> bool {
        self.once
    }

    fn is_conditional(&self) -> bool {
        self.conditional
    }

    fn after_doubt(&self, row: &InsertRow) -> Result<Again<InsertRow>, String> {
        let Some(once) = &row.once else { return Ok(Again::Same) };
        let Some(sends_left) = once.sends_left.checked_sub(1) else { return Ok(Again::Nothing) };
        let values = later(&once.values).ok_or("a row has no write time")?;
        let statement = self.statement_of(&values)?;
        Ok(Again::Instead(InsertRow { statement, once: Some(Once { values, sends_left }) }))
    }

    fn settle(
        &self,
        answer: QueryResult,
        row: &BoundRow<InsertRow>,
        chunk: &ChunkLoad,
    ) -> Result<(), String> {
        match self.conditional.then(|| applied(answer)).transpose()? {
            None | Some(Applied::Yes) => chunk.written(1),
            Some(Applied::No { row: found }) => chunk.not_applied(row.record, &found),
        }
        Ok(())
    }

    async fn look_at_table(&self, target: &Target) -> Result<(), SchemaError> {
        let Target { session, table, row_plan } = target;
        prepare_insert(session, table, row_plan).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_sent_again_differs_in_its_write_time_only() {
        let mut values = b"values".to_vec();
        values.extend(255_i64.to_be_bytes());
        let mut expected = b"values".to_vec();
        expected.extend(256_i64.to_be_bytes());
        assert_eq!(later(&values).as_deref(), Some(&*expected));
        assert_eq!(later(b"short"), None);
        assert_eq!(later(&i64::MAX.to_be_bytes()), None);
    }
}
