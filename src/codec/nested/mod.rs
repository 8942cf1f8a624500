//! Values that are made of others, from JSON or CQL notation straight to bytes: lists, sets, maps, tuples, user types and vectors.
//! The type says what may stand where, so both notations are read by one grammar, the depth of the recursion is the type's, and no
//! tree is built. What is inside goes through the codecs of the native types; `order` brings sets and maps into the server's
//! order; `flaw` says where inside a cell something is wrong.
//!
//! Advice to whoever changes this: `Reader::value` appends a value without its length and may leave a part of it behind when it
//! fails; the caller cuts it off.

mod canonical;
mod field;
mod flaw;
mod input;
mod order;
mod parts;

#[cfg(test)]
mod tests;

use super::forms::Place;
use super::{CodecOptions, scalar, vint};
use crate::codec::row::ROW_BYTES_MAX;
use crate::reject::RejectCode;
use crate::schema::types::{CqlType, Entries, UserType, Vector};
pub(crate) use canonical::{canonical, is_kept_as_null};
use field::{move_back, stored_name};
pub use flaw::Flaw;
use flaw::{Step, flawed};
use input::{Input, is_json_word};
use order::Keys;
pub(crate) use parts::parts;

/// The length that says null (CQL binary protocol v4, section 3, `[bytes]`).
const NULL: [u8; 4] = (-1i32).to_be_bytes();

/// Appends the bytes of a cell as a value of a type that is made of others (CQL binary protocol v4, section 6; vectors as in
/// `VectorType` of Cassandra 5), without a length.
///
/// # Errors
/// The cell is no such value; `out` may then hold a part of it.
pub(super) fn encode(
    cql_type: &CqlType,
    cell: &[u8],
    options: &CodecOptions,
    out: &mut Vec<u8>,
) -> Result<(), Box<Flaw>> {
    let len_max = out.len().saturating_add(ROW_BYTES_MAX);
    whole(Input::new(cell), cql_type, options, len_max, out)
}

/// All of `input` as one value.
fn whole(
    input: Input<'_>,
    cql_type: &CqlType,
    options: &CodecOptions,
    len_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), Box<Flaw>> {
    let mut reader = Reader { input, options, len_max };
    reader.input.skip_space();
    reader.value(cql_type, false, out)?;
    reader.input.skip_space();
    if reader.input.is_empty() {
        return Ok(());
    }
    Err(flawed(format!("text behind the end of the {}: take it away", cql_type.name()))
        .of(reader.input.rest()))
}

struct Reader<'t, 'o> {
    input: Input<'t>,
    options: &'o CodecOptions,
    /// No more is appended than to here: a few characters can stand for many bytes.
    len_max: usize,
}

type Read = Result<(), Box<Flaw>>;

impl<'t> Reader<'t, '_> {
    /// A value of any type. As a key it ends at a colon.
    fn value(&mut self, cql_type: &CqlType, is_key: bool, out: &mut Vec<u8>) -> Read {
        match cql_type {
            CqlType::List(list) => self.list(&list.of, out),
            CqlType::Set(set) => self.set(&set.of, out),
            CqlType::Map(map) => self.map(map, out),
            CqlType::Tuple(parts) => self.tuple(parts, out),
            CqlType::User(user) => self.user(user, out),
            CqlType::Vector(vector) => self.vector(vector, out),
            native => self.native(native, is_key, out),
        }
    }

    /// A value behind its 32-bit length.
    fn sized(&mut self, cql_type: &CqlType, is_key: bool, out: &mut Vec<u8>) -> Read {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        self.value(cql_type, is_key, out)?;
        let len = out.len() - start - 4;
        set_len(out, start, len);
        self.check_len(out)
    }

    fn check_len(&self, out: &[u8]) -> Read {
        if out.len() <= self.len_max {
            return Ok(());
        }
        Err(Flaw::new(
            RejectCode::ValueTooLarge,
            "more than 15 MiB as a value, which the server does not take in one write: shorten it",
        ))
    }

    fn list(&mut self, of: &CqlType, out: &mut Vec<u8>) -> Read {
        self.open(b'[', "a list such as [1, 2]")?;
        let start = begin_count(out);
        let count = self
            .items(b']', |reader, at| reader.element(of, out).map_err(|flaw| flaw.at(Step::Element(at))))?;
        set_len(out, start, count);
        Ok(())
    }

    fn set(&mut self, of: &CqlType, out: &mut Vec<u8>) -> Read {
        let close = self.open_either([(b'[', b']'), (b'{', b'}')], "a set such as [1, 2] or {1, 2}")?;
        let start = begin_count(out);
        let mut keys = Keys::of(of);
        let count = self.items(close, |reader, at| {
            let key = out.len();
            reader.element(of, out).map_err(|flaw| flaw.at(Step::Element(at)))?;
            keys.note(out, key + 4..out.len());
            Ok(())
        })?;
        set_len(out, start, count);
        keys.finish(out, start, 1);
        Ok(())
    }

    /// An element of a collection, behind its length.
    fn element(&mut self, of: &CqlType, out: &mut Vec<u8>) -> Read {
        self.refuse_null()?;
        self.sized(of, false, out)
    }

    fn map(&mut self, map: &Entries, out: &mut Vec<u8>) -> Read {
        let close = self.open_either(
            [(b'{', b'}'), (b'[', b']')],
            "a map such as {\"a\": 1}, {'a': 1} or [[\"a\", 1]]",
        )?;
        let start = begin_count(out);
        let mut keys = Keys::of(&map.key);
        let count = self.items(close, |reader, at| {
            if close == b']' {
                return reader.pair(map, &mut keys, out).map_err(|flaw| flaw.at(Step::Element(at)));
            }
            let raw = reader.entry_key(map, &mut keys, out)?;
            reader.colon()?;
            reader.element(&map.value, out).map_err(|flaw| flaw.at(Step::value_of(raw)))
        })?;
        set_len(out, start, count);
        keys.finish(out, start, 2);
        Ok(())
    }

    /// The key of an entry; how it is written.
    fn entry_key(
        &mut self,
        map: &Entries,
        keys: &mut Keys<'_>,
        out: &mut Vec<u8>,
    ) -> Result<&'t [u8], Box<Flaw>> {
        let before = self.input;
        let at_key = |flaw: Box<Flaw>, reader: &Self| flaw.at(Step::key(reader.input.since(before)));
        self.refuse_null().map_err(|flaw| at_key(flaw, self))?;
        let start = out.len();
        if map.key.is_native() || !matches!(self.input.peek(), Some(b'"' | b'\'')) {
            self.sized(&map.key, true, out).map_err(|flaw| at_key(flaw, self))?;
        } else {
            // A JSON object has strings for keys: the key's own notation stands in one.
            out.extend_from_slice(&[0; 4]);
            let token = self.input.token(true)?;
            let text = token.text().map_err(|flaw| at_key(flaw, self))?;
            whole(Input::new(&text), &map.key, self.options, self.len_max, out)
                .map_err(|flaw| at_key(flaw, self))?;
            let len = out.len() - start - 4;
            set_len(out, start, len);
        }
        keys.note(out, start + 4..out.len());
        Ok(self.input.since(before))
    }

    /// `[key, value]`.
    fn pair(&mut self, map: &Entries, keys: &mut Keys<'_>, out: &mut Vec<u8>) -> Read {
        self.open(b'[', "a pair such as [\"a\", 1]")?;
        self.input.skip_space();
        let (before, start) = (self.input, out.len());
        self.element(&map.key, out).map_err(|flaw| flaw.at(Step::key(self.input.since(before))))?;
        keys.note(out, start + 4..out.len());
        let raw = self.input.since(before);
        self.input.skip_space();
        self.expect(b',', "a comma and the key's value")?;
        self.input.skip_space();
        self.element(&map.value, out).map_err(|flaw| flaw.at(Step::value_of(raw)))?;
        self.input.skip_space();
        self.expect(b']', "the ] of a pair")
    }

    fn tuple(&mut self, parts: &[CqlType], out: &mut Vec<u8>) -> Read {
        let close =
            self.open_either([(b'[', b']'), (b'(', b')')], "a tuple such as [1, \"a\"] or (1, 'a')")?;
        let count = self.items(close, |reader, at| match parts.get(at) {
            Some(part) => reader.nullable(part, out).map_err(|flaw| flaw.at(Step::Element(at))),
            None => Err(too_many("tuple", parts.len())),
        })?;
        if count < parts.len() {
            return Err(too_few("tuple", count, parts.len(), "write null for what is not there"));
        }
        Ok(())
    }

    /// A value behind its length, or null.
    fn nullable(&mut self, cql_type: &CqlType, out: &mut Vec<u8>) -> Read {
        if self.input.eat_null() {
            out.extend_from_slice(&NULL);
            return Ok(());
        }
        self.sized(cql_type, false, out)
    }

    /// Fields may come in any order; those that are not there are null.
    fn user(&mut self, user: &UserType, out: &mut Vec<u8>) -> Read {
        self.open(b'{', "a user type's fields such as {\"a\": 1} or {a: 1}")?;
        let start = out.len();
        let mut written = 0;
        self.items(b'}', |reader, _| {
            let at = reader.field(user, written)?;
            let Some(field) = user.fields.get(at) else { return Ok(()) };
            let in_field = |flaw: Box<Flaw>| flaw.at(Step::Field(field.name.clone()));
            reader.colon().map_err(in_field)?;
            for _ in written..at {
                out.extend_from_slice(&NULL);
            }
            let value = out.len();
            reader.nullable(&field.cql_type, out).map_err(in_field)?;
            if at < written {
                return move_back(out, start, at, value).map_err(in_field);
            }
            written = at + 1;
            Ok(())
        })?;
        for _ in written..user.fields.len() {
            out.extend_from_slice(&NULL);
        }
        Ok(())
    }

    /// The place of the field that is named next, most likely that of number `next`.
    fn field(&mut self, user: &UserType, next: usize) -> Result<usize, Box<Flaw>> {
        let before = self.input;
        if matches!(self.input.peek(), Some(b'\'' | b'[' | b'{' | b'(')) {
            return Err(self.input.unexpected("a field's name, bare or in double quotes,"));
        }
        let token = self.input.token(true)?;
        let name = token.text()?;
        let is_called =
            |at: usize, name: &[u8]| user.fields.get(at).is_some_and(|field| field.name.as_bytes() == name);
        let find = |name: &[u8]| match is_called(next, name) {
            true => Some(next),
            false => (0..user.fields.len()).find(|&at| is_called(at, name)),
        };
        let exact = if token.is_bare() { None } else { find(&name) };
        exact.or_else(|| find(&stored_name(&name, token.is_bare()))).ok_or_else(|| {
            let names: Vec<&str> = user.fields.iter().map(|field| field.name.as_str()).take(20).collect();
            let message = format!("no field of {}, which has {}", user.name, names.join(", "));
            Flaw::new(RejectCode::UnknownField, message).of(self.input.since(before))
        })
    }

    fn vector(&mut self, vector: &Vector, out: &mut Vec<u8>) -> Read {
        self.open(b'[', "a vector such as [0.5, 1]")?;
        let expected = usize::try_from(vector.dimensions).unwrap_or(usize::MAX);
        let is_fixed = vector.of.fixed_len().is_some();
        let count = self.items(b']', |reader, at| {
            if at >= expected {
                return Err(too_many("vector", expected));
            }
            reader.dimension(&vector.of, is_fixed, out).map_err(|flaw| flaw.at(Step::Element(at)))
        })?;
        if count < expected {
            return Err(too_few("vector", count, expected, "write all of them"));
        }
        Ok(())
    }

    /// An element of a vector: as it is where all are of one size, else behind its length.
    fn dimension(&mut self, of: &CqlType, is_fixed: bool, out: &mut Vec<u8>) -> Read {
        self.refuse_null()?;
        if is_fixed {
            return self.value(of, false, out);
        }
        let start = vint::begin_len(out);
        self.value(of, false, out)?;
        vint::set_len(out, start);
        self.check_len(out)
    }

    /// A value of a native type.
    fn native(&mut self, cql_type: &CqlType, is_key: bool, out: &mut Vec<u8>) -> Read {
        if self.short_integer(cql_type, is_key, out) {
            return Ok(());
        }
        let token = match self.input.peek() {
            Some(b'[' | b'{' | b'(') => {
                let name = cql_type.name();
                let article = if name.starts_with(['a', 'i']) { "an" } else { "a" };
                return Err(self.input.unexpected(&format!("{article} {name}, which has no brackets,")));
            }
            _ => self.input.token(is_key)?,
        };
        let is_text = matches!(cql_type, CqlType::Text | CqlType::Ascii);
        let text = token.text()?;
        if is_text && token.is_bare() && !is_json_word(&text) {
            return Err(flawed("a text needs quotes around it: \"...\" or '...'").of(token.raw));
        }
        let place = if token.is_bare() { Place::Bare } else { Place::Quoted };
        scalar(cql_type, &text, self.options, place, out).map_err(|error| match text.trim_ascii() {
            [] => Flaw::new(error.code, "nothing between the quotes: write a value").of(token.raw),
            _ => Flaw::new(error.code, error.message).of(token.raw),
        })
    }

    /// Takes the usual form of an int or bigint, if it is here: the same as its codec does with it, without looking at it twice.
    #[inline]
    fn short_integer(&mut self, cql_type: &CqlType, is_key: bool, out: &mut Vec<u8>) -> bool {
        let before = self.input;
        match cql_type {
            CqlType::Int => match self.input.eat_integer(is_key).map(i32::try_from) {
                Some(Ok(value)) => out.extend_from_slice(&value.to_be_bytes()),
                _ => {
                    self.input = before;
                    return false;
                }
            },
            CqlType::Bigint => match self.input.eat_integer(is_key) {
                Some(value) => out.extend_from_slice(&value.to_be_bytes()),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// The items before `close`, with commas between them; how many there are.
    fn items(
        &mut self,
        close: u8,
        mut item: impl FnMut(&mut Self, usize) -> Read,
    ) -> Result<usize, Box<Flaw>> {
        self.input.skip_space();
        if self.input.eat(close) {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            item(self, count)?;
            count += 1;
            self.input.skip_space();
            if self.input.eat(b',') {
                self.input.skip_space();
            } else if self.input.eat(close) {
                return Ok(count);
            } else {
                return Err(self.input.unexpected(&format!("a comma or {}", char::from(close))));
            }
        }
    }

    fn open(&mut self, open: u8, what: &str) -> Read {
        self.expect(open, what)
    }

    /// The bracket that closes the one that is here.
    fn open_either(&mut self, brackets: [(u8, u8); 2], what: &str) -> Result<u8, Box<Flaw>> {
        let here = brackets.into_iter().find(|&(open, _)| self.input.eat(open));
        here.map(|(_, close)| close).ok_or_else(|| self.input.unexpected(what))
    }

    fn expect(&mut self, byte: u8, what: &str) -> Read {
        if self.input.eat(byte) { Ok(()) } else { Err(self.input.unexpected(what)) }
    }

    fn colon(&mut self) -> Read {
        self.input.skip_space();
        self.expect(b':', "a colon")?;
        self.input.skip_space();
        Ok(())
    }

    fn refuse_null(&mut self) -> Read {
        if !self.input.eat_null() {
            return Ok(());
        }
        Err(Flaw::new(
            RejectCode::NullElement,
            "null, which only a field of a user type or tuple can be: give it a value, or leave it out",
        ))
    }
}

/// Leaves room for the number of elements.
fn begin_count(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(&[0; 4]);
    out.len() - 4
}

/// Fills in a length or number in the room left for it at `at`. No cell is so long that it has more than 31 bits.
fn set_len(out: &mut [u8], at: usize, len: usize) {
    if let Some(room) = out.get_mut(at..at + 4) {
        room.copy_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
    }
}

#[cold]
fn too_many(kind: &str, expected: usize) -> Box<Flaw> {
    let message = format!("more than the {expected} elements that the {kind} has: leave the rest out");
    Flaw::new(RejectCode::ElementCount, message)
}

#[cold]
fn too_few(kind: &str, count: usize, expected: usize, advice: &str) -> Box<Flaw> {
    let message = format!("{count} of the {expected} elements that the {kind} has: {advice}");
    Flaw::new(RejectCode::ElementCount, message)
}
