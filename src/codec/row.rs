//! A record to the values of a row, in the form in which a bound statement carries them, or the reason why it is none.
//! Checks what the server would refuse (null and oversized keys, oversized rows), so that a bad row costs no request and
//! no other row. Knows the plan and the mapping of a file; knows nothing of files, batches or sessions.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::forms::Place;
use super::{CodecError, CodecOptions, EncodeError, encode_at};
use crate::format::charset::Charset;
use crate::format::record::{Field, Record};
use crate::reject::{Fault, RejectCode};
use crate::schema::mapping::FieldMapping;
use crate::schema::statement::{RowPlan, Stamp, Ttl};
use crate::schema::table::ColumnRole;
use crate::schema::types::CqlType;
use beside::{DerivedValue, TtlSource};

mod beside;

/// The largest row in bytes, in the form that [`RowEncoder::encode`] appends.
///
/// Cassandra takes no mutation over half a commit log segment (`max_mutation_size`: 16 MiB of 32 by default) and no
/// request over `native_transport_max_frame_size` (16 MiB); ScyllaDB's commit log bounds mutations likewise. In a request a
/// value takes as many bytes as here and in a mutation fewer, so the MiB in between is room for what comes on top: the
/// statement's id, the headers of frame and mutation, and the column names, which a mutation repeats.
pub const ROW_BYTES_MAX: usize = 15 << 20;

/// The longest partition key and the longest sum of clustering values: the server keeps their lengths in 16 bits.
const KEY_BYTES_MAX: usize = 65_535;

/// How much of a value a fault keeps.
const FAULT_VALUE_BYTES_MAX: usize = 1_000;

/// The length that says "not set" (CQL binary protocol v4, section 4.1.4): leaves the cell as it is, without a tombstone.
const UNSET: [u8; 4] = (-2i32).to_be_bytes();

/// The length that says "null": takes away what the cell has.
const NULL: [u8; 4] = (-1i32).to_be_bytes();

const NULL_KEY: CodecError =
    CodecError::new(RejectCode::NullKey, "null in a key column: give every key column a value");
const EMPTY_KEY: CodecError = CodecError::new(
    RejectCode::EmptyKey,
    "empty, which the server refuses as the only partition key column: give it a value",
);
const PARTITION_KEY_TOO_LARGE: CodecError = CodecError::new(
    RejectCode::KeyTooLarge,
    "makes the partition key longer than 65,535 bytes, the server's limit: shorten it, or move it out of the key",
);
const CLUSTERING_KEY_TOO_LARGE: CodecError = CodecError::new(
    RejectCode::KeyTooLarge,
    "makes the clustering columns longer than 65,535 bytes together, the server's limit: shorten it, or move it out of \
     the key",
);
const ROW_TOO_LARGE: CodecError = CodecError::new(
    RejectCode::ValueTooLarge,
    "the largest value of a row of more than 15 MiB, which the server does not take in one write: shorten it",
);

const UNDECODABLE: CodecError = CodecError::new(
    RejectCode::InvalidEncoding,
    "holds a byte that is no character in the encoding that --encoding names: name the file's own",
);

/// What of a column is needed for each row; its name is only needed for faults.
#[derive(Debug, Clone)]
struct Target {
    /// Index of its field in the record.
    field: usize,
    cql_type: CqlType,
    role: ColumnRole,
    /// What a null is sent as.
    null: [u8; 4],
    /// What its fields are.
    made: Made,
    /// What it is filled from instead of a field.
    derived: Option<DerivedValue>,
}

/// What is known of a record beside its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordPlace {
    /// Its write time, if no field has it, in microseconds since 1970-01-01T00:00:00Z.
    pub write_time_us: i64,
    /// The line of its first byte, from 1.
    pub line: u64,
    /// Its number in its file, from 1.
    pub number: u64,
}

/// Which records that are not as long as the header become rows all the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jagged {
    /// Shorter ones: the fields that are not there are null.
    pub missing: bool,
    /// Longer ones: the fields that are too many are left out.
    pub extra: bool,
}

/// What a field that is not there stands for.
const MISSING: Field<'static> = Field { bytes: b"", quoted: false };

/// What the fields of a column are before they are encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Made {
    /// Texts of people and programs, in the forms that options name.
    #[default]
    Text,
    /// Texts that were made of values, in the usual forms.
    Value,
    /// Quoted ones are encoded already, others are texts that were made of values.
    Encoded,
}

/// Bytes of the two keys of a row so far.
#[derive(Default)]
struct KeyBytes {
    partition: usize,
    clustering: usize,
}

/// Turns the records of one file into rows.
#[derive(Debug, Clone)]
pub struct RowEncoder {
    targets: Vec<Target>,
    names: Vec<String>,
    field_count: usize,
    /// The values of a row, write time and time to live included, as the `[short]` before them.
    value_count: [u8; 2],
    ttl: TtlSource,
    /// The index of the field that holds the write time, where one does.
    write_time: Option<usize>,
    /// Whether rows have a write time.
    stamped: bool,
    composite_partition_key: bool,
    nulls: Vec<Vec<u8>>,
    options: CodecOptions,
    /// Those for what was made of values.
    value_options: CodecOptions,
    /// The columns whose timeuuids may be made from the whole record.
    own_timeuuids: Vec<usize>,
    jagged: Jagged,
    charset: Charset,
    is_json: bool,
}

impl RowEncoder {
    /// An encoder for the records of a file with this mapping. Fields that are one of `nulls`, unquoted, are null, as
    /// unquoted empty ones always are. A column that `mapping` does not cover makes every record a [`Fault`].
    pub fn new(plan: &RowPlan, mapping: &FieldMapping, nulls: &[String], options: CodecOptions) -> Self {
        let fields = mapping.fields.iter().copied().chain(std::iter::repeat(usize::MAX));
        let targets: Vec<_> = std::iter::zip(&plan.columns, fields)
            .enumerate()
            .map(|(at, (column, field))| Target {
                field,
                cql_type: column.cql_type.clone(),
                role: column.role,
                made: Made::Text,
                null: if plan.nulls.contains(&at) { NULL } else { UNSET },
                derived: mapping.derived(at).map(|derived| DerivedValue::of(derived, column, &options)),
            })
            .collect();
        let partition_keys = targets.iter().filter(|target| target.role == ColumnRole::PartitionKey).count();
        // A table has far fewer columns than a [short] counts; were there more, the server would refuse the row.
        let value_count = u16::try_from(plan.markers()).unwrap_or(u16::MAX).to_be_bytes();
        let ttl = match plan.ttl {
            None => TtlSource::Table,
            Some(Ttl::Seconds(seconds)) => TtlSource::Seconds(seconds.to_be_bytes()),
            Some(Ttl::Field) => TtlSource::Field(mapping.ttl.unwrap_or(usize::MAX)),
        };
        let own_timeuuids = beside::own_timeuuids(&targets, &options);
        RowEncoder {
            ttl,
            own_timeuuids,
            write_time: mapping.write_time,
            stamped: plan.stamp != Stamp::Nowhere,
            targets,
            names: plan.columns.iter().map(|column| column.name.clone()).collect(),
            field_count: mapping.field_count,
            value_count,
            composite_partition_key: partition_keys > 1,
            nulls: nulls.iter().map(|text| text.clone().into_bytes()).collect(),
            value_options: options.of_values(),
            options,
            jagged: Jagged::default(),
            charset: Charset::UTF_8,
            is_json: false,
        }
    }

    /// The same, but for records that are shorter or longer than the header.
    pub fn with_jagged(self, jagged: Jagged) -> Self {
        RowEncoder { jagged, ..self }
    }

    /// The same, but for JSON: what stands without quotes is a number, true or false as JSON writes them.
    pub fn with_json(self, is_json: bool) -> Self {
        RowEncoder { is_json, ..self }
    }

    /// The same, but for fields that were made of something else than text: what each is.
    pub fn with_made(mut self, fields: &[Made]) -> Self {
        for target in &mut self.targets {
            target.made = fields.get(target.field).copied().unwrap_or_default();
        }
        self
    }

    /// The same, but for fields in another encoding than UTF-8.
    pub fn with_charset(self, charset: Charset) -> Self {
        RowEncoder { charset, ..self }
    }

    /// Appends the row to `out`: a `[short]` count, then each column's `[value]` in the plan's order (null as "not set",
    /// so that no tombstone is written, unless the plan says otherwise), then, where the plan has one, the time to live as an int `[value]`, then the place's
    /// write time as a bigint `[value]`, always the last where the plan has one. That is the `<n><value_1>...<value_n>` of CQL binary protocol v4,
    /// section 4.1.4. Where the mapping has a field for the write time, it comes from there. Returns what it is.
    ///
    /// # Errors
    /// The record is no row of the table; `out` is as it was.
    pub fn encode(
        &self,
        record: Record<'_>,
        place: RecordPlace,
        out: &mut Vec<u8>,
    ) -> Result<i64, Box<Fault>> {
        let start = out.len();
        if !self.has_room_for(record.field_count()) {
            return Err(self.field_count_fault(record));
        }
        out.extend_from_slice(&self.value_count);
        let mut keys = KeyBytes::default();
        for (index, target) in self.targets.iter().enumerate() {
            if let Some(derived) = &target.derived {
                if let Err(fault) = self.append_derived(index, derived, place, &mut keys, out) {
                    out.truncate(start);
                    return Err(fault);
                }
                continue;
            }
            let Some(field) = self.field(record, target) else {
                out.truncate(start);
                return Err(self.field_count_fault(record));
            };
            let appended = match self.charset.is_utf8() {
                true => self
                    .append(target, field, &mut keys, out)
                    .map_err(|error| self.fault(index, field, &error)),
                false => self.append_decoded(index, field, &mut keys, out),
            };
            if let Err(fault) = appended {
                out.truncate(start);
                return Err(fault);
            }
        }
        if !self.own_timeuuids.is_empty() {
            self.set_own_timeuuids(record, start, out);
        }
        let write_time_us = match self.append_stamp(record, place.write_time_us, out) {
            Ok(write_time_us) => write_time_us,
            Err(fault) => {
                out.truncate(start);
                return Err(fault);
            }
        };
        if out.len() - start > ROW_BYTES_MAX {
            out.truncate(start);
            return Err(self.row_too_large(record));
        }
        Ok(write_time_us)
    }

    /// Whether a record of so many fields can be a row.
    #[inline]
    fn has_room_for(&self, fields: usize) -> bool {
        match fields.cmp(&self.field_count) {
            Ordering::Equal => true,
            Ordering::Less => self.jagged.missing,
            Ordering::Greater => self.jagged.extra,
        }
    }

    /// The field of a column; `None` where the mapping has none.
    #[inline]
    fn field<'a>(&self, record: Record<'a>, target: &Target) -> Option<Field<'a>> {
        self.field_at(record, target.field)
    }

    #[inline]
    fn field_at<'a>(&self, record: Record<'a>, index: usize) -> Option<Field<'a>> {
        if index >= self.field_count {
            return None;
        }
        Some(record.field(index).unwrap_or(MISSING))
    }

    /// What a field's quotes say of its text.
    #[inline]
    fn place(&self, field: Field<'_>) -> Place {
        if self.is_json && !field.quoted { Place::BareCell } else { Place::Cell }
    }

    /// Appends the `[value]` of the column at `index`, whose field is not in UTF-8.
    fn append_decoded(
        &self,
        index: usize,
        field: Field<'_>,
        keys: &mut KeyBytes,
        out: &mut Vec<u8>,
    ) -> Result<(), Box<Fault>> {
        let (Some(text), Some(target)) = (self.charset.decode(field.bytes), self.targets.get(index)) else {
            return Err(self.fault(index, field, &UNDECODABLE.into()));
        };
        let field = Field { bytes: &text, ..field };
        self.append(target, field, keys, out).map_err(|error| self.fault(index, field, &error))
    }

    /// Appends one column's `[value]`.
    #[inline]
    fn append(
        &self,
        target: &Target,
        field: Field<'_>,
        keys: &mut KeyBytes,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        if !field.quoted && self.is_null(field.bytes) {
            out.extend_from_slice(&target.null);
            return if target.role.is_key() { Err(NULL_KEY.into()) } else { Ok(()) };
        }
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        match target.made {
            Made::Text => encode_at(&target.cql_type, field.bytes, self.place(field), &self.options, out)?,
            Made::Encoded if field.quoted => out.extend_from_slice(field.bytes),
            Made::Value | Made::Encoded => {
                encode_at(&target.cql_type, field.bytes, Place::Cell, &self.value_options, out)?
            }
        }
        let len = out.len() - start - 4;
        let len_bytes = i32::try_from(len).map_err(|_| ROW_TOO_LARGE)?.to_be_bytes();
        if let Some(length) = out.get_mut(start..start + 4) {
            length.copy_from_slice(&len_bytes);
        }
        match target.role {
            ColumnRole::PartitionKey => Ok(self.count_partition_key(len, keys)?),
            ColumnRole::ClusteringKey => {
                keys.clustering += len;
                if keys.clustering > KEY_BYTES_MAX { Err(CLUSTERING_KEY_TOO_LARGE.into()) } else { Ok(()) }
            }
            ColumnRole::Static | ColumnRole::Regular | ColumnRole::Counter => Ok(()),
        }
    }

    /// A partition key of several columns is kept as, for each, two bytes of length, the value and one more byte.
    fn count_partition_key(&self, len: usize, keys: &mut KeyBytes) -> Result<(), CodecError> {
        keys.partition += if self.composite_partition_key { 2 + len + 1 } else { len };
        if keys.partition == 0 {
            Err(EMPTY_KEY)
        } else if keys.partition > KEY_BYTES_MAX {
            Err(PARTITION_KEY_TOO_LARGE)
        } else {
            Ok(())
        }
    }

    /// Whether an unquoted text is null.
    #[inline]
    fn is_null(&self, text: &[u8]) -> bool {
        text.is_empty() || self.nulls.iter().any(|null| null == text)
    }

    #[cold]
    fn fault(&self, index: usize, field: Field<'_>, error: &EncodeError) -> Box<Fault> {
        named_fault(self.names.get(index).map_or("", String::as_str), field, error)
    }

    #[cold]
    fn field_count_fault(&self, record: Record<'_>) -> Box<Fault> {
        let (found, expected) = (record.field_count(), self.field_count);
        let message = if self.has_room_for(found) {
            format!(
                "the {expected} fields do not cover all columns of the statement: the mapping is incomplete"
            )
        } else {
            let option = if found < expected { "--allow-missing-fields" } else { "--allow-extra-fields" };
            format!(
                "{found} fields where {expected} are expected: check --delimiter, and quote fields that hold a delimiter, \
                 a quote or a line end; {option} takes such records"
            )
        };
        Box::new(Fault { code: RejectCode::FieldCount, column: None, value: None, message })
    }

    /// Names the column with the longest text.
    #[cold]
    fn row_too_large(&self, record: Record<'_>) -> Box<Fault> {
        let fields = self.targets.iter().map(|target| self.field(record, target));
        let largest = fields
            .enumerate()
            .filter_map(|(index, field)| Some((index, field?)))
            .max_by_key(|(_, field)| field.bytes.len());
        match largest {
            Some((index, field)) => self.fault(index, field, &ROW_TOO_LARGE.into()),
            None => self.field_count_fault(record),
        }
    }
}

#[cold]
fn named_fault(column: &str, field: Field<'_>, error: &EncodeError) -> Box<Fault> {
    Box::new(Fault {
        code: error.code(),
        column: Some(column.to_owned()),
        value: Some(cut(field.bytes).to_vec()),
        message: error.to_string(),
    })
}

/// The start of a text, short enough for a reject file; a character is not cut apart.
pub(crate) fn cut(text: &[u8]) -> &[u8] {
    let Some(mut kept) = text.get(..FAULT_VALUE_BYTES_MAX) else { return text };
    let next_is_continuation = |at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    // At most three steps: a longer run of continuation bytes is no UTF-8 anyway.
    for _ in 0..3 {
        match kept.split_last() {
            Some((_, shorter)) if next_is_continuation(kept.len()) => kept = shorter,
            _ => break,
        }
    }
    kept
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
