//! The options of `ringload check`: those of a load that matter where nothing is written, in the same groups
//! (see [`args`](super::args)).

use super::args::{
    CheckingArgs, ConnectingArgs, InputArgs, LayeringArgs, SafetyArgs, TargetArgs, WatchingArgs, WorkingArgs,
    WritingArgs,
};
use super::help;

const EXAMPLES: &str = "\
ringload check -t shop.orders orders-*.csv
ringload check --schema orders.cql --rate 60000 orders.csv";

const EXIT_CODES: &str = "\
0    every record can be loaded
1    some are rejected, within --max-errors
2    wrong usage, settings or schema file
3    stopped: more rejects than --max-errors
4    could not run or go on: cluster, file or table
6    a part failed for good, or the counts do not add up
130  interrupted by SIGINT (143: by SIGTERM)";

/// The options and files of `ringload check`, as typed.
#[derive(Debug, Clone, clap::Args)]
#[command(
    override_usage = "ringload check [OPTIONS] [--table <KEYSPACE.TABLE>] [--schema <FILE.cql>] <FILE>...",
    after_help = help::after(EXAMPLES, EXIT_CODES)
)]
pub struct CheckArgs {
    /// The table and the files.
    #[command(flatten)]
    pub target: TargetArgs,

    /// The configuration file.
    #[command(flatten)]
    pub layering: LayeringArgs,

    /// Where the table is known from, and the estimate.
    #[command(flatten)]
    pub checking: CheckingArgs,

    /// How to reach the cluster.
    #[command(flatten)]
    pub connecting: ConnectingArgs,

    /// How the files are read.
    #[command(flatten)]
    pub input: InputArgs,

    /// Processes, threads and pieces.
    #[command(flatten)]
    pub working: WorkingArgs,

    /// How a load would write rows.
    #[command(flatten)]
    pub writing: WritingArgs,

    /// Rejects.
    #[command(flatten)]
    pub safety: SafetyArgs,

    /// Progress and summary.
    #[command(flatten)]
    pub watching: WatchingArgs,
}
