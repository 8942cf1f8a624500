//! RFC 8259, to the letter and no further: looks, checks and cuts, and hands out the members of an object as they stand. Knows no
//! keys and no columns, builds nothing, and allocates only the text of strings that hold an escape, where its caller wants it.
//!
//! What it is given must be UTF-8 for what it says to be right; it never panics whatever it is given.

/// How deep values may be nested, the record itself included: deeper ones are refused, so that none can use up the stack.
pub const DEPTH_MAX: usize = 128;

/// What is wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaw {
    /// The offset of the first byte that is wrong.
    pub at: usize,
    /// What should be there or what is wrong with what is there, in words.
    pub what: &'static str,
}

/// A string's place: what is between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quoted {
    /// The first byte behind the opening quote.
    pub start: usize,
    /// The closing quote.
    pub end: usize,
    /// Whether there are escapes in it.
    pub escaped: bool,
}

/// A value's place and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// A string.
    Text(Quoted),
    /// All others as they stand: numbers, true, false, arrays, objects.
    Raw(usize, usize),
}

const VALUE: &str = "a value should be here";
const STRING_END: &str = "a string's closing quote is missing";
const CONTROL: &str = "a control character in a string: write it as an escape, such as \\n or \\t";
const ESCAPE: &str = "a backslash that begins none of JSON's escapes: double it";
const UNICODE: &str =
    "\\u needs four hexadecimal digits that name a character, or two of them that are a pair of surrogates";
const NUMBER: &str =
    "a number that is none of JSON's: digits without a zero before them, a point between digits, no + sign";

/// Bytes that may stand between tokens.
#[inline]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The first byte from `pos` on that is no space, or the end.
#[inline]
pub fn skip_space(text: &[u8], mut pos: usize) -> usize {
    while text.get(pos).copied().is_some_and(is_space) {
        pos += 1;
    }
    pos
}

/// Goes through the object that begins at `pos`, handing out each member's key and value. Returns the offset behind it.
///
/// # Errors
/// It is none, or what `member` says.
#[inline]
pub fn object<E: From<Flaw>>(
    text: &[u8],
    pos: usize,
    mut member: impl FnMut(Quoted, Value) -> Result<(), E>,
) -> Result<usize, E> {
    if text.get(pos) != Some(&b'{') {
        return Err(Flaw { at: pos, what: not_an_object(text.get(pos).copied()) }.into());
    }
    let mut pos = skip_space(text, pos + 1);
    if text.get(pos) == Some(&b'}') {
        return Ok(pos + 1);
    }
    loop {
        let (key, colon) = key(text, pos)?;
        let (found, end) = value(text, skip_space(text, colon + 1), 1)?;
        member(key, found)?;
        pos = skip_space(text, end);
        match text.get(pos) {
            Some(b',') => pos = skip_space(text, pos + 1),
            Some(b'}') => return Ok(pos + 1),
            _ => return Err(Flaw { at: pos, what: "',' or '}' should be here" }.into()),
        }
    }
}

fn not_an_object(byte: Option<u8>) -> &'static str {
    match byte {
        Some(b'[') => "a record must be an object, in braces, and this is an array",
        Some(b'"') => "a record must be an object, in braces, and this is a string",
        Some(b'-' | b'0'..=b'9') => "a record must be an object, in braces, and this is a number",
        _ => "a record must be an object, in braces",
    }
}

/// The key at `pos` and where its colon is.
#[inline]
fn key(text: &[u8], pos: usize) -> Result<(Quoted, usize), Flaw> {
    if text.get(pos) != Some(&b'"') {
        return Err(Flaw { at: pos, what: "a key in double quotes should be here" });
    }
    let key = string(text, pos)?;
    let colon = skip_space(text, key.end + 1);
    match text.get(colon) {
        Some(b':') => Ok((key, colon)),
        _ => Err(Flaw { at: colon, what: "':' should be here" }),
    }
}

/// The value at `pos`, inside of so many others, and the offset behind it.
#[inline]
fn value(text: &[u8], pos: usize, depth: usize) -> Result<(Value, usize), Flaw> {
    let raw = |end: usize| (Value::Raw(pos, end), end);
    match text.get(pos) {
        Some(b'"') => string(text, pos).map(|found| (Value::Text(found), found.end + 1)),
        Some(b'-' | b'0'..=b'9') => number(text, pos).map(raw),
        Some(b'{' | b'[') => nested(text, pos, depth).map(raw),
        Some(b'n') => word(text, pos, b"null").map(|end| (Value::Null, end)),
        Some(b't') => word(text, pos, b"true").map(raw),
        Some(b'f') => word(text, pos, b"false").map(raw),
        Some(b'+' | b'.') => Err(Flaw { at: pos, what: NUMBER }),
        Some(b'\'') => Err(Flaw { at: pos, what: "strings stand in double quotes" }),
        Some(b'N' | b'I') => Err(Flaw {
            at: pos,
            what: "a value should be here; NaN and Infinity are none, but the string \"NaN\" is",
        }),
        _ => Err(Flaw { at: pos, what: VALUE }),
    }
}

/// Behind the array or object at `pos`, which is inside of so many others.
fn nested(text: &[u8], pos: usize, depth: usize) -> Result<usize, Flaw> {
    if depth >= DEPTH_MAX {
        return Err(Flaw { at: pos, what: "nested deeper than 128 levels" });
    }
    let is_object = text.get(pos) == Some(&b'{');
    let (close, what) =
        if is_object { (b'}', "',' or '}' should be here") } else { (b']', "',' or ']' should be here") };
    let mut pos = skip_space(text, pos + 1);
    if text.get(pos) == Some(&close) {
        return Ok(pos + 1);
    }
    loop {
        if is_object {
            pos = skip_space(text, key(text, pos)?.1 + 1);
        }
        pos = skip_space(text, value(text, pos, depth + 1)?.1);
        match text.get(pos) {
            Some(b',') => pos = skip_space(text, pos + 1),
            Some(byte) if *byte == close => return Ok(pos + 1),
            _ => return Err(Flaw { at: pos, what }),
        }
    }
}

fn word(text: &[u8], pos: usize, word: &[u8]) -> Result<usize, Flaw> {
    match text.get(pos..).is_some_and(|rest| rest.starts_with(word)) {
        true => Ok(pos + word.len()),
        false => Err(Flaw { at: pos, what: VALUE }),
    }
}

/// Behind the number at `pos` (RFC 8259, section 6).
#[inline]
fn number(text: &[u8], pos: usize) -> Result<usize, Flaw> {
    let digits = |mut at: usize| {
        while text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let flaw = |at: usize| Flaw { at, what: NUMBER };
    let whole = pos + usize::from(text.get(pos) == Some(&b'-'));
    let mut end = digits(whole);
    if end == whole || (end > whole + 1 && text.get(whole) == Some(&b'0')) {
        return Err(flaw(pos));
    }
    if text.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits(fraction);
        if end == fraction {
            return Err(flaw(pos));
        }
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = end + 1 + sign;
        end = digits(exponent);
        if end == exponent {
            return Err(flaw(pos));
        }
    }
    Ok(end)
}

/// The string whose opening quote is at `pos` (RFC 8259, section 7).
#[inline]
fn string(text: &[u8], pos: usize) -> Result<Quoted, Flaw> {
    let start = pos + 1;
    let (mut at, mut escaped) = (start, false);
    loop {
        at = special(text, at);
        match text.get(at) {
            Some(b'"') => return Ok(Quoted { start, end: at, escaped }),
            Some(b'\\') => {
                escaped = true;
                at = escape(text, at)?;
            }
            Some(_) => return Err(Flaw { at, what: CONTROL }),
            None => return Err(Flaw { at: pos, what: STRING_END }),
        }
    }
}

/// The first quote, backslash or control character from `pos` on, or the end. Eight bytes at a time.
#[inline]
fn special(text: &[u8], mut pos: usize) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    // The high bit of each byte that is zero, exact up to the first such byte.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    while let Some(chunk) = text.get(pos..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quotes = zeros(word ^ u64::from_le_bytes([b'"'; 8]));
        let backslashes = zeros(word ^ u64::from_le_bytes([b'\\'; 8]));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = quotes | backslashes | controls;
        if found != 0 {
            return pos + (found.trailing_zeros() / 8) as usize;
        }
        pos += 8;
    }
    while text.get(pos).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        pos += 1;
    }
    pos
}

/// Behind the escape at `pos`.
fn escape(text: &[u8], pos: usize) -> Result<usize, Flaw> {
    match text.get(pos + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(pos + 2),
        Some(b'u') => character(text, pos).map(|(_, end)| end).ok_or(Flaw { at: pos, what: UNICODE }),
        _ => Err(Flaw { at: pos, what: ESCAPE }),
    }
}

/// The character of the `\uXXXX` at `pos`, or of two that are a pair of surrogates, and the offset behind it.
fn character(text: &[u8], pos: usize) -> Option<(char, usize)> {
    let unit = |pos: usize| -> Option<u32> {
        let [b'\\', b'u', digits @ ..] = text.get(pos..)?.first_chunk::<6>()? else { return None };
        digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
    };
    match unit(pos)? {
        high @ 0xd800..=0xdbff => {
            let low = unit(pos + 6)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
            Some((char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low)?, pos + 12))
        }
        code => Some((char::from_u32(code)?, pos + 6)),
    }
}

/// Appends what a string says. Its escapes are known to be right.
pub fn unescape(text: &[u8], quoted: Quoted, out: &mut Vec<u8>) {
    let text = text.get(..quoted.end).unwrap_or_default();
    let mut pos = quoted.start;
    while let Some(found) = text.get(pos..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        let at = pos + found;
        out.extend_from_slice(text.get(pos..at).unwrap_or_default());
        let plain = match text.get(at + 1) {
            Some(b'u') => {
                let (character, end) = character(text, at).unwrap_or((char::REPLACEMENT_CHARACTER, at + 2));
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                pos = end;
                continue;
            }
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(&plain) => plain,
            None => b'\\',
        };
        out.push(plain);
        pos = at + 2;
    }
    out.extend_from_slice(text.get(pos..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    /// The members of the object that is all of `text`, each as its key and `null`, `"text"` or a raw value.
    fn members(text: &[u8]) -> Result<Vec<(String, String)>, Flaw> {
        let mut found = Vec::new();
        let shown = |quoted: Quoted| {
            let mut out = Vec::new();
            unescape(text, quoted, &mut out);
            if !quoted.escaped {
                assert_eq!(out, text[quoted.start..quoted.end]);
            }
            String::from_utf8(out).unwrap()
        };
        let end = object::<Flaw>(text, skip_space(text, 0), |key, value| {
            let value = match value {
                Value::Null => "null".to_owned(),
                Value::Text(quoted) => format!("\"{}\"", shown(quoted)),
                Value::Raw(start, end) => String::from_utf8(text[start..end].to_vec()).unwrap(),
            };
            found.push((shown(key), value));
            Ok(())
        })?;
        match skip_space(text, end) {
            end if end == text.len() => Ok(found),
            at => Err(Flaw { at, what: "more" }),
        }
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<(String, String)> =
            expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(members(text.as_bytes()), Ok(expected), "{text}");
    }

    fn check_flaw(text: &str, at: usize, what: &str) {
        let flaw = members(text.as_bytes()).unwrap_err();
        assert_eq!(flaw.at, at, "{text}: {}", flaw.what);
        assert!(flaw.what.contains(what), "{text}: {}", flaw.what);
        // Whatever is cut off of it is no object either.
        for end in 0..text.len() {
            assert!(members(&text.as_bytes()[..end]).is_err(), "{text} up to {end}");
        }
    }

    #[test]
    fn members_are_handed_out_as_they_stand() {
        check("{}", &[]);
        check(" { } ", &[]);
        check(r#"{"a":1}"#, &[("a", "1")]);
        check(
            "\t{ \"a\" : -0.5e+10 ,\r\n\"b\":null,\"c\": true , \"d\":false}",
            &[("a", "-0.5e+10"), ("b", "null"), ("c", "true"), ("d", "false")],
        );
        check(r#"{"a":"","b":"x y","":"null"}"#, &[("a", "\"\""), ("b", "\"x y\""), ("", "\"null\"")]);
        check(
            r#"{"a":[1, {"b":[]} ,"x\"]"],"c":{"d":{ }}}"#,
            &[("a", r#"[1, {"b":[]} ,"x\"]"]"#), ("c", r#"{"d":{ }}"#)],
        );
        check(r#"{"a":1,"a":2}"#, &[("a", "1"), ("a", "2")]);
    }

    #[test]
    fn strings_say_what_their_escapes_mean() {
        check(
            r#"{"\u0061\"":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00\u0000x"}"#,
            &[("a\"", "\"\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{1f600}\0x\"")],
        );
        check("{\"größe\":\"\u{7f}\u{2028}\u{10ffff}\"}", &[("größe", "\"\u{7f}\u{2028}\u{10ffff}\"")]);
    }

    #[test]
    fn what_is_none_of_jsons_is_told_with_its_place() {
        check_flaw("", 0, "must be an object");
        check_flaw("[1]", 0, "this is an array");
        check_flaw("\"x\"", 0, "this is a string");
        check_flaw("-1", 0, "this is a number");
        check_flaw("{", 1, "a key in double quotes");
        check_flaw("{,}", 1, "a key in double quotes");
        check_flaw("{a:1}", 1, "a key in double quotes");
        check_flaw("{\"a\" 1}", 5, "':' should be here");
        check_flaw("{\"a\":}", 5, "a value should be here");
        check_flaw("{\"a\":1,}", 7, "a key in double quotes");
        check_flaw("{\"a\":1 \"b\":2}", 7, "',' or '}' should be here");
        check_flaw("{\"a\":1]", 6, "',' or '}' should be here");
        check_flaw("{\"a\":[1}", 7, "',' or ']' should be here");
        check_flaw("{\"a\":[1,]}", 8, "a value should be here");
        check_flaw("{\"a\":[1 2]}", 8, "',' or ']'");
        check_flaw("{\"a\":{\"b\":1,}}", 12, "a key in double quotes");
        check_flaw("{\"a\":\"x}", 5, "closing quote is missing");
        check_flaw("{\"a\":'x'}", 5, "double quotes");
        check_flaw("{\"a\":NaN}", 5, "NaN and Infinity");
        check_flaw("{\"a\":nul}", 5, "a value should be here");
        check_flaw("{\"a\":True}", 5, "a value should be here");
        check_flaw("{\"a\":nullx}", 9, "',' or '}'");
        assert_eq!(members(b"{\"a\":1}x"), Err(Flaw { at: 7, what: "more" }));
    }

    #[test]
    fn numbers_have_one_form_only() {
        for good in ["0", "-0", "10", "1.0", "1e3", "1E-3", "0.10", "123456789012345678901234567890", "1e400"]
        {
            check(&format!("{{\"a\":{good}}}"), &[("a", good)]);
        }
        for bad in ["01", "-01", "1.", "-", "-a", "1.e3", "1e", "1e+", "+1", ".5", "--1"] {
            check_flaw(&format!("{{\"a\":{bad}}}"), 5, "a number that is none of JSON's");
        }
        for bad in ["1_000", "0x10", "1,5"] {
            assert!(members(format!("{{\"a\":{bad}}}").as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn escapes_and_control_characters_are_judged_wherever_they_stand() {
        for filler in 0..20 {
            let filler = "y".repeat(filler);
            let at = 6 + filler.len();
            check_flaw(&format!("{{\"a\":\"{filler}\\x\"}}"), at, "none of JSON's escapes");
            for bad in ["\\u12", "\\u12g4", "\\ud800", "\\ud800x", "\\ud800\\n", "\\ud800\\u0041", "\\udc00"]
            {
                check_flaw(&format!("{{\"a\":\"{filler}{bad}\"}}"), at, "four hexadecimal digits");
            }
            for control in ["\n", "\r", "\t", "\0", "\u{1f}"] {
                check_flaw(&format!("{{\"a\":\"{filler}{control}\"}}"), at, "control character");
                check_flaw(&format!("{{\"a\":[\"{filler}{control}\"]}}"), at + 1, "control character");
            }
            for fine in ["\u{7f}", "é", "\u{80}", " ", "#", "["] {
                check(&format!("{{\"a\":\"{filler}{fine}\"}}"), &[("a", &format!("\"{filler}{fine}\""))]);
            }
        }
    }

    #[test]
    fn the_depth_is_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(members(nested(DEPTH_MAX - 1).as_bytes()).is_ok());
        let flaw = members(nested(DEPTH_MAX).as_bytes()).unwrap_err();
        assert_eq!((flaw.at, flaw.what), (5 + DEPTH_MAX - 1, "nested deeper than 128 levels"));
        assert!(members("{\"a\":".repeat(1_000_000).as_bytes()).is_err());
    }

    /// The members as serde_json reads them; `None` where it refuses.
    fn truth(text: &[u8]) -> Option<Vec<(String, String)>> {
        struct Members(Vec<(String, String)>);
        impl<'de> serde::Deserialize<'de> for Members {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = Members;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Members, A::Error> {
                        let mut members = Vec::new();
                        while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                            members.push((key, value.get().to_owned()));
                        }
                        Ok(Members(members))
                    }
                }
                deserializer.deserialize_map(Visitor)
            }
        }
        let Members(members) = serde_json::from_slice(text).ok()?;
        members
            .into_iter()
            .map(|(key, raw)| {
                // Raw values are only skipped; read, lone surrogates are refused as well. Numbers without an end are fine.
                let read = serde_json::from_str::<serde_json::Value>(&raw);
                let is_fine =
                    read.as_ref().map_or_else(|error| error.to_string().contains("out of range"), |_| true);
                is_fine.then_some(())?;
                let value = match read {
                    Ok(serde_json::Value::String(text)) => format!("\"{text}\""),
                    _ => raw,
                };
                Some((key, value))
            })
            .collect()
    }

    /// Texts that are nearly JSON objects.
    fn nearly_json() -> impl Strategy<Value = String> {
        let tokens = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"b\":",
            "\"\\u00e9\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"x\\",
            "\"",
            "1",
            "-0.5",
            "1e5",
            "01",
            "null",
            "true",
            "fals",
            " ",
            "\n",
            "\t",
            "é",
            "\"\u{1}\"",
            "[1,2]",
            "{\"c\":[]}",
            "\"a\":",
        ]);
        prop::collection::vec(tokens, 0..12).prop_map(|tokens| tokens.concat())
    }

    /// Whole objects of random values.
    fn objects() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|value| value.to_string()),
            any::<i64>().prop_map(|value| value.to_string()),
            any::<f64>()
                .prop_filter("no NaN", |value| value.is_finite())
                .prop_map(|value| format!("{value:e}")),
            any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
            "[a-z]{0,20}".prop_map(|text| text.chars().fold("\"".to_owned(), |mut out, c| {
                write!(out, "\\u{:04X}", c as u32).unwrap();
                out
            }) + "\""),
        ];
        let value = leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4)
                    .prop_map(|items| format!("[{}]", items.join(" , "))),
                prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|members| of(&members)),
            ]
        });
        prop::collection::vec((any::<String>(), value), 0..6).prop_map(|members| of(&members))
    }

    fn of(members: &[(String, String)]) -> String {
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("{}:{value}", serde_json::to_string(key).unwrap()))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn objects_are_read_as_serde_json_reads_them(text in objects()) {
            prop_assert_eq!(members(text.as_bytes()).ok(), Some(truth(text.as_bytes()).unwrap()));
        }

        #[test]
        fn what_is_nearly_json_is_judged_as_serde_json_judges_it(text in nearly_json()) {
            prop_assert_eq!(members(text.as_bytes()).ok(), truth(text.as_bytes()));
        }

        #[test]
        fn an_object_with_a_byte_changed_is_judged_as_serde_json_judges_it(
            text in objects(), at in any::<prop::sample::Index>(), byte in prop::sample::select(b"\"\\{}[],:01-.eE \n\tx\x1f".to_vec())
        ) {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if std::str::from_utf8(&bytes).is_ok() {
                prop_assert_eq!(members(&bytes).ok(), truth(&bytes));
            }
        }
    }
}
