//! A sample as one dialect reads it, and what speaks against that dialect. The records are those of the reader that loads them. Pure.

use super::kinds::{Kind, is_enclosed};
use crate::format::csv::dialect::{Dialect, Trim};
use crate::format::csv::reader::ChunkReader;
use crate::format::csv::scan::{self, State};
use crate::format::record::{Field, Record, RecordBatch};

/// So many records are few: each of them counts.
const FEW_RECORDS: usize = 10;

/// A sample, read.
pub(super) struct Reading {
    pub(super) dialect: Dialect,
    batch: RecordBatch,
    /// The number of fields that most records have.
    pub(super) fields: usize,
    /// Fields that stood in quotes.
    pub(super) quoted: usize,
    /// Of these, those that had to: without quotes they would be something else.
    pub(super) needed: usize,
    /// Characters that were escaped.
    pub(super) escaped: usize,
    /// Escapes before what needs none.
    pub(super) idle_escapes: usize,
    /// The share of records that have another number of fields.
    pub(super) uneven: f64,
    /// The share of records in which quotes are not where they should be.
    pub(super) misquoted: f64,
    /// The share of fields that look like something.
    clear: f64,
    /// Fields that have a form which words have not.
    typed: usize,
}

impl Reading {
    /// Reads the whole records of a sample; `complete`: it is all there is. `None` where there is no record, or quotes stay open.
    pub(super) fn of(sample: &[u8], complete: bool, dialect: Dialect) -> Option<Reading> {
        let lane = *scan::scan(&dialect, sample).from(State::RecordStart);
        let end = match complete {
            true if lane.end.in_quotes() => return None,
            true => sample.len(),
            false => usize::try_from(lane.last?).ok()?,
        };
        // Quotes that open and do not close in half of the sample are none.
        if end < sample.len() / 2 && lane.end.in_quotes() {
            return None;
        }
        let batch = ChunkReader::new(&dialect).read(sample.get(..end)?.to_vec()).ok()?;
        let mut reading = Reading {
            dialect,
            batch,
            fields: 0,
            quoted: 0,
            needed: 0,
            escaped: 0,
            idle_escapes: 0,
            uneven: 0.0,
            misquoted: 0.0,
            clear: 0.0,
            typed: 0,
        };
        reading.judge();
        (!reading.batch.is_empty()).then_some(reading)
    }

    fn judge(&mut self) {
        let records = self.batch.len().max(1) as f64;
        self.fields = most_frequent(self.batch.iter().map(|record| record.field_count()));
        let even = self.batch.iter().filter(|record| record.field_count() == self.fields).count();
        self.uneven = 1.0 - even as f64 / records;
        let (mut misquoted, mut cells, mut clear) = (0_usize, 0_usize, 0_usize);
        for record in self.batch.iter() {
            let walk = Walk::through(&record.raw(), &self.dialect);
            self.escaped += walk.escaped;
            self.idle_escapes += walk.idle_escapes;
            let mut is_misquoted = walk.behind_quote;
            for field in fields(record) {
                cells += 1;
                self.quoted += usize::from(field.quoted);
                self.needed += usize::from(field.quoted && needs_quotes(field.bytes, &self.dialect));
                self.typed += usize::from(Kind::of(field.bytes).is_typed());
                is_misquoted |= !field.quoted && is_enclosed(field.bytes.trim_ascii());
                clear += usize::from(field.quoted || is_clear(field.bytes, &self.dialect));
            }
            misquoted += usize::from(is_misquoted || splits_quotes(record));
        }
        self.misquoted = misquoted as f64 / records;
        self.clear = clear as f64 / cells.max(1) as f64;
    }

    /// The share of records that speak against it.
    pub(super) fn faults(&self) -> f64 {
        self.uneven + self.misquoted
    }

    /// Whether it makes records of one length, of several fields.
    pub(super) fn is_even(&self) -> bool {
        let few = self.batch.len() < FEW_RECORDS;
        self.fields > 1 && self.uneven <= if few { 0.0 } else { 0.1 }
    }

    /// Whether it makes a table of several columns. Words with spaces between them are none, nor is a single line of anything.
    pub(super) fn is_table(&self) -> bool {
        let is_plain =
            !is_common(&self.dialect) || (self.batch.len() > 1 && self.typed + 1 >= self.batch.len());
        self.is_even() && self.clear >= 0.5 && is_plain
    }

    /// How well it fits, from 0 to 1: the pattern score and the type score of van den Burg, Nazábal and Sutton, "Wrangling messy CSV
    /// files by detecting row and type patterns" (Data Mining and Knowledge Discovery 33, 2019), for records of one length.
    pub(super) fn score(&self) -> f64 {
        self.clear * (1.0 - self.uneven).powi(2) * (1.0 - self.misquoted).powi(2)
    }

    /// Whether the other one reads the same fields.
    pub(super) fn reads_as(&self, other: &Reading) -> bool {
        let same = |(one, other): (Record<'_>, Record<'_>)| fields(one).eq(fields(other));
        self.batch.len() == other.batch.len() && self.batch.iter().zip(other.batch.iter()).all(same)
    }

    /// Whether all values of some column stand in quotes, as those of a program that quotes all texts.
    pub(super) fn quotes_a_column(&self) -> bool {
        let data = || self.batch.iter().skip(usize::from(self.batch.len() > 2));
        let stands_in_quotes = |column: usize| {
            let mut values = data().filter_map(|record| record.field(column)).peekable();
            values.peek().is_some() && values.all(|field| field.quoted || field.bytes.is_empty())
        };
        self.batch.len() > 1
            && (0..self.fields).any(|column| {
                stands_in_quotes(column)
                    && data().filter_map(|record| record.field(column)).any(|field| field.quoted)
            })
    }

    /// The fields of each record.
    pub(super) fn records(&self) -> impl Iterator<Item = Vec<&[u8]>> {
        self.batch.iter().map(|record| fields(record).map(|field| field.bytes).collect())
    }

    /// Whether an unescaped text still has an escape in it, so that it may be one of cqlsh, which escapes twice.
    pub(super) fn has_escapes_left(&self) -> bool {
        let escape = self.dialect.escape.unwrap_or(b'\\');
        self.batch.iter().flat_map(fields).any(|field| field.bytes.contains(&escape))
    }
}

fn fields<'a>(record: Record<'a>) -> impl Iterator<Item = Field<'a>> {
    (0..record.field_count()).filter_map(move |index| record.field(index))
}

/// Whether a field begins with a quote that seems to close in a later one, as those of a text do that was cut at a delimiter in it.
fn splits_quotes(record: Record<'_>) -> bool {
    [b'"', b'\''].into_iter().any(|quote| {
        let plain = || fields(record).filter(|field| !field.quoted).map(|field| field.bytes.trim_ascii());
        let opened = plain().position(|text| text.first() == Some(&quote) && !is_enclosed(text));
        opened.is_some_and(|at| plain().skip(at + 1).any(|text| text.last() == Some(&quote)))
    })
}

fn most_frequent(numbers: impl Iterator<Item = usize>) -> usize {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    numbers.for_each(|number| *counts.entry(number).or_default() += 1);
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(0, |(number, _)| number)
}

/// Whether a field without quotes looks like something. Between colons or spaces, words with spaces do not.
fn is_clear(text: &[u8], dialect: &Dialect) -> bool {
    match Kind::of(text) {
        Kind::Unclear => false,
        Kind::Words => !is_common(dialect),
        _ => true,
    }
}

/// Whether its delimiter is common within texts.
pub(super) fn is_common(dialect: &Dialect) -> bool {
    matches!(dialect.delimiter.single(), Some(b':' | b' '))
}

fn needs_quotes(text: &[u8], dialect: &Dialect) -> bool {
    let delimiter = dialect.delimiter.as_bytes();
    text.iter().any(|byte| matches!(byte, b'\n' | b'\r') || Some(*byte) == dialect.quote)
        || text.windows(delimiter.len().max(1)).any(|window| window == delimiter)
}

/// What is seen on the way through a record's bytes: where quotes and escapes are, which its fields do not tell any more.
#[derive(Default)]
struct Walk {
    behind_quote: bool,
    escaped: usize,
    idle_escapes: usize,
}

impl Walk {
    fn through(raw: &[u8], dialect: &Dialect) -> Walk {
        let mut walk = Walk::default();
        let mut rest = raw;
        loop {
            let spaces = match dialect.trim {
                Trim::None => 0,
                _ => rest.iter().take_while(|byte| **byte == b' ').count(),
            };
            rest = rest.get(spaces..).unwrap_or_default();
            if let (Some(&first), Some(quote)) = (rest.first(), dialect.quote)
                && first == quote
            {
                rest = walk.quoted(rest.get(1..).unwrap_or_default(), quote, dialect);
                let behind = if dialect.trim == Trim::None { rest } else { rest.trim_ascii_start() };
                let ends = behind.is_empty()
                    || matches!(behind.first(), Some(b'\n' | b'\r'))
                    || behind.starts_with(dialect.delimiter.as_bytes());
                walk.behind_quote |= !ends;
            }
            match walk.unquoted(rest, dialect) {
                Some(behind) => rest = behind,
                None => return walk,
            }
        }
    }

    /// Behind the closing quote.
    fn quoted<'a>(&mut self, mut rest: &'a [u8], quote: u8, dialect: &Dialect) -> &'a [u8] {
        while let Some(&byte) = rest.first() {
            let next = rest.get(1).copied();
            let len = if dialect.escape == Some(byte) {
                match next {
                    Some(next) if next == quote || next == byte => {
                        self.escaped += 1;
                        2
                    }
                    _ => {
                        self.idle_escapes += 1;
                        1
                    }
                }
            } else if byte == quote && next == Some(quote) {
                2
            } else if byte == quote {
                return rest.get(1..).unwrap_or_default();
            } else {
                1
            };
            rest = rest.get(len..).unwrap_or_default();
        }
        rest
    }

    /// Behind the next delimiter, if there is one.
    fn unquoted<'a>(&mut self, mut rest: &'a [u8], dialect: &Dialect) -> Option<&'a [u8]> {
        let delimiter = dialect.delimiter.as_bytes();
        while let Some(&byte) = rest.first() {
            let mut len = 1;
            if dialect.escape == Some(byte) && dialect.escapes != crate::format::csv::dialect::Escapes::Quotes
            {
                let behind = rest.get(1..).unwrap_or_default();
                let needs = |next: &u8| {
                    matches!(next, b'\n' | b'\r' | b'"' | b'\'')
                        || *next == byte
                        || dialect.quote == Some(*next)
                };
                match behind.first().is_some_and(needs) || behind.starts_with(delimiter) {
                    true => self.escaped += 1,
                    false => self.idle_escapes += 1,
                }
                len = 2;
            } else if rest.starts_with(delimiter) {
                return rest.get(delimiter.len()..);
            }
            rest = rest.get(len..).unwrap_or_default();
        }
        None
    }
}
