//! What is read at once and what is scanned at once: rounds of blocks, which are read from a source and scanned in pieces.
//! Knows nothing of chunks and units; never keeps more than one round.

use memchr::memchr_iter;

use crate::format::boundaries::Splitter;
use crate::format::csv::scan::Transitions;
use crate::plan::discover::InputError;
use crate::plan::source::Source;

/// Bytes that are read at once.
#[derive(Default)]
pub(super) struct Block {
    offset: u64,
    bytes: Vec<u8>,
    /// What each of its pieces does.
    scans: Vec<Transitions>,
}

impl Block {
    fn place(&mut self, offset: u64, len: u64) {
        self.offset = offset;
        self.bytes.resize(len as usize, 0);
    }

    pub(super) fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    pub(super) fn read(&mut self, source: &Source) -> Result<(), InputError> {
        source.read_at(&mut self.bytes, self.offset)
    }

    /// Scans the block's pieces, each of `piece_bytes` but for the last one, where they can be scanned apart.
    pub(super) fn scan(&mut self, splitter: Option<Splitter>, piece_bytes: usize) {
        self.scans.clear();
        let Some(splitter) = splitter else { return };
        self.scans.extend(self.bytes.chunks(piece_bytes).map(|piece| splitter.scan(piece)));
    }

    pub(super) fn pieces(
        &self,
        piece_bytes: usize,
    ) -> impl Iterator<Item = (Piece<'_>, Option<&Transitions>)> {
        let offsets = (self.offset..).step_by(piece_bytes);
        let pieces =
            self.bytes.chunks(piece_bytes).zip(offsets).map(|(bytes, offset)| Piece { offset, bytes });
        pieces.zip(self.scans.iter().map(Some).chain(std::iter::repeat(None)))
    }
}

/// Bytes that were scanned at once.
pub(super) struct Piece<'a> {
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
}

impl Piece<'_> {
    pub(super) fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// `\n` bytes in front of `at`.
    pub(super) fn newlines_before(&self, at: usize) -> u64 {
        memchr_iter(b'\n', self.bytes.get(..at).unwrap_or_default()).count() as u64
    }
}

/// Where the next blocks of a plain file are: as many as there are, or as the file has bytes for.
pub(super) fn place_round<'a>(
    source: &Source,
    blocks: &'a mut [Block],
    mut offset: u64,
    block_bytes: u64,
) -> &'a mut [Block] {
    let mut round = 0;
    for block in &mut *blocks {
        let len = block_bytes.min(source.input().size.saturating_sub(offset));
        if len == 0 {
            break;
        }
        block.place(offset, len);
        offset += len;
        round += 1;
    }
    blocks.get_mut(..round).unwrap_or_default()
}

/// Reads the next blocks of an input that tells its end only when it is there.
pub(super) fn read_round<'a>(
    source: &Source,
    blocks: &'a mut [Block],
    mut offset: u64,
    block_bytes: u64,
) -> Result<&'a mut [Block], InputError> {
    let mut round = 0;
    for block in &mut *blocks {
        block.place(offset, block_bytes);
        let read = source.read_up_to(&mut block.bytes, offset)?;
        block.bytes.truncate(read);
        offset += read as u64;
        round += usize::from(read > 0);
        if (read as u64) < block_bytes {
            break;
        }
    }
    Ok(blocks.get_mut(..round).unwrap_or_default())
}
