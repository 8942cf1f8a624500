//! How a job is remembered, so that it can be killed and run again.
//! A command that writes takes this group.

use std::path::PathBuf;

use crate::ledger::fingerprint::FingerprintKind;

/// The job and its ledger.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Safety")]
pub struct JobArgs {
    /// Name of the job: a finished one is not run again with the same inputs, which suits cron. Without it, a name is made
    /// from cluster, table, paths and settings
    #[arg(long, value_name = "NAME")]
    pub job: Option<String>,

    /// Directory of the ledger, which remembers what is done; without it, ringload in $XDG_STATE_HOME or ~/.local/state
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// Begin an unfinished job anew
    #[arg(long)]
    pub restart: bool,

    /// Run a finished job again though its inputs are the same
    #[arg(long)]
    pub again: bool,

    /// What of the inputs is compared when a job goes on: samples of them, or all
    #[arg(
        long,
        value_name = "sampled|full",
        value_enum,
        default_value = "sampled",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub fingerprint: FingerprintKind,
}
