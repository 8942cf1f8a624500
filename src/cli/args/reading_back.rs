//! What is read back of what was loaded, and where it is told what is not as in the files.
//! A command that verifies takes this group.

use std::path::PathBuf;

/// What is read back.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Verifying")]
pub struct ReadingBackArgs {
    /// Share of the records that is read back, always the same ones; without it, all
    #[arg(long, value_name = "N%", allow_negative_numbers = true)]
    pub sample: Option<String>,

    /// Directory in which a verification that finds something makes one of its own; without it, ringload-differences
    #[arg(long, value_name = "DIR")]
    pub differences: Option<PathBuf>,
}
