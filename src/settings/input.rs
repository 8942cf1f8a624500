//! How the input is read: the files and their format, what their texts mean, which records are taken. Most of it is part of what
//! a job is, see [`crate::ledger::job::meaning`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codec::CodecOptions;
use crate::codec::row::Jagged;
use crate::format::Format;
use crate::format::detect::Said;
use crate::plan::compression::CompressionChoice;
use crate::plan::places::PlaceSettings;
use crate::schema::column_map::ColumnMap;
use crate::schema::query::Query;

/// What to do with a timestamp or time that the column cannot hold exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Rounding {
    /// Reject the record.
    #[default]
    Reject,
    /// Cut the digits that do not fit, towards the past.
    Truncate,
}

/// What becomes of a cell for which a record has a null.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum NullAs {
    /// It stays as it is.
    #[default]
    Unset,
    /// What it has is deleted.
    Tombstone,
}

/// How S3, or what speaks like it, is reached, as far as the environment does not say so; keys are never here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Settings {
    /// The server, as a URL; `None`: as the environment says, or AWS.
    pub endpoint: Option<String>,
    /// The region; `None`: as the environment says, or `us-east-1`.
    pub region: Option<String>,
    /// The bucket is in the host's name, not in the path.
    pub virtual_host: bool,
    /// Requests are not signed.
    pub anonymous: bool,
}

/// How inputs at URLs are read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteSettings {
    /// Several workers read one object.
    pub split: bool,
    /// How long a server may be silent or in trouble.
    pub timeout: Duration,
    /// How S3 is reached.
    pub s3: S3Settings,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        RemoteSettings { split: false, timeout: Duration::from_secs(120), s3: S3Settings::default() }
    }
}

/// Where the dialect is taken from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DialectChoice {
    /// From the options and their defaults.
    #[default]
    Options,
    /// From the files' content, but for what options say.
    Auto,
}

/// How the input is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSettings {
    /// What the files are.
    pub format: Format,
    /// Whether that was said, and is not only what is usual.
    pub format_is_said: bool,
    /// What is taken of directories, and the list of files.
    pub places: PlaceSettings,
    /// How the files are compressed.
    pub compression: CompressionChoice,
    /// Texts that, unquoted, mean null; the unquoted empty field always does.
    pub nulls: Vec<String>,
    /// What becomes of a cell whose field is null.
    pub null_as: NullAs,
    /// The columns of the fields in order, instead of the header's names.
    pub columns: Option<Vec<String>>,
    /// What fills columns, where anything else than fields of their names does.
    pub map: Option<ColumnMap>,
    /// The statement that writes a record, where the user gives it.
    pub query: Option<Query>,
    /// Load although regular columns of the table are not in the file.
    pub allow_missing_columns: bool,
    /// Load although the file has fields that are no columns of the table.
    pub allow_unknown_columns: bool,
    /// Which records are taken though they are not as long as the header.
    pub jagged: Jagged,
    /// Records of each file, from its first, that are passed over.
    pub skip: u64,
    /// Records of all files that are loaded, at most.
    pub limit: Option<u64>,
    /// The longest record in bytes.
    pub max_record_bytes: u64,
    /// How texts are read as values.
    pub codec: CodecOptions,
    /// How inputs at URLs are read.
    pub remote: RemoteSettings,
    /// Where the dialect is taken from.
    pub dialect_choice: DialectChoice,
    /// What of it the user has said.
    pub said: Said,
}

impl InputSettings {
    /// Whether records at the files' beginnings or ends are left out.
    pub fn is_in_part(&self) -> bool {
        self.skip > 0 || self.limit.is_some()
    }
}

#[cfg(test)]
impl InputSettings {
    /// How it is read where no option says anything.
    pub(crate) fn usual() -> Self {
        InputSettings {
            format: Format::default(),
            format_is_said: false,
            places: PlaceSettings::default(),
            compression: CompressionChoice::Auto,
            nulls: Vec::new(),
            null_as: NullAs::Unset,
            columns: None,
            map: None,
            query: None,
            allow_missing_columns: false,
            allow_unknown_columns: false,
            jagged: Jagged::default(),
            skip: 0,
            limit: None,
            max_record_bytes: 16 << 20,
            codec: CodecOptions::DEFAULT,
            remote: RemoteSettings::default(),
            dialect_choice: DialectChoice::Options,
            said: Said::default(),
        }
    }
}
