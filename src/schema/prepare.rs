//! The row plan made ready on the cluster: the prepared INSERT, checked against the plan, and the question whether this role
//! may write. Writes nothing: the one statement it executes has a null key, which no server takes.

use scylla::client::session::Session;
use scylla::errors::{DbError, ExecutionError, PrepareError, RequestAttemptError};
use scylla::frame::response::result::{ColumnType, NativeType};
use scylla::statement::Statement;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::CqlValue;

use super::statement::RowPlan;
use super::table::SchemaError;
use super::types::CqlType;
use crate::settings::TableName;

const PREPARING: &str = "preparing the INSERT";
const ASKING: &str = "asking whether the table may be written";

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
    let mut prepared =
        session.prepare(plan.statement.as_str()).await.map_err(|err| prepare_error(table, &err))?;
    prepared.set_is_idempotent(true);
    let markers: Vec<_> =
        prepared.get_variable_col_specs().iter().map(|spec| (spec.name(), native_type(spec.typ()))).collect();
    match difference(plan, &markers) {
        None => Ok(prepared),
        Some(change) => Err(SchemaError::Changed { table: table.clone(), change }),
    }
}

/// Finds out whether this role may write the table, without writing.
///
/// Cassandra checks permissions when a statement is executed, before it looks at the values. So the INSERT is executed with
/// nothing but nulls: a role without MODIFY is told that it is not authorized, any other that a key cannot be null. A server
/// that looked at the values first would pass every role here, and the first real INSERT would tell.
///
/// # Errors
/// The role may not write, or the cluster does not answer.
pub async fn check_write_permission(
    session: &Session,
    table: &TableName,
    plan: &RowPlan,
) -> Result<(), SchemaError> {
    let nulls: Vec<Option<CqlValue>> = vec![None; plan.columns.len() + 1];
    match session.query_unpaged(Statement::new(plan.statement.as_str()), nulls).await {
        Ok(_) => Ok(()),
        Err(ExecutionError::LastAttemptError(RequestAttemptError::DbError(DbError::Invalid, _))) => Ok(()),
        Err(ExecutionError::LastAttemptError(RequestAttemptError::DbError(
            DbError::Unauthorized,
            message,
        ))) => Err(SchemaError::NotPermitted { table: table.clone(), message }),
        Err(ExecutionError::PrepareError(err)) => Err(prepare_error(table, &err)),
        Err(err) => Err(SchemaError::Cluster { doing: ASKING, message: err.to_string() }),
    }
}

fn prepare_error(table: &TableName, err: &PrepareError) -> SchemaError {
    let PrepareError::AllAttemptsFailed { first_attempt: RequestAttemptError::DbError(kind, message) } = err
    else {
        return SchemaError::Cluster { doing: PREPARING, message: err.to_string() };
    };
    let (table, message) = (table.clone(), message.clone());
    match kind {
        DbError::Unauthorized => SchemaError::NotPermitted { table, message },
        DbError::Invalid | DbError::SyntaxError | DbError::ConfigError => {
            SchemaError::Refused { table, message }
        }
        _ => SchemaError::Cluster { doing: PREPARING, message },
    }
}

/// What is different between the plan and the server's markers (name and type; `None`: not a type that can be loaded).
fn difference(plan: &RowPlan, markers: &[(&str, Option<CqlType>)]) -> Option<String> {
    let wanted = plan.columns.len() + 1;
    if markers.len() != wanted {
        return Some(format!("the INSERT has {} markers instead of {wanted}", markers.len()));
    }
    // The last marker is the write time; its name differs between servers.
    let planned = plan
        .columns
        .iter()
        .map(|column| (Some(column.name.as_str()), column.cql_type))
        .chain([(None, CqlType::Bigint)]);
    for ((name, cql_type), &(marker, marker_type)) in planned.zip(markers) {
        if name.is_some_and(|name| name != marker) {
            return Some(format!("column {marker:?} where {:?} should be", name.unwrap_or_default()));
        }
        if marker_type != Some(cql_type) {
            let now = marker_type.map_or("a type that cannot be loaded", CqlType::name);
            return Some(format!("column {marker:?} was of type {cql_type} and is now {now}"));
        }
    }
    None
}

fn native_type(cql_type: &ColumnType<'_>) -> Option<CqlType> {
    let ColumnType::Native(native) = cql_type else { return None };
    Some(match native {
        NativeType::Ascii => CqlType::Ascii,
        NativeType::BigInt => CqlType::Bigint,
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
    use crate::schema::table::{Column, ColumnRole};

    type Marker = (&'static str, Option<CqlType>);

    fn check(markers: &[Marker], expected: Option<&str>) {
        let columns =
            [("id", CqlType::Int, ColumnRole::PartitionKey), ("v", CqlType::Text, ColumnRole::Regular)]
                .map(|(name, cql_type, role)| Column { name: name.to_owned(), cql_type, role });
        let plan = RowPlan { statement: String::new(), columns: columns.to_vec() };
        assert_eq!(difference(&plan, markers).as_deref(), expected);
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
        let text = prepare_error(&table, &err).to_string();
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
