//! Compressed copies of files, by every compression.

use std::io::Write;
use std::path::PathBuf;

use super::scratch::Scratch;

/// Every compression, by the name that `--input-compression` has for it.
pub(crate) const ALL: [&str; 6] = ["gzip", "zstd", "bzip2", "xz", "lz4", "snappy"];

/// `bytes`, compressed, with checksums as the programs of the same names have them.
pub(crate) fn pack(compression: &str, bytes: &[u8]) -> Vec<u8> {
    fn written<W: Write>(mut to: W, bytes: &[u8]) -> W {
        to.write_all(bytes).expect("memory takes it");
        to
    }
    let packed = match compression {
        "gzip" => {
            written(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()), bytes).finish()
        }
        "zstd" => {
            let mut to = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
            to.include_checksum(true).expect("an encoder");
            written(to, bytes).finish()
        }
        "bzip2" => {
            written(bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast()), bytes).finish()
        }
        "xz" => written(liblzma::write::XzEncoder::new(Vec::new(), 0), bytes).finish(),
        "lz4" => {
            let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
            let to = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            return written(to, bytes).finish().expect("lz4");
        }
        "snappy" => {
            return written(snap::write::FrameEncoder::new(Vec::new()), bytes).into_inner().expect("snappy");
        }
        other => panic!("{other}"),
    };
    packed.expect("compressed data")
}

/// Writes a compressed file; its name does not tell how.
pub(crate) fn write(scratch: &Scratch, name: &str, compression: &str, bytes: &[u8]) -> PathBuf {
    scratch.write(name, pack(compression, bytes))
}
