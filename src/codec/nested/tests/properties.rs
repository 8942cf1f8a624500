//! Properties: both notations of random values of random types give the bytes that the driver gives for the values, and no bytes
//! whatever make the codec panic.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::CellWriter;
use scylla::value::CqlValue;

use super::{cql_type, encode};
use crate::codec::tests::driver_type;
use crate::codec::{CodecOptions, canonical};
use crate::schema::types::{CqlType, Elements, Entries, UserField, UserType, Vector};

/// A type of the columns of a table, three levels deep.
fn types() -> impl Strategy<Value = CqlType> {
    use CqlType::{Bigint, Blob, Boolean, Double, Int, Smallint, Text, Uuid};
    let native = || prop::sample::select(vec![Bigint, Blob, Boolean, Double, Int, Smallint, Text, Uuid]);
    let frozen = true;
    native().prop_recursive(3, 16, 3, move |inner| {
        let key = prop::sample::select(vec![Int, Text]);
        prop_oneof![
            inner.clone().prop_map(move |of| CqlType::List(Elements { of: Box::new(of), frozen })),
            key.clone().prop_map(move |of| CqlType::Set(Elements { of: Box::new(of), frozen })),
            (key, inner.clone()).prop_map(move |(key, value)| {
                CqlType::Map(Entries { key: Box::new(key), value: Box::new(value), frozen })
            }),
            vec(inner.clone(), 1..4).prop_map(CqlType::Tuple),
            vec(inner.clone(), 1..4).prop_map(move |types| {
                let field = |(at, cql_type)| UserField { name: format!("F{at}"), cql_type };
                let fields = types.into_iter().enumerate().map(field).collect();
                CqlType::User(UserType { name: "u".to_owned(), fields, frozen })
            }),
            (inner, 1..4u32)
                .prop_map(|(of, dimensions)| CqlType::Vector(Vector { of: Box::new(of), dimensions })),
        ]
    })
}

/// A value of a type. Sets and maps are in order.
fn values(cql_type: &CqlType) -> BoxedStrategy<CqlValue> {
    let text = "[a-z\"'\\\\,:{}\\[\\]() é😀\n\u{1}]{0,6}";
    let nullable = |of: &CqlType| proptest::option::of(values(of));
    match cql_type {
        CqlType::Bigint => any::<i64>().prop_map(CqlValue::BigInt).boxed(),
        CqlType::Blob => any::<Vec<u8>>().prop_map(CqlValue::Blob).boxed(),
        CqlType::Boolean => any::<bool>().prop_map(CqlValue::Boolean).boxed(),
        CqlType::Double => prop::num::f64::NORMAL.prop_map(CqlValue::Double).boxed(),
        CqlType::Int => any::<i32>().prop_map(CqlValue::Int).boxed(),
        CqlType::Smallint => any::<i16>().prop_map(CqlValue::SmallInt).boxed(),
        CqlType::Uuid => {
            any::<[u8; 16]>().prop_map(|bytes| CqlValue::Uuid(uuid::Uuid::from_bytes(bytes))).boxed()
        }
        CqlType::List(list) => vec(values(&list.of), 0..4).prop_map(CqlValue::List).boxed(),
        CqlType::Set(set) if *set.of == CqlType::Int => btree_set(any::<i32>(), 0..5)
            .prop_map(|set: BTreeSet<i32>| CqlValue::Set(set.into_iter().map(CqlValue::Int).collect()))
            .boxed(),
        CqlType::Set(_) => btree_set(text, 0..5)
            .prop_map(|set: BTreeSet<String>| CqlValue::Set(set.into_iter().map(CqlValue::Text).collect()))
            .boxed(),
        CqlType::Map(map) if *map.key == CqlType::Int => btree_map(any::<i32>(), values(&map.value), 0..4)
            .prop_map(|map: BTreeMap<i32, CqlValue>| {
                CqlValue::Map(map.into_iter().map(|(key, value)| (CqlValue::Int(key), value)).collect())
            })
            .boxed(),
        CqlType::Map(map) => btree_map(text, values(&map.value), 0..4)
            .prop_map(|map: BTreeMap<String, CqlValue>| {
                CqlValue::Map(map.into_iter().map(|(key, value)| (CqlValue::Text(key), value)).collect())
            })
            .boxed(),
        CqlType::Tuple(parts) => {
            parts.iter().map(nullable).collect::<Vec<_>>().prop_map(CqlValue::Tuple).boxed()
        }
        CqlType::User(user) => {
            let names: Vec<_> = user.fields.iter().map(|field| field.name.clone()).collect();
            let fields: Vec<_> = user.fields.iter().map(|field| nullable(&field.cql_type)).collect();
            let value = move |fields: Vec<_>| CqlValue::UserDefinedType {
                keyspace: "ks".to_owned(),
                name: "u".to_owned(),
                fields: names.iter().cloned().zip(fields).collect(),
            };
            fields.prop_map(value).boxed()
        }
        CqlType::Vector(vector) => {
            let len = vector.dimensions as usize;
            vec(values(&vector.of), len).prop_map(CqlValue::Vector).boxed()
        }
        _ => text.prop_map(CqlValue::Text).boxed(),
    }
}

/// The value as JSON, its sets, maps and fields from their end.
fn json(value: &CqlValue) -> String {
    let nullable = |part: &Option<CqlValue>| part.as_ref().map_or("null".to_owned(), json);
    let list = |parts: &[CqlValue]| format!("[{}]", parts.iter().map(json).collect::<Vec<_>>().join(","));
    let string = |text: &str| serde_json::to_string(text).unwrap();
    match value {
        CqlValue::Text(text) => string(text),
        CqlValue::Blob(bytes) => format!("\"0x{}\"", super::hex(bytes)),
        CqlValue::Uuid(uuid) => format!("\"{uuid}\""),
        CqlValue::Double(number) => format!("{number:e}"),
        CqlValue::List(parts) | CqlValue::Vector(parts) => list(parts),
        CqlValue::Set(parts) => list(&parts.iter().rev().cloned().collect::<Vec<_>>()),
        CqlValue::Map(entries) => {
            let entry = |(key, value): &(CqlValue, CqlValue)| match key {
                CqlValue::Text(_) => format!("{}: {}", json(key), json(value)),
                _ => format!("\"{key}\": {}", json(value)),
            };
            format!("{{{}}}", entries.iter().rev().map(entry).collect::<Vec<_>>().join(", "))
        }
        CqlValue::Tuple(parts) => {
            format!("[ {} ]", parts.iter().map(nullable).collect::<Vec<_>>().join(" , "))
        }
        CqlValue::UserDefinedType { fields, .. } => {
            let field = |(name, part): &(String, Option<CqlValue>)| {
                format!("{}:{}", string(&format!("\"{name}\"")), nullable(part))
            };
            format!("{{{}}}", fields.iter().rev().map(field).collect::<Vec<_>>().join(","))
        }
        native => native.to_string(),
    }
}

/// The value as a CQL literal.
fn cql(value: &CqlValue) -> String {
    let nullable = |part: &Option<CqlValue>| part.as_ref().map_or("null".to_owned(), cql);
    let list = |parts: &[CqlValue]| parts.iter().map(cql).collect::<Vec<_>>().join(", ");
    match value {
        CqlValue::Text(text) => format!("'{}'", text.replace('\'', "''")),
        CqlValue::Blob(bytes) => format!("0x{}", super::hex(bytes)),
        CqlValue::Double(number) => format!("{number:e}"),
        CqlValue::List(parts) | CqlValue::Vector(parts) => format!("[{}]", list(parts)),
        CqlValue::Set(parts) => {
            format!("{{{}}}", list(&parts.iter().chain(parts).cloned().collect::<Vec<_>>()))
        }
        CqlValue::Map(entries) => {
            let entry = |(key, value): &(CqlValue, CqlValue)| format!("{}: {}", cql(key), cql(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        CqlValue::Tuple(parts) => format!("({})", parts.iter().map(nullable).collect::<Vec<_>>().join(", ")),
        CqlValue::UserDefinedType { fields, .. } => {
            let given = fields.iter().filter(|(_, part)| part.is_some());
            let field = |(name, part): &(String, Option<CqlValue>)| format!("\"{name}\": {}", nullable(part));
            format!("{{{}}}", given.map(field).collect::<Vec<_>>().join(", "))
        }
        native => native.to_string(),
    }
}

/// Texts near to good ones.
fn nearly() -> impl Strategy<Value = (CqlType, Vec<u8>)> {
    let types = [
        "list<int>",
        "set<text>",
        "map<text, int>",
        "map<frozen<list<int>>, frozen<addr>>",
        "tuple<int, text, frozen<set<decimal>>>",
        "addr",
        "\"Odd\"",
        "vector<float, 2>",
        "vector<text, 2>",
        "frozen<map<frozen<tuple<varint, duration>>, frozen<vector<frozen<geo>, 1>>>>",
    ];
    let good = prop::sample::select(vec![
        r#"{"a": 1, 'b': [1, {"c": null}], "\u00e9\n": (1, 'x''y')}"#,
        r#"[1, 2.5, "x", null, [], {}, 0xcafe]"#,
        "{street: 'a', zip: 7, at: {lat: 1, lon: -2}, tags: {'b', 'a'}}",
        r#"{"[1, 2]": {"\"zip\"": 1}, '[3]': {ZIP: 2}}"#,
        "{(1, 1h): [{lat: 0}], (2, 1d): [{}]}",
        "[[1, 2], [[3], {4: 5}]]",
    ]);
    let mutations = vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..4);
    let mutated = (good, mutations).prop_map(|(good, mutations)| {
        let mut text = good.as_bytes().to_vec();
        for (at, byte, how) in mutations {
            let at = at.index(text.len());
            match how {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                _ => drop(text.remove(at)),
            }
        }
        text
    });
    let symbols = vec(prop::sample::select(b"[]{}(),:\"'\\ 01eau".to_vec()), 0..40);
    let text = prop_oneof![mutated, symbols, vec(any::<u8>(), 0..64)];
    (prop::sample::select(types.to_vec()).prop_map(cql_type), text)
}

proptest! {
    #[test]
    fn both_notations_of_a_value_give_the_bytes_of_the_driver(
        (of, value) in types().prop_filter("is nested", |of| !of.is_native()).prop_flat_map(|of| {
            let values = values(&of);
            (Just(of), values)
        }),
    ) {
        let mut expected = Vec::new();
        value.serialize(&driver_type(&of), CellWriter::new(&mut expected)).unwrap();
        for text in [json(&value), cql(&value)] {
            let mut out = Vec::new();
            encode(&of, text.as_bytes(), &CodecOptions::default(), &mut out).unwrap_or_else(|flaw| panic!("{of}: {text}: {flaw}"));
            prop_assert_eq!(&out, expected.get(4..).unwrap(), "{}: {}", of, text);
            let same = canonical(&of, &out);
            prop_assert_eq!(same.as_ref(), Some(&out), "{}: {}", of, text);
        }
    }

    #[test]
    fn no_text_makes_the_codec_panic((of, text) in nearly()) {
        let mut out = Vec::new();
        if encode(&of, &text, &CodecOptions::default(), &mut out).is_ok() {
            let same = canonical(&of, &out);
            prop_assert_eq!(same.as_ref(), Some(&out), "{}", of);
        }
    }

    #[test]
    fn no_bytes_make_it_panic_to_compare_values((of, mut bytes) in nearly(), count in 0..4u8) {
        let _ = canonical(&of, &bytes);
        // More likely to have parts.
        for at in (0..bytes.len()).step_by(4) {
            bytes.splice(at..at, [0, 0, 0, count]);
        }
        let _ = canonical(&of, &bytes);
    }
}
