//! What a job is, how a run recognises it, and what the second run of one does ([`decide`]). Pure.

mod change;
mod decision;
mod meaning;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use crate::control::message::WriteTime;
use crate::schema::mapping::FieldMapping;
use crate::schema::statement::RowPlan;
use crate::settings::TableName;

pub use decision::{Decision, Refusal, Rerun, TableHistory, decide};
pub use meaning::meaning;

/// The value of an option that was not given.
const NOT_SET: &str = "not set";
/// The option that says how long rows live.
pub const TTL: &str = "ttl";
/// Digits of the identity in the name of a job that was given none.
const NAME_DIGITS: usize = 8;

/// What a job is to do: all that may not change as long as it is unfinished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobPlan {
    /// The cluster's name.
    pub cluster: String,
    /// The table.
    pub table: TableName,
    /// The table's id, which a table that is dropped and created again does not keep.
    pub table_id: String,
    /// The settings that change what is written: option name to value, as text.
    pub meaning: BTreeMap<String, String>,
    /// The statement and its columns.
    pub row_plan: RowPlan,
    /// For each input, where its columns are.
    pub mappings: Vec<FieldMapping>,
    /// The inputs in order.
    pub inputs: Vec<JobInput>,
}

/// An input of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobInput {
    /// Its absolute path.
    pub path: PathBuf,
    /// What it was.
    pub fingerprint: Fingerprint,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// A run is at it, or was when it was killed.
    Running,
    /// Stopped by a signal.
    Interrupted,
    /// Stopped because the error budget was spent.
    TooManyErrors,
    /// Stopped because of the cluster, a file or the disk.
    Failed,
    /// A unit failed for good, or the counts do not close.
    Incomplete,
    /// Every record is in the table.
    Done,
    /// Every record is in the table or in the reject files.
    DoneWithRejects,
}

impl JobStatus {
    /// Whether there is nothing left to do.
    pub fn is_finished(self) -> bool {
        matches!(self, JobStatus::Done | JobStatus::DoneWithRejects)
    }
}

/// A job as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number in the ledger.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether the user gave it that name.
    pub named: bool,
    /// What it is to do.
    pub plan: JobPlan,
    /// Its write times: the same in every run.
    pub write_time: WriteTime,
    /// When it was begun, in microseconds since 1970-01-01T00:00:00Z.
    pub begun_us: i64,
    /// When a run last wrote something down.
    pub updated_us: i64,
    /// Where it stands.
    pub status: JobStatus,
    /// Why its last run ended early.
    pub message: Option<String>,
    /// How many runs it had.
    pub runs: u32,
    /// What the inputs hold in all, once they are scanned to their end.
    pub scanned: Option<Scanned>,
    /// Where its rejects are.
    pub rejects_dir: PathBuf,
    /// Whether a unit of it was begun in any run.
    pub was_begun: bool,
}

impl Job {
    /// Whether it is known that no row of it was ever sent. Where its last run did not come to its end, that may have been for want of
    /// power, which takes the last words of the ledger with it: nothing is known then.
    pub fn is_untouched(&self) -> bool {
        !self.was_begun && self.status != JobStatus::Running
    }
}

/// What the inputs hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scanned {
    /// Records of all inputs.
    pub records: u64,
    /// Bytes of all units.
    pub bytes: u64,
}

impl JobPlan {
    /// The name of a job that was given none: from cluster, table, absolute paths and the settings that change meaning; never from
    /// the files' content, so that a job recognises itself when they have changed.
    pub fn derived_name(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut add = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        add(&self.cluster);
        add(&self.table.keyspace);
        add(&self.table.table);
        add(&self.table_id);
        for (option, value) in &self.meaning {
            add(option);
            add(value);
        }
        for input in &self.inputs {
            add(&input.path.to_string_lossy());
        }
        let hash = hasher.finalize().to_hex();
        format!("{}-{}", self.table, &hash[..NAME_DIGITS])
    }
}

/// A time in microseconds since 1970-01-01T00:00:00Z, as people read it: to the second, in UTC.
pub fn show_time(us: i64) -> String {
    Timestamp::from_second(us.div_euclid(1_000_000)).map_or_else(|_| us.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests;
