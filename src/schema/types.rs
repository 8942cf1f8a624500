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
