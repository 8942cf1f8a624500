//! The reject files of one attempt at one unit, written by a worker. Made at the first reject only, and under names that say
//! that they are unfinished until the last byte is on the disk: a worker may be killed at any instant.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{RejectError, RejectReason};
use crate::plan::unit::UnitId;

/// Where an attempt's records and reasons are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartFiles {
    /// The records' original bytes.
    pub records: PathBuf,
    /// A JSON line for each.
    pub reasons: PathBuf,
}

impl PartFiles {
    /// The part files of `attempt` at `unit` below `dir`.
    pub fn new(dir: &Path, unit: UnitId, attempt: u32) -> Self {
        let stem = format!("part-{:08}-{attempt}", unit.0);
        PartFiles {
            records: dir.join(format!("{stem}.records")),
            reasons: dir.join(format!("{stem}.reasons")),
        }
    }

    /// Deletes both, if they are there.
    pub fn delete(&self) {
        // A part that stays behind is no loss: parts are never read again once they are joined.
        for path in [&self.records, &self.reasons] {
            let _ = fs::remove_file(path);
            let _ = fs::remove_file(unfinished(path));
        }
    }
}

/// Writes the reject files of one attempt.
#[derive(Debug)]
pub struct PartWriter {
    files: PartFiles,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    records: BufWriter<File>,
    reasons: BufWriter<File>,
}

impl PartWriter {
    /// A writer of `files`, which do not exist yet.
    pub fn new(files: PartFiles) -> Self {
        PartWriter { files, open: None }
    }

    /// Adds a record and its reason.
    ///
    /// # Errors
    /// A file or the directory cannot be written.
    pub fn write(&mut self, reason: &RejectReason, raw: &[u8]) -> Result<(), RejectError> {
        let open = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(Open {
                records: create(&unfinished(&self.files.records))?,
                reasons: create(&unfinished(&self.files.reasons))?,
            }),
        };
        open.records.write_all(raw).map_err(RejectError::at(&self.files.records))?;
        let write_reason = |to: &mut BufWriter<File>| {
            serde_json::to_writer(&mut *to, reason)?;
            to.write_all(b"\n")
        };
        write_reason(&mut open.reasons).map_err(RejectError::at(&self.files.reasons))
    }

    /// Brings everything written to the disk and gives the files their names, the reasons last: where they are, both are whole.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(&mut self) -> Result<(), RejectError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        keep(open.records, &self.files.records)?;
        keep(open.reasons, &self.files.reasons)
    }
}

/// Flushes a file and gives it its name.
fn keep(mut file: BufWriter<File>, path: &Path) -> Result<(), RejectError> {
    let mut keep = || {
        file.flush()?;
        file.get_ref().sync_data()?;
        fs::rename(unfinished(path), path)
    };
    keep().map_err(RejectError::at(path))
}

/// The name of a file that is not finished.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}

/// Creates a file that only its owner may read, and the directory it is in. A file that is there already is replaced.
pub(super) fn create(path: &Path) -> Result<BufWriter<File>, RejectError> {
    let open = || {
        if let Some(dir) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
    };
    open().map(BufWriter::new).map_err(RejectError::at(path))
}
