//! The lock of a job: the operating system's, on a file of its own, so that it ends with the process however that ends.
//! Only the lock on it means anything. Whoever lets go of it takes the file away before, and whoever has got it looks whether it is still
//! the file of that name: else it was another's, who has taken it away meanwhile. One that a killed process has left is in nobody's way.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::LedgerError;

/// The directory of the lock files.
const LOCKS_DIR: &str = "locks";
/// Longest text of a holder that is read.
const HOLDER_BYTES_MAX: u64 = 200;

/// A job is locked as long as this lives.
#[derive(Debug)]
pub struct JobLock {
    file: File,
    path: PathBuf,
}

impl Drop for JobLock {
    fn drop(&mut self) {
        // The lock ends when the file is closed, which comes after this. A file that cannot be taken away stays, and does no harm.
        if is_there(&self.file, &self.path).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What trying to lock came to.
#[derive(Debug)]
pub enum Locked {
    /// It is ours now.
    Ours(JobLock),
    /// Another run holds it; what it says of itself, which may be nothing.
    HeldBy(String),
}

/// How long a lock is tried for: far longer than anybody looks at it.
const LOOKED_AT_FOR: Duration = Duration::from_millis(200);
const LOCK_POLL: Duration = Duration::from_millis(10);

/// Locks the job of this name for this process. Who only looks whether it is locked holds it for an instant, which is waited out.
///
/// # Errors
/// The lock file cannot be made or locked.
pub fn lock(state_dir: &Path, job: &str, holder: &str) -> Result<Locked, LedgerError> {
    let path = path_of(state_dir, job);
    let failed = |source| LedgerError::Directory { path: state_dir.to_path_buf(), source };
    let deadline = Instant::now() + LOOKED_AT_FOR;
    let (mut file, locked) = loop {
        let file = open(state_dir, &path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOCK_POLL),
            Ok(()) if !is_there(&file, &path).map_err(failed)? => {}
            tried => break (file, tried),
        }
    };
    match locked {
        Ok(()) => {
            // For people only: what counts is the lock.
            let _ = file.set_len(0).and_then(|()| file.write_all(holder.as_bytes()));
            Ok(Locked::Ours(JobLock { file, path }))
        }
        Err(TryLockError::WouldBlock) => {
            let mut said = Vec::new();
            let _ = file.take(HOLDER_BYTES_MAX).read_to_end(&mut said);
            Ok(Locked::HeldBy(String::from_utf8_lossy(&said).trim().to_owned()))
        }
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Whether a run holds the job of this name now. Makes nothing.
///
/// # Errors
/// The lock file cannot be opened.
pub fn is_locked(state_dir: &Path, job: &str) -> Result<bool, LedgerError> {
    let path = path_of(state_dir, job);
    match File::open(&path) {
        Ok(file) => Ok(matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(LedgerError::Directory { path, source }),
    }
}

/// Whether an open file is the one that has this name now.
fn is_there(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((opened.dev(), opened.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn open(state_dir: &Path, path: &Path) -> Result<File, LedgerError> {
    let open = || {
        DirBuilder::new().recursive(true).mode(0o700).create(state_dir.join(LOCKS_DIR))?;
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
    };
    open().map_err(|source| LedgerError::Directory { path: path.to_path_buf(), source })
}

/// A name may hold anything, also what no file name can.
fn path_of(state_dir: &Path, job: &str) -> PathBuf {
    let dir = state_dir.join(LOCKS_DIR);
    dir.join(format!("{}.lock", &blake3::hash(job.as_bytes()).to_hex()[..32]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_locked_until_its_lock_is_dropped_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let Locked::Ours(held) = lock(dir.path(), "a/b", "process 1").unwrap() else { panic!("it is free") };
        assert!(is_locked(dir.path(), "a/b").unwrap());
        let Locked::HeldBy(holder) = lock(dir.path(), "a/b", "process 2").unwrap() else {
            panic!("it is held")
        };
        assert_eq!(holder, "process 1");
        assert!(matches!(lock(dir.path(), "a/c", "process 2").unwrap(), Locked::Ours(_)));
        drop(held);
        assert!(!is_locked(dir.path(), "a/b").unwrap());
        assert!(matches!(lock(dir.path(), "a/b", "process 2").unwrap(), Locked::Ours(_)));
    }

    #[test]
    fn a_lock_leaves_no_file_behind_and_is_never_held_twice() {
        let dir = tempfile::tempdir().unwrap();
        let held = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut times = 0;
                    while times < 100 {
                        // Each file that is open is locked by itself, as if it were another process's.
                        let Locked::Ours(ours) = lock(dir.path(), "j", "me").unwrap() else { continue };
                        assert_eq!(held.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        held.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(ours);
                        times += 1;
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(dir.path().join(LOCKS_DIR)).unwrap().count(), 0);
        assert!(!is_locked(dir.path(), "j").unwrap());
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let error = lock(Path::new("/proc/none"), "a", "me").unwrap_err().to_string();
        assert!(error.contains("/proc/none") && error.contains("--state-dir"), "{error}");
    }
}
