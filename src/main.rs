//! The command `ringload`: parse, run, exit code.

use std::io::{self, BufReader, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use mimalloc::MiMalloc;
use ringload::cli::args::WatchingArgs;
use ringload::cli::{self, Command, JobsArgs, ParseStop, ProcessWorld, Resolved, SchemaArgs, UsageError};
use ringload::clock::Clock;
use ringload::coordinator::dialect::DialectHints;
use ringload::coordinator::new_table::NewTableError;
use ringload::coordinator::verify::run_verify;
use ringload::coordinator::{LoadError, open_inputs, run_load};
use ringload::error::{Error, exit_code};
use ringload::ledger::overview;
use ringload::plan::places::expand;
use ringload::propose::propose;
use ringload::report::event::{RunEvent, Summary};
use ringload::report::{self, Watch, watch};
use ringload::settings::{JobsSettings, JobsTask, LoadSettings, OutputFormat, SchemaSettings};
use ringload::worker;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let outcome = match cli::parse(std::env::args_os(), &ProcessWorld) {
        Ok(cli) => run(cli.command),
        Err(ParseStop::Shown { text, exit_code: 0 }) => {
            report::show_on_stdout(text.as_bytes()).map(|()| 0).map_err(Error::Output)
        }
        Err(ParseStop::Shown { text, exit_code }) => {
            report::show_on_stderr(&text);
            Ok(exit_code)
        }
        Err(ParseStop::Usage(error)) => Err(error.into()),
    };
    ExitCode::from(outcome.unwrap_or_else(|error| {
        report::show_error(&error);
        error.exit_code()
    }))
}

fn run(command: Command) -> Result<u8, Error> {
    match command {
        Command::Load(args) => {
            run_job(run_load, cli::resolve(&args, &ProcessWorld), &args.watching, &args.target.files)
        }
        Command::Check(args) => {
            run_job(run_load, cli::resolve_check(&args, &ProcessWorld), &args.watching, &args.target.files)
        }
        Command::Verify(args) => {
            run_job(run_verify, cli::resolve_verify(&args, &ProcessWorld), &args.watching, &args.target.files)
        }
        Command::Schema(args) => schema(&args),
        Command::Jobs(args) => jobs(&args),
        Command::Completions { shell } => print(|out| cli::completions(shell, out)),
        Command::Man => print(|out| cli::man(out)),
        Command::Worker => {
            worker::run_process(BufReader::new(io::stdin()), io::stdout());
            Ok(0)
        }
    }
}

/// What a command on files does.
type Job = fn(&LoadSettings, &mut dyn FnMut(RunEvent)) -> Result<Summary, LoadError>;

/// Loads, checks (that is a dry run), or verifies.
fn run_job(
    job: Job,
    resolved: Result<Resolved, UsageError>,
    watching: &WatchingArgs,
    files: &[PathBuf],
) -> Result<u8, Error> {
    let Resolved { mut settings, warnings } = resolved.inspect_err(|error| {
        watch::refuse_settings(&watching.settings(files), error, exit_code::USAGE);
    })?;
    let mut watch = Watch::new(&settings.watching, settings.table.to_string(), io::stderr().is_terminal());
    let ended = watch.open().map_err(Error::from).and_then(|()| {
        warnings.into_iter().for_each(|warning| watch.handle(&RunEvent::Warning(warning)));
        let input = &mut settings.input;
        settings.inputs =
            expand(&settings.inputs, &mut input.places, &input.remote).map_err(LoadError::from)?;
        job(&settings, &mut |event| watch.handle(&event)).map_err(Error::from)
    });
    match ended {
        Ok(summary) => Ok(watch.finish(summary)),
        Err(error) => {
            let LoadSettings { table, inputs, dry_run, .. } = &settings;
            let summary = Summary::not_begun(table, inputs, *dry_run, error.to_string());
            watch.refuse(&error, error.exit_code(), summary);
            Ok(error.exit_code())
        }
    }
}

fn schema(args: &SchemaArgs) -> Result<u8, Error> {
    let SchemaSettings { propose: wanted, inputs, mut input, warnings } = cli::resolve_schema(args)?;
    warnings.iter().for_each(|warning| report::show_warning(warning));
    let inputs = expand(&inputs, &mut input.places, &input.remote).map_err(LoadError::from)?;
    let mut report = |event| {
        if let RunEvent::Note(note) | RunEvent::Warning(note) = event {
            report::show_note(&note);
        }
    };
    let (input, inputs) = open_inputs(&inputs, &input, DialectHints::default(), &mut report)?;
    let proposal = propose(&wanted, &input, &inputs).map_err(NewTableError::from).map_err(LoadError::from)?;
    report::show_on_stdout(proposal.text().as_bytes()).map(|()| 0).map_err(Error::Output)
}

fn jobs(args: &JobsArgs) -> Result<u8, Error> {
    let JobsSettings { task, state_dir, format } = cli::resolve_jobs(args, &ProcessWorld)?;
    let text = match (task, format) {
        (JobsTask::List, OutputFormat::Text) => report::jobs::table(&overview::all(&state_dir)?),
        (JobsTask::List, OutputFormat::Json) => report::jobs::json(&overview::all(&state_dir)?),
        (JobsTask::Show(name), format) => {
            let (job, open) = overview::one(&state_dir, &name)?;
            match format {
                OutputFormat::Text => report::jobs::details(&job, &open),
                OutputFormat::Json => report::jobs::details_json(&job, &open),
            }
        }
        (JobsTask::Forget(name), format) => {
            overview::forget(&state_dir, &name)?;
            report::jobs::forgotten(&[name], format)
        }
        (JobsTask::Prune { older_than, unfinished }, format) => {
            let now_us = Clock::set().now_us();
            report::jobs::forgotten(&overview::prune(&state_dir, older_than, unfinished, now_us)?, format)
        }
    };
    report::show_on_stdout(text.as_bytes()).map(|()| 0).map_err(Error::Output)
}

fn print(make: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Result<u8, Error> {
    let mut text = Vec::new();
    make(&mut text).and_then(|()| report::show_on_stdout(&text)).map(|()| 0).map_err(Error::Output)
}
