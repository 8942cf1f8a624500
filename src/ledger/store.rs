//! The ledger's tables, and everything that is asked of them or written to them.
//!
//! Facts about a unit are added, or a settled prefix grows; nothing of a job is taken back until it begins anew. In WAL mode a
//! process may die at any instant without harm. The beginning and the end of a run are on the disk when their function returns;
//! progress may be lost with the machine's power, which costs only that rows are sent again.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::LedgerError;
use super::fingerprint::Fingerprint;
use super::job::{Job, JobInput, JobPlan, JobStatus, Scanned};
use super::lock;
use crate::control::message::{Prefix, WriteTime};
use crate::coordinator::assignment::Attempt;
use crate::plan::unit::{Chunk, FileId, UnitId, WorkUnit};
use crate::settings::TableName;

/// The ledger's name in the state directory.
pub const LEDGER_FILE: &str = "ledger.sqlite";
/// The layout that this program writes.
const LAYOUT: i64 = 1;
/// How long another run's transaction is waited for.
const BUSY_FOR: Duration = Duration::from_secs(10);
/// How often it is tried again where SQLite does not wait.
const BUSY_POLL: Duration = Duration::from_millis(10);

const TABLES: &str = "
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    named INTEGER NOT NULL,
    cluster TEXT NOT NULL,
    keyspace_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    table_id TEXT NOT NULL,
    meaning TEXT NOT NULL,
    row_plan TEXT NOT NULL,
    mappings TEXT NOT NULL,
    write_time TEXT NOT NULL,
    begun_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    status TEXT NOT NULL,
    message TEXT,
    runs INTEGER NOT NULL,
    scanned_records INTEGER,
    scanned_bytes INTEGER,
    rejects_dir TEXT NOT NULL
) STRICT;
CREATE TABLE inputs (
    job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    file INTEGER NOT NULL,
    path TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (job, file)
) STRICT, WITHOUT ROWID;
CREATE TABLE units (
    job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    unit INTEGER NOT NULL,
    file INTEGER NOT NULL,
    first_ordinal INTEGER NOT NULL,
    first_record INTEGER NOT NULL,
    start INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    records INTEGER NOT NULL,
    chunks TEXT NOT NULL,
    PRIMARY KEY (job, unit)
) STRICT, WITHOUT ROWID;
CREATE TABLE attempts (
    job INTEGER NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
    unit INTEGER NOT NULL,
    run INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    first_chunk INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    records INTEGER NOT NULL,
    written INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    retried INTEGER NOT NULL,
    PRIMARY KEY (job, unit, run, attempt)
) STRICT, WITHOUT ROWID;
CREATE TABLE write_times (
    cluster TEXT NOT NULL,
    table_id TEXT NOT NULL,
    last_us INTEGER NOT NULL,
    PRIMARY KEY (cluster, table_id)
) STRICT, WITHOUT ROWID;
";

const JOB_COLUMNS: &str = "id, name, named, cluster, keyspace_name, table_name, table_id, meaning, row_plan, mappings, write_time, \
                           begun_us, updated_us, status, message, runs, scanned_records, scanned_bytes, rejects_dir";

/// The ledger of a state directory.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    connection: Connection,
}

/// A job that begins.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its name.
    pub name: String,
    /// Whether the user gave it that name.
    pub named: bool,
    /// What it is to do.
    pub plan: JobPlan,
    /// Its write times.
    pub write_time: WriteTime,
    /// Now, in microseconds since 1970-01-01T00:00:00Z.
    pub begun_us: i64,
    /// Where its rejects go.
    pub rejects_dir: PathBuf,
}

/// What happened since the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Units that are proved.
    pub units: Vec<WorkUnit>,
    /// Attempts whose settled prefix has grown.
    pub attempts: Vec<Attempt>,
    /// All inputs are scanned.
    pub scanned: Option<Scanned>,
}

impl Facts {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty() && self.attempts.is_empty() && self.scanned.is_none()
    }
}

/// How far a job is, for lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units known.
    pub units: u64,
    /// Units whose every record is settled.
    pub units_done: u64,
    /// Records settled.
    pub records: u64,
    /// Rows acknowledged.
    pub written: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Bytes of settled records.
    pub bytes: u64,
}

impl Ledger {
    /// Opens the ledger of a state directory, and makes both where they are not.
    ///
    /// # Errors
    /// The directory cannot be used, or what is there is no ledger of this program.
    pub fn open(state_dir: &Path) -> Result<Ledger, LedgerError> {
        let path = state_dir.join(LEDGER_FILE);
        // Whoever takes a lock has set the ledger up before. Asked first: others may be doing both right now.
        let was_set_up = path.exists() && lock::were_taken(state_dir);
        create(state_dir, &path).map_err(|source| LedgerError::Directory { path: path.clone(), source })?;
        let deadline = Instant::now() + BUSY_FOR;
        loop {
            match Ledger::open_file(&path, was_set_up) {
                // SQLite does not wait by itself where two set a new ledger up at once.
                Err(LedgerError::Busy { .. }) if Instant::now() < deadline => thread::sleep(BUSY_POLL),
                opened => return opened,
            }
        }
    }

    fn open_file(path: &Path, was_set_up: bool) -> Result<Ledger, LedgerError> {
        let failed = |error: rusqlite::Error| translate(path, error);
        let path = path.to_path_buf();
        let connection = Connection::open(&path).map_err(failed)?;
        connection.busy_timeout(BUSY_FOR).map_err(failed)?;
        let mut ledger = Ledger { path: path.clone(), connection };
        if was_set_up && ledger.layout().map_err(failed)? == 0 {
            // SQLite takes it for a new database, and everything would be loaded anew without a word.
            return Err(LedgerError::Damaged { path, reason: "nothing is in it any more".to_owned() });
        }
        ledger.set_up().map_err(failed)?;
        let found = ledger.layout().map_err(failed)?;
        if found > LAYOUT {
            return Err(LedgerError::Newer { path, found, known: LAYOUT });
        }
        let verdict: String =
            ledger.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
        if verdict != "ok" {
            return Err(LedgerError::Damaged { path, reason: verdict });
        }
        Ok(ledger)
    }

    /// The same where there is one; makes nothing.
    ///
    /// # Errors
    /// The directory cannot be used, or what is there is no ledger of this program.
    pub fn open_existing(state_dir: &Path) -> Result<Option<Ledger>, LedgerError> {
        let path = state_dir.join(LEDGER_FILE);
        match path.try_exists() {
            Ok(true) => Ledger::open(state_dir).map(Some),
            Ok(false) => Ok(None),
            Err(source) => Err(LedgerError::Directory { path, source }),
        }
    }

    fn set_up(&mut self) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        self.connection.pragma_update(None, "foreign_keys", true)?;
        self.durable(true)?;
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if layout(&transaction)? == 0 {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", LAYOUT)?;
        }
        transaction.commit()
    }

    fn layout(&self) -> rusqlite::Result<i64> {
        layout(&self.connection)
    }

    /// Whether a commit is on the disk when it returns, or only safe from the death of the process.
    fn durable(&self, durable: bool) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The job of this name.
    ///
    /// # Errors
    /// The ledger cannot be read, or not be understood.
    pub fn find(&self, name: &str) -> Result<Option<Job>, LedgerError> {
        let statement = format!("SELECT {JOB_COLUMNS} FROM jobs WHERE name = ?1");
        let found = self.connection.query_row(&statement, [name], read_job).optional();
        let Some(mut job) = found.map_err(|error| self.failed(error))? else { return Ok(None) };
        job.plan.inputs = self.inputs(job.id)?;
        Ok(Some(job))
    }

    /// All jobs, the latest first, without their inputs.
    ///
    /// # Errors
    /// The ledger cannot be read, or not be understood.
    pub fn jobs(&self) -> Result<Vec<(Job, Progress)>, LedgerError> {
        let read = || {
            let statement = format!("SELECT {JOB_COLUMNS} FROM jobs ORDER BY updated_us DESC, id DESC");
            let mut statement = self.connection.prepare(&statement)?;
            let jobs = statement.query_map([], read_job)?.collect::<rusqlite::Result<Vec<Job>>>()?;
            jobs.into_iter().map(|job| Ok((progress(&self.connection, job.id)?, job))).collect()
        };
        let jobs: rusqlite::Result<Vec<(Progress, Job)>> = read();
        let jobs = jobs.map_err(|error| self.failed(error))?;
        Ok(jobs.into_iter().map(|(progress, job)| (job, progress)).collect())
    }

    /// How far a job is.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn progress(&self, job: i64) -> Result<Progress, LedgerError> {
        progress(&self.connection, job).map_err(|error| self.failed(error))
    }

    fn inputs(&self, job: i64) -> Result<Vec<JobInput>, LedgerError> {
        let read = || {
            let mut statement = self
                .connection
                .prepare("SELECT path, fingerprint FROM inputs WHERE job = ?1 ORDER BY file")?;
            let input = |row: &Row<'_>| {
                let fingerprint: Fingerprint = from_json(row, 1)?;
                Ok(JobInput { path: PathBuf::from(row.get::<_, String>(0)?), fingerprint })
            };
            statement.query_map([job], input)?.collect()
        };
        let inputs: rusqlite::Result<_> = read();
        inputs.map_err(|error| self.failed(error))
    }

    /// Bytes of a job's inputs.
    ///
    /// # Errors
    /// The ledger cannot be read, or not be understood.
    pub fn input_bytes(&self, job: i64) -> Result<u64, LedgerError> {
        Ok(self.inputs(job)?.iter().map(|input| input.fingerprint.size).sum())
    }

    /// The latest write time that any job gave a row of this table.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn last_write_us(&self, cluster: &str, table_id: &str) -> Result<Option<i64>, LedgerError> {
        let statement = "SELECT last_us FROM write_times WHERE cluster = ?1 AND table_id = ?2";
        let found = self.connection.query_row(statement, [cluster, table_id], |row| row.get(0)).optional();
        found.map_err(|error| self.failed(error))
    }

    /// Writes down that a job begins; what was known of one of that name is forgotten.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn begin(&mut self, new: &NewJob) -> Result<Job, LedgerError> {
        let begun = self.write(true, |transaction| {
            transaction.execute("DELETE FROM jobs WHERE name = ?1", [&new.name])?;
            insert_job(transaction, new)
        });
        begun?;
        let reason = || "it is not there after it was begun".to_owned();
        self.find(&new.name)?
            .ok_or_else(|| LedgerError::Inconsistent { job: new.name.clone(), reason: reason() })
    }

    /// Writes down that another run goes on with a job. Returns the run's number.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn resume(&mut self, job: i64, now_us: i64) -> Result<u32, LedgerError> {
        self.write(true, |transaction| {
            let statement = "UPDATE jobs SET runs = runs + 1, status = ?2, message = NULL, updated_us = ?3 WHERE id = ?1 RETURNING runs";
            transaction.query_row(statement, params![job, as_text(&JobStatus::Running), now_us], |row| row.get(0))
        })
    }

    /// Writes down how a run ended.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn finish(
        &mut self,
        job: i64,
        status: JobStatus,
        message: Option<&str>,
        now_us: i64,
    ) -> Result<(), LedgerError> {
        self.write(true, |transaction| {
            let statement = "UPDATE jobs SET status = ?2, message = ?3, updated_us = ?4 WHERE id = ?1";
            transaction.execute(statement, params![job, as_text(&status), message, now_us]).map(|_| ())
        })
    }

    /// Writes down what happened.
    ///
    /// # Errors
    /// The ledger cannot be written: it is as it was before.
    pub fn record(&mut self, job: &Job, facts: &Facts, now_us: i64) -> Result<(), LedgerError> {
        self.write(false, |transaction| {
            for unit in &facts.units {
                insert_unit(transaction, job.id, unit)?;
            }
            if let (WriteTime::Ordinal(_), Some(last)) = (job.write_time, facts.units.last()) {
                let last_us = job.write_time.of(last.first_ordinal + last.records());
                note_write_time(transaction, &job.plan, last_us)?;
            }
            for attempt in &facts.attempts {
                upsert_attempt(transaction, job.id, attempt)?;
            }
            if let Some(Scanned { records, bytes }) = facts.scanned {
                let statement = "UPDATE jobs SET scanned_records = ?2, scanned_bytes = ?3 WHERE id = ?1";
                transaction.execute(statement, params![job.id, integer(records), integer(bytes)])?;
            }
            let statement = "UPDATE jobs SET updated_us = ?2 WHERE id = ?1";
            transaction.execute(statement, params![job.id, now_us]).map(|_| ())
        })
    }

    /// Every unit of a job in order, with the attempts at it in theirs.
    ///
    /// # Errors
    /// The ledger cannot be read, or its facts do not fit together.
    pub fn units(&self, job: i64) -> Result<Vec<(WorkUnit, Vec<Attempt>)>, LedgerError> {
        let read = || {
            let statement = "SELECT unit, file, first_ordinal, first_record, start, chunks FROM units WHERE job = ?1 ORDER BY unit";
            let mut statement = self.connection.prepare(statement)?;
            let units = statement.query_map([job], read_unit)?.collect::<rusqlite::Result<Vec<_>>>()?;
            let statement = "SELECT unit, run, attempt, first_chunk, chunks, records, written, rejected, bytes, retried \
                             FROM attempts WHERE job = ?1 ORDER BY unit, first_chunk, run, attempt";
            let mut statement = self.connection.prepare(statement)?;
            let attempts = statement.query_map([job], read_attempt)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok((units, attempts))
        };
        let read: rusqlite::Result<(Vec<WorkUnit>, Vec<Attempt>)> = read();
        let (units, attempts) = read.map_err(|error| self.failed(error))?;
        let mut attempts = attempts.into_iter().peekable();
        let with_attempts = |unit: WorkUnit| {
            let mut of_unit = Vec::new();
            while let Some(attempt) = attempts.next_if(|attempt| attempt.unit <= unit.id) {
                of_unit.push(attempt);
            }
            (unit, of_unit)
        };
        Ok(units.into_iter().map(with_attempts).collect())
    }

    /// Forgets a job. Returns whether there was one of that name.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn forget(&mut self, name: &str) -> Result<bool, LedgerError> {
        self.write(true, |transaction| {
            transaction.execute("DELETE FROM jobs WHERE name = ?1", [name]).map(|deleted| deleted > 0)
        })
    }

    fn write<T>(
        &mut self,
        durable: bool,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let run = || {
            self.durable(durable)?;
            let transaction =
                self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let written = write(&transaction)?;
            transaction.commit()?;
            Ok(written)
        };
        let written: rusqlite::Result<T> = run();
        written.map_err(|error| translate(&self.path, error))
    }

    fn failed(&self, error: rusqlite::Error) -> LedgerError {
        translate(&self.path, error)
    }
}

/// Makes the directory and the file for their owner only; SQLite gives the files beside it the same mode.
fn create(state_dir: &Path, path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(state_dir)?;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map(|_| ())
}

fn translate(path: &Path, error: rusqlite::Error) -> LedgerError {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase};
    let (path, reason) = (path.to_path_buf(), error.to_string());
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            DatabaseCorrupt | NotADatabase => LedgerError::Damaged { path, reason },
            DatabaseBusy | DatabaseLocked => LedgerError::Busy { path, reason },
            _ => LedgerError::Unwritable { path, reason },
        },
        // What is in it is not what this program writes.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => LedgerError::Damaged { path, reason },
        _ => LedgerError::Unwritable { path, reason },
    }
}

fn layout(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn insert_job(transaction: &Transaction<'_>, new: &NewJob) -> rusqlite::Result<()> {
    let plan = &new.plan;
    transaction.execute(
        "INSERT INTO jobs (name, named, cluster, keyspace_name, table_name, table_id, meaning, row_plan, mappings, write_time, \
         begun_us, updated_us, status, runs, rejects_dir) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, 1, ?13)",
        params![
            new.name,
            new.named,
            plan.cluster,
            plan.table.keyspace,
            plan.table.table,
            plan.table_id,
            as_text(&plan.meaning),
            as_text(&plan.row_plan),
            as_text(&plan.mappings),
            as_text(&new.write_time),
            new.begun_us,
            as_text(&JobStatus::Running),
            new.rejects_dir.to_string_lossy(),
        ],
    )?;
    let job = transaction.last_insert_rowid();
    for (file, input) in plan.inputs.iter().enumerate() {
        transaction.execute(
            "INSERT INTO inputs (job, file, path, fingerprint) VALUES (?1, ?2, ?3, ?4)",
            params![job, file as i64, input.path.to_string_lossy(), as_text(&input.fingerprint)],
        )?;
    }
    Ok(())
}

fn insert_unit(transaction: &Transaction<'_>, job: i64, unit: &WorkUnit) -> rusqlite::Result<()> {
    // The chunks are contiguous: where they start follows from how long they are.
    let chunks: Vec<(u64, u64, u64)> =
        unit.chunks.iter().map(|chunk| (chunk.len, chunk.records, chunk.line)).collect();
    let mut statement = transaction.prepare_cached(
        "INSERT INTO units (job, unit, file, first_ordinal, first_record, start, bytes, records, chunks) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let inserted = statement.execute(params![
        job,
        unit.id.0,
        unit.file.0,
        integer(unit.first_ordinal),
        integer(unit.first_record),
        integer(unit.chunks.first().map_or(0, |chunk| chunk.start)),
        integer(unit.bytes()),
        integer(unit.records()),
        as_text(&chunks),
    ]);
    inserted.map(|_| ())
}

fn upsert_attempt(transaction: &Transaction<'_>, job: i64, attempt: &Attempt) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO attempts (job, unit, run, attempt, first_chunk, chunks, records, written, rejected, bytes, retried) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
         ON CONFLICT DO UPDATE SET chunks = ?6, records = ?7, written = ?8, rejected = ?9, bytes = ?10, retried = ?11",
    )?;
    let Attempt { unit, run, attempt, first_chunk, prefix, retried } = attempt;
    let Prefix { chunks, records, written, rejected, bytes, .. } = prefix;
    let counts = [records, written, rejected, bytes, retried].map(|count| integer(*count));
    let [records, written, rejected, bytes, retried] = counts;
    let upserted = statement.execute(params![
        job,
        unit.0,
        run,
        attempt,
        first_chunk,
        chunks,
        records,
        written,
        rejected,
        bytes,
        retried
    ]);
    upserted.map(|_| ())
}

fn note_write_time(transaction: &Transaction<'_>, plan: &JobPlan, last_us: i64) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO write_times (cluster, table_id, last_us) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET last_us = max(last_us, ?3)",
    )?;
    statement.execute(params![plan.cluster, plan.table_id, last_us]).map(|_| ())
}

fn progress(connection: &Connection, job: i64) -> rusqlite::Result<Progress> {
    let sums = "SELECT count(*), coalesce(sum(done), 0), coalesce(sum(settled), 0), coalesce(sum(written), 0), \
                coalesce(sum(rejected), 0), coalesce(sum(settled_bytes), 0) FROM ( \
                    SELECT units.records = coalesce(sum(attempts.records), 0) \
                               AND units.bytes = coalesce(sum(attempts.bytes), 0) AS done, \
                           sum(attempts.records) AS settled, sum(attempts.written) AS written, \
                           sum(attempts.rejected) AS rejected, sum(attempts.bytes) AS settled_bytes \
                    FROM units LEFT JOIN attempts ON attempts.job = units.job AND attempts.unit = units.unit \
                    WHERE units.job = ?1 GROUP BY units.unit)";
    connection.query_row(sums, [job], |row| {
        Ok(Progress {
            units: count(row, 0)?,
            units_done: count(row, 1)?,
            records: count(row, 2)?,
            written: count(row, 3)?,
            rejected: count(row, 4)?,
            bytes: count(row, 5)?,
        })
    })
}

fn read_job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let scanned = match (row.get::<_, Option<i64>>(16)?, row.get::<_, Option<i64>>(17)?) {
        (Some(_), Some(_)) => Some(Scanned { records: count(row, 16)?, bytes: count(row, 17)? }),
        _ => None,
    };
    Ok(Job {
        id: row.get(0)?,
        name: row.get(1)?,
        named: row.get(2)?,
        plan: JobPlan {
            cluster: row.get(3)?,
            table: TableName { keyspace: row.get(4)?, table: row.get(5)? },
            table_id: row.get(6)?,
            meaning: from_json(row, 7)?,
            row_plan: from_json(row, 8)?,
            mappings: from_json(row, 9)?,
            inputs: Vec::new(),
        },
        write_time: from_json(row, 10)?,
        begun_us: row.get(11)?,
        updated_us: row.get(12)?,
        status: from_json(row, 13)?,
        message: row.get(14)?,
        runs: row.get(15)?,
        scanned,
        rejects_dir: PathBuf::from(row.get::<_, String>(18)?),
    })
}

fn read_unit(row: &Row<'_>) -> rusqlite::Result<WorkUnit> {
    let lengths: Vec<(u64, u64, u64)> = from_json(row, 5)?;
    let mut start = count(row, 4)?;
    let chunk = |(len, records, line)| {
        let chunk = Chunk { start, len, records, line };
        start = start.saturating_add(len);
        chunk
    };
    Ok(WorkUnit {
        id: UnitId(row.get(0)?),
        file: FileId(row.get(1)?),
        first_ordinal: count(row, 2)?,
        first_record: count(row, 3)?,
        chunks: lengths.into_iter().map(chunk).collect(),
    })
}

fn read_attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        unit: UnitId(row.get(0)?),
        run: row.get(1)?,
        attempt: row.get(2)?,
        first_chunk: row.get(3)?,
        prefix: Prefix {
            chunks: row.get(4)?,
            records: count(row, 5)?,
            written: count(row, 6)?,
            rejected: count(row, 7)?,
            bytes: count(row, 8)?,
            ..Prefix::default()
        },
        retried: count(row, 9)?,
    })
}

/// SQLite's integers are signed; nothing that is counted here comes near their end.
fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn as_text(value: &impl Serialize) -> String {
    // These are plain data with text keys, which can always be written.
    serde_json::to_string(value).unwrap_or_default()
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

#[cfg(test)]
mod tests;
