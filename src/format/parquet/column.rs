//! The CQL type that a column of a Parquet file has in a table that is made for it: the narrowest that holds every value of the column's
//! own type. Pure.

use arrow_schema::{DataType, Fields};

use super::fit::is_refused;
use crate::schema::types::{CqlType, Elements, Entries};

/// The type for a column; `None` where there is none. `uuids`: of the leaves that follow, from the column's first one, whether they are
/// marked as UUIDs; those of the column are taken.
pub fn column_type(data_type: &DataType, uuids: &mut dyn Iterator<Item = bool>) -> Option<CqlType> {
    let boxed = |cql_type: Option<CqlType>| cql_type.map(Box::new);
    match data_type {
        // Frozen: a list that is not is loaded more slowly, and half of one may be overwritten.
        DataType::List(of) => {
            let of = boxed(column_type(of.data_type(), uuids))?;
            Some(CqlType::List(Elements { of, frozen: true }))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => match <[CqlType; 2]>::try_from(parts(fields, uuids)?) {
                Ok([key, value]) => {
                    let (key, value) = (Box::new(key), Box::new(value));
                    Some(CqlType::Map(Entries { key, value, frozen: true }))
                }
                Err(_) => None,
            },
            _ => None,
        },
        DataType::Struct(fields) => {
            parts(fields, uuids).filter(|parts| !parts.is_empty()).map(CqlType::Tuple)
        }
        leaf => leaf_type(leaf, uuids.next().unwrap_or(false)),
    }
}

/// The types of a struct's fields. All of its leaves are taken, also where one has none.
fn parts(fields: &Fields, uuids: &mut dyn Iterator<Item = bool>) -> Option<Vec<CqlType>> {
    let parts: Vec<Option<CqlType>> =
        fields.iter().map(|field| column_type(field.data_type(), uuids)).collect();
    parts.into_iter().collect()
}

fn leaf_type(data_type: &DataType, is_uuid: bool) -> Option<CqlType> {
    if is_refused(data_type) {
        return None;
    }
    Some(match data_type {
        DataType::Boolean => CqlType::Boolean,
        DataType::Int8 => CqlType::Tinyint,
        DataType::Int16 | DataType::UInt8 => CqlType::Smallint,
        DataType::Int32 | DataType::UInt16 => CqlType::Int,
        DataType::Int64 | DataType::UInt32 => CqlType::Bigint,
        DataType::UInt64 => CqlType::Varint,
        DataType::Float16 | DataType::Float32 => CqlType::Float,
        DataType::Float64 => CqlType::Double,
        DataType::Decimal128(..) | DataType::Decimal256(..) => CqlType::Decimal,
        DataType::Date32 => CqlType::Date,
        DataType::Time32(_) | DataType::Time64(_) => CqlType::Time,
        DataType::Timestamp(..) => CqlType::Timestamp,
        DataType::FixedSizeBinary(16) if is_uuid => CqlType::Uuid,
        DataType::FixedSizeBinary(_) | DataType::Binary | DataType::BinaryView => CqlType::Blob,
        // A column without a type holds nothing but null.
        _ => CqlType::Text,
    })
}

/// A type for the values of both, where numbers of one kind only differ in their size; `None` where they are not alike.
pub fn common_type(one: &CqlType, other: &CqlType) -> Option<CqlType> {
    const INTEGERS: [CqlType; 6] = [
        CqlType::Tinyint,
        CqlType::Smallint,
        CqlType::Int,
        CqlType::Bigint,
        CqlType::Varint,
        CqlType::Decimal,
    ];
    const FLOATS: [CqlType; 2] = [CqlType::Float, CqlType::Double];
    let wider = |kinds: &[CqlType]| {
        let place = |wanted: &CqlType| kinds.iter().position(|kind| kind == wanted);
        kinds.get(place(one)?.max(place(other)?)).cloned()
    };
    match one == other {
        true => Some(one.clone()),
        false => wider(&INTEGERS).or_else(|| wider(&FLOATS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_floats_become_the_wider_of_two_and_other_types_stay_apart() {
        let check = |one: CqlType, other: CqlType, expected: Option<CqlType>| {
            assert_eq!(common_type(&one, &other), expected);
            assert_eq!(common_type(&other, &one), expected);
        };
        check(CqlType::Text, CqlType::Text, Some(CqlType::Text));
        check(CqlType::Smallint, CqlType::Bigint, Some(CqlType::Bigint));
        check(CqlType::Varint, CqlType::Decimal, Some(CqlType::Decimal));
        check(CqlType::Float, CqlType::Double, Some(CqlType::Double));
        check(CqlType::Bigint, CqlType::Double, None);
        check(CqlType::Text, CqlType::Int, None);
    }
}
