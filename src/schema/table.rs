//! The table's columns, as read from the cluster.

use serde::{Deserialize, Serialize};

use super::types::CqlType;
use crate::settings::TableName;

/// What a column is to its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnRole {
    /// Part of the partition key.
    PartitionKey,
    /// Part of the clustering key.
    ClusteringKey,
    /// One value for the whole partition.
    Static,
    /// One value for each row.
    Regular,
}

impl ColumnRole {
    /// Whether a row needs a value here.
    pub fn is_key(self) -> bool {
        matches!(self, ColumnRole::PartitionKey | ColumnRole::ClusteringKey)
    }
}

/// A column of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name as the server stores it (unquoted).
    pub name: String,
    /// Its type.
    pub cql_type: CqlType,
    /// What it is to the table.
    pub role: ColumnRole,
}

/// A table: key columns first in key order, the others by name. Columns of types that ringload cannot load yet are
/// kept apart, so that a file may leave them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    /// Keyspace and table.
    pub name: TableName,
    /// The loadable columns.
    pub columns: Vec<Column>,
    /// The others: name and type as CQL shows it.
    pub unsupported: Vec<(String, String)>,
}
