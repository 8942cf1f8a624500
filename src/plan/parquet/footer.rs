//! The end of a Parquet file: its columns, and how many rows each row group has. Believes nothing of it that it can check.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, TimeUnit};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as Physical;
use parquet::file::metadata::ParquetMetaData;

use super::pread::Pread;
use super::{ParquetError, guarded};
use crate::plan::discover::InputFile;

const MAGIC: &[u8; 4] = b"PAR1";
/// What a file with an encrypted footer begins and ends with.
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";
/// The shortest file: the magic at both ends, and the footer's length.
const BYTES_MIN: u64 = 12;

/// How many rows are where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowGroups {
    /// Each row group's rows, and their bytes when they are not compressed.
    pub groups: Vec<RowGroup>,
}

/// What is known of a file's columns before a row is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Their types, in order.
    pub types: Vec<DataType>,
    /// How many rows are where.
    pub row_groups: RowGroups,
}

/// A row group's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowGroup {
    /// How many rows.
    pub rows: u64,
    /// Bytes without compression, as the file says; texts that are there often may be more.
    pub bytes: u64,
}

impl RowGroups {
    /// All rows.
    pub fn rows(&self) -> u64 {
        self.groups.iter().map(|group| group.rows).sum()
    }
}

/// What the end of a file says.
pub struct Footer {
    /// The library's own form of it, for reading rows.
    pub(super) metadata: ArrowReaderMetadata,
    pub(super) pread: Pread,
    /// How many rows are where.
    pub row_groups: RowGroups,
}

impl Footer {
    /// Reads a file's end.
    ///
    /// # Errors
    /// It is no Parquet file, is not whole, or says what cannot be.
    pub fn read(file: &InputFile) -> Result<Footer, ParquetError> {
        let path = || file.path.clone();
        if file.is_stdin() {
            return Err(ParquetError::Stdin);
        }
        if file.remote.is_some() {
            return Err(ParquetError::Remote { path: path() });
        }
        if let Some(compression) = file.compression {
            return Err(ParquetError::Compressed { path: path(), compression });
        }
        let opened = file.open()?;
        let mut magic = [[0; 4]; 2];
        if file.size < BYTES_MIN {
            return Err(ParquetError::NotParquet { path: path() });
        }
        for (magic, offset) in magic.iter_mut().zip([0, file.size - MAGIC.len() as u64]) {
            file.read_at(&opened, magic, offset)?;
        }
        match magic.each_ref() {
            [first, _] if first == MAGIC_ENCRYPTED => return Err(ParquetError::Encrypted { path: path() }),
            [first, _] if first != MAGIC => return Err(ParquetError::NotParquet { path: path() }),
            [_, last] if last != MAGIC => return Err(ParquetError::CutOff { path: path() }),
            _ => {}
        }
        let pread = Pread::new(opened, file.size);
        let damaged = |reason| ParquetError::Footer { path: path(), reason };
        let metadata = guarded(|| load(&pread)).map_err(damaged)?;
        file.check_unchanged(pread.file())?;
        let row_groups = row_groups(metadata.metadata(), file.size).map_err(damaged)?;
        Ok(Footer { metadata, pread, row_groups })
    }

    /// The columns' names and types, in order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &DataType)> {
        self.metadata.schema().fields().iter().map(|field| (field.name().as_str(), field.data_type()))
    }
}

fn load(pread: &Pread) -> Result<ArrowReaderMetadata, parquet::errors::ParquetError> {
    // What Arrow's own writers add on top of Parquet's types is left aside: files of all writers are read alike.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let plain = ArrowReaderMetadata::load(pread, options)?;
    let leaves = plain.parquet_schema().columns().iter().map(|leaf| leaf.physical_type());
    let mut leaves: Vec<Physical> = leaves.collect();
    leaves.reverse();
    let fields: Vec<FieldRef> =
        plain.schema().fields().iter().map(|field| hinted(field, &mut leaves)).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, plain.schema().metadata().clone()));
    ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), ArrowReaderOptions::new().with_schema(schema))
}

/// The same field with texts and bytes that are not copied, and with the old 96-bit times as microseconds: as nanoseconds they reach
/// from 1678 to 2262 only, and what is outside would silently become another time. `leaves`: the physical types of the leaves that
/// follow, the next one last.
fn hinted(field: &FieldRef, leaves: &mut Vec<Physical>) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::List(of) => DataType::List(hinted(of, leaves)),
        DataType::Map(of, sorted) => DataType::Map(hinted(of, leaves), *sorted),
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| hinted(field, leaves)).collect())
        }
        leaf => match (leaf, leaves.pop()) {
            (DataType::Utf8, _) => DataType::Utf8View,
            (DataType::Binary, _) => DataType::BinaryView,
            (DataType::Timestamp(..), Some(Physical::INT96)) => {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            (other, _) => other.clone(),
        },
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}

/// The rows of each row group; the reason where they do not add up.
fn row_groups(metadata: &ParquetMetaData, file_bytes: u64) -> Result<RowGroups, String> {
    let mut total: i64 = 0;
    let mut groups = Vec::with_capacity(metadata.num_row_groups());
    for (number, group) in (1..).zip(metadata.row_groups()) {
        let rows = group.num_rows();
        let sum = total.checked_add(rows).filter(|_| rows >= 0);
        total = sum.ok_or_else(|| format!("row group {number} has {rows} rows"))?;
        for column in group.columns() {
            let name = || column.column_path().string();
            let is_flat = column.column_descr().max_rep_level() == 0;
            if is_flat && column.num_values() != rows {
                let values = column.num_values();
                return Err(format!("row group {number} has {rows} rows, and {values} of column {}", name()));
            }
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let start = start.min(column.data_page_offset());
            let end = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
            let end = end.and_then(|(start, len)| start.checked_add(len));
            if rows > 0 && end.is_none_or(|end| end > file_bytes) {
                return Err(format!("column {} of row group {number} is outside the file", name()));
            }
        }
        let bytes = group.columns().iter().map(|column| column.uncompressed_size().max(0));
        let bytes = bytes.fold(0u64, |sum, bytes| sum.saturating_add(bytes.unsigned_abs()));
        groups.push(RowGroup { rows: rows.unsigned_abs(), bytes });
    }
    match metadata.file_metadata().num_rows() {
        rows if rows == total => Ok(RowGroups { groups }),
        rows => Err(format!("it has {rows} rows, and its row groups have {total}")),
    }
}
