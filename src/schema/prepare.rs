//! The row plan made ready on the cluster: the prepared INSERT, or the SELECT that reads rows back, checked against the plan, and
//! the question whether this role may execute it. Writes nothing: what is executed here has a null key, which no server takes.

use std::borrow::Cow;

use scylla::client::session::Session;
use scylla::errors::{DbError, ExecutionError, PrepareError, RequestAttemptError};
use scylla::frame::response::result::{CollectionType, ColumnSpec, ColumnType, NativeType};
use scylla::statement::Statement;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::CqlValue;

use super::repeat::Once;
use super::statement::{ReadPlan, RowPlan, Stamp, insert_statement};
use super::table::{Column, SchemaError};
use super::types::{CqlType, Elements, Entries, UserField, UserType, Vector};
use crate::settings::TableName;

/// What is said of a statement of which the user has given a part.
const OWN_STATEMENT: &str = "statement for";

/// What is said of a statement.
struct Words {
    preparing: &'static str,
    asking: &'static str,
    statement: &'static str,
    permission: &'static str,
}

const INSERT: Words = Words {
    preparing: "preparing the INSERT",
    asking: "asking whether the table may be written",
    statement: "INSERT into",
    permission: "MODIFY",
};
const OWN: Words = Words {
    preparing: "preparing the statement",
    asking: "asking whether the table may be written",
    statement: OWN_STATEMENT,
    permission: "MODIFY",
};
const SELECT: Words = Words {
    preparing: "preparing the SELECT",
    asking: "asking whether the table may be read",
    statement: "SELECT from",
    permission: "SELECT",
};

/// Prepares the plan's statement and compares what the server says of its markers with the plan.
///
/// The statement counts as idempotent: its write time is given, so that a second execution changes nothing.
/// Cassandra does not check permissions here; see [`check_write_permission`].
///
/// # Errors
/// The server refuses the statement, the table has changed since it was read, or no node answers.
pub async fn prepare_insert(
    session: &Session,
    table: &TableName,
    plan: &RowPlan,
) -> Result<PreparedStatement, SchemaError> {
    let mut prepared = prepare(session, table, &plan.statement, words_of(plan)).await?;
    prepared.set_is_idempotent(plan.once.is_none());
    let markers = of_server(prepared.get_variable_col_specs().as_slice());
    let columns = of_plan(&plan.columns).enumerate().map(|(at, (name, cql_type))| {
        (name.filter(|_| !plan.own && !plan.arguments.contains(&at)), cql_type)
    });
    let mut planned: Vec<_> = columns.chain(plan.ttl.map(|_| TTL)).collect();
    match plan.stamp {
        Stamp::Last => planned.push(WRITE_TIME),
        Stamp::Behind(others) => planned.insert(others.min(planned.len()), WRITE_TIME),
        Stamp::Nowhere => {}
    }
    match difference("the INSERT has", "markers", &planned, &markers) {
        None => Ok(prepared),
        Some(change) => Err(SchemaError::Changed { table: table.clone(), change }),
    }
}

/// What the server says of the markers of a statement that writes to the table: what each is called there and its type, as far as that
/// is one that can be loaded.
///
/// # Errors
/// The server refuses the statement, or no node answers.
pub async fn ask_markers(
    session: &Session,
    table: &TableName,
    statement: &str,
) -> Result<Vec<(String, Option<CqlType>)>, SchemaError> {
    let prepared = prepare(session, table, statement, &OWN).await?;
    let markers = of_server(prepared.get_variable_col_specs().as_slice());
    Ok(markers.into_iter().map(|(name, cql_type)| (name.to_owned(), cql_type)).collect())
}

fn words_of(plan: &RowPlan) -> &'static Words {
    if plan.own || !plan.called.is_empty() || plan.once.is_some() { &OWN } else { &INSERT }
}

/// Prepares the statement that reads rows back and compares what the server says of its markers and of what it selects with the plan.
/// A server that does not know the write time of a column of many cells gets the statement for such servers.
///
/// # Errors
/// The server refuses the statement, the table has changed since it was read, or no node answers.
pub async fn prepare_select(
    session: &Session,
    table: &TableName,
    plan: &ReadPlan,
) -> Result<PreparedStatement, SchemaError> {
    let (prepared, is_timed) = match prepare(session, table, &plan.statement, &SELECT).await {
        Ok(prepared) => (prepared, true),
        Err(refused @ SchemaError::Refused { .. }) => match &plan.for_older_servers {
            Some(statement) => (prepare(session, table, statement, &SELECT).await?, false),
            None => return Err(refused),
        },
        Err(error) => return Err(error),
    };
    let markers = of_server(prepared.get_variable_col_specs().as_slice());
    let specs = prepared.get_current_result_set_col_specs();
    let selected = of_server(specs.get().as_slice());
    let keys: Vec<_> = of_plan(&plan.keys).collect();
    let with_time = |value: &Column| is_timed || !value.cql_type.is_multi_cell();
    let times = plan.values.iter().map(|value| with_time(value).then_some(WRITE_TIME));
    let mut values: Vec<_> =
        of_plan(&plan.values).zip(times).flat_map(|(value, time)| [Some(value), time]).flatten().collect();
    if values.is_empty() {
        values.extend(keys.first().cloned());
    }
    let change = difference("the SELECT has", "markers", &keys, &markers)
        .or_else(|| difference("the SELECT brings", "columns", &values, &selected));
    match change {
        None => Ok(prepared),
        Some(change) => Err(SchemaError::Changed { table: table.clone(), change }),
    }
}

async fn prepare(
    session: &Session,
    table: &TableName,
    statement: &str,
    words: &Words,
) -> Result<PreparedStatement, SchemaError> {
    let mut prepared =
        session.prepare(statement).await.map_err(|err| prepare_error(table, statement, words, &err))?;
    prepared.set_is_idempotent(true);
    Ok(prepared)
}

/// Finds out whether this role may write the table, without writing.
///
/// Cassandra checks permissions when a statement is executed, before it looks at the values. So the INSERT is executed with
/// nothing but nulls: a role without MODIFY is told that it is not authorized, any other that a key cannot be null. A server
/// that looked at the values first would pass every role here, and the first real INSERT would tell. Where no marker is a key
/// column's, so that the statement would be executed, an INSERT of these `keys` is tried instead.
///
/// # Errors
/// The role may not write, or the cluster does not answer.
pub async fn check_write_permission(
    session: &Session,
    table: &TableName,
    plan: &RowPlan,
    keys: &[Column],
) -> Result<(), SchemaError> {
    // Without a key that a record fills, it would be executed; of a statement of the user's own nobody knows.
    if !plan.own && plan.comparable().iter().any(|column| column.role.is_key()) {
        return check_permission(session, table, &plan.statement, plan.markers(), words_of(plan)).await;
    }
    // It takes the same permission to write nothing but a key. A counter table does not take that; there the first row tells.
    if plan.once != Some(Once::Counter) {
        let keys = insert_statement(table, keys, None);
        check_permission(session, table, &keys.statement, keys.markers(), &INSERT).await?;
    }
    Ok(())
}

/// Finds out in the same way whether this role may read the table.
///
/// # Errors
/// The role may not read, or the cluster does not answer.
pub async fn check_read_permission(
    session: &Session,
    table: &TableName,
    select: &PreparedStatement,
) -> Result<(), SchemaError> {
    let markers = select.get_variable_col_specs().len();
    check_permission(session, table, select.get_statement(), markers, &SELECT).await
}

async fn check_permission(
    session: &Session,
    table: &TableName,
    statement: &str,
    markers: usize,
    words: &Words,
) -> Result<(), SchemaError> {
    let nulls: Vec<Option<CqlValue>> = vec![None; markers];
    match session.query_unpaged(Statement::new(statement), nulls).await {
        Ok(_) => Ok(()),
        Err(ExecutionError::LastAttemptError(RequestAttemptError::DbError(DbError::Invalid, _))) => Ok(()),
        Err(ExecutionError::LastAttemptError(RequestAttemptError::DbError(
            DbError::Unauthorized,
            message,
        ))) => Err(SchemaError::NotPermitted { table: table.clone(), permission: words.permission, message }),
        Err(ExecutionError::PrepareError(err)) => Err(prepare_error(table, statement, words, &err)),
        Err(err) => Err(SchemaError::Cluster { doing: words.asking, message: err.to_string() }),
    }
}

fn prepare_error(table: &TableName, text: &str, words: &Words, err: &PrepareError) -> SchemaError {
    let PrepareError::AllAttemptsFailed { first_attempt: RequestAttemptError::DbError(kind, message) } = err
    else {
        return SchemaError::Cluster { doing: words.preparing, message: err.to_string() };
    };
    let (table, message) = (table.clone(), message.clone());
    let &Words { statement, permission, preparing, .. } = words;
    match kind {
        DbError::Invalid | DbError::SyntaxError | DbError::ConfigError if statement == OWN_STATEMENT => {
            SchemaError::NotUnderstood { statement: text.to_owned(), message }
        }
        DbError::Unauthorized => SchemaError::NotPermitted { table, permission, message },
        DbError::Invalid | DbError::SyntaxError | DbError::ConfigError => {
            SchemaError::Refused { table, statement, message }
        }
        _ => SchemaError::Cluster { doing: preparing, message },
    }
}

/// A column as a statement is planned with it; its name differs between servers where it is `None`.
type Planned<'a> = (Option<&'a str>, CqlType);

/// A row's write time.
const WRITE_TIME: Planned<'static> = (None, CqlType::Bigint);
/// Its time to live.
const TTL: Planned<'static> = (None, CqlType::Int);

/// Names and types, thawed, for the server does not say what of a marker is frozen.
fn of_plan(columns: &[Column]) -> impl Iterator<Item = Planned<'_>> {
    columns.iter().map(|column| (Some(column.name.as_str()), column.cql_type.thawed()))
}

/// Names and types as the server has them (`None`: not a type that can be loaded).
fn of_server<'a>(specs: &'a [ColumnSpec<'_>]) -> Vec<(&'a str, Option<CqlType>)> {
    specs.iter().map(|spec| (spec.name(), marker_type(spec.typ()))).collect()
}

/// What is different between the plan and what the server has.
fn difference(
    has: &str,
    of: &str,
    planned: &[Planned<'_>],
    found: &[(&str, Option<CqlType>)],
) -> Option<String> {
    if found.len() != planned.len() {
        return Some(format!("{has} {} {of} instead of {}", found.len(), planned.len()));
    }
    for ((name, cql_type), (column, column_type)) in planned.iter().zip(found) {
        if name.is_some_and(|name| name != *column) {
            return Some(format!("column {column:?} where {:?} should be", name.unwrap_or_default()));
        }
        if column_type.as_ref() != Some(cql_type) {
            return Some(match column_type {
                Some(now) if now.to_string() != cql_type.to_string() => {
                    format!("column {column:?} was of type {cql_type} and is now {now}")
                }
                Some(_) => format!("the fields of {cql_type}, the type of column {column:?}, are others now"),
                None => {
                    format!(
                        "column {column:?} was of type {cql_type} and is now a type that cannot be loaded"
                    )
                }
            });
        }
    }
    None
}

/// The type of a marker, thawed.
pub(crate) fn marker_type(cql_type: &ColumnType<'_>) -> Option<CqlType> {
    let part = |of: &ColumnType<'_>| marker_type(of).map(Box::new);
    let frozen = false;
    Some(match cql_type {
        ColumnType::Native(native) => return native_type(native),
        ColumnType::Collection { typ: CollectionType::List(of), .. } => {
            CqlType::List(Elements { of: part(of)?, frozen })
        }
        ColumnType::Collection { typ: CollectionType::Set(of), .. } => {
            CqlType::Set(Elements { of: part(of)?, frozen })
        }
        ColumnType::Collection { typ: CollectionType::Map(key, value), .. } => {
            CqlType::Map(Entries { key: part(key)?, value: part(value)?, frozen })
        }
        ColumnType::Tuple(parts) => CqlType::Tuple(parts.iter().map(marker_type).collect::<Option<_>>()?),
        ColumnType::UserDefinedType { definition, .. } => {
            let field = |(name, of): &(Cow<'_, str>, ColumnType<'_>)| {
                Some(UserField { name: name.to_string(), cql_type: marker_type(of)? })
            };
            let fields = definition.field_types.iter().map(field).collect::<Option<_>>()?;
            CqlType::User(UserType { name: definition.name.to_string(), fields, frozen })
        }
        ColumnType::Vector { typ, dimensions } => {
            CqlType::Vector(Vector { of: part(typ)?, dimensions: u32::from(*dimensions) })
        }
        _ => return None,
    })
}

fn native_type(native: &NativeType) -> Option<CqlType> {
    Some(match native {
        NativeType::Ascii => CqlType::Ascii,
        NativeType::BigInt | NativeType::Counter => CqlType::Bigint,
        NativeType::Blob => CqlType::Blob,
        NativeType::Boolean => CqlType::Boolean,
        NativeType::Date => CqlType::Date,
        NativeType::Decimal => CqlType::Decimal,
        NativeType::Double => CqlType::Double,
        NativeType::Duration => CqlType::Duration,
        NativeType::Float => CqlType::Float,
        NativeType::Inet => CqlType::Inet,
        NativeType::Int => CqlType::Int,
        NativeType::SmallInt => CqlType::Smallint,
        NativeType::Text => CqlType::Text,
        NativeType::Time => CqlType::Time,
        NativeType::Timestamp => CqlType::Timestamp,
        NativeType::Timeuuid => CqlType::Timeuuid,
        NativeType::TinyInt => CqlType::Tinyint,
        NativeType::Uuid => CqlType::Uuid,
        NativeType::Varint => CqlType::Varint,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::table::ColumnRole;

    type Marker = (&'static str, Option<CqlType>);

    fn check(markers: &[Marker], expected: Option<&str>) {
        let columns =
            [("id", CqlType::Int, ColumnRole::PartitionKey), ("v", CqlType::Text, ColumnRole::Regular)]
                .map(|(name, cql_type, role)| Column { name: name.to_owned(), cql_type, role });
        let planned: Vec<_> = of_plan(&columns).chain([WRITE_TIME]).collect();
        assert_eq!(difference("the INSERT has", "markers", &planned, markers).as_deref(), expected);
    }

    const ID: Marker = ("id", Some(CqlType::Int));
    const V: Marker = ("v", Some(CqlType::Text));
    const TIME: Marker = ("[timestamp]", Some(CqlType::Bigint));

    #[test]
    fn markers_like_the_plan_are_no_change_whatever_the_write_time_is_called() {
        check(&[ID, V, TIME], None);
        check(&[ID, V, ("timestamp", Some(CqlType::Bigint))], None);
    }

    #[test]
    fn other_markers_are_a_change() {
        check(&[ID, TIME], Some("the INSERT has 2 markers instead of 3"));
        check(&[V, ID, TIME], Some("column \"v\" where \"id\" should be"));
        check(
            &[("id", Some(CqlType::Bigint)), V, TIME],
            Some("column \"id\" was of type int and is now bigint"),
        );
        check(
            &[ID, ("v", None), TIME],
            Some("column \"v\" was of type text and is now a type that cannot be loaded"),
        );
    }

    fn check_error(err: PrepareError, expected: &str) {
        let table = TableName { keyspace: "ks".to_owned(), table: "t".to_owned() };
        let text = prepare_error(&table, "INSERT", &INSERT, &err).to_string();
        assert!(text.starts_with(expected), "{text:?} should start with {expected:?}");
    }

    #[test]
    fn what_the_server_says_to_a_statement_is_told_with_the_table() {
        let refused = |kind| PrepareError::AllAttemptsFailed {
            first_attempt: RequestAttemptError::DbError(kind, "words".to_owned()),
        };
        check_error(refused(DbError::Unauthorized), "no permission: words; GRANT MODIFY ON ks.t");
        check_error(refused(DbError::Invalid), "the server refuses the INSERT into ks.t: words");
        check_error(refused(DbError::Overloaded), "preparing the INSERT: words");
        check_error(PrepareError::PreparedStatementIdsMismatch, "preparing the INSERT: ");
    }
}
