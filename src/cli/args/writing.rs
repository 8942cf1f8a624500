//! How rows are written.
//! A command that writes to the table takes this group.

/// How rows are written.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Writing")]
pub struct WritingArgs {
    /// Requests in flight in each worker
    #[arg(long, value_name = "N", default_value = "256", allow_negative_numbers = true)]
    pub in_flight: String,

    /// Sessions that may be opening at any instant, over all workers
    #[arg(long, value_name = "N", default_value = "2", allow_negative_numbers = true)]
    pub session_starts: String,

    /// Write times: by the records' order, one for all (now), or microseconds since 1970
    #[arg(long, value_name = "order|now|N", default_value = "order", allow_negative_numbers = true)]
    pub timestamp: String,

    /// How long a fault of the cluster may last before the load gives up
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub retry_for: String,
}
