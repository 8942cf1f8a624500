//! Chunks of any format to records: what a worker has of a format. Talks to the formats' readers. Pure.

use super::Format;
use super::charset::Charset;
use super::csv;
use super::json::keys::Keys;
use super::json::reader::{Extent, JsonReader};
use super::record::RecordBatch;

/// Why a chunk cannot be read. Bad records are not among these: they are data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// For what it is said to be.
    #[error(transparent)]
    Chunk(#[from] csv::reader::ReadError),
    /// As what is not read from bytes.
    #[error("Parquet is read by rows and not by bytes: this is a bug")]
    Rows,
}

/// Reads chunks of one file, one after the other.
pub enum RecordReader {
    /// CSV.
    Csv(csv::reader::ChunkReader),
    /// JSON.
    Json(Box<JsonReader>),
    /// Parquet, of which only `plan::parquet` knows where its rows are: it reads nothing.
    Rows,
}

impl RecordReader {
    /// A reader for this format; `keys` says what the keys are of a keyed one.
    pub fn new(format: &Format, keys: &Keys) -> Self {
        let json =
            |extent, charset| RecordReader::Json(Box::new(JsonReader::new(extent, charset, keys.clone())));
        match format {
            Format::Ndjson(charset) => json(Extent::Line, *charset),
            Format::Json(charset) => json(Extent::Document, *charset),
            Format::Csv(dialect) => RecordReader::Csv(csv::reader::ChunkReader::new(dialect)),
            Format::Parquet => RecordReader::Rows,
        }
    }

    /// The records of a chunk.
    ///
    /// # Errors
    /// The chunk is not what was scanned, or too long.
    pub fn read(&mut self, bytes: Vec<u8>) -> Result<RecordBatch, ReadError> {
        match self {
            RecordReader::Csv(reader) => Ok(reader.read(bytes)?),
            RecordReader::Json(reader) => Ok(reader.read(bytes)?),
            RecordReader::Rows => Err(ReadError::Rows),
        }
    }
}

impl Format {
    /// The encoding of the fields that its reader finds.
    pub fn field_charset(&self) -> Charset {
        match self {
            Format::Csv(dialect) => dialect.charset,
            // The reader decodes whole records: what their escapes mean is known in UTF-8 only.
            Format::Ndjson(_) | Format::Json(_) => Charset::UTF_8,
            Format::Parquet => Charset::UTF_8,
        }
    }
}
