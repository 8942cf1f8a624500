use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::*;
use crate::report::event::Snapshot;
use crate::settings::{LogFormat, TableName};

fn settings(file: PathBuf, format: LogFormat) -> LogSettings {
    LogSettings { file, format }
}

fn finished() -> RunEvent {
    let table = TableName { keyspace: "shop".to_owned(), table: "orders".to_owned() };
    let summary = Summary::not_begun(&table, &["a.csv".into()], false, "no node answers".to_owned());
    RunEvent::Finished(Box::new(Summary { records: 12, written: 9, rejected: 3, warnings: 1, ..summary }))
}

/// What a run of 25 s leaves in a new log.
fn log_of_run(format: LogFormat) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.log");
    let mut log = Log::open(&settings(path.clone(), format)).unwrap();
    log.handle(&RunEvent::Started {
        table: "shop.orders".to_owned(),
        inputs: vec!["a.csv".into()],
        bytes_total: 4_000,
        workers: 2,
        dry_run: false,
    });
    for quarter in 1..=100 {
        let elapsed = Duration::from_millis(quarter * 250);
        log.handle(&RunEvent::Progress(Snapshot {
            bytes_total: 4_000,
            written: quarter,
            elapsed,
            ..Snapshot::default()
        }));
    }
    log.handle(&RunEvent::Warning("two\nlines".to_owned()));
    log.handle(&RunEvent::WorkerLost { worker: 1, reason: "signal 9".to_owned() });
    tracing::dispatcher::with_default(&log.dispatch, || {
        tracing::warn!(target: "driver", node = "n1", "no answer");
        tracing::info!(target: "driver", "of no interest");
        tracing::warn!(target: "metrics_exporter_prometheus::exporter", "nor this");
    });
    log.handle(&RunEvent::Stopping { signal: 15, at_once: false });
    log.handle(&finished());
    log.refuse(&io::Error::other("no such file"), 4);
    assert!(log.trouble().is_none());
    fs::read_to_string(path).unwrap()
}

#[test]
fn everything_that_happens_is_an_object_a_line() {
    let text = log_of_run(LogFormat::Json);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<[&str; 2]> =
        lines.iter().map(|line| ["level", "event"].map(|name| line[name].as_str().unwrap())).collect();
    let expected = [
        ["info", "started"],
        ["info", "progress"],
        ["info", "progress"],
        ["warn", "warning"],
        ["warn", "worker_lost"],
        ["warn", "library"],
        ["warn", "stopping"],
        ["error", "finished"],
        ["error", "error"],
    ];
    assert_eq!(told, expected, "{text}");
    for line in &lines {
        assert_eq!(line["pid"], std::process::id());
        line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    }
    assert_eq!([&lines[1]["seconds"], &lines[2]["seconds"]], [10.0, 20.0]);
    assert_eq!([&lines[3]["message"], &lines[5]["message"]], ["two\nlines", "no answer; node=\"n1\""]);
    assert_eq!((&lines[6]["signal"], &lines[6]["at_once"]), (&"SIGTERM".into(), &false.into()));
    let counts = ["records", "written", "rejected", "warnings"].map(|name| lines[7][name].as_u64().unwrap());
    assert_eq!(counts, [12, 9, 3, 1]);
    assert_eq!((&lines[8]["exit_code"], &lines[8]["message"]), (&4.into(), &"no such file".into()));
}

#[test]
fn what_libraries_in_workers_say_is_logged_with_the_worker() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.log");
    let mut log = Log::open(&settings(path.clone(), LogFormat::Json)).unwrap();
    for is_error in [false, true] {
        let (source, message) = ("driver".to_owned(), "busy".to_owned());
        log.handle(&RunEvent::Library { worker: 3, source, message, is_error });
    }
    let text = fs::read_to_string(&path).unwrap();
    let rest = r#""event":"library","worker":3,"source":"driver","message":"busy"}"#;
    let levels = text.lines().map(|line| {
        assert!(line.ends_with(rest), "{line}");
        line.contains(r#""level":"error""#)
    });
    assert_eq!(levels.collect::<Vec<_>>(), [false, true]);
}

#[test]
fn text_has_the_same_lines() {
    let text = log_of_run(LogFormat::Text);
    let json = log_of_run(LogFormat::Json);
    let events: Vec<&str> = text.lines().map(|line| line.split_ascii_whitespace().nth(2).unwrap()).collect();
    let expected: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events, expected.iter().map(|line| line["event"].as_str().unwrap()).collect::<Vec<_>>());
    for part in
        [r#"warning pid="#, r#" message="two\nlines""#, " records=12 written=9 rejected=3 ", " exit_code=4 "]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_log_is_made_for_its_owner_and_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.log");
    for lines in 1..=2 {
        let mut log = Log::open(&settings(path.clone(), LogFormat::Text)).unwrap();
        log.handle(&RunEvent::Warning("w".to_owned()));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), lines);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_log_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("none").join("run.log")] {
        let line = Log::open(&settings(path.clone(), LogFormat::Text)).err().unwrap().to_string();
        assert!(line.starts_with(&format!("cannot open the log file {}: ", path.display())), "{line}");
    }
}

#[test]
fn a_full_disk_is_told_once_and_stops_nothing() {
    let mut log = Log::open(&settings("/dev/full".into(), LogFormat::Json)).unwrap();
    assert_eq!(log.trouble(), None);
    let mut told = Vec::new();
    for _ in 0..3 {
        log.handle(&RunEvent::Warning("w".to_owned()));
        told.extend(log.trouble());
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("cannot write to the log file /dev/full: No space left on device"),
        "{told:?}"
    );
}

#[test]
fn a_line_that_was_torn_leaves_the_next_one_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.log");
    let file = LogFile::new(OpenOptions::new().append(true).create(true).open(&path).unwrap());
    let write = |line: &str| (&file).write_all(line.as_bytes()).unwrap();
    write("one\ntw");
    file.state().torn = true;
    write("three\n");
    write("four\n");
    assert_eq!(fs::read_to_string(path).unwrap(), "one\ntw\nthree\nfour\n");
}
