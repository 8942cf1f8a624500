//! What scripts read: progress and events as JSON objects, one a line, `event` always first. Pure.

use serde::Serialize;

use super::event::{RunEvent, Snapshot, Summary};
use super::figures::{percent, signal};
use super::rate::Rates;
use super::summary::SummaryFile;

/// A line, as it is written. Times are in seconds since the run's start; shares in percent.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Started {
        table: &'a str,
        inputs: Vec<String>,
        bytes_total: u64,
        workers: usize,
        dry_run: bool,
    },
    Verifying {
        table: &'a str,
        inputs: Vec<String>,
        bytes_total: u64,
        workers: usize,
        sample: String,
    },
    Resumed {
        job: &'a str,
        begun: &'a str,
        run: u32,
        resumed_records: u64,
        uncertain: u64,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        read_again: Vec<String>,
    },
    TableCreated {
        table: &'a str,
        cql: &'a str,
        dry_run: bool,
    },
    Progress {
        seconds: f64,
        /// Null where nobody knows how much there is.
        percent: Option<f64>,
        bytes_done: u64,
        bytes_total: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        written: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        rejected: Option<u64>,
        /// Of a verification, instead of those two.
        #[serde(skip_serializing_if = "Option::is_none")]
        verified: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        findings: Option<u64>,
        retried: u64,
        in_flight: u64,
        waiting: u64,
        workers_ready: usize,
        rows_per_second: f64,
        bytes_per_second: f64,
        eta_seconds: Option<u64>,
    },
    WorkerLost {
        worker: usize,
        reason: &'a str,
    },
    Warning {
        message: &'a str,
    },
    Note {
        message: &'a str,
    },
    Stopping {
        signal: String,
        at_once: bool,
    },
    /// What a library in a worker says; only the log has it.
    Library {
        worker: usize,
        source: &'a str,
        message: &'a str,
    },
    /// The run could not begin; only the log has it.
    Error {
        exit_code: u8,
        message: &'a str,
    },
    /// The same object as the summary file's.
    Finished(Box<SummaryFile<'a>>),
}

/// A progress line.
pub(super) fn progress(snapshot: &Snapshot, rates: &Rates) -> String {
    let verifying = snapshot.verifying;
    text(&Line::Progress {
        seconds: tenths(snapshot.elapsed.as_secs_f64()),
        percent: (!snapshot.is_total_unknown()).then(|| percent(snapshot.bytes_done, snapshot.bytes_total)),
        bytes_done: snapshot.bytes_done,
        bytes_total: snapshot.bytes_total,
        written: (!verifying).then_some(snapshot.written),
        rejected: (!verifying).then_some(snapshot.rejected),
        verified: verifying.then_some(snapshot.written),
        findings: verifying.then_some(snapshot.rejected),
        retried: snapshot.retried,
        in_flight: snapshot.in_flight,
        waiting: snapshot.waiting,
        workers_ready: snapshot.workers_ready,
        rows_per_second: tenths(rates.rows_per_second),
        bytes_per_second: tenths(rates.bytes_per_second),
        eta_seconds: rates.left.map(|left| left.as_secs()),
    })
}

/// Any other event; `None` for progress, which needs rates, and for what only the log has.
pub(super) fn event(event: &RunEvent) -> Option<String> {
    let line = match event {
        RunEvent::Progress(_) | RunEvent::Library { .. } => return None,
        RunEvent::Started { table, inputs, bytes_total, workers, dry_run } => Line::Started {
            table,
            inputs: inputs.iter().map(|path| path.display().to_string()).collect(),
            bytes_total: *bytes_total,
            workers: *workers,
            dry_run: *dry_run,
        },
        RunEvent::Verifying { table, inputs, bytes_total, workers, sample } => Line::Verifying {
            table,
            inputs: inputs.iter().map(|path| path.display().to_string()).collect(),
            bytes_total: *bytes_total,
            workers: *workers,
            sample: sample.to_string(),
        },
        RunEvent::Resumed { job, begun, run, resumed, read_again } => Line::Resumed {
            job,
            begun,
            run: *run,
            resumed_records: resumed.records,
            uncertain: resumed.uncertain,
            read_again: read_again.iter().map(|path| path.display().to_string()).collect(),
        },
        RunEvent::TableCreated { table, cql, dry_run } => {
            Line::TableCreated { table, cql, dry_run: *dry_run }
        }
        RunEvent::WorkerLost { worker, reason } => Line::WorkerLost { worker: *worker, reason },
        RunEvent::Warning(message) => Line::Warning { message },
        RunEvent::Note(message) => Line::Note { message },
        RunEvent::Stopping { signal: number, at_once } => {
            Line::Stopping { signal: signal(*number), at_once: *at_once }
        }
        RunEvent::Finished(summary) => return Some(finished(summary)),
    };
    Some(text(&line))
}

/// How a run ended.
pub(super) fn finished(summary: &Summary) -> String {
    text(&Line::Finished(Box::new(SummaryFile::from(summary))))
}

/// What a library in a worker says.
pub(super) fn library(worker: usize, source: &str, message: &str) -> String {
    text(&Line::Library { worker, source, message })
}

/// What ended a run before it began.
pub(super) fn error(message: &str, exit_code: u8) -> String {
    text(&Line::Error { exit_code, message })
}

/// Text and numbers always serialize; were they not to, the line would be empty rather than the run lost.
fn text(line: &Line<'_>) -> String {
    serde_json::to_string(line).unwrap_or_default()
}

/// To one decimal: more would be noise.
fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
