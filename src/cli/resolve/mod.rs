//! Typed text to validated settings: each value is understood, then the options are held against each other.
//! Everything that can be wrong with a command line without looking at the cluster or the input is found here.

mod connection;
mod input;
mod job;

pub use job::resolve_jobs;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::LoadArgs;
use super::args::{LayeringArgs, SafetyArgs, TargetArgs, WorkingArgs, WritingArgs};
use super::error::{Origin, UsageError};
use super::world::World;
use super::{table_name, value};
use crate::settings::{ErrorBudget, LoadSettings, TableName, TimestampMode, WritingSettings};

/// More worker processes than this are a mistake: each opens a session of its own.
const WORKERS_MAX: usize = 256;
/// More parser threads than this are a mistake.
const THREADS_MAX: usize = 1024;
/// More requests in flight than this only queue in the driver: a connection has 32,768 stream ids.
const IN_FLIGHT_MAX: usize = 65_536;
/// Units below 1 KiB cost more to hand out than to load, and a large file has more of them than there are numbers; units above
/// 16 GiB are lost whole when a worker dies, and leave the others idle.
const UNIT_BYTES: RangeInclusive<u64> = 1 << 10..=16 << 30;

/// Settings, and what the user should know before they are used.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The settings.
    pub settings: LoadSettings,
    /// Warnings, to be shown before the load begins.
    pub warnings: Vec<String>,
}

/// Understands and checks what was typed. Asks for a password where one is needed and neither file nor variable has it.
///
/// # Errors
/// The first thing that is wrong, as one line.
pub fn resolve(args: &LoadArgs, world: &dyn World) -> Result<Resolved, UsageError> {
    let typed = Typed::new(&args.layering);
    let mut warnings = args.layering.warnings.clone();
    let (table, inputs) = target(&typed, &args.target)?;
    let rejects_dir = rejects_dir(&args.safety, &table, world);
    let input = input::resolve(&typed, &args.input)?;
    let writing = writing(&typed, &args.working, &args.writing, world.now(), &mut warnings)?;
    let max_errors = max_errors(&typed, &args.safety)?;
    // What writes nothing has nothing to remember.
    let job = if args.dry_run { None } else { Some(job::resolve(&typed, &args.job, world)?) };
    // Last, because it may ask for a password: nobody should type one before being told of a mistake.
    let connection = connection::resolve(&typed, &args.connecting, world, &mut warnings)?;
    let settings = LoadSettings {
        table,
        inputs,
        connection,
        input,
        writing,
        max_errors,
        rejects_dir,
        job,
        dry_run: args.dry_run,
        progress: args.watching.progress,
        summary: args.watching.summary.clone(),
    };
    Ok(Resolved { settings, warnings })
}

/// The table and the files, which every command on files needs.
fn target(typed: &Typed<'_>, args: &TargetArgs) -> Result<(TableName, Vec<PathBuf>), UsageError> {
    let Some(table) = &args.table else {
        return Err(UsageError::Missing { what: "--table", hint: "give -t KEYSPACE.TABLE" });
    };
    let table = typed.value("table", table, table_name::parse)?;
    if args.files.is_empty() {
        return Err(UsageError::Missing { what: "the input", hint: "name the files to load" });
    }
    if args.files.iter().any(|file| file.as_os_str().is_empty()) {
        return Err(UsageError::Combination("a file's name is empty: name the files to load".to_owned()));
    }
    Ok((table, args.files.clone()))
}

fn rejects_dir(args: &SafetyArgs, table: &TableName, world: &dyn World) -> PathBuf {
    let rejects = args.rejects.as_deref().unwrap_or(Path::new("ringload-rejects"));
    rejects.join(run_name(table, world.now(), world.process_id()))
}

fn max_errors(typed: &Typed<'_>, args: &SafetyArgs) -> Result<ErrorBudget, UsageError> {
    typed.value("max-errors", &args.max_errors, value::error_budget)
}

/// Where the values came from, so that what is wrong with one can be said with its place.
struct Typed<'a> {
    origins: &'a BTreeMap<String, Origin>,
}

impl<'a> Typed<'a> {
    fn new(args: &'a LayeringArgs) -> Self {
        Typed { origins: &args.origins }
    }

    /// Understands one option's text.
    fn value<T>(
        &self,
        option: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, UsageError> {
        parse(text).map_err(|problem| self.wrong(option, text, problem))
    }

    fn count(&self, option: &str, text: &str, max: usize) -> Result<NonZeroUsize, UsageError> {
        self.value(option, text, |text| {
            let number = value::number(text, 1..=max)?;
            NonZeroUsize::new(number).ok_or_else(|| "must be more than 0".to_owned())
        })
    }

    fn wrong(&self, option: &str, text: &str, problem: String) -> UsageError {
        UsageError::Value {
            option: option.to_owned(),
            value: text.to_owned(),
            origin: self.origin(option),
            problem,
        }
    }

    fn origin(&self, option: &str) -> Origin {
        self.origins.get(option).cloned().unwrap_or(Origin::CommandLine)
    }
}

fn writing(
    typed: &Typed<'_>,
    working: &WorkingArgs,
    args: &WritingArgs,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<WritingSettings, UsageError> {
    let (workers, threads, unit_bytes) = self::working(typed, working)?;
    let timestamp = typed.value("timestamp", &args.timestamp, value::timestamp)?;
    if let TimestampMode::Fixed(micros) = timestamp
        && micros > now.as_microsecond()
    {
        warnings.push(format!(
            "--timestamp {micros} lies in the future: what others write or delete before that time stays hidden"
        ));
    }
    Ok(WritingSettings {
        workers,
        threads,
        in_flight: typed.count("in-flight", &args.in_flight, IN_FLIGHT_MAX)?,
        session_starts: typed.count("session-starts", &args.session_starts, WORKERS_MAX)?,
        unit_bytes,
        timestamp,
        retry_for: typed.value("retry-for", &args.retry_for, value::duration)?,
    })
}

/// Workers, threads of each, and the bytes of a unit, where they were given.
type Working = (Option<usize>, Option<NonZeroUsize>, Option<u64>);

fn working(typed: &Typed<'_>, args: &WorkingArgs) -> Result<Working, UsageError> {
    let workers = args
        .workers
        .as_ref()
        .map(|text| typed.value("workers", text, |text| value::number(text, 0..=WORKERS_MAX)));
    let threads = args.threads.as_ref().map(|text| typed.count("threads", text, THREADS_MAX));
    let unit_bytes = args
        .unit_size
        .as_ref()
        .map(|text| typed.value("unit-size", text, |text| value::size(text, UNIT_BYTES)));
    Ok((workers.transpose()?, threads.transpose()?, unit_bytes.transpose()?))
}

/// The directory that a run's rejects have for themselves, so that no run touches those of another. Characters that do not
/// belong into a file's name become `_`.
fn run_name(table: &TableName, now: Timestamp, process_id: u32) -> String {
    let plain = |name: &str| -> String {
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
    };
    format!(
        "{}.{}-{}-{process_id}",
        plain(&table.keyspace),
        plain(&table.table),
        now.strftime("%Y%m%dT%H%M%SZ")
    )
}

#[cfg(test)]
mod tests;
