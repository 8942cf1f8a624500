//! What is asked of the ledger: jobs, how far they are, and their units with the attempts at them. Never writes.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;

use super::{Aside, Ledger, Progress, Told};
use crate::control::message::Prefix;
use crate::coordinator::assignment::Attempt;
use crate::ledger::LedgerError;
use crate::ledger::fingerprint::Fingerprint;
use crate::ledger::job::{Job, JobInput, JobPlan, Scanned};
use crate::plan::unit::{Chunk, FileId, UnitId, WorkUnit};
use crate::settings::TableName;

const JOB_COLUMNS: &str = "id, name, named, cluster, keyspace_name, table_name, table_id, meaning, row_plan, mappings, write_time, \
                           begun_us, updated_us, status, message, runs, scanned_records, scanned_bytes, rejects_dir, \
                           EXISTS (SELECT 1 FROM attempts WHERE attempts.job = jobs.id)";

impl Ledger {
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

    /// Bytes of a job's inputs, or of its units where they hold more: inputs may be compressed.
    ///
    /// # Errors
    /// The ledger cannot be read, or not be understood.
    pub fn input_bytes(&self, job: i64) -> Result<u64, LedgerError> {
        let inputs: u64 = self.inputs(job)?.iter().map(|input| input.fingerprint.size).sum();
        let statement = "SELECT coalesce(sum(bytes), 0) FROM units WHERE job = ?1";
        let units: rusqlite::Result<i64> = self.connection.query_row(statement, [job], |row| row.get(0));
        let units = units.map_err(|error| self.failed(error))?;
        Ok(inputs.max(u64::try_from(units).unwrap_or(0)))
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

    /// Every unit of a job in order, with the attempts at it in theirs.
    ///
    /// # Errors
    /// The ledger cannot be read, or its facts do not fit together.
    pub fn units(&self, job: i64) -> Result<Vec<(WorkUnit, Vec<Attempt>)>, LedgerError> {
        let read = || {
            let statement = "SELECT unit, file, first_ordinal, first_record, start, chunks FROM units WHERE job = ?1 ORDER BY unit";
            let mut statement = self.connection.prepare(statement)?;
            let units = statement.query_map([job], read_unit)?.collect::<rusqlite::Result<Vec<_>>>()?;
            let statement = "SELECT unit, run, attempt, first_chunk, chunks, records, written, rejected, bytes, retried, aside \
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
}

fn progress(connection: &Connection, job: i64) -> rusqlite::Result<Progress> {
    let sums = "SELECT count(*), coalesce(sum(done), 0), coalesce(sum(settled), 0), coalesce(sum(written), 0), \
                coalesce(sum(rejected), 0), coalesce(sum(settled_bytes), 0), coalesce(sum(aside), 0), \
                (SELECT uncertain FROM jobs WHERE id = ?1), (SELECT not_applied FROM jobs WHERE id = ?1) FROM ( \
                    SELECT units.records = coalesce(sum(attempts.records), 0) \
                               AND units.bytes = coalesce(sum(attempts.bytes), 0) AS done, \
                           sum(attempts.records) AS settled, sum(attempts.written) AS written, \
                           sum(attempts.rejected) AS rejected, sum(attempts.bytes) AS settled_bytes, \
                           sum(attempts.aside) AS aside \
                    FROM units LEFT JOIN attempts ON attempts.job = units.job AND attempts.unit = units.unit \
                    WHERE units.job = ?1 GROUP BY units.unit)";
    connection.query_row(sums, [job], |row| {
        let known =
            |column: usize| row.get::<_, Option<i64>>(column)?.map(|_| count(row, column)).transpose();
        let told = known(7)?.zip(known(8)?);
        let aside = Aside {
            all: told
                .map_or(count(row, 6)?, |(uncertain, not_applied)| uncertain.saturating_add(not_applied)),
            told: told.map(|(uncertain, not_applied)| Told { uncertain, not_applied }),
        };
        Ok(Progress {
            units: count(row, 0)?,
            units_done: count(row, 1)?,
            records: count(row, 2)?,
            written: count(row, 3)?,
            rejected: count(row, 4)?.saturating_sub(aside.all),
            aside,
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
        was_begun: row.get(19)?,
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
            aside: count(row, 10)?,
            ..Prefix::default()
        },
        retried: count(row, 9)?,
    })
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}
