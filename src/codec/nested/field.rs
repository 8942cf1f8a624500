//! The fields of user types: their names, and their order, in which they need not come. Works on text and on bytes of our own making.

use std::borrow::Cow;

use super::NULL;
use super::flaw::Flaw;
use crate::reject::RejectCode;

/// A field's name as the server stores it: as everywhere in CQL it has small letters, unless it is in double quotes, which in a JSON
/// string are within it (`"\"Street\""` is what the server's `toJson` writes).
pub(super) fn stored_name(name: &[u8], is_bare: bool) -> Cow<'_, [u8]> {
    match name {
        [b'"', inner @ .., b'"'] if !is_bare => Cow::Borrowed(inner),
        _ if name.iter().any(u8::is_ascii_uppercase) => Cow::Owned(name.to_ascii_lowercase()),
        _ => Cow::Borrowed(name),
    }
}

/// Moves the field that begins at `value`, the last in `out`, back to its place among those of the user type that begins at `start`,
/// where there is a null.
pub(super) fn move_back(out: &mut Vec<u8>, start: usize, at: usize, value: usize) -> Result<(), Box<Flaw>> {
    let mut place = start;
    for _ in 0..at {
        let len = len_at(out, place);
        place += 4 + usize::try_from(len).unwrap_or(0);
    }
    if len_at(out, place) >= 0 {
        return Err(Flaw::new(RejectCode::UnknownField, "given twice: leave it once"));
    }
    let len = out.len() - value;
    if let Some(moved) = out.get_mut(place..) {
        moved.rotate_right(len);
    }
    out.drain(place + len..place + len + NULL.len());
    Ok(())
}

fn len_at(out: &[u8], at: usize) -> i32 {
    out.get(at..).and_then(|rest| rest.first_chunk()).map_or(-1, |len| i32::from_be_bytes(*len))
}
