//! Values that go from Arrow's columns to CQL's bytes without a text between: those of which both have the same. What does not fit exactly is
//! left as text for the codecs to judge, which is also what they give back here for a line of rejects.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, UInt8Type, UInt16Type,
    UInt32Type,
};
use arrow_array::{Array, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};

use super::render::Sink;
use super::scalar;
use crate::schema::types::CqlType;

/// Whether values of this type become bytes of that one here. `is_utc`: times without a zone are UTC.
pub(super) fn is_direct(data_type: &DataType, cql_type: &CqlType, is_utc: bool) -> bool {
    use CqlType::{
        Bigint, Blob, Boolean, Date, Double, Float, Int, Smallint, Text, Timestamp, Tinyint, Uuid,
    };
    match data_type {
        DataType::Boolean => matches!(cql_type, Boolean),
        DataType::UInt64 => false,
        integer if integer.is_integer() => matches!(cql_type, Tinyint | Smallint | Int | Bigint),
        DataType::Float32 => matches!(cql_type, Float | Double),
        DataType::Float64 => matches!(cql_type, Double),
        DataType::Date32 => matches!(cql_type, Date),
        DataType::Timestamp(TimeUnit::Second, _) => false,
        DataType::Timestamp(_, zone) => matches!(cql_type, Timestamp) && (is_utc || zone.is_some()),
        DataType::Utf8View => matches!(cql_type, Text),
        DataType::BinaryView => matches!(cql_type, Blob),
        DataType::FixedSizeBinary(16) => matches!(cql_type, Blob | Uuid),
        DataType::FixedSizeBinary(_) => matches!(cql_type, Blob),
        _ => false,
    }
}

/// Appends a column for which [`is_direct`] holds; `None` where that is too much.
pub(super) fn append(array: &dyn Array, cql_type: &CqlType, sink: &mut Sink) -> Option<()> {
    macro_rules! ints {
        ($type:ty) => {
            ints(array.as_primitive::<$type>(), cql_type, sink)
        };
    }
    match array.data_type() {
        DataType::Boolean => sink.each(array.as_boolean(), |value, out| {
            out.push(u8::from(value));
            true
        }),
        DataType::Int8 => ints!(Int8Type),
        DataType::Int16 => ints!(Int16Type),
        DataType::Int32 => ints!(Int32Type),
        DataType::Int64 => ints!(Int64Type),
        DataType::UInt8 => ints!(UInt8Type),
        DataType::UInt16 => ints!(UInt16Type),
        DataType::UInt32 => ints!(UInt32Type),
        DataType::Float32 if matches!(cql_type, CqlType::Double) => {
            sink.each(array.as_primitive::<Float32Type>(), |value, out| double(value.into(), out))
        }
        DataType::Float32 => sink.each(array.as_primitive::<Float32Type>(), |value, out| {
            // Of the many that are no number, the one that the codecs write.
            let value = if value.is_nan() { f32::NAN } else { value };
            bytes(&value.to_be_bytes(), out)
        }),
        DataType::Float64 => sink.each(array.as_primitive::<Float64Type>(), double),
        DataType::Date32 => sink.each(array.as_primitive::<Date32Type>(), |days, out| {
            // Days since 1970-01-01, centred on 2^31 (CQL binary protocol v4, section 6).
            bytes(&(days as u32 ^ (1 << 31)).to_be_bytes(), out)
        }),
        DataType::Timestamp(TimeUnit::Millisecond, _) => sink
            .each(array.as_primitive::<TimestampMillisecondType>(), |value, out| {
                bytes(&value.to_be_bytes(), out)
            }),
        &DataType::Timestamp(unit @ TimeUnit::Microsecond, ref zone) => {
            let (values, is_utc) = (array.as_primitive::<TimestampMicrosecondType>(), zone.is_some());
            sink.each(values, |value, out| times(value, 1_000, unit, is_utc, out))
        }
        &DataType::Timestamp(unit @ TimeUnit::Nanosecond, ref zone) => {
            let (values, is_utc) = (array.as_primitive::<TimestampNanosecondType>(), zone.is_some());
            sink.each(values, |value, out| times(value, 1_000_000, unit, is_utc, out))
        }
        DataType::Utf8View => sink.each(array.as_string_view(), |text, out| bytes(text.as_bytes(), out)),
        DataType::BinaryView => sink.each(array.as_binary_view(), bytes),
        DataType::FixedSizeBinary(_) => sink.each(array.as_fixed_size_binary(), bytes),
        _ => None,
    }
}

fn bytes(value: &[u8], out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(value);
    true
}

fn double(value: f64, out: &mut Vec<u8>) -> bool {
    let value = if value.is_nan() { f64::NAN } else { value };
    bytes(&value.to_be_bytes(), out)
}

/// Integers of any size as those of the column; what is outside its range stays text.
fn ints<T>(array: &PrimitiveArray<T>, cql_type: &CqlType, sink: &mut Sink) -> Option<()>
where
    T: arrow_array::types::ArrowPrimitiveType<Native: Into<i64>>,
{
    macro_rules! narrow {
        ($type:ty) => {
            sink.each(array, |value, out| {
                let value: i64 = value.into();
                match <$type>::try_from(value) {
                    Ok(fits) => bytes(&fits.to_be_bytes(), out),
                    Err(_) => {
                        scalar::int(value, out);
                        false
                    }
                }
            })
        };
    }
    match cql_type {
        CqlType::Tinyint => narrow!(i8),
        CqlType::Smallint => narrow!(i16),
        CqlType::Int => narrow!(i32),
        _ => narrow!(i64),
    }
}

/// A finer time as milliseconds; what is not a whole number of them stays text.
fn times(value: i64, per_milli: i64, unit: TimeUnit, is_utc: bool, out: &mut Vec<u8>) -> bool {
    if value.rem_euclid(per_milli) == 0 {
        return bytes(&(value / per_milli).to_be_bytes(), out);
    }
    scalar::timestamp(value, unit, is_utc, false, out);
    false
}

/// The text of bytes that were made here.
pub(crate) fn decoded<'a>(cql_type: &CqlType, bytes: &'a [u8]) -> Cow<'a, [u8]> {
    let mut text = Vec::new();
    let out = &mut text;
    macro_rules! number {
        ($type:ty) => {
            bytes.try_into().map(<$type>::from_be_bytes)
        };
    }
    let written = match cql_type {
        CqlType::Boolean => {
            out.extend_from_slice(if bytes == [0] { b"false" } else { b"true" });
            Ok(())
        }
        CqlType::Tinyint => number!(i8).map(|value| scalar::int(value.into(), out)),
        CqlType::Smallint => number!(i16).map(|value| scalar::int(value.into(), out)),
        CqlType::Int => number!(i32).map(|value| scalar::int(value.into(), out)),
        CqlType::Bigint => number!(i64).map(|value| scalar::int(value, out)),
        CqlType::Float => number!(f32).map(|value| scalar::float(value, out)),
        CqlType::Double => number!(f64).map(|value| scalar::float(value, out)),
        CqlType::Date => number!(u32).map(|days| scalar::date(i64::from(days) - (1 << 31), out)),
        CqlType::Timestamp => {
            number!(i64).map(|value| scalar::timestamp(value, TimeUnit::Millisecond, true, false, out))
        }
        CqlType::Uuid => {
            scalar::uuid(bytes, out);
            Ok(())
        }
        CqlType::Blob => {
            scalar::hex(bytes, out);
            Ok(())
        }
        // A text is its bytes.
        _ => return Cow::Borrowed(bytes),
    };
    match written {
        Ok(()) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(bytes),
    }
}
