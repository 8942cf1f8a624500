//! Words that stand where a type should and are none: a native type with a slip, or another database's name for it. A user type may
//! be called so all the same; whoever asks knows which there are. Pure.

use crate::nearest::nearest;
use crate::schema::types::CqlType;

/// What other databases and languages call the native types.
const OTHER_NAMES: [(&str, &str); 14] = [
    ("bool", "boolean"),
    ("byte", "tinyint"),
    ("bytea", "blob"),
    ("bytes", "blob"),
    ("char", "text"),
    ("datetime", "timestamp"),
    ("float8", "double"),
    ("integer", "int"),
    ("long", "bigint"),
    ("number", "decimal"),
    ("numeric", "decimal"),
    ("real", "float"),
    ("short", "smallint"),
    ("string", "text"),
];

/// The native type that a word was probably meant to be.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    let other = OTHER_NAMES.into_iter().find(|(other, _)| *other == word).map(|(_, name)| name);
    other.or_else(|| nearest(word, CqlType::ALL.iter().map(CqlType::name).chain(["varchar"])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_other_names_lead_to_a_native_type() {
        let check = |word: &str, expected: Option<&str>| assert_eq!(meant(word), expected, "{word}");
        check("timestmp", Some("timestamp"));
        check("tiemstamp", Some("timestamp"));
        check("bigit", Some("bigint"));
        check("varchr", Some("varchar"));
        check("txt", Some("text"));
        check("string", Some("text"));
        check("datetime", Some("timestamp"));
        check("address", None);
        check("money", None);
    }
}
