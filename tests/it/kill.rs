//! One load that is ended again and again, at random instants, the coordinator or a worker or all of them, and is run again each
//! time: at the end every record is a row with its value and its write time, counted once, and nobody is left behind.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::numbered::NumberedLoad;
use crate::support::processes::running_in;
use crate::support::program::{Finished, Running, is_alive, send_signal, wait_until};

/// The variable with which a failed test's instants and victims come again.
const SEED: &str = "RINGLOAD_TEST_SEED";
const WORKERS: usize = 4;
const UNIT_SIZE: &str = "24KiB";
/// What a worker holds: two units, of as many records as their bytes have room for (only in the first are lines shorter).
const HELD_BY_WORKER: u64 = 2 * (24 * 1024 / "100,record 100 of the file\n".len() as u64 + 1);
/// How soon workers must have ended after their coordinator: requests in flight have 5 s to end, and two minutes to be answered.
const ORPHANS_WITHIN: Duration = Duration::from_secs(60);

/// Random numbers that a seed repeats (SplitMix64).
struct Dice(u64);

impl Dice {
    fn new() -> Dice {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos() as u64;
        let seed = std::env::var(SEED).map_or(now, |seed| seed.parse().expect("a number"));
        eprintln!("{SEED}={seed} casts the same dice again");
        Dice(seed)
    }

    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Who gets the signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Coordinator,
    Worker,
    All,
}

/// A load that is ended again and again.
struct Tormented {
    load: NumberedLoad,
    dice: Dice,
    running: Option<Running>,
    /// Workers of the current run that got the signal: a unit over which three died would be given up.
    workers_lost: u64,
    /// Different rows that had been sent when the current run began.
    rows_before: u64,
    /// Records that the last run to tell of it began behind.
    resumed: u64,
}

impl Tormented {
    fn of(records: u64) -> Option<Tormented> {
        let load = NumberedLoad::of(records)?;
        load.relay.allow_writes(0);
        let dice = Dice::new();
        Some(Tormented { load, dice, running: None, workers_lost: 0, rows_before: 0, resumed: 0 })
    }

    /// Sends signals at random instants, and runs the load again after each that has ended it.
    fn torment(&mut self, signals: u64, signal: &str) {
        // So few rows may pass for each signal that the load cannot end before the last one.
        let rows = self.load.records / (signals + 1);
        for _ in 0..signals {
            self.go_on_a_while(rows);
            let victim = match self.dice.below(3) {
                0 if self.workers_lost < 2 => Victim::Worker,
                0 | 1 => Victim::Coordinator,
                _ => Victim::All,
            };
            self.send(signal, victim);
        }
    }

    /// Lets up to `rows` more rows pass, and returns somewhere before the last of them has; in one of eight cases at once.
    fn go_on_a_while(&mut self, rows: u64) {
        let until = match self.dice.below(8) {
            0 => 0,
            _ => self.load.passed() + self.dice.below(rows),
        };
        self.load.relay.allow_writes(rows);
        let load = &self.load;
        if self.running.is_none() {
            (self.rows_before, self.workers_lost) = (load.relay.rows_passed(), 0);
        }
        let run = || load.run_in_units(WORKERS, UNIT_SIZE).args(["--progress", "json"]);
        let mut running = self.running.take().unwrap_or_else(|| run().start());
        let mut ended = false;
        wait_until("some rows have passed", || {
            ended = running.has_ended();
            ended || load.passed() >= until
        });
        if ended {
            panic!("the load ended before it could be disturbed: {:?}", running.finish());
        }
        self.running = Some(running);
    }

    fn send(&mut self, signal: &str, victim: Victim) {
        let running = self.running.take().expect("a run");
        let (coordinator, workers) = (running.pid(), running.workers());
        // Before there are any, it is the coordinator's turn.
        let chosen = workers.get(self.dice.below(WORKERS as u64) as usize);
        if let (Victim::Worker, Some(&worker)) = (victim, chosen) {
            send_signal(worker, signal);
            wait_until("the worker is dead", || !is_alive(worker));
            self.workers_lost += 1;
            self.running = Some(running);
            return;
        }
        if victim == Victim::All {
            workers
                .into_iter()
                .filter(|worker| is_alive(*worker))
                .for_each(|worker| send_signal(worker, signal));
        }
        send_signal(coordinator, signal);
        let run = running.finish();
        match signal {
            "KILL" => assert_eq!(run.code, None, "{run:?}"),
            // Before the first question to the cluster there is nothing to put in order.
            _ => assert!(matches!(run.code, None | Some(143)), "{run:?}"),
        }
        self.look_at_what_was_resumed(&run);
    }

    /// What was done stays done; and of what was sent and is not, no more is sent again than was foretold, and no more than the
    /// workers held.
    fn look_at_what_was_resumed(&mut self, run: &Finished) {
        let Some(told) = run.event("resumed") else { return };
        let number = |key: &str| told[key].as_u64().expect("a number");
        let (resumed, uncertain) = (number("resumed_records"), number("uncertain"));
        assert!(self.resumed <= resumed && resumed <= self.rows_before, "{told} after {}", self.resumed);
        let again = self.rows_before - resumed;
        assert!(again <= uncertain, "{again} rows were on their way: {told}");
        assert!(again <= WORKERS as u64 * HELD_BY_WORKER, "{again} rows were on their way");
        self.resumed = resumed;
    }

    fn expect_nobody_left(&self) {
        let begin = Instant::now();
        wait_until("no process is left", || running_in(self.load.scratch.path()).is_empty());
        assert!(begin.elapsed() < ORPHANS_WITHIN, "it took {:?}", begin.elapsed());
    }

    /// Runs the load to its end, past the relay, in other units and with more requests in flight, and looks at what has become of
    /// everything.
    fn expect_everything(mut self) {
        if let Some(running) = self.running.take() {
            send_signal(running.pid(), "KILL");
            self.look_at_what_was_resumed(&running.finish());
        }
        self.expect_nobody_left();
        self.rows_before = self.load.relay.rows_passed();
        let run = self.load.run_directly(WORKERS).args(["--in-flight", "128", "--progress", "json"]).finish();
        self.look_at_what_was_resumed(&run);
        let records = self.load.records;
        let run = run.expect_code(0).expect_counts(records, records, 0);
        assert_eq!((run.number("resumed_records"), run.number("workers_lost")), (self.resumed, 0));
        assert_eq!(self.resumed + run.sent(), records, "{}", run.summary);
        self.expect_nobody_left();
        self.load.expect_every_row_at_its_time();
    }
}

#[test]
fn a_load_that_is_killed_25_times_at_random_instants_writes_every_record_once() {
    let Some(mut load) = Tormented::of(300_000) else { return };
    load.torment(25, "KILL");
    load.expect_everything();
}

#[test]
fn a_load_that_is_terminated_again_and_again_writes_every_record_once() {
    let Some(mut load) = Tormented::of(60_000) else { return };
    load.torment(8, "TERM");
    load.expect_everything();
}
