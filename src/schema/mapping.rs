//! Which field of a file goes into which column.

use serde::{Deserialize, Serialize};

/// For one file: where in a record each column of the row plan is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldMapping {
    /// How many fields a record of this file must have.
    pub field_count: usize,
    /// For each column of the row plan, in its order, the index of its field.
    pub fields: Vec<usize>,
}
