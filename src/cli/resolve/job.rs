//! The options of the job and its ledger.

use std::path::{Path, PathBuf};

use super::Typed;
use crate::cli::args::JobArgs;
use crate::cli::error::{Origin, UsageError};
use crate::cli::world::World;
use crate::cli::{JobsAction, JobsArgs, value};
use crate::ledger::fingerprint::FingerprintKind;
use crate::ledger::job::Rerun;
use crate::settings::{JobSettings, JobsSettings, JobsTask};

/// Longer names would not fit into messages.
const NAME_BYTES_MAX: usize = 200;

pub(super) fn resolve(
    typed: &Typed<'_>,
    args: &JobArgs,
    world: &dyn World,
) -> Result<JobSettings, UsageError> {
    let rerun = match (args.restart, args.again) {
        (true, true) => {
            return Err(UsageError::Combination(
                "--restart is for an unfinished job and --again for a finished one: give one of them"
                    .to_owned(),
            ));
        }
        (true, false) => Rerun::Restart,
        (false, true) => Rerun::Again,
        (false, false) => Rerun::Continue,
    };
    let name = args.job.as_deref().map(|name| typed.value("job", name, job_name)).transpose()?;
    let state_dir = state_dir(args.state_dir.as_deref(), world)?;
    Ok(JobSettings { name, state_dir, rerun, fingerprint: args.fingerprint })
}

/// The job that loaded what is verified, and the ledger that may know it.
pub(super) fn resolve_past(
    typed: &Typed<'_>,
    name: Option<&str>,
    state: Option<&Path>,
    world: &dyn World,
) -> Result<JobSettings, UsageError> {
    let name = name.map(|name| typed.value("job", name, job_name)).transpose()?;
    let state_dir = state_dir(state, world)?;
    Ok(JobSettings { name, state_dir, rerun: Rerun::default(), fingerprint: FingerprintKind::default() })
}

/// Understands what `ringload jobs` was told.
///
/// # Errors
/// The first thing that is wrong, as one line.
pub fn resolve_jobs(args: &JobsArgs, world: &dyn World) -> Result<JobsSettings, UsageError> {
    let typed = Typed::new(&args.layering);
    let name = || {
        let given = args
            .job
            .as_deref()
            .ok_or(UsageError::Missing { what: "the job", hint: "name it; ringload jobs shows all of them" });
        given.and_then(|name| {
            job_name(name).map_err(|problem| UsageError::Combination(format!("the job's name {problem}")))
        })
    };
    let is_typed = |option: &&&str| typed.origins.get(**option) == Some(&Origin::CommandLine);
    if let (false, Some(option)) =
        (args.action == JobsAction::Prune, ["older-than", "unfinished"].iter().find(is_typed))
    {
        return Err(UsageError::Combination(format!(
            "--{option} chooses what prune forgets, and nothing else looks at it: leave it out, or say ringload jobs prune"
        )));
    }
    let task = match args.action {
        JobsAction::Show => JobsTask::Show(name()?),
        JobsAction::Forget => JobsTask::Forget(name()?),
        JobsAction::List | JobsAction::Prune if args.job.is_some() => {
            return Err(UsageError::Combination("a job's name goes with show or forget".to_owned()));
        }
        JobsAction::List => JobsTask::List,
        JobsAction::Prune => JobsTask::Prune {
            older_than: typed.value("older-than", &args.older_than, value::duration)?,
            unfinished: args.unfinished,
        },
    };
    Ok(JobsSettings { task, state_dir: state_dir(args.state_dir.as_deref(), world)?, format: args.format })
}

/// The name of a job.
pub(super) fn job_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(format!("must be 1 to {NAME_BYTES_MAX} bytes without control characters"));
    }
    Ok(text.to_owned())
}

/// Where the ledger is: as asked, or where programs keep their state (XDG Base Directory Specification 0.8).
pub(super) fn state_dir(asked: Option<&Path>, world: &dyn World) -> Result<PathBuf, UsageError> {
    if let Some(asked) = asked {
        return Ok(asked.to_owned());
    }
    // The specification says that a relative path is to be ignored.
    let absolute = |name: &str| world.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    state.map(|state| state.join("ringload")).ok_or(UsageError::Missing {
        what: "--state-dir",
        hint: "neither XDG_STATE_HOME nor HOME is set, so say where the ledger is to be",
    })
}
