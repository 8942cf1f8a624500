//! The answer to a statement with a condition (IF): whether it was applied and, if not, the row that it found. Decides nothing.

use scylla::deserialize::row::ColumnIterator;
use scylla::response::query_result::QueryResult;

use crate::schema::prepare::marker_type;
use crate::verify::show;

/// What became of a statement with a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Applied {
    /// The condition held.
    Yes,
    /// It did not.
    No {
        /// What the row has, for people to read; empty where there is none.
        row: String,
    },
}

/// Reads the answer: its first column is `[applied]`, the others are the row that was found where it was not (CQL, "Conditional
/// updates").
///
/// # Errors
/// A message: it is no such answer.
pub(super) fn applied(answer: QueryResult) -> Result<Applied, String> {
    let unreadable = |error: &dyn std::error::Error| format!("the server's answer cannot be read: {error}");
    let rows = answer.into_rows_result().map_err(|error| unreadable(&error))?;
    let found = rows.maybe_first_row::<ColumnIterator<'_, '_>>().map_err(|error| unreadable(&error))?;
    let mut columns = found.ok_or("the server does not say whether a statement was applied")?;
    let first = columns.next().ok_or("the server does not say whether a statement was applied")?;
    let first = first.map_err(|error| unreadable(&error))?;
    match first.slice.map(|slice| slice.as_slice()) {
        Some([0]) => {}
        Some([1]) => return Ok(Applied::Yes),
        _ => return Err("the server does not say whether a statement was applied".to_owned()),
    }
    let mut shown = Vec::new();
    for column in columns {
        let column = column.map_err(|error| unreadable(&error))?;
        let value = match (column.slice.map(|slice| slice.as_slice()), marker_type(column.spec.typ())) {
            (Some(value), Some(cql_type)) => show::value(&cql_type, value),
            (Some(_), None) => "?".to_owned(),
            (None, _) => "null".to_owned(),
        };
        shown.push(format!("{} {value}", column.spec.name()));
    }
    Ok(Applied::No { row: shown.join(", ") })
}
