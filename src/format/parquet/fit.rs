//! Which types of Parquet columns, as Arrow has them, go into which of CQL: what can never become a value is told before the first row,
//! what depends on the value is for the codecs to judge. Pure.

use std::path::{Path, PathBuf};

use arrow_schema::DataType;

use crate::schema::mapping::FieldMapping;
use crate::schema::table::Column;
use crate::schema::types::CqlType;

/// Columns of a file that never become what the table has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: {}: write the file with types that do, or leave such columns out, as in --map '*,-{}'",
    path.display(), pairs.join("; "), first
)]
pub struct Misfit {
    /// The file.
    pub path: PathBuf,
    /// What does not go into what; never empty.
    pub pairs: Vec<String>,
    /// The first of the table's columns that is meant.
    pub first: String,
}

/// Checks that values of a file's columns may be those of the table's.
///
/// # Errors
/// Some never are.
pub fn check_types(
    path: &Path,
    names: &[String],
    types: &[DataType],
    columns: &[Column],
    mapping: &FieldMapping,
) -> Result<(), Misfit> {
    let (mut pairs, mut first) = (Vec::new(), None);
    for (column, &field) in columns.iter().zip(&mapping.fields) {
        let Some(data_type) = types.get(field).filter(|data_type| !fits(data_type, &column.cql_type)) else {
            continue;
        };
        let name = names.get(field).map_or("", String::as_str);
        let (from, to) = (shown(data_type), column.cql_type.to_string());
        pairs.push(format!(
            "its column {name:?} is {from}, which does not go into column {} {to}",
            column.name
        ));
        first.get_or_insert_with(|| column.name.clone());
    }
    match first {
        None => Ok(()),
        Some(first) => Err(Misfit { path: path.to_owned(), pairs, first }),
    }
}

/// Whether values of this type are never read.
pub fn is_refused(data_type: &DataType) -> bool {
    match data_type {
        number if number.is_integer() || number.is_floating() => false,
        DataType::Null
        | DataType::Boolean
        | DataType::Decimal128(..)
        | DataType::Decimal256(..)
        | DataType::Date32
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Utf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => false,
        DataType::List(of) => is_refused(of.data_type()),
        DataType::Map(entries, _) => is_refused(entries.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| is_refused(field.data_type())),
        _ => true,
    }
}

/// Whether a value of this type may be one of the CQL type. Times, numbers and texts are judged one by one.
pub fn fits(data_type: &DataType, cql_type: &CqlType) -> bool {
    use CqlType::{
        Ascii, Bigint, Blob, Boolean, Date, Decimal, Double, Duration, Float, Inet, Int, List, Map, Set,
        Smallint, Text, Time, Timestamp, Timeuuid, Tinyint, Tuple, User, Uuid, Varint, Vector,
    };
    if is_refused(data_type) {
        return false;
    }
    let is_number = matches!(cql_type, Tinyint | Smallint | Int | Bigint | Varint | Decimal | Float | Double);
    match data_type {
        DataType::Null => true,
        // As JSON, if it is made of others.
        _ if matches!(cql_type, Text | Ascii) => true,
        DataType::Boolean => matches!(cql_type, Boolean),
        integer if integer.is_integer() => is_number || matches!(cql_type, Boolean | Timestamp),
        DataType::Decimal128(..) | DataType::Decimal256(..) => is_number,
        float if float.is_floating() => is_number,
        DataType::Date32 => matches!(cql_type, Date | Timestamp),
        DataType::Time32(_) | DataType::Time64(_) => matches!(cql_type, Time),
        DataType::Timestamp(..) => matches!(cql_type, Timestamp | Date),
        // Old writers leave texts unmarked.
        DataType::Utf8 | DataType::Utf8View | DataType::Binary | DataType::BinaryView => true,
        DataType::FixedSizeBinary(_) => matches!(cql_type, Blob | Uuid | Timeuuid | Inet),
        DataType::List(of) => match cql_type {
            List(list) => fits(of.data_type(), &list.of),
            Set(set) => fits(of.data_type(), &set.of),
            Vector(vector) => fits(of.data_type(), &vector.of),
            Tuple(parts) => parts.iter().all(|part| fits(of.data_type(), part)),
            _ => false,
        },
        DataType::Map(entries, _) => match (entries.data_type(), cql_type) {
            (DataType::Struct(fields), Map(map)) => match fields.iter().as_slice() {
                [key, value] => fits(key.data_type(), &map.key) && fits(value.data_type(), &map.value),
                _ => false,
            },
            _ => false,
        },
        DataType::Struct(fields) => match cql_type {
            User(user) => fields.iter().all(|field| {
                let target = user.fields.iter().find(|target| is_named(&target.name, field.name()));
                target.is_some_and(|target| fits(field.data_type(), &target.cql_type))
            }),
            Tuple(parts) => {
                fields.len() == parts.len()
                    && std::iter::zip(fields, parts).all(|(field, part)| fits(field.data_type(), part))
            }
            Map(map) => {
                matches!(&*map.key, Text | Ascii)
                    && fields.iter().all(|field| fits(field.data_type(), &map.value))
            }
            _ => false,
        },
        _ => !matches!(cql_type, Duration),
    }
}

/// Whether a field of a user type is meant by a name: its own, or in small letters.
pub(super) fn is_named(stored: &str, name: &str) -> bool {
    stored == name || stored == name.to_ascii_lowercase()
}

/// A type as people name it.
pub fn shown(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8View => DataType::Utf8.to_string(),
        DataType::BinaryView => DataType::Binary.to_string(),
        DataType::List(of) => format!("List({})", shown(of.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{:?}: {}", field.name(), shown(field.data_type())))
                .collect();
            format!("Struct({})", fields.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let parts: Vec<String> = fields.iter().map(|field| shown(field.data_type())).collect();
                format!("Map({})", parts.join(", "))
            }
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}
