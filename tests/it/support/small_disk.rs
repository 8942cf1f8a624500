//! A small disk that a test can fill: a tmpfs in a mount namespace of its own, which needs user namespaces or root.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::program::Run;
use super::scratch::Scratch;

/// Its size: some room for a ledger.
const SIZE: &str = "size=2m";
/// Mounts it, says so, and holds the namespace until the test is over.
const HOLD: &str = r#"mount -t tmpfs -o "$1" tmpfs "$0" && echo ready && read -r _"#;

/// A disk that is seen by the runs that are started on it only; it goes when the test ends.
pub(crate) struct SmallDisk {
    holder: Child,
    /// Where it is, in its namespace.
    pub(crate) path: PathBuf,
}

impl SmallDisk {
    /// A disk in a test's folder. Fails the test where the system does not allow it.
    #[track_caller]
    pub(crate) fn new(scratch: &Scratch) -> SmallDisk {
        let path = scratch.join("disk");
        fs::create_dir(&path).expect("a directory to mount on");
        let disk = hold(&["--mount", "--user", "--map-root-user"], &path);
        let disk = disk.or_else(|said| hold(&["--mount"], &path).map_err(|also| said + &also));
        let holder = disk.unwrap_or_else(|said| {
            panic!(
                "a tmpfs in a mount namespace needs user namespaces or root, and the system refused: {said}"
            )
        });
        SmallDisk { holder, path }
    }

    /// `ringload` in the test's folder, with the disk in its sight.
    pub(crate) fn run(&self, scratch: &Scratch) -> Run {
        let pid = self.holder.id().to_string();
        let mut command = Command::new("nsenter");
        command.args(["--target", &pid, "--mount"]);
        let of = |process: &str| fs::read_link(format!("/proc/{process}/ns/user")).expect("a namespace");
        if of(&pid) != of("self") {
            command.args(["--user", "--preserve-credentials"]);
        }
        // Entering a mount namespace leads to its root.
        command.args(["sh", "-c", r#"cd "$0" && exec "$@""#]).arg(scratch.path());
        Run::through(command, scratch)
    }

    /// Takes all the room there is.
    pub(crate) fn fill(&self) {
        let mut file = File::create(self.filler()).expect("a file");
        for block in [64 << 10, 1] {
            let error = std::iter::repeat_with(|| file.write_all(&vec![0; block])).find_map(Result::err);
            assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::StorageFull));
        }
    }

    /// Gives it back.
    pub(crate) fn free(&self) {
        fs::remove_file(self.filler()).expect("the file that fills the disk");
    }

    /// Where a path below the disk's is seen from outside.
    pub(crate) fn seen(&self, below: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.path.strip_prefix("/").expect("an absolute path")).join(below)
    }

    fn filler(&self) -> PathBuf {
        self.seen("filler")
    }
}

fn hold(namespaces: &[&str], path: &Path) -> Result<Child, String> {
    let mut holder = Command::new("unshare")
        .args(namespaces)
        .args(["sh", "-c", HOLD])
        .args([path.as_os_str(), SIZE.as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut line = String::new();
    let said = holder.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    if said.is_some_and(|said| said.is_ok()) && line == "ready\n" {
        return Ok(holder);
    }
    let output = holder.wait_with_output().map_err(|error| error.to_string())?;
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
