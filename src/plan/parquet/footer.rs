//! The end of a Parquet file: its columns, and how many rows each row group has. Believes nothing of it that it can check.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{LogicalType, Type as Physical};
use parquet::errors::ParquetError as LibraryError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::ChunkReader;

use super::pread::Pread;
use super::{ParquetError, blamed, guarded};
use crate::format::parquet::column::column_type;
use crate::plan::discover::{InputError, InputFile};
use crate::schema::types::CqlType;

const MAGIC: &[u8; 4] = b"PAR1";
/// What a file with an encrypted footer begins and ends with.
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";
/// The shortest file: the magic at both ends, and the footer's length.
const BYTES_MIN: u64 = 12;
/// Bytes of the end that are read at once: most footers are not longer.
const TAIL_BYTES: u64 = 64 * 1024;

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
    /// What they would be in a table that is made for them; `None`: there is no type for it.
    pub new_types: Vec<Option<CqlType>>,
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
        if let Some(compression) = file.compression {
            return Err(ParquetError::Compressed { path: path(), compression });
        }
        if file.size < BYTES_MIN {
            return Err(ParquetError::NotParquet { path: path() });
        }
        let pread = Pread::open(file)?;
        check_magic(file, &pread)?;
        let damaged = |reason| ParquetError::Footer { path: path(), reason };
        let metadata = guarded(|| load(&pread)).map_err(|reason| blamed(&pread, reason, damaged))?;
        pread.check_unchanged(file)?;
        let row_groups = row_groups(metadata.metadata(), file.size).map_err(damaged)?;
        Ok(Footer { metadata, pread, row_groups })
    }

    /// What is known of the columns.
    pub fn known(&self) -> Columns {
        let types: Vec<DataType> = self.columns().map(|(_, data_type)| data_type.clone()).collect();
        let leaves = self.metadata.parquet_schema().columns().iter();
        let mut uuids = leaves.map(|leaf| matches!(leaf.logical_type_ref(), Some(LogicalType::Uuid)));
        let new_types = types.iter().map(|data_type| column_type(data_type, &mut uuids)).collect();
        Columns { types, new_types, row_groups: self.row_groups.clone() }
    }

    /// Says which columns will be read, so that of an object nothing else is asked for.
    pub(super) fn set_wanted(&self, mask: &ProjectionMask) {
        let groups = self.metadata.metadata().row_groups().iter();
        let wanted = groups.flat_map(|group| {
            let columns = group.columns().iter().enumerate();
            columns.filter(|(leaf, _)| mask.leaf_included(*leaf)).filter_map(|(_, column)| place_of(column))
        });
        let columns = self.metadata.parquet_schema().num_columns();
        let columns = (0..columns).filter(|leaf| mask.leaf_included(*leaf)).count();
        self.pread.set_wanted(wanted.collect(), columns);
    }

    /// The columns' names and types, in order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &DataType)> {
        self.metadata.schema().fields().iter().map(|field| (field.name().as_str(), field.data_type()))
    }
}

/// Checks what a file begins and ends with.
fn check_magic(file: &InputFile, pread: &Pread) -> Result<(), ParquetError> {
    let path = || file.path.clone();
    let read = |offset, len| {
        let unreadable = |error: LibraryError| match pread.take_failure() {
            Some(failure) => InputError::from(failure),
            None => file.unreadable(std::io::Error::other(error)),
        };
        pread.get_bytes(offset, len).map_err(unreadable)
    };
    // The end comes with what the library is going to ask for, and an object's beginning was looked at when it was found.
    let tail = TAIL_BYTES.min(file.size);
    let end = read(file.size - tail, usize::try_from(tail).unwrap_or(MAGIC.len()))?;
    let beginning = match &file.remote {
        Some(object) => object.head.get(..MAGIC.len()).unwrap_or(MAGIC).to_vec(),
        None => read(0, MAGIC.len())?.to_vec(),
    };
    match beginning {
        first if first == MAGIC_ENCRYPTED => Err(ParquetError::Encrypted { path: path() }),
        first if first != MAGIC => Err(ParquetError::NotParquet { path: path() }),
        _ if !end.ends_with(MAGIC) => Err(ParquetError::CutOff { path: path() }),
        _ => Ok(()),
    }
}

fn load(pread: &Pread) -> Result<ArrowReaderMetadata, LibraryError> {
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
            if rows > 0 && place_of(column).is_none_or(|place| place.end > file_bytes) {
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

/// Where in the file a column of a row group is; `None` where the file says what cannot be.
fn place_of(column: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let start = u64::try_from(start.min(column.data_page_offset())).ok()?;
    let len = u64::try_from(column.compressed_size()).ok()?;
    Some(start..start.checked_add(len)?)
}
