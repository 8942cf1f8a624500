//! From files to a CREATE TABLE: looks at a sample of the records, guesses the narrowest type of each column, and says what it has
//! looked at. Talks to `plan` and `format` for records and to `codec` for what a text may be; never asks a cluster.

mod declared;
mod error;
mod guess;
mod key;
mod sample;
mod table;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;

use crate::format::charset::Charset;
use crate::format::json::keys::{KeyName, Keys};
use crate::format::record::{Record, RecordBatch};
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::schema::field::FieldRef;
use crate::schema::types::CqlType;
use crate::settings::{InputSettings, Rounding, TableName};
use declared::{Declared, declared};
pub use error::ProposeError;
use guess::{Guess, Options, is_code};
use key::Key;
pub use key::{KeySpec, Order};
use sample::{Seen, looked_at};
pub use table::NewTable;
use table::{NewColumn, column_names, create_table, identifier, table_name};

/// Different keys that are remembered, to find those that are there twice: 8 bytes each, and as much again.
const KEYS_MAX: usize = 4_000_000;

/// What a table is to be proposed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposeSettings {
    /// Its name; `None`: after the first file.
    pub table: Option<TableName>,
    /// Its primary key; `None`: the first column that has another value in each record of the sample.
    pub key: Option<KeySpec>,
    /// Bytes to look at, of all files together.
    pub sample_bytes: u64,
    /// Fields that say how a row is written, and get a column only where they are of the key.
    pub fields_beside: Vec<FieldRef>,
}

/// A table that fits the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The statement, with its semicolon.
    pub statement: String,
    /// What was looked at, and what is to be thought of.
    pub notes: Vec<String>,
}

impl Proposal {
    /// All of it as CQL, the notes as comments.
    pub fn text(&self) -> String {
        // A comment ends with its line, and files' names may hold line ends.
        let plain = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
        let comment = |note: &String| format!("-- {}\n", note.chars().map(plain).collect::<String>());
        self.notes.iter().map(comment).collect::<String>() + &self.statement
    }
}

/// Proposes a table for these files.
///
/// # Errors
/// A file cannot be read, a record in the sample does not end, or the key is none.
pub fn propose(
    settings: &ProposeSettings,
    input: &InputSettings,
    inputs: &[(InputFile, Header)],
) -> Result<Proposal, ProposeError> {
    let mut sample = Sample::new(settings, input, inputs)?;
    let bytes_each = settings.sample_bytes / inputs.len().max(1) as u64;
    let mut seen = Vec::with_capacity(inputs.len());
    for (file, header) in inputs {
        if sample.has_enough() {
            seen.push(Seen { complete: true, ..Seen::default() });
            continue;
        }
        let places = sample.places(names_of(input, header));
        let before = sample.taken;
        let name = |name: &String| KeyName { name: name.clone(), exact: true };
        let keys = Keys { fields: names_of(input, header).iter().map(name).collect(), ..Keys::default() };
        let mut skip = input.skip;
        let charset = input.format.decoded_from(file.decoding).field_charset();
        let mut look = |batch: &RecordBatch| sample.look(batch, &places, charset, &mut skip);
        let found = sample::read_sample(file, header, input, &keys, bytes_each, &mut look)?;
        // Behind the limit nothing would be loaded.
        let is_limited = sample.has_enough() && input.limit.is_some();
        seen.push(Seen {
            records: sample.taken - before,
            complete: found.complete || is_limited,
            is_limited,
            ..found
        });
    }
    let is_declared = sample.declared.iter().all(Option::is_some);
    if seen.iter().all(|seen| seen.records == 0) && !is_declared {
        return Err(ProposeError::NoRecords);
    }
    let complete = seen.iter().all(|seen| seen.complete);
    let table = match &settings.table {
        Some(table) => NewTable::Full(table.clone()),
        None => NewTable::Bare(table_name(inputs)),
    };
    let of = |(guess, declared): (&Guess, &Option<Declared>)| match declared {
        Some(declared) => declared.cql_type.clone(),
        None => guess.cql_type(complete),
    };
    let types: Vec<CqlType> = sample.guesses.iter().zip(&sample.declared).map(of).collect();
    let mut notes = vec![looked_at(inputs, &seen)];
    if is_declared {
        notes.push("The types are those that the files themselves say of their columns.".to_owned());
    }
    let key = sample.choose_key(&types, &mut notes)?;
    notes.extend(sample.doubts());
    let columns: Vec<NewColumn> =
        (0..).zip(&types).map(|(index, cql_type)| sample.column(index, cql_type, &key)).collect();
    Ok(Proposal { statement: create_table(&table, &columns, &key), notes })
}

/// What the fields of a file are called.
fn names_of<'a>(input: &'a InputSettings, header: &'a Header) -> &'a [String] {
    let keys = header.sampled.as_ref().map(|sampled| &sampled.keys[..]);
    input.columns.as_deref().or(keys).unwrap_or(&header.names)
}

/// Which of these fields a file's field of this name is: the one of that name; else the one whose name differs from it in case or in
/// spaces around it only, as long as the file has no other field of just that name.
fn place_of(name: &str, names: &[String], fields: &[String]) -> Option<usize> {
    if let Some(place) = fields.iter().position(|field| field == name) {
        return Some(place);
    }
    let is_alike = |field: &String| is_same_in_any_case(name.trim(), field.trim()) && !names.contains(field);
    let mut alike = fields.iter().enumerate().filter(|(_, field)| is_alike(field));
    match (alike.next(), alike.next()) {
        (Some((place, _)), None) => Some(place),
        _ => None,
    }
}

fn is_same_in_any_case(one: &str, other: &str) -> bool {
    match one.is_ascii() && other.is_ascii() {
        true => one.eq_ignore_ascii_case(other),
        false => one.to_lowercase() == other.to_lowercase(),
    }
}

/// What is known of the files' columns.
struct Sample<'a> {
    input: &'a InputSettings,
    options: Options,
    /// The fields' names, in the order in which the files have them.
    fields: Vec<String>,
    /// What the columns are called, in the same order.
    columns: Vec<String>,
    guesses: Vec<Guess>,
    /// Of each field, what the files themselves say.
    declared: Vec<Option<Declared>>,
    /// The key, where one was given.
    key: Option<Key>,
    /// The hashes of the keys, or of each column's values where no key was given; `None`: one is there twice, or they are too many.
    keys: Vec<Option<HashSet<u64>>>,
    /// Records that were looked at, whatever they are.
    taken: u64,
    records: u64,
    /// Records with the key of one before.
    repeated: u64,
    /// Whether more keys were there than are remembered.
    forgotten: bool,
    /// Records of another length than their header.
    jagged: u64,
    /// Records that cannot be read, or of objects: with keys that those at the files' beginnings do not have.
    unreadable: u64,
    scratch: Vec<u8>,
}

impl<'a> Sample<'a> {
    fn new(
        settings: &ProposeSettings,
        input: &'a InputSettings,
        inputs: &[(InputFile, Header)],
    ) -> Result<Self, ProposeError> {
        let mut fields: Vec<String> = Vec::new();
        for names in inputs.iter().map(|(_, header)| names_of(input, header)) {
            let is_beside = |index: usize| {
                settings.fields_beside.iter().any(|field| field.find(names) == Ok(index))
                    && !settings.key.as_ref().is_some_and(|key| key.names(names, index))
            };
            for (index, name) in names.iter().enumerate() {
                if place_of(name, names, &fields).is_none() && !is_beside(index) {
                    fields.push(name.clone());
                }
            }
        }
        if fields.is_empty() {
            // Keys are named by nothing but records.
            return Err(if input.format.is_keyed() {
                ProposeError::NoRecords
            } else {
                ProposeError::NoColumns
            });
        }
        let columns = column_names(&fields);
        let mut known: HashMap<String, &String> = HashMap::new();
        for field in &fields {
            if let Some(first) = known.insert(field.trim().to_lowercase(), field) {
                return Err(ProposeError::NameTwice { first: first.clone(), second: field.clone() });
            }
        }
        let key = settings.key.as_ref().map(|key| key.find(&fields)).transpose()?;
        if let Some(twice) = key.as_ref().and_then(repeated_column) {
            return Err(ProposeError::KeyTwice(fields.get(twice).cloned().unwrap_or_default()));
        }
        let sets = if key.is_some() { 1 } else { fields.len() };
        Ok(Sample {
            input,
            options: Options::of(&input.codec),
            guesses: vec![Guess::default(); fields.len()],
            declared: declared(input, inputs, &fields)?,
            fields,
            columns,
            key,
            keys: vec![Some(HashSet::new()); sets],
            taken: 0,
            records: 0,
            repeated: 0,
            forgotten: false,
            jagged: 0,
            unreadable: 0,
            scratch: Vec::new(),
        })
    }

    /// Which column each field of a file is, if it is one.
    fn places(&self, names: &[String]) -> Vec<Option<usize>> {
        names.iter().map(|name| place_of(name, names, &self.fields)).collect()
    }

    /// Whether as many records were looked at as there are to be loaded.
    fn has_enough(&self) -> bool {
        self.input.limit.is_some_and(|limit| self.taken >= limit)
    }

    /// Looks at records; says whether there is more to look at.
    fn look(
        &mut self,
        batch: &RecordBatch,
        places: &[Option<usize>],
        charset: Charset,
        skip: &mut u64,
    ) -> ControlFlow<()> {
        for record in batch.iter() {
            if *skip > 0 {
                *skip -= 1;
                continue;
            }
            if self.has_enough() {
                return ControlFlow::Break(());
            }
            self.taken += 1;
            if record.fault().is_some() {
                self.unreadable += 1;
                continue;
            }
            let (found, expected) = (record.field_count(), places.len());
            let fits = found == expected
                || (found < expected && self.input.jagged.missing)
                || (found > expected && self.input.jagged.extra);
            if !fits {
                self.jagged += 1;
                continue;
            }
            self.records += 1;
            self.look_at(record, places, charset);
        }
        if self.has_enough() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn look_at(&mut self, record: Record<'_>, places: &[Option<usize>], charset: Charset) {
        let is_keyed = self.input.format.is_keyed();
        let is_null =
            |text: &[u8]| text.is_empty() || self.input.nulls.iter().any(|null| null.as_bytes() == text);
        let mut hashes: Vec<Option<u64>> = vec![None; self.fields.len()];
        for (index, column) in places.iter().enumerate() {
            let Some(column) = *column else { continue };
            let (Some(guess), Some(hash), Some(declared)) =
                (self.guesses.get_mut(column), hashes.get_mut(column), self.declared.get(column))
            else {
                continue;
            };
            match record.field(index) {
                Some(field) if field.quoted && declared.is_some() => {
                    guess.add_declared(field.bytes);
                    *hash = Some(hash_of(field.bytes));
                }
                Some(field) if field.quoted || !is_null(field.bytes) => {
                    if (is_keyed && field.quoted) || (!is_keyed && is_code(field.bytes)) {
                        guess.is_said_text();
                    }
                    let is_bare = is_keyed && !field.quoted;
                    let options = if is_bare { self.options.bare() } else { &self.options };
                    guess.add(field, charset, options, &mut self.scratch);
                    *hash = Some(hash_of(field.bytes));
                }
                Some(_) | None => guess.add_null(),
            }
        }
        match &self.key {
            Some(key) => {
                let parts: Option<Vec<u64>> =
                    key.columns().map(|column| hashes.get(column).copied().flatten()).collect();
                if let Some(parts) = parts {
                    self.remember_key(hash_of(parts));
                }
            }
            None => self.remember_columns(&hashes),
        }
    }

    fn remember_key(&mut self, hash: u64) {
        let Some(Some(keys)) = self.keys.first_mut() else { return };
        if keys.contains(&hash) {
            self.repeated += 1;
        } else if keys.len() < KEYS_MAX {
            keys.insert(hash);
        } else {
            self.forgotten = true;
        }
    }

    /// Lets go of the columns in which a value is there twice, or is missing.
    fn remember_columns(&mut self, hashes: &[Option<u64>]) {
        let room = KEYS_MAX / self.keys.iter().flatten().count().max(1);
        for (keys, hash) in self.keys.iter_mut().zip(hashes) {
            let is_new = match (keys.as_mut(), hash) {
                (Some(keys), Some(hash)) => keys.len() < room && keys.insert(*hash),
                _ => false,
            };
            if !is_new {
                *keys = None;
            }
        }
    }

    /// The key that was given, or the one that is to be seen.
    fn choose_key(&self, types: &[CqlType], notes: &mut Vec<String>) -> Result<Key, ProposeError> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        let may_be_key = |cql_type: &CqlType| {
            cql_type.is_native()
                && !matches!(cql_type, CqlType::Boolean | CqlType::Float | CqlType::Double | CqlType::Decimal)
        };
        let found = self.keys.iter().zip(types).position(|(keys, cql_type)| {
            keys.as_ref().is_some_and(|keys| !keys.is_empty()) && may_be_key(cql_type)
        });
        let names = &self.columns;
        let Some(column) = found else {
            let columns =
                names.iter().zip(types).map(|(name, cql_type)| format!("{} {cql_type}", identifier(name)));
            return Err(ProposeError::NoKey(columns.collect::<Vec<_>>().join(", ")));
        };
        notes.push(format!(
            "A guess, as no --key was given: {} is the first column with another value in each of these records.",
            names.get(column).map_or_else(String::new, |name| identifier(name))
        ));
        Ok(Key { partition: vec![column], clustering: Vec::new() })
    }

    /// What is to be thought of.
    fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.jagged > 0 {
            doubts.push(format!(
                "{} records have more or fewer fields than the header and were not looked at: a load would reject them.",
                self.jagged
            ));
        }
        if self.unreadable > 0 {
            doubts.push(format!(
                "{} records cannot be read, or have keys that none of the first ones has, and were not looked at.",
                self.unreadable
            ));
        }
        if self.repeated > 0 {
            doubts.push(format!(
                "{} of {} records have the key of one before: of those only the last will be in the table.",
                self.repeated, self.records
            ));
        }
        if self.forgotten {
            doubts.push(format!("Of the keys only the first {KEYS_MAX} were held against each other."));
        }
        doubts
    }

    fn column(&self, index: usize, cql_type: &CqlType, key: &Key) -> NewColumn {
        let guess = self.guesses.get(index).cloned().unwrap_or_default();
        let is_key = key.columns().any(|column| column == index);
        let declared = self.declared.get(index).and_then(Option::as_ref);
        let remark = if guess.is_empty() && declared.is_none() {
            Some("nothing but null to go by".to_owned())
        } else if is_key && guess.nulls() > 0 {
            Some(format!("null in {} records, which a load rejects", guess.nulls()))
        } else if declared.is_some() && *cql_type == CqlType::Timestamp && guess.has_fine_times() {
            let cut = self.input.codec.rounding == Rounding::Truncate;
            (!cut).then(|| {
                "values finer than a millisecond: load them with --timestamp-rounding truncate".to_owned()
            })
        } else if let Some(declared) = declared {
            declared.remark()
        } else if guess.is_fine_timestamp() {
            Some("timestamps finer than a millisecond: with --timestamp-rounding truncate it could be a timestamp".to_owned())
        } else {
            None
        };
        let identifier = self.columns.get(index).map_or_else(String::new, |name| identifier(name));
        NewColumn { identifier, cql_type: cql_type.clone(), remark }
    }
}

fn repeated_column(key: &Key) -> Option<usize> {
    let columns: Vec<usize> = key.columns().collect();
    columns
        .iter()
        .enumerate()
        .find(|(at, column)| columns.iter().take(*at).any(|other| other == *column))
        .map(|(_, column)| *column)
}

fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
