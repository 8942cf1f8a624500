//! How the reading is shared out over processes and threads.
//! A command that starts workers takes this group.

/// Processes, threads and pieces.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Working")]
pub struct WorkingArgs {
    /// Worker processes; 0 does all in this process; without it, from the cores and the input's size
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub workers: Option<String>,

    /// Parser threads of each worker; without it, cores / workers
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub threads: Option<String>,

    /// Size of the pieces that workers are given; without it, from the input's size and the workers
    #[arg(long, value_name = "SIZE")]
    pub unit_size: Option<String>,
}
