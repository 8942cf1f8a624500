//! The narrowest CQL type that takes every value of a column that was looked at. A type counts as fitting where the codec that a load
//! uses takes the text, and where nothing is lost: a number with zeros in front stays text, and so does one with more digits than a
//! double has. Pure.

use serde_json::Value;

use crate::codec::{self, CodecOptions};
use crate::format::charset::Charset;
use crate::format::record::Field;
use crate::schema::types::{CqlType, Elements, Entries};
use crate::settings::Rounding;

/// Decimal digits that a double keeps, whatever the number (IEEE 754 binary64).
const DOUBLE_DIGITS: usize = 15;

/// The forms that a text may have, from the narrowest to the widest. The order is that in which they are proposed.
const FORMS: [Form; 15] = [
    Form::Boolean,
    Form::Int,
    Form::Bigint,
    Form::Varint,
    Form::Double,
    Form::Decimal,
    Form::Timeuuid,
    Form::Uuid,
    Form::Date,
    Form::Time,
    Form::Timestamp,
    Form::Inet,
    Form::Blob,
    Form::Nested,
    Form::FineTimestamp,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Boolean,
    Int,
    Bigint,
    Varint,
    Double,
    Decimal,
    Timeuuid,
    Uuid,
    Date,
    Time,
    Timestamp,
    Inet,
    Blob,
    /// A JSON array or object.
    Nested,
    /// A timestamp with more digits than its type keeps.
    FineTimestamp,
}

/// How texts are read.
pub(super) struct Options {
    /// As a load would read them.
    exact: CodecOptions,
    /// The same, but times that are too fine are cut.
    cut: CodecOptions,
}

impl Options {
    pub(super) fn of(options: &CodecOptions) -> Self {
        let cut = CodecOptions { rounding: Rounding::Truncate, ..options.clone() };
        Options { exact: options.clone(), cut }
    }
}

/// What is known of a column.
#[derive(Debug, Clone)]
pub(super) struct Guess {
    /// One bit for each of [`FORMS`]: all values so far have that form.
    forms: u16,
    nested: Option<Nested>,
    values: u64,
    nulls: u64,
}

/// What JSON arrays and objects hold.
#[derive(Debug, Clone)]
enum Nested {
    List(Box<Guess>),
    Map(Box<Guess>),
}

impl Default for Guess {
    fn default() -> Self {
        Guess { forms: (1 << FORMS.len()) - 1, nested: None, values: 0, nulls: 0 }
    }
}

impl Guess {
    /// How many nulls there were.
    pub(super) fn nulls(&self) -> u64 {
        self.nulls
    }

    /// Whether there was nothing but null.
    pub(super) fn is_empty(&self) -> bool {
        self.values == 0
    }

    /// Whether they are timestamps that lose digits in a column of that type.
    pub(super) fn is_fine_timestamp(&self) -> bool {
        self.values > 0 && self.forms == bit_of(Form::FineTimestamp)
    }

    /// Another value is null.
    pub(super) fn add_null(&mut self) {
        self.nulls += 1;
    }

    /// The next value is a text in JSON: it may be a date; a number it is not meant to be.
    pub(super) fn is_said_text(&mut self) {
        self.forms &= !(number_forms() | bit_of(Form::Boolean) | bit_of(Form::Nested));
    }

    /// Another value, in the encoding of its file.
    pub(super) fn add(
        &mut self,
        field: Field<'_>,
        charset: Charset,
        options: &Options,
        scratch: &mut Vec<u8>,
    ) {
        // What is no text in its encoding narrows nothing down: a load rejects it.
        if let Some(text) = charset.decode(field.bytes) {
            self.add_text(&text, options, scratch);
        }
    }

    fn add_text(&mut self, text: &[u8], options: &Options, scratch: &mut Vec<u8>) {
        self.values += 1;
        if self.forms == 0 {
            return;
        }
        for (bit, form) in FORMS.into_iter().enumerate() {
            let bit = 1 << bit;
            if self.forms & bit == 0 {
                continue;
            }
            let fits = match form {
                Form::Nested => self.add_json(text, options, scratch),
                plain => fits(plain, text, options, scratch),
            };
            if !fits {
                self.forms &= !bit;
            }
        }
    }

    /// Whether the text is JSON of the same kind as the others before.
    fn add_json(&mut self, text: &[u8], options: &Options, scratch: &mut Vec<u8>) -> bool {
        if !matches!(text.trim_ascii().first(), Some(b'[' | b'{')) {
            return false;
        }
        match serde_json::from_slice(text) {
            Ok(value) => self.add_nested(&value, options, scratch),
            Err(_) => false,
        }
    }

    fn add_nested(&mut self, value: &Value, options: &Options, scratch: &mut Vec<u8>) -> bool {
        match (value, &mut self.nested) {
            (Value::Array(_), nested @ None) => *nested = Some(Nested::List(Box::default())),
            (Value::Object(_), nested @ None) => *nested = Some(Nested::Map(Box::default())),
            _ => {}
        }
        match (value, &mut self.nested) {
            (Value::Array(elements), Some(Nested::List(of))) => {
                elements.iter().all(|element| of.add_value(element, options, scratch))
            }
            (Value::Object(entries), Some(Nested::Map(of))) => {
                entries.values().all(|value| of.add_value(value, options, scratch))
            }
            _ => false,
        }
    }

    /// A value in JSON. `false` for one that no collection can hold.
    fn add_value(&mut self, value: &Value, options: &Options, scratch: &mut Vec<u8>) -> bool {
        match value {
            Value::Null => false,
            Value::Array(_) | Value::Object(_) => {
                self.values += 1;
                self.forms &= bit_of(Form::Nested);
                self.forms != 0 && self.add_nested(value, options, scratch)
            }
            Value::String(text) => {
                self.is_said_text();
                self.add_text(text.as_bytes(), options, scratch);
                true
            }
            Value::Bool(_) | Value::Number(_) => {
                let text = value.to_string();
                self.add_text(text.as_bytes(), options, scratch);
                true
            }
        }
    }

    /// The type to propose. `complete`: no value was left out; only then does an `int` fit what is still to come.
    pub(super) fn cql_type(&self, complete: bool) -> CqlType {
        if self.values == 0 {
            return CqlType::Text;
        }
        let mut forms = FORMS.into_iter().enumerate().filter(|(bit, _)| self.forms & (1 << bit) != 0);
        match forms.next().map(|(_, form)| form) {
            None | Some(Form::FineTimestamp) => CqlType::Text,
            Some(Form::Boolean) => CqlType::Boolean,
            Some(Form::Int) if complete => CqlType::Int,
            Some(Form::Int | Form::Bigint) => CqlType::Bigint,
            Some(Form::Varint) => CqlType::Varint,
            Some(Form::Double) => CqlType::Double,
            Some(Form::Decimal) => CqlType::Decimal,
            Some(Form::Timeuuid) => CqlType::Timeuuid,
            Some(Form::Uuid) => CqlType::Uuid,
            Some(Form::Date) => CqlType::Date,
            Some(Form::Time) => CqlType::Time,
            Some(Form::Timestamp) => CqlType::Timestamp,
            Some(Form::Inet) => CqlType::Inet,
            Some(Form::Blob) => CqlType::Blob,
            Some(Form::Nested) => self.nested_type(complete),
        }
    }

    /// Frozen: a list that is not is loaded more slowly, and half of one may be overwritten.
    fn nested_type(&self, complete: bool) -> CqlType {
        match &self.nested {
            Some(Nested::List(of)) => {
                CqlType::List(Elements { of: Box::new(of.cql_type(complete)), frozen: true })
            }
            Some(Nested::Map(of)) => CqlType::Map(Entries {
                key: Box::new(CqlType::Text),
                value: Box::new(of.cql_type(complete)),
                frozen: true,
            }),
            None => CqlType::Text,
        }
    }
}

/// The bits of all numbers.
fn number_forms() -> u16 {
    let numbers = [Form::Int, Form::Bigint, Form::Varint, Form::Double, Form::Decimal];
    numbers.into_iter().fold(0, |bits, form| bits | bit_of(form))
}

/// The bit of a form.
fn bit_of(wanted: Form) -> u16 {
    FORMS.iter().position(|form| *form == wanted).map_or(0, |bit| 1 << bit)
}

fn fits(form: Form, text: &[u8], options: &Options, scratch: &mut Vec<u8>) -> bool {
    let text = text.trim_ascii();
    let looks = match form {
        // Letters and digits that may mean yes and no mean something else as often.
        Form::Boolean => text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"false"),
        Form::Int | Form::Bigint | Form::Varint => is_plain_integer(text),
        Form::Double => is_plain_number(text) && significant_digits(text) <= DOUBLE_DIGITS,
        Form::Decimal => is_plain_number(text),
        // Digits alone, with a sign perhaps, would be days or milliseconds.
        Form::Date | Form::Time | Form::Timestamp | Form::FineTimestamp => {
            text.iter().skip(1).any(|byte| matches!(byte, b'-' | b':' | b'/'))
        }
        Form::Timeuuid | Form::Uuid | Form::Inet | Form::Blob | Form::Nested => true,
    };
    let cql_type = match form {
        Form::Boolean => CqlType::Boolean,
        Form::Int => CqlType::Int,
        Form::Bigint => CqlType::Bigint,
        Form::Varint => CqlType::Varint,
        Form::Double => CqlType::Double,
        Form::Decimal => CqlType::Decimal,
        Form::Timeuuid => CqlType::Timeuuid,
        Form::Uuid => CqlType::Uuid,
        Form::Date => CqlType::Date,
        Form::Time => CqlType::Time,
        Form::Timestamp | Form::FineTimestamp => CqlType::Timestamp,
        Form::Inet => CqlType::Inet,
        Form::Blob => CqlType::Blob,
        Form::Nested => return false,
    };
    scratch.clear();
    let options = if form == Form::FineTimestamp { &options.cut } else { &options.exact };
    looks && !text.is_empty() && codec::encode(&cql_type, text, options, scratch).is_ok()
}

/// Digits, a minus before them perhaps. Zeros in front and a plus belong to article, postal and telephone numbers.
fn is_plain_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits {
        [] => false,
        [b'0'] => true,
        [b'0', ..] => false,
        digits => digits.iter().all(u8::is_ascii_digit),
    }
}

/// A number as JSON has it.
fn is_plain_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let integer = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let (integer, rest) = digits.split_at(integer);
    let rest = match rest {
        [b'.', fraction @ ..] => {
            let end = fraction.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(fraction.len());
            match end {
                0 => return false,
                end => fraction.get(end..).unwrap_or_default(),
            }
        }
        rest => rest,
    };
    let exponent = match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', digits @ ..] | [b'e' | b'E', digits @ ..] => {
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    is_plain_integer(integer) && exponent
}

/// Digits that say something: not the zeros in front.
fn significant_digits(text: &[u8]) -> usize {
    let mantissa = text.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
    let digits = mantissa.iter().filter(|byte| byte.is_ascii_digit());
    digits.skip_while(|digit| **digit == b'0').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(values: &[&str], complete: bool) -> String {
        let options = Options::of(&CodecOptions::default());
        let (mut guess, mut scratch) = (Guess::default(), Vec::new());
        for value in values {
            match *value {
                "" => guess.add_null(),
                value => {
                    let field = Field { bytes: value.as_bytes(), quoted: false };
                    guess.add(field, Charset::UTF_8, &options, &mut scratch);
                }
            }
        }
        guess.cql_type(complete).to_string()
    }

    #[track_caller]
    fn check(values: &[&str], expected: &str) {
        assert_eq!(guess(values, true), expected, "{values:?}");
    }

    #[test]
    fn the_narrowest_type_that_takes_all_values_is_proposed() {
        check(&["true", "False", ""], "boolean");
        check(&["0", "1"], "int");
        check(&["1", "-2147483648"], "int");
        check(&["1", "2147483648"], "bigint");
        check(&["1", "9223372036854775808"], "varint");
        check(&["1", "1.5"], "double");
        check(&["1e3", "-0.25"], "double");
        check(&["1.5", "0.1234567890123456"], "decimal");
        check(&["123456789.12", "9223372036854775808"], "decimal");
        check(&["6ba7b810-9dad-11d1-80b4-00c04fd430c8"], "timeuuid");
        check(&["6ba7b810-9dad-11d1-80b4-00c04fd430c8", "0b5b9a4e-3b5e-4f0c-9a57-2d7f7f0c1a11"], "uuid");
        check(&["2024-02-29", "1999-12-31"], "date");
        check(&["10:20:30", "23:59:59.999"], "time");
        check(&["2024-02-29", "2024-02-29T10:20:30Z"], "timestamp");
        check(&["2024-02-29 10:20:30.123+0200"], "timestamp");
        check(&["10.0.0.1", "::1"], "inet");
        check(&["0xcafe", "0x"], "blob");
        check(&["a", "1"], "text");
        check(&["", ""], "text");
    }

    #[test]
    fn what_would_lose_something_stays_text() {
        check(&["00123", "123"], "text");
        check(&["+4930123456"], "text");
        check(&["-0123"], "text");
        check(&["1", "x"], "text");
        check(&["Y", "N"], "text");
        check(&["2024-02-30"], "text");
        check(&["2024-02-29T10:20:30.123456Z"], "text");
        check(&["1.", "2."], "text");
        check(&[" "], "text");
        check(&["NaN"], "text");
    }

    #[test]
    fn of_a_part_of_the_data_integers_may_grow() {
        assert_eq!(guess(&["1", "2"], false), "bigint");
        assert_eq!(guess(&["[1, 2]"], false), "frozen<list<bigint>>");
        assert_eq!(guess(&["1.5"], false), "double");
    }

    #[test]
    fn json_arrays_and_objects_are_collections_of_what_is_in_them() {
        check(&["[1, 2]", "[]", ""], "frozen<list<int>>");
        check(&["[1, 2.5]"], "frozen<list<double>>");
        check(&[r#"["a", "b"]"#], "frozen<list<text>>");
        check(&[r#"["1", "2"]"#], "frozen<list<text>>");
        check(&[r#"["2024-02-29"]"#], "frozen<list<date>>");
        check(&[r#"{"a": 1}"#, r#"{"b": 2}"#], "frozen<map<text, int>>");
        check(&["[[1], [2, 3]]"], "frozen<list<frozen<list<int>>>>");
        check(&[r#"[{"a": true}]"#], "frozen<list<frozen<map<text, boolean>>>>");
        // Neither nulls nor both kinds at once fit into one collection.
        check(&["[1, null]"], "text");
        check(&["[1]", r#"{"a": 1}"#], "text");
        check(&["[1]", "[1"], "text");
        check(&[r#"[1, "x"]"#], "frozen<list<text>>");
        check(&[r#"[1, [2]]"#], "text");
    }

    #[test]
    fn numbers_are_told_from_what_looks_like_them() {
        let plain = |text: &str| (is_plain_integer(text.as_bytes()), is_plain_number(text.as_bytes()));
        for (text, expected) in [
            ("0", (true, true)),
            ("-7", (true, true)),
            ("1.50", (false, true)),
            ("1e-9", (false, true)),
            ("1E+9", (false, true)),
            ("007", (false, false)),
            ("1.", (false, false)),
            (".5", (false, false)),
            ("1e", (false, false)),
            ("1e+", (false, false)),
            ("--1", (false, false)),
            ("-", (false, false)),
            ("", (false, false)),
        ] {
            assert_eq!(plain(text), expected, "{text:?}");
        }
        assert_eq!(significant_digits(b"-0.00123e9"), 3);
        assert_eq!(significant_digits(b"100"), 3);
    }
}
