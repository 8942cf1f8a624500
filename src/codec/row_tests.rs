//! Tests of the row encoder: rows byte by byte, and every fault with the output left as it was.

use super::*;
use crate::format::record::RecordBatch;
use crate::schema::mapping::{Derived, NO_FIELD};
use crate::schema::table::Column;
use crate::settings::NullAs;

use ColumnRole::{ClusteringKey, PartitionKey, Regular, Static};

const WRITE_TIME_US: i64 = 1_769_862_645_678_901;
const PLACE: RecordPlace = RecordPlace { write_time_us: WRITE_TIME_US, line: 300, number: 299 };

/// A table's columns, a file's mapping to them and its nulls, and what to do with one record of it.
struct Case {
    columns: Vec<Column>,
    mapping: FieldMapping,
    nulls: Vec<String>,
    ttl: Option<Ttl>,
    null_as: NullAs,
    jagged: Jagged,
    charset: Charset,
}

impl Case {
    /// Columns in the order of the fields.
    fn new(columns: &[(&str, CqlType, ColumnRole)]) -> Self {
        let mapping = FieldMapping {
            field_count: columns.len(),
            fields: (0..columns.len()).collect(),
            ..FieldMapping::default()
        };
        let columns = columns
            .iter()
            .map(|(name, cql_type, role)| Column {
                name: (*name).to_owned(),
                cql_type: cql_type.clone(),
                role: *role,
            })
            .collect();
        Case {
            columns,
            mapping,
            nulls: Vec::new(),
            ttl: None,
            null_as: NullAs::Unset,
            jagged: Jagged::default(),
            charset: Charset::UTF_8,
        }
    }

    /// A quoted field is written with its quotes.
    fn encode(&self, fields: &[&[u8]]) -> Result<Vec<u8>, Box<Fault>> {
        let fields: Vec<_> = fields
            .iter()
            .map(|&text| match text {
                [b'"', text @ .., b'"'] => Field { bytes: text, quoted: true },
                text => Field { bytes: text, quoted: false },
            })
            .collect();
        let mut batch = RecordBatch::default();
        batch.push(&fields).unwrap();
        let plan = RowPlan { columns: self.columns.clone(), ttl: self.ttl, ..RowPlan::default() }
            .with_null_as(self.null_as);
        let encoder = RowEncoder::new(&plan, &self.mapping, &self.nulls, CodecOptions::default())
            .with_jagged(self.jagged)
            .with_charset(self.charset);
        let mut out = b"before".to_vec();
        let result = encoder.encode(batch.get(0).unwrap(), PLACE, &mut out);
        let row = out.split_off(6);
        assert_eq!(out, b"before");
        if result.is_err() {
            assert!(row.is_empty(), "a fault leaves nothing behind");
        }
        result.map(|_| row)
    }

    fn check(&self, fields: &[&[u8]], values: &[Option<&[u8]>]) {
        assert_eq!(self.encode(fields), Ok(row(values)));
    }

    fn refuse(&self, fields: &[&[u8]], code: RejectCode, column: &str) {
        let fault = self.encode(fields).unwrap_err();
        assert_eq!((fault.code, fault.column.as_deref()), (code, Some(column)));
        let at = self.columns.iter().position(|known| known.name == column).unwrap();
        let given = fields[self.mapping.fields[at]];
        let text = given.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(given);
        assert!(text.starts_with(&fault.value.unwrap()), "the fault shows the field of its column");
    }
}

/// A row with these values and the write time; `None` is not set.
fn row(values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut bytes = (values.len() as u16 + 1).to_be_bytes().to_vec();
    for value in values {
        match value {
            Some(value) => {
                bytes.extend((value.len() as i32).to_be_bytes());
                bytes.extend(*value);
            }
            None => bytes.extend([0xff, 0xff, 0xff, 0xfe]),
        }
    }
    bytes.extend([0, 0, 0, 8]);
    bytes.extend(WRITE_TIME_US.to_be_bytes());
    bytes
}

fn sensor() -> Case {
    Case::new(&[
        ("id", CqlType::Int, PartitionKey),
        ("ts", CqlType::Timestamp, ClusteringKey),
        ("site", CqlType::Text, Static),
        ("value", CqlType::Smallint, Regular),
    ])
}

#[test]
fn a_row_is_a_count_then_each_value_behind_its_length_then_the_write_time() {
    sensor().check(
        &[b"7", b"1970-01-01T00:00:01Z", b" a b ", b"-2"],
        &[Some(&[0, 0, 0, 7]), Some(&[0, 0, 0, 0, 0, 0, 3, 0xe8]), Some(b" a b "), Some(&[0xff, 0xfe])],
    );
}

#[test]
fn fields_are_taken_where_the_mapping_says_and_others_are_left_out() {
    let mut case = sensor();
    case.mapping = FieldMapping { field_count: 6, fields: vec![5, 0, 2, 2], ..FieldMapping::default() };
    case.check(
        &[b"0", b"unused", b"3", b"", b"NULL", b"7"],
        &[Some(&[0, 0, 0, 7]), Some(&[0; 8]), Some(b"3"), Some(&[0, 3])],
    );
    case.refuse(&[b"0", b"", b"x", b"", b"", b"7"], RejectCode::InvalidNumber, "value");
}

#[test]
fn unquoted_empty_is_null_and_quoted_empty_is_the_empty_text() {
    sensor().check(&[b"0", b"0", b"", b""], &[Some(&[0; 4]), Some(&[0; 8]), None, None]);
    sensor().check(&[b"0", b"0", b"\"\"", b""], &[Some(&[0; 4]), Some(&[0; 8]), Some(b""), None]);
    sensor().refuse(&[b"0", b"0", b"", b"\"\""], RejectCode::InvalidNumber, "value");
    sensor().refuse(&[b"0", b"0", b"", b" "], RejectCode::InvalidNumber, "value");
}

#[test]
fn null_texts_are_null_unquoted_and_themselves_in_quotes() {
    let mut case = sensor();
    case.nulls = vec!["NULL".to_owned(), "\\N".to_owned()];
    case.check(&[b"0", b"0", b"NULL", b"\\N"], &[Some(&[0; 4]), Some(&[0; 8]), None, None]);
    case.check(&[b"0", b"0", b"\"NULL\"", b""], &[Some(&[0; 4]), Some(&[0; 8]), Some(b"NULL"), None]);
    case.check(&[b"0", b"0", b"null", b"1"], &[Some(&[0; 4]), Some(&[0; 8]), Some(b"null"), Some(&[0, 1])]);
    case.refuse(&[b"0", b"0", b"", b"\"NULL\""], RejectCode::InvalidNumber, "value");
    case.refuse(&[b"NULL", b"0", b"", b""], RejectCode::NullKey, "id");
}

#[test]
fn nulls_are_tombstones_where_that_is_asked_for_and_keys_are_never_null() {
    let mut case = sensor();
    case.null_as = NullAs::Tombstone;
    let mut expected = row(&[Some(&[0, 0, 0, 1]), Some(&[0; 8]), None, Some(b"")]);
    // The third value is a null; the last one, in quotes, is the empty text.
    expected[2 + 8 + 12..][..4].copy_from_slice(&[0xff; 4]);
    case.columns[3].cql_type = CqlType::Text;
    assert_eq!(case.encode(&[b"1", b"0", b"", b"\"\""]), Ok(expected));
    case.refuse(&[b"", b"0", b"", b""], RejectCode::NullKey, "id");
}

#[test]
fn a_null_in_a_key_column_is_refused() {
    sensor().refuse(&[b"", b"0", b"a", b"1"], RejectCode::NullKey, "id");
    sensor().refuse(&[b"1", b"", b"a", b"1"], RejectCode::NullKey, "ts");
}

#[test]
fn a_wrong_number_of_fields_is_said_with_both_numbers() {
    for (fields, found) in
        [(&[b"1".as_slice(), b"2", b"3"][..], 3), (&[b"1", b"2", b"3", b"4", b"5"], 5), (&[], 0)]
    {
        let fault = sensor().encode(fields).unwrap_err();
        assert_eq!((fault.code, &fault.column, &fault.value), (RejectCode::FieldCount, &None, &None));
        let message = fault.to_string();
        assert!(message.starts_with(&format!("{found} fields where 4 are expected")), "{message}");
        assert!(message.contains("quote"), "{message}");
    }
}

#[test]
fn a_mapping_that_does_not_cover_the_columns_never_makes_a_row() {
    for fields in [vec![0, 1, 2], vec![0, 1, 2, 9], vec![0, 1, 2, usize::MAX]] {
        let mut case = sensor();
        case.mapping.fields = fields;
        let fault = case.encode(&[b"1", b"2", b"3", b"4"]).unwrap_err();
        assert_eq!(fault.code, RejectCode::FieldCount);
        assert!(fault.message.contains("mapping"), "{}", fault.message);
    }
}

/// A row with these values, a time to live and the write time.
fn row_with_ttl(values: &[Option<&[u8]>], ttl: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = row(values);
    bytes[..2].copy_from_slice(&(values.len() as u16 + 2).to_be_bytes());
    let write_time = bytes.split_off(bytes.len() - 12);
    match ttl {
        Some(ttl) => bytes.extend([&4i32.to_be_bytes(), ttl].concat()),
        None => bytes.extend(UNSET),
    }
    bytes.extend(write_time);
    bytes
}

#[test]
fn a_time_to_live_comes_before_the_write_time_from_the_plan_or_from_a_field() {
    let values: &[Option<&[u8]>] = &[Some(&[0; 4]), Some(&[0; 8]), None, Some(&[0, 1])];
    let check = |case: &Case, ttl: &[u8], expected: Option<&[u8]>| {
        assert_eq!(case.encode(&[b"0", b"0", b"", b"1", ttl]), Ok(row_with_ttl(values, expected)));
    };
    let mut case = sensor();
    case.mapping.field_count = 5;
    case.ttl = Some(Ttl::Seconds(86_400));
    check(&case, b"not used", Some(&[0, 1, 0x51, 0x80]));
    (case.ttl, case.mapping.ttl) = (Some(Ttl::Field), Some(4));
    case.nulls = vec!["NULL".to_owned()];
    check(&case, b"86400", Some(&[0, 1, 0x51, 0x80]));
    check(&case, b"\"0\"", Some(&[0; 4]));
    check(&case, b"", None);
    check(&case, b"NULL", None);
    for (ttl, code) in [
        (&b"-1"[..], RejectCode::OutOfRange),
        (b"630720001", RejectCode::OutOfRange),
        (b"soon", RejectCode::InvalidNumber),
        (b"\"\"", RejectCode::InvalidNumber),
    ] {
        let fault = case.encode(&[b"0", b"0", b"", b"1", ttl]).unwrap_err();
        assert_eq!((fault.code, fault.column.as_deref()), (code, Some("[ttl]")));
    }
    case.mapping.ttl = None;
    let fault = case.encode(&[b"0", b"0", b"", b"1", b"1"]).unwrap_err();
    assert_eq!(fault.code, RejectCode::FieldCount);
}

#[test]
fn columns_may_be_filled_from_what_is_known_of_the_record() {
    let mut case = sensor();
    case.mapping = FieldMapping {
        field_count: 1,
        fields: vec![NO_FIELD, NO_FIELD, 0, NO_FIELD],
        derived: [(0, Derived::Line), (1, Derived::Constant("1970-01-01".to_owned())), (3, Derived::Record)]
            .into(),
        ..FieldMapping::default()
    };
    let expected: &[Option<&[u8]>] = &[Some(&[0, 0, 1, 44]), Some(&[0; 8]), Some(b"x"), Some(&[1, 43])];
    case.check(&[b"x"], expected);
    case.mapping.derived[2].1 = Derived::Constant("7".to_owned());
    case.nulls = vec!["7".to_owned()];
    case.check(&[b"x"], &[expected[0], expected[1], expected[2], Some(&[0, 7])]);
    let refuse = |case: &Case, code, column: &str, value: &[u8]| {
        let fault = case.encode(&[b"x"]).unwrap_err();
        let found = (fault.code, fault.column.as_deref(), fault.value.as_deref());
        assert_eq!(found, (code, Some(column), Some(value)));
    };
    case.mapping.derived[2].1 = Derived::Constant("seven".to_owned());
    refuse(&case, RejectCode::InvalidNumber, "value", b"seven");
    case.columns[3].cql_type = CqlType::Tinyint;
    case.mapping.derived[2].1 = Derived::Line;
    refuse(&case, RejectCode::OutOfRange, "value", b"300");
    let mut case = Case::new(&[("k", CqlType::Text, PartitionKey), ("v", CqlType::Text, Regular)]);
    case.mapping.field_count = 1;
    case.mapping.fields = vec![NO_FIELD, 0];
    case.mapping.derived.push((0, Derived::Constant(String::new())));
    refuse(&case, RejectCode::EmptyKey, "k", b"");
}

#[test]
fn a_write_time_may_come_from_a_field() {
    let mut case = sensor();
    (case.mapping.field_count, case.mapping.write_time) = (5, Some(4));
    let values: &[Option<&[u8]>] = &[Some(&[0; 4]), Some(&[0; 8]), None, Some(&[0, 1])];
    let mut expected = row(values);
    let at = expected.len() - 8;
    for (text, micros) in
        [(&b"1769862645678902"[..], 1_769_862_645_678_902_i64), (b"1970-01-01 00:00:01", 1_000_000)]
    {
        expected[at..].copy_from_slice(&micros.to_be_bytes());
        assert_eq!(case.encode(&[b"0", b"0", b"", b"1", text]), Ok(expected.clone()));
    }
    for text in [&b""[..], b"\"\"", b"soon", b"2026-13-01"] {
        let fault = case.encode(&[b"0", b"0", b"", b"1", text]).unwrap_err();
        assert_eq!(
            (fault.code, fault.column.as_deref()),
            (RejectCode::InvalidTimestamp, Some("[timestamp]"))
        );
    }
    case.mapping.write_time = Some(9);
    let fault = case.encode(&[b"0", b"0", b"", b"1", b"1"]).unwrap_err();
    assert_eq!(fault.code, RejectCode::FieldCount);
}

#[test]
fn an_empty_key_is_refused_only_where_it_is_the_whole_partition_key() {
    let empty = b"\"\"".as_slice();
    let single = Case::new(&[("k", CqlType::Text, PartitionKey), ("c", CqlType::Blob, ClusteringKey)]);
    single.refuse(&[empty, b"0x"], RejectCode::EmptyKey, "k");
    single.check(&[b"a", b"0x"], &[Some(b"a"), Some(b"")]);
    let composite = Case::new(&[("a", CqlType::Text, PartitionKey), ("b", CqlType::Blob, PartitionKey)]);
    composite.check(&[empty, b"0x"], &[Some(b""), Some(b"")]);
}

#[test]
fn keys_may_be_65_535_bytes_long() {
    let long = vec![b'x'; 65_536];
    let single = Case::new(&[("k", CqlType::Text, PartitionKey), ("v", CqlType::Text, Regular)]);
    single.check(&[&long[1..], &long], &[Some(&long[1..]), Some(&long)]);
    single.refuse(&[&long, b"v"], RejectCode::KeyTooLarge, "k");

    let composite = Case::new(&[("a", CqlType::Text, PartitionKey), ("b", CqlType::Text, PartitionKey)]);
    let (a, b) = (&long[..30_000], &long[..35_529]);
    composite.check(&[a, b], &[Some(a), Some(b)]);
    composite.refuse(&[a, &long[..35_530]], RejectCode::KeyTooLarge, "b");
    composite.refuse(&[&long[1..], b"b"], RejectCode::KeyTooLarge, "a");

    let clustering = Case::new(&[
        ("k", CqlType::Int, PartitionKey),
        ("c", CqlType::Text, ClusteringKey),
        ("d", CqlType::Text, ClusteringKey),
    ]);
    let (c, d) = (&long[..40_000], &long[..25_535]);
    clustering.check(&[b"0", c, d], &[Some(&[0; 4]), Some(c), Some(d)]);
    clustering.refuse(&[b"0", c, &long[..25_536]], RejectCode::KeyTooLarge, "d");
    clustering.refuse(&[b"0", &long, b"d"], RejectCode::KeyTooLarge, "c");
}

#[test]
fn a_row_over_the_servers_limit_is_refused_naming_its_largest_column() {
    let case = Case::new(&[
        ("k", CqlType::Int, PartitionKey),
        ("a", CqlType::Text, Regular),
        ("b", CqlType::Text, Regular),
    ]);
    // Count, three lengths, the key and the write time with its length come on top of the texts.
    let text = vec![b'x'; ROW_BYTES_MAX - (2 + 3 * 4 + 4 + 12) - 1];
    let row = case.encode(&[b"1", &text, b"y"]).unwrap();
    assert_eq!(row.len(), ROW_BYTES_MAX);
    case.refuse(&[b"1", &text, b"yy"], RejectCode::ValueTooLarge, "a");
    case.refuse(&[b"1", b"yy", &text], RejectCode::ValueTooLarge, "b");
}

#[test]
fn a_fault_keeps_the_start_of_the_value_and_reads_as_a_fragment() {
    let mut long = vec![b'x'; 999];
    long.extend("é and more".as_bytes());
    let fault = sensor().encode(&[&long, b"0", b"", b""]).unwrap_err();
    assert_eq!(fault.value, Some(vec![b'x'; 999]));
    assert_eq!(
        fault.to_string(),
        "column id: not an integer: write digits with an optional sign, such as -42"
    );
    let fault = sensor().encode(&[&[0x80; 2_000], b"0", b"", b""]).unwrap_err();
    assert_eq!(fault.value.as_ref().map_or(0, Vec::len), 997);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_encoder_panic(fields: Vec<Vec<u8>>) {
        let fields: Vec<_> = fields.iter().map(Vec::as_slice).collect();
        let _ = sensor().encode(&fields);
        let _ = sensor().encode(fields.get(..4).unwrap_or_default());
    }
}

#[test]
fn records_that_are_shorter_or_longer_are_rows_where_that_is_allowed() {
    let mut case = Case::new(&[
        ("id", CqlType::Text, PartitionKey),
        ("at", CqlType::Text, ClusteringKey),
        ("note", CqlType::Text, Regular),
    ]);
    // The second field is no column's.
    case.mapping = FieldMapping { field_count: 4, fields: vec![0, 2, 3], ..FieldMapping::default() };
    let refuse = |case: &Case, fields: &[&[u8]], option: &str| {
        let fault = case.encode(fields).unwrap_err();
        assert_eq!(fault.code, RejectCode::FieldCount);
        let ends = format!("{option} takes such records");
        assert!(fault.message.ends_with(&ends), "{}", fault.message);
    };
    refuse(&case, &[b"a", b"x", b"b"], "--allow-missing-fields");
    refuse(&case, &[b"a", b"x", b"b", b"c", b""], "--allow-extra-fields");

    case.jagged = Jagged { missing: true, extra: false };
    case.check(&[b"a", b"x", b"b"], &[Some(b"a"), Some(b"b"), None]);
    case.check(&[b"a", b"x", b"b", b"c"], &[Some(b"a"), Some(b"b"), Some(b"c")]);
    refuse(&case, &[b"a", b"x", b"b", b"c", b"d"], "--allow-extra-fields");
    for short in [&[&b"a"[..], b"x"][..], &[b"a"]] {
        let fault = case.encode(short).unwrap_err();
        let found = (fault.code, fault.column.as_deref(), fault.value.as_deref());
        assert_eq!(found, (RejectCode::NullKey, Some("at"), Some(&b""[..])));
    }

    case.jagged = Jagged { missing: false, extra: true };
    case.check(&[b"a", b"x", b"b", b"c", b"d", b"e"], &[Some(b"a"), Some(b"b"), Some(b"c")]);
    refuse(&case, &[b"a", b"x", b"b"], "--allow-missing-fields");

    case.jagged = Jagged { missing: true, extra: true };
    case.check(&[b"a", b"x", b"b"], &[Some(b"a"), Some(b"b"), None]);
    case.check(&[b"a", b"x", b"b", b"c", b"d"], &[Some(b"a"), Some(b"b"), Some(b"c")]);
}

#[test]
fn fields_in_another_encoding_are_decoded_before_they_are_anything_else() {
    let mut case = Case::new(&[("id", CqlType::Text, PartitionKey), ("n", CqlType::Int, Regular)]);
    case.charset = "latin1".parse().unwrap();
    case.nulls = vec!["ø".to_owned()];
    case.check(&[b"caf\xe9", b"12"], &[Some("café".as_bytes()), Some(&[0, 0, 0, 12])]);
    case.check(&[b"a", b"\xf8"], &[Some(b"a"), None]);
    case.check(&[b"\"\xf8\"", b""], &[Some("ø".as_bytes()), None]);
    let fault = case.encode(&[b"a", b"1\xe9"]).unwrap_err();
    assert_eq!((fault.code, fault.value.as_deref()), (RejectCode::InvalidNumber, Some("1é".as_bytes())));
    case.charset = "windows-1253".parse().unwrap();
    case.refuse(&[b"\xd2", b"1"], RejectCode::InvalidEncoding, "id");
}
