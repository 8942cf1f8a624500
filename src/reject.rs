//! Rejects: records that could not become rows.

use serde::{Deserialize, Serialize};

/// Why a record was rejected: a stable code, written to the reject files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// More or fewer fields than the header (or `--columns`) names.
    FieldCount,
    /// A key column is null.
    NullKey,
    /// The only partition key column is empty, which the server refuses.
    EmptyKey,
    /// A key is longer than 65,535 bytes.
    KeyTooLarge,
    /// A value or row is larger than the server takes.
    ValueTooLarge,
    /// Not UTF-8.
    InvalidUtf8,
    /// Not 7-bit text.
    InvalidAscii,
    /// Not a number.
    InvalidNumber,
    /// A number or date outside the type's range.
    OutOfRange,
    /// Neither true nor false.
    InvalidBoolean,
    /// Not a date.
    InvalidDate,
    /// Not a time of day.
    InvalidTime,
    /// Not a timestamp.
    InvalidTimestamp,
    /// A time or number that the type cannot hold exactly.
    Inexact,
    /// Not a UUID (or, for timeuuid, not of version 1).
    InvalidUuid,
    /// Not an IP address.
    InvalidInet,
    /// Not hexadecimal bytes.
    InvalidBlob,
    /// Not a duration.
    InvalidDuration,
    /// The server refused the row for its content.
    RefusedByServer,
}
