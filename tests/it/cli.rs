//! The command itself: usage, layers of options, what it says of itself, and where secrets do not go.

use std::fs;
use std::io::Read;

use serde_json::{Value, json};

use crate::support::database::Keyspace;
use crate::support::program::{Run, send_signal, wait_until};
use crate::support::scratch::Scratch;

/// A command line that is refused with one line.
#[track_caller]
fn check_usage(args: &[&str], variables: &[(&str, &str)], said: &[&str]) {
    let scratch = Scratch::new();
    scratch.write("in.csv", "id\n1\n");
    scratch.write("bad.toml", "worker = 1\n");
    scratch.write("limits.toml", "workers = -1\n");
    let run = variables.iter().fold(Run::new(&scratch).args(args), |run, (name, value)| run.env(name, value));
    let run = run.finish().expect_code(2).expect_said(said);
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    assert_eq!((run.stderr.lines().count(), run.stdout.as_str()), (1, ""), "{}", run.stderr);
}

#[test]
fn wrong_usage_is_one_line_and_exit_code_2() {
    let check = |args: &[&str], said: &[&str]| check_usage(args, &[], said);
    check(&["laod"], &["laod", "load"]);
    check(&["load", "in.csv"], &["--table is missing", "-t KEYSPACE.TABLE"]);
    check(&["load", "-t", "k.t"], &["the input is missing", "files"]);
    check(&["load", "-t", "t", "in.csv"], &["--table 't'", "KEYSPACE.TABLE"]);
    check(&["load", "-t", "k.t", "--wrokers", "2", "in.csv"], &["--wrokers", "--workers"]);
    check(&["load", "-t", "k.t", "--workers", "many", "in.csv"], &["--workers 'many'", "from 0 to 256"]);
    check(&["load", "-t", "k.t", "--workers=-1", "in.csv"], &["--workers '-1'"]);
    check(&["load", "-t", "k.t", "--in-flight", "0", "in.csv"], &["--in-flight '0'"]);
    check(&["load", "-t", "k.t", "--quote", ";;", "in.csv"], &["--quote ';;'", "one character"]);
    check(&["load", "-t", "k.t", "--delimiter", "\"", "in.csv"], &["--delimiter and --quote"]);
    check(&["load", "-t", "k.t", "--no-header", "in.csv"], &["--no-header without --columns"]);
    check(&["load", "-t", "k.t", "--columns", "a,a", "in.csv"], &["'a' stands there twice"]);
    check(&["load", "-t", "k.t", "--max-errors", "101%", "in.csv"], &["--max-errors '101%'"]);
    check(&["load", "-t", "k.t", "--max-record-size", "2TiB", "in.csv"], &["--max-record-size '2TiB'"]);
    check(&["load", "-t", "k.t", "--timestamp", "1700000000", "in.csv"], &["looks like seconds"]);
    check(&["load", "-t", "k.t", "--retry-for", "10", "in.csv"], &["--retry-for '10'", "10s"]);
    check(&["load", "-t", "k.t", "--consistency", "SOME", "in.csv"], &["--consistency", "LOCAL_QUORUM"]);
    check(&["load", "-t", "k.t", "--hosts", "a:b:c", "in.csv"], &["--hosts 'a:b:c'"]);
    check(&["load", "-t", "k.t", "--tls-ca", "ca.pem", "in.csv"], &["--tls-ca without --tls"]);
    check(&["load", "-t", "k.t", "--password", "x", "in.csv"], &["--password"]);
    check(
        &["load", "-t", "k.t", "--user", "u", "--password-file", "none", "in.csv"],
        &["password file none"],
    );
    check(&["load", "-t", "k.t", "--config", "none.toml", "in.csv"], &["none.toml"]);
    check(&["load", "-t", "k.t", "--config", "bad.toml", "in.csv"], &["bad.toml", "'worker'", "'workers'"]);
    check(
        &["load", "-t", "k.t", "--config", "limits.toml", "in.csv"],
        &["--workers '-1' (from limits.toml)"],
    );
    check(&["completions", "cobol"], &["cobol"]);
    let table = ("RINGLOAD_TABLE", "k.t");
    check_usage(
        &["load", "in.csv"],
        &[table, ("RINGLOAD_WORKERS", "x")],
        &["--workers 'x' (from RINGLOAD_WORKERS)"],
    );
    check_usage(&["load", "in.csv"], &[table, ("RINGLOAD_DRY_RUN", "perhaps")], &["neither true nor false"]);
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE numbers (id int PRIMARY KEY, n int)"]) else { return };
    let scratch = Scratch::new();
    scratch.write("in.csv", "id;n\n1;1\n2;x\n");
    let (contact, table) = (&keyspace.contact, keyspace.table("numbers"));
    scratch.write(
        "ringload.toml",
        format!(
            "hosts = [\"{contact}\"]\ntable = \"{table}\"\nfiles = [\"in.csv\"]\ndry-run = true\nsummary = \"summary.json\"\n\
             workers = 7\nprogress = \"none\"\n[load]\nworkers = 3\ndelimiter = \";\"\nmax-errors = 0\n"
        ),
    );
    let file_only = || Run::new(&scratch).args(["load", "--config", "ringload.toml"]);
    let environment = || file_only().env("RINGLOAD_WORKERS", "2").env("RINGLOAD_MAX_ERRORS", "50%");
    let workers = |run: Run, code: i32| {
        let run = run.finish().expect_code(code).expect_counts(2, 1, 1);
        assert_eq!(run.summary["dry_run"], true);
        run.number("workers")
    };
    assert_eq!(workers(file_only(), 3), 3);
    assert_eq!(workers(environment(), 1), 2);
    assert_eq!(workers(environment().args(["--workers", "0"]), 1), 0);
    assert_eq!(workers(environment().args(["--max-errors", "0", "--workers=1"]), 3), 1);
    let by_variable = Run::new(&scratch).arg("load").env("RINGLOAD_CONFIG", "ringload.toml");
    assert_eq!(workers(by_variable.env("RINGLOAD_MAX_ERRORS", "1"), 1), 3);
    keyspace.expect_rows::<&str>("SELECT id FROM numbers", &[]);
    // Files of the command line replace those of the configuration file; a flag can be taken back by the environment.
    scratch.write("other.csv", "id;n\n5;5\n");
    file_only()
        .env("RINGLOAD_DRY_RUN", "false")
        .arg("other.csv")
        .finish()
        .expect_code(0)
        .expect_counts(1, 1, 0);
    keyspace.expect_rows("SELECT id, n FROM numbers", &["5, 5"]);
}

#[test]
fn what_the_command_says_of_itself_goes_to_standard_output() {
    let check = |args: &[&str], said: &[&str]| {
        let run = Run::new(&Scratch::new()).args(args).finish().expect_code(0);
        assert_eq!(run.stderr, "", "{args:?}");
        for text in said {
            assert!(run.stdout.contains(text), "{args:?}: {text:?} is not in {}", run.stdout);
        }
    };
    check(&["--version"], &[concat!("ringload ", env!("CARGO_PKG_VERSION"), "\n")]);
    check(&["--help"], &["load", "check", "completions", "man"]);
    check(&["check", "--help"], &["--schema <FILE.cql>", "--rate <ROWS>", "--max-errors", "Exit codes:"]);
    check(
        &["load", "--help"],
        &["--table <KEYSPACE.TABLE>", "--max-errors", "RINGLOAD_PASSWORD", "Exit codes:"],
    );
    check(&["help", "load"], &["--unit-size"]);
    check(&["completions", "bash"], &["_ringload", "--max-errors", "complete "]);
    check(&["completions", "zsh"], &["#compdef ringload"]);
    check(&["completions", "fish"], &["complete -c ringload"]);
    check(&["man"], &[".TH ringload 1", ".SH SYNOPSIS", ".SH RINGLOAD CHECK", "max\\-errors", "Exit codes"]);
    let hidden = Run::new(&Scratch::new()).arg("--help").finish();
    assert!(!hidden.stdout.contains("\n  worker"), "{}", hidden.stdout);
    let completions = Run::new(&Scratch::new()).args(["completions", "bash"]).finish();
    assert!(!completions.stdout.contains("ringload__worker") && !completions.stdout.contains(" worker"));
    let bare = Run::new(&Scratch::new()).finish().expect_code(2).expect_said(&["Usage: ringload"]);
    assert_eq!(bare.stdout, "");
}

#[test]
fn a_summary_that_cannot_be_written_is_known_before_the_load() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE numbers (id int PRIMARY KEY)"]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("numbers.csv", "id\n1\n");
    let run = Run::new(&scratch)
        .args([
            "load",
            "-t",
            &keyspace.table("numbers"),
            "--hosts",
            &keyspace.contact,
            "--summary",
            "none/summary.json",
        ])
        .arg(file)
        .finish();
    run.expect_code(4).expect_said(&["cannot write the summary file none/summary.json"]);
    keyspace.expect_rows::<&str>("SELECT id FROM numbers", &[]);
}

#[test]
fn a_password_is_in_no_workers_arguments_or_environment_and_in_no_output() {
    const PASSWORD: &str = "s3cr3t-of-the-test";
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE numbers (id int PRIMARY KEY, n int)"]) else { return };
    let scratch = Scratch::new();
    let records: String = (0..50_000).map(|id| format!("{id},1\n")).collect();
    let file = scratch.write("numbers.csv", format!("id,n\n{records}"));
    // The node asks for no password; it is sent to the workers all the same. One request at a time: there is time to look.
    let mut run = keyspace
        .load(&scratch, "numbers")
        .args(["--workers", "2", "--in-flight", "1", "--unit-size", "8KiB", "--user", "loader"])
        .env("RINGLOAD_PASSWORD", PASSWORD)
        .env("RINGLOAD_RETRY_FOR", "1m")
        .arg(file)
        .start();
    let of_process = |pid: u32, what: &str| {
        let mut bytes = Vec::new();
        fs::File::open(format!("/proc/{pid}/{what}"))
            .and_then(|mut file| file.read_to_end(&mut bytes))
            .expect("readable");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    wait_until("both workers run and a row is there", || {
        assert!(!run.has_ended(), "it ended before it could be looked at");
        let workers = run.workers();
        workers.len() == 2
            && workers.iter().all(|pid| of_process(*pid, "cmdline").contains("worker"))
            && !keyspace.rows("SELECT id FROM numbers LIMIT 1").is_empty()
    });
    assert!(of_process(run.pid(), "environ").contains(PASSWORD), "the test sees environments");
    assert!(!of_process(run.pid(), "cmdline").contains(PASSWORD));
    for pid in run.workers() {
        let (arguments, environment) = (of_process(pid, "cmdline"), of_process(pid, "environ"));
        assert!(!arguments.contains(PASSWORD), "{arguments}");
        assert!(environment.contains("PATH="), "the test sees environments");
        assert!(!environment.contains(PASSWORD) && !environment.contains("RINGLOAD_"), "{environment}");
    }
    send_signal(run.pid(), "TERM");
    let run = run.finish().expect_code(143).expect_said(&["interrupted by SIGTERM"]);
    assert!(!run.stderr.contains(PASSWORD) && !run.summary.to_string().contains(PASSWORD));
}

#[test]
fn progress_for_scripts_is_a_json_object_a_line_on_standard_error() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE numbers (id int PRIMARY KEY)"]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write("numbers.csv", "id\n1\n2\nx\n");
    let table = keyspace.table("numbers");
    let run = Run::new(&scratch)
        .args(["load", "-t", &table, "--hosts", &keyspace.contact, "--progress", "json"])
        .arg(file)
        .finish()
        .expect_code(1);
    let lines: Vec<Value> =
        run.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().expect("an event")).collect();
    assert_eq!((events.first(), events.last()), (Some(&"started"), Some(&"finished")), "{events:?}");
    let last = lines.last().expect("a line");
    assert_eq!([&last["table"], &last["written"], &last["rejected"]], [&json!(table), &json!(2), &json!(1)]);
    assert_eq!(run.stdout, "");
}
