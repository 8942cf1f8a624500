//! A load whose rows are numbered, through a relay: what most tests of crashes and faults begin with.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use scylla::value::{CqlValue, Row};
use serde_json::Value;

use super::database::{CASSANDRA, Keyspace, environment};
use super::program::{Run, Running, is_alive, send_signal, wait_until};
use super::relay::Relay;
use super::scratch::Scratch;

/// The table of the rows.
pub(crate) const TABLE: &str = "CREATE TABLE numbered (id bigint PRIMARY KEY, note text)";
/// What every row contains, for the relay to know it by.
const MARKER: &[u8] = b" of the file";

/// How long nothing may be learned of a load that is held back before it is let go on a little.
const PATIENCE: Duration = Duration::from_secs(2);
/// Rows that then pass.
const MORE_WRITES: u64 = 100;

/// A file of numbered records, a table for it, and a relay before the node.
pub(crate) struct NumberedLoad {
    pub(crate) keyspace: Keyspace,
    pub(crate) relay: Relay,
    pub(crate) scratch: Scratch,
    pub(crate) file: PathBuf,
    pub(crate) records: u64,
}

impl NumberedLoad {
    /// A load of so many records into the node that the environment names; `None` where there is none.
    pub(crate) fn of(records: u64) -> Option<NumberedLoad> {
        let keyspace = Keyspace::on(&environment(CASSANDRA)?, 1, &[TABLE]);
        Some(NumberedLoad::into(keyspace, records))
    }

    /// A load of so many records into a keyspace that has the table.
    pub(crate) fn into(keyspace: Keyspace, records: u64) -> NumberedLoad {
        let scratch = Scratch::new();
        let file = scratch.write("numbered.csv", csv(records));
        let relay = Relay::to(&keyspace.contact, MARKER);
        NumberedLoad { keyspace, relay, scratch, file, records }
    }

    /// The load through the relay, by so many workers, in units of a few hundred records. What goes wrong in a test does
    /// not go on for ever: faults are borne for a minute, unless the test says otherwise.
    pub(crate) fn run(&self, workers: usize) -> Run {
        self.run_in_units(workers, "16KiB")
    }

    /// The same in units of this size.
    pub(crate) fn run_in_units(&self, workers: usize, unit_size: &str) -> Run {
        let run = self.run_to(&self.relay.contact, workers, unit_size);
        run.args(["--address-map", &self.relay.address_map()])
    }

    /// The same past the relay.
    pub(crate) fn run_directly(&self, workers: usize) -> Run {
        self.run_to(&self.keyspace.contact, workers, "16KiB")
    }

    /// The load through the relay, in one process that is started like this.
    pub(crate) fn run_as(&self, run: Run) -> Run {
        let run = run.loading(&self.relay.contact, &self.keyspace.table("numbered"));
        self.completed(run, 0, "16KiB").args(["--address-map", &self.relay.address_map()])
    }

    fn run_to(&self, contact: &str, workers: usize, unit_size: &str) -> Run {
        let run = Run::load(&self.scratch, contact, &self.keyspace.table("numbered"));
        self.completed(run, workers, unit_size)
    }

    fn completed(&self, run: Run, workers: usize, unit_size: &str) -> Run {
        run.args(["--workers", &workers.to_string(), "--unit-size", unit_size])
            .env("RINGLOAD_IN_FLIGHT", "32")
            // So that chunks are sent in order: how far a load is settled then follows from how many rows have passed.
            .env("RINGLOAD_THREADS", "1")
            .env("RINGLOAD_RETRY_FOR", "60s")
            // What the relay holds back is not lost, however long a test takes.
            .env("RINGLOAD_REQUEST_TIMEOUT", "120s")
            // The relay counts requests, and the tests take them for rows.
            .env("RINGLOAD_BATCH", "off")
            .arg(&self.file)
    }

    /// Waits until the relay has let all the writes pass that it may; fails the test with what the run said if it ends before.
    #[track_caller]
    pub(crate) fn wait_for_writes(&self, mut running: Running) -> Running {
        let mut ended = false;
        wait_until("rows are in the table", || {
            ended = running.has_ended();
            ended || self.relay.writes_used_up()
        });
        if ended {
            panic!("the load ended before it could be disturbed: {:?}", running.finish());
        }
        running
    }

    /// Kills a load and its workers when more than so many records are known to be settled. The relay lets more rows pass where
    /// those that it was to let pass are not enough: one that the node did not answer in time is sent again, behind others.
    #[track_caller]
    pub(crate) fn kill_when_settled(&self, running: Running, records: u64) {
        let mut running = self.wait_for_writes(running);
        let (mut waiting_since, mut ended) = (Instant::now(), false);
        wait_until("so many records are known to be settled", || {
            ended = running.has_ended();
            if waiting_since.elapsed() > PATIENCE && self.relay.writes_used_up() {
                self.relay.allow_writes(MORE_WRITES);
                waiting_since = Instant::now();
            }
            let jobs = Run::new(&self.scratch).args(["jobs", "--format", "json"]).finish().expect_code(0);
            let jobs: Value = serde_json::from_str(&jobs.stdout).expect("JSON");
            ended || jobs[0]["records"].as_u64().is_some_and(|settled| settled > records)
        });
        if ended {
            panic!("the load ended before it could be killed: {:?}", running.finish());
        }
        let pids = [vec![running.pid()], running.workers()].concat();
        send_signal(running.pid(), "KILL");
        wait_until("all of it has ended", || !pids.iter().any(|pid| is_alive(*pid)));
        self.relay.allow_all_writes();
    }

    /// Rows that the relay has let pass.
    pub(crate) fn passed(&self) -> u64 {
        self.relay.writes_passed().values().sum()
    }

    /// The table's rows.
    pub(crate) fn rows(&self) -> BTreeMap<i64, String> {
        rows(&self.keyspace)
    }

    /// Fails the test unless the table is the file.
    #[track_caller]
    pub(crate) fn expect_every_row(&self) {
        expect_every_row(&self.keyspace, self.records);
    }

    /// Fails the test unless every row is as in the file and has the write time of its record: the first one's, which is
    /// returned, plus its place in the file.
    #[track_caller]
    pub(crate) fn expect_every_row_at_its_time(&self) -> i64 {
        let found = rows_and_times(&self.keyspace);
        let base = found.get(&0).map(|(_, time)| *time).expect("the first record's row");
        let expected = (0..self.records as i64).map(|id| (id, (note(id), base + id)));
        let wrong = expected.clone().filter(|(id, row)| found.get(id) != Some(row)).count();
        let first = expected.clone().find(|(id, row)| found.get(id) != Some(row));
        let seen = first.as_ref().and_then(|(id, _)| found.get(id));
        assert_eq!(wrong, 0, "rows are not as in the file; the first: {seen:?} instead of {first:?}");
        assert_eq!(found.len() as u64, self.records, "there are rows that the file has not");
        base
    }

    /// Fails the test if the table has a row that the file has not. Returns how many rows there are.
    #[track_caller]
    pub(crate) fn expect_only_rows_of_the_file(&self) -> u64 {
        let found = self.rows();
        let wrong = found.iter().find(|(id, text)| **id >= self.records as i64 || **text != note(**id));
        assert_eq!(wrong, None, "a row is not as in the file");
        found.len() as u64
    }
}

/// Fails the test unless the numbered table of a keyspace is the file of so many records.
#[track_caller]
pub(crate) fn expect_every_row(keyspace: &Keyspace, records: u64) {
    let found = rows(keyspace);
    let is_right = |id: &i64| found.get(id).is_some_and(|text| *text == note(*id));
    let wrong: Vec<i64> = (0..records as i64).filter(|id| !is_right(id)).collect();
    assert!(wrong.is_empty(), "{} rows are missing or wrong, the first: {:?}", wrong.len(), wrong.first());
    assert_eq!(found.len() as u64, records, "there are rows that the file has not");
}

/// The rows of the numbered table of a keyspace.
pub(crate) fn rows(keyspace: &Keyspace) -> BTreeMap<i64, String> {
    let row = |row: Row| match &row.columns[..] {
        [Some(CqlValue::BigInt(id)), Some(CqlValue::Text(note))] => (*id, note.clone()),
        other => panic!("{other:?}"),
    };
    keyspace.rows("SELECT id, note FROM numbered").into_iter().map(row).collect()
}

/// The same, each with its write time.
pub(crate) fn rows_and_times(keyspace: &Keyspace) -> BTreeMap<i64, (String, i64)> {
    let row = |row: Row| match &row.columns[..] {
        [Some(CqlValue::BigInt(id)), Some(CqlValue::Text(note)), Some(CqlValue::BigInt(time))] => {
            (*id, (note.clone(), *time))
        }
        other => panic!("{other:?}"),
    };
    keyspace.rows("SELECT id, note, WRITETIME(note) FROM numbered").into_iter().map(row).collect()
}

/// A file of so many records.
pub(crate) fn csv(records: u64) -> String {
    let mut csv = String::from("id,note\n");
    for id in 0..records as i64 {
        writeln!(csv, "{id},{}", note(id)).expect("a longer string");
    }
    csv
}

/// The text of a record.
pub(crate) fn note(id: i64) -> String {
    format!("record {id} of the file")
}
