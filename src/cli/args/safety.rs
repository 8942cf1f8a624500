//! What is borne, and where what is rejected goes.
//! A command that rejects records takes this group.

use std::path::PathBuf;

/// Rejects and how many are borne.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Safety")]
pub struct SafetyArgs {
    /// Rejected records that are borne, or their share of all, judged after 1,000 records and at the end
    #[arg(long, value_name = "N|N%", default_value = "100", allow_negative_numbers = true)]
    pub max_errors: String,

    /// Directory in which a run with rejects makes one of its own; without it, ringload-rejects
    #[arg(long, value_name = "DIR")]
    pub rejects: Option<PathBuf>,
}
