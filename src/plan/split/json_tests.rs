//! JSON, cut into blocks of every size and into units of several, must come back record by record, as written; what cannot be cut must
//! be told with its place.

use std::path::PathBuf;

use super::*;
use crate::format::Format;
use crate::format::charset::Charset;
use crate::format::json::documents::Layout;
use crate::format::json::keys::{KeyName, Keys};
use crate::format::json::reader::{Extent, JsonReader};
use crate::plan::beginning::read_beginning;
use crate::plan::discover::discover;
use crate::plan::header::{Header, HeaderNames};

const LINES: Format = Format::Ndjson(Charset::UTF_8);
const DOCUMENTS: Format = Format::Json(Charset::UTF_8);
const START: SplitStart = SplitStart { ordinal: 0, unit: UnitId(0) };

struct Written {
    _folder: tempfile::TempDir,
    file: InputFile,
    header: Header,
    format: Format,
    pool: ThreadPool,
}

/// What a record is: its number, its line, its bytes without spaces around them, and whether it is an object that can be read.
type Found = (u64, u64, String, bool);

impl Written {
    fn new(text: &str, format: Format) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("in.json");
        std::fs::write(&path, text).unwrap();
        let file = discover(&[path]).unwrap().remove(0);
        let header = read_beginning(&file, &format, true, HeaderNames::Used, 1 << 20).unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        Written { _folder: folder, file, header, format, pool }
    }

    fn split(&self, place: Option<Place>, settings: &SplitSettings) -> Result<Vec<WorkUnit>, String> {
        let boundaries = Boundaries::of(&self.format, self.header.layout, place.is_none());
        let start = SplitStart { ordinal: place.map_or(0, |place| place.record - 1), ..START };
        let place = place.unwrap_or_else(|| self.header.data());
        let mut units = Vec::new();
        let totals = split(&self.file, place, boundaries, settings, start, &self.pool, &mut |unit| {
            units.push(unit);
            ControlFlow::Continue(())
        });
        let totals = totals
            .map_err(|error| error.to_string().replace(&self.file.path.display().to_string(), "FILE"))?;
        assert_eq!(totals.records, units.iter().map(WorkUnit::records).sum::<u64>());
        Ok(units)
    }

    fn read(&self, units: &[WorkUnit]) -> Vec<Found> {
        let extent = if self.format == LINES { Extent::Line } else { Extent::Document };
        let keys = Keys { fields: vec![KeyName { name: "a".to_owned(), exact: false }], ..Keys::default() };
        let mut reader = JsonReader::new(extent, Charset::UTF_8, keys);
        let source = Source::open(&self.file).unwrap();
        let mut found = Vec::new();
        for unit in units {
            let mut number = unit.first_record;
            for chunk in &unit.chunks {
                let mut bytes = vec![0; chunk.len as usize];
                source.read_at(&mut bytes, chunk.start).unwrap();
                let batch = reader.read(bytes).unwrap();
                assert_eq!(batch.len() as u64, chunk.records);
                for record in batch.iter() {
                    let raw = String::from_utf8(record.raw().to_vec()).unwrap().trim().to_owned();
                    found.push((number, chunk.line + record.line_offset(), raw, record.fault().is_none()));
                    number += 1;
                }
            }
        }
        found
    }
}

fn settings(chunk_bytes: u64, unit_bytes: u64) -> SplitSettings {
    SplitSettings {
        whole_chunks: super::WHOLE_CHUNKS_MAX,
        unit_bytes,
        chunk_bytes,
        max_record_bytes: 1 << 20,
        skip: 0,
        limit: None,
    }
}

/// The file holds these records on these lines, however it is cut, skipped, limited, or gone on with.
fn check(text: &str, format: Format, expected: &[(u64, &str, bool)]) {
    let written = Written::new(text, format);
    let all: Vec<Found> = (1..)
        .zip(expected)
        .map(|(number, (line, raw, good))| (number, *line, (*raw).to_owned(), *good))
        .collect();
    for chunk_bytes in 1..=text.len() as u64 + 1 {
        for unit_bytes in [1, 8, 1 << 20] {
            let settings = settings(chunk_bytes, unit_bytes);
            let units = written.split(None, &settings).unwrap();
            assert_eq!(written.read(&units), all, "chunks of {chunk_bytes}, units of {unit_bytes}");
            for (done, unit) in (1..).zip(&units) {
                let rest =
                    written.split(Some(place_behind(&written.file, unit).unwrap()), &settings).unwrap();
                let behind = (unit.first_record + unit.records() - 1) as usize;
                assert_eq!(
                    written.read(&rest),
                    all[behind..],
                    "behind unit {done} of chunks of {chunk_bytes}"
                );
            }
        }
        for skip in 0..all.len() as u64 + 1 {
            for limit in 1..3 {
                let part = SplitSettings { skip, limit: Some(limit), ..settings(chunk_bytes, 8) };
                let units = written.split(None, &part).unwrap();
                let expected: Vec<Found> =
                    all.iter().skip(skip as usize).take(limit as usize).cloned().collect();
                assert_eq!(
                    written.read(&units),
                    expected,
                    "--skip {skip} --limit {limit}, chunks of {chunk_bytes}"
                );
            }
        }
    }
}

fn check_error(text: &str, format: Format, expected: &str) {
    let written = Written::new(text, format);
    for chunk_bytes in 1..=text.len() as u64 + 1 {
        let error = written.split(None, &settings(chunk_bytes, 1)).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn lines_come_back_however_they_are_cut() {
    let text = "\u{feff}{\"a\":1}\n\n \r\n{\"a\":\"x}{\"}\r\nbad\n  {\"a\":[{},\"\\n\"]}";
    let expected = [
        (1, "{\"a\":1}", true),
        (4, "{\"a\":\"x}{\"}", true),
        (5, "bad", false),
        (6, "{\"a\":[{},\"\\n\"]}", true),
    ];
    check(text, LINES, &expected);
    check(&format!("{text}\n"), LINES, &expected);
    check("", LINES, &[]);
    check("\n\r\n", LINES, &[]);
}

#[test]
fn documents_in_a_run_come_back_however_they_are_cut() {
    let text = "{\"a\":1}{\n \"a\": [\n1]}\n\n12 {\"a\":\"]}\\\"\"}\r\n{\"a\" 2}\n{\"a\":3}";
    let expected = [
        (1, "{\"a\":1}", true),
        (1, "{\n \"a\": [\n1]}", true),
        (5, "12", false),
        (5, "{\"a\":\"]}\\\"\"}", true),
        (6, "{\"a\" 2}", false),
        (7, "{\"a\":3}", true),
    ];
    check(text, DOCUMENTS, &expected);
    check(&format!("\u{feff} {text} \n"), DOCUMENTS, &expected);
    check(" ", DOCUMENTS, &[]);
}

#[test]
fn documents_in_an_array_come_back_however_they_are_cut() {
    let text = "\u{feff}\n[\n {\"a\":1},{\"a\":\n2} ,\n 3, [],\n{\"a\":\",]\"}\n]\n";
    let expected = [
        (3, "{\"a\":1}", true),
        (3, "{\"a\":\n2}", true),
        (5, "3", false),
        (5, "[]", false),
        (6, "{\"a\":\",]\"}", true),
    ];
    check(text, DOCUMENTS, &expected);
    check("[]", DOCUMENTS, &[]);
    check("[{\"a\":1}]", DOCUMENTS, &[(1, "{\"a\":1}", true)]);
}

#[test]
fn a_layout_is_seen_from_the_first_byte() {
    assert_eq!(Written::new(" [{}]", DOCUMENTS).header.layout, Layout::Array);
    assert_eq!(Written::new("{}", DOCUMENTS).header.layout, Layout::Run);
}

#[test]
fn documents_that_are_never_closed_name_the_line_where_they_begin() {
    check_error(
        "{\"a\":1}\n\n{\"a\":\n[2}\n",
        DOCUMENTS,
        "FILE, line 4 (byte 17), in the document that begins on line 3: '}' closes a '['",
    );
    check_error(
        "{\"a\":1}\n\n{\"a\":\n2\n",
        DOCUMENTS,
        "FILE, line 3: the document that begins here is never closed",
    );
    check_error(
        "[{\"a\":1},\n{\"a\":2",
        DOCUMENTS,
        "FILE, line 2: the document that begins here is never closed",
    );
    check_error("[{\"a\":1},\n{\"a\":2}\n", DOCUMENTS, "FILE: the array that is the file is never closed");
    check_error(
        "{\"a\":1}\n{\"b\":\n\"x}\n{\"a\":2}\n",
        DOCUMENTS,
        "FILE, line 3 (byte 17), in the document that begins on line 2: a string does not end in its line",
    );
}

#[test]
fn what_stands_between_documents_and_should_not_is_told_with_its_place() {
    check_error("{\"a\":1},\n{\"a\":2}\n", DOCUMENTS, "FILE, line 1 (byte 7): a comma between documents");
    check_error("{\"a\":1}\n}\n", DOCUMENTS, "FILE, line 2 (byte 8): '}' closes nothing");
    check_error("[{\"a\":1}\n{\"a\":2}]", DOCUMENTS, "FILE, line 2 (byte 9): ',' or ']' should be here");
    check_error("[{\"a\":1},]", DOCUMENTS, "FILE, line 1 (byte 9): an element of the array should be here");
    check_error("[{\"a\":1}]\n{\"a\":2}", DOCUMENTS, "FILE, line 2 (byte 10): something follows the array");
}

#[test]
fn a_record_over_the_limit_names_its_line() {
    for (text, format, line) in [
        ("{\"a\":1}\n{\"a\":[1,2,3,4,5,6,7,8]}\n", LINES, 2),
        ("{\"a\":1}\n{\"a\":[\n1,2,3,4,5,6,7,8]}\n", DOCUMENTS, 2),
        ("[\n\n{\"a\":[1,2,3,4,5,6,7,8]}]", DOCUMENTS, 3),
    ] {
        let written = Written::new(text, format);
        for chunk_bytes in 1..=16 {
            let settings = SplitSettings { max_record_bytes: 16, ..settings(chunk_bytes, 1) };
            let error = written.split(None, &settings).unwrap_err();
            let expected = format!("FILE, line {line}: the record that starts here is longer than 16 bytes");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}
