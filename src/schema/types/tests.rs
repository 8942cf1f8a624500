//! Tests of the types: their names and texts, there and back.

use super::*;

#[test]
fn every_native_type_is_found_by_its_name_and_nothing_else_is() {
    for cql_type in CqlType::ALL {
        assert_eq!(CqlType::from_name(cql_type.name()), Some(cql_type));
    }
    assert_eq!(CqlType::from_name("varchar"), Some(CqlType::Text));
    for other in ["counter", "list<int>", "list", "frozen<addr>", "vector<float, 3>", "Int", "", "\"int\""] {
        assert_eq!(CqlType::from_name(other), None, "{other}");
    }
}

/// `addr`, which holds `"Geo"`, and `"odd""name"`, which holds itself.
fn types() -> UserTypes {
    let mut types = UserTypes::default();
    let fields = |fields: &[(&str, &str)]| {
        fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    types.add(
        "addr".to_owned(),
        fields(&[("street", "text"), ("at", "frozen<\"Geo\">"), ("tags", "set<text>")]),
    );
    types.add("Geo".to_owned(), fields(&[("lat", "double"), ("lon", "double")]));
    types.add("odd\"name".to_owned(), fields(&[("again", "frozen<\"odd\"\"name\">")]));
    types
}

#[test]
fn a_type_is_read_from_its_text_and_written_as_the_same() {
    for text in [
        "int",
        "list<int>",
        "frozen<list<int>>",
        "set<text>",
        "map<text, frozen<map<int, frozen<list<blob>>>>>",
        "frozen<tuple<int, text, frozen<set<uuid>>>>",
        "vector<float, 3>",
        "vector<frozen<list<int>>, 2>",
        "vector<vector<text, 2>, 8192>",
        "addr",
        "list<frozen<addr>>",
        "frozen<map<frozen<\"Geo\">, frozen<addr>>>",
    ] {
        assert_eq!(types().parse(text).map(|parsed| parsed.to_string()).as_deref(), Some(text));
    }
}

#[test]
fn what_is_written_otherwise_means_the_same() {
    let check = |text: &str, expected: &str| {
        assert_eq!(types().parse(text).map(|parsed| parsed.to_string()).as_deref(), Some(expected), "{text}");
    };
    check(" list < varchar > ", "list<text>");
    check("tuple<int,text>", "frozen<tuple<int, text>>");
    check("frozen<frozen<list<int>>>", "frozen<list<int>>");
    check("frozen<list<list<int>>>", "frozen<list<frozen<list<int>>>>");
    check("frozen<vector<list<int>, 2>>", "vector<frozen<list<int>>, 2>");
    check("frozen<int>", "int");
}

#[test]
fn a_user_type_has_its_fields_and_theirs() {
    let CqlType::User(addr) = types().parse("frozen<addr>").unwrap() else { panic!("a user type") };
    let fields: Vec<String> =
        addr.fields.iter().map(|field| format!("{} {}", field.name, field.cql_type)).collect();
    assert_eq!(fields, ["street text", "at frozen<\"Geo\">", "tags frozen<set<text>>"]);
    let CqlType::User(geo) = &addr.fields[1].cql_type else { panic!("a user type") };
    assert_eq!(geo.fields[1], UserField { name: "lon".to_owned(), cql_type: CqlType::Double });
}

#[test]
fn what_is_no_type_that_can_be_loaded_is_none() {
    for text in [
        "",
        " ",
        "counter",
        "empty",
        "list<counter>",
        "unknown",
        "frozen<\"unknown\">",
        "Addr",
        "'org.apache.cassandra.db.marshal.DynamicCompositeType'",
        "list<int",
        "list<int>>",
        "list<>",
        "list<int, int>",
        "map<int>",
        "tuple<>",
        "vector<float>",
        "vector<float, 0>",
        "vector<float, -1>",
        "vector<float, 99999999999>",
        "pair<int, int>",
        "\"Geo",
        "int int",
        // No server lets a type hold itself, but a loop must end.
        "\"odd\"\"name\"",
    ] {
        assert_eq!(types().parse(text), None, "{text}");
    }
}

#[test]
fn types_are_nested_so_deep_and_no_deeper() {
    let nested = |depth: usize| format!("{}int{}", "frozen<list<".repeat(depth), ">>".repeat(depth));
    let parsed = types().parse(&nested(24)).unwrap();
    assert_eq!(parsed.to_string(), nested(24));
    assert_eq!(types().parse(&nested(25)), None);
    let json = serde_json::to_string(&[[[[&parsed]]]]).unwrap();
    assert_eq!(serde_json::from_str::<[[[[CqlType; 1]; 1]; 1]; 1]>(&json).unwrap()[0][0][0][0], parsed);

    let mut chain = UserTypes::default();
    chain.add("t0".to_owned(), vec![("f".to_owned(), "int".to_owned())]);
    for level in 1..24 {
        chain.add(format!("t{level}"), vec![("f".to_owned(), format!("frozen<t{}>", level - 1))]);
    }
    let parsed = chain.parse("frozen<t23>").unwrap();
    let json = serde_json::to_string(&[[[[&parsed]]]]).unwrap();
    assert!(serde_json::from_str::<[[[[CqlType; 1]; 1]; 1]; 1]>(&json).is_ok(), "JSON bears as many levels");
}

#[test]
fn types_that_multiply_are_given_up() {
    let mut types = UserTypes::default();
    types.add("t0".to_owned(), vec![("f".to_owned(), "int".to_owned())]);
    for level in 1..20 {
        let field = |at: usize| (format!("f{at}"), format!("frozen<t{}>", level - 1));
        types.add(format!("t{level}"), (0..10).map(field).collect());
    }
    assert!(types.parse("t3").is_some());
    assert_eq!(types.parse("t19"), None);
}

#[test]
fn native_types_are_words_in_json_as_ever() {
    let check = |cql_type: CqlType, expected: &str| {
        let json = serde_json::to_string(&cql_type).unwrap();
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<CqlType>(&json).unwrap(), cql_type);
    };
    check(CqlType::Int, "\"int\"");
    check(types().parse("set<int>").unwrap(), r#"{"set":{"of":"int","frozen":false}}"#);
}

#[test]
fn thawing_reaches_every_level() {
    let thawed = types().parse("frozen<map<int, addr>>").unwrap().thawed();
    assert_eq!(thawed, types().parse("map<int, addr>").unwrap().thawed());
    assert_eq!(thawed.to_string(), "map<int, addr>");
}

#[test]
fn only_these_types_are_of_a_fixed_size_in_a_vector() {
    let check = |text: &str, expected| {
        assert_eq!(types().parse(text).unwrap().fixed_len(), expected, "{text}");
    };
    for (text, len) in
        [("boolean", 1), ("int", 4), ("float", 4), ("bigint", 8), ("double", 8), ("timestamp", 8)]
    {
        check(text, Some(len));
    }
    for (text, len) in [("uuid", 16), ("timeuuid", 16), ("vector<float, 3>", 12)] {
        check(text, Some(len));
    }
    for text in
        ["tinyint", "smallint", "date", "time", "text", "inet", "list<int>", "tuple<int>", "vector<text, 3>"]
    {
        check(text, None);
    }
}
