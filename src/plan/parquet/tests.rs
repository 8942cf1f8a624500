//! Files of several row groups, cut into units and read in any order; and files in which bytes were changed.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch as Columns, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use super::footer::{Footer, RowGroup, RowGroups};
use super::rows::Rows;
use super::*;
use crate::plan::discover::{InputFile, discover};
use crate::plan::split::{Place, SplitSettings, SplitStart};
use crate::plan::unit::{UnitId, WorkUnit};

/// A file with a number, a text and a list in each row; every seventh text is null.
fn file(rows: i64, group_rows: usize, compression: Compression) -> Vec<u8> {
    let texts = (0..rows).map(|row| (row % 7 != 0).then(|| format!("text {row}")));
    let mut lists = ListBuilder::new(Int64Builder::new());
    (0..rows).for_each(|row| lists.append_value((0..row % 3).map(Some)));
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new((0..rows).collect::<Int64Array>())),
        ("text", Arc::new(texts.collect::<StringArray>())),
        ("list", Arc::new(lists.finish())),
    ];
    let batch = Columns::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group_rows))
        .set_data_page_row_count_limit(20)
        .set_write_batch_size(10)
        .set_compression(compression)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn write(folder: &Path, bytes: &[u8]) -> InputFile {
    let path = folder.join("in.parquet");
    std::fs::write(&path, bytes).unwrap();
    discover(&[path]).unwrap().remove(0)
}

/// The rows' numbers and texts.
fn read(rows: &Rows, first: u64, count: u64) -> Result<Vec<(String, Option<String>)>, ParquetError> {
    let batch = rows.records(first, &rows.read(first, count)?)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let row = |record: crate::format::record::Record<'_>| {
        let (number, note) = (record.field(0).unwrap(), record.field(1).unwrap());
        (text(number.bytes), note.quoted.then(|| text(note.bytes)))
    };
    Ok(batch.iter().map(row).collect())
}

fn expected(first: u64, count: u64) -> Vec<(String, Option<String>)> {
    let row = |row: u64| (row.to_string(), (!row.is_multiple_of(7)).then(|| format!("text {row}")));
    (first - 1..first - 1 + count).map(row).collect()
}

#[test]
fn rows_are_read_forwards_and_from_anywhere_whatever_compresses_them() {
    let folder = tempfile::tempdir().unwrap();
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::ZSTD(Default::default()),
        Compression::GZIP(Default::default()),
    ] {
        let file = write(folder.path(), &file(250, 100, compression));
        let rows = Rows::open_all(&file).unwrap();
        // On and on, over the border of a row group, less than before, back, a few in the middle, and to the end.
        for (first, count) in
            [(1, 40), (41, 40), (81, 20), (101, 40), (141, 5), (146, 5), (1, 1), (2, 99), (77, 3), (201, 50)]
        {
            assert_eq!(read(&rows, first, count).unwrap(), expected(first, count), "{compression} {first}");
        }
        let error = rows.read(241, 11).unwrap_err().to_string();
        assert!(error.ends_with("row group 3 cannot be read from row 241 on (it has only 10 of the 11 rows that are to be there): the file is damaged, get it anew"), "{error}");
        std::fs::OpenOptions::new().append(true).open(&file.path).unwrap().set_len(file.size + 1).unwrap();
        assert!(matches!(rows.read(1, 1), Err(ParquetError::Input(_))), "a file that has changed");
    }
}

/// The units of row groups with these rows and bytes, of a file of 10,000 bytes.
fn units(groups: &[(u64, u64)], place: u64, settings: (u64, u64, Option<u64>)) -> Vec<WorkUnit> {
    let groups = groups.iter().map(|&(rows, bytes)| RowGroup { rows, bytes }).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &[0; 10_000]);
    let (unit_bytes, skip, limit) = settings;
    let settings = SplitSettings {
        unit_bytes,
        chunk_bytes: unit_bytes,
        max_record_bytes: 1 << 20,
        skip,
        limit,
        whole_chunks: 1,
    };
    let mut units: Vec<WorkUnit> = Vec::new();
    let emit = &mut |unit| {
        units.push(unit);
        ControlFlow::Continue(())
    };
    let place = Place { offset: 0, line: place, record: place };
    let start = SplitStart { ordinal: 5, unit: UnitId(3) };
    let totals = RowGroups { groups }.split(&file, place, &settings, start, emit).unwrap();
    assert_eq!(totals.records, units.iter().map(WorkUnit::records).sum::<u64>());
    assert_eq!(totals.bytes, units.iter().map(WorkUnit::bytes).sum::<u64>());
    assert_eq!(totals.units as usize, units.len());
    units
}

#[test]
fn units_end_with_row_groups_and_huge_ones_are_divided() {
    let shape = |units: Vec<WorkUnit>| -> Vec<(u64, u64, usize)> {
        units.iter().map(|unit| (unit.first_record, unit.records(), unit.chunks.len())).collect()
    };
    let whole = (1_000, 0, None);
    assert_eq!(shape(units(&[(10, 600), (10, 600)], 1, whole)), [(1, 10, 1), (11, 10, 1)]);
    assert_eq!(shape(units(&[(10, 300), (10, 300), (10, 100)], 1, whole)), [(1, 20, 2), (21, 10, 1)]);
    let huge = [(1, 16_384, 2), (16_385, 3_617, 1)];
    assert_eq!(shape(units(&[(20_001, 2_000)], 1, whole)), huge);
    assert_eq!(shape(units(&[(0, 0), (3, 0), (0, 9)], 1, whole)), [(1, 3, 1)]);
    assert_eq!(shape(units(&[], 1, whole)), []);
    assert_eq!(shape(units(&[(10, 600), (10, 600)], 1, (1_000, 8, Some(11)))), [(9, 6, 2)]);
    // Whatever a file says of itself, it is told in pieces.
    let lie = units(&[(100_000_000, 0)], 1, whole);
    assert!(lie.iter().all(|unit| unit.chunks.len() <= 4_096) && lie.len() > 2);
}

proptest! {
    #[test]
    fn units_hold_each_row_once_and_go_on_behind_any_of_them(
        groups in prop::collection::vec((0..3_000u64, 0..100_000u64), 0..6),
        unit_bytes in 1..50_000u64,
        skip in 0..4_000u64,
        limit in prop::option::of(6..9_000u64),
        cut in any::<prop::sample::Index>(),
    ) {
        let rows: u64 = groups.iter().map(|(rows, _)| rows).sum();
        let all = units(&groups, 1, (unit_bytes, skip, limit));
        let records: u64 = all.iter().map(WorkUnit::records).sum();
        prop_assert_eq!(records, rows.saturating_sub(skip).min(limit.map_or(u64::MAX, |limit| limit - 5)));
        let (mut row, mut offset, mut ordinal) = (skip, None, 5);
        for unit in &all {
            prop_assert_eq!((unit.first_record, unit.first_ordinal), (row + 1, ordinal));
            for chunk in &unit.chunks {
                prop_assert!(chunk.records > 0 && chunk.line == row + 1);
                prop_assert!(offset.is_none_or(|offset| offset == chunk.start));
                offset = Some(chunk.start + chunk.len);
                row += chunk.records;
                ordinal += chunk.records;
            }
        }
        if limit.is_none() && skip == 0 && rows > 0 {
            prop_assert_eq!(all.iter().map(WorkUnit::bytes).sum::<u64>(), 10_000);
        }
        if limit.is_none() && !all.is_empty() {
            let last = cut.index(all.len());
            let place = RowGroups::place_behind(&all[last]);
            let rest = units(&groups, place.record, (unit_bytes, skip, None));
            prop_assert_eq!(rest.iter().map(WorkUnit::records).sum::<u64>(), all[last + 1..].iter().map(WorkUnit::records).sum::<u64>());
            if let Some(first) = rest.first() {
                prop_assert_eq!(first.first_record, all[last + 1].first_record);
                prop_assert_eq!(first.chunks[0], all[last + 1].chunks[0]);
            }
        }
    }
}

/// What is read of a file: as many rows as it says, or an error.
fn read_all(file: &InputFile) -> Result<u64, ParquetError> {
    let rows = Rows::open_all(file)?;
    let groups = Footer::read(file)?.row_groups;
    let mut read = 0;
    // No more than a few steps: a file that lies may say that it has billions of rows.
    for _ in 0..20 {
        match groups.rows_from(read) {
            0 => break,
            count => {
                let columns = rows.read(read + 1, count)?;
                assert_eq!(rows.records(read + 1, &columns)?.len() as u64, count);
                read += count;
            }
        }
    }
    Ok(read)
}

#[test]
fn whatever_byte_is_changed_there_are_rows_or_an_error_and_the_process_lives() {
    let folder = tempfile::tempdir().unwrap();
    let mut errors = 0;
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        let whole = file(60, 30, compression);
        assert_eq!(read_all(&write(folder.path(), &whole)).unwrap(), 60);
        for at in (0..whole.len()).step_by(3) {
            let mut bytes = whole.clone();
            bytes[at] ^= [0x01, 0x80, 0xff, 0x10][at % 4];
            let input = write(folder.path(), &bytes);
            errors += usize::from(read_all(&input).is_err());
        }
        for len in (0..whole.len()).step_by(97) {
            assert!(read_all(&write(folder.path(), &whole[..len])).is_err(), "cut at {len}");
        }
    }
    assert!(errors > 150, "{errors}");
}

#[test]
fn the_types_that_a_new_table_would_have_are_those_of_the_columns() {
    let columns = [
        ("optional boolean a", "boolean"),
        ("required int32 a (INTEGER(8, true))", "tinyint"),
        ("required int32 a (INTEGER(16, true))", "smallint"),
        ("required int32 a", "int"),
        ("required int64 a", "bigint"),
        ("required int32 a (INTEGER(8, false))", "smallint"),
        ("required int32 a (INTEGER(16, false))", "int"),
        ("required int32 a (INTEGER(32, false))", "bigint"),
        ("required int64 a (INTEGER(64, false))", "varint"),
        ("required float a", "float"),
        ("required double a", "double"),
        ("required int32 a (DECIMAL(9, 2))", "decimal"),
        ("required fixed_len_byte_array(20) a (DECIMAL(40, 2))", "decimal"),
        ("required int32 a (DATE)", "date"),
        ("required int32 a (TIME(MILLIS, true))", "time"),
        ("required int64 a (TIME(NANOS, true))", "time"),
        ("required int64 a (TIMESTAMP(MILLIS, true))", "timestamp"),
        ("required int64 a (TIMESTAMP(NANOS, false))", "timestamp"),
        ("required int96 a", "timestamp"),
        ("required binary a (UTF8)", "text"),
        ("required binary a", "blob"),
        ("required fixed_len_byte_array(16) a (UUID)", "uuid"),
        ("required fixed_len_byte_array(16) a", "blob"),
        ("required fixed_len_byte_array(12) a (INTERVAL)", "-"),
        ("optional group a (LIST) { repeated group list { optional int32 element; } }", "frozen<list<int>>"),
        (
            "optional group a (MAP) { repeated group key_value { required binary key (UTF8); optional fixed_len_byte_array(16) \
             value (UUID); } }",
            "frozen<map<text, uuid>>",
        ),
        (
            "optional group a { required fixed_len_byte_array(16) b; required fixed_len_byte_array(16) c (UUID); }",
            "frozen<tuple<blob, uuid>>",
        ),
        ("optional group a { required fixed_len_byte_array(12) b (INTERVAL); required int32 c; }", "-"),
    ];
    let folder = tempfile::tempdir().unwrap();
    // All in one file: each leaf is its own column's.
    let numbered = columns.iter().enumerate().map(|(number, (column, _))| {
        let column = column.replacen(" a", &format!(" a{number}"), 1);
        if column.ends_with('}') { column } else { format!("{column};") }
    });
    let message = format!("message m {{ {} }}", numbered.collect::<String>());
    let schema = Arc::new(parquet::schema::parser::parse_message_type(&message).unwrap());
    let writer = parquet::file::writer::SerializedFileWriter::new(Vec::new(), schema, Arc::default());
    let file = write(folder.path(), &writer.unwrap().into_inner().unwrap());
    let found = Footer::read(&file).unwrap().known().new_types;
    let found = found.iter().map(|found| found.as_ref().map_or("-".to_owned(), ToString::to_string));
    let found: Vec<String> = found.collect();
    assert_eq!(found, columns.map(|(_, expected)| expected));
}
