//! Loads of a part of their files: records that are passed over, and a limit over all files.

use std::fs;

use serde_json::{Value, json};

use crate::support::database::Keyspace;
use crate::support::numbered::{NumberedLoad, TABLE, note, rows_and_times};
use crate::support::program::{Run, send_signal};
use crate::support::scratch::Scratch;

/// The ids in the table with the distance of their write times to the earliest, in the order of the latter.
fn ids_in_order(keyspace: &Keyspace) -> Vec<i64> {
    let found = rows_and_times(keyspace);
    let mut times: Vec<(i64, i64)> = found.iter().map(|(id, (_, time))| (*time, *id)).collect();
    times.sort_unstable();
    let first = times.first().map_or(0, |(time, _)| *time);
    let apart: Vec<i64> = times.iter().map(|(time, _)| time - first).collect();
    assert_eq!(apart, (0..times.len() as i64).collect::<Vec<_>>(), "ordinals are the job's own");
    times.into_iter().map(|(_, id)| id).collect()
}

/// Records of these numbers behind a header.
fn file(scratch: &Scratch, name: &str, ids: std::ops::Range<i64>) {
    let records: String = ids.map(|id| format!("{id},\"{}\"\n", note(id))).collect();
    scratch.write(name, format!("id,note\n{records}"));
}

const FILES: [&str; 3] = ["a.csv", "b.csv", "c.csv"];

fn three_files(scratch: &Scratch) {
    file(scratch, "a.csv", 0..500);
    file(scratch, "b.csv", 500..502);
    file(scratch, "c.csv", 1000..1500);
}

#[test]
fn the_first_records_of_each_file_are_passed_over_and_the_limit_is_over_all() {
    for workers in ["0", "2"] {
        let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
        let scratch = Scratch::new();
        three_files(&scratch);
        let part = ["--skip", "3", "--limit", "700", "--unit-size", "1KiB", "--workers", workers];
        let run = keyspace.load(&scratch, "numbered").args(part).args(FILES).finish().expect_code(0);
        let run = run.expect_counts(700, 700, 0).expect_said(&["b.csv: --skip 3 leaves no record of it"]);
        let expected: Vec<i64> = (3..500).chain(1003..1206).collect();
        assert_eq!(ids_in_order(&keyspace), expected);
        let bytes: usize = expected.iter().map(|id| format!("{id},\"{}\"\n", note(*id)).len()).sum();
        assert_eq!(run.number("bytes"), bytes as u64, "{}", run.summary);
        let verify = |options: &[&str]| {
            let run = keyspace.verify(&scratch, "numbered").args(options).args(FILES);
            run.finish().summary["verify"]["checked"].clone()
        };
        assert_eq!(verify(&part), 700);
        assert_eq!(verify(&[]), 1002);
    }
}

#[test]
fn a_check_of_a_part_finds_the_bad_records_of_that_part_under_their_numbers_in_the_file() {
    let scratch = Scratch::new();
    scratch.write("numbered.cql", format!("{TABLE};").replace("numbered", "k.numbered"));
    scratch.write("a.csv", "id,note\nx,1\n\n2,two\ny,3\nz,4\nnone,\"never closed\n");
    let run = Run::new(&scratch)
        .args(["check", "--progress", "none", "--schema", "numbered.cql", "--skip", "1", "--limit", "2"])
        .args(["--summary", "summary.json", "a.csv"]);
    let run = run.finish().expect_code(1).expect_counts(2, 1, 1);
    let dir = scratch.join(run.summary["rejects_dir"].as_str().unwrap());
    assert_eq!(fs::read_to_string(dir.join("rejected-a.csv")).unwrap(), "id,note\ny,3\n");
    let reasons = fs::read_to_string(dir.join("reasons.jsonl")).unwrap();
    assert!(reasons.contains(r#""line":5,"offset":19,"bytes":4,"record":3,"#), "{reasons}");
}

#[test]
fn a_load_of_a_part_that_is_interrupted_goes_on_to_the_end_of_the_part() {
    let Some(load) = NumberedLoad::of(6_000) else { return };
    let part = |run: Run| run.args(["--skip", "100", "--limit", "4000"]);
    // More than the two units that a worker holds have, so that one of them is done.
    load.relay.allow_writes(2_500);
    let running = load.wait_for_writes(part(load.run(0)).start());
    send_signal(running.pid(), "TERM");
    load.relay.allow_writes(500);
    running.finish().expect_code(143);
    let run = part(load.run_directly(2)).finish().expect_code(0).expect_counts(4_000, 4_000, 0);
    assert!(run.number("resumed_records") > 0, "{}", run.summary);
    assert_eq!(ids_in_order(&load.keyspace), (100..4_100).collect::<Vec<_>>());
    let jobs = Run::new(&load.scratch).args(["jobs", "--format", "json"]).finish().expect_code(0);
    let jobs: Value = serde_json::from_str(&jobs.stdout).unwrap();
    assert_eq!(
        (&jobs[0]["records"], &jobs[0]["bytes_done"]),
        (&json!(4_000), &jobs[0]["bytes_total"]),
        "{jobs}"
    );
}
