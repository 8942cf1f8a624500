//! Tests of the codecs: tables of texts and bytes, and properties checked against the driver's own serialization.

mod properties;
mod tables;

use crate::codec::forms::Place;
use crate::codec::{CodecError, CodecOptions, scalar};
use crate::schema::types::CqlType;

fn encoded(cql_type: CqlType, text: impl AsRef<[u8]>, options: CodecOptions) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    scalar(&cql_type, text.as_ref(), &options, Place::Cell, &mut out).map(|()| out)
}
