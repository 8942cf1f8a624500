//! What tells a table from every other, and how long its deletions are remembered: what the ledger needs to know of it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use scylla::client::session::Session;
use scylla::value::CqlTimestamp;
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
    /// How long rows live that have no time to live of their own, in seconds (`default_time_to_live`); 0: for ever.
    pub default_ttl_s: u32,
    /// When the table was last truncated, in microseconds since 1970-01-01T00:00:00Z by a node's clock; `None` if never, as far as
    /// that node tells.
    pub truncated_us: Option<i64>,
    /// When columns of it were last dropped, in microseconds since 1970-01-01T00:00:00Z, by name; those that were added again too.
    pub dropped_us: BTreeMap<String, i64>,
}

/// What `system.local` of Cassandra knows of truncations.
type TruncatedAt = HashMap<Uuid, Vec<u8>>;

/// Asks the cluster for a table's identity.
///
/// # Errors
/// The table is not there (any more), or the cluster does not answer.
pub async fn read_identity(session: &Session, table: &TableName) -> Result<TableIdentity, SchemaError> {
    let clusters: Vec<(String,)> = rows(session, "SELECT cluster_name FROM system.local", ()).await?;
    let cluster = clusters.into_iter().next().map(|(name,)| name).unwrap_or_default();
    let tables: Vec<(Uuid, i32, Option<i32>)> = rows(
        session,
        "SELECT id, gc_grace_seconds, default_time_to_live FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?",
        (&table.keyspace, &table.table),
    )
    .await?;
    let gone = || SchemaError::Changed { table: table.clone(), change: "it was dropped".to_owned() };
    let (id, seconds, default_ttl) = tables.into_iter().next().ok_or_else(gone)?;
    let gc_grace = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let truncated_us =
        truncations(session).await.and_then(|times| times.get(&id).and_then(|at| truncated_us(at)));
    let default_ttl_s = u32::try_from(default_ttl.unwrap_or(0)).unwrap_or(0);
    let dropped: Vec<(String, Option<CqlTimestamp>)> = rows(
        session,
        "SELECT column_name, dropped_time FROM system_schema.dropped_columns WHERE keyspace_name = ? AND table_name = ?",
        (&table.keyspace, &table.table),
    )
    .await?;
    // The time is kept in milliseconds, rounded down.
    let dropped_us = |(column, at): (String, Option<CqlTimestamp>)| Some((column, at?.0.checked_mul(1_000)?));
    let dropped_us = dropped.into_iter().filter_map(dropped_us).collect();
    Ok(TableIdentity { cluster, table_id: id.to_string(), gc_grace, default_ttl_s, truncated_us, dropped_us })
}

/// When tables were truncated. ScyllaDB keeps this elsewhere: where the question is not understood, nothing is known.
async fn truncations(session: &Session) -> Option<TruncatedAt> {
    let found: Vec<(Option<TruncatedAt>,)> =
        rows(session, "SELECT truncated_at FROM system.local", ()).await.ok()?;
    found.into_iter().next()?.0
}

/// The time in a truncation record of Cassandra (`SystemKeyspace.truncationAsMapEntry`): the last eight bytes, in milliseconds.
fn truncated_us(record: &[u8]) -> Option<i64> {
    let (_, millis) = record.split_last_chunk::<8>()?;
    i64::from_be_bytes(*millis).checked_mul(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_truncation_is_at_the_end_of_its_record() {
        let check = |record: &[u8], expected| assert_eq!(truncated_us(record), expected, "{record:?}");
        let position = [0; 12];
        check(&[&position[..], &1_700_000_000_123_i64.to_be_bytes()].concat(), Some(1_700_000_000_123_000));
        check(&[&position[..], &i64::MAX.to_be_bytes()].concat(), None);
        check(&[1, 2, 3], None);
    }
}
