//! The text of `--query`: an INSERT, UPDATE or DELETE with named markers, taken apart only as far as is needed to know its table, its
//! markers, where a write time can be put in, and whether it may be executed twice. Whether it is right, the server says. Pure.

use super::ddl::tokens::{Token, TokenKind, next};
use super::field::unquoted;
use super::repeat::gives_the_same;
use super::statement::quoted;
use crate::settings::TableName;

/// Words before a parenthesis that are no function's name.
const NO_FUNCTIONS: [&str; 14] = [
    "values", "in", "and", "where", "if", "set", "using", "contains", "key", "like", "between", "into",
    "not", "or",
];

/// A statement that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// As it was given.
    text: String,
    /// The keyspace, where it is said; as the server has it.
    pub keyspace: Option<String>,
    /// The table; likewise.
    pub table: String,
    /// Its markers, in order.
    pub markers: Vec<Marker>,
    /// Whether it has a condition.
    pub is_conditional: bool,
    /// Whether it says itself when rows are written.
    pub has_timestamp: bool,
    /// Names in it, columns among them.
    pub names: Vec<String>,
    /// What is done.
    verb: Verb,
    /// Whether a row's columns are in a JSON text.
    is_json: bool,
    /// Whether something is added, taken away, or chosen by its place in it.
    pub is_relative: bool,
    /// The first function in it that may not give the same twice.
    pub not_the_same: Option<String>,
    /// Where the write time would be put, in bytes, and what would stand there.
    stamp: (usize, &'static str),
    /// Where the table's name begins, without its keyspace.
    table_at: usize,
    /// Where the statement ends.
    end: usize,
}

/// A marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Its name.
    pub name: String,
    /// Whether it is an argument of a function, or in a condition: a null there is one, and nothing is left unset.
    pub takes_null: bool,
    /// Whether it is added to something: a list's server fails where it is left unset there (Cassandra 5.0, `Lists.Appender`).
    pub is_added: bool,
    /// Where it is in the text, in bytes.
    start: usize,
    end: usize,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Insert,
    Update,
    Delete,
}

impl Query {
    /// Understands the text as far as is needed.
    ///
    /// # Errors
    /// What is not understood, or is not for loads; the message goes on from the option and its text.
    pub fn parse(text: &str) -> Result<Query, String> {
        let tokens = tokens(text)?;
        let (verb, table) = verb(&tokens)?;
        let name = |at: usize| {
            let token = tokens.get(at).ok_or("names no table")?;
            name_of(token).ok_or_else(|| format!("has '{}' where its table's name should be", token.text))
        };
        let is_qualified = tokens.get(table + 1).is_some_and(|token| token.text == ".");
        let (keyspace, table) = if is_qualified { (Some(name(table)?), table + 2) } else { (None, table) };
        let mut query = Query {
            text: text.to_owned(),
            keyspace,
            table: name(table)?,
            markers: Vec::new(),
            is_conditional: false,
            has_timestamp: false,
            names: Vec::new(),
            verb,
            is_json: verb == Verb::Insert && tokens.get(table + 1).is_some_and(|token| is(token, "json")),
            is_relative: false,
            not_the_same: None,
            stamp: (0, ""),
            table_at: tokens.get(table).map_or(0, |token| token.at),
            end: tokens.last().map_or(0, end_of),
        };
        query.look_through(&tokens, verb, table);
        query.place_stamp(&tokens, verb, table);
        match query.markers.is_empty() {
            true => Err("has no marker: write :name where the field of that name is to stand".to_owned()),
            false => Ok(query),
        }
    }

    /// The table's name; its keyspace from that of `--table` where the statement does not say it.
    ///
    /// # Errors
    /// It is not the same table, or nobody says the keyspace; the message goes on from the option and its text.
    pub fn table_name(&self, given: Option<&TableName>) -> Result<TableName, String> {
        let table = self.table.clone();
        let keyspace = self.keyspace.clone().or_else(|| given.map(|given| given.keyspace.clone()));
        let keyspace = keyspace.ok_or_else(|| {
            format!("does not say the keyspace: write KEYSPACE.{table}, or give -t KEYSPACE.{table} too")
        })?;
        let found = TableName { keyspace, table };
        match given {
            Some(given) if *given != found => {
                Err(format!("is about {found}, and --table is {given}: leave --table out"))
            }
            _ => Ok(found),
        }
    }

    /// Whether this column may be given a value.
    pub fn fills(&self, column: &str) -> bool {
        self.verb != Verb::Delete && (self.is_json || self.names.iter().any(|name| name == column))
    }

    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The statement with a question mark for each marker and, if it is asked for, one for the write time.
    pub fn statement(&self, keyspace: &str, stamped: bool) -> String {
        let mut edits: Vec<(usize, usize, String)> =
            self.markers.iter().map(|marker| (marker.start, marker.end, "?".to_owned())).collect();
        if self.keyspace.is_none() {
            edits.push((self.table_at, self.table_at, format!("{}.", quoted(keyspace))));
        }
        if stamped {
            edits.push((self.stamp.0, self.stamp.0, self.stamp.1.to_owned()));
        }
        edits.sort_by_key(|edit| edit.0);
        let (mut statement, mut copied) = (String::new(), 0);
        for (start, end, instead) in edits {
            statement.push_str(self.text.get(copied..start).unwrap_or_default());
            statement.push_str(&instead);
            copied = end;
        }
        statement.push_str(self.text.get(copied..self.end).unwrap_or_default());
        statement
    }

    /// How many markers stand before that of the write time.
    pub fn before_stamp(&self) -> usize {
        self.markers.iter().filter(|marker| marker.start < self.stamp.0).count()
    }

    fn place_stamp(&mut self, tokens: &[Token<'_>], verb: Verb, table: usize) {
        let using = tokens.iter().enumerate().skip(table + 1).find(|(_, token)| is(token, "using"));
        let behind_table = tokens.get(table).map_or(self.end, end_of);
        self.stamp = match (verb, using) {
            (Verb::Insert, None) => (self.end, " USING TIMESTAMP ?"),
            (Verb::Insert, Some(_)) => (self.end, " AND TIMESTAMP ?"),
            (Verb::Update | Verb::Delete, None) => (behind_table, " USING TIMESTAMP ?"),
            (Verb::Update | Verb::Delete, Some((_, using))) => (end_of(using), " TIMESTAMP ? AND"),
        };
        let Some((at, _)) = using else { return };
        let clause: Vec<&Token<'_>> = tokens
            .iter()
            .skip(at)
            .take_while(|token| !["set", "where", "if"].iter().any(|word| is(token, word)))
            .collect();
        let begins = |pair: &&[&Token<'_>]| ["using", "and"].iter().any(|word| is(pair[0], word));
        self.has_timestamp = clause.windows(2).filter(begins).any(|pair| is(pair[1], "timestamp"));
    }

    /// Finds markers, names and functions; the tokens before the table's name are columns where something is deleted.
    fn look_through(&mut self, tokens: &[Token<'_>], verb: Verb, table: usize) {
        let mut open: Vec<Open> = Vec::new();
        let mut marker_ends = 0;
        for (at, token) in tokens.iter().enumerate().skip(1) {
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            match (token.kind, token.text) {
                _ if token.at < marker_ends => {}
                (TokenKind::Symbol, "(") => {
                    let is_table = at == table + 1;
                    let function = before.filter(|_| !is_table).and_then(function_name);
                    self.not_the_same = self.not_the_same.take().or_else(|| {
                        let name = match at.checked_sub(2).and_then(|dot| tokens.get(dot)) {
                            Some(dot) if dot.text == "." => format!(".{}", function.clone()?),
                            _ => function.clone()?,
                        };
                        (!gives_the_same(&name)).then(|| name.trim_start_matches('.').to_owned())
                    });
                    open.push(if function.is_some() { Open::Call } else { Open::Other });
                }
                (TokenKind::Symbol, "{") => open.push(Open::Brace),
                (TokenKind::Symbol, "[") => {
                    self.is_relative = true;
                    open.push(Open::Other);
                }
                (TokenKind::Symbol, ")" | "}" | "]") => drop(open.pop()),
                (TokenKind::Symbol, "+" | "-") => self.is_relative = true,
                (TokenKind::Symbol, ":") => {
                    let separates = open.last() == Some(&Open::Brace) && before.is_some_and(ends_term);
                    let next = tokens.get(at + 1).filter(|next| next.at == token.at + 1 && !separates);
                    if let Some((name, next)) = next.and_then(|next| Some((name_of(next)?, next))) {
                        let in_condition = self.is_conditional && verb != Verb::Insert;
                        let takes_null = in_condition || open.contains(&Open::Call);
                        marker_ends = end_of(next);
                        let sign = match before.map(|before| before.text) {
                            Some("=") => at.checked_sub(2).and_then(|at| tokens.get(at)),
                            _ => before,
                        };
                        let is_added = sign.is_some_and(|sign| sign.text == "+");
                        let (start, end) = (token.at, marker_ends);
                        self.markers.push(Marker { name, takes_null, is_added, start, end });
                    }
                }
                (TokenKind::Word, _) if open.is_empty() && is(token, "if") => self.is_conditional = true,
                (TokenKind::Word | TokenKind::Quoted, _) => self.names.extend(name_of(token)),
                _ => {}
            }
        }
    }
}

/// What a parenthesis, bracket or brace that is open belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Call,
    Brace,
    Other,
}

/// The tokens of one statement, without what ends it.
fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let (mut found, mut at): (Vec<Token<'_>>, usize) = (Vec::new(), 0);
    loop {
        let token = next(text, at).map_err(|fault| fault.problem)?;
        at = end_of(&token);
        match (token.kind, token.text) {
            (TokenKind::End, _) => return Ok(found),
            (_, "?") => return Err("has ?: give each marker a name, as :id".to_owned()),
            (_, ";") => match next(text, at).map_err(|fault| fault.problem)?.kind {
                TokenKind::End => return Ok(found),
                _ => return Err("is more than one statement: give one".to_owned()),
            },
            _ => found.push(token),
        }
    }
}

/// What is done, and which token begins the table's name.
fn verb(tokens: &[Token<'_>]) -> Result<(Verb, usize), String> {
    let word = |at: usize, word: &str| tokens.get(at).is_some_and(|token| is(token, word));
    if word(0, "insert") && word(1, "into") {
        return Ok((Verb::Insert, 2));
    }
    if word(0, "update") {
        return Ok((Verb::Update, 1));
    }
    if word(0, "delete") {
        let from = tokens.iter().position(|token| is(token, "from"));
        return from.map(|from| (Verb::Delete, from + 1)).ok_or_else(|| "deletes FROM no table".to_owned());
    }
    let first = tokens.first().map_or("", |token| token.text);
    Err(match first.to_ascii_lowercase().as_str() {
        "begin" => "is a batch: each record is one statement; give that".to_owned(),
        "select" => "writes nothing: give an INSERT, UPDATE or DELETE".to_owned(),
        _ => "is not an INSERT, UPDATE or DELETE".to_owned(),
    })
}

fn is(token: &Token<'_>, word: &str) -> bool {
    token.kind == TokenKind::Word && token.text.eq_ignore_ascii_case(word)
}

fn end_of(token: &Token<'_>) -> usize {
    token.at + token.text.len()
}

/// A name as the server has it.
fn name_of(token: &Token<'_>) -> Option<String> {
    match token.kind {
        TokenKind::Word if token.text.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Some(token.text.to_ascii_lowercase())
        }
        TokenKind::Quoted => unquoted(token.text, '"').filter(|name| !name.is_empty()),
        _ => None,
    }
}

/// The name of the function whose arguments begin behind this token, if one's do.
fn function_name(token: &Token<'_>) -> Option<String> {
    name_of(token).filter(|name| token.kind == TokenKind::Quoted || !NO_FUNCTIONS.contains(&name.as_str()))
}

/// Whether a term of a map or a user type's field may end with this token.
fn ends_term(token: &Token<'_>) -> bool {
    match token.kind {
        TokenKind::Word | TokenKind::Quoted | TokenKind::Text => true,
        TokenKind::Symbol => [")", "]", "}"].contains(&token.text),
        TokenKind::End => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Query {
        Query::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    /// The statement with and without a write time, the markers' names, and how many of them are before the write time's.
    fn check(text: &str, plain: &str, stamped: &str, markers: &[&str], before: usize) {
        let query = parse(text);
        assert_eq!(query.statement("ks", false), plain, "{text}");
        assert_eq!(query.statement("ks", true), stamped, "{text}");
        let names: Vec<&str> = query.markers.iter().map(|marker| marker.name.as_str()).collect();
        assert_eq!((names.as_slice(), query.before_stamp()), (markers, before), "{text}");
    }

    #[test]
    fn markers_are_found_and_a_write_time_is_put_where_the_statement_takes_it() {
        check(
            "INSERT INTO a.t (id, v) VALUES (:id, :\"V v\");",
            "INSERT INTO a.t (id, v) VALUES (?, ?)",
            "INSERT INTO a.t (id, v) VALUES (?, ?) USING TIMESTAMP ?",
            &["id", "V v"],
            2,
        );
        check(
            "insert into t json :doc using ttl :ttl",
            "insert into \"ks\".t json ? using ttl ?",
            "insert into \"ks\".t json ? using ttl ? AND TIMESTAMP ?",
            &["doc", "ttl"],
            2,
        );
        check(
            "UPDATE t SET m = m + {'a:b': :v, 'c':5}, u = {street: :s} WHERE id = :ID",
            "UPDATE \"ks\".t SET m = m + {'a:b': ?, 'c':5}, u = {street: ?} WHERE id = ?",
            "UPDATE \"ks\".t USING TIMESTAMP ? SET m = m + {'a:b': ?, 'c':5}, u = {street: ?} WHERE id = ?",
            &["v", "s", "id"],
            0,
        );
        check(
            "UPDATE ks.t USING TTL :n SET v = :v WHERE id = :id",
            "UPDATE ks.t USING TTL ? SET v = ? WHERE id = ?",
            "UPDATE ks.t USING TIMESTAMP ? AND TTL ? SET v = ? WHERE id = ?",
            &["n", "v", "id"],
            0,
        );
        check(
            "DELETE m[:k] FROM ks.\"T\" WHERE id = :id -- all",
            "DELETE m[?] FROM ks.\"T\" WHERE id = ?",
            "DELETE m[?] FROM ks.\"T\" USING TIMESTAMP ? WHERE id = ?",
            &["k", "id"],
            1,
        );
    }

    #[test]
    fn what_may_not_be_executed_twice_is_seen() {
        let check = |text: &str, conditional, timestamp, relative, function: Option<&str>| {
            let query = parse(text);
            let found = (query.is_conditional, query.has_timestamp, query.is_relative);
            assert_eq!(found, (conditional, timestamp, relative), "{text}");
            assert_eq!(query.not_the_same.as_deref(), function, "{text}");
        };
        check("INSERT INTO k.t (a, b) VALUES (:a, toDate(:b))", false, false, false, None);
        check("INSERT INTO k.t (a, b) VALUES (:a, toDate(now()))", false, false, false, Some("now"));
        check("INSERT INTO k.t (a, b) VALUES (:a, k.toDate(:b))", false, false, false, Some("todate"));
        check("INSERT INTO k.t (a) VALUES (:a) IF NOT EXISTS", true, false, false, None);
        check("INSERT INTO k.t (a) VALUES (:a) USING TTL 5 AND timestamp :t", false, true, false, None);
        check(
            "UPDATE k.t USING TIMESTAMP 5 SET timestamp = :a WHERE (b, c) IN ((:b, 1))",
            false,
            true,
            false,
            None,
        );
        check("UPDATE k.t SET timestamp = :a WHERE b = :b", false, false, false, None);
        check("UPDATE k.t SET l = l + :a WHERE b = :b", false, false, true, None);
        check("UPDATE k.t SET \"if\" = :a WHERE b = :b IF v = :v", true, false, false, None);
        check("DELETE l[0] FROM k.t WHERE b = :b", false, false, true, None);
    }

    #[test]
    fn nulls_are_values_in_conditions_and_functions_only() {
        let query = parse("UPDATE k.t SET a = toDate(:a), b = (int) :b WHERE (k, l) = (:k, :l) IF v = :v");
        let nulls: Vec<bool> = query.markers.iter().map(|marker| marker.takes_null).collect();
        assert_eq!(nulls, [true, false, false, false, true]);
    }

    #[test]
    fn what_is_added_is_known() {
        let query = parse("UPDATE k.t SET a = a + :a, b = :b + b, c = c - :c, d += :d WHERE k = :k");
        let added: Vec<bool> = query.markers.iter().map(|marker| marker.is_added).collect();
        assert_eq!(added, [true, false, false, true, false]);
    }

    #[test]
    fn the_table_is_that_of_the_statement() {
        let name = |keyspace: &str, table: &str| TableName { keyspace: keyspace.into(), table: table.into() };
        let given = name("ks", "t");
        let check = |text: &str, given: Option<&TableName>, expected: Result<TableName, &str>| {
            let found = parse(&format!("UPDATE {text} SET a = :a")).table_name(given);
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        };
        check("ks.t", None, Ok(given.clone()));
        check("KS.T", Some(&given), Ok(given.clone()));
        check("t", Some(&given), Ok(given.clone()));
        check("k.\"T\"", None, Ok(name("k", "T")));
        check("t", None, Err("does not say the keyspace: write KEYSPACE.t, or give -t KEYSPACE.t too"));
        check("ks.u", Some(&given), Err("is about ks.u, and --table is ks.t: leave --table out"));
    }

    #[test]
    fn what_is_not_for_loads_is_refused() {
        let check = |text: &str, expected: &str| {
            let problem = Query::parse(text).unwrap_err();
            assert!(problem.starts_with(expected), "{text}: {problem}");
        };
        check("", "is not an INSERT");
        check("TRUNCATE t", "is not an INSERT");
        check("SELECT a FROM t WHERE b = :b", "writes nothing");
        check("BEGIN BATCH INSERT INTO t (a) VALUES (:a); APPLY BATCH", "is more than one statement");
        check("BEGIN BATCH INSERT INTO t (a) VALUES (:a) APPLY BATCH", "is a batch");
        check("UPDATE t SET a = ?", "has ?");
        check("UPDATE t SET a = 1 WHERE b = 2", "has no marker");
        check("UPDATE t SET a = 'x", "' is never closed");
        check("DELETE a WHERE b = :b", "deletes FROM no table");
        check("INSERT INTO 'a' (a) VALUES (:a)", "has ''a'' where");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[a:?(){}\\[\\].,'\"+ é]{0,20}") {
            for begin in ["INSERT INTO ", "UPDATE t", "DELETE ", ""] {
                if let Ok(query) = Query::parse(&format!("{begin}{text}")) {
                    let _ = (query.statement("k", true), query.before_stamp());
                }
            }
        }
    }
}
