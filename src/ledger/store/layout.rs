//! The ledger's tables, and how a ledger is opened: made where there is none, and refused where it is damaged, emptied or of a later
//! program. Never changes what is in it.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{LEDGER_FILE, Ledger, translate};
use crate::ledger::LedgerError;
use crate::ledger::lock;

/// The layout that this program writes.
pub(super) const LAYOUT: i64 = 1;
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
    pub(super) fn durable(&self, durable: bool) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })
    }
}

/// Makes the directory and the file for their owner only; SQLite gives the files beside it the same mode.
fn create(state_dir: &Path, path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(state_dir)?;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map(|_| ())
}

fn layout(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}
