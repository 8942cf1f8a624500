//! The lines that people read: start, progress, warnings. Pure: text out of events.

use std::path::PathBuf;

use super::event::{Resumed, Snapshot};
use super::figures::{
    bytes, counted, duration, megabytes_per_second, percent, printable, rate, signal, thousands,
};
use super::rate::Rates;
use crate::plan::pipe::is_stdin;
use crate::verify::sample::Sample;

/// The first line of a run.
pub(super) fn started(
    table: &str,
    inputs: &[PathBuf],
    bytes_total: u64,
    workers: usize,
    dry_run: bool,
) -> String {
    let (files, by) = (files(inputs), by(workers));
    let size = match inputs.iter().any(|path| is_stdin(path)) {
        true => String::new(),
        false => format!(" ({})", bytes(bytes_total)),
    };
    let line = if dry_run {
        format!("dry run: checking {files}{size} against {table} {by}; nothing is written")
    } else {
        format!("loading {files}{size} into {table} {by}")
    };
    printable(&line)
}

/// The first line of a verification.
pub(super) fn verifying(
    table: &str,
    inputs: &[PathBuf],
    bytes_total: u64,
    workers: usize,
    sample: Sample,
) -> String {
    let (files, size, by) = (files(inputs), bytes(bytes_total), by(workers));
    let of = if sample.is_all() { String::new() } else { format!("a sample of {sample} of ") };
    printable(&format!("reading {of}{files} ({size}) back from {table} {by}"))
}

fn files(inputs: &[PathBuf]) -> String {
    match inputs {
        [one] if is_stdin(one) => "standard input".to_owned(),
        [one] => one.display().to_string(),
        [files @ .., last] if is_stdin(last) => {
            format!("{} and standard input", counted(files.len() as u64, "file"))
        }
        more => counted(more.len() as u64, "file"),
    }
}

fn by(workers: usize) -> String {
    match workers {
        0 => "in this process".to_owned(),
        workers => format!("with {}", counted(workers as u64, "worker")),
    }
}

/// The share done and the time left: what a person looks at first.
pub(super) fn position(snapshot: &Snapshot, rates: &Rates) -> String {
    if snapshot.is_total_unknown() {
        return format!("{} done", bytes(snapshot.bytes_done));
    }
    let left = match rates.left {
        _ if snapshot.bytes_done >= snapshot.bytes_total => String::new(),
        Some(left) => format!(", ETA {}", duration(left)),
        None => ", ETA unknown".to_owned(),
    };
    format!("{:.1}%{left}", percent(snapshot.bytes_done, snapshot.bytes_total))
}

/// Counts and rates; what keeps the run from going on comes first and rejects come early, because a narrow terminal cuts the
/// line's end.
pub(super) fn details(snapshot: &Snapshot, rates: &Rates) -> String {
    if snapshot.workers_ready == 0 && snapshot.bytes_done == 0 {
        return "no worker is ready yet".to_owned();
    }
    let mut parts = Vec::new();
    if snapshot.waiting > 0 {
        parts.push(format!("waiting for the cluster: {}", counted(snapshot.waiting, "row")));
    }
    parts.extend([
        counted(snapshot.written, "row"),
        match snapshot.verifying {
            false => format!("{} rejected", thousands(snapshot.rejected)),
            true => counted(snapshot.rejected, "finding"),
        },
        format!("{} rows/s", rate(rates.rows_per_second)),
        megabytes_per_second(rates.bytes_per_second),
        format!("{} in flight", thousands(snapshot.in_flight)),
    ]);
    parts.join(", ")
}

/// A whole line of plain progress.
pub(super) fn plain(snapshot: &Snapshot, rates: &Rates) -> String {
    format!("{}: {}, {}", duration(snapshot.elapsed), position(snapshot, rates), details(snapshot, rates))
}

/// A warning; further lines of its text are indented below the first.
pub(super) fn warning(message: &str) -> String {
    format!("warning: {}", printable(message.trim_end()).replace('\n', "\n  "))
}

/// The lines of a table that was not there.
pub(super) fn table_created(table: &str, cql: &str, dry_run: bool) -> String {
    let created = if dry_run { "would be created" } else { "created" };
    format!("table {table} {created}:\n  {}", printable(cql.trim_end()).replace('\n', "\n  "))
}

/// A note, in the same way.
pub(super) fn note(message: &str) -> String {
    format!("note: {}", printable(message.trim_end()).replace('\n', "\n  "))
}

/// The line of a job that goes on.
pub(super) fn resumed(job: &str, begun: &str, run: u32, resumed: &Resumed, read_again: &[PathBuf]) -> String {
    let again = match resumed.uncertain {
        0 => String::new(),
        uncertain => format!("; at most {} are sent again", counted(uncertain, "record")),
    };
    let skipped = match read_again {
        [] => String::new(),
        [path] => format!("; {} is read from its start: what is done of it is skipped", path.display()),
        more => format!(
            "; {} are read from their starts: what is done of them is skipped",
            counted(more.len() as u64, "file")
        ),
    };
    printable(&format!(
        "going on with job {job}, begun {begun} (run {run}): {} done already{again}{skipped}",
        counted(resumed.records, "record")
    ))
}

/// An error that ends the command.
pub(super) fn error(error: &dyn std::error::Error) -> String {
    format!("error: {}", printable(&error.to_string()))
}

/// A signal that ends the run in order, and how to end it at once.
pub(super) fn stopping(number: i32) -> String {
    let again = match number {
        2 => "press Ctrl-C again".to_owned(),
        number => format!("send {} again", signal(number)),
    };
    format!("stopping: requests in flight end first; {again} to stop at once")
}

/// The one line of a quiet run.
pub(super) fn quiet(table: &str, what: &str, exit_code: u8) -> String {
    let line = format!("ringload: {table}: {what} (exit {exit_code})");
    printable(&line.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

/// A worker that is gone.
pub(super) fn worker_lost(worker: usize, reason: &str) -> String {
    warning(&format!("worker {worker} ended before its time, its units go to others: {reason}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_line_names_what_where_and_how() {
        let check = |inputs: &[&str], workers: usize, dry_run: bool, expected: &str| {
            let inputs: Vec<PathBuf> = inputs.iter().map(PathBuf::from).collect();
            assert_eq!(started("shop.orders", &inputs, 1_234_567, workers, dry_run), expected);
        };
        check(&["a.csv"], 4, false, "loading a.csv (1.2 MB) into shop.orders with 4 workers");
        check(&["a.csv", "b.csv"], 1, false, "loading 2 files (1.2 MB) into shop.orders with 1 worker");
        check(
            &["a\u{1b}.csv"],
            0,
            true,
            "dry run: checking a\u{fffd}.csv (1.2 MB) against shop.orders in this process; nothing is written",
        );
    }

    #[test]
    fn a_plain_line_says_how_far_how_fast_and_how_long() {
        let snapshot = Snapshot {
            bytes_total: 100_000_000,
            bytes_done: 41_250_000,
            written: 1_234_567,
            rejected: 3,
            in_flight: 512,
            elapsed: Duration::from_secs(20),
            ..Snapshot::default()
        };
        let rates = Rates {
            rows_per_second: 62_893.4,
            bytes_per_second: 12_345_678.0,
            left: Some(Duration::from_secs(130)),
        };
        let check = |snapshot: Snapshot, rates: Rates, expected: &str| {
            assert_eq!(plain(&snapshot, &rates), expected);
        };
        check(
            snapshot,
            rates,
            "20s: 41.2%, ETA 2m 10s, 1,234,567 rows, 3 rejected, 62,893 rows/s, 12.3 MB/s, 512 in flight",
        );
        check(
            Snapshot { waiting: 5000, ..snapshot },
            Rates::default(),
            "20s: 41.2%, ETA unknown, waiting for the cluster: 5,000 rows, 1,234,567 rows, 3 rejected, 0 rows/s, 0.0 MB/s, 512 \
             in flight",
        );
        check(
            Snapshot { bytes_done: 100_000_000, in_flight: 0, ..snapshot },
            rates,
            "20s: 100.0%, 1,234,567 rows, 3 rejected, 62,893 rows/s, 12.3 MB/s, 0 in flight",
        );
        check(
            Snapshot { bytes_total: 5, elapsed: Duration::from_secs(10), ..Snapshot::default() },
            Rates::default(),
            "10s: 0.0%, ETA unknown, no worker is ready yet",
        );
    }

    #[test]
    fn a_signal_is_answered_with_what_happens_and_how_to_hurry() {
        let check = |signal: i32, again: &str| {
            let expected = format!("stopping: requests in flight end first; {again} to stop at once");
            assert_eq!(stopping(signal), expected);
        };
        check(2, "press Ctrl-C again");
        check(15, "send SIGTERM again");
    }

    #[test]
    fn a_quiet_run_has_one_line_whatever_it_has_to_say() {
        assert_eq!(
            quiet("shop.orders", "stopped: no node\n  answers\u{1b}", 4),
            "ringload: shop.orders: stopped: no node answers\u{fffd} (exit 4)"
        );
    }

    #[test]
    fn a_warning_keeps_its_lines_together() {
        assert_eq!(warning("clock is off\n"), "warning: clock is off");
        assert_eq!(
            worker_lost(3, "signal 9\nlast words"),
            "warning: worker 3 ended before its time, its units go to others: signal 9\n  last words"
        );
    }
}
