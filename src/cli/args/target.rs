//! The table and the files.
//! A command that holds files against a table takes this group.

use std::path::PathBuf;

/// The table and the files.
#[derive(Debug, Clone, clap::Args)]
pub struct TargetArgs {
    /// CSV files, directories, patterns in quotes, http(s):// and s3:// URLs, or - for standard input, in this order
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The table; names in double quotes keep their case
    #[arg(short, long, value_name = "KEYSPACE.TABLE")]
    pub table: Option<String>,
}
