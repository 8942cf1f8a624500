//! Statements that must not be executed twice for one record: counters, conditions, functions that never give the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::database::Keyspace;
use crate::support::packing;
use crate::support::program::{Finished, Run, Running, is_alive, send_signal, wait_until};
use crate::support::relay::Relay;
use crate::support::scratch::Scratch;

const HITS: &str =
    "CREATE TABLE hits (page text, day int, n counter, bytes counter, PRIMARY KEY (page, day))";
const ACCOUNTS: &str = "CREATE TABLE accounts (id int PRIMARY KEY, name text, n int)";
const EVENTS: &str = "CREATE TABLE events (id uuid PRIMARY KEY, seen timestamp, note text)";
/// What every row contains, for the relay to know it by.
const MARKER: &[u8] = b" of the file";

/// Reasons of a run's rejects: record number, code and message.
fn reasons(scratch: &Scratch, run: &Finished) -> Vec<(u64, String, String)> {
    let Some(dir) = run.summary["rejects_dir"].as_str() else { return Vec::new() };
    let text = std::fs::read_to_string(scratch.join(dir).join("reasons.jsonl")).expect("reasons");
    let reason = |line: &str| {
        let reason: Value = serde_json::from_str(line).expect("JSON");
        let text = |key: &str| reason[key].as_str().unwrap_or_default().to_owned();
        (reason["record"].as_u64().expect("a number"), text("code"), text("message"))
    };
    text.lines().map(reason).collect()
}

#[test]
fn counters_are_added_to() {
    let Some(keyspace) = Keyspace::new(&[HITS]) else { return };
    let scratch = Scratch::new();
    let csv = "page,day,n,bytes\na,1,5,\na,1,-2,100\nb,1,,\nc,,1,1\nd,1,x,1\n";
    let file = scratch.write("hits.csv", csv);
    let load = || keyspace.load(&scratch, "hits").arg(&file);
    let run = load().finish().expect_code(1);
    run.expect_counts(5, 3, 2);
    // Whoever was killed after the last record, before anybody heard of it, does the same again.
    let again = load().finish().expect_code(0).expect_said(&["nothing to do", "--again"]);
    again.expect_counts(5, 3, 2);
    // Nothing was added to b, so it is not there.
    let rows = "SELECT page, day, n, bytes FROM hits";
    keyspace.expect_rows(rows, &["'a', 1, 3, 100"]);
    // Each load adds.
    load().arg("--allow-missing-columns").args(["--map", "page, day, n = n"]).finish().expect_code(2);
    let map = ["--map", "page = page, day = day, n = n"];
    load().arg("--allow-missing-columns").args(map).finish().expect_code(1).expect_counts(5, 3, 2);
    keyspace.expect_rows(rows, &["'a', 1, 6, 100"]);
    let refused = |options: &[&str], said: &str| {
        load().args(options).finish().expect_code(2).expect_said(&[said]);
    };
    refused(&["--timestamp", "now"], "--timestamp does not go with this statement: counters");
    refused(&["--ttl", "5"], "--ttl does not go with this statement: counters");
    refused(&["--verify"], "cannot be verified");
    refused(&["--allow-missing-columns", "--map", "page = page, day = day"], "no counter of");
    keyspace
        .verify(&scratch, "hits")
        .arg(&file)
        .finish()
        .expect_code(2)
        .expect_said(&["counters are added to"]);
    let stdin = std::fs::File::open(&file).expect("the file");
    let run = keyspace.load(&scratch, "hits").arg("-").stdin(stdin).finish();
    run.expect_code(2).expect_said(&["of standard input nobody would know"]);
    keyspace.expect_rows(rows, &["'a', 1, 6, 100"]);
    let own = format!("UPDATE {} SET n = n - :n WHERE page = :page AND day = :day", keyspace.table("hits"));
    load().args(["--query", &own]).finish().expect_code(1).expect_counts(5, 3, 2);
    keyspace.expect_rows(rows, &["'a', 1, 3, 100"]);
    // A check counts what a load would do.
    load().arg("--dry-run").finish().expect_code(1).expect_counts(5, 3, 2);
    keyspace.expect_rows(rows, &["'a', 1, 3, 100"]);
}

#[test]
fn counters_that_are_all_static_are_refused_with_the_way_to_add_to_them() {
    const PAGES: &str = "CREATE TABLE pages (page text, day int, n counter static, PRIMARY KEY (page, day))";
    let Some(keyspace) = Keyspace::new(&[PAGES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("pages.csv", "page,day,n\na,1,5\na,2,7\n");
    let said = ["the counters of", "that are filled are static", "--query"];
    keyspace.load(&scratch, "pages").arg(&file).finish().expect_code(2).expect_said(&said);
    let query = format!("UPDATE {} SET n = n + :n WHERE page = :page", keyspace.table("pages"));
    let run =
        keyspace.load(&scratch, "pages").args(["--query", &query, "--allow-unknown-columns"]).arg(&file);
    run.finish().expect_code(0).expect_counts(2, 2, 0);
    keyspace.expect_rows("SELECT DISTINCT page, n FROM pages", &["'a', 12"]);
}

#[test]
fn a_condition_that_does_not_hold_is_told_with_the_row_that_was_found() {
    let Some(keyspace) = Keyspace::new(&[ACCOUNTS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("accounts.csv", "id,name,n\n1,a,1\n2,b,2\n2,again,3\n,x,4\n");
    let insert = format!(
        "INSERT INTO {} (id, name, n) VALUES (:id, :name, :n) IF NOT EXISTS",
        keyspace.table("accounts")
    );
    let load = |query: &str| {
        let load = keyspace.load(&scratch, "accounts").args(["--query", query, "--max-errors", "1"]);
        load.args(["--again", "--serial-consistency", "serial"]).arg(&file).finish()
    };
    let counts = |run: &Finished| {
        ["records", "written", "rejected", "not_applied", "uncertain"].map(|key| run.number(key))
    };
    let first = load(&insert).expect_code(1);
    assert_eq!(counts(&first), [4, 2, 1, 1, 0]);
    let second = load(&insert).expect_code(1);
    assert_eq!(counts(&second), [4, 0, 1, 3, 0]);
    let second = second.expect_said(&["done, but 1 rejected, 3 not applied"]);
    let told = reasons(&scratch, &second);
    let codes: Vec<(u64, &str)> = told.iter().map(|(record, code, _)| (*record, code.as_str())).collect();
    assert_eq!(codes, [(1, "not_applied"), (2, "not_applied"), (3, "not_applied"), (4, "null_key")]);
    assert!(told[0].2.contains("the row has id 1, n 1, name 'a'"), "{}", told[0].2);
    let dir = scratch.join(second.summary["rejects_dir"].as_str().expect("a directory"));
    let kept = std::fs::read_to_string(dir.join("not-applied-accounts.csv")).expect("records");
    assert_eq!(kept, "id,name,n\n1,a,1\n2,b,2\n2,again,3\n");
    let update = format!("UPDATE {} SET n = :n WHERE id = :id IF name = :name", keyspace.table("accounts"));
    let told = |words: &[&str]| {
        let run = Run::new(&scratch).arg("jobs").args(words.iter().copied()).finish().expect_code(0);
        run.stdout
    };
    // What is finished is told again as it was.
    let named = |query: &str| {
        let load = keyspace.load(&scratch, "accounts").args(["--query", query, "--job", "named"]);
        load.arg(&file).finish().expect_code(1)
    };
    let first = named(&insert);
    let second = named(&insert).expect_said(&["done, but 1 rejected, 3 not applied", "nothing to do"]);
    assert_eq!((counts(&first), counts(&second)), ([4, 0, 1, 3, 0], [4, 0, 1, 3, 0]));
    assert_eq!(first.summary["rejects_dir"], second.summary["rejects_dir"]);
    let shown = told(&["show", "named"]);
    assert!(shown.contains("rejected     1, in ") && shown.contains("not applied  3, in "), "{shown}");
    let jobs: Value = serde_json::from_str(&told(&["--format", "json"])).expect("JSON");
    let named = jobs.as_array().and_then(|jobs| jobs.iter().find(|job| job["job"] == "named"));
    let named = named.expect("the job");
    let of = |key: &str| named[key].as_u64();
    assert_eq!(
        ["rejected", "set_aside", "uncertain", "not_applied"].map(of),
        [Some(1), Some(3), Some(0), Some(3)]
    );
    let third = load(&update).expect_code(1);
    assert_eq!(
        counts(&third)[3..],
        [if keyspace.rows("SELECT id FROM accounts WHERE id = 2").is_empty() { 0 } else { 1 }, 0]
    );
}

#[test]
fn functions_that_never_give_the_same_fill_keys_and_columns() {
    let Some(keyspace) = Keyspace::new(&[EVENTS]) else { return };
    let scratch = Scratch::new();
    let file =
        scratch.write("events.csv", (0..500).fold("note\n".to_owned(), |csv, n| csv + &format!("{n}\n")));
    let map = ["--map", "id = uuid(), seen = toTimestamp(now()), note = note"];
    let run = keyspace.load(&scratch, "events").args(map).arg(&file).finish();
    run.expect_code(0).expect_counts(500, 500, 0);
    let notes: BTreeSet<String> = keyspace
        .rows("SELECT note, seen FROM events")
        .iter()
        .map(|row| format!("{:?}", row.columns[0]))
        .collect();
    assert_eq!(notes.len(), 500);
    // In an unfinished or finished job, the statement stays what it was.
    let named = keyspace.load(&scratch, "events").args(map).args(["--job", "once"]);
    named.arg(&file).finish().expect_code(0);
    let again = keyspace.load(&scratch, "events").args(map).args(["--job", "once"]).arg(&file).finish();
    again.expect_code(0).expect_said(&["nothing to do"]);
}

/// Counters of numbered records, through a relay.
struct Counting {
    keyspace: Keyspace,
    relay: Relay,
    scratch: Scratch,
    file: PathBuf,
    records: u64,
}

impl Counting {
    fn of(records: u64, compression: Option<&str>) -> Option<Counting> {
        let keyspace = Keyspace::new(&[HITS])?;
        let scratch = Scratch::new();
        let csv = (0..records).fold("page,day,n,bytes\n".to_owned(), |mut csv, id| {
            writeln!(csv, "record {id} of the file,7,1,{id}").expect("a string takes it");
            csv
        });
        let file = match compression {
            None => scratch.write("hits.csv", csv),
            Some(compression) => packing::write(&scratch, "hits.csv", compression, csv.as_bytes()),
        };
        let relay = Relay::to(&keyspace.contact, MARKER);
        relay.allow_writes(0);
        Some(Counting { keyspace, relay, scratch, file, records })
    }

    fn run(&self) -> Run {
        Run::load(&self.scratch, &self.relay.contact, &self.keyspace.table("hits"))
            .args(["--address-map", &self.relay.address_map(), "--workers", "2", "--unit-size", "2KiB"])
            .args(["--in-flight", "16", "--retry-for", "60s", "--job", "counting", "--rejects", "rejects"])
            .arg(&self.file)
    }

    /// Lets so many more rows pass.
    fn go_on(&self, mut running: Running, rows: u64) -> Running {
        self.relay.allow_writes(rows);
        let mut ended = false;
        wait_until("rows have passed", || {
            ended = running.has_ended();
            ended || self.relay.writes_used_up()
        });
        assert!(!ended, "the load ended too early: {:?}", running.finish());
        running
    }

    /// Lets the load end, and looks whether every counter is right or its record is among the uncertain ones; none is doubled. Returns
    /// how many are uncertain.
    fn expect_none_doubled(&self, run: Finished) -> u64 {
        let uncertain: BTreeSet<u64> = reasons(&self.scratch, &run)
            .into_iter()
            .map(|(record, code, _)| {
                assert_eq!(code, "uncertain");
                record - 1
            })
            .collect();
        let kept = run.number("uncertain");
        assert_eq!(uncertain.len() as u64, kept);
        assert_eq!(run.number("records"), self.records);
        assert_eq!(run.number("written") + kept, self.records, "{}", run.summary);
        let found: BTreeMap<u64, (i64, i64)> = self.counters();
        for id in 0..self.records {
            match found.get(&id) {
                Some(&(n, bytes)) => assert_eq!((n, bytes), (1, id as i64), "record {id}"),
                None => assert!(uncertain.contains(&id), "record {id} is neither counted nor uncertain"),
            }
        }
        let run = run.expect_code(if kept > 0 { 1 } else { 0 });
        if kept > 0 {
            let dir = self.scratch.join(run.summary["rejects_dir"].as_str().expect("a directory"));
            let lines = uncertain_lines(&dir);
            assert_eq!(lines, kept + 1, "the header, and each record");
        }
        kept
    }

    fn counters(&self) -> BTreeMap<u64, (i64, i64)> {
        let rows = self.keyspace.rows("SELECT page, n, bytes FROM hits");
        let number = |row: &scylla::value::Row, at: usize| match &row.columns[at] {
            Some(scylla::value::CqlValue::Counter(counter)) => counter.0,
            other => panic!("{other:?} is no counter"),
        };
        let counter = |row: &scylla::value::Row| {
            let page = row.columns[0].as_ref().and_then(|page| page.as_text().cloned()).expect("a page");
            let id = page.split(' ').nth(1).and_then(|id| id.parse().ok()).expect("a number");
            (id, (number(row, 1), number(row, 2)))
        };
        rows.iter().map(counter).collect()
    }
}

fn uncertain_lines(dir: &Path) -> u64 {
    let mut files = std::fs::read_dir(dir).expect("the directory").flatten();
    let file =
        files.find(|file| file.file_name().to_string_lossy().starts_with("uncertain-")).expect("a file");
    std::fs::read_to_string(file.path()).expect("records").lines().count() as u64
}

#[test]
fn whoever_is_killed_no_counter_is_added_to_twice() {
    let Some(load) = Counting::of(3_000, None) else { return };
    // The coordinator, then a worker, then all of them.
    let running = load.go_on(load.run().start(), 400);
    send_signal(running.pid(), "KILL");
    let workers = running.workers();
    running.finish();
    load.relay.allow_writes(50);
    wait_until("the workers have ended", || !workers.iter().any(|&pid| is_alive(pid)));
    let running = load.go_on(load.run().start(), 300);
    let worker = *running.workers().first().expect("a worker");
    send_signal(worker, "KILL");
    let running = load.go_on(running, 400);
    running.workers().iter().for_each(|&pid| send_signal(pid, "KILL"));
    send_signal(running.pid(), "KILL");
    running.finish();
    load.relay.allow_all_writes();
    let run = load.run().finish();
    let uncertain = load.expect_none_doubled(run);
    // At each of the three times, two pieces of each of two workers were in hand, and about as many were done just before.
    let piece = 2 * 1024 / "record 0 of the file,7,1,0\n".len() as u64 + 1;
    assert!((1..=3 * 8 * piece).contains(&uncertain), "{uncertain} are uncertain");
}

#[test]
fn of_a_compressed_file_too_only_what_was_in_hand_is_uncertain() {
    let Some(load) = Counting::of(3_000, Some("gzip")) else { return };
    let running = load.go_on(load.run().start(), 500);
    send_signal(running.pid(), "KILL");
    let workers = running.workers();
    running.finish();
    load.relay.allow_all_writes();
    wait_until("the workers have ended", || !workers.iter().any(|&pid| is_alive(pid)));
    let run = load.run().finish();
    let uncertain = load.expect_none_doubled(run);
    assert!((1..=400).contains(&uncertain), "{uncertain} are uncertain");
}

#[test]
fn a_load_that_is_interrupted_ends_what_it_has_in_hand() {
    let Some(load) = Counting::of(3_000, None) else { return };
    // Again and again: now and then a piece is just on its way to a worker.
    for rows in [1, 80] {
        let running = load.go_on(load.run().start(), rows);
        send_signal(running.pid(), "INT");
        // Enough for what two workers have in hand, and not for the whole file.
        load.relay.allow_writes(1_000);
        running.finish().expect_code(130);
    }
    load.relay.allow_all_writes();
    let run = load.run().finish();
    assert_ne!(run.number("resumed_records"), 0, "{}", run.summary);
    assert_eq!(load.expect_none_doubled(run), 0);
}

#[test]
fn rows_on_a_connection_that_breaks_are_uncertain_and_the_others_wait_until_it_is_back() {
    let Some(load) = Counting::of(1_500, None) else { return };
    let running = load.go_on(load.run().start(), 300);
    load.relay.go_down();
    load.relay.allow_all_writes();
    load.relay.come_up();
    let uncertain = load.expect_none_doubled(running.finish());
    // No more than there were requests in flight, and a few that were tried meanwhile.
    assert!((1..=2 * 16 + 20).contains(&uncertain), "{uncertain} are uncertain");
}
