//! The options of `ringload load`, as typed: text with its default, not yet understood. Their meaning is in
//! [`resolve`](super::resolve()); a new option added here is at once known to the environment and the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::Origin;
use crate::settings::{ConsistencyLevel, FrameCompression, ProgressMode, Rounding};

const CONNECTING: &str = "Connecting";
const INPUT: &str = "Input";
const WRITING: &str = "Writing";
const SAFETY: &str = "Safety";
const WATCHING: &str = "Watching";

const AFTER_HELP: &str = "\
Examples:
  ringload load -t shop.orders orders.csv
  ringload load -t shop.orders --hosts db1,db2 --max-errors 1% orders-*.csv

Every option can also be given by the environment (--max-errors by RINGLOAD_MAX_ERRORS; flags as true or false) \
and by the file of --config (max-errors = \"1%\"; hosts = [\"db1\", \"db2\"]; files = [\"orders.csv\"]). The command \
line comes before the environment, the environment before the file; --dry-run=false takes a flag back.

A password comes from --password-file, from RINGLOAD_PASSWORD or from a prompt, never from an option. Lists are \
separated by commas or given one by one; an item with a comma stands in double quotes.

Exit codes:
  0    all done
  1    done, with rejects within --max-errors
  2    wrong usage or settings
  3    stopped: more rejects than --max-errors
  4    could not run or go on: cluster, file or table
  6    a part failed for good, or the counts do not add up
  130  interrupted by SIGINT (143: by SIGTERM)";

/// The options and files of `ringload load`, as typed.
#[derive(Debug, Clone, clap::Args)]
#[command(
    override_usage = "ringload load [OPTIONS] --table <KEYSPACE.TABLE> <FILE>...",
    after_help = AFTER_HELP
)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command line")]
pub struct LoadArgs {
    /// CSV files, loaded in this order
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Table to load; names in double quotes keep their case
    #[arg(short, long, value_name = "KEYSPACE.TABLE")]
    pub table: Option<String>,

    /// TOML file with options, keys as the long names here
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,

    /// Contact points, for example `db1,10.0.0.2:19042,[::1]:9042`; port 9042 where none is given
    #[arg(long, value_name = "HOST[:PORT],...", default_value = "127.0.0.1:9042", help_heading = CONNECTING)]
    pub hosts: Vec<String>,

    /// Send requests to the nodes of this datacenter only; without it, to all
    #[arg(long, value_name = "NAME", help_heading = CONNECTING)]
    pub datacenter: Option<String>,

    /// User to log in as; without it, no login
    #[arg(long, value_name = "NAME", help_heading = CONNECTING)]
    pub user: Option<String>,

    /// File whose first line is the user's password
    #[arg(long, value_name = "FILE", help_heading = CONNECTING)]
    pub password_file: Option<PathBuf>,

    /// Encrypt the connections and check the nodes' certificates
    #[arg(long, help_heading = CONNECTING)]
    pub tls: bool,

    /// PEM file of the certificate authorities to trust; without it, the system's
    #[arg(long, value_name = "FILE.pem", help_heading = CONNECTING)]
    pub tls_ca: Option<PathBuf>,

    /// PEM file of the client's certificate chain
    #[arg(long, value_name = "FILE.pem", help_heading = CONNECTING)]
    pub tls_cert: Option<PathBuf>,

    /// PEM file of the client's private key
    #[arg(long, value_name = "FILE.pem", help_heading = CONNECTING)]
    pub tls_key: Option<PathBuf>,

    /// Name that the nodes' certificates must hold; without it, each node's IP address
    #[arg(long, value_name = "NAME", help_heading = CONNECTING)]
    pub tls_server_name: Option<String>,

    /// Do not check the nodes' certificates: anyone can pose as a node and read the password
    #[arg(long, help_heading = CONNECTING)]
    pub tls_insecure: bool,

    /// Consistency of the writes: ANY, ONE, TWO, THREE, QUORUM, ALL, LOCAL_QUORUM, EACH_QUORUM or LOCAL_ONE
    #[arg(
        long,
        value_name = "LEVEL",
        value_enum,
        default_value = "LOCAL_QUORUM",
        ignore_case = true,
        hide_possible_values = true,
        help_heading = CONNECTING
    )]
    pub consistency: ConsistencyLevel,

    /// Compression of the frames between here and the nodes
    #[arg(
        long,
        value_name = "lz4|none",
        value_enum,
        default_value = "none",
        ignore_case = true,
        hide_possible_values = true,
        help_heading = CONNECTING
    )]
    pub compression: FrameCompression,

    /// How long opening a session may take
    #[arg(long, value_name = "DURATION", default_value = "60s", help_heading = CONNECTING)]
    pub connect_timeout: String,

    /// How long a request may take before it is sent again
    #[arg(long, value_name = "DURATION", default_value = "30s", help_heading = CONNECTING)]
    pub request_timeout: String,

    /// Where to reach a node that calls itself by an unreachable address, for example `10.0.0.1=127.0.0.1:19042`
    #[arg(long, value_name = "NODE=HOST:PORT,...", help_heading = CONNECTING)]
    pub address_map: Vec<String>,

    /// Character between fields; `tab` or `\t` for a tab
    #[arg(long, value_name = "CHAR", default_value = ",", help_heading = INPUT)]
    pub delimiter: String,

    /// Character around fields, or `none`
    #[arg(long, value_name = "CHAR", default_value = "\"", help_heading = INPUT)]
    pub quote: String,

    /// Character before a quote in a quoted field, or `none`; doubled quotes always work
    #[arg(long, value_name = "CHAR", default_value = "none", help_heading = INPUT)]
    pub escape: String,

    /// Character at the start of lines that are skipped, or `none`
    #[arg(long, value_name = "CHAR", default_value = "none", help_heading = INPUT)]
    pub comment: String,

    /// The first record is data, not a header; needs --columns
    #[arg(long, help_heading = INPUT)]
    pub no_header: bool,

    /// Texts that mean null where they stand without quotes; the empty field always does
    #[arg(long, value_name = "TEXT,...", help_heading = INPUT)]
    pub null: Vec<String>,

    /// Column of each field, instead of the names in the header
    #[arg(long, value_name = "NAME,...", help_heading = INPUT)]
    pub columns: Vec<String>,

    /// Load although the files lack columns of the table; key columns are always needed
    #[arg(long, help_heading = INPUT)]
    pub allow_missing_columns: bool,

    /// Load although the files have fields that are no columns of the table; those are left out
    #[arg(long, help_heading = INPUT)]
    pub allow_unknown_columns: bool,

    /// Longest record; a longer one stops the load
    #[arg(long, value_name = "SIZE", default_value = "16MiB", help_heading = INPUT)]
    pub max_record_size: String,

    /// Times finer than a millisecond: reject the record, or truncate them
    #[arg(
        long,
        value_name = "reject|truncate",
        value_enum,
        default_value = "reject",
        ignore_case = true,
        hide_possible_values = true,
        help_heading = INPUT
    )]
    pub timestamp_rounding: Rounding,

    /// Worker processes; 0 loads in this process; without it, from the cores and the input's size
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = WRITING)]
    pub workers: Option<String>,

    /// Parser threads of each worker; without it, cores / workers
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = WRITING)]
    pub threads: Option<String>,

    /// Requests in flight in each worker
    #[arg(
        long,
        value_name = "N",
        default_value = "256",
        allow_negative_numbers = true,
        help_heading = WRITING
    )]
    pub in_flight: String,

    /// Sessions that may be opening at any instant, over all workers
    #[arg(long, value_name = "N", default_value = "2", allow_negative_numbers = true, help_heading = WRITING)]
    pub session_starts: String,

    /// Size of the pieces that workers are given; without it, from the input's size and the workers
    #[arg(long, value_name = "SIZE", help_heading = WRITING)]
    pub unit_size: Option<String>,

    /// Write times: by the records' order, one for all (now), or microseconds since 1970
    #[arg(
        long,
        value_name = "order|now|N",
        default_value = "order",
        allow_negative_numbers = true,
        help_heading = WRITING
    )]
    pub timestamp: String,

    /// How long a fault of the cluster may last before the load gives up
    #[arg(long, value_name = "DURATION", default_value = "10m", help_heading = WRITING)]
    pub retry_for: String,

    /// Rejected records that are borne, or their share of all, judged after 1,000 records and at the end
    #[arg(
        long,
        value_name = "N|N%",
        default_value = "100",
        allow_negative_numbers = true,
        help_heading = SAFETY
    )]
    pub max_errors: String,

    /// Directory in which a run with rejects makes one of its own; without it, ringload-rejects
    #[arg(long, value_name = "DIR", help_heading = SAFETY)]
    pub rejects: Option<PathBuf>,

    /// Read, parse and encode everything, but write nothing
    #[arg(long, help_heading = SAFETY)]
    pub dry_run: bool,

    /// Progress on standard error: a bar on a terminal, else a line every 10 s; or as said
    #[arg(
        long,
        value_name = "auto|bar|plain|json|none",
        value_enum,
        default_value = "auto",
        ignore_case = true,
        hide_possible_values = true,
        help_heading = WATCHING
    )]
    pub progress: ProgressMode,

    /// Write the summary to this file as JSON
    #[arg(long, value_name = "FILE.json", help_heading = WATCHING)]
    pub summary: Option<PathBuf>,

    /// Where each option's value came from, for messages; options that nobody gave are absent.
    #[arg(skip)]
    pub(super) origins: BTreeMap<String, Origin>,

    /// What the user should know before the load begins.
    #[arg(skip)]
    pub(super) warnings: Vec<String>,
}
