//! What is wrong with a file's fields, all of it at once, in words that say what to do.

use std::path::PathBuf;

use crate::schema::field::FieldProblem;
use crate::settings::TableName;

/// The fields do not fit the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}; the table {table} has: {columns}", file.display(), joined(problems, "; "))]
pub struct MappingError {
    /// Which file.
    pub file: PathBuf,
    /// Which table.
    pub table: TableName,
    /// All that is wrong; never empty.
    pub problems: Vec<MappingProblem>,
    /// The table's columns with types and roles, as one text.
    pub columns: String,
}

/// One thing that is wrong with a file's fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingProblem {
    /// Not one field is a column.
    #[error(
        "none of the fields {} is a column: if the first line is data, give --no-header and --columns", names(.0)
    )]
    NothingMatches(Vec<String>),
    /// Fields that are no columns.
    #[error("no such column: {} (correct the name, or leave such fields out with --allow-unknown-columns)", names(.0))]
    Unknown(Vec<String>),
    /// A field whose name differs from several columns only in case.
    #[error(
        "field {field:?} may be any of the columns {}: write its name with the column's capitals",
        names(candidates)
    )]
    Ambiguous {
        /// The field's name.
        field: String,
        /// The columns.
        candidates: Vec<String>,
    },
    /// Two fields for one column.
    #[error("column {column:?} is filled by several fields: {}; leave it once", names(fields))]
    Duplicate {
        /// The column.
        column: String,
        /// The fields' names.
        fields: Vec<String>,
    },
    /// Fields for columns that cannot be loaded.
    #[error(
        "of types that ringload does not know: {}; leave them out of the file (in a schema file a user type needs its \
         CREATE TYPE)", joined(.0, ", ")
    )]
    Unsupported(Vec<String>),
    /// Key columns without a field.
    #[error("key columns without a field: {} (each row needs them)", names(.0))]
    MissingKeys(Vec<String>),
    /// Other columns without a field.
    #[error("columns without a field: {} (leave them unset with --allow-missing-columns)", names(.0))]
    Missing(Vec<String>),
    /// A column that an option names.
    #[error("{column}: no such column ({hint})")]
    NoSuchColumn {
        /// Its name, as it was given.
        column: String,
        /// Those that may have been meant, or those that there are.
        hint: String,
    },
    /// A column with two sources.
    #[error("column {0} is filled twice by --map and --set: leave it once")]
    FilledTwice(String),
    /// A column that is filled and left out.
    #[error("column {0} is filled and left out at once: take one of them away")]
    FilledAndLeftOut(String),
    /// A column cannot hold its source.
    #[error("column {column} of type {cql_type} cannot be {from}: {problem}")]
    Unfit {
        /// The column.
        column: String,
        /// Its type.
        cql_type: String,
        /// What was to fill it, as it was given.
        from: String,
        /// What is wrong.
        problem: String,
    },
    /// `*` without names.
    #[error(
        "* takes fields by their names, and without a header or --columns they have none: map each by its place, as id = #1"
    )]
    NothingToMatch,
    /// A function for a marker of a query.
    #[error(
        "{0} = {1}: markers are filled from fields and constants; write {1} into the query where :{0} stands"
    )]
    CallForMarker(String, String),
    /// Markers of a query that nothing fills.
    #[error(
        "markers without a field: {} (give the fields these names, or say what fills them with --map 'MARKER = FIELD' or --set)",
        names(.0)
    )]
    Unfilled(Vec<String>),
    /// There is no file.
    #[error("standard input has no {from}: give the column a constant with --set")]
    NoFile {
        /// What was to be taken of it.
        from: String,
    },
    /// The file's path is no text.
    #[error("{from} is not UTF-8: rename the file")]
    PathNotText {
        /// What was to be taken of it.
        from: String,
    },
    /// A field that an option names.
    #[error("{option}: {problem}")]
    Field {
        /// The option, as it was given.
        option: String,
        /// What is wrong.
        problem: FieldProblem,
    },
    /// `--columns` does not fit the header.
    #[error(
        "--columns has {columns} names but the header has {header} fields; name each field, and if the first line is \
         data, give --no-header"
    )]
    HeaderLength {
        /// How many names were given.
        columns: usize,
        /// How many fields the header has.
        header: usize,
    },
    /// Not one key is a column.
    #[error("none of the keys {} is a column: correct them, or say which is which with --map", names(.0))]
    NoKeyMatches(Vec<String>),
    /// Key columns without a key.
    #[error(
        "key columns that none of the first {records} records has: {} (each row needs them)",
        names(columns)
    )]
    KeysNotSeen {
        /// The columns.
        columns: Vec<String>,
        /// How many records were looked at.
        records: usize,
    },
    /// Not the columns of the first file.
    #[error(
        "its columns are not those of {}{}{}; load such files in runs of their own", first.display(),
        more(", it lacks ", lacking), more(", it has besides ", besides)
    )]
    UnlikeFirstFile {
        /// The first file.
        first: PathBuf,
        /// Columns that only the first file fills.
        lacking: Vec<String>,
        /// Columns that only this file fills.
        besides: Vec<String>,
    },
}

pub(super) fn joined<T: ToString>(items: &[T], separator: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

/// Names in quotes, so that empty ones and spaces can be seen.
pub(super) fn names(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

fn more(lead: &str, list: &[String]) -> String {
    if list.is_empty() { String::new() } else { format!("{lead}{}", names(list)) }
}
