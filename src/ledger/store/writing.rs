//! What is written to the ledger: the beginning and the end of a run, which are on the disk when it is said so, and the facts
//! between. Whatever belongs together is one transaction.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;

use super::{Facts, Ledger, NewJob, Told, translate};
use crate::control::message::{Prefix, WriteTime};
use crate::coordinator::assignment::Attempt;
use crate::ledger::LedgerError;
use crate::ledger::job::{Job, JobStatus, Scanned};
use crate::plan::unit::WorkUnit;

/// Facts come more often than this as long as there are any.
const UNTIL_NEXT_US: i64 = 1_000_000;

impl Ledger {
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

    /// Writes down that another run goes on with a job. Returns the run's number. If the run before did not come to its end,
    /// and no unit is known to be begun, the first one may have been: that is written down too, for no later run could tell any more.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn resume(&mut self, job: i64, now_us: i64) -> Result<u32, LedgerError> {
        self.write(true, |transaction| {
            let statement = "INSERT INTO attempts (job, unit, run, attempt, first_chunk, chunks, records, written, rejected, bytes, retried) \
                 SELECT id, 0, runs, 1, 0, 0, 0, 0, 0, 0, 0 FROM jobs WHERE id = ?1 AND status = ?2 \
                 AND NOT EXISTS (SELECT 1 FROM attempts WHERE job = ?1)";
            transaction.execute(statement, params![job, as_text(&JobStatus::Running)])?;
            let statement = "UPDATE jobs SET runs = runs + 1, status = ?2, message = NULL, updated_us = ?3 WHERE id = ?1 RETURNING runs";
            transaction.query_row(statement, params![job, as_text(&JobStatus::Running), now_us], |row| row.get(0))
        })
    }

    /// Writes down that no row of this table has a later write time than this, as far as is known of runs that no job remembers.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn note_write_time(
        &mut self,
        cluster: &str,
        table_id: &str,
        last_us: i64,
    ) -> Result<(), LedgerError> {
        self.write(true, |transaction| note_write_time(transaction, cluster, table_id, last_us))
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

    /// Writes down what became of the records of a job that are neither written nor bad; to be called before it is finished.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn note_aside(&mut self, job: i64, told: Told) -> Result<(), LedgerError> {
        self.write(false, |transaction| {
            let statement = "UPDATE jobs SET uncertain = ?2, not_applied = ?3 WHERE id = ?1";
            transaction
                .execute(statement, params![job, integer(told.uncertain), integer(told.not_applied)])
                .map(|_| ())
        })
    }

    /// Writes down what happened.
    ///
    /// # Errors
    /// The ledger cannot be written: it is as it was before.
    pub fn record(&mut self, job: &Job, facts: &Facts, now_us: i64) -> Result<(), LedgerError> {
        // What must not be sent twice is not sent before it is known on the disk, whatever happens to this machine.
        let durable = job.plan.row_plan.once.is_some() && !facts.attempts.is_empty();
        self.write(durable, |transaction| {
            for unit in &facts.units {
                insert_unit(transaction, job.id, unit)?;
            }
            // What no attempt was begun at was not written.
            if !facts.attempts.is_empty()
                && let Some(last_us) = last_write_us(transaction, job, now_us)?
            {
                note_write_time(transaction, &job.plan.cluster, &job.plan.table_id, last_us)?;
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
        "INSERT INTO attempts (job, unit, run, attempt, first_chunk, chunks, records, written, rejected, bytes, retried, aside) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT DO UPDATE SET chunks = ?6, records = ?7, written = ?8, rejected = ?9, bytes = ?10, retried = ?11, \
         aside = ?12",
    )?;
    let Attempt { unit, run, attempt, first_chunk, prefix, retried } = attempt;
    let Prefix { chunks, records, written, rejected, bytes, aside, .. } = prefix;
    let counts = [records, written, rejected, bytes, retried, aside].map(|count| integer(*count));
    let [records, written, rejected, bytes, retried, aside] = counts;
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
        retried,
        aside
    ]);
    upserted.map(|_| ())
}

/// The latest write time that a job may have given a row until the next time that this is asked; `None` where it is not the job that
/// gives it.
fn last_write_us(transaction: &Transaction<'_>, job: &Job, now_us: i64) -> rusqlite::Result<Option<i64>> {
    match job.write_time {
        WriteTime::Field | WriteTime::Server => return Ok(None),
        WriteTime::Constant(constant) => return Ok(Some(constant)),
        WriteTime::Ordinal(_) | WriteTime::Spaced(_) => {}
    }
    let statement = "SELECT first_ordinal + records FROM units WHERE job = ?1 ORDER BY unit DESC LIMIT 1";
    let mut statement = transaction.prepare_cached(statement)?;
    let planned: Option<i64> = statement.query_row([job.id], |row| row.get(0)).optional()?;
    let planned = planned.map_or(0, |records| u64::try_from(records).unwrap_or(0));
    // A row is held until its time has come: units that are planned far ahead do not make the table's rows later than that.
    Ok(Some(job.write_time.of(planned).min(now_us.saturating_add(UNTIL_NEXT_US))))
}

fn note_write_time(
    transaction: &Transaction<'_>,
    cluster: &str,
    table_id: &str,
    last_us: i64,
) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO write_times (cluster, table_id, last_us) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET last_us = max(last_us, ?3)",
    )?;
    statement.execute(params![cluster, table_id, last_us]).map(|_| ())
}

/// SQLite's integers are signed; nothing that is counted here comes near their end.
fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn as_text(value: &impl Serialize) -> String {
    // These are plain data with text keys, which can always be written.
    serde_json::to_string(value).unwrap_or_default()
}
