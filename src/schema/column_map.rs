//! The texts of `--map` and `--set`: which column is filled from what. Understood here, held against a table and a file in
//! [`mapping`](super::mapping). Pure.
//!
//! A name without double quotes is looked for as a header's names are; in double quotes (doubled inside) it is taken as it stands.

use std::fmt;

use super::call::Call;
use super::field::{FieldRef, unquoted};

/// A column, as an option names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnRef {
    /// The name.
    pub name: String,
    /// It stood in double quotes: its case matters.
    pub exact: bool,
}

/// What a column is filled from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A field of the record.
    Field(FieldRef),
    /// `$file`: the input's absolute path.
    Path,
    /// `$name`: the input's name without directories.
    Name,
    /// `$line`: the line of the record's first byte, from 1.
    Line,
    /// `$record`: the record's number in its file, from 1.
    Record,
    /// The same text for all.
    Constant(String),
    /// A CQL function.
    Call(Call),
}

/// What fills the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMap {
    /// `*`: fields with a column's name fill it, where nothing else does. Also where only constants are given.
    pub by_name: bool,
    /// Columns and what fills them, as given by `--map`.
    pub mapped: Vec<(ColumnRef, Source)>,
    /// Columns that are left unset on purpose.
    pub left_out: Vec<ColumnRef>,
    /// Columns and their constants, as given by `--set`.
    pub constants: Vec<(ColumnRef, String)>,
}

impl ColumnMap {
    /// The map without anything but fields with a column's name.
    pub const BY_NAME: ColumnMap =
        ColumnMap { by_name: true, mapped: Vec::new(), left_out: Vec::new(), constants: Vec::new() };

    /// Understands the text of `--map`: `column = source`, `*` and `-column`, separated by commas.
    ///
    /// # Errors
    /// What is not understood; the message goes on from the option and its text.
    pub fn parse(text: &str) -> Result<ColumnMap, String> {
        let mut map = ColumnMap { by_name: false, ..ColumnMap::BY_NAME };
        let mut rest = Rest(text);
        loop {
            rest.skip_spaces();
            if rest.take('*') {
                map.by_name = true;
            } else if rest.take('-') {
                map.left_out.push(rest.column(&[','])?);
            } else {
                let column = rest.column(&['=', ','])?;
                if !rest.take('=') {
                    return Err(format!(
                        "'{column}' alone says nothing: write {column} = FIELD, or -{column}"
                    ));
                }
                map.mapped.push((column, rest.source()?));
            }
            rest.skip_spaces();
            if rest.0.is_empty() {
                return Ok(map);
            }
            if !rest.take(',') {
                let more = rest.0;
                return Err(format!("'{more}' is not understood: separate what you map by commas"));
            }
        }
    }

    /// Understands a text of `--set`, `column = value`, several separated by commas, and adds the constants. A text that stands in
    /// double quotes as a whole is one of them, whatever commas it has.
    ///
    /// # Errors
    /// What is not understood; the message goes on from the option and its text.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let mut rest = Rest(text);
        loop {
            rest.skip_spaces();
            let mut ahead = Rest(rest.0);
            let whole = if rest.0.starts_with('"') { Some(ahead.quoted('"')?) } else { None };
            ahead.skip_spaces();
            match whole.filter(|_| ahead.0.is_empty() || ahead.0.starts_with(',')) {
                Some(whole) => {
                    rest = ahead;
                    let mut whole = Rest(&whole);
                    let column = whole.column(&['='])?;
                    self.constants.push((column, whole.constant(&[])?));
                }
                None => {
                    let column = rest.column(&['=', ','])?;
                    self.constants.push((column, rest.constant(&[','])?));
                }
            }
            rest.skip_spaces();
            if rest.0.is_empty() {
                return Ok(());
            }
            if !rest.take(',') {
                let more = rest.0;
                return Err(format!("'{more}' behind the closing quote is not understood"));
            }
        }
    }

    /// What `--map` says, written anew; `None` where it says nothing.
    pub fn map_text(&self) -> Option<String> {
        let mapped = self.mapped.iter().map(|(column, source)| format!("{column} = {source}"));
        let left_out = self.left_out.iter().map(|column| format!("-{column}"));
        let items: Vec<String> =
            self.by_name.then(|| "*".to_owned()).into_iter().chain(mapped).chain(left_out).collect();
        let says_something = !self.by_name || items.len() > 1;
        says_something.then(|| items.join(", "))
    }

    /// What `--set` says, written anew; `None` where it says nothing.
    pub fn set_text(&self) -> Option<String> {
        let constant = |(column, value): &(ColumnRef, String)| format!("{column} = {}", quoted_value(value));
        let items: Vec<String> = self.constants.iter().map(constant).collect();
        (!items.is_empty()).then(|| items.join(", "))
    }
}

fn quoted_value(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exact {
            true => write!(f, "\"{}\"", self.name.replace('"', "\"\"")),
            false => f.write_str(&self.name),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Field(field) => field.fmt(f),
            Source::Path => f.write_str("$file"),
            Source::Name => f.write_str("$name"),
            Source::Line => f.write_str("$line"),
            Source::Record => f.write_str("$record"),
            Source::Constant(value) => f.write_str(&quoted_value(value)),
            Source::Call(call) => call.fmt(f),
        }
    }
}

impl Source {
    /// Understands what stands for a field or for what is known of a record.
    pub(super) fn parse(text: &str) -> Result<Source, String> {
        Ok(match text {
            "$file" => Source::Path,
            "$name" => Source::Name,
            "$line" => Source::Line,
            "$record" => Source::Record,
            _ if text.starts_with('$') => {
                return Err(format!("'{text}' is unknown: there are $file, $name, $line and $record"));
            }
            _ if text.starts_with('\'') => {
                return Err(format!("{text} is a constant: give it with --set"));
            }
            _ => Source::Field(FieldRef::parse(text).map_err(|problem| format!("'{text}' {problem}"))?),
        })
    }
}

/// What is left of a text.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip_spaces(&mut self) {
        self.0 = self.0.trim_start();
    }

    fn take(&mut self, wanted: char) -> bool {
        match self.0.strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Up to one of these characters, or the end, without spaces around it.
    fn until(&mut self, ends: &[char]) -> &'a str {
        let (found, rest) = self.0.split_at(self.0.find(ends).unwrap_or(self.0.len()));
        self.0 = rest;
        found.trim()
    }

    /// A text in quotes as it stands, with them.
    fn with_quotes(&mut self, quote: char) -> Result<&'a str, String> {
        let inner = self.0.strip_prefix(quote).unwrap_or_default();
        let mut from = 0;
        while let Some(at) = inner.get(from..).and_then(|rest| rest.find(quote)) {
            let behind = from + at + quote.len_utf8();
            if !inner.get(behind..).is_some_and(|rest| rest.starts_with(quote)) {
                let (found, rest) = self.0.split_at(behind + quote.len_utf8());
                self.0 = rest;
                return Ok(found);
            }
            from = behind + quote.len_utf8();
        }
        Err(format!("a quote is never closed: {}", self.0))
    }

    /// A text in quotes, which are doubled inside.
    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let found = self.with_quotes(quote)?;
        Ok(unquoted(found, quote).unwrap_or_default())
    }

    /// A column's name, which ends at one of these.
    fn column(&mut self, ends: &[char]) -> Result<ColumnRef, String> {
        self.skip_spaces();
        let column = match self.0.starts_with('"') {
            true => ColumnRef { name: self.quoted('"')?, exact: true },
            false => ColumnRef { name: self.until(ends).to_owned(), exact: false },
        };
        self.skip_spaces();
        if column.name.is_empty() {
            return Err("a column has no name: write COLUMN = FIELD".to_owned());
        }
        Ok(column)
    }

    /// A function, or what else fills a column, which ends at a comma.
    fn source(&mut self) -> Result<Source, String> {
        self.skip_spaces();
        if Call::begins(self.0) {
            let (call, rest) = Call::parse(self.0)?;
            self.0 = rest;
            return Ok(Source::Call(call));
        }
        Source::parse(if self.0.starts_with('"') { self.with_quotes('"')? } else { self.until(&[',']) })
    }

    /// `= value`, which ends at one of these where it is not quoted.
    fn constant(&mut self, ends: &[char]) -> Result<String, String> {
        if !self.take('=') {
            return Err("has no '=': write COLUMN = VALUE".to_owned());
        }
        self.skip_spaces();
        for quote in ['\'', '"'] {
            if self.0.starts_with(quote) {
                return self.quoted(quote);
            }
        }
        let value = self.until(ends);
        let is_call = value.ends_with(')')
            && value.split_once('(').is_some_and(|(name, _)| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            });
        match value {
            "" => Err("has no value: write '' for the empty text".to_owned()),
            _ if value.starts_with('$') => Err(format!(
                "{value}: what a record or its file has is given with --map; for this very text write '{value}'"
            )),
            _ if is_call => {
                Err(format!("{value}: functions are given with --map; for this very text write '{value}'"))
            }
            _ => Ok(value.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let map = ColumnMap::parse(text);
        let found = map.map(|map| map.map_text().unwrap_or_default());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn columns_are_mapped_from_fields_and_from_what_is_known_of_records() {
        check("id=a", Ok("id = a"));
        check(" id = Order ID , \"Col\"=\"A, \"\"b\"\"\" ", Ok("id = Order ID, \"Col\" = \"A, \"\"b\"\"\""));
        check("id = #1, n = #12", Ok("id = #1, n = #12"));
        check(
            "f = $file, n = $name, l = $line, r = $record",
            Ok("f = $file, n = $name, l = $line, r = $record"),
        );
        check("id = a, *, -note, -\"No,te\"", Ok("*, id = a, -note, -\"No,te\""));
        check("*", Ok(""));
        check(
            "id=now() , day = toDate(\"a, b\", #2), x = c",
            Ok("id = now(), day = toDate(\"a, b\", #2), x = c"),
        );
    }

    #[test]
    fn what_is_not_understood_is_told() {
        check("", Err("a column has no name: write COLUMN = FIELD"));
        check("id = a,", Err("a column has no name: write COLUMN = FIELD"));
        check("id", Err("'id' alone says nothing: write id = FIELD, or -id"));
        check("id = ", Err("'' names no field"));
        check("id = $path", Err("'$path' is unknown: there are $file, $name, $line and $record"));
        check("id = 'a'", Err("'a' is a constant: give it with --set"));
        check("id = \"a\" b", Err("'b' is not understood: separate what you map by commas"));
        check("id = \"a", Err("a quote is never closed: \"a"));
        let zero = ColumnMap::parse("id = 0").unwrap_err();
        assert!(zero.starts_with("'0' may be a place or a name: write #1 for the first field"), "{zero}");
        check("id = f(a", Err("a parenthesis is never closed: f(a"));
        check("id = f(a) b", Err("'b' is not understood: separate what you map by commas"));
    }

    fn check_set(texts: &[&str], expected: Result<&str, &str>) {
        let mut map = ColumnMap::BY_NAME;
        let set = texts.iter().try_for_each(|text| map.set(text));
        let found = set.map(|()| map.set_text().unwrap_or_default());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{texts:?}");
        assert_eq!(map.map_text(), None);
    }

    #[test]
    fn constants_are_texts_with_or_without_quotes() {
        check_set(&["a = 1"], Ok("a = '1'"));
        check_set(&["a=x y , \"B\" = 'c, d'"], Ok("a = 'x y', \"B\" = 'c, d'"));
        check_set(&["a = it's", "b = 'it''s'"], Ok("a = 'it''s', b = 'it''s'"));
        check_set(&["a = ''"], Ok("a = ''"));
        check_set(&["a = \"x\""], Ok("a = 'x'"));
        check_set(&["a = b = c"], Ok("a = 'b = c'"));
        // As the items of a list in the configuration file come.
        check_set(&["\"a = x, y\", b = 2"], Ok("a = 'x, y', b = '2'"));
        check_set(&["\"\"\"A\"\" = 'x, y'\""], Ok("\"A\" = 'x, y'"));
    }

    #[test]
    fn constants_that_may_mean_something_else_are_refused() {
        check_set(&["a"], Err("has no '=': write COLUMN = VALUE"));
        check_set(&["a = "], Err("has no value: write '' for the empty text"));
        check_set(&["= 1"], Err("a column has no name: write COLUMN = FIELD"));
        check_set(&["a = 'x"], Err("a quote is never closed: 'x"));
        check_set(&["a = 'x' y"], Err("'y' behind the closing quote is not understood"));
        check_set(
            &["a = $line"],
            Err("$line: what a record or its file has is given with --map; for this very text write '$line'"),
        );
        check_set(
            &["a = now()"],
            Err("now(): functions are given with --map; for this very text write 'now()'"),
        );
        check_set(&["a = 'now()'", "b = (x)"], Ok("a = 'now()', b = '(x)'"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic_and_what_it_writes_it_reads(text in "[ab*$#'\"=,()\\- é]{0,20}") {
            let mut map = ColumnMap::BY_NAME;
            let _ = map.set(&text);
            if let Ok(map) = ColumnMap::parse(&text)
                && let Some(written) = map.map_text()
            {
                proptest::prop_assert_eq!(ColumnMap::parse(&written).ok().and_then(|map| map.map_text()), Some(written));
            }
        }
    }
}
