//! What the bytes of a file's texts mean: UTF-8, or an encoding of one byte a character in which ASCII is ASCII. In all of these the
//! characters that a file's structure is made of stand for themselves, so that a file is split before it is decoded. Pure.

use std::borrow::Cow;
use std::str::{FromStr, from_utf8};

use encoding_rs::{Encoding, UTF_8};
use serde::{Deserialize, Serialize};

/// The encoding of a file's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Charset(&'static Encoding);

/// Why an encoding cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CharsetError {
    /// Nobody knows it.
    #[error("is no encoding: name one as browsers do, for example windows-1252, iso-8859-2 or koi8-r")]
    Unknown,
    /// A part of one of its characters may look like ASCII.
    #[error(
        "is not split exactly, as UTF-8 and encodings of one byte a character are: convert the files, as in \
         iconv -f {name} -t UTF-8 in.csv > utf8.csv"
    )]
    Wide {
        /// Its name.
        name: &'static str,
    },
}

impl Charset {
    /// UTF-8, as it stands.
    pub const UTF_8: Charset = Charset(UTF_8);

    /// Its name in the Encoding Standard (<https://encoding.spec.whatwg.org/>), whose tables are meant.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether texts are not decoded at all.
    #[inline]
    pub fn is_utf8(self) -> bool {
        self == Charset::UTF_8
    }

    /// A text in UTF-8; UTF-8 itself is not looked at. `None`: a byte is no character.
    #[inline]
    pub fn decode(self, text: &[u8]) -> Option<Cow<'_, [u8]>> {
        if self.is_utf8() || text.is_ascii() {
            return Some(Cow::Borrowed(text));
        }
        let text = self.0.decode_without_bom_handling_and_without_replacement(text)?;
        Some(Cow::Owned(text.into_owned().into_bytes()))
    }

    /// A text that is UTF-8 in this encoding; `None` if it cannot be written in it.
    pub fn encode(self, text: &[u8]) -> Option<Vec<u8>> {
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
        let encoding = Encoding::for_label(label.as_bytes()).ok_or(CharsetError::Unknown)?;
        if encoding == UTF_8 || encoding.is_single_byte() {
            return Ok(Charset(encoding));
        }
        Err(CharsetError::Wide { name: encoding.name() })
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
    fn encodings_of_which_a_part_of_a_character_may_look_like_ascii_are_refused() {
        for label in
            ["utf-16", "utf-16be", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "iso-2022-jp"]
        {
            let error = label.parse::<Charset>().unwrap_err();
            assert!(matches!(error, CharsetError::Wide { .. }), "{label}: {error}");
        }
        let said = "sjis".parse::<Charset>().unwrap_err().to_string();
        assert!(said.ends_with("iconv -f Shift_JIS -t UTF-8 in.csv > utf8.csv"), "{said}");
        assert_eq!("klingon".parse::<Charset>(), Err(CharsetError::Unknown));
    }
}
