//! The table's columns, as read from the cluster's `system_schema` tables, and why a table cannot be loaded. Reads only.
//!
//! The schema tables are asked directly rather than the driver's picture of them: the driver gives up on a whole keyspace
//! where one of its tables has a type that it cannot parse (a user type with a capital in its name, a custom type), and
//! does not keep the types' own text.

use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;
use scylla::errors::{ExecutionError, IntoRowsResultError, RowsError};
use scylla::serialize::row::SerializeRow;
use scylla::statement::{Consistency, Statement};
use serde::{Deserialize, Serialize};

use super::types::{CqlType, UserTypes};
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
    /// A counter: it can only be added to. It is a bigint to its files.
    Counter,
}

impl TableSchema {
    /// Whether it counts.
    pub fn has_counters(&self) -> bool {
        self.columns.iter().any(|column| column.role == ColumnRole::Counter)
    }
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

/// A table: key columns first in key order, the others by name. Columns of types that ringload cannot load (classes of the
/// server) are kept apart, so that a file may leave them out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    /// Keyspace and table.
    pub name: TableName,
    /// The loadable columns.
    pub columns: Vec<Column>,
    /// The others: name and type as CQL shows it.
    pub unsupported: Vec<(String, String)>,
    /// Of the loadable ones, counters that a partition has once.
    pub static_counters: Vec<String>,
}

/// How many names a message lists at most.
const NAMES_SHOWN: usize = 10;

/// Why a table cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The keyspace does not exist.
    #[error("no keyspace {keyspace:?} ({hint}); correct --table or create the keyspace")]
    NoSuchKeyspace {
        /// The keyspace that was asked for.
        keyspace: String,
        /// Those that may have been meant, or those that there are, the system's own aside.
        hint: String,
    },
    /// The table does not exist.
    #[error("no table {:?} in keyspace {:?} ({hint}); correct --table or create the table", table.table, table.keyspace)]
    NoSuchTable {
        /// The table that was asked for.
        table: TableName,
        /// Those that may have been meant, or those that the keyspace has.
        hint: String,
    },
    /// It is a materialized view.
    #[error("{view} is a materialized view, which cannot be written; load its table {base} instead")]
    View {
        /// The view.
        view: TableName,
        /// The table that it shows.
        base: String,
    },
    /// A key column cannot be filled.
    #[error(
        "{table}: key column {column:?} is of type {cql_type}, which ringload does not know; such a table cannot be loaded \
         (in a schema file a user type needs its CREATE TYPE)"
    )]
    UnsupportedKey {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// Its type as CQL shows it.
        cql_type: String,
    },
    /// The role lacks a permission.
    #[error(
        "no permission: {message}; GRANT {permission} ON {table} to the role, or log in as another with --user"
    )]
    NotPermitted {
        /// The table.
        table: TableName,
        /// Which one.
        permission: &'static str,
        /// The server's words.
        message: String,
    },
    /// The server does not take the statement.
    #[error("the server refuses the {statement} {table}: {message}; check the table's definition")]
    Refused {
        /// The table.
        table: TableName,
        /// What it refuses, as `INSERT into`.
        statement: &'static str,
        /// The server's words.
        message: String,
    },
    /// The server does not take a statement of which the user has given a part.
    #[error(
        "the server refuses `{statement}`: {message}; mend --map or --query (a field's name that looks like a function: in double quotes)"
    )]
    NotUnderstood {
        /// The statement.
        statement: String,
        /// The server's words.
        message: String,
    },
    /// The table's columns are no longer what they were.
    #[error("{table} changed while the run was being prepared: {change}; start it again")]
    Changed {
        /// The table.
        table: TableName,
        /// What is different.
        change: String,
    },
    /// The cluster did not answer.
    #[error("{doing}: {message}; check that the cluster is healthy and try again")]
    Cluster {
        /// What was being done.
        doing: &'static str,
        /// The driver's words.
        message: String,
    },
}

impl SchemaError {
    /// Whether it may pass by itself: the cluster is in trouble, rather than the table wrong.
    pub fn is_passing(&self) -> bool {
        matches!(self, SchemaError::Cluster { .. })
    }
}

const READING: &str = "reading the table's definition";

impl From<ExecutionError> for SchemaError {
    fn from(err: ExecutionError) -> Self {
        SchemaError::Cluster { doing: READING, message: err.to_string() }
    }
}

impl From<IntoRowsResultError> for SchemaError {
    fn from(err: IntoRowsResultError) -> Self {
        SchemaError::Cluster { doing: READING, message: err.to_string() }
    }
}

impl From<RowsError> for SchemaError {
    fn from(err: RowsError) -> Self {
        SchemaError::Cluster { doing: READING, message: err.to_string() }
    }
}

/// Reads the table's definition.
///
/// # Errors
/// The table is not there, cannot be written or not be loaded yet, or the cluster does not answer.
pub async fn read_table(session: &Session, name: &TableName) -> Result<TableSchema, SchemaError> {
    let key = (&name.keyspace, &name.table);
    let found: Vec<(String,)> = rows(
        session,
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?",
        key,
    )
    .await?;
    if found.is_empty() {
        return Err(why_missing(session, name).await?);
    }
    let columns: Vec<ColumnRow> = rows(
        session,
        "SELECT column_name, kind, position, type FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?",
        key,
    )
    .await?;
    let mut types = UserTypes::default();
    for (name, fields, field_types) in rows::<TypeRow>(
        session,
        "SELECT type_name, field_names, field_types FROM system_schema.types WHERE keyspace_name = ?",
        (&name.keyspace,),
    )
    .await?
    {
        types.add(name, fields.into_iter().zip(field_types).collect());
    }
    table_schema(name, columns, &types)
}

/// A user type as `system_schema.types` has it: name, names of its fields, their types.
type TypeRow = (String, Vec<String>, Vec<String>);

/// A column as `system_schema.columns` has it: name, kind, position in the key, type.
pub(super) type ColumnRow = (String, String, i32, String);

/// Asks the schema tables: they are local to every node, so one answer is enough, whatever the load's consistency.
pub(super) async fn rows<R>(
    session: &Session,
    query: &str,
    values: impl SerializeRow,
) -> Result<Vec<R>, SchemaError>
where
    R: for<'frame, 'metadata> DeserializeRow<'frame, 'metadata>,
{
    let mut statement = Statement::new(query);
    statement.set_consistency(Consistency::One);
    statement.set_is_idempotent(true);
    let answer = session.query_unpaged(statement, values).await?.into_rows_result()?;
    let mut found = Vec::new();
    for row in answer.rows::<R>()? {
        found.push(row.map_err(|err| SchemaError::Cluster { doing: READING, message: err.to_string() })?);
    }
    Ok(found)
}

/// Why there is no such table.
async fn why_missing(session: &Session, name: &TableName) -> Result<SchemaError, SchemaError> {
    let views: Vec<(String,)> = rows(
        session,
        "SELECT base_table_name FROM system_schema.views WHERE keyspace_name = ? AND view_name = ?",
        (&name.keyspace, &name.table),
    )
    .await?;
    if let Some((base,)) = views.into_iter().next() {
        return Ok(SchemaError::View { view: name.clone(), base: format!("{}.{base}", name.keyspace) });
    }
    let keyspaces: Vec<(String,)> =
        rows(session, "SELECT keyspace_name FROM system_schema.keyspaces", ()).await?;
    if !keyspaces.iter().any(|(keyspace,)| *keyspace == name.keyspace) {
        let own = keyspaces
            .into_iter()
            .map(|(keyspace,)| keyspace)
            .filter(|keyspace| !is_system(keyspace))
            .collect();
        return Ok(SchemaError::NoSuchKeyspace {
            keyspace: name.keyspace.clone(),
            hint: hint(&name.keyspace, own),
        });
    }
    let tables: Vec<(String,)> = rows(
        session,
        "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?",
        (&name.keyspace,),
    )
    .await?;
    let tables = tables.into_iter().map(|(table,)| table).collect();
    Ok(SchemaError::NoSuchTable { table: name.clone(), hint: hint(&name.table, tables) })
}

fn is_system(keyspace: &str) -> bool {
    keyspace == "system" || keyspace.starts_with("system_")
}

/// The names that `wanted` may be a slip of, or else all.
pub(super) fn hint(wanted: &str, mut names: Vec<String>) -> String {
    names.sort_unstable();
    let lower = wanted.to_lowercase();
    let is_similar = |name: &&String| {
        let name = name.to_lowercase();
        name.contains(&lower) || lower.contains(&name) || edit_distance(&name, &lower) <= 1 + lower.len() / 5
    };
    let similar: Vec<String> = names.iter().filter(is_similar).cloned().collect();
    match (similar.is_empty(), names.is_empty()) {
        (false, _) => format!("did you mean {}?", some_of(&similar)),
        (true, false) => format!("there are {}", some_of(&names)),
        (true, true) => "there are none".to_owned(),
    }
}

pub(super) fn some_of(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        hidden => format!("{shown} and {hidden} more"),
    }
}

/// How many characters must be put in, left out or changed to make `b` of `a` (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, from) in a.chars().enumerate() {
        let mut next = vec![index + 1];
        let mut left = index + 1;
        for ((&diagonal, &above), &to) in row.iter().zip(row.iter().skip(1)).zip(&b) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(from != to));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// Orders the columns and sets those apart that cannot be loaded.
pub(super) fn table_schema(
    name: &TableName,
    rows: Vec<ColumnRow>,
    types: &UserTypes,
) -> Result<TableSchema, SchemaError> {
    let mut known: Vec<(ColumnRole, i32, Column)> = Vec::new();
    let (mut unsupported, mut static_counters) = (Vec::new(), Vec::new());
    for (column, kind, position, type_name) in rows {
        let role = match kind.as_str() {
            "partition_key" => ColumnRole::PartitionKey,
            "clustering" => ColumnRole::ClusteringKey,
            "static" => ColumnRole::Static,
            _ => ColumnRole::Regular,
        };
        if role == ColumnRole::Static && type_name == "counter" {
            static_counters.push(column.clone());
        }
        let (role, type_name) = match type_name.as_str() {
            "counter" => (ColumnRole::Counter, "bigint".to_owned()),
            _ => (role, type_name),
        };
        match types.parse(&type_name) {
            Some(cql_type) => known.push((role, position, Column { name: column, cql_type, role })),
            None if role.is_key() => {
                return Err(SchemaError::UnsupportedKey { table: name.clone(), column, cql_type: type_name });
            }
            // What is left of a column that only the storage of old compact tables knows.
            None if type_name == "empty" => {}
            None => unsupported.push((column, type_name)),
        }
    }
    known.sort_by(|a, b| (order(a.0), a.1, &a.2.name).cmp(&(order(b.0), b.1, &b.2.name)));
    unsupported.sort_unstable();
    let columns = known.into_iter().map(|(_, _, column)| column).collect();
    Ok(TableSchema { name: name.clone(), columns, unsupported, static_counters })
}

fn order(role: ColumnRole) -> u8 {
    match role {
        ColumnRole::PartitionKey => 0,
        ColumnRole::ClusteringKey => 1,
        ColumnRole::Static | ColumnRole::Regular | ColumnRole::Counter => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TableName {
        TableName { keyspace: "ks".to_owned(), table: "t".to_owned() }
    }

    fn read(rows: &[(&str, &str, i32, &str)]) -> Result<TableSchema, SchemaError> {
        let rows = rows
            .iter()
            .map(|&(name, kind, position, cql_type)| {
                (name.to_owned(), kind.to_owned(), position, cql_type.to_owned())
            })
            .collect();
        let mut types = UserTypes::default();
        types.add("addr".to_owned(), vec![("no".to_owned(), "int".to_owned())]);
        table_schema(&table(), rows, &types)
    }

    #[test]
    fn keys_come_first_in_key_order_and_the_others_by_name() {
        let schema = read(&[
            ("a", "regular", -1, "text"),
            ("b", "clustering", 1, "int"),
            ("c", "partition_key", 1, "date"),
            ("d", "static", -1, "blob"),
            ("e", "regular", -1, "double"),
            ("y", "partition_key", 0, "text"),
            ("z", "clustering", 0, "timestamp"),
        ])
        .unwrap();
        let order: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(order, ["y", "c", "z", "b", "a", "d", "e"]);
        let roles: Vec<ColumnRole> = schema.columns.iter().map(|column| column.role).collect();
        assert_eq!(
            roles,
            [
                ColumnRole::PartitionKey,
                ColumnRole::PartitionKey,
                ColumnRole::ClusteringKey,
                ColumnRole::ClusteringKey,
                ColumnRole::Regular,
                ColumnRole::Static,
                ColumnRole::Regular,
            ]
        );
        assert_eq!(schema.columns[1].cql_type, CqlType::Date);
    }

    #[test]
    fn types_that_cannot_be_loaded_are_set_apart_with_their_text() {
        let schema = read(&[
            ("id", "partition_key", 0, "int"),
            ("u", "regular", -1, "frozen<\"Unknown\">"),
            ("c", "static", -1, "'org.example.Type'"),
            ("old", "regular", -1, "empty"),
        ])
        .unwrap();
        assert_eq!(schema.columns.len(), 1);
        let expected = [("c", "'org.example.Type'"), ("u", "frozen<\"Unknown\">")];
        assert_eq!(schema.unsupported, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[test]
    fn collections_tuples_vectors_and_user_types_are_loaded_as_keys_too() {
        let types =
            ["frozen<list<int>>", "map<text, frozen<addr>>", "vector<float, 3>", "frozen<tuple<int, addr>>"];
        for cql_type in types {
            let schema =
                read(&[("id", "partition_key", 0, cql_type), ("v", "regular", -1, cql_type)]).unwrap();
            assert_eq!((schema.columns.len(), schema.unsupported.len()), (2, 0), "{cql_type}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_loaded_is_an_error() {
        for kind in ["partition_key", "clustering"] {
            let error = read(&[("id", kind, 0, "'org.example.Type'")]).unwrap_err();
            assert!(matches!(error, SchemaError::UnsupportedKey { .. }), "{error:?}");
            assert!(error.to_string().contains("\"id\" is of type 'org.example.Type'"), "{error}");
        }
    }

    fn check_hint(wanted: &str, names: &[&str], expected: &str) {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(hint(wanted, names), expected, "{wanted}");
    }

    #[test]
    fn a_missing_name_is_answered_with_similar_ones_or_else_with_all() {
        check_hint("flihgts", &["trips", "flights"], "did you mean flights?");
        check_hint("Flights", &["trips", "flights"], "did you mean flights?");
        check_hint("flight", &["flights_2024", "trips", "flights"], "did you mean flights, flights_2024?");
        check_hint("zzz", &["trips", "flights"], "there are flights, trips");
        check_hint("zzz", &[], "there are none");
        let many: Vec<String> = (10..25).map(|number| format!("t{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check_hint("zzzz", &many, "there are t10, t11, t12, t13, t14, t15, t16, t17, t18, t19 and 5 more");
    }

    #[test]
    fn the_edit_distance_counts_characters() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("é", "e", 1),
            ("same", "same", 0),
        ] {
            assert_eq!(edit_distance(a, b), expected, "{a} {b}");
        }
    }
}
