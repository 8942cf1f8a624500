//! The options of `ringload jobs`.

use std::path::PathBuf;

use super::args::LayeringArgs;
use crate::settings::OutputFormat;

const AFTER_HELP: &str = "\
Examples:
  ringload jobs                                what the ledger knows, the latest first
  ringload jobs show nightly                   how far it is, what went wrong, how to go on
  ringload jobs forget nightly                 the next run begins it anew
  ringload jobs prune --older-than 90d         forget finished jobs of long ago

Exit codes: 0 done, 2 wrong usage, 4 no such job or no usable ledger, 5 a run is at the job";

/// The options of `ringload jobs`, as typed.
#[derive(Debug, Clone, clap::Args)]
#[command(override_usage = "ringload jobs [list|show|forget|prune] [JOB] [OPTIONS]", after_help = AFTER_HELP)]
pub struct JobsArgs {
    /// What to do
    #[arg(value_enum, default_value = "list", hide_default_value = true)]
    pub action: JobsAction,

    /// The job's name, for show and forget
    pub job: Option<String>,

    /// Directory of the ledger; without it, ringload in $XDG_STATE_HOME or ~/.local/state
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// Format of what is printed
    #[arg(
        long,
        value_name = "text|json",
        value_enum,
        default_value = "text",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub format: OutputFormat,

    /// With prune: forget jobs at which no run has been for so long
    #[arg(long, value_name = "DURATION", default_value = "30d")]
    pub older_than: String,

    /// With prune: unfinished jobs too
    #[arg(long)]
    pub unfinished: bool,

    /// The configuration file.
    #[command(flatten)]
    pub layering: LayeringArgs,
}

/// What to do with the jobs of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum JobsAction {
    /// Print all jobs
    List,
    /// Print one job
    Show,
    /// Forget one job
    Forget,
    /// Forget finished jobs of long ago
    Prune,
}
