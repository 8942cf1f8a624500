//! Values inside values as JSON, for the codec that reads it from a CSV cell: lists, structs and maps. The CQL type that they are for, where it
//! is known, says which form a part takes. The depth of the recursion is the Parquet schema's.

use arrow_array::cast::AsArray;
use arrow_array::{Array, MapArray, StructArray};
use arrow_schema::DataType;

use super::fit::is_named;
use super::render::scalar_text;
use crate::schema::types::CqlType;

/// Appends the value at `row`, which may be null.
pub(super) fn json(array: &dyn Array, row: usize, target: Option<&CqlType>, out: &mut Vec<u8>) {
    if array.is_null(row) {
        return out.extend_from_slice(b"null");
    }
    match array.data_type() {
        DataType::List(_) => list(&*array.as_list::<i32>().value(row), target, out),
        DataType::Struct(_) => object(array.as_struct(), row, target, out),
        DataType::Map(..) => map(array.as_map(), row, target, out),
        bare if is_bare(bare) && !matches!(target, Some(CqlType::Text | CqlType::Ascii)) => {
            scalar_text(array, row, target, out);
        }
        DataType::Null => out.extend_from_slice(b"null"),
        _ => {
            let start = out.len();
            out.push(b'"');
            scalar_text(array, row, target, out);
            escape(out, start + 1);
            out.push(b'"');
        }
    }
}

/// Whether values of this type stand without quotes. Floats do not: what is not finite is no JSON number, and the codec reads a number
/// from a string as well.
fn is_bare(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(data_type, DataType::Boolean | DataType::Decimal128(..) | DataType::Decimal256(..))
}

fn list(items: &dyn Array, target: Option<&CqlType>, out: &mut Vec<u8>) {
    out.push(b'[');
    for at in 0..items.len() {
        if at > 0 {
            out.push(b',');
        }
        let of = match target {
            Some(CqlType::List(list)) => Some(&*list.of),
            Some(CqlType::Set(set)) => Some(&*set.of),
            Some(CqlType::Vector(vector)) => Some(&*vector.of),
            Some(CqlType::Tuple(parts)) => parts.get(at),
            _ => None,
        };
        json(items, at, of, out);
    }
    out.push(b']');
}

fn object(array: &StructArray, row: usize, target: Option<&CqlType>, out: &mut Vec<u8>) {
    if let Some(CqlType::Tuple(parts)) = target {
        out.push(b'[');
        for (at, column) in array.columns().iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            json(&**column, row, parts.get(at), out);
        }
        return out.push(b']');
    }
    out.push(b'{');
    let mut is_first = true;
    for (field, column) in array.fields().iter().zip(array.columns()) {
        let of = match target {
            Some(CqlType::User(user)) => {
                let field = user.fields.iter().find(|target| is_named(&target.name, field.name()));
                field.map(|field| &field.cql_type)
            }
            // What is not there is no entry.
            Some(CqlType::Map(_)) if column.is_null(row) => continue,
            Some(CqlType::Map(map)) => Some(&*map.value),
            _ => None,
        };
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        // In quotes of its own a name keeps its large letters.
        let is_exact = matches!(target, Some(CqlType::User(user)) if user.fields.iter().any(|target| target.name == *field.name()));
        let quote: &[u8] = if is_exact && field.name().bytes().any(|byte| byte.is_ascii_uppercase()) {
            b"\\\""
        } else {
            b""
        };
        out.push(b'"');
        out.extend_from_slice(quote);
        let start = out.len();
        out.extend_from_slice(field.name().as_bytes());
        escape(out, start);
        out.extend_from_slice(quote);
        out.extend_from_slice(b"\":");
        json(&**column, row, of, out);
    }
    out.push(b'}');
}

fn map(array: &MapArray, row: usize, target: Option<&CqlType>, out: &mut Vec<u8>) {
    let entries = array.value(row);
    let (key_type, value_type) = match target {
        Some(CqlType::Map(map)) => (Some(&*map.key), Some(&*map.value)),
        _ => (None, None),
    };
    let (Some(keys), Some(values)) = (entries.columns().first(), entries.columns().get(1)) else {
        return out.extend_from_slice(b"{}");
    };
    out.push(b'{');
    for at in 0..entries.len() {
        if at > 0 {
            out.push(b',');
        }
        let start = out.len();
        json(&**keys, at, key_type, out);
        // A number or a boolean as a key is a string in JSON.
        if !matches!(out.get(start), Some(b'"' | b'[' | b'{')) {
            out.insert(start, b'"');
            out.push(b'"');
        }
        out.push(b':');
        json(&**values, at, value_type, out);
    }
    out.push(b'}');
}

/// Makes what stands behind `start` the inside of a JSON string.
fn escape(out: &mut Vec<u8>, start: usize) {
    let needs = |byte: u8| byte < 0x20 || matches!(byte, b'"' | b'\\');
    let Some(first) = out.get(start..).and_then(|text| text.iter().position(|&byte| needs(byte))) else {
        return;
    };
    let tail = out.split_off(start + first);
    for byte in tail {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            // A control character: four hexadecimal digits, the first two of them 00.
            0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
}
