//! Compressed inputs: known by their first bytes, never by their names, and decompressed forwards. Talks to the libraries that
//! decompress. Never takes a file that is cut off for one that ends, wherever its format lets one tell.

use std::io::{self, BufRead, ErrorKind, Read};

use serde::{Deserialize, Serialize};

/// First bytes of a file that are looked at.
pub const HEAD_BYTES: usize = 16;
/// The most memory that an xz file may ask for (256 MiB; `xz -9` asks for 65).
const XZ_MEMORY_BYTES: u64 = 256 << 20;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// RFC 1952, of one member or many.
    Gzip,
    /// RFC 8878, of one frame or many.
    Zstd,
    /// bzip2, of one stream or many.
    Bzip2,
    /// xz, of one stream or many.
    Xz,
    /// lz4's frame format, of one frame or many; not the legacy format.
    Lz4,
    /// snappy's framing format.
    Snappy,
}

/// What the user says of the inputs' compression.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum CompressionChoice {
    /// Each input's first bytes tell.
    #[default]
    Auto,
    /// No input is compressed, whatever its first bytes are.
    None,
    /// All inputs are gzip.
    Gzip,
    /// All inputs are zstd.
    Zstd,
    /// All inputs are bzip2.
    Bzip2,
    /// All inputs are xz.
    Xz,
    /// All inputs are lz4 frames.
    Lz4,
    /// All inputs are framed snappy.
    Snappy,
}

impl Compression {
    /// The compression that a file's first bytes tell of.
    pub fn of(head: &[u8]) -> Option<Compression> {
        const BZIP2_BLOCK: &[u8] = b"\x31\x41\x59\x26\x53\x59";
        const BZIP2_END: &[u8] = b"\x17\x72\x45\x38\x50\x90";
        match head {
            [0x1f, 0x8b, 0x08, ..] => Some(Compression::Gzip),
            // The second is a skippable frame, with which files that several threads have compressed begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
            // Text may begin with these three letters, but not go on so.
            [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
                if rest.starts_with(BZIP2_BLOCK) || rest.starts_with(BZIP2_END) =>
            {
                Some(Compression::Bzip2)
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Compression::Lz4),
            [0xff, 0x06, 0, 0, b's', b'N', b'a', b'P', b'p', b'Y', ..] => Some(Compression::Snappy),
            _ => None,
        }
    }

    /// Its name, as `--input-compression` has it.
    pub fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
            Compression::Lz4 => "lz4",
            Compression::Snappy => "snappy",
        }
    }

    /// The decompressed bytes of `compressed`. An end of it in the middle is an error of the kind `UnexpectedEof`, except where the
    /// format cannot tell: between gzip's members, zstd's, lz4's and bzip2's frames, and anywhere between snappy's.
    ///
    /// # Errors
    /// The decompressor cannot be made.
    pub fn decoder(self, compressed: Box<dyn BufRead + Send>) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(compressed)),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(compressed)?),
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(compressed)),
            Compression::Xz => {
                let concatenated = liblzma::stream::CONCATENATED;
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY_BYTES, concatenated)?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(compressed, stream))
            }
            Compression::Lz4 => Box::new(Lz4Frames::new(compressed)),
            Compression::Snappy => Box::new(snap::read::FrameDecoder::new(compressed)),
        })
    }
}

impl std::fmt::Display for Compression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl CompressionChoice {
    /// How a file that begins with these bytes is compressed.
    pub fn of(self, head: &[u8]) -> Option<Compression> {
        match self {
            CompressionChoice::Auto => Compression::of(head),
            CompressionChoice::None => None,
            CompressionChoice::Gzip => Some(Compression::Gzip),
            CompressionChoice::Zstd => Some(Compression::Zstd),
            CompressionChoice::Bzip2 => Some(Compression::Bzip2),
            CompressionChoice::Xz => Some(Compression::Xz),
            CompressionChoice::Lz4 => Some(Compression::Lz4),
            CompressionChoice::Snappy => Some(Compression::Snappy),
        }
    }
}

/// lz4 frames, one after the other. The library stops at the end of each, and takes a file that is cut off between two blocks of a
/// frame for one that ends there; what it has tried to read tells the two apart.
struct Lz4Frames {
    frames: lz4_flex::frame::FrameDecoder<Watched>,
    /// Whether the last frame has ended.
    ended: bool,
}

/// Knows whether anything was asked for behind its end.
struct Watched {
    inner: Box<dyn BufRead + Send>,
    asked_behind_end: bool,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.asked_behind_end |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}

impl Lz4Frames {
    fn new(inner: Box<dyn BufRead + Send>) -> Self {
        let watched = Watched { inner, asked_behind_end: false };
        Lz4Frames { frames: lz4_flex::frame::FrameDecoder::new(watched), ended: false }
    }
}

impl Read for Lz4Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.ended {
            return Ok(0);
        }
        loop {
            let read = self.frames.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            let watched = self.frames.get_mut();
            if watched.asked_behind_end {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "a frame has no end"));
            }
            if watched.inner.fill_buf()?.is_empty() {
                self.ended = true;
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
