//! Where records begin, in whatever format: what the splitting of a file knows of formats. Pure.

use super::Format;
use super::csv::dialect::Dialect;
use super::csv::scan::{self, Lane, State, Transitions};
use super::json::documents::{Documents, Layout};
use super::json::lines;

/// Finds where records begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundaries {
    /// Wherever one looks.
    Anywhere(Splitter),
    /// Only from what is in front: JSON documents, and where the pass through them is.
    InOrder(Documents),
}

/// Finds where records begin without knowing what is in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Splitter {
    /// Of CSV.
    Csv(Dialect),
    /// Of JSON a line.
    Lines,
}

impl Splitter {
    /// What `bytes` do, whatever the state in front of them.
    pub fn scan(&self, bytes: &[u8]) -> Transitions {
        match self {
            Splitter::Csv(dialect) => scan::scan(dialect, bytes),
            Splitter::Lines => lines::scan(bytes),
        }
    }

    fn record_end(&self, state: State, bytes: &[u8]) -> Option<usize> {
        match self {
            Splitter::Csv(dialect) => scan::record_end(dialect, state, bytes),
            Splitter::Lines => lines::record_end(state, bytes),
        }
    }

    fn nth_record_start(&self, state: State, bytes: &[u8], before: u64) -> Option<usize> {
        match self {
            Splitter::Csv(dialect) => scan::nth_record_start(dialect, state, bytes, before),
            Splitter::Lines => lines::nth_record_start(state, bytes, before),
        }
    }
}

/// What some bytes do behind what is in front of them.
#[derive(Debug, Clone, Copy)]
pub struct Effect {
    /// What they do.
    pub lane: Lane,
    /// How many of them are `\n`.
    pub newlines: u64,
    before: Before,
}

/// What is in front of the bytes.
#[derive(Debug, Clone, Copy)]
enum Before {
    State(Splitter, State),
    Documents(Documents),
}

impl Effect {
    /// What scanned bytes do behind `state`.
    pub fn of(splitter: Splitter, scanned: &Transitions, state: State) -> Self {
        let lane = *scanned.from(state);
        Effect { lane, newlines: scanned.newlines, before: Before::State(splitter, state) }
    }

    /// What `bytes` do behind `documents`, which go on behind them.
    ///
    /// # Errors
    /// The next document cannot be found.
    pub fn of_documents(
        documents: &mut Documents,
        bytes: &[u8],
    ) -> Result<Self, super::json::documents::Broken> {
        let before = Before::Documents(*documents);
        let lane = documents.scan(bytes)?;
        Ok(Effect { lane, newlines: Documents::newlines(bytes), before })
    }

    /// Where the record ends that is open in front of the bytes: the offset in them of its line end, or of what follows it.
    pub fn record_end(&self, bytes: &[u8]) -> Option<usize> {
        match self.before {
            Before::State(splitter, state) => splitter.record_end(state, bytes),
            Before::Documents(documents) => documents.end_of_open(bytes),
        }
    }

    /// Where the record starts that has `before` other record starts before it in the bytes.
    pub fn nth_record_start(&self, bytes: &[u8], before: u64) -> Option<usize> {
        match self.before {
            Before::State(splitter, state) => splitter.nth_record_start(state, bytes, before),
            Before::Documents(documents) => documents.nth_start(bytes, before),
        }
    }
}

impl Boundaries {
    /// What scans pieces apart from each other, if they can be.
    pub fn splitter(&self) -> Option<Splitter> {
        match self {
            Boundaries::Anywhere(splitter) => Some(*splitter),
            Boundaries::InOrder(_) => None,
        }
    }

    /// Of a file of this format; of documents, where the pass begins: at the first one, or behind others.
    pub fn of(format: &Format, layout: Layout, is_first: bool) -> Self {
        match format {
            Format::Csv(dialect) => Boundaries::from(dialect),
            Format::Ndjson(_) => Boundaries::Anywhere(Splitter::Lines),
            Format::Json(_) if is_first => Boundaries::InOrder(Documents::start(layout)),
            Format::Json(_) => Boundaries::InOrder(Documents::resumed(layout)),
            // Nobody asks: where its rows are is known from its end.
            Format::Parquet => Boundaries::from(&Dialect::default()),
        }
    }
}

impl From<&Dialect> for Boundaries {
    fn from(dialect: &Dialect) -> Self {
        Boundaries::Anywhere(Splitter::Csv(*dialect))
    }
}
