//! Values that are made of others, as CQL writes them. As much of them as is shown, and no more is looked at.

use super::{SHOWN_CHARS, hex, known};
use crate::codec::parts;
use crate::schema::types::CqlType;

/// The value that these bytes are; `None` where they are none of the type.
pub(super) fn value(cql_type: &CqlType, bytes: &[u8]) -> Option<String> {
    let mut shown = String::new();
    append(cql_type, bytes, &mut shown)?;
    Some(shown)
}

fn append(cql_type: &CqlType, bytes: &[u8], shown: &mut String) -> Option<()> {
    let (open, close) = match cql_type {
        CqlType::Tuple(_) => ('(', ')'),
        CqlType::Set(_) | CqlType::Map(_) | CqlType::User(_) => ('{', '}'),
        _ => ('[', ']'),
    };
    shown.push(open);
    for (at, (of, part)) in parts(cql_type, bytes)?.into_iter().enumerate() {
        let is_value_of_key = matches!(cql_type, CqlType::Map(_)) && at % 2 == 1;
        shown.push_str(match (at, is_value_of_key) {
            (0, _) => "",
            (_, true) => ": ",
            (_, false) => ", ",
        });
        if shown.len() > SHOWN_CHARS {
            shown.push('…');
            return Some(());
        }
        if let CqlType::User(user) = cql_type {
            shown.push_str(user.fields.get(at).map_or("", |field| &field.name));
            shown.push_str(": ");
        }
        match part {
            None => shown.push_str("null"),
            Some(part) if of.is_native() => {
                shown.push_str(&known(of, part).unwrap_or_else(|| hex(part)));
            }
            Some(part) => append(of, part, shown)?,
        }
    }
    shown.push(close);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::value;
    use crate::codec::{CodecOptions, encode};
    use crate::schema::types::UserTypes;

    fn check(type_text: &str, text: &str, expected: &str) {
        let mut types = UserTypes::default();
        types.add(
            "at".to_owned(),
            vec![("x".to_owned(), "int".to_owned()), ("y".to_owned(), "text".to_owned())],
        );
        let cql_type = types.parse(type_text).unwrap();
        let mut bytes = Vec::new();
        encode(&cql_type, text.as_bytes(), &CodecOptions::default(), &mut bytes).unwrap();
        assert_eq!(value(&cql_type, &bytes), expected, "{type_text}");
    }

    #[test]
    fn values_made_of_others_are_shown_as_cql_writes_them() {
        check("list<int>", "[3, 1]", "[3, 1]");
        check("set<text>", r#"["b", "a"]"#, "{'a', 'b'}");
        check("map<text, frozen<list<int>>>", r#"{"a": [1, 2], "b": []}"#, "{'a': [1, 2], 'b': []}");
        check("tuple<int, text>", r#"[1, null]"#, "(1, null)");
        check("at", r#"{"x": 1}"#, "{x: 1, y: null}");
        check("vector<float, 2>", "[0.5, 2]", "[0.5, 2]");
        check("vector<text, 2>", r#"["a", "b"]"#, "['a', 'b']");
        check("list<blob>", "[0xcafe]", "[0xcafe]");
    }

    #[test]
    fn long_values_are_cut() {
        let long = format!("[{}]", ["1234567"; 1000].join(","));
        check("list<int>", &long, &format!("[{}, …", ["1234567"; 12].join(", ")));
    }

    #[test]
    fn what_is_no_value_of_the_type_is_shown_as_bytes() {
        let check = |type_text: &str, bytes: &[u8], expected: &str| {
            let cql_type = UserTypes::default().parse(type_text).unwrap();
            assert_eq!(value(&cql_type, bytes), expected, "{type_text}");
        };
        check("list<int>", &[0, 0, 0, 2, 0, 0, 0, 1], "0x0000000200000001");
        check("list<int>", &[], "0x");
        check("vector<int, 2>", &[0, 0, 0, 1], "0x00000001");
        check("tuple<int>", &[0, 0, 0, 0, 0, 0, 0, 0], "0x0000000000000000");
    }
}
