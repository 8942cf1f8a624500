//! The options of `ringload schema`: how a load would read the files, and what the table is to be.

use super::args::{InputArgs, LayeringArgs, ProposingArgs, TargetArgs};
use super::help;

const EXAMPLES: &str = "\
ringload schema orders.csv
ringload schema -t shop.readings --key '(device, day), ts DESC' readings-*.csv > readings.cql";

const EXIT_CODES: &str = "\
0    a table is proposed
2    wrong usage or settings
4    no table can be proposed: a file cannot be read, or no key is to be seen";

/// The options and files of `ringload schema`, as typed.
#[derive(Debug, Clone, clap::Args)]
#[command(
    override_usage = "ringload schema [OPTIONS] [--table <KEYSPACE.TABLE>] [--key <COLUMN,...>] <FILE>...",
    after_help = help::after(EXAMPLES, EXIT_CODES)
)]
pub struct SchemaArgs {
    /// The table and the files.
    #[command(flatten)]
    pub target: TargetArgs,

    /// The configuration file.
    #[command(flatten)]
    pub layering: LayeringArgs,

    /// The new table.
    #[command(flatten)]
    pub proposing: ProposingArgs,

    /// How the files are read.
    #[command(flatten)]
    pub input: InputArgs,
}
