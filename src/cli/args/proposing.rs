//! What is asked of a table that does not exist yet.
//! A command that proposes or creates one takes this group.

/// What is asked of a table that does not exist yet.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "New table")]
pub struct ProposingArgs {
    /// Primary key of the new table as CQL has it, for example `(device, day), ts DESC`
    #[arg(long, value_name = "COLUMN,...")]
    pub key: Option<String>,

    /// How much of the files to look at for the columns' types, from the beginning of each
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    pub sample_size: String,
}
