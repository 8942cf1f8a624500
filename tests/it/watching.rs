//! What tells of a load: nothing where all is well and one line otherwise (`--quiet`), the log file, the metrics of a load that is
//! under way. What each says is held against the summary and the table.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::database::Keyspace;
use crate::support::numbered::NumberedLoad;
use crate::support::program::{Finished, Run, send_signal, wait_until};
use crate::support::scratch::Scratch;

const NUMBERS: &str = "CREATE TABLE numbers (id int PRIMARY KEY, n int)";
const PASSWORD: &str = "s3cr3t-of-the-test";

/// Fails the test unless the run said this on standard error and nothing on standard output.
#[track_caller]
fn expect_output(run: &Finished, stderr: &str) {
    assert_eq!((run.stderr.as_str(), run.stdout.as_str()), (stderr, ""), "{}", run.summary);
}

#[test]
fn a_quiet_load_says_nothing_where_all_is_well_not_even_a_warning() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("numbers.csv", "id,n\n1,1\n2,2\n");
    let load = || keyspace.load(&scratch, "numbers").arg("--quiet").arg(&file);
    let run = load().finish().expect_code(0).expect_counts(2, 2, 0);
    expect_output(&run, "");
    assert_eq!(run.number("warnings"), 0);
    // Two things to warn of: a variable that is no option's, and one that is not used.
    let doubtful = |run: Run| run.env("RINGLOAD_HOST", "x").env("RINGLOAD_PASSWORD", PASSWORD);
    for progress in ["plain", "json", "auto"] {
        let run = doubtful(load()).env("RINGLOAD_PROGRESS", progress).args(["--workers", "2"]);
        let run = run.args(["--log-file", "run.log"]).finish().expect_code(0);
        expect_output(&run, "");
        assert_eq!(run.number("warnings"), 2);
    }
    let log = fs::read_to_string(scratch.join("run.log")).expect("a log");
    assert_eq!(log.matches("did you mean RINGLOAD_HOSTS?").count(), 3, "{log}");
    keyspace.expect_rows("SELECT id FROM numbers", &["1", "2"]);
}

#[test]
fn a_quiet_load_that_did_not_go_well_has_one_line() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let scratch = Scratch::new();
    let table = keyspace.table("numbers");
    let bad = scratch.write("bad.csv", "id,n\n1,1\nx,2\n3,x\n4,4\n");
    let quiet = || keyspace.load(&scratch, "numbers").arg("--quiet");

    let run = quiet().arg(&bad).finish().expect_code(1).expect_counts(4, 2, 2);
    let rejects = run.summary["rejects_dir"].as_str().expect("a directory").to_owned();
    expect_output(&run, &format!("ringload: {table}: 2 of 4 records rejected, see {rejects} (exit 1)\n"));

    let run = quiet().args(["--max-errors", "1"]).arg(&bad).finish().expect_code(3);
    let begins = format!("ringload: {table}: stopped: more than 1 records were rejected (--max-errors); ");
    assert!(run.stderr.starts_with(&begins) && run.stderr.ends_with(" (exit 3)\n"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);

    let run = quiet().arg("none.csv").finish().expect_code(4);
    expect_output(
        &run,
        &format!("ringload: {table}: could not begin: none.csv: no such file: check the path (exit 4)\n"),
    );
    let run = quiet().args(["--workers", "x"]).arg(&bad).finish().expect_code(2);
    expect_output(&run, "error: --workers 'x': must be a whole number from 0 to 256\n");
}

#[test]
fn a_signal_is_answered_on_standard_error_and_a_quiet_load_has_one_line_all_the_same() {
    let Some(load) = NumberedLoad::of(30_000) else { return };
    let check = |signal: &str, quiet: bool| {
        load.relay.allow_writes(1_000);
        let run = load.run(2).args(["--log-file", "run.log", "--log-format", "json"]);
        let running = load.wait_for_writes(if quiet { run.arg("--quiet") } else { run }.start());
        let pid = running.pid();
        send_signal(pid, signal);
        let run = running.finish();
        let logged = json_lines(&scratch_log(&load.scratch));
        let stopping = logged.iter().filter(|line| line["pid"] == pid && line["event"] == "stopping");
        assert_eq!(
            stopping.map(|line| (&line["signal"], &line["at_once"])).collect::<Vec<_>>(),
            [(&format!("SIG{signal}").into(), &false.into())]
        );
        run
    };
    let said = "stopping: requests in flight end first; press Ctrl-C again to stop at once\n";
    let run = check("INT", false).expect_code(130);
    assert!(run.stderr.contains(said) && run.stderr.contains("interrupted by SIGINT"), "{}", run.stderr);
    let run = check("TERM", true).expect_code(143);
    let table = load.keyspace.table("numbered");
    let begins = format!("ringload: {table}: interrupted by SIGTERM: ");
    assert!(run.stderr.starts_with(&begins) && run.stderr.ends_with(" (exit 143)\n"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

fn scratch_log(scratch: &Scratch) -> String {
    fs::read_to_string(scratch.join("run.log")).expect("a log")
}

fn json_lines(log: &str) -> Vec<Value> {
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// A line of the text format: level, event, and its pairs, texts unquoted.
fn text_line(line: &str) -> (String, String, BTreeMap<String, String>) {
    let mut words = line.splitn(2, ' ');
    words.next().expect("a time").parse::<jiff::Timestamp>().expect("a time as RFC 3339 has it");
    let (level, rest) = words.next().expect("a level").split_once(' ').expect("an event");
    let (event, mut rest) = rest.trim_start().split_once(' ').expect("pairs");
    let mut pairs = BTreeMap::new();
    while let Some((name, value)) = rest.split_once('=') {
        let mut values = serde_json::Deserializer::from_str(value).into_iter::<Value>();
        // A text without quotes is no JSON; nor is a date or an address that begins like a number.
        let quoted = value.starts_with(['"', '[']).then(|| values.next().expect("a value").expect("JSON"));
        let end =
            if quoted.is_some() { values.byte_offset() } else { value.find(' ').unwrap_or(value.len()) };
        let text = match quoted {
            Some(Value::String(text)) => text,
            _ => value[..end].to_owned(),
        };
        pairs.insert(name.to_owned(), text);
        rest = value[end..].trim_start();
    }
    assert_eq!(rest, "", "{line}");
    (level.to_owned(), event.to_owned(), pairs)
}

/// What the text format makes of the summary.
fn pairs(summary: &Value) -> BTreeMap<String, String> {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut pairs = BTreeMap::new();
    for (name, value) in summary.as_object().expect("an object") {
        match value {
            Value::Null => {}
            Value::Object(inner) => {
                pairs.extend(inner.iter().map(|(inner, value)| (format!("{name}.{inner}"), shown(value))));
            }
            value => {
                pairs.insert(name.clone(), shown(value));
            }
        }
    }
    pairs
}

#[test]
fn both_formats_of_the_log_end_with_what_the_summary_says() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("some numbers.csv", "id,n\n1,1\nx,2\n3,3\n");
    let run = |format: &str| {
        let load = keyspace.load(&scratch, "numbers").args(["--log-file", "run.log", "--log-format", format]);
        let load = load.args(["--workers", "2", "--user", "loader"]).env("RINGLOAD_PASSWORD", PASSWORD);
        let run = load.env("RINGLOAD_HOST", "x").arg(&file).finish().expect_code(1);
        let log = scratch_log(&scratch);
        assert!(!log.contains(PASSWORD), "{log}");
        let mode = fs::metadata(scratch.join("run.log")).expect("a log").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_file(scratch.join("run.log")).expect("a log");
        (run, log)
    };
    let expected = [("warn", "warning"), ("info", "started"), ("warn", "finished")];

    let (finished, log) = run("json");
    let lines = json_lines(&log);
    let told: Vec<_> =
        lines.iter().map(|line| (line["level"].as_str().unwrap(), line["event"].as_str().unwrap())).collect();
    assert_eq!(told, expected, "{log}");
    for (name, value) in finished.summary.as_object().expect("an object") {
        assert_eq!(lines[2][name], *value, "{name}");
    }

    let (finished, log) = run("text");
    let lines: Vec<_> = log.lines().map(text_line).collect();
    let told: Vec<_> = lines.iter().map(|(level, event, _)| (level.as_str(), event.as_str())).collect();
    assert_eq!(told, expected, "{log}");
    let mut found = lines[2].2.clone();
    found.remove("pid").expect("a process");
    assert_eq!(found, pairs(&finished.summary));
    assert_eq!(lines[1].2["table"], keyspace.table("numbers"));
}

#[test]
fn runs_at_the_same_time_share_a_log() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let scratches = [Scratch::new(), Scratch::new(), Scratch::new()];
    let log = scratches[0].join("run.log");
    let start = |scratch: &Scratch| {
        let file = scratch.write("numbers.csv", "id,n\n1,1\n");
        let load = keyspace.load(scratch, "numbers").args(["--log-format", "json", "--log-file"]);
        load.arg(&log).arg(file).start()
    };
    let running: Vec<_> = scratches.iter().map(start).collect();
    let pids: Vec<u32> = running.iter().map(|run| run.pid()).collect();
    running.into_iter().for_each(|run| drop(run.finish().expect_code(0)));
    let lines = json_lines(&scratch_log(&scratches[0]));
    for pid in pids {
        let events: Vec<_> =
            lines.iter().filter(|line| line["pid"] == pid).map(|line| &line["event"]).collect();
        assert_eq!(events, ["started", "finished"]);
    }
}

#[test]
fn what_keeps_a_load_from_beginning_is_in_the_log_with_the_drivers_words() {
    let scratch = Scratch::new();
    let file = scratch.write("numbers.csv", "id,n\n1,1\n");
    // Nobody listens there.
    let run = |args: &[&str], code: i32| {
        let run = Run::load(&scratch, "127.0.0.1:1", "k.t").args(["--connect-timeout", "1s"]).args(args);
        let run = run.args(["--log-file", "run.log", "--log-format", "json"]).finish().expect_code(code);
        let lines = json_lines(&scratch_log(&scratch));
        let last = lines.last().expect("a line").clone();
        assert_eq!(
            (&last["level"], &last["event"], &last["exit_code"]),
            (&"error".into(), &"error".into(), &code.into())
        );
        assert_eq!(run.stderr, format!("error: {}\n", last["message"].as_str().expect("a message")));
        fs::remove_file(scratch.join("run.log")).expect("a log");
        lines
    };
    assert_eq!(run(&["none.csv"], 4).len(), 1);
    assert_eq!(run(&["numbers.csv", "--in-flight", "0"], 2).len(), 1);
    let lines = run(&[file.to_str().expect("UTF-8")], 4);
    let library = lines.iter().find(|line| line["event"] == "library").unwrap_or_else(|| panic!("{lines:?}"));
    let source = library["source"].as_str().expect("a source");
    assert!(source.starts_with("scylla") && library["message"].is_string(), "{library}");
}

#[test]
fn a_log_that_cannot_be_opened_is_known_before_anything_begins() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("numbers.csv", "id,n\n1,1\n");
    let run = keyspace.load(&scratch, "numbers").args(["--log-file", "none/run.log"]).arg(file);
    run.finish().expect_code(4).expect_said(&["cannot open the log file none/run.log: ", "--log-file"]);
    keyspace.expect_rows::<&str>("SELECT id FROM numbers", &[]);
}

#[test]
fn a_log_on_a_full_disk_is_told_once_and_the_load_goes_on() {
    let Some(keyspace) = Keyspace::new(&[NUMBERS]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("numbers.csv", "id,n\n1,1\n");
    let load = || keyspace.load(&scratch, "numbers").args(["--log-file", "/dev/full"]).arg(&file);
    let run = load().finish().expect_code(0);
    assert_eq!(
        run.stderr.matches("warning: cannot write to the log file /dev/full: ").count(),
        1,
        "{}",
        run.stderr
    );
    assert_eq!(run.number("warnings"), 1);
    let run = load().arg("--quiet").finish().expect_code(0);
    expect_output(&run, "");
    keyspace.expect_rows("SELECT id FROM numbers", &["1"]);
}

/// An address that no other process or test listens at.
fn metrics_address() -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    (Ipv4Addr::new(127, 99, high, low.max(1)), 9100).into()
}

/// The metrics that are served there, by name (and labels); `None` where nobody listens.
fn scrape(address: SocketAddr) -> Option<BTreeMap<String, f64>> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let mut answer = String::new();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: ringload\r\nConnection: close\r\n\r\n")
        .and_then(|()| stream.read_to_string(&mut answer))
        .expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let samples = body.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        (name.to_owned(), value.parse().expect("a number"))
    };
    Some(samples.map(sample).collect())
}

fn size(path: &Path) -> f64 {
    fs::metadata(path).expect("a file").len() as f64
}

#[test]
fn metrics_tell_how_far_a_load_is_and_end_with_it() {
    const RECORDS: u64 = 30_000;
    const PASSED: u64 = 2_000;
    let Some(load) = NumberedLoad::of(RECORDS) else { return };
    let address = metrics_address();
    assert_eq!(scrape(address), None);
    let metrics = address.to_string();
    load.relay.allow_writes(PASSED);
    let running = load.wait_for_writes(load.run(2).args(["--metrics-listen", &metrics]).start());
    // What the relay let pass, no more and no less, once the answers to it are there.
    let scraped = || scrape(address).expect("somebody listens");
    wait_until("all that passed is told", || scraped()["ringload_records_written_total"] == PASSED as f64);
    let found = scraped();
    assert_eq!(load.rows().len() as u64, PASSED);
    let input = size(&load.file) - "id,note\n".len() as f64;
    let version = env!("CARGO_PKG_VERSION");
    let info =
        format!(r#"ringload_run_info{{table="{}",version="{version}"}}"#, load.keyspace.table("numbered"));
    for (name, expected) in [
        ("ringload_records_written_total", PASSED as f64),
        ("ringload_records_rejected_total", 0.0),
        ("ringload_requests_retried_total", 0.0),
        ("ringload_workers_lost_total", 0.0),
        ("ringload_warnings_total", 0.0),
        ("ringload_workers_ready", 2.0),
        ("ringload_rows_waiting", 0.0),
        ("ringload_input_bytes", input),
        (&info, 1.0),
    ] {
        assert_eq!(found[name], expected, "{name} in {found:?}");
    }
    // The relay holds requests of both workers back.
    assert!((1.0..=64.0).contains(&found["ringload_requests_in_flight"]), "{found:?}");
    assert!((1.0..input).contains(&found["ringload_processed_bytes_total"]), "{found:?}");

    let second = Scratch::new();
    let run = Run::load(&second, &load.keyspace.contact, &load.keyspace.table("numbered"));
    let run = run.args(["--metrics-listen", &metrics]).arg(&load.file).finish().expect_code(4);
    assert_eq!(
        run.stderr,
        format!(
            "error: cannot serve metrics at {metrics}: Address already in use (os error 98): give --metrics-listen another \
             address\n"
        )
    );
    assert_eq!(load.rows().len() as u64, PASSED);

    // Who asks and does not listen holds nothing up.
    let mut idle = TcpStream::connect(address).expect("a connection");
    idle.write_all(b"GET /metrics HTTP/1.1\r\n").expect("half a request");
    load.relay.allow_all_writes();
    running.finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
    assert_eq!(scrape(address), None);
    load.expect_every_row();
}
