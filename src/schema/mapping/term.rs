//! What a statement has for each column that is filled: a marker, or a function with markers of its own.

use crate::schema::call::Call;
use crate::schema::table::Column;

/// A column and what the statement has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The column.
    pub column: Column,
    /// The function that fills it; `None`: a marker does.
    pub call: Option<Call>,
}

impl Term {
    /// A column that a marker fills.
    pub fn marker(column: Column) -> Self {
        Term { column, call: None }
    }

    /// How many markers it has.
    pub fn markers(&self) -> usize {
        self.call.as_ref().map_or(1, |call| call.arguments().count())
    }
}
