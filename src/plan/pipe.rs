//! Standard input: read once, forwards, by the thread that scans it, which keeps what is not in a unit yet and hands the bytes of each
//! unit over in memory to the worker in the same process. Never holds more than that: the unit that grows, the bytes read ahead, and
//! the units that are planned and not read.

use std::collections::BTreeMap;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::compression::{Compression, CompressionChoice, HEAD_BYTES};
use super::decoding::Decoded;
use super::unit::{Chunk, WorkUnit};
use crate::format::charset::Charset;

/// What stands for standard input among the paths.
pub const STDIN: &str = "-";

/// Bytes of a unit at most, but for a record that is longer: as many units as are planned ahead are in memory.
pub const UNIT_BYTES_MAX: u64 = 4 << 20;
/// Bytes read at once.
const READ_BYTES: usize = 128 * 1024;

/// Whether a path stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new(STDIN)
}

/// A stream that can be read once.
pub struct Pipe {
    compression: Option<Compression>,
    reading: Mutex<Reading>,
    /// The bytes of chunks that are handed over and not taken, by their offsets.
    handed_over: Mutex<BTreeMap<u64, Vec<u8>>>,
}

/// What the scanning thread has.
struct Reading {
    stream: Box<dyn Read + Send>,
    /// Bytes that were read and are in no chunk yet.
    kept: Vec<u8>,
    /// The offset of the first of them.
    kept_from: u64,
    /// Chunks of the unit that grows.
    chunks: Vec<(u64, Vec<u8>)>,
}

/// A pipe as inputs carry it: they are equal if it is the same one.
#[derive(Clone)]
pub struct SharedPipe(Arc<Pipe>);

impl PartialEq for SharedPipe {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SharedPipe {}

impl std::fmt::Debug for SharedPipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedPipe")
    }
}

impl std::ops::Deref for SharedPipe {
    type Target = Pipe;

    fn deref(&self) -> &Pipe {
        &self.0
    }
}

impl SharedPipe {
    /// A stream, compressed in the way that was chosen. Reads its first bytes.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn new(mut stream: impl Read + Send + 'static, choice: CompressionChoice) -> io::Result<SharedPipe> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        stream.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        let compression = choice.of(&head);
        let stream = BufReader::with_capacity(READ_BYTES, io::Cursor::new(head).chain(stream));
        let stream = match compression {
            Some(compression) => compression.decoder(Box::new(stream))?,
            None => Box::new(stream),
        };
        let reading = Reading { stream, kept: Vec::new(), kept_from: 0, chunks: Vec::new() };
        let (reading, handed_over) = (Mutex::new(reading), Mutex::default());
        Ok(SharedPipe(Arc::new(Pipe { compression, reading, handed_over })))
    }
}

impl Pipe {
    /// How it is compressed, if it is.
    pub fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// Decodes it from its first byte; to be called once, while only its beginning has been looked at.
    pub fn decode(&self, charset: Charset) {
        let mut reading = self.reading();
        let kept = io::Cursor::new(std::mem::take(&mut reading.kept));
        let stream = std::mem::replace(&mut reading.stream, Box::new(io::empty()));
        reading.stream = Box::new(Decoded::new(Box::new(kept.chain(stream)), charset));
    }

    /// Fills `buffer` from `offset` as far as there is something: less than all of it only at the end. What is in a chunk already is
    /// gone. Returns how much.
    ///
    /// # Errors
    /// With the offset that was reached: it cannot be read or cannot be decompressed.
    pub fn read_up_to(&self, buffer: &mut [u8], offset: u64) -> Result<usize, (u64, io::Error)> {
        let mut reading = self.reading();
        let skip = usize::try_from(offset.saturating_sub(reading.kept_from)).unwrap_or(usize::MAX);
        reading.keep(skip.saturating_add(buffer.len()))?;
        let there = reading.kept.get(skip..).unwrap_or_default();
        let len = there.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..len), there.get(..len)) {
            to.copy_from_slice(from);
        }
        Ok(len)
    }

    /// These are the chunks of the unit that grows, and the next one grows from `start`: nobody reads anything before that any more,
    /// but the worker what is in chunks.
    pub fn follow(&self, chunks: &[Chunk], start: u64) {
        let mut reading = self.reading();
        reading.close(chunks);
        reading.forget_before(start);
    }

    /// Hands a unit's bytes over; to be called before its number is told to anyone.
    pub fn hand_over(&self, unit: &WorkUnit) {
        let mut reading = self.reading();
        reading.close(&unit.chunks);
        self.handed_over().extend(reading.chunks.drain(..));
        if let Some(last) = unit.chunks.last() {
            reading.forget_before(last.start + last.len);
        }
    }

    /// Takes a chunk's bytes; `None` if it was not handed over, or was taken before. Those of a chunk without records are empty.
    pub fn take(&self, chunk: Chunk) -> Option<Vec<u8>> {
        self.handed_over().remove(&chunk.start)
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handed_over(&self) -> MutexGuard<'_, BTreeMap<u64, Vec<u8>>> {
        self.handed_over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reading {
    /// Reads until so many bytes are kept, or there is no more.
    fn keep(&mut self, bytes: usize) -> Result<(), (u64, io::Error)> {
        let mut filled = self.kept.len();
        if filled >= bytes {
            return Ok(());
        }
        self.kept.resize(bytes, 0);
        let mut outcome = Ok(());
        while let Some(rest) = self.kept.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.stream.read(rest) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => {
                    outcome = Err((self.kept_from + filled as u64, error));
                    break;
                }
            }
        }
        self.kept.truncate(filled);
        outcome
    }

    /// Puts aside the bytes of the chunks that are new. Where no record is in a chunk, nobody needs its bytes.
    fn close(&mut self, chunks: &[Chunk]) {
        for chunk in chunks.iter().skip(self.chunks.len()) {
            let start = usize::try_from(chunk.start.saturating_sub(self.kept_from)).unwrap_or(usize::MAX);
            let end = start.saturating_add(usize::try_from(chunk.len).unwrap_or(usize::MAX));
            let bytes = if chunk.records > 0 { self.kept.get(start..end) } else { None };
            self.chunks.push((chunk.start, bytes.unwrap_or_default().to_vec()));
        }
    }

    fn forget_before(&mut self, offset: u64) {
        let gone = usize::try_from(offset.saturating_sub(self.kept_from)).unwrap_or(usize::MAX);
        self.kept.drain(..gone.min(self.kept.len()));
        self.kept_from = self.kept_from.max(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::compression::tests::{ALL, compress, records};

    fn pipe(bytes: &[u8]) -> SharedPipe {
        SharedPipe::new(io::Cursor::new(bytes.to_vec()), CompressionChoice::Auto).unwrap()
    }

    fn read(pipe: &Pipe, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let read = pipe.read_up_to(&mut bytes, offset).unwrap();
        bytes.truncate(read);
        bytes
    }

    #[test]
    fn what_is_in_no_chunk_is_read_as_often_as_one_likes_and_what_is_in_one_is_taken_once() {
        let bytes = records(1_000);
        let compressed = ALL.map(|compression| compress(compression, &bytes));
        for content in [&bytes].into_iter().chain(&compressed) {
            let pipe = pipe(content);
            assert_eq!(read(&pipe, 0, 10), bytes[..10]);
            assert_eq!(read(&pipe, 0, 300), bytes[..300]);
            assert_eq!(read(&pipe, 8, 2_000), bytes[8..2_008]);
            let chunk = |start: u64, len, records| Chunk { start, len, records, line: 1 };
            let chunks = [chunk(8, 92, 3), chunk(100, 50, 0), chunk(150, 850, 9)];
            pipe.follow(&chunks[..1], 100);
            assert_eq!(pipe.take(chunks[0]), None, "the unit grows still");
            pipe.follow(&chunks[..2], 150);
            assert_eq!(read(&pipe, 150, 10), bytes[150..160]);
            let unit = WorkUnit {
                id: crate::plan::unit::UnitId(0),
                file: crate::plan::unit::FileId(0),
                first_ordinal: 0,
                first_record: 1,
                chunks: chunks.to_vec(),
            };
            pipe.hand_over(&unit);
            pipe.follow(&[], 1_000);
            assert_eq!(pipe.take(chunks[0]).unwrap(), bytes[8..100]);
            assert_eq!(pipe.take(chunks[0]), None);
            assert_eq!(pipe.take(chunks[1]).unwrap(), b"");
            assert_eq!(pipe.take(chunks[2]).unwrap(), bytes[150..1_000]);
            assert_eq!(read(&pipe, 1_000, 1 << 20), bytes[1_000..]);
            assert_eq!(read(&pipe, bytes.len() as u64, 5), b"");
        }
    }

    #[test]
    fn what_was_read_before_an_error_is_not_lost() {
        let whole = compress(Compression::Gzip, &records(20_000));
        let pipe = pipe(&whole[..whole.len() - 10]);
        let (offset, error) = pipe.read_up_to(&mut vec![0; 1 << 20], 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(read(&pipe, 0, 8), b"id,note\n");
        assert!(offset > 100_000);
    }
}
