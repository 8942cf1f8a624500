//! JSON documents that span lines: where each begins and ends, found in one pass that knows brackets and strings and nothing else.
//! What brackets are open is no small state, so pieces are not scanned apart from each other; a piece's scan begins with what the one
//! before has left. Pure.
//!
//! What keeps the documents apart is proved here: brackets that close what they opened, strings that end in their line, commas only
//! in an array. Where that is not so, nobody knows what the next document is, and the file ends there with an error. All else that
//! may be wrong inside of a document is its own fault only.

use std::ops::Range;

use memchr::memchr_iter;

use super::syntax::{DEPTH_MAX, is_space};
use crate::format::csv::scan::{Lane, State};

/// How documents follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// One after the other, with or without spaces between them.
    #[default]
    Run,
    /// As the elements of one array.
    Array,
}

/// Where the pass is between two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In a run, between documents.
    Between,
    /// In an array, in front of its first element.
    First,
    /// In an array, behind an element.
    Behind,
    /// In an array, behind a comma.
    Next,
    /// In an array, somewhere in front of an element or its end: where an earlier run has ended.
    Resumed,
    /// Behind the array.
    Over,
    /// In a document that is neither bracketed nor quoted.
    Bare,
    /// In brackets.
    Inside,
    /// In a string.
    Quoted,
    /// Behind a backslash in a string.
    Escaped,
}

/// The pass through one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Documents {
    layout: Layout,
    at: At,
    /// How many brackets are open.
    depth: usize,
    /// The innermost of them, a bit each, from the lowest: set for braces. More than these are only counted; such a document is
    /// rejected by whoever reads it.
    braces: u128,
}

/// Why the next document cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// The offset of the first byte that is wrong, from the first scanned byte.
    pub at: usize,
    /// Where the document starts that it is in, or was to be; `None`: in front of the scanned bytes, or nowhere.
    pub start: Option<usize>,
    /// What is wrong.
    pub why: Breach,
}

/// What is wrong between documents or with what keeps them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// `}` for `[`.
    #[error("'}}' closes a '['")]
    BraceForBracket,
    /// `]` for `{`.
    #[error("']' closes a '{{'")]
    BracketForBrace,
    /// A bracket that closes nothing.
    #[error("'{}' closes nothing", char::from(*.0))]
    Unopened(u8),
    /// A line end in a string.
    #[error("a string does not end in its line")]
    LineEndInString,
    /// A comma outside of an array.
    #[error("a comma between documents, which only the elements of an array have")]
    Comma,
    /// No comma in an array.
    #[error("',' or ']' should be here, behind an element of the array")]
    NoComma,
    /// Two commas, or one in front of the end.
    #[error("an element of the array should be here, behind a comma")]
    NoElement,
    /// A comma in front of the first element.
    #[error("an element of the array or ']' should be here")]
    CommaFirst,
    /// Something behind the array.
    #[error("something follows the array, which should be all of the file")]
    More,
}

impl Breach {
    /// Whether it is in a document, and not between two.
    pub fn is_inside(self) -> bool {
        matches!(self, Breach::BraceForBracket | Breach::BracketForBrace | Breach::LineEndInString)
    }
}

impl Documents {
    /// In front of the first document; of an array, behind its `[`.
    pub fn start(layout: Layout) -> Self {
        let at = match layout {
            Layout::Run => At::Between,
            Layout::Array => At::First,
        };
        Documents { layout, at, depth: 0, braces: 0 }
    }

    /// In front of a document that is not the first, or at the file's end.
    pub fn resumed(layout: Layout) -> Self {
        let at = match layout {
            Layout::Run => At::Between,
            Layout::Array => At::Resumed,
        };
        Documents { at, ..Documents::start(layout) }
    }

    /// Whether the bytes so far end inside a document.
    pub fn in_document(&self) -> bool {
        matches!(self.at, At::Bare | At::Inside | At::Quoted | At::Escaped)
    }

    /// Whether the bytes so far end inside a document that was opened and is to be closed.
    pub fn in_brackets(&self) -> bool {
        self.in_document() && self.at != At::Bare
    }

    /// Whether the file may end here.
    pub fn may_end(&self) -> bool {
        matches!(self.at, At::Between | At::Over | At::Resumed | At::Bare)
            && !(self.at == At::Bare && self.layout == Layout::Array)
    }

    /// Goes on through `bytes`. The lane's offsets count from the first of them.
    ///
    /// # Errors
    /// The next document cannot be found.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Lane, Broken> {
        let mut lane = Lane::new(self.state());
        let mut pos = 0;
        let within = |start: Option<u64>| start.map(|start| start as usize);
        while let Some(start) = self
            .find_start(bytes, &mut pos)
            .map_err(|broken| Broken { start: within(lane.last), ..broken })?
        {
            lane.records += 1;
            lane.first = lane.first.or(Some(start as u64));
            lane.last = Some(start as u64);
        }
        lane.end = self.state();
        Ok(lane)
    }

    /// `\n` bytes are counted apart: they say nothing here.
    pub fn newlines(bytes: &[u8]) -> u64 {
        memchr_iter(b'\n', bytes).count() as u64
    }

    /// The next document from `pos` on, if all of it is in `bytes`; `pos` is behind it then.
    ///
    /// # Errors
    /// It cannot be found.
    pub fn next_whole(&mut self, bytes: &[u8], pos: &mut usize) -> Result<Option<Range<usize>>, Broken> {
        let Some(start) = self.find_start(bytes, pos)? else { return Ok(None) };
        let end = self.finish(bytes, *pos)?;
        *pos = end.unwrap_or(bytes.len());
        Ok(end.map(|end| start..end))
    }

    /// Where the document starts that has `before` other starts before it in `bytes`.
    pub fn nth_start(mut self, bytes: &[u8], before: u64) -> Option<usize> {
        let mut pos = 0;
        for _ in 0..before {
            self.find_start(bytes, &mut pos).ok()??;
        }
        self.find_start(bytes, &mut pos).ok()?
    }

    /// Where the document ends that is open: behind its last byte.
    pub fn end_of_open(mut self, bytes: &[u8]) -> Option<usize> {
        self.finish(bytes, 0).ok()?
    }

    /// Where the document that starts with the first byte ends: behind its last byte, or the end of `bytes`.
    pub fn end_of_first(bytes: &[u8]) -> usize {
        let mut documents = Documents::start(Layout::Run);
        let mut pos = 0;
        let started = documents.find_start(bytes, &mut pos);
        let end = match started {
            Ok(Some(_)) => documents.finish(bytes, pos),
            _ => return bytes.len(),
        };
        end.ok().flatten().unwrap_or(bytes.len())
    }

    fn state(&self) -> State {
        if self.in_document() { State::Unquoted } else { State::RecordStart }
    }

    /// From `pos` to the next start of a document, first behind the one that is open; `pos` is behind its first byte then.
    #[inline]
    fn find_start(&mut self, bytes: &[u8], pos: &mut usize) -> Result<Option<usize>, Broken> {
        if self.in_document() {
            match self.finish(bytes, *pos)? {
                Some(end) => *pos = end,
                None => {
                    *pos = bytes.len();
                    return Ok(None);
                }
            }
        }
        while let Some(&byte) = bytes.get(*pos) {
            let at = *pos;
            *pos += 1;
            if is_space(byte) {
                continue;
            }
            if self.enter(byte).map_err(|why| Broken { at, start: None, why })? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Takes a byte between documents that is no space; whether it begins one.
    fn enter(&mut self, byte: u8) -> Result<bool, Breach> {
        match (self.at, byte) {
            (At::Behind, b',') => self.at = At::Next,
            (At::Behind | At::First, b']') => self.at = At::Over,
            (At::Over, _) => return Err(Breach::More),
            (_, b'}') => return Err(Breach::Unopened(byte)),
            (At::Behind, _) => return Err(Breach::NoComma),
            (At::Between, b',') => return Err(Breach::Comma),
            (At::Between, b']') => return Err(Breach::Unopened(byte)),
            (At::First, b',') => return Err(Breach::CommaFirst),
            (_, b',' | b']') => return Err(Breach::NoElement),
            (_, b'{' | b'[') => {
                self.at = At::Inside;
                self.open(byte);
                return Ok(true);
            }
            (_, b'"') => {
                self.at = At::Quoted;
                return Ok(true);
            }
            _ => {
                self.at = At::Bare;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn open(&mut self, byte: u8) {
        if self.depth < DEPTH_MAX {
            self.braces = self.braces << 1 | u128::from(byte == b'{');
        }
        self.depth += 1;
    }

    fn close(&mut self, byte: u8) -> Result<(), Breach> {
        self.depth = self.depth.saturating_sub(1);
        if self.depth >= DEPTH_MAX {
            return Ok(());
        }
        let is_brace = self.braces & 1 == 1;
        self.braces >>= 1;
        match (byte, is_brace) {
            (b'}', false) => Err(Breach::BraceForBracket),
            (b']', true) => Err(Breach::BracketForBrace),
            _ => Ok(()),
        }
    }

    /// From `pos`, inside a document, to behind its last byte; `None` if it is open at the end of the bytes.
    fn finish(&mut self, bytes: &[u8], mut pos: usize) -> Result<Option<usize>, Broken> {
        let broken = |at: usize, why| Broken { at, start: None, why };
        loop {
            match self.at {
                At::Escaped => {
                    if pos >= bytes.len() {
                        return Ok(None);
                    }
                    // Its line end is told where the string goes on.
                    pos += usize::from(bytes.get(pos) != Some(&b'\n'));
                    self.at = At::Quoted;
                }
                At::Quoted => {
                    pos = find(bytes, pos, |byte| matches!(byte, b'"' | b'\\' | b'\n'));
                    match bytes.get(pos) {
                        None => return Ok(None),
                        Some(b'"') if self.depth > 0 => self.at = At::Inside,
                        Some(b'"') => return Ok(Some(self.leave(pos + 1))),
                        Some(b'\\') => self.at = At::Escaped,
                        Some(_) => return Err(broken(pos, Breach::LineEndInString)),
                    }
                    pos += 1;
                }
                At::Bare => {
                    pos = find(bytes, pos, |byte| {
                        is_space(byte) || matches!(byte, b',' | b'[' | b']' | b'{' | b'}' | b'"')
                    });
                    return Ok((pos < bytes.len()).then(|| self.leave(pos)));
                }
                _ => {
                    pos = find(bytes, pos, |byte| matches!(byte, b'"' | b'[' | b']' | b'{' | b'}'));
                    match bytes.get(pos) {
                        None => return Ok(None),
                        Some(b'"') => self.at = At::Quoted,
                        Some(&byte @ (b'[' | b'{')) => self.open(byte),
                        Some(&byte) => {
                            self.close(byte).map_err(|why| broken(pos, why))?;
                            if self.depth == 0 {
                                return Ok(Some(self.leave(pos + 1)));
                            }
                        }
                    }
                    pos += 1;
                }
            }
        }
    }

    /// Behind a document that ends in front of `end`.
    fn leave(&mut self, end: usize) -> usize {
        self.at = match self.layout {
            Layout::Run => At::Between,
            Layout::Array => At::Behind,
        };
        end
    }
}

/// The first byte from `pos` on that is wanted, or the end.
#[inline]
fn find(bytes: &[u8], pos: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(pos..).unwrap_or_default();
    rest.iter().position(|byte| wanted(*byte)).map_or(bytes.len(), |at| pos + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The documents of a file of this layout, whose array's `[` is gone, found in one go.
    fn found(layout: Layout, bytes: &[u8]) -> Result<Vec<String>, (usize, Breach)> {
        let mut documents = Documents::start(layout);
        let mut pos = 0;
        let mut found = Vec::new();
        let fail = |broken: Broken| (broken.at, broken.why);
        while let Some(start) = documents.find_start(bytes, &mut pos).map_err(fail)? {
            let mut ahead = documents;
            let end = ahead.finish(bytes, pos).map_err(fail)?.unwrap_or(bytes.len());
            if layout == Layout::Run {
                assert_eq!(Documents::end_of_first(&bytes[start..]), end - start);
            }
            found.push(String::from_utf8_lossy(&bytes[start..end]).into_owned());
        }
        Ok(found)
    }

    /// The bytes hold these documents, in whatever pieces they are scanned.
    fn check(layout: Layout, text: &str, expected: Result<&[&str], (usize, Breach)>) {
        let bytes = text.as_bytes();
        let expected = expected.map(|documents| documents.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(found(layout, bytes), expected, "{text}");
        check_cuts(layout, bytes);
    }

    fn check_cuts(layout: Layout, bytes: &[u8]) {
        let mut whole = Documents::start(layout);
        let truth = whole.scan(bytes);
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            let mut documents = Documents::start(layout);
            let lanes = documents.scan(left).and_then(|left| {
                let before = documents;
                let after = documents.scan(right).map_err(|broken| Broken {
                    at: cut + broken.at,
                    start: broken.start.map(|at| cut + at),
                    ..broken
                })?;
                for nth in 0..after.records {
                    let start = before.nth_start(right, nth).unwrap();
                    assert!(!is_space(right[start]));
                }
                assert_eq!(before.nth_start(right, 0).map(|at| at as u64), after.first);
                assert_eq!(before.nth_start(right, after.records), None);
                if before.in_document()
                    && let Some(end) = before.end_of_open(right)
                {
                    assert!(after.first.is_none_or(|first| first >= end as u64));
                }
                Ok((left, after))
            });
            let composed = lanes.map(|(left, right)| {
                let moved = |offset: u64| offset + cut as u64;
                Lane {
                    end: right.end,
                    records: left.records + right.records,
                    first: left.first.or(right.first.map(moved)),
                    last: right.last.map(moved).or(left.last),
                    quote: None,
                }
            });
            // What starts in front of the cut is not known behind it.
            let place = |broken: Broken| (broken.at, broken.why);
            assert_eq!(composed.map_err(place), truth.map_err(place), "cut at {cut}");
            if truth.is_ok() {
                assert_eq!(documents, whole, "cut at {cut}");
            }
        }
    }

    #[test]
    fn documents_follow_each_other_with_or_without_spaces() {
        check(Layout::Run, "", Ok(&[]));
        check(Layout::Run, " \n\t\r\n", Ok(&[]));
        check(Layout::Run, "{}", Ok(&["{}"]));
        check(
            Layout::Run,
            "{\"a\":1}{\"b\":2}\n{\n \"c\": [1,\n2]\n}\n",
            Ok(&["{\"a\":1}", "{\"b\":2}", "{\n \"c\": [1,\n2]\n}"]),
        );
        check(Layout::Run, "1 true\"x\"null[1]{}-2", Ok(&["1", "true", "\"x\"", "null", "[1]", "{}", "-2"]));
        check(Layout::Run, r#"{"a":"}{\"]["}{"b":"\\"}"#, Ok(&[r#"{"a":"}{\"]["}"#, r#"{"b":"\\"}"#]));
    }

    #[test]
    fn the_elements_of_an_array_are_documents() {
        check(Layout::Array, "]", Ok(&[]));
        check(Layout::Array, " {\"a\":1} , {\"b\":[{}]}\n]\n ", Ok(&["{\"a\":1}", "{\"b\":[{}]}"]));
        check(Layout::Array, "1,\"]\",[2,3],true]", Ok(&["1", "\"]\"", "[2,3]", "true"]));
    }

    #[test]
    fn what_does_not_keep_documents_apart_is_told_with_its_place() {
        let check = |layout, text: &str, at: usize, why: Breach| check(layout, text, Err((at, why)));
        check(Layout::Run, "{},{}", 2, Breach::Comma);
        check(Layout::Run, "{}}", 2, Breach::Unopened(b'}'));
        check(Layout::Run, "{} ]", 3, Breach::Unopened(b']'));
        check(Layout::Run, "{\"a\":[1}", 7, Breach::BraceForBracket);
        check(Layout::Run, "{\"a\":1]", 6, Breach::BracketForBrace);
        check(Layout::Run, "{\"a\":\"x}\n{\"b\":\"y\"}", 8, Breach::LineEndInString);
        check(Layout::Run, "{\"a\":\"x\\\n\"}", 8, Breach::LineEndInString);
        check(Layout::Array, ",{}]", 0, Breach::CommaFirst);
        check(Layout::Array, "{},,{}]", 3, Breach::NoElement);
        check(Layout::Array, "{},]", 3, Breach::NoElement);
        check(Layout::Array, "{} {}]", 3, Breach::NoComma);
        check(Layout::Array, "{}}", 2, Breach::Unopened(b'}'));
        check(Layout::Array, "{}] {}", 4, Breach::More);
        check(Layout::Array, "{}]]", 3, Breach::More);
    }

    #[test]
    fn a_file_may_end_only_behind_a_document_or_the_array() {
        let check = |layout, text: &str, expected: bool| {
            let mut documents = Documents::start(layout);
            documents.scan(text.as_bytes()).unwrap();
            assert_eq!(documents.may_end(), expected, "{text}");
        };
        for (text, expected) in
            [("", true), ("{}", true), ("{", false), ("{\"a\":\"", false), ("\"\\", false), ("12", true)]
        {
            check(Layout::Run, text, expected);
        }
        for (text, expected) in
            [("", false), ("{}", false), ("{},", false), ("12", false), ("{}]", true), ("] \n", true)]
        {
            check(Layout::Array, text, expected);
        }
        assert!(Documents::resumed(Layout::Array).may_end());
        let mut resumed = Documents::resumed(Layout::Array);
        resumed.scan(b"{}, ").unwrap();
        assert!(!resumed.may_end());
    }

    #[test]
    fn brackets_are_told_apart_however_deep_and_counted_deeper_than_that() {
        let deep = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat() + "{}";
        for depth in [1, 127, 128, 129, 1_000] {
            assert_eq!(found(Layout::Run, deep(depth).as_bytes()).unwrap().len(), 2, "{depth}");
        }
        let wrong = "[".repeat(128) + "}";
        assert_eq!(found(Layout::Run, wrong.as_bytes()), Err((128, Breach::BraceForBracket)));
    }

    fn nasty() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(b"{}[]\",\\\n 1a:".to_vec()), 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_cut_anywhere_have_the_same_documents(bytes in nasty(), array in any::<bool>()) {
            check_cuts(if array { Layout::Array } else { Layout::Run }, &bytes);
        }

        #[test]
        fn what_serde_json_reads_is_found(values in prop::collection::vec("\\PC{0,8}", 0..5), pretty in any::<bool>()) {
            let values: Vec<serde_json::Value> =
                values.into_iter().enumerate().map(|(n, text)| serde_json::json!({ "n": n, text.clone(): [text, {}] })).collect();
            let shown = |value: &serde_json::Value| {
                if pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) }.unwrap()
            };
            let texts: Vec<String> = values.iter().map(shown).collect();
            prop_assert_eq!(found(Layout::Run, texts.concat().as_bytes()), Ok(texts.clone()));
            let array = shown(&serde_json::Value::Array(values.clone()));
            let found = found(Layout::Array, &array.as_bytes()[1..]).unwrap();
            let read: Vec<serde_json::Value> = found.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
            prop_assert_eq!(read, values);
        }
    }
}
