//! Answers that a healthy node does not give, forged by scylla-proxy in front of a real one: faults of the cluster are borne,
//! faults of a row reject that row, and what no retry can help ends the run, whether it loads or verifies.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use scylla_proxy::{
    Condition, Node, Proxy, Reaction, RequestOpcode, RequestReaction, RequestRule, RunningProxy,
    ShardAwareness, get_exclusive_local_address,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::database::{CASSANDRA, Keyspace, environment};
use crate::support::numbered::{self, TABLE};
use crate::support::program::{Finished, Run};
use crate::support::scratch::Scratch;

/// A table by whose keys the rules know requests, those that read too.
const NAMED: &str = "CREATE TABLE named (name text PRIMARY KEY, n int)";
/// A table with a list that is not frozen.
const LISTED: &str = "CREATE TABLE listed (id int PRIMARY KEY, marks list<text>)";
/// Few, for the proxy is slow: it leaves TCP's delays on.
const RECORDS: u64 = 300;
/// How soon a load that nothing can help must have ended: one that tried on would do so for a minute.
const ENDED_WITHIN: Duration = Duration::from_secs(50);

/// A load through a proxy.
struct ProxiedLoad {
    keyspace: Keyspace,
    scratch: Scratch,
    contact: SocketAddr,
    address_map: String,
    runtime: Runtime,
    proxy: Option<RunningProxy>,
}

impl ProxiedLoad {
    /// A load whose writes meet these rules, in turn; `None` where there is no node.
    fn with(rules: Vec<(Condition, RequestReaction)>) -> Option<ProxiedLoad> {
        let is_write = || {
            Condition::RequestOpcode(RequestOpcode::Execute)
                .or(Condition::RequestOpcode(RequestOpcode::Batch))
        };
        let rules = rules.into_iter().map(|(when, reaction)| RequestRule(is_write().and(when), reaction));
        ProxiedLoad::with_rules(rules.collect())
    }

    /// A load whose requests meet these rules.
    fn with_rules(rules: Vec<RequestRule>) -> Option<ProxiedLoad> {
        let keyspace = Keyspace::on(&environment(CASSANDRA)?, 1, &[TABLE, NAMED, LISTED]);
        let node: SocketAddr = keyspace.contact.parse().expect("the node's address");
        let contact = SocketAddr::new(get_exclusive_local_address(), node.port());
        let proxied = Node::new(node, contact, ShardAwareness::Unaware, Some(rules), None);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let proxy = runtime.block_on(Proxy::new([proxied]).run()).expect("a proxy");
        let address_map = format!("{node}={contact}");
        Some(ProxiedLoad {
            keyspace,
            scratch: Scratch::new(),
            contact,
            address_map,
            runtime,
            proxy: Some(proxy),
        })
    }

    fn run(&self, retry_for: &str) -> Run {
        self.run_by(2, retry_for)
    }

    fn run_by(&self, workers: u32, retry_for: &str) -> Run {
        let file = self.scratch.write("numbered.csv", numbered::csv(RECORDS));
        Run::load(&self.scratch, &self.contact.to_string(), &self.keyspace.table("numbered"))
            .args([
                "--address-map",
                &self.address_map,
                "--workers",
                &workers.to_string(),
                "--unit-size",
                "2KiB",
            ])
            .args(["--in-flight", "64", "--retry-for", retry_for, "--rejects", "rejects"])
            // Rules are for requests, and know them by the row that they send.
            .env("RINGLOAD_BATCH", "off")
            .arg(file)
    }

    #[track_caller]
    fn expect_all_written(&self, run: Finished) -> Finished {
        let run = run.expect_code(0);
        assert_eq!(["records", "written", "rejected"].map(|key| run.number(key)), [RECORDS, RECORDS, 0]);
        assert_eq!(numbered::rows(&self.keyspace).len() as u64, RECORDS);
        run
    }
}

impl Drop for ProxiedLoad {
    fn drop(&mut self) {
        if let Some(proxy) = self.proxy.take() {
            // What the proxy complains of is that its clients went away.
            let _ = self.runtime.block_on(proxy.finish());
        }
    }
}

fn any_row() -> Condition {
    Condition::BodyContainsCaseSensitive(Box::from(&b" of the file"[..]))
}

fn row(id: u64) -> Condition {
    Condition::BodyContainsCaseSensitive(format!("record {id} of the file").into_bytes().into())
}

fn times(times: usize) -> Condition {
    Condition::TrueForLimitedTimes(times)
}

/// So many writes fail in this way, and all of them succeed when they are sent again.
#[track_caller]
fn check_sent_again(what: &str, reaction: RequestReaction) {
    const FAILURES: usize = 20;
    let Some(load) = ProxiedLoad::with(vec![(any_row().and(times(FAILURES)), reaction)]) else { return };
    let run = load.expect_all_written(load.run("60s").finish());
    // The node behind the proxy may fail by itself besides.
    assert!(run.number("retried") >= FAILURES as u64, "{what}: {}", run.summary);
    assert_eq!(run.sent(), RECORDS, "{what}: {}", run.summary);
    assert!(run.stderr.contains("warning: the cluster is not taking rows: "), "{what}: {}", run.stderr);
}

#[test]
fn writes_that_the_cluster_cannot_take_now_are_sent_again() {
    check_sent_again("write timeout", RequestReaction::forge().write_timeout());
    check_sent_again("unavailable", RequestReaction::forge().unavailable());
    check_sent_again("overloaded", RequestReaction::forge().overloaded());
    check_sent_again("bootstrapping", RequestReaction::forge().is_bootstrapping());
}

#[test]
fn writes_whose_failure_says_nothing_are_sent_again() {
    check_sent_again("server error", RequestReaction::forge().server_error());
    check_sent_again("write failure", RequestReaction::forge().write_failure());
}

#[test]
fn rows_that_go_together_are_sent_again_together() {
    const FAILURES: usize = 20;
    let check = |what: &str, reaction: RequestReaction, says_why: bool| {
        let Some(load) = ProxiedLoad::with(vec![(any_row().and(times(FAILURES)), reaction)]) else { return };
        let run = load.expect_all_written(load.run("60s").args(["--batch", "replica"]).finish());
        assert!(run.summary["rows_per_request"].as_f64() > Some(1.0), "{what}: {}", run.summary);
        // What may be the fault of one of them is tried with each alone after a while.
        assert!(!says_why || run.number("retried") == FAILURES as u64, "{what}: {}", run.summary);
    };
    check("write timeout", RequestReaction::forge().write_timeout(), true);
    check("overloaded", RequestReaction::forge().overloaded(), true);
    check("server error", RequestReaction::forge().server_error(), false);
}

#[test]
fn rows_that_go_together_and_are_never_answered_are_sent_again() {
    let lost = (any_row().and(times(5)), RequestReaction::drop_frame());
    let Some(load) = ProxiedLoad::with(vec![lost]) else { return };
    let run = load.run("60s").args(["--request-timeout", "1s", "--batch", "replica"]).finish();
    assert_eq!(load.expect_all_written(run).number("retried"), 5);
}

#[test]
fn writes_that_are_never_answered_are_sent_again() {
    let lost = (any_row().and(times(5)), RequestReaction::drop_frame());
    let Some(load) = ProxiedLoad::with(vec![lost]) else { return };
    let run = load.expect_all_written(load.run("60s").args(["--request-timeout", "1s"]).finish());
    assert_eq!(run.number("retried"), 5);
}

#[test]
fn writes_on_connections_that_break_are_sent_again() {
    let broken = (any_row().and(times(3)), RequestReaction::drop_connection());
    let Some(load) = ProxiedLoad::with(vec![broken]) else { return };
    let run = load.expect_all_written(load.run("60s").finish());
    assert!(run.number("retried") >= 3, "{}", run.summary);
}

#[test]
fn a_statement_that_the_node_has_forgotten_is_prepared_again() {
    let forgotten = (any_row().and(times(5)), RequestReaction::forge().unprepared());
    let Some(load) = ProxiedLoad::with(vec![forgotten]) else { return };
    load.expect_all_written(load.run("60s").finish());
}

#[test]
fn a_worker_whose_statement_cannot_be_prepared_now_tries_again() {
    // Two connections are the coordinator's, the fourth is that over which the worker prepares.
    let now = Condition::RequestOpcode(RequestOpcode::Prepare).and(Condition::ConnectionSeqNo(3));
    let rule = RequestRule(now, RequestReaction::forge().overloaded());
    let Some(load) = ProxiedLoad::with_rules(vec![rule]) else { return };
    let run = load.expect_all_written(load.run_by(1, "60s").args(["--threads", "1"]).finish());
    assert!(run.stderr.contains("tries again: preparing the INSERT: "), "{}", run.stderr);
}

/// The ids of the rejected rows and the codes of the reasons.
fn rejects(run: &Finished, scratch: &Scratch) -> Vec<(u64, String)> {
    let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("a directory"));
    let reasons = std::fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let reason = |line: &str| {
        let reason: Value = serde_json::from_str(line).expect("JSON");
        // The first record has the id 0.
        let id = reason["record"].as_u64().expect("a record") - 1;
        (id, reason["code"].as_str().expect("a code").to_string())
    };
    reasons.lines().map(reason).collect()
}

/// These rows are refused in this way whenever they are sent.
#[track_caller]
fn check_rejected(ids: &[u64], reaction: RequestReaction) {
    let rules = ids.iter().map(|id| (row(*id), reaction.clone())).collect();
    let Some(load) = ProxiedLoad::with(rules) else { return };
    let run = load.run("60s").finish().expect_code(1);
    let refused = ids.len() as u64;
    let counts = ["records", "written", "rejected"].map(|key| run.number(key));
    assert_eq!(counts, [RECORDS, RECORDS - refused, refused]);
    let codes: Vec<_> = ids.iter().map(|id| (*id, "refused_by_server".to_string())).collect();
    assert_eq!(rejects(&run, &load.scratch), codes);
    let there: Vec<i64> = numbered::rows(&load.keyspace).into_keys().collect();
    let expected: Vec<i64> = (0..RECORDS).filter(|id| !ids.contains(id)).map(|id| id as i64).collect();
    assert_eq!(there, expected, "the others are written");
}

#[test]
fn rows_that_the_server_finds_invalid_are_rejected_one_by_one() {
    check_rejected(&[0, 149, 150, 299], RequestReaction::forge().invalid());
}

#[test]
fn a_row_whose_failure_says_nothing_is_not_rejected_in_haste() {
    let Some(load) = ProxiedLoad::with(vec![(row(17), RequestReaction::forge().server_error())]) else {
        return;
    };
    let run = load.run("5s").finish().expect_code(4);
    assert_eq!(run.number("rejected"), 0);
    assert!(run.number("written") < RECORDS, "{}", run.summary);
    assert!(run.stderr.contains("longer than --retry-for allows; the last error: "), "{}", run.stderr);
    assert!(!load.scratch.join("rejects").exists());
}

#[test]
fn a_role_that_may_not_write_any_more_ends_the_load_without_rejects() {
    let Some(load) = ProxiedLoad::with(vec![(row(200), RequestReaction::forge().unauthorized())]) else {
        return;
    };
    let begin = Instant::now();
    let run = load.run("60s").finish().expect_code(4);
    assert!(begin.elapsed() < ENDED_WITHIN, "it took {:?}", begin.elapsed());
    assert_eq!(run.number("rejected"), 0);
    assert!(run.stderr.contains("the cluster refuses the load: "), "{}", run.stderr);
    assert!(!load.scratch.join("rejects").exists());
}

// Reading back.

impl ProxiedLoad {
    /// A run on the table of names through the proxy.
    fn named(&self, command: fn(&Scratch, &str, &str) -> Run) -> Run {
        let names: String = (0..RECORDS).map(|n| format!("record {n} of the file,{n}\n")).collect();
        let file = self.scratch.write("named.csv", format!("name,n\n{names}"));
        command(&self.scratch, &self.contact.to_string(), &self.keyspace.table("named"))
            .args(["--address-map", &self.address_map, "--workers", "2", "--unit-size", "2KiB"])
            .args(["--in-flight", "64", "--retry-for", "60s", "--differences", "differences"])
            .env("RINGLOAD_BATCH", "off")
            .arg(file)
    }

    /// A load of the names into another table.
    fn named_in(&self, table: &str) -> Run {
        let names: String = (0..RECORDS).map(|n| format!("record {n} of the file,{n}\n")).collect();
        let file = self.scratch.write("named.csv", format!("name,n\n{names}"));
        Run::load(&self.scratch, &self.contact.to_string(), &self.keyspace.table(table))
            .args(["--address-map", &self.address_map, "--workers", "2", "--unit-size", "2KiB"])
            .args(["--in-flight", "64", "--retry-for", "60s"])
            .env("RINGLOAD_BATCH", "off")
            .arg(file)
    }

    /// Puts the names into their table, not through the proxy.
    fn insert_names(&self) {
        for n in 0..RECORDS {
            self.keyspace.cql(&format!("INSERT INTO named (name, n) VALUES ('record {n} of the file', {n})"));
        }
    }
}

/// How many records a verification has found to be so.
#[track_caller]
fn verified<const N: usize>(run: &Finished, keys: [&str; N]) -> [u64; N] {
    keys.map(|key| run.summary["verify"][key].as_u64().unwrap_or_else(|| panic!("{}", run.summary)))
}

#[test]
fn reads_that_the_cluster_cannot_answer_now_are_sent_again() {
    const FAILURES: usize = 20;
    let check = |what: &str, reaction: RequestReaction| {
        let rules = vec![(any_row().and(times(FAILURES)), reaction)];
        let Some(load) = ProxiedLoad::with(rules) else { return };
        load.insert_names();
        let run = load.named(Run::verify).finish().expect_code(0);
        assert_eq!(verified(&run, ["checked", "same"]), [RECORDS, RECORDS], "{what}");
        assert_eq!(run.number("retried"), FAILURES as u64, "{what}");
        assert!(run.stderr.contains("warning: the cluster is not answering: "), "{what}: {}", run.stderr);
    };
    check("read timeout", RequestReaction::forge().read_timeout());
    check("unavailable", RequestReaction::forge().unavailable());
    check("overloaded", RequestReaction::forge().overloaded());
    check("read failure", RequestReaction::forge().read_failure());
    check("server error", RequestReaction::forge().server_error());
}

#[test]
fn a_record_whose_row_the_server_refuses_to_read_is_not_checked() {
    let Some(load) = ProxiedLoad::with(vec![(row(17), RequestReaction::forge().invalid())]) else { return };
    load.insert_names();
    let run = load.named(Run::verify).finish().expect_code(1);
    assert_eq!(run.summary["status"], "done_with_rejects");
    let keys = ["checked", "same", "missing", "not_checked"];
    assert_eq!(verified(&run, keys), [RECORDS - 1, RECORDS - 1, 0, 1]);
    let reasons = run.summary["reject_reasons"].to_string();
    assert_eq!(reasons, r#"[{"code":"refused_by_server","column":null,"count":1}]"#);
}

#[test]
fn a_row_that_the_server_has_refused_is_not_looked_for_after_the_load() {
    // The first request with each of the names is the one that writes.
    let refused = |id| (row(id).and(times(1)), RequestReaction::forge().invalid());
    let Some(load) = ProxiedLoad::with(vec![refused(17), refused(250)]) else { return };
    let run = load.named(Run::load).arg("--verify").finish().expect_code(1);
    assert_eq!(run.summary["status"], "done_with_rejects");
    assert_eq!(["records", "written", "rejected"].map(|key| run.number(key)), [RECORDS, RECORDS - 2, 2]);
    let keys = ["checked", "same", "missing", "not_checked"];
    assert_eq!(verified(&run, keys), [RECORDS - 2, RECORDS - 2, 0, 2]);
    assert!(!load.scratch.join("differences").exists());
}

#[test]
fn a_role_that_may_not_read_any_more_ends_the_verification() {
    let Some(load) = ProxiedLoad::with(vec![(row(200), RequestReaction::forge().unauthorized())]) else {
        return;
    };
    load.insert_names();
    let begin = Instant::now();
    let run = load.named(Run::verify).finish().expect_code(4);
    assert!(begin.elapsed() < ENDED_WITHIN, "it took {:?}", begin.elapsed());
    assert_eq!((&run.summary["status"], run.number("rejected")), (&"failed".into(), 0));
    assert!(run.stderr.contains("the cluster refuses to be read: "), "{}", run.stderr);
}

#[test]
fn counters_of_which_nobody_knows_are_not_sent_again() {
    const FAILURES: usize = 5;
    let check = |what: &str, reaction: RequestReaction, is_sent_again: bool| {
        let rules = vec![(any_row().and(times(FAILURES)), reaction)];
        let Some(load) = ProxiedLoad::with(rules) else { return };
        load.keyspace.cql("CREATE TABLE hits (name text PRIMARY KEY, n counter)");
        let run = load.named_in("hits").args(["--rejects", "rejects"]).finish();
        let uncertain = if is_sent_again { 0 } else { FAILURES as u64 };
        let again = if is_sent_again { FAILURES as u64 } else { 0 };
        let run = run.expect_code(i32::from(!is_sent_again));
        let counts = ["records", "written", "rejected", "uncertain", "retried"].map(|key| run.number(key));
        assert_eq!(counts, [RECORDS, RECORDS - uncertain, 0, uncertain, again], "{what}");
        assert_eq!(run.sent(), RECORDS, "{what}");
        let doubled = load.keyspace.rows("SELECT n FROM hits").len() as u64;
        assert_eq!(doubled, RECORDS - uncertain, "{what}");
        if !is_sent_again {
            let codes: Vec<String> = rejects(&run, &load.scratch).into_iter().map(|(_, code)| code).collect();
            assert_eq!(codes, vec!["uncertain"; FAILURES], "{what}");
        }
    };
    check("write timeout", RequestReaction::forge().write_timeout(), false);
    check("server error", RequestReaction::forge().server_error(), false);
    check("overloaded", RequestReaction::forge().overloaded(), false);
    check("unavailable", RequestReaction::forge().unavailable(), true);
}

/// Loads four lists, of which the third meets a fault so often.
#[track_caller]
fn load_lists(faults: usize, reaction: RequestReaction) -> Option<(ProxiedLoad, Finished)> {
    let third = Condition::BodyContainsCaseSensitive(Box::from(&b"third"[..]));
    let load = ProxiedLoad::with(vec![(third.and(times(faults)), reaction)])?;
    let csv = "id,marks\n1,\"['first', 'b']\"\n2,[]\n3,['third']\n4,\"['fourth', 'fourth']\"\n";
    let file = load.scratch.write("listed.csv", csv);
    let run = Run::load(&load.scratch, &load.contact.to_string(), &load.keyspace.table("listed"))
        .args(["--address-map", &load.address_map, "--workers", "0", "--job", "lists"])
        .arg(file)
        .finish();
    Some((load, run))
}

/// How much later than the first list the third one was written, in microseconds.
fn third_list_later(load: &ProxiedLoad) -> i64 {
    let time = |id: u32| {
        let rows = load.keyspace.rows(&format!("SELECT MAXWRITETIME(marks) FROM listed WHERE id = {id}"));
        rows[0].columns[0].as_ref().and_then(|time| time.as_bigint()).expect("a write time")
    };
    time(3) - time(1)
}

#[test]
fn a_list_that_may_have_been_written_is_written_again_at_another_time() {
    let check = |faults: usize, reaction: RequestReaction, later_us: i64| {
        let Some((load, run)) = load_lists(faults, reaction) else { return };
        run.expect_code(0).expect_counts(4, 4, 0);
        assert_eq!(third_list_later(&load), 32 + later_us);
        load.keyspace.expect_rows(
            "SELECT id, marks FROM listed",
            &["1, ['first','b']", "2, null", "3, ['third']", "4, ['fourth','fourth']"],
        );
    };
    check(0, RequestReaction::noop(), 0);
    check(2, RequestReaction::forge().write_timeout(), 2);
    check(3, RequestReaction::forge().overloaded(), 3);
    check(5, RequestReaction::forge().unavailable(), 0);
}

#[test]
fn a_list_that_was_sent_too_often_ends_the_run_and_the_next_one_has_other_times() {
    let Some((load, run)) = load_lists(4, RequestReaction::forge().write_timeout()) else { return };
    run.expect_code(4)
        .expect_said(&["a row was sent 4 times without an answer", "run the same command again"]);
    let run = Run::load(&load.scratch, &load.contact.to_string(), &load.keyspace.table("listed"))
        .args(["--address-map", &load.address_map, "--workers", "0", "--job", "lists"])
        .arg(load.scratch.join("listed.csv"))
        .finish();
    run.expect_code(0).expect_counts(4, 4, 0);
    assert_eq!(third_list_later(&load), 32);
    load.keyspace.expect_rows("SELECT marks FROM listed WHERE id = 4", &["['fourth','fourth']"]);
}
