//! What became of the run: a few lines for people, and the summary file for scripts. The file's fields are stable;
//! one that changes its meaning raises [`SUMMARY_VERSION`].

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::details::{self, EstimateFields, FileFields, ReasonFields, UnitFields};
use super::event::{Latency, RunStatus, Summary, Verified};
use super::figures::{
    bytes, counted, megabytes_per_second, milliseconds, printable, rate, run_time, seconds, signal, thousands,
};
use super::verified::{self, VerifyFields};

/// The version of the summary file's fields.
pub const SUMMARY_VERSION: u32 = 1;

/// What the message of a run that can go on says already.
const AGAIN: &str = "run the same command again";

/// Random names that are tried for a file that must be new; one is enough unless somebody plays tricks.
const NAMES_TRIED: usize = 8;

/// The summary file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the summary file {}: {source}: give --summary another file, in a directory that can be written", path.display())]
pub struct SummaryError {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// The summary as it is written to the file of `--summary`.
#[derive(Debug, Serialize)]
pub struct SummaryFile<'a> {
    version: u32,
    /// The job's name; null where nothing is remembered.
    job: Option<&'a str>,
    status: &'static str,
    exit_code: u8,
    table: &'a str,
    inputs: Vec<String>,
    bytes: u64,
    records: u64,
    written: u64,
    rejected: u64,
    retried: u64,
    /// Records that an earlier run of the job had done.
    resumed_records: u64,
    /// Records that may have been in the table already when this run sent them; of those that must not be sent twice, records of which
    /// nobody knows whether they were written.
    uncertain: u64,
    /// Records whose condition did not hold.
    not_applied: u64,
    units: u64,
    workers: usize,
    workers_lost: u64,
    session_starts: SessionStarts,
    requests: u64,
    /// Of those that were acknowledged; null where none was.
    rows_per_request: Option<f64>,
    seconds: f64,
    /// Until the first record of this run was settled; null where none was.
    seconds_to_first_row: Option<f64>,
    rows_per_second: f64,
    /// CPU time that keeping the ledger took; null where there is none or the system does not tell.
    ledger_cpu_seconds: Option<f64>,
    latency_ms: Option<LatencyMs>,
    rejects_dir: Option<String>,
    warnings: u64,
    /// As standard error has it: it may quote the server's words and a first line that is no header, never a rejected record.
    message: Option<&'a str>,
    dry_run: bool,
    reject_reasons: Vec<ReasonFields<'a>>,
    files: Vec<FileFields<'a>>,
    unit_bytes: Option<UnitFields>,
    estimate: Option<EstimateFields>,
    /// What a verification found; null where there was none.
    verify: Option<VerifyFields<'a>>,
}

#[derive(Debug, Serialize)]
struct SessionStarts {
    total: u64,
    peak_concurrent: usize,
}

#[derive(Debug, Serialize)]
struct LatencyMs {
    p50: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

impl<'a> From<&'a Summary> for SummaryFile<'a> {
    fn from(summary: &'a Summary) -> Self {
        SummaryFile {
            version: SUMMARY_VERSION,
            job: summary.job.as_deref(),
            status: status_name(summary.status),
            exit_code: summary.status.exit_code(),
            table: &summary.table,
            inputs: summary.inputs.iter().map(|path| path.display().to_string()).collect(),
            bytes: summary.bytes,
            records: summary.records,
            written: summary.written,
            rejected: summary.rejected,
            retried: summary.retried,
            resumed_records: summary.resumed.records,
            uncertain: summary.resumed.uncertain + summary.uncertain,
            not_applied: summary.not_applied,
            units: summary.units,
            workers: summary.workers,
            workers_lost: summary.workers_lost,
            session_starts: SessionStarts {
                total: summary.session_starts,
                peak_concurrent: summary.session_starts_peak,
            },
            requests: summary.requests,
            rows_per_request: summary.rows_per_request.map(|rows| (rows * 100.0).round() / 100.0),
            seconds: seconds(summary.elapsed),
            seconds_to_first_row: summary.first_settled.map(seconds),
            rows_per_second: (per_second(rows_of_run(summary), summary) * 10.0).round() / 10.0,
            ledger_cpu_seconds: summary.ledger_cpu.map(seconds),
            latency_ms: summary.latency.map(|latency| LatencyMs {
                p50: latency.p50,
                p99: latency.p99,
                p999: latency.p999,
                max: latency.max,
            }),
            rejects_dir: summary.rejects_dir.as_deref().map(|path| path.display().to_string()),
            warnings: summary.warnings,
            message: summary.message.as_deref(),
            dry_run: summary.dry_run,
            reject_reasons: details::reason_fields(&summary.reject_reasons),
            files: details::files(summary),
            unit_bytes: details::unit_bytes(summary),
            estimate: details::estimate(summary),
            verify: verified::fields(summary),
        }
    }
}

fn status_name(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Done => "done",
        RunStatus::DoneWithRejects => "done_with_rejects",
        RunStatus::Differences => "differences",
        RunStatus::TooManyErrors => "too_many_errors",
        RunStatus::Failed => "failed",
        RunStatus::Incomplete => "incomplete",
        RunStatus::Interrupted(_) => "interrupted",
    }
}

/// Rows that this run has written, and not an earlier one of the job, or that it has looked up.
fn rows_of_run(summary: &Summary) -> u64 {
    if let Some(Verified { checked, .. }) = summary.verified.as_ref().filter(|_| summary.verify_only) {
        return *checked;
    }
    summary.written.saturating_sub(summary.resumed.written)
}

fn per_second(number: u64, summary: &Summary) -> f64 {
    let seconds = summary.elapsed.as_secs_f64();
    if seconds > 0.0 { number as f64 / seconds } else { 0.0 }
}

/// The summary for people, without a line end after its last line.
pub(super) fn human(summary: &Summary) -> String {
    let mut lines = vec![headline(summary)];
    lines.push(row("table", &summary.table));
    lines.extend(summary.job.as_ref().map(|job| row("job", job)));
    lines.push(row("records", &format!("{} ({})", thousands(summary.records), bytes(summary.bytes))));
    if summary.dry_run {
        lines.extend(details::file_lines(summary));
    }
    if summary.verify_only {
        lines.extend(verified::lines(summary));
    } else {
        lines.extend(details::loading_rows(summary));
    }
    if summary.retried > 0 {
        lines.push(row("retried", &counted(summary.retried, "request")));
    }
    lines.extend(working_rows(summary));
    lines.push(row("time", &run_time(summary.elapsed)));
    let rows_per_second = per_second(rows_of_run(summary), summary);
    lines.push(row("rate", &format!("{} rows/s{}", rate(rows_per_second), byte_rate(summary))));
    lines.extend(details::estimate_line(summary).map(|line| row("estimate", &line)));
    lines.extend(summary.latency.map(|latency| row("latency", &latency_line(&latency, summary))));
    if !summary.verify_only {
        lines.extend(verified::lines(summary));
    }
    printable(&lines.join("\n"))
}

pub(super) fn row(name: &str, value: &str) -> String {
    format!("  {name:<15} {value}")
}

/// How the work was shared out.
fn working_rows(summary: &Summary) -> Vec<String> {
    let lost = match summary.workers_lost {
        0 => String::new(),
        lost => format!(", {} lost on the way", thousands(lost)),
    };
    let workers = match summary.workers {
        0 => "in this process".to_owned(),
        workers => thousands(workers as u64),
    };
    let sizes = summary.unit_bytes.filter(|_| summary.dry_run);
    let sizes = sizes.map(|sizes| format!(" of {}", details::unit_sizes(sizes))).unwrap_or_default();
    let mut rows =
        vec![row("workers", &format!("{workers}{lost} ({}{sizes})", counted(summary.units, "unit")))];
    if summary.dry_run {
        rows.extend(details::reader_lines(summary).iter().map(|line| row("readers", line)));
    }
    if summary.session_starts > 0 {
        let (starts, peak) = (thousands(summary.session_starts), summary.session_starts_peak);
        rows.push(row("session starts", &format!("{starts}, at most {peak} at once")));
    }
    rows
}

/// All that a quiet run says: nothing where all is well.
pub(super) fn quiet(summary: &Summary) -> Option<String> {
    let message = summary.message.as_deref().unwrap_or_default();
    let what = match summary.status {
        RunStatus::Done => return None,
        RunStatus::DoneWithRejects if summary.verify_only => {
            let records = counted(summary.records, "record");
            format!("{} of {records} could not be checked", thousands(summary.rejected))
        }
        RunStatus::DoneWithRejects => match summary.uncertain + summary.not_applied {
            0 => {
                format!("{} of {} rejected", thousands(summary.rejected), counted(summary.records, "record"))
            }
            _ => format!("of {}, {}", counted(summary.records, "record"), details::told(summary)),
        },
        RunStatus::Differences => verified::headline(summary),
        RunStatus::TooManyErrors => format!("stopped: {message}"),
        // Where something is written, another run has less to do or finds the same fault.
        RunStatus::Failed if summary.written > 0 && !summary.dry_run && !message.contains(AGAIN) => {
            format!("stopped: {message}; {AGAIN} to go on")
        }
        RunStatus::Failed => format!("stopped: {message}"),
        RunStatus::Incomplete => format!("incomplete: {message}"),
        RunStatus::Interrupted(number) => format!("{}: {message}", interrupted(summary, number)),
    };
    let differences = summary.verified.as_ref().and_then(|verified| verified.differences_dir.as_deref());
    let told = summary.rejected + summary.uncertain + summary.not_applied;
    let rejects = summary.rejects_dir.as_deref().filter(|_| told > 0);
    let of_verification = summary.verify_only || summary.status == RunStatus::Differences;
    let rejects = if of_verification { differences } else { rejects };
    let see = rejects.map(|path| format!(", see {}", path.display())).unwrap_or_default();
    let dry = if summary.dry_run { "dry run: " } else { "" };
    Some(format!("{dry}{what}{see}"))
}

/// The rate in bytes is true only of a run that went through all of its input.
fn byte_rate(summary: &Summary) -> String {
    match summary.status {
        RunStatus::Done | RunStatus::DoneWithRejects | RunStatus::Differences => {
            let bytes = summary.bytes.saturating_sub(summary.resumed.bytes);
            format!(", {}", megabytes_per_second(per_second(bytes, summary)))
        }
        _ => String::new(),
    }
}

/// Where several rows go in one request, it says how many.
fn latency_line(latency: &Latency, summary: &Summary) -> String {
    let each = summary.rows_per_request.filter(|rows| *rows >= 1.05);
    format!(
        "p50 {}, p99 {}, p99.9 {}, max {} of {}{}",
        milliseconds(latency.p50),
        milliseconds(latency.p99),
        milliseconds(latency.p999),
        milliseconds(latency.max),
        counted(summary.requests, "request"),
        each.map(|rows| format!(" of {rows:.1} rows each")).unwrap_or_default()
    )
}

/// What was interrupted: of a load that was being verified, only that.
fn interrupted(summary: &Summary, number: i32) -> String {
    match summary.verified.is_some() && !summary.verify_only {
        true => format!("loaded, but its verification was interrupted by {}", signal(number)),
        false => format!("interrupted by {}", signal(number)),
    }
}

fn headline(summary: &Summary) -> String {
    let what = match summary.status {
        RunStatus::Done => "done".to_owned(),
        RunStatus::DoneWithRejects if summary.verify_only => {
            format!("done, but {} could not be checked", counted(summary.rejected, "record"))
        }
        RunStatus::DoneWithRejects if summary.uncertain + summary.not_applied > 0 => {
            format!("done, but {}", details::told(summary))
        }
        RunStatus::DoneWithRejects => format!("done, with {}", counted(summary.rejected, "reject")),
        RunStatus::Differences => verified::headline(summary),
        RunStatus::TooManyErrors => "stopped: too many errors".to_owned(),
        RunStatus::Failed => "failed".to_owned(),
        RunStatus::Incomplete => "incomplete: not every record is accounted for".to_owned(),
        RunStatus::Interrupted(number) => interrupted(summary, number),
    };
    let dry = if summary.dry_run { "dry run " } else { "" };
    let written = if summary.dry_run { ", nothing was written" } else { "" };
    match &summary.message {
        Some(message) => format!("{dry}{what}{written}\n  {}", message.trim_end().replace('\n', "\n  ")),
        None => format!("{dry}{what}{written}"),
    }
}

/// Finds out before the load whether its summary can be written at `path`, and takes an older one away: a load that does not
/// live to write its own leaves none, rather than last night's.
///
/// # Errors
/// It cannot, or what is there is no summary.
pub fn prepare(path: &Path) -> Result<(), SummaryError> {
    let failed = |source| SummaryError { path: path.to_owned(), source };
    match destination(path).map_err(failed)? {
        Destination::Special => OpenOptions::new().write(true).open(path).map(|_| ()).map_err(failed),
        Destination::Regular(target) => {
            create_beside(&target).and_then(|(temporary, _)| fs::remove_file(temporary)).map_err(failed)?;
            match fs::remove_file(&target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(()),
            }
        }
    }
}

/// Writes the summary file: whole or not at all, an older one is replaced.
///
/// # Errors
/// It cannot be written; nothing is left behind.
pub fn write_file(path: &Path, summary: &Summary) -> Result<(), SummaryError> {
    let failed = |source| SummaryError { path: path.to_owned(), source };
    let mut text =
        serde_json::to_vec_pretty(&SummaryFile::from(summary)).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    match destination(path).map_err(failed)? {
        Destination::Special => OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(&text))
            .map_err(failed),
        Destination::Regular(target) => replace(&target, &text).map_err(failed),
    }
}

enum Destination {
    /// A regular file, there or not yet, symbolic links followed.
    Regular(PathBuf),
    /// A device or pipe: written to, never replaced.
    Special,
}

fn destination(path: &Path) -> io::Result<Destination> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if metadata.is_file() => {
            if !may_be_summary(path)? {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "what is there is no summary and is kept",
                ));
            }
            Ok(Destination::Regular(fs::canonicalize(path)?))
        }
        Ok(_) => Ok(Destination::Special),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match (fs::read_link(path), path.file_name()) {
                // The older summary that the link led to was taken away. Links in a circle are another error than this one.
                (Ok(next), _) => destination(&directory_of(path).join(next)),
                (Err(_), Some(_)) => Ok(Destination::Regular(path.to_owned())),
                (Err(_), None) => Err(io::ErrorKind::InvalidInput.into()),
            }
        }
        Err(error) => Err(error),
    }
}

/// Whether a file is empty or begins as a summary does, so that a slip of the keyboard costs nobody their data.
fn may_be_summary(path: &Path) -> io::Result<bool> {
    let mut first = [0];
    let read = File::open(path)?.read(&mut first)?;
    Ok(read == 0 || first == *b"{")
}

fn replace(target: &Path, text: &[u8]) -> io::Result<()> {
    let (temporary, mut file) = create_beside(target)?;
    let written =
        file.write_all(text).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&temporary, target));
    if written.is_err() {
        // The first error is the one to report.
        drop(fs::remove_file(&temporary));
        return written;
    }
    // The rename itself becomes durable with the directory; where directories cannot be opened, the file still is there.
    if let Ok(directory) = File::open(directory_of(target)) {
        drop(directory.sync_all());
    }
    Ok(())
}

/// Makes a new file beside `target`, because a rename does not cross file systems. Its name cannot be foretold and nothing that
/// is there is opened, so that in a directory for all nobody can put a link in its way. Its mode is the umask's: whoever watches
/// the loads is to read the summary.
fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let mut refused = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..NAMES_TRIED {
        let path = temporary_name(target);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => refused = error,
            Err(error) => return Err(error),
        }
    }
    Err(refused)
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary_name(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    // The keys of a hash map's hasher are the standard library's only source of randomness.
    name.push(format!(".{:016x}.tmp", RandomState::new().build_hasher().finish()));
    directory_of(target).join(name)
}

#[cfg(test)]
mod tests;
