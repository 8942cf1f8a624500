//! What the bytes of a file's texts mean. In UTF-8 and in encodings of one byte a character, all of them supersets of ASCII, the
//! characters that a file's structure is made of stand for themselves: such a file is split before it is decoded. Others are decoded
//! before anything else looks at them (`plan::decoding`): what is read of them is UTF-8, with [`MALFORMED`] where it could not be. Pure.

use std::borrow::Cow;
use std::str::{FromStr, from_utf8};

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memchr;
use serde::{Deserialize, Serialize};

/// What stands in decoded text for bytes that are no character of its encoding: a byte that is in no UTF-8, so that it is in no text by
/// right, and a field that has it is rejected. Never U+FFFD, which might be taken for data.
pub const MALFORMED: u8 = 0xff;

/// The first bytes of a file that say how it is encoded.
pub const MARK_BYTES: usize = 4;

/// The encoding of a file's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Charset(&'static Encoding);

/// Why an encoding cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CharsetError {
    /// Nobody knows it.
    #[error(
        "is no encoding: name one as browsers do, for example windows-1252, utf-16le, shift_jis or koi8-r"
    )]
    Unknown,
}

impl Charset {
    /// UTF-8, as it stands.
    pub const UTF_8: Charset = Charset(UTF_8);
    /// UTF-16 with the lower byte first, which is what UTF-16 is without a word on that.
    pub const UTF_16LE: Charset = Charset(UTF_16LE);
    /// UTF-16 with the higher byte first.
    pub const UTF_16BE: Charset = Charset(UTF_16BE);

    /// Its name in the Encoding Standard (<https://encoding.spec.whatwg.org/>), whose tables are meant.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether texts are not decoded at all.
    #[inline]
    pub fn is_utf8(self) -> bool {
        self == Charset::UTF_8
    }

    /// Whether a byte of a character may be another character by itself (in UTF-16, Shift_JIS, GBK ...), so that a file is decoded from
    /// its start before anything else.
    #[inline]
    pub fn is_decoded_first(self) -> bool {
        !self.is_utf8() && !self.0.is_single_byte()
    }

    /// Whether it is UTF-16, of which a file's mark may tell the order of bytes.
    pub fn is_utf16(self) -> bool {
        self == Charset::UTF_16LE || self == Charset::UTF_16BE
    }

    /// What decodes a file that is decoded first. A byte order mark becomes that of UTF-8.
    pub fn decoder(self) -> Decoder {
        self.0.new_decoder_without_bom_handling()
    }

    /// The encoding that a byte order mark tells of (Unicode 15.0, table 2-4), as far as it can be read: not UTF-32.
    pub fn of_mark(head: &[u8]) -> Option<Charset> {
        match head {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => None,
            [0xff, 0xfe, ..] => Some(Charset::UTF_16LE),
            [0xfe, 0xff, ..] => Some(Charset::UTF_16BE),
            [0xef, 0xbb, 0xbf, ..] => Some(Charset::UTF_8),
            _ => None,
        }
    }

    /// A text in UTF-8; UTF-8 itself is not looked at. `None`: a byte is no character.
    #[inline]
    pub fn decode(self, text: &[u8]) -> Option<Cow<'_, [u8]>> {
        if self.is_utf8() || text.is_ascii() {
            return Some(Cow::Borrowed(text));
        }
        if self.is_decoded_first() {
            return memchr(MALFORMED, text).is_none().then_some(Cow::Borrowed(text));
        }
        let text = self.0.decode_without_bom_handling_and_without_replacement(text)?;
        Some(Cow::Owned(text.into_owned().into_bytes()))
    }

    /// A text that is UTF-8 as it is found in a file that is read; `None` if it cannot be written in the encoding.
    pub fn encode(self, text: &[u8]) -> Option<Vec<u8>> {
        if self.is_decoded_first() {
            return Some(text.to_vec());
        }
        let (encoded, _, unmappable) = self.0.encode(from_utf8(text).ok()?);
        (!unmappable).then(|| encoded.into_owned())
    }
}

impl FromStr for Charset {
    type Err = CharsetError;

    fn from_str(label: &str) -> Result<Self, CharsetError> {
        let label = label.trim();
        // Browsers read windows-1252 where ASCII is said; a byte above 127 should not get a meaning that nobody gave it.
        if ["ascii", "us-ascii"].iter().any(|ascii| label.eq_ignore_ascii_case(ascii)) {
            return Ok(Charset::UTF_8);
        }
        // Browsers read nothing of some old encodings, whose names they know.
        Encoding::for_label_no_replacement(label.as_bytes()).map(Charset).ok_or(CharsetError::Unknown)
    }
}

impl TryFrom<String> for Charset {
    type Error = CharsetError;

    fn try_from(name: String) -> Result<Self, CharsetError> {
        name.parse()
    }
}

impl From<Charset> for String {
    fn from(charset: Charset) -> String {
        charset.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(label: &str, bytes: &[u8], expected: Option<&str>) {
        let charset: Charset = label.parse().unwrap();
        let decoded = charset.decode(bytes).map(|text| String::from_utf8(text.into_owned()).unwrap());
        assert_eq!(decoded.as_deref(), expected, "{label}");
        if let Some(text) = expected {
            assert_eq!(charset.encode(text.as_bytes()).as_deref(), Some(bytes), "{label}");
        }
        let message = serde_json::to_string(&charset).unwrap();
        assert_eq!(serde_json::from_str::<Charset>(&message).unwrap(), charset);
    }

    #[test]
    fn encodings_of_one_byte_a_character_are_decoded() {
        check("latin1", b"caf\xe9 \x80", Some("café €"));
        check(" Windows-1252 ", b"\xa7", Some("§"));
        check("iso-8859-2", b"\xa3\xf3d\xbc", Some("Łódź"));
        check("cp1251", b"\xcc\xe8\xf0", Some("Мир"));
        check("koi8-r", b"\xed\xc9\xd2", Some("Мир"));
        check("windows-1253", b"\xd2", None);
        check("utf8", "é".as_bytes(), Some("é"));
        check("ASCII", b"a", Some("a"));
        assert_eq!("iso-8859-1".parse::<Charset>().unwrap().encode("Ł".as_bytes()), None);
    }

    #[test]
    fn every_encoding_that_is_taken_leaves_ascii_what_it_is() {
        let ascii: Vec<u8> = (0..0x80).collect();
        let labels =
            ["ibm866", "iso-8859-16", "macintosh", "windows-874", "windows-1258", "x-mac-cyrillic", "koi8-u"];
        for label in labels.into_iter().chain(["x-user-defined", "iso-8859-8-i"]) {
            let Charset(encoding) = label.parse().unwrap();
            // Not by our own short cut for ASCII.
            assert_eq!(encoding.decode_without_bom_handling(&ascii).0.as_bytes(), ascii, "{label}");
            let is_one = |byte: u8| encoding.decode_without_bom_handling(&[byte]).0.chars().count() == 1;
            assert!((0x80..=0xff).all(is_one), "{label}");
        }
    }

    #[test]
    fn of_other_encodings_texts_are_utf8_but_for_what_could_not_be_decoded() {
        let labels =
            ["utf-16", "utf-16be", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "iso-2022-jp"];
        for label in labels {
            let charset: Charset = label.parse().unwrap();
            assert!(charset.is_decoded_first() && !charset.is_utf8(), "{label}");
            check(label, "日本".as_bytes(), Some("日本"));
            assert_eq!(charset.decode(b"a\xffb"), None);
        }
        assert_eq!("utf-16".parse::<Charset>(), Ok(Charset::UTF_16LE));
        assert!(
            !Charset::UTF_8.is_decoded_first() && !"latin1".parse::<Charset>().unwrap().is_decoded_first()
        );
        // "iso-2022-kr" is known to browsers as one that they refuse.
        for label in ["klingon", "iso-2022-kr", "utf-32", "utf-7", ""] {
            assert_eq!(label.parse::<Charset>(), Err(CharsetError::Unknown), "{label}");
        }
    }

    #[test]
    fn a_byte_order_mark_tells_the_encoding() {
        for (head, expected) in [
            (&b"\xff\xfea\0"[..], Some(Charset::UTF_16LE)),
            (b"\xfe\xff\0a", Some(Charset::UTF_16BE)),
            (b"\xff\xfe", Some(Charset::UTF_16LE)),
            (b"\xef\xbb\xbfa", Some(Charset::UTF_8)),
            (b"\xff\xfe\0\0", None),
            (b"\0\0\xfe\xff", None),
            (b"\xef\xbb", None),
            (b"", None),
        ] {
            assert_eq!(Charset::of_mark(head), expected, "{head:?}");
        }
    }
}
