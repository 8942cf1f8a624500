//! The text of a CREATE TABLE. Pure.

use std::fmt::Write;
use std::path::Path;

use super::key::{Key, Order};
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::schema::types::CqlType;
use crate::settings::TableName;

/// What a table's name may have (Cassandra up to 5.0, `SchemaConstants.NAME_LENGTH`; ScyllaDB).
const NAME_CHARS_MAX: usize = 48;

/// Words that no unquoted name may be (Cassandra 5.0, `reserved_keywords.list`, and those of ScyllaDB).
const RESERVED: [&str; 67] = [
    "add",
    "allow",
    "alter",
    "and",
    "any",
    "apply",
    "asc",
    "authorize",
    "batch",
    "begin",
    "by",
    "cast",
    "columnfamily",
    "create",
    "default",
    "delete",
    "desc",
    "describe",
    "distinct",
    "drop",
    "entries",
    "execute",
    "from",
    "full",
    "grant",
    "if",
    "in",
    "index",
    "infinity",
    "insert",
    "into",
    "is",
    "keyspace",
    "limit",
    "materialized",
    "mbean",
    "mbeans",
    "modify",
    "nan",
    "norecursive",
    "not",
    "null",
    "of",
    "on",
    "or",
    "order",
    "password",
    "primary",
    "rename",
    "replace",
    "revoke",
    "schema",
    "scylla_clustering_bound",
    "select",
    "set",
    "table",
    "to",
    "token",
    "truncate",
    "unlogged",
    "unset",
    "update",
    "use",
    "using",
    "view",
    "where",
    "with",
];

/// A column as it is to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewColumn {
    /// As CQL writes it.
    pub(super) identifier: String,
    pub(super) cql_type: CqlType,
    /// What is to be said of it.
    pub(super) remark: Option<String>,
}

/// What a table is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewTable {
    /// In a keyspace.
    Full(TableName),
    /// In the keyspace that is in use.
    Bare(String),
}

impl std::fmt::Display for NewTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NewTable::Full(TableName { keyspace, table }) => {
                write!(f, "{}.{}", identifier(keyspace), identifier(table))
            }
            NewTable::Bare(table) => f.write_str(&identifier(table)),
        }
    }
}

/// The whole statement, remarks behind the columns.
pub(super) fn create_table(name: &NewTable, columns: &[NewColumn], key: &Key) -> String {
    let mut text = format!("CREATE TABLE IF NOT EXISTS {name} (\n");
    for column in columns {
        let remark = column.remark.as_ref().map_or_else(String::new, |remark| format!(" -- {remark}"));
        // Writing to a text cannot fail.
        let _ = writeln!(text, "    {} {},{remark}", column.identifier, column.cql_type);
    }
    let of = |column: usize| columns.get(column).map_or("", |column| column.identifier.as_str());
    let partition: Vec<&str> = key.partition.iter().map(|column| of(*column)).collect();
    let partition = match partition[..] {
        [one] => one.to_owned(),
        _ => format!("({})", partition.join(", ")),
    };
    let keys = [partition].into_iter().chain(key.clustering.iter().map(|(column, _)| of(*column).to_owned()));
    let _ = write!(text, "    PRIMARY KEY ({})\n)", keys.collect::<Vec<_>>().join(", "));
    if key.clustering.iter().any(|(_, order)| *order == Order::Descending) {
        let order = |(column, order): &(usize, Order)| match order {
            Order::Ascending => format!("{} ASC", of(*column)),
            Order::Descending => format!("{} DESC", of(*column)),
        };
        let orders: Vec<String> = key.clustering.iter().map(order).collect();
        let _ = write!(text, " WITH CLUSTERING ORDER BY ({})", orders.join(", "));
    }
    text.push_str(";\n");
    text
}

/// A name as CQL writes it: in quotes where it needs them.
pub(super) fn identifier(name: &str) -> String {
    let starts_well = name.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    match starts_well && name.bytes().all(is_plain) && !RESERVED.contains(&name) {
        true => name.to_owned(),
        false => crate::schema::statement::quoted(name),
    }
}

/// What columns for these fields are called: in lower case where that is a plain name, so that nobody needs to quote it; as it stands
/// elsewhere.
pub(super) fn column_names(fields: &[String]) -> Vec<String> {
    let is_word = |name: &str| {
        let mut characters = name.chars();
        characters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let named = |field: &String| match field.trim() {
        name if is_word(name) => name.to_ascii_lowercase(),
        other => other.to_owned(),
    };
    fields.iter().map(named).collect()
}

/// A table's name made of the first file's.
pub(super) fn table_name(inputs: &[(InputFile, Header)]) -> String {
    let file = inputs.first().map(|(file, _)| file.name()).and_then(Path::file_name);
    let file = file.unwrap_or_default().to_string_lossy();
    let stem = file.split('.').find(|part| !part.is_empty()).unwrap_or("table");
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = stem.chars().take(NAME_CHARS_MAX - 2).map(plain).collect();
    match name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => name,
        false => format!("t_{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, cql_type: CqlType) -> NewColumn {
        NewColumn { identifier: identifier(name), cql_type, remark: None }
    }

    #[test]
    fn the_statement_has_the_key_and_its_order() {
        let mut columns = vec![
            column("device", CqlType::Text),
            column("Day", CqlType::Date),
            column("ts", CqlType::Timestamp),
            column("order", CqlType::Double),
        ];
        columns[3].remark = Some("nothing but null".to_owned());
        let name = NewTable::Full(TableName { keyspace: "Shop".to_owned(), table: "readings".to_owned() });
        let key = Key { partition: vec![0, 1], clustering: vec![(2, Order::Descending)] };
        assert_eq!(
            create_table(&name, &columns, &key),
            "CREATE TABLE IF NOT EXISTS \"Shop\".readings (
    device text,
    \"Day\" date,
    ts timestamp,
    \"order\" double, -- nothing but null
    PRIMARY KEY ((device, \"Day\"), ts)
) WITH CLUSTERING ORDER BY (ts DESC);
"
        );
        let key = Key { partition: vec![0], clustering: vec![(2, Order::Ascending)] };
        let text = create_table(&NewTable::Bare("t".to_owned()), &columns, &key);
        assert!(text.contains("PRIMARY KEY (device, ts)\n);"), "{text}");
    }

    #[test]
    fn names_are_quoted_where_they_need_it() {
        for (name, expected) in [
            ("plain_1", "plain_1"),
            ("Capital", "\"Capital\""),
            ("1st", "\"1st\""),
            ("with space", "\"with space\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("where", "\"where\""),
            ("select", "\"select\""),
            ("ttl", "ttl"),
            ("größe", "\"größe\""),
        ] {
            assert_eq!(identifier(name), expected);
        }
    }

    #[test]
    fn columns_are_called_as_fields_are_in_lower_case_where_that_is_plain() {
        let named = |fields: &[&str]| {
            column_names(&fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(named(&["ID", " Name ", "Flight Date"]), ["id", "name", "Flight Date"]);
    }
}
