//! Difficult CSV that others wrote, with what they expect of it (`fixtures/difficult`): for the tests of reader, split and detection.
//! What we read otherwise on purpose is taken out here, by name, and told in the README there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::dialect::{Delimiter, Dialect};

/// A text that somebody else has made, its dialect, and its records, the header's included.
#[derive(Debug, Clone)]
pub(crate) struct Collected {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) dialect: Dialect,
    pub(crate) records: Vec<Vec<String>>,
}

/// Their readers drop spaces behind a closing quote, or know one line end only.
const OTHERWISE: [&str; 7] = [
    "Quoted fields with spaces between closing quote and next delimiter",
    "Quoted fields with spaces between closing quote and next new line",
    "Quoted fields with spaces after closing quote",
    "Quoted fields with spaces between closing quote and next delimiter and contains delimiter",
    "Quoted fields with spaces between closing quote and newline and contains newline",
    "Mixed slash n and slash r should choose first as precident",
    "Bad comments value specified",
];

/// All of them.
pub(crate) fn collected() -> Vec<Collected> {
    let mut all = papaparse();
    all.extend(spectrum());
    all
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/difficult")
}

const BARE: Dialect = Dialect {
    delimiter: Delimiter::byte(b','),
    quote: Some(b'"'),
    escape: None,
    escapes: super::dialect::Escapes::Quotes,
    comment: None,
    trim: super::dialect::Trim::None,
    charset: crate::format::charset::Charset::UTF_8,
    header: false,
};

/// A case as it stands in the collection.
#[derive(Deserialize)]
struct PapaCase {
    name: String,
    input: String,
    delimiter: Option<String>,
    quote: Option<char>,
    escape: Option<char>,
    comment: Option<char>,
    records: Vec<Vec<String>>,
}

fn papaparse() -> Vec<Collected> {
    let json = std::fs::read(folder().join("papaparse/cases.json")).unwrap();
    let cases: Vec<PapaCase> = serde_json::from_slice(&json).unwrap();
    let cases = cases.into_iter().filter(|case| !OTHERWISE.contains(&&case.name[..]));
    cases
        .map(|case| {
            // Their reader guesses where no delimiter is said; here it is said, and guessed by a test of its own.
            let by_sight = if case.input.contains([';']) { ";" } else { "," };
            let piped = case.name.starts_with("Pipe delimiter is guessed correctly when mixed");
            let delimiter = case.delimiter.unwrap_or_else(|| if piped { "|" } else { by_sight }.to_owned());
            let byte = |character: Option<char>| character.map(|character| u8::try_from(character).unwrap());
            let is_empty_line = |record: &Vec<String>| matches!(&record[..], [field] if field.is_empty());
            Collected {
                name: format!("papaparse: {}", case.name),
                bytes: case.input.into_bytes(),
                dialect: Dialect {
                    delimiter: Delimiter::new(delimiter.as_bytes()).unwrap(),
                    quote: byte(case.quote).or(BARE.quote),
                    escape: byte(case.escape),
                    comment: byte(case.comment),
                    ..BARE
                },
                records: case.records.into_iter().filter(|record| !is_empty_line(record)).collect(),
            }
        })
        .collect()
}

fn spectrum() -> Vec<Collected> {
    let folder = folder().join("csv-spectrum");
    let files = std::fs::read_dir(folder.join("csvs")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    let read = |path: PathBuf| {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        let json = std::fs::read_to_string(folder.join("json").join(format!("{stem}.json"))).unwrap();
        type Row = BTreeMap<String, String>;
        let rows: Vec<Row> = match serde_json::from_str(&json).unwrap() {
            serde_json::Value::Array(rows) => {
                rows.into_iter().map(|row| serde_json::from_value(row).unwrap()).collect()
            }
            row => vec![serde_json::from_value(row).unwrap()],
        };
        // An object does not tell the order of its names; the first line does.
        let first_line =
            String::from_utf8(bytes.split(|byte| b"\r\n".contains(byte)).next().unwrap().to_vec());
        let names: Vec<String> = first_line.unwrap().split(',').map(str::to_owned).collect();
        let mut records = vec![names.clone()];
        for mut row in rows {
            if stem == "location_coordinates" {
                // The collection contradicts itself.
                row.insert("Contact Phone Number".to_owned(), "2095257564".to_owned());
            }
            records.push(names.iter().map(|name| row[name].clone()).collect());
        }
        Collected { name: format!("csv-spectrum: {stem}"), bytes, dialect: BARE, records }
    };
    files.into_iter().map(read).collect()
}
