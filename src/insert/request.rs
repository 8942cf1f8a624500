//! What a lane sends for a row, and what the answer means: the one thing in which loading and reading back differ.

use std::future::Future;

use scylla::response::query_result::QueryResult;
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;

use super::applied::{Applied, applied};
use super::cql::Target;
use super::encoded::StampedRow;
use super::engine::RowRef;
use super::load::ChunkLoad;
use super::token::TokenOf;
use crate::control::message::{SENDS_MAX, WriteTime};
use crate::schema::prepare::prepare_insert;
use crate::schema::statement::{RowPlan, Stamp};
use crate::schema::table::SchemaError;

/// What can be sent after something that may have been executed.
#[derive(Debug)]
pub enum Again {
    /// The same: executing it twice is executing it once.
    Same,
    /// A row of these values, which takes back what the earlier one did.
    Instead(Box<[u8]>),
    /// Nothing: it could be executed twice.
    Nothing,
}

/// The statement of which many may go in one batch.
#[derive(Debug, Clone, Copy)]
pub struct Batchable<'a> {
    /// The statement.
    pub statement: &'a PreparedStatement,
    /// Where its write time's marker is.
    pub stamp: Stamp,
}

/// One request for each row, or one for several.
pub trait Request: Send + Sync + 'static {
    /// What the cluster does not do while it is in trouble: `the cluster is not …`.
    const TROUBLE: &'static str;
    /// What the cluster may refuse for good: `the cluster refuses …`.
    const WHAT: &'static str;

    /// The token of a row's partition, from its values (see [`crate::codec::row`]), where rows may be sent together.
    ///
    /// # Errors
    /// A message: the values are not what the encoder promises, which is a bug.
    fn token(&self, values: &[u8]) -> Result<i64, String> {
        let _ = values;
        Ok(0)
    }

    /// What is sent for a row.
    ///
    /// # Errors
    /// As [`Request::token`].
    fn bind(&self, values: &[u8]) -> Result<BoundStatement, String>;

    /// What is sent for several rows, if they may be sent together: each of them can be sent again, and an answer says nothing of
    /// any of them but that it was executed.
    fn batchable(&self) -> Option<Batchable<'_>> {
        None
    }

    /// Whether no row must be sent again that may have been executed.
    fn is_once(&self) -> bool {
        false
    }

    /// Whether a condition is agreed on before a row is written.
    fn is_conditional(&self) -> bool {
        false
    }

    /// What is sent after a row of these values, of which nobody knows whether the server has executed it. `replaced` is how often
    /// another was sent instead of the row already.
    ///
    /// # Errors
    /// As [`Request::token`].
    fn after_doubt(&self, values: &[u8], replaced: u8) -> Result<Again, String>;

    /// Tells `chunk` what the server's answer says of the row.
    ///
    /// # Errors
    /// A message: the answer cannot be understood, and the worker cannot go on.
    fn settle(&self, answer: QueryResult, row: RowRef<'_>, chunk: &ChunkLoad) -> Result<(), String>;

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
    /// Where rows may be sent together.
    tokens: Option<TokenOf>,
}

impl Insert {
    /// Inserts through the target's statement, prepared, which gives rows such write times.
    pub fn new(statement: PreparedStatement, plan: &RowPlan, write_time: WriteTime) -> Self {
        let (once, conditional, stamp) = (plan.once.is_some(), plan.conditional, plan.stamp);
        // In a batch, rows without write times of their own would have one for all, and one that is sent again at another time would
        // take the others along.
        let own_time = match write_time {
            WriteTime::Ordinal(_) | WriteTime::Constant(_) | WriteTime::Field => stamp != Stamp::Nowhere,
            WriteTime::Spaced(_) | WriteTime::Server => false,
        };
        let tokens = (own_time && !once && !conditional).then(|| TokenOf::of(&statement, stamp)).flatten();
        Insert { statement, stamp, once, conditional, write_time, tokens }
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
    const TROUBLE: &'static str = "taking rows";
    const WHAT: &'static str = "the load";

    fn token(&self, values: &[u8]) -> Result<i64, String> {
        self.tokens.as_ref().map_or(Ok(0), |tokens| tokens.token(values))
    }

    fn bind(&self, values: &[u8]) -> Result<BoundStatement, String> {
        let row = StampedRow { values, stamp: self.stamp };
        self.statement.clone().bind(&row).map_err(|error| error.to_string())
    }

    fn batchable(&self) -> Option<Batchable<'_>> {
        let Insert { statement, stamp, tokens, .. } = self;
        tokens.is_some().then_some(Batchable { statement, stamp: *stamp })
    }

    fn is_once(&self) -> bool {
        self.once
    }

    fn is_conditional(&self) -> bool {
        self.conditional
    }

    fn after_doubt(&self, values: &[u8], replaced: u8) -> Result<Again, String> {
        if !matches!(self.write_time, WriteTime::Spaced(_)) {
            return Ok(Again::Same);
        }
        if replaced >= SENDS_MAX - 1 {
            return Ok(Again::Nothing);
        }
        later(values).map(Again::Instead).ok_or_else(|| "a row has no write time".to_owned())
    }

    fn settle(&self, answer: QueryResult, row: RowRef<'_>, chunk: &ChunkLoad) -> Result<(), String> {
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
