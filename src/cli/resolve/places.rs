//! Where the records come from: the paths, and what standard input among them goes with.

use std::path::{Path, PathBuf};

use crate::cli::args::TargetArgs;
use crate::cli::error::UsageError;
use crate::ledger::job::Rerun;
use crate::plan::pipe::is_stdin;
use crate::remote::address::{Address, Hidden};
use crate::settings::{JobSettings, WritingSettings};

pub(super) fn inputs(args: &TargetArgs, list: Option<&Path>) -> Result<Vec<PathBuf>, UsageError> {
    if args.files.is_empty() && list.is_none() {
        return Err(UsageError::Missing { what: "the input", hint: "name the files to load" });
    }
    if args.files.iter().any(|file| file.as_os_str().is_empty()) {
        return refuse("a file's name is empty: name the files to load");
    }
    if list.is_some() && args.files.iter().any(|file| is_stdin(file)) {
        return refuse(
            "standard input (-) before --files-from: its end may never come; leave one of them out",
        );
    }
    if args.files.iter().rev().skip(1).any(|file| is_stdin(file)) {
        return refuse(
            "standard input (-) before other inputs: its end may never come; give it once, as the last one",
        );
    }
    Ok(args.files.clone())
}

/// The inputs as they may be shown; what URLs among them hide is kept in `hidden`.
pub(super) fn hide(inputs: Vec<PathBuf>, hidden: &mut Hidden) -> Result<Vec<PathBuf>, UsageError> {
    let hide = |path| Address::hide(path, hidden).map_err(|error| UsageError::Combination(error.to_string()));
    inputs.into_iter().map(hide).collect()
}

/// Holds the settings against standard input, which is read once by the process that also loads it.
pub(super) fn settle_stdin(
    inputs: &[PathBuf],
    writing: &mut WritingSettings,
    job: Option<&JobSettings>,
) -> Result<(), UsageError> {
    if !inputs.iter().any(|path| is_stdin(path)) {
        return Ok(());
    }
    match writing.workers {
        None | Some(0) => writing.workers = Some(0),
        Some(_) => {
            return refuse(
                "--workers with standard input (-): what is read once is loaded by the process that reads it; leave \
                 --workers out, or save the data in a file first",
            );
        }
    }
    match job {
        Some(JobSettings { name: Some(_), .. }) => refuse(
            "--job with standard input (-): what is read once cannot be gone on with; leave --job out, or save the data in a \
             file first",
        ),
        Some(JobSettings { rerun: Rerun::Restart | Rerun::Again, .. }) => refuse(
            "--restart or --again with standard input (-): it is always loaded from its beginning; leave them out",
        ),
        Some(_) | None => Ok(()),
    }
}

/// Refuses standard input where all is read a second time.
pub(super) fn refuse_stdin(inputs: &[PathBuf]) -> Result<(), UsageError> {
    match inputs.iter().any(|path| is_stdin(path)) {
        true => refuse(
            "standard input (-) cannot be verified, because it can be read only once: save the data in a file first",
        ),
        false => Ok(()),
    }
}

fn refuse<T>(problem: &str) -> Result<T, UsageError> {
    Err(UsageError::Combination(problem.to_owned()))
}
