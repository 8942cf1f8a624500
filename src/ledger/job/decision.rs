//! What the second run of a job does: goes on, begins anew, has nothing to do, or is told why it cannot. Pure: the ledger's and the
//! cluster's facts come in as values.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Job, JobPlan, show_time};
use crate::schema::repeat::Once;
use crate::schema::table::Column;
use crate::settings::TableName;

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
    /// One of those before, of a job whose records must not be sent twice.
    #[error(
        "{why}, which sends all of its records once more, also those that were written ({once}): look first what is in the table"
    )]
    Once {
        /// Why it cannot go on.
        why: Box<Refusal>,
        /// Why they must not be sent twice.
        once: Once,
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
        Some(refusal) => Err(warned(refusal, job, asked)),
    }
}

/// The same with a warning where to begin anew would do twice what must not be: not where what was done is gone.
fn warned(refusal: Refusal, job: &Job, asked: &JobPlan) -> Refusal {
    let is_gone = matches!(refusal, Refusal::Truncated { .. }) || job.plan.table_change(asked).is_some();
    match &job.plan.row_plan.once {
        Some(once) if !is_gone => Refusal::Once { why: Box::new(refusal), once: once.clone() },
        _ => refusal,
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
