//! Which rows are sent in one request.
//! A command that writes rows takes this group. It only changes how fast rows are written.

use crate::settings::BatchMode;

/// Rows that are sent together.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Requests")]
pub struct GatheringArgs {
    /// Rows in one request: those of one partition, those of the same replicas, none, or what the data is best for
    #[arg(long, value_enum, value_name = "MODE", default_value_t = BatchMode::Auto, ignore_case = true)]
    pub batch: BatchMode,

    /// How far apart rows may be that are sent in one request: rows, or a size of input; without it, 262,144 rows in 32MiB
    #[arg(long, value_name = "ROWS|SIZE", allow_negative_numbers = true)]
    pub window: Option<String>,
}
