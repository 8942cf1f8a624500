//! Where records begin, in whatever format: what the splitting of a file knows of formats. Pure.

use super::Format;
use super::csv::dialect::Dialect;
use super::csv::scan::{self, State, Transitions};

/// Finds where records begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundaries {
    /// Of CSV.
    Csv(Dialect),
}

impl Boundaries {
    /// What `bytes` do, whatever the state in front of them.
    pub fn scan(&self, bytes: &[u8]) -> Transitions {
        match self {
            Boundaries::Csv(dialect) => scan::scan(dialect, bytes),
        }
    }

    /// Where the record that `state` is inside of ends: the offset of its line end in `bytes`, if it is there.
    pub fn record_end(&self, state: State, bytes: &[u8]) -> Option<usize> {
        match self {
            Boundaries::Csv(dialect) => scan::record_end(dialect, state, bytes),
        }
    }

    /// Where the record starts that has `before` other record starts before it in `bytes`, which begin in `state`.
    pub fn nth_record_start(&self, state: State, bytes: &[u8], before: u64) -> Option<usize> {
        match self {
            Boundaries::Csv(dialect) => scan::nth_record_start(dialect, state, bytes, before),
        }
    }
}

impl From<&Format> for Boundaries {
    fn from(format: &Format) -> Self {
        match format {
            Format::Csv(dialect) => Boundaries::Csv(*dialect),
        }
    }
}

impl From<&Dialect> for Boundaries {
    fn from(dialect: &Dialect) -> Self {
        Boundaries::Csv(*dialect)
    }
}
