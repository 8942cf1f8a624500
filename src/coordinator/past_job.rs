//! The job that loaded what is verified: found in the ledger, and only looked at. What it knows of write times says how much can be
//! told of a row that is not as in the file.

use super::job::{JobError, job_plan};
use super::survey::Survey;
use crate::control::message::WriteTime;
use crate::ledger::fingerprint::Fingerprint;
use crate::ledger::job::{Job, JobPlan};
use crate::ledger::lock::is_locked;
use crate::ledger::store::Ledger;
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::settings::LoadSettings;
use crate::verify::compare::Known;

/// The setting that says where write times come from: the job knows it, a verification need not.
const TIMESTAMP: &str = "timestamp";

/// What is known of the job that loaded the files.
#[derive(Debug)]
pub struct PastJob {
    /// Its name; `None` if the ledger knows of none.
    pub name: Option<String>,
    /// The write times of its rows.
    pub write_time: WriteTime,
    /// How much of them is known.
    pub known: Known,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl PastJob {
    const NONE: PastJob = PastJob {
        name: None,
        write_time: WriteTime::Constant(0),
        known: Known::Nothing,
        warnings: Vec::new(),
    };
}

/// Finds the job that loaded these files into this table: the one that is named, or else the latest with the same table, files and
/// settings.
///
/// # Errors
/// A run is at the job, the named one is unknown or not of this table, or the ledger or an input cannot be read.
pub fn find_past_job(
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    surveyed: &Survey,
) -> Result<PastJob, JobError> {
    let (Some(how), Some(identity)) = (&settings.job, &surveyed.identity) else { return Ok(PastJob::NONE) };
    let ledger = Ledger::open_to_read(&how.state_dir)?;
    let asked = job_plan(settings, inputs, surveyed, identity)?;
    let found = match (&ledger, &how.name) {
        (Some(ledger), Some(name)) => ledger.find(name)?,
        (Some(ledger), None) => find_alike(ledger, &asked)?,
        (None, _) => None,
    };
    let Some(job) = found else {
        return match &how.name {
            Some(name) => {
                Err(JobError::Unknown { job: name.clone(), state_dir: how.state_dir.display().to_string() })
            }
            None => Ok(PastJob::NONE),
        };
    };
    if !is_of_table(&job.plan, &asked) {
        let table = settings.table.to_string();
        return Err(JobError::OtherTable { job: job.name, of: job.plan.table.to_string(), table });
    }
    if is_locked(&how.state_dir, &job.name)? {
        return Err(JobError::Locked { job: job.name, holder: String::new() });
    }
    let last_us = last_write_us(&job, ledger.as_ref())?;
    let mut warnings = Vec::new();
    if !job.status.is_finished() {
        let name = &job.name;
        warnings.push(format!("job {name} is unfinished: what it has not loaded yet counts as missing"));
    }
    let known = match changed_since(&job, &asked, inputs)? {
        None => Known::EachRecord { last_us },
        Some(change) => {
            warnings.push(format!(
                "since job {} {change}: which record was written when is not known any more, so that a value that a later record \
                 of the same key has superseded counts as different",
                job.name
            ));
            Known::LastRecord { last_us }
        }
    };
    Ok(PastJob { name: Some(job.name), write_time: job.write_time, known, warnings })
}

fn find_alike(ledger: &Ledger, asked: &JobPlan) -> Result<Option<Job>, JobError> {
    for (job, _) in ledger.jobs()? {
        if is_of_table(&job.plan, asked)
            && settings_change(&job.plan, asked).is_none()
            // The list of jobs comes without their inputs.
            && let Some(job) = ledger.find(&job.name)?
            && job.plan.paths_change(asked).is_none()
        {
            return Ok(Some(job));
        }
    }
    Ok(None)
}

/// Whether a job is about this very table, which was not dropped and created again.
fn is_of_table(job: &JobPlan, asked: &JobPlan) -> bool {
    job.cluster == asked.cluster && job.table == asked.table && job.table_id == asked.table_id
}

/// What is different in the settings that say how records are read.
fn settings_change(job: &JobPlan, asked: &JobPlan) -> Option<String> {
    let mut asked = asked.clone();
    match job.meaning.get(TIMESTAMP) {
        Some(timestamp) => asked.meaning.insert(TIMESTAMP.to_owned(), timestamp.clone()),
        None => asked.meaning.remove(TIMESTAMP),
    };
    job.settings_change(&asked)
}

/// Why the records are no longer those that had their ordinals, if so. The paths may be others: files are moved away when they are
/// loaded.
fn changed_since(
    job: &Job,
    asked: &JobPlan,
    inputs: &[(InputFile, Header)],
) -> Result<Option<String>, JobError> {
    if let Some(change) = settings_change(&job.plan, asked) {
        return Ok(Some(format!("the settings have changed ({change})")));
    }
    if job.plan.inputs.len() != inputs.len() {
        return Ok(Some(format!(
            "the inputs have changed (they were {} files and are {})",
            job.plan.inputs.len(),
            inputs.len()
        )));
    }
    for (was, (file, _)) in job.plan.inputs.iter().zip(inputs) {
        let now = Fingerprint::of(file, was.fingerprint.kind)?;
        if let Some(change) = was.fingerprint.change(&now) {
            return Ok(Some(format!("{} has changed ({change})", file.path.display())));
        }
    }
    Ok(None)
}

/// The write time of the last record that the job knows of.
fn last_write_us(job: &Job, ledger: Option<&Ledger>) -> Result<i64, JobError> {
    let records = match (job.scanned, ledger) {
        (Some(scanned), _) => scanned.records,
        (None, Some(ledger)) => {
            let units = ledger.units(job.id)?;
            units.last().map_or(0, |(unit, _)| unit.first_ordinal + unit.records())
        }
        (None, None) => 0,
    };
    Ok(job.write_time.last_of(records.saturating_sub(1)))
}
