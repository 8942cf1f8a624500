//! A file's beginning, whatever its format: what names its columns, and where its data start. Asks each format's own reader of it.

use super::discover::InputFile;
use super::header::{Header, HeaderError, HeaderNames, read_header};
use super::json_sample::{looks_like_json, read_sample};
use super::source::Source;
use crate::format::Format;
use crate::format::csv::dialect::Dialect;
use crate::format::json::reader::Extent;

/// As much of a file's beginning tells whether it looks like JSON.
const LOOK_BYTES: usize = 4096;

/// Reads a file's beginning. `is_said`: the format is what the user says, and not only what is usual. `max_record_bytes` bounds how
/// far it looks for the end of the first record.
///
/// # Errors
/// The file cannot be read or has changed, or its beginning is not that of such a file.
pub fn read_beginning(
    file: &InputFile,
    format: &Format,
    is_said: bool,
    names: HeaderNames,
    max_record_bytes: u64,
) -> Result<Header, HeaderError> {
    match format {
        Format::Csv(dialect) => {
            if !is_said && *dialect == (Dialect { charset: dialect.charset, ..Dialect::default() }) {
                refuse_json(file)?;
            }
            read_header(file, dialect, names, max_record_bytes)
        }
        Format::Ndjson(charset) => {
            read_sample(file, Extent::Line, file.decoding.unwrap_or(*charset), max_record_bytes)
        }
        Format::Json(charset) => {
            read_sample(file, Extent::Document, file.decoding.unwrap_or(*charset), max_record_bytes)
        }
    }
}

/// Nobody means CSV whose first bytes can hardly be of anything but JSON, where nothing was said of it.
fn refuse_json(file: &InputFile) -> Result<(), HeaderError> {
    let mut bytes = vec![0; LOOK_BYTES];
    let read = Source::open(file)?.read_up_to(&mut bytes, 0)?;
    match looks_like_json(bytes.get(..read).unwrap_or_default()) {
        Some(format) => Err(HeaderError::LooksLikeJson { path: file.path.clone(), format }),
        None => Ok(()),
    }
}
