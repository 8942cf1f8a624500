//! The start states of a scan, all under way at once: each goes from record start to record start, and those that meet go on as one.
//! Talks to a machine only; `scan` makes transitions of what comes out. Pure.

use std::array::from_fn;

use super::scan::{Gap, Inside, Lane, STATES, State, Steps};

/// One way through the bytes, taken by all lanes that have met on it.
#[derive(Debug, Clone, Copy)]
struct Thread {
    /// The record start it stands at; `None` once it has reached the end of the bytes.
    at: Option<usize>,
    /// The state at the end of the bytes, once there.
    end: State,
    records: u64,
    first: Option<usize>,
    last: Option<usize>,
    quote: Option<usize>,
}

impl Thread {
    /// A thread that has taken the first byte, is in `state` at offset 1, and goes on to its first record start.
    fn start<M: Steps>(machine: &M, bytes: &[u8], state: State) -> Thread {
        let mut thread = Thread { at: None, end: state, records: 0, first: None, last: None, quote: None };
        if state.in_record() {
            thread.pass_record(machine, bytes, 1, state);
        } else {
            thread.pass_gap(machine, bytes, 1, state);
        }
        thread
    }

    /// From the record start it stands at to the next one.
    #[inline]
    fn advance(&mut self, machine: &impl Steps, bytes: &[u8], at: usize) {
        self.pass_record(machine, bytes, at, State::FieldStart);
    }

    #[inline]
    fn pass_record(&mut self, machine: &impl Steps, bytes: &[u8], pos: usize, state: State) {
        match machine.finish_record(bytes, pos, state) {
            Inside::LineEnd(at) => self.pass_gap(machine, bytes, at + 1, State::RecordStart),
            Inside::Out { state, quote } => {
                self.at = None;
                self.end = state;
                self.quote = quote;
            }
        }
    }

    #[inline]
    fn pass_gap(&mut self, machine: &impl Steps, bytes: &[u8], pos: usize, state: State) {
        match machine.skip_gap(bytes, pos, state) {
            Gap::Record(at) => {
                self.at = Some(at);
                self.records += 1;
                self.first = self.first.or(Some(at));
                self.last = Some(at);
            }
            Gap::Out(state) => {
                self.at = None;
                self.end = state;
            }
        }
    }
}

/// A start state's way: which thread it is on, and what it had that the thread does not know of.
#[derive(Debug, Clone, Copy)]
struct Runner {
    thread: usize,
    /// To add to the thread's records. Wraps: the thread may have counted more before they met.
    records: u64,
    first: Option<usize>,
    last: Option<usize>,
    quote: Option<usize>,
}

/// All start states under way.
pub(super) struct Race<const LANES: usize> {
    runners: [Runner; LANES],
    /// The thread at index i was begun for the start state at index i; unused ones stand at no record start.
    threads: [Thread; LANES],
}

impl<const LANES: usize> Race<LANES> {
    /// Takes the first byte for each start state; those that it brings into one state share a thread.
    pub(super) fn start(machine: &impl Steps, bytes: &[u8]) -> Self {
        let idle = |lane: usize| Thread {
            at: None,
            end: STATES[lane],
            records: 0,
            first: None,
            last: None,
            quote: None,
        };
        let runner = Runner { thread: 0, records: 0, first: None, last: None, quote: None };
        let mut race = Race { runners: [runner; LANES], threads: from_fn(idle) };
        let Some(&byte) = bytes.first() else {
            (0..LANES).for_each(|lane| race.runners[lane].thread = lane);
            return race;
        };
        let after: [State; LANES] = from_fn(|lane| machine.step(STATES[lane], byte));
        for (lane, &state) in after.iter().enumerate() {
            let thread = after.iter().position(|&other| other == state).unwrap_or(lane);
            if thread == lane {
                race.threads[lane] = Thread::start(machine, bytes, state);
            }
            let start = STATES[lane];
            let begins = start == State::RecordStart && state.in_record();
            let opens = state == State::Quoted && matches!(start, State::RecordStart | State::FieldStart);
            let at_first = begins.then_some(0);
            race.runners[lane] = Runner {
                thread,
                records: u64::from(begins),
                first: at_first,
                last: at_first,
                quote: opens.then_some(0),
            };
        }
        for lane in 0..LANES {
            race.merge(lane);
        }
        race
    }

    /// Moves the hindmost thread from record start to record start, joining threads that meet, until all are through.
    pub(super) fn run(&mut self, machine: &impl Steps, bytes: &[u8]) {
        loop {
            let under_way = |index: usize| self.threads[index].at.map(|at| (at, index));
            let Some((at, hindmost)) = (0..LANES).filter_map(under_way).min() else { return };
            let alone = self.threads.iter().filter(|thread| thread.at.is_some()).count() == 1;
            let thread = &mut self.threads[hindmost];
            thread.advance(machine, bytes, at);
            if alone {
                while let Some(at) = thread.at {
                    thread.advance(machine, bytes, at);
                }
                return;
            }
            self.merge(hindmost);
        }
    }

    /// If another thread stands at the record start that `index` stands at, its runners go on with that one.
    fn merge(&mut self, index: usize) {
        let left = self.threads[index];
        if left.at.is_none() {
            return;
        }
        let met = (0..LANES).find(|&other| other != index && self.threads[other].at == left.at);
        let Some(other) = met else { return };
        for runner in self.runners.iter_mut().filter(|runner| runner.thread == index) {
            runner.first = runner.first.or(left.first);
            runner.records =
                runner.records.wrapping_add(left.records).wrapping_sub(self.threads[other].records);
            runner.thread = other;
        }
        self.threads[index].at = None;
    }

    /// The lanes of all states; those of states that the machine has not are never asked for.
    pub(super) fn lanes(&self) -> [Lane; STATES.len()] {
        let offset = |at: usize| at as u64;
        from_fn(|index| {
            let Some(runner) = self.runners.get(index) else { return Lane::new(STATES[index]) };
            let thread = &self.threads[runner.thread];
            Lane {
                end: thread.end,
                records: runner.records.wrapping_add(thread.records),
                first: runner.first.or(thread.first).map(offset),
                last: thread.last.or(runner.last).map(offset),
                quote: thread.quote.or(runner.quote).filter(|_| thread.end.keeps_quote()).map(offset),
            }
        })
    }
}
