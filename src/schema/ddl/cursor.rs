//! One token after the other, with one token of foresight: what the parser takes and expects, and how it says what it found
//! instead. It knows no statement.

use super::tokens::{self, Fault, Token, TokenKind};

/// A place in the text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    /// The token that is next.
    token: Token<'a>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Result<Self, Fault> {
        Ok(Cursor { text, token: tokens::next(text, 0)? })
    }

    /// Where the next token begins.
    pub(super) fn at(&self) -> usize {
        self.token.at
    }

    /// The next token as it is written.
    pub(super) fn text(&self) -> &'a str {
        self.token.text
    }

    /// Takes the next token.
    pub(super) fn advance(&mut self) -> Result<Token<'a>, Fault> {
        let next = tokens::next(self.text, self.token.at + self.token.text.len())?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    /// Goes on behind the next line end, whatever stands before it.
    pub(super) fn skip_line(&mut self) -> Result<(), Fault> {
        let rest = self.text.get(self.token.at..).unwrap_or_default();
        let line = rest.find('\n').unwrap_or(rest.len());
        self.token = tokens::next(self.text, self.token.at + line)?;
        Ok(())
    }

    pub(super) fn is_end(&self) -> bool {
        self.token.kind == TokenKind::End
    }

    pub(super) fn is_kind(&self, kind: TokenKind) -> bool {
        self.token.kind == kind
    }

    /// Whether this keyword is next, in any case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.token.kind == TokenKind::Word && self.token.text.eq_ignore_ascii_case(word)
    }

    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.token.kind == TokenKind::Symbol && self.token.text == symbol
    }

    /// Takes the keyword if it is next.
    pub(super) fn take_word(&mut self, word: &str) -> Result<bool, Fault> {
        let is_next = self.is_word(word);
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    /// Takes the character if it is next.
    pub(super) fn take_symbol(&mut self, symbol: &str) -> Result<bool, Fault> {
        let is_next = self.is_symbol(symbol);
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Result<(), Fault> {
        if self.take_word(word)? { Ok(()) } else { Err(self.expected(&word.to_uppercase())) }
    }

    pub(super) fn expect_symbol(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.take_symbol(symbol)? { Ok(()) } else { Err(self.expected(&format!("'{symbol}'"))) }
    }

    /// A name as the server stores it; `what` it is, for the message.
    pub(super) fn name(&mut self, what: &str) -> Result<String, Fault> {
        let Token { kind, text, .. } = self.token;
        let name = match kind {
            TokenKind::Word if text.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                text.to_ascii_lowercase()
            }
            // Two quotes and something within them.
            TokenKind::Quoted if text.len() > 2 => {
                text.get(1..text.len() - 1).unwrap_or_default().replace("\"\"", "\"")
            }
            _ => return Err(self.expected(what)),
        };
        self.advance()?;
        Ok(name)
    }

    /// The fault that something else should be here.
    pub(super) fn expected(&self, what: &str) -> Fault {
        let found = match self.token.kind {
            TokenKind::End => "the text ends".to_owned(),
            _ => format!("there is {}", self.token.text),
        };
        self.fault(format!("{found} where {what} should be"))
    }

    /// A fault at the next token.
    pub(super) fn fault(&self, problem: String) -> Fault {
        Fault { at: self.token.at, problem }
    }
}
