//! Directories, patterns that no shell has expanded, and lists of files: what is loaded of them, and in which order.

use std::fs::{self, File};

use crate::support::database::Keyspace;
use crate::support::packing;
use crate::support::program::Run;
use crate::support::scratch::Scratch;

/// A check without a cluster, in a folder with some files.
fn check(scratch: &Scratch, options: &[&str]) -> Run {
    scratch.write("t.cql", "CREATE TABLE ks.t (id int PRIMARY KEY);");
    Run::new(scratch)
        .args(["check", "--progress", "plain", "--schema", "t.cql", "--summary"])
        .arg(scratch.join("summary.json"))
        .args(options)
}

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.join("in/deep")).expect("folders");
    for (name, id) in
        [("in/b.csv", 2), ("in/a.csv", 1), ("in/.c.csv", 3), ("in/deep/d.csv", 4), ("in/e.txt", 5)]
    {
        scratch.write(name, format!("id\n{id}\n"));
    }
    packing::write(&scratch, "in/f.csv.gz", "gzip", b"id\n6\n");
    scratch
}

/// The files that a check looked at, in its order.
fn files(scratch: &Scratch, run: Run) -> String {
    let run = run.finish().expect_code(0);
    let files = run.summary["files"].as_array().expect("files");
    let base = format!("{}/", scratch.path().display());
    let names = files.iter().map(|file| file["path"].as_str().expect("a path").replace(&base, ""));
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn directories_patterns_and_lists_are_their_files_in_order() {
    let scratch = scratch();
    let check_files = |options: &[&str], expected: &str| {
        assert_eq!(files(&scratch, check(&scratch, options)), expected, "{options:?}");
    };
    check_files(&["in"], "in/a.csv in/b.csv in/e.txt in/f.csv.gz");
    check_files(&["in", "--recursive", "--pattern", "*.csv"], "in/a.csv in/b.csv in/deep/d.csv");
    check_files(&["in", "--pattern", "*.gz,*.txt"], "in/e.txt in/f.csv.gz");
    check_files(&["in/?.csv*"], "in/a.csv in/b.csv in/f.csv.gz");
    scratch.write("list", "in/b.csv\n\nin/a.csv\n");
    check_files(&["--files-from", "list"], "in/b.csv in/a.csv");
    check_files(&["in/e.txt", "--files-from", "list"], "in/e.txt in/b.csv in/a.csv");
    let list = File::open(scratch.join("list")).expect("the list");
    assert_eq!(files(&scratch, check(&scratch, &["--files-from", "-"]).stdin(list)), "in/b.csv in/a.csv");
}

#[test]
fn places_without_files_and_files_that_are_found_twice_are_refused() {
    let scratch = scratch();
    let refused = |options: &[&str], code: i32, said: &str| {
        check(&scratch, options).finish().expect_code(code).expect_said(&[said]);
    };
    refused(&["in", "--pattern", "*.zst"], 4, "in: no file in this directory matches *.zst");
    refused(&["in/*.zst"], 4, "in/*.zst: no such file, and as a pattern it matches none");
    refused(&["in", "in/a.csv"], 2, "in/a.csv: given twice");
    refused(&["in", "--pattern", "[a"], 2, "--pattern");
    refused(&["-", "--files-from", "list"], 2, "standard input (-) before --files-from");
    refused(&["--files-from", "gone"], 4, "gone: cannot be read");
}

#[test]
fn a_directory_is_loaded_and_is_the_same_job_until_there_is_another_file_in_it() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE t (id int PRIMARY KEY)"]) else { return };
    let scratch = scratch();
    let load = || {
        keyspace
            .load(&scratch, "t")
            .args(["--job", "nightly", "--batch", "off", "in"])
            .finish()
            .expect_code(0)
    };
    assert_eq!(load().number("requests"), 4);
    keyspace.expect_rows("SELECT id FROM t", &["1", "2", "5", "6"]);
    assert_eq!(load().number("requests"), 0, "nothing is new");
    scratch.write("in/g.csv", "id\n7\n");
    assert_eq!(load().number("requests"), 5);
    keyspace.expect_rows("SELECT id FROM t", &["1", "2", "5", "6", "7"]);
}
