//! The jobs of a ledger, as a table for people and as JSON for scripts. Pure: it makes text, and prints nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::figures::{bytes, counted, percent, printable, thousands};
use crate::ledger::job::{JobStatus, show_time};
use crate::ledger::overview::{JobOverview, OpenUnit};
use crate::ledger::store::{Aside, Told};
use crate::settings::OutputFormat;

/// Units of a job that are shown one by one.
const UNITS_SHOWN: usize = 20;

/// A job as scripts see it; fields are only ever added.
#[derive(Serialize)]
struct JobObject<'a> {
    job: &'a str,
    named: bool,
    state: &'static str,
    running: bool,
    message: Option<&'a str>,
    cluster: &'a str,
    table: String,
    table_id: &'a str,
    begun: String,
    updated: String,
    runs: u32,
    /// Of all records once they are scanned, before that of the inputs with their headers.
    bytes_total: u64,
    bytes_done: u64,
    records: u64,
    written: u64,
    rejected: u64,
    /// Neither written nor bad: uncertain, or not applied.
    set_aside: u64,
    /// Of these, in a job that is finished.
    uncertain: Option<u64>,
    not_applied: Option<u64>,
    units: u64,
    units_done: u64,
    /// Records of all inputs, once they are scanned to their end.
    records_total: Option<u64>,
    rejects_dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<Vec<InputObject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_units: Option<Vec<UnitObject>>,
}

#[derive(Serialize)]
struct InputObject {
    path: String,
    bytes: u64,
}

#[derive(Serialize)]
struct UnitObject {
    unit: u32,
    file: String,
    first_record: u64,
    records: u64,
    settled: u64,
}

/// All jobs as a table.
pub fn table(jobs: &[JobOverview]) -> String {
    if jobs.is_empty() {
        return "no jobs\n".to_owned();
    }
    let header = ["JOB", "STATE", "DONE", "RECORDS", "REJECTED", "ASIDE", "RUNS", "UPDATED", "TABLE"];
    let header = header.map(str::to_owned);
    let rows = jobs.iter().map(|found| {
        [
            printable(&found.job.name),
            state(found).to_owned(),
            share(found),
            thousands(found.progress.records),
            thousands(found.progress.rejected),
            thousands(found.progress.aside.all),
            found.job.runs.to_string(),
            show_time(found.job.updated_us),
            found.job.plan.table.to_string(),
        ]
    });
    let rows: Vec<[String; 9]> = std::iter::once(header).chain(rows).collect();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..9).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            // Numbers stand under each other.
            2..=6 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// One job, for people.
pub fn details(found: &JobOverview, open: &[OpenUnit]) -> String {
    let JobOverview { job, progress, .. } = found;
    let mut lines = Vec::new();
    let mut row = |name: &str, value: String| lines.push(format!("{name:<12} {value}"));
    row("job", printable(&job.name));
    row("state", state(found).to_owned());
    if let Some(message) = &job.message {
        row("why", printable(message));
    }
    row("table", format!("{} in cluster {}", job.plan.table, printable(&job.plan.cluster)));
    row(
        "begun",
        format!(
            "{}, last heard of {}, {}",
            show_time(job.begun_us),
            show_time(job.updated_us),
            counted(job.runs.into(), "run")
        ),
    );
    for input in &job.plan.inputs {
        row("input", format!("{} ({})", input.path.display(), bytes(input.fingerprint.size)));
    }
    row("done", format!("{} of {} ({})", bytes(progress.bytes), bytes(bytes_total(found)), share(found)));
    let total = job.scanned.map(|scanned| format!(" of {}", thousands(scanned.records))).unwrap_or_default();
    row("records", format!("{}{total}", thousands(progress.records)));
    row("written", thousands(progress.written));
    let place = |records: u64| match records {
        0 => String::new(),
        _ => format!(", in {}", job.rejects_dir.display()),
    };
    row("rejected", format!("{}{}", thousands(progress.rejected), place(progress.rejected)));
    match progress.aside {
        Aside { all: 0, .. } => {}
        Aside { all, told: None } => {
            row("set aside", format!("{} uncertain or not applied{}", thousands(all), place(all)));
        }
        Aside { told: Some(Told { uncertain, not_applied }), .. } => {
            row("uncertain", format!("{}{}", thousands(uncertain), place(uncertain)));
            row("not applied", format!("{}{}", thousands(not_applied), place(not_applied)));
        }
    }
    let scan = if job.scanned.is_some() { "" } else { "; the rest of the inputs is not scanned yet" };
    row("units", format!("{} of {} done{scan}", thousands(progress.units_done), thousands(progress.units)));
    for OpenUnit { unit, settled } in open.iter().take(UNITS_SHOWN) {
        let file = input_name(found, unit.file.0);
        let (first, last) = (unit.first_record, unit.first_record + unit.records().saturating_sub(1));
        row(
            "  open",
            format!("{}: {file}, records {first} to {last}, {} done", unit.id, thousands(*settled)),
        );
    }
    if let Some(more) = open.len().checked_sub(UNITS_SHOWN).filter(|more| *more > 0) {
        row("", format!("and {more} more"));
    }
    if let Some(how) = how_to_go_on(found) {
        row("to go on", how);
    }
    lines.push(String::new());
    lines.join("\n")
}

/// All jobs as a JSON array.
pub fn json(jobs: &[JobOverview]) -> String {
    let jobs: Vec<JobObject<'_>> = jobs.iter().map(object).collect();
    as_text(&jobs)
}

/// One job as a JSON object, with its inputs, its settings and the units that are not done.
pub fn details_json(found: &JobOverview, open: &[OpenUnit]) -> String {
    let mut object = object(found);
    let input = |input: &crate::ledger::job::JobInput| InputObject {
        path: input.path.display().to_string(),
        bytes: input.fingerprint.size,
    };
    object.inputs = Some(found.job.plan.inputs.iter().map(input).collect());
    object.settings = Some(&found.job.plan.meaning);
    let unit = |OpenUnit { unit, settled }: &OpenUnit| UnitObject {
        unit: unit.id.0,
        file: input_name(found, unit.file.0),
        first_record: unit.first_record,
        records: unit.records(),
        settled: *settled,
    };
    object.open_units = Some(open.iter().map(unit).collect());
    as_text(&object)
}

/// The names of jobs that are forgotten.
pub fn forgotten(names: &[String], format: OutputFormat) -> String {
    match format {
        OutputFormat::Json => as_text(&names),
        OutputFormat::Text if names.is_empty() => "no job to forget\n".to_owned(),
        OutputFormat::Text => names.iter().map(|name| format!("forgot {}\n", printable(name))).collect(),
    }
}

fn object(found: &JobOverview) -> JobObject<'_> {
    let JobOverview { job, progress, is_running, .. } = found;
    JobObject {
        job: &job.name,
        named: job.named,
        state: state(found),
        running: *is_running,
        message: job.message.as_deref(),
        cluster: &job.plan.cluster,
        table: job.plan.table.to_string(),
        table_id: &job.plan.table_id,
        begun: show_time(job.begun_us),
        updated: show_time(job.updated_us),
        runs: job.runs,
        bytes_total: bytes_total(found),
        bytes_done: progress.bytes,
        records: progress.records,
        written: progress.written,
        rejected: progress.rejected,
        set_aside: progress.aside.all,
        uncertain: progress.aside.told.map(|told| told.uncertain),
        not_applied: progress.aside.told.map(|told| told.not_applied),
        units: progress.units,
        units_done: progress.units_done,
        records_total: job.scanned.map(|scanned| scanned.records),
        rejects_dir: (progress.rejected + progress.aside.all > 0)
            .then(|| job.rejects_dir.display().to_string()),
        inputs: None,
        settings: None,
        open_units: None,
    }
}

/// The state in one word. A job whose run was killed says that it runs; the lock knows better.
fn state(found: &JobOverview) -> &'static str {
    match found.job.status {
        _ if found.is_running => "running",
        JobStatus::Running => "killed",
        JobStatus::Interrupted => "interrupted",
        JobStatus::TooManyErrors => "too_many_errors",
        JobStatus::Failed => "failed",
        JobStatus::Incomplete => "incomplete",
        JobStatus::Done => "done",
        JobStatus::DoneWithRejects => "done_with_rejects",
    }
}

fn how_to_go_on(found: &JobOverview) -> Option<String> {
    let job = &found.job;
    if found.is_running || job.status.is_finished() {
        return None;
    }
    let name = if job.named { format!("--job '{}' ", printable(&job.name)) } else { String::new() };
    let anew = match &job.plan.row_plan.once {
        Some(once) => format!("begins anew, and sends once more what was sent ({once})"),
        None => "begins anew".to_owned(),
    };
    Some(format!(
        "the same command again: ringload load {name}-t {} ..., with the same inputs and settings (workers, rates, hosts and \
         --max-errors may change); --restart {anew}",
        job.plan.table
    ))
}

fn share(found: &JobOverview) -> String {
    if found.job.status.is_finished() {
        // Headers and empty lines are no records.
        return "100%".to_owned();
    }
    format!("{:.1}%", percent(found.progress.bytes, bytes_total(found)))
}

/// Of what is counted as done: headers and empty lines between the records are not, once it is known how much they are.
fn bytes_total(found: &JobOverview) -> u64 {
    found.job.scanned.map_or(found.input_bytes, |scanned| scanned.bytes)
}

fn input_name(found: &JobOverview, file: u32) -> String {
    found
        .job
        .plan
        .inputs
        .get(file as usize)
        .map_or_else(String::new, |input| input.path.display().to_string())
}

fn as_text(value: &impl Serialize) -> String {
    // Plain data with text keys can always be written.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
