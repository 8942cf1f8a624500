//! Who gets the next units. A part of the event loop, which alone calls it.

use super::Dispatcher;
use crate::control::message::ToWorker;
use crate::coordinator::assignment::{LEASES_MAX, LEASES_PER_WORKER};
use crate::coordinator::members::Beginning;
use crate::coordinator::workers::WorkerId;

impl Dispatcher<'_> {
    /// Gives units to workers that have room, in file order, one each before anyone gets a second. Who is hungry has room for one more,
    /// and is told if there is none. Where workers die, nobody gets more than usual: the unit that they die over takes few others along.
    pub(super) fn lease(&mut self) {
        for held in 0..LEASES_MAX {
            let has_room = |id, hungry| {
                self.assignment.held_by(id) == held
                    && (held < LEASES_PER_WORKER || (hungry && self.workers_lost == 0))
            };
            let idle: Vec<WorkerId> = self
                .members
                .iter()
                .filter(|(id, member)| member.ready && !member.parted && has_room(*id, member.hungry))
                .map(|(id, _)| id)
                .collect();
            for id in idle {
                let leased = match held < LEASES_PER_WORKER {
                    true => self.assignment.lease(id),
                    false => self.assignment.lease_one_more(id),
                };
                let Some((unit, attempt)) = leased else { break };
                let in_doubt = self.assignment.is_in_doubt(unit.id);
                self.beginnings.add(Beginning { worker: id, unit, attempt, in_doubt });
                if let Some(member) = self.members.get_mut(id) {
                    member.hungry = false;
                }
            }
        }
        self.tell_hungry();
    }

    /// Nobody waits for units that will not come, or not to this worker.
    fn tell_hungry(&mut self) {
        let nothing_left =
            (self.planned.is_some() && self.assignment.pending() == 0) || self.workers_lost > 0;
        let is_full = |id| self.assignment.held_by(id) >= LEASES_MAX;
        let in_vain: Vec<WorkerId> = self
            .members
            .iter()
            .filter(|(id, member)| member.hungry && (nothing_left || is_full(*id)))
            .map(|(id, _)| id)
            .collect();
        for id in in_vain {
            self.members.tell(id, ToWorker::LetGo);
            if let Some(member) = self.members.get_mut(id) {
                member.hungry = false;
            }
        }
    }
}
