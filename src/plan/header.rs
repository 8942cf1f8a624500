//! A file's beginning: its byte order mark, its header, and where its data start. Reads no further than the first record.
//! Never guesses an encoding or a format: a file that says that it is one that is not read is refused.

use std::ops::Range;
use std::path::PathBuf;

use memchr::memchr_iter;

use super::discover::{InputError, InputFile};
use super::foreign::other_format;
use super::parquet::ParquetError;
use super::parquet::footer::Columns;
use super::prefix::Prefix;
use super::source::Source;
use super::split::{Place, RecordError};
use crate::format::charset::Charset;
use crate::format::csv::dialect::Dialect;
use crate::format::csv::reader::{ChunkReader, ReadError};
use crate::format::csv::scan::{self, State};
use crate::format::csv::separator::SeparatorLine;
use crate::format::json::documents::Layout;
use crate::format::json::keys::SampledKeys;
use crate::format::record::RecordBatch;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// What the beginning of a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The columns' names in order; empty where they are not used, and for a file without a header or without any record.
    pub names: Vec<String>,
    /// The fields of a header that is only passed over, for whoever doubts that it is one; empty if there is none.
    pub passed_over: Vec<String>,
    /// The fields of the first record that is data, for whoever has doubts about it; empty if there is none, or none that ends soon.
    pub first_record: Vec<String>,
    /// The header's original bytes with its line end, without a byte order mark; empty if there is none.
    pub raw: Vec<u8>,
    /// Offset in the file of the first byte behind the header (or the byte order mark).
    pub data_start: u64,
    /// The line of that byte, counted from 1 by `\n` bytes.
    pub data_line: u64,
    /// Of JSON documents: how they follow each other.
    pub layout: Layout,
    /// Of a file whose records name their fields by keys: those that it begins with.
    pub sampled: Option<SampledKeys>,
    /// Of a Parquet file: its columns' types, and how many rows are where.
    pub columns: Option<Columns>,
}

impl Header {
    /// Where the records begin.
    pub fn data(&self) -> Place {
        Place { offset: self.data_start, line: self.data_line, record: 1 }
    }
}

/// Why a file's beginning is refused.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// The file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The first record does not end.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A Parquet file.
    #[error(transparent)]
    Parquet(#[from] ParquetError),
    /// A byte order mark of another encoding.
    #[error(
        "{}: is encoded in {encoding}, which is not read: convert it, as in \
         iconv -f {encoding} -t UTF-8 {} > utf8.csv",
        path.display(), path.display()
    )]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Its encoding.
        encoding: &'static str,
    },
    /// The first bytes of a compressed or a binary format.
    #[error("{}: is {format}: {remedy}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it is.
        format: String,
        /// What to do.
        remedy: String,
    },
    /// A column's name is not text.
    #[error("{}: the header's field {position} is not {encoding}: name the file's encoding with --encoding", path.display())]
    Undecodable {
        /// The file.
        path: PathBuf,
        /// Which field, from 1.
        position: usize,
        /// The encoding that it should have.
        encoding: &'static str,
    },
    /// A byte order mark of another encoding than was said.
    #[error("{}: begins with the byte order mark of {mark}, so it is not {encoding}: leave out --encoding", path.display())]
    OtherMark {
        /// The file.
        path: PathBuf,
        /// The encoding that the mark tells of.
        mark: &'static str,
        /// The encoding that was said.
        encoding: &'static str,
    },
    /// A column without a name.
    #[error(
        "{}: the header's field {position} is empty: name the column in the file, or give all names with --columns",
        path.display()
    )]
    EmptyName {
        /// The file.
        path: PathBuf,
        /// Which field, from 1.
        position: usize,
    },
    /// Two columns of one name.
    #[error(
        "{}: the header names {name:?} twice, in fields {first} and {second}: rename one, or give all names with \
         --columns",
        path.display()
    )]
    DuplicateName {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// The field that has it first, from 1.
        first: usize,
        /// The field that has it again, from 1.
        second: usize,
    },
    /// What is said to be CSV by nobody, and begins as JSON.
    #[error(
        "{}: begins as JSON does: load it with --format {format}, or with --format csv if it is CSV all the same", path.display()
    )]
    LooksLikeJson {
        /// The file.
        path: PathBuf,
        /// Which JSON it seems to be.
        format: &'static str,
    },
    /// What is said to be JSON begins as something else.
    #[error("{}: of its first {records} records {objects} are JSON objects (the first: {flaw}): {remedy}", path.display())]
    NotObjects {
        /// The file.
        path: PathBuf,
        /// How many were looked at.
        records: usize,
        /// How many are.
        objects: String,
        /// What is wrong with the first.
        flaw: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Standard input ends before its header.
    #[error(
        "standard input holds no record, not even a header: see whether the program that writes it has failed; where nothing may come, \
         give --no-header with --columns"
    )]
    NoHeader,
    /// The first line says what stands between fields, and that is not what is set.
    #[error(
        "{}: its first line says that '{delimiter}' stands between fields: load it with --delimiter '{delimiter}', or with --dialect auto",
        path.display()
    )]
    Separator {
        /// The file.
        path: PathBuf,
        /// What it says.
        delimiter: String,
    },
    /// Nothing but comments and empty lines where the first record should be.
    #[error("{}: the first {bytes} bytes hold no record, only comments and empty lines: remove them", path.display())]
    NoRecord {
        /// The file.
        path: PathBuf,
        /// How many bytes were looked at.
        bytes: usize,
    },
}

/// Whether a header's names matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderNames {
    /// They name the columns.
    Used,
    /// The columns are named elsewhere: the header is only passed over, whatever it says.
    Ignored,
}

/// Reads the beginning of a file of CSV. `max_record_bytes` bounds how far it looks for the end of the first record.
///
/// # Errors
/// The file cannot be read or has changed, is in another encoding, its first record does not end, or its header is used and has a
/// name that is empty, there twice or no text in the dialect's encoding.
pub(super) fn read_header(
    prefix: &mut Prefix<'_>,
    dialect: &Dialect,
    header_names: HeaderNames,
    max_record_bytes: u64,
) -> Result<Header, HeaderError> {
    let begin = beginning_len(prefix.file(), dialect, prefix.bytes())?;
    let found = find_first(prefix, begin, dialect, max_record_bytes)?;
    let (file, bytes) = (prefix.file(), prefix.bytes());
    let charset = file.decoding.unwrap_or(dialect.charset);
    let line_of = |offset: usize| 1 + memchr_iter(b'\n', &bytes[..offset]).count() as u64;
    let none = Header {
        names: Vec::new(),
        passed_over: Vec::new(),
        first_record: Vec::new(),
        raw: Vec::new(),
        data_start: begin as u64,
        data_line: line_of(begin),
        ..Header::default()
    };
    let Some(range) = found else {
        return match dialect.header && file.is_stdin() {
            true => Err(HeaderError::NoHeader),
            false => Ok(none),
        };
    };
    let raw = bytes.get(range.clone()).unwrap_or_default().to_vec();
    let batch = ChunkReader::new(dialect).read(raw.clone()).map_err(|error| {
        let (path, limit) = (file.path.clone(), max_record_bytes);
        match error {
            ReadError::OpenQuote { quote } => {
                RecordError::OpenQuote { path, line: line_of(range.start + quote) }
            }
            _ => RecordError::TooLong { path, line: line_of(range.start), limit },
        }
    })?;
    if !dialect.header {
        // The record is data, be it as bad as it may: a worker will judge it.
        return Ok(Header { first_record: lossy(charset, &batch), ..none });
    }
    let (names, passed_over) = match header_names {
        HeaderNames::Used => (column_names(file, charset, texts(&batch))?, Vec::new()),
        HeaderNames::Ignored => (Vec::new(), lossy(charset, &batch)),
    };
    let first_record = record_behind(file, dialect, bytes, range.end);
    let (data_start, data_line) = (range.end as u64, line_of(range.end));
    Ok(Header { names, passed_over, first_record, raw, data_start, data_line, ..Header::default() })
}

/// The beginning of an input, at most so many bytes, and whether that is all of it.
///
/// # Errors
/// The input cannot be read, or says that it is nothing that is read here.
pub fn read_sample(file: &InputFile, bytes: usize) -> Result<(Vec<u8>, bool), HeaderError> {
    // One more tells whether there is more.
    let mut sample = vec![0; bytes + 1];
    let read = Source::open(file)?.read_up_to(&mut sample, 0)?;
    sample.truncate(read.min(bytes));
    refuse_others(file, &sample)?;
    Ok((sample, read <= bytes))
}

/// The fields of a batch's first record.
fn texts(batch: &RecordBatch) -> impl Iterator<Item = &[u8]> {
    batch.get(0).into_iter().flat_map(|record| {
        (0..record.field_count()).filter_map(move |index| record.field(index)).map(|field| field.bytes)
    })
}

fn lossy(charset: Charset, batch: &RecordBatch) -> Vec<String> {
    let lossy = |text| {
        let decoded = charset.decode(text);
        String::from_utf8_lossy(decoded.as_deref().unwrap_or(text)).into_owned()
    };
    texts(batch).map(lossy).collect()
}

/// The fields of the first record behind the header, if it ends in the bytes that are read already.
fn record_behind(file: &InputFile, dialect: &Dialect, bytes: &[u8], header_end: usize) -> Vec<String> {
    let rest = bytes.get(header_end..).unwrap_or_default();
    let complete = !file.is_of_unknown_length() && bytes.len() as u64 == file.size;
    let record = first_record(dialect, rest, complete);
    let raw = record.and_then(|range| rest.get(range));
    let batch = raw.and_then(|raw| ChunkReader::new(dialect).read(raw.to_vec()).ok());
    batch.map_or_else(Vec::new, |batch| lossy(file.decoding.unwrap_or(dialect.charset), &batch))
}

/// Reads until the first record has ended, which is behind `begin`; where in the bytes it is.
fn find_first(
    prefix: &mut Prefix<'_>,
    begin: usize,
    dialect: &Dialect,
    max_record_bytes: u64,
) -> Result<Option<Range<usize>>, HeaderError> {
    loop {
        let data = prefix.bytes().get(begin..).unwrap_or_default();
        if let Some(found) = first_record(dialect, data, prefix.is_complete()) {
            return Ok(Some(found.start + begin..found.end + begin));
        }
        if !prefix.grow(max_record_bytes)? {
            return match prefix.is_complete() {
                true => Ok(None),
                false => {
                    // The last byte only tells that there is more.
                    let seen = prefix.bytes().split_last().map_or(&[][..], |(_, seen)| seen);
                    Err(endless(prefix.file(), dialect, seen, max_record_bytes))
                }
            };
        }
    }
}

/// How much of a file's beginning is no record: its byte order mark, and a line that says what stands between fields, if it is that.
fn beginning_len(file: &InputFile, dialect: &Dialect, bytes: &[u8]) -> Result<usize, HeaderError> {
    let mark = mark_len(bytes);
    match SeparatorLine::of(bytes.get(mark..).unwrap_or_default()) {
        None => Ok(mark),
        Some(line) if line.delimiter == dialect.delimiter => Ok(mark + line.len),
        Some(line) => {
            let delimiter = String::from_utf8_lossy(line.delimiter.as_bytes()).replace('\t', "tab");
            Err(HeaderError::Separator { path: file.path.clone(), delimiter })
        }
    }
}

/// Refuses a file whose first bytes say that it is no text that is read.
pub(super) fn refuse_others(file: &InputFile, bytes: &[u8]) -> Result<(), HeaderError> {
    if let Some((format, remedy)) = other_format(file, bytes) {
        let path = file.path.clone();
        let remedy = remedy.replace("FILE", &path.display().to_string());
        return Err(HeaderError::NotText { path, format, remedy });
    }
    if let Some(encoding) = other_encoding(bytes) {
        return Err(HeaderError::Encoding { path: file.path.clone(), encoding });
    }
    Ok(())
}

/// The first record with its line end, if it ends in `bytes`; `complete`: the file ends with them.
fn first_record(dialect: &Dialect, bytes: &[u8], complete: bool) -> Option<Range<usize>> {
    let start = scan::record_start(dialect, bytes)?;
    let Some(line_end) = scan::record_end(dialect, State::FieldStart, &bytes[start..]) else {
        return complete.then_some(start..bytes.len());
    };
    let line_end = start + line_end;
    match (bytes[line_end], bytes.get(line_end + 1)) {
        (b'\r', Some(b'\n')) => Some(start..line_end + 2),
        // The `\n` may be the first byte that is not read yet.
        (b'\r', None) if !complete => None,
        _ => Some(start..line_end + 1),
    }
}

/// What to say of a file whose first record does not end in `bytes`.
fn endless(file: &InputFile, dialect: &Dialect, bytes: &[u8], limit: u64) -> HeaderError {
    let path = file.path.clone();
    let mark = mark_len(bytes);
    let line_of = |at: u64| 1 + memchr_iter(b'\n', &bytes[..mark + at as usize]).count() as u64;
    let scanned = scan::scan(dialect, &bytes[mark..]);
    let lane = scanned.from(State::RecordStart);
    match (lane.first, lane.quote) {
        (_, Some(quote)) if lane.end.in_quotes() => {
            RecordError::LongQuote { path, line: line_of(quote), limit }.into()
        }
        (Some(first), _) => RecordError::TooLong { path, line: line_of(first), limit }.into(),
        (None, _) => HeaderError::NoRecord { path, bytes: bytes.len() },
    }
}

/// The names of columns, where they can be told apart.
pub(super) fn column_names<'a>(
    file: &InputFile,
    charset: Charset,
    texts: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<String>, HeaderError> {
    let mut names: Vec<String> = Vec::new();
    for (text, position) in texts.zip(1..) {
        let path = || file.path.clone();
        let decoded = charset.decode(text);
        let Some(name) = decoded.as_deref().and_then(|text| std::str::from_utf8(text).ok()) else {
            return Err(HeaderError::Undecodable { path: path(), position, encoding: charset.name() });
        };
        if name.is_empty() {
            return Err(HeaderError::EmptyName { path: path(), position });
        }
        if let Some(first) = names.iter().position(|other| other == name) {
            let (name, first) = (name.to_owned(), first + 1);
            return Err(HeaderError::DuplicateName { path: path(), name, first, second: position });
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The length of the UTF-8 byte order mark, if there is one.
pub(super) fn mark_len(bytes: &[u8]) -> usize {
    if bytes.starts_with(UTF8_MARK) { UTF8_MARK.len() } else { 0 }
}

/// The encoding that a byte order mark names, if nobody here reads it (Unicode 15.0, table 2-4). Its name is one that iconv knows.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    let marks: [&[u8]; 2] = [b"\xff\xfe\0\0", b"\0\0\xfe\xff"];
    marks.iter().any(|mark| bytes.starts_with(mark)).then_some("UTF-32")
}

#[cfg(test)]
mod tests;
