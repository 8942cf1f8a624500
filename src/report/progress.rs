//! The reporter: shows a run's events as a bar, plain lines, JSON lines, or only what matters; then the summary. A quiet one
//! says nothing at all, or one line at the end.
//!
//! It knows no clock: the pace of the lines comes from the snapshots' times. It never fails: what cannot be written is
//! dropped, because a closed terminal must not end a load.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::event::{RunEvent, Snapshot, Summary};
use super::rate::{Meter, Rates};
use super::summary::SummaryError;
use super::{json, lines, summary, terminal};
use crate::settings::{ProgressMode, WatchingSettings};

/// How often a plain line comes.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// How often a JSON line comes.
const JSON_EVERY: Duration = Duration::from_secs(1);
/// The bar fills what the figures leave of its line; the details stand below.
const BAR_TEMPLATE: &str = "[{wide_bar}] {prefix}\n{wide_msg}";

/// Shows a run.
pub struct Reporter {
    display: Display,
    meter: Meter,
    out: Box<dyn Write + Send>,
}

enum Display {
    Bar {
        bar: ProgressBar,
        /// Before the first progress there is nothing to draw, and nobody to clear it away when a signal ends the process.
        drawn: bool,
    },
    Plain(Pace),
    Json(Pace),
    /// No progress.
    None,
    /// Nothing but the end of a run that did not go well.
    Quiet,
}

impl Reporter {
    /// A reporter on standard error. A bar needs a terminal that can move its cursor: without one, there are plain lines.
    pub fn new(settings: &WatchingSettings, stderr_is_terminal: bool) -> Self {
        let target = if stderr_is_terminal { terminal::stderr() } else { ProgressDrawTarget::hidden() };
        Reporter::with_output(settings, target, Box::new(std::io::stderr()))
    }

    /// A reporter that draws its bar on `target` and writes everything else to `out`.
    pub(super) fn with_output(
        settings: &WatchingSettings,
        target: ProgressDrawTarget,
        out: Box<dyn Write + Send>,
    ) -> Self {
        let display = match settings.progress {
            _ if settings.quiet => Display::Quiet,
            ProgressMode::Auto | ProgressMode::Bar if !target.is_hidden() => {
                Display::Bar { bar: bar(target), drawn: false }
            }
            ProgressMode::Auto | ProgressMode::Bar | ProgressMode::Plain => {
                Display::Plain(Pace::every(PLAIN_EVERY))
            }
            ProgressMode::Json => Display::Json(Pace::every(JSON_EVERY)),
            ProgressMode::None => Display::None,
        };
        Reporter { display, meter: Meter::default(), out }
    }

    /// Shows what happened.
    pub fn handle(&mut self, event: &RunEvent) {
        if matches!(event, RunEvent::Verifying { .. }) {
            self.begin_anew();
        }
        match (&self.display, event) {
            (_, RunEvent::Finished(summary)) => {
                return self.finish(summary, None, summary.status.exit_code());
            }
            (_, RunEvent::Progress(snapshot)) => return self.progress(snapshot),
            (Display::Quiet, _) => return,
            (Display::Json(_), event) => {
                if let Some(line) = json::event(event) {
                    self.write(&line);
                }
                return;
            }
            (Display::Bar { .. } | Display::Plain(_) | Display::None, _) => {}
        }
        match event {
            RunEvent::Started { table, inputs, bytes_total, workers, dry_run } => {
                if !matches!(self.display, Display::None) {
                    self.write(&lines::started(table, inputs, *bytes_total, *workers, *dry_run));
                }
            }
            RunEvent::Verifying { table, inputs, bytes_total, workers, sample } => {
                if !matches!(self.display, Display::None) {
                    self.write(&lines::verifying(table, inputs, *bytes_total, *workers, *sample));
                }
            }
            RunEvent::Resumed { job, begun, run, resumed, read_again } => {
                if !matches!(self.display, Display::None) {
                    self.write(&lines::resumed(job, begun, *run, resumed, read_again));
                }
            }
            RunEvent::TableCreated { table, cql, dry_run } => {
                if !matches!(self.display, Display::None) {
                    self.write(&lines::table_created(table, cql, *dry_run));
                }
            }
            RunEvent::WorkerLost { worker, reason } => self.write(&lines::worker_lost(*worker, reason)),
            RunEvent::Warning(message) => self.write(&lines::warning(message)),
            RunEvent::Note(message) => self.write(&lines::note(message)),
            // What a second signal does is seen at once.
            RunEvent::Stopping { at_once: true, .. } => {}
            RunEvent::Stopping { signal, at_once: false } => self.write(&lines::stopping(*signal)),
            RunEvent::Progress(_) | RunEvent::Library { .. } | RunEvent::Finished(_) => {}
        }
    }

    /// A verification has a time and a pace of its own, also after a load.
    fn begin_anew(&mut self) {
        self.meter = Meter::default();
        if let Display::Plain(pace) | Display::Json(pace) = &mut self.display {
            *pace = Pace::every(pace.every);
        }
    }

    /// Shows how the run ended, whether its summary could be written, and the exit code that follows.
    pub(super) fn finish(&mut self, summary: &Summary, unwritten: Option<&SummaryError>, exit_code: u8) {
        if matches!(self.display, Display::Quiet) {
            let unwritten = unwritten.map(ToString::to_string);
            let parts: Vec<String> = summary::quiet(summary).into_iter().chain(unwritten).collect();
            if !parts.is_empty() {
                self.write(&lines::quiet(&summary.table, &parts.join("; and "), exit_code));
            }
            return;
        }
        self.clear_bar();
        let shown = match self.display {
            Display::Json(_) => json::finished(summary),
            _ => summary::human(summary),
        };
        self.write(&shown);
        if let Some(error) = unwritten {
            self.write(&lines::error(error));
        }
    }

    /// Shows why the run could not begin.
    pub(super) fn refuse(&mut self, table: &str, error: &dyn std::error::Error, exit_code: u8) {
        self.clear_bar();
        let line = match self.display {
            Display::Quiet => lines::quiet(table, &format!("could not begin: {error}"), exit_code),
            _ => lines::error(error),
        };
        self.write(&line);
    }

    fn progress(&mut self, snapshot: &Snapshot) {
        let rates = self.meter.observe(snapshot);
        let (pace, line): (&mut Pace, fn(&Snapshot, &Rates) -> String) = match &mut self.display {
            Display::Bar { bar, drawn } => {
                *drawn = true;
                return draw(bar, snapshot, &rates);
            }
            Display::Plain(pace) => (pace, lines::plain),
            Display::Json(pace) => (pace, json::progress),
            Display::None | Display::Quiet => return,
        };
        if pace.is_due(snapshot.elapsed) {
            self.write(&line(snapshot, &rates));
        }
    }

    /// Writes whole lines, above the bar if there is one.
    fn write(&mut self, text: &str) {
        let out = &mut self.out;
        let mut write = || {
            // In one piece, so that lines of several processes on one terminal do not mix.
            drop(out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush()));
        };
        match &self.display {
            Display::Bar { bar, drawn: true } => bar.suspend(write),
            _ => write(),
        }
    }

    fn clear_bar(&mut self) {
        if let Display::Bar { bar, drawn } = &mut self.display {
            bar.finish_and_clear();
            *drawn = false;
        }
    }
}

fn bar(target: ProgressDrawTarget) -> ProgressBar {
    let style = ProgressStyle::with_template(BAR_TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(0), target).with_style(style.progress_chars("=> "))
}

fn draw(bar: &ProgressBar, snapshot: &Snapshot, rates: &Rates) {
    // An empty bar where nobody knows how long it is to be.
    bar.set_length(if snapshot.is_total_unknown() { u64::MAX } else { snapshot.bytes_total });
    bar.set_prefix(lines::position(snapshot, rates));
    bar.set_message(lines::details(snapshot, rates));
    bar.set_position(snapshot.bytes_done);
}

/// When the next line is due, in the run's time.
pub(super) struct Pace {
    every: Duration,
    next: Duration,
}

impl Pace {
    /// One that is due every so often.
    pub(super) fn every(every: Duration) -> Self {
        Pace { every, next: every }
    }

    /// Whether a line is due at `elapsed`; if so, the next one is at the next multiple of the pace.
    pub(super) fn is_due(&mut self, elapsed: Duration) -> bool {
        if elapsed < self.next {
            return false;
        }
        let rest = elapsed.as_nanos() % self.every.as_nanos().max(1);
        let rest = Duration::from_nanos(u64::try_from(rest).unwrap_or_default());
        self.next = elapsed.saturating_sub(rest).saturating_add(self.every);
        true
    }
}

#[cfg(test)]
mod tests;
