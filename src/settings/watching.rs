//! What tells of a run on the way and at its end: progress, summary, log file, metrics. Nothing of it changes what is done.

use std::path::PathBuf;

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressMode {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// A bar.
    Bar,
    /// A line every 10 seconds.
    Plain,
    /// A JSON object a line every second.
    Json,
    /// Nothing but warnings and the summary.
    None,
}

/// How lines stand in the log file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Time, level, event, then `name=value`.
    #[default]
    Text,
    /// A JSON object.
    Json,
}

/// The log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// Where; lines are appended.
    pub file: PathBuf,
    /// How.
    pub format: LogFormat,
}

/// What tells of a run, on the way and at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchingSettings {
    /// How progress is shown.
    pub progress: ProgressMode,
    /// Print nothing when all is well and one line otherwise, whatever `progress` says.
    pub quiet: bool,
    /// Where the summary goes as JSON.
    pub summary: Option<PathBuf>,
    /// Where happenings are logged.
    pub log: Option<LogSettings>,
    /// Where metrics are served over HTTP while the run goes on, as `host:port`.
    pub metrics: Option<String>,
}
