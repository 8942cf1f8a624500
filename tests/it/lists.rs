//! Lists that are not frozen, which would hold their elements twice if a row were written twice at one time: loads that were killed and
//! went on have each element once, and what cannot be sent again any more is said.

use std::fmt::Write;

use crate::support::database::{CASSANDRA, Keyspace, environment};
use crate::support::program::{Finished, Run, send_signal, wait_until};
use crate::support::relay::Relay;
use crate::support::scratch::Scratch;

const TABLE: &str = "CREATE TABLE listed (id bigint PRIMARY KEY, marks list<text>, note text)";
const RECORDS: i64 = 3_000;
/// Records are so many microseconds apart.
const SLOT_US: i64 = 16;

struct ListLoad {
    keyspace: Keyspace,
    relay: Relay,
    scratch: Scratch,
}

impl ListLoad {
    fn new() -> Option<ListLoad> {
        let keyspace = Keyspace::on(&environment(CASSANDRA)?, 1, &[TABLE]);
        let relay = Relay::to(&keyspace.contact, b" of the file");
        let scratch = Scratch::new();
        let mut csv = String::from("id,marks,note\n");
        for id in 0..RECORDS {
            writeln!(csv, "{id},\"['{id}', 'x', 'x']\",record {id} of the file").unwrap();
        }
        scratch.write("listed.csv", csv);
        Some(ListLoad { keyspace, relay, scratch })
    }

    fn run(&self) -> Run {
        Run::load(&self.scratch, &self.relay.contact, &self.keyspace.table("listed"))
            .args(["--address-map", &self.relay.address_map(), "--workers", "0", "--unit-size", "16KiB"])
            .args(["--job", "lists", "--in-flight", "32"])
            .arg(self.scratch.join("listed.csv"))
    }

    /// Kills a run when so many writes have passed.
    #[track_caller]
    fn kill_after(&self, writes: u64) {
        self.relay.allow_writes(writes);
        let mut running = self.run().start();
        wait_until("rows are sent", || self.relay.writes_used_up() || running.has_ended());
        assert!(!running.has_ended(), "the load was over before it was killed");
        send_signal(running.pid(), "KILL");
        let _ = running.finish();
    }

    fn finish(&self, run: Run) -> Finished {
        self.relay.allow_all_writes();
        run.finish()
    }

    /// Fails the test unless every list is as in the file.
    #[track_caller]
    fn expect_every_list(&self) {
        let expected: Vec<String> = (0..RECORDS).map(|id| format!("{id}, ['{id}','x','x']")).collect();
        self.keyspace.expect_rows("SELECT id, marks FROM listed", &expected);
    }

    /// How much later than the first of its times each record was written, without repetitions.
    fn delays(&self) -> Vec<i64> {
        let number = |value: &Option<scylla::value::CqlValue>| {
            value.as_ref().and_then(|value| value.as_bigint()).unwrap()
        };
        let rows = self.keyspace.rows("SELECT id, WRITETIME(note) FROM listed");
        let times: Vec<i64> =
            rows.iter().map(|row| number(&row.columns[1]) - SLOT_US * number(&row.columns[0])).collect();
        let first = times.iter().min().copied().unwrap();
        let mut delays: Vec<i64> = times.iter().map(|time| time - first).collect();
        delays.sort_unstable();
        delays.dedup();
        delays
    }
}

#[test]
fn a_list_has_each_element_once_however_often_its_load_is_killed() {
    let Some(load) = ListLoad::new() else { return };
    load.kill_after(700);
    load.kill_after(300);
    let run = load.finish(load.run()).expect_code(0);
    assert_eq!(["records", "written"].map(|key| run.number(key)), [RECORDS as u64; 2]);
    let sent: u64 = load.relay.writes_passed().values().sum();
    assert!(sent > RECORDS as u64, "no row was sent twice: {sent}");
    load.expect_every_list();
    // What was sent in another attempt has another time.
    assert!(load.delays().iter().all(|delay| [0, 4, 8].contains(delay)), "{:?}", load.delays());
    assert!(load.delays().len() > 1);
    let run = load.keyspace.verify(&load.scratch, "listed").arg(load.scratch.join("listed.csv"));
    let run = run.args(["--job", "lists"]).finish().expect_code(0);
    assert_eq!(run.summary["verify"]["same"].as_i64(), Some(RECORDS), "{}", run.summary);
}

#[test]
fn a_piece_that_was_begun_too_often_is_begun_anew_only() {
    let Some(load) = ListLoad::new() else { return };
    for _ in 0..4 {
        load.kill_after(50);
    }
    let said = ["records 1 to", "were begun 4 times", "--restart"];
    load.finish(load.run()).expect_code(4).expect_said(&said);
    load.finish(load.run().arg("--restart")).expect_code(0).expect_counts(RECORDS as u64, RECORDS as u64, 0);
    load.expect_every_list();
    assert_eq!(load.delays(), [0]);
}

#[test]
fn the_last_list_of_a_key_wins_and_a_load_of_lists_wants_times_of_its_own() {
    let Some(keyspace) = Keyspace::new(&[TABLE]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("listed.csv", "id,marks,note\n1,\"['a', 'b']\",\n1,['c'],\n2,['d'],\n2,[],\n");
    keyspace.load(&scratch, "listed").arg(&file).finish().expect_code(0).expect_counts(4, 4, 0);
    keyspace.expect_rows("SELECT id, marks FROM listed", &["1, ['c']", "2, null"]);
    for timestamp in ["now", "5"] {
        let run = keyspace.load(&scratch, "listed").args(["--timestamp", timestamp]).arg(&file).finish();
        run.expect_code(2)
            .expect_said(&["column \"marks\" is a list that is not frozen", "--timestamp order"]);
    }
}
