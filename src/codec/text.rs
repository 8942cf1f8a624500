//! ascii, text (UTF-8, as it stands), blob (`0x` and hexadecimal digits) and boolean (one byte).

use super::{CodecError, hex};
use crate::reject::RejectCode;

/// Appends a CQL ascii (CQL binary protocol v4, section 6): the bytes as they are, white space included.
pub(super) fn ascii(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    if !text.is_ascii() {
        return Err(CodecError::new(
            RejectCode::InvalidAscii,
            "has a byte above 127, which ascii cannot hold: load it into a text column",
        ));
    }
    out.extend_from_slice(text);
    Ok(())
}

/// Appends a CQL text (CQL binary protocol v4, section 6): the bytes as they are, white space included.
pub(super) fn text(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    if std::str::from_utf8(text).is_err() {
        return Err(CodecError::new(
            RejectCode::InvalidUtf8,
            "not UTF-8: name the file's encoding with --encoding, or load the field as 0x-hexadecimal into a blob",
        ));
    }
    out.extend_from_slice(text);
    Ok(())
}

/// Appends a CQL blob (CQL binary protocol v4, section 6). Both `0x` and the empty text are the empty blob.
pub(super) fn blob(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    const INVALID: CodecError = CodecError::new(
        RejectCode::InvalidBlob,
        "not a blob: write 0x and an even number of hexadecimal digits, such as 0xcafe",
    );
    if text.is_empty() {
        return Ok(());
    }
    let [b'0', b'x' | b'X', digits @ ..] = text.trim_ascii() else {
        return Err(INVALID);
    };
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(INVALID);
    }
    out.reserve(pairs.len());
    for pair in pairs {
        if let &[high, low] = pair {
            out.push(hex::pair(high, low).ok_or(INVALID)?);
        }
    }
    Ok(())
}

/// Appends a CQL boolean (CQL binary protocol v4, section 6).
pub(super) fn boolean(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    const INVALID: CodecError = CodecError::new(
        RejectCode::InvalidBoolean,
        "not a boolean: write true or false (also t/f, yes/no, y/n, on/off, 1/0), or name your words with --booleans",
    );
    let text = text.trim_ascii();
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    let value = if is(&["true", "t", "1", "yes", "y", "on"]) {
        1
    } else if is(&["false", "f", "0", "no", "n", "off"]) {
        0
    } else if text.is_empty() {
        return Err(CodecError::empty(RejectCode::InvalidBoolean));
    } else {
        return Err(INVALID);
    };
    out.push(value);
    Ok(())
}
