//! All that watches a run: the terminal, the log file, the metrics, and the summary file at the end. Each is told the same
//! events; none of them influences the run.

use super::Reporter;
use super::event::{RunEvent, Summary};
use super::log::{Log, LogError};
use super::metrics::{Metrics, MetricsError};
use super::summary::{self, SummaryError};
use crate::settings::WatchingSettings;

/// What is to watch the run cannot.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The log file.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The summary file.
    #[error(transparent)]
    Summary(#[from] SummaryError),
    /// The metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

/// Everything that watches one run.
pub struct Watch {
    settings: WatchingSettings,
    table: String,
    reporter: Reporter,
    log: Option<Log>,
    metrics: Option<Metrics>,
    /// Whether the summary file is this run's to write.
    prepared: bool,
    warnings: u64,
}

impl Watch {
    /// Who watches a load into `table`. Only the terminal does before [`Watch::open`].
    pub fn new(settings: &WatchingSettings, table: String, stderr_is_terminal: bool) -> Self {
        Watch {
            settings: settings.clone(),
            table,
            reporter: Reporter::new(settings, stderr_is_terminal),
            log: None,
            metrics: None,
            prepared: false,
            warnings: 0,
        }
    }

    /// Opens what else the settings name, and takes an older summary away. Nothing may have begun before that.
    ///
    /// # Errors
    /// The log cannot be opened, the summary not be written, or the metrics not be served.
    pub fn open(&mut self) -> Result<(), WatchError> {
        // The log comes first, because what else goes wrong belongs into it.
        self.log = self.settings.log.as_ref().map(Log::open).transpose()?;
        self.log.iter().for_each(Log::hear_libraries);
        if let Some(path) = &self.settings.summary {
            summary::prepare(path)?;
            self.prepared = true;
        }
        if let Some(address) = &self.settings.metrics {
            self.metrics = Some(Metrics::serve(address, &self.table)?);
        }
        Ok(())
    }

    /// Tells everybody what happened.
    pub fn handle(&mut self, event: &RunEvent) {
        if let RunEvent::Warning(_) | RunEvent::WorkerLost { .. } = event {
            self.warnings += 1;
        }
        self.reporter.handle(event);
        self.tell_others(event);
    }

    /// Ends a run that had begun: tells everybody, writes the summary, and says with which code to end.
    pub fn finish(mut self, summary: Summary) -> u8 {
        let summary = Summary { warnings: self.warnings, ..summary };
        let unwritten = self.write_summary(&summary).err();
        let exit_code = match unwritten {
            None => summary.status.exit_code(),
            Some(_) => summary.status.exit_code_without_summary(),
        };
        self.reporter.finish(&summary, unwritten.as_ref(), exit_code);
        self.tell_others(&RunEvent::Finished(Box::new(summary)));
        if let (Some(log), Some(error)) = (&mut self.log, &unwritten) {
            log.refuse(error, exit_code);
        }
        exit_code
    }

    /// Ends a run that could not begin, of which `summary` says no more than that.
    pub fn refuse(mut self, error: &dyn std::error::Error, exit_code: u8, summary: Summary) {
        self.reporter.refuse(&self.table, error, exit_code);
        if let Some(log) = &mut self.log {
            log.refuse(error, exit_code);
        }
        let summary = Summary { warnings: self.warnings, ..summary };
        if let (Err(unwritten), false) = (self.write_summary(&summary), self.settings.quiet) {
            self.reporter.refuse(&self.table, &unwritten, exit_code);
        }
    }

    fn write_summary(&self, summary: &Summary) -> Result<(), SummaryError> {
        match &self.settings.summary {
            Some(path) if self.prepared => summary::write_file(path, summary),
            _ => Ok(()),
        }
    }

    fn tell_others(&mut self, event: &RunEvent) {
        if let Some(metrics) = &self.metrics {
            metrics.handle(event);
        }
        let Some(log) = &mut self.log else { return };
        log.handle(event);
        if let Some(trouble) = log.trouble() {
            self.handle(&RunEvent::Warning(trouble));
        }
    }
}

/// Does what is left to do for a run whose settings are wrong: an older summary is taken away, so that nobody takes it for this
/// run's, and the log says why there was none. What goes wrong here is not the error to report.
pub fn refuse_settings(settings: &WatchingSettings, error: &dyn std::error::Error, exit_code: u8) {
    if let Some(path) = &settings.summary {
        drop(summary::prepare(path));
    }
    if let Some(Ok(mut log)) = settings.log.as_ref().map(Log::open) {
        log.refuse(error, exit_code);
    }
}

#[cfg(test)]
mod tests;
