//! The statement that writes a row, and the columns behind its markers. Pure text.

use serde::{Deserialize, Serialize};

use super::table::Column;

/// What a worker needs to know of the table: sent to it by the coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowPlan {
    /// `INSERT INTO ks.t (…) VALUES (?, …) USING TIMESTAMP ?`.
    pub statement: String,
    /// The columns behind the markers, in order; one more marker follows them: the write time, a bigint.
    pub columns: Vec<Column>,
}
