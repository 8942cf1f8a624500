//! Every compression with data that are whole, in several parts, cut off at any byte, and damaged at any byte.

use std::io::Write;

use super::*;

pub(crate) const ALL: [Compression; 6] = [
    Compression::Gzip,
    Compression::Zstd,
    Compression::Bzip2,
    Compression::Xz,
    Compression::Lz4,
    Compression::Snappy,
];

/// `bytes`, compressed.
pub(crate) fn compress(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    fn written<W: Write>(mut to: W, bytes: &[u8]) -> W {
        to.write_all(bytes).unwrap();
        to
    }
    match compression {
        Compression::Gzip => {
            let to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            written(to, bytes).finish().unwrap()
        }
        Compression::Zstd => {
            let mut to = zstd::stream::write::Encoder::new(Vec::new(), 0).unwrap();
            to.include_checksum(true).unwrap();
            written(to, bytes).finish().unwrap()
        }
        Compression::Bzip2 => {
            let to = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
            written(to, bytes).finish().unwrap()
        }
        Compression::Xz => written(liblzma::write::XzEncoder::new(Vec::new(), 1), bytes).finish().unwrap(),
        Compression::Lz4 => {
            use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
            let info = FrameInfo::new().block_size(BlockSize::Max64KB).content_checksum(true);
            written(FrameEncoder::with_frame_info(info, Vec::new()), bytes).finish().unwrap()
        }
        Compression::Snappy => {
            written(snap::write::FrameEncoder::new(Vec::new()), bytes).into_inner().unwrap()
        }
    }
}

/// Records that compress about as real ones do.
pub(crate) fn records(count: u64) -> Vec<u8> {
    let mut bytes = b"id,note\n".to_vec();
    for id in 0..count {
        writeln!(bytes, "{id},note {:x}", id.wrapping_mul(0x9E37_79B9_7F4A_7C15)).unwrap();
    }
    bytes
}

fn decompress(compression: Compression, compressed: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let compressed = Box::new(io::Cursor::new(compressed.to_vec()));
    compression.decoder(compressed)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn each_compression_is_known_by_its_first_bytes() {
    for compression in ALL {
        for bytes in [&b""[..], b"id\n1\n"] {
            let compressed = compress(compression, bytes);
            // Framed snappy of nothing is nothing.
            let expected = (!compressed.is_empty()).then_some(compression);
            assert_eq!(Compression::of(&compressed), expected);
            assert_eq!(CompressionChoice::Auto.of(&compressed), expected);
            assert_eq!(CompressionChoice::None.of(&compressed), None);
        }
    }
    for text in [&b""[..], b"BZh9,note\n", b"BZh\n", b"\xef\xbb\xbfid", b"(\xb5/\n", b"\x1f", b"\xfd7zXZ"] {
        assert_eq!(CompressionChoice::Auto.of(text), None, "{text:?}");
    }
}

#[test]
fn what_was_chosen_is_believed() {
    assert_eq!(CompressionChoice::Zstd.of(b"id\n"), Some(Compression::Zstd));
    assert_eq!(CompressionChoice::Gzip.of(b"PK\x03\x04"), Some(Compression::Gzip));
}

#[test]
fn all_bytes_come_back() {
    // More than a block of any of them.
    for bytes in [Vec::new(), b"id\n1\n".to_vec(), records(40_000)] {
        for compression in ALL {
            let found = decompress(compression, &compress(compression, &bytes)).unwrap();
            assert!(found == bytes, "{compression}: {} of {} bytes", found.len(), bytes.len());
        }
    }
}

#[test]
fn files_of_several_parts_are_read_whole() {
    let (first, second) = (records(5_000), records(9_000));
    for compression in ALL {
        let mut parts = compress(compression, &first);
        parts.extend(compress(compression, b""));
        parts.extend(compress(compression, &second));
        let found = decompress(compression, &parts).unwrap();
        assert!(found == [&first[..], &second].concat(), "{compression}: {} bytes", found.len());
    }
}

#[test]
fn data_that_are_cut_off_anywhere_are_no_data_that_end() {
    let bytes = records(6_000);
    for compression in ALL {
        let whole = compress(compression, &bytes);
        let mut quiet = 0;
        let step = (whole.len() / 20).max(1);
        // Every byte at both ends, where heads and checksums are, and some between.
        let near_ends = |cut: &usize| *cut < 30 || whole.len() - *cut < 20 || cut.is_multiple_of(step);
        for cut in (1..whole.len()).filter(near_ends) {
            match decompress(compression, &whole[..cut]) {
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData),
                    "{compression} cut at {cut}: {error:?}"
                ),
                // Snappy has no end, only frames.
                Ok(found) => {
                    assert!(bytes.starts_with(&found) && compression == Compression::Snappy, "{cut}");
                    quiet += 1;
                }
            }
        }
        assert!(quiet < 10, "{compression}: {quiet}");
    }
}

#[test]
fn an_lz4_frame_that_is_cut_off_between_two_blocks_is_cut_off() {
    let bytes = records(10_000);
    let whole = compress(Compression::Lz4, &bytes);
    // Magic number, descriptor and its check byte; then each block's length before it.
    let (mut at, mut cuts) = (7, 0);
    loop {
        let len = u32::from_le_bytes(whole[at..at + 4].try_into().unwrap());
        if len == 0 {
            break;
        }
        let error = decompress(Compression::Lz4, &whole[..at]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "cut at {at}");
        at += 4 + (len & 0x7fff_ffff) as usize;
        cuts += 1;
    }
    assert!(cuts > 3, "{cuts} blocks");
}

#[test]
fn a_bit_that_is_wrong_is_seen() {
    let bytes = records(500);
    for compression in ALL {
        let whole = compress(compression, &bytes);
        let step = (whole.len() / 50).max(1);
        for at in (0..whole.len()).step_by(step) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            // Some bits say nothing of the data: gzip's time and system, for example.
            if let Ok(found) = decompress(compression, &damaged) {
                assert!(found == bytes, "{compression}: a wrong bit at {at} changed the data");
            }
        }
    }
}

#[test]
fn what_follows_compressed_data_and_is_none_is_an_error() {
    for compression in ALL {
        let mut bytes = compress(compression, b"id\n1\n");
        bytes.extend_from_slice(b"2\n3\n4\n5\n6\n7\n8\n9\n");
        assert!(decompress(compression, &bytes).is_err(), "{compression}");
    }
}
