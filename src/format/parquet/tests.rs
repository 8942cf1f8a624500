//! What becomes of Arrow's values: as text, as CQL's bytes and as lines of rejects, which all must be the same value.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, MapBuilder, StringBuilder};
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{
    ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray,
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, ListArray, MapArray,
    RecordBatch as Columns, StringViewArray, StructArray, Time64NanosecondArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Fields, IntervalUnit};
use proptest::prelude::*;

use super::fit::{fits, is_refused, shown};
use super::render::Renderer;
use crate::codec::row::{Made, RecordPlace, RowEncoder};
use crate::codec::{CodecOptions, encode};
use crate::format::csv::dialect::Dialect;
use crate::format::csv::reader::ChunkReader;
use crate::format::record::RecordBatch;
use crate::schema::mapping::FieldMapping;
use crate::schema::statement::RowPlan;
use crate::schema::table::{Column, ColumnRole};
use crate::schema::types::{CqlType, UserTypes};

fn cql(text: &str) -> CqlType {
    let mut types = UserTypes::default();
    let fields = [("street", "text"), ("Number", "int")];
    types.add("addr".to_owned(), fields.map(|(name, of)| (name.to_owned(), of.to_owned())).into());
    types.parse(text).unwrap()
}

/// The records of one column, for this target, and what their fields are.
fn render(array: &ArrayRef, target: Option<CqlType>) -> (RecordBatch, Made) {
    let columns = Columns::try_from_iter_with_nullable([("c", Arc::clone(array), true)]).unwrap();
    let renderer = Renderer::new(&[array.data_type()], BTreeMap::from([(0, target)]), true);
    (renderer.render(&columns).unwrap(), renderer.made()[0])
}

/// The column's rows as encoded cells: null, a value, or the code of the reject.
fn cells(
    array: &ArrayRef,
    cql_type: &CqlType,
    batch: &RecordBatch,
    made: Made,
) -> Vec<Result<Vec<u8>, String>> {
    assert_eq!(batch.len(), array.len());
    let column = Column { name: "c".to_owned(), cql_type: cql_type.clone(), role: ColumnRole::Regular };
    let plan = RowPlan { columns: vec![column], ..RowPlan::default() };
    let mapping = FieldMapping { field_count: 1, fields: vec![0], ..FieldMapping::default() };
    let encoder = RowEncoder::new(&plan, &mapping, &[], CodecOptions::default()).with_made(&[made]);
    let place = RecordPlace { write_time_us: 1, line: 1, number: 1 };
    let encode = |record| {
        let mut out = Vec::new();
        encoder.encode(record, place, &mut out).map(|_| out).map_err(|fault| format!("{:?}", fault.code))
    };
    batch.iter().map(encode).collect()
}

/// All ways of a column's values lead to the same cells: straight to bytes, by way of text, and by way of a line of rejects.
#[track_caller]
fn agree(array: &ArrayRef, cql_type: &CqlType) -> Vec<Result<Vec<u8>, String>> {
    let (direct, made) = render(array, Some(cql_type.clone()));
    let found = cells(array, cql_type, &direct, made);
    let csv: Vec<u8> = direct.iter().flat_map(|record| record.raw().into_owned()).collect();
    // A line with nothing on it is no record: only what is not null comes back.
    let again = ChunkReader::new(&Dialect::default()).read(csv).unwrap();
    let present: Vec<_> =
        direct.iter().zip(&found).filter(|(record, _)| !record.raw().starts_with(b"\n")).collect();
    let present: Vec<_> = present.into_iter().map(|(_, cell)| cell.clone()).collect();
    let there: ArrayRef = Arc::new(BooleanArray::from(vec![true; present.len()]));
    assert_eq!(cells(&there, cql_type, &again, Made::Text), present, "as a line of rejects");
    found
}

/// The cell of a value.
fn cell(value: &[u8]) -> Result<Vec<u8>, String> {
    let write_time = [&8i32.to_be_bytes()[..], &1i64.to_be_bytes()].concat();
    Ok([&2u16.to_be_bytes()[..], &(value.len() as i32).to_be_bytes(), value, &write_time].concat())
}

fn null() -> Result<Vec<u8>, String> {
    let write_time = [&8i32.to_be_bytes()[..], &1i64.to_be_bytes()].concat();
    Ok([&2u16.to_be_bytes()[..], &(-2i32).to_be_bytes(), &write_time].concat())
}

/// The cells of optional values, of which each that is there has these bytes.
fn expected<T>(values: &[Option<T>], bytes: impl Fn(&T) -> Vec<u8>) -> Vec<Result<Vec<u8>, String>> {
    values.iter().map(|value| value.as_ref().map_or_else(null, |value| cell(&bytes(value)))).collect()
}

proptest! {
    #[test]
    fn integers_are_themselves_and_what_is_too_large_is_rejected(
        values in prop::collection::vec(any::<Option<i64>>(), 0..50),
        small in prop::collection::vec(any::<Option<i8>>(), 0..50),
        wide in prop::collection::vec(any::<Option<u64>>(), 0..50),
    ) {
        let array: ArrayRef = Arc::new(Int64Array::from(values.clone()));
        prop_assert_eq!(agree(&array, &CqlType::Bigint), expected(&values, |value| value.to_be_bytes().into()));
        let narrow = |value: &Option<i64>| match value.map(i16::try_from) {
            None => null(),
            Some(Ok(fits)) => cell(&fits.to_be_bytes()),
            Some(Err(_)) => Err("OutOfRange".to_owned()),
        };
        prop_assert_eq!(agree(&array, &CqlType::Smallint), values.iter().map(narrow).collect::<Vec<_>>());
        let array: ArrayRef = Arc::new(Int8Array::from(small.clone()));
        for cql_type in [CqlType::Tinyint, CqlType::Int, CqlType::Varint, CqlType::Text] {
            let direct = expected(&small, |value| {
                let mut out = Vec::new();
                encode(&cql_type, value.to_string().as_bytes(), &CodecOptions::default(), &mut out).unwrap();
                out
            });
            prop_assert_eq!(agree(&array, &cql_type), direct);
        }
        let array: ArrayRef = Arc::new(UInt64Array::from(wide.clone()));
        let direct = |value: &Option<u64>| match value.map(i64::try_from) {
            None => null(),
            Some(Ok(fits)) => cell(&fits.to_be_bytes()),
            Some(Err(_)) => Err("OutOfRange".to_owned()),
        };
        prop_assert_eq!(agree(&array, &CqlType::Bigint), wide.iter().map(direct).collect::<Vec<_>>());
    }

    #[test]
    fn floats_are_themselves_whatever_their_bits(
        doubles in prop::collection::vec(any::<Option<u64>>(), 0..50),
        floats in prop::collection::vec(any::<Option<u32>>(), 0..50),
    ) {
        let doubles: Vec<_> = doubles.into_iter().map(|bits| bits.map(f64::from_bits)).collect();
        let array: ArrayRef = Arc::new(Float64Array::from(doubles.clone()));
        let one_nan = |value: f64| if value.is_nan() { f64::NAN } else { value };
        let bytes = |value: &f64| one_nan(*value).to_be_bytes().to_vec();
        prop_assert_eq!(agree(&array, &CqlType::Double), expected(&doubles, bytes));
        let floats: Vec<_> = floats.into_iter().map(|bits| bits.map(f32::from_bits)).collect();
        let array: ArrayRef = Arc::new(Float32Array::from(floats.clone()));
        let bytes = |value: &f32| if value.is_nan() { f32::NAN } else { *value }.to_be_bytes().to_vec();
        prop_assert_eq!(agree(&array, &CqlType::Float), expected(&floats, bytes));
        let bytes = |value: &f32| one_nan(f64::from(*value)).to_be_bytes().to_vec();
        prop_assert_eq!(agree(&array, &CqlType::Double), expected(&floats, bytes));
    }

    #[test]
    fn times_are_themselves_and_what_is_finer_than_their_types_is_rejected(
        values in prop::collection::vec(any::<Option<i64>>(), 0..50),
        days in prop::collection::vec(any::<Option<i32>>(), 0..50),
        clocks in prop::collection::vec(prop::option::of(0..86_400_000_000_000i64), 0..50),
        shift in 0..40u32,
    ) {
        let values: Vec<_> = values.into_iter().map(|value| value.map(|value| value >> shift)).collect();
        let check = |array: ArrayRef, per_milli: i64| {
            let direct = |value: &Option<i64>| match value {
                None => null(),
                Some(value) if value.rem_euclid(per_milli) == 0 => cell(&(value / per_milli).to_be_bytes()),
                Some(_) => Err("Inexact".to_owned()),
            };
            let (text, _) = render(&array, None);
            let expected: Vec<_> = values.iter().map(direct).collect();
            prop_assert_eq!(cells(&array, &CqlType::Timestamp, &text, Made::Value), expected.clone());
            prop_assert_eq!(agree(&array, &CqlType::Timestamp), expected);
            Ok(())
        };
        check(Arc::new(TimestampMillisecondArray::from(values.clone())), 1)?;
        check(Arc::new(TimestampMicrosecondArray::from(values.clone()).with_timezone("UTC")), 1_000)?;
        check(Arc::new(TimestampNanosecondArray::from(values.clone())), 1_000_000)?;
        let array: ArrayRef = Arc::new(Date32Array::from(days.clone()));
        let centred = |days: &i32| (*days as u32 ^ (1 << 31)).to_be_bytes().to_vec();
        prop_assert_eq!(agree(&array, &CqlType::Date), expected(&days, centred));
        let (text, _) = render(&array, None);
        prop_assert_eq!(cells(&array, &CqlType::Date, &text, Made::Value), expected(&days, centred));
        let array: ArrayRef = Arc::new(Time64NanosecondArray::from(clocks.clone()));
        prop_assert_eq!(agree(&array, &CqlType::Time), expected(&clocks, |value| value.to_be_bytes().into()));
    }

    #[test]
    fn texts_and_bytes_are_themselves(
        texts in prop::collection::vec(any::<Option<String>>(), 0..30),
        bytes in prop::collection::vec(any::<Option<Vec<u8>>>(), 0..30),
        flags in prop::collection::vec(any::<Option<bool>>(), 0..30),
    ) {
        let array: ArrayRef = Arc::new(texts.iter().map(Option::as_deref).collect::<StringViewArray>());
        prop_assert_eq!(agree(&array, &CqlType::Text), expected(&texts, |text| text.clone().into_bytes()));
        let array: ArrayRef = Arc::new(bytes.iter().map(Option::as_deref).collect::<BinaryViewArray>());
        prop_assert_eq!(agree(&array, &CqlType::Blob), expected(&bytes, Clone::clone));
        let array: ArrayRef = Arc::new(BooleanArray::from(flags.clone()));
        prop_assert_eq!(agree(&array, &CqlType::Boolean), expected(&flags, |flag| vec![u8::from(*flag)]));
    }

    #[test]
    fn decimals_keep_their_digits_and_their_scale(
        values in prop::collection::vec(prop::option::of(-(10i128.pow(38) - 1)..10i128.pow(38)), 0..30),
        scale in -5..38i8,
    ) {
        let decimals = Decimal128Array::from(values.clone()).with_precision_and_scale(38, scale).unwrap();
        let array: ArrayRef = Arc::new(decimals);
        let bytes = |value: &i128| {
            let unscaled = num_bigint::BigInt::from(*value).to_signed_bytes_be();
            [&i32::from(scale).to_be_bytes()[..], &unscaled].concat()
        };
        prop_assert_eq!(agree(&array, &CqlType::Decimal), expected(&values, bytes));
    }

    #[test]
    fn lists_of_numbers_and_of_texts_are_what_their_parts_are(
        lists in prop::collection::vec(prop::option::of(prop::collection::vec(any::<i32>(), 0..5)), 0..20),
        words in prop::collection::vec(prop::option::of(prop::collection::vec(any::<String>(), 0..4)), 0..20),
    ) {
        let parts = |parts: Vec<Vec<u8>>| {
            let mut bytes = (parts.len() as i32).to_be_bytes().to_vec();
            for part in parts {
                bytes.extend((part.len() as i32).to_be_bytes());
                bytes.extend(part);
            }
            bytes
        };
        let rows = lists.iter().map(|list| list.as_ref().map(|list| list.iter().copied().map(Some)));
        let array: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(rows));
        let ints = |list: &Vec<i32>| parts(list.iter().map(|value| value.to_be_bytes().to_vec()).collect());
        prop_assert_eq!(agree(&array, &cql("list<int>")), expected(&lists, ints));
        let mut builder = arrow_array::builder::ListBuilder::new(StringBuilder::new());
        words.iter().for_each(|list| builder.append_option(list.as_ref().map(|list| list.iter().map(Some))));
        let array: ArrayRef = Arc::new(builder.finish());
        let texts = |list: &Vec<String>| parts(list.iter().map(|text| text.clone().into_bytes()).collect());
        prop_assert_eq!(agree(&array, &cql("list<text>")), expected(&words, texts));
    }
}

/// The texts of a column.
fn check(array: ArrayRef, target: Option<&str>, expected: &[&str]) {
    let (batch, _) = render(&array, target.map(cql));
    let text = |record: crate::format::record::Record<'_>| {
        let field = record.field(0).unwrap();
        if field.quoted { String::from_utf8_lossy(field.bytes).into_owned() } else { "null".to_owned() }
    };
    assert_eq!(batch.iter().map(text).collect::<Vec<_>>(), expected);
}

#[test]
fn a_time_has_as_many_digits_as_it_needs_and_years_that_are_far_away_have_signs() {
    let micros = vec![0, 1_500_000, 1_000, 1, -1, 253_402_300_800_000_000, -62_167_219_200_000_001];
    let expected = [
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:01.500",
        "1970-01-01T00:00:00.001",
        "1970-01-01T00:00:00.000001",
        "1969-12-31T23:59:59.999999",
        "+10000-01-01T00:00:00",
        "-0001-12-31T23:59:59.999999",
    ];
    check(Arc::new(TimestampMicrosecondArray::from(micros)), None, &expected);
    let nanos = TimestampNanosecondArray::from(vec![1_709_164_800_000_000_000, 1]).with_timezone("+02:00");
    check(Arc::new(nanos), None, &["2024-02-29T00:00:00Z", "1970-01-01T00:00:00.000000001Z"]);
    let days = TimestampMicrosecondArray::from(vec![86_400_000_000, 86_400_000_001]);
    check(Arc::new(days), Some("date"), &["1970-01-02", "1970-01-02T00:00:00.000001"]);
    check(
        Arc::new(Time64NanosecondArray::from(vec![-1, 86_400_000_000_000])),
        None,
        &["-1", "86400000000000"],
    );
}

#[test]
fn a_single_float_is_widened_exactly_but_as_text_it_stays_short() {
    let floats = || Arc::new(Float32Array::from(vec![0.1, f32::NAN, f32::NEG_INFINITY, -0.0]));
    check(floats(), Some("decimal"), &["0.10000000149011612", "NaN", "-Infinity", "-0.0"]);
    check(floats(), Some("text"), &["0.1", "NaN", "-Infinity", "-0.0"]);
}

#[test]
fn bytes_take_the_form_of_what_they_are_for() {
    let array = || Arc::new(BinaryViewArray::from_iter_values([&[10, 0, 0, 1][..], b"word", &[7; 16]]));
    let hex = "0x07070707070707070707070707070707";
    check(array(), None, &["0x0a000001", "0x776f7264", hex]);
    let address = "707:707:707:707:707:707:707:707";
    check(array(), Some("inet"), &["10.0.0.1", "119.111.114.100", address]);
    check(
        array(),
        Some("ascii"),
        &[
            "\n\0\0\u{1}",
            "word",
            "\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}\u{7}",
        ],
    );
    let ids = FixedSizeBinaryArray::try_from_iter([[1; 16]].iter()).unwrap();
    check(Arc::new(ids), Some("timeuuid"), &["01010101-0101-0101-0101-010101010101"]);
}

#[test]
fn what_is_made_of_others_is_json_in_the_form_of_its_type() {
    let street: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a\"\\\n\u{1}"), None]));
    let number: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
    let fields = Fields::from(vec![
        Field::new("street", DataType::Utf8View, true),
        Field::new("Number", DataType::Int32, true),
    ]);
    let rows = || Arc::new(StructArray::new(fields.clone(), vec![street.clone(), number.clone()], None));
    let text = r#""a\"\\\n\u0001""#;
    let plain = format!(r#"{{"street":{text},"Number":1}}"#);
    check(rows(), None, &[&plain, r#"{"street":null,"Number":null}"#]);
    let exact = format!(r#"{{"street":{text},"\"Number\"":1}}"#);
    check(rows(), Some("addr"), &[&exact, r#"{"street":null,"\"Number\"":null}"#]);
    check(rows(), Some("tuple<text, int>"), &[&format!("[{text},1]"), "[null,null]"]);
    check(rows(), Some("map<text, text>"), &[&format!(r#"{{"street":{text},"Number":"1"}}"#), "{}"]);
    let mut builder = MapBuilder::new(None, Int64Builder::new(), Int64Builder::new());
    builder.keys().append_value(-7);
    builder.values().append_null();
    builder.append(true).unwrap();
    let map: MapArray = builder.finish();
    check(Arc::new(map), Some("map<bigint, bigint>"), &[r#"{"-7":null}"#]);
    let values = [Some(vec![Some(0.5), None, Some(f64::NAN)])];
    let list = ListArray::from_iter_primitive::<Float64Type, _, _>(values);
    check(Arc::new(list), Some("list<double>"), &[r#"["0.5",null,"NaN"]"#]);
}

#[test]
fn columns_that_nobody_wants_are_null() {
    let columns: [(&str, ArrayRef); 1] = [("b", Arc::new(Int64Array::from(vec![5])))];
    let types = [DataType::Utf8, DataType::Int64, DataType::Interval(IntervalUnit::DayTime)];
    let types: Vec<&DataType> = types.iter().collect();
    let renderer = Renderer::new(&types, BTreeMap::from([(1, Some(CqlType::Int)), (9, None)]), true);
    assert_eq!(renderer.wanted().collect::<Vec<_>>(), [1]);
    let batch = renderer.render(&Columns::try_from_iter(columns).unwrap()).unwrap();
    assert_eq!(&*batch.get(0).unwrap().raw(), b",5,\n");
}

#[test]
fn what_never_fits_is_known_by_the_types() {
    let list = DataType::new_list(DataType::Int32, true);
    let address = DataType::Struct(Fields::from(vec![
        Field::new("Street", DataType::Utf8View, true),
        Field::new("Number", DataType::Int64, true),
    ]));
    let interval = DataType::Interval(IntervalUnit::DayTime);
    for (data_type, target, expected) in [
        (&DataType::Int64, "tinyint", true),
        (&DataType::Int64, "double", true),
        (&DataType::Int64, "uuid", false),
        (&DataType::Int64, "text", true),
        (&DataType::Boolean, "int", false),
        (&DataType::Utf8View, "list<int>", true),
        (&DataType::Date32, "time", false),
        (&list, "set<bigint>", true),
        (&list, "vector<float, 3>", true),
        (&list, "tuple<int, int>", true),
        (&list, "tuple<int, uuid>", false),
        (&list, "int", false),
        (&list, "text", true),
        (&address, "addr", true),
        (&address, "tuple<text, int>", true),
        (&address, "tuple<text>", false),
        (&address, "map<text, text>", true),
        (&address, "map<int, text>", false),
        (&interval, "text", false),
        (&interval, "duration", false),
        (&DataType::new_list(interval.clone(), true), "list<text>", false),
    ] {
        assert_eq!(fits(data_type, &cql(target)), expected, "{} into {target}", shown(data_type));
    }
    assert!(is_refused(&interval) && !is_refused(&address));
    assert_eq!(shown(&list), "List(Int32)");
    let number: ArrayRef = Arc::new(UInt32Array::from(vec![7]));
    assert_eq!(agree(&number, &CqlType::Int), [cell(&7i32.to_be_bytes())]);
    let number: ArrayRef = Arc::new(Int16Array::from(vec![7]));
    assert_eq!(agree(&number, &CqlType::Bigint), [cell(&7i64.to_be_bytes())]);
    let keys = ListArray::from_iter_primitive::<Int64Type, _, _>([None::<Vec<Option<i64>>>]);
    assert_eq!(agree(&(Arc::new(keys) as ArrayRef), &cql("list<bigint>")), [null()]);
}
