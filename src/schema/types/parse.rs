//! A type from the text that `system_schema.columns` and `system_schema.types` have for it. Pure: the user types of the keyspace
//! are given.

use std::cell::Cell;
use std::collections::HashMap;

use super::{CqlType, Elements, Entries, UserField, UserType, Vector};

/// How deep types may be nested. Reading a value and reading a type from JSON both recurse as deep, and the latter bears 128 levels
/// of its own, up to four for one of these; nobody is known to go beyond five.
const DEPTH_MAX: usize = 24;

/// Of how many types one may be made. User types within user types multiply.
const PARTS_MAX: usize = 4_096;

/// The user types of a keyspace, by name, each with its fields and the text of their types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserTypes {
    types: HashMap<String, Vec<(String, String)>>,
}

impl UserTypes {
    /// Adds a type, its name and those of its fields as the server stores them (unquoted); whether it was not known yet.
    pub fn add(&mut self, name: String, fields: Vec<(String, String)>) -> bool {
        self.types.insert(name, fields).is_none()
    }

    /// The others.
    pub(crate) fn without(&self, name: &str) -> UserTypes {
        let mut others = self.clone();
        others.types.remove(name);
        others
    }

    /// The type of this text; `None` for a counter, a class of the server, a user type that is not known, and for one that is
    /// nested deeper than 24 levels or made of more than 4,096 types.
    pub fn parse(&self, text: &str) -> Option<CqlType> {
        let parts_left = Cell::new(PARTS_MAX);
        Parser { rest: text, types: self, parts_left: &parts_left }.whole(false, 0)
    }
}

struct Parser<'t> {
    rest: &'t str,
    types: &'t UserTypes,
    parts_left: &'t Cell<usize>,
}

impl<'t> Parser<'t> {
    fn whole(mut self, frozen: bool, depth: usize) -> Option<CqlType> {
        let parsed = self.cql_type(frozen, depth)?;
        self.rest.trim().is_empty().then_some(parsed)
    }

    fn cql_type(&mut self, frozen: bool, depth: usize) -> Option<CqlType> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.parts_left.set(self.parts_left.get().checked_sub(1)?);
        self.rest = self.rest.trim_start();
        if self.rest.starts_with('"') {
            return self.quoted().and_then(|name| self.user_type(name, frozen, depth));
        }
        let word = self.word()?;
        if !self.eat('<') {
            return match CqlType::from_name(word) {
                Some(native) => Some(native),
                None => self.user_type(word.to_owned(), frozen, depth),
            };
        }
        // Freezing a type freezes all within, said or not.
        let parsed = match word {
            "frozen" => self.cql_type(true, depth)?,
            "list" => CqlType::List(Elements { of: self.part(frozen, depth)?, frozen }),
            "set" => CqlType::Set(Elements { of: self.part(frozen, depth)?, frozen }),
            "map" => {
                let key = self.part(frozen, depth)?;
                self.expect(',')?;
                CqlType::Map(Entries { key, value: self.part(frozen, depth)?, frozen })
            }
            "tuple" => {
                let mut parts = vec![*self.part(true, depth)?];
                while self.eat(',') {
                    parts.push(*self.part(true, depth)?);
                }
                CqlType::Tuple(parts)
            }
            "vector" => {
                let of = self.part(true, depth)?;
                self.expect(',')?;
                self.rest = self.rest.trim_start();
                let dimensions = self.word()?.parse().ok().filter(|&dimensions| dimensions > 0)?;
                CqlType::Vector(Vector { of, dimensions })
            }
            _ => return None,
        };
        self.expect('>')?;
        Some(parsed)
    }

    fn part(&mut self, frozen: bool, depth: usize) -> Option<Box<CqlType>> {
        self.cql_type(frozen, depth + 1).map(Box::new)
    }

    fn user_type(&self, name: String, frozen: bool, depth: usize) -> Option<CqlType> {
        let fields = self.types.types.get(&name)?;
        let field = |(name, text): &(String, String)| {
            let parser = Parser { rest: text, ..*self };
            Some(UserField { name: name.clone(), cql_type: parser.whole(frozen, depth + 1)? })
        };
        let fields = fields.iter().map(field).collect::<Option<Vec<_>>>()?;
        Some(CqlType::User(UserType { name, fields, frozen }))
    }

    /// Letters, digits and underscores: a keyword, the name of a type, or a number.
    fn word(&mut self) -> Option<&'t str> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// A name in double quotes, doubled ones within.
    fn quoted(&mut self) -> Option<String> {
        let mut name = String::new();
        let mut rest = self.rest.strip_prefix('"')?;
        loop {
            let (part, after) = rest.split_once('"')?;
            name.push_str(part);
            match after.strip_prefix('"') {
                Some(more) => {
                    name.push('"');
                    rest = more;
                }
                None => {
                    self.rest = after;
                    return Some(name);
                }
            }
        }
    }

    fn eat(&mut self, symbol: char) -> bool {
        match self.rest.trim_start().strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, symbol: char) -> Option<()> {
        self.eat(symbol).then_some(())
    }
}
