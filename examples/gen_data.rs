//! Writes large CSV files for benches: the same bytes for the same kind, amount and seed, on every machine.
//! Started by `scripts/gen-data`, which compiles this file by itself: it uses the standard library only, nothing of
//! `ringload`, so that a fault there cannot hide in the data too.

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

const USAGE: &str = "usage: gen-data sensors|sorted|kv|wide|flights|narrow|quoted ROWS|SIZE [--seed N] [--out FILE]
  sensors  scattered rows, about 100 to a partition; a fifth of the notes quoted, with doubled quotes and a line end
  sorted   such rows, 100 to a partition, one partition after the other
  kv       one row to a partition, keys scattered
  wide     40 columns, one row to a partition, keys scattered; a thirteenth of the fields empty
  flights  the real flights of fixtures/flights-2013-01.csv, again for each later year
  narrow   two numbers
  quoted   every field in quotes
ROWS is a number; SIZE a number with kB, MB or GB (powers of 1000): whole records until it is reached.
";

/// A month of real flights; see fixtures/README.md.
const FLIGHTS: &str = include_str!("../fixtures/flights-2013-01.csv");
/// The year in it, with which its lines begin.
const FLIGHTS_YEAR: u64 = 2013;

/// Columns of a wide row, the key among them.
const WIDE_COLUMNS: u64 = 40;
/// Rows to a partition of sensors, on average where they are scattered.
const PARTITION_ROWS: u64 = 100;
/// Between two readings, in milliseconds.
const READING_MS: u64 = 37;

/// Bytes collected before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// The kinds of file; `fixtures/schema/*.cql` has a table for each.
#[derive(Clone, Copy)]
enum Kind {
    Sensors,
    Sorted,
    Kv,
    Wide,
    Flights,
    Narrow,
    Quoted,
}

impl Kind {
    fn header(self) -> String {
        match self {
            Kind::Sensors | Kind::Sorted => "sensor_id,bucket,ts,value,status,note\n".to_owned(),
            Kind::Kv => "id,a,b,c\n".to_owned(),
            Kind::Wide => {
                let names: String = (1..WIDE_COLUMNS).map(|column| format!(",c{column:02}")).collect();
                format!("id{names}\n")
            }
            Kind::Flights => FLIGHTS.lines().next().map(|line| format!("{line}\n")).unwrap_or_default(),
            Kind::Narrow => "id,a\n".to_owned(),
            Kind::Quoted => "\"id\",\"name\",\"amount\",\"note\"\n".to_owned(),
        }
    }

    /// Bytes of an average record, to guess the rows of a size.
    fn record_bytes(self) -> u64 {
        match self {
            Kind::Sensors | Kind::Sorted => 112,
            Kind::Kv => 43,
            Kind::Wide => 597,
            Kind::Flights => 92,
            Kind::Narrow => 18,
            Kind::Quoted => 96,
        }
    }
}

/// How much to write.
#[derive(Clone, Copy)]
enum Amount {
    Rows(u64),
    Bytes(u64),
}

struct Arguments {
    kind: Kind,
    amount: Amount,
    seed: u64,
    out: Option<String>,
}

fn main() -> ExitCode {
    let Some(arguments) = parse(std::env::args().skip(1)) else {
        // Where even this cannot be written, the exit code still tells.
        let _ = io::stderr().write_all(USAGE.as_bytes());
        return ExitCode::from(2);
    };
    let written = match &arguments.out {
        Some(path) => File::create(path).and_then(|file| generate(&arguments, file)),
        None => generate(&arguments, io::stdout().lock()),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "gen-data: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Arguments> {
    let kind = match words.next()?.as_str() {
        "sensors" => Kind::Sensors,
        "sorted" => Kind::Sorted,
        "kv" => Kind::Kv,
        "wide" => Kind::Wide,
        "flights" => Kind::Flights,
        "narrow" => Kind::Narrow,
        "quoted" => Kind::Quoted,
        _ => return None,
    };
    let mut arguments = Arguments { kind, amount: parse_amount(&words.next()?)?, seed: 1, out: None };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seed" => arguments.seed = words.next()?.parse().ok()?,
            "--out" => arguments.out = Some(words.next()?),
            _ => return None,
        }
    }
    Some(arguments)
}

fn parse_amount(text: &str) -> Option<Amount> {
    for (suffix, unit) in [("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)] {
        if let Some(number) = text.strip_suffix(suffix) {
            return number.parse::<u64>().ok()?.checked_mul(unit).map(Amount::Bytes);
        }
    }
    text.replace('_', "").parse().ok().map(Amount::Rows)
}

fn generate(arguments: &Arguments, mut out: impl Write) -> io::Result<()> {
    let (rows, rows_max, bytes_max) = match arguments.amount {
        Amount::Rows(rows) => (rows, rows, u64::MAX),
        Amount::Bytes(bytes) => (bytes / arguments.kind.record_bytes(), u64::MAX, bytes),
    };
    let mut random = Random::new(arguments.seed);
    let mut clock = Clock::new();
    let scatter = Scatter::new(rows.max(1));
    let sensors = (rows / PARTITION_ROWS).max(1);
    let mut flights = FLIGHTS.lines().skip(1).cycle();
    let flights_a_year = FLIGHTS.lines().count() as u64 - 1;
    let mut buffer = Vec::with_capacity(BUFFER_BYTES + 4096);
    buffer.extend_from_slice(arguments.kind.header().as_bytes());
    let mut flushed = 0u64;
    let mut row = 0;
    while row < rows_max && flushed + (buffer.len() as u64) < bytes_max {
        match arguments.kind {
            Kind::Sensors => {
                let sensor = random.below(sensors);
                reading(&mut buffer, &mut random, &clock, row, sensor);
                clock.advance(READING_MS);
            }
            Kind::Sorted => {
                let sensor = row / PARTITION_ROWS;
                if row.is_multiple_of(PARTITION_ROWS) {
                    clock = Clock::new();
                    clock.advance(sensor * READING_MS);
                }
                reading(&mut buffer, &mut random, &clock, row, sensor);
                clock.advance(sensors * READING_MS);
            }
            Kind::Kv => key_value(&mut buffer, &mut random, scatter.key(row)),
            Kind::Wide => {
                wide(&mut buffer, &mut random, &clock, row, scatter.key(row));
                clock.advance(READING_MS);
            }
            Kind::Flights => {
                flight(&mut buffer, flights.next().unwrap_or_default(), FLIGHTS_YEAR + row / flights_a_year);
            }
            Kind::Narrow => {
                number(&mut buffer, row);
                buffer.push(b',');
                number(&mut buffer, random.below(1_000_000_000));
                buffer.push(b'\n');
            }
            Kind::Quoted => quoted(&mut buffer, &mut random, row),
        }
        row += 1;
        if buffer.len() >= BUFFER_BYTES {
            out.write_all(&buffer)?;
            flushed += buffer.len() as u64;
            buffer.clear();
        }
    }
    out.write_all(&buffer)?;
    out.flush()
}

fn reading(out: &mut Vec<u8>, random: &mut Random, clock: &Clock, row: u64, sensor: u64) {
    uuid(out, u128::from(sensor) * 2_654_435_761 + 1);
    out.push(b',');
    out.extend_from_slice(clock.date.as_bytes());
    out.push(b',');
    clock.write(out);
    out.push(b',');
    decimal(out, random.below(100_000_000), 6);
    out.extend_from_slice(match row % 3 {
        0 => b",ok,",
        1 => b",warn,",
        _ => b",fail,",
    });
    if row.is_multiple_of(5) {
        out.extend_from_slice(b"\"quoted, with \"\"quotes\"\" and\nnewline ");
        number(out, random.below(1_000));
        out.extend_from_slice(b"\"\n");
    } else {
        out.extend_from_slice(b"plain note ");
        number(out, random.below(100_000));
        out.push(b'\n');
    }
}

fn key_value(out: &mut Vec<u8>, random: &mut Random, key: u64) {
    number(out, key);
    out.push(b',');
    number(out, random.below(1_000_000_000));
    out.extend_from_slice(b",row text ");
    number(out, random.below(1_000_000));
    out.push(b',');
    decimal(out, random.below(100_000_000), 4);
    out.push(b'\n');
}

/// Columns of five types in turn; the first is the key.
fn wide(out: &mut Vec<u8>, random: &mut Random, clock: &Clock, row: u64, key: u64) {
    number(out, key);
    for column in 1..WIDE_COLUMNS {
        out.push(b',');
        if (row + column).is_multiple_of(13) {
            continue;
        }
        match column % 5 {
            0 => clock.write(out),
            1 => number(out, random.below(1_000_000_000)),
            2 => {
                out.extend_from_slice(b"text of column ");
                number(out, random.below(1_000_000));
            }
            3 => decimal(out, random.below(100_000_000), 4),
            _ => number(out, random.below(1 << 50)),
        }
    }
    out.push(b'\n');
}

/// A line of the fixture in another year: it begins and ends with a date.
fn flight(out: &mut Vec<u8>, line: &str, year: u64) {
    let digits = FLIGHTS_YEAR.to_string().len();
    let (fields, hour) = line.rsplit_once(',').unwrap_or((line, ""));
    number(out, year);
    out.extend_from_slice(&fields.as_bytes()[digits.min(fields.len())..]);
    out.push(b',');
    number(out, year);
    out.extend_from_slice(&hour.as_bytes()[digits.min(hour.len())..]);
    out.push(b'\n');
}

fn quoted(out: &mut Vec<u8>, random: &mut Random, row: u64) {
    out.push(b'"');
    number(out, row);
    out.extend_from_slice(b"\",\"customer \"\"");
    number(out, random.below(1_000_000));
    out.extend_from_slice(b"\"\"\",\"");
    decimal(out, random.below(10_000_000_000), 2);
    out.extend_from_slice(b"\",\"first line, with a comma\nsecond line \"\"");
    number(out, random.below(1_000_000));
    out.extend_from_slice(b"\"\"\"\n");
}

fn number(out: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    let start = out.len();
    loop {
        out.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// `value` with its last `places` digits behind the point.
fn decimal(out: &mut Vec<u8>, value: u64, places: u32) {
    let scale = 10u64.pow(places);
    number(out, value / scale);
    out.push(b'.');
    padded(out, value % scale, places);
}

fn padded(out: &mut Vec<u8>, value: u64, digits: u32) {
    let mut rest = value;
    let start = out.len();
    for _ in 0..digits {
        out.push(b'0' + (rest % 10) as u8);
        rest /= 10;
    }
    out[start..].reverse();
}

fn uuid(out: &mut Vec<u8>, value: u128) {
    for (index, byte) in value.to_be_bytes().into_iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        for digit in [byte >> 4, byte & 15] {
            out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
        }
    }
}

/// Xorshift64* (Vigna 2016), started by one step of splitmix64 so that small seeds differ at once.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Random((mixed ^ (mixed >> 27)) | 1)
    }

    /// A number from 0 to `bound` - 1.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let word = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d);
        ((u128::from(word) * u128::from(bound)) >> 64) as u64
    }
}

/// The numbers below a bound in a scattered order, each once.
struct Scatter {
    bound: u64,
    step: u64,
}

impl Scatter {
    fn new(bound: u64) -> Self {
        // Near the golden section of the bound neighbours lie far apart; no common divisor makes it a permutation.
        let mut step = ((bound as f64 * 0.618_033_988_75) as u64).max(1);
        while divisor(step, bound) != 1 {
            step += 1;
        }
        Scatter { bound, step }
    }

    fn key(&self, row: u64) -> u64 {
        // Past the bound (a size guessed too low) every key is new by its turn.
        let turn = row / self.bound;
        ((u128::from(row) * u128::from(self.step)) % u128::from(self.bound)) as u64 + turn * self.bound
    }
}

fn divisor(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { divisor(right, left % right) }
}

const DAY_MS: u64 = 86_400_000;

/// Time that goes on from 2026-01-01T00:00:00.000Z, and its date as text.
struct Clock {
    year: u64,
    month: u64,
    day: u64,
    day_ms: u64,
    date: String,
}

impl Clock {
    fn new() -> Self {
        Clock { year: 2026, month: 1, day: 1, day_ms: 0, date: "2026-01-01".to_owned() }
    }

    fn advance(&mut self, ms: u64) {
        self.day_ms += ms;
        while self.day_ms >= DAY_MS {
            self.day_ms -= DAY_MS;
            self.next_day();
        }
    }

    fn next_day(&mut self) {
        self.day += 1;
        let leap =
            self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let days = match self.month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if self.day > days {
            (self.day, self.month) = (1, self.month + 1);
        }
        if self.month > 12 {
            (self.month, self.year) = (1, self.year + 1);
        }
        self.date = format!("{}-{:02}-{:02}", self.year, self.month, self.day);
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.date.as_bytes());
        out.push(b'T');
        padded(out, self.day_ms / 3_600_000, 2);
        out.push(b':');
        padded(out, self.day_ms / 60_000 % 60, 2);
        out.push(b':');
        padded(out, self.day_ms / 1_000 % 60, 2);
        out.push(b'.');
        padded(out, self.day_ms % 1_000, 3);
        out.push(b'Z');
    }
}
