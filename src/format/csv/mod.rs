//! CSV: RFC 4180 and its relatives.

pub mod dialect;
