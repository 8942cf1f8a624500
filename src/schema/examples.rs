//! Tables for tests.

use super::table::{Column, ColumnRole, TableSchema};
use super::types::UserTypes;
use crate::settings::TableName;

/// `ks.t` with these columns, their types as CQL says them, and others that cannot be loaded.
pub(crate) fn table(columns: &[(&str, &str, ColumnRole)], unsupported: &[(&str, &str)]) -> TableSchema {
    let column = |&(name, cql_type, role): &(&str, &str, ColumnRole)| Column {
        name: name.to_owned(),
        cql_type: UserTypes::default().parse(cql_type).unwrap(),
        role,
    };
    let other = |&(name, cql_type): &(&str, &str)| (name.to_owned(), cql_type.to_owned());
    TableSchema {
        name: TableName { keyspace: "ks".to_owned(), table: "t".to_owned() },
        columns: columns.iter().map(column).collect(),
        unsupported: unsupported.iter().map(other).collect(),
        static_counters: Vec::new(),
    }
}
