//! Tests of the codecs: tables of texts and bytes, and properties checked against the driver's own serialization.

mod any_bytes;
mod properties;
mod tables;

use std::sync::Arc;

use scylla::cluster::metadata::{CollectionType, ColumnType, NativeType, UserDefinedType};

use crate::codec::forms::Place;
use crate::codec::{CodecError, CodecOptions, scalar};
use crate::schema::types::{CqlType, UserField};

fn encoded(cql_type: CqlType, text: impl AsRef<[u8]>, options: CodecOptions) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    scalar(&cql_type, text.as_ref(), &options, Place::Cell, &mut out).map(|()| out)
}

/// The type as the driver has it.
pub(in crate::codec) fn driver_type(cql_type: &CqlType) -> ColumnType<'static> {
    let part = |of: &CqlType| Box::new(driver_type(of));
    let collection = |typ| ColumnType::Collection { frozen: true, typ };
    match cql_type {
        CqlType::Ascii => ColumnType::Native(NativeType::Ascii),
        CqlType::Bigint => ColumnType::Native(NativeType::BigInt),
        CqlType::Blob => ColumnType::Native(NativeType::Blob),
        CqlType::Boolean => ColumnType::Native(NativeType::Boolean),
        CqlType::Date => ColumnType::Native(NativeType::Date),
        CqlType::Decimal => ColumnType::Native(NativeType::Decimal),
        CqlType::Double => ColumnType::Native(NativeType::Double),
        CqlType::Duration => ColumnType::Native(NativeType::Duration),
        CqlType::Float => ColumnType::Native(NativeType::Float),
        CqlType::Inet => ColumnType::Native(NativeType::Inet),
        CqlType::Int => ColumnType::Native(NativeType::Int),
        CqlType::Smallint => ColumnType::Native(NativeType::SmallInt),
        CqlType::Text => ColumnType::Native(NativeType::Text),
        CqlType::Time => ColumnType::Native(NativeType::Time),
        CqlType::Timestamp => ColumnType::Native(NativeType::Timestamp),
        CqlType::Timeuuid => ColumnType::Native(NativeType::Timeuuid),
        CqlType::Tinyint => ColumnType::Native(NativeType::TinyInt),
        CqlType::Uuid => ColumnType::Native(NativeType::Uuid),
        CqlType::Varint => ColumnType::Native(NativeType::Varint),
        CqlType::List(list) => collection(CollectionType::List(part(&list.of))),
        CqlType::Set(set) => collection(CollectionType::Set(part(&set.of))),
        CqlType::Map(map) => collection(CollectionType::Map(part(&map.key), part(&map.value))),
        CqlType::Tuple(parts) => ColumnType::Tuple(parts.iter().map(driver_type).collect()),
        CqlType::User(user) => {
            let field = |field: &UserField| (field.name.clone().into(), driver_type(&field.cql_type));
            let field_types = user.fields.iter().map(field).collect();
            let definition = UserDefinedType { name: "u".into(), keyspace: "ks".into(), field_types };
            ColumnType::UserDefinedType { frozen: true, definition: Arc::new(definition) }
        }
        CqlType::Vector(vector) => {
            ColumnType::Vector { typ: part(&vector.of), dimensions: vector.dimensions as u16 }
        }
    }
}
