//! A folder of a test's own, gone when the test ends.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder for one test.
pub(crate) struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    /// A new, empty folder.
    pub(crate) fn new() -> Scratch {
        Scratch { dir: tempfile::tempdir().expect("a scratch folder") }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the folder.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file in the folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, content).expect("a file in the scratch folder");
        path
    }
}
