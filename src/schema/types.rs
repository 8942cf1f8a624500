//! The CQL types that ringload knows, as they travel between coordinator and workers.

use serde::{Deserialize, Serialize};

/// A native CQL type (CQL specification, "Data Types").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
}

impl CqlType {
    /// Every type, by name.
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

    /// The type of this name, as `system_schema.columns` spells it; `None` for collections, user types and all else.
    pub fn from_name(name: &str) -> Option<CqlType> {
        if name == "varchar" {
            return Some(CqlType::Text);
        }
        CqlType::ALL.into_iter().find(|cql_type| cql_type.name() == name)
    }

    /// The type's name in CQL.
    pub fn name(self) -> &'static str {
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
        }
    }
}

impl std::fmt::Display for CqlType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name_and_nothing_else_is() {
        for cql_type in CqlType::ALL {
            assert_eq!(CqlType::from_name(cql_type.name()), Some(cql_type));
        }
        assert_eq!(CqlType::from_name("varchar"), Some(CqlType::Text));
        for other in ["counter", "list<int>", "frozen<addr>", "vector<float, 3>", "Int", "", "\"int\""] {
            assert_eq!(CqlType::from_name(other), None, "{other}");
        }
    }
}
