//! The configuration file, and what the layers of the command line know of each other.
//! Every command whose options may come from the environment or a file takes this group.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cli::error::Origin;

/// The configuration file, and where values came from.
#[derive(Debug, Clone, clap::Args)]
pub struct LayeringArgs {
    /// TOML file with options, keys as the long names here
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,

    /// Where each option's value came from, for messages; options that nobody gave are absent.
    #[arg(skip)]
    pub(in crate::cli) origins: BTreeMap<String, Origin>,

    /// What the user should know before the work begins.
    #[arg(skip)]
    pub(in crate::cli) warnings: Vec<String>,
}
