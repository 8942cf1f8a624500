//! A file as the Parquet library wants it: any bytes at any offset, each read where it is asked for, so that no two reads share a place in
//! the file; or an object of a server, in ranges. Never allocates for more than the file has.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::errors::ParquetError as LibraryError;
use parquet::file::reader::{ChunkReader, Length};

use super::ranges::Ranges;
use crate::plan::discover::{InputError, InputFile};
use crate::remote::error::RemoteError;

/// Bytes read at once where it is not known how many there are: the headers of pages.
const HEAD_BYTES: usize = 4096;

/// A file of known length.
#[derive(Clone)]
pub(super) struct Pread {
    place: Place,
    len: u64,
}

#[derive(Clone)]
enum Place {
    File(Arc<File>),
    /// One at a time reads it.
    Object(Arc<Mutex<Ranges>>),
}

/// It, from an offset on.
pub(super) struct From {
    pread: Pread,
    offset: u64,
}

impl Pread {
    /// Opens a file, if it is still what was found. An object is not asked for yet.
    pub(super) fn open(file: &InputFile) -> Result<Self, InputError> {
        let place = match &file.remote {
            Some(object) => Place::Object(Arc::new(Mutex::new(Ranges::new(file, object)))),
            None => Place::File(Arc::new(file.open()?)),
        };
        Ok(Pread { place, len: file.size })
    }

    /// Checks that the file is still what was found; an object's server says so of its own accord.
    pub(super) fn check_unchanged(&self, file: &InputFile) -> Result<(), InputError> {
        match &self.place {
            Place::File(open) => file.check_unchanged(open),
            Place::Object(_) => Ok(()),
        }
    }

    /// Says of which ranges something will be read, by so many columns at the same time.
    pub(super) fn set_wanted(&self, wanted: Vec<Range<u64>>, columns: usize) {
        if let Place::Object(ranges) = &self.place {
            lock(ranges).set_wanted(wanted, columns);
        }
    }

    /// Why the last reading failed, if it was a server.
    pub(super) fn take_failure(&self) -> Option<RemoteError> {
        match &self.place {
            Place::File(_) => None,
            Place::Object(ranges) => lock(ranges).take_failure(),
        }
    }
}

fn lock(ranges: &Mutex<Ranges>) -> MutexGuard<'_, Ranges> {
    ranges.lock().unwrap_or_else(PoisonError::into_inner)
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
        match &self.place {
            Place::File(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, start)?;
                Ok(bytes.into())
            }
            Place::Object(ranges) => {
                lock(ranges).bytes(start, length).map_err(|error| LibraryError::External(Box::new(error)))
            }
        }
    }
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.pread.len.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let len = buffer.len().min(left);
        let buffer = buffer.get_mut(..len).unwrap_or_default();
        let read = match &self.pread.place {
            Place::File(file) => file.read_at(buffer, self.offset)?,
            Place::Object(ranges) => {
                let bytes = lock(ranges).bytes(self.offset, len).map_err(io::Error::other)?;
                buffer.iter_mut().zip(&bytes).for_each(|(to, from)| *to = *from);
                bytes.len().min(len)
            }
        };
        self.offset += read as u64;
        Ok(read)
    }
}
