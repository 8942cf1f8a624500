//! Verifying: the files once more through the workers, which read back instead of writing. [`run_verify`] is the order of it, top to
//! bottom; [`after_load`] does the same for what this run has just loaded, without another scan.
//!
//! Remembers nothing: the ledger is only looked at.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::assignment::Assignment;
use super::dispatcher::Dispatcher;
use super::inputs::settle_inputs;
use super::job::{JobError, RunJob, absolute};
use super::past_job::{PastJob, find_past_job};
use super::planner::{self, Planned};
use super::run::DispatcherOptions;
use super::signals::SignalWatch;
use super::sizes::workers_for;
use super::summary::{Run, Task, summarize};
use super::survey::Access;
use super::tally::{self, UnitTally};
use super::{LoadError, ask_cluster, job_spec, rejected_files, remote, scan_all, worker_kind};
use crate::control::message::{JobSpec, VerifyCounts, VerifySpec};
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::plan::unit::{FileId, WorkUnit};
use crate::reject::RejectCode;
use crate::reject::merge::{Keep, check_writable, delete_parts, merge};
use crate::reject::refused::refused_records;
use crate::report::event::{RejectTally, Resumed, RunEvent, RunStatus, Summary, Verified};
use crate::settings::{ErrorBudget, LoadSettings, ReadBackSettings};
use crate::verify::compare::Known;
use crate::verify::expiry::Expiry;
use crate::verify::sample::Sample;

/// So many refused records are told to each worker, at most.
const REFUSED_MAX: usize = 1_000_000;

/// A verification that is ready to begin.
struct Verification<'a> {
    settings: &'a LoadSettings,
    inputs: &'a [(InputFile, Header)],
    job: JobSpec,
    workers: usize,
    max_errors: ErrorBudget,
    started: Instant,
}

/// What a load leaves to be verified.
pub struct Loaded<'a> {
    /// What the load was asked to do.
    pub settings: &'a LoadSettings,
    /// What is read back of it.
    pub read_back: &'a ReadBackSettings,
    /// Its inputs.
    pub inputs: &'a [(InputFile, Header)],
    /// What its workers were told.
    pub job: JobSpec,
    /// How many workers it had.
    pub workers: usize,
    /// What is known of when its rows expire.
    pub expiry: Expiry,
}

/// Reads the inputs back from the table: the order of a verification, top to bottom. Of the settings, those count that say how a load
/// reads the inputs; what is found goes to the directory of the rejects.
///
/// # Errors
/// The verification could not begin. What happens later is told by the summary.
pub fn run_verify(settings: &LoadSettings, report: &mut dyn FnMut(RunEvent)) -> Result<Summary, LoadError> {
    let started = Instant::now();
    check_writable(&settings.rejects_dir)?;
    let (settings, mut inputs) = settle_inputs(settings, report)?;
    let settings = &*settings;
    let (bytes_total, workers) = workers_for(settings, &inputs);
    let sample = settings.read_back.as_ref().map_or(Sample::ALL, |read_back| read_back.sample);
    report(verifying(settings, bytes_total, workers, sample));
    remote::settle(&mut inputs, settings.input.remote.split, workers, report);
    let surveyed = ask_cluster(settings, &inputs, Access::Read, report)?;
    let PastJob { name, write_time, known, begun_us, ttl, warnings } =
        find_past_job(settings, &inputs, &surveyed)?;
    let expiry = Expiry { begun_us, table_ttl_s: surveyed.table_ttl_s() };
    for warning in warnings {
        report(RunEvent::Warning(warning));
    }
    let passing = RunJob::passing(write_time, absolute(&settings.rejects_dir)?);
    let mut job = job_spec(settings, &inputs, surveyed, workers, &passing);
    job.row_plan.ttl = job.row_plan.ttl.or(ttl);
    job.verify = Some(VerifySpec { known, expiry, sample, rejected: None });
    let tally = Arc::new(Mutex::new(UnitTally::default()));
    let units = scan_all(settings, &inputs, bytes_total, workers, &tally)?;
    let max_errors = settings.max_errors;
    let verification = Verification { settings, inputs: &inputs, job, workers, max_errors, started };
    let signals = SignalWatch::start().map_err(LoadError::Threads)?;
    let mut summary = verification.run(Assignment::new(1), units, bytes_total, &signals, report)?;
    signals.stop();
    summary.job = name;
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    let scanned = summary.status.is_success().then_some(&*tally);
    tally::complete(&mut summary, settings, &inputs, scanned);
    Ok(summary)
}

/// Reads back what a load that ended well has loaded, as `units` say, and adds what is found to its summary. What keeps it from doing
/// so is told there too; a signal that came since the load was done does.
pub fn after_load(
    loaded: Loaded<'_>,
    units: Result<Vec<WorkUnit>, JobError>,
    signals: &SignalWatch,
    summary: &mut Summary,
    report: &mut dyn FnMut(RunEvent),
) {
    let verified =
        units.map_err(LoadError::from).and_then(|units| loaded.verify(units, signals, summary, report));
    match verified {
        Ok(verification) => {
            if verification.status.is_success() {
                summary.status = worse(summary.status, verification.status);
            } else {
                summary.status = verification.status;
                summary.message = Some(unverified(verification.message.as_deref().unwrap_or_default()));
            }
            summary.verified = verification.verified;
        }
        Err(error) => {
            summary.status = RunStatus::Failed;
            summary.message = Some(unverified(&error.to_string()));
        }
    }
}

fn unverified(why: &str) -> String {
    format!("the load is done, but not verified ({why}); ringload verify can do that")
}

/// Of how a load ended and how its verification did, what is to be known.
fn worse(load: RunStatus, verification: RunStatus) -> RunStatus {
    match verification {
        RunStatus::Differences => RunStatus::Differences,
        _ => load,
    }
}

fn verifying(settings: &LoadSettings, bytes_total: u64, workers: usize, sample: Sample) -> RunEvent {
    RunEvent::Verifying {
        table: settings.table.to_string(),
        inputs: settings.inputs.clone(),
        bytes_total,
        workers,
        sample,
    }
}

impl Loaded<'_> {
    fn verify(
        self,
        units: Vec<WorkUnit>,
        signals: &SignalWatch,
        summary: &Summary,
        report: &mut dyn FnMut(RunEvent),
    ) -> Result<Summary, LoadError> {
        let Loaded { settings, read_back, inputs, mut job, workers, expiry } = self;
        let started = Instant::now();
        let &ReadBackSettings { ref differences_dir, sample, max_errors } = read_back;
        let (bytes, records) =
            units.iter().fold((0, 0), |sum, unit| (sum.0 + unit.bytes(), sum.1 + unit.records()));
        report(verifying(settings, bytes, workers, sample));
        let rejected = match summary.rejected {
            0 => Vec::new(),
            _ => refused_ordinals(&job, inputs, &units, report)?,
        };
        let known = Known::EachRecord { last_us: job.write_time.last_of(records.saturating_sub(1)) };
        job.verify = Some(VerifySpec { known, expiry, sample, rejected: Some(rejected) });
        (job.rejects_dir, job.reject_limit) = (absolute(differences_dir)?, max_errors.worker_limit());
        job.run = 1;
        let mut assignment = Assignment::new(1);
        units.into_iter().for_each(|unit| assignment.add(unit));
        let units = planner::nothing_to_scan(records, bytes);
        let verification = Verification { settings, inputs, job, workers, max_errors, started };
        verification.run(assignment, units, bytes, signals, report)
    }
}

/// The ordinals of the records that the server has refused, in ascending order.
fn refused_ordinals(
    job: &JobSpec,
    inputs: &[(InputFile, Header)],
    units: &[WorkUnit],
    report: &mut dyn FnMut(RunEvent),
) -> Result<Vec<u64>, LoadError> {
    let found = refused_records(&job.rejects_dir, &rejected_files(inputs))?;
    match found.filter(|refused| refused.len() <= REFUSED_MAX) {
        Some(refused) => Ok(ordinals(&refused, units)),
        None => {
            report(RunEvent::Warning(format!(
                "{} does not tell (any more) which records the server has refused, or tells of too many: they count as missing",
                job.rejects_dir.display()
            )));
            Ok(Vec::new())
        }
    }
}

/// The ordinals of records that are known by their numbers in their files, in ascending order. `units` are in the order of the files.
fn ordinals(records: &[(FileId, u64)], units: &[WorkUnit]) -> Vec<u64> {
    let ordinal = |&(file, record): &(FileId, u64)| {
        let after = units.partition_point(|unit| (unit.file, unit.first_record) <= (file, record));
        let unit = units.get(after.checked_sub(1)?).filter(|unit| unit.file == file)?;
        let number = record - unit.first_record;
        (number < unit.records()).then_some(unit.first_ordinal + number)
    };
    let mut ordinals: Vec<u64> = records.iter().filter_map(ordinal).collect();
    ordinals.sort_unstable();
    ordinals
}

impl Verification<'_> {
    fn run(
        self,
        assignment: Assignment,
        units: Receiver<Planned>,
        bytes_total: u64,
        signals: &SignalWatch,
        report: &mut dyn FnMut(RunEvent),
    ) -> Result<Summary, LoadError> {
        let Verification { settings, inputs, job, workers, max_errors, started } = self;
        let passing = RunJob::passing(job.write_time, job.rejects_dir.clone());
        let known = job.verify.as_ref().map_or(Known::Nothing, |verify| verify.known);
        let sample = job.verify.as_ref().map_or(Sample::ALL, |verify| verify.sample);
        let options = DispatcherOptions {
            job,
            kind: worker_kind(workers, inputs)?,
            workers: workers.max(1),
            session_starts: settings.writing.session_starts.get(),
            max_errors,
            bytes_total,
            resumed: Resumed::default(),
            started,
        };
        let dispatcher = Dispatcher::new(options, assignment, units, report);
        signals.tell(dispatcher.events());
        let outcome = dispatcher.run();
        if outcome.records_planned == Some(0) {
            report(RunEvent::Warning("the inputs hold no record".into()));
        }
        let dir = passing.rejects_dir.clone();
        let found = merge(&dir, &rejected_files(inputs), &outcome.assignment.parts(), Keep::Nothing);
        if found.is_ok() {
            delete_parts(&dir);
        }
        let (elapsed, resumed) = (started.elapsed(), Resumed::default());
        let run =
            Run { settings, task: Task::Verify, max_errors, workers, bytes: bytes_total, elapsed, resumed };
        let counts = outcome.assignment.counts().verify;
        let mut summary = summarize(&run, &passing, &outcome, found, None);
        conclude(&mut summary, counts, known, sample);
        Ok(summary)
    }
}

/// Makes a verification's summary of one that counts findings as rejects.
fn conclude(summary: &mut Summary, counts: VerifyCounts, known: Known, sample: Sample) {
    let found = |code| {
        let tallies = summary.reject_reasons.iter().filter(|tally| tally.code == code);
        tallies.map(|tally| tally.count).sum::<u64>()
    };
    let (missing, different) = (found(RejectCode::Missing), found(RejectCode::Different));
    let overwritten = found(RejectCode::Overwritten);
    let same = summary.written.saturating_sub(counts.total());
    let is_finding = |tally: &RejectTally| tally.code.is_finding();
    let (reasons, rejects) = std::mem::take(&mut summary.reject_reasons).into_iter().partition(is_finding);
    summary.reject_reasons = rejects;
    // What cannot be a row, and what the server did not read.
    let unreadable = summary.rejected.saturating_sub(missing + different + overwritten);
    let verified = Verified {
        checked: same + counts.superseded + counts.expired + missing + different + overwritten,
        same,
        missing,
        different,
        overwritten,
        superseded: counts.superseded,
        expired: counts.expired,
        not_checked: unreadable + counts.passed_over,
        not_sampled: counts.not_sampled,
        known,
        sample,
        reasons,
        differences_dir: summary.rejects_dir.take(),
        elapsed: summary.elapsed,
    };
    if summary.status.is_success() {
        summary.status = match (missing + different, unreadable) {
            (1.., _) => RunStatus::Differences,
            (0, 1..) => RunStatus::DoneWithRejects,
            (0, 0) => RunStatus::Done,
        };
    }
    summary.verify_only = true;
    (summary.written, summary.rejected) = (0, unreadable);
    summary.verified = Some(verified);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::unit::{Chunk, UnitId};

    #[test]
    fn records_are_found_by_their_numbers_in_their_files() {
        let unit = |id, file, first_ordinal, first_record, records| WorkUnit {
            id: UnitId(id),
            file: FileId(file),
            first_ordinal,
            first_record,
            chunks: vec![Chunk { start: 0, len: 1, records, line: 1 }],
        };
        let units = [unit(0, 0, 0, 1, 10), unit(1, 0, 10, 11, 5), unit(2, 1, 15, 1, 5)];
        let records = [
            (FileId(1), 5),
            (FileId(0), 1),
            (FileId(0), 10),
            (FileId(0), 11),
            (FileId(2), 1),
            (FileId(0), 16),
        ];
        assert_eq!(ordinals(&records, &units), [0, 9, 10, 19]);
    }
}
