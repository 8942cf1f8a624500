//! Compressed files: every row arrives whatever compresses them, rejects are told by the decompressed data, a load that is cut short
//! goes on, and of a file that is damaged no row is sent.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::database::{CASSANDRA, Keyspace, environment};
use crate::support::numbered::{NumberedLoad, TABLE, csv, expect_every_row, note, rows};
use crate::support::packing::{ALL, pack, write};
use crate::support::program::{Finished, Run};
use crate::support::scratch::Scratch;

/// Records of most files here: several chunks in units of 16 KiB.
const RECORDS: u64 = 3_000;

/// A load of compressed numbered records through a relay.
fn numbered(records: u64, compression: &str) -> Option<NumberedLoad> {
    let mut load = NumberedLoad::of(records)?;
    load.file = write(&load.scratch, "numbered.packed", compression, csv(records).as_bytes());
    Some(load)
}

#[test]
fn whatever_compresses_a_file_and_however_the_work_is_divided_every_row_arrives() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let csv = csv(RECORDS);
    let (head, tail) = csv.split_at(csv.len() / 3);
    for (index, compression) in ALL.into_iter().enumerate() {
        // In two parts, as files that were appended to are.
        let packed = [pack(compression, head.as_bytes()), pack(compression, tail.as_bytes())].concat();
        let file = scratch.write("in.csv", packed);
        for workers in [0, 2] {
            keyspace.cql("TRUNCATE numbered");
            let run = keyspace
                .load(&scratch, "numbered")
                .args(["--workers", &workers.to_string(), "--unit-size", "16KiB"])
                // Known by what it is, or told.
                .args(["--input-compression", if index % 2 == 0 { "auto" } else { compression }])
                .arg(&file)
                .finish();
            let run = run.expect_code(0).expect_counts(RECORDS, RECORDS, 0);
            assert_eq!(run.number("units"), 1, "a compressed file is one unit");
            assert_eq!(run.number("bytes"), csv.len() as u64 - "id,note\n".len() as u64);
            expect_every_row(&keyspace, RECORDS);
        }
    }
}

/// A check without a cluster, of files in the scratch folder.
fn check(scratch: &Scratch, options: &[&str]) -> Run {
    scratch.write("numbered.cql", TABLE.replace("numbered", "ks.numbered") + ";");
    Run::new(scratch)
        .args(["check", "--progress", "none", "--schema", "numbered.cql", "--max-errors", "100", "--summary"])
        .arg(scratch.join("summary.json"))
        .args(options)
}

/// The reasons of a run's rejects, each without its file, and what is in the files of rejected records.
fn rejects(run: &Finished, scratch: &Scratch) -> (Vec<Value>, Vec<String>) {
    let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
    let reasons = fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let reasons = reasons.lines().map(|line| {
        let mut reason: Value = serde_json::from_str(line).expect("JSON");
        reason["file"].take();
        reason
    });
    let mut files: Vec<PathBuf> =
        fs::read_dir(&dir).expect("a folder").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|path| !path.ends_with("reasons.jsonl"));
    (reasons.collect(), files.iter().map(|path| fs::read_to_string(path).expect("text")).collect())
}

#[test]
fn rejects_of_a_compressed_file_are_told_as_those_of_the_file() {
    let scratch = Scratch::new();
    let mut csv = csv(RECORDS);
    for id in [0, 1_234, 2_998] {
        csv = csv.replacen(&format!("\n{id},"), &format!("\n\nx{id},"), 1);
    }
    scratch.write("plain.csv", &csv);
    let expected =
        check(&scratch, &["plain.csv"]).finish().expect_code(1).expect_counts(RECORDS, RECORDS - 3, 3);
    let expected = rejects(&expected, &scratch);
    assert_eq!(expected.0.len(), 3);
    for (compression, workers) in ALL.into_iter().zip(["0", "1", "2"].into_iter().cycle()) {
        write(&scratch, "packed.csv", compression, csv.as_bytes());
        let run = check(&scratch, &["--workers", workers, "--unit-size", "4KiB", "packed.csv"]).finish();
        let run = run.expect_code(1).expect_counts(RECORDS, RECORDS - 3, 3);
        assert_eq!(rejects(&run, &scratch), expected, "{compression}");
    }
}

#[test]
fn a_load_of_a_compressed_file_that_is_killed_goes_on_and_sends_each_row_once_more_at_most() {
    for workers in [0, 2] {
        let Some(load) = numbered(6_000, "zstd") else { return };
        load.relay.allow_writes(3_000);
        load.kill_when_settled(load.run(workers).start(), 0);
        let run = load.run(workers).args(["--progress", "plain"]).finish().expect_code(0);
        let run = run.expect_counts(6_000, 6_000, 0);
        let resumed = run.number("resumed_records");
        assert!(resumed > 0 && resumed < 6_000, "{}", run.summary);
        run.expect_said(&["numbered.packed is read from its start: what is done of it is skipped"]);
        load.expect_every_row_at_its_time();
    }
}

#[test]
fn of_a_file_that_is_cut_off_no_row_is_sent_and_those_of_files_before_are_accounted_for() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    for compression in ["gzip", "zstd", "bzip2", "xz", "lz4"] {
        keyspace.cql("TRUNCATE numbered");
        let whole = write(&scratch, "whole.csv", compression, csv(RECORDS).as_bytes());
        // So many records that the file's beginning, where the header is, is not all of it.
        let others: String = (0..30_000).map(|id| format!("{},other\n", 1_000_000 + id)).collect();
        let packed = pack(compression, format!("id,note\n{others}").as_bytes());
        let cut = scratch.write("cut.csv", &packed[..packed.len() - 3]);
        let run = keyspace.load(&scratch, "numbered").arg("--restart").args([&whole, &cut]).finish();
        let run = run
            .expect_code(4)
            .expect_said(&["cut.csv", &format!("the {compression} data end in the middle")]);
        let rows = rows(&keyspace);
        assert!(
            rows.iter().all(|(id, text)| *text == note(*id)),
            "{compression}: a row of the file that is cut off"
        );
        assert!(run.number("written") <= rows.len() as u64, "{}", run.summary);
        assert_eq!(run.number("records"), run.number("written") + run.number("rejected"));
    }
}

#[test]
fn a_file_that_is_damaged_is_named_with_the_place() {
    let scratch = Scratch::new();
    for compression in ALL {
        let mut packed = pack(compression, csv(30_000).as_bytes());
        let middle = packed.len() * 3 / 4;
        packed[middle..middle + 64].fill(0xa5);
        scratch.write("damaged.csv", packed);
        let run = check(&scratch, &["damaged.csv"]).finish().expect_code(4);
        run.expect_said(&["damaged.csv: cannot be decompressed as", compression, "decompressed bytes"]);
    }
}

#[test]
fn what_is_told_of_the_compression_is_believed() {
    let scratch = Scratch::new();
    scratch.write("in.csv", csv(10));
    let run = check(&scratch, &["--input-compression", "gzip", "in.csv"]).finish().expect_code(4);
    run.expect_said(&["in.csv: cannot be decompressed as gzip behind 0 decompressed bytes"]);
    write(&scratch, "in.csv.gz", "gzip", csv(10).as_bytes());
    check(&scratch, &["in.csv.gz"]).finish().expect_code(0).expect_counts(10, 10, 0);
    let run = check(&scratch, &["--input-compression", "none", "in.csv.gz"]).finish().expect_code(4);
    run.expect_said(&["in.csv.gz: is gzip-compressed: leave out --input-compression none"]);
}

#[test]
fn a_compressed_file_is_verified_as_the_file_that_it_holds() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let file = write(&scratch, "in.csv.gz", "gzip", csv(RECORDS).as_bytes());
    let run =
        keyspace.load(&scratch, "numbered").args(["--verify", "--unit-size", "16KiB"]).arg(&file).finish();
    assert_eq!(run.expect_code(0).summary["verify"]["same"], RECORDS);
    keyspace.cql("DELETE FROM numbered WHERE id = 7");
    keyspace.cql("UPDATE numbered USING TIMESTAMP 1 SET note = 'x' WHERE id = 8");
    let run =
        keyspace.verify(&scratch, "numbered").args(["--workers", "2"]).arg(&file).finish().expect_code(1);
    assert_eq!([&run.summary["verify"]["same"], &run.summary["verify"]["missing"]], [RECORDS - 1, 1]);
}

#[test]
fn a_file_that_was_loaded_is_known_by_its_compressed_bytes() {
    let Some(contact) = environment(CASSANDRA) else { return };
    let keyspace = Keyspace::on(&contact, 1, &[TABLE]);
    let scratch = Scratch::new();
    let load = || {
        keyspace
            .load(&scratch, "numbered")
            .args(["--job", "nightly", "--batch", "off", "in.csv"])
            .finish()
            .expect_code(0)
    };
    write(&scratch, "in.csv", "gzip", csv(10).as_bytes());
    assert_eq!(load().number("requests"), 10);
    assert_eq!(load().number("requests"), 0, "the same file is loaded once");
    write(&scratch, "in.csv", "xz", csv(10).as_bytes());
    assert_eq!(load().number("requests"), 10, "other bytes are another file");
}
