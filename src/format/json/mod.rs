//! JSON: an object a line (NDJSON), or documents that span lines, in a run or in one array. `lines` and `documents` prove where
//! records begin, `syntax` is RFC 8259 to the letter, `reader` turns objects into fields, `keys` says which key is which field.
//!
//! A string becomes its text, quoted as CSV would have it; null and a key that is not there the unquoted empty field; numbers, true
//! and false their own text; arrays and objects theirs, which the codecs of nested types read. No trees are built.

pub mod documents;
pub mod keys;
pub mod lines;
pub mod reader;
pub mod syntax;
