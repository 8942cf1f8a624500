//! Standard input: plain or compressed, every row arrives; what it cannot do is said before, or refused.

use std::fs::{self, File};
use std::io::{Write, pipe};
use std::thread;

use crate::support::database::Keyspace;
use crate::support::numbered::{NumberedLoad, TABLE, csv, expect_every_row, rows_and_times};
use crate::support::packing::{ALL, pack};
use crate::support::program::{Run, send_signal, wait_until};
use crate::support::scratch::Scratch;

const RECORDS: u64 = 3_000;

/// Lets a run read these bytes from a pipe.
fn piped(run: Run, bytes: Vec<u8>) -> Run {
    let (from, mut to) = pipe().expect("a pipe");
    // Whoever stops early leaves a broken pipe behind.
    thread::spawn(move || to.write_all(&bytes).ok());
    run.stdin(from)
}

#[test]
fn standard_input_is_loaded_whole_plain_or_compressed() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let csv = csv(RECORDS);
    let contents = ALL.map(|compression| pack(compression, csv.as_bytes()));
    for content in [csv.clone().into_bytes()].into_iter().chain(contents) {
        keyspace.cql("TRUNCATE numbered");
        let run = keyspace.load(&scratch, "numbered").args(["--unit-size", "16KiB", "-"]);
        let run = piped(run, content).finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
        assert!(run.number("units") > 3, "{}", run.summary);
        assert_eq!(run.number("bytes"), csv.len() as u64 - "id,note\n".len() as u64);
        run.expect_said(&["warning: standard input can be read only once"]);
        expect_every_row(&keyspace, RECORDS);
    }
    let jobs = Run::new(&scratch).arg("jobs").finish().expect_code(0);
    assert_eq!(jobs.stdout, "no jobs\n");
}

/// A check without a cluster.
fn check(scratch: &Scratch, options: &[&str]) -> Run {
    scratch.write("numbered.cql", TABLE.replace("numbered", "ks.numbered") + ";");
    Run::new(scratch)
        .args(["check", "--schema", "numbered.cql", "--max-errors", "100", "--summary"])
        .arg(scratch.join("summary.json"))
        .args(options)
}

#[test]
fn more_than_fits_into_memory_at_once_is_checked_and_rejects_are_told_by_their_place() {
    let scratch = Scratch::new();
    let csv = csv(400_000).replacen("\n399000,", "\n\nx,", 1);
    let offset = csv.find("\nx,").expect("the bad record") + 1;
    let file = scratch.write("first.csv", "id,note\n-1,one more\n");
    let run = check(&scratch, &["first.csv", "-"]);
    let run = piped(run.args(["--progress", "json"]), pack("gzip", csv.as_bytes())).finish().expect_code(1);
    let run = run.expect_counts(400_001, 400_000, 1);
    assert!(run.number("units") >= 3, "{}", run.summary);
    let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
    let reason = fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let reason: serde_json::Value = serde_json::from_str(&reason).expect("one reason");
    assert_eq!([&reason["line"], &reason["offset"], &reason["record"]], [399_003, offset, 399_001]);
    assert_eq!(reason["file"], "-");
    let rejected = fs::read_to_string(dir.join("rejected-0002-stdin")).expect("the record");
    assert!(rejected.starts_with("id,note\nx,record 399000"), "{rejected}");
    drop(file);
}

#[test]
fn a_file_may_be_standard_input() {
    let scratch = Scratch::new();
    let file = scratch.write("in.csv", csv(10));
    let run = check(&scratch, &["-"]).stdin(File::open(file).expect("a file")).finish().expect_code(0);
    run.expect_counts(10, 10, 0);
    let none = check(&scratch, &["--no-header", "--columns", "id,note", "-"]).finish();
    none.expect_code(0).expect_counts(0, 0, 0);
}

#[test]
fn every_load_after_one_of_standard_input_has_later_write_times() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let piped = |records: u64| {
        let run = load.keyspace.load(&load.scratch, "numbered").args(["--unit-size", "1KiB", "-"]);
        piped(run, csv(records).into_bytes()).finish().expect_code(0).expect_counts(records, records, 0);
    };
    piped(1_000);
    let before = rows_and_times(&load.keyspace).into_values().map(|(_, time)| time).max().expect("a row");
    piped(RECORDS);
    let first = load.expect_every_row_at_its_time();
    assert!(first > before, "{first} is not after {before}");
    load.run_directly(0).finish().expect_code(0);
    let last = first + RECORDS as i64;
    assert!(load.expect_every_row_at_its_time() > last);
}

#[test]
fn whoever_stops_a_load_of_standard_input_is_told_to_load_it_again() {
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    load.relay.allow_writes(500);
    let run = Run::load(&load.scratch, &load.relay.contact, &load.keyspace.table("numbered"));
    let run =
        run.args(["--address-map", &load.relay.address_map(), "--in-flight", "32", "--batch", "off", "-"]);
    let running = load.wait_for_writes(piped(run, csv(RECORDS).into_bytes()).start());
    send_signal(running.pid(), "TERM");
    load.relay.allow_all_writes();
    let run = running.finish().expect_code(143);
    run.expect_said(&["standard input has to be loaded again from its beginning"]);
}

#[test]
fn a_program_that_gives_nothing_can_be_waited_for_no_longer() {
    let scratch = Scratch::new();
    let (from, mut to) = pipe().expect("a pipe");
    to.write_all(b"id,note\n1,one\n").expect("room in the pipe");
    let run = check(&scratch, &["--progress", "plain", "--log-file", "log", "-"]).stdin(from);
    let running = run.start();
    let log = scratch.join("log");
    wait_until("it reads", || fs::metadata(&log).is_ok());
    send_signal(running.pid(), "TERM");
    assert_ne!(running.finish().code, Some(0));
    drop(to);
}

#[test]
fn compressed_standard_input_that_is_cut_off_ends_the_run() {
    let scratch = Scratch::new();
    for compression in ["gzip", "zstd", "bzip2", "xz", "lz4"] {
        let packed = pack(compression, csv(30_000).as_bytes());
        let run = check(&scratch, &["-"]);
        let run = piped(run, packed[..packed.len() - 3].to_vec()).finish().expect_code(4);
        run.expect_said(&[&format!("-: the {compression} data end in the middle, after ")]);
    }
}

#[test]
fn what_standard_input_cannot_do_is_refused() {
    let scratch = Scratch::new();
    let refused = |words: &[&str], said: &str| {
        let run = Run::new(&scratch).args(words).args(["-t", "ks.numbered", "--hosts", "127.0.0.1:1"]);
        run.finish().expect_code(2).expect_said(&[said]);
    };
    refused(&["load", "-", "--workers", "2"], "--workers with standard input (-)");
    refused(&["load", "-", "--job", "nightly"], "--job with standard input (-)");
    refused(&["load", "-", "--again"], "--restart or --again with standard input (-)");
    refused(&["load", "-", "--verify"], "standard input (-) cannot be verified");
    refused(&["verify", "-"], "standard input (-) cannot be verified");
    refused(&["load", "-", "a.csv"], "standard input (-) before other inputs");
    refused(&["load", "-", "-"], "standard input (-) before other inputs");
}

#[test]
fn where_nothing_comes_it_is_said_and_where_a_header_was_to_come_that_is_an_error() {
    let scratch = Scratch::new();
    let said = ["standard input holds no record, not even a header", "--no-header with --columns"];
    piped(check(&scratch, &["-"]), Vec::new()).finish().expect_code(4).expect_said(&said);
    piped(check(&scratch, &["-"]), b"\n\n".to_vec()).finish().expect_code(4).expect_said(&said);
    let none = ["warning: the inputs hold no record"];
    for options in [&["--no-header", "--columns", "id,note", "-"][..], &["--format", "ndjson", "-"]] {
        let run = piped(check(&scratch, options), Vec::new()).finish().expect_code(0).expect_said(&none);
        run.expect_counts(0, 0, 0);
    }
    piped(check(&scratch, &["-"]), b"id,note\n".to_vec()).finish().expect_code(0).expect_said(&none);
    // A file that is empty is one of many, most often.
    let file = scratch.write("empty.csv", "");
    check(&scratch, &[file.to_str().expect("UTF-8")]).finish().expect_code(0).expect_said(&none);
}
