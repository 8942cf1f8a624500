//! The watch over time: who has been silent for too long, and when a run that is ending must have ended. It is told what time it
//! is and only says what is overdue; the dispatcher acts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::workers::WorkerId;

/// A worker with a unit that says nothing for so long is stuck.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long workers may take to stop before they are killed.
const STOP_WITHIN: Duration = Duration::from_secs(15);
/// A look that comes so late says that this process itself stood still (Ctrl-Z, a sleeping machine), so that nobody was heard.
const STOOD_STILL: Duration = Duration::from_secs(5);

/// What the watch knows.
#[derive(Debug)]
pub struct Watch {
    looked: Instant,
    stop_by: Option<Instant>,
    heard: BTreeMap<WorkerId, Instant>,
}

/// What is overdue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overdue {
    /// The end of the run.
    pub end: bool,
    /// A word of these workers, if they have something to do.
    pub silent: Vec<WorkerId>,
}

impl Watch {
    /// A watch that begins now.
    pub fn new(now: Instant) -> Self {
        Watch { looked: now, stop_by: None, heard: BTreeMap::new() }
    }

    /// A worker was heard, or is given something to do: it may be silent for a while.
    pub fn hear(&mut self, worker: WorkerId, now: Instant) {
        self.heard.insert(worker, now);
    }

    /// A worker has ended.
    pub fn forget(&mut self, worker: WorkerId) {
        self.heard.remove(&worker);
    }

    /// The workers are told to end.
    pub fn expect_end(&mut self, now: Instant) {
        self.stop_by = Some(now + STOP_WITHIN);
    }

    /// The run is to end without any more waiting.
    pub fn expect_end_now(&mut self, now: Instant) {
        self.stop_by = Some(now);
    }

    /// Looks what is overdue. While there are events that nobody has `unheard`, what a worker has said may be among them.
    pub fn look(&mut self, now: Instant, unheard: bool) -> Overdue {
        let stood_still = now.duration_since(self.looked) > STOOD_STILL;
        self.looked = now;
        if stood_still || unheard {
            self.heard.values_mut().for_each(|heard| *heard = now);
        }
        let is_silent = |heard: &Instant| now.duration_since(*heard) > SILENCE_MAX;
        Overdue {
            end: self.stop_by.is_some_and(|stop_by| now >= stop_by),
            silent: self.heard.iter().filter(|(_, heard)| is_silent(heard)).map(|(id, _)| *id).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(200);

    /// Looks every tick until something is overdue; returns after how long, in whole seconds.
    #[track_caller]
    fn check(watch: &mut Watch, begin: Instant, expected: Overdue, seconds: u64) {
        let now = (1..).map(|tick| begin + TICK * tick).find(|now| {
            let overdue = watch.look(*now, false);
            assert!([Overdue::default(), expected.clone()].contains(&overdue), "{overdue:?}");
            overdue == expected
        });
        assert_eq!(now.map(|now| now.duration_since(begin).as_secs()), Some(seconds));
    }

    fn silent(workers: &[usize]) -> Overdue {
        Overdue { end: false, silent: workers.iter().copied().map(WorkerId).collect() }
    }

    #[test]
    fn a_worker_that_is_silent_for_a_minute_is_overdue() {
        let begin = Instant::now();
        let mut watch = Watch::new(begin);
        watch.hear(WorkerId(0), begin);
        watch.hear(WorkerId(1), begin);
        watch.forget(WorkerId(0));
        check(&mut watch, begin, silent(&[1]), 60);
        watch.hear(WorkerId(1), begin + Duration::from_secs(61));
        check(&mut watch, begin + Duration::from_secs(61), silent(&[1]), 60);
    }

    #[test]
    fn silence_does_not_count_while_nobody_listens() {
        let begin = Instant::now();
        let mut watch = Watch::new(begin);
        watch.hear(WorkerId(0), begin);
        let hour = Duration::from_secs(3_600);
        assert_eq!(watch.look(begin + hour, false), Overdue::default(), "the process stood still");
        let later = begin + hour + Duration::from_secs(4);
        assert_eq!(watch.look(later, true), Overdue::default(), "events wait");
        check(&mut watch, later, silent(&[0]), 60);
    }

    #[test]
    fn an_end_is_overdue_after_fifteen_seconds_or_at_once() {
        let begin = Instant::now();
        let mut watch = Watch::new(begin);
        watch.expect_end(begin);
        check(&mut watch, begin, Overdue { end: true, silent: Vec::new() }, 15);
        let mut watch = Watch::new(begin);
        watch.expect_end(begin);
        watch.expect_end_now(begin);
        assert!(watch.look(begin, false).end);
    }
}
