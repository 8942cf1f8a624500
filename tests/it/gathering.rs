//! Rows that go in one request: every mode loads the same rows with the same write times, the last of a key wins, one that the server
//! refuses takes no other along, and the server has nothing to warn of.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use scylla::value::{CqlValue, Row};

use crate::support::database::{CASSANDRA, Keyspace, environment};
use crate::support::program::{Finished, send_signal, wait_until};
use crate::support::relay::Relay;
use crate::support::scratch::Scratch;

/// Where the node of [`CASSANDRA`] writes its log.
const LOG: &str = "RINGLOAD_TEST_CASSANDRA_LOG";
const TABLE: &str =
    "CREATE TABLE measured (station int, second int, note text, PRIMARY KEY (station, second))";
const MODES: [&str; 4] = ["auto", "partition", "replica", "off"];
const RECORDS: i32 = 3_000;
const STATIONS: i32 = 50;

/// Records of stations in no order.
fn csv() -> String {
    let mut csv = String::from("station,second,note\n");
    for record in 0..RECORDS {
        writeln!(csv, "{},{record},{}", station(record), note(record)).expect("a longer string");
    }
    csv
}

fn station(record: i32) -> i32 {
    (record.wrapping_mul(2_654_435) >> 7).rem_euclid(STATIONS)
}

fn note(record: i32) -> String {
    format!("record {record} of the file")
}

/// Fails the test unless the table has each record with its write time.
#[track_caller]
fn expect_every_row_at_its_time(keyspace: &Keyspace) {
    let row = |row: Row| match &row.columns[..] {
        [
            Some(CqlValue::Int(station)),
            Some(CqlValue::Int(second)),
            Some(CqlValue::Text(note)),
            Some(CqlValue::BigInt(time)),
        ] => (*second, (*station, note.clone(), *time)),
        other => panic!("{other:?}"),
    };
    let found: BTreeMap<i32, (i32, String, i64)> = keyspace
        .rows("SELECT station, second, note, WRITETIME(note) FROM measured")
        .into_iter()
        .map(row)
        .collect();
    let base = found.first_key_value().map_or(0, |(_, (.., time))| *time);
    let expected = |record: i32| (station(record), note(record), base + i64::from(record));
    let wrong = (0..RECORDS).find(|record| found.get(record) != Some(&expected(*record)));
    assert_eq!(wrong, None, "{:?}", wrong.map(|record| (found.get(&record), expected(record))));
    assert_eq!(found.len(), RECORDS as usize);
}

#[test]
fn every_mode_loads_every_row_at_its_own_write_time() {
    for mode in MODES {
        let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
        let scratch = Scratch::new();
        let file = scratch.write("in.csv", csv());
        let run = keyspace.load(&scratch, "measured").args([
            "--batch",
            mode,
            "--workers",
            "2",
            "--unit-size",
            "8KiB",
        ]);
        let run = run.arg(file).finish().expect_code(0);
        run.expect_counts(RECORDS as u64, RECORDS as u64, 0);
        expect_every_row_at_its_time(&keyspace);
    }
}

/// Requests of a load of a file that is one chunk, so that all of it is at hand when the first row is sent.
#[track_caller]
fn requests(mode: &[&str]) -> Option<(u64, f64)> {
    let keyspace = Keyspace::new(&[TABLE])?;
    let scratch = Scratch::new();
    let file = scratch.write("in.csv", csv());
    let run = keyspace.load(&scratch, "measured").args(["--workers", "0"]).args(mode).arg(file).finish();
    let run = run.expect_code(0);
    let each = run.summary["rows_per_request"].as_f64().expect("rows_per_request");
    expect_every_row_at_its_time(&keyspace);
    // What the cluster did not take at once is no matter here.
    Some((run.number("requests") - run.number("retried"), each))
}

#[test]
fn rows_of_a_partition_go_in_one_request() {
    let Some(found) = requests(&["--batch", "partition"]) else { return };
    assert_eq!(found, (STATIONS as u64, f64::from(RECORDS / STATIONS)));
    assert_eq!(requests(&[]).expect("a node"), found, "it is noticed that there are partitions");
    assert_eq!(requests(&["--batch", "off"]).expect("a node"), (RECORDS as u64, 1.0));
    // A window of one row holds back one row.
    let (requests, _) = requests(&["--batch", "partition", "--window", "1"]).expect("a node");
    assert!(requests > RECORDS as u64 / 2, "{requests}");
}

#[test]
fn rows_of_the_same_replicas_go_together_ten_keys_at_a_time() {
    let Some((found, each)) = requests(&["--batch", "replica"]) else { return };
    assert!((5.0..=12.0).contains(&each), "{found} requests of {each} rows");
}

#[test]
fn the_last_record_of_a_key_wins_under_every_mode() {
    for mode in MODES {
        let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
        let scratch = Scratch::new();
        let mut csv = String::from("station,second,note\n");
        for record in 0..2_000 {
            // Of two values of one time the larger one would win: let the last be none of the largest.
            writeln!(csv, "{},{},{}", record % 7, record % 3, 9_999 - record).expect("a longer string");
        }
        let file = scratch.write("in.csv", csv);
        let run = keyspace.load(&scratch, "measured").args([
            "--batch",
            mode,
            "--workers",
            "2",
            "--unit-size",
            "4KiB",
        ]);
        run.arg(file).finish().expect_code(0).expect_counts(2_000, 2_000, 0);
        let last = |key: i32| (0..2_000).rev().find(|record| record % 21 == key).expect("a record");
        let expected: Vec<String> =
            (0..21).map(|key| format!("{}, {}, '{}'", key % 7, key % 3, 9_999 - last(key))).collect();
        keyspace.expect_rows("SELECT station, second, note FROM measured", &expected);
    }
}

#[test]
fn one_row_that_the_server_refuses_takes_no_other_along() {
    const TAGGED: &str = "CREATE TABLE tagged (id int, nr int, tags set<text>, PRIMARY KEY (id, nr))";
    for mode in MODES {
        let Some(keyspace) = Keyspace::new(&[TAGGED]) else { return };
        let scratch = Scratch::new();
        let mut csv = String::from("id,nr,json\n");
        for nr in 0..300 {
            // Only the server knows that it is no JSON.
            let json = if nr == 150 { r#""[""broken""""# } else { r#""[""a"", ""b""]""# };
            writeln!(csv, "{},{nr},{json}", nr % 4).expect("a longer string");
        }
        let file = scratch.write("in.csv", csv);
        let run =
            keyspace.load(&scratch, "tagged").args(["--map", "id = id, nr = nr, tags = fromJson(json)"]);
        let run = run.args(["--batch", mode, "--workers", "0", "--rejects", "rejects"]).arg(file).finish();
        let run = run.expect_code(1).expect_counts(300, 299, 1);
        assert_eq!(run.summary["reject_reasons"][0]["code"], "refused_by_server", "{mode}: {}", run.summary);
        let expected: Vec<String> =
            (0..300).filter(|nr| *nr != 150).map(|nr| format!("{}, {nr}", nr % 4)).collect();
        keyspace.expect_rows("SELECT id, nr FROM tagged", &expected);
    }
}

/// A load through a relay whose rows wait for others.
struct Gathered {
    keyspace: Keyspace,
    scratch: Scratch,
    relay: Relay,
    file: PathBuf,
}

impl Gathered {
    fn new() -> Option<Gathered> {
        let keyspace = Keyspace::on(&environment(CASSANDRA)?, 1, &[TABLE]);
        let scratch = Scratch::new();
        let file = scratch.write("in.csv", csv());
        let relay = Relay::to(&keyspace.contact, b"of the file");
        Some(Gathered { keyspace, scratch, relay, file })
    }

    fn run(&self) -> crate::support::program::Run {
        let run = crate::support::program::Run::load(
            &self.scratch,
            &self.relay.contact,
            &self.keyspace.table("measured"),
        );
        run.args(["--address-map", &self.relay.address_map()])
            .args(["--batch", "partition", "--workers", "2", "--unit-size", "8KiB", "--in-flight", "4"])
            .arg(&self.file)
    }

    /// Runs until so many requests have passed and no more may, then sends this signal to a process of the run.
    fn run_until(&self, requests: u64, victim: fn(&[u32], u32) -> u32) -> Finished {
        self.relay.allow_writes(requests);
        let mut running = self.run().start();
        wait_until("requests have passed", || self.relay.writes_used_up() || running.has_ended());
        assert!(!running.has_ended(), "it ended before it could be disturbed");
        send_signal(victim(&running.workers(), running.pid()), "KILL");
        self.relay.allow_all_writes();
        running.finish()
    }
}

#[test]
fn a_load_that_is_killed_with_rows_held_back_goes_on_where_it_was() {
    let Some(load) = Gathered::new() else { return };
    for requests in [3, 40] {
        assert_eq!(load.run_until(requests, |_, coordinator| coordinator).code, None);
    }
    load.run().finish().expect_code(0).expect_counts(RECORDS as u64, RECORDS as u64, 0);
    expect_every_row_at_its_time(&load.keyspace);
}

#[test]
fn a_worker_that_dies_with_rows_held_back_loses_none() {
    let Some(load) = Gathered::new() else { return };
    let run = load.run_until(10, |workers, _| workers[0]).expect_code(0);
    assert_eq!(run.number("workers_lost"), 1);
    run.expect_counts(RECORDS as u64, RECORDS as u64, 0);
    expect_every_row_at_its_time(&load.keyspace);
}

#[test]
fn the_server_has_nothing_to_warn_of() {
    const COLUMNS: usize = 40;
    let Some(log) = environment(LOG) else { return };
    let values: Vec<String> = (0..COLUMNS).map(|column| format!("v{column} text")).collect();
    let wide = |name: &str| format!("CREATE TABLE {name} (id int PRIMARY KEY, {})", values.join(", "));
    let tables = [wide("wide"), wide("witness")];
    let Some(keyspace) = Keyspace::new(&[&tables[0], &tables[1], TABLE]) else { return };
    let scratch = Scratch::new();
    let names: Vec<String> = (0..COLUMNS).map(|column| format!("v{column}")).collect();
    let mut csv = format!("id,{}\n", names.join(","));
    for id in 0..2_000_usize {
        // Rows of 200 bytes to 6 KiB.
        let text = "x".repeat(id * 7 % 150);
        writeln!(csv, "{id},{}", vec![text; COLUMNS].join(",")).expect("a longer string");
    }
    let wide = scratch.write("wide.csv", csv);
    let measured = scratch.write("measured.csv", self::csv());
    for mode in ["auto", "replica"] {
        for (table, file) in [("wide", &wide), ("measured", &measured)] {
            let run = keyspace.load(&scratch, table).args(["--batch", mode, "--again"]).arg(file);
            run.finish().expect_code(0);
        }
    }
    // One that it does warn of, so that it is known that all it has to say is in the log.
    let text = "x".repeat(3_000);
    keyspace.cql(&format!(
        "BEGIN UNLOGGED BATCH INSERT INTO witness (id, v0) VALUES (1, '{text}'); \
         INSERT INTO witness (id, v0) VALUES (2, '{text}'); APPLY BATCH"
    ));
    let said = || {
        let log = std::fs::read(&log).expect("the node's log");
        let log = String::from_utf8_lossy(&log);
        let of_batches = log.lines().filter(|line| line.contains("atch") && line.contains(&keyspace.name));
        of_batches.map(str::to_owned).collect::<Vec<_>>()
    };
    wait_until("the node has warned", || said().iter().any(|line| line.contains("witness")));
    let others: Vec<String> = said().into_iter().filter(|line| !line.contains("witness")).collect();
    assert!(others.is_empty(), "{others:#?}");
}
