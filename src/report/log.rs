//! The log file: a line for everything that happens to a run, for those who look the morning after. Our own events and the
//! driver's warnings come to it through `tracing`; `line` says how they stand there.
//!
//! It never fails a run: what cannot be written is missing, and [`Log::trouble`] says so once.

mod line;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Dispatch, Level};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use super::event::{RunEvent, RunStatus, Summary};
use super::json;
use super::progress::Pace;
use super::rate::Meter;
use crate::control::said::{self, TARGET};
use crate::settings::LogSettings;
use line::LineFormat;

/// How often a progress line comes.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// The log file cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot open the log file {}: {source}: give --log-file another file, in a directory that can be written", path.display())]
pub struct LogError {
    /// Which file.
    path: PathBuf,
    /// Why.
    source: io::Error,
}

/// An open log file.
pub struct Log {
    path: PathBuf,
    file: Arc<LogFile>,
    dispatch: Dispatch,
    meter: Meter,
    pace: Pace,
}

impl Log {
    /// Opens the file, which is made for its owner only where it is not there.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(settings: &LogSettings) -> Result<Log, LogError> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let path = settings.file.clone();
        let file = match options.open(&path) {
            Ok(file) => Arc::new(LogFile::new(file)),
            Err(source) => return Err(LogError { path, source }),
        };
        let lines = layer()
            .event_format(LineFormat::new(settings.format, std::process::id()))
            .with_writer(Arc::clone(&file))
            .log_internal_errors(false);
        let dispatch = Dispatch::new(registry().with(said::filter()).with(lines));
        Ok(Log { path, file, dispatch, meter: Meter::default(), pace: Pace::every(PROGRESS_EVERY) })
    }

    /// From now on, what the driver warns of in this process is logged too.
    pub fn hear_libraries(&self) {
        // It fails where somebody hears them already, which is never so in a process that has one log.
        drop(tracing::dispatcher::set_global_default(self.dispatch.clone()));
    }

    /// Writes what happened.
    pub fn handle(&mut self, event: &RunEvent) {
        let (level, line) = match event {
            RunEvent::Progress(snapshot) => {
                let rates = self.meter.observe(snapshot);
                if !self.pace.is_due(snapshot.elapsed) {
                    return;
                }
                (Level::INFO, Some(json::progress(snapshot, &rates)))
            }
            RunEvent::Verifying { .. } => {
                // It has a time and a pace of its own, also after a load.
                (self.meter, self.pace) = (Meter::default(), Pace::every(PROGRESS_EVERY));
                (Level::INFO, json::event(event))
            }
            RunEvent::Started { .. }
            | RunEvent::Resumed { .. }
            | RunEvent::TableCreated { .. }
            | RunEvent::Note(_) => (Level::INFO, json::event(event)),
            RunEvent::WorkerLost { .. } | RunEvent::Warning(_) | RunEvent::Stopping { .. } => {
                (Level::WARN, json::event(event))
            }
            RunEvent::Library { worker, source, message, is_error } => {
                let level = if *is_error { Level::ERROR } else { Level::WARN };
                (level, Some(json::library(*worker, source, message)))
            }
            RunEvent::Finished(summary) => (level_of(summary), json::event(event)),
        };
        if let Some(line) = line {
            self.tell(level, &line);
        }
    }

    /// Writes why the run could not begin.
    pub fn refuse(&mut self, error: &dyn std::error::Error, exit_code: u8) {
        self.tell(Level::ERROR, &json::error(&error.to_string(), exit_code));
    }

    /// What to say of lines that could not be written, the first time that there are some.
    pub fn trouble(&mut self) -> Option<String> {
        let mut state = self.file.state();
        if !matches!(state.trouble, Trouble::New(_)) {
            return None;
        }
        let Trouble::New(error) = std::mem::replace(&mut state.trouble, Trouble::Told) else { return None };
        Some(format!(
            "cannot write to the log file {}: {error}; the load goes on, but lines are missing there",
            self.path.display()
        ))
    }

    fn tell(&self, level: Level, line: &str) {
        tracing::dispatcher::with_default(&self.dispatch, || match level {
            Level::ERROR => tracing::error!(target: TARGET, line),
            Level::WARN => tracing::warn!(target: TARGET, line),
            _ => tracing::info!(target: TARGET, line),
        });
    }
}

fn level_of(summary: &Summary) -> Level {
    match summary.status {
        RunStatus::Done => Level::INFO,
        RunStatus::DoneWithRejects => Level::WARN,
        _ => Level::ERROR,
    }
}

/// The file as `tracing` writes to it, a whole line at a time.
struct LogFile {
    state: Mutex<FileState>,
}

struct FileState {
    file: File,
    /// Whether the last line may be there in part.
    torn: bool,
    trouble: Trouble,
}

/// What became of lines that could not be written.
enum Trouble {
    None,
    /// There is something to say.
    New(io::Error),
    /// It was said.
    Told,
}

impl LogFile {
    fn new(file: File) -> LogFile {
        LogFile { state: Mutex::new(FileState { file, torn: false, trouble: Trouble::None }) }
    }

    fn state(&self) -> MutexGuard<'_, FileState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for &LogFile {
    /// Never fails, so that the writer does not complain by itself.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        // In one piece, so that lines of several runs do not mix. A disk may have room again: what follows begins a new line.
        let line_end = if state.torn { &b"\n"[..] } else { b"" };
        match state.file.write_all(&[line_end, line].concat()) {
            Ok(()) => state.torn = false,
            Err(error) => {
                state.torn = true;
                if matches!(state.trouble, Trouble::None) {
                    state.trouble = Trouble::New(error);
                }
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
