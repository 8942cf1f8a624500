//! A file's beginning, whatever its format: what names its columns, and where its data start. Asks each format's own reader of it.

use super::discover::InputFile;
use super::header::{Header, HeaderError, HeaderNames, column_names, read_header};
use super::json_sample::{looks_like_json, read_sample};
use super::parquet::footer::Footer;
use super::prefix::Prefix;
use crate::format::Format;
use crate::format::charset::Charset;
use crate::format::csv::dialect::Dialect;
use crate::format::json::reader::Extent;
use crate::format::record::{Field, csv_line};

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
            let mut prefix = Prefix::open(file)?;
            if !is_said && *dialect == (Dialect { charset: dialect.charset, ..Dialect::default() }) {
                refuse_json(file, prefix.bytes())?;
            }
            read_header(&mut prefix, dialect, names, max_record_bytes)
        }
        Format::Ndjson(charset) => {
            read_sample(file, Extent::Line, file.decoding.unwrap_or(*charset), max_record_bytes)
        }
        Format::Json(charset) => {
            read_sample(file, Extent::Document, file.decoding.unwrap_or(*charset), max_record_bytes)
        }
        Format::Parquet => read_end(file, names),
    }
}

/// Nobody means CSV whose first bytes can hardly be of anything but JSON, where nothing was said of it.
fn refuse_json(file: &InputFile, bytes: &[u8]) -> Result<(), HeaderError> {
    match looks_like_json(bytes) {
        Some(format) => Err(HeaderError::LooksLikeJson { path: file.path.clone(), format }),
        None => Ok(()),
    }
}

/// What a Parquet file says of its columns, which it does at its end. Its header is the one that its rejected records get.
fn read_end(file: &InputFile, names: HeaderNames) -> Result<Header, HeaderError> {
    let footer = Footer::read(file)?;
    let found: Vec<&str> = footer.columns().map(|(name, _)| name).collect();
    let (names, passed_over) = match names {
        HeaderNames::Used => {
            (column_names(file, Charset::UTF_8, found.iter().map(|name| name.as_bytes()))?, Vec::new())
        }
        HeaderNames::Ignored => (Vec::new(), found.iter().map(|name| (*name).to_owned()).collect()),
    };
    let raw = csv_line(found.iter().map(|name| Field { bytes: name.as_bytes(), quoted: true }));
    let columns = Some(footer.known());
    Ok(Header { names, passed_over, raw, data_line: 1, columns, ..Header::default() })
}
