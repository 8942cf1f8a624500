//! How a field of a file is named in an option: by its name in the header (or in `--columns`), or by its place. Pure.

use std::fmt;

use super::table::hint;

/// A field, as an option names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldRef {
    /// By name.
    Name {
        /// The name.
        name: String,
        /// It stood in double quotes: spaces around it and its case matter.
        exact: bool,
    },
    /// By place, counted from 1.
    Place(usize),
}

/// A file does not have a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldProblem {
    /// None has this name.
    #[error("no field is called {name:?} ({hint})")]
    Unknown {
        /// The name.
        name: String,
        /// Those that may have been meant, or those that there are.
        hint: String,
    },
    /// The name differs from several only in case.
    #[error("{name:?} may be any of the fields {candidates:?}: write it as it stands there")]
    Ambiguous {
        /// The name.
        name: String,
        /// The fields.
        candidates: Vec<String>,
    },
    /// There are no names.
    #[error(
        "{name:?} is a name, and without a header or --columns fields have none: write #1 for the first field"
    )]
    NoNames {
        /// The name.
        name: String,
    },
    /// Fields have no places.
    #[error("#{place} is a place, and keys of JSON objects have none: write the key's name")]
    NoPlaces {
        /// Which was asked for, from 1.
        place: usize,
    },
    /// There are not so many.
    #[error("there is no field #{place}: the file has {fields}")]
    Beyond {
        /// Which was asked for, from 1.
        place: usize,
        /// How many there are.
        fields: usize,
    },
}

impl FieldRef {
    /// Understands `name`, `"Name as it stands"` or `#1`.
    ///
    /// # Errors
    /// It is neither; the message goes on from the text.
    pub fn parse(text: &str) -> Result<FieldRef, String> {
        let text = text.trim();
        if let Some(place) = text.strip_prefix('#') {
            let number = place.parse().ok().filter(|place| *place > 0);
            return number.map(FieldRef::Place).ok_or_else(|| {
                "is no field's place: write #1 for the first field, #2 for the second".to_owned()
            });
        }
        if text.starts_with('"') {
            let name = unquoted(text, '"').ok_or("has a double quote that is not closed at its end")?;
            return Ok(FieldRef::Name { name, exact: true });
        }
        match text {
            "" => Err("names no field".to_owned()),
            _ if text.chars().all(|c| c.is_ascii_digit()) => Err(format!(
                "may be a place or a name: write #1 for the first field (others count it as 0), or \"{text}\" in double quotes for \
                 a field of that name"
            )),
            _ if text.starts_with(['$', '@', '-', '*']) || text.contains(['"', '=', ',', '(', ')', '\'']) => {
                Err(format!("is no plain name: put it into double quotes, \"{}\"", text.replace('"', "\"\"")))
            }
            _ => Ok(FieldRef::Name { name: text.to_owned(), exact: false }),
        }
    }

    /// Where the field is among these names, from 0: the name as it stands; else without the spaces around it; else, if just one
    /// field differs from it in case only, that one.
    ///
    /// # Errors
    /// There is no such field, or it may be one of several.
    pub fn find(&self, names: &[String]) -> Result<usize, FieldProblem> {
        self.find_of(names, names.len())
    }

    /// The same for so many fields, which may be without names.
    ///
    /// # Errors
    /// There is no such field, or it may be one of several.
    pub fn find_of(&self, names: &[String], fields: usize) -> Result<usize, FieldProblem> {
        let (name, exact) = match self {
            &FieldRef::Place(place) => {
                let index = place.checked_sub(1).filter(|index| *index < fields);
                return index.ok_or(FieldProblem::Beyond { place, fields });
            }
            FieldRef::Name { name, .. } if names.is_empty() => {
                return Err(FieldProblem::NoNames { name: name.clone() });
            }
            FieldRef::Name { name, exact } => (name, *exact),
        };
        let position = |is_it: &dyn Fn(&String) -> bool| names.iter().position(is_it);
        if let Some(at) = position(&|field| field == name) {
            return Ok(at);
        }
        let unknown = || {
            let names = names.iter().map(|field| field.trim().to_owned()).collect();
            FieldProblem::Unknown { name: name.clone(), hint: hint(name, names) }
        };
        if exact {
            return Err(unknown());
        }
        if let Some(at) = position(&|field| field.trim() == name) {
            return Ok(at);
        }
        let lower = name.to_lowercase();
        let alike = |(_, field): &(usize, &String)| field.trim().to_lowercase() == lower;
        let found: Vec<(usize, &String)> = names.iter().enumerate().filter(alike).collect();
        match found[..] {
            [] => Err(unknown()),
            [(at, _)] => Ok(at),
            _ => {
                let candidates = found.into_iter().map(|(_, field)| field.clone()).collect();
                Err(FieldProblem::Ambiguous { name: name.clone(), candidates })
            }
        }
    }
}

impl fmt::Display for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldRef::Name { name, exact: false } => f.write_str(name),
            FieldRef::Name { name, exact: true } => write!(f, "\"{}\"", name.replace('"', "\"\"")),
            FieldRef::Place(place) => write!(f, "#{place}"),
        }
    }
}

/// A text in quotes, which are doubled inside; `None` if that is not what it is.
pub(super) fn unquoted(text: &str, quote: char) -> Option<String> {
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let doubled = format!("{quote}{quote}");
    let is_whole = !inner.replace(&doubled, "").contains(quote);
    is_whole.then(|| inner.replace(&doubled, &quote.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<usize, &str>) {
        let names = ["id", " Name ", "a", "A", "x\"y", "1", "Größe"].map(str::to_owned);
        let found =
            FieldRef::parse(text).and_then(|field| field.find(&names).map_err(|problem| problem.to_string()));
        match (found, expected) {
            (Err(problem), Err(expected)) => {
                assert!(problem.contains(expected), "{text}: {problem:?} should have {expected:?}");
            }
            (found, expected) => assert_eq!(found, expected.map_err(str::to_owned), "{text}"),
        }
    }

    #[test]
    fn fields_are_found_by_name_without_regard_to_spaces_and_case() {
        check("id", Ok(0));
        check(" ID ", Ok(0));
        check("name", Ok(1));
        check("A", Ok(3));
        check("größe", Ok(6));
        check("nome", Err("no field is called \"nome\" (did you mean Name?)"));
        check("zzzzzz", Err("there are "));
    }

    #[test]
    fn a_name_in_quotes_is_taken_as_it_stands() {
        check("\"id\"", Ok(0));
        check("\"ID\"", Err("no field is called \"ID\""));
        check("\"x\"\"y\"", Ok(4));
        check("\"1\"", Ok(5));
        check("\"x", Err("not closed"));
        check("\"x\"y\"", Err("not closed"));
        check("x\"y", Err("\"x\"\"y\""));
    }

    #[test]
    fn a_place_is_counted_from_one_and_a_bare_number_is_not_guessed_at() {
        check("#1", Ok(0));
        check("#7", Ok(6));
        check("#8", Err("there is no field #8: the file has 7"));
        check("#0", Err("write #1 for the first field"));
        check("#x", Err("write #1 for the first field"));
        check("1", Err("\"1\" in double quotes"));
    }

    #[test]
    fn what_may_mean_something_else_is_no_name() {
        for text in ["$line", "-id", "*", "now()", "a = b", "a,b", "'a'", "@a"] {
            check(text, Err("double quotes"));
        }
        check("", Err("names no field"));
    }

    #[test]
    fn a_name_that_fits_several_fields_is_not_guessed_at() {
        let names = ["Ab", "aB"].map(str::to_owned);
        let problem = FieldRef::parse("ab").unwrap().find(&names).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "\"ab\" may be any of the fields [\"Ab\", \"aB\"]: write it as it stands there"
        );
    }

    #[test]
    fn a_field_is_shown_as_it_is_written() {
        for text in ["id", "\"a \"\"b\"", "#3"] {
            assert_eq!(FieldRef::parse(text).unwrap().to_string(), text);
        }
    }
}
