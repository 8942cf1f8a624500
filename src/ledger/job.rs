//! What a job is, how a run recognises it, and what the second run of one does ([`decide`]). Pure.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use crate::control::message::WriteTime;
use crate::format::Format;
use crate::format::csv::dialect::{Dialect, Escapes, Trim};
use crate::plan::compression::{Compression, CompressionChoice};
use crate::schema::column_map::ColumnMap;
use crate::schema::mapping::FieldMapping;
use crate::schema::statement::RowPlan;
use crate::schema::table::Column;
use crate::settings::{LoadSettings, NullAs, Rounding, TableName, TimestampMode, TtlMode};

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

/// The settings of a load that change what is written, by option: as a person reads them, and different for different settings.
pub fn meaning(settings: &LoadSettings) -> BTreeMap<String, String> {
    let input = &settings.input;
    // Of other formats there is no dialect: what is said of it is always the same.
    let dialect = input
        .format
        .dialect()
        .copied()
        .unwrap_or(Dialect { charset: input.format.charset(), ..Dialect::default() });
    let Dialect { delimiter, quote, escape, escapes, comment, trim, charset, header } = dialect;
    let character =
        |byte: Option<u8>| byte.map_or("none".to_owned(), |byte| format!("{:?}", char::from(byte)));
    let between = match delimiter.single() {
        Some(byte) => character(Some(byte)),
        None => format!("{:?}", String::from_utf8_lossy(delimiter.as_bytes())),
    };
    let list = |texts: &[String]| match texts {
        [] => NOT_SET.to_owned(),
        // Texts can always be written.
        texts => serde_json::to_string(texts).unwrap_or_default(),
    };
    let rounding = match input.codec.rounding {
        Rounding::Reject => "reject",
        Rounding::Truncate => "truncate",
    };
    let timestamp = match &settings.writing.timestamp {
        TimestampMode::Order => "order".to_owned(),
        TimestampMode::Now => "now".to_owned(),
        TimestampMode::Fixed(micros) => micros.to_string(),
        TimestampMode::Field(field) => format!("@{field}"),
    };
    let ttl = settings.writing.ttl.as_ref().map(|ttl| match ttl {
        TtlMode::Seconds(seconds) => seconds.to_string(),
        TtlMode::Field(field) => format!("@{field}"),
    });
    let map = input.map.as_ref();
    let compression = match input.compression {
        // The files' content tells, and their fingerprints say what that was.
        CompressionChoice::Auto => None,
        CompressionChoice::None => Some("none"),
        choice => choice.of(&[]).map(Compression::name),
    };
    // Known from options of later versions by their absence: a job that was begun before there were these is the same job.
    let later = [
        ("allow-missing-fields", input.jagged.missing.then(|| true.to_string())),
        ("allow-extra-fields", input.jagged.extra.then(|| true.to_string())),
        ("escapes", (escapes != Escapes::Quotes).then(|| format!("{escapes:?}").to_lowercase())),
        ("encoding", (!charset.is_utf8()).then(|| charset.name().to_owned())),
        ("format", (!matches!(input.format, Format::Csv(_))).then(|| input.format.name().to_owned())),
        ("trim", (trim != Trim::None).then(|| format!("{trim:?}").to_lowercase())),
        ("format", (!matches!(input.format, Format::Csv(_))).then(|| input.format.name().to_owned())),
        ("skip", (input.skip > 0).then(|| input.skip.to_string())),
        ("limit", input.limit.map(|limit| limit.to_string())),
        (TTL, ttl),
        ("map", map.and_then(ColumnMap::map_text)),
        ("set", map.and_then(ColumnMap::set_text)),
        ("query", input.query.as_ref().map(|query| query.text().to_owned())),
        ("null-as", (input.null_as != NullAs::Unset).then(|| format!("{:?}", input.null_as).to_lowercase())),
        ("input-compression", compression.map(str::to_owned)),
    ];
    let forms = input.codec.forms.as_ref().map(|forms| forms.options()).unwrap_or_default();
    let later = later.into_iter().filter_map(|(option, value)| Some((option, value?))).chain(forms);
    [
        ("delimiter", between),
        ("quote", character(quote)),
        ("escape", character(escape)),
        ("comment", character(comment)),
        ("no-header", (!header).to_string()),
        ("null", list(&input.nulls)),
        ("columns", list(input.columns.as_deref().unwrap_or_default())),
        ("allow-missing-columns", input.allow_missing_columns.to_string()),
        ("allow-unknown-columns", input.allow_unknown_columns.to_string()),
        ("timestamp-rounding", rounding.to_owned()),
        ("timestamp", timestamp),
    ]
    .into_iter()
    .chain(later)
    .map(|(option, value)| (option.to_owned(), value))
    .collect()
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

    /// What is different in `now`, in words; the inputs' content aside.
    pub(crate) fn settings_change(&self, now: &JobPlan) -> Option<String> {
        let options = self.meaning.keys().chain(now.meaning.keys());
        let value = |plan: &JobPlan, option: &str| {
            plan.meaning.get(option).map_or(NOT_SET, String::as_str).to_owned()
        };
        let changed = |option: &&String| self.meaning.get(*option) != now.meaning.get(*option);
        options
            .into_iter()
            .find(changed)
            .map(|option| format!("--{option} was {} and is {} now", value(self, option), value(now, option)))
    }

    fn table_change(&self, now: &JobPlan) -> Option<String> {
        if self.cluster != now.cluster {
            return Some(format!("it writes to cluster {:?}, and this is {:?}", self.cluster, now.cluster));
        }
        if self.table != now.table {
            return Some(format!("it writes to {}, not to {}", self.table, now.table));
        }
        if self.table_id != now.table_id {
            return Some(format!("{} was dropped and created again since", self.table));
        }
        None
    }

    fn columns_change(&self, now: &JobPlan) -> Option<String> {
        (self.row_plan != now.row_plan)
            .then(|| format!("the columns of {} that are loaded have changed since", self.table))
    }

    /// Whether the inputs are at other paths, in words.
    pub(crate) fn paths_change(&self, now: &JobPlan) -> Option<String> {
        let paths = |plan: &JobPlan| plan.inputs.iter().map(|input| input.path.clone()).collect::<Vec<_>>();
        if paths(self) != paths(now) {
            let shown = |paths: Vec<PathBuf>| {
                let shown: Vec<String> =
                    paths.iter().take(3).map(|path| path.display().to_string()).collect();
                format!("{}{}", shown.join(", "), if paths.len() > 3 { ", ..." } else { "" })
            };
            return Some(format!(
                "its inputs are {}, and these are {}",
                shown(paths(self)),
                shown(paths(now))
            ));
        }
        None
    }

    fn input_change(&self, now: &JobPlan) -> Option<String> {
        let paths = self.paths_change(now);
        if paths.is_some() {
            return paths;
        }
        for (was, is) in self.inputs.iter().zip(&now.inputs) {
            if let Some(change) = was.fingerprint.change(&is.fingerprint) {
                return Some(format!("{}: {change}", was.path.display()));
            }
        }
        (self.mappings != now.mappings).then(|| "the headers of the inputs have changed".to_owned())
    }
}

impl JobPlan {
    /// An input that was written to and may hold the same, in words, where nothing else has changed.
    fn touched(&self, now: &JobPlan) -> Option<String> {
        let mut alike = now.clone();
        for (was, is) in self.inputs.iter().zip(&mut alike.inputs) {
            is.fingerprint.modified = was.fingerprint.modified;
        }
        let is_only_that = self.table_change(&alike).is_none()
            && self.settings_change(&alike).is_none()
            && self.columns_change(&alike).is_none()
            && self.input_change(&alike).is_none();
        is_only_that.then(|| self.input_change(now)).flatten()
    }
}

/// What the user wants of a job that has run before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rerun {
    /// To go on with it if it is unfinished.
    #[default]
    Continue,
    /// To begin it anew though it is unfinished.
    Restart,
    /// To begin it anew though it is finished.
    Again,
}

/// What a run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Begin the job.
    Begin,
    /// Go on with it.
    Resume,
    /// It is done already.
    NothingToDo,
}

/// Why an unfinished job cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The settings are not the job's.
    #[error(
        "job {job} is unfinished, and {change}: run it with the settings that it was begun with, or begin it anew with --restart"
    )]
    Settings {
        /// The job.
        job: String,
        /// What is different.
        change: String,
    },
    /// The table is not the job's.
    #[error("job {job} is unfinished, and {change}: begin it anew with --restart")]
    Table {
        /// The job.
        job: String,
        /// What is different.
        change: String,
    },
    /// An input is not what it was.
    #[error(
        "job {job} is unfinished, and {change}: bring back what it was begun with, or begin it anew with --restart"
    )]
    Inputs {
        /// The job.
        job: String,
        /// What is different.
        change: String,
    },
    /// What was loaded is gone.
    #[error(
        "job {job} is unfinished, and {table} was truncated since it was begun, so that what is done would have to be done again: begin \
         it anew with --restart"
    )]
    Truncated {
        /// The job.
        job: String,
        /// The table.
        table: TableName,
    },
    /// Of a job that is finished, an input may be another, or the same.
    #[error(
        "job {job} is finished, none of its records must be sent twice, and {change}: if it has others now, give --again"
    )]
    Touched {
        /// The job.
        job: String,
        /// What is different.
        change: String,
    },
    /// Deleted rows could come back.
    #[error(
        "job {job} is unfinished and was begun {begun}, longer ago than gc_grace_seconds ({gc_grace_seconds}) of {table}: rows that were \
         deleted since could come back; begin it anew with --restart"
    )]
    TooOld {
        /// The job.
        job: String,
        /// When.
        begun: String,
        /// The table's.
        gc_grace_seconds: u64,
        /// The table.
        table: TableName,
    },
}

/// What the cluster says of a table's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableHistory {
    /// How long deletions are remembered.
    pub gc_grace: Duration,
    /// When it was last truncated, in microseconds since 1970-01-01T00:00:00Z.
    pub truncated_us: Option<i64>,
    /// When columns were last dropped, in microseconds since 1970-01-01T00:00:00Z, by name. One that was added again since shows
    /// nothing that was written before.
    pub dropped_us: BTreeMap<String, i64>,
}

impl TableHistory {
    /// The first of these columns that was dropped since, if one was.
    fn dropped_since<'a>(&self, us: i64, columns: &'a [Column]) -> Option<&'a str> {
        let names = columns.iter().map(|column| column.name.as_str());
        names.into_iter().find(|name| self.dropped_us.get(*name).is_some_and(|at| *at > us))
    }

    fn was_truncated_since(&self, us: i64) -> bool {
        self.truncated_us.is_some_and(|at| at > us)
    }
}

/// What a run does that finds `found` under its job's name and is asked for `asked`.
///
/// # Errors
/// The job is unfinished and cannot go on.
pub fn decide(
    found: Option<&Job>,
    asked: &JobPlan,
    rerun: Rerun,
    now_us: i64,
    history: &TableHistory,
) -> Result<Decision, Refusal> {
    let Some(job) = found else { return Ok(Decision::Begin) };
    if job.status.is_finished() {
        let plan = &job.plan;
        let same = plan.table_change(asked).is_none()
            && plan.settings_change(asked).is_none()
            && plan.columns_change(asked).is_none()
            && plan.input_change(asked).is_none()
            // What was truncated or dropped while it was loaded took rows with it as after that.
            && !history.was_truncated_since(job.begun_us)
            && history.dropped_since(job.begun_us, &plan.row_plan.columns).is_none();
        if rerun == Rerun::Again {
            return Ok(Decision::Begin);
        }
        // Whoever was killed before saying that it has finished is run again; nothing must come of that here.
        let is_once = plan.row_plan.once.is_some();
        if let Some(change) = plan.touched(asked).filter(|_| is_once && !same) {
            return Err(Refusal::Touched { job: job.name.clone(), change });
        }
        let is_known = same && (job.named || is_once);
        return Ok(if is_known { Decision::NothingToDo } else { Decision::Begin });
    }
    if rerun == Rerun::Restart {
        return Ok(Decision::Begin);
    }
    match refusal(job, asked, now_us, history) {
        None => Ok(Decision::Resume),
        // Nothing was sent: there is nothing that could be mixed up or done twice.
        Some(_) if job.is_untouched() => Ok(Decision::Begin),
        Some(refusal) => Err(refusal),
    }
}

/// Why an unfinished job cannot go on, if so.
fn refusal(job: &Job, asked: &JobPlan, now_us: i64, history: &TableHistory) -> Option<Refusal> {
    let (plan, name) = (&job.plan, || job.name.clone());
    if let Some(change) = plan.table_change(asked) {
        return Some(Refusal::Table { job: name(), change });
    }
    if let Some(change) = plan.settings_change(asked) {
        return Some(Refusal::Settings { job: name(), change });
    }
    // Other settings may have led to other columns; they are to blame then.
    if let Some(change) = plan.columns_change(asked) {
        return Some(Refusal::Table { job: name(), change });
    }
    if let Some(column) = history.dropped_since(job.begun_us, &plan.row_plan.columns) {
        let change = format!(
            "column {column} of {} was dropped since it was begun, with what was loaded into it",
            plan.table
        );
        return Some(Refusal::Table { job: name(), change });
    }
    if let Some(change) = plan.input_change(asked) {
        return Some(Refusal::Inputs { job: name(), change });
    }
    if history.was_truncated_since(job.begun_us) {
        return Some(Refusal::Truncated { job: name(), table: plan.table.clone() });
    }
    let gc_grace = history.gc_grace;
    let age_us = u128::try_from(now_us.saturating_sub(job.begun_us)).unwrap_or(0);
    if age_us > gc_grace.as_micros() {
        return Some(Refusal::TooOld {
            job: name(),
            begun: show_time(job.begun_us),
            gc_grace_seconds: gc_grace.as_secs(),
            table: plan.table.clone(),
        });
    }
    None
}

/// A time in microseconds since 1970-01-01T00:00:00Z, as people read it: to the second, in UTC.
pub fn show_time(us: i64) -> String {
    Timestamp::from_second(us.div_euclid(1_000_000)).map_or_else(|_| us.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests;
