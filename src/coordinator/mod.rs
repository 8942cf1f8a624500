//! The parent process. [`run_load`] is the order of a load, top to bottom, and [`verify::run_verify`] that of a verification;
//! [`dispatcher`] is the event loop of both.
//!
//! Rows never pass through here.

pub mod assignment;
pub mod dialect;
pub mod dispatcher;
mod error;
mod first_look;
mod inputs;
pub mod job;
pub mod latency;
mod members;
pub mod new_table;
pub mod past_job;
pub mod planner;
mod remote;
pub mod run;
pub mod session_gate;
pub mod signals;
mod sizes;
pub mod summary;
pub mod survey;
pub mod tally;
pub mod verify;
pub mod watch;
pub mod workers;
pub mod write_times;

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crossbeam_channel::Receiver;

use crate::control::message::{FileSpec, JobSpec};
use crate::format::parquet::fit::check_types;
use crate::ledger::job::Scanned;
use crate::ledger::store::Ledger;
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::plan::split::SplitSettings;
use crate::reject::merge::{Keep, RejectedFile, check_writable, delete_parts, merge};
use crate::report::event::{RunEvent, Summary};
use crate::schema::mapping::{FileFields, MappingRules};
use crate::schema::statement::Ttl;
use crate::settings::{Gathering, LoadSettings, TimestampMode, TtlMode};
use crate::verify::expiry::Expiry;
use dispatcher::Dispatcher;
pub use error::LoadError;
use first_look::{FirstRecord, doubtful_dates};
pub use inputs::open_inputs;
use inputs::settle_inputs;
use job::{FinishedJob, JobError, Known, Opened, RunJob, open_job};
use new_table::create_missing;
use planner::{Planned, ScanStart};
use run::{DispatcherOptions, Outcome};
use signals::SignalWatch;
use sizes::{cores, split_settings, workers_for};
use summary::{Run, Task};
use survey::{Access, PlanError, Survey, Wish, survey};
use tally::UnitTally;
use verify::Loaded;
use workers::WorkerKind;

/// What is to be known of a load of standard input before it begins.
const READ_ONCE: &str = "standard input can be read only once: if this load is cut short, no other run goes on with it, and all of it \
                         has to be loaded again";

/// Loads the inputs into the table: the order of a load, top to bottom.
///
/// # Errors
/// The load could not begin; nothing was written. What happens later is told by the summary.
pub fn run_load(settings: &LoadSettings, report: &mut dyn FnMut(RunEvent)) -> Result<Summary, LoadError> {
    let started = Instant::now();
    check_writable(&settings.rejects_dir)?;
    if let Some(read_back) = &settings.read_back {
        check_writable(&read_back.differences_dir)?;
    }
    // A ledger that cannot be used is found out before anyone waits for the cluster.
    let ledger = settings.job.as_ref().map(|job| Ledger::open(&job.state_dir)).transpose()?;
    let (settings, mut inputs) = settle_inputs(settings, report)?;
    let settings = &*settings;
    let (bytes_total, workers) = workers_for(settings, &inputs);
    report(begins(settings, bytes_total, workers));
    if settings.reads_stdin() && !settings.dry_run {
        report(RunEvent::Warning(READ_ONCE.into()));
    }
    remote::settle(&mut inputs, settings.input.remote.split, workers, report);
    let surveyed = ask_cluster(settings, &inputs, access(settings), report)?;
    refuse_read_once(settings, &surveyed)?;
    let mut job = match open_job(ledger, settings, &inputs, &surveyed, report)? {
        Opened::NothingToDo(done) => {
            return leave_done(settings, &inputs, surveyed, workers, &done, report);
        }
        Opened::Work(job) => job,
    };
    let known = job.restore(settings, &inputs, report)?;
    let split = split_settings(settings, bytes_total, workers, surveyed.row_plan.once.is_some());
    let tally = Arc::new(Mutex::new(known.tally.clone()));
    let units = start_scan(settings, &inputs, split, &known, &tally)?;
    let expiry = Expiry { begun_us: job.begun_us(), table_ttl_s: surveyed.table_ttl_s() };
    let spec = job_spec(settings, &inputs, surveyed, workers, &job);
    let options = DispatcherOptions {
        job: spec.clone(),
        kind: worker_kind(workers, &inputs)?,
        workers: workers.max(1),
        session_starts: settings.writing.session_starts.get(),
        max_errors: settings.max_errors,
        bytes_total,
        resumed: known.resumed,
        started,
    };
    let mut dispatcher = Dispatcher::new(options, known.assignment, units, report);
    job.keep_journal(&mut dispatcher)?;
    let signals = SignalWatch::start().map_err(LoadError::Threads)?;
    signals.tell(dispatcher.events());
    let outcome = dispatcher.run();
    outcome.late_signal.into_iter().for_each(|signal| signals.pass_on(signal));
    let run = Run {
        settings,
        task: Task::Load,
        max_errors: settings.max_errors,
        workers,
        bytes: bytes_total,
        elapsed: started.elapsed(),
        resumed: known.resumed,
    };
    let scanned = outcome.records_planned.is_some();
    let mut summary = settle(&run, &mut job, &inputs, outcome, report);
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    tally::complete(&mut summary, settings, &inputs, scanned.then_some(&*tally));
    if let Some(read_back) = settings.read_back.as_ref().filter(|_| summary.status.is_success()) {
        let loaded = Loaded { settings, read_back, inputs: &inputs, job: spec, workers, expiry };
        verify::after_load(loaded, job.units(), &signals, &mut summary, report);
    }
    signals.stop();
    Ok(summary)
}

fn begins(settings: &LoadSettings, bytes_total: u64, workers: usize) -> RunEvent {
    RunEvent::Started {
        table: settings.table.to_string(),
        inputs: settings.inputs.clone(),
        bytes_total,
        workers,
        dry_run: settings.dry_run,
    }
}

/// What must not be sent twice cannot come from where no other run can go on.
fn refuse_read_once(settings: &LoadSettings, surveyed: &Survey) -> Result<(), PlanError> {
    match &surveyed.row_plan.once {
        Some(once) if settings.reads_stdin() && !settings.dry_run => {
            Err(PlanError::ReadOnce { why: once.to_string() })
        }
        _ => Ok(()),
    }
}

/// What there is left to do for a job that is finished: nothing but to read it back, where that is asked for.
fn leave_done(
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    surveyed: Survey,
    workers: usize,
    done: &FinishedJob,
    report: &mut dyn FnMut(RunEvent),
) -> Result<Summary, LoadError> {
    let mut summary = summary::already_done(settings, done);
    if let Some(read_back) = &settings.read_back {
        let passing = RunJob::passing(done.job.write_time, done.job.rejects_dir.clone());
        let expiry = Expiry { begun_us: Some(done.job.begun_us), table_ttl_s: surveyed.table_ttl_s() };
        let job = job_spec(settings, inputs, surveyed, workers, &passing);
        let loaded = Loaded { settings, read_back, inputs, job, workers, expiry };
        let signals = SignalWatch::start().map_err(LoadError::Threads)?;
        verify::after_load(loaded, done.units(), &signals, &mut summary, report);
        signals.stop();
    }
    Ok(summary)
}

/// The end of a run: rejects are joined, and the ledger is told how it ended.
fn settle(
    run: &Run<'_>,
    job: &mut RunJob,
    inputs: &[(InputFile, Header)],
    mut outcome: Outcome,
    report: &mut dyn FnMut(RunEvent),
) -> Summary {
    if outcome.records_planned == Some(0) {
        report(RunEvent::Warning("the inputs hold no record".into()));
    }
    let noted = job.close_journal(&mut outcome);
    let rejects = merge(&job.rejects_dir, &rejected_files(inputs), &outcome.assignment.parts(), Keep::Parts);
    let joined = rejects.is_ok();
    let mut summary = summary::summarize(run, job, &outcome, rejects, noted.err());
    job.finish(&mut summary);
    // As long as a job is unfinished, its next run needs them; and they are all there is where they could not be joined.
    if joined && job.is_over(summary.status) {
        delete_parts(&job.rejects_dir);
    }
    summary
}

fn rejected_files(inputs: &[(InputFile, Header)]) -> Vec<RejectedFile<'_>> {
    let rejected = inputs.iter().map(|(file, header)| RejectedFile {
        path: file.name(),
        header: &header.raw,
        made: header.columns.is_some(),
    });
    rejected.collect()
}

/// What a load does to its table.
fn access(settings: &LoadSettings) -> Access {
    match (settings.dry_run, &settings.read_back) {
        (true, _) => Access::Definition,
        (false, Some(_)) => Access::WriteAndRead,
        (false, None) => Access::Write,
    }
}

/// Asks the cluster for the table, where no file has it, and says what the user should know.
fn ask_cluster(
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    access: Access,
    report: &mut dyn FnMut(RunEvent),
) -> Result<Survey, LoadError> {
    let input = &settings.input;
    let fields: Vec<FileFields<'_>> =
        inputs.iter().map(|(file, header)| file_fields(settings, file, header)).collect();
    let (ttl, ttl_field) = match &settings.writing.ttl {
        None => (None, None),
        Some(TtlMode::Seconds(seconds)) => (Some(Ttl::Seconds(*seconds)), None),
        Some(TtlMode::Field(field)) => (Some(Ttl::Field), Some(field)),
    };
    let rules = MappingRules {
        allow_missing: input.allow_missing_columns,
        allow_unknown: input.allow_unknown_columns,
        ttl: ttl_field,
        write_time: match &settings.writing.timestamp {
            TimestampMode::Field(field) => Some(field),
            TimestampMode::Order | TimestampMode::Now | TimestampMode::Fixed(_) => None,
        },
        map: input.map.as_ref(),
        codec: &input.codec,
        null_as: input.null_as,
    };
    let proposed = match &settings.new_table {
        Some(wanted) => create_missing(settings, wanted, inputs, report)?,
        None => None,
    };
    let in_order = settings.writing.timestamp == TimestampMode::Order;
    let wish = Wish { query: input.query.as_ref(), ttl, in_order, access };
    let mut surveyed = match settings.schema.as_ref().or(proposed.as_ref()) {
        Some(schema) => survey::plan_offline(schema, &fields, rules, wish)?,
        None => survey(&settings.connection, &settings.table, &fields, rules, wish)?,
    };
    for ((file, header), mapping) in inputs.iter().zip(&surveyed.mappings) {
        if let Some(columns) = &header.columns {
            let names = input.columns.as_deref().unwrap_or(&header.names);
            check_types(&file.path, names, &columns.types, &surveyed.row_plan.columns, mapping)?;
        }
    }
    let first_records = inputs.iter().zip(&surveyed.mappings).map(|((file, header), mapping)| FirstRecord {
        file: &file.path,
        mapping,
        fields: &header.first_record,
    });
    if input.codec.are_digits_unsaid() {
        surveyed.warnings.extend(doubtful_dates(&surveyed.row_plan.columns, first_records));
    }
    for warning in surveyed.warnings.drain(..) {
        report(RunEvent::Warning(warning));
    }
    Ok(surveyed)
}

/// Scans what no earlier run has scanned.
fn start_scan(
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    split: SplitSettings,
    known: &Known,
    tally: &Arc<Mutex<UnitTally>>,
) -> Result<Receiver<Planned>, LoadError> {
    if let Some(Scanned { records, bytes }) = known.scanned {
        return Ok(planner::nothing_to_scan(records, bytes));
    }
    let begin = match &known.last {
        Some(last) => ScanStart::behind(inputs, last, known.planned_bytes, split.whole_chunks)
            .map_err(JobError::Input)?,
        None => ScanStart::FIRST,
    };
    scan(settings, inputs, split, begin, tally)
}

/// Scans all of the inputs.
fn scan_all(
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    bytes_total: u64,
    workers: usize,
    tally: &Arc<Mutex<UnitTally>>,
) -> Result<Receiver<Planned>, LoadError> {
    let split = split_settings(settings, bytes_total, workers, false);
    scan(settings, inputs, split, ScanStart::FIRST, tally)
}

fn scan(
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    split: SplitSettings,
    begin: ScanStart,
    tally: &Arc<Mutex<UnitTally>>,
) -> Result<Receiver<Planned>, LoadError> {
    planner::start(inputs.to_vec(), settings.input.format, split, cores(), begin, Arc::clone(tally))
        .map_err(|error| LoadError::Threads(io::Error::other(error)))
}

/// What the workers are told.
fn job_spec(
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    surveyed: Survey,
    workers: usize,
    job: &RunJob,
) -> JobSpec {
    let LoadSettings { input, writing, .. } = settings;
    let files = inputs.iter().zip(surveyed.mappings).map(|((file, header), mapping)| FileSpec {
        input: file.clone(),
        mapping,
        header: header.raw.clone(),
    });
    let threads = writing.threads.map_or_else(|| (cores() / workers.max(1)).max(1), NonZeroUsize::get);
    JobSpec {
        connection: (!settings.dry_run).then(|| settings.connection.clone()),
        table: settings.table.clone(),
        row_plan: surveyed.row_plan,
        files: files.collect(),
        format: input.format,
        nulls: input.nulls.clone(),
        jagged: input.jagged,
        codec: input.codec.clone(),
        write_time: job.write_time,
        threads,
        in_flight: writing.in_flight.get(),
        gathering: Gathering::of(writing.batch, writing.window, workers),
        connections: writing.connections,
        retry_for: writing.retry_for,
        run: job.run,
        rejects_dir: job.rejects_dir.clone(),
        reject_limit: settings.max_errors.worker_limit(),
        verify: None,
        remote: input.remote.clone(),
    }
}

fn file_fields<'a>(settings: &'a LoadSettings, file: &'a InputFile, header: &'a Header) -> FileFields<'a> {
    match &settings.input.columns {
        Some(names) => {
            let (passed_over, first_record) = (&header.passed_over, &header.first_record);
            // Behind a header, nobody takes it for one.
            let first_record = if header.raw.is_empty() { &first_record[..] } else { &[] };
            FileFields { path: &file.path, names, passed_over, first_record, sampled: None }
        }
        None => {
            let first_record = if header.raw.is_empty() { &header.first_record[..] } else { &[] };
            FileFields {
                path: &file.path,
                names: &header.names,
                passed_over: &[],
                first_record,
                sampled: header.sampled.as_ref(),
            }
        }
    }
}

fn worker_kind(workers: usize, inputs: &[(InputFile, Header)]) -> Result<WorkerKind, LoadError> {
    match workers {
        0 => Ok(WorkerKind::Thread(inputs.iter().find_map(|(file, _)| file.pipe.clone()))),
        _ => std::env::current_exe().map(WorkerKind::Process).map_err(LoadError::Threads),
    }
}
