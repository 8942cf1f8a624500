//! NDJSON: where its lines are records. A string in JSON holds no raw line end, so each `\n` ends a record, and what holds nothing but
//! spaces is none. Pure; the composition is that of the CSV scan.

use memchr::memchr;

use super::syntax::is_space;
use crate::format::csv::scan::{Gap, Inside, State, Steps, Transitions, nth_record_start_by, scan_by};

/// The state machine: in front of a record or in one.
struct Lines;

/// How many states it has, counted from the first of [`State`]'s.
const STATES: usize = 3;

impl Steps for Lines {
    fn step(&self, state: State, byte: u8) -> State {
        match (state, byte) {
            (_, b'\n') => State::RecordStart,
            (State::RecordStart, byte) if is_space(byte) => State::RecordStart,
            _ => State::Unquoted,
        }
    }

    #[inline]
    fn finish_record(&self, bytes: &[u8], pos: usize, state: State) -> Inside {
        let rest = bytes.get(pos..).unwrap_or_default();
        match memchr(b'\n', rest) {
            Some(at) => Inside::LineEnd(pos + at),
            // Behind a record's first byte there is only one state, whatever it is called in front of it.
            None if rest.is_empty() => Inside::Out { state, quote: None },
            None => Inside::Out { state: State::Unquoted, quote: None },
        }
    }

    #[inline]
    fn skip_gap(&self, bytes: &[u8], pos: usize, _: State) -> Gap {
        let rest = bytes.get(pos..).unwrap_or_default();
        match rest.iter().position(|byte| !is_space(*byte)) {
            Some(at) => Gap::Record(pos + at),
            None => Gap::Out(State::RecordStart),
        }
    }
}

/// What `bytes` do, whatever the state in front of them.
pub fn scan(bytes: &[u8]) -> Transitions {
    scan_by::<_, STATES>(&Lines, bytes)
}

/// Where the record that `state` is inside of ends: the offset of its `\n` in `bytes`, if it is there.
pub fn record_end(state: State, bytes: &[u8]) -> Option<usize> {
    match Lines.finish_record(bytes, 0, state) {
        Inside::LineEnd(at) => Some(at),
        Inside::Out { .. } => None,
    }
}

/// Where the record starts that has `before` other record starts before it in `bytes`, which begin in `state`.
pub fn nth_record_start(state: State, bytes: &[u8], before: u64) -> Option<usize> {
    nth_record_start_by(&Lines, state, bytes, before)
}
