//! The narrowest CQL type that takes every value of a column that was looked at. A type counts as fitting where the codec that a load
//! uses takes the text, and where nothing is lost: a number with zeros in front stays text, and so does one with more digits than a
//! double has. Pure.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::codec::forms::{Blobs, Forms};
use crate::codec::{self, CodecOptions};
use crate::format::charset::Charset;
use crate::format::record::Field;
use crate::schema::types::{CqlType, Elements, Entries};
use crate::settings::Rounding;

/// Decimal digits that a double keeps, whatever the number (IEEE 754 binary64).
const DOUBLE_DIGITS: usize = 15;

/// How deep the lists and maps of a proposed type may be nested; what is deeper stays text.
const DEPTH_MAX: usize = 16;

/// Digits of a second that a timestamp keeps.
const MILLI_DIGITS: usize = 3;

/// The characters of a UUID with its hyphens. Without them, hexadecimal digits are a checksum as often.
const UUID_CHARS: usize = 36;

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
    /// Whether true and false have words of the user's own.
    own_words: bool,
    /// Whether any word may be a blob.
    is_base64: bool,
    /// How numbers, true and false are read that stand in JSON without quotes; `None`: as here.
    bare: Option<Box<Options>>,
}

impl Options {
    pub(super) fn of(options: &CodecOptions) -> Self {
        // What may be made of a timestamp is no reason to make it.
        let forms = options.forms.as_deref().cloned().unwrap_or_default();
        let forms = Forms { timeuuid: None, ..forms };
        let is_bare_other = forms.separators.is_some() || forms.booleans.is_some();
        let bare = Forms { separators: None, booleans: None, ..forms.clone() };
        let bare = is_bare_other.then(|| Box::new(Options::with(bare, options.rounding, None)));
        Options::with(forms, options.rounding, bare)
    }

    fn with(forms: Forms, rounding: Rounding, bare: Option<Box<Options>>) -> Self {
        let (own_words, is_base64) = (forms.booleans.is_some(), forms.blobs == Blobs::Base64);
        let exact = CodecOptions { rounding, forms: forms.unless_usual() };
        let cut = CodecOptions { rounding: Rounding::Truncate, ..exact.clone() };
        Options { exact, cut, own_words, is_base64, bare }
    }

    /// Of what stands in JSON without quotes.
    pub(super) fn bare(&self) -> &Options {
        self.bare.as_deref().unwrap_or(self)
    }

    /// A number as it is without separators of the user's own; `None` where it is none.
    fn plain_number(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self.exact.forms.as_ref().and_then(|forms| forms.separators) {
            Some(separators) => separators.plain(text, |plain| Ok(plain.to_vec())).ok(),
            None => Some(text.to_vec()),
        }
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
    /// Whether one of the values of a column whose type is known is a time finer than a millisecond.
    has_fine_times: bool,
}

/// What JSON arrays and objects hold.
#[derive(Debug, Clone)]
enum Nested {
    List(Box<Guess>),
    Map(Box<Guess>),
}

impl Default for Guess {
    fn default() -> Self {
        Guess { forms: (1 << FORMS.len()) - 1, nested: None, values: 0, nulls: 0, has_fine_times: false }
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

    /// Whether there was a time that is finer than a millisecond, in a column whose type is known.
    pub(super) fn has_fine_times(&self) -> bool {
        self.has_fine_times
    }

    /// Another value of a column whose type is known.
    pub(super) fn add_declared(&mut self, text: &[u8]) {
        self.values += 1;
        // Of a time, in ISO 8601: digits behind the third one are only there where they are not all zeros.
        let digits = |part: &[u8]| part.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut parts = text.splitn(2, |byte| *byte == b'.');
        self.has_fine_times |= parts.nth(1).is_some_and(|fraction| digits(fraction) > MILLI_DIGITS);
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
                Form::Nested => self.add_json(text, 0, options, scratch),
                plain => fits(plain, text, options, scratch),
            };
            if !fits {
                self.forms &= !bit;
            }
        }
    }

    /// Whether the text is a JSON array or object of the same kind as the others before, inside of so many.
    fn add_json(&mut self, text: &[u8], depth: usize, options: &Options, scratch: &mut Vec<u8>) -> bool {
        if depth >= DEPTH_MAX {
            return false;
        }
        // Values are left as they stand: numbers keep their digits.
        match (text.trim_ascii().first(), &mut self.nested) {
            (Some(b'['), nested @ None) => *nested = Some(Nested::List(Box::default())),
            (Some(b'{'), nested @ None) => *nested = Some(Nested::Map(Box::default())),
            _ => {}
        }
        match (text.trim_ascii().first(), &mut self.nested) {
            (Some(b'['), Some(Nested::List(of))) => {
                serde_json::from_slice::<Vec<&RawValue>>(text).is_ok_and(|values| {
                    values.iter().all(|value| of.add_value(value, depth + 1, options, scratch))
                })
            }
            (Some(b'{'), Some(Nested::Map(of))) => serde_json::from_slice::<HashMap<String, &RawValue>>(text)
                .is_ok_and(|values| {
                    values.values().all(|value| of.add_value(value, depth + 1, options, scratch))
                }),
            _ => false,
        }
    }

    /// A value in JSON. `false` for one that no collection can hold.
    fn add_value(
        &mut self,
        value: &RawValue,
        depth: usize,
        options: &Options,
        scratch: &mut Vec<u8>,
    ) -> bool {
        let text = value.get().trim_ascii();
        match text.as_bytes().first() {
            None | Some(b'n') => false,
            Some(b'[' | b'{') => {
                self.values += 1;
                self.forms &= bit_of(Form::Nested);
                self.forms != 0 && self.add_json(text.as_bytes(), depth, options, scratch)
            }
            Some(b'"') => {
                let Ok(said) = serde_json::from_str::<String>(text) else { return false };
                self.is_said_text();
                self.add_text(said.as_bytes(), options, scratch);
                true
            }
            Some(_) => {
                self.add_text(text.as_bytes(), options.bare(), scratch);
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
    let is_number =
        |looks: &dyn Fn(&[u8]) -> bool| options.plain_number(text).is_some_and(|plain| looks(&plain));
    let looks = match form {
        // Digits that mean yes and no mean something else as often; so do letters, unless somebody says that they do.
        Form::Boolean if options.own_words => !text.iter().any(u8::is_ascii_digit),
        Form::Boolean => text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"false"),
        Form::Int | Form::Bigint | Form::Varint => is_number(&is_plain_integer),
        Form::Double => is_number(&|plain| {
            is_plain_number(plain) && !has_kept_zero(plain) && significant_digits(plain) <= DOUBLE_DIGITS
        }),
        Form::Decimal => is_number(&is_plain_number),
        Form::Timeuuid | Form::Uuid => text.len() == UUID_CHARS,
        Form::Blob => !options.is_base64,
        // Digits alone, with a sign perhaps, would be days or milliseconds.
        Form::Date | Form::Time | Form::Timestamp | Form::FineTimestamp => {
            text.iter().skip(1).any(|byte| matches!(byte, b'-' | b':' | b'/'))
        }
        Form::Inet | Form::Nested => true,
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
        [b'0'] => digits.len() == text.len(),
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

/// Whether the text is digits around an `E`: a number if one likes, but more often an article's or a material's.
pub(super) fn is_code(text: &[u8]) -> bool {
    let mut parts = text.trim_ascii().split(|byte| matches!(byte, b'e' | b'E'));
    let is_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    matches!((parts.next(), parts.next(), parts.next()), (Some(a), Some(b), None) if is_digits(a) && is_digits(b))
}

/// Whether the text has a zero at its end that a double would not keep, as `1.10` has: it may be a version, or money. Programs write
/// `1.0` for any double.
fn has_kept_zero(text: &[u8]) -> bool {
    let mantissa = text.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
    let fraction = mantissa.splitn(2, |byte| *byte == b'.').nth(1).unwrap_or_default();
    fraction.len() > 1 && fraction.ends_with(b"0")
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
        guess_with(&CodecOptions::default(), values, complete)
    }

    fn guess_with(options: &CodecOptions, values: &[&str], complete: bool) -> String {
        let options = Options::of(options);
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
        check(&["1.0", "-0"], "double");
        check(&["1.10", "1.9"], "decimal");
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
        check(&["d41d8cd98f00b204e9800998ecf8427e"], "text");
    }

    #[test]
    fn other_forms_of_texts_are_seen_but_make_nothing_of_what_is_something_else() {
        use crate::codec::forms::{Separators, TimeuuidFrom};
        let check = |forms: Forms, values: &[&str], expected: &str| {
            let options = CodecOptions { forms: forms.unless_usual(), ..CodecOptions::default() };
            assert_eq!(guess_with(&options, values, true), expected, "{values:?}");
        };
        let timeuuids = Forms { timeuuid: Some(TimeuuidFrom::Fixed), ..Forms::default() };
        check(timeuuids.clone(), &["2024-01-01T00:00:00Z"], "timestamp");
        check(timeuuids, &["2024-01-01"], "date");
        check(Forms { blobs: Blobs::Base64, ..Forms::default() }, &["John", "Mary"], "text");
        let booleans = |words: &str| Forms { booleans: Some(words.parse().unwrap()), ..Forms::default() };
        check(booleans("ja:nein"), &["ja", "Nein"], "boolean");
        check(booleans("ja:nein"), &["true"], "text");
        check(booleans("ja:nein"), &["[true, false]"], "frozen<list<boolean>>");
        check(booleans("1:0"), &["1", "0"], "int");
        let separators = Separators::new(',', Some('.')).unwrap();
        let separators = Forms { separators: Some(separators), ..Forms::default() };
        check(separators.clone(), &["1,5", "1.234,5"], "double");
        check(separators.clone(), &["1.234", "7"], "int");
        check(separators.clone(), &["1.5"], "text");
        check(separators, &["[1.5]"], "frozen<list<double>>");
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
        // Digits that a double would lose are seen.
        check(&["[100000000000000000001]"], "frozen<list<varint>>");
        check(&["[0.10000000000000000000001]"], "frozen<list<decimal>>");
        check(&["[1e400]"], "frozen<list<decimal>>");
        check(&[&format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000))], "text");
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
