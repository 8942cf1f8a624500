//! How the files are read and which column each field belongs to.
//! A command that reads records takes this group.

use std::path::PathBuf;

use super::{FormArgs, RemoteArgs};
use crate::format::FormatName;
use crate::format::csv::dialect::{Escapes, Trim};
use crate::plan::compression::CompressionChoice;
use crate::settings::{DialectChoice, NullAs, Rounding};

/// How the files are read.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// What the files are: csv (unless said otherwise), tsv (tabs, no quotes, \t \n \\ and \N for null), ndjson (a JSON object a line),
    /// or json (objects one after the other, one array of them), or parquet
    #[arg(
        long,
        value_name = "csv|tsv|ndjson|json|parquet",
        value_enum,
        ignore_case = true,
        hide_possible_values = true
    )]
    pub format: Option<FormatName>,

    /// What stands between fields, one character or several; `tab` or `\t` for a tab, `\x01` for any ASCII character
    #[arg(long, value_name = "TEXT", default_value = ",")]
    pub delimiter: String,

    /// Character around fields, or `none`
    #[arg(long, value_name = "CHAR", default_value = "\"")]
    pub quote: String,

    /// Character before a quote or itself in a quoted field, or `none`; doubled quotes always work
    #[arg(long, value_name = "CHAR", default_value = "none")]
    pub escape: String,

    /// Where the escape works: in quoted fields only, or before any character anywhere, or that and as cqlsh's COPY TO escapes texts,
    /// or anywhere as in tab-separated values: \t, \n and their like, and \N for null
    #[arg(
        long,
        value_name = "quotes|any|cqlsh|tsv",
        value_enum,
        default_value = "quotes",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub escapes: Escapes,

    /// Character at the start of lines that are skipped, or `none`
    #[arg(long, value_name = "CHAR", default_value = "none")]
    pub comment: String,

    /// Spaces and tabs around fields that are no data: none, those outside of quotes, or all, those at the ends of quoted fields too
    #[arg(
        long,
        value_name = "none|unquoted|all",
        value_enum,
        default_value = "none",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub trim: Trim,

    /// Encoding of the files, such as latin1, windows-1250, utf-16le or shift_jis; a byte order mark of UTF-16 tells by itself
    #[arg(long, value_name = "NAME", default_value = "utf-8")]
    pub encoding: String,

    /// Where the options above and --no-header come from that are not given: their defaults, or what the files' content looks like
    #[arg(
        long,
        value_name = "options|auto",
        value_enum,
        default_value = "options",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub dialect: DialectChoice,

    /// The first record is data, not a header; needs --columns
    #[arg(long)]
    pub no_header: bool,

    /// Texts that mean null where they stand without quotes; the empty field always does
    #[arg(long, value_name = "TEXT,...")]
    pub null: Vec<String>,

    /// Cells whose fields are null: leave them as they are, or delete what they have
    #[arg(
        long,
        value_name = "unset|tombstone",
        value_enum,
        default_value = "unset",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub null_as: NullAs,

    /// Column of each field, instead of the names in the header
    #[arg(long, value_name = "NAME,...")]
    pub columns: Vec<String>,

    /// What fills each column, for example `id = Order ID, n = #2, src = $file, -note, *`: a field by name or place (#1 is the first),
    /// $file, $name, $line or $record; -COLUMN leaves one unset, * takes all other fields by their names
    #[arg(long, value_name = "COLUMN=FIELD,...", allow_hyphen_values = true)]
    pub map: Option<String>,

    /// Columns that have the same value in all rows, for example `region = eu`
    #[arg(long, value_name = "COLUMN=VALUE,...")]
    pub set: Vec<String>,

    /// Statement that writes a record, instead of an INSERT: an INSERT, UPDATE or DELETE with a :NAME wherever the field of that name, or
    /// what --map and --set say of it, is to stand
    #[arg(long, value_name = "CQL")]
    pub query: Option<String>,

    /// Take files that lack columns of the table; key columns are always needed
    #[arg(long)]
    pub allow_missing_columns: bool,

    /// Take files with fields that are no columns of the table; those are left out
    #[arg(long)]
    pub allow_unknown_columns: bool,

    /// Take records with fewer fields than the header; those that are not there are null
    #[arg(long)]
    pub allow_missing_fields: bool,

    /// Take records with more fields than the header; those that are too many are left out
    #[arg(long)]
    pub allow_extra_fields: bool,

    /// Records to pass over at the start of each file, behind its header
    #[arg(long, value_name = "N", default_value = "0", allow_negative_numbers = true)]
    pub skip: String,

    /// Load the first N records of all files together, not counting those passed over
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub limit: Option<String>,

    /// Take the files in directories below the named ones too
    #[arg(long)]
    pub recursive: bool,

    /// Take only those files of directories whose names match one of these patterns
    #[arg(long, value_name = "GLOB,...")]
    pub pattern: Vec<String>,

    /// File with the paths of more inputs, one a line; - for standard input
    #[arg(long, value_name = "LIST")]
    pub files_from: Option<PathBuf>,

    /// How the files are compressed; their first bytes tell, unless said otherwise
    #[arg(
        long,
        value_name = "auto|none|gzip|zstd|bzip2|xz|lz4|snappy",
        value_enum,
        default_value = "auto",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub input_compression: CompressionChoice,

    /// Longest record; a longer one ends the run
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    pub max_record_size: String,

    /// Timestamps finer than a millisecond, and times finer than a nanosecond: reject the record, or truncate them
    #[arg(
        long,
        value_name = "reject|truncate",
        value_enum,
        default_value = "reject",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub timestamp_rounding: Rounding,

    /// How texts are written.
    #[command(flatten)]
    pub forms: FormArgs,

    /// Inputs at URLs.
    #[command(flatten)]
    pub remote: RemoteArgs,
}
