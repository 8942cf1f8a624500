//! Why no table can be proposed. Every message says what to do.

use std::path::PathBuf;

use crate::plan::discover::InputError;
use crate::plan::split::RecordError;
use crate::schema::field::FieldProblem;

/// Why no table can be proposed.
#[derive(Debug, thiserror::Error)]
pub enum ProposeError {
    /// A file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A record does not end.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A record cannot be read.
    #[error("{}: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The key names what is no field.
    #[error("--key: {0}")]
    Key(#[from] FieldProblem),
    /// The key names a column twice.
    #[error("--key names {0} twice: leave it once")]
    KeyTwice(String),
    /// No key was given, and none is to be seen.
    #[error(
        "no column has another value in each record that was looked at: name the primary key with --key, as in \
         --key '(device, day), ts'; the columns are {0}"
    )]
    NoKey(String),
    /// Two fields would be one column.
    #[error(
        "the fields {first:?} and {second:?} differ in case, or in spaces around them, only: rename one, or give all names with --columns"
    )]
    NameTwice {
        /// A field.
        first: String,
        /// One behind it.
        second: String,
    },
    /// There is nothing to look at.
    #[error(
        "the files have no columns: name those that there will be with --columns, or take files that hold records"
    )]
    NoColumns,
    /// A column of a file is of a type that no table has.
    #[error(
        "{path}: its column {column:?} is {found}, for which CQL has no type: write the file without it, or create the table by hand \
         and leave it out of the load with --map '*,-{column}'"
    )]
    NoType {
        /// The file, as it is shown.
        path: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
    /// The files do not agree on a column.
    #[error(
        "column {column:?} is {first}, and {other}: create the table by hand with a type that takes both, such as text, or make a \
         table for each"
    )]
    TypesDiffer {
        /// The column.
        column: String,
        /// Its type and the file that has it.
        first: String,
        /// Another one.
        other: String,
    },
    /// There is a header and nothing else.
    #[error(
        "the files hold no record from which columns' types could be told: take files that do, or create the table by hand"
    )]
    NoRecords,
}
