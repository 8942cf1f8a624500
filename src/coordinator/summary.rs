//! From what the loop leaves behind to the summary: where it is decided how a run ended. Pure.

use std::path::Path;
use std::time::Duration;

use super::assignment::Assignment;
use super::job::{FinishedJob, RunJob};
use super::run::{Outcome, Stopped};
use super::tally::by_frequency;
use crate::control::message::FailureKind;
use crate::ledger::job::show_time;
use crate::ledger::store::Told;
use crate::plan::unit::WorkUnit;
use crate::reject::merge::Rejects;
use crate::reject::{RejectCode, RejectError};
use crate::report::event::{Resumed, RunStatus, Summary};
use crate::settings::{ErrorBudget, LoadSettings};

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// It loads.
    Load,
    /// It reads back; what it finds counts as rejects.
    Verify,
}

impl Task {
    fn done(self) -> &'static str {
        match self {
            Task::Load => "loaded",
            Task::Verify => "verified",
        }
    }
}

/// What is known of a run beside its outcome.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// What it was asked to do.
    pub settings: &'a LoadSettings,
    /// What it does.
    pub task: Task,
    /// How many rejects are borne.
    pub max_errors: ErrorBudget,
    /// Worker processes; 0: in this process.
    pub workers: usize,
    /// Bytes of all inputs.
    pub bytes: u64,
    /// From start to end.
    pub elapsed: Duration,
    /// What earlier runs of the job had done.
    pub resumed: Resumed,
}

/// Puts the summary together. `rejects` is what is in the reject files, or why it is not; `unnoted` says why the ledger does not
/// know all, if so. What [`super::tally`] counts is still missing.
pub fn summarize(
    run: &Run<'_>,
    job: &RunJob,
    outcome: &Outcome,
    rejects: Result<Rejects, RejectError>,
    unnoted: Option<String>,
) -> Summary {
    let &Run { settings, workers, bytes, elapsed, resumed, .. } = run;
    let counts = outcome.assignment.counts();
    let judged = judge_rejects(&job.rejects_dir, outcome, &rejects, judge(run, outcome));
    let (status, message) = judge_ledger(unnoted, judged);
    let kept = |code| rejects.as_ref().map_or(0, |rejects| rejects.of(code));
    let (uncertain, not_applied) = (kept(RejectCode::Uncertain), kept(RejectCode::NotApplied));
    Summary {
        status,
        message: advise(status, message, outcome, job, rejects.as_ref().err()),
        job: job.name().map(str::to_owned),
        table: settings.table.to_string(),
        inputs: settings.inputs.clone(),
        dry_run: settings.dry_run,
        bytes,
        records: counts.records,
        resumed,
        ledger_cpu: job.ledger_cpu(),
        first_settled: outcome.first_settled,
        written: counts.written,
        rejected: counts.rejected.saturating_sub(uncertain + not_applied),
        uncertain,
        not_applied,
        retried: counts.retried,
        units: outcome.assignment.planned(),
        workers,
        workers_lost: outcome.workers_lost,
        session_starts: outcome.session_starts,
        session_starts_peak: outcome.session_starts_peak,
        requests: outcome.latency.requests(),
        rows_per_request: outcome.latency.rows_per_request(),
        elapsed,
        latency: outcome.latency.latency(),
        rejects_dir: rejects
            .as_ref()
            .map_or(true, |rejects| rejects.total > 0)
            .then(|| job.rejects_dir.clone()),
        reject_reasons: rejects.map(|rejects| by_frequency(rejects.by)).unwrap_or_default(),
        files: Vec::new(),
        unit_bytes: None,
        estimate: None,
        verify_only: false,
        verified: None,
        warnings: 0,
    }
}

/// The summary of a run that finds its job finished.
pub fn already_done(settings: &LoadSettings, done: &FinishedJob) -> Summary {
    let FinishedJob { job, progress, .. } = done;
    let told = progress.aside.told.unwrap_or(Told { uncertain: progress.aside.all, not_applied: 0 });
    let is_all_written = progress.rejected + progress.aside.all == 0;
    let added = match &job.plan.row_plan.once {
        Some(_) => ", which sends every one of their records once more",
        None => "",
    };
    let message = format!(
        "job {} was finished {} with the same inputs: nothing to do; to load them again, give --again{added}",
        job.name,
        show_time(job.updated_us)
    );
    let resumed =
        Resumed { records: progress.records, written: progress.written, bytes: progress.bytes, uncertain: 0 };
    Summary {
        // Rejects were told of by the run that finished it. Of what may or may not be in the table, nobody must hear that all is well.
        status: if progress.aside.all == 0 { RunStatus::Done } else { RunStatus::DoneWithRejects },
        job: Some(job.name.clone()),
        bytes: progress.bytes,
        records: progress.records,
        written: progress.written,
        rejected: progress.rejected,
        uncertain: told.uncertain,
        not_applied: told.not_applied,
        resumed,
        units: progress.units,
        rejects_dir: (!is_all_written).then(|| job.rejects_dir.clone()),
        ..Summary::not_begun(&settings.table, &settings.inputs, settings.dry_run, message)
    }
}

/// What is not written down would be done again: the job is not finished.
fn judge_ledger(
    unnoted: Option<String>,
    (status, message): (RunStatus, Option<String>),
) -> (RunStatus, Option<String>) {
    match unnoted {
        Some(reason) if status.is_success() => {
            (RunStatus::Failed, Some(format!("every record is loaded, but {reason}")))
        }
        // It is why the run has stopped, or one more thing that went wrong then.
        _ => (status, message),
    }
}

/// Adds how a job goes on that has begun.
fn advise(
    status: RunStatus,
    message: Option<String>,
    outcome: &Outcome,
    job: &RunJob,
    unjoined: Option<&RejectError>,
) -> Option<String> {
    let is_untouched = !outcome.assignment.was_begun() && !job.may_have_sent_before();
    let how = match (status, &outcome.stopped) {
        _ if job.name().is_none() && !job.is_read_once() => return message,
        // What is to be done about that is said with it.
        _ if unjoined.is_some_and(RejectError::is_loss) => return message,
        (RunStatus::Done | RunStatus::DoneWithRejects | RunStatus::Differences, _) => return message,
        _ if job.is_read_once() && !outcome.assignment.was_begun() => "nothing was sent yet",
        _ if job.is_read_once() => {
            "standard input has to be loaded again from its beginning: the rows that are in the table already are overwritten then"
        }
        (RunStatus::TooManyErrors, _) => "run the same command with a larger --max-errors to go on from here",
        (RunStatus::Failed, Some(Stopped::Failed(FailureKind::Input, _))) if is_untouched => {
            "nothing was sent yet: mend the input and run the same command again"
        }
        (RunStatus::Failed, Some(Stopped::Failed(FailureKind::Input, _))) if job.is_once() => {
            "with the inputs as they were, the same command goes on from here; with others, --restart begins anew, which sends once \
             more what was sent"
        }
        (RunStatus::Failed, Some(Stopped::Failed(FailureKind::Input, _))) => {
            "with the inputs as they were, the same command goes on from here; with others, begin anew with --restart"
        }
        (RunStatus::Failed, Some(Stopped::Failed(FailureKind::WriteTimes, _))) => return message,
        (RunStatus::Failed | RunStatus::Incomplete | RunStatus::Interrupted(_), _) => {
            "run the same command again to go on from here"
        }
    };
    Some(message.map_or_else(|| how.to_owned(), |message| format!("{message}; {how}")))
}

fn judge(run: &Run<'_>, outcome: &Outcome) -> (RunStatus, Option<String>) {
    match &outcome.stopped {
        Some(stopped) => judge_stopped(run, stopped),
        None => judge_done(run, &outcome.assignment, outcome.records_planned),
    }
}

/// A reject that is counted and not kept is a record lost.
fn judge_rejects(
    rejects_dir: &Path,
    outcome: &Outcome,
    rejects: &Result<Rejects, RejectError>,
    judged: (RunStatus, Option<String>),
) -> (RunStatus, Option<String>) {
    let dir = rejects_dir.display();
    let counted = outcome.assignment.done_counts().rejected;
    match rejects {
        Err(error) => {
            let before = judged.1.map_or_else(String::new, |message| format!("{message}; and "));
            let status = if matches!(judged.0, RunStatus::Done | RunStatus::DoneWithRejects) {
                RunStatus::Failed
            } else {
                judged.0
            };
            let rest = match error.is_loss() {
                true => String::new(),
                false => format!("; what was rejected is still in the part files of {dir}"),
            };
            (status, Some(format!("{before}{error}{rest}")))
        }
        Ok(Rejects { total: kept, .. }) if outcome.stopped.is_none() && *kept != counted => (
            RunStatus::Incomplete,
            Some(format!(
                "{counted} records were rejected, but only {kept} are in {dir}: were files deleted there?"
            )),
        ),
        Ok(_) => judged,
    }
}

fn judge_stopped(run: &Run<'_>, stopped: &Stopped) -> (RunStatus, Option<String>) {
    match stopped {
        Stopped::TooManyErrors => (RunStatus::TooManyErrors, Some(too_many_errors(run))),
        Stopped::Failed(FailureKind::Accounting, message) => (RunStatus::Incomplete, Some(message.clone())),
        Stopped::Failed(_, message) => (RunStatus::Failed, Some(message.clone())),
        Stopped::Signal(number) => (RunStatus::Interrupted(*number), Some("stopped by a signal".into())),
    }
}

fn judge_done(
    run: &Run<'_>,
    assignment: &Assignment,
    records_planned: Option<u64>,
) -> (RunStatus, Option<String>) {
    let (settings, what) = (run.settings, run.task.done());
    let done = assignment.done_counts();
    if !assignment.failed().is_empty() {
        let parts: Vec<String> = assignment.failed().iter().map(|unit| describe(settings, unit)).collect();
        return (
            RunStatus::Incomplete,
            Some(format!("not everything is {what}; missing: {}", parts.join("; "))),
        );
    }
    if records_planned != Some(done.records) || done.written + done.rejected != done.records {
        let message = format!(
            "the accounting does not close: {} records in the inputs, {} {what}, {} written, {} rejected",
            records_planned.unwrap_or(0),
            done.records,
            done.written,
            done.rejected
        );
        return (RunStatus::Incomplete, Some(message));
    }
    match done.rejected {
        0 => (RunStatus::Done, None),
        rejected if run.max_errors.is_spent_at_end(rejected.saturating_sub(done.aside), done.records) => {
            (RunStatus::TooManyErrors, Some(too_many_errors(run)))
        }
        _ => (RunStatus::DoneWithRejects, None),
    }
}

/// A unit as its user can find it.
fn describe(settings: &LoadSettings, unit: &WorkUnit) -> String {
    let path =
        settings.inputs.get(unit.file.0 as usize).map(|path| path.display().to_string()).unwrap_or_default();
    let (first, last) = (unit.first_record, unit.first_record + unit.records().saturating_sub(1));
    let start = unit.chunks.first().map_or(0, |chunk| chunk.start);
    format!("{path}, records {first} to {last} (bytes {start} to {})", start + unit.bytes())
}

fn too_many_errors(run: &Run<'_>) -> String {
    let of = match run.max_errors {
        ErrorBudget::Count(_) => "",
        ErrorBudget::Percent(_) => "of the ",
    };
    let max = run.max_errors;
    match run.task {
        Task::Load => format!(
            "more than {max} {of}records were rejected (--max-errors); see the reject files for the reasons"
        ),
        Task::Verify => format!("more than {max} {of}records are not as in the files (--max-errors)"),
    }
}
