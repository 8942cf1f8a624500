//! How rows are written.
//! A command that writes to the table takes this group, and one that needs to know what a load would write.

/// How rows are written.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Writing")]
pub struct WritingArgs {
    /// Write times: by the records' order, so that the last record of a key wins; or one for all (now, or microseconds since
    /// 1970), which gives that up; or the field of the record that holds its own
    #[arg(long, value_name = "order|now|N|@FIELD", default_value = "order", allow_negative_numbers = true)]
    pub timestamp: String,

    /// Time to live of the rows: seconds, a duration as 30d, 0 for none, or the field of the record that holds the seconds;
    /// without it, the table's default
    #[arg(long, value_name = "N|DURATION|@FIELD", allow_negative_numbers = true)]
    pub ttl: Option<String>,
}
