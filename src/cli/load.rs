//! The options of `ringload load`: nearly all of them come in groups that other commands share (see [`args`](super::args)).
//! A new option added here or there is at once known to the environment and the configuration file.

use super::args::{
    CheckingArgs, ConnectingArgs, GatheringArgs, InputArgs, JobArgs, LayeringArgs, ProposingArgs,
    ReadingBackArgs, RequestArgs, SafetyArgs, TargetArgs, WatchingArgs, WorkingArgs, WritingArgs,
};
use super::help;

const EXAMPLES: &str = "\
ringload load -t shop.orders orders.csv
ringload load -t shop.orders --hosts db1,db2 --max-errors 1% orders-*.csv";

const EXIT_CODES: &str = "\
0    all done
1    done, with rejects within --max-errors
2    wrong usage or settings
3    stopped: more rejects than --max-errors
4    could not run or go on: cluster, file, table or ledger; run again to go on
5    another run is at this job
6    a part failed for good, or the counts do not add up
130  interrupted by SIGINT (143: by SIGTERM)";

/// The options and files of `ringload load`, as typed.
#[derive(Debug, Clone, clap::Args)]
#[command(
    override_usage = "ringload load [OPTIONS] --table <KEYSPACE.TABLE> <FILE>...",
    after_help = help::after(EXAMPLES, EXIT_CODES)
)]
pub struct LoadArgs {
    /// The table and the files.
    #[command(flatten)]
    pub target: TargetArgs,

    /// The configuration file.
    #[command(flatten)]
    pub layering: LayeringArgs,

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

    /// Rows that are sent together.
    #[command(flatten)]
    pub gathering: GatheringArgs,

    /// How rows are written.
    #[command(flatten)]
    pub writing: WritingArgs,

    /// Rejects.
    #[command(flatten)]
    pub safety: SafetyArgs,

    /// The job and its ledger.
    #[command(flatten)]
    pub job: JobArgs,

    /// Read, parse and encode everything, but write nothing
    #[arg(long, help_heading = "Safety")]
    pub dry_run: bool,

    /// Create the table if it is not there, as ringload schema proposes it; needs --key
    #[arg(long, help_heading = "New table")]
    pub create_table: bool,

    /// What is asked of it then.
    #[command(flatten)]
    pub proposing: ProposingArgs,

    /// Where a dry run knows the table from, and its estimate.
    #[command(flatten)]
    pub checking: CheckingArgs,

    /// Read everything back when it is loaded, and compare it with the files
    #[arg(long, help_heading = "Verifying")]
    pub verify: bool,

    /// What is read back then.
    #[command(flatten)]
    pub reading_back: ReadingBackArgs,

    /// Progress and summary.
    #[command(flatten)]
    pub watching: WatchingArgs,
}
