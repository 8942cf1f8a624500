//! Runs of rows of a Parquet file, for a worker: read forwards through a row group as long as each run begins where the one before has ended,
//! and by skipping where it does not. One thread reads, others make records of what it has read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch as Columns;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};

use super::footer::Footer;
use super::{ParquetError, blamed, guarded};
use crate::codec::row::Made;
use crate::format::parquet::render::{Renderer, Target};
use crate::format::record::RecordBatch;
use crate::plan::discover::InputFile;
use crate::schema::mapping::FieldMapping;
use crate::schema::statement::RowPlan;

/// A file that is open, with the way its rows become records.
pub struct Rows {
    file: InputFile,
    footer: Footer,
    renderer: Renderer,
    reading: Mutex<Option<Reading>>,
}

/// A row group that is being read.
struct Reading {
    group: usize,
    rows: ParquetRecordBatchReader,
    /// The row that comes next, from 0.
    next: u64,
    /// How many come at once.
    at_once: usize,
}

impl Rows {
    /// Opens a file for a row plan; what no column needs of it is not read. `is_utc`: times without a zone are UTC.
    ///
    /// # Errors
    /// It is no Parquet file, is not whole, or says what cannot be.
    pub fn open(
        file: &InputFile,
        plan: &RowPlan,
        mapping: &FieldMapping,
        is_utc: bool,
    ) -> Result<Self, ParquetError> {
        let footer = Footer::read(file)?;
        Ok(Rows::of(file, footer, Some(wanted(plan, mapping)), is_utc))
    }

    /// Opens a file of which every column is wanted, whatever for.
    ///
    /// # Errors
    /// As those of [`Rows::open`].
    pub fn open_all(file: &InputFile) -> Result<Self, ParquetError> {
        let footer = Footer::read(file)?;
        Ok(Rows::of(file, footer, None, true))
    }

    fn of(file: &InputFile, footer: Footer, wanted: Option<BTreeMap<usize, Target>>, is_utc: bool) -> Self {
        let types: Vec<_> = footer.columns().map(|(_, data_type)| data_type).collect();
        let all = || (0..types.len()).map(|field| (field, None)).collect();
        let renderer = Renderer::new(&types, wanted.unwrap_or_else(all), is_utc);
        footer.set_wanted(&ProjectionMask::roots(footer.metadata.parquet_schema(), renderer.wanted()));
        Rows { file: file.clone(), footer, renderer, reading: Mutex::default() }
    }

    /// What the fields of the records are.
    pub fn made(&self) -> &[Made] {
        self.renderer.made()
    }

    /// Bytes that `count` rows take when they are read, as far as can be told; the first is number `first` (from 1).
    pub fn bytes_of(&self, first: u64, count: u64) -> u64 {
        let row_groups = &self.footer.row_groups;
        let group = row_groups.group_of(first.saturating_sub(1));
        group.and_then(|(group, _)| row_groups.groups.get(group)).map_or(0, |group| group.bytes_of(count))
    }

    /// `count` rows of one row group, of which the first is number `first` (from 1).
    ///
    /// # Errors
    /// The file has changed, or is damaged; the number of the first row that cannot be read is told.
    pub fn read(&self, first: u64, count: u64) -> Result<Columns, ParquetError> {
        self.footer.pread.check_unchanged(&self.file)?;
        let row = first.saturating_sub(1);
        let (group, group_start) = self.footer.row_groups.group_of(row).unwrap_or((0, 0));
        let damaged = |reason| {
            let path = self.file.path.clone();
            ParquetError::RowGroup { path, group: group + 1, row: first, reason }
        };
        let failed = |reason| blamed(&self.footer.pread, reason, damaged);
        let too_few = |found: u64| format!("it has only {found} of the {count} rows that are to be there");
        let wanted = usize::try_from(count).map_err(|_| damaged(too_few(0)))?;
        let mut place = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on =
            |reading: &Reading| (reading.group, reading.next) == (group, row) && reading.at_once >= wanted;
        let going_on = place.take().filter(goes_on);
        let mut reading = match going_on {
            Some(reading) => reading,
            None => {
                let rows = guarded(|| self.begin(group, row - group_start, wanted)).map_err(failed)?;
                Reading { group, rows, next: row, at_once: wanted }
            }
        };
        let read = guarded(|| Ok(reading.rows.next().transpose()?)).map_err(failed)?;
        let read = read.ok_or_else(|| damaged(too_few(0)))?;
        if read.num_rows() < wanted {
            return Err(damaged(too_few(read.num_rows() as u64)));
        }
        if read.num_rows() == wanted {
            reading.next = row + count;
            *place = Some(reading);
        }
        self.footer.pread.check_unchanged(&self.file)?;
        Ok(read.slice(0, wanted))
    }

    /// The records that such rows are.
    ///
    /// # Errors
    /// They hold too much.
    pub fn records(&self, first: u64, rows: &Columns) -> Result<RecordBatch, ParquetError> {
        let too_much = |source| ParquetError::TooMuch { path: self.file.path.clone(), row: first, source };
        self.renderer.render(rows).map_err(too_much)
    }

    /// Begins to read a row group behind its first `skip` rows.
    fn begin(
        &self,
        group: usize,
        skip: u64,
        at_once: usize,
    ) -> Result<ParquetRecordBatchReader, parquet::errors::ParquetError> {
        let Footer { metadata, pread, row_groups } = &self.footer;
        let mask = ProjectionMask::roots(metadata.parquet_schema(), self.renderer.wanted());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(pread.clone(), metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(at_once);
        let rows = row_groups.groups.get(group).map_or(0, |group| group.rows);
        let (Ok(skipped), Ok(left)) = (usize::try_from(skip), usize::try_from(rows.saturating_sub(skip)))
        else {
            return builder.build();
        };
        if skipped == 0 {
            return builder.build();
        }
        let selection = vec![RowSelector::skip(skipped), RowSelector::select(left)];
        builder.with_row_selection(RowSelection::from(selection)).build()
    }
}

/// What the fields of a file are for: those that a mapping has, each with the type of its column where that is one.
fn wanted(plan: &RowPlan, mapping: &FieldMapping) -> BTreeMap<usize, Target> {
    let mut wanted: BTreeMap<usize, Target> = BTreeMap::new();
    let mut want = |field: usize, target: Target| {
        if field < mapping.field_count {
            let known = wanted.entry(field).or_insert_with(|| target.clone());
            if *known != target {
                *known = None;
            }
        }
    };
    for (column, &field) in plan.columns.iter().zip(&mapping.fields) {
        want(field, Some(column.cql_type.clone()));
    }
    mapping.ttl.into_iter().chain(mapping.write_time).for_each(|field| want(field, None));
    wanted
}
