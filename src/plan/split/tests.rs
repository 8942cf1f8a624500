//! Every case, cut into blocks of every size and into units of several, must come back record by record.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;
use crate::format::Format;
use crate::format::charset::Charset;
use crate::format::csv::cases::{
    CASES, TrueRecord, csv_records, dialects, nasty_bytes, open_quote, true_records,
};
use crate::format::csv::collected::{Collected, collected};
use crate::format::csv::dialect::{Delimiter, Dialect, Escapes, Trim};
use crate::format::csv::reader::ChunkReader;
use crate::plan::beginning::read_beginning;
use crate::plan::compression::CompressionChoice;
use crate::plan::compression::tests::{ALL, compress, records};
use crate::plan::discover::discover;
use crate::plan::header::{Header, HeaderNames};
use crate::plan::pipe::SharedPipe;
use crate::plan::unit::{Chunk, FileId};

const BARE: Dialect = Dialect {
    delimiter: Delimiter::byte(b','),
    quote: Some(b'"'),
    escape: None,
    escapes: Escapes::Quotes,
    comment: None,
    trim: Trim::None,
    charset: Charset::UTF_8,
    header: false,
};
const COMMENTED: Dialect = Dialect { comment: Some(b'#'), ..BARE };
const START: SplitStart = SplitStart { ordinal: 1000, unit: UnitId(7) };

/// So many records of four bytes are read in two rounds.
const MORE_THAN_A_ROUND: usize = 3 * (BLOCK_BYTES as usize * BLOCKS_PER_THREAD) / 4;

fn pool() -> &'static ThreadPool {
    static POOL: OnceLock<ThreadPool> = OnceLock::new();
    POOL.get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap())
}

/// A file of its own in a scratch folder.
struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Self {
        Scratch { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, bytes: &[u8]) -> InputFile {
        let path = self.folder.path().join("in.csv");
        std::fs::write(&path, bytes).unwrap();
        discover(&[path]).unwrap().remove(0)
    }
}

fn settings(chunk_bytes: u64, unit_bytes: u64) -> SplitSettings {
    SplitSettings {
        whole_chunks: WHOLE_CHUNKS_MAX,
        unit_bytes,
        chunk_bytes,
        max_record_bytes: 1 << 20,
        skip: 0,
        limit: None,
    }
}

fn split_all(
    file: &InputFile,
    dialect: &Dialect,
    settings: &SplitSettings,
) -> Result<(Header, Vec<WorkUnit>, FileTotals), SplitError> {
    let header =
        read_beginning(file, &Format::Csv(*dialect), true, HeaderNames::Used, 1 << 20).expect("the header");
    let mut units = Vec::new();
    let totals = split(file, header.data(), dialect, settings, START, pool(), &mut |unit| {
        units.push(unit);
        ControlFlow::Continue(())
    })?;
    Ok((header, units, totals))
}

/// The records of the units, read chunk by chunk as a worker does; offsets and lines (from 0) are the file's.
fn read_units(bytes: &[u8], dialect: &Dialect, units: &[WorkUnit]) -> Vec<TrueRecord> {
    let mut reader = ChunkReader::new(dialect);
    let mut records = Vec::new();
    for chunk in units.iter().flat_map(|unit| &unit.chunks) {
        let range = chunk.start as usize..(chunk.start + chunk.len) as usize;
        let batch = reader.read(bytes[range].to_vec()).unwrap();
        assert_eq!(batch.len() as u64, chunk.records);
        for record in batch.iter() {
            let field = |index| record.field(index).map(|field| (field.bytes.to_vec(), field.quoted));
            let start = (chunk.start + record.offset()) as usize;
            records.push(TrueRecord {
                fields: (0..record.field_count()).map_while(field).collect(),
                start,
                end: start + record.raw().len(),
                line: (chunk.line - 1 + record.line_offset()) as usize,
            });
        }
    }
    records
}

/// Units follow each other without gap or overlap in bytes, records, ordinals and numbers.
fn check_contiguous(file: &InputFile, data_start: u64, units: &[WorkUnit], totals: &FileTotals) {
    let (mut start, mut records) = (data_start, 0);
    for (unit, id) in units.iter().zip(START.unit.0..) {
        assert_eq!((unit.id, unit.file), (UnitId(id), FileId(0)));
        assert_eq!((unit.first_ordinal, unit.first_record), (START.ordinal + records, 1 + records));
        assert_eq!(unit.chunks.first().map(|chunk| chunk.start), Some(start));
        assert!(unit.records() > 0);
        for chunk in &unit.chunks {
            assert!(chunk.start == start && chunk.len > 0);
            start += chunk.len;
        }
        records += unit.records();
    }
    let bytes = if units.is_empty() { 0 } else { file.size - data_start };
    assert_eq!(*totals, FileTotals { records, bytes, units: units.len() as u32 });
}

/// Split with these settings and read again, the file holds what csv-core says, or the error names the open quote's line.
fn check_split(file: &InputFile, bytes: &[u8], dialect: &Dialect, settings: &SplitSettings) {
    let found = split_all(file, dialect, settings);
    if let Some(quote) = open_quote(dialect, bytes) {
        let line = 1 + bytes[..quote].iter().filter(|&&byte| byte == b'\n').count() as u64;
        match found {
            Err(SplitError::Record(RecordError::OpenQuote { line: named, .. })) => assert_eq!(named, line),
            other => panic!("an open quote is an error, not {other:?}"),
        }
        return;
    }
    let (header, units, totals) = found.unwrap();
    check_contiguous(file, header.data_start, &units, &totals);
    let records = read_units(bytes, dialect, &units);
    assert_eq!(records, true_records(dialect, bytes));
    if units.len() > 1 {
        assert!(units.iter().rev().skip(1).all(|unit| unit.bytes() >= settings.unit_bytes));
    }
}

/// The header read fails for a file whose first record's quotes do not close: then there is nothing to split.
fn readable(file: &InputFile, dialect: &Dialect) -> bool {
    read_beginning(file, &Format::Csv(*dialect), true, HeaderNames::Used, 1 << 20).is_ok()
}

/// Split in part, the file holds the records between what is skipped and the limit, with the numbers that they have in it.
fn check_part(file: &InputFile, bytes: &[u8], dialect: &Dialect, part: &SplitSettings) {
    let (skip, limit) = (part.skip, part.limit.map_or(u64::MAX, |limit| limit - START.ordinal));
    let found = split_all(file, dialect, part);
    let Ok((header, units, totals)) = found else {
        assert!(open_quote(dialect, bytes).is_some(), "{found:?}");
        return;
    };
    let truth = true_records(dialect, bytes);
    let (skip_usize, limit_usize) = (skip as usize, usize::try_from(limit).unwrap_or(usize::MAX));
    let expected: Vec<_> = truth.iter().skip(skip_usize).take(limit_usize).cloned().collect();
    assert_eq!(read_units(bytes, dialect, &units), expected);
    let mut records = 0;
    for (unit, id) in units.iter().zip(START.unit.0..) {
        let numbers = (unit.id, unit.first_ordinal, unit.first_record);
        assert_eq!(numbers, (UnitId(id), START.ordinal + records, 1 + skip + records));
        records += unit.records();
    }
    let first =
        if skip == 0 { header.data_start } else { expected.first().map_or(0, |first| first.start as u64) };
    let start = units.first().and_then(|unit| unit.chunks.first()).map(|chunk| chunk.start);
    assert_eq!(start, (records > 0).then_some(first));
    let behind =
        truth.get(skip_usize.saturating_add(limit_usize)).map_or(file.size, |next| next.start as u64);
    let bytes = if records > 0 { behind - first } else { 0 };
    assert_eq!(totals, FileTotals { records, bytes, units: units.len() as u32 });
    for unit in &units {
        let (ordinal, id) = (unit.first_ordinal + unit.records(), UnitId(unit.id.0 + 1));
        let (start, mut rest) = (SplitStart { ordinal, unit: id }, Vec::new());
        let place = place_behind(file, unit).unwrap();
        let mut take = |unit| {
            rest.push(unit);
            ControlFlow::Continue(())
        };
        split(file, place, dialect, part, start, pool(), &mut take).unwrap();
        let left = &expected[(ordinal - START.ordinal) as usize..];
        assert_eq!(read_units(&file_bytes(file), dialect, &rest), left, "behind {unit:?}");
    }
}

fn file_bytes(file: &InputFile) -> Vec<u8> {
    std::fs::read(&file.path).unwrap()
}

#[test]
fn every_case_in_part_holds_the_records_of_that_part() {
    let scratch = Scratch::new();
    for case in CASES {
        let file = scratch.write(case.bytes);
        if !readable(&file, &case.dialect) {
            continue;
        }
        for (skip, limit) in
            [(0, Some(1)), (1, None), (2, Some(1)), (1, Some(3)), (0, Some(100)), (100, None)]
        {
            for chunk_bytes in [1, 3, 7, 1000] {
                let limit = limit.map(|limit| START.ordinal + limit);
                let part = SplitSettings { skip, limit, ..settings(chunk_bytes, 8) };
                check_part(&file, case.bytes, &case.dialect, &part);
            }
        }
    }
}

#[test]
fn nothing_behind_the_limit_is_looked_at() {
    let scratch = Scratch::new();
    let file = scratch.write(b"a\nb\nc\n\"d");
    let limited = |limit| SplitSettings { limit: Some(START.ordinal + limit), ..settings(2, 100) };
    let (_, units, _) = split_all(&file, &BARE, &limited(3)).unwrap();
    assert_eq!(units.iter().map(|unit| (unit.records(), unit.bytes())).collect::<Vec<_>>(), [(3, 6)]);
    assert!(split_all(&file, &BARE, &limited(4)).is_err());
    assert_eq!(split_all(&file, &BARE, &limited(0)).unwrap().2, FileTotals::default());
}

#[test]
fn every_case_in_blocks_of_every_size_comes_back_record_by_record() {
    let scratch = Scratch::new();
    for case in CASES {
        let file = scratch.write(case.bytes);
        if !readable(&file, &case.dialect) {
            assert!(open_quote(&case.dialect, case.bytes).is_some());
            continue;
        }
        let fields: Vec<Vec<Vec<u8>>> = true_records(&case.dialect, case.bytes)
            .into_iter()
            .map(|record| record.fields.into_iter().map(|(text, _)| text).collect())
            .collect();
        if case.dialect.is_simple() {
            assert_eq!(fields, csv_records(&case.dialect, case.bytes));
        }
        for chunk_bytes in 1..=case.bytes.len() as u64 + 1 {
            for unit_bytes in [1, 20] {
                check_split(&file, case.bytes, &case.dialect, &settings(chunk_bytes, unit_bytes));
            }
        }
    }
}

#[test]
fn what_others_find_difficult_comes_back_record_by_record_in_blocks_of_every_size() {
    let scratch = Scratch::new();
    for Collected { name, bytes, dialect, records: expected } in collected() {
        let file = scratch.write(&bytes);
        for chunk_bytes in 1..=bytes.len() as u64 + 1 {
            for unit_bytes in [1, 20] {
                let (header, units, _) =
                    split_all(&file, &dialect, &settings(chunk_bytes, unit_bytes)).unwrap();
                assert_eq!(header.data_start, 0);
                let text = |(text, _): (Vec<u8>, bool)| String::from_utf8(text).unwrap();
                let records = read_units(&bytes, &dialect, &units).into_iter();
                let found: Vec<Vec<String>> =
                    records.map(|record| record.fields.into_iter().map(text).collect()).collect();
                assert_eq!(found, expected, "{name}, {chunk_bytes}, {unit_bytes}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_in_any_dialect_come_back_record_by_record(
        dialect in dialects(), bytes in nasty_bytes(80), chunk_bytes in 1_u64..24, unit_bytes in 1_u64..60
    ) {
        let scratch = Scratch::new();
        let file = scratch.write(&bytes);
        if readable(&file, &dialect) {
            check_split(&file, &bytes, &dialect, &settings(chunk_bytes, unit_bytes));
        } else {
            prop_assert!(open_quote(&dialect, &bytes).is_some());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_part_of_any_bytes_holds_the_records_of_that_part(
        dialect in dialects(), bytes in nasty_bytes(80), chunk_bytes in 1_u64..24, unit_bytes in 1_u64..60,
        skip in 0_u64..8, limit in prop::option::of(0_u64..8)
    ) {
        let scratch = Scratch::new();
        let file = scratch.write(&bytes);
        let limit = limit.map(|limit| START.ordinal + limit);
        if readable(&file, &dialect) {
            let part = SplitSettings { skip, limit, ..settings(chunk_bytes, unit_bytes) };
            check_part(&file, &bytes, &dialect, &part);
        }
    }
}

#[test]
fn records_across_the_ends_of_blocks_and_rounds_come_back() {
    let scratch = Scratch::new();
    let bytes = b"a,\"b\n\"\"c\"\r\n".repeat(MORE_THAN_A_ROUND / 3);
    let file = scratch.write(&bytes);
    for chunk_bytes in [1000, CHUNK_BYTES] {
        check_split(&file, &bytes, &BARE, &settings(chunk_bytes, 3 * chunk_bytes));
    }
}

#[test]
fn the_header_and_the_byte_order_mark_are_in_no_unit() {
    let scratch = Scratch::new();
    let dialect = Dialect { header: true, ..BARE };
    let bytes = b"\xef\xbb\xbfid,\"no\nte\"\r\n1,a\r\n\r\n2,\"b\r\n\"\r\n3,c";
    let file = scratch.write(bytes);
    for chunk_bytes in 1..=bytes.len() as u64 {
        let (header, units, totals) = split_all(&file, &dialect, &settings(chunk_bytes, 8)).unwrap();
        assert_eq!((header.data_start, header.data_line), (15, 3));
        check_contiguous(&file, 15, &units, &totals);
        let records = read_units(bytes, &dialect, &units);
        let places: Vec<_> = records.iter().map(|record| (record.start, record.line + 1)).collect();
        assert_eq!(places, [(15, 3), (22, 5), (31, 7)]);
    }
}

#[test]
fn files_without_records_give_no_unit() {
    let scratch = Scratch::new();
    let named = Dialect { header: true, ..COMMENTED };
    for bytes in
        [&b""[..], b"\xef\xbb\xbf", b"id,note\n", b"id,note", b"id\n\n\r\n\r", b"\n\n# x\n", b"id\n# x"]
    {
        for chunk_bytes in [1, 3, 100] {
            let file = scratch.write(bytes);
            let (_, units, totals) = split_all(&file, &named, &settings(chunk_bytes, 1)).unwrap();
            assert_eq!((units, totals), (Vec::new(), FileTotals::default()));
        }
    }
}

#[test]
fn empty_lines_at_the_end_belong_to_the_last_unit() {
    let scratch = Scratch::new();
    let bytes = [b"a\nb\n", &b"\n".repeat(1000)[..]].concat();
    let file = scratch.write(&bytes);
    let (_, units, _) = split_all(&file, &BARE, &settings(2, 2)).unwrap();
    assert_eq!(units.iter().map(WorkUnit::bytes).collect::<Vec<_>>(), [2, 1002]);
}

#[test]
fn empty_lines_and_comments_without_end_do_not_make_a_chunk_without_end() {
    let scratch = Scratch::new();
    let limited = SplitSettings { max_record_bytes: 64, ..settings(64, 100) };
    for gap in [
        &b"\n"[..],
        b"\r",
        b"\r\n",
        b"#\n",
        b"# a comment, \"\n",
        b"# longer than a block: 0123456789012345678901234567890123456789012345678901234567890\n",
    ] {
        let bytes =
            [&b"a,b\n"[..], &gap.repeat(10_000 / gap.len()), b"c,d\n", &gap.repeat(500), b"e,f\n"].concat();
        let file = scratch.write(&bytes);
        let (_, units, totals) = split_all(&file, &COMMENTED, &limited).unwrap();
        check_contiguous(&file, 0, &units, &totals);
        assert_eq!(read_units(&bytes, &COMMENTED, &units), true_records(&COMMENTED, &bytes));
        let longest = units.iter().flat_map(|unit| &unit.chunks).map(|chunk| chunk.len).max();
        assert!(longest <= Some(4 * 64), "a chunk of {longest:?} bytes");
    }
}

/// The message of the error that splitting `bytes` with this limit ends in, the same whatever the blocks.
fn check_error(bytes: &[u8], dialect: &Dialect, max_record_bytes: u64, expected: &str) {
    let scratch = Scratch::new();
    let file = scratch.write(bytes);
    let path = file.path.display().to_string();
    for chunk_bytes in 1..=max_record_bytes + 2 {
        let limited = SplitSettings { max_record_bytes, ..settings(chunk_bytes, 1) };
        let error = split_all(&file, dialect, &limited).unwrap_err().to_string();
        assert_eq!(error.replace(&path, "FILE"), expected, "in blocks of {chunk_bytes}");
    }
}

#[test]
fn a_quote_that_never_closes_names_the_line_where_it_opened() {
    let rest = "the quote opened here never closes: close it, or load with --quote none if quotes are data";
    check_error(b"a,b\nc,d\n\"e,f\ng,h\n", &BARE, 100, &format!("FILE, line 3: {rest}"));
    check_error(b"a,b\n\n\"c\nd\",\"e\n\nf", &BARE, 100, &format!("FILE, line 4: {rest}"));
    let named = Dialect { header: true, ..BARE };
    let fixture = include_bytes!("../../../fixtures/csv/unterminated.csv");
    check_error(fixture, &named, 100, &format!("FILE, line 3: {rest}"));
    let escaped = Dialect { escape: Some(b'\\'), ..BARE };
    check_error(b"a\r\nb\r\n\"c\\\"\r\n", &escaped, 100, &format!("FILE, line 3: {rest}"));
}

#[test]
fn a_quote_over_the_limit_names_the_line_where_it_opened_without_reading_to_the_end() {
    let bytes = [&b"a,b\n\nc,\"d\" \n\"e\nf\",\"g\n"[..], &b"h,i\n".repeat(100), b"\"\nj\n"].concat();
    let expected = "FILE, line 5: the quote opened here does not close within 40 bytes: close it, load with --quote \
                    none if quotes are data, or raise --max-record-size";
    check_error(&bytes, &BARE, 40, expected);
}

#[test]
fn a_record_over_the_limit_names_its_line() {
    let expected =
        "FILE, line 3: the record that starts here is longer than 30 bytes: raise --max-record-size";
    check_error(&[b"a\n\n", &b"x".repeat(300)[..], b"\nb\n"].concat(), &BARE, 30, expected);
}

#[test]
fn the_limit_is_exact_whatever_the_blocks() {
    let scratch = Scratch::new();
    for (middle, quoted) in [(28, true), (30, false)] {
        let record = |extra: usize| match quoted {
            true => [b"\"", &b"\n".repeat(middle + extra)[..], b"\""].concat(),
            false => b"y".repeat(middle + extra),
        };
        for (extra, fits) in [(0, true), (1, false)] {
            for end in [&b""[..], b"\n", b"\r\nc\n"] {
                let file = scratch.write(&[b"a,b\n", &record(extra)[..], end].concat());
                for chunk_bytes in 1..=30 {
                    let limited = SplitSettings { max_record_bytes: 30, ..settings(chunk_bytes, 1) };
                    let found = split_all(&file, &BARE, &limited);
                    assert_eq!(found.is_ok(), fits, "{chunk_bytes}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn a_comment_far_over_the_limit_is_refused() {
    let bytes = [&b"a\nb\n#"[..], &b"x".repeat(1000), b"\nc\n"].concat();
    check_error(&bytes, &COMMENTED, 30, "FILE, line 3: this comment is longer than 30 bytes: remove it");
}

#[test]
fn units_go_out_before_the_rest_of_the_file_is_looked_at() {
    let scratch = Scratch::new();
    // The unterminated quote at the end is a round away from the first units.
    let file = scratch.write(&[&b"a,b\n".repeat(MORE_THAN_A_ROUND)[..], b"\"c"].concat());
    let header = read_beginning(&file, &Format::Csv(BARE), true, HeaderNames::Used, 100).unwrap();
    let mut units = 0;
    let mut take_three = |_| {
        units += 1;
        if units == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let totals =
        split(&file, header.data(), &BARE, &settings(16, 64), START, pool(), &mut take_three).unwrap();
    assert_eq!(totals, FileTotals { records: 48, bytes: 192, units: 3 });
    assert_eq!(units, 3);
}

#[test]
fn a_file_that_changes_under_way_is_an_error() {
    let scratch = Scratch::new();
    let change = |edit: fn(&Path)| {
        let file = scratch.write(&b"a,b\n".repeat(MORE_THAN_A_ROUND));
        let header = read_beginning(&file, &Format::Csv(BARE), true, HeaderNames::Used, 100).unwrap();
        let mut done = false;
        split(&file, header.data(), &BARE, &settings(1024, 4096), START, pool(), &mut |_| {
            if !std::mem::replace(&mut done, true) {
                edit(&file.path);
            }
            ControlFlow::Continue(())
        })
    };
    let append = |path: &Path| {
        File::options().append(true).open(path).unwrap().write_all(b"c,d\n").unwrap();
    };
    let truncate = |path: &Path| File::options().write(true).open(path).unwrap().set_len(20_000).unwrap();
    assert!(matches!(change(append), Err(SplitError::Input(InputError::Changed { .. }))));
    assert!(matches!(change(truncate), Err(SplitError::Input(InputError::Changed { .. }))));
    assert!(change(|_| {}).is_ok());
}

#[test]
fn more_units_than_can_be_numbered_are_an_error() {
    let scratch = Scratch::new();
    let file = scratch.write(b"a\nb\nc\n");
    let header = read_beginning(&file, &Format::Csv(BARE), true, HeaderNames::Used, 100).unwrap();
    let start = SplitStart { ordinal: 0, unit: UnitId(u32::MAX - 1) };
    let mut emit = |_| ControlFlow::Continue(());
    let error = split(&file, header.data(), &BARE, &settings(2, 1), start, pool(), &mut emit).unwrap_err();
    assert!(matches!(error, SplitError::TooManyUnits { .. }));
}

#[test]
fn the_usual_unit_is_four_for_each_worker_within_bounds() {
    let mib = 1 << 20;
    for (total, workers, expected) in [
        (0, 4, 4 * mib),
        (1024 * mib, 8, 32 * mib),
        (1024 * mib, 0, 64 * mib),
        (u64::MAX, 1, 64 * mib),
        (100 * mib, 16, 4 * mib),
    ] {
        assert_eq!(unit_bytes_default(total, workers), expected);
    }
}

#[test]
fn a_scan_that_goes_on_behind_any_unit_gives_the_units_that_follow_it() {
    for case in CASES {
        let scratch = Scratch::new();
        let file = scratch.write(case.bytes);
        let Ok((_, units, _)) = split_all(&file, &case.dialect, &settings(4, 8)) else { continue };
        for (done, unit) in units.iter().enumerate() {
            let place = place_behind(&file, unit).unwrap();
            let (ordinal, id) = (unit.first_ordinal + unit.records(), UnitId(unit.id.0 + 1));
            let start = SplitStart { ordinal, unit: id };
            let mut rest = Vec::new();
            let mut take = |unit| {
                rest.push(unit);
                ControlFlow::Continue(())
            };
            split(&file, place, &case.dialect, &settings(4, 8), start, pool(), &mut take).unwrap();
            // Pieces lie elsewhere, so units may be cut elsewhere too; records, lines and numbers are the same.
            let expected = &units[done + 1..];
            let records = |units| read_units(case.bytes, &case.dialect, units);
            assert_eq!(records(&rest), records(expected), "{}, behind unit {done}", case.name);
            let numbers = |units: &[WorkUnit]| {
                units.first().map(|unit| (unit.id, unit.first_ordinal, unit.first_record))
            };
            assert_eq!(numbers(&rest), numbers(expected), "{}, behind unit {done}", case.name);
        }
    }
}

/// What standard input is split into is what the file is split into, and the bytes of each chunk are there for the worker.
fn check_piped(bytes: &[u8], dialect: &Dialect, settings: &SplitSettings, pipe: SharedPipe) {
    let scratch = Scratch::new();
    let plain = scratch.write(bytes);
    if !readable(&plain, dialect) {
        return;
    }
    let piped = InputFile { path: "-".into(), size: 0, pipe: Some(pipe.clone()), ..plain.clone() };
    let header = read_beginning(&piped, &Format::Csv(*dialect), true, HeaderNames::Used, 1 << 20).unwrap();
    let mut units = Vec::new();
    let found = split(&piped, header.data(), dialect, settings, START, pool(), &mut |unit| {
        for chunk in &unit.chunks {
            let taken = pipe.take(*chunk).expect("a chunk's bytes");
            let range = chunk.start as usize..(chunk.start + chunk.len) as usize;
            assert_eq!(taken, if chunk.records > 0 { &bytes[range] } else { b"" });
        }
        units.push(unit);
        ControlFlow::Continue(())
    });
    match (split_all(&plain, dialect, settings), found) {
        (Ok((expected_header, expected, totals)), Ok(found)) => {
            assert_eq!((header, units, found), (expected_header, expected, totals));
        }
        (Err(error), Err(found)) => {
            let expected = error.to_string().replace(&plain.path.display().to_string(), "-");
            assert_eq!(found.to_string(), expected);
        }
        (expected, found) => panic!("{found:?} instead of {expected:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn standard_input_is_split_as_a_file(
        dialect in dialects(), bytes in nasty_bytes(80), chunk_bytes in 1_u64..24, unit_bytes in 1_u64..60,
        skip in prop_oneof![Just(0), 0_u64..12], limit in proptest::option::of(0_u64..12)
    ) {
        let part = SplitSettings { skip, limit: limit.map(|limit| START.ordinal + limit), ..settings(chunk_bytes, unit_bytes) };
        let pipe = SharedPipe::new(std::io::Cursor::new(bytes.clone()), CompressionChoice::None).unwrap();
        check_piped(&bytes, &dialect, &part, pipe);
    }
}

#[test]
fn standard_input_of_several_rounds_is_split_as_a_file() {
    let dialect = Dialect { header: true, ..COMMENTED };
    let gaps = [&records(30_000)[..], &b"\n# nothing\n".repeat(300_000), &records(30_000)].concat();
    for bytes in [gaps, [&records(60_000)[..], b"\"open"].concat()] {
        for content in [bytes.clone(), compress(crate::plan::compression::Compression::Lz4, &bytes)] {
            let pipe = SharedPipe::new(std::io::Cursor::new(content), CompressionChoice::Auto).unwrap();
            check_piped(&bytes, &dialect, &settings(CHUNK_BYTES, 1 << 20), pipe);
        }
    }
}

/// What a compressed copy of a file is split into is what the file is split into, in one unit, and chunks are the same.
fn check_compressed(bytes: &[u8], dialect: &Dialect, settings: &SplitSettings) {
    let (scratch, copy) = (Scratch::new(), Scratch::new());
    let plain = scratch.write(bytes);
    if !readable(&plain, dialect) {
        return;
    }
    let expected = split_all(&plain, dialect, settings);
    for compression in ALL {
        let compressed = copy.write(&compress(compression, bytes));
        if compressed.size == 0 {
            continue;
        }
        assert_eq!(compressed.compression, Some(compression));
        let found = split_all(&compressed, dialect, settings);
        match (&expected, found) {
            (Ok((header, units, totals)), Ok((found_header, found_units, found_totals))) => {
                assert_eq!(&found_header, header);
                let chunks = |units: &[WorkUnit]| -> Vec<Chunk> {
                    units.iter().flat_map(|unit| unit.chunks.clone()).collect()
                };
                assert_eq!(chunks(&found_units), chunks(units));
                assert_eq!(found_units.len(), units.len().min(1));
                assert_eq!((found_totals.records, found_totals.bytes), (totals.records, totals.bytes));
                assert_eq!(found_totals.units as usize, found_units.len());
                if let (Some(found), Some(first)) = (found_units.first(), units.first()) {
                    assert_eq!(
                        (found.id, found.first_ordinal, found.first_record),
                        (first.id, first.first_ordinal, first.first_record)
                    );
                    assert!(
                        is_whole(&compressed, found, WHOLE_CHUNKS_MAX)
                            && !is_whole(&plain, first, WHOLE_CHUNKS_MAX)
                    );
                    let place = place_behind(&compressed, found).unwrap();
                    assert_eq!(place, place_behind(&plain, &units[units.len() - 1]).unwrap());
                }
            }
            (Err(error), Err(found)) => {
                let named = |error: &SplitError, file: &InputFile| {
                    error.to_string().replace(&file.path.display().to_string(), "FILE")
                };
                assert_eq!(named(&found, &compressed), named(error, &plain));
            }
            (expected, found) => panic!("{compression}: {found:?} instead of {expected:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_compressed_copy_is_split_as_the_file(
        dialect in dialects(), bytes in nasty_bytes(80), chunk_bytes in 1_u64..24, unit_bytes in 1_u64..60,
        skip in prop_oneof![Just(0), 0_u64..12], limit in proptest::option::of(0_u64..12)
    ) {
        let part = SplitSettings { skip, limit: limit.map(|limit| START.ordinal + limit), ..settings(chunk_bytes, unit_bytes) };
        check_compressed(&bytes, &dialect, &part);
    }
}

#[test]
fn a_compressed_copy_of_several_rounds_is_split_as_the_file() {
    let named = Dialect { header: true, ..BARE };
    check_compressed(&records(90_000), &named, &settings(CHUNK_BYTES, 1 << 20));
    // Exactly as much as is read at once, and a record over the end.
    for extra in [0, 5] {
        let bytes = b"a,b\n".repeat((BLOCK_BYTES as usize * BLOCKS_PER_THREAD * 2 + extra) / 4);
        check_compressed(&bytes, &BARE, &settings(CHUNK_BYTES, 1 << 20));
    }
    let open = [&records(20_000)[..], b"\"open"].concat();
    check_compressed(&open, &named, &settings(CHUNK_BYTES, 1 << 20));
}

#[test]
fn of_a_compressed_file_that_is_cut_off_no_unit_is_handed_out() {
    let scratch = Scratch::new();
    let whole = compress(crate::plan::compression::Compression::Gzip, &records(20_000));
    let file = scratch.write(&whole[..whole.len() - 5]);
    let header = read_beginning(&file, &Format::Csv(BARE), true, HeaderNames::Used, 100).unwrap();
    let result = split(&file, header.data(), &BARE, &settings(1024, 4096), START, pool(), &mut |unit| {
        panic!("{unit:?}");
    });
    assert!(matches!(result, Err(SplitError::Input(InputError::CutOff { .. }))), "{result:?}");
}

#[test]
fn a_bomb_ends_at_its_first_record_that_is_too_long() {
    let scratch = Scratch::new();
    // 16 MiB of one record in a few kilobytes.
    let file = scratch.write(&compress(crate::plan::compression::Compression::Zstd, &vec![b'x'; 16 << 20]));
    assert!(file.size < 100_000);
    let bomb = read_beginning(&file, &Format::Csv(Dialect::default()), true, HeaderNames::Used, 1 << 20);
    assert!(
        bomb.unwrap_err().to_string().contains("the record that starts here is longer than 1048576 bytes")
    );
    let place = Place { offset: 0, line: 1, record: 1 };
    let found = split(&file, place, &BARE, &settings(CHUNK_BYTES, 1 << 20), START, pool(), &mut |unit| {
        panic!("{unit:?}");
    });
    assert!(matches!(found, Err(SplitError::Record(RecordError::TooLong { line: 1, .. }))), "{found:?}");
}

#[test]
fn a_huge_compressed_file_is_more_than_one_unit() {
    let chunk = |index: u64| Chunk { start: 10 * index, len: 10, records: 2, line: 1 + index };
    let mut whole = Whole::default();
    for id in 0..5_u64 {
        let chunks = vec![chunk(2 * id), chunk(2 * id + 1)];
        let (first_ordinal, first_record) = (START.ordinal + 4 * id, 1 + 4 * id);
        whole.add(WorkUnit {
            id: UnitId(7 + id as u32),
            file: FileId(0),
            first_ordinal,
            first_record,
            chunks,
        });
    }
    let mut units = Vec::new();
    let emitted = whole.emit(4, &mut |unit| {
        units.push((unit.id.0, unit.first_ordinal, unit.first_record, unit.chunks.len()));
        ControlFlow::Continue(())
    });
    assert_eq!(units, [(7, 1000, 1, 4), (8, 1008, 9, 4), (9, 1016, 17, 2)]);
    assert_eq!(emitted, 3);
}
