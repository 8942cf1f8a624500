//! The options of `ringload verify`: those with which the files were loaded, as far as they say how files are read, in the same
//! groups (see [`args`](super::args)).

use std::path::PathBuf;

use super::args::{
    ConnectingArgs, InputArgs, LayeringArgs, ReadingBackArgs, RequestArgs, TargetArgs, WatchingArgs,
    WorkingArgs, WritingArgs,
};
use super::help;

const EXAMPLES: &str = "\
ringload verify -t shop.orders orders-*.csv
ringload verify -t shop.orders --sample 1% --job nightly orders.csv";

const EXIT_CODES: &str = "\
0    the table has what the files say, or what was written later
1    rows are missing or different, or records could not be checked
2    wrong usage or settings
3    stopped: more findings than --max-errors
4    could not run or go on: cluster, file, table or ledger
5    a run is loading the files now
6    a part failed for good, or the counts do not add up
130  interrupted by SIGINT (143: by SIGTERM)";

/// The options and files of `ringload verify`, as typed.
#[derive(Debug, Clone, clap::Args)]
#[command(
    override_usage = "ringload verify [OPTIONS] --table <KEYSPACE.TABLE> <FILE>...",
    after_help = help::after(EXAMPLES, EXIT_CODES)
)]
pub struct VerifyArgs {
    /// The table and the files.
    #[command(flatten)]
    pub target: TargetArgs,

    /// The configuration file.
    #[command(flatten)]
    pub layering: LayeringArgs,

    /// What is read back.
    #[command(flatten)]
    pub reading_back: ReadingBackArgs,

    /// Name of the job that loaded the files; without it, the latest in the ledger with this table, these files and settings
    #[arg(long, value_name = "NAME", help_heading = "Verifying")]
    pub job: Option<String>,

    /// Directory of the ledger, which knows the job's write times; without it, ringload in $XDG_STATE_HOME or ~/.local/state
    #[arg(long, value_name = "DIR", help_heading = "Verifying")]
    pub state_dir: Option<PathBuf>,

    /// Findings that are borne, or their share of all records, judged after 1,000 records and at the end; without it, all
    #[arg(long, value_name = "N|N%", allow_negative_numbers = true, help_heading = "Verifying")]
    pub max_errors: Option<String>,

    /// How to reach the cluster.
    #[command(flatten)]
    pub connecting: ConnectingArgs,

    /// How the files are read.
    #[command(flatten)]
    pub input: InputArgs,

    /// Processes, threads and pieces.
    #[command(flatten)]
    pub working: WorkingArgs,

    /// Requests and sessions.
    #[command(flatten)]
    pub requests: RequestArgs,

    /// How the load wrote rows.
    #[command(flatten)]
    pub writing: WritingArgs,

    /// Progress and summary.
    #[command(flatten)]
    pub watching: WatchingArgs,
}
