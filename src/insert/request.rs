//! What a lane sends for a row, and what the answer means: the one thing in which loading and reading back differ.

use std::future::Future;

use scylla::response::query_result::QueryResult;
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;

use super::cql::Target;
use super::encoded::EncodedRow;
use super::engine::BoundRow;
use super::load::ChunkLoad;
use crate::schema::prepare::prepare_insert;
use crate::schema::table::SchemaError;

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
}

impl Insert {
    /// Inserts through the target's statement, prepared.
    pub fn new(statement: PreparedStatement) -> Self {
        Insert { statement }
    }
}

impl Request for Insert {
    type Row = BoundStatement;

    const TROUBLE: &'static str = "taking rows";
    const WHAT: &'static str = "the load";

    fn bind(&self, values: &[u8]) -> Result<BoundStatement, String> {
        self.statement.clone().bind(&EncodedRow(values)).map_err(|error| error.to_string())
    }

    fn statement(row: &BoundStatement) -> &BoundStatement {
        row
    }

    fn settle(&self, _: QueryResult, _: &BoundRow<BoundStatement>, chunk: &ChunkLoad) -> Result<(), String> {
        chunk.written(1);
        Ok(())
    }

    async fn look_at_table(&self, target: &Target) -> Result<(), SchemaError> {
        let Target { session, table, row_plan } = target;
        prepare_insert(session, table, row_plan).await.map(drop)
    }
}
