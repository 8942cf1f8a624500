//! What stands in a cell, token by token: brackets, strings in double quotes (JSON's) and in single ones (CQL's), and bare words.
//! Looks and cuts; knows no type. Its cost is the length of the text, and it copies only strings that hold an escape.

use std::borrow::Cow;

use super::flaw::{Flaw, flawed};
use crate::codec::cursor::Cursor;
use crate::codec::hex;

/// What is left of a cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'t> {
    rest: &'t [u8],
}

/// A value that is not made of others, as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    /// As it stands in the cell, quotes included.
    pub(super) raw: &'t [u8],
    /// What is between the quotes, or all of a bare word.
    inner: &'t [u8],
    kind: TokenKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenKind {
    Bare,
    /// A string that is what it looks like.
    Plain,
    /// A string with JSON's escapes.
    Escaped,
    /// A string with doubled single quotes.
    Doubled,
}

impl<'t> Token<'t> {
    /// Whether it stands without quotes.
    pub(super) fn is_bare(&self) -> bool {
        self.kind == TokenKind::Bare
    }

    /// What it says.
    pub(super) fn text(&self) -> Result<Cow<'t, [u8]>, Box<Flaw>> {
        match self.plain() {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => {
                let mut text = Vec::with_capacity(self.inner.len());
                self.append_to(&mut text)?;
                Ok(Cow::Owned(text))
            }
        }
    }

    /// What it says, where that is what stands there.
    pub(super) fn plain(&self) -> Option<&'t [u8]> {
        matches!(self.kind, TokenKind::Bare | TokenKind::Plain).then_some(self.inner)
    }

    /// Appends what it says.
    pub(super) fn append_to(&self, out: &mut Vec<u8>) -> Result<(), Box<Flaw>> {
        match self.kind {
            TokenKind::Bare | TokenKind::Plain => out.extend_from_slice(self.inner),
            TokenKind::Escaped => append_unescaped(self.inner, out)?,
            TokenKind::Doubled => {
                let mut rest = self.inner;
                while let Some(at) = memchr::memchr(b'\'', rest) {
                    let (part, after) = rest.split_at_checked(at + 1).unwrap_or((rest, &[]));
                    out.extend_from_slice(part);
                    rest = after.get(1..).unwrap_or_default();
                }
                out.extend_from_slice(rest);
            }
        }
        Ok(())
    }
}

impl<'t> Input<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Input { rest: text }
    }

    pub(super) fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn rest(self) -> &'t [u8] {
        self.rest
    }

    #[inline]
    pub(super) fn peek(self) -> Option<u8> {
        self.rest.first().copied()
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes the word null, of any case, if it is the next.
    #[inline]
    pub(super) fn eat_null(&mut self) -> bool {
        matches!(self.rest, [b'n' | b'N', ..]) && self.eat_word_null()
    }

    fn eat_word_null(&mut self) -> bool {
        let Some((word, rest)) = self.rest.split_first_chunk::<4>() else { return false };
        let is_null =
            word.eq_ignore_ascii_case(b"null") && rest.first().is_none_or(|&byte| ends_word(byte, true));
        if is_null {
            self.rest = rest;
        }
        is_null
    }

    /// What was taken since `before`, as it stands.
    pub(super) fn since(self, before: Input<'t>) -> &'t [u8] {
        before.rest.get(..before.rest.len().saturating_sub(self.rest.len())).unwrap_or_default()
    }

    /// Takes a string or a bare word; as a key a bare word ends at a colon.
    #[inline]
    pub(super) fn token(&mut self, is_key: bool) -> Result<Token<'t>, Box<Flaw>> {
        match self.rest {
            [b'"', ..] => self.json_string(),
            [b'\'', ..] => self.cql_string(),
            _ => {
                let raw = self.word(is_key);
                if raw.is_empty() {
                    return Err(self.unexpected("a value"));
                }
                Ok(Token { raw, inner: raw, kind: TokenKind::Bare })
            }
        }
    }

    /// Takes what stands before the end of a bare word; it may be nothing.
    #[inline]
    fn word(&mut self, is_key: bool) -> &'t [u8] {
        let end = self.rest.iter().position(|&byte| ends_word(byte, is_key));
        let (raw, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        raw
    }

    /// Takes an integer of a sign or none and 1 to 18 digits that stands without quotes, if that is the next.
    #[inline]
    pub(super) fn eat_integer(&mut self, is_key: bool) -> Option<i64> {
        let negative = matches!(self.rest, [b'-', ..]);
        let mut rest = if negative { self.rest.get(1..)? } else { self.rest };
        let mut value = 0i64;
        let before = rest.len();
        while let [byte @ b'0'..=b'9', after @ ..] = rest {
            // What overflows has more than 18 digits, and is not taken.
            value = value.wrapping_mul(10).wrapping_add(i64::from(byte - b'0'));
            rest = after;
        }
        let ends = rest.first().is_none_or(|&next| ends_word(next, is_key));
        if !ends || !(1..=18).contains(&(before - rest.len())) {
            return None;
        }
        self.rest = rest;
        Some(if negative { -value } else { value })
    }

    fn json_string(&mut self) -> Result<Token<'t>, Box<Flaw>> {
        let mut kind = TokenKind::Plain;
        let mut at = 1;
        loop {
            let ahead = self.rest.get(at..).unwrap_or_default();
            let found = memchr::memchr2(b'"', b'\\', ahead).ok_or_else(|| self.unclosed())?;
            at += found;
            if self.rest.get(at) == Some(&b'"') {
                return self.string(at, kind);
            }
            kind = TokenKind::Escaped;
            at += 2;
        }
    }

    fn cql_string(&mut self) -> Result<Token<'t>, Box<Flaw>> {
        let mut kind = TokenKind::Plain;
        let mut at = 1;
        loop {
            let ahead = self.rest.get(at..).unwrap_or_default();
            at += memchr::memchr(b'\'', ahead).ok_or_else(|| self.unclosed())?;
            if self.rest.get(at + 1) != Some(&b'\'') {
                return self.string(at, kind);
            }
            kind = TokenKind::Doubled;
            at += 2;
        }
    }

    /// A string from here to the quote at `end`.
    fn string(&mut self, end: usize, kind: TokenKind) -> Result<Token<'t>, Box<Flaw>> {
        let (raw, rest) = self.rest.split_at_checked(end + 1).ok_or_else(|| self.unclosed())?;
        self.rest = rest;
        Ok(Token { raw, inner: raw.get(1..end).unwrap_or_default(), kind })
    }

    #[cold]
    fn unclosed(self) -> Box<Flaw> {
        flawed("a string whose closing quote is missing").of(self.rest)
    }

    /// Something else stands here than what should.
    #[cold]
    pub(super) fn unexpected(self, expected: &str) -> Box<Flaw> {
        match self.peek() {
            None => flawed(format!("ends where {expected} should be")),
            Some(_) => flawed(format!("{expected} should be here")).of(self.rest),
        }
    }
}

/// Whether a bare word ends before this byte.
#[inline]
fn ends_word(byte: u8, is_key: bool) -> bool {
    ENDS_WORD[usize::from(byte)] || (is_key && byte == b':')
}

/// The bytes that no bare word holds.
const ENDS_WORD: [bool; 256] = {
    let mut ends = [false; 256];
    let mut rest: &[u8] = b",]})[{(\"' \t\n\r";
    while let [byte, after @ ..] = rest {
        ends[*byte as usize] = true;
        rest = after;
    }
    ends
};

/// Appends a JSON string without its quotes (RFC 8259, section 7).
fn append_unescaped(text: &[u8], out: &mut Vec<u8>) -> Result<(), Box<Flaw>> {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (part, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(part);
        let (plain, after) = match escape {
            [_, b'u', ..] => {
                rest = append_unicode(escape, out)?;
                continue;
            }
            [_, plain @ (b'"' | b'\\' | b'/'), after @ ..] => (*plain, after),
            [_, b'b', after @ ..] => (0x08, after),
            [_, b'f', after @ ..] => (0x0c, after),
            [_, b'n', after @ ..] => (b'\n', after),
            [_, b'r', after @ ..] => (b'\r', after),
            [_, b't', after @ ..] => (b'\t', after),
            _ => return Err(flawed("a backslash that begins none of JSON's escapes: double it").of(escape)),
        };
        out.push(plain);
        rest = after;
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// Appends the character of a `\uXXXX`, or of two that are surrogates; what follows.
fn append_unicode<'t>(escape: &'t [u8], out: &mut Vec<u8>) -> Result<&'t [u8], Box<Flaw>> {
    let invalid =
        || flawed("\\u needs four hexadecimal digits that name a character, or a pair of them").of(escape);
    let (high, after) = unit(escape).ok_or_else(invalid)?;
    let (code, after) = match high {
        0xd800..=0xdbff => {
            let (low, after) = unit(after).ok_or_else(invalid)?;
            let low = low.checked_sub(0xdc00).filter(|&low| low < 0x400).ok_or_else(invalid)?;
            (0x1_0000 + ((high - 0xd800) << 10) + low, after)
        }
        code => (code, after),
    };
    let character = char::from_u32(code).ok_or_else(invalid)?;
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(after)
}

/// One `\uXXXX`.
fn unit(escape: &[u8]) -> Option<(u32, &[u8])> {
    let ([b'\\', b'u', a, b, c, d], after) = escape.split_first_chunk::<6>()? else { return None };
    Some((u32::from(hex::pair(*a, *b)?) << 8 | u32::from(hex::pair(*c, *d)?), after))
}

/// Whether a bare word is a JSON number (RFC 8259, section 6), true or false.
pub(super) fn is_json_word(word: &[u8]) -> bool {
    if word == b"true" || word == b"false" {
        return true;
    }
    let mut cursor = Cursor::new(word);
    cursor.eat(b'-');
    let whole = cursor.digits();
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with(b"0")) {
        return false;
    }
    if cursor.eat(b'.') && cursor.digits().is_empty() {
        return false;
    }
    if cursor.eat(b'e') || cursor.eat(b'E') {
        cursor.eat_sign();
        if cursor.digits().is_empty() {
            return false;
        }
    }
    cursor.is_empty()
}
