//! What tells a table from every other, and how long its deletions are remembered: what the ledger needs to know of it.

use std::time::Duration;

use scylla::client::session::Session;
use uuid::Uuid;

use super::table::{SchemaError, rows};
use crate::settings::TableName;

/// A table as something that jobs are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableIdentity {
    /// The cluster's name, as its nodes have it in their configuration.
    pub cluster: String,
    /// The table's id: a table that is dropped and created again has another.
    pub table_id: String,
    /// How long the cluster remembers deletions (`gc_grace_seconds`).
    pub gc_grace: Duration,
}

/// Asks the cluster for a table's identity.
///
/// # Errors
/// The table is not there (any more), or the cluster does not answer.
pub async fn read_identity(session: &Session, table: &TableName) -> Result<TableIdentity, SchemaError> {
    let clusters: Vec<(String,)> = rows(session, "SELECT cluster_name FROM system.local", ()).await?;
    let cluster = clusters.into_iter().next().map(|(name,)| name).unwrap_or_default();
    let tables: Vec<(Uuid, i32)> = rows(
        session,
        "SELECT id, gc_grace_seconds FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?",
        (&table.keyspace, &table.table),
    )
    .await?;
    let gone = || SchemaError::Changed { table: table.clone(), change: "it was dropped".to_owned() };
    let (id, seconds) = tables.into_iter().next().ok_or_else(gone)?;
    let gc_grace = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    Ok(TableIdentity { cluster, table_id: id.to_string(), gc_grace })
}
