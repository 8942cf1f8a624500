use std::time::Duration;

use super::*;
use crate::reject::RejectCode;
use crate::report::event::Resumed;
use crate::report::event::{Estimate, FileTally, RejectTally, UnitBytes};
use crate::settings::TableName;

fn summary() -> Summary {
    Summary {
        status: RunStatus::DoneWithRejects,
        message: None,
        table: "shop.orders".to_owned(),
        inputs: vec!["a.csv".into(), "b.csv".into()],
        dry_run: false,
        bytes: 95_000_000,
        job: None,
        resumed: Resumed::default(),
        ledger_cpu: None,
        first_settled: Some(Duration::from_millis(402)),
        records: 1_000_000,
        written: 999_997,
        rejected: 3,
        uncertain: 0,
        not_applied: 0,
        retried: 12,
        units: 16,
        workers: 4,
        workers_lost: 1,
        session_starts: 5,
        session_starts_peak: 2,
        requests: 40_012,
        rows_per_request: Some(25.0049),
        elapsed: Duration::from_millis(15_930),
        latency: Some(Latency { p50: 0.512, p99: 8.0, p999: 20.25, max: 1045.0 }),
        rejects_dir: Some("ringload-rejects/x".into()),
        reject_reasons: vec![
            RejectTally { column: Some("price".to_owned()), code: RejectCode::InvalidNumber, count: 2 },
            RejectTally { column: None, code: RejectCode::FieldCount, count: 1 },
        ],
        files: vec![
            FileTally {
                path: "a.csv".into(),
                bytes: 94_999_998,
                records: 999_999,
                units: 15,
                one_reader: None,
            },
            FileTally {
                path: "b.csv".into(),
                bytes: 2,
                records: 1,
                units: 1,
                one_reader: Some("it is gzip-compressed".into()),
            },
        ],
        unit_bytes: Some(UnitBytes { smallest: 2, largest: 6_000_000 }),
        estimate: None,
        verify_only: false,
        verified: None,
        warnings: 2,
    }
}

#[test]
fn people_read_a_few_aligned_lines() {
    let check = |summary: &Summary, expected: &str| assert_eq!(human(summary), expected);
    check(
        &summary(),
        "\
done, with 3 rejects
  table           shop.orders
  records         1,000,000 (95.0 MB)
  written         999,997
  rejected        3, in ringload-rejects/x
    2             column price: invalid_number
    1             field_count
  retried         12 requests
  workers         4, 1 lost on the way (16 units)
  session starts  5, at most 2 at once
  time            15.9s
  rate            62,774 rows/s, 6.0 MB/s
  latency         p50 0.512 ms, p99 8.0 ms, p99.9 20.2 ms, max 1045.0 ms of 40,012 requests of 25.0 rows each",
    );
    let failed = Summary {
        status: RunStatus::Failed,
        message: Some("no node answers\nrun it again".to_owned()),
        records: 0,
        written: 0,
        rejected: 0,
        retried: 0,
        units: 1,
        workers: 0,
        workers_lost: 0,
        session_starts: 0,
        elapsed: Duration::ZERO,
        latency: None,
        rejects_dir: None,
        reject_reasons: Vec::new(),
        files: Vec::new(),
        unit_bytes: None,
        ..summary()
    };
    check(
        &failed,
        "\
failed
  no node answers
  run it again
  table           shop.orders
  records         0 (95.0 MB)
  written         0
  rejected        0
  workers         in this process (1 unit)
  time            0.0s
  rate            0 rows/s",
    );
}

#[test]
fn a_dry_run_tells_of_files_units_and_the_time_of_the_load() {
    let dry_run = Summary {
        dry_run: true,
        session_starts: 0,
        retried: 0,
        workers_lost: 0,
        latency: None,
        estimate: Some(Estimate { rows_per_second: 60_000, time: Duration::from_millis(16_666) }),
        ..summary()
    };
    let check = |summary: &Summary, expected: &str| assert_eq!(human(summary), expected);
    check(
        &dry_run,
        "\
dry run done, with 3 rejects, nothing was written
  table           shop.orders
  records         1,000,000 (95.0 MB)
    a.csv: 999,999 records, 95.0 MB, 15 units
    b.csv: 1 record, 2 B, 1 unit
  would write     999,997
  rejected        3, in ringload-rejects/x
    2             column price: invalid_number
    1             field_count
  workers         4 (16 units of 2 B to 6.0 MB)
  readers         1 for b.csv, because it is gzip-compressed
  time            15.9s
  rate            62,774 rows/s, 6.0 MB/s
  estimate        16.6s for 999,997 rows at 60,000 rows/s",
    );
    // Of one file the totals tell everything; units of one size have one.
    let one = Summary {
        status: RunStatus::Done,
        files: dry_run.files[..1].to_vec(),
        unit_bytes: Some(UnitBytes { smallest: 5, largest: 5 }),
        reject_reasons: Vec::new(),
        rejected: 0,
        units: 1,
        workers: 0,
        estimate: None,
        ..dry_run
    };
    check(
        &one,
        "\
dry run done, nothing was written
  table           shop.orders
  records         1,000,000 (95.0 MB)
  would write     999,997
  rejected        0
  workers         in this process (1 unit of 5 B)
  time            15.9s
  rate            62,774 rows/s, 6.0 MB/s",
    );
}

#[test]
fn long_lists_are_cut_for_people_and_whole_for_scripts() {
    let reason = |number: u64| RejectTally {
        column: Some(format!("c{number}")),
        code: RejectCode::OutOfRange,
        count: 5000 - number,
    };
    let file = |number: u64| FileTally {
        path: format!("{number}.csv").into(),
        bytes: 1,
        records: 1,
        units: 1,
        one_reader: None,
    };
    let check = |reasons: u64, files: u64, expected: &[&str]| {
        let summary = Summary {
            dry_run: true,
            reject_reasons: (0..reasons).map(reason).collect(),
            files: (0..files).map(file).collect(),
            ..summary()
        };
        let text = human(&summary);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("    ")).collect();
        let rest: Vec<&str> =
            lines.iter().copied().filter(|line| !line.contains(".csv") && !line.contains("column")).collect();
        assert_eq!(rest, expected);
        assert_eq!(lines.len() as u64, reasons.min(20) + files.min(20) + rest.len() as u64);
        let value = serde_json::to_value(SummaryFile::from(&summary)).unwrap();
        let lengths = ["reject_reasons", "files"].map(|key| value[key].as_array().unwrap().len() as u64);
        assert_eq!(lengths, [reasons, files]);
    };
    check(20, 20, &[]);
    check(21, 20, &["    and 1 more reason"]);
    check(1234, 22, &["    and 2 more files", "    and 1,214 more reasons"]);
}

#[test]
fn the_first_line_tells_how_it_ended() {
    let check = |status: RunStatus, dry_run: bool, expected: &str| {
        let text = human(&Summary { status, dry_run, ..summary() });
        assert_eq!(text.lines().next(), Some(expected));
    };
    check(RunStatus::Done, false, "done");
    check(RunStatus::Done, true, "dry run done, nothing was written");
    check(RunStatus::TooManyErrors, false, "stopped: too many errors");
    check(RunStatus::Incomplete, false, "incomplete: not every record is accounted for");
    check(RunStatus::Interrupted(2), false, "interrupted by SIGINT");
    check(RunStatus::Interrupted(15), false, "interrupted by SIGTERM");
    check(RunStatus::Interrupted(1), false, "interrupted by signal 1");
}

#[test]
fn a_quiet_run_says_nothing_or_how_it_ended() {
    let check = |summary: Summary, expected: Option<&str>| {
        assert_eq!(quiet(&summary).as_deref(), expected);
    };
    let ended = |status, message: &str| Summary {
        status,
        message: Some(message.to_owned()),
        rejected: 0,
        ..summary()
    };
    check(Summary { status: RunStatus::Done, rejected: 0, ..summary() }, None);
    check(summary(), Some("3 of 1,000,000 records rejected, see ringload-rejects/x"));
    check(
        Summary { dry_run: true, records: 1, rejected: 1, rejects_dir: None, ..summary() },
        Some("dry run: 1 of 1 record rejected"),
    );
    check(
        Summary { rejected: 3, ..ended(RunStatus::TooManyErrors, "more than 2 records were rejected") },
        Some("stopped: more than 2 records were rejected, see ringload-rejects/x"),
    );
    check(
        ended(RunStatus::Failed, "no node answers"),
        Some("stopped: no node answers; run the same command again to go on"),
    );
    check(Summary { written: 0, ..ended(RunStatus::Failed, "no table") }, Some("stopped: no table"));
    check(
        ended(RunStatus::Failed, "down; run the same command again later"),
        Some("stopped: down; run the same command again later"),
    );
    check(ended(RunStatus::Incomplete, "2 records are lost"), Some("incomplete: 2 records are lost"));
    check(ended(RunStatus::Interrupted(15), "run it again"), Some("interrupted by SIGTERM: run it again"));
}

#[test]
fn scripts_read_the_documented_fields() {
    let expected = r#"{
  "version": 1,
  "job": null,
  "status": "done_with_rejects",
  "exit_code": 1,
  "table": "shop.orders",
  "inputs": [
    "a.csv",
    "b.csv"
  ],
  "bytes": 95000000,
  "records": 1000000,
  "written": 999997,
  "rejected": 3,
  "retried": 12,
  "resumed_records": 0,
  "uncertain": 0,
  "not_applied": 0,
  "units": 16,
  "workers": 4,
  "workers_lost": 1,
  "session_starts": {
    "total": 5,
    "peak_concurrent": 2
  },
  "requests": 40012,
  "rows_per_request": 25.0,
  "seconds": 15.93,
  "seconds_to_first_row": 0.402,
  "rows_per_second": 62774.5,
  "ledger_cpu_seconds": null,
  "latency_ms": {
    "p50": 0.512,
    "p99": 8.0,
    "p999": 20.25,
    "max": 1045.0
  },
  "rejects_dir": "ringload-rejects/x",
  "warnings": 2,
  "message": null,
  "dry_run": false,
  "reject_reasons": [
    {
      "column": "price",
      "code": "invalid_number",
      "count": 2
    },
    {
      "column": null,
      "code": "field_count",
      "count": 1
    }
  ],
  "files": [
    {
      "path": "a.csv",
      "bytes": 94999998,
      "records": 999999,
      "units": 15,
      "one_reader": null
    },
    {
      "path": "b.csv",
      "bytes": 2,
      "records": 1,
      "units": 1,
      "one_reader": "it is gzip-compressed"
    }
  ],
  "unit_bytes": {
    "smallest": 2,
    "largest": 6000000
  },
  "estimate": {
    "rows_per_second": 60000,
    "seconds": 16.667
  },
  "verify": null
}
"#;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.json");
    let estimate = Some(Estimate { rows_per_second: 60_000, time: Duration::from_micros(16_666_617) });
    write_file(&path, &Summary { estimate, ..summary() }).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn every_status_has_its_name() {
    let check = |status: RunStatus, name: &str, code: u8| {
        let summary = Summary { status, latency: None, rejects_dir: None, ..summary() };
        let value = serde_json::to_value(SummaryFile::from(&summary)).unwrap();
        assert_eq!((value["status"].as_str(), value["exit_code"].as_u64()), (Some(name), Some(code.into())));
        assert!(value["latency_ms"].is_null() && value["rejects_dir"].is_null());
    };
    check(RunStatus::Done, "done", 0);
    check(RunStatus::DoneWithRejects, "done_with_rejects", 1);
    check(RunStatus::TooManyErrors, "too_many_errors", 3);
    check(RunStatus::Failed, "failed", 4);
    check(RunStatus::Incomplete, "incomplete", 6);
    check(RunStatus::Interrupted(2), "interrupted", 130);
    check(RunStatus::Interrupted(15), "interrupted", 143);
}

#[test]
fn an_older_summary_is_replaced_and_nothing_else_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.json");
    fs::write(&path, "{older and longer ".repeat(1000)).unwrap();
    write_file(&path, &summary()).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(value["version"], 1);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_is_followed_and_a_device_is_never_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (directory.path().join("target.json"), directory.path().join("link.json"));
    fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    write_file(&link, &summary()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::metadata(&target).unwrap().len() > 0);
    let null = Path::new("/dev/null");
    prepare(null).unwrap();
    write_file(null, &summary()).unwrap();
    assert!(!fs::metadata(null).unwrap().is_file());
}

#[test]
fn a_summary_that_cannot_be_written_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let check = |path: PathBuf| {
        for error in [prepare(&path).unwrap_err(), write_file(&path, &summary()).unwrap_err()] {
            let line = error.to_string();
            assert!(
                line.starts_with(&format!("cannot write the summary file {}: ", path.display())),
                "{line}"
            );
        }
    };
    check(directory.path().join("missing").join("s.json"));
    check(directory.path().to_owned());
    check(PathBuf::new());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn what_is_made_on_the_way_is_new_and_read_by_whom_the_umask_lets() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let (target, other) = (directory.path().join("s.json"), directory.path().join("other"));
    fs::write(&other, "").unwrap();
    let (first, second) = (create_beside(&target).unwrap().0, create_beside(&target).unwrap().0);
    assert_ne!(first, second);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&first), mode(&other));
    write_file(&target, &summary()).unwrap();
    assert_eq!(mode(&target), mode(&other));
}

#[test]
fn an_older_summary_is_taken_away_before_the_load_and_nothing_else_is() {
    let directory = tempfile::tempdir().unwrap();
    let [target, link, data] = ["s.json", "link.json", "a.csv"].map(|name| directory.path().join(name));
    for path in [&target, &link] {
        write_file(&target, &summary()).unwrap();
        drop(std::os::unix::fs::symlink("s.json", &link));
        prepare(path).unwrap();
        assert!(!target.exists() && fs::symlink_metadata(&link).unwrap().is_symlink());
    }
    prepare(&target).unwrap();
    write_file(&link, &summary()).unwrap();
    assert!(target.is_file() && fs::symlink_metadata(&link).unwrap().is_symlink());

    fs::write(&data, "id\n1\n").unwrap();
    for refused in [prepare(&data), write_file(&data, &summary())] {
        let line = refused.unwrap_err().to_string();
        assert!(
            line.contains("a.csv: what is there is no summary and is kept: give --summary another"),
            "{line}"
        );
    }
    assert_eq!(fs::read_to_string(&data).unwrap(), "id\n1\n");
}

#[test]
fn a_load_that_could_not_begin_has_a_summary_that_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.json");
    let table = TableName { keyspace: "shop".to_owned(), table: "orders".to_owned() };
    let failed = Summary::not_begun(&table, &["a.csv".into()], true, "a.csv: no such file".to_owned());
    write_file(&path, &failed).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let texts = ["status", "table", "message"].map(|key| value[key].as_str().unwrap());
    assert_eq!(texts, ["failed", "shop.orders", "a.csv: no such file"]);
    let numbers = ["exit_code", "records", "written", "units"].map(|key| value[key].as_u64().unwrap());
    assert_eq!(numbers, [4, 0, 0, 0]);
    assert_eq!((&value["dry_run"], &value["inputs"][0]), (&true.into(), &"a.csv".into()));
}
