//! Records as every format delivers them: one buffer, and where in it each field of each record lies.
//! Knows nothing of CQL; the codec reads fields from here, rejects take the original bytes from here.

use std::borrow::Cow;
use std::num::TryFromIntError;
use std::sync::Arc;

use super::parquet::direct::decoded;
use crate::reject::Fault;
use crate::schema::types::CqlType;

/// The longest record that can be asked for, in bytes. Positions in a batch are 32 bits wide, and a chunk holds whole records
/// beside the text of those that are rewritten: this leaves room for all of it.
pub const RECORD_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A field's place in the batch's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FieldSpan {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Whether the field stood in quotes: a quoted empty field is the empty string, an unquoted one is null.
    pub(crate) quoted: bool,
}

/// A record's place in the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordSpan {
    /// Index of the record's first field; its last is where the next record's first is.
    pub(crate) first_field: u32,
    /// The record's original bytes, its line end included where it has one.
    pub(crate) raw_start: u32,
    pub(crate) raw_end: u32,
    /// Lines (`\n` bytes) between the chunk's first byte and the record's.
    pub(crate) line: u32,
}

/// The records of one chunk.
#[derive(Debug, Default)]
pub struct RecordBatch {
    /// The chunk's original bytes, then the unescaped text of fields that had to be rewritten.
    pub(crate) bytes: Vec<u8>,
    pub(crate) fields: Vec<FieldSpan>,
    pub(crate) records: Vec<RecordSpan>,
    /// Records that cannot be read, by their places, in ascending order. They have no fields.
    pub(crate) faults: Vec<(u32, Box<Fault>)>,
    /// Where there are no original bytes, since the fields were made of something else than text: for each field of a record, the type
    /// as which it is encoded, or `None` where it is text.
    pub(crate) made: Option<Arc<[Option<CqlType>]>>,
}

/// One field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The field's text, unescaped.
    pub bytes: &'a [u8],
    /// Whether it stood in quotes.
    pub quoted: bool,
}

/// One record of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    batch: &'a RecordBatch,
    index: usize,
}

impl RecordBatch {
    /// How many records the batch holds.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether the batch holds no record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The record at `index` (from 0), if there is one.
    pub fn get(&self, index: usize) -> Option<Record<'_>> {
        (index < self.records.len()).then_some(Record { batch: self, index })
    }

    /// Appends a record of these fields, on a line of its own with commas between them. Only for benches and tests, which have
    /// no bytes to point into.
    ///
    /// # Errors
    /// The batch would pass 4 GiB; it is unchanged.
    pub fn push(&mut self, fields: &[Field<'_>]) -> Result<(), TryFromIntError> {
        let text_bytes: usize = fields.iter().map(|field| field.bytes.len() + 1).sum();
        u32::try_from(self.bytes.len() + text_bytes)?;
        let first_field = u32::try_from(self.fields.len())?;
        let (raw_start, line) = (self.bytes.len() as u32, self.records.len() as u32);
        for field in fields {
            let start = self.bytes.len() as u32;
            self.bytes.extend_from_slice(field.bytes);
            self.fields.push(FieldSpan { start, end: self.bytes.len() as u32, quoted: field.quoted });
            self.bytes.push(b',');
        }
        if let Some(last) = self.bytes.last_mut().filter(|_| !fields.is_empty()) {
            *last = b'\n';
        }
        self.records.push(RecordSpan { first_field, raw_start, raw_end: self.bytes.len() as u32, line });
        Ok(())
    }

    /// The records in the order of the input.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        (0..self.records.len()).map(move |index| Record { batch: self, index })
    }
}

impl<'a> Record<'a> {
    /// The record's place in its batch, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many fields the record has.
    pub fn field_count(&self) -> usize {
        let (first, end) = self.field_range();
        end - first
    }

    /// The field at `index` (from 0), if the record has that many.
    #[inline]
    pub fn field(&self, index: usize) -> Option<Field<'a>> {
        let (first, end) = self.field_range();
        let at = first + index;
        if at >= end {
            return None;
        }
        let span = self.batch.fields[at];
        Some(Field { bytes: &self.batch.bytes[span.start as usize..span.end as usize], quoted: span.quoted })
    }

    /// Why the record cannot be read, if it cannot.
    pub fn fault(&self) -> Option<&'a Fault> {
        let faults = &self.batch.faults;
        // Of most batches there are none.
        let at = faults.binary_search_by_key(&self.index, |(record, _)| *record as usize).ok()?;
        faults.get(at).map(|(_, fault)| &**fault)
    }

    /// The record's original bytes, its line end included where it has one. Where there are none, a line of CSV (RFC 4180) that
    /// stands for the record: what is null is empty, what is empty is in quotes.
    pub fn raw(&self) -> Cow<'a, [u8]> {
        if let Some(types) = &self.batch.made {
            let fields = (0..self.field_count()).filter_map(|at| self.field(at));
            let texts: Vec<_> = fields
                .zip(types.iter())
                .map(|(field, encoded)| match encoded {
                    Some(cql_type) if field.quoted => (decoded(cql_type, field.bytes), true),
                    _ => (Cow::Borrowed(field.bytes), field.quoted),
                })
                .collect();
            return Cow::Owned(csv_line(
                texts.iter().map(|(bytes, quoted)| Field { bytes, quoted: *quoted }),
            ));
        }
        let span = &self.batch.records[self.index];
        Cow::Borrowed(&self.batch.bytes[span.raw_start as usize..span.raw_end as usize])
    }

    /// Offset of the record's first byte from the chunk's.
    pub fn offset(&self) -> u64 {
        u64::from(self.batch.records[self.index].raw_start)
    }

    /// Lines between the chunk's first byte and the record's.
    pub fn line_offset(&self) -> u64 {
        u64::from(self.batch.records[self.index].line)
    }

    fn field_range(&self) -> (usize, usize) {
        let first = self.batch.records[self.index].first_field as usize;
        let end = self
            .batch
            .records
            .get(self.index + 1)
            .map_or(self.batch.fields.len(), |next| next.first_field as usize);
        (first, end)
    }
}

/// A line of CSV (RFC 4180) of these fields, with `\n` behind it. Quotes are where they are needed, and around what is empty and quoted.
pub(crate) fn csv_line<'a>(fields: impl Iterator<Item = Field<'a>>) -> Vec<u8> {
    let mut line = Vec::new();
    for (at, field) in fields.enumerate() {
        if at > 0 {
            line.push(b',');
        }
        let special = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
        let is_empty_text = field.quoted && field.bytes.is_empty();
        if !is_empty_text && !field.bytes.iter().any(special) {
            line.extend_from_slice(field.bytes);
            continue;
        }
        line.push(b'"');
        for &byte in field.bytes {
            line.extend_from_slice(if byte == b'"' { b"\"\"" } else { std::slice::from_ref(&byte) });
        }
        line.push(b'"');
    }
    line.push(b'\n');
    line
}
