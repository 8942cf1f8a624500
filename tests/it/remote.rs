//! Inputs of web servers: loaded as the same file is, whatever the server does on the way, and never of two versions.

use std::fs;

use crate::support::database::Keyspace;
use crate::support::numbered::{NumberedLoad, TABLE, csv, expect_every_row, note};
use crate::support::packing::pack;
use crate::support::processes::arguments_and_environment;
use crate::support::program::{Finished, Run};
use crate::support::scratch::Scratch;
use crate::support::web::{Object, WebServer};

/// Records of most objects here: several chunks in units of 16 KiB, and several answers.
const RECORDS: u64 = 20_000;

/// A check without a cluster of what is at URLs.
fn check(scratch: &Scratch, options: &[&str]) -> Run {
    scratch.write("numbered.cql", TABLE.replace("numbered", "ks.numbered") + ";");
    Run::new(scratch)
        .env("RINGLOAD_PROGRESS", "none")
        .env("RINGLOAD_REMOTE_TIMEOUT", "20s")
        .args(["check", "--schema", "numbered.cql", "--max-errors", "100", "--summary"])
        .arg(scratch.join("summary.json"))
        .args(options)
}

fn base_of(url: &str) -> &str {
    url.rsplit('/').next().expect("a name")
}

#[test]
fn whatever_an_object_is_and_however_the_work_is_divided_every_row_arrives() {
    const RECORDS: u64 = 12_000;
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let (scratch, server) = (Scratch::new(), WebServer::start());
    let csv = csv(RECORDS);
    let plain = server.put("/a%20b/in.csv", Object::of(csv.as_bytes()));
    let packed = server.put("/in.csv.gz", Object::of(pack("gzip", csv.as_bytes())));
    let data = csv.len() as u64 - "id,note\n".len() as u64;
    for (url, options, units) in [
        (&plain, &["--workers", "0"][..], data.div_ceil(256 << 10)),
        (&plain, &["--workers", "1"], data.div_ceil(256 << 10)),
        (&plain, &["--workers", "2"], 1),
        (&plain, &["--workers", "2", "--split-remote"], data.div_ceil(256 << 10)),
        (&packed, &["--workers", "2", "--split-remote"], 1),
    ] {
        keyspace.cql("TRUNCATE numbered");
        server.forget_requests();
        let run = keyspace.load(&scratch, "numbered").args(["--unit-size", "256KiB"]).args(options).arg(url);
        let run = run.finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
        assert_eq!((run.number("units"), run.number("bytes")), (units, data), "{url} {options:?}");
        expect_every_row(&keyspace, RECORDS);
        let requests = server.requests();
        // All but the first know which version they want.
        assert!(requests.iter().skip(1).all(|request| request.if_match.is_some()), "{requests:?}");
        assert!(requests.iter().all(|request| request.range.is_some()), "{requests:?}");
    }
}

#[test]
fn rejects_of_an_object_are_those_of_the_file_and_name_its_url() {
    let (scratch, server) = (Scratch::new(), WebServer::start());
    let mut csv = csv(3_000);
    for id in [0, 1_234, 2_998] {
        csv = csv.replacen(&format!("\n{id},"), &format!("\n\nx{id},"), 1);
    }
    let file = scratch.write("plain.csv", &csv);
    let url = server.put("/plain.csv", Object::of(csv.as_bytes()));
    let rejects = |run: Finished| {
        let run = run.expect_code(1).expect_counts(3_000, 2_997, 3);
        let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
        let reasons = fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
        let records = fs::read_to_string(dir.join("rejected-plain.csv")).expect("records");
        (reasons, records)
    };
    let expected = rejects(check(&scratch, &["plain.csv"]).finish());
    for workers in ["0", "2"] {
        let found = rejects(check(&scratch, &["--workers", workers, &url]).finish());
        assert_eq!(found.1, expected.1);
        assert_eq!(found.0.replace(&url, "plain.csv"), expected.0);
    }
    drop(file);
}

#[test]
fn a_server_in_trouble_is_asked_again_from_the_byte_that_was_reached() {
    let (scratch, server) = (Scratch::new(), WebServer::start());
    let csv = csv(RECORDS);
    for (workers, stalls) in [("0", false), ("2", false), ("0", true)] {
        let mut object = Object::of(csv.as_bytes());
        object.unavailable = 2;
        // Three are for those who look at its beginning before: for a dialect (two answers), for the header.
        object.breaks = (if stalls { 4 } else { 5 }, 100_000);
        object.stalls = stalls;
        let url = server.put("/in.csv", object);
        server.forget_requests();
        let within = if stalls { "2s" } else { "20s" };
        let run =
            check(&scratch, &["--workers", workers, &url]).env("RINGLOAD_REMOTE_TIMEOUT", within).finish();
        run.expect_code(0).expect_counts(RECORDS, RECORDS, 0);
        let from = |start: u64| {
            let requests = server.requests();
            requests.iter().any(|request| request.range.as_ref().is_some_and(|range| range.start == start))
        };
        // The records begin behind the header's 8 bytes.
        assert!(from(8) && from(100_008) && (stalls || from(200_008)), "{:?}", server.requests());
    }
}

#[test]
fn an_object_that_is_replaced_on_the_way_ends_the_load_and_no_row_is_made_of_two_versions() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let (scratch, server) = (Scratch::new(), WebServer::start());
    // Of the same size, record by record, so that nothing but its version tells.
    let other = csv(RECORDS).replace(" of the file", " of the next");
    for (tells, split) in
        [("tag", false), ("tag", true), ("weak tag", false), ("time", false), ("tag", false)]
    {
        for after in [2, 3, 4] {
            keyspace.cql("TRUNCATE numbered");
            let mut object = Object::of(csv(RECORDS));
            let mut next = Object::of(other.as_bytes());
            match tells {
                "weak tag" => [&mut object, &mut next]
                    .map(|object| {
                        object.e_tag = object.e_tag.as_ref().map(|tag| format!("W/{tag}"));
                    })
                    .into_iter()
                    .collect(),
                "time" => {
                    (object.e_tag, next.e_tag) = (None, None);
                    object.last_modified = Some("Mon, 02 Jan 2023 03:04:05 GMT".into());
                    next.last_modified = Some("Mon, 02 Jan 2023 03:04:06 GMT".into());
                }
                _ => {}
            }
            object.replaced = Some((after, Box::new(next)));
            let url = server.put("/in.csv", object);
            let run = keyspace.load(&scratch, "numbered").args(["--unit-size", "256KiB", "--restart"]);
            let run =
                run.args(if split { &["--split-remote", "--workers", "2"][..] } else { &["--workers", "1"] });
            let run = run.arg(&url).finish();
            run.expect_code(4).expect_said(&["/in.csv: the object has changed since the load began"]);
            let rows = crate::support::numbered::rows(&keyspace);
            assert!(
                rows.iter().all(|(id, text)| *text == note(*id)),
                "{tells} {after}: a row of the other version"
            );
        }
    }
}

#[test]
fn a_load_that_is_killed_goes_on_with_the_bytes_that_it_has_not_loaded_if_they_are_still_the_same() {
    let Some(mut load) = NumberedLoad::of(RECORDS) else { return };
    let server = WebServer::start();
    let csv = csv(RECORDS);
    load.file = server.put("/in.csv", Object::of(csv.as_bytes())).into();
    load.relay.allow_writes(15_000);
    load.kill_when_settled(load.run_in_units(1, "64KiB").start(), 8_000);
    // Another version: nothing is sent.
    server.put("/in.csv", Object::of(csv.replace(" of the file", " of the next")));
    let refused = load.run_in_units(1, "64KiB").finish().expect_code(4);
    refused.expect_said(&["/in.csv: its content is another"]);
    server.put("/in.csv", Object::of(csv.as_bytes()));
    server.forget_requests();
    let run = load.run_in_units(1, "64KiB").finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    assert!(run.number("resumed_records") > 8_000, "{}", run.summary);
    load.expect_every_row_at_its_time();
    // But for its first bytes and for its header nothing is read from the beginning.
    let starts = server.requests().into_iter().filter_map(|request| request.range);
    let from_start = starts.filter(|range| range.start == 0).count();
    assert_eq!(from_start, 2, "{:?}", server.requests());
}

#[test]
fn a_load_of_a_compressed_object_that_is_killed_goes_on() {
    let Some(mut load) = NumberedLoad::of(6_000) else { return };
    let server = WebServer::start();
    load.file = server.put("/in.csv.gz", Object::of(pack("gzip", csv(6_000).as_bytes()))).into();
    load.relay.allow_writes(3_000);
    load.kill_when_settled(load.run(2).start(), 0);
    let run =
        load.run(2).args(["--progress", "plain"]).finish().expect_code(0).expect_counts(6_000, 6_000, 0);
    assert!(run.number("resumed_records") > 0, "{}", run.summary);
    run.expect_said(&["/in.csv.gz is read from its start: what is done of it is skipped"]);
    load.expect_every_row_at_its_time();
}

#[test]
fn what_a_server_cannot_do_or_does_not_want_is_one_line() {
    let (scratch, server) = (Scratch::new(), WebServer::start());
    let refused = |options: &[&str], said: &[&str]| {
        let run = check(&scratch, options)
            .args(["--remote-timeout", "1s"])
            .finish()
            .expect_code(4)
            .expect_said(said);
        assert_eq!(run.stderr.trim_end().lines().count(), 1, "{}", run.stderr);
    };
    refused(&[&server.url("/none.csv")], &["/none.csv: there is nothing at this URL (404): check it"]);
    let mut object = Object::of(csv(10));
    object.ranges = false;
    let url = server.put("/whole.csv", object);
    refused(
        &[&url],
        &["/whole.csv: the server does not send parts of it", "curl -f URL | ringload load ... -"],
    );
    let mut object = Object::of(csv(10));
    object.unavailable = 1_000;
    let url = server.put("/busy.csv", object);
    refused(&[&url], &["/busy.csv: nothing comes from the server for", "503", "--remote-timeout"]);
    let mut object = Object::of(csv(10));
    object.silent = true;
    let url = server.put("/silent.csv", object);
    refused(&[&url], &["/silent.csv: nothing comes from the server for", "no answer within"]);
    refused(&["http://127.0.0.1:1/x.csv"], &["http://127.0.0.1:1/x.csv: nothing comes", "refused"]);
    let url = server.put("/twice.csv", Object::of(csv(10)));
    check(&scratch, &[&url, &url]).finish().expect_code(2).expect_said(&["/twice.csv: given twice"]);
    check(&scratch, &["http://joe:s3cret@:x/"]).finish().expect_code(2).expect_said(&["is no URL of a file"]);
}

#[test]
fn an_empty_object_holds_no_record_and_one_without_a_version_is_told() {
    let (scratch, server) = (Scratch::new(), WebServer::start());
    let url = server.put("/empty.csv", Object::of(""));
    check(&scratch, &["--columns", "id,note", &url]).finish().expect_code(0).expect_counts(0, 0, 0);
    let mut object = Object::of(csv(10));
    object.e_tag = None;
    let url = server.put("/in.csv", object);
    let run = check(&scratch, &["--progress", "plain", &url]).finish().expect_code(0);
    run.expect_counts(10, 10, 0)
        .expect_said(&["/in.csv: the server tells neither an ETag nor a time of change"]);
}

#[test]
fn what_is_secret_in_a_url_is_nowhere_but_in_requests() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let (scratch, server) = (Scratch::new(), WebServer::start());
    let mut object = Object::of(csv(RECORDS).replacen("\n5,", "\nx,", 1));
    // "joe:s3cret", as RFC 7617 has it.
    object.authorization = Some("Basic am9lOnMzY3JldA==".into());
    let url = server.put("/in.csv", object);
    let with_secrets = url.replace("http://", "http://joe:s3cret@") + "?id=7&X-Amz-Signature=s3cret";
    // Not on the command line, where everybody could see it.
    scratch.write("list", &with_secrets);
    let load = |workers: &str| {
        let run =
            keyspace.load(&scratch, "numbered").args(["--workers", workers, "--max-errors", "5", "--again"]);
        run.args(["--progress", "plain", "--log-file", "log", "--job", "hidden", "--files-from", "list"])
    };
    let running = load("2").start();
    let mut seen = 0;
    let mut running = running;
    while !running.has_ended() {
        for pid in [vec![running.pid()], running.workers()].concat() {
            let shown = std::panic::catch_unwind(|| arguments_and_environment(pid));
            let Ok(shown) = shown else { continue };
            assert!(!shown.contains("s3cret"), "{shown}");
            seen += 1;
        }
    }
    assert!(seen > 0);
    let run = running.finish().expect_code(1).expect_counts(RECORDS, RECORDS - 1, 1);
    assert!(server.requests().iter().all(|request| request.path == "/in.csv?id=7&X-Amz-Signature=s3cret"));
    // Signed anew it is the same input: the job is done.
    scratch.write("list", with_secrets.replace("Signature=s3cret", "Signature=other-s3cret"));
    let run_again = keyspace.load(&scratch, "numbered").args(["--max-errors", "5", "--job", "hidden"]);
    let again = run_again.args(["--files-from", "list"]).finish().expect_code(0);
    assert_eq!(again.number("requests"), 0, "{}", again.summary);
    let shown = format!("{}{}{}", run.stderr, run.summary, again.stderr);
    assert!(shown.contains("/in.csv?...") && !shown.contains("s3cret"), "{shown}");
    fs::remove_file(scratch.join("list")).expect("the list");
    expect_nowhere(scratch.path(), b"s3cret");
}

/// Fails the test if a file below a folder holds these bytes.
fn expect_nowhere(folder: &std::path::Path, bytes: &[u8]) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            expect_nowhere(&entry, bytes);
            continue;
        }
        let content = fs::read(&entry).expect("a file");
        assert!(!content.windows(bytes.len()).any(|found| found == bytes), "{}", entry.display());
    }
}

#[test]
fn a_wrong_login_is_told_without_it() {
    let (scratch, server) = (Scratch::new(), WebServer::start());
    let mut object = Object::of(csv(10));
    object.authorization = Some("Basic am9lOnMzY3JldA==".into());
    let url = server.put("/in.csv", object);
    let run = check(&scratch, &[&url.replace("http://", "http://joe:wr0ng@")]).finish().expect_code(4);
    let run = run.expect_said(&[&url, "the server refuses to hand it out (401): check user and password"]);
    assert!(!run.stderr.contains("wr0ng") && !run.summary.to_string().contains("wr0ng"), "{run:?}");
}

#[test]
fn an_object_is_verified_and_its_name_is_a_value() {
    let Some(keyspace) =
        Keyspace::new(&["CREATE TABLE t (id int PRIMARY KEY, note text, src text, name text)"])
    else {
        return;
    };
    let (scratch, server) = (Scratch::new(), WebServer::start());
    let url = server.put("/in/day.csv", Object::of("id,note\n1,a\n2,b\n"));
    let map = ["--map", "*, src = $file, name = $name"];
    let run = keyspace.load(&scratch, "t").arg("--verify").args(map).arg(&url).finish().expect_code(0);
    assert_eq!(run.summary["verify"]["same"], 2);
    let row = |id: u32, note: &str| format!("{id}, '{note}', '{url}', '{}'", base_of(&url));
    keyspace.expect_rows("SELECT id, note, src, name FROM t", &[row(1, "a"), row(2, "b")]);
    keyspace.cql("DELETE FROM t WHERE id = 2");
    let run = keyspace.verify(&scratch, "t").args(map).arg(&url).finish().expect_code(1);
    assert_eq!([&run.summary["verify"]["same"], &run.summary["verify"]["missing"]], [1, 1]);
}

/// The most memory that a process had at once, in bytes, as the system counts it.
fn most_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[test]
fn an_object_that_is_larger_than_the_memory_that_is_used_goes_through() {
    const BYTES: u64 = 256 << 20;
    const MOST: u64 = 128 << 20;
    let (scratch, server) = (Scratch::new(), WebServer::start());
    let url = server.put("/large.csv", Object::numbered(BYTES));
    let mut running = check(&scratch, &["--workers", "1", &url]).start();
    let mut most = 0;
    while !running.has_ended() {
        let processes = [vec![running.pid()], running.workers()].concat();
        most = processes.into_iter().filter_map(most_memory).fold(most, u64::max);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let records = BYTES / 1_000 - 1;
    running.finish().expect_code(0).expect_counts(records, records, 0);
    assert!(most > 0 && most < MOST, "{most} bytes");
}
