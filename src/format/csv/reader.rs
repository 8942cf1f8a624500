//! Whole records to fields: takes a chunk that begins between records and ends at a record's end, gives a [`RecordBatch`].
//! Fields are left where they are in the chunk; only records with doubled quotes are rewritten, by csv-core, behind it. Dialects that
//! csv-core does not know are read by `general`.
//! Pure. Never trusts the chunk: one that ends inside quotes is an error, for then the file is not what was scanned.

use csv_core::ReadRecordResult;
use memchr::{memchr_iter, memchr3};

use super::dialect::Dialect;
use super::general::GeneralRecords;
use super::scan::{Gap, Machine, State, Steps};
use crate::format::record::{FieldSpan, RecordBatch, RecordSpan};

/// The longest chunk in bytes: its rewritten fields must fit behind it within 32-bit offsets.
pub const CHUNK_BYTES_MAX: usize = (u32::MAX / 2) as usize;

/// Why a chunk cannot be read. Offsets count from the chunk's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The last record's quotes are open at the chunk's end.
    #[error(
        "the quotes opened at byte {quote} of the chunk do not close in it, so the file has changed since it was \
         scanned: load it again when nothing writes to it"
    )]
    OpenQuote {
        /// Where they opened.
        quote: usize,
    },
    /// The chunk is longer than [`CHUNK_BYTES_MAX`].
    #[error("a chunk of {bytes} bytes is too long to read at once: lower --max-record-size")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The two parsers of a record, which check each other, found different fields: a bug, stopped before it writes.
    #[error(
        "the record at byte {record} of the chunk is read in two ways: please report this as a bug, with the record"
    )]
    Disagreement {
        /// Where the record starts.
        record: usize,
    },
}

/// Reads chunks of one dialect, one after the other.
pub struct ChunkReader {
    how: How,
    /// How many fields and records the last chunk had: the next one has about as many.
    last: (usize, usize),
}

/// What reads a dialect's records.
enum How {
    Simple(Box<SimpleRecords>),
    General(GeneralRecords),
}

/// Reads records one by one.
pub(super) trait Records {
    /// From `pos` between records to the next record's first byte.
    fn skip_gap(&self, bytes: &[u8], pos: usize) -> Gap;

    /// Adds the fields of the record at `start` of the chunk, which is the batch's first `len` bytes.
    fn read_record(
        &mut self,
        batch: &mut RecordBatch,
        start: usize,
        len: usize,
    ) -> Result<RecordEnd, ReadError>;
}

impl ChunkReader {
    /// A reader for a valid dialect.
    pub fn new(dialect: &Dialect) -> Self {
        let simple = Machine::of(dialect).filter(|_| dialect.is_simple());
        let how = match simple {
            Some(machine) => How::Simple(Box::new(SimpleRecords::new(machine, dialect))),
            None => How::General(GeneralRecords::new(dialect)),
        };
        ChunkReader { how, last: (0, 0) }
    }

    /// The records of a chunk. Empty lines and comments are none, nor is a comment at the end without a line end
    /// (csv-core makes an empty record of that one: <https://github.com/BurntSushi/rust-csv/issues/363>).
    ///
    /// # Errors
    /// The chunk ends inside quotes, or is longer than [`CHUNK_BYTES_MAX`].
    pub fn read(&mut self, bytes: Vec<u8>) -> Result<RecordBatch, ReadError> {
        if bytes.len() > CHUNK_BYTES_MAX {
            return Err(ReadError::TooLong { bytes: bytes.len() });
        }
        let (fields, records) = self.last;
        let batch = RecordBatch {
            bytes,
            fields: Vec::with_capacity(fields),
            records: Vec::with_capacity(records),
            ..RecordBatch::default()
        };
        let batch = match &mut self.how {
            How::Simple(records) => read_all(&mut **records, batch),
            How::General(records) => read_all(records, batch),
        }?;
        self.last = (batch.fields.len(), batch.records.len());
        Ok(batch)
    }
}

/// Fills a batch that holds nothing but the chunk.
fn read_all(records: &mut impl Records, mut batch: RecordBatch) -> Result<RecordBatch, ReadError> {
    let len = batch.bytes.len();
    let mut line = 0;
    let mut pos = 0;
    while let Gap::Record(start) = records.skip_gap(&batch.bytes[..len], pos) {
        if start > pos {
            line += newlines(&batch.bytes[pos..start]);
        }
        let first_field = batch.fields.len() as u32;
        let end = records.read_record(&mut batch, start, len)?;
        batch.records.push(RecordSpan {
            first_field,
            raw_start: start as u32,
            raw_end: end.raw as u32,
            line,
        });
        line += end.newlines;
        pos = end.raw;
    }
    Ok(batch)
}

/// Reads the records of csv-core's dialects.
struct SimpleRecords {
    machine: Machine,
    core: csv_core::Reader,
    /// Where csv-core puts the ends of a record's fields.
    ends: Vec<usize>,
}

impl Records for SimpleRecords {
    #[inline]
    fn skip_gap(&self, bytes: &[u8], pos: usize) -> Gap {
        self.machine.skip_gap(bytes, pos, State::RecordStart)
    }

    #[inline]
    fn read_record(
        &mut self,
        batch: &mut RecordBatch,
        start: usize,
        len: usize,
    ) -> Result<RecordEnd, ReadError> {
        let bytes = &batch.bytes[..len];
        let stop = self.machine.find_structure(bytes, start);
        let quoted = stop.is_some_and(|at| self.machine.quote == Some(bytes[at]));
        if quoted {
            return self.read_quoted_record(batch, start, len);
        }
        let end = stop.unwrap_or(len);
        let mut field = start;
        for delimiter in memchr_iter(self.machine.delimiter, &bytes[start..end]) {
            let at = start + delimiter;
            batch.fields.push(FieldSpan { start: field as u32, end: at as u32, quoted: false });
            field = at + 1;
        }
        batch.fields.push(FieldSpan { start: field as u32, end: end as u32, quoted: false });
        let raw = after_line_end(bytes, end);
        Ok(RecordEnd { raw, newlines: u32::from(raw > end && bytes[raw - 1] == b'\n') })
    }
}

impl SimpleRecords {
    fn new(machine: Machine, dialect: &Dialect) -> Self {
        let mut core = dialect.core_reader();
        // The first read strips a byte order mark, which is data at the start of a chunk. An empty line takes its place.
        core.read_record(b"\n", &mut [0], &mut [0]);
        SimpleRecords { machine, core, ends: Vec::new() }
    }

    /// Adds the fields of a record with quotes in it, by delimiters, quotes and line ends.
    fn read_quoted_record(
        &mut self,
        batch: &mut RecordBatch,
        start: usize,
        len: usize,
    ) -> Result<RecordEnd, ReadError> {
        let first_field = batch.fields.len();
        let bytes = &batch.bytes[..len];
        let mut rewrite = false;
        let mut pos = start;
        let end = loop {
            let (field, next) = self.machine.walk_field(bytes, pos)?;
            batch.fields.push(field.span);
            rewrite |= field.rewrite;
            match bytes.get(next) {
                Some(&byte) if byte == self.machine.delimiter => pos = next + 1,
                _ => break next,
            }
        };
        let raw = after_line_end(bytes, end);
        let newlines = newlines(&bytes[start..raw]);
        if rewrite {
            self.rewrite_record(batch, first_field, start, raw)?;
        }
        Ok(RecordEnd { raw, newlines })
    }

    /// Lets csv-core write the fields of the record `start..raw` behind the chunk, and points their spans there.
    fn rewrite_record(
        &mut self,
        batch: &mut RecordBatch,
        first_field: usize,
        start: usize,
        raw: usize,
    ) -> Result<(), ReadError> {
        let tail = batch.bytes.len();
        let spans = batch.fields.get_mut(first_field..).unwrap_or_default();
        // One byte and one end to spare: csv-core stops when either is used up, even if the record is just over.
        batch.bytes.resize(tail + (raw - start) + 1, 0);
        self.ends.resize(spans.len() + 1, 0);
        let (input, output) = batch.bytes.split_at_mut(tail);
        let record = &input[start..raw];
        let (mut result, read, mut written, mut fields) =
            self.core.read_record(record, output, &mut self.ends);
        if result == ReadRecordResult::InputEmpty {
            let (last, _, more, ends) =
                self.core.read_record(&[], &mut output[written..], &mut self.ends[fields..]);
            (result, written, fields) = (last, written + more, fields + ends);
        }
        // All is read but the `\n` of `\r\n`, which csv-core takes for the next record's.
        if result != ReadRecordResult::Record || read + 1 < record.len() || fields != spans.len() {
            return Err(ReadError::Disagreement { record: start });
        }
        let mut field = 0;
        for (span, &end) in spans.iter_mut().zip(&self.ends) {
            span.start = (tail + field) as u32;
            span.end = (tail + end) as u32;
            field = end;
        }
        batch.bytes.truncate(tail + written);
        Ok(())
    }
}

/// Where a record ended.
pub(super) struct RecordEnd {
    /// Offset behind its line end.
    pub(super) raw: usize,
    /// `\n` bytes in it.
    pub(super) newlines: u32,
}

/// A field as it lies in the chunk.
struct WalkedField {
    /// Its text, without quotes around it.
    span: FieldSpan,
    /// Whether the text is not simply the bytes of the span.
    rewrite: bool,
}

impl Machine {
    /// The field that begins at `start`, and the offset of the delimiter or line end (or the end of the bytes) behind it.
    fn walk_field(&self, bytes: &[u8], start: usize) -> Result<(WalkedField, usize), ReadError> {
        let quoted = self.quote.is_some() && bytes.get(start).copied() == self.quote;
        if !quoted {
            let end = self.find_field_end(bytes, start);
            let span = FieldSpan { start: start as u32, end: end as u32, quoted };
            return Ok((WalkedField { span, rewrite: false }, end));
        }
        let open = ReadError::OpenQuote { quote: start };
        let mut rewrite = false;
        let mut pos = start + 1;
        let close = loop {
            let at = self.find_in_quotes(bytes, pos).ok_or(open)?;
            let next = bytes.get(at + 1).copied();
            if next != self.quote {
                break at;
            }
            rewrite = true;
            pos = at + 2;
        };
        // Text behind the closing quote belongs to the field.
        let end = self.find_field_end(bytes, close + 1);
        rewrite |= end > close + 1;
        let span = FieldSpan { start: start as u32 + 1, end: close as u32, quoted };
        Ok((WalkedField { span, rewrite }, end))
    }

    /// The next delimiter or line end at or after `pos`, or else the end of the bytes.
    #[inline]
    fn find_field_end(&self, bytes: &[u8], pos: usize) -> usize {
        match bytes.get(pos) {
            Some(&byte) if byte == self.delimiter || matches!(byte, b'\r' | b'\n') => pos,
            _ => memchr3(self.delimiter, b'\n', b'\r', &bytes[pos..]).map_or(bytes.len(), |at| pos + at),
        }
    }
}

/// The offset behind the line end at `at`: `\r\n`, `\n`, `\r`, or nothing at the end of the bytes.
#[inline]
pub(super) fn after_line_end(bytes: &[u8], at: usize) -> usize {
    match (bytes.get(at), bytes.get(at + 1)) {
        (None, _) => at,
        (Some(b'\r'), Some(b'\n')) => at + 2,
        _ => at + 1,
    }
}

/// How many `\n` there are. A chunk's length bounds the count.
pub(super) fn newlines(bytes: &[u8]) -> u32 {
    memchr_iter(b'\n', bytes).count() as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cases::{
        CASES, TrueRecord, csv_records, dialects, nasty_bytes, open_quote, true_records,
    };
    use super::super::collected::{Collected, collected};
    use super::*;

    fn records(batch: &RecordBatch) -> Vec<TrueRecord> {
        batch
            .iter()
            .map(|record| {
                let field = |index| record.field(index).map(|field| (field.bytes.to_vec(), field.quoted));
                let start = record.offset() as usize;
                TrueRecord {
                    fields: (0..record.field_count()).map_while(field).collect(),
                    start,
                    end: start + record.raw().len(),
                    line: record.line_offset() as usize,
                }
            })
            .collect()
    }

    /// Read as one chunk, the bytes are the records that csv-core and the `csv` crate see, or an open quote.
    fn check(reader: &mut ChunkReader, dialect: &Dialect, bytes: &[u8]) {
        let found = reader.read(bytes.to_vec());
        if let Some(quote) = open_quote(dialect, bytes) {
            assert_eq!(found.map(|batch| batch.len()), Err(ReadError::OpenQuote { quote }));
            return;
        }
        let batch = found.unwrap();
        let truth = true_records(dialect, bytes);
        assert_eq!(records(&batch), truth);
        for (record, truth) in batch.iter().zip(&truth) {
            assert_eq!(record.raw(), &bytes[truth.start..truth.end]);
            assert!(record.field(record.field_count()).is_none());
        }
        // csv-core strips a byte order mark, which a chunk cannot have.
        if dialect.is_simple() && !bytes.starts_with(b"\xef\xbb\xbf") {
            let fields: Vec<Vec<Vec<u8>>> = truth
                .into_iter()
                .map(|record| record.fields.into_iter().map(|(text, _)| text).collect())
                .collect();
            assert_eq!(fields, csv_records(dialect, bytes));
        }
    }

    #[test]
    fn every_case_is_read_as_csv_core_reads_it() {
        for case in CASES {
            let mut reader = ChunkReader::new(&case.dialect);
            check(&mut reader, &case.dialect, case.bytes);
            // The same reader again: nothing of the last chunk is left in it, not even of one that failed.
            check(&mut reader, &case.dialect, case.bytes);
            check(&mut reader, &case.dialect, b"a\n");
        }
    }

    #[test]
    fn what_others_find_difficult_is_read_as_they_expect() {
        let all = collected();
        assert!(all.len() > 80, "{}", all.len());
        for Collected { name, bytes, dialect, records: expected } in all {
            check(&mut ChunkReader::new(&dialect), &dialect, &bytes);
            let batch = ChunkReader::new(&dialect).read(bytes).unwrap();
            let text = |(text, _): (Vec<u8>, bool)| String::from_utf8(text).unwrap();
            let found: Vec<Vec<String>> = records(&batch)
                .into_iter()
                .map(|record| record.fields.into_iter().map(text).collect())
                .collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn every_case_cut_between_records_reads_the_same() {
        for case in CASES {
            let mut reader = ChunkReader::new(&case.dialect);
            let truth = true_records(&case.dialect, case.bytes);
            for record in &truth {
                check(&mut reader, &case.dialect, &case.bytes[record.start..]);
                check(&mut reader, &case.dialect, &case.bytes[..record.start]);
            }
        }
    }

    #[test]
    fn an_unquoted_empty_field_differs_from_a_quoted_one() {
        let dialect = Dialect { header: false, ..Dialect::default() };
        let batch = ChunkReader::new(&dialect).read(b",\"\",\"\"\"\",\"\"x\n".to_vec()).unwrap();
        let fields: Vec<_> = records(&batch).remove(0).fields;
        let expected: [(&[u8], bool); 4] = [(b"", false), (b"", true), (b"\"", true), (b"x", true)];
        assert_eq!(fields, expected.map(|(text, quoted)| (text.to_vec(), quoted)));
    }

    #[test]
    fn a_byte_order_mark_at_a_chunks_start_is_data() {
        let dialect = Dialect::default();
        for bytes in [&b"\xef\xbb\xbfa,\"b\"\"\"\n"[..], b"\xef\xbb\xbfa,b\n"] {
            let batch = ChunkReader::new(&dialect).read(bytes.to_vec()).unwrap();
            assert_eq!(
                batch.get(0).and_then(|record| record.field(0)).map(|field| field.bytes),
                Some(&bytes[..4])
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_in_any_dialect_are_read_as_csv_core_reads_them(
            dialect in dialects(), bytes in nasty_bytes(60)
        ) {
            check(&mut ChunkReader::new(&dialect), &dialect, &bytes);
        }
    }
}
