//! The options that say what is read back of what was loaded.

use std::path::{Path, PathBuf};

use super::{Typed, run_name};
use crate::cli::args::{ConnectingArgs, ReadingBackArgs};
use crate::cli::error::{Origin, UsageError};
use crate::cli::value;
use crate::cli::world::World;
use crate::settings::{ConsistencyLevel, ErrorBudget, ReadBackSettings, TableName};
use crate::verify::sample::Sample;

/// What the options say before the table is known.
pub(super) struct ReadingBack {
    sample: Sample,
    differences: PathBuf,
    max_errors: ErrorBudget,
}

/// `max_errors` is how many findings are borne; `None`: any number.
pub(super) fn resolve(
    typed: &Typed<'_>,
    args: &ReadingBackArgs,
    connecting: &ConnectingArgs,
    max_errors: Option<&String>,
) -> Result<ReadingBack, UsageError> {
    if connecting.consistency == ConsistencyLevel::Any {
        let problem =
            "is for writes only, and nothing can be read back with it: give another, as LOCAL_QUORUM";
        return Err(typed.wrong("consistency", "ANY", problem.to_owned()));
    }
    let sample = args.sample.as_ref().map(|text| typed.value("sample", text, value::sample)).transpose()?;
    let max_errors =
        max_errors.map(|text| typed.value("max-errors", text, value::error_budget)).transpose()?;
    Ok(ReadingBack {
        sample: sample.unwrap_or(Sample::ALL),
        differences: args.differences.clone().unwrap_or_else(|| Path::new("ringload-differences").into()),
        max_errors: max_errors.unwrap_or(ErrorBudget::Count(u64::MAX)),
    })
}

/// A load that does not verify must not have these options: what they seem to promise it would not keep. From the environment or
/// the configuration file they may come for other commands.
pub(super) fn refuse(typed: &Typed<'_>, args: &ReadingBackArgs) -> Result<(), UsageError> {
    let given = [("sample", args.sample.is_some()), ("differences", args.differences.is_some())];
    let typed_here = |option: &str| typed.origin(option) == Origin::CommandLine;
    match given.into_iter().find(|(option, given)| *given && typed_here(option)) {
        Some((option, _)) => Err(UsageError::Combination(format!(
            "--{option} without --verify: nothing would be read back; leave it out, or add --verify"
        ))),
        None => Ok(()),
    }
}

impl ReadingBack {
    pub(super) fn of(self, table: &TableName, world: &dyn World) -> ReadBackSettings {
        // Another name than the rejects' of the same run: both may be told to go to one place.
        let name = format!("{}-verify", run_name(table, world.now(), world.nonce()));
        ReadBackSettings {
            sample: self.sample,
            differences_dir: self.differences.join(name),
            max_errors: self.max_errors,
        }
    }
}
