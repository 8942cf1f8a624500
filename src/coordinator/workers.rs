//! Starting workers, talking to them, and seeing to it that none is left behind.
//!
//! A worker is a spawned copy of this executable (never forked: a forked child would inherit locks and sockets), or, with
//! `--workers 0`, a thread of this process that runs the very same loop over in-memory pipes. Each has a thread that writes to it, so
//! that a worker that does not read never holds up the coordinator, and one that reads from it.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::run::Event;
use crate::control::message::{FromWorker, ToWorker};
use crate::control::transport;
use crate::plan::pipe::SharedPipe;
use crate::worker;

/// The number of a worker, counted from 0; a worker that replaces a dead one has a new number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub usize);

impl std::fmt::Display for WorkerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Messages on their way to a worker; it is never sent more without having answered.
const OUTBOX_MESSAGES: usize = 16;
/// Lines of a worker's standard error that are kept to explain its death.
const STDERR_LINES: usize = 8;
/// The longest such line, in bytes.
const STDERR_LINE_BYTES: u64 = 1_000;
/// How long a worker that has said its last word may take to end.
const END_WITHIN: Duration = Duration::from_secs(10);
/// How often its end is looked for.
const END_POLL: Duration = Duration::from_millis(5);

/// Where workers run.
#[derive(Debug, Clone)]
pub enum WorkerKind {
    /// A process of this executable.
    Process(PathBuf),
    /// A thread of this process, to which what is read of standard input is handed over.
    Thread(Option<SharedPipe>),
}

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    outbox: Sender<ToWorker>,
    body: Body,
    stderr: Option<JoinHandle<VecDeque<String>>>,
}

#[derive(Debug)]
enum Body {
    Process(Child),
    Thread(Option<JoinHandle<()>>),
}

/// The worker does not take messages: it is dead or stuck.
#[derive(Debug, PartialEq, Eq)]
pub struct Unresponsive;

/// The worker is a thread of this process.
#[derive(Debug, PartialEq, Eq)]
pub struct IsThread;

impl Worker {
    /// Starts a worker; what it says comes as events.
    ///
    /// # Errors
    /// The operating system cannot start it.
    pub fn start(id: WorkerId, kind: &WorkerKind, events: Sender<Event>) -> io::Result<Worker> {
        let mut stderr = None;
        let (outbox, messages) = bounded(OUTBOX_MESSAGES);
        let body = match kind {
            WorkerKind::Process(executable) => {
                let mut child = spawn_process(executable)?;
                match attach(id, &mut child, messages, events) {
                    Ok(lines) => stderr = lines,
                    Err(error) => {
                        // It has done nothing yet.
                        let _ = child.kill();
                        let _ = child.wait();
                        return Err(error);
                    }
                }
                Body::Process(child)
            }
            WorkerKind::Thread(pipe) => {
                let (from_coordinator, to_worker): (PipeReader, PipeWriter) = io::pipe()?;
                let (from_worker, to_coordinator): (PipeReader, PipeWriter) = io::pipe()?;
                let (closed, pipe) = (events.clone(), pipe.clone());
                start_thread("to-worker", move || write_messages(&messages, to_worker))?;
                start_thread("from-worker", move || read_messages(id, from_worker, &events))?;
                Body::Thread(Some(start_thread("worker", move || {
                    let run = || worker::run(BufReader::new(from_coordinator), to_coordinator, pipe.as_ref());
                    if catch_unwind(AssertUnwindSafe(run)).is_err() {
                        // Threads of the worker may still hold its end of the pipe, which would then never close.
                        let _ = closed.send(Event::WorkerClosed(id, Some("it panicked".into())));
                    }
                })?))
            }
        };
        Ok(Worker { outbox, body, stderr })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The worker is dead or stuck.
    pub fn tell(&self, message: ToWorker) -> Result<(), Unresponsive> {
        self.outbox.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Unresponsive,
        })
    }

    /// Ends a worker at once.
    ///
    /// # Errors
    /// It is a thread, which cannot be ended so: it is left to the end of the process.
    pub fn kill(&mut self) -> Result<(), IsThread> {
        let Body::Process(child) = &mut self.body else { return Err(IsThread) };
        // It may have ended by itself already.
        let _ = child.kill();
        Ok(())
    }

    /// Waits for the end of a worker that has closed its side, and kills it if that takes too long. Returns how it ended.
    pub fn reap(mut self) -> String {
        drop(self.outbox);
        let ended = match &mut self.body {
            Body::Process(child) => reap_process(child),
            Body::Thread(thread) => reap_thread(thread.take()),
        };
        // The process is gone and with it the other end of its standard error, so the thread ends.
        let lines = self.stderr.take().and_then(|lines| lines.join().ok()).unwrap_or_default();
        let said: Vec<&str> = lines.iter().map(String::as_str).collect();
        if said.is_empty() { ended } else { format!("{ended}; it said: {}", said.join(" | ")) }
    }
}

/// Starts the threads that talk to a process; the last one keeps what it says on standard error.
fn attach(
    id: WorkerId,
    child: &mut Child,
    messages: Receiver<ToWorker>,
    events: Sender<Event>,
) -> io::Result<Option<JoinHandle<VecDeque<String>>>> {
    if let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) {
        start_thread("to-worker", move || write_messages(&messages, stdin))?;
        start_thread("from-worker", move || read_messages(id, stdout, &events))?;
    }
    child.stderr.take().map(|from| start_thread("worker-stderr", move || last_lines(from))).transpose()
}

/// Starts a thread; where there can be no more, that is an error and not a panic.
fn start_thread<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    thread::Builder::new().name(name.into()).spawn(body)
}

fn spawn_process(executable: &PathBuf) -> io::Result<Child> {
    let mut command = Command::new(executable);
    command.arg("worker").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A worker gets everything, secrets included, over the control channel.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RINGLOAD_") {
            command.env_remove(name);
        }
    }
    // A process group of its own: Ctrl-C reaches the coordinator only, which then stops its workers in order.
    command.process_group(0).spawn()
}

fn write_messages(messages: &Receiver<ToWorker>, mut to: impl io::Write) {
    for message in messages {
        if transport::send(&mut to, &message).is_err() {
            return;
        }
    }
}

fn read_messages(id: WorkerId, from: impl Read, events: &Sender<Event>) {
    let mut reader = BufReader::new(from);
    loop {
        let event = match transport::receive::<FromWorker>(&mut reader) {
            Ok(Some(message)) => Event::FromWorker(id, message),
            Ok(None) => Event::WorkerClosed(id, None),
            Err(error) => Event::WorkerClosed(id, Some(error.to_string())),
        };
        let last = matches!(event, Event::WorkerClosed(..));
        if events.send(event).is_err() || last {
            return;
        }
    }
}

fn last_lines(from: impl Read) -> VecDeque<String> {
    let mut reader = BufReader::new(from);
    let (mut lines, mut line) = (VecDeque::new(), Vec::new());
    while let Ok(1..) = reader.by_ref().take(STDERR_LINE_BYTES).read_until(b'\n', &mut line) {
        lines.push_back(String::from_utf8_lossy(&line).trim_end().to_string());
        if lines.len() > STDERR_LINES {
            lines.pop_front();
        }
        line.clear();
    }
    lines
}

fn reap_process(child: &mut Child) -> String {
    let deadline = Instant::now() + END_WITHIN;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(Some(status)) => return status.to_string(),
            Ok(None) => thread::sleep(END_POLL),
            Err(error) => return format!("it cannot be waited for: {error}"),
        }
    }
    let _ = child.kill();
    match child.wait() {
        Ok(_) => format!("killed: it did not end within {} s of its last word", END_WITHIN.as_secs()),
        Err(error) => format!("it cannot be waited for: {error}"),
    }
}

fn reap_thread(thread: Option<JoinHandle<()>>) -> String {
    match thread.map(JoinHandle::join) {
        Some(Err(_)) => "its thread panicked".into(),
        _ => "its thread ended".into(),
    }
}
