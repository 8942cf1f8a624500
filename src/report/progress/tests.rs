use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use indicatif::TermLike;

use super::*;
use crate::report::event::{Resumed, RunStatus, Summary};

/// Collects what is written, by the bar and beside it.
#[derive(Debug, Clone, Default)]
struct Screen(Arc<Mutex<String>>);

impl Screen {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn push(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap().push_str(text);
        Ok(())
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(std::str::from_utf8(bytes).unwrap())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        100
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.push(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.push(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.push("<clear>")
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

fn snapshot(millis: u64) -> Snapshot {
    Snapshot {
        bytes_total: 4_000_000,
        bytes_done: millis * 100,
        written: millis,
        in_flight: 8,
        workers_ready: 2,
        elapsed: Duration::from_millis(millis),
        ..Snapshot::default()
    }
}

fn started() -> RunEvent {
    RunEvent::Started {
        table: "shop.orders".to_owned(),
        inputs: vec![PathBuf::from("a.csv")],
        bytes_total: 4_000_000,
        workers: 2,
        dry_run: false,
    }
}

fn finished() -> RunEvent {
    RunEvent::Finished(Box::new(Summary {
        status: RunStatus::Done,
        message: None,
        table: "shop.orders".to_owned(),
        inputs: vec![PathBuf::from("a.csv")],
        dry_run: false,
        bytes: 4_000_000,
        job: None,
        resumed: Resumed::default(),
        ledger_cpu: None,
        first_settled: None,
        records: 40_000,
        written: 40_000,
        rejected: 0,
        uncertain: 0,
        not_applied: 0,
        retried: 0,
        units: 1,
        workers: 2,
        workers_lost: 0,
        session_starts: 2,
        session_starts_peak: 1,
        requests: 40_000,
        rows_per_request: None,
        elapsed: Duration::from_secs(40),
        latency: None,
        rejects_dir: None,
        reject_reasons: Vec::new(),
        files: Vec::new(),
        unit_bytes: None,
        estimate: None,
        verify_only: false,
        verified: None,
        warnings: 0,
    }))
}

fn shown_as(progress: ProgressMode) -> WatchingSettings {
    WatchingSettings { progress, ..WatchingSettings::default() }
}

/// What a run of 25 s, told four times a second, shows.
fn run(mode: ProgressMode) -> String {
    let screen = Screen::default();
    let mut reporter =
        Reporter::with_output(&shown_as(mode), ProgressDrawTarget::hidden(), Box::new(screen.clone()));
    reporter.handle(&started());
    for quarter in 1..=100 {
        reporter.handle(&RunEvent::Progress(snapshot(quarter * 250)));
    }
    reporter.handle(&RunEvent::WorkerLost { worker: 1, reason: "signal 9".to_owned() });
    reporter.handle(&RunEvent::Warning("clocks differ by 2s".to_owned()));
    reporter.handle(&finished());
    screen.text()
}

const SUMMARY: &str = "\
done
  table           shop.orders
  records         40,000 (4.0 MB)
  written         40,000
  rejected        0
  workers         2 (1 unit)
  session starts  2, at most 1 at once
  time            40.0s
  rate            1,000 rows/s, 0.1 MB/s
";

const WARNINGS: &str = "\
warning: worker 1 ended before its time, its units go to others: signal 9
warning: clocks differ by 2s
";

#[test]
fn plain_lines_come_every_ten_seconds_of_the_run() {
    let lines = "\
loading a.csv (4.0 MB) into shop.orders with 2 workers
10s: 25.0%, ETA 30s, 10,000 rows, 0 rejected, 1,000 rows/s, 0.1 MB/s, 8 in flight
20s: 50.0%, ETA 20s, 20,000 rows, 0 rejected, 1,000 rows/s, 0.1 MB/s, 8 in flight
";
    assert_eq!(run(ProgressMode::Plain), format!("{lines}{WARNINGS}{SUMMARY}"));
}

#[test]
fn without_a_terminal_a_bar_becomes_plain_lines() {
    assert_eq!(run(ProgressMode::Auto), run(ProgressMode::Plain));
    assert_eq!(run(ProgressMode::Bar), run(ProgressMode::Plain));
}

#[test]
fn none_shows_warnings_and_the_summary_only() {
    assert_eq!(run(ProgressMode::None), format!("{WARNINGS}{SUMMARY}"));
}

#[test]
fn json_lines_come_every_second_and_everything_is_json() {
    let text = run(ProgressMode::Json);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 25 + 3);
    assert_eq!(
        lines[0],
        r#"{"event":"started","table":"shop.orders","inputs":["a.csv"],"bytes_total":4000000,"workers":2,"dry_run":false}"#
    );
    assert_eq!(
        lines[2],
        r#"{"event":"progress","seconds":2.0,"percent":5.0,"bytes_done":200000,"bytes_total":4000000,"written":2000,"rejected":0,"retried":0,"in_flight":8,"waiting":0,"workers_ready":2,"rows_per_second":1000.0,"bytes_per_second":100000.0,"eta_seconds":38}"#
    );
    assert_eq!(lines[26], r#"{"event":"worker_lost","worker":1,"reason":"signal 9"}"#);
    assert_eq!(lines[27], r#"{"event":"warning","message":"clocks differ by 2s"}"#);
    assert!(
        lines[28].starts_with(r#"{"event":"finished","version":1,"job":null,"status":"done","#),
        "{}",
        lines[28]
    );
    for line in lines {
        assert!(serde_json::from_str::<serde_json::Value>(line).unwrap().is_object());
    }
}

#[test]
fn a_verification_tells_of_no_row_as_written() {
    let snapshot = Snapshot { verifying: true, rejected: 3, ..snapshot(2_000) };
    let rates = Meter::default().observe(&snapshot);
    let line: serde_json::Value = serde_json::from_str(&json::progress(&snapshot, &rates)).unwrap();
    let keys = ["written", "rejected", "verified", "findings"];
    assert_eq!(keys.map(|key| line[key].as_u64()), [None, None, Some(2_000), Some(3)]);
}

#[test]
fn a_late_snapshot_brings_one_line_and_the_pace_stays_on_multiples() {
    let mut pace = Pace::every(PLAIN_EVERY);
    let mut check = |seconds: u64, expected: bool| {
        assert_eq!(pace.is_due(Duration::from_secs(seconds)), expected, "{seconds}");
    };
    check(9, false);
    check(37, true);
    check(38, false);
    check(40, true);
    check(49, false);
    check(50, true);
}

/// A reporter with a bar on a screen.
fn bar_on(screen: &Screen) -> Reporter {
    let target = ProgressDrawTarget::term_like(Box::new(terminal::Homing(screen.clone())));
    Reporter::with_output(&shown_as(ProgressMode::Auto), target, Box::new(screen.clone()))
}

#[test]
fn a_bar_shows_the_figures_and_warnings_stand_above_it() {
    let screen = Screen::default();
    let mut reporter = bar_on(&screen);
    reporter.handle(&started());
    reporter.handle(&RunEvent::Progress(Snapshot { waiting: 5000, ..snapshot(10_000) }));
    let drawn = screen.text();
    for part in [
        "loading a.csv (4.0 MB) into shop.orders with 2 workers\n",
        "=> ",
        "] 25.0%, ETA 30s",
        "waiting for the cluster: 5,000 rows, 10,000 rows, 0 rejected, 1,000 rows/s, 0.1 MB/s, 8 in flight",
    ] {
        assert!(drawn.contains(part), "{part} in {drawn}");
    }
    for (event, text) in [
        (RunEvent::Warning("clocks differ".to_owned()), "warning: clocks differ\n"),
        (
            RunEvent::Stopping { signal: 2, at_once: false },
            "stopping: requests in flight end first; press Ctrl-C again to stop at once\n",
        ),
    ] {
        let before = screen.text().len();
        reporter.handle(&event);
        let after = screen.text()[before..].to_owned();
        let (cleared, told) = (after.find("<clear>").unwrap(), after.find(text).unwrap());
        let redrawn = after.rfind("] 25.0%").unwrap();
        assert!(cleared < told && told < redrawn, "{after}");
    }
    reporter.handle(&finished());
    assert!(screen.text().ends_with(SUMMARY), "{}", screen.text());
}

#[test]
fn there_is_no_bar_before_there_is_progress() {
    let screen = Screen::default();
    let mut reporter = bar_on(&screen);
    reporter.handle(&started());
    reporter.handle(&RunEvent::Warning("clocks differ".to_owned()));
    assert_eq!(
        screen.text(),
        "loading a.csv (4.0 MB) into shop.orders with 2 workers\nwarning: clocks differ\n"
    );
}

#[test]
fn between_two_drawings_the_cursor_waits_where_ctrl_c_breaks_no_line() {
    let screen = Screen::default();
    let mut reporter = bar_on(&screen);
    for quarter in 1..=3 {
        reporter.handle(&RunEvent::Progress(snapshot(quarter * 250)));
        assert!(screen.text().ends_with('\r'), "{:?}", screen.text());
    }
}

#[test]
fn an_error_takes_the_place_of_the_bar() {
    let screen = Screen::default();
    let mut reporter = bar_on(&screen);
    reporter.handle(&RunEvent::Progress(snapshot(250)));
    let drawn = screen.text().len();
    reporter.refuse("shop.orders", &io::Error::other("no node answers"), 4);
    let after = screen.text()[drawn..].to_owned();
    assert!(after.contains("<clear>") && after.ends_with("error: no node answers\n"), "{after}");
}

/// What a quiet run shows that ends with `end`.
fn quiet(progress: ProgressMode, end: impl FnOnce(&mut Reporter)) -> String {
    let screen = Screen::default();
    let settings = WatchingSettings { progress, quiet: true, ..WatchingSettings::default() };
    let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
    let mut reporter = Reporter::with_output(&settings, target, Box::new(screen.clone()));
    reporter.handle(&started());
    reporter.handle(&RunEvent::Progress(snapshot(20_000)));
    reporter.handle(&RunEvent::Warning("clocks differ".to_owned()));
    reporter.handle(&RunEvent::WorkerLost { worker: 1, reason: "signal 9".to_owned() });
    reporter.handle(&RunEvent::Stopping { signal: 2, at_once: false });
    end(&mut reporter);
    screen.text()
}

#[test]
fn a_quiet_run_shows_nothing_or_one_line() {
    let RunEvent::Finished(done) = finished() else { panic!("not finished") };
    let unwritten = SummaryError { path: "s.json".into(), source: io::ErrorKind::StorageFull.into() };
    let line = format!("ringload: shop.orders: {unwritten} (exit 4)\n");
    let rejects = Summary { status: RunStatus::DoneWithRejects, rejected: 12, ..(*done).clone() };
    for mode in [ProgressMode::Auto, ProgressMode::Plain, ProgressMode::Json, ProgressMode::None] {
        assert_eq!(quiet(mode, |reporter| reporter.handle(&finished())), "");
        assert_eq!(quiet(mode, |reporter| reporter.finish(&done, Some(&unwritten), 4)), line);
        assert_eq!(
            quiet(mode, |reporter| reporter.finish(&rejects, None, 1)),
            "ringload: shop.orders: 12 of 40,000 records rejected (exit 1)\n"
        );
        assert_eq!(
            quiet(mode, |reporter| reporter.refuse(
                "shop.orders",
                &io::Error::other("a.csv:\nno such file"),
                4
            )),
            "ringload: shop.orders: could not begin: a.csv: no such file (exit 4)\n"
        );
    }
}

#[test]
fn a_closed_pipe_neither_fails_nor_panics() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    for mode in [ProgressMode::Plain, ProgressMode::Json, ProgressMode::None] {
        let mut reporter =
            Reporter::with_output(&shown_as(mode), ProgressDrawTarget::hidden(), Box::new(Closed));
        for event in [started(), RunEvent::Progress(snapshot(20_000)), finished()] {
            reporter.handle(&event);
        }
    }
}
