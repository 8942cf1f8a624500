//! Inputs of S3: objects, what stands for directories, patterns, keys; loaded as the same files are.

use std::time::Duration;

use crate::support::database::Keyspace;
use crate::support::numbered::{NumberedLoad, TABLE, csv, expect_every_row};
use crate::support::packing::pack;
use crate::support::program::{Run, wait_until};
use crate::support::s3::{Bucket, KEY, SECRET};
use crate::support::scratch::Scratch;

const RECORDS: u64 = 20_000;

/// A check without a cluster of what is in a bucket.
fn check(bucket: &Bucket, scratch: &Scratch, options: &[&str]) -> Run {
    scratch.write("t.cql", "CREATE TABLE ks.t (id int PRIMARY KEY);");
    let run = Run::new(scratch).args(["check", "--progress", "none", "--schema", "t.cql", "--summary"]);
    bucket.reached_by(run.arg(scratch.join("summary.json")).args(options))
}

#[test]
fn whatever_an_object_is_and_however_the_work_is_divided_every_row_arrives() {
    const RECORDS: u64 = 12_000;
    let (Some(keyspace), Some(bucket)) = (Keyspace::new(&[TABLE]), Bucket::new()) else { return };
    let scratch = Scratch::new();
    let csv = csv(RECORDS);
    let plain = bucket.put("in/a b+c%41.csv", csv.as_bytes());
    let packed = bucket.put("in.csv.zst", pack("zstd", csv.as_bytes()));
    for (url, options, one_unit) in [
        (&plain, &["--workers", "0"][..], false),
        (&plain, &["--workers", "2"], true),
        (&plain, &["--workers", "2", "--split-remote", "--verify"], false),
        (&packed, &["--workers", "1"], true),
    ] {
        keyspace.cql("TRUNCATE numbered");
        let run = keyspace.load(&scratch, "numbered").args(["--unit-size", "256KiB"]).args(options);
        let run = bucket.reached_by(run.arg(url)).finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
        assert_eq!(run.number("units") == 1, one_unit, "{url} {options:?}");
        if options.contains(&"--verify") {
            assert_eq!(run.summary["verify"]["same"], RECORDS);
        }
        expect_every_row(&keyspace, RECORDS);
    }
}

#[test]
fn directories_and_patterns_are_their_objects_in_order() {
    let Some(bucket) = Bucket::new() else { return };
    let scratch = Scratch::new();
    for (key, id) in [
        ("in/b.csv", 2),
        ("in/a.csv", 1),
        ("in/.c.csv", 3),
        ("in/deep/d.csv", 4),
        ("in/e.txt", 5),
        ("inn.csv", 6),
    ] {
        bucket.put(key, format!("id\n{id}\n"));
    }
    bucket.put("in/f.csv.gz", pack("gzip", b"id\n7\n"));
    bucket.put("in/[x].csv", "id\n8\n");
    bucket.put("in/empty.csv", "");
    let base = bucket.url("");
    let check_files = |options: &[&str], expected: &str| {
        let options: Vec<String> =
            options.iter().map(|option| option.replace("s3:/", &bucket.url(""))).collect();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let run = check(&bucket, &scratch, &options).finish().expect_code(0);
        let files = run.summary["files"].as_array().expect("files");
        let names = files.iter().map(|file| file["path"].as_str().expect("a path").replace(&base, ""));
        assert_eq!(names.collect::<Vec<_>>().join(" "), expected, "{options:?}");
    };
    check_files(&["s3:/in/"], "in/[x].csv in/a.csv in/b.csv in/e.txt in/f.csv.gz");
    check_files(&["s3:/in/", "--recursive", "--pattern", "?.csv"], "in/a.csv in/b.csv in/deep/d.csv");
    check_files(&["s3:/in/?.csv*"], "in/a.csv in/b.csv in/f.csv.gz");
    check_files(&["s3:/*/deep/*"], "in/deep/d.csv");
    // An object of that very name.
    check_files(&["s3:/in/[x].csv"], "in/[x].csv");
    check_files(&["s3:/", "--pattern", "inn*"], "inn.csv");
    scratch.write("list", format!("{base}in/deep/\n{base}inn.csv\n"));
    check_files(&["--files-from", "list"], "in/deep/d.csv inn.csv");
    let refused = |place: &str, said: &str| {
        let url = bucket.url(place);
        check(&bucket, &scratch, &[&url]).finish().expect_code(4).expect_said(&[&format!("{url}: {said}")]);
    };
    refused("none/", "no file in this directory");
    refused("in/*.zst", "no such file, and as a pattern it matches none");
    refused("none.csv", "there is nothing at this URL (404)");
}

#[test]
fn keys_come_from_the_environment_and_are_shown_nowhere() {
    let Some(bucket) = Bucket::new() else { return };
    let scratch = Scratch::new();
    let url = bucket.put("in.csv", "id\n1\n");
    let wrong =
        check(&bucket, &scratch, &[&url]).env("AWS_SECRET_ACCESS_KEY", "wr0ng").finish().expect_code(4);
    let wrong = wrong.expect_said(&[
        &format!("{url}: the server refuses to hand it out (403"),
        "check the AWS_ credentials",
    ]);
    assert!(!wrong.stderr.contains("wr0ng"), "{}", wrong.stderr);
    let anonymous = check(&bucket, &scratch, &["--s3-anonymous", &url]).finish().expect_code(4);
    anonymous.expect_said(&["the server refuses to hand it out (403"]);
    let keys = format!("s3://{KEY}:{SECRET}@{}/in.csv", bucket.name);
    let refused = check(&bucket, &scratch, &[&keys]).finish().expect_code(2);
    let refused = refused.expect_said(&["without user and password: set AWS_ACCESS_KEY_ID"]);
    assert!(!refused.stderr.contains(SECRET), "{}", refused.stderr);
    check(&bucket, &scratch, &[&url]).finish().expect_code(0).expect_counts(1, 1, 0);
}

#[test]
fn a_load_that_is_killed_goes_on_and_one_of_another_object_does_not() {
    let (Some(mut load), Some(bucket)) = (NumberedLoad::of(RECORDS), Bucket::new()) else { return };
    let csv = csv(RECORDS);
    load.file = bucket.put("in.csv", csv.as_bytes()).into();
    load.relay.allow_writes(15_000);
    let run = || bucket.reached_by(load.run_in_units(2, "64KiB")).arg("--split-remote");
    load.kill_when_settled(run().start(), 8_000);
    bucket.put("in.csv", csv.replace(" of the file", " of the next"));
    run().finish().expect_code(4).expect_said(&["in.csv: its content is another"]);
    bucket.put("in.csv", csv.as_bytes());
    let run = run().finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    assert!(run.number("resumed_records") > 8_000, "{}", run.summary);
    load.expect_every_row_at_its_time();
}

#[test]
fn a_url_that_is_signed_is_read_without_keys_until_it_has_expired() {
    let Some(bucket) = Bucket::new() else { return };
    let scratch = Scratch::new();
    bucket.put("in.csv", "id\n1\n2\n");
    let signed = |seconds| bucket.signed("in.csv", Duration::from_secs(seconds));
    scratch.write("t.cql", "CREATE TABLE ks.t (id int PRIMARY KEY);");
    let check = |url: &str| {
        scratch.write("list", url);
        let run = Run::new(&scratch).args([
            "check",
            "--schema",
            "t.cql",
            "--progress",
            "none",
            "--files-from",
            "list",
        ]);
        run.arg("--summary").arg(scratch.join("summary.json")).finish()
    };
    check(&signed(600)).expect_code(0).expect_counts(2, 2, 0);
    let expired = signed(1);
    wait_until("the signature has expired", || check(&expired).code == Some(4));
    let run = check(&expired).expect_code(4);
    let run = run.expect_said(&[
        "/in.csv?...: the server refuses to hand it out (40",
        "if the URL is signed, it may have expired",
    ]);
    assert!(!run.stderr.contains("Signature"), "{}", run.stderr);
}
