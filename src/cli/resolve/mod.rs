//! Typed text to validated settings: each value is understood, then the options are held against each other.
//! Everything that can be wrong with a command line without looking at the cluster or the input is found here.

mod connection;
mod forms;
mod input;
mod job;
mod places;
mod proposing;
mod reading_back;
mod remote;
mod watching;
mod writing;

pub use job::resolve_jobs;
pub use proposing::resolve_schema;

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::args::{
    CheckingArgs, ConnectingArgs, GatheringArgs, InputArgs, JobArgs, LayeringArgs, RequestArgs, SafetyArgs,
    TargetArgs, WatchingArgs, WorkingArgs, WritingArgs,
};
use super::error::{Origin, UsageError};
use super::world::World;
use super::{CheckArgs, LoadArgs, VerifyArgs, table_name, value};
use crate::schema::ddl::{SchemaFileError, table_of};
use crate::schema::field::FieldRef;
use crate::schema::query::Query;
use crate::schema::table::TableSchema;
use crate::settings::{LoadSettings, TableName, TimestampMode, TtlMode, WritingSettings};
use connection::Login;

/// The definitions of a keyspace with thousands of tables are smaller than this (16 MiB).
const SCHEMA_BYTES_MAX: u64 = 16 << 20;
/// No cluster takes more rows in a second.
const RATE_MAX: usize = 1_000_000_000;

/// Settings, and what the user should know before they are used.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The settings.
    pub settings: LoadSettings,
    /// Warnings, to be shown before the load begins.
    pub warnings: Vec<String>,
}

/// Understands and checks what was typed for a load. Asks for a password where one is needed and neither file nor variable has
/// it.
///
/// # Errors
/// The first thing that is wrong, as one line.
pub fn resolve(args: &LoadArgs, world: &dyn World) -> Result<Resolved, UsageError> {
    let LoadArgs {
        target,
        layering,
        connecting,
        input,
        working,
        requests,
        gathering,
        writing,
        job,
        safety,
        dry_run,
        create_table,
        proposing,
        checking,
        verify,
        reading_back,
        watching,
    } = args;
    let typed = Typed::new(layering);
    let reading_back = match (verify, dry_run) {
        (false, _) => reading_back::refuse(&typed, reading_back).map(|()| None)?,
        (true, false) => Some(reading_back::resolve(&typed, reading_back, connecting, None)?),
        (true, true) => {
            let problem =
                "--verify with --dry-run: what is not written cannot be read back; leave one of them out";
            return Err(UsageError::Combination(problem.to_owned()));
        }
    };
    let groups = Groups {
        requests: Some(requests),
        gathering: Some(gathering),
        writing: Some(writing),
        job: Some(job),
        safety: Some(safety),
        checking: Some(checking),
        ..Groups::shared(target, layering, connecting, input, working, watching)
    };
    if reading_back.is_some() {
        places::refuse_stdin(&target.files)?;
    }
    let mut resolved = groups.resolve(*dry_run, world)?;
    let beside = fields_beside(&resolved.settings.writing);
    let new_table = proposing::for_load(&typed, proposing, *create_table, &resolved.settings.table, beside)?;
    if new_table.is_some() {
        proposing::refuse_stdin(&target.files)?;
    }
    resolved.settings.new_table = new_table;
    resolved.settings.read_back = reading_back.map(|args| args.of(&resolved.settings.table, world));
    Ok(resolved)
}

/// The fields that say how a row is written: they need no columns.
fn fields_beside(writing: &WritingSettings) -> Vec<FieldRef> {
    let time = match &writing.timestamp {
        TimestampMode::Field(field) => Some(field),
        TimestampMode::Order | TimestampMode::Now | TimestampMode::Fixed(_) => None,
    };
    let ttl = match &writing.ttl {
        Some(TtlMode::Field(field)) => Some(field),
        Some(TtlMode::Seconds(_)) | None => None,
    };
    time.into_iter().chain(ttl).cloned().collect()
}

/// The same for a check, which is nothing but a dry run.
///
/// # Errors
/// The first thing that is wrong, as one line.
pub fn resolve_check(args: &CheckArgs, world: &dyn World) -> Result<Resolved, UsageError> {
    let CheckArgs { target, layering, connecting, input, working, writing, safety, checking, watching } =
        args;
    let groups = Groups {
        writing: Some(writing),
        safety: Some(safety),
        checking: Some(checking),
        ..Groups::shared(target, layering, connecting, input, working, watching)
    };
    groups.resolve(true, world)
}

/// The same for a verification: the settings are those of the load, as far as they say how the files are read.
///
/// # Errors
/// The first thing that is wrong, as one line.
pub fn resolve_verify(args: &VerifyArgs, world: &dyn World) -> Result<Resolved, UsageError> {
    let VerifyArgs {
        target,
        layering,
        reading_back,
        job: name,
        state_dir,
        max_errors,
        connecting,
        input,
        working,
        requests,
        writing,
        watching,
    } = args;
    let typed = Typed::new(layering);
    let job = job::resolve_past(&typed, name.as_deref(), state_dir.as_deref(), world)?;
    let reading_back = reading_back::resolve(&typed, reading_back, connecting, max_errors.as_ref())?;
    refuse_write_times(&typed, writing)?;
    places::refuse_stdin(&target.files)?;
    let shared = Groups::shared(target, layering, connecting, input, working, watching);
    let groups = Groups { requests: Some(requests), writing: Some(writing), ..shared };
    let Resolved { mut settings, warnings } = groups.resolve(false, world)?;
    let read_back = reading_back.of(&settings.table, world);
    settings.job = Some(job);
    // What is found goes where a load's rejects go.
    (settings.rejects_dir, settings.max_errors) = (read_back.differences_dir.clone(), read_back.max_errors);
    settings.read_back = Some(read_back);
    Ok(Resolved { settings, warnings })
}

/// The options that make a load's settings.
struct Groups<'a> {
    target: &'a TargetArgs,
    layering: &'a LayeringArgs,
    connecting: &'a ConnectingArgs,
    input: &'a InputArgs,
    working: &'a WorkingArgs,
    /// `None` for a command that sends nothing.
    requests: Option<&'a RequestArgs>,
    /// `None` for a command that sends no rows.
    gathering: Option<&'a GatheringArgs>,
    /// `None` for a command to which it does not matter how rows are written.
    writing: Option<&'a WritingArgs>,
    /// `None` for a command that has nothing to remember.
    job: Option<&'a JobArgs>,
    /// `None` for a command that rejects nothing.
    safety: Option<&'a SafetyArgs>,
    /// `None` for a command that always asks the cluster and estimates nothing.
    checking: Option<&'a CheckingArgs>,
    watching: &'a WatchingArgs,
}

impl<'a> Groups<'a> {
    /// What every command on files has.
    fn shared(
        target: &'a TargetArgs,
        layering: &'a LayeringArgs,
        connecting: &'a ConnectingArgs,
        input: &'a InputArgs,
        working: &'a WorkingArgs,
        watching: &'a WatchingArgs,
    ) -> Self {
        let (requests, gathering, writing, job, safety, checking) = (None, None, None, None, None, None);
        Groups {
            target,
            layering,
            connecting,
            input,
            working,
            requests,
            gathering,
            writing,
            job,
            safety,
            checking,
            watching,
        }
    }

    fn resolve(self, dry_run: bool, world: &dyn World) -> Result<Resolved, UsageError> {
        let typed = Typed::new(self.layering);
        let mut warnings = self.layering.warnings.clone();
        if let Some(checking) = self.checking.filter(|_| !dry_run) {
            refuse_checking(checking)?;
        }
        let schema_file = self.checking.and_then(|checking| checking.schema.as_ref());
        let mut input = input::resolve(&typed, self.input)?;
        let (table, schema) = table(&typed, self.target, schema_file, input.query.as_ref(), dry_run, world)?;
        let inputs = places::inputs(self.target, self.input.files_from.as_deref())?;
        let watching = watching::resolve(&typed, self.watching, &inputs)?;
        let rejects_dir = rejects_dir(self.safety, &table, world);
        let inputs = places::hide(inputs, &mut input.places.hidden)?;
        let writing = writing::Groups {
            working: self.working,
            requests: self.requests,
            gathering: self.gathering,
            writing: self.writing,
        };
        let mut writing = writing.resolve(&typed, world.now(), &mut warnings)?;
        let max_errors = self.safety.map(|safety| safety.max_errors.as_str());
        let max_errors = typed.value("max-errors", max_errors.unwrap_or("0"), value::error_budget)?;
        // What writes nothing has nothing to remember.
        let job = self.job.filter(|_| !dry_run).map(|args| job::resolve(&typed, args, world)).transpose()?;
        places::settle_stdin(&inputs, &mut writing, job.as_ref())?;
        let estimate_rate = self.checking.and_then(|checking| checking.rate.as_ref());
        let estimate_rate = estimate_rate.map(|rate| typed.count("rate", rate, RATE_MAX)).transpose()?;
        // Last, because it may ask for a password: nobody should type one before being told of a mistake.
        let login = if schema.is_some() { Login::Never } else { Login::AsTyped };
        let connection = connection::resolve(&typed, self.connecting, login, world, &mut warnings)?;
        let settings = LoadSettings {
            table,
            schema,
            new_table: None,
            inputs,
            connection,
            input,
            writing,
            max_errors,
            rejects_dir,
            job,
            dry_run,
            estimate_rate,
            read_back: None,
            watching,
        };
        Ok(Resolved { settings, warnings })
    }
}

/// A verification takes write times from the ledger or from a field: what it is told of others it would not use. From the environment
/// or the configuration file they may come for other commands.
fn refuse_write_times(typed: &Typed<'_>, args: &WritingArgs) -> Result<(), UsageError> {
    let is_field = args.timestamp.trim_start().starts_with('@');
    if is_field || typed.origins.get("timestamp") != Some(&Origin::CommandLine) {
        return Ok(());
    }
    let problem = "is for loads: a verification takes the write times of its job from the ledger, or from a field with @; leave it out";
    Err(typed.wrong("timestamp", &args.timestamp, problem.to_owned()))
}

/// Options that a load which writes must not have: what they seem to promise it would not keep.
fn refuse_checking(args: &CheckingArgs) -> Result<(), UsageError> {
    let problem = if args.schema.is_some() {
        "--schema without --dry-run: a load takes the table from its cluster; leave it out, or add --dry-run"
    } else if args.rate.is_some() {
        "--rate without --dry-run: it only estimates and slows no load down; leave it out, or add --dry-run"
    } else {
        return Ok(());
    };
    Err(UsageError::Combination(problem.to_owned()))
}

/// The table's name, and its definition where a file has it.
fn table(
    typed: &Typed<'_>,
    target: &TargetArgs,
    schema_file: Option<&PathBuf>,
    query: Option<&Query>,
    dry_run: bool,
    world: &dyn World,
) -> Result<(TableName, Option<TableSchema>), UsageError> {
    let wanted = target.table.as_ref().map(|table| typed.value("table", table, table_name::parse));
    let wanted = wanted.transpose()?;
    if let Some(query) = query {
        if schema_file.is_some() {
            let problem =
                "--schema with --query: only a cluster knows the types of its markers; leave one of them out";
            return Err(UsageError::Combination(problem.to_owned()));
        }
        let name = typed.value("query", query.text(), |_| query.table_name(wanted.as_ref()))?;
        return Ok((name, None));
    }
    match (schema_file, wanted) {
        (None, Some(name)) => Ok((name, None)),
        (None, None) if dry_run => Err(UsageError::Missing {
            what: "--table",
            hint: "give -t KEYSPACE.TABLE, or --schema FILE.cql where there is no cluster",
        }),
        (None, None) => Err(UsageError::Missing { what: "--table", hint: "give -t KEYSPACE.TABLE" }),
        (Some(file), wanted) => {
            let unreadable = |source| SchemaFileError::Unreadable { file: file.clone(), source };
            let bytes = world.small_file(file, SCHEMA_BYTES_MAX).map_err(unreadable)?.bytes;
            let text = String::from_utf8(bytes)
                .map_err(|_| unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")))?;
            let schema = table_of(file, &text, wanted.as_ref())?;
            Ok((schema.name.clone(), Some(schema)))
        }
    }
}

fn rejects_dir(args: Option<&SafetyArgs>, table: &TableName, world: &dyn World) -> PathBuf {
    let rejects = args.and_then(|args| args.rejects.as_deref()).unwrap_or(Path::new("ringload-rejects"));
    rejects.join(run_name(table, world.now(), world.nonce()))
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

/// The directory that a run's rejects have for themselves, so that no run touches those of another. Characters that do not
/// belong into a file's name become `_`.
fn run_name(table: &TableName, now: Timestamp, nonce: u32) -> String {
    let plain = |name: &str| -> String {
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
    };
    format!(
        "{}.{}-{}-{nonce:08x}",
        plain(&table.keyspace),
        plain(&table.table),
        now.strftime("%Y%m%dT%H%M%SZ")
    )
}

#[cfg(test)]
mod tests;
