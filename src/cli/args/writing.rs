//! How rows are written.
//! A command that writes to the table takes this group.

/// How rows are written.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Writing")]
pub struct WritingArgs {
    /// Write times: by the records' order, so that the last record of a key wins; or one for all (now, or microseconds since
    /// 1970), which gives that up
    #[arg(long, value_name = "order|now|N", default_value = "order", allow_negative_numbers = true)]
    pub timestamp: String,
}
