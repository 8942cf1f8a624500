//! The line `sep=;` with which spreadsheets begin files: it says what stands between fields, and is no record. Pure.

use super::dialect::Delimiter;

/// What such a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeparatorLine {
    /// What stands between fields.
    pub delimiter: Delimiter,
    /// Bytes of the line, with its end.
    pub len: usize,
}

impl SeparatorLine {
    /// The line that a file begins with, behind its byte order mark; `None` where it begins with something else.
    pub fn of(bytes: &[u8]) -> Option<SeparatorLine> {
        let end = bytes.iter().take(LINE_BYTES_MAX).position(|byte| matches!(byte, b'\r' | b'\n'))?;
        let (line, rest) = bytes.split_at(end);
        let end_len = if rest.starts_with(b"\r\n") { 2 } else { 1 };
        // Some stand in quotes.
        let said = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
        let (word, said) = said.split_at_checked(WORD.len())?;
        // One character, of whatever length it is.
        let is_one = std::str::from_utf8(said).is_ok_and(|said| said.chars().count() == 1);
        let delimiter = Delimiter::new(said).filter(|_| is_one && word.eq_ignore_ascii_case(WORD))?;
        Some(SeparatorLine { delimiter, len: line.len() + end_len })
    }
}

const WORD: &[u8] = b"sep=";
/// The line has no more: the word, a character and quotes.
const LINE_BYTES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_says_what_stands_between_fields_is_told_from_data() {
        let check = |text: &str, expected: Option<(&str, usize)>| {
            let found = SeparatorLine::of(text.as_bytes());
            let found = found.as_ref().map(|line| (line.delimiter.as_bytes(), line.len));
            assert_eq!(found, expected.map(|(delimiter, len)| (delimiter.as_bytes(), len)), "{text:?}");
        };
        check("sep=;\r\nid;v\n", Some((";", 7)));
        check("SEP=\t\nid", Some(("\t", 6)));
        check("\"sep=,\"\rid", Some((",", 8)));
        check("sep=§\n", Some(("§", 7)));
        check("sep=;;\nid", None);
        check("sep=\nid", None);
        check("sep=a,b\n", None);
        check("sepp;\n", None);
        check("sep=;", None);
        check("", None);
        check("id\nsep=;\n", None);
    }
}
