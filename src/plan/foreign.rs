//! What is no text that is read, known by its first bytes: archives, formats of other programs, UTF-16 that does not say so. Pure.

use super::compression::Compression;
use super::discover::InputFile;

/// What to do with a file that holds others.
const UNPACK: &str = "unpack it first";

/// The format that the first bytes name, if they are no text, and what to do (the formats' own descriptions). Letters alone could begin
/// a CSV file, so the bytes after them have to fit as well.
pub(super) fn other_format(file: &InputFile, bytes: &[u8]) -> Option<(String, &'static str)> {
    match (Compression::of(bytes), file.compression) {
        (Some(inner), Some(_)) => return Some((format!("compressed twice, by {inner} first"), UNPACK)),
        (Some(compression), None) => {
            let remedy = "leave out --input-compression none, or unpack it first";
            return Some((format!("{compression}-compressed"), remedy));
        }
        (None, _) => {}
    }
    let formats: [(&[u8], &str, &str); 10] = [
        (
            b"PK\x03\x04",
            "a ZIP archive",
            "unpack it first, for example with unzip FILE, or save the spreadsheet as CSV",
        ),
        (b"PK\x05\x06", "an empty ZIP archive", "give the files that were to be in it"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
        (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
        (b"\x1f\x9d", "compressed by compress (.Z)", "unpack it first, for example with gzip -d FILE"),
        (b"LZIP\x01", "lzip-compressed", "unpack it first, for example with lzip -d FILE"),
        (b"\x89LZO\0", "lzop-compressed", "unpack it first, for example with lzop -d FILE"),
        (b"\x02\x21\x4c\x18", "in lz4's legacy format", "unpack it first, for example with lz4 -d FILE"),
        (b"\x1f\x8b", "gzip-compressed", UNPACK),
        // The first page's header, or the file's, begins with an integer field in Thrift's compact protocol.
        (b"PAR1\x15", "a Parquet file", "load it with --format parquet"),
    ];
    let found = formats.iter().find(|(magic, ..)| bytes.starts_with(magic));
    found.map(|&(_, format, remedy)| (format.to_owned(), remedy)).or_else(|| unmarked_utf16(bytes))
}

/// Latin letters in UTF-16: every other byte of the first ones is NUL, as in no other text.
fn unmarked_utf16(bytes: &[u8]) -> Option<(String, &'static str)> {
    const LOOKED_AT: usize = 8;
    let (pairs, _) = bytes.get(..LOOKED_AT)?.as_chunks::<2>();
    let found = |encoding: &str| format!("UTF-16{encoding} without a byte order mark");
    if pairs.iter().all(|pair| matches!(pair, [letter, 0] if *letter != 0)) {
        return Some((found("LE"), "load it with --encoding utf-16le"));
    }
    pairs
        .iter()
        .all(|pair| matches!(pair, [0, letter] if *letter != 0))
        .then(|| (found("BE"), "load it with --encoding utf-16be"))
}
