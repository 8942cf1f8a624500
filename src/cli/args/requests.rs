//! How many requests and sessions there are at once, and how long the cluster may be in trouble.
//! A command that sends a request for each row takes this group.

/// Requests and sessions.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Requests")]
pub struct RequestArgs {
    /// Requests in flight in each worker
    #[arg(long, value_name = "N", default_value = "256", allow_negative_numbers = true)]
    pub in_flight: String,

    /// Connections to each node (ScyllaDB: to each shard) of each worker; without it, one for each two parser threads, at most 4
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub connections: Option<String>,

    /// Sessions that may be opening at any instant, over all workers
    #[arg(long, value_name = "N", default_value = "2", allow_negative_numbers = true)]
    pub session_starts: String,

    /// How long a fault of the cluster may last before the run gives up
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub retry_for: String,
}
