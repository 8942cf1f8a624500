//! Where the columns of a row are found in a file's records: what a worker is told of a mapping, and what the ledger keeps of it.

use crate::format::json::keys::Keys;
use serde::{Deserialize, Serialize};

/// For one file: where in a record each column of the row plan is found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldMapping {
    /// How many fields a record of this file must have.
    pub field_count: usize,
    /// For each column of the row plan, in its order, the index of its field; [`NO_FIELD`] for one that is derived.
    pub fields: Vec<usize>,
    /// The index of the field that says how long the row lives, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<usize>,
    /// The index of the field that holds the row's write time, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_time: Option<usize>,
    /// Columns that no field fills: their place in the row plan, and what does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<(usize, Derived)>,
    /// Where fields are those of keys in each record: what the keys are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Keys>,
}

impl FieldMapping {
    /// What fills the column at this place of the row plan, if no field does.
    pub fn derived(&self, column: usize) -> Option<&Derived> {
        self.derived.iter().find(|(at, _)| *at == column).map(|(_, derived)| derived)
    }
}

impl FieldMapping {
    /// The same for a statement whose markers are these, by their places in this one, in this order; one may come several times.
    pub fn arranged(&self, places: &[usize]) -> FieldMapping {
        let field = |&place: &usize| self.fields.get(place).copied().unwrap_or(NO_FIELD);
        let derived =
            places.iter().enumerate().filter_map(|(at, &place)| Some((at, self.derived(place)?.clone())));
        // A file without any record has no fields.
        let fields = if self.fields.is_empty() { Vec::new() } else { places.iter().map(field).collect() };
        FieldMapping { fields, derived: derived.collect(), ..self.clone() }
    }
}

/// The field of a column that none fills.
pub const NO_FIELD: usize = usize::MAX;

/// What fills a column instead of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Derived {
    /// The same text for all records of the file.
    Constant(String),
    /// The line of the record's first byte, from 1.
    Line,
    /// The record's number in its file, from 1.
    Record,
}
