//! An input's bytes as they are loaded: a plain file's at any offset, by as many threads as like; a compressed one's forwards, opened
//! anew and skipped where they are wanted again from before. Offsets are those of the decompressed bytes.
//! Never reads a file that has changed.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::compression::Compression;
use super::discover::{InputError, InputFile};

/// Compressed bytes read at once.
const COMPRESSED_BYTES: usize = 128 * 1024;
/// Bytes skipped at once.
const SKIP_BYTES: usize = 256 * 1024;

/// An input that is open.
pub struct Source {
    input: InputFile,
    file: File,
    /// The bytes of a compressed input.
    stream: Option<Mutex<Stream>>,
}

/// Decompressed bytes from some offset on.
struct Stream {
    compression: Compression,
    /// `None` where it has failed: the next one who reads begins anew.
    decoder: Option<Box<dyn Read + Send>>,
    offset: u64,
}

impl Source {
    /// Opens an input, if it is still what was found.
    ///
    /// # Errors
    /// It cannot be opened, or its size or time of change differs.
    pub fn open(input: &InputFile) -> Result<Source, InputError> {
        let file = input.open()?;
        let stream = input.compression.map(|compression| Mutex::new(Stream::new(compression)));
        Ok(Source { input: input.clone(), file, stream })
    }

    /// The input.
    pub fn input(&self) -> &InputFile {
        &self.input
    }

    /// Whether it can only be read forwards, so that several threads would be in each other's way.
    pub fn is_sequential(&self) -> bool {
        self.stream.is_some()
    }

    /// Checks that the file is still what was found.
    ///
    /// # Errors
    /// Its size or time of change differs, or cannot be asked for.
    pub fn check_unchanged(&self) -> Result<(), InputError> {
        self.input.check_unchanged(&self.file)
    }

    /// Fills `buffer` from `offset`.
    ///
    /// # Errors
    /// The input ends before the buffer is full, cannot be read or cannot be decompressed.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), InputError> {
        match self.read_up_to(buffer, offset)? {
            read if read == buffer.len() => Ok(()),
            _ => Err(InputError::Changed { path: self.input.path.clone() }),
        }
    }

    /// Fills `buffer` from `offset` as far as there is something: less than all of it only at the input's end. Returns how much.
    ///
    /// # Errors
    /// The input cannot be read or cannot be decompressed.
    pub fn read_up_to(&self, buffer: &mut [u8], offset: u64) -> Result<usize, InputError> {
        let Some(stream) = self.stream() else {
            let left = usize::try_from(self.input.size.saturating_sub(offset)).unwrap_or(usize::MAX);
            let len = buffer.len().min(left);
            self.input.read_at(&self.file, buffer.get_mut(..len).unwrap_or_default(), offset)?;
            return Ok(len);
        };
        let mut stream = stream;
        if !self.seek(&mut stream, offset, &mut || true)? {
            return Ok(0);
        }
        self.fill(&mut stream, buffer)
    }

    /// Goes to `offset`, so that reading from there is at once possible. `go_on` is asked every now and then; `false` if it said no or
    /// the input ends before.
    ///
    /// # Errors
    /// The input cannot be read or cannot be decompressed.
    pub fn skip_to(&self, offset: u64, go_on: &mut dyn FnMut() -> bool) -> Result<bool, InputError> {
        match self.stream() {
            Some(mut stream) => self.seek(&mut stream, offset, go_on),
            None => Ok(true),
        }
    }

    fn stream(&self) -> Option<MutexGuard<'_, Stream>> {
        self.stream.as_ref().map(|stream| stream.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn seek(
        &self,
        stream: &mut Stream,
        offset: u64,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, InputError> {
        if stream.decoder.is_none() || offset < stream.offset {
            stream.decoder = None;
            let file = BufReader::with_capacity(COMPRESSED_BYTES, self.input.open()?);
            let decoder = stream.compression.decoder(Box::new(file));
            stream.decoder = Some(decoder.map_err(|source| self.input.unreadable(source))?);
            stream.offset = 0;
        }
        let mut skipped =
            vec![0; SKIP_BYTES.min(usize::try_from(offset - stream.offset).unwrap_or(SKIP_BYTES))];
        while stream.offset < offset {
            let len = usize::try_from(offset - stream.offset).unwrap_or(SKIP_BYTES).min(skipped.len());
            if !go_on() || self.fill(stream, skipped.get_mut(..len).unwrap_or_default())? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Fills `buffer` with what comes next; less than all of it only at the end.
    fn fill(&self, stream: &mut Stream, buffer: &mut [u8]) -> Result<usize, InputError> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match stream.read(rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => {
                    // A file that somebody writes to is not damaged.
                    self.check_unchanged()?;
                    return Err(self.damaged(stream, error));
                }
            }
        }
        Ok(filled)
    }

    fn damaged(&self, stream: &Stream, source: io::Error) -> InputError {
        let (path, compression, offset) = (self.input.path.clone(), stream.compression, stream.offset);
        match source.kind() {
            ErrorKind::UnexpectedEof => InputError::CutOff { path, compression, offset },
            _ if source.raw_os_error().is_some() => InputError::Unreadable { path, source },
            _ => InputError::Damaged { path, compression, offset, source },
        }
    }
}

impl Stream {
    fn new(compression: Compression) -> Self {
        Stream { compression, decoder: None, offset: 0 }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(decoder) = &mut self.decoder else { return Ok(0) };
        let read = decoder.read(buffer);
        match &read {
            Ok(read) => self.offset += *read as u64,
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(_) => self.decoder = None,
        }
        read
    }
}

#[cfg(test)]
mod tests;
