//! The beginning of a file of JSON: whether its documents stand in an array, and which keys its first records have. Never judges a
//! record: a bad one is a worker's to reject, as long as there are good ones beside it.

use std::ops::Range;

use super::discover::InputFile;
use super::header::{Header, HeaderError, mark_len};
use super::prefix::Prefix;
use crate::format::charset::Charset;
use crate::format::json::documents::{Documents, Layout};
use crate::format::json::keys::SampledKeys;
use crate::format::json::reader::Extent;
use crate::format::json::syntax::{Flaw, object, skip_space, unescape};

/// As many keys are looked at, so that objects which are really maps do not fill the memory.
const KEYS_MAX: usize = 10_000;

/// What was seen so far.
#[derive(Default)]
struct Sample {
    layout: Layout,
    /// Where the first document may begin, behind the byte order mark.
    start: usize,
    sampled: SampledKeys,
    records: usize,
    /// What is wrong with the first record, if it is no object.
    flaw: Option<Flaw>,
}

/// Reads the beginning of a file of JSON in this encoding. `max_record_bytes` bounds how far it looks for the end of the first record.
///
/// # Errors
/// The file cannot be read or has changed, is in another encoding, or nothing at its beginning is a JSON object.
pub(super) fn read_sample(
    file: &InputFile,
    extent: Extent,
    charset: Charset,
    max_record_bytes: u64,
) -> Result<Header, HeaderError> {
    let mut prefix = Prefix::open(file)?;
    loop {
        let (data, complete) = (prefix.data(), prefix.is_complete());
        let sample = match extent {
            Extent::Line => Sample::of_lines(data, charset, complete),
            Extent::Document => Sample::of_documents(data, charset, complete),
        };
        // A record that does not end is the scan's to tell of.
        if sample.records > 0 || !prefix.grow(max_record_bytes)? {
            return sample.header(file, extent, prefix.data(), prefix.mark());
        }
    }
}

impl Sample {
    fn of_lines(data: &[u8], charset: Charset, complete: bool) -> Self {
        let mut sample = Sample::default();
        let mut lines = data.split(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            let is_whole = complete || lines.peek().is_some();
            let start = skip_space(line, 0);
            if is_whole && start < line.len() {
                sample.add(line.get(start..).unwrap_or_default(), charset, Extent::Line);
            }
        }
        sample
    }

    fn of_documents(data: &[u8], charset: Charset, complete: bool) -> Self {
        let first = skip_space(data, 0);
        let (layout, start) = match data.get(first) {
            Some(b'[') => (Layout::Array, first + 1),
            _ => (Layout::Run, 0),
        };
        let mut sample = Sample { layout, start, ..Sample::default() };
        let mut documents = Documents::start(layout);
        let mut pos = start;
        let open = |pos: usize| Some(Range { start: pos, end: data.len() });
        loop {
            let at = skip_space(data, pos);
            let found = match documents.next_whole(data, &mut pos) {
                // The last one of a file need not be closed to be seen not to be an object.
                Ok(None) if complete && documents.in_document() && !documents.in_brackets() => open(at),
                Ok(found) => found,
                Err(_) => None,
            };
            let Some(document) = found else { return sample };
            sample.add(data.get(document).unwrap_or_default(), charset, Extent::Document);
            if pos >= data.len() {
                return sample;
            }
        }
    }

    /// Adds the keys of one record, if it is an object.
    fn add(&mut self, record: &[u8], charset: Charset, extent: Extent) {
        self.records += 1;
        let Some(text) = charset.decode(record) else { return };
        let mut keys = Vec::new();
        let outcome = object::<Flaw>(&text, 0, |key, _| {
            let mut said = Vec::new();
            unescape(&text, key, &mut said);
            keys.push(String::from_utf8_lossy(&said).into_owned());
            Ok(())
        });
        let outcome = outcome.and_then(|end| match skip_space(&text, end) {
            end if end == text.len() || extent == Extent::Document => Ok(()),
            at => Err(Flaw { at, what: "something follows the object on its line" }),
        });
        match outcome {
            Ok(()) => {
                self.sampled.objects += 1;
                for key in keys {
                    if self.sampled.keys.len() < KEYS_MAX && !self.sampled.keys.contains(&key) {
                        self.sampled.keys.push(key);
                    }
                }
            }
            Err(flaw) if self.records == 1 => self.flaw = Some(flaw),
            Err(_) => {}
        }
    }

    fn header(
        self,
        file: &InputFile,
        extent: Extent,
        data: &[u8],
        mark: usize,
    ) -> Result<Header, HeaderError> {
        let first = data.get(skip_space(data, 0)).copied();
        if let Some(flaw) = self.flaw.filter(|_| self.sampled.objects == 0 || stands_in_array(extent, data)) {
            let remedy = match (extent, first) {
                (Extent::Line, Some(b'[' | b'{')) => {
                    "if its objects span lines or stand in an array, load it with --format json"
                }
                _ => "if it is CSV, leave out --format",
            };
            let (path, records, flaw) = (file.path.clone(), self.records, flaw.what.to_owned());
            let objects = match self.sampled.objects {
                0 => "none".to_owned(),
                objects => objects.to_string(),
            };
            return Err(HeaderError::NotObjects { path, records, objects, flaw, remedy });
        }
        let newlines =
            data.get(..self.start).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
        Ok(Header {
            data_start: (mark + self.start) as u64,
            data_line: 1 + newlines as u64,
            layout: self.layout,
            sampled: Some(self.sampled),
            ..Header::default()
        })
    }
}

/// Whether what should be an object a line is an array of objects.
fn stands_in_array(extent: Extent, data: &[u8]) -> bool {
    let bracket = skip_space(data, 0);
    let behind = data.get(skip_space(data, bracket + 1));
    extent == Extent::Line && data.get(bracket) == Some(&b'[') && behind == Some(&b'{')
}

/// Which JSON a file seems to be whose first bytes can hardly be of anything else.
pub(super) fn looks_like_json(bytes: &[u8]) -> Option<&'static str> {
    let bytes = bytes.get(mark_len(bytes)..)?;
    let start = skip_space(bytes, 0);
    let behind = bytes.get(skip_space(bytes, start + 1)).copied();
    match (bytes.get(start)?, behind) {
        (b'[', Some(b'{')) => Some("json"),
        (b'{', Some(b'"' | b'}')) => {
            let line = bytes.get(start..)?.split(|byte| *byte == b'\n').next()?;
            let is_whole =
                object::<Flaw>(line, 0, |_, _| Ok(())).is_ok_and(|end| skip_space(line, end) == line.len());
            Some(if is_whole { "ndjson" } else { "json" })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::discover::discover;

    fn read(bytes: &[u8], extent: Extent, charset: &str) -> Result<Header, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.json");
        std::fs::write(&path, bytes).unwrap();
        let file = discover(std::slice::from_ref(&path)).unwrap().remove(0);
        read_sample(&file, extent, charset.parse().unwrap(), 1 << 20)
            .map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
    }

    /// The keys, in how many objects, where in which line the data start, and how documents follow each other.
    fn check(bytes: &[u8], extent: Extent, expected: (&[&str], usize, u64, u64, Layout)) {
        let header = read(bytes, extent, "utf-8").unwrap();
        let sampled = header.sampled.unwrap();
        let keys: Vec<&str> = sampled.keys.iter().map(String::as_str).collect();
        assert_eq!(
            (&keys[..], sampled.objects, header.data_start, header.data_line, header.layout),
            expected
        );
    }

    #[test]
    fn the_first_records_keys_are_seen_and_bad_records_passed_over() {
        let run = Layout::Run;
        check(
            b"{\"a\":1,\"b\":{\"c\":2}}\n\n {\"b\":1,\"\\u0064\":null}\r\n",
            Extent::Line,
            (&["a", "b", "d"], 2, 0, 1, run),
        );
        check(b"\xef\xbb\xbf{\"a\":1}\nx\n{\"b\":2", Extent::Line, (&["a"], 1, 3, 1, run));
        check(b"x\n{\"b\":2}", Extent::Line, (&["b"], 1, 0, 1, run));
        check(b"", Extent::Line, (&[], 0, 0, 1, run));
        check(b"\n \n", Extent::Line, (&[], 0, 0, 1, run));
        check(b"{}\n", Extent::Line, (&[], 1, 0, 1, run));
        check(b"{\n\"a\":1}{\"b\":\n2}", Extent::Document, (&["a", "b"], 2, 0, 1, run));
        check(
            b"\xef\xbb\xbf\n\n[\n {\"a\":1},\n {\"b\":2}\n]\n",
            Extent::Document,
            (&["a", "b"], 2, 6, 3, Layout::Array),
        );
        check(b" [ ] ", Extent::Document, (&[], 0, 2, 1, Layout::Array));
        check(b"", Extent::Document, (&[], 0, 0, 1, run));
        check(b"{\"a\":[}}", Extent::Document, (&[], 0, 0, 1, run));
    }

    #[test]
    fn a_first_record_longer_than_what_is_read_first_is_seen() {
        let long = format!("{{\"a\":\"{}\",\"b\":1}}", "x".repeat(300_000));
        check(
            format!("{long}\n{{\"c\":1}}\n").as_bytes(),
            Extent::Line,
            (&["a", "b", "c"], 2, 0, 1, Layout::Run),
        );
        check(format!("[{long}]").as_bytes(), Extent::Document, (&["a", "b"], 1, 1, 1, Layout::Array));
    }

    #[test]
    fn keys_are_read_in_the_encoding_that_was_said() {
        let header = read(b"{\"gr\xf6\xdfe\":1}\n", Extent::Line, "latin1").unwrap();
        assert_eq!(header.sampled.unwrap().keys, ["größe"]);
    }

    #[test]
    fn a_file_without_any_object_is_refused_with_what_it_may_be() {
        let check = |bytes: &[u8], extent, expected: &str| {
            let error = read(bytes, extent, "utf-8").unwrap_err();
            assert!(error.starts_with("FILE: of its first ") && error.contains(expected), "{error}");
        };
        check(
            b"id,name\n1,x\n",
            Extent::Line,
            "2 records none are JSON objects (the first: a record must be an object, in braces): if it is CSV",
        );
        check(b"id,name\n1,x\n", Extent::Document, "if it is CSV, leave out --format");
        check(b"[\n{\"a\":1}\n]\n", Extent::Line, "load it with --format json");
        check(b"{\n  \"a\": 1\n}\n", Extent::Line, "load it with --format json");
        check(b"[1, 2]", Extent::Document, "2 records");
    }

    #[test]
    fn only_what_can_hardly_be_anything_else_looks_like_json() {
        for (text, expected) in [
            ("{\"a\":1}\n{", Some("ndjson")),
            ("\u{feff} {\"a\": {\"b\":[1]}} \r\n", Some("ndjson")),
            ("{\n  \"a\": 1\n}", Some("json")),
            ("[\n {\"a\": 1}]", Some("json")),
            ("{}", Some("ndjson")),
            ("{a},b\n", None),
            ("[id],[name]\n", None),
            ("[1,2],x\n", None),
            ("id,name\n", None),
            ("", None),
            ("{", None),
        ] {
            assert_eq!(looks_like_json(text.as_bytes()), expected, "{text}");
        }
    }
}
