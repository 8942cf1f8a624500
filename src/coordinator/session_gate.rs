//! The gate: how many sessions may be opening at one instant. A worker asks, is granted a permit at once or when one comes back, and
//! gives it back when its session's pools are full; a worker that ends gives it back by ending. A pure state machine.
//!
//! Why: a password check costs a Cassandra node tens of milliseconds of CPU and it has four threads for them, and a full
//! listen backlog closes connections without a word.

use std::collections::{BTreeSet, VecDeque};

use super::workers::WorkerId;

/// Who is opening a session, and who waits to.
#[derive(Debug)]
pub struct SessionGate {
    permits: usize,
    opening: BTreeSet<WorkerId>,
    waiting: VecDeque<WorkerId>,
    peak: usize,
    opened: u64,
}

impl SessionGate {
    /// A gate with so many permits.
    pub fn new(permits: usize) -> Self {
        SessionGate { permits, opening: BTreeSet::new(), waiting: VecDeque::new(), peak: 0, opened: 0 }
    }

    /// A worker asks for a permit. Returns who may open now.
    pub fn request(&mut self, worker: WorkerId) -> Vec<WorkerId> {
        if !self.opening.contains(&worker) && !self.waiting.contains(&worker) {
            self.waiting.push_back(worker);
        }
        self.grant()
    }

    /// A worker's session is open. Returns who may open now.
    pub fn opened(&mut self, worker: WorkerId) -> Vec<WorkerId> {
        if self.opening.remove(&worker) {
            self.opened += 1;
        }
        self.grant()
    }

    /// A worker has ended, whatever it was doing. Returns who may open now.
    pub fn ended(&mut self, worker: WorkerId) -> Vec<WorkerId> {
        self.opening.remove(&worker);
        self.waiting.retain(|waiting| *waiting != worker);
        self.grant()
    }

    /// The most sessions that were opening at one instant.
    pub fn peak(&self) -> usize {
        self.peak
    }

    /// How many sessions were opened in all.
    pub fn sessions_opened(&self) -> u64 {
        self.opened
    }

    fn grant(&mut self) -> Vec<WorkerId> {
        let mut granted = Vec::new();
        while self.opening.len() < self.permits {
            let Some(worker) = self.waiting.pop_front() else { break };
            self.opening.insert(worker);
            granted.push(worker);
        }
        self.peak = self.peak.max(self.opening.len());
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(worker: usize) -> WorkerId {
        WorkerId(worker)
    }

    #[test]
    fn permits_go_out_in_the_order_of_asking_and_come_back_when_sessions_are_open() {
        let mut gate = SessionGate::new(2);
        assert_eq!(gate.request(id(1)), [id(1)]);
        assert_eq!(gate.request(id(2)), [id(2)]);
        assert_eq!(gate.request(id(3)), []);
        assert_eq!(gate.request(id(4)), []);
        assert_eq!(gate.opened(id(2)), [id(3)]);
        assert_eq!(gate.opened(id(1)), [id(4)]);
        assert_eq!((gate.peak(), gate.sessions_opened()), (2, 2));
    }

    #[test]
    fn a_worker_that_dies_with_a_permit_gives_it_back() {
        let mut gate = SessionGate::new(1);
        gate.request(id(1));
        gate.request(id(2));
        gate.request(id(3));
        assert_eq!(gate.ended(id(2)), [], "it was only waiting");
        assert_eq!(gate.ended(id(1)), [id(3)]);
        assert_eq!(gate.sessions_opened(), 0);
    }

    proptest! {
        #[test]
        fn never_more_than_the_permits_are_opening_and_nobody_waits_for_a_free_permit(
            permits in 1usize..4,
            steps in prop::collection::vec((0usize..3, 0usize..6), 0..200),
        ) {
            let mut gate = SessionGate::new(permits);
            for (step, worker) in steps {
                match step {
                    0 => gate.request(id(worker)),
                    1 => gate.opened(id(worker)),
                    _ => gate.ended(id(worker)),
                };
                prop_assert!(gate.opening.len() <= permits);
                prop_assert!(gate.waiting.is_empty() || gate.opening.len() == permits);
                prop_assert!(gate.peak() <= permits);
            }
        }
    }
}
