//! What the command line may see of the process: environment, small files, the terminal, the clock. This is the one
//! place in `cli` that touches them; tests put their own world in its place.

use std::ffi::OsString;
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read};
use std::path::Path;

use bytesize::ByteSize;
use jiff::Timestamp;

/// Configuration and password files are small: one that is larger than this (1 MiB) is a mistake.
pub(super) const SMALL_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The process and its surroundings.
pub trait World {
    /// The value of an environment variable.
    fn variable(&self, name: &str) -> Option<OsString>;
    /// The names of the environment variables that begin with `RINGLOAD_`.
    fn variable_names(&self) -> Vec<String>;
    /// A small file's bytes, and whether others than its owner may read it.
    ///
    /// # Errors
    /// The file cannot be read, or is larger than `bytes_max`.
    fn small_file(&self, path: &Path, bytes_max: u64) -> io::Result<SmallFile>;
    /// Asks for a password on the terminal, without echo.
    ///
    /// # Errors
    /// There is no terminal.
    fn ask_password(&self, prompt: &str) -> io::Result<String>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// A number that no other run has, were it started in the same second: in containers processes have the same numbers.
    fn nonce(&self) -> u32;
}

/// What [`World::small_file`] finds.
pub struct SmallFile {
    /// The content; kept out of `Debug`, it may be a password.
    pub bytes: Vec<u8>,
    /// Whether its mode lets the group or others read, write or run it.
    pub open_to_others: bool,
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessWorld;

impl World for ProcessWorld {
    fn variable(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }

    fn variable_names(&self) -> Vec<String> {
        std::env::vars_os()
            .filter_map(|(name, _)| name.into_string().ok())
            .filter(|name| name.starts_with("RINGLOAD_"))
            .collect()
    }

    fn small_file(&self, path: &Path, bytes_max: u64) -> io::Result<SmallFile> {
        let file = File::open(path)?;
        let open_to_others = open_to_others(&file.metadata()?);
        let mut bytes = Vec::new();
        file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > bytes_max {
            let most = ByteSize(bytes_max).display().iec();
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {most}")));
        }
        Ok(SmallFile { bytes, open_to_others })
    }

    fn ask_password(&self, prompt: &str) -> io::Result<String> {
        rpassword::prompt_password(prompt)
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn nonce(&self) -> u32 {
        // Its keys come from the system's random numbers (std::hash::RandomState).
        RandomState::new().build_hasher().finish() as u32
    }
}

#[cfg(unix)]
fn open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.is_file() && metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn open_to_others(_metadata: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_tells_whether_others_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pw");
        std::fs::write(&path, "secret\n").unwrap();
        let check = |mode: u32, expected: bool| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let file = ProcessWorld.small_file(&path, SMALL_FILE_BYTES_MAX).unwrap();
            assert_eq!(
                (file.bytes.as_slice(), file.open_to_others),
                (b"secret\n".as_slice(), expected),
                "{mode:o}"
            );
        };
        check(0o600, false);
        check(0o400, false);
        check(0o640, true);
        check(0o604, true);
    }

    #[test]
    fn a_file_that_is_not_small_is_refused_and_not_read_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("large");
        // Sparse: reading it whole would take a terabyte of memory.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = ProcessWorld.small_file(&path, SMALL_FILE_BYTES_MAX).err().unwrap();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (io::ErrorKind::FileTooLarge, "larger than 1.0 MiB")
        );
        File::create(&path).unwrap().set_len(SMALL_FILE_BYTES_MAX).unwrap();
        assert_eq!(
            ProcessWorld.small_file(&path, SMALL_FILE_BYTES_MAX).unwrap().bytes.len() as u64,
            SMALL_FILE_BYTES_MAX
        );
    }
}
