//! Properties of every type, native and made of others, with any options: no bytes whatever make a codec panic, and what is accepted is
//! a value of its type to the driver, in the form that this crate gives to all values.

use proptest::collection::vec;
use proptest::prelude::*;
use scylla::deserialize::FrameSlice;
use scylla::deserialize::value::DeserializeValue;
use scylla::value::CqlValue;

use super::driver_type;
use crate::codec::forms::{Blobs, EpochUnit, Forms, Place, Separators, Times, TimeuuidFrom};
use crate::codec::{CodecOptions, canonical, encode, stamp};
use crate::schema::types::{CqlType, Elements, Entries, UserField, UserType, Vector};
use crate::settings::Rounding;

/// Values, as texts have them in one form or another.
const TEXTS: [&str; 58] = [
    "0",
    "1",
    "-1",
    "127",
    "-128",
    "+32767",
    "2147483648",
    "9223372036854775807",
    "1e3",
    "-1.5e-7",
    ".5",
    "1.",
    "1.234",
    "1.234,5",
    "1,234.5",
    "1 234",
    "NaN",
    "-inf",
    "123456789012345678901234567890",
    "true",
    "F",
    "ja",
    "NEIN",
    "on",
    "null",
    "0xcafe",
    "0xcaf",
    "yv66vg==",
    "AA==",
    "2026-01-31",
    "31/01/2026",
    "20260131",
    "20260131123456",
    "2026-01-31T12:34:56.789Z",
    "2026-01-31 12:34:56.789123456",
    "2026-03-29 02:30:00",
    "31/01/2026 12:34:60",
    "01/02/26 1:05 PM",
    "Sat Jan 31 12:34:56 2026",
    "1769862896.789",
    "12:34:56",
    "12:34:56.1234567891",
    "1:05 pm",
    "+292278994-08-17T07:12:55.807Z",
    "-9999-01-01",
    "1y2mo3d4h",
    "P1Y2M3DT4H5M6.5S",
    "-P1W",
    "550e8400-e29b-41d4-a716-446655440000",
    "f81d4fae7dec11d0a76500a0c91e6bf6",
    "192.0.2.1",
    "::ffff:192.0.2.1",
    "",
    " ",
    "é😀",
    "a\"b",
    "it's",
    "\u{0}",
];

const FORMATS: [&str; 12] = [
    "iso",
    "epoch",
    "%d/%m/%Y",
    "%d/%m/%Y %H:%M:%S%.f",
    "%Y%m%d%H%M%S",
    "%m/%d/%y %I:%M %p",
    "%a %b %e %T %Y",
    "%F %T%.f %Q",
    "%FT%T%.fZ",
    "%F %T %:z",
    "%Y-%j",
    "%G-W%V-%u",
];

/// A type of a column, three levels deep.
fn types() -> impl Strategy<Value = CqlType> {
    let native = prop::sample::select(CqlType::ALL.to_vec());
    let frozen = true;
    native.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            inner.clone().prop_map(move |of| CqlType::List(Elements { of: Box::new(of), frozen })),
            inner.clone().prop_map(move |of| CqlType::Set(Elements { of: Box::new(of), frozen })),
            (inner.clone(), inner.clone()).prop_map(move |(key, value)| {
                CqlType::Map(Entries { key: Box::new(key), value: Box::new(value), frozen })
            }),
            vec(inner.clone(), 1..4).prop_map(CqlType::Tuple),
            vec(inner.clone(), 1..4).prop_map(move |types| {
                let field = |(at, cql_type)| UserField { name: format!("f{at}"), cql_type };
                let fields = types.into_iter().enumerate().map(field).collect();
                CqlType::User(UserType { name: "u".to_owned(), fields, frozen })
            }),
            (inner, 1..4u32)
                .prop_map(|(of, dimensions)| CqlType::Vector(Vector { of: Box::new(of), dimensions })),
        ]
    })
}

fn some_of<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(prop::sample::select(values))
}

fn forms() -> impl Strategy<Value = Forms> {
    let formats = || vec(prop::sample::select(FORMATS.to_vec()).prop_map(str::to_owned), 0..3);
    let units = some_of(vec![EpochUnit::S, EpochUnit::Ms, EpochUnit::Us, EpochUnit::Ns]);
    let zones = some_of(vec!["Europe/Paris", "UTC", "-03:30", "America/Sao_Paulo"]);
    let times = (formats(), formats(), formats(), units, zones).prop_map(|(at, days, clocks, unit, zone)| {
        let times = Times::default().with_timestamps(&at).unwrap();
        // Not all formats are those of dates and times of day.
        let times = times.clone().with_dates(&days).unwrap_or(times);
        let times = times.clone().with_clocks(&clocks).unwrap_or(times);
        times.with_meaning(unit, zone.map(|zone| zone.parse().unwrap()))
    });
    let separators = some_of(vec![(',', None), (',', Some('.')), ('.', Some(',')), (',', Some(' '))]);
    let froms = [TimeuuidFrom::Min, TimeuuidFrom::Max, TimeuuidFrom::Fixed, TimeuuidFrom::Record];
    let words = some_of(vec!["ja:nein", "1:0,да:нет"]);
    let all = (words, separators, prop::option::of(times), any::<bool>(), some_of(froms.to_vec()));
    all.prop_map(|(words, separators, times, base64, timeuuid)| Forms {
        booleans: words.map(|words| words.parse().unwrap()),
        separators: separators.map(|(decimal, thousands)| Separators::new(decimal, thousands).unwrap()),
        times,
        blobs: if base64 { Blobs::Base64 } else { Blobs::Hex },
        timeuuid,
    })
}

fn options() -> impl Strategy<Value = CodecOptions> {
    (any::<bool>(), prop::option::of(forms())).prop_map(|(truncate, forms)| CodecOptions {
        rounding: if truncate { Rounding::Truncate } else { Rounding::Reject },
        forms: forms.and_then(Forms::unless_usual),
    })
}

/// A value as it may stand within another, in either notation.
fn within(cql_type: &CqlType) -> BoxedStrategy<String> {
    let list = |of: &CqlType, count: std::ops::Range<usize>| {
        vec(within(of), count).prop_map(|items| items.join(", ")).boxed()
    };
    match cql_type {
        CqlType::List(list_of) => list(&list_of.of, 0..4).prop_map(|items| format!("[{items}]")).boxed(),
        CqlType::Set(set_of) => (list(&set_of.of, 0..5), any::<bool>())
            .prop_map(|(items, json)| if json { format!("[{items}]") } else { format!("{{{items}}}") })
            .boxed(),
        CqlType::Vector(vector) => {
            let dimensions = vector.dimensions as usize;
            list(&vector.of, dimensions..dimensions + 1).prop_map(|items| format!("[{items}]")).boxed()
        }
        CqlType::Map(map) => vec((within(&map.key), within(&map.value)), 0..4)
            .prop_map(|entries| {
                let entries: Vec<_> = entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            })
            .boxed(),
        CqlType::Tuple(parts) => parts
            .iter()
            .map(within)
            .collect::<Vec<_>>()
            .prop_map(|items| format!("({})", items.join(", ")))
            .boxed(),
        CqlType::User(user) => user
            .fields
            .iter()
            .map(|field| {
                let name = field.name.clone();
                within(&field.cql_type).prop_map(move |value| format!("{name}: {value}"))
            })
            .collect::<Vec<_>>()
            .prop_map(|items| format!("{{{}}}", items.join(", ")))
            .boxed(),
        _ => (prop::sample::select(TEXTS.to_vec()), 0..3u8)
            .prop_map(|(text, quotes)| match quotes {
                0 => serde_json::to_string(text).unwrap(),
                1 => format!("'{}'", text.replace('\'', "''")),
                _ => text.to_owned(),
            })
            .boxed(),
    }
}

/// A type, and texts that may be of it: good ones as they are and with bytes changed, and anything.
fn cells() -> impl Strategy<Value = (CqlType, Vec<u8>)> {
    types().prop_flat_map(|cql_type| {
        let good = if cql_type.is_native() {
            prop::sample::select(TEXTS.to_vec()).prop_map(str::to_owned).boxed()
        } else {
            within(&cql_type)
        };
        let mutations = vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 0..3);
        let mutated = (good, mutations).prop_map(|(good, mutations)| {
            let mut text = good.into_bytes();
            for (at, byte, how) in mutations {
                let at = at.index(text.len().max(1));
                match how {
                    0 if at < text.len() => text[at] = byte,
                    1 if at < text.len() => drop(text.remove(at)),
                    _ => text.insert(at.min(text.len()), byte),
                }
            }
            text
        });
        let symbols = vec(prop::sample::select(b"[]{}(),:\"'\\ 01.eTZ-+/=".to_vec()), 0..40);
        let text = prop_oneof![4 => mutated, 1 => symbols, 1 => vec(any::<u8>(), 0..64)];
        (Just(cql_type), text)
    })
}

/// Whether there is a vector in it whose elements may have no bytes. The server keeps and shows them; the driver (scylla-cql-core 1.9)
/// takes one for null and refuses the vector.
fn has_vector_of_texts(cql_type: &CqlType) -> bool {
    match cql_type {
        CqlType::Vector(vector) => {
            matches!(*vector.of, CqlType::Ascii | CqlType::Text | CqlType::Blob)
                || has_vector_of_texts(&vector.of)
        }
        CqlType::List(elements) | CqlType::Set(elements) => has_vector_of_texts(&elements.of),
        CqlType::Map(entries) => has_vector_of_texts(&entries.key) || has_vector_of_texts(&entries.value),
        CqlType::Tuple(parts) => parts.iter().any(has_vector_of_texts),
        CqlType::User(user) => user.fields.iter().any(|field| has_vector_of_texts(&field.cql_type)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_is_a_value_to_the_driver_and_nothing_panics((of, text) in cells(), options in options()) {
        let mut out = b"before".to_vec();
        let encoded = encode(&of, &text, &options, &mut out);
        let value = out.strip_prefix(b"before").unwrap();
        if encoded.is_ok() {
            let read = <CqlValue as DeserializeValue>::deserialize(
                &driver_type(&of), Some(FrameSlice::new_borrowed(value)),
            );
            prop_assert!(read.is_ok() || has_vector_of_texts(&of), "{}: {:?}", of, read);
            let same = canonical(&of, value);
            prop_assert_eq!(same.as_deref(), Some(value), "{}", of);
        }
    }

    #[test]
    fn no_bytes_of_a_write_time_or_time_to_live_panic((_, text) in cells(), options in options()) {
        if let Ok(micros) = stamp::write_time(&text, &options, Place::Cell) {
            prop_assert!(micros >= 0);
        }
        let seconds = match &options.forms {
            Some(forms) => forms.ttl(&text, Place::Cell),
            None => stamp::ttl(&text),
        };
        let _ = seconds;
    }

    #[test]
    fn no_format_panics_and_one_that_is_taken_reads_what_it_writes(
        pieces in vec(prop_oneof![
            "%[_0^#-]?[0-9]{0,2}[:.]{0,3}[%a-zA-Z]",
            "[-/:. TZ]{1,2}",
            prop::sample::select(vec!["%Y", "%m", "%d", "%H", "%M", "%S", "%.f", "%z", "%F", "%T", "%é", "UTC"]).prop_map(str::to_owned),
        ], 0..8),
        text in prop_oneof![prop::sample::select(TEXTS.to_vec()).prop_map(|text| text.as_bytes().to_vec()), vec(any::<u8>(), 0..40)],
    ) {
        let format = [pieces.concat()];
        let taken = [
            (CqlType::Timestamp, Times::default().with_timestamps(&format)),
            (CqlType::Date, Times::default().with_dates(&format)),
            (CqlType::Time, Times::default().with_clocks(&format)),
        ];
        for (of, times) in taken {
            if let Ok(times) = times {
                let forms = Forms { times: Some(times), ..Forms::default() };
                let options = CodecOptions { rounding: Rounding::Truncate, forms: forms.unless_usual() };
                let _ = encode(&of, &text, &options, &mut Vec::new());
            }
        }
    }
}
