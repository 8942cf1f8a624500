//! An input's bytes as they are loaded: a plain file's at any offset, by as many threads as like; those of a compressed one, or of one
//! that is decoded first, forwards, opened anew and skipped where they are wanted again from before; those of an object of a server
//! forwards from anywhere; standard input's once. Offsets are those of the decompressed and decoded bytes.
//! Never reads a file that has changed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::decoding::Decoded;
use super::discover::{InputError, InputFile};
use super::pipe::{Pipe, SharedPipe};
use crate::remote::reader::{FailureSlot, RemoteReader};

/// Compressed bytes read at once.
const COMPRESSED_BYTES: usize = 128 * 1024;
/// Bytes skipped at once.
const SKIP_BYTES: usize = 256 * 1024;

/// An input that is open.
pub struct Source {
    input: InputFile,
    bytes: Bytes,
}

/// Where its bytes come from.
enum Bytes {
    /// A plain file.
    Plain(File),
    /// A plain object of a server, which sees to it itself that it does not change.
    Remote(Mutex<RemoteReader>),
    /// A compressed or encoded input; a file is kept open to see whether it changes.
    Forwards(Option<File>, Mutex<Stream>),
    /// Standard input.
    Pipe(SharedPipe),
}

/// Decompressed and decoded bytes from some offset on.
#[derive(Default)]
struct Stream {
    /// `None` where it has failed: the next one who reads begins anew.
    decoder: Option<Box<dyn Read + Send>>,
    offset: u64,
    /// What is the matter with the server that it comes from.
    failure: FailureSlot,
}

impl Source {
    /// Opens an input, if it is still what was found.
    ///
    /// # Errors
    /// It cannot be opened, or its size or time of change differs.
    pub fn open(input: &InputFile) -> Result<Source, InputError> {
        let bytes = match (&input.pipe, remote_reader(input)) {
            (Some(pipe), _) => Bytes::Pipe(pipe.clone()),
            (None, Some(_)) if input.is_read_forwards() => Bytes::Forwards(None, Mutex::default()),
            (None, Some(reader)) => Bytes::Remote(Mutex::new(reader)),
            (None, None) if input.is_read_forwards() => {
                Bytes::Forwards(Some(input.open()?), Mutex::default())
            }
            (None, None) => Bytes::Plain(input.open()?),
        };
        Ok(Source { input: input.clone(), bytes })
    }

    /// The input.
    pub fn input(&self) -> &InputFile {
        &self.input
    }

    /// Whether it can only be read forwards, so that several threads would be in each other's way.
    pub fn is_sequential(&self) -> bool {
        !matches!(self.bytes, Bytes::Plain(_))
    }

    /// Standard input, if it is that.
    pub fn pipe(&self) -> Option<&Pipe> {
        match &self.bytes {
            Bytes::Pipe(pipe) => Some(pipe),
            Bytes::Plain(_) | Bytes::Remote(_) | Bytes::Forwards(..) => None,
        }
    }

    /// Says that it is read forwards up to `end` from now on, and that others read what is behind.
    pub fn set_end(&self, end: u64) {
        if let Bytes::Remote(reader) = &self.bytes {
            lock(reader).set_end(end);
        }
    }

    /// Checks that the file is still what was found.
    ///
    /// # Errors
    /// Its size or time of change differs, or cannot be asked for.
    pub fn check_unchanged(&self) -> Result<(), InputError> {
        match &self.bytes {
            Bytes::Plain(file) | Bytes::Forwards(Some(file), _) => self.input.check_unchanged(file),
            Bytes::Remote(_) | Bytes::Forwards(None, _) | Bytes::Pipe(_) => Ok(()),
        }
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
        match &self.bytes {
            Bytes::Plain(file) => {
                let left = usize::try_from(self.input.size.saturating_sub(offset)).unwrap_or(usize::MAX);
                let len = buffer.len().min(left);
                self.input.read_at(file, buffer.get_mut(..len).unwrap_or_default(), offset)?;
                Ok(len)
            }
            Bytes::Remote(reader) => Ok(lock(reader).read_at(buffer, offset)?),
            Bytes::Forwards(_, stream) => {
                let mut stream = lock(stream);
                match self.seek(&mut stream, offset, &mut || true)? {
                    true => self.fill(&mut stream, buffer),
                    false => Ok(0),
                }
            }
            Bytes::Pipe(pipe) => {
                pipe.read_up_to(buffer, offset).map_err(|(reached, error)| self.damaged(reached, error))
            }
        }
    }

    /// Goes to `offset`, so that reading from there is at once possible. `go_on` is asked every now and then; `false` if it said no or
    /// the input ends before.
    ///
    /// # Errors
    /// The input cannot be read or cannot be decompressed.
    pub fn skip_to(&self, offset: u64, go_on: &mut dyn FnMut() -> bool) -> Result<bool, InputError> {
        match &self.bytes {
            Bytes::Forwards(_, stream) => self.seek(&mut lock(stream), offset, go_on),
            Bytes::Plain(_) | Bytes::Remote(_) | Bytes::Pipe(_) => Ok(true),
        }
    }

    fn seek(
        &self,
        stream: &mut Stream,
        offset: u64,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<bool, InputError> {
        if stream.decoder.is_none() || offset < stream.offset {
            stream.decoder = None;
            let stored: Box<dyn BufRead + Send> = match remote_reader(&self.input) {
                Some(remote) => {
                    stream.failure = remote.failure();
                    Box::new(BufReader::with_capacity(COMPRESSED_BYTES, remote))
                }
                None => Box::new(BufReader::with_capacity(COMPRESSED_BYTES, self.input.open()?)),
            };
            let decompressed: Box<dyn Read + Send> = match self.input.compression {
                Some(compression) => {
                    compression.decoder(stored).map_err(|source| self.input.unreadable(source))?
                }
                None => stored,
            };
            stream.decoder = Some(match self.input.decoding {
                Some(charset) => Box::new(Decoded::new(decompressed, charset)),
                None => decompressed,
            });
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
                    if let Some(failure) = stream.failure.take() {
                        return Err(failure.into());
                    }
                    // A file that somebody writes to is not damaged.
                    self.check_unchanged()?;
                    return Err(self.damaged(stream.offset, error));
                }
            }
        }
        Ok(filled)
    }

    fn damaged(&self, offset: u64, source: io::Error) -> InputError {
        let path = self.input.path.clone();
        match (self.input.compression, source.kind()) {
            (Some(compression), ErrorKind::UnexpectedEof) => InputError::CutOff { path, compression, offset },
            (Some(compression), _) if source.raw_os_error().is_none() => {
                InputError::Damaged { path, compression, offset, source }
            }
            _ => InputError::Unreadable { path, source },
        }
    }
}

/// A reader of its own at the beginning of an object.
fn remote_reader(input: &InputFile) -> Option<RemoteReader> {
    let object = input.remote.clone()?;
    Some(RemoteReader::new(object, input.path.clone(), input.size))
}

fn lock<T>(stream: &Mutex<T>) -> MutexGuard<'_, T> {
    stream.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stream {
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
