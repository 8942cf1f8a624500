//! The workers of a run and what each of them is doing: starting them, telling them something, and the attempts that they have not
//! been told of yet because the ledger does not know of them. Decides nothing; the dispatcher does.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use crossbeam_channel::Sender;

use super::run::Event;
use super::workers::{IsThread, Worker, WorkerId, WorkerKind};
use crate::control::message::{JobSpec, PROTOCOL_VERSION, ToWorker};
use crate::plan::unit::WorkUnit;

/// A worker and what it is doing.
pub(super) struct Member {
    worker: Worker,
    /// Whether it may be given units.
    pub(super) ready: bool,
    /// Whether it has said its last word: whatever comes now is its end.
    pub(super) parted: bool,
    /// Requests that it waits for.
    pub(super) in_flight: u64,
    /// Rows that wait for a request.
    pub(super) waiting: u64,
    /// Whether it has asked for one more unit than it should have.
    pub(super) hungry: bool,
}

/// The workers that have not ended.
pub(super) struct Members {
    kind: WorkerKind,
    events: Sender<Event>,
    members: BTreeMap<WorkerId, Member>,
    next: usize,
}

impl Member {
    /// Ends it at once; its end comes as an event.
    ///
    /// # Errors
    /// It is a thread, which cannot be ended so.
    pub(super) fn kill(&mut self) -> Result<(), IsThread> {
        self.worker.kill()
    }

    /// Waits for its end, and says how it ended.
    pub(super) fn reap(self) -> String {
        self.worker.reap()
    }
}

impl Members {
    /// Nobody yet; what they will say goes to `events`.
    pub(super) fn new(kind: WorkerKind, events: Sender<Event>) -> Self {
        Members { kind, events, members: BTreeMap::new(), next: 0 }
    }

    /// Starts a worker and tells it the job.
    ///
    /// # Errors
    /// The operating system cannot start this one.
    pub(super) fn start(&mut self, job: &JobSpec) -> Result<(), (WorkerId, io::Error)> {
        let id = WorkerId(self.next);
        self.next += 1;
        let worker = Worker::start(id, &self.kind, self.events.clone()).map_err(|error| (id, error))?;
        let (ready, parted, hungry, in_flight, waiting) = (false, false, false, 0, 0);
        self.members.insert(id, Member { worker, ready, parted, in_flight, waiting, hungry });
        self.tell(id, ToWorker::Hello { version: PROTOCOL_VERSION, job: Box::new(job.clone()) });
        Ok(())
    }

    /// Sends a message; a worker that takes none is ended, and its end comes as an event.
    pub(super) fn tell(&mut self, id: WorkerId, message: ToWorker) {
        if let Some(member) = self.members.get_mut(&id)
            && member.worker.tell(message).is_err()
        {
            let _ = member.kill();
        }
    }

    /// Tells each what it is to be told.
    pub(super) fn tell_each(&mut self, message: impl Fn(&Member) -> ToWorker) {
        for member in self.members.values_mut() {
            if member.worker.tell(message(member)).is_err() {
                let _ = member.kill();
            }
        }
    }

    /// Ends all of them at once. A worker that is a thread cannot be ended; it is left to the end of the process.
    pub(super) fn kill_all(&mut self) {
        for member in self.members.values_mut() {
            let _ = member.kill();
        }
    }

    /// Leaves those alone that are threads.
    pub(super) fn leave_threads(&mut self) {
        if matches!(self.kind, WorkerKind::Thread(_)) {
            self.members.clear();
        }
    }

    /// One of them, if it has not ended.
    pub(super) fn get_mut(&mut self, id: WorkerId) -> Option<&mut Member> {
        self.members.get_mut(&id)
    }

    /// One has ended.
    pub(super) fn remove(&mut self, id: WorkerId) -> Option<Member> {
        self.members.remove(&id)
    }

    /// All of them, in the order in which they were started.
    pub(super) fn iter(&self) -> impl Iterator<Item = (WorkerId, &Member)> {
        self.members.iter().map(|(id, member)| (*id, member))
    }

    /// Whether all have ended.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

/// An attempt that begins.
#[derive(Debug)]
pub(super) struct Beginning {
    /// Whose it is.
    pub(super) worker: WorkerId,
    /// The unit.
    pub(super) unit: WorkUnit,
    /// Which attempt, from 1.
    pub(super) attempt: u32,
    /// Whether the records may have been sent, and must not be twice.
    pub(super) in_doubt: bool,
}

/// Attempts that have begun for the ledger's eyes only: a worker is told of one when it is written down that it has begun, so
/// that nothing is ever sent of which a later run would not know that it may have been sent.
#[derive(Debug, Default)]
pub(super) struct Beginnings {
    waiting: VecDeque<Beginning>,
    begun: u64,
    told: u64,
}

impl Beginnings {
    /// An attempt has begun.
    pub(super) fn add(&mut self, beginning: Beginning) {
        self.begun += 1;
        self.waiting.push_back(beginning);
    }

    /// How many there have been.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    /// Whether a worker has not been told of one of its own.
    pub(super) fn has_waiting(&self, worker: WorkerId) -> bool {
        self.waiting.iter().any(|beginning| beginning.worker == worker)
    }

    /// The first `written` of all are written down: returns those of them that were not returned before.
    pub(super) fn written_down(&mut self, written: u64) -> impl Iterator<Item = Beginning> {
        let fresh = written.saturating_sub(self.told);
        let count = usize::try_from(fresh).unwrap_or(usize::MAX).min(self.waiting.len());
        self.told += count as u64;
        self.waiting.drain(..count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::unit::{FileId, UnitId};

    fn told(beginnings: &mut Beginnings, written: u64) -> Vec<(usize, u32)> {
        beginnings.written_down(written).map(|begun| (begun.worker.0, begun.unit.id.0)).collect()
    }

    #[test]
    fn a_worker_is_told_of_an_attempt_once_when_it_is_written_down() {
        let mut beginnings = Beginnings::default();
        for id in 0..3 {
            let unit = WorkUnit {
                id: UnitId(id),
                file: FileId(0),
                first_ordinal: 0,
                first_record: 1,
                chunks: Vec::new(),
            };
            let worker = WorkerId(id as usize + 10);
            beginnings.add(Beginning { worker, unit, attempt: 1, in_doubt: false });
        }
        assert_eq!(beginnings.begun(), 3);
        assert_eq!(told(&mut beginnings, 0), []);
        assert!((10..13).all(|worker| beginnings.has_waiting(WorkerId(worker))));
        assert_eq!(told(&mut beginnings, 2), [(10, 0), (11, 1)]);
        assert_eq!([10, 11, 12].map(|worker| beginnings.has_waiting(WorkerId(worker))), [false, false, true]);
        assert_eq!(told(&mut beginnings, 2), []);
        assert_eq!(told(&mut beginnings, 9), [(12, 2)]);
    }
}
