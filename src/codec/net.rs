//! inet (4 or 16 bytes, network order), uuid and timeuuid (16 bytes, RFC 9562).

use std::net::IpAddr;

use super::{CodecError, hex};
use crate::reject::RejectCode;

const NOT_A_UUID: CodecError = CodecError::new(
    RejectCode::InvalidUuid,
    "not a UUID: write 32 hexadecimal digits, as 8-4-4-4-12 or without hyphens",
);

/// Where the digit pairs of a UUID in its 8-4-4-4-12 form stand.
const PAIRS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// Appends a CQL inet (CQL binary protocol v4, section 6).
pub(super) fn inet(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    const INVALID: CodecError = CodecError::new(
        RejectCode::InvalidInet,
        "not an IP address: write one such as 192.0.2.1 or 2001:db8::1, without port, prefix or zone",
    );
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(CodecError::empty(RejectCode::InvalidInet));
    }
    match std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(INVALID)? {
        IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
        // As the server reads `::ffff:192.0.2.1` in a literal, so that the row is found by it.
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => out.extend_from_slice(&mapped.octets()),
            None => out.extend_from_slice(&address.octets()),
        },
    }
    Ok(())
}

/// Appends a CQL uuid (CQL binary protocol v4, section 6) of any version.
pub(super) fn uuid(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    let bytes = match hyphenated(text) {
        Some(bytes) => bytes,
        None => any_uuid(text)?,
    };
    out.extend_from_slice(&bytes);
    Ok(())
}

/// Appends a CQL timeuuid (CQL binary protocol v4, section 6): a UUID of version 1, as the server checks.
pub(super) fn timeuuid(text: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
    const NOT_VERSION_1: CodecError = CodecError::new(
        RejectCode::InvalidUuid,
        "a UUID, but not of version 1, which timeuuid must be: load it into a uuid column",
    );
    let bytes = match hyphenated(text) {
        Some(bytes) => bytes,
        None => any_uuid(text)?,
    };
    if bytes[6] >> 4 != 1 {
        return Err(NOT_VERSION_1);
    }
    out.extend_from_slice(&bytes);
    Ok(())
}

/// The usual form, with nothing around it. `None` is for [`any_uuid`] to judge.
#[inline]
pub(super) fn hyphenated(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != [b'-'; 4] {
        return None;
    }
    let mut bytes = [0; 16];
    let mut invalid = 0;
    for (byte, at) in bytes.iter_mut().zip(PAIRS) {
        *byte = hex::pair_or(text[at], text[at + 1], &mut invalid);
    }
    if hex::is_invalid(invalid) { None } else { Some(bytes) }
}

/// Whether a text is a UUID in any of the accepted forms.
pub(super) fn is_uuid(text: &[u8]) -> bool {
    any_uuid(text).is_ok()
}

/// A UUID in any of the accepted forms.
#[cold]
pub(super) fn any_uuid(text: &[u8]) -> Result<[u8; 16], CodecError> {
    let text = text.trim_ascii();
    // The library also takes braces and URNs, which are of other lengths.
    match text.len() {
        0 => Err(CodecError::empty(RejectCode::InvalidUuid)),
        32 | 36 => uuid::Uuid::try_parse_ascii(text).map(uuid::Uuid::into_bytes).map_err(|_| NOT_A_UUID),
        _ => Err(NOT_A_UUID),
    }
}
