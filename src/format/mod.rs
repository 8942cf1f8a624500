//! Bytes to records. Everything here is pure: it is given bytes and returns records, and never reads a file.

pub mod charset;
pub mod csv;
pub mod record;
