//! What is shown on the way and left at the end.
//! A command that may take long takes this group.

use std::path::PathBuf;

use crate::settings::{LogFormat, LogSettings, ProgressMode, WatchingSettings};

/// Progress, summary, log and metrics.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchingArgs {
    /// Progress on standard error: a bar on a terminal, else a line every 10 s; or as said
    #[arg(
        long,
        value_name = "auto|bar|plain|json|none",
        value_enum,
        default_value = "auto",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub progress: ProgressMode,

    /// Print nothing when all is well, and one line at the end otherwise
    #[arg(long)]
    pub quiet: bool,

    /// Write the summary to this file as JSON
    #[arg(long, value_name = "FILE.json")]
    pub summary: Option<PathBuf>,

    /// Append a line to this file for everything that happens
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,

    /// How the lines of --log-file stand there
    #[arg(
        long,
        value_name = "text|json",
        value_enum,
        default_value = "text",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub log_format: LogFormat,

    /// Serve metrics for Prometheus at this address while the run goes on; a port alone is on 127.0.0.1
    #[arg(long, value_name = "[HOST:]PORT")]
    pub metrics_listen: Option<String>,
}

impl WatchingArgs {
    /// What else the file of the log is: lines appended to it would do harm.
    pub(in crate::cli) fn log_is_also(&self, inputs: &[PathBuf]) -> Option<&'static str> {
        let file = self.log_file.as_ref()?;
        match () {
            () if inputs.contains(file) => Some("an input"),
            () if self.summary.as_ref() == Some(file) => Some("the file of --summary"),
            () => None,
        }
    }

    /// What needs no understanding: all but the metrics' address.
    pub fn settings(&self, inputs: &[PathBuf]) -> WatchingSettings {
        let file = self.log_file.clone().filter(|_| self.log_is_also(inputs).is_none());
        let log = file.map(|file| LogSettings { file, format: self.log_format });
        WatchingSettings {
            progress: self.progress,
            quiet: self.quiet,
            summary: self.summary.clone(),
            log,
            metrics: None,
        }
    }
}
