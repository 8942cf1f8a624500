use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::report::event::RunStatus;
use crate::settings::{LogFormat, LogSettings, TableName};

/// Settings that keep quiet, with all files in a folder.
fn settings(folder: &Path) -> WatchingSettings {
    WatchingSettings {
        quiet: true,
        summary: Some(folder.join("s.json")),
        log: Some(LogSettings { file: folder.join("run.log"), format: LogFormat::Json }),
        ..WatchingSettings::default()
    }
}

fn summary(status: RunStatus) -> Summary {
    let table = TableName { keyspace: "shop".to_owned(), table: "orders".to_owned() };
    Summary { status, message: None, ..Summary::not_begun(&table, &["a.csv".into()], false, String::new()) }
}

/// Watches without a word on standard error.
fn watch(settings: &WatchingSettings) -> Watch {
    let reporter =
        Reporter::with_output(settings, indicatif::ProgressDrawTarget::hidden(), Box::new(io::sink()));
    Watch { reporter, ..Watch::new(settings, "shop.orders".to_owned(), false) }
}

fn read(path: PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn last_of_log(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("run.log")).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    // Other tests of this process may have something to say through the driver.
    lines.rfind(|line: &Value| line["event"] != "library").unwrap()
}

#[test]
fn warnings_are_counted_for_the_summary_and_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut watch = watch(&settings(folder.path()));
    watch.open().unwrap();
    watch.handle(&RunEvent::Warning("w".to_owned()));
    watch.handle(&RunEvent::WorkerLost { worker: 1, reason: "signal 9".to_owned() });
    assert_eq!(watch.finish(summary(RunStatus::Done)), 0);
    assert_eq!(read(folder.path().join("s.json"))["warnings"], 2);
    let last = last_of_log(folder.path());
    assert_eq!((&last["event"], &last["warnings"]), (&"finished".into(), &2.into()));
}

#[test]
fn a_log_that_is_full_is_a_warning_and_not_two() {
    let folder = tempfile::tempdir().unwrap();
    let full = LogSettings { file: "/dev/full".into(), format: LogFormat::Text };
    let settings = WatchingSettings { log: Some(full), ..settings(folder.path()) };
    let mut watch = watch(&settings);
    watch.open().unwrap();
    for _ in 0..3 {
        watch.handle(&RunEvent::Stopping { signal: 2, at_once: true });
    }
    assert_eq!(watch.finish(summary(RunStatus::Done)), 0);
    assert_eq!(read(folder.path().join("s.json"))["warnings"], 1);
}

#[test]
fn a_summary_that_cannot_be_written_fails_a_load_that_went_well_only() {
    for (status, expected) in [(RunStatus::Done, 4), (RunStatus::Interrupted(15), 143)] {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        fs::create_dir(&gone).unwrap();
        let settings = WatchingSettings { summary: Some(gone.join("s.json")), ..settings(folder.path()) };
        let mut watch = watch(&settings);
        watch.open().unwrap();
        fs::remove_dir(&gone).unwrap();
        assert_eq!(watch.finish(summary(status)), expected, "{status:?}");
        let last = last_of_log(folder.path());
        assert_eq!((&last["event"], &last["exit_code"]), (&"error".into(), &expected.into()));
    }
}

#[test]
fn what_keeps_a_run_from_beginning_is_in_the_log_and_in_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let mut watch = watch(&settings(folder.path()));
    watch.open().unwrap();
    let error = io::Error::other("a.csv: no such file");
    let refused = Summary { message: Some(error.to_string()), ..summary(RunStatus::Failed) };
    watch.refuse(&error, 4, refused);
    assert_eq!(read(folder.path().join("s.json"))["message"], "a.csv: no such file");
    let last = last_of_log(folder.path());
    assert_eq!([&last["level"], &last["event"], &last["message"]], ["error", "error", "a.csv: no such file"]);
}

#[test]
fn a_file_that_is_no_summary_is_kept_whatever_happens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    fs::write(&path, "id\n1\n").unwrap();
    let mut watch = watch(&settings(folder.path()));
    let error = watch.open().unwrap_err();
    watch.refuse(&error, 4, summary(RunStatus::Failed));
    refuse_settings(&settings(folder.path()), &error, 2);
    assert_eq!(fs::read_to_string(path).unwrap(), "id\n1\n");
}

#[test]
fn wrong_settings_are_logged_and_leave_no_older_summary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    fs::write(&path, "{}").unwrap();
    refuse_settings(&settings(folder.path()), &io::Error::other("--workers 'x'"), 2);
    assert!(!path.exists());
    let last = last_of_log(folder.path());
    assert_eq!((&last["message"], &last["exit_code"]), (&"--workers 'x'".into(), &2.into()));
}
