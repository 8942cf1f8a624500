//! How texts are written that become values: where that is not as usual.
//! A part of the options of every command that reads records.

use crate::codec::forms::{Blobs, EpochUnit, TimeuuidFrom};

/// How texts are written.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Texts")]
pub struct FormArgs {
    /// Words for true and false, instead of the usual ones, for example `ja:nein,1:0`
    #[arg(long, value_name = "TRUE:FALSE,...")]
    pub booleans: Vec<String>,

    /// Character before decimals: one character, or `space`, `nbsp` or `nnbsp` (no-break space, narrow no-break space)
    #[arg(long, value_name = "CHAR", default_value = ".")]
    pub decimal_separator: String,

    /// Character between thousands, or `none`; a number with one in any other place is rejected
    #[arg(long, value_name = "CHAR", default_value = "none")]
    pub thousands_separator: String,

    /// Forms of timestamps, tried in order: as strptime has them, for example `%d/%m/%Y %H:%M:%S`, or `iso` or `epoch`
    #[arg(long, value_name = "FORMAT,...")]
    pub timestamp_format: Vec<String>,

    /// Forms of dates, tried in order: as strptime has them, for example `%d.%m.%Y`, or `iso`
    #[arg(long, value_name = "FORMAT,...")]
    pub date_format: Vec<String>,

    /// Forms of times of day, tried in order: as strptime has them, for example `%I:%M %p`, or `iso`
    #[arg(long, value_name = "FORMAT,...")]
    pub time_format: Vec<String>,

    /// What numbers that are timestamps count since 1970, decimals then allowed; unless said, milliseconds
    #[arg(long, value_name = "s|ms|us|ns", value_enum, ignore_case = true, hide_possible_values = true)]
    pub epoch_unit: Option<EpochUnit>,

    /// Time zone of timestamps without an offset: a name such as Europe/Paris, or an offset such as +01:00; unless said, UTC
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub timezone: Option<String>,

    /// How blobs are written: 0x and hexadecimal digits, or base64
    #[arg(
        long,
        value_name = "hex|base64",
        value_enum,
        default_value = "hex",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub blobs: Blobs,

    /// Make timeuuids of timestamps too: the least or greatest of a millisecond, the same for one time, or from each record's content
    #[arg(
        long,
        value_name = "min|max|fixed|record",
        value_enum,
        ignore_case = true,
        hide_possible_values = true
    )]
    pub timeuuid_from: Option<TimeuuidFrom>,
}
