//! What files begin with, and what is refused.

use super::*;
use crate::format::Format;
use crate::plan::beginning::read_beginning;
use crate::plan::compression::tests::compress;
use crate::plan::compression::{Compression, CompressionChoice};
use crate::plan::discover::{discover, discover_as};
use crate::plan::prefix::PREFIX_BYTES;

const LIMIT: u64 = 1 << 20;

fn read(bytes: &[u8], dialect: &Dialect, limit: u64) -> Result<Header, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv");
    std::fs::write(&path, bytes).unwrap();
    let file = discover(std::slice::from_ref(&path)).unwrap().remove(0);
    read_beginning(&file, &Format::Csv(*dialect), true, HeaderNames::Used, limit)
        .map_err(|error| error.to_string().replace(&path.display().to_string(), "FILE"))
}

/// The names, the header's bytes, and where and in which line the data start.
fn check(bytes: &[u8], expected: (&[&str], &str, u64, u64)) {
    let dialect = Dialect { comment: Some(b'#'), ..Dialect::default() };
    let header = read(bytes, &dialect, LIMIT).unwrap();
    let raw = String::from_utf8(header.raw).unwrap();
    let names: Vec<&str> = header.names.iter().map(String::as_str).collect();
    assert_eq!((&names[..], &raw[..], header.data_start, header.data_line), expected);
    assert_eq!(header.passed_over, Vec::<String>::new());
}

fn check_error(bytes: &[u8], expected: &str) {
    assert_eq!(read(bytes, &Dialect::default(), LIMIT).unwrap_err(), expected);
}

#[test]
fn names_come_from_the_first_record() {
    check(b"a,b\n1,2\n", (&["a", "b"], "a,b\n", 4, 2));
    check(b"a,\"b \"\"c\"\"\"\r\n1,2\n", (&["a", "b \"c\""], "a,\"b \"\"c\"\"\"\r\n", 13, 2));
    check(b"a,b\r1,2\r", (&["a", "b"], "a,b\r", 4, 1));
    check(b"a\n\n1\n", (&["a"], "a\n", 2, 2));
    check("größe,b\n".as_bytes(), (&["größe", "b"], "größe,b\n", 10, 2));
    check(b"\"two\nlines\",b\nx", (&["two\nlines", "b"], "\"two\nlines\",b\n", 14, 3));
}

#[test]
fn a_header_that_is_only_passed_over_may_say_anything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv");
    std::fs::write(&path, b"a,,a,\xff\n1,2,3,4\n").unwrap();
    let file = discover(std::slice::from_ref(&path)).unwrap().remove(0);
    let header =
        read_beginning(&file, &Format::Csv(Dialect::default()), true, HeaderNames::Ignored, LIMIT).unwrap();
    assert_eq!((header.names.len(), header.data_start), (0, 7));
    assert_eq!(header.passed_over, ["a", "", "a", "\u{fffd}"]);
}

#[test]
fn the_first_record_that_is_data_is_shown() {
    let check = |bytes: &[u8], dialect: &Dialect, expected: &[&str]| {
        assert_eq!(read(bytes, dialect, LIMIT).unwrap().first_record, expected);
    };
    let (headed, bare) = (Dialect::default(), Dialect { header: false, ..Dialect::default() });
    check(b"a,b\n\n\"1\"\"\",\xff\n3,4\n", &headed, &["1\"", "\u{fffd}"]);
    check(b"a,b\n\n\"1\",2\n3,4\n", &bare, &["a", "b"]);
    check(b"a,b\n1,2", &headed, &["1", "2"]);
    check(b"\xef\xbb\xbfa,b\r\n1,2\r\n", &headed, &["1", "2"]);
    for none in [&b""[..], b"a,b\n", b"a,b", b"a,b\n\n", b"a,b\n1,\"2\n"] {
        check(none, &headed, &[]);
    }
    let long = [&b"a,b\n"[..], &b"x".repeat(PREFIX_BYTES as usize), b"\n"].concat();
    check(&long, &headed, &[]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    check(include_bytes!("../../../fixtures/csv/bom.csv"), (&["id", "note"], "id,note\n", 11, 2));
    check(b"\xef\xbb\xbf\"id\"\n1\n", (&["id"], "\"id\"\n", 8, 2));
    check(b"\xef\xbb\xbf", (&[], "", 3, 1));
    let bare = Dialect { header: false, ..Dialect::default() };
    let header = read(b"\xef\xbb\xbf1,2\n", &bare, LIMIT).unwrap();
    assert_eq!((header.raw.len(), header.data_start, header.data_line), (0, 3, 1));
}

#[test]
fn comments_and_empty_lines_in_front_count_as_lines_only() {
    check(b"\n\r\n# \"x\na,b\n1,2\n", (&["a", "b"], "a,b\n", 12, 5));
    check(include_bytes!("../../../fixtures/csv/comments.csv"), (&["id", "note"], "id,note\n", 38, 3));
    let long = [&b"#".repeat(200_000)[..], b"\n\na\n1\n"].concat();
    check(&long, (&["a"], "a\n", 200_004, 4));
}

#[test]
fn files_without_records_or_with_a_header_only_are_fine() {
    check(b"", (&[], "", 0, 1));
    check(b"\n\n# x\n", (&[], "", 0, 1));
    check(b"# x", (&[], "", 0, 1));
    check(b"a,b", (&["a", "b"], "a,b", 3, 1));
    check(b"a,b\n", (&["a", "b"], "a,b\n", 4, 2));
}

#[test]
fn a_header_may_end_anywhere_around_the_bytes_read_first() {
    for end in PREFIX_BYTES - 3..PREFIX_BYTES + 3 {
        for line_end in ["\n", "\r", "\r\n"] {
            let name = "x".repeat(end as usize);
            let raw = format!("{name}{line_end}");
            let lines = 1 + u64::from(line_end.ends_with('\n'));
            check(format!("{raw}1\n").as_bytes(), (&[&name], &raw, raw.len() as u64, lines));
        }
    }
}

#[test]
fn without_a_header_nothing_is_taken_from_the_first_record() {
    let bare = Dialect { header: false, ..Dialect::default() };
    let expected = Header {
        names: Vec::new(),
        passed_over: Vec::new(),
        first_record: Vec::new(),
        raw: Vec::new(),
        data_start: 0,
        data_line: 1,
        ..Header::default()
    };
    // Names that are empty, twice the same or no text are no header's, and a field too many is one record's fault.
    for bytes in [&b""[..], b"\n1,\"2,\n\",,\n3\n", b",,\xff\n", b"1,2,3\n1,2\n"] {
        let header = read(bytes, &bare, LIMIT).unwrap();
        assert_eq!(Header { first_record: Vec::new(), ..header }, expected);
    }
}

#[test]
fn names_that_are_empty_twice_there_or_no_text_are_refused_with_their_position() {
    check_error(
        b"a,,c\n",
        "FILE: the header's field 2 is empty: name the column in the file, or give all names with --columns",
    );
    check_error(
        b"a,b,c,b\n",
        "FILE: the header names \"b\" twice, in fields 2 and 4: rename one, or give all names with --columns",
    );
    check_error(
        b"a,b\xe9\n",
        "FILE: the header's field 2 is not UTF-8: name the file's encoding with --encoding",
    );
}

#[test]
fn names_are_read_in_the_encoding_that_was_said() {
    let latin = Dialect { charset: "latin1".parse().unwrap(), ..Dialect::default() };
    assert_eq!(read(b"gr\xf6\xdfe,b\n", &latin, LIMIT).unwrap().names, ["größe", "b"]);
    let greek = Dialect { charset: "windows-1253".parse().unwrap(), ..Dialect::default() };
    let said = read(b"a,\xd2\n", &greek, LIMIT).unwrap_err();
    assert_eq!(
        said,
        "FILE: the header's field 2 is not windows-1253: name the file's encoding with --encoding"
    );
}

#[test]
fn other_encodings_are_refused_with_the_command_that_converts() {
    for (mark, encoding) in [(&b"\xff\xfe\0\0a\0\0\0"[..], "UTF-32"), (b"\0\0\xfe\xff\0\0\0a", "UTF-32")] {
        check_error(
            mark,
            &format!(
                "FILE: is encoded in {encoding}, which is not read: convert it, as in \
                 iconv -f {encoding} -t UTF-8 FILE > utf8.csv"
            ),
        );
    }
}

#[test]
fn archives_and_binary_files_are_refused_with_what_to_do() {
    let unpack = |format: &str, with: &str| format!("FILE: is {format}: unpack it first{with}");
    check_error(b"7z\xbc\xaf\x27\x1c\0", &unpack("a 7z archive", ""));
    let gzip = ", for example with gzip -d FILE";
    check_error(b"\x1f\x9d\x90", &unpack("compressed by compress (.Z)", gzip));
    let lz4 = ", for example with lz4 -d FILE";
    check_error(b"\x02\x21\x4c\x18\0", &unpack("in lz4's legacy format", lz4));
    check_error(b"PAR1\x15\x04", "FILE: is a Parquet file: load it with --format parquet");
    let zip = "FILE: is a ZIP archive: unpack it first, for example with unzip FILE, or save the spreadsheet as CSV";
    check_error(b"PK\x03\x04\x14", zip);
    // Texts that begin with the same letters.
    check(b"PAR1,b\n", (&["PAR1", "b"], "PAR1,b\n", 7, 2));
    check(b"BZh9,b\n", (&["BZh9", "b"], "BZh9,b\n", 7, 2));
    check(b"PK,b\n", (&["PK", "b"], "PK,b\n", 5, 2));
}

#[test]
fn compressed_files_are_refused_where_they_should_not_be_any() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.csv");
    let check = |bytes: &[u8], choice: CompressionChoice, expected: &str| {
        std::fs::write(&path, bytes).unwrap();
        let file = discover_as(std::slice::from_ref(&path), choice).unwrap().remove(0);
        let error = read_beginning(&file, &Format::Csv(Dialect::default()), true, HeaderNames::Used, LIMIT)
            .unwrap_err();
        assert_eq!(error.to_string().replace(&path.display().to_string(), "FILE"), expected);
    };
    let once = compress(Compression::Xz, b"id\n1\n");
    let remedy = "leave out --input-compression none, or unpack it first";
    check(&once, CompressionChoice::None, &format!("FILE: is xz-compressed: {remedy}"));
    let twice = compress(Compression::Gzip, &once);
    let expected = "FILE: is compressed twice, by xz first: unpack it first";
    check(&twice, CompressionChoice::Auto, expected);
}

#[test]
fn a_header_that_does_not_end_names_the_line() {
    let quote = "the quote opened here never closes: close it, or load with --quote none if quotes are data";
    check_error(b"\n\na,\"b\n1,2\n", &format!("FILE, line 3: {quote}"));
    let commented = Dialect { comment: Some(b'#'), ..Dialect::default() };
    let error = |bytes: &[u8]| read(bytes, &commented, 100).unwrap_err();
    assert_eq!(
        error(&[b"\na,\"", &b"x\n".repeat(200_000)[..]].concat()),
        "FILE, line 2: the quote opened here does not close within 100 bytes: close it, load with --quote none if \
         quotes are data, or raise --max-record-size"
    );
    assert_eq!(
        error(&b"x".repeat(400_000)),
        "FILE, line 1: the record that starts here is longer than 100 bytes: raise --max-record-size"
    );
    assert_eq!(
        error(&b"# x\n".repeat(100_000)),
        "FILE: the first 131072 bytes hold no record, only comments and empty lines: remove them"
    );
}
