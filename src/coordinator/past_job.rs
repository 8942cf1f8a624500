//! The job that loaded what is verified: found in the ledger, and only looked at. What it knows of write times says how much can be
//! told of a row that is not as in the file.

use super::job::{JobError, job_plan};
use super::survey::Survey;
use crate::control::message::WriteTime;
use crate::ledger::fingerprint::Fingerprint;
use crate::ledger::job::{Job, JobPlan, TTL};
use crate::ledger::lock::is_locked;
use crate::ledger::store::Ledger;
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::schema::statement::Ttl;
use crate::settings::{LoadSettings, TimestampMode};
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
    /// When it was begun, in microseconds since 1970-01-01T00:00:00Z.
    pub begun_us: Option<i64>,
    /// How long its rows live, where that is the same for all and nothing else is asked for.
    pub ttl: Option<Ttl>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What is known of write times that the records have themselves: the last one is not.
const EACH_FIELD: Known = Known::EachRecord { last_us: i64::MAX };

/// Whether the records have write times themselves.
fn has_write_times(settings: &LoadSettings) -> bool {
    matches!(settings.writing.timestamp, TimestampMode::Field(_))
}

impl PastJob {
    /// Where the ledger knows of none.
    fn none(settings: &LoadSettings) -> PastJob {
        match has_write_times(settings) {
            true => PastJob { write_time: WriteTime::Field, known: EACH_FIELD, ..PastJob::NONE },
            false => PastJob::NONE,
        }
    }

    const NONE: PastJob = PastJob {
        name: None,
        write_time: WriteTime::Constant(0),
        known: Known::Nothing,
        begun_us: None,
        ttl: None,
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
    let (Some(how), Some(identity)) = (&settings.job, &surveyed.identity) else {
        return Ok(PastJob::none(settings));
    };
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
            None => Ok(PastJob::none(settings)),
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
        _ if job.write_time == WriteTime::Field && !has_write_times(settings) => {
            let field = job.plan.meaning.get(TIMESTAMP).map_or("", String::as_str);
            warnings.push(format!(
                "job {} took write times from a field: without --timestamp {field}, only values are compared",
                job.name
            ));
            Known::Nothing
        }
        // The records have them, whatever else is in the files now.
        _ if job.write_time == WriteTime::Field => EACH_FIELD,
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
    let ttl = own_ttl(&job, settings, &mut warnings);
    let Job { name, write_time, begun_us, .. } = job;
    Ok(PastJob { name: Some(name), write_time, known, begun_us: Some(begun_us), ttl, warnings })
}

/// How long the job's rows live, where the verification is not told.
fn own_ttl(job: &Job, settings: &LoadSettings, warnings: &mut Vec<String>) -> Option<Ttl> {
    let ttl = job.plan.meaning.get(TTL).filter(|_| settings.writing.ttl.is_none())?;
    let seconds = ttl.parse().ok().map(Ttl::Seconds);
    if seconds.is_none() {
        warnings.push(format!(
            "job {} took the time to live of its rows from a field: without --ttl {ttl}, rows that have expired count as missing",
            job.name
        ));
    }
    seconds
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
    let of_field = asked.meaning.get(TIMESTAMP).is_some_and(|timestamp| timestamp.starts_with('@'));
    match job.meaning.get(TIMESTAMP) {
        // Which field it is, a verification has to be told.
        _ if of_field => None,
        Some(timestamp) => asked.meaning.insert(TIMESTAMP.to_owned(), timestamp.clone()),
        None => asked.meaning.remove(TIMESTAMP),
    };
    if let (Some(ttl), None) = (job.meaning.get(TTL), asked.meaning.get(TTL)) {
        asked.meaning.insert(TTL.to_owned(), ttl.clone());
    }
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
