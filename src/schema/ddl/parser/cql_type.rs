//! The types of columns (CQL specification, "Data Types"): native ones, nested ones, user types, and words that are probably none of
//! these but a slip.

use super::super::misspelt::meant;
use super::super::types::ParsedType;
use super::{Fault, ParsedFile, Parser, TokenKind};
use crate::schema::types::CqlType;

/// Types nested deeper than this are a mistake; each level costs stack.
const NESTING_MAX: usize = 32;

/// A word that is a user type, or a native type with a slip.
pub(super) struct Doubtful {
    name: String,
    meant: &'static str,
    at: usize,
}

impl Parser<'_> {
    /// Refuses a file with a word for a type that is neither native nor created in it, if a native type was probably meant.
    pub(super) fn refuse_slips(&self, file: &ParsedFile) -> Result<(), Fault> {
        // A type may be created behind the table where a file was put together by hand.
        let is_created = |name: &str| file.types.iter().any(|created| created.name.table == name);
        let slip = self.doubtful.iter().find(|doubtful| !is_created(&doubtful.name));
        let Some(Doubtful { name, meant, at }) = slip else { return Ok(()) };
        Err(Fault {
            at: *at,
            problem: format!(
                "there is no type {name}: did you mean {meant}? A user type of that name needs its CREATE TYPE in the file"
            ),
        })
    }

    pub(super) fn cql_type(&mut self, depth: usize) -> Result<ParsedType, Fault> {
        if depth > NESTING_MAX {
            return Err(self.cursor.fault(format!("types are nested more than {NESTING_MAX} deep")));
        }
        if self.cursor.is_kind(TokenKind::Text) {
            return Ok(ParsedType::Custom(self.cursor.advance()?.text.to_owned()));
        }
        let known = ["frozen", "list", "set", "map", "tuple", "vector"];
        if let Some(kind) = known.into_iter().find(|kind| self.cursor.is_word(kind)) {
            self.cursor.advance()?;
            self.cursor.expect_symbol("<")?;
            let parsed = self.type_of(kind, depth + 1)?;
            self.cursor.expect_symbol(">")?;
            return Ok(parsed);
        }
        self.named_type()
    }

    /// What stands between the angle brackets of a `kind`.
    fn type_of(&mut self, kind: &'static str, depth: usize) -> Result<ParsedType, Fault> {
        let doubtful = self.doubtful.len();
        let first = self.cql_type(depth)?;
        Ok(match kind {
            "frozen" => {
                // Whoever writes so does not mean a native type.
                if matches!(first, ParsedType::User(_)) {
                    self.doubtful.truncate(doubtful);
                }
                ParsedType::Frozen(Box::new(first))
            }
            "map" => {
                self.cursor.expect_symbol(",")?;
                ParsedType::Collection(kind, vec![first, self.cql_type(depth)?])
            }
            "tuple" => {
                let mut parts = vec![first];
                while self.cursor.take_symbol(",")? {
                    parts.push(self.cql_type(depth)?);
                }
                ParsedType::Tuple(parts)
            }
            "vector" => {
                self.cursor.expect_symbol(",")?;
                let expected = self.cursor.expected("the vector's length");
                let len = self.cursor.advance()?.text.parse().map_err(|_| expected)?;
                ParsedType::Vector(Box::new(first), len)
            }
            _ => ParsedType::Collection(kind, vec![first]),
        })
    }

    /// A native type or a user type, with or without its keyspace.
    fn named_type(&mut self) -> Result<ParsedType, Fault> {
        const WHAT: &str = "a type";
        let is_word = self.cursor.is_kind(TokenKind::Word);
        if self.cursor.is_word("primary") || self.cursor.is_word("static") {
            return Err(self.cursor.expected(WHAT));
        }
        let at = self.cursor.at();
        let mut written = self.cursor.text().to_owned();
        let name = self.cursor.name(WHAT)?;
        if self.cursor.take_symbol(".")? {
            written = self.cursor.text().to_owned();
            let name = self.cursor.name(WHAT)?;
            return Ok(ParsedType::User(if written.starts_with('"') { written } else { name }));
        }
        if !is_word {
            return Ok(ParsedType::User(written));
        }
        Ok(match (CqlType::from_name(&name), name.as_str()) {
            (Some(cql_type), _) => ParsedType::Native(cql_type.name()),
            (None, "counter") => ParsedType::Native("counter"),
            (None, "empty") => ParsedType::Native("empty"),
            (None, _) => {
                let doubtful = meant(&name).map(|meant| Doubtful { name: name.clone(), meant, at });
                self.doubtful.extend(doubtful);
                ParsedType::User(name)
            }
        })
    }
}
