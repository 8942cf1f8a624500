//! Reading compressed inputs forwards and from before, and what is said where that is not possible.

use std::path::PathBuf;

use super::*;
use crate::format::charset::Charset;
use crate::plan::compression::Compression;
use crate::plan::compression::tests::{ALL, compress, records};
use crate::plan::discover::discover;

fn input(folder: &tempfile::TempDir, bytes: &[u8]) -> (InputFile, PathBuf) {
    let path = folder.path().join("in.csv");
    std::fs::write(&path, bytes).unwrap();
    (discover(std::slice::from_ref(&path)).unwrap().remove(0), path)
}

#[test]
fn any_part_is_read_in_any_order() {
    let bytes = records(40_000);
    let folder = tempfile::tempdir().unwrap();
    let check = |content: &[u8], what: &str| {
        let source = Source::open(&input(&folder, content).0).unwrap();
        for (start, len) in [(0, 10), (10, 400_000), (600_000, 5), (3, 70_000), (bytes.len() - 4, 4), (0, 0)]
        {
            let mut found = vec![0; len];
            source.read_at(&mut found, start as u64).unwrap();
            assert!(found == bytes[start..start + len], "{what}: {len} bytes from {start}");
        }
        let mut found = vec![0; 10];
        let end = bytes.len() as u64;
        assert_eq!(source.read_up_to(&mut found, end - 4).unwrap(), 4, "{what}");
        assert_eq!(source.read_up_to(&mut found, end).unwrap(), 0, "{what}");
        assert!(matches!(source.read_at(&mut found, end - 4), Err(InputError::Changed { .. })), "{what}");
    };
    check(&bytes, "plain");
    let utf16 = String::from_utf8(bytes.clone()).unwrap();
    let utf16: Vec<u8> = utf16.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let decoded = |content: &[u8]| {
        let mut input = input(&folder, content).0;
        input.decoding = Some(Charset::UTF_16BE);
        let source = Source::open(&input).unwrap();
        for (start, len) in [(0, 10), (10, 400_000), (3, 70_000), (bytes.len() - 4, 4)] {
            let mut found = vec![0; len];
            source.read_at(&mut found, start as u64).unwrap();
            assert!(found == bytes[start..start + len], "{len} bytes from {start}");
        }
    };
    decoded(&utf16);
    decoded(&compress(Compression::Gzip, &utf16));
    for compression in ALL {
        check(&compress(compression, &bytes), compression.name());
    }
}

#[test]
fn skipping_stops_where_it_is_to() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = records(40_000);
    let source = Source::open(&input(&folder, &compress(Compression::Gzip, &bytes)).0).unwrap();
    let mut asked = 0;
    let mut twice = || {
        asked += 1;
        asked <= 2
    };
    assert!(!source.skip_to(bytes.len() as u64, &mut twice).unwrap());
    assert!(source.skip_to(bytes.len() as u64, &mut || true).unwrap());
}

/// What is said of a file of these bytes when all of it is read.
fn said(content: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (input, path) = input(&folder, content);
    let source = Source::open(&input).unwrap();
    let mut buffer = vec![0; 1000];
    let mut offset = 0;
    loop {
        match source.read_up_to(&mut buffer, offset) {
            Ok(0) => panic!("it ends after {offset} bytes"),
            Ok(read) => offset += read as u64,
            Err(error) => return error.to_string().replace(&path.display().to_string(), "FILE"),
        }
    }
}

#[test]
fn a_file_that_is_cut_off_or_damaged_is_named_with_the_place() {
    let bytes = records(10_000);
    for compression in ALL {
        let whole = compress(compression, &bytes);
        let cut = said(&whole[..whole.len() / 2]);
        assert!(cut.starts_with(&format!("FILE: the {compression} data end in the middle, after ")), "{cut}");
        assert!(cut.ends_with(" decompressed bytes: the file is cut off, get it whole"), "{cut}");
        let mut damaged = whole.clone();
        let middle = whole.len() / 2;
        damaged[middle..middle + 64].fill(0xa5);
        let damaged = said(&damaged);
        assert!(
            damaged.starts_with(&format!("FILE: cannot be decompressed as {compression} behind ")),
            "{damaged}"
        );
        assert!(damaged.contains("get it anew, or say what it is with --input-compression"), "{damaged}");
    }
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_has_changed_and_is_not_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let whole = compress(Compression::Gzip, &records(80_000));
    let (input, path) = input(&folder, &whole);
    let source = Source::open(&input).unwrap();
    source.read_at(&mut [0; 10], 0).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut offset = 10;
    let error = loop {
        match source.read_up_to(&mut buffer, offset) {
            Ok(read) => offset += read as u64,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, InputError::Changed { .. }), "{error}");
}
