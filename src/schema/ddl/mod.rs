//! A table's definition out of a file of CQL (what `DESCRIBE TABLE` or `DESCRIBE KEYSPACE` prints, or a CREATE TABLE written by
//! hand), for work without a cluster. The result is what reading the cluster's `system_schema` would give. Pure: the caller
//! reads the file. What is no table is passed over, not checked.

mod cursor;
mod misspelt;
mod parser;
pub(super) mod tokens;
mod types;

use std::io;
use std::path::{Path, PathBuf};

use super::table::{ColumnRow, SchemaError, TableSchema, hint, some_of, table_schema};
use super::types::UserTypes;
use crate::settings::TableName;
use parser::{Name, ParsedFile, ParsedTable};
use tokens::Fault;

/// Why a schema file gives no table.
#[derive(Debug, thiserror::Error)]
pub enum SchemaFileError {
    /// It cannot be read.
    #[error("cannot read the schema file {}: {source}; correct --schema", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A place that is not understood.
    #[error("{}:{line}:{column}: {problem}", file.display())]
    Place {
        /// Which file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Character in the line, from 1.
        column: usize,
        /// What is wrong there and what to do.
        problem: String,
    },
    /// It creates no table.
    #[error("{}: there is no CREATE TABLE: put there what DESCRIBE TABLE prints", file.display())]
    NoTable {
        /// Which file.
        file: PathBuf,
    },
    /// It creates other tables only.
    #[error("{}: there is no CREATE TABLE {table} ({hint}); correct --table or --schema", file.display())]
    NotThere {
        /// Which file.
        file: PathBuf,
        /// The table that was asked for.
        table: TableName,
        /// Those that may have been meant, or those that there are.
        hint: String,
    },
    /// It creates several tables and nobody said which.
    #[error("{}: there are several tables ({tables}): choose one with -t KEYSPACE.TABLE", file.display())]
    Several {
        /// Which file.
        file: PathBuf,
        /// The tables.
        tables: String,
    },
    /// The table is no table to load.
    #[error("{}: {source}", file.display())]
    Table {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: Box<SchemaError>,
    },
}

/// The table of a schema file: the `wanted` one, or the only one. `file` is only named in errors.
///
/// # Errors
/// The text is not understood, there is no such table or more than one, or the table cannot be loaded.
pub fn table_of(file: &Path, text: &str, wanted: Option<&TableName>) -> Result<TableSchema, SchemaFileError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let place = |fault: Fault| place(file, text, fault);
    let parsed = parser::parse(text).map_err(place)?;
    let table = match wanted {
        Some(wanted) => choose(file, &parsed, wanted)?,
        None => only(file, &parsed)?,
    };
    let again = parsed.tables.iter().find(|other| other.at > table.at && other.name.may_be(&table.name));
    if let Some(again) = again {
        let problem = format!("{} is created a second time: keep what the table is now", again.name);
        return Err(place(Fault { at: again.at, problem }));
    }
    if let Some((_, at)) = parsed.alters.iter().find(|(name, _)| name.may_be(&table.name)) {
        let problem =
            "ALTER TABLE is not followed: put the table there as it is now, as DESCRIBE TABLE prints it";
        return Err(place(Fault { at: *at, problem: problem.to_owned() }));
    }
    let keyspace = wanted.map(|wanted| &wanted.keyspace).or(table.name.keyspace.as_ref());
    let Some(keyspace) = keyspace else {
        let problem = format!(
            "{} has no keyspace: write KEYSPACE.{} or USE KEYSPACE, or give -t KEYSPACE.TABLE",
            table.name, table.name
        );
        return Err(place(Fault { at: table.at, problem }));
    };
    let name = TableName { keyspace: keyspace.clone(), table: table.name.table.clone() };
    let types = user_types(&name.keyspace, &parsed).map_err(place)?;
    if let Some(at) = altered_type(&name.keyspace, &parsed, table, &types) {
        let problem =
            "ALTER TYPE is not followed: put the type there as it is now, as DESCRIBE TYPE prints it";
        return Err(place(Fault { at, problem: problem.to_owned() }));
    }
    schema(name, table, &types).map_err(|error| refused(file, error))
}

/// The user types of a keyspace. Those whose keyspace is not said may be of any.
fn user_types(keyspace: &str, parsed: &ParsedFile) -> Result<UserTypes, Fault> {
    let mut types = UserTypes::default();
    for user_type in parsed.types.iter().filter(|user_type| user_type.name.is_in(keyspace)) {
        let name = &user_type.name.table;
        if !types.add(name.clone(), user_type.fields.clone()) {
            let problem = format!("type {name} is created a second time: keep what it is now");
            return Err(Fault { at: user_type.at, problem });
        }
    }
    Ok(types)
}

/// Where a user type is altered without which the table's columns would be others.
fn altered_type(
    keyspace: &str,
    parsed: &ParsedFile,
    table: &ParsedTable,
    types: &UserTypes,
) -> Option<usize> {
    let is_used = |name: &Name| {
        let others = types.without(&name.table);
        table.columns.iter().any(|column| types.parse(&column.type_text) != others.parse(&column.type_text))
    };
    let altered = parsed.type_alters.iter().find(|(name, _)| name.is_in(keyspace) && is_used(name));
    altered.map(|(_, at)| *at)
}

fn choose<'a>(
    file: &Path,
    parsed: &'a ParsedFile,
    wanted: &TableName,
) -> Result<&'a ParsedTable, SchemaFileError> {
    let name = Name { keyspace: Some(wanted.keyspace.clone()), table: wanted.table.clone() };
    if let Some(table) = parsed.tables.iter().find(|table| table.name.may_be(&name)) {
        return Ok(table);
    }
    if let Some((_, base)) = parsed.views.iter().find(|(view, _)| view.may_be(&name)) {
        return Err(refused(file, SchemaError::View { view: wanted.clone(), base: base.to_string() }));
    }
    if parsed.tables.is_empty() {
        return Err(SchemaFileError::NoTable { file: file.to_owned() });
    }
    let hint = hint(&wanted.to_string(), names(parsed));
    Err(SchemaFileError::NotThere { file: file.to_owned(), table: wanted.clone(), hint })
}

fn only<'a>(file: &Path, parsed: &'a ParsedFile) -> Result<&'a ParsedTable, SchemaFileError> {
    let Some((first, more)) = parsed.tables.split_first() else {
        return Err(SchemaFileError::NoTable { file: file.to_owned() });
    };
    if more.iter().any(|table| !table.name.may_be(&first.name)) {
        return Err(SchemaFileError::Several { file: file.to_owned(), tables: some_of(&names(parsed)) });
    }
    Ok(first)
}

fn names(parsed: &ParsedFile) -> Vec<String> {
    parsed.tables.iter().map(|table| table.name.to_string()).collect()
}

/// The definition as the cluster's schema tables would have it, and from there on the same way.
fn schema(name: TableName, table: &ParsedTable, types: &UserTypes) -> Result<TableSchema, SchemaError> {
    let in_key = |key: &[String], column: &str| {
        key.iter().position(|part| part == column).and_then(|position| i32::try_from(position).ok())
    };
    let row = |column: &parser::ParsedColumn| -> ColumnRow {
        let (kind, position) =
            match (in_key(&table.partition_key, &column.name), in_key(&table.clustering_key, &column.name)) {
                (Some(position), _) => ("partition_key", position),
                (None, Some(position)) => ("clustering", position),
                (None, None) if column.is_static => ("static", -1),
                (None, None) => ("regular", -1),
            };
        (column.name.clone(), kind.to_owned(), position, column.type_text.clone())
    };
    table_schema(&name, table.columns.iter().map(row).collect(), types)
}

fn refused(file: &Path, error: SchemaError) -> SchemaFileError {
    SchemaFileError::Table { file: file.to_owned(), source: Box::new(error) }
}

fn place(file: &Path, text: &str, Fault { at, problem }: Fault) -> SchemaFileError {
    let before = text.get(..at).unwrap_or(text);
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = 1 + before.get(line_start..).unwrap_or_default().chars().count();
    SchemaFileError::Place { file: file.to_owned(), line, column, problem }
}

#[cfg(test)]
mod tests;
