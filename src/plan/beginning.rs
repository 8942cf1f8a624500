//! A file's beginning, whatever its format: what names its columns, and where its data start. Asks each format's own reader of it.

use super::discover::InputFile;
use super::header::{Header, HeaderError, HeaderNames, read_header};
use crate::format::Format;

/// Reads a file's beginning. `max_record_bytes` bounds how far it looks for the end of the first record.
///
/// # Errors
/// The file cannot be read or has changed, or its beginning is not that of such a file.
pub fn read_beginning(
    file: &InputFile,
    format: &Format,
    names: HeaderNames,
    max_record_bytes: u64,
) -> Result<Header, HeaderError> {
    match format {
        Format::Csv(dialect) => read_header(file, dialect, names, max_record_bytes),
    }
}
