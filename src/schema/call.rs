//! A CQL function in `--map`, with fields and constants as its arguments: taken apart only as far as is needed to put markers in the
//! place of what comes from records. Whether there is such a function, and which types it takes, the server says. Pure.

use std::fmt;

use super::column_map::Source;
use super::ddl::tokens::{Token, TokenKind, next};
use super::field::{FieldRef, unquoted};
use super::repeat::gives_the_same;

/// No more functions than this are in one call.
const FUNCTIONS_MAX: usize = 32;

/// A function and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pieces: Vec<Piece>,
    /// The names of all functions in it, in small letters.
    functions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// As it was written.
    Text(String),
    /// What a marker stands for.
    Argument(Source),
}

impl Call {
    /// Whether a text begins as a call does: a name, or a keyspace and a name, before an opening parenthesis.
    pub(super) fn begins(text: &str) -> bool {
        let mut at = 0;
        let mut take = || {
            let token = next(text, at).ok()?;
            at = token.at + token.text.len();
            Some(token)
        };
        let is_name = |token: &Token<'_>| {
            token.kind == TokenKind::Word && token.text.starts_with(|c: char| c.is_ascii_alphabetic())
        };
        take().filter(is_name).is_some()
            && match take() {
                Some(Token { text: "(", .. }) => true,
                Some(Token { text: ".", .. }) => {
                    take().filter(is_name).is_some() && take().is_some_and(|token| token.text == "(")
                }
                _ => false,
            }
    }

    /// Understands the call that a text begins with; returns what is left of the text too.
    ///
    /// # Errors
    /// What is not understood; the message goes on from the option and its text.
    pub(super) fn parse(text: &str) -> Result<(Call, &str), String> {
        let mut parser =
            Parser { text, at: 0, copied: 0, casts: 0, pieces: Vec::new(), functions: Vec::new() };
        parser.call()?;
        let end = parser.at;
        parser.copy_up_to(end);
        let Parser { pieces, functions, .. } = parser;
        Ok((Call { pieces, functions }, text.get(end..).unwrap_or_default()))
    }

    /// The call as the statement has it, with markers.
    pub fn statement(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Argument(_) => "?".to_owned(),
        };
        self.pieces.iter().map(piece).collect()
    }

    /// What the markers stand for, in their order.
    pub fn arguments(&self) -> impl Iterator<Item = &Source> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Argument(source) => Some(source),
        })
    }

    /// The first function in it that may not give the same twice.
    pub fn not_the_same(&self) -> Option<&str> {
        self.functions.iter().map(String::as_str).find(|name| !gives_the_same(name))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Argument(source) => source.fmt(f),
        })
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Up to where the text is in the pieces.
    copied: usize,
    /// Types in parentheses that no term has followed yet.
    casts: usize,
    pieces: Vec<Piece>,
    functions: Vec<String>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Result<Token<'a>, String> {
        next(self.text, self.at).map_err(|fault| fault.problem)
    }

    fn take(&mut self) -> Result<Token<'a>, String> {
        let token = self.peek()?;
        if token.kind == TokenKind::End {
            return Err(format!("a parenthesis is never closed: {}", self.text));
        }
        self.at = token.at + token.text.len();
        Ok(token)
    }

    fn expect(&mut self, symbol: &str) -> Result<(), String> {
        match self.take()?.text {
            found if found == symbol => Ok(()),
            found => Err(format!("'{found}' stands where '{symbol}' should: {}", self.text)),
        }
    }

    fn copy_up_to(&mut self, end: usize) {
        if let Some(text) = self.text.get(self.copied..end).filter(|text| !text.is_empty()) {
            self.pieces.push(Piece::Text(text.to_owned()));
        }
        self.copied = end;
    }

    fn argument(&mut self, start: usize, source: Source) {
        self.copy_up_to(start);
        self.copied = self.at;
        self.pieces.push(Piece::Argument(source));
    }

    /// A name, perhaps with its keyspace, and its arguments in parentheses.
    fn call(&mut self) -> Result<(), String> {
        let mut name = self.take()?.text.to_owned();
        if self.peek()?.text == "." {
            self.take()?;
            name = format!("{name}.{}", self.take()?.text);
        }
        self.functions.push(name.to_ascii_lowercase());
        if self.functions.len() > FUNCTIONS_MAX {
            return Err(format!("more than {FUNCTIONS_MAX} functions: {}", self.text));
        }
        let is_cast = name.eq_ignore_ascii_case("cast");
        self.expect("(")?;
        if self.peek()?.text == ")" {
            return self.expect(")");
        }
        loop {
            self.term()?;
            if is_cast && self.peek()?.text.eq_ignore_ascii_case("as") {
                self.take()?;
                self.take()?;
            }
            match self.take()?.text {
                ")" => return Ok(()),
                "," => {}
                found => {
                    return Err(format!(
                        "'{found}' stands where ',' or ')' should (put a field's name with spaces into double quotes): {}",
                        self.text
                    ));
                }
            }
        }
    }

    fn term(&mut self) -> Result<(), String> {
        let Token { kind, text, at } = self.peek()?;
        match (kind, text) {
            (TokenKind::Text | TokenKind::End, _) => self.take().map(drop),
            (TokenKind::Quoted, _) => {
                self.take()?;
                let name = unquoted(text, '"').unwrap_or_default();
                self.argument(at, Source::Field(FieldRef::Name { name, exact: true }));
                Ok(())
            }
            (TokenKind::Word, _) if Call::begins(self.text.get(at..).unwrap_or_default()) => self.call(),
            (TokenKind::Word, _) if self.constant(at) => Ok(()),
            (TokenKind::Word, _) => {
                self.take()?;
                self.argument(at, Source::Field(FieldRef::Name { name: text.to_owned(), exact: false }));
                Ok(())
            }
            (TokenKind::Symbol, "-") if self.constant(at) => Ok(()),
            (TokenKind::Symbol, "#" | "$") => {
                self.take()?;
                let behind = self.take()?.text;
                let source = Source::parse(&format!("{text}{behind}"))?;
                self.argument(at, source);
                Ok(())
            }
            (TokenKind::Symbol, "(") => self.cast(),
            _ => Err(format!("'{text}' is not understood as an argument: {}", self.text)),
        }
    }

    /// A type in parentheses, then what is to be taken for it.
    fn cast(&mut self) -> Result<(), String> {
        self.expect("(")?;
        let mut open = 1;
        while open > 0 {
            match self.take()?.text {
                "(" => open += 1,
                ")" => open -= 1,
                _ => {}
            }
        }
        self.casts += 1;
        match self.casts {
            0..=8 => self.term(),
            _ => Err(format!("too many types: {}", self.text)),
        }
    }

    /// Passes over a number, a UUID, or a word that is a value; false if there is none.
    fn constant(&mut self, at: usize) -> bool {
        let rest = self.text.get(at..).unwrap_or_default();
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c))).unwrap_or(rest.len());
        let Some(word) = rest.get(..end) else { return false };
        let is_value =
            ["true", "false", "null", "nan", "infinity"].contains(&word.to_ascii_lowercase().as_str());
        let digits = word.strip_prefix('-').unwrap_or(word);
        let is_number = digits.starts_with(|c: char| c.is_ascii_digit());
        if is_value || is_number || uuid::Uuid::try_parse(word).is_ok_and(|_| word.len() == 36) {
            self.at = at + end;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, &[&str]), &str>) {
        let found = Call::parse(text).map(|(call, rest)| {
            assert_eq!(call.to_string() + rest, text, "it is shown as it was written");
            (call.statement(), call.arguments().map(ToString::to_string).collect::<Vec<_>>())
        });
        match (found, expected) {
            (Ok((statement, arguments)), Ok((expected, expected_arguments))) => {
                assert_eq!(
                    (statement.as_str(), arguments),
                    (expected, expected_arguments.iter().map(|&a| a.to_owned()).collect())
                );
            }
            (Err(problem), Err(expected)) => assert!(problem.starts_with(expected), "{text}: {problem}"),
            (found, expected) => panic!("{text}: {found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn fields_become_markers_and_constants_stay() {
        check("now()", Ok(("now()", &[])));
        check("toTimestamp( now() ) , x", Ok(("toTimestamp( now() )", &[])));
        check("toDate(day)", Ok(("toDate(?)", &["day"])));
        check("toDate((timestamp)\"The, day\")", Ok(("toDate((timestamp)?)", &["\"The, day\""])));
        check(
            "ks.f(#2, $line, 'it''s', -1.5e3, true)",
            Ok(("ks.f(?, ?, 'it''s', -1.5e3, true)", &["#2", "$line"])),
        );
        check(
            "f(a50e8400-e29b-41d4-a716-446655440000, 550e8400-e29b-41d4-a716-446655440000, a50e)",
            Ok((
                "f(a50e8400-e29b-41d4-a716-446655440000, 550e8400-e29b-41d4-a716-446655440000, ?)",
                &["a50e"],
            )),
        );
        check("cast(a as text)", Ok(("cast(? as text)", &["a"])));
        check("f((frozen<map<int, text>>) m)", Ok(("f((frozen<map<int, text>>) ?)", &["m"])));
    }

    #[test]
    fn what_is_not_understood_is_told() {
        check("now(", Err("a parenthesis is never closed"));
        check("f(a b)", Err("'b' stands where ',' or ')' should"));
        check("f(a, )", Err("')' is not understood as an argument"));
        check("f($path)", Err("'$path' is unknown"));
        check("f(#x)", Err("'#x' is no field's place"));
        check("f('a)", Err("' is never closed"));
    }

    #[test]
    fn it_is_known_which_may_not_give_the_same_twice() {
        let check = |text: &str, expected| {
            assert_eq!(Call::parse(text).unwrap().0.not_the_same(), expected, "{text}");
        };
        check("toDate(a)", None);
        check("toDate(now())", Some("now"));
        check("ks.mine(a)", Some("ks.mine"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[ab1()#$,.'\"\\- é]{0,24}") {
            let _ = (Call::begins(&text), Call::parse(&text));
            let _ = Call::parse(&format!("f({text}"));
        }
    }
}
