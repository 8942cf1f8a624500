//! The coordinator's event loop: the only place that changes the state of a run.
//!
//! Everything that happens comes as an [`Event`]; whoever makes one (a worker's reader, the planner, a signal) changes nothing itself.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, never, select, tick};

use super::assignment::{Assignment, AssignmentError};
use super::latency::LatencyTally;
use super::planner::Planned;
use super::session_gate::SessionGate;
use super::watch::Watch;
use super::workers::{Worker, WorkerId, WorkerKind};
use crate::control::message::{FailureKind, FromWorker, JobSpec, PROTOCOL_VERSION, ToWorker, UnitCounts};
use crate::ledger::job::Scanned;
use crate::ledger::journal::Journal;
use crate::report::event::{Resumed, RunEvent, Snapshot};
use crate::settings::ErrorBudget;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A worker said something.
    FromWorker(WorkerId, FromWorker),
    /// A worker closed its side of the channel; with a reason if what it sent last was no message.
    WorkerClosed(WorkerId, Option<String>),
    /// The user or the system wants the run to end.
    Signal(i32),
    /// What happened cannot be written down any more, for this reason.
    JournalFailed(String),
}

/// Events on their way to the loop.
const EVENTS_AHEAD: usize = 1_024;
/// Units planned but not handed out: with those in the planner's channel, the scan is at most 8 units ahead.
const UNITS_AHEAD: usize = 4;
/// How often progress is shown and written down, and deadlines are looked at.
const TICK: Duration = Duration::from_millis(100);
/// Workers that may die in a row, for each that runs at once, before any of them has done a unit.
const FRUITLESS_DEATHS_PER_WORKER: usize = 3;

/// Why a run ended before its work was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The error budget is spent.
    TooManyErrors,
    /// A worker or the planner could not go on.
    Failed(FailureKind, String),
    /// A signal of this number.
    Signal(i32),
}

/// What the loop needs to know.
pub struct DispatcherOptions {
    /// What workers are told.
    pub job: JobSpec,
    /// Where workers run.
    pub kind: WorkerKind,
    /// How many of them.
    pub workers: usize,
    /// Sessions being opened at once.
    pub session_starts: usize,
    /// How many bad records are borne.
    pub max_errors: ErrorBudget,
    /// Bytes of all inputs.
    pub bytes_total: u64,
    /// What earlier runs have done.
    pub resumed: Resumed,
    /// When the run began.
    pub started: Instant,
}

/// What the loop leaves behind.
pub struct Outcome {
    /// Records of all inputs, if the scan went through.
    pub records_planned: Option<u64>,
    /// Every unit's state.
    pub assignment: Assignment,
    /// Why the run ended early, if it did.
    pub stopped: Option<Stopped>,
    /// The most sessions that were opening at one instant.
    pub session_starts_peak: usize,
    /// Sessions opened.
    pub session_starts: u64,
    /// Workers that ended before their time.
    pub workers_lost: u64,
    /// Requests and latencies of all workers.
    pub latency: LatencyTally,
    /// What follows the run, with the last of what happened not handed over yet.
    pub journal: Option<Journal>,
}

/// A worker and what it is doing.
struct Member {
    worker: Worker,
    /// Whether it may be given units.
    ready: bool,
    /// Whether it has said its last word: whatever comes now is its end.
    parted: bool,
    in_flight: u64,
    waiting: u64,
}

/// The state of a run.
pub struct Dispatcher<'a> {
    options: DispatcherOptions,
    report: &'a mut dyn FnMut(RunEvent),
    events: Receiver<Event>,
    to_events: Sender<Event>,
    units: Receiver<Planned>,
    members: BTreeMap<WorkerId, Member>,
    next_worker: usize,
    assignment: Assignment,
    /// Records of all inputs, once the scan is through.
    planned: Option<u64>,
    gate: SessionGate,
    stopped: Option<Stopped>,
    watch: Watch,
    finishing: bool,
    workers_lost: u64,
    fruitless_deaths: usize,
    latency: LatencyTally,
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
        Dispatcher {
            options,
            report,
            events,
            to_events,
            units,
            members: BTreeMap::new(),
            next_worker: 0,
            assignment,
            planned: None,
            gate,
            stopped: None,
            watch: Watch::new(Instant::now()),
            finishing: false,
            workers_lost: 0,
            fruitless_deaths: 0,
            latency: LatencyTally::default(),
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
        self.write_down();
        Outcome {
            records_planned: self.planned,
            assignment: self.assignment,
            stopped: self.stopped,
            session_starts_peak: self.gate.peak(),
            session_starts: self.gate.sessions_opened(),
            workers_lost: self.workers_lost,
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
                self.kill_all();
                self.watch.expect_end_now(Instant::now());
            }
            Event::Signal(signal) => {
                (self.report)(RunEvent::Stopping { signal, at_once: false });
                self.stop(Stopped::Signal(signal));
            }
            Event::JournalFailed(reason) => self.stop(Stopped::Failed(FailureKind::Output, reason)),
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
        let Some(member) = self.members.get_mut(&id) else { return };
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
                self.judge_errors();
            }
            FromWorker::UnitDone { report } => {
                self.fruitless_deaths = 0;
                let noted = self.assignment.done(id, &report);
                self.accept(noted);
                self.judge_errors();
            }
            FromWorker::Warning { message } => (self.report)(RunEvent::Warning(message)),
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
        let Some(mut member) = self.members.remove(&id) else { return };
        self.watch.forget(id);
        let expected = self.finishing || (member.parted && self.assignment.held_by(id) == 0);
        if reason.is_some() {
            // What it says cannot be understood, so it will not end by being told to.
            member.worker.kill();
        }
        let ended = member.worker.reap();
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
        self.write_down();
        let overdue = self.watch.look(Instant::now(), !self.events.is_empty());
        if overdue.end {
            self.kill_all();
            // A worker that is a thread cannot be killed; it ends with the process.
            if matches!(self.options.kind, WorkerKind::Thread) {
                self.members.clear();
            }
        }
        for id in overdue.silent {
            if self.assignment.held_by(id) > 0
                && let Some(member) = self.members.get_mut(&id).filter(|member| !member.parted)
            {
                member.worker.kill();
            }
        }
    }

    fn start_worker(&mut self) {
        let id = WorkerId(self.next_worker);
        self.next_worker += 1;
        let started = Worker::start(id, &self.options.kind, self.to_events.clone());
        let worker = match started {
            Ok(worker) => worker,
            Err(error) => {
                let message = format!("cannot start worker {id}: {error}; try fewer with --workers");
                return self.stop(Stopped::Failed(FailureKind::Protocol, message));
            }
        };
        let hello = ToWorker::Hello { version: PROTOCOL_VERSION, job: Box::new(self.options.job.clone()) };
        let member = Member { worker, ready: false, parted: false, in_flight: 0, waiting: 0 };
        self.members.insert(id, member);
        self.tell(id, hello);
    }

    fn grant(&mut self, workers: &[WorkerId]) {
        for id in workers {
            self.tell(*id, ToWorker::PermitGranted);
        }
    }

    /// Gives units to workers that have room, in file order, one each before anyone gets a second.
    fn hand_out(&mut self) {
        if self.stopped.is_some() || self.finishing {
            return;
        }
        for held in 0..super::assignment::LEASES_PER_WORKER {
            let idle: Vec<WorkerId> = self
                .members
                .iter()
                .filter(|(id, member)| {
                    member.ready && !member.parted && self.assignment.held_by(**id) == held
                })
                .map(|(id, _)| *id)
                .collect();
            for id in idle {
                let Some((unit, attempt)) = self.assignment.lease(id) else { return };
                // Not at the next tick: what is not known to be begun would be sent again unforetold.
                self.write_down();
                self.watch.hear(id, Instant::now());
                self.tell(id, ToWorker::Unit { unit, attempt });
            }
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
        let members: Vec<(WorkerId, bool)> =
            self.members.iter().map(|(id, member)| (*id, member.ready)).collect();
        for (id, ready) in members {
            // One that is still connecting is not waited for.
            self.tell(id, if ready { ToWorker::Finish } else { ToWorker::Stop });
        }
        self.watch.expect_end(Instant::now());
    }

    fn stop(&mut self, why: Stopped) {
        if self.stopped.is_some() {
            return;
        }
        self.stopped = Some(why);
        self.watch.expect_end(Instant::now());
        let members: Vec<WorkerId> = self.members.keys().copied().collect();
        for id in members {
            self.tell(id, ToWorker::Stop);
        }
    }

    fn kill_all(&mut self) {
        for member in self.members.values_mut() {
            member.worker.kill();
        }
    }

    /// Sends a message; a worker that takes none is ended, and its end comes as an event.
    fn tell(&mut self, id: WorkerId, message: ToWorker) {
        if let Some(member) = self.members.get_mut(&id)
            && member.worker.tell(message).is_err()
        {
            member.worker.kill();
        }
    }

    fn accept(&mut self, noted: Result<(), AssignmentError>) {
        if let Err(error) = noted {
            self.stop(Stopped::Failed(FailureKind::Accounting, error.to_string()));
        }
    }

    fn judge_errors(&mut self) {
        // A reject is settled at once, a row only when it is acknowledged: of the settled records, too many are rejects.
        let UnitCounts { parsed, rejected, .. } = self.assignment.counts();
        if self.options.max_errors.is_spent(rejected, parsed) {
            self.stop(Stopped::TooManyErrors);
        }
    }

    /// Hands to the journal what happened since the last time. While it is busy, what happens gathers in the assignment.
    fn write_down(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        if journal.waiting().attempts.is_empty() {
            journal.waiting().attempts = self.assignment.take_changes();
        }
        journal.flush();
    }

    fn show_progress(&mut self) {
        let snapshot = self.snapshot();
        (self.report)(RunEvent::Progress(snapshot));
    }

    fn snapshot(&self) -> Snapshot {
        let counts = self.assignment.counts();
        let verifying = self.options.job.verify.is_some();
        // What is found is looked up as well.
        let found = if verifying { counts.rejected } else { 0 };
        Snapshot {
            bytes_total: self.options.bytes_total,
            bytes_done: counts.bytes,
            resumed: self.options.resumed,
            written: counts.written.saturating_sub(counts.verify.left_out()) + found,
            rejected: counts.rejected,
            retried: counts.retried,
            in_flight: self.members.values().map(|member| member.in_flight).sum(),
            waiting: self.members.values().map(|member| member.waiting).sum(),
            workers_ready: self.members.values().filter(|member| member.ready).count(),
            elapsed: self.options.started.elapsed(),
            verifying,
        }
    }
}
