//! Running `ringload` as a user does: the real executable, its exit code, its output, its summary file.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::scratch::Scratch;

/// The program.
const RINGLOAD: &str = env!("CARGO_BIN_EXE_ringload");
/// How long any run in the tests may take before it is killed and the test fails.
const RUN_WITHIN: Duration = Duration::from_secs(600);
/// How long a test waits for what must become so. Nothing depends on it but how soon a test fails where it does not.
const WAIT_WITHIN: Duration = Duration::from_secs(240);

/// What a finished run left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Its exit code; `None` when it was killed.
    pub(crate) code: Option<i32>,
    /// Its standard output.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
    /// The summary file, if it wrote one.
    pub(crate) summary: Value,
}

/// A run of `ringload`, being put together.
pub(crate) struct Run {
    command: Command,
    summary: std::path::PathBuf,
}

impl Run {
    /// `ringload` with a clean environment, running in the test's folder.
    pub(crate) fn new(scratch: &Scratch) -> Run {
        Run::of(Command::new(RINGLOAD), scratch)
    }

    /// The same, started by another program that is given `ringload` and its arguments as its last ones and becomes it.
    pub(crate) fn through(mut starter: Command, scratch: &Scratch) -> Run {
        starter.arg(RINGLOAD);
        Run::of(starter, scratch)
    }

    fn of(mut command: Command, scratch: &Scratch) -> Run {
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_ascii_uppercase();
            if text.starts_with("RINGLOAD_") || text.starts_with("AWS_") || text.ends_with("_PROXY") {
                command.env_remove(name);
            }
        }
        command.current_dir(scratch.path()).stdin(Stdio::null());
        command.env("RINGLOAD_STATE_DIR", scratch.join("state"));
        Run { command, summary: scratch.join("summary.json") }
    }

    /// `ringload load` into a table through a contact point, with a summary file.
    pub(crate) fn load(scratch: &Scratch, contact: &str, table: &str) -> Run {
        Run::new(scratch).loading(contact, table)
    }

    /// `ringload verify` of a table through a contact point, with a summary file.
    pub(crate) fn verify(scratch: &Scratch, contact: &str, table: &str) -> Run {
        Run::new(scratch).on_table("verify", contact, table)
    }

    /// Makes it a load into a table through a contact point, with a summary file.
    pub(crate) fn loading(self, contact: &str, table: &str) -> Run {
        self.on_table("load", contact, table)
    }

    fn on_table(self, command: &str, contact: &str, table: &str) -> Run {
        let summary = self.summary.clone();
        // Where a test may ask for something else on the command line.
        let run = self.env("RINGLOAD_PROGRESS", "none");
        run.args([command, "-t", table, "--hosts", contact, "--summary"]).arg(summary)
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Run {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<std::ffi::OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Run {
        self.command.args(args);
        self
    }

    /// Lets it read this as its standard input.
    pub(crate) fn stdin(mut self, from: impl Into<Stdio>) -> Run {
        self.command.stdin(from);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Run {
        self.command.env(name, value);
        self
    }

    /// Starts it without waiting.
    pub(crate) fn start(mut self) -> Running {
        // What an earlier run in the same folder left is not this run's.
        std::fs::remove_file(&self.summary).ok();
        let child =
            self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("ringload starts");
        Running { child: Some(child), summary: self.summary }
    }

    /// Runs it to its end.
    pub(crate) fn finish(self) -> Finished {
        self.start().finish()
    }
}

/// A run that goes on while the test looks at it; it is killed where the test fails before its end.
pub(crate) struct Running {
    child: Option<Child>,
    summary: std::path::PathBuf,
}

impl Running {
    /// The coordinator's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("a run that was not waited for").id()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut().expect("a run that was not waited for");
        child.try_wait().expect("the child can be waited for").is_some()
    }

    /// The process ids of its workers that run now.
    pub(crate) fn workers(&self) -> Vec<u32> {
        children_of(self.pid())
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Finished {
        let child = self.child.take().expect("a run that was not waited for");
        let (done, watch) = std::sync::mpsc::channel::<()>();
        let pid = child.id();
        let watchdog = std::thread::spawn(move || {
            if watch.recv_timeout(RUN_WITHIN).is_err() {
                send_signal(pid, "KILL");
                panic!("ringload did not end within {RUN_WITHIN:?}");
            }
        });
        let Output { status, stdout, stderr } = child.wait_with_output().expect("ringload ends");
        done.send(()).ok();
        watchdog.join().expect("ringload ends in time");
        let summary =
            std::fs::read(&self.summary).ok().map(|json| serde_json::from_slice(&json).expect("JSON"));
        Finished {
            code: status.code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            summary: summary.unwrap_or(Value::Null),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Finished {
    /// Fails the test with everything the run said unless it ended with this code.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Finished {
        assert_eq!(self.code, Some(code), "stderr: {}\nsummary: {}", self.stderr, self.summary);
        self
    }

    /// Fails the test unless standard error has all of these texts.
    #[track_caller]
    pub(crate) fn expect_said(self, texts: &[&str]) -> Finished {
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is not in {:?}", self.stderr);
        }
        self
    }

    /// Fails the test unless the summary counts so many records, rows written and rejects.
    #[track_caller]
    pub(crate) fn expect_counts(self, records: u64, written: u64, rejected: u64) -> Finished {
        let counts = ["records", "written", "rejected"].map(|key| self.number(key));
        assert_eq!(counts, [records, written, rejected], "stderr: {}", self.stderr);
        self
    }

    /// The first event of this kind that a run with `--progress json` told.
    pub(crate) fn event(&self, kind: &str) -> Option<Value> {
        let lines = self.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| line["event"] == kind)
    }

    /// Rows that were sent, each counted once however often: a server may be late with an answer at any time.
    #[track_caller]
    pub(crate) fn sent(&self) -> u64 {
        self.number("requests") - self.number("retried")
    }

    /// A number of the summary.
    #[track_caller]
    pub(crate) fn number(&self, key: &str) -> u64 {
        self.summary[key].as_u64().unwrap_or_else(|| panic!("no number {key} in {}", self.summary))
    }
}

/// Sends a signal to one process.
pub(crate) fn send_signal(pid: u32, signal: &str) {
    let status = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status();
    assert!(status.expect("kill runs").success(), "kill -{signal} {pid}");
}

/// Whether a process exists and is no zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    process_state(pid).is_some_and(|(state, _)| state != 'Z')
}

fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| process_state(*pid).is_some_and(|(state, of)| of == parent && state != 'Z')).collect()
}

/// A process's state letter and its parent.
fn process_state(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Waits until something is so; fails the test with `what` if it never is.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT_WITHIN;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited {WAIT_WITHIN:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
