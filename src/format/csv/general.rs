//! The dialects that csv-core does not read: delimiters of several bytes, an escape that works everywhere, spaces around fields.
//! One machine proves where records begin (a table, for the scan), one walk reads their fields (for the reader); both give what
//! reading the file byte by byte from its start gives. Pure. The usual dialects never come here.

use memchr::{memchr, memchr2};

use super::dialect::{Dialect, Escapes, Trim};
use super::reader::{ReadError, RecordEnd, Records, after_line_end, newlines};
use super::scan::{Gap, Inside, PREFIXES, STATES, State, Steps};
use crate::format::record::{FieldSpan, RecordBatch};

/// Kinds of bytes that a machine tells apart: line ends, the dialect's characters, spaces, a delimiter's bytes, all others.
const CLASSES: usize = 16;

/// The state machine of any dialect, as a table.
#[derive(Debug, Clone)]
pub(super) struct General {
    dialect: Dialect,
    class_of: [u8; 256],
    next: [[State; CLASSES]; STATES.len()],
}

impl General {
    pub(super) fn new(dialect: &Dialect) -> Self {
        let Dialect { delimiter, quote, escape, comment, .. } = dialect;
        let special = [Some(b'\n'), Some(b'\r'), *quote, *escape, *comment, Some(b' '), Some(b'\t')];
        let special = special.into_iter().flatten().chain(delimiter.as_bytes().iter().copied());
        let mut class_of = [0; 256];
        // What stands for each class; class 0 is of all bytes that are not special.
        let mut examples = [0; CLASSES];
        let mut classes = 1;
        for byte in special {
            if class_of[usize::from(byte)] == 0 {
                class_of[usize::from(byte)] = classes as u8;
                examples[classes] = byte;
                classes += 1;
            }
        }
        // There are fewer special bytes than bytes.
        examples[0] = (0..=u8::MAX).find(|byte| class_of[usize::from(*byte)] == 0).unwrap_or_default();
        let next = STATES.map(|state| examples.map(|byte| step(dialect, state, byte)));
        General { dialect: *dialect, class_of, next }
    }
}

impl Steps for General {
    #[inline]
    fn step(&self, state: State, byte: u8) -> State {
        self.next[state as usize][usize::from(self.class_of[usize::from(byte)])]
    }

    fn finish_record(&self, bytes: &[u8], pos: usize, state: State) -> Inside {
        let mut state = if state == State::RecordStart { State::FieldStart } else { state };
        let mut quote = None;
        for (&byte, at) in bytes[pos..].iter().zip(pos..) {
            let next = self.step(state, byte);
            if next == State::RecordStart {
                return Inside::LineEnd(at);
            }
            if next == State::Quoted && state == State::FieldStart {
                quote = Some(at);
            }
            state = next;
        }
        Inside::Out { state, quote }
    }

    fn skip_gap(&self, bytes: &[u8], pos: usize, state: State) -> Gap {
        skip_gap(self.dialect.comment, bytes, pos, state)
    }
}

/// From `pos`, in `state` between records, to the next record's first byte.
#[inline]
pub(super) fn skip_gap(comment: Option<u8>, bytes: &[u8], mut pos: usize, mut state: State) -> Gap {
    loop {
        if state == State::Comment {
            let Some(line) = memchr(b'\n', &bytes[pos..]) else { return Gap::Out(state) };
            pos += line + 1;
            state = State::RecordStart;
        }
        match bytes.get(pos) {
            None => return Gap::Out(state),
            Some(b'\r' | b'\n') => pos += 1,
            Some(&byte) if comment == Some(byte) => {
                state = State::Comment;
                pos += 1;
            }
            Some(_) => return Gap::Record(pos),
        }
    }
}

/// One byte's step: the definition of the machine.
fn step(dialect: &Dialect, state: State, byte: u8) -> State {
    let is = |character: Option<u8>| character == Some(byte);
    let line_end = matches!(byte, b'\r' | b'\n');
    match state {
        State::RecordStart if line_end => State::RecordStart,
        State::RecordStart if is(dialect.comment) => State::Comment,
        State::RecordStart | State::FieldStart if dialect.trims(byte) => State::FieldStart,
        State::RecordStart | State::FieldStart if is(dialect.quote) => State::Quoted,
        State::QuoteInQuoted if is(dialect.quote) => State::Quoted,
        State::Quoted if is(dialect.quote) => State::QuoteInQuoted,
        State::Quoted if is(dialect.escape) => State::EscapeInQuoted,
        State::Quoted | State::EscapeInQuoted => State::Quoted,
        State::Comment if byte == b'\n' => State::RecordStart,
        State::Comment => State::Comment,
        State::EscapeInUnquoted => State::Unquoted,
        _ if line_end => State::RecordStart,
        _ if dialect.escapes_anywhere() && is(dialect.escape) => State::EscapeInUnquoted,
        _ => {
            let seen = PREFIXES.iter().position(|prefix| *prefix == state).map_or(0, |index| index + 1);
            in_delimiter(dialect.delimiter.as_bytes(), seen, byte)
        }
    }
}

/// The state after so many bytes of the delimiter and this one: in as much of a delimiter as these bytes may be the start of.
fn in_delimiter(delimiter: &[u8], seen: usize, byte: u8) -> State {
    let before = delimiter.get(..seen).unwrap_or_default();
    let starts = |len: &usize| match delimiter.get(..*len).and_then(<[u8]>::split_last) {
        Some((last, start)) => *last == byte && before.ends_with(start),
        None => false,
    };
    match (1..=seen + 1).rev().find(starts) {
        Some(len) if len == delimiter.len() => State::FieldStart,
        Some(len) => PREFIXES.get(len - 1).copied().unwrap_or(State::Unquoted),
        None => State::Unquoted,
    }
}

/// Reads the fields of records.
pub(super) struct GeneralRecords {
    dialect: Dialect,
    /// The text of the record's fields that are not simply bytes of the chunk.
    text: Vec<u8>,
}

/// A field, and where what is behind it begins: a delimiter, a line end or nothing.
struct Walked {
    text: Text,
    quoted: bool,
    end: usize,
}

/// Where a field's text is.
enum Text {
    /// In the chunk, from here to there.
    Chunk(usize, usize),
    /// In the text of the record.
    Record(usize, usize),
}

/// Some bytes of a field.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
    /// Whether there are escapes or doubled quotes in it.
    escaped: bool,
}

impl GeneralRecords {
    pub(super) fn new(dialect: &Dialect) -> Self {
        GeneralRecords { dialect: *dialect, text: Vec::new() }
    }

    fn field(&mut self, bytes: &[u8], start: usize) -> Result<Walked, ReadError> {
        let spaces = bytes[start..].iter().take_while(|byte| self.dialect.trims(**byte)).count();
        let start = start + spaces;
        if self.dialect.quote.is_some() && bytes.get(start).copied() == self.dialect.quote {
            return self.quoted_field(bytes, start);
        }
        let part = self.unquoted_part(bytes, start);
        let text = match part.escaped {
            true if self.is_null_mark(bytes, part) => Text::Chunk(start, start),
            true => self.rewrite(bytes, &[(part, false)]),
            false => Text::Chunk(start, self.trimmed_end(bytes, part)),
        };
        Ok(Walked { text, quoted: false, end: part.end })
    }

    fn is_null_mark(&self, bytes: &[u8], part: Part) -> bool {
        let text = bytes.get(part.start..part.end).unwrap_or_default();
        let spaces = text.iter().rev().take_while(|byte| self.dialect.trims(**byte)).count();
        self.dialect.is_null_mark(text.get(..text.len() - spaces).unwrap_or_default())
    }

    fn quoted_field(&mut self, bytes: &[u8], quote: usize) -> Result<Walked, ReadError> {
        let inside = self.quoted_part(bytes, quote)?;
        // Text behind the closing quote belongs to the field.
        let behind = self.unquoted_part(bytes, inside.end + 1);
        let is_more = behind.escaped || self.trimmed_end(bytes, behind) > behind.start;
        let text = match (inside.escaped || is_more, self.dialect.trim) {
            (true, _) if is_more => self.rewrite(bytes, &[(inside, true), (behind, false)]),
            (true, _) => self.rewrite(bytes, &[(inside, true)]),
            (false, Trim::All) => {
                let spaces =
                    bytes[inside.start..inside.end].iter().take_while(|byte| self.dialect.trims(**byte));
                let start = inside.start + spaces.count();
                Text::Chunk(start, self.trimmed_end(bytes, Part { start, ..inside }))
            }
            (false, _) => Text::Chunk(inside.start, inside.end),
        };
        Ok(Walked { text, quoted: true, end: behind.end })
    }

    /// What is between the quotes of which the first is at `quote`.
    fn quoted_part(&self, bytes: &[u8], quote: usize) -> Result<Part, ReadError> {
        let open = ReadError::OpenQuote { quote };
        let (character, escape) = (bytes[quote], self.dialect.escape);
        let (start, mut escaped) = (quote + 1, false);
        let mut pos = start;
        loop {
            let rest = bytes.get(pos..).unwrap_or_default();
            let found = match escape {
                Some(escape) => memchr2(character, escape, rest),
                None => memchr(character, rest),
            };
            let at = pos + found.ok_or(open)?;
            let is_escape = escape == Some(bytes[at]);
            if is_escape && at + 1 == bytes.len() {
                return Err(open);
            }
            if !is_escape && bytes.get(at + 1) != Some(&character) {
                return Ok(self.looked_at(bytes, Part { start, end: at, escaped }));
            }
            escaped = true;
            pos = at + 2;
        }
    }

    /// What is from `start` to the next delimiter or line end.
    fn unquoted_part(&self, bytes: &[u8], start: usize) -> Part {
        let delimiter = self.dialect.delimiter.as_bytes();
        let first = delimiter.first().copied();
        let escape = self.dialect.escape.filter(|_| self.dialect.escapes_anywhere());
        let mut part = Part { start, end: start, escaped: false };
        while let Some(&byte) = bytes.get(part.end) {
            if matches!(byte, b'\r' | b'\n') {
                break;
            }
            if escape == Some(byte) {
                part.escaped = true;
                part.end = (part.end + 2).min(bytes.len());
            } else if Some(byte) == first && bytes[part.end..].starts_with(delimiter) {
                break;
            } else {
                part.end += 1;
            }
        }
        self.looked_at(bytes, part)
    }

    /// What cqlsh has escaped before it wrote CSV is escaped by `\`, whatever the dialect's escape is.
    fn looked_at(&self, bytes: &[u8], part: Part) -> Part {
        let text = bytes.get(part.start..part.end).unwrap_or_default();
        let again = self.dialect.escapes == Escapes::Cqlsh && memchr(b'\\', text).is_some();
        Part { escaped: part.escaped || again, ..part }
    }

    /// The end of a part without escapes, without the spaces before it.
    fn trimmed_end(&self, bytes: &[u8], part: Part) -> usize {
        let text = bytes.get(part.start..part.end).unwrap_or_default();
        part.end - text.iter().rev().take_while(|byte| self.dialect.trims(**byte)).count()
    }

    /// Writes the parts of a field, each with whether it stood in quotes, behind the text of the record. Spaces that were escaped
    /// stay where they are.
    fn rewrite(&mut self, bytes: &[u8], parts: &[(Part, bool)]) -> Text {
        let dialect = self.dialect;
        let start = self.text.len();
        // Between these, nothing is trimmed.
        let (mut kept_start, mut kept_end) = (usize::MAX, start);
        for (part, quoted) in parts {
            let trims = dialect.trim == Trim::All || !quoted;
            let begin = self.text.len();
            let mut rest = bytes.get(part.start..part.end).unwrap_or_default();
            while let Some((&byte, behind)) = rest.split_first() {
                let next = behind.first().copied();
                let escapes = dialect.escape == Some(byte) && (*quoted || dialect.escapes_anywhere());
                let taken = match next {
                    Some(next) if escapes && dialect.escaped(next).is_some() => dialect.escaped(next),
                    Some(next) if *quoted && dialect.quote == Some(byte) => Some(next),
                    _ => None,
                };
                self.text.push(taken.unwrap_or(byte));
                rest = if taken.is_some() { behind.get(1..).unwrap_or_default() } else { behind };
                if escapes && taken.is_some() {
                    kept_start = kept_start.min(self.text.len() - 1);
                    kept_end = self.text.len();
                }
            }
            if !trims {
                kept_start = kept_start.min(begin);
                kept_end = self.text.len();
            }
        }
        let trims = |byte: &u8| dialect.trims(*byte);
        let trailing = self.text[kept_end..].iter().rev().take_while(|byte| trims(byte)).count();
        self.text.truncate(self.text.len() - trailing);
        let leading_end = kept_start.min(self.text.len());
        let leading = self.text[start..leading_end].iter().take_while(|byte| trims(byte)).count();
        if dialect.escapes == Escapes::Cqlsh {
            unescape_again(&mut self.text, start + leading);
        }
        Text::Record(start + leading, self.text.len())
    }
}

impl Records for GeneralRecords {
    fn skip_gap(&self, bytes: &[u8], pos: usize) -> Gap {
        skip_gap(self.dialect.comment, bytes, pos, State::RecordStart)
    }

    fn read_record(
        &mut self,
        batch: &mut RecordBatch,
        start: usize,
        len: usize,
    ) -> Result<RecordEnd, ReadError> {
        self.text.clear();
        let behind = batch.bytes.len();
        let bytes = &batch.bytes[..len];
        let delimiter = self.dialect.delimiter;
        let mut pos = start;
        let end = loop {
            let field = self.field(bytes, pos)?;
            let (start, end) = match field.text {
                Text::Chunk(start, end) => (start, end),
                Text::Record(start, end) => (behind + start, behind + end),
            };
            batch.fields.push(FieldSpan { start: start as u32, end: end as u32, quoted: field.quoted });
            if !bytes[field.end..].starts_with(delimiter.as_bytes()) {
                break field.end;
            }
            pos = field.end + delimiter.as_bytes().len();
        };
        let raw = after_line_end(bytes, end);
        let newlines = newlines(&bytes[start..raw]);
        batch.bytes.extend_from_slice(&self.text);
        Ok(RecordEnd { raw, newlines })
    }
}

/// Unescapes a text from `start` on as Python shows it: `\\` is `\`, and control characters are `\n`, `\r`, `\t` or `\x` and two
/// digits. What is none of these stays as it is.
fn unescape_again(text: &mut Vec<u8>, start: usize) {
    let escaped = text.split_off(start.min(text.len()));
    let mut rest = &escaped[..];
    while let Some((&byte, behind)) = rest.split_first() {
        let (character, len) = match (byte, behind) {
            (b'\\', [b'\\', ..]) => ('\\', 2),
            (b'\\', [b'n', ..]) => ('\n', 2),
            (b'\\', [b'r', ..]) => ('\r', 2),
            (b'\\', [b't', ..]) => ('\t', 2),
            (b'\\', [b'x', high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default();
                (char::from_u32(digit(*high) * 16 + digit(*low)).unwrap_or_default(), 4)
            }
            _ => {
                text.push(byte);
                rest = behind;
                continue;
            }
        };
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = rest.get(len..).unwrap_or_default();
    }
}
