//! What is asked of a check only.
//! A command that can go through everything without writing takes this group.

use std::path::PathBuf;

/// What is asked of a check only.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Checking")]
pub struct CheckingArgs {
    /// Take the table from a file of CQL, as DESCRIBE TABLE prints it, and ask no cluster (dry runs only)
    #[arg(long, value_name = "FILE.cql")]
    pub schema: Option<PathBuf>,

    /// Estimate how long the load would take at so many rows/s (dry runs only)
    #[arg(long, value_name = "ROWS", allow_negative_numbers = true)]
    pub rate: Option<String>,
}
