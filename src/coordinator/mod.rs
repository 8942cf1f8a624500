//! The parent process. [`run_load`] is the order of a load, top to bottom; [`dispatcher`] is its event loop.
//!
//! Rows never pass through here.

pub mod assignment;
pub mod dispatcher;
pub mod latency;
pub mod planner;
pub mod session_gate;
pub mod signals;
pub mod summary;
pub mod survey;
pub mod workers;

use std::io;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Instant;

use crate::clock::Clock;
use crate::control::message::{FileSpec, JobSpec, WriteTime};
use crate::plan::discover::{DiscoverError, InputFile, discover};
use crate::plan::header::{Header, HeaderError, HeaderNames, read_header};
use crate::plan::split::{CHUNK_BYTES, SplitSettings, unit_bytes_default};
use crate::reject::RejectError;
use crate::reject::merge::{Keep, RejectedFile, Rejects, check_writable, merge, remove_if_empty};
use crate::report::event::{RunEvent, Summary};
use crate::schema::mapping::{FileFields, MappingError, MappingRules};
use crate::schema::table::SchemaError;
use crate::session::connect::ConnectError;
use crate::settings::{LoadSettings, TimestampMode};
use assignment::Assignment;
use dispatcher::{Dispatcher, DispatcherOptions, Outcome};
use signals::SignalWatch;
use survey::survey;
use workers::WorkerKind;

/// Inputs smaller than this are loaded in the coordinator's process: starting workers would take longer than it saves.
const WORKERS_FROM_BYTES: u64 = 32 << 20;

/// A job runs once.
const FIRST_RUN: u32 = 1;

/// Why a load could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// An input file.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// Its header.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The table.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The files do not fit the table.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// Rejects could not be kept.
    #[error(transparent)]
    Reject(#[from] RejectError),
    /// Threads or the executable itself.
    #[error("cannot start the load's threads or processes: {0}")]
    Threads(io::Error),
}

/// Loads the inputs into the table: the order of a load, top to bottom.
///
/// # Errors
/// The load could not begin; nothing was written. What happens later is told by the summary.
pub fn run_load(settings: &LoadSettings, report: &mut dyn FnMut(RunEvent)) -> Result<Summary, LoadError> {
    let started = Instant::now();
    check_writable(&settings.rejects_dir)?;
    let inputs = open_inputs(settings)?;
    let bytes_total = inputs.iter().map(|(file, header)| file.size.saturating_sub(header.data_start)).sum();
    let workers = settings.writing.workers.unwrap_or_else(|| workers_default(bytes_total, settings));
    report(RunEvent::Started {
        table: settings.table.to_string(),
        inputs: settings.inputs.clone(),
        bytes_total,
        workers,
        dry_run: settings.dry_run,
    });
    let job = plan_job(settings, &inputs, workers, report)?;
    let split = split_settings(settings, bytes_total, workers);
    let files = inputs.iter().map(|(file, header)| (file.clone(), header.clone())).collect();
    let units = planner::start(files, settings.input.dialect, split, cores(), planner::ScanStart::FIRST)
        .map_err(|error| LoadError::Threads(io::Error::other(error)))?;
    let options = DispatcherOptions {
        job,
        kind: worker_kind(workers)?,
        workers: workers.max(1),
        session_starts: settings.writing.session_starts.get(),
        max_errors: settings.max_errors,
        bytes_total,
        started,
    };
    let assignment = Assignment::new(options.job.run);
    let dispatcher = Dispatcher::new(options, assignment, units, report);
    let signals = SignalWatch::start(dispatcher.events()).map_err(LoadError::Threads)?;
    let outcome = dispatcher.run();
    let rejects = gather_rejects(settings, &inputs, &outcome);
    signals.stop();
    if outcome.records_planned == Some(0) {
        report(RunEvent::Warning("the inputs hold no record".into()));
    }
    Ok(summary::summarize(settings, workers, bytes_total, started.elapsed(), &outcome, rejects))
}

fn open_inputs(settings: &LoadSettings) -> Result<Vec<(InputFile, Header)>, LoadError> {
    let input = &settings.input;
    let names = if input.columns.is_some() { HeaderNames::Ignored } else { HeaderNames::Used };
    let open = |file: InputFile| {
        let header = read_header(&file, &input.dialect, names, input.max_record_bytes)?;
        Ok((file, header))
    };
    discover(&settings.inputs)?.into_iter().map(open).collect()
}

/// Asks the cluster and makes what the workers are told.
fn plan_job(
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    workers: usize,
    report: &mut dyn FnMut(RunEvent),
) -> Result<JobSpec, LoadError> {
    let LoadSettings { input, writing, .. } = settings;
    let fields: Vec<FileFields<'_>> =
        inputs.iter().map(|(file, header)| file_fields(settings, file, header)).collect();
    let rules = MappingRules {
        allow_missing: input.allow_missing_columns,
        allow_unknown: input.allow_unknown_columns,
    };
    let surveyed = survey(&settings.connection, &settings.table, &fields, rules, settings.dry_run)?;
    for warning in surveyed.warnings {
        report(RunEvent::Warning(warning));
    }
    let files = inputs.iter().zip(surveyed.mappings).map(|((file, header), mapping)| FileSpec {
        input: file.clone(),
        mapping,
        header: header.raw.clone(),
    });
    let threads = writing.threads.map_or_else(|| (cores() / workers.max(1)).max(1), NonZeroUsize::get);
    Ok(JobSpec {
        connection: (!settings.dry_run).then(|| settings.connection.clone()),
        table: settings.table.clone(),
        row_plan: surveyed.row_plan,
        files: files.collect(),
        dialect: input.dialect,
        nulls: input.nulls.clone(),
        rounding: input.timestamp_rounding,
        write_time: write_time(writing.timestamp),
        threads,
        in_flight: writing.in_flight.get(),
        retry_for: writing.retry_for,
        run: FIRST_RUN,
        rejects_dir: settings.rejects_dir.clone(),
        reject_limit: settings.max_errors.worker_limit(),
    })
}

fn file_fields<'a>(settings: &'a LoadSettings, file: &'a InputFile, header: &'a Header) -> FileFields<'a> {
    match &settings.input.columns {
        Some(names) => FileFields { path: &file.path, names, passed_over: &header.passed_over },
        None => FileFields { path: &file.path, names: &header.names, passed_over: &[] },
    }
}

/// The job's base is later than everything written before it, so that rows deleted just before do not shadow loaded ones.
fn write_time(mode: TimestampMode) -> WriteTime {
    let now_us = Clock::set().now_us();
    match mode {
        TimestampMode::Order => WriteTime::Ordinal(now_us + 1),
        TimestampMode::Now => WriteTime::Constant(now_us),
        TimestampMode::Fixed(timestamp) => WriteTime::Constant(timestamp),
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// A worker for each core, but no more than there are units, and none for an input that one process loads as fast.
fn workers_default(bytes_total: u64, settings: &LoadSettings) -> usize {
    if bytes_total < WORKERS_FROM_BYTES {
        return 0;
    }
    let unit_bytes = settings.writing.unit_bytes.unwrap_or_else(|| unit_bytes_default(bytes_total, cores()));
    let units = usize::try_from(bytes_total.div_ceil(unit_bytes.max(1))).unwrap_or(usize::MAX);
    cores().min(units)
}

fn split_settings(settings: &LoadSettings, bytes_total: u64, workers: usize) -> SplitSettings {
    let unit_bytes = settings.writing.unit_bytes.unwrap_or_else(|| unit_bytes_default(bytes_total, workers));
    SplitSettings {
        unit_bytes,
        chunk_bytes: CHUNK_BYTES.min(unit_bytes),
        max_record_bytes: settings.input.max_record_bytes,
    }
}

fn worker_kind(workers: usize) -> Result<WorkerKind, LoadError> {
    match workers {
        0 => Ok(WorkerKind::Thread),
        _ => std::env::current_exe().map(WorkerKind::Process).map_err(LoadError::Threads),
    }
}

/// Joins what was rejected. A run that has not come to its end shows it, and keeps what it is made of.
fn gather_rejects(
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    outcome: &Outcome,
) -> Result<Rejects, RejectError> {
    let files: Vec<RejectedFile<'_>> =
        inputs.iter().map(|(file, header)| RejectedFile { path: &file.path, header: &header.raw }).collect();
    let is_finished = outcome.stopped.is_none() && outcome.assignment.failed().is_empty();
    let keep = if is_finished { Keep::Nothing } else { Keep::Parts };
    let rejects = merge(&settings.rejects_dir, &files, &outcome.assignment.parts(), keep)?;
    if rejects.total == 0 {
        remove_if_empty(&settings.rejects_dir);
    }
    Ok(rejects)
}
