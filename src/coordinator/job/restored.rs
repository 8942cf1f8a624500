//! What earlier runs of a job have left: read from the ledger before this one begins, and said. Writes nothing down but that it cannot
//! be gone on from.

use std::path::PathBuf;

use super::{JobError, Remembered, RunJob, absolute};
use crate::clock::Clock;
use crate::coordinator::assignment::Assignment;
use crate::coordinator::tally::UnitTally;
use crate::ledger::LedgerError;
use crate::ledger::job::{JobStatus, Scanned, show_time};
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::plan::unit::WorkUnit;
use crate::reject::RejectCode;
use crate::reject::merge::check_parts;
use crate::report::event::{Resumed, RunEvent};
use crate::settings::LoadSettings;

/// What earlier runs have left.
#[derive(Debug)]
pub struct Known {
    /// The units, and what of them is done.
    pub assignment: Assignment,
    /// What of that was done before this run.
    pub resumed: Resumed,
    /// Totals, if the inputs are scanned to their end.
    pub scanned: Option<Scanned>,
    /// The last unit that is planned.
    pub last: Option<WorkUnit>,
    /// Bytes of all units that are planned.
    pub planned_bytes: u64,
    /// The units that are planned.
    pub tally: UnitTally,
}

impl RunJob {
    /// What earlier runs of the job have left; says so, if there were any. Where that cannot be gone on from, that is the run's end, of
    /// which the ledger is told.
    ///
    /// # Errors
    /// The ledger cannot be read, what it says does not fit together, or rejects are gone.
    pub fn restore(
        &mut self,
        settings: &LoadSettings,
        inputs: &[(InputFile, Header)],
        report: &mut dyn FnMut(RunEvent),
    ) -> Result<Known, JobError> {
        let known = self.known(settings, inputs, report);
        if let (Err(error), Some(Remembered { job, ledger: Some(ledger), .. })) =
            (&known, &mut self.remembered)
        {
            // Why there is nothing to go on from is what the user is to know, also where this cannot be written down.
            let message = error.to_string();
            drop(ledger.finish(job.id, JobStatus::Failed, Some(&message), Clock::set().now_us()));
        }
        known
    }

    fn known(
        &self,
        settings: &LoadSettings,
        inputs: &[(InputFile, Header)],
        report: &mut dyn FnMut(RunEvent),
    ) -> Result<Known, JobError> {
        let mut known = Known {
            assignment: Assignment::new(self.run).once(self.is_once()),
            resumed: Resumed::default(),
            scanned: None,
            last: None,
            planned_bytes: 0,
            tally: UnitTally::default(),
        };
        let Some(Remembered { job, ledger: Some(ledger), .. }) = &self.remembered else { return Ok(known) };
        if self.run == 1 {
            return Ok(known);
        }
        known.scanned = job.scanned;
        let mut read_again: Vec<PathBuf> = Vec::new();
        for (unit, attempts) in ledger.units(job.id)? {
            let settled: u32 = attempts.iter().map(|attempt| attempt.prefix.chunks).sum();
            if let Some((file, _)) = inputs.get(unit.file.0 as usize)
                && file.is_read_forwards()
                && (1..unit.chunk_count()).contains(&settled)
            {
                read_again.push(file.path.clone());
            }
            known.planned_bytes += unit.bytes();
            known.tally.add(&unit);
            known.last = Some(unit.clone());
            let restored = known.assignment.restore(unit, attempts);
            restored.map_err(|error| LedgerError::Inconsistent {
                job: job.name.clone(),
                reason: error.to_string(),
            })?;
        }
        let done = known.assignment.done_counts();
        known.resumed = Resumed {
            records: done.records,
            written: done.written,
            bytes: done.bytes,
            uncertain: if self.is_once() { 0 } else { known.assignment.uncertain_records() },
        };
        report(RunEvent::Resumed {
            job: job.name.clone(),
            begun: show_time(job.begun_us),
            run: self.run,
            resumed: known.resumed,
            read_again,
        });
        if let (true, in_doubt @ 1..) = (self.is_once(), known.assignment.uncertain_records()) {
            report(RunEvent::Warning(format!(
                "{in_doubt} records were on their way when the run before was cut short, and may have been written: none of them is sent \
                 again, and the uncertain files will have them"
            )));
        }
        if absolute(&settings.rejects_dir)?.parent() != self.rejects_dir.parent() {
            let dir = self.rejects_dir.display();
            report(RunEvent::Warning(format!(
                "the rejects of all runs of this job go to {dir}, where its first run put them"
            )));
        }
        // At the end, when they are joined, everything would be loaded for nothing.
        let rejects = check_parts(&self.rejects_dir, &known.assignment.parts())?;
        let aside = rejects.of(RejectCode::Uncertain) + rejects.of(RejectCode::NotApplied);
        known.assignment.set_aside_before(aside);
        Ok(known)
    }
}
