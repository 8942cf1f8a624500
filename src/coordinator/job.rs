//! Which job a run is at, and what of it is left to do: asks the ledger before the first row, and tells it the end.

mod error;
mod finished;
mod restored;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::LoadError;
use super::dispatcher::Dispatcher;
use super::run::{Event, Outcome};
use super::survey::Survey;
use super::write_times::{check_begin, check_resume, write_time_of};
use crate::clock::Clock;
use crate::control::message::WriteTime;
use crate::ledger::LedgerError;
use crate::ledger::fingerprint::{Fingerprint, FingerprintKind};
use crate::ledger::job::{Decision, Job, JobInput, JobPlan, TableHistory, decide, meaning};
use crate::ledger::journal::{Journal, Written};
use crate::ledger::lock::{JobLock, Locked, lock};
use crate::ledger::store::{Ledger, NewJob, Told};
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::plan::unit::WorkUnit;
use crate::reject::merge::{check_writable, delete_parts};
use crate::remote::address::is_remote;
use crate::report::event::{RunEvent, RunStatus, Summary};
use crate::schema::identity::TableIdentity;
use crate::schema::statement::RowPlan;
use crate::settings::{JobSettings, LoadSettings};

pub use error::JobError;
pub use finished::FinishedJob;
use finished::{flaw, job_status};
pub use restored::Known;

/// A job into a table that remembers deletions no longer than this may well be too old to go on when somebody looks at it.
const SHORT_GRACE: Duration = Duration::from_secs(3_600);

/// What a run knows of its job. In a dry run there is nothing to remember, and no ledger.
#[derive(Debug)]
pub struct RunJob {
    /// The number of this run, from 1.
    pub run: u32,
    /// Write times.
    pub write_time: WriteTime,
    /// Where rejects go.
    pub rejects_dir: PathBuf,
    remembered: Option<Remembered>,
    /// Where only the write times are noted, because its input can be read only once.
    noting: Option<Noting>,
}

/// A table's write times in the ledger.
#[derive(Debug)]
struct Noting {
    ledger: Ledger,
    cluster: String,
    table_id: String,
}

/// A job in the ledger, which nobody else is at as long as this lives.
#[derive(Debug)]
struct Remembered {
    job: Job,
    /// Away while the journal has it.
    ledger: Option<Ledger>,
    /// CPU time that writing it has taken.
    ledger_cpu: Option<Duration>,
    _lock: JobLock,
}

/// What the ledger says of a run's job.
#[derive(Debug)]
pub enum Opened {
    /// There is something to do.
    Work(Box<RunJob>),
    /// It is finished.
    NothingToDo(Box<FinishedJob>),
}

/// Finds the run's job in the ledger, locks it, and begins it or goes on with it.
///
/// # Errors
/// Another run is at it, it cannot go on, or the ledger or an input cannot be used.
pub fn open_job(
    ledger: Option<Ledger>,
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    surveyed: &Survey,
    report: &mut dyn FnMut(RunEvent),
) -> Result<Opened, JobError> {
    let now_us = Clock::set().now_us();
    let (Some(mut ledger), Some(how), Some(identity)) = (ledger, &settings.job, &surveyed.identity) else {
        let write_time = write_time_of(&settings.writing.timestamp, &surveyed.row_plan, now_us, None)?;
        let rejects_dir = absolute(&settings.rejects_dir)?;
        return Ok(Opened::Work(Box::new(RunJob::passing(write_time, rejects_dir))));
    };
    if settings.reads_stdin() {
        return Ok(Opened::Work(Box::new(once(settings, ledger, identity, &surveyed.row_plan, now_us)?)));
    }
    let mut asked = job_plan(settings, inputs, surveyed, identity)?;
    let name = how.name.clone().unwrap_or_else(|| asked.derived_name());
    let lock = take_lock(&how.state_dir, &name)?;
    let found = ledger.find(&name)?;
    for (index, (input, (file, _))) in asked.inputs.iter_mut().zip(inputs).enumerate() {
        // What is compared must have been made in the same way.
        let known = found.as_ref().and_then(|job| job.plan.inputs.get(index));
        let kind = known.map_or(how.fingerprint, |known| known.fingerprint.kind);
        input.fingerprint = Fingerprint::of(file, kind)?;
    }
    let TableIdentity { gc_grace, truncated_us, dropped_us, .. } = identity.clone();
    let history = TableHistory { gc_grace, truncated_us, dropped_us };
    let decision = decide(found.as_ref(), &asked, how.rerun, now_us, &history)?;
    let (job, run) = match (decision, found) {
        (Decision::NothingToDo, Some(job)) => {
            let progress = ledger.progress(job.id)?;
            // Its last run may have been killed just before it took them away.
            delete_parts(&job.rejects_dir);
            return Ok(Opened::NothingToDo(Box::new(FinishedJob { job, progress, ledger, _lock: lock })));
        }
        (Decision::Resume, Some(job)) => {
            check_resume(&job.name, job.write_time, ledger.progress(job.id)?.records, now_us)?;
            check_writable(&job.rejects_dir)?;
            let run = ledger.resume(job.id, now_us)?;
            (job, run)
        }
        (_, replaced) => {
            if let Some((before, once)) = replaced.as_ref().zip(surveyed.row_plan.once.as_ref())
                && before.plan.table_id == asked.table_id
                && !before.is_untouched()
            {
                report(RunEvent::Warning(format!(
                    "job {name} is begun anew: records that its runs before have sent are sent once more, and {once}"
                )));
            }
            let new = new_job(&ledger, how, settings, inputs, name, asked, now_us)?;
            (begin(&mut ledger, &new, replaced.as_ref())?, 1)
        }
    };
    let (write_time, rejects_dir) = (job.write_time, job.rejects_dir.clone());
    if gc_grace < SHORT_GRACE {
        report(RunEvent::Warning(format!(
            "gc_grace_seconds of {} is {}: a load that is cut short can go on for so long only, then it begins anew with --restart",
            settings.table,
            gc_grace.as_secs()
        )));
    }
    let remembered = Some(Remembered { job, ledger: Some(ledger), ledger_cpu: None, _lock: lock });
    Ok(Opened::Work(Box::new(RunJob { run, write_time, rejects_dir, remembered, noting: None })))
}

/// A job that no other run can go on with. Its write times are later than all before it, and those of jobs after it later than its.
fn once(
    settings: &LoadSettings,
    mut ledger: Ledger,
    identity: &TableIdentity,
    plan: &RowPlan,
    now_us: i64,
) -> Result<RunJob, JobError> {
    let (cluster, table_id) = (identity.cluster.clone(), identity.table_id.clone());
    let last_us = ledger.last_write_us(&cluster, &table_id)?;
    let write_time = write_time_of(&settings.writing.timestamp, plan, now_us, last_us)?;
    if write_time != WriteTime::Server {
        check_begin(&settings.writing.timestamp, &settings.table.to_string(), now_us, last_us)?;
    }
    if write_time.is_held() {
        ledger.note_write_time(&cluster, &table_id, write_time.of(0))?;
    }
    let noting = Some(Noting { ledger, cluster, table_id });
    Ok(RunJob { noting, ..RunJob::passing(write_time, absolute(&settings.rejects_dir)?) })
}

/// What this run is asked to do, its inputs not looked at yet. Paths are made absolute and no more than that: a link that points to
/// another file every night is one input.
pub(super) fn job_plan(
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    surveyed: &Survey,
    identity: &TableIdentity,
) -> Result<JobPlan, JobError> {
    let input = |(file, _): &(InputFile, Header)| {
        let (path, size, modified) = (absolute(&file.path)?, file.size, file.modified);
        let fingerprint =
            Fingerprint { size, modified, kind: FingerprintKind::default(), hash: String::new() };
        Ok(JobInput { path, fingerprint })
    };
    Ok(JobPlan {
        cluster: identity.cluster.clone(),
        table: settings.table.clone(),
        table_id: identity.table_id.clone(),
        meaning: meaning(settings),
        row_plan: surveyed.row_plan.clone(),
        mappings: surveyed.mappings.clone(),
        inputs: inputs.iter().map(input).collect::<Result<_, JobError>>()?,
    })
}

/// A path as the ledger keeps it, which is text.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, JobError> {
    if is_remote(path) {
        return Ok(path.to_owned());
    }
    let absolute =
        std::path::absolute(path).map_err(|source| JobError::Path { path: path.to_owned(), source })?;
    match absolute.to_str() {
        Some(_) => Ok(absolute),
        None => Err(JobError::PathNotUtf8 { path: absolute }),
    }
}

fn new_job(
    ledger: &Ledger,
    how: &JobSettings,
    settings: &LoadSettings,
    inputs: &[(InputFile, Header)],
    name: String,
    mut plan: JobPlan,
    now_us: i64,
) -> Result<NewJob, JobError> {
    for (input, (file, _)) in plan.inputs.iter_mut().zip(inputs) {
        // A job that begins is asked how it wants its inputs to be compared, whatever an earlier one of its name said.
        if input.fingerprint.kind != how.fingerprint {
            input.fingerprint = Fingerprint::of(file, how.fingerprint)?;
        }
    }
    let last_us = ledger.last_write_us(&plan.cluster, &plan.table_id)?;
    let write_time = write_time_of(&settings.writing.timestamp, &plan.row_plan, now_us, last_us)?;
    if write_time != WriteTime::Server {
        check_begin(&settings.writing.timestamp, &plan.table.to_string(), now_us, last_us)?;
    }
    Ok(NewJob {
        name,
        named: how.name.is_some(),
        plan,
        write_time,
        begun_us: now_us,
        rejects_dir: absolute(&settings.rejects_dir)?,
    })
}

/// Begins a job in the place of the one that had its name, if one did.
fn begin(ledger: &mut Ledger, new: &NewJob, replaced: Option<&Job>) -> Result<Job, LedgerError> {
    let job = ledger.begin(new)?;
    // Only now: what cannot be written down has not begun, and the old job may still go on. What that had joined stays; what it had
    // not is of no use any more.
    if let Some(replaced) = replaced {
        delete_parts(&replaced.rejects_dir);
    }
    Ok(job)
}

fn take_lock(state_dir: &Path, job: &str) -> Result<JobLock, JobError> {
    let holder =
        format!("process {}, started {}", std::process::id(), jiff::Timestamp::now().strftime("%FT%TZ"));
    match lock(state_dir, job, &holder)? {
        Locked::Ours(lock) => Ok(lock),
        Locked::HeldBy(holder) => {
            let holder = if holder.is_empty() { holder } else { format!(" ({holder})") };
            Err(JobError::Locked { job: job.to_owned(), holder })
        }
    }
}

impl RunJob {
    /// A job that nobody remembers.
    pub fn passing(write_time: WriteTime, rejects_dir: PathBuf) -> Self {
        RunJob { run: 1, write_time, rejects_dir, remembered: None, noting: None }
    }

    /// When the job was begun, in microseconds since 1970-01-01T00:00:00Z, if it is remembered.
    pub fn begun_us(&self) -> Option<i64> {
        self.remembered.as_ref().map(|remembered| remembered.job.begun_us)
    }

    /// Whether no record must be sent twice.
    pub(super) fn is_once(&self) -> bool {
        self.remembered.as_ref().is_some_and(|remembered| remembered.job.plan.row_plan.once.is_some())
    }

    /// The job's units, once the journal is closed.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn units(&self) -> Result<Vec<WorkUnit>, JobError> {
        let Some(Remembered { job, ledger: Some(ledger), .. }) = &self.remembered else {
            return Ok(Vec::new());
        };
        Ok(ledger.units(job.id)?.into_iter().map(|(unit, _)| unit).collect())
    }

    /// Lets the ledger follow the run.
    ///
    /// # Errors
    /// Its thread cannot be started.
    pub fn keep_journal(&mut self, dispatcher: &mut Dispatcher<'_>) -> Result<(), LoadError> {
        let Some(Remembered { job, ledger, .. }) = &mut self.remembered else { return Ok(()) };
        let Some(ledger) = ledger.take() else { return Ok(()) };
        let events = dispatcher.events();
        // Nobody listens any more when the run is over.
        let told = move |told: Result<u64, String>| {
            drop(events.send(told.map_or_else(Event::JournalFailed, Event::BegunWrittenDown)));
        };
        dispatcher.keep_journal(Journal::start(ledger, job.clone(), told).map_err(LoadError::Threads)?);
        Ok(())
    }

    /// Waits until all facts of the run are in the ledger.
    ///
    /// # Errors
    /// They could not be written.
    pub fn close_journal(&mut self, outcome: &mut Outcome) -> Result<(), String> {
        let (Some(remembered), Some(journal)) = (&mut self.remembered, outcome.journal.take()) else {
            return Ok(());
        };
        let (written, noted) = journal.close();
        if let Some(Written { ledger, cpu }) = written {
            remembered.ledger = Some(ledger);
            remembered.ledger_cpu = cpu;
        }
        noted
    }

    /// Tells the ledger how the run ended; where that cannot be written down, the job is not finished.
    pub fn finish(&mut self, summary: &mut Summary) {
        if let (Some(noting), true) = (&mut self.noting, self.write_time.is_held()) {
            // No row was sent before its write time had come.
            let Noting { ledger, cluster, table_id } = noting;
            let noted = ledger.note_write_time(cluster, table_id, Clock::set().now_us());
            if let (Err(error), true) = (noted, summary.status.is_success()) {
                summary.status = RunStatus::Failed;
                summary.message = Some(format!("every record is loaded, but {error}"));
            }
        }
        let Some(Remembered { job, ledger: Some(ledger), .. }) = &mut self.remembered else { return };
        if let Some(flaw) = flaw(ledger.progress(job.id), summary) {
            (summary.status, summary.message) = (RunStatus::Failed, Some(flaw));
        }
        let (status, message) = (job_status(summary.status), summary.message.as_deref());
        let told = Told { uncertain: summary.uncertain, not_applied: summary.not_applied };
        let noted = if status.is_finished() { ledger.note_aside(job.id, told) } else { Ok(()) };
        let now_us = Clock::set().now_us();
        if let Err(error) = noted.and_then(|()| ledger.finish(job.id, status, message, now_us))
            && summary.status.is_success()
        {
            summary.status = RunStatus::Failed;
            summary.message = Some(format!("every record is loaded, but {error}"));
        }
    }

    /// Whether its input can be read only once.
    pub fn is_read_once(&self) -> bool {
        self.noting.is_some()
    }

    /// The job's name, if it is remembered.
    pub fn name(&self) -> Option<&str> {
        self.remembered.as_ref().map(|remembered| remembered.job.name.as_str())
    }

    /// Whether runs before this one may have sent rows of the job.
    pub fn may_have_sent_before(&self) -> bool {
        self.run > 1 && self.remembered.as_ref().is_some_and(|remembered| !remembered.job.is_untouched())
    }

    /// CPU time that writing the ledger has taken, where the system tells.
    pub fn ledger_cpu(&self) -> Option<Duration> {
        self.remembered.as_ref().and_then(|remembered| remembered.ledger_cpu)
    }

    /// Whether no run will go on with what a run that ended so has left.
    pub fn is_over(&self, status: RunStatus) -> bool {
        self.remembered.is_none() || status.is_success()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::store::LEDGER_FILE;
    use crate::schema::statement::RowPlan;
    use crate::settings::TableName;

    #[test]
    fn a_path_that_the_ledger_cannot_keep_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"/data/caf\xe9/rejects"));
        let error = absolute(path).unwrap_err().to_string();
        assert!(
            error.contains("/data/caf") && error.contains("not UTF-8") && error.contains("--rejects"),
            "{error}"
        );
        assert_eq!(absolute(Path::new("/data/./café")).unwrap(), Path::new("/data/café"));
    }

    #[test]
    fn the_rejects_of_a_job_stay_until_it_is_written_down_that_it_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let rejects_dir = dir.path().join("rejects");
        let part = rejects_dir.join("part-00000000-1-1.records");
        std::fs::create_dir(&rejects_dir).unwrap();
        std::fs::write(&part, "x").unwrap();
        let mut ledger = Ledger::open(dir.path()).unwrap();
        let new = NewJob {
            name: "j".to_owned(),
            named: true,
            plan: JobPlan {
                cluster: "c".to_owned(),
                table: TableName { keyspace: "ks".to_owned(), table: "t".to_owned() },
                table_id: "1".to_owned(),
                meaning: [("null".to_owned(), "[]".to_owned())].into(),
                row_plan: RowPlan { statement: "INSERT".to_owned(), ..RowPlan::default() },
                mappings: Vec::new(),
                inputs: Vec::new(),
            },
            write_time: WriteTime::Ordinal(1),
            begun_us: 1,
            rejects_dir,
        };
        let replaced = ledger.begin(&new).unwrap();
        let behind = rusqlite::Connection::open(dir.path().join(LEDGER_FILE)).unwrap();
        let refuse =
            "CREATE TRIGGER no BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
        behind.execute_batch(refuse).unwrap();
        begin(&mut ledger, &new, Some(&replaced)).unwrap_err();
        assert!(part.exists());
        behind.execute_batch("DROP TRIGGER no").unwrap();
        begin(&mut ledger, &new, Some(&replaced)).unwrap();
        assert!(!part.exists());
    }
}
