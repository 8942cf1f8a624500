//! A job that is finished: what is left of it to look at, and when a run may call it so.

use super::JobError;
use crate::ledger::LedgerError;
use crate::ledger::job::{Job, JobStatus};
use crate::ledger::lock::JobLock;
use crate::ledger::store::{Ledger, Progress};
use crate::plan::unit::WorkUnit;
use crate::report::event::{RunStatus, Summary};

/// A job that is finished, which nobody else is at as long as this lives.
#[derive(Debug)]
pub struct FinishedJob {
    /// The job.
    pub job: Job,
    /// What it came to.
    pub progress: Progress,
    pub(super) ledger: Ledger,
    pub(super) _lock: JobLock,
}

impl FinishedJob {
    /// Its units.
    ///
    /// # Errors
    /// The ledger cannot be read, or does not know of all that the job's inputs held.
    pub fn units(&self) -> Result<Vec<WorkUnit>, JobError> {
        let units: Vec<WorkUnit> =
            self.ledger.units(self.job.id)?.into_iter().map(|(unit, _)| unit).collect();
        let held = self.job.scanned.map(|scanned| (scanned.records, scanned.bytes));
        let known = units.iter().fold((0, 0), |sum, unit| (sum.0 + unit.records(), sum.1 + unit.bytes()));
        if held != Some(known) {
            let reason = format!(
                "it is finished, and its pieces have {} of its {} records",
                known.0,
                held.map_or("unknown".to_owned(), |(records, _)| records.to_string())
            );
            let inconsistent = LedgerError::Inconsistent { job: self.job.name.clone(), reason };
            return Err(inconsistent.into());
        }
        Ok(units)
    }
}

/// Why a job that went well cannot be called finished, if so: the ledger does not know of all that was done.
pub(super) fn flaw(noted: Result<Progress, LedgerError>, summary: &Summary) -> Option<String> {
    if !summary.status.is_success() {
        return None;
    }
    match noted {
        Ok(noted) if noted.records == summary.records && noted.units_done == noted.units => None,
        Ok(noted) => Some(format!(
            "every record is loaded, but the ledger knows of {} of {} only: run the same command again",
            noted.records, summary.records
        )),
        Err(error) => Some(format!("every record is loaded, but {error}")),
    }
}

/// Where a run that ended so leaves its job.
pub(super) fn job_status(status: RunStatus) -> JobStatus {
    match status {
        RunStatus::Done => JobStatus::Done,
        // What a verification finds comes after the load.
        RunStatus::DoneWithRejects | RunStatus::Differences => JobStatus::DoneWithRejects,
        RunStatus::TooManyErrors => JobStatus::TooManyErrors,
        RunStatus::Failed => JobStatus::Failed,
        RunStatus::Incomplete => JobStatus::Incomplete,
        RunStatus::Interrupted(_) => JobStatus::Interrupted,
    }
}
