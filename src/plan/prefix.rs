//! The first bytes of an input, as many as it takes: read once, and twice as many when whoever looks at them has not seen enough.
//! Refuses what is no text that is read here; never reads far beyond the longest record.

use super::discover::InputFile;
use super::header::{HeaderError, mark_len, refuse_others};
use super::source::Source;

/// Bytes read at first.
pub(super) const PREFIX_BYTES: u64 = 64 * 1024;

/// The bytes from an input's start.
pub(super) struct Prefix<'a> {
    file: &'a InputFile,
    source: Source,
    bytes: Vec<u8>,
    /// How many of them are asked for, and one more.
    len: u64,
}

impl<'a> Prefix<'a> {
    /// Reads the first of them.
    pub(super) fn open(file: &'a InputFile) -> Result<Self, HeaderError> {
        let mut prefix = Prefix { file, source: Source::open(file)?, bytes: Vec::new(), len: PREFIX_BYTES };
        prefix.read()?;
        Ok(prefix)
    }

    /// Reads as many again, if there are more and the longest record may not have ended yet; whether it did.
    pub(super) fn grow(&mut self, max_record_bytes: u64) -> Result<bool, HeaderError> {
        if self.is_complete() || self.len > max_record_bytes.saturating_add(PREFIX_BYTES) {
            return Ok(false);
        }
        self.len = self.len.saturating_mul(2);
        self.read()?;
        Ok(true)
    }

    fn read(&mut self) -> Result<(), HeaderError> {
        let before = self.bytes.len();
        // One more tells whether there is more.
        self.bytes.resize(self.len as usize + 1, 0);
        let read = self.source.read_up_to(self.bytes.get_mut(before..).unwrap_or_default(), before as u64)?;
        self.bytes.truncate(before + read);
        refuse_others(self.file, &self.bytes)
    }

    /// The input.
    pub(super) fn file(&self) -> &'a InputFile {
        self.file
    }

    /// Whether they are all that there is.
    pub(super) fn is_complete(&self) -> bool {
        self.bytes.len() as u64 <= self.len
    }

    /// All of them.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The length of the byte order mark that they begin with.
    pub(super) fn mark(&self) -> usize {
        mark_len(&self.bytes)
    }

    /// What is behind the byte order mark.
    pub(super) fn data(&self) -> &[u8] {
        self.bytes.get(self.mark()..).unwrap_or_default()
    }
}
