//! What the ledger knows of its jobs, for people and scripts: how far each is, whether a run is at it, what is left. Also forgets
//! jobs, but never one that a run is at. Where there is no ledger there are no jobs, and none is made.

use std::path::Path;
use std::time::Duration;

use super::LedgerError;
use super::job::Job;
use super::lock::{Locked, is_locked, lock};
use super::store::{LEDGER_FILE, Ledger, Progress};
use crate::plan::unit::WorkUnit;
use crate::reject::merge::delete_parts;

/// A job and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOverview {
    /// The job.
    pub job: Job,
    /// How far it is.
    pub progress: Progress,
    /// Bytes of its inputs.
    pub input_bytes: u64,
    /// Whether a run is at it now.
    pub is_running: bool,
}

/// A unit that is known and not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenUnit {
    /// The unit.
    pub unit: WorkUnit,
    /// Its records that are settled.
    pub settled: u64,
}

/// Why a job is not shown or forgotten.
#[derive(Debug, thiserror::Error)]
pub enum OverviewError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is none of that name.
    #[error("no job {job} in {ledger}: ringload jobs shows all of them")]
    NoSuchJob {
        /// The name.
        job: String,
        /// The ledger.
        ledger: String,
    },
    /// A run is at it.
    #[error("a run ({holder}) is at job {job}: wait for its end, or stop it")]
    Running {
        /// The job.
        job: String,
        /// What the run says of itself.
        holder: String,
    },
}

/// All jobs of a state directory, the latest first.
///
/// # Errors
/// The ledger cannot be read.
pub fn all(state_dir: &Path) -> Result<Vec<JobOverview>, OverviewError> {
    let Some(ledger) = Ledger::open_to_read(state_dir)? else { return Ok(Vec::new()) };
    ledger.jobs()?.into_iter().map(|(job, progress)| overview(state_dir, &ledger, job, progress)).collect()
}

/// One job, and its units that are not done.
///
/// # Errors
/// The ledger cannot be read, or there is no such job.
pub fn one(state_dir: &Path, name: &str) -> Result<(JobOverview, Vec<OpenUnit>), OverviewError> {
    let (ledger, job) = find(state_dir, name, Ledger::open_to_read(state_dir)?)?;
    let open = ledger.units(job.id)?.into_iter().filter_map(|(unit, attempts)| {
        let settled_chunks: u64 = attempts.iter().map(|attempt| u64::from(attempt.prefix.chunks)).sum();
        let settled = attempts.iter().map(|attempt| attempt.prefix.records).sum();
        (settled_chunks < unit.chunks.len() as u64).then_some(OpenUnit { unit, settled })
    });
    let open = open.collect();
    let progress = ledger.progress(job.id)?;
    Ok((overview(state_dir, &ledger, job, progress)?, open))
}

/// Forgets a job.
///
/// # Errors
/// The ledger cannot be written, there is no such job, or a run is at it.
pub fn forget(state_dir: &Path, name: &str) -> Result<(), OverviewError> {
    forget_if(state_dir, name, |_| true).map(|_| ())
}

/// Forgets a job if it is meant, which is asked when nobody can be at it. Returns whether it was.
fn forget_if(
    state_dir: &Path,
    name: &str,
    is_meant: impl FnOnce(&Job) -> bool,
) -> Result<bool, OverviewError> {
    // A name that nobody knows makes no lock.
    find(state_dir, name, Ledger::open_to_read(state_dir)?)?;
    let held = match lock(state_dir, name, "forgetting it")? {
        Locked::Ours(held) => held,
        Locked::HeldBy(holder) => return Err(OverviewError::Running { job: name.to_owned(), holder }),
    };
    let (mut ledger, job) = find(state_dir, name, Ledger::open_existing(state_dir)?)?;
    if !is_meant(&job) {
        return Ok(false);
    }
    ledger.forget(name)?;
    // What was joined of its rejects stays; what was not is of no use any more.
    delete_parts(&job.rejects_dir);
    drop(held);
    Ok(true)
}

/// Forgets jobs at which no run has been since `age` before `now_us`; unfinished ones only if asked to. Returns their names.
///
/// # Errors
/// The ledger cannot be written. A job that a run is at is left out.
pub fn prune(
    state_dir: &Path,
    age: Duration,
    unfinished: bool,
    now_us: i64,
) -> Result<Vec<String>, OverviewError> {
    let before_us = now_us.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
    let jobs = all(state_dir)?;
    let is_old = |job: &Job| job.updated_us < before_us && (unfinished || job.status.is_finished());
    let mut forgotten = Vec::new();
    for found in jobs.into_iter().filter(|found| is_old(&found.job) && !found.is_running) {
        match forget_if(state_dir, &found.job.name, is_old) {
            Ok(true) => forgotten.push(found.job.name),
            Ok(false) => {}
            // Somebody was faster.
            Err(OverviewError::Running { .. } | OverviewError::NoSuchJob { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(forgotten)
}

fn overview(
    state_dir: &Path,
    ledger: &Ledger,
    job: Job,
    progress: Progress,
) -> Result<JobOverview, OverviewError> {
    let is_running = is_locked(state_dir, &job.name)?;
    // What is skipped and what is behind the limit will never be done.
    let in_part = ["skip", "limit"].iter().any(|option| job.plan.meaning.contains_key(*option));
    let input_bytes = match job.scanned.filter(|_| in_part) {
        Some(scanned) => scanned.bytes,
        None => ledger.input_bytes(job.id)?,
    };
    Ok(JobOverview { job, progress, input_bytes, is_running })
}

fn find(state_dir: &Path, name: &str, ledger: Option<Ledger>) -> Result<(Ledger, Job), OverviewError> {
    let found = match ledger {
        Some(ledger) => ledger.find(name)?.map(|job| (ledger, job)),
        None => None,
    };
    found.ok_or_else(|| OverviewError::NoSuchJob {
        job: name.to_owned(),
        ledger: state_dir.join(LEDGER_FILE).display().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_is_no_ledger_there_are_no_jobs_and_nothing_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("none");
        let none = |error: OverviewError| assert!(error.to_string().contains("no job j in "), "{error}");
        assert_eq!(all(&state).unwrap(), []);
        none(one(&state, "j").unwrap_err());
        none(forget(&state, "j").unwrap_err());
        assert_eq!(prune(&state, Duration::ZERO, true, 1).unwrap(), [""; 0]);
        assert!(!state.exists());
    }
}
