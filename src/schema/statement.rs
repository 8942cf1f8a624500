//! The statement that writes a row, and the columns behind its markers. Pure text.

use serde::{Deserialize, Serialize};

use super::table::Column;
use crate::settings::TableName;

/// What a worker needs to know of the table: sent to it by the coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowPlan {
    /// `INSERT INTO ks.t (…) VALUES (?, …) USING TIMESTAMP ?`.
    pub statement: String,
    /// The columns behind the markers, in order; one more marker follows them: the write time, a bigint.
    pub columns: Vec<Column>,
}

/// The statement that writes these columns of a row at a given time, and what stands behind its markers.
pub fn insert_statement(table: &TableName, columns: &[Column]) -> RowPlan {
    let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
    let markers = vec!["?"; columns.len()].join(", ");
    let statement = format!(
        "INSERT INTO {}.{} ({}) VALUES ({markers}) USING TIMESTAMP ?",
        quoted(&table.keyspace),
        quoted(&table.table),
        names.join(", "),
    );
    RowPlan { statement, columns: columns.to_vec() }
}

/// An identifier in quotes: always right, whatever its case, and for reserved words too (CQL specification, "Identifiers
/// and keywords").
pub(super) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::table::ColumnRole;
    use crate::schema::types::CqlType;

    fn check(table: (&str, &str), columns: &[&str], expected: &str) {
        let table = TableName { keyspace: table.0.to_owned(), table: table.1.to_owned() };
        let columns: Vec<Column> = columns
            .iter()
            .map(|name| Column {
                name: (*name).to_owned(),
                cql_type: CqlType::Int,
                role: ColumnRole::PartitionKey,
            })
            .collect();
        let plan = insert_statement(&table, &columns);
        assert_eq!(plan.statement, expected);
        assert_eq!(plan.columns, columns);
    }

    #[test]
    fn every_identifier_is_quoted_and_the_write_time_comes_last() {
        check(("ks", "t"), &["id"], r#"INSERT INTO "ks"."t" ("id") VALUES (?) USING TIMESTAMP ?"#);
        check(
            ("Ks", "order"),
            &["Id", "select", "a b"],
            r#"INSERT INTO "Ks"."order" ("Id", "select", "a b") VALUES (?, ?, ?) USING TIMESTAMP ?"#,
        );
    }

    #[test]
    fn quotes_inside_a_name_are_doubled() {
        check(("k", "t"), &[r#"a"b"#], r#"INSERT INTO "k"."t" ("a""b") VALUES (?) USING TIMESTAMP ?"#);
        check(
            ("k", r#"t" (x) VALUES (1); --"#),
            &["a"],
            r#"INSERT INTO "k"."t"" (x) VALUES (1); --" ("a") VALUES (?) USING TIMESTAMP ?"#,
        );
    }
}
