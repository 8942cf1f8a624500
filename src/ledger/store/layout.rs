//! The ledger's tables, and how a ledger is opened: made where there is none, brought up where an earlier program made it, and refused
//! where it is damaged, emptied or of a later program. Never changes what was written down. A new one is in its place whole or not at all, so that one that is empty was emptied.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{LEDGER_FILE, Ledger, translate};
use crate::ledger::LedgerError;

/// The layout that this program writes.
pub(super) const LAYOUT: i64 = 2;
/// A ledger of no more bytes is looked through when it is opened, which takes some ten milliseconds. In a larger one, damage is told
/// where it is met.
const LOOKED_THROUGH_BYTES_MAX: u64 = 16 << 20;
/// So many names are tried for a ledger that is not in its place yet: others may have been left behind by processes that were killed.
const DRAFT_NAMES: u32 = 1_000;
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
    rejects_dir TEXT NOT NULL,
    uncertain INTEGER,
    not_applied INTEGER
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
    aside INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, unit, run, attempt)
) STRICT, WITHOUT ROWID;
CREATE TABLE write_times (
    cluster TEXT NOT NULL,
    table_id TEXT NOT NULL,
    last_us INTEGER NOT NULL,
    PRIMARY KEY (cluster, table_id)
) STRICT, WITHOUT ROWID;
";

/// From layout 1, which counted what is uncertain or not applied among the rejects and nowhere else.
const FROM_1: &str = "
ALTER TABLE attempts ADD COLUMN aside INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN uncertain INTEGER;
ALTER TABLE jobs ADD COLUMN not_applied INTEGER;
";

/// Layout 1 as it would be after that, for whoever only looks at it.
const VIEW_OF_1: &str = "
CREATE TEMP VIEW attempts AS SELECT *, 0 AS aside FROM main.attempts;
CREATE TEMP VIEW jobs AS SELECT *, NULL AS uncertain, NULL AS not_applied FROM main.jobs;
";

impl Ledger {
    /// Opens the ledger of a state directory, and makes both where they are not.
    ///
    /// # Errors
    /// The directory cannot be used, or what is there is no ledger of this program.
    pub fn open(state_dir: &Path) -> Result<Ledger, LedgerError> {
        let path = state_dir.join(LEDGER_FILE);
        let failed = |source| LedgerError::Directory { path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(state_dir).map_err(failed)?;
        if !path.try_exists().map_err(failed)? {
            make(state_dir, &path)?;
        }
        Ledger::open_file(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// The same where there is one; makes nothing.
    ///
    /// # Errors
    /// The directory cannot be used, or what is there is no ledger of this program.
    pub fn open_existing(state_dir: &Path) -> Result<Option<Ledger>, LedgerError> {
        Ledger::open_if_there(state_dir, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// The same to be looked at only: whoever writes to it is not waited for, and nothing can be written.
    ///
    /// # Errors
    /// The directory cannot be used, or what is there is no ledger of this program.
    pub fn open_to_read(state_dir: &Path) -> Result<Option<Ledger>, LedgerError> {
        Ledger::open_if_there(state_dir, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn open_if_there(state_dir: &Path, access: OpenFlags) -> Result<Option<Ledger>, LedgerError> {
        let path = state_dir.join(LEDGER_FILE);
        match path.try_exists() {
            Ok(true) => Ledger::open_file(&path, access).map(Some),
            Ok(false) => Ok(None),
            Err(source) => Err(LedgerError::Directory { path, source }),
        }
    }

    fn open_file(path: &Path, access: OpenFlags) -> Result<Ledger, LedgerError> {
        let deadline = Instant::now() + BUSY_FOR;
        loop {
            match Ledger::try_open(path, access) {
                // SQLite does not always wait by itself while others open or close a ledger.
                Err(LedgerError::Busy { .. }) if Instant::now() < deadline => thread::sleep(BUSY_POLL),
                opened => return opened,
            }
        }
    }

    fn try_open(path: &Path, access: OpenFlags) -> Result<Ledger, LedgerError> {
        let failed = |error: rusqlite::Error| translate(path, error);
        let connection =
            Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
        connection.busy_timeout(BUSY_FOR).map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        let path = path.to_path_buf();
        let mut ledger = Ledger { path: path.clone(), connection };
        match layout(&ledger.connection).map_err(failed)? {
            // SQLite takes it for a new database, and everything would be loaded anew without a word.
            0 => return Err(LedgerError::Damaged { path, reason: "nothing is in it any more".to_owned() }),
            found if found > LAYOUT => return Err(LedgerError::Newer { path, found, known: LAYOUT }),
            LAYOUT => {}
            _ if access.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) => {
                ledger.connection.execute_batch(VIEW_OF_1).map_err(failed)?;
            }
            _ => bring_up(&mut ledger.connection).map_err(failed)?,
        }
        let bytes = fs::metadata(&path).map_or(0, |file| file.len());
        if bytes <= LOOKED_THROUGH_BYTES_MAX {
            let verdict: String =
                ledger.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
            if verdict != "ok" {
                return Err(LedgerError::Damaged { path, reason: verdict });
            }
        }
        Ok(ledger)
    }

    /// Whether a commit is on the disk when it returns, or only safe from the death of the process.
    pub(super) fn durable(&self, durable: bool) -> rusqlite::Result<()> {
        durably(&self.connection, durable)
    }
}

fn durably(connection: &Connection, durable: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })
}

/// Makes a ledger, unless somebody else does at the same time.
fn make(state_dir: &Path, path: &Path) -> Result<(), LedgerError> {
    let failed = |source| LedgerError::Directory { path: path.to_path_buf(), source };
    let draft = new_draft(state_dir).map_err(failed)?;
    let made = set_up(&draft).map_err(|error| translate(path, error)).and_then(|()| {
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked.and_then(|()| File::open(state_dir)?.sync_all()).map_err(failed),
        }
    });
    // What cannot be taken away is in nobody's way.
    let _ = fs::remove_file(&draft);
    made
}

/// Makes an empty file for its owner only; SQLite gives the files beside it the same mode.
fn new_draft(state_dir: &Path) -> io::Result<PathBuf> {
    let mut tried = Err(io::ErrorKind::AlreadyExists.into());
    for number in 0..DRAFT_NAMES {
        let path = state_dir.join(format!("{LEDGER_FILE}.new-{}-{number}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => tried = Err(error),
            opened => return opened.map(|_| path),
        }
    }
    tried
}

/// Lays the tables out. All of it is in the file itself when this returns, and on the disk: WAL begins after that.
fn set_up(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    durably(&connection, true)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", LAYOUT)?;
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.close().map_err(|(_, error)| error)
}

/// Brings a ledger of layout 1 to the present one, unless somebody else has just done so. What was written down stays as it is.
fn bring_up(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if layout(&transaction)? < LAYOUT {
        transaction.execute_batch(FROM_1)?;
        transaction.pragma_update(None, "user_version", LAYOUT)?;
    }
    transaction.commit()
}

fn layout(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}
