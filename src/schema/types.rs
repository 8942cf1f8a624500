//! The CQL types that ringload knows, as they travel between coordinator and workers and into the ledger. Pure; `parse` makes them
//! from the text that the schema tables have.

mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use parse::UserTypes;

/// A CQL type (CQL specification, "Data Types"): a native one, or one that is made of others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CqlType {
    /// 7-bit text.
    Ascii,
    /// 64-bit integer.
    Bigint,
    /// Bytes.
    Blob,
    /// true or false.
    Boolean,
    /// Days since 1970-01-01, centred on 2^31.
    Date,
    /// A number of any precision.
    Decimal,
    /// 64-bit IEEE 754.
    Double,
    /// Months, days and nanoseconds.
    Duration,
    /// 32-bit IEEE 754.
    Float,
    /// IPv4 or IPv6 address.
    Inet,
    /// 32-bit integer.
    Int,
    /// 16-bit integer.
    Smallint,
    /// UTF-8 text; `varchar` is its other name.
    Text,
    /// Nanoseconds since midnight.
    Time,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Timestamp,
    /// Version 1 UUID.
    Timeuuid,
    /// 8-bit integer.
    Tinyint,
    /// Any UUID.
    Uuid,
    /// An integer of any size.
    Varint,
    /// Elements in an order of their own.
    List(Elements),
    /// Elements in the order of their type, each once.
    Set(Elements),
    /// Values by key, in the order of the keys' type.
    Map(Entries),
    /// A fixed number of values of different types, any of which may be null. Always frozen.
    Tuple(Vec<CqlType>),
    /// A type of the keyspace: a tuple whose values have names.
    User(UserType),
    /// A fixed number of elements, none of which is null.
    Vector(Vector),
}

/// What a list or set is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Elements {
    /// The type of each element.
    pub of: Box<CqlType>,
    /// Whether it is one value to the server, written and compared as a whole.
    pub frozen: bool,
}

/// What a map is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entries {
    /// The type of each key.
    pub key: Box<CqlType>,
    /// The type of each value.
    pub value: Box<CqlType>,
    /// Whether it is one value to the server, written and compared as a whole.
    pub frozen: bool,
}

/// A user-defined type as it was when the table was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserType {
    /// Its name as the server stores it (unquoted); it belongs to the table's keyspace.
    pub name: String,
    /// Its fields in their order.
    pub fields: Vec<UserField>,
    /// Whether it is one value to the server, written and compared as a whole.
    pub frozen: bool,
}

/// A field of a user-defined type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserField {
    /// Its name as the server stores it (unquoted).
    pub name: String,
    /// Its type.
    pub cql_type: CqlType,
}

/// What a vector is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Vector {
    /// The type of each element.
    pub of: Box<CqlType>,
    /// How many there are, always.
    pub dimensions: u32,
}

impl CqlType {
    /// Every native type, by name.
    pub const ALL: [CqlType; 19] = [
        CqlType::Ascii,
        CqlType::Bigint,
        CqlType::Blob,
        CqlType::Boolean,
        CqlType::Date,
        CqlType::Decimal,
        CqlType::Double,
        CqlType::Duration,
        CqlType::Float,
        CqlType::Inet,
        CqlType::Int,
        CqlType::Smallint,
        CqlType::Text,
        CqlType::Time,
        CqlType::Timestamp,
        CqlType::Timeuuid,
        CqlType::Tinyint,
        CqlType::Uuid,
        CqlType::Varint,
    ];

    /// The native type of this name, as `system_schema.columns` spells it; `None` for collections, user types and all else, which
    /// [`UserTypes::parse`] understands.
    pub fn from_name(name: &str) -> Option<CqlType> {
        if name == "varchar" {
            return Some(CqlType::Text);
        }
        CqlType::ALL.into_iter().find(|cql_type| cql_type.name() == name)
    }

    /// The type's name in CQL; of a type that is made of others only what kind it is (`Display` has all of it).
    pub fn name(&self) -> &'static str {
        match self {
            CqlType::Ascii => "ascii",
            CqlType::Bigint => "bigint",
            CqlType::Blob => "blob",
            CqlType::Boolean => "boolean",
            CqlType::Date => "date",
            CqlType::Decimal => "decimal",
            CqlType::Double => "double",
            CqlType::Duration => "duration",
            CqlType::Float => "float",
            CqlType::Inet => "inet",
            CqlType::Int => "int",
            CqlType::Smallint => "smallint",
            CqlType::Text => "text",
            CqlType::Time => "time",
            CqlType::Timestamp => "timestamp",
            CqlType::Timeuuid => "timeuuid",
            CqlType::Tinyint => "tinyint",
            CqlType::Uuid => "uuid",
            CqlType::Varint => "varint",
            CqlType::List(_) => "list",
            CqlType::Set(_) => "set",
            CqlType::Map(_) => "map",
            CqlType::Tuple(_) => "tuple",
            CqlType::User(_) => "user type",
            CqlType::Vector(_) => "vector",
        }
    }

    /// Whether it is not made of others.
    pub fn is_native(&self) -> bool {
        !matches!(
            self,
            CqlType::List(_)
                | CqlType::Set(_)
                | CqlType::Map(_)
                | CqlType::Tuple(_)
                | CqlType::User(_)
                | CqlType::Vector(_)
        )
    }

    /// Whether a column of this type is kept as a cell for each element: a list, set, map or user type that is not frozen.
    pub fn is_multi_cell(&self) -> bool {
        match self {
            CqlType::List(Elements { frozen, .. })
            | CqlType::Set(Elements { frozen, .. })
            | CqlType::Map(Entries { frozen, .. })
            | CqlType::User(UserType { frozen, .. }) => !frozen,
            _ => false,
        }
    }

    /// Whether it is a list that is not frozen, which has its elements twice when it is written twice at one time.
    pub fn is_open_list(&self) -> bool {
        matches!(self, CqlType::List(list) if !list.frozen)
    }

    /// The same with nothing in it frozen: two types with the same values have the same.
    pub fn thawed(&self) -> CqlType {
        let thaw = |of: &CqlType| Box::new(of.thawed());
        match self {
            CqlType::List(list) => CqlType::List(Elements { of: thaw(&list.of), frozen: false }),
            CqlType::Set(set) => CqlType::Set(Elements { of: thaw(&set.of), frozen: false }),
            CqlType::Map(map) => {
                CqlType::Map(Entries { key: thaw(&map.key), value: thaw(&map.value), frozen: false })
            }
            CqlType::Tuple(parts) => CqlType::Tuple(parts.iter().map(CqlType::thawed).collect()),
            CqlType::User(user) => {
                let thaw = |field: &UserField| UserField {
                    name: field.name.clone(),
                    cql_type: field.cql_type.thawed(),
                };
                let fields = user.fields.iter().map(thaw).collect();
                CqlType::User(UserType { name: user.name.clone(), fields, frozen: false })
            }
            CqlType::Vector(vector) => {
                CqlType::Vector(Vector { of: thaw(&vector.of), dimensions: vector.dimensions })
            }
            native => native.clone(),
        }
    }

    /// How many bytes every value has, for the types that a vector keeps without lengths (Cassandra 5,
    /// `AbstractType.valueLengthIfFixed`: not tinyint, smallint, date and time, though those are of one size too).
    pub(crate) fn fixed_len(&self) -> Option<usize> {
        match self {
            CqlType::Boolean => Some(1),
            CqlType::Int | CqlType::Float => Some(4),
            CqlType::Bigint | CqlType::Double | CqlType::Timestamp => Some(8),
            CqlType::Uuid | CqlType::Timeuuid => Some(16),
            CqlType::Vector(vector) => {
                vector.of.fixed_len()?.checked_mul(usize::try_from(vector.dimensions).ok()?)
            }
            _ => None,
        }
    }
}

/// As `system_schema.columns` writes it.
impl fmt::Display for CqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CqlType::List(Elements { of, frozen }) => frozen_if(*frozen, f, |f| write!(f, "list<{of}>")),
            CqlType::Set(Elements { of, frozen }) => frozen_if(*frozen, f, |f| write!(f, "set<{of}>")),
            CqlType::Map(Entries { key, value, frozen }) => {
                frozen_if(*frozen, f, |f| write!(f, "map<{key}, {value}>"))
            }
            CqlType::Tuple(parts) => {
                f.write_str("frozen<tuple<")?;
                for (at, part) in parts.iter().enumerate() {
                    write!(f, "{}{part}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str(">>")
            }
            CqlType::User(user) => frozen_if(user.frozen, f, |f| f.write_str(&shown(&user.name))),
            CqlType::Vector(Vector { of, dimensions }) => write!(f, "vector<{of}, {dimensions}>"),
            native => f.write_str(native.name()),
        }
    }
}

fn frozen_if(
    frozen: bool,
    f: &mut fmt::Formatter<'_>,
    inner: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    if !frozen {
        return inner(f);
    }
    f.write_str("frozen<")?;
    inner(f)?;
    f.write_str(">")
}

/// A type's name, in quotes where CQL needs them.
fn shown(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain);
    if is_plain { name.to_owned() } else { super::statement::quoted(name) }
}

#[cfg(test)]
mod tests;
