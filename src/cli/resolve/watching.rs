//! The options that say what tells of a run.

use std::path::PathBuf;

use super::Typed;
use crate::cli::args::WatchingArgs;
use crate::cli::error::{Origin, UsageError};
use crate::cli::value;
use crate::settings::WatchingSettings;

pub(super) fn resolve(
    typed: &Typed<'_>,
    args: &WatchingArgs,
    inputs: &[PathBuf],
) -> Result<WatchingSettings, UsageError> {
    // In a configuration file it may stand for runs that have a log.
    if args.log_file.is_none() && typed.origins.get("log-format") == Some(&Origin::CommandLine) {
        return Err(UsageError::Combination(
            "--log-format without --log-file: add --log-file FILE".to_owned(),
        ));
    }
    if let (Some(file), Some(also)) = (&args.log_file, args.log_is_also(inputs)) {
        let file = file.display();
        return Err(UsageError::Combination(format!(
            "--log-file {file} is also {also}: give the log a file of its own"
        )));
    }
    let metrics = args
        .metrics_listen
        .as_ref()
        .map(|text| typed.value("metrics-listen", text, value::listen_address))
        .transpose()?;
    Ok(WatchingSettings { metrics, ..args.settings(inputs) })
}
