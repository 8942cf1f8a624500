//! The reject files of one attempt at one unit, written by a worker. Made at the first reject only.
//!
//! A worker may be killed at any instant, so what a part holds is only trusted as far as it was flushed and synced before it was
//! told; what comes after may be torn.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{RejectError, RejectReason};
use crate::plan::unit::UnitId;

/// What the names of all part files begin with.
pub(super) const PART_PREFIX: &str = "part-";
/// How often a directory is made that another process takes away at the same time: each is there for microseconds only.
const MAKE_DIR_TRIES: usize = 16;

/// Where an attempt's records and reasons are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartFiles {
    /// The records' original bytes.
    pub records: PathBuf,
    /// A JSON line for each.
    pub reasons: PathBuf,
}

impl PartFiles {
    /// The part files below `dir` of `attempt` at `unit` in a run of the job.
    pub fn new(dir: &Path, unit: UnitId, run: u32, attempt: u32) -> Self {
        let stem = format!("{PART_PREFIX}{:08}-{run}-{attempt}", unit.0);
        PartFiles {
            records: dir.join(format!("{stem}.records")),
            reasons: dir.join(format!("{stem}.reasons")),
        }
    }
}

/// Writes the reject files of one attempt.
#[derive(Debug)]
pub struct PartWriter {
    files: PartFiles,
    open: Option<Open>,
    /// Whether something was written since the last flush.
    dirty: bool,
    /// Whether writing has failed: what the files hold from there on fits no longer together.
    broken: bool,
}

#[derive(Debug)]
struct Open {
    records: BufWriter<Arc<File>>,
    reasons: BufWriter<Arc<File>>,
    /// Whether the files' names are on the disk.
    named: bool,
}

/// What was handed to the operating system and may not be on the disk yet.
#[derive(Debug)]
pub struct Unsynced {
    files: PartFiles,
    records: Arc<File>,
    reasons: Arc<File>,
    named: bool,
}

impl PartWriter {
    /// A writer of `files`, which do not exist yet.
    pub fn new(files: PartFiles) -> Self {
        PartWriter { files, open: None, dirty: false, broken: false }
    }

    /// Adds a record and its reason.
    ///
    /// # Errors
    /// A file or the directory cannot be written, now or earlier.
    pub fn write(&mut self, reason: &RejectReason, raw: &[u8]) -> Result<(), RejectError> {
        self.unless_broken(|part| part.add(reason, raw))
    }

    /// Hands everything written to the operating system; `None` where there was nothing since the last time.
    ///
    /// # Errors
    /// A file cannot be written, now or earlier.
    pub fn flush(&mut self) -> Result<Option<Unsynced>, RejectError> {
        self.unless_broken(|part| {
            let Some(open) = part.open.as_mut().filter(|_| part.dirty) else { return Ok(None) };
            open.records.flush().map_err(RejectError::at(&part.files.records))?;
            open.reasons.flush().map_err(RejectError::at(&part.files.reasons))?;
            part.dirty = false;
            Ok(Some(Unsynced {
                files: part.files.clone(),
                records: Arc::clone(open.records.get_ref()),
                reasons: Arc::clone(open.reasons.get_ref()),
                named: std::mem::replace(&mut open.named, true),
            }))
        })
    }

    fn add(&mut self, reason: &RejectReason, raw: &[u8]) -> Result<(), RejectError> {
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(Open {
                records: create(&self.files.records)?,
                reasons: create(&self.files.reasons)?,
                named: false,
            }),
        };
        self.dirty = true;
        open.records.write_all(raw).map_err(RejectError::at(&self.files.records))?;
        let write_reason = |to: &mut BufWriter<Arc<File>>| {
            serde_json::to_writer(&mut *to, reason)?;
            to.write_all(b"\n")
        };
        write_reason(&mut open.reasons).map_err(RejectError::at(&self.files.reasons))
    }

    fn unless_broken<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, RejectError>,
    ) -> Result<T, RejectError> {
        if self.broken {
            let source = io::Error::other("an earlier record could not be written");
            return Err(RejectError::at(&self.files.records)(source));
        }
        let outcome = act(self);
        self.broken = outcome.is_err();
        outcome
    }
}

impl Unsynced {
    /// Waits until it is on the disk.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn sync(&self) -> Result<(), RejectError> {
        self.records.sync_data().map_err(RejectError::at(&self.files.records))?;
        self.reasons.sync_data().map_err(RejectError::at(&self.files.reasons))?;
        match self.files.reasons.parent() {
            Some(dir) if !self.named => sync_dir(dir),
            _ => Ok(()),
        }
    }
}

/// Waits until the names of the files in a directory are on the disk.
pub(super) fn sync_dir(dir: &Path) -> Result<(), RejectError> {
    // The directory's own name may be new too. Where its parent may not be read, nothing can be done about that.
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let _ = File::open(parent).and_then(|parent| parent.sync_all());
    }
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(RejectError::at(dir))
}

/// Creates a file that only its owner may read, and the directory it is in. A file that is there already is replaced.
pub(super) fn create(path: &Path) -> Result<BufWriter<Arc<File>>, RejectError> {
    let open = || {
        path.parent().map_or(Ok(()), make_dir)?;
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
    };
    open().map(|file| BufWriter::new(Arc::new(file))).map_err(RejectError::at(path))
}

/// Makes a directory that only its owner may read, and those it is in.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    let mut made = Ok(());
    for _ in 0..MAKE_DIR_TRIES {
        made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        match &made {
            // Another run that begins may just have taken away the empty directory that this one is to be in, or have had it there
            // when it was to be made and no longer when it was looked at. A file in the way stays an error.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => {}
            _ => break,
        }
    }
    made
}
