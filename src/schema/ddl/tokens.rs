//! CQL text to tokens: words, quoted names, strings and single characters, comments left out (CQL specification, "Identifiers
//! and keywords", "Constants", "Comments"). It knows no grammar.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::schema) enum TokenKind {
    /// A keyword, an unquoted name or a number.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A string, in single quotes or between `$$`.
    Text,
    /// Any other character.
    Symbol,
    /// The end of the text.
    End,
}

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::schema) struct Token<'a> {
    /// What it is.
    pub(in crate::schema) kind: TokenKind,
    /// As it is written, quotes included.
    pub(in crate::schema) text: &'a str,
    /// Where it begins, in bytes.
    pub(in crate::schema) at: usize,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::schema) struct Fault {
    /// Where, in bytes.
    pub(in crate::schema) at: usize,
    /// What, and what to do.
    pub(in crate::schema) problem: String,
}

/// The token that begins at `at` or, after spaces and comments, next.
pub(in crate::schema) fn next(text: &str, at: usize) -> Result<Token<'_>, Fault> {
    let at = skip(text, at)?;
    let rest = text.get(at..).unwrap_or_default();
    let Some(first) = rest.chars().next() else {
        return Ok(Token { kind: TokenKind::End, text: "", at });
    };
    let (kind, len) = match first {
        '"' => (TokenKind::Quoted, quoted(rest, '"')),
        '\'' => (TokenKind::Text, quoted(rest, '\'')),
        '$' if rest.starts_with("$$") => {
            let body = rest.get(2..).unwrap_or_default();
            (TokenKind::Text, body.find("$$").map(|end| end + 4))
        }
        first if is_word(first) => (TokenKind::Word, Some(rest.find(|c| !is_word(c)).unwrap_or(rest.len()))),
        other => (TokenKind::Symbol, Some(other.len_utf8())),
    };
    match len.and_then(|len| rest.get(..len)) {
        Some(text) => Ok(Token { kind, text, at }),
        None => Err(Fault { at, problem: format!("{first} is never closed: close it where the text ends") }),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The length of what begins with a quote; a doubled quote within it stands for one.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut end = 1;
    loop {
        end += text.get(end..)?.find(quote)? + 1;
        if !text.get(end..)?.starts_with(quote) {
            return Some(end);
        }
        end += 1;
    }
}

/// Where spaces and comments end.
fn skip(text: &str, mut at: usize) -> Result<usize, Fault> {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let bare = rest.trim_start();
        at += rest.len() - bare.len();
        if bare.starts_with("--") || bare.starts_with("//") {
            at += bare.find(['\n', '\r']).unwrap_or(bare.len());
        } else if let Some(comment) = bare.strip_prefix("/*") {
            let Some(end) = comment.find("*/") else {
                let problem = "/* is never closed: close it with */".to_owned();
                return Err(Fault { at, problem });
            };
            at += end + 4;
        } else {
            return Ok(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<(TokenKind, &str)>, Fault> {
        let (mut found, mut at) = (Vec::new(), 0);
        loop {
            let token = next(text, at)?;
            if token.kind == TokenKind::End {
                return Ok(found);
            }
            assert_eq!(text.get(token.at..token.at + token.text.len()), Some(token.text));
            found.push((token.kind, token.text));
            at = token.at + token.text.len();
        }
    }

    #[test]
    fn words_names_strings_and_characters_are_told_apart() {
        use TokenKind::{Quoted, Symbol, Text, Word};
        let check = |text: &str, expected: &[(TokenKind, &str)]| assert_eq!(tokens(text).unwrap(), expected);
        check("", &[]);
        check(" \n\t", &[]);
        check("a1 _b 12", &[(Word, "a1"), (Word, "_b"), (Word, "12")]);
        check("a.b", &[(Word, "a"), (Symbol, "."), (Word, "b")]);
        check(r#""a b""c".d"#, &[(Quoted, r#""a b""c""#), (Symbol, "."), (Word, "d")]);
        check("'it''s; -- no' ;", &[(Text, "'it''s; -- no'"), (Symbol, ";")]);
        check("$$ it's; $ /* $$;", &[(Text, "$$ it's; $ /* $$"), (Symbol, ";")]);
        check("$ $$$$", &[(Symbol, "$"), (Text, "$$$$")]);
        check("é<", &[(Symbol, "é"), (Symbol, "<")]);
        check("'é'\"é\"", &[(Text, "'é'"), (Quoted, "\"é\"")]);
    }

    #[test]
    fn comments_are_left_out() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<&str> = tokens(text).unwrap().into_iter().map(|(_, text)| text).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("a -- b\nc", &["a", "c"]);
        check("a // b's \" /*\r\nc", &["a", "c"]);
        check("a--", &["a"]);
        check("a/* b; 'c \n -- */d/**/", &["a", "d"]);
        check("a - / b", &["a", "-", "/", "b"]);
    }

    #[test]
    fn what_is_never_closed_is_told_with_its_beginning() {
        let check = |text: &str, at: usize, start: &str| {
            let fault = tokens(text).unwrap_err();
            assert_eq!(fault.at, at, "{text}");
            assert!(fault.problem.starts_with(&format!("{start} is never closed")), "{}", fault.problem);
        };
        check("a 'b", 2, "'");
        check("a 'b''", 2, "'");
        check("a \"b\"\"", 2, "\"");
        check("a $$b$", 2, "$");
        check("a /* b /", 2, "/*");
        check("a /*/", 2, "/*");
    }
}
