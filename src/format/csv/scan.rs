//! Where records begin, proved without reading the file from its start: a piece of bytes is scanned for every state
//! that the piece before it may end in, pieces are scanned in parallel, and their [`Transitions`] compose in order.
//! Pure. Never guesses: composed from a file's start, the answers are those of csv-core reading it whole.
//!
//! Advice to whoever changes this: two states are one here exactly when they cannot be told apart by any bytes that may
//! follow. csv-core's "record ended" states behave like its record start (the `\n` of `\r\n` is an empty line there),
//! so the seven states below are all. Lanes (start states) share the work of one thread from where they meet.

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::dialect::Dialect;
use super::general::{self, General};
use super::race::Race;

/// Where csv-core's machine is between two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Between records: line ends are empty lines here, a comment may begin.
    RecordStart,
    /// After a delimiter: a quote opens a quoted field here, and only here and at a record's start.
    FieldStart,
    /// In a field without quotes, or after text that follows a closing quote: quotes are data.
    Unquoted,
    /// Inside quotes: delimiters and line ends are data.
    Quoted,
    /// After a quote inside quotes: it was the closing one, or is the first half of a doubled one.
    QuoteInQuoted,
    /// After the escape character inside quotes: the next byte is data.
    EscapeInQuoted,
    /// In a comment, which only `\n` ends.
    Comment,
    /// After the escape character outside of quotes, where it works there: the next byte is data.
    EscapeInUnquoted,
    /// After one byte of what may be a delimiter of several.
    Delimiter1,
    /// After two bytes of it.
    Delimiter2,
    /// After three.
    Delimiter3,
    /// After four.
    Delimiter4,
    /// After five.
    Delimiter5,
    /// After six.
    Delimiter6,
    /// After seven.
    Delimiter7,
}

/// How many states csv-core's machine has. They come first.
const PLAIN_STATES: usize = 7;

/// All states; a state's place is its index in [`Transitions`].
pub const STATES: [State; 15] = [
    State::RecordStart,
    State::FieldStart,
    State::Unquoted,
    State::Quoted,
    State::QuoteInQuoted,
    State::EscapeInQuoted,
    State::Comment,
    State::EscapeInUnquoted,
    State::Delimiter1,
    State::Delimiter2,
    State::Delimiter3,
    State::Delimiter4,
    State::Delimiter5,
    State::Delimiter6,
    State::Delimiter7,
];

/// The states after the first bytes of a delimiter, the shortest first.
pub(super) const PREFIXES: [State; 7] = [
    State::Delimiter1,
    State::Delimiter2,
    State::Delimiter3,
    State::Delimiter4,
    State::Delimiter5,
    State::Delimiter6,
    State::Delimiter7,
];

impl State {
    /// Whether the bytes so far end inside a record.
    pub fn in_record(self) -> bool {
        !matches!(self, State::RecordStart | State::Comment)
    }

    /// Whether a quote is open: if the file ends here, it was never closed.
    pub fn in_quotes(self) -> bool {
        matches!(self, State::Quoted | State::EscapeInQuoted)
    }

    /// Whether the offset of the last opening quote still matters.
    pub(super) fn keeps_quote(self) -> bool {
        self.in_quotes() || self == State::QuoteInQuoted
    }
}

/// What the scanned bytes do to one start state. Offsets count from the first scanned byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// The state after the bytes.
    pub end: State,
    /// How many records start in the bytes.
    pub records: u64,
    /// Where the first of them starts.
    pub first: Option<u64>,
    /// Where the last of them starts.
    pub last: Option<u64>,
    /// Where the quotes opened that `end` is in; `None` if it is in none, or if they opened before the bytes.
    pub quote: Option<u64>,
}

impl Lane {
    /// The lane of `start` before any bytes.
    pub fn new(start: State) -> Lane {
        Lane { end: start, records: 0, first: None, last: None, quote: None }
    }

    /// The lane of these bytes, `bytes` of them, followed by those of `next`. Associative. This is the only composition there
    /// is: a file's scan is its pieces' composed by it from the start.
    pub fn then(&self, bytes: u64, next: &Transitions) -> Lane {
        self.then_lane(bytes, next.from(self.end))
    }

    /// The same, followed by those of a lane that starts in the state in which this one ends.
    pub fn then_lane(&self, bytes: u64, after: &Lane) -> Lane {
        let moved = |offset: u64| bytes + offset;
        Lane {
            end: after.end,
            records: self.records + after.records,
            first: self.first.or(after.first.map(moved)),
            last: after.last.map(moved).or(self.last),
            quote: after.quote.map(moved).or(self.quote.filter(|_| after.end.keeps_quote())),
        }
    }
}

/// What some bytes do, whatever the state in front of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transitions {
    /// One lane for each start state, in the order of [`STATES`].
    lanes: [Lane; STATES.len()],
    /// How many of the bytes are `\n`.
    pub newlines: u64,
}

impl Transitions {
    /// The lane of a start state.
    pub fn from(&self, start: State) -> &Lane {
        &self.lanes[start as usize]
    }
}

/// Scans `bytes` for every start state at once. Takes one pass where the lanes meet soon, as they do on real data, and a
/// pass for each lane at worst.
pub fn scan(dialect: &Dialect, bytes: &[u8]) -> Transitions {
    match Machine::of(dialect) {
        Some(machine) => scan_by::<_, PLAIN_STATES>(&machine, bytes),
        None => scan_by::<_, { STATES.len() }>(&General::new(dialect), bytes),
    }
}

/// Scans for the first `LANES` start states, which are all that this machine has.
pub(in crate::format) fn scan_by<M: Steps, const LANES: usize>(machine: &M, bytes: &[u8]) -> Transitions {
    let mut race = Race::<LANES>::start(machine, bytes);
    race.run(machine, bytes);
    Transitions { lanes: race.lanes(), newlines: memchr_iter(b'\n', bytes).count() as u64 }
}

/// Where the record that `state` is inside of ends: the offset of its line end (`\r` or `\n`) in `bytes`, if it is there.
pub fn record_end(dialect: &Dialect, state: State, bytes: &[u8]) -> Option<usize> {
    let end = match Machine::of(dialect) {
        Some(machine) => machine.finish_record(bytes, 0, state),
        None => General::new(dialect).finish_record(bytes, 0, state),
    };
    match end {
        Inside::LineEnd(at) => Some(at),
        Inside::Out { .. } => None,
    }
}

/// Where the first record of `bytes`, which begin between records, starts.
pub fn record_start(dialect: &Dialect, bytes: &[u8]) -> Option<usize> {
    match general::skip_gap(dialect.comment, bytes, 0, State::RecordStart) {
        Gap::Record(at) => Some(at),
        Gap::Out(_) => None,
    }
}

/// Where the record starts that has `before` other record starts before it in `bytes`, which begin in `state`.
pub fn nth_record_start(dialect: &Dialect, state: State, bytes: &[u8], before: u64) -> Option<usize> {
    match Machine::of(dialect) {
        Some(machine) => nth_record_start_by(&machine, state, bytes, before),
        None => nth_record_start_by(&General::new(dialect), state, bytes, before),
    }
}

/// The same by the steps of a machine.
pub(in crate::format) fn nth_record_start_by(
    machine: &impl Steps,
    state: State,
    bytes: &[u8],
    before: u64,
) -> Option<usize> {
    let mut pos = 0;
    let mut gap = state;
    if state.in_record() {
        let Inside::LineEnd(at) = machine.finish_record(bytes, 0, state) else { return None };
        (pos, gap) = (at + 1, State::RecordStart);
    }
    let mut passed = 0;
    loop {
        let Gap::Record(start) = machine.skip_gap(bytes, pos, gap) else { return None };
        if passed == before {
            return Some(start);
        }
        let Inside::LineEnd(at) = machine.finish_record(bytes, start, State::FieldStart) else { return None };
        (pos, gap) = (at + 1, State::RecordStart);
        passed += 1;
    }
}

/// How a run inside a record ended.
pub(in crate::format) enum Inside {
    /// At the record's line end: the offset of its `\r` or `\n`.
    LineEnd(usize),
    /// At the end of the bytes, in `state`; `quote` is where the last quotes opened, if that was during the run.
    Out { state: State, quote: Option<usize> },
}

/// How a run between records ended.
pub(in crate::format) enum Gap {
    /// At the first byte of a record.
    Record(usize),
    /// At the end of the bytes.
    Out(State),
}

/// A state machine.
pub(in crate::format) trait Steps {
    /// One byte's step: the definition that everything faster must agree with.
    fn step(&self, state: State, byte: u8) -> State;

    /// From `pos`, in `state` inside a record, to the record's line end. At a record's first byte the state to give is
    /// [`State::FieldStart`], which is what it is by then.
    fn finish_record(&self, bytes: &[u8], pos: usize, state: State) -> Inside;

    /// From `pos`, in `state` between records, to the next record's first byte.
    fn skip_gap(&self, bytes: &[u8], pos: usize, state: State) -> Gap;
}

/// The state machine of csv-core's dialects. It jumps from one byte that matters to the next instead of looking at each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Machine {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    pub(super) escape: Option<u8>,
    pub(super) comment: Option<u8>,
}

impl Machine {
    /// The machine of a dialect, if it is one of those.
    pub(super) fn of(dialect: &Dialect) -> Option<Self> {
        let &Dialect { delimiter, quote, escape, comment, .. } = dialect;
        let delimiter = delimiter.single().filter(|_| dialect.is_plain())?;
        Some(Machine { delimiter, quote, escape, comment })
    }
}

impl Steps for Machine {
    #[inline]
    fn step(&self, state: State, byte: u8) -> State {
        let line_end = matches!(byte, b'\r' | b'\n');
        match state {
            State::RecordStart if line_end => State::RecordStart,
            State::RecordStart if self.comment == Some(byte) => State::Comment,
            State::RecordStart | State::FieldStart if self.quote == Some(byte) => State::Quoted,
            State::QuoteInQuoted if self.quote == Some(byte) => State::Quoted,
            State::Quoted if self.quote == Some(byte) => State::QuoteInQuoted,
            State::Quoted if self.escape == Some(byte) => State::EscapeInQuoted,
            State::Quoted | State::EscapeInQuoted => State::Quoted,
            State::Comment if byte == b'\n' => State::RecordStart,
            State::Comment => State::Comment,
            _ if byte == self.delimiter => State::FieldStart,
            _ if line_end => State::RecordStart,
            _ => State::Unquoted,
        }
    }

    #[inline]
    fn finish_record(&self, bytes: &[u8], mut pos: usize, mut state: State) -> Inside {
        let mut quote = None;
        loop {
            match state {
                State::FieldStart | State::RecordStart => match bytes.get(pos) {
                    None => return Inside::Out { state: State::FieldStart, quote },
                    Some(&byte) if self.quote == Some(byte) => {
                        quote = Some(pos);
                        state = State::Quoted;
                        pos += 1;
                    }
                    Some(_) => state = State::Unquoted,
                },
                State::Quoted => match self.find_in_quotes(bytes, pos) {
                    None => return Inside::Out { state, quote },
                    Some(at) => {
                        let escape = self.escape == Some(bytes[at]);
                        state = if escape { State::EscapeInQuoted } else { State::QuoteInQuoted };
                        pos = at + 1;
                    }
                },
                State::QuoteInQuoted | State::EscapeInQuoted => {
                    let Some(&byte) = bytes.get(pos) else { return Inside::Out { state, quote } };
                    state = self.step(state, byte);
                    if state == State::RecordStart {
                        return Inside::LineEnd(pos);
                    }
                    pos += 1;
                }
                // This machine is in no other state inside a record.
                _ => {
                    let Some(at) = self.find_structure(bytes, pos) else {
                        let fresh = pos < bytes.len() && bytes.last() == Some(&self.delimiter);
                        let state = if fresh { State::FieldStart } else { State::Unquoted };
                        return Inside::Out { state, quote };
                    };
                    if matches!(bytes[at], b'\r' | b'\n') {
                        return Inside::LineEnd(at);
                    }
                    // A quote opens a field only right after a delimiter; elsewhere it is data.
                    if at > pos && bytes[at - 1] == self.delimiter {
                        quote = Some(at);
                        state = State::Quoted;
                    }
                    pos = at + 1;
                }
            }
        }
    }

    #[inline]
    fn skip_gap(&self, bytes: &[u8], pos: usize, state: State) -> Gap {
        general::skip_gap(self.comment, bytes, pos, state)
    }
}

impl Machine {
    /// The next line end or quote at or after `pos`.
    #[inline]
    pub(super) fn find_structure(&self, bytes: &[u8], pos: usize) -> Option<usize> {
        let rest = &bytes[pos..];
        let found = match self.quote {
            Some(quote) => memchr3(quote, b'\n', b'\r', rest),
            None => memchr2(b'\n', b'\r', rest),
        };
        found.map(|at| pos + at)
    }

    /// The next quote or escape at or after `pos`.
    #[inline]
    pub(super) fn find_in_quotes(&self, bytes: &[u8], pos: usize) -> Option<usize> {
        let rest = &bytes[pos..];
        let found = match (self.quote, self.escape) {
            (Some(quote), Some(escape)) => memchr2(quote, escape, rest),
            (Some(quote), None) => memchr(quote, rest),
            (None, _) => None,
        };
        found.map(|at| pos + at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cases::{CASES, dialects, nasty_bytes, open_quote, true_records};
    use super::*;

    /// What `bytes` do, scanned in these pieces.
    fn composed(dialect: &Dialect, pieces: &[&[u8]]) -> Transitions {
        let mut whole = Transitions { lanes: STATES.map(Lane::new), newlines: 0 };
        let mut bytes = 0;
        for piece in pieces {
            let next = scan(dialect, piece);
            whole.lanes = whole.lanes.map(|lane| lane.then(bytes, &next));
            whole.newlines += next.newlines;
            bytes += piece.len() as u64;
        }
        whole
    }

    /// The lane of `start`, one step at a time.
    fn stepped(machine: &impl Steps, start: State, bytes: &[u8]) -> Lane {
        let mut lane = Lane::new(start);
        for (at, &byte) in (0..).zip(bytes) {
            let before = lane.end;
            lane.end = machine.step(before, byte);
            if before == State::RecordStart && lane.end.in_record() {
                lane.records += 1;
                lane.first = lane.first.or(Some(at));
                lane.last = Some(at);
            }
            let fresh = matches!(before, State::RecordStart | State::FieldStart);
            match (fresh && lane.end == State::Quoted, lane.end.keeps_quote()) {
                (true, _) => lane.quote = Some(at),
                (false, true) => {}
                (false, false) => lane.quote = None,
            }
        }
        lane
    }

    /// The scan of the whole agrees with csv-core, and with steps for every start state; cut at every offset, its halves
    /// compose to it.
    fn check(dialect: &Dialect, bytes: &[u8]) {
        let whole = scan(dialect, bytes);
        let truth = true_records(dialect, bytes);
        let lane = whole.from(State::RecordStart);
        assert_eq!(lane.records, truth.len() as u64);
        assert_eq!(lane.first, truth.first().map(|record| record.start as u64));
        assert_eq!(lane.last, truth.last().map(|record| record.start as u64));
        assert_eq!(
            lane.quote.filter(|_| lane.end.in_quotes()),
            open_quote(dialect, bytes).map(|at| at as u64)
        );
        assert_eq!(whole.newlines, bytes.iter().filter(|&&byte| byte == b'\n').count() as u64);

        // The table is the definition; csv-core's machine is held against it where there is one.
        let general = General::new(dialect);
        let machine = Machine::of(dialect);
        let states = if machine.is_some() { PLAIN_STATES } else { STATES.len() };
        for start in STATES.into_iter().take(states) {
            assert_eq!(*whole.from(start), stepped(&general, start, bytes), "from {start:?}");
            if let Some(machine) = &machine {
                assert_eq!(*whole.from(start), stepped(machine, start, bytes), "from {start:?}");
            }
        }
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(composed(dialect, &[left, right]), whole, "cut at {cut}");
            let mut starts = truth.iter().map(|record| record.start).filter(|start| *start >= cut);
            let state = scan(dialect, left).from(State::RecordStart).end;
            for before in 0..2 {
                let found = nth_record_start(dialect, state, right, before).map(|at| cut + at);
                assert_eq!(found, starts.next(), "record start {before} behind {cut}");
            }
        }
    }

    #[test]
    fn every_case_cut_at_every_offset_composes_to_what_csv_core_says() {
        for case in CASES {
            check(&case.dialect, case.bytes);
        }
    }

    #[test]
    fn lanes_that_never_meet_are_each_right() {
        // Between a record's quotes and outside of them, these bytes mean different records for ever.
        let dialect = Dialect::default();
        check(&dialect, &b"a,\"\n\",\"\n\",".repeat(40));
        check(&dialect, &b"\"\n".repeat(101));
        check(&dialect, &b"\n\",".repeat(67));
    }

    #[test]
    fn records_are_found_from_within() {
        let dialect = Dialect { comment: Some(b'#'), ..Dialect::default() };
        assert_eq!(record_start(&dialect, b"\r\n#a\n\nb\n"), Some(6));
        assert_eq!(record_start(&dialect, b"\n#a"), None);
        assert_eq!(record_end(&dialect, State::Quoted, b"a\nb\"c\r\nd"), Some(5));
        assert_eq!(record_end(&dialect, State::Unquoted, b"a\"b\nc"), Some(3));
        assert_eq!(record_end(&dialect, State::FieldStart, b"\"a\n"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_in_any_dialect_compose_to_what_csv_core_says(dialect in dialects(), bytes in nasty_bytes(40)) {
            check(&dialect, &bytes);
        }

        #[test]
        fn composition_is_associative(
            dialect in dialects(), a in nasty_bytes(9), b in nasty_bytes(9), c in nasty_bytes(9)
        ) {
            let (whole, behind) = (composed(&dialect, &[&a, &b, &c]), composed(&dialect, &[&b, &c]));
            let front = scan(&dialect, &a);
            prop_assert_eq!(&front.lanes.map(|lane| lane.then(a.len() as u64, &behind)), &whole.lanes);
        }
    }
}
