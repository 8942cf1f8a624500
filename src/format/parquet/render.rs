//! A run of rows, as Arrow has them in columns, to records with the fields that a CSV file would have: the codecs, the mapping and the rejects
//! need not know where a record comes from. A value is never a text that means null; null is an unquoted empty field.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayAccessor, RecordBatch as Columns};
use arrow_schema::{DataType, TimeUnit};

use super::{direct, nested, scalar};
use crate::codec::row::Made;
use crate::format::record::{FieldSpan, RecordBatch, RecordSpan};
use crate::schema::types::CqlType;

/// The most text that one run of rows may become, in bytes: its fields' places are 32 bits wide, and nothing that a row may hold is
/// nearly as long.
const TEXT_BYTES_MAX: usize = 1 << 30;

/// A run of rows is more text than can be held at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{rows} rows that are to be read at once hold more than 1 GiB: write the file with shorter values, or load it in parts"
)]
pub struct TooMuchText {
    /// How many rows.
    pub rows: usize,
}

/// What a column's values are for: the type of the table's column, or `None` where it is several or something else.
pub type Target = Option<CqlType>;

/// Makes records of the rows of one file.
#[derive(Debug)]
pub struct Renderer {
    columns: Vec<Wanted>,
    /// For each of the file's columns, the type as which it is encoded.
    encoded: Arc<[Option<CqlType>]>,
    made: Vec<Made>,
}

/// A column that is read.
#[derive(Debug)]
struct Wanted {
    field: usize,
    target: Target,
    is_direct: bool,
}

impl Renderer {
    /// For files with columns of these types, of which some are `wanted`, for these targets; the others are null. `is_utc`: times without
    /// a zone are UTC.
    pub fn new(types: &[&DataType], wanted: BTreeMap<usize, Target>, is_utc: bool) -> Self {
        let mut encoded: Vec<Target> = vec![None; types.len()];
        let mut made = vec![Made::Value; types.len()];
        let mut columns = Vec::with_capacity(wanted.len());
        let wanted =
            wanted.into_iter().filter_map(|(field, target)| Some((field, target, *types.get(field)?)));
        for (field, target, data_type) in wanted {
            let is_direct =
                target.as_ref().is_some_and(|target| direct::is_direct(data_type, target, is_utc));
            let is_text = matches!(data_type, DataType::Utf8View | DataType::BinaryView);
            if let (Some(made), Some(encoded)) = (made.get_mut(field), encoded.get_mut(field)) {
                *made = match (is_direct, is_text) {
                    (true, _) => Made::Encoded,
                    (false, true) => Made::Text,
                    (false, false) => Made::Value,
                };
                *encoded = target.clone().filter(|_| is_direct);
            }
            columns.push(Wanted { field, target, is_direct });
        }
        Renderer { columns, encoded: encoded.into(), made }
    }

    /// The columns that are wanted, in ascending order: those that [`Renderer::render`] is given.
    pub fn wanted(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|column| column.field)
    }

    /// What the fields of the records are.
    pub fn made(&self) -> &[Made] {
        &self.made
    }

    /// The records of a run of rows, each on a line of its own as far as lines are told.
    ///
    /// # Errors
    /// They hold too much.
    pub fn render(&self, rows: &Columns) -> Result<RecordBatch, TooMuchText> {
        let count = rows.num_rows();
        let too_much = TooMuchText { rows: count };
        let stride = self.encoded.len();
        let null = FieldSpan { start: 0, end: 0, quoted: false };
        let cells = count.checked_mul(stride).filter(|cells| *cells < TEXT_BYTES_MAX).ok_or(too_much)?;
        let mut sink = Sink {
            text: Vec::with_capacity(rows.get_array_memory_size().min(1 << 20)),
            fields: vec![null; cells],
            stride,
            at: 0,
        };
        for (wanted, column) in self.columns.iter().zip(rows.columns()) {
            sink.at = wanted.field;
            let appended = match &wanted.target {
                Some(target) if wanted.is_direct => direct::append(&**column, target, &mut sink),
                target => column_text(&**column, target.as_ref(), &mut sink),
            };
            appended.ok_or(too_much)?;
        }
        let record = |index: usize| RecordSpan {
            first_field: (index * stride) as u32,
            raw_start: 0,
            raw_end: 0,
            line: index as u32,
        };
        Ok(RecordBatch {
            bytes: sink.text,
            fields: sink.fields,
            records: (0..count).map(record).collect(),
            made: Some(Arc::clone(&self.encoded)),
            ..RecordBatch::default()
        })
    }
}

/// Where a column's fields go.
pub(super) struct Sink {
    text: Vec<u8>,
    fields: Vec<FieldSpan>,
    stride: usize,
    /// The first field of the column.
    at: usize,
}

impl Sink {
    /// Appends what `write` does for each value that is not null, and whether that is the value itself, as it says; `None` where that is
    /// too much.
    #[inline]
    pub(super) fn each<A: ArrayAccessor>(
        &mut self,
        array: A,
        write: impl Fn(A::Item, &mut Vec<u8>) -> bool,
    ) -> Option<()> {
        let nulls = array.nulls();
        let fields = self.fields.iter_mut().skip(self.at).step_by(self.stride.max(1));
        for (row, field) in (0..array.len()).zip(fields) {
            if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let start = self.text.len();
            let quoted = write(array.value(row), &mut self.text);
            *field = span(start, self.text.len(), quoted)?;
        }
        Some(())
    }

    /// The same for texts of values that each are looked at by their types.
    fn each_row(&mut self, array: &dyn Array, write: impl Fn(usize, &mut Vec<u8>)) -> Option<()> {
        let fields = self.fields.iter_mut().skip(self.at).step_by(self.stride.max(1));
        for (row, field) in (0..array.len()).zip(fields) {
            if array.is_null(row) {
                continue;
            }
            let start = self.text.len();
            write(row, &mut self.text);
            *field = span(start, self.text.len(), true)?;
        }
        Some(())
    }
}

#[inline]
fn span(start: usize, end: usize, quoted: bool) -> Option<FieldSpan> {
    (end <= TEXT_BYTES_MAX).then_some(FieldSpan { start: start as u32, end: end as u32, quoted })
}

/// A column's texts.
fn column_text(array: &dyn Array, target: Option<&CqlType>, sink: &mut Sink) -> Option<()> {
    match array.data_type() {
        DataType::Null => Some(()),
        _ => sink.each_row(array, |row, out| scalar_text(array, row, target, out)),
    }
}

fn is_date(target: Option<&CqlType>) -> bool {
    matches!(target, Some(CqlType::Date))
}

/// Appends the text of the value at `row`, which is not null.
pub(super) fn scalar_text(array: &dyn Array, row: usize, target: Option<&CqlType>, out: &mut Vec<u8>) {
    macro_rules! value {
        ($type:ty) => {
            array.as_primitive::<$type>().value(row)
        };
    }
    match array.data_type() {
        DataType::Boolean => {
            let text: &[u8] = if array.as_boolean().value(row) { b"true" } else { b"false" };
            out.extend_from_slice(text);
        }
        DataType::Int8 => scalar::int(value!(Int8Type).into(), out),
        DataType::Int16 => scalar::int(value!(Int16Type).into(), out),
        DataType::Int32 => scalar::int(value!(Int32Type).into(), out),
        DataType::Int64 => scalar::int(value!(Int64Type), out),
        DataType::UInt8 => scalar::uint(value!(UInt8Type).into(), out),
        DataType::UInt16 => scalar::uint(value!(UInt16Type).into(), out),
        DataType::UInt32 => scalar::uint(value!(UInt32Type).into(), out),
        DataType::UInt64 => scalar::uint(value!(UInt64Type), out),
        DataType::Float16 => single(value!(Float16Type).to_f32(), target, out),
        DataType::Float32 => single(value!(Float32Type), target, out),
        DataType::Float64 => scalar::float(value!(Float64Type), out),
        &DataType::Decimal128(_, scale) => {
            scalar::decimal(&value!(Decimal128Type).to_string(), scale, out);
        }
        &DataType::Decimal256(_, scale) => {
            scalar::decimal(&value!(Decimal256Type).to_string(), scale, out);
        }
        DataType::Date32 => scalar::date(value!(Date32Type).into(), out),
        &DataType::Time32(unit) => {
            let value = match unit {
                TimeUnit::Second => value!(Time32SecondType),
                _ => value!(Time32MillisecondType),
            };
            scalar::time(value.into(), unit, out);
        }
        &DataType::Time64(unit) => {
            let value = match unit {
                TimeUnit::Microsecond => value!(Time64MicrosecondType),
                _ => value!(Time64NanosecondType),
            };
            scalar::time(value, unit, out);
        }
        &DataType::Timestamp(unit, ref zone) => {
            let value = match unit {
                TimeUnit::Second => value!(TimestampSecondType),
                TimeUnit::Millisecond => value!(TimestampMillisecondType),
                TimeUnit::Microsecond => value!(TimestampMicrosecondType),
                TimeUnit::Nanosecond => value!(TimestampNanosecondType),
            };
            scalar::timestamp(value, unit, zone.is_some(), is_date(target), out);
        }
        DataType::Utf8 => out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes()),
        DataType::Utf8View => out.extend_from_slice(array.as_string_view().value(row).as_bytes()),
        DataType::Binary => bytes(array.as_binary::<i32>().value(row), target, out),
        DataType::BinaryView => bytes(array.as_binary_view().value(row), target, out),
        DataType::FixedSizeBinary(_) => bytes(array.as_fixed_size_binary().value(row), target, out),
        DataType::List(_) | DataType::Struct(_) | DataType::Map(..) => nested::json(array, row, target, out),
        // Refused before the first row, where it is wanted.
        _ => {}
    }
}

/// A 32-bit number: as short as it may be where it stays one, else with all that it is as a 64-bit one.
fn single(value: f32, target: Option<&CqlType>, out: &mut Vec<u8>) {
    match target {
        Some(CqlType::Float | CqlType::Text | CqlType::Ascii) => scalar::float(value, out),
        _ => scalar::float(f64::from(value), out),
    }
}

/// Bytes in the form in which the type is written; for what is no type of bytes they are its text.
fn bytes(bytes: &[u8], target: Option<&CqlType>, out: &mut Vec<u8>) {
    match target {
        None | Some(CqlType::Blob) => scalar::hex(bytes, out),
        Some(CqlType::Uuid | CqlType::Timeuuid) if bytes.len() == 16 => scalar::uuid(bytes, out),
        Some(CqlType::Inet) if matches!(bytes.len(), 4 | 16) => scalar::inet(bytes, out),
        Some(_) => out.extend_from_slice(bytes),
    }
}
