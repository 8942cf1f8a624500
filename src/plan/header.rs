//! A file's beginning: its byte order mark, its header, and where its data start. Reads no further than the first record.
//! Never guesses an encoding: a file that says it is not UTF-8, or compressed, is refused.

use std::ops::Range;
use std::path::PathBuf;

use memchr::memchr_iter;

use super::discover::{InputError, InputFile};
use super::split::{Place, RecordError};
use crate::format::csv::dialect::Dialect;
use crate::format::csv::reader::{ChunkReader, ReadError};
use crate::format::csv::scan::{self, State};
use crate::format::record::RecordBatch;

/// Bytes read at first; doubled as long as the first record does not end in them.
const PREFIX_BYTES: u64 = 64 * 1024;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
const BZIP2: &str = "bzip2-compressed";

/// What the beginning of a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A byte order mark of another encoding.
    #[error(
        "{}: is encoded in {encoding}, only UTF-8 is loaded: convert it, as in \
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
        format: &'static str,
        /// What to do.
        remedy: String,
    },
    /// A column's name is not text.
    #[error("{}: the header's field {position} is not UTF-8: convert the file with iconv", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Which field, from 1.
        position: usize,
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

/// Reads a file's beginning. `max_record_bytes` bounds how far it looks for the end of the first record.
///
/// # Errors
/// The file cannot be read or has changed, is in another encoding, its first record does not end, or its header is used and has a
/// name that is empty, there twice or not UTF-8.
pub fn read_header(
    file: &InputFile,
    dialect: &Dialect,
    header_names: HeaderNames,
    max_record_bytes: u64,
) -> Result<Header, HeaderError> {
    let (bytes, found) = read_prefix(file, dialect, max_record_bytes)?;
    let mark = mark_len(&bytes);
    let none = Header {
        names: Vec::new(),
        passed_over: Vec::new(),
        first_record: Vec::new(),
        raw: Vec::new(),
        data_start: mark as u64,
        data_line: 1,
    };
    let Some(range) = found else { return Ok(none) };
    let raw = bytes.get(range.clone()).unwrap_or_default().to_vec();
    let line_of = |offset: usize| 1 + memchr_iter(b'\n', &bytes[..offset]).count() as u64;
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
        return Ok(Header { first_record: lossy(&batch), ..none });
    }
    let (names, passed_over) = match header_names {
        HeaderNames::Used => (column_names(file, texts(&batch))?, Vec::new()),
        HeaderNames::Ignored => (Vec::new(), lossy(&batch)),
    };
    let first_record = record_behind(file, dialect, &bytes, range.end);
    let (data_start, data_line) = (range.end as u64, line_of(range.end));
    Ok(Header { names, passed_over, first_record, raw, data_start, data_line })
}

/// The fields of a batch's first record.
fn texts(batch: &RecordBatch) -> impl Iterator<Item = &[u8]> {
    batch.get(0).into_iter().flat_map(|record| {
        (0..record.field_count()).filter_map(move |index| record.field(index)).map(|field| field.bytes)
    })
}

fn lossy(batch: &RecordBatch) -> Vec<String> {
    texts(batch).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

/// The fields of the first record behind the header, if it ends in the bytes that are read already.
fn record_behind(file: &InputFile, dialect: &Dialect, bytes: &[u8], header_end: usize) -> Vec<String> {
    let rest = bytes.get(header_end..).unwrap_or_default();
    let record = first_record(dialect, rest, bytes.len() as u64 == file.size);
    let raw = record.and_then(|range| rest.get(range));
    let batch = raw.and_then(|raw| ChunkReader::new(dialect).read(raw.to_vec()).ok());
    batch.map_or_else(Vec::new, |batch| lossy(&batch))
}

/// Reads until the first record has ended: the bytes from the file's start, and where in them the record is.
fn read_prefix(
    file: &InputFile,
    dialect: &Dialect,
    max_record_bytes: u64,
) -> Result<(Vec<u8>, Option<Range<usize>>), HeaderError> {
    let open = file.open()?;
    let mut bytes = Vec::new();
    let mut len = PREFIX_BYTES.min(file.size);
    loop {
        let read = bytes.len();
        bytes.resize(len as usize, 0);
        file.read_at(&open, &mut bytes[read..], read as u64)?;
        if let Some((format, remedy)) = other_format(&bytes) {
            let path = file.path.clone();
            let remedy = remedy.replace("FILE", &path.display().to_string());
            return Err(HeaderError::NotText { path, format, remedy });
        }
        if let Some(encoding) = other_encoding(&bytes) {
            return Err(HeaderError::Encoding { path: file.path.clone(), encoding });
        }
        let mark = mark_len(&bytes);
        let complete = len == file.size;
        let found = first_record(dialect, &bytes[mark..], complete);
        if found.is_some() || complete {
            return Ok((bytes, found.map(|range| range.start + mark..range.end + mark)));
        }
        if len > max_record_bytes.saturating_add(PREFIX_BYTES) {
            return Err(endless(file, dialect, &bytes, max_record_bytes));
        }
        len = len.saturating_mul(2).min(file.size);
    }
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

fn column_names<'a>(
    file: &InputFile,
    texts: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<String>, HeaderError> {
    let mut names: Vec<String> = Vec::new();
    for (text, position) in texts.zip(1..) {
        let path = || file.path.clone();
        let Ok(name) = std::str::from_utf8(text) else {
            return Err(HeaderError::NotUtf8 { path: path(), position });
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
fn mark_len(bytes: &[u8]) -> usize {
    if bytes.starts_with(UTF8_MARK) { UTF8_MARK.len() } else { 0 }
}

/// The encoding that a byte order mark names, if it is not UTF-8 (Unicode 15.0, table 2-4). Its name is one that iconv knows.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    let marks: [(&[u8], &str); 4] = [
        (b"\xff\xfe\0\0", "UTF-32"),
        (b"\0\0\xfe\xff", "UTF-32"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ];
    marks.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|&(_, name)| name)
}

/// The format that a file's first bytes name, if it is no text, and what to do (RFC 1952 for gzip, RFC 8878 for Zstandard, the
/// formats' own descriptions for the others). Letters alone could begin a CSV file, so the bytes after them have to fit as well.
fn other_format(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let formats: [(&[u8], &str, &str); 8] = [
        (b"\x1f\x8b", "gzip-compressed", "unpack it first, for example with gzip -d FILE"),
        (b"\x28\xb5\x2f\xfd", "zstd-compressed", "unpack it first, for example with zstd -d FILE"),
        (b"\xfd7zXZ\0", "xz-compressed", "unpack it first, for example with xz -d FILE"),
        (b"\x04\x22\x4d\x18", "lz4-compressed", "unpack it first, for example with lz4 -d FILE"),
        (
            b"PK\x03\x04",
            "a ZIP archive",
            "unpack it first, for example with unzip FILE, or save the spreadsheet as CSV",
        ),
        // The first page's header, or the file's, begins with an integer field in Thrift's compact protocol.
        (b"PAR1\x15", "a Parquet file", "save its data as CSV first"),
        // The level is between the name and the number that a block or the end begins with.
        (b"\x31\x41\x59\x26\x53\x59", BZIP2, "unpack it first, for example with bzip2 -d FILE"),
        (b"\x17\x72\x45\x38\x50\x90", BZIP2, "unpack it first, for example with bzip2 -d FILE"),
    ];
    let is_bzip2 = bytes.starts_with(b"BZh");
    let is = |(magic, format, _): &&(&[u8], &str, &str)| match *format {
        BZIP2 => is_bzip2 && bytes.get(4..).is_some_and(|rest| rest.starts_with(magic)),
        _ => bytes.starts_with(magic),
    };
    formats.iter().find(is).map(|&(_, format, remedy)| (format, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::discover::discover;

    const LIMIT: u64 = 1 << 20;

    fn read(bytes: &[u8], dialect: &Dialect, limit: u64) -> Result<Header, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.csv");
        std::fs::write(&path, bytes).unwrap();
        let file = discover(std::slice::from_ref(&path)).unwrap().remove(0);
        read_header(&file, dialect, HeaderNames::Used, limit)
            .map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
    }

    /// The names, the header's bytes, and where and in which line the data start.
    fn check(bytes: &[u8], expected: (&[&str], &str, u64, u64)) {
        let dialect = Dialect { comment: Some(b'#'), ..Dialect::default() };
        let header = read(bytes, &dialect, LIMIT).unwrap();
        let raw = String::from_utf8(header.raw).unwrap();
        let names: Vec<&str> = header.names.iter().map(String::as_str).collect();
        assert_eq!((&names[..], &raw[..], header.data_start, header.data_line), expected);
        assert_eq!(header.passed_over, Vec::<String>::new());
    }

    fn check_error(bytes: &[u8], expected: &str) {
        assert_eq!(read(bytes, &Dialect::default(), LIMIT).unwrap_err(), expected);
    }

    #[test]
    fn names_come_from_the_first_record() {
        check(b"a,b\n1,2\n", (&["a", "b"], "a,b\n", 4, 2));
        check(b"a,\"b \"\"c\"\"\"\r\n1,2\n", (&["a", "b \"c\""], "a,\"b \"\"c\"\"\"\r\n", 13, 2));
        check(b"a,b\r1,2\r", (&["a", "b"], "a,b\r", 4, 1));
        check(b"a\n\n1\n", (&["a"], "a\n", 2, 2));
        check("größe,b\n".as_bytes(), (&["größe", "b"], "größe,b\n", 10, 2));
        check(b"\"two\nlines\",b\nx", (&["two\nlines", "b"], "\"two\nlines\",b\n", 14, 3));
    }

    #[test]
    fn a_header_that_is_only_passed_over_may_say_anything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.csv");
        std::fs::write(&path, b"a,,a,\xff\n1,2,3,4\n").unwrap();
        let file = discover(std::slice::from_ref(&path)).unwrap().remove(0);
        let header = read_header(&file, &Dialect::default(), HeaderNames::Ignored, LIMIT).unwrap();
        assert_eq!((header.names.len(), header.data_start), (0, 7));
        assert_eq!(header.passed_over, ["a", "", "a", "\u{fffd}"]);
    }

    #[test]
    fn the_first_record_that_is_data_is_shown() {
        let check = |bytes: &[u8], dialect: &Dialect, expected: &[&str]| {
            assert_eq!(read(bytes, dialect, LIMIT).unwrap().first_record, expected);
        };
        let (headed, bare) = (Dialect::default(), Dialect { header: false, ..Dialect::default() });
        check(b"a,b\n\n\"1\"\"\",\xff\n3,4\n", &headed, &["1\"", "\u{fffd}"]);
        check(b"a,b\n\n\"1\",2\n3,4\n", &bare, &["a", "b"]);
        check(b"a,b\n1,2", &headed, &["1", "2"]);
        check(b"\xef\xbb\xbfa,b\r\n1,2\r\n", &headed, &["1", "2"]);
        for none in [&b""[..], b"a,b\n", b"a,b", b"a,b\n\n", b"a,b\n1,\"2\n"] {
            check(none, &headed, &[]);
        }
        let long = [&b"a,b\n"[..], &b"x".repeat(PREFIX_BYTES as usize), b"\n"].concat();
        check(&long, &headed, &[]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        check(include_bytes!("../../fixtures/csv/bom.csv"), (&["id", "note"], "id,note\n", 11, 2));
        check(b"\xef\xbb\xbf\"id\"\n1\n", (&["id"], "\"id\"\n", 8, 2));
        check(b"\xef\xbb\xbf", (&[], "", 3, 1));
        let bare = Dialect { header: false, ..Dialect::default() };
        let header = read(b"\xef\xbb\xbf1,2\n", &bare, LIMIT).unwrap();
        assert_eq!((header.raw.len(), header.data_start, header.data_line), (0, 3, 1));
    }

    #[test]
    fn comments_and_empty_lines_in_front_count_as_lines_only() {
        check(b"\n\r\n# \"x\na,b\n1,2\n", (&["a", "b"], "a,b\n", 12, 5));
        check(include_bytes!("../../fixtures/csv/comments.csv"), (&["id", "note"], "id,note\n", 38, 3));
        let long = [&b"#".repeat(200_000)[..], b"\n\na\n1\n"].concat();
        check(&long, (&["a"], "a\n", 200_004, 4));
    }

    #[test]
    fn files_without_records_or_with_a_header_only_are_fine() {
        check(b"", (&[], "", 0, 1));
        check(b"\n\n# x\n", (&[], "", 0, 1));
        check(b"# x", (&[], "", 0, 1));
        check(b"a,b", (&["a", "b"], "a,b", 3, 1));
        check(b"a,b\n", (&["a", "b"], "a,b\n", 4, 2));
    }

    #[test]
    fn a_header_may_end_anywhere_around_the_bytes_read_first() {
        for end in PREFIX_BYTES - 3..PREFIX_BYTES + 3 {
            for line_end in ["\n", "\r", "\r\n"] {
                let name = "x".repeat(end as usize);
                let raw = format!("{name}{line_end}");
                let lines = 1 + u64::from(line_end.ends_with('\n'));
                check(format!("{raw}1\n").as_bytes(), (&[&name], &raw, raw.len() as u64, lines));
            }
        }
    }

    #[test]
    fn without_a_header_nothing_is_taken_from_the_first_record() {
        let bare = Dialect { header: false, ..Dialect::default() };
        let expected = Header {
            names: Vec::new(),
            passed_over: Vec::new(),
            first_record: Vec::new(),
            raw: Vec::new(),
            data_start: 0,
            data_line: 1,
        };
        // Names that are empty, twice the same or no text are no header's, and a field too many is one record's fault.
        for bytes in [&b""[..], b"\n1,\"2,\n\",,\n3\n", b",,\xff\n", b"1,2,3\n1,2\n"] {
            let header = read(bytes, &bare, LIMIT).unwrap();
            assert_eq!(Header { first_record: Vec::new(), ..header }, expected);
        }
    }

    #[test]
    fn names_that_are_empty_twice_there_or_no_text_are_refused_with_their_position() {
        check_error(
            b"a,,c\n",
            "FILE: the header's field 2 is empty: name the column in the file, or give all names with --columns",
        );
        check_error(
            b"a,b,c,b\n",
            "FILE: the header names \"b\" twice, in fields 2 and 4: rename one, or give all names with --columns",
        );
        check_error(b"a,b\xe9\n", "FILE: the header's field 2 is not UTF-8: convert the file with iconv");
    }

    #[test]
    fn other_encodings_are_refused_with_the_command_that_converts() {
        for (mark, encoding) in [
            (&include_bytes!("../../fixtures/csv/utf16.csv")[..], "UTF-16"),
            (b"\xfe\xff\0a\0,", "UTF-16"),
            (b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
            (b"\0\0\xfe\xff\0\0\0a", "UTF-32"),
        ] {
            check_error(
                mark,
                &format!(
                    "FILE: is encoded in {encoding}, only UTF-8 is loaded: convert it, as in \
                     iconv -f {encoding} -t UTF-8 FILE > utf8.csv"
                ),
            );
        }
    }

    #[test]
    fn compressed_and_binary_files_are_refused_with_the_command_that_unpacks() {
        let unpack = |format: &str, with: &str| {
            format!("FILE: is {format}-compressed: unpack it first, for example with {with} FILE")
        };
        check_error(b"\x1f\x8b\x08\0\0\0\0\0\0\x03", &unpack("gzip", "gzip -d"));
        check_error(b"\x28\xb5\x2f\xfd\x04", &unpack("zstd", "zstd -d"));
        check_error(b"BZh91AY&SY\x01", &unpack("bzip2", "bzip2 -d"));
        check_error(b"BZh9\x17\x72\x45\x38\x50\x90\0", &unpack("bzip2", "bzip2 -d"));
        check_error(b"\xfd7zXZ\0\0\x04", &unpack("xz", "xz -d"));
        check_error(b"\x04\x22\x4d\x18\x64", &unpack("lz4", "lz4 -d"));
        check_error(b"PAR1\x15\x04", "FILE: is a Parquet file: save its data as CSV first");
        let zip = "FILE: is a ZIP archive: unpack it first, for example with unzip FILE, or save the spreadsheet as CSV";
        check_error(b"PK\x03\x04\x14", zip);
        // Texts that begin with the same letters.
        check(b"PAR1,b\n", (&["PAR1", "b"], "PAR1,b\n", 7, 2));
        check(b"BZh9,b\n", (&["BZh9", "b"], "BZh9,b\n", 7, 2));
        check(b"PK,b\n", (&["PK", "b"], "PK,b\n", 5, 2));
    }

    #[test]
    fn a_header_that_does_not_end_names_the_line() {
        let quote =
            "the quote opened here never closes: close it, or load with --quote none if quotes are data";
        check_error(b"\n\na,\"b\n1,2\n", &format!("FILE, line 3: {quote}"));
        let commented = Dialect { comment: Some(b'#'), ..Dialect::default() };
        let error = |bytes: &[u8]| read(bytes, &commented, 100).unwrap_err();
        assert_eq!(
            error(&[b"\na,\"", &b"x\n".repeat(200_000)[..]].concat()),
            "FILE, line 2: the quote opened here does not close within 100 bytes: close it, load with --quote none if \
             quotes are data, or raise --max-record-size"
        );
        assert_eq!(
            error(&b"x".repeat(400_000)),
            "FILE, line 1: the record that starts here is longer than 100 bytes: raise --max-record-size"
        );
        assert_eq!(
            error(&b"# x\n".repeat(100_000)),
            "FILE: the first 131072 bytes hold no record, only comments and empty lines: remove them"
        );
    }
}
