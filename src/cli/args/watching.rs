//! What is shown on the way and left at the end.
//! A command that may take long takes this group.

use std::path::PathBuf;

use crate::settings::ProgressMode;

/// Progress and summary.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchingArgs {
    /// Progress on standard error: a bar on a terminal, else a line every 10 s; or as said
    #[arg(
        long,
        value_name = "auto|bar|plain|json|none",
        value_enum,
        default_value = "auto",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub progress: ProgressMode,

    /// Write the summary to this file as JSON
    #[arg(long, value_name = "FILE.json")]
    pub summary: Option<PathBuf>,
}
