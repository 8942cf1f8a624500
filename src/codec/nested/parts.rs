//! Encoded values that are made of others, taken apart again: into the bytes of their parts, one level at a time. Converts nothing.

use super::super::vint;
use crate::schema::types::CqlType;

/// A part of a value: its type and its bytes, `None` where it is null.
pub(crate) type Part<'t, 'a> = (&'t CqlType, Option<&'a [u8]>);

/// The parts of a value of a type that is made of others, in their order (of a map: each key before its value); `None` where the bytes
/// are no such value, or the type is a native one.
pub(crate) fn parts<'t, 'a>(cql_type: &'t CqlType, bytes: &'a [u8]) -> Option<Vec<Part<'t, 'a>>> {
    match cql_type {
        CqlType::List(list) => counted(bytes, |_| &list.of, 1),
        CqlType::Set(set) => counted(bytes, |_| &set.of, 1),
        CqlType::Map(map) => counted(bytes, |at| if at % 2 == 0 { &map.key } else { &map.value }, 2),
        CqlType::Tuple(parts) => all(bytes, parts.iter()),
        CqlType::User(user) => all(bytes, user.fields.iter().map(|field| &field.cql_type)),
        CqlType::Vector(vector) => {
            let expected = usize::try_from(vector.dimensions).ok()?;
            let elements: Vec<_> = match vector.of.fixed_len() {
                Some(len) if len > 0 => bytes.chunks(len).collect(),
                _ => Varying::of(bytes).collect(),
            };
            (elements.len() == expected)
                .then(|| elements.into_iter().map(|element| (&*vector.of, Some(element))).collect())
        }
        _ => None,
    }
}

/// The parts of a collection, behind their number.
fn counted<'t, 'a>(
    bytes: &'a [u8],
    of: impl Fn(usize) -> &'t CqlType,
    per_entry: usize,
) -> Option<Vec<Part<'t, 'a>>> {
    let (count, _) = bytes.split_first_chunk::<4>()?;
    let expected = usize::try_from(u32::from_be_bytes(*count)).ok()?.checked_mul(per_entry)?;
    let parts: Vec<_> =
        Parts::counted(bytes).enumerate().map(|(at, part)| (of(at), part)).take(expected).collect();
    (parts.len() == expected).then_some(parts)
}

/// Those of a tuple, of which there may be fewer than the type has: fields that were added to it since are null.
fn all<'t, 'a>(bytes: &'a [u8], types: impl Iterator<Item = &'t CqlType>) -> Option<Vec<Part<'t, 'a>>> {
    let mut parts = Parts::all(bytes);
    let known = types.map(|of| (of, parts.next().flatten())).collect();
    parts.rest.is_empty().then_some(known)
}

/// Values behind their 32-bit lengths, null where that is negative.
#[derive(Debug, Clone)]
pub(super) struct Parts<'a> {
    rest: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Those of a tuple.
    pub(super) fn all(encoded: &'a [u8]) -> Self {
        Parts { rest: encoded }
    }

    /// Those of a collection, behind their number.
    pub(super) fn counted(encoded: &'a [u8]) -> Self {
        Parts { rest: encoded.get(4..).unwrap_or_default() }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let (len, after) = self.rest.split_first_chunk::<4>()?;
        let part = match usize::try_from(i32::from_be_bytes(*len)) {
            Ok(len) => {
                let (part, after) = after.split_at_checked(len)?;
                self.rest = after;
                Some(part)
            }
            Err(_) => {
                self.rest = after;
                None
            }
        };
        Some(part)
    }
}

/// The elements of a vector, each behind its length.
#[derive(Debug, Clone)]
pub(super) struct Varying<'a> {
    rest: &'a [u8],
}

impl<'a> Varying<'a> {
    pub(super) fn of(encoded: &'a [u8]) -> Self {
        Varying { rest: encoded }
    }
}

impl<'a> Iterator for Varying<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let (len, after) = vint::read(self.rest)?;
        let len = usize::try_from(len).ok()?;
        let (element, after) = after.split_at_checked(len)?;
        self.rest = after;
        Some(element)
    }
}
