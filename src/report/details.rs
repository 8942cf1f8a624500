//! The parts of a summary that come in lists: rejects by column and reason, the units of each file, and the estimate; as lines
//! for people and as fields for scripts. Pure.

use serde::Serialize;

use super::event::{RejectTally, Resumed, Summary, UnitBytes};
use super::figures::{bytes, counted, run_time, seconds, thousands};
use super::summary::row;
use crate::reject::RejectCode;

/// A list for people ends after so many lines; scripts get all of it.
const LINES_MAX: usize = 20;

/// How often a column was rejected for a reason.
#[derive(Debug, Serialize)]
pub(super) struct ReasonFields<'a> {
    column: Option<&'a str>,
    code: RejectCode,
    count: u64,
}

/// What a file holds.
#[derive(Debug, Serialize)]
pub(super) struct FileFields<'a> {
    path: String,
    bytes: u64,
    records: u64,
    units: u64,
    one_reader: Option<&'a str>,
}

/// The sizes of units.
#[derive(Debug, Serialize)]
pub(super) struct UnitFields {
    smallest: u64,
    largest: u64,
}

/// How long the load would take.
#[derive(Debug, Serialize)]
pub(super) struct EstimateFields {
    rows_per_second: u64,
    seconds: f64,
}

pub(super) fn reason_fields(tallies: &[RejectTally]) -> Vec<ReasonFields<'_>> {
    let fields = tallies.iter();
    fields
        .map(|tally| ReasonFields { column: tally.column.as_deref(), code: tally.code, count: tally.count })
        .collect()
}

pub(super) fn files(summary: &Summary) -> Vec<FileFields<'_>> {
    let fields = summary.files.iter();
    fields
        .map(|file| FileFields {
            path: file.path.display().to_string(),
            bytes: file.bytes,
            records: file.records,
            units: file.units,
            one_reader: file.one_reader.as_deref(),
        })
        .collect()
}

pub(super) fn unit_bytes(summary: &Summary) -> Option<UnitFields> {
    summary.unit_bytes.map(|UnitBytes { smallest, largest }| UnitFields { smallest, largest })
}

pub(super) fn estimate(summary: &Summary) -> Option<EstimateFields> {
    summary.estimate.as_ref().map(|estimate| EstimateFields {
        rows_per_second: estimate.rows_per_second,
        seconds: seconds(estimate.time),
    })
}

/// Rejects by reason, a line each, below the count of all.
pub(super) fn reason_lines(tallies: &[RejectTally]) -> Vec<String> {
    let line = |tally: &RejectTally| {
        let column = tally.column.as_ref().map_or_else(String::new, |column| format!("column {column}: "));
        format!("    {:<13} {column}{}", thousands(tally.count), code(tally.code))
    };
    listed(tallies, line, "more reason")
}

/// Files, a line each; of one file, the summary has told everything.
pub(super) fn file_lines(summary: &Summary) -> Vec<String> {
    if summary.files.len() < 2 {
        return Vec::new();
    }
    let line = |file: &super::event::FileTally| {
        let (records, units) = (counted(file.records, "record"), counted(file.units, "unit"));
        format!("    {}: {records}, {}, {units}", file.path.display(), bytes(file.bytes))
    };
    listed(&summary.files, line, "more file")
}

/// Files that one reader has from start to end, and why: a line for each reason.
pub(super) fn reader_lines(summary: &Summary) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&super::event::FileTally>)> = Vec::new();
    for file in &summary.files {
        let Some(reason) = file.one_reader.as_deref() else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, files)) => files.push(file),
            None => reasons.push((reason, vec![file])),
        }
    }
    let line = |(reason, files): &(&str, Vec<&super::event::FileTally>)| match &files[..] {
        [file] => format!("1 for {}, because {reason}", file.path.display()),
        files => format!("1 for each of {} files, because {reason}", thousands(files.len() as u64)),
    };
    reasons.iter().map(line).collect()
}

fn listed<T>(items: &[T], line: impl Fn(&T) -> String, more: &str) -> Vec<String> {
    let mut lines: Vec<String> = items.iter().take(LINES_MAX).map(line).collect();
    if let Some(hidden @ 1..) = items.len().checked_sub(LINES_MAX) {
        lines.push(format!("    and {}", counted(hidden as u64, more)));
    }
    lines
}

/// The units' sizes, as people read them.
pub(super) fn unit_sizes(sizes: UnitBytes) -> String {
    match sizes {
        UnitBytes { smallest, largest } if smallest == largest => bytes(smallest),
        UnitBytes { smallest, largest } => format!("{} to {}", bytes(smallest), bytes(largest)),
    }
}

/// The estimate, as people read it.
pub(super) fn estimate_line(summary: &Summary) -> Option<String> {
    summary.estimate.as_ref().map(|estimate| {
        format!(
            "{} for {} at {} rows/s",
            run_time(estimate.time),
            counted(summary.written, "row"),
            thousands(estimate.rows_per_second)
        )
    })
}

/// The code as the reject files have it.
fn code(code: RejectCode) -> String {
    // A unit variant always serializes to its name.
    serde_json::to_value(code).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
/// How many records were not written, by what became of them.
pub(super) fn told(summary: &Summary) -> String {
    let kinds = [
        (summary.rejected, "rejected"),
        (summary.uncertain, "uncertain"),
        (summary.not_applied, "not applied"),
    ];
    let shown = kinds.into_iter().filter(|(records, _)| *records > 0);
    shown.map(|(records, what)| format!("{} {what}", thousands(records))).collect::<Vec<_>>().join(", ")
}

/// What became of the records.
pub(super) fn loading_rows(summary: &Summary) -> Vec<String> {
    let mut rows: Vec<String> = resumed_row(summary.resumed).into_iter().collect();
    let written = if summary.dry_run { "would write" } else { "written" };
    rows.push(row(written, &thousands(summary.written)));
    let place = |records: u64| {
        let dir = summary.rejects_dir.as_deref().filter(|_| records > 0);
        let place = dir.map(|path| format!(", in {}", path.display())).unwrap_or_default();
        format!("{}{place}", thousands(records))
    };
    rows.push(row("rejected", &place(summary.rejected)));
    let others = [("uncertain", summary.uncertain), ("not applied", summary.not_applied)];
    rows.extend(
        others.into_iter().filter(|(_, records)| *records > 0).map(|(name, count)| row(name, &place(count))),
    );
    rows.extend(reason_lines(&summary.reject_reasons));
    rows
}

/// What earlier runs of the job have done.
fn resumed_row(Resumed { records, uncertain, .. }: Resumed) -> Option<String> {
    let again = match uncertain {
        0 => String::new(),
        uncertain => format!(", at most {} sent again", thousands(uncertain)),
    };
    let shown = records > 0 || uncertain > 0;
    shown.then(|| row("resumed", &format!("{} done before this run{again}", thousands(records))))
}
