//! The coordinator's event loop: the only place that changes the state of a run.
//!
//! Everything that happens comes as an [`Event`]; whoever makes one (a worker's reader, the planner, a signal) changes nothing itself.

mod leasing;
mod shown;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, never, select, tick};

use super::assignment::{Assignment, AssignmentError};
use super::latency::LatencyTally;
use super::members::{Beginning, Beginnings, Members};
use super::planner::Planned;
use super::run::{DispatcherOptions, Event, Outcome, Stopped};
use super::session_gate::SessionGate;
use super::watch::Watch;
use super::workers::WorkerId;
use crate::control::message::{FailureKind, FromWorker, PROTOCOL_VERSION, ToWorker, UnitCounts};
use crate::ledger::job::Scanned;
use crate::ledger::journal::Journal;
use crate::report::event::RunEvent;

/// Events on their way to the loop.
const EVENTS_AHEAD: usize = 1_024;
/// Units planned but not handed out: with those in the planner's channel, the scan is at most 8 units ahead.
const UNITS_AHEAD: usize = 4;
/// How often progress is shown and deadlines are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often it is written down, at the next tick: each time costs about a quarter of a millisecond.
const WRITE_DOWN_EVERY: Duration = Duration::from_millis(200);
/// Workers that may die in a row, for each that runs at once, before any of them has done a unit.
const FRUITLESS_DEATHS_PER_WORKER: usize = 3;

/// The state of a run.
pub struct Dispatcher<'a> {
    options: DispatcherOptions,
    report: &'a mut dyn FnMut(RunEvent),
    events: Receiver<Event>,
    to_events: Sender<Event>,
    units: Receiver<Planned>,
    members: Members,
    assignment: Assignment,
    beginnings: Beginnings,
    /// Records of all inputs, once the scan is through.
    planned: Option<u64>,
    gate: SessionGate,
    stopped: Option<Stopped>,
    /// Whether what is handed out is to be done, though the run is stopped.
    to_the_end: bool,
    watch: Watch,
    finishing: bool,
    late_signal: Option<i32>,
    workers_lost: u64,
    fruitless_deaths: usize,
    latency: LatencyTally,
    first_settled: Option<Duration>,
    written_down: Instant,
    journal: Option<Journal>,
}

impl<'a> Dispatcher<'a> {
    /// A run over the units of `assignment` and those that come through `units`; what happens is told to `report`.
    pub fn new(
        options: DispatcherOptions,
        assignment: Assignment,
        units: Receiver<Planned>,
        report: &'a mut dyn FnMut(RunEvent),
    ) -> Self {
        let (to_events, events) = bounded(EVENTS_AHEAD);
        let gate = SessionGate::new(options.session_starts);
        let members = Members::new(options.kind.clone(), to_events.clone());
        Dispatcher {
            options,
            report,
            events,
            to_events,
            units,
            members,
            assignment,
            beginnings: Beginnings::default(),
            planned: None,
            gate,
            stopped: None,
            to_the_end: false,
            watch: Watch::new(Instant::now()),
            finishing: false,
            late_signal: None,
            workers_lost: 0,
            fruitless_deaths: 0,
            latency: LatencyTally::default(),
            first_settled: None,
            written_down: Instant::now(),
            journal: None,
        }
    }

    /// From now on, what happens is written down.
    pub fn keep_journal(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// Where others may put events.
    pub fn events(&self) -> Sender<Event> {
        self.to_events.clone()
    }

    /// Runs until every unit is settled or the run is stopped, and every worker has ended.
    pub fn run(mut self) -> Outcome {
        for _ in 0..self.options.workers {
            if self.stopped.is_none() {
                self.start_worker();
            }
        }
        let ticks = tick(TICK);
        while !(self.is_over() && self.members.is_empty()) {
            let wants_units =
                self.planned.is_none() && self.stopped.is_none() && self.assignment.pending() < UNITS_AHEAD;
            let units = if wants_units { self.units.clone() } else { never() };
            select! {
                recv(self.events) -> event => {
                    if let Ok(event) = event { self.on_event(event); }
                }
                recv(units) -> planned => self.on_planned(planned.ok()),
                recv(ticks) -> _ => self.on_tick(),
            }
            self.hand_out();
            self.finish_if_settled();
        }
        self.show_progress();
        self.write_down_all();
        let signal = |event| if let Event::Signal(signal) = event { Some(signal) } else { None };
        let unheard = self.events.try_iter().find_map(signal).filter(|_| self.stopped.is_none());
        Outcome {
            late_signal: self.late_signal.or(unheard),
            records_planned: self.planned,
            assignment: self.assignment,
            stopped: self.stopped,
            session_starts_peak: self.gate.peak(),
            session_starts: self.gate.sessions_opened(),
            workers_lost: self.workers_lost,
            first_settled: self.first_settled,
            latency: self.latency,
            journal: self.journal,
        }
    }

    fn is_over(&self) -> bool {
        self.stopped.is_some() || (self.planned.is_some() && self.assignment.is_settled())
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::FromWorker(id, message) => self.on_message(id, message),
            Event::WorkerClosed(id, reason) => self.on_closed(id, reason),
            // Whatever was going on is ending already: end it now, for the reason that it had.
            Event::Signal(signal) if self.stopped.is_some() || self.finishing => {
                (self.report)(RunEvent::Stopping { signal, at_once: true });
                self.late_signal = self.stopped.is_none().then_some(signal);
                self.members.kill_all();
                self.watch.expect_end_now(Instant::now());
            }
            Event::Signal(signal) => {
                (self.report)(RunEvent::Stopping { signal, at_once: false });
                self.stop(Stopped::Signal(signal));
            }
            Event::BegunWrittenDown(begun) => self.begin(begun),
            Event::JournalFailed(reason) => {
                if std::mem::take(&mut self.to_the_end) {
                    self.members.tell_each(|_| ToWorker::Stop);
                }
                self.stop(Stopped::Failed(FailureKind::Output, reason));
            }
        }
    }

    fn on_planned(&mut self, planned: Option<Planned>) {
        match planned {
            Some(Planned::Unit(unit)) => {
                if let Some(journal) = &mut self.journal {
                    journal.waiting().units.push(unit.clone());
                }
                self.assignment.add(unit);
            }
            Some(Planned::Outlook(bytes)) => self.options.bytes_total = bytes,
            Some(Planned::Warning(message)) => (self.report)(RunEvent::Warning(message)),
            Some(Planned::Failed(message)) => self.stop(Stopped::Failed(FailureKind::Input, message)),
            Some(Planned::Done { records, bytes }) => {
                self.planned = Some(records);
                if let Some(journal) = &mut self.journal {
                    journal.waiting().scanned = Some(Scanned { records, bytes });
                }
                // From here on it is known what will never be done because there is nothing to do.
                self.options.bytes_total = bytes;
            }
            None => {
                let message = "the scan of the inputs ended before their end: this is a bug".into();
                self.stop(Stopped::Failed(FailureKind::Accounting, message));
            }
        }
    }

    fn on_message(&mut self, id: WorkerId, message: FromWorker) {
        let Some(member) = self.members.get_mut(id) else { return };
        self.watch.hear(id, Instant::now());
        match message {
            FromWorker::Hello { version: PROTOCOL_VERSION } => {
                // In a dry run there is no session to wait for.
                member.ready = self.options.job.connection.is_none();
            }
            FromWorker::Hello { version } => {
                let message =
                    format!("worker {id} speaks version {version}, not {PROTOCOL_VERSION}: run again");
                self.stop(Stopped::Failed(FailureKind::Protocol, message));
            }
            FromWorker::PermitRequest => {
                let granted = self.gate.request(id);
                self.grant(&granted);
            }
            FromWorker::SessionOpen => {
                member.ready = true;
                let granted = self.gate.opened(id);
                self.grant(&granted);
            }
            FromWorker::UnitStarted { unit } => {
                let noted = self.assignment.started(id, unit);
                self.accept(noted);
            }
            FromWorker::Progress { unit, counts, prefix, in_flight, waiting } => {
                (member.in_flight, member.waiting) = (in_flight, waiting);
                let noted = self.assignment.progress(id, unit, counts, prefix);
                self.accept(noted);
                self.look_at_counts();
            }
            FromWorker::Hungry => member.hungry = true,
            FromWorker::UnitDone { report } => {
                self.fruitless_deaths = 0;
                let noted = self.assignment.done(id, &report);
                self.accept(noted);
                self.look_at_counts();
            }
            FromWorker::Warning { message } => (self.report)(RunEvent::Warning(message)),
            FromWorker::Library { source, message, is_error } => {
                (self.report)(RunEvent::Library { worker: id.0, source, message, is_error });
            }
            FromWorker::Failed { kind, message } => {
                member.parted = true;
                match self.finishing {
                    // Every record is settled; a worker that could not even begin is no failure of the load.
                    true => (self.report)(RunEvent::Warning(message)),
                    false => self.stop(Stopped::Failed(kind, message)),
                }
            }
            FromWorker::Bye { totals } => {
                member.parted = true;
                self.latency.add(&totals);
            }
        }
    }

    fn on_closed(&mut self, id: WorkerId, reason: Option<String>) {
        let Some(mut member) = self.members.remove(id) else { return };
        self.watch.forget(id);
        let expected = self.finishing || (member.parted && self.assignment.held_by(id) == 0);
        if reason.is_some() {
            // What it says cannot be understood, so it will not end by being told to.
            let _ = member.kill();
        }
        let ended = member.reap();
        let granted = self.gate.ended(id);
        self.grant(&granted);
        if self.stopped.is_some() || expected {
            return;
        }
        self.workers_lost += 1;
        self.fruitless_deaths += 1;
        let reason = reason.map_or_else(|| ended.clone(), |reason| format!("{reason}; {ended}"));
        (self.report)(RunEvent::WorkerLost { worker: id.0, reason: reason.clone() });
        for unit in self.assignment.worker_lost(id) {
            let message =
                format!("unit {unit} is given up: three workers died over it; the last one: {reason}");
            (self.report)(RunEvent::Warning(message));
        }
        if self.fruitless_deaths > FRUITLESS_DEATHS_PER_WORKER * self.options.workers {
            let message = format!("{} workers died in a row; the last one: {reason}", self.fruitless_deaths);
            self.stop(Stopped::Failed(FailureKind::Protocol, message));
        } else if !self.is_over() {
            self.start_worker();
        }
    }

    fn on_tick(&mut self) {
        self.show_progress();
        if self.written_down.elapsed() > WRITE_DOWN_EVERY {
            self.write_down();
        }
        let overdue = self.watch.look(Instant::now(), !self.events.is_empty());
        if overdue.end {
            self.members.kill_all();
            self.members.leave_threads();
        }
        for id in overdue.silent {
            if self.assignment.held_by(id) == 0 {
                continue;
            }
            let Some(member) = self.members.get_mut(id).filter(|member| !member.parted) else { continue };
            if member.kill().is_err() {
                let message =
                    "nothing has moved for a minute: look at the disks of the inputs and the rejects";
                self.stop(Stopped::Failed(FailureKind::Protocol, message.into()));
            }
        }
    }

    fn start_worker(&mut self) {
        if let Err((id, error)) = self.members.start(&self.options.job) {
            let message = format!("cannot start worker {id}: {error}; try fewer with --workers");
            self.stop(Stopped::Failed(FailureKind::Protocol, message));
        }
    }

    fn grant(&mut self, workers: &[WorkerId]) {
        for id in workers {
            self.members.tell(*id, ToWorker::PermitGranted);
        }
    }

    /// Gives units to workers that have room, in file order, one each before anyone gets a second.
    fn hand_out(&mut self) {
        match self.stopped.is_some() || self.finishing {
            true if self.to_the_end => {}
            true => return,
            false => self.lease(),
        }
        // Not at the next tick: somebody waits for it.
        let begun = self.beginnings.begun();
        match &self.journal {
            Some(journal) if journal.begun() < begun => self.write_down(),
            Some(_) => {}
            None => self.begin(begun),
        }
    }

    /// Tells workers of their attempts, now that the first `begun` beginnings are written down.
    fn begin(&mut self, begun: u64) {
        // Whoever has died in between holds nothing any more, and who stops begins nothing.
        let is_told = self.stopped.is_none() || self.to_the_end;
        let fresh: Vec<Beginning> = self.beginnings.written_down(begun).filter(|_| is_told).collect();
        let told: BTreeSet<WorkerId> = fresh.iter().map(|beginning| beginning.worker).collect();
        for Beginning { worker: id, unit, attempt, in_doubt } in fresh {
            self.watch.hear(id, Instant::now());
            self.members.tell(id, ToWorker::Unit { unit, attempt, in_doubt });
        }
        for id in told.into_iter().filter(|id| self.to_the_end && !self.beginnings.has_waiting(*id)) {
            self.members.tell(id, ToWorker::Finish);
        }
    }

    fn finish_if_settled(&mut self) {
        if self.finishing
            || self.stopped.is_some()
            || !(self.planned.is_some() && self.assignment.is_settled())
        {
            return;
        }
        self.finishing = true;
        // One that is still connecting is not waited for.
        self.members.tell_each(|member| if member.ready { ToWorker::Finish } else { ToWorker::Stop });
        self.watch.expect_end(Instant::now());
    }

    fn stop(&mut self, why: Stopped) {
        if self.stopped.is_some() {
            return;
        }
        self.stopped = Some(why);
        self.watch.expect_end(Instant::now());
        // What cannot be sent twice would be in doubt if it were cut short; each has no more than two small units in hand.
        let is_once = self.options.job.verify.is_none() && self.options.job.row_plan.once.is_some();
        self.to_the_end = is_once && matches!(self.stopped, Some(Stopped::Signal(_)));
        let told: Vec<(WorkerId, ToWorker)> = self
            .members
            .iter()
            .filter_map(|(id, member)| match self.to_the_end && member.ready {
                // The ledger already says, or is about to, that it has begun with these: it is told of them first.
                true if self.beginnings.has_waiting(id) => None,
                true => Some((id, ToWorker::Finish)),
                false => Some((id, ToWorker::Stop)),
            })
            .collect();
        told.into_iter().for_each(|(id, message)| self.members.tell(id, message));
    }

    fn accept(&mut self, noted: Result<(), AssignmentError>) {
        if let Err(error) = noted {
            self.stop(Stopped::Failed(FailureKind::Accounting, error.to_string()));
        }
    }

    fn look_at_counts(&mut self) {
        let UnitCounts { parsed, written, rejected, aside, .. } = self.assignment.counts();
        let before = self.assignment.resumed_counts();
        if self.first_settled.is_none() && written + rejected > before.written + before.rejected {
            self.first_settled = Some(self.options.started.elapsed());
        }
        // A reject is settled at once, a row only when it is acknowledged: of the settled records, too many are rejects.
        if self.options.max_errors.is_spent(rejected.saturating_sub(aside), parsed) {
            self.stop(Stopped::TooManyErrors);
        }
    }

    /// Hands to the journal what happened since the last time. While it is busy, what happens gathers in the assignment.
    fn write_down(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        self.written_down = Instant::now();
        if journal.waiting().attempts.is_empty() {
            let attempts = self.assignment.take_changes();
            journal.add_attempts(attempts, self.beginnings.begun());
        }
        journal.flush();
    }

    /// Leaves to the journal's end all that it does not have yet.
    fn write_down_all(&mut self) {
        if let Some(journal) = &mut self.journal {
            // Behind what still waits, so that the later of two facts about an attempt is written last.
            journal.add_attempts(self.assignment.take_changes(), self.beginnings.begun());
        }
    }
}
