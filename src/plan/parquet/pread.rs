//! A file as the Parquet library wants it: any bytes at any offset, each read where it is asked for, so that no two reads share a place in
//! the file. Never allocates for more than the file has.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError as LibraryError;
use parquet::file::reader::{ChunkReader, Length};

/// Bytes read at once where it is not known how many there are: the headers of pages.
const HEAD_BYTES: usize = 4096;

/// A file of known length.
#[derive(Debug, Clone)]
pub(super) struct Pread {
    file: Arc<File>,
    len: u64,
}

/// It, from an offset on.
pub(super) struct From {
    pread: Pread,
    offset: u64,
}

impl Pread {
    pub(super) fn new(file: File, len: u64) -> Self {
        Pread { file: Arc::new(file), len }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Length for Pread {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Pread {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T, LibraryError> {
        Ok(BufReader::with_capacity(HEAD_BYTES, From { pread: self.clone(), offset: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, LibraryError> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.len);
        if end.is_none() {
            return Err(LibraryError::EOF(format!(
                "{length} bytes are to be at {start} of a file of {}",
                self.len
            )));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.pread.len.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let len = buffer.len().min(left);
        let read = self.pread.file.read_at(buffer.get_mut(..len).unwrap_or_default(), self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
