//! Chunks of any format to records: what a worker has of a format. Talks to the formats' readers. Pure.

use super::Format;
use super::charset::Charset;
use super::csv;
use super::record::RecordBatch;

/// Why a chunk cannot be read. Bad records are not among these: they are data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// As CSV.
    #[error(transparent)]
    Csv(#[from] csv::reader::ReadError),
}

/// Reads chunks of one file, one after the other.
pub enum RecordReader {
    /// CSV.
    Csv(csv::reader::ChunkReader),
}

impl RecordReader {
    /// A reader for this format.
    pub fn new(format: &Format) -> Self {
        match format {
            Format::Csv(dialect) => RecordReader::Csv(csv::reader::ChunkReader::new(dialect)),
        }
    }

    /// The records of a chunk.
    ///
    /// # Errors
    /// The chunk is not what was scanned, or too long.
    pub fn read(&mut self, bytes: Vec<u8>) -> Result<RecordBatch, ReadError> {
        match self {
            RecordReader::Csv(reader) => Ok(reader.read(bytes)?),
        }
    }
}

impl Format {
    /// The encoding of the fields that its reader finds.
    pub fn field_charset(&self) -> Charset {
        match self {
            Format::Csv(dialect) => dialect.charset,
        }
    }
}
