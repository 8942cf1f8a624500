//! Inputs in encodings that are no supersets of ASCII: decoded to UTF-8 forwards, before anything else looks at them; and which
//! encoding each input is in. What is no character becomes a byte that no UTF-8 has, never U+FFFD, so that the record is rejected.

use std::io::{self, ErrorKind, Read};

use encoding_rs::{Decoder, DecoderResult};

use super::discover::InputFile;
use super::header::HeaderError;
use super::source::Source;
use crate::format::charset::{Charset, MALFORMED, MARK_BYTES};

/// Bytes decoded at once.
const ENCODED_BYTES: usize = 64 * 1024;

/// Settles how an input is decoded where `charset` is said of it, and its byte order mark is heard: one of UTF-16 is believed where nothing
/// else was said, and about the order of UTF-16's bytes. To be called before any of it is read.
///
/// # Errors
/// It cannot be read, or its byte order mark says that it is in another encoding.
pub fn settle_encoding(file: &mut InputFile, charset: Charset) -> Result<(), HeaderError> {
    let mut head = [0; MARK_BYTES];
    let read = Source::open(file)?.read_up_to(&mut head, 0)?;
    let mark = Charset::of_mark(head.get(..read).unwrap_or_default());
    let decoding = match mark {
        Some(mark) if mark.is_utf16() && (charset.is_utf8() || charset.is_utf16()) => Some(mark),
        Some(mark) if mark != charset => {
            let (path, mark, encoding) = (file.path.clone(), mark.name(), charset.name());
            return Err(HeaderError::OtherMark { path, mark, encoding });
        }
        _ => Some(charset).filter(|charset| charset.is_decoded_first()),
    };
    file.decoding = decoding;
    if let (Some(charset), Some(pipe)) = (decoding, &file.pipe) {
        pipe.decode(charset);
    }
    Ok(())
}

/// A stream, decoded.
pub struct Decoded {
    encoded: Box<dyn Read + Send>,
    decoder: Decoder,
    input: Vec<u8>,
    /// What is decoded, and how much of that is read.
    text: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl Decoded {
    /// A stream in this encoding.
    pub fn new(encoded: Box<dyn Read + Send>, charset: Charset) -> Self {
        let (decoder, input) = (charset.decoder(), vec![0; ENCODED_BYTES]);
        Decoded { encoded, decoder, input, text: Vec::new(), taken: 0, ended: false }
    }

    /// Decodes what comes next in place of what is there.
    fn refill(&mut self) -> io::Result<()> {
        let read = loop {
            match self.encoded.read(&mut self.input) {
                Ok(read) => break read,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        };
        self.ended = read == 0;
        (self.taken, self.text) = (0, std::mem::take(&mut self.text));
        self.text.clear();
        let mut input = self.input.get(..read).unwrap_or_default();
        loop {
            let start = self.text.len();
            let room = self.decoder.max_utf8_buffer_length_without_replacement(input.len());
            self.text.resize(start + room.unwrap_or(4 * ENCODED_BYTES), 0);
            let free = self.text.get_mut(start..).unwrap_or_default();
            let (result, used, written) =
                self.decoder.decode_to_utf8_without_replacement(input, free, self.ended);
            self.text.truncate(start + written);
            input = input.get(used..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => (),
                DecoderResult::Malformed(..) => self.text.push(MALFORMED),
            }
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What is read may be a part of a character, of which nothing comes out yet.
        while self.taken == self.text.len() && !self.ended {
            self.refill()?;
        }
        let text = self.text.get(self.taken..).unwrap_or_default();
        let len = text.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..len), text.get(..len)) {
            to.copy_from_slice(from);
        }
        self.taken += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::compression::tests::compress;
    use crate::plan::compression::{Compression, CompressionChoice};
    use crate::plan::discover::discover;
    use crate::plan::pipe::SharedPipe;

    /// Hands out few bytes at a time.
    struct Dripping(Vec<u8>, usize);

    impl Read for Dripping {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(buffer.len()).min(self.0.len());
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0.drain(..len);
            Ok(len)
        }
    }

    /// However few bytes come at a time.
    fn check(label: &str, encoded: &[u8], expected: &[u8]) {
        for at_once in [1, 2, 3, 5, 1 << 20] {
            let drips = Box::new(Dripping(encoded.to_vec(), at_once));
            let mut found = Vec::new();
            Decoded::new(drips, label.parse().unwrap()).read_to_end(&mut found).unwrap();
            assert!(found == expected, "{label}, {at_once} at once: {:?}", String::from_utf8_lossy(&found));
        }
    }

    fn utf16le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn every_encoding_becomes_utf8_whatever_the_pieces_are() {
        let text = "id,note\n1,\"日本, ソ\"\r\n2,🎉\n";
        check("utf-16le", &utf16le(text), text.as_bytes());
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        check("utf-16be", &be, text.as_bytes());
        // In Shift_JIS the second byte of this character is a backslash, in GBK that of this one a bar.
        check("shift_jis", b"\x83\x5c,\x93\xfa\n", "ソ,日\n".as_bytes());
        let (wide, ..) = encoding_rs::GBK.decode(b"\x81\x7c");
        assert_eq!(wide.chars().count(), 1);
        check("gbk", b"\x81\x7c|\x80\n", format!("{wide}|€\n").as_bytes());
        check("gb18030", b"\x81\x30\x81\x30,\x84\x31\xa4\x37", "\u{80},\u{fffd}".as_bytes());
        check("iso-2022-jp", b"\x1b$B$\"\x1b(B,a\n", "あ,a\n".as_bytes());
        check("utf-16le", b"\xff\xfea\0", b"\xef\xbb\xbfa");
        let long = "ö🎉x".repeat(40_000);
        let mut found = Vec::new();
        Decoded::new(Box::new(io::Cursor::new(utf16le(&long))), Charset::UTF_16LE)
            .read_to_end(&mut found)
            .unwrap();
        assert!(found == long.as_bytes());
    }

    #[test]
    fn what_is_no_character_is_marked_and_takes_no_structure_with_it() {
        // A surrogate without its other half, before a comma and at the end, and half a unit at the end.
        check("utf-16le", b"\0\xd8,\0b\0\0\xdc", b"\xff,b\xff");
        check("utf-16le", b"a\0\0\xd8", b"a\xff");
        check("utf-16le", b"a\0,\0b", b"a,\xff");
        // The first half of a character before a quote, a line end, and at the end.
        check("shift_jis", b"\"\x81\"\x81\n\xfd\x81", b"\"\xff\"\xff\n\xff\xff");
        check("gb18030", b"\xff,\x81", b"\xff,\xff");
    }

    /// The encoding that a file of these bytes is decoded from, and what is read of it.
    fn settled(bytes: &[u8], label: &str) -> Result<(Option<Charset>, Vec<u8>), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.csv");
        let charset: Charset = label.parse().unwrap();
        let mut found = None;
        for content in [bytes.to_vec(), compress(Compression::Zstd, bytes)] {
            std::fs::write(&path, &content).unwrap();
            let mut file = discover(std::slice::from_ref(&path)).unwrap().remove(0);
            let mut piped = InputFile {
                pipe: Some(SharedPipe::new(io::Cursor::new(content), CompressionChoice::Auto).unwrap()),
                path: "-".into(),
                ..file.clone()
            };
            for file in [&mut file, &mut piped] {
                let said = |error: HeaderError| error.to_string().split_once(": ").unwrap().1.to_owned();
                let outcome = settle_encoding(file, charset).map_err(said).map(|()| {
                    let mut text = vec![0; 100];
                    let read = Source::open(file).unwrap().read_up_to(&mut text, 0).unwrap();
                    (file.decoding, text[..read].to_vec())
                });
                assert_eq!(found.get_or_insert_with(|| outcome.clone()), &outcome);
            }
        }
        found.unwrap()
    }

    #[test]
    fn a_mark_of_utf16_is_believed_and_another_than_was_said_is_refused() {
        let (le, be) = (Charset::UTF_16LE, Charset::UTF_16BE);
        let fixture = settled(include_bytes!("../../fixtures/csv/utf16.csv"), "utf-8").unwrap();
        assert_eq!(fixture.0, Some(le));
        assert!(fixture.1.starts_with("\u{feff}id\n1\n".as_bytes()), "{fixture:?}");
        let marked = b"\xef\xbb\xbfa".to_vec();
        for label in ["utf-8", "utf-16", "utf-16be"] {
            assert_eq!(settled(b"\xff\xfea\0", label), Ok((Some(le), marked.clone())), "{label}");
            assert_eq!(settled(b"\xfe\xff\0a", label), Ok((Some(be), marked.clone())), "{label}");
        }
        assert_eq!(settled(b"a\0", "utf-16"), Ok((Some(le), b"a".to_vec())));
        assert_eq!(settled(b"\0a", "utf-16be"), Ok((Some(be), b"a".to_vec())));
        assert_eq!(settled(b"\xef\xbb\xbfa", "utf-8"), Ok((None, marked)));
        assert_eq!(settled(b"a,b", "latin1"), Ok((None, b"a,b".to_vec())));
        assert_eq!(settled(b"", "shift_jis").unwrap().1, b"");
        let said = |mark: &str, other: &str| {
            format!("begins with the byte order mark of {mark}, so it is not {other}: leave out --encoding")
        };
        assert_eq!(settled(b"\xff\xfea\0", "latin1"), Err(said("UTF-16LE", "windows-1252")));
        assert_eq!(settled(b"\xef\xbb\xbfa", "shift_jis"), Err(said("UTF-8", "Shift_JIS")));
        assert_eq!(settled(b"\xef\xbb\xbfa", "utf-16"), Err(said("UTF-8", "UTF-16LE")));
    }
}
