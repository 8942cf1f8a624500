//! Text to CQL values: one file a family of types, all behind `encode`; `row` puts the values of a record together.
//! Pure: is given bytes, appends bytes, and knows nothing of files or of the network. A text is either a value of its
//! type exactly (floats: to the nearest) or an error; nothing is guessed and nothing is cut silently.

pub mod forms;
pub mod row;

pub use nested::Flaw;
pub(crate) use nested::{canonical, is_kept_as_null, parts};

mod bignum;
mod cursor;
mod duration;
mod hex;
mod literal;
mod nested;
mod net;
mod number;
pub(crate) mod stamp;
mod temporal;
mod text;
mod vint;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::reject::RejectCode;
use crate::schema::types::CqlType;
use crate::settings::Rounding;
use forms::{Forms, Place};

/// Settings that change what a text means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodecOptions {
    /// What happens to a time of day or timestamp finer than its type.
    pub rounding: Rounding,
    /// How texts are written, where that is not as usual.
    pub forms: Option<Box<Forms>>,
}

impl CodecOptions {
    /// What holds where nothing else is said.
    pub const DEFAULT: CodecOptions = CodecOptions { rounding: Rounding::Reject, forms: None };

    /// What of it holds for texts that were made of values: they are in the usual forms, but what numbers count and where times are
    /// meant is to be said of values too.
    pub(crate) fn of_values(&self) -> CodecOptions {
        let forms = self.forms.as_ref().and_then(|forms| forms.of_values());
        CodecOptions { rounding: self.rounding, forms }
    }

    /// Whether times without a zone are UTC.
    pub(crate) fn is_utc(&self) -> bool {
        self.forms.as_ref().is_none_or(|forms| forms.is_utc())
    }

    /// Whether digits alone are a timestamp in milliseconds because nobody has said what they are.
    pub(crate) fn are_digits_unsaid(&self) -> bool {
        self.forms.as_ref().is_none_or(|forms| forms.are_digits_unsaid())
    }
}

impl Default for &CodecOptions {
    fn default() -> Self {
        &CodecOptions::DEFAULT
    }
}

/// Why a text is no value of its type. Small and free of allocations, so that the good path does not pay for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CodecError {
    /// The stable code.
    pub code: RejectCode,
    /// What is wrong and what would be right, without the value itself.
    pub message: &'static str,
}

impl CodecError {
    const fn new(code: RejectCode, message: &'static str) -> Self {
        CodecError { code, message }
    }

    /// Of `code`, for a text with nothing in it.
    #[cold]
    const fn empty(code: RejectCode) -> Self {
        CodecError {
            code,
            message: "nothing but quotes or spaces: for null leave the field empty and unquoted",
        }
    }
}

/// Why a cell is no value of its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// As a whole.
    #[error(transparent)]
    Scalar(#[from] CodecError),
    /// Somewhere inside.
    #[error("{0}")]
    Within(Box<Flaw>),
}

impl EncodeError {
    /// The stable code.
    pub fn code(&self) -> RejectCode {
        match self {
            EncodeError::Scalar(error) => error.code,
            EncodeError::Within(flaw) => flaw.code(),
        }
    }
}

/// Appends to `out` the bytes of `text` as a value of `cql_type` (CQL binary protocol v4, section 6), without a length.
/// White space (ASCII) around a value is ignored, except in `ascii` and `text`, where it is part of the value.
///
/// # Errors
/// The text is no such value; `out` may then hold a part of it, which the caller cuts off.
#[inline]
pub fn encode(
    cql_type: &CqlType,
    text: &[u8],
    options: &CodecOptions,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    encode_at(cql_type, text, Place::Cell, options, out)
}

/// [`encode`] for a text that stands in this place.
#[inline]
fn encode_at(
    cql_type: &CqlType,
    text: &[u8],
    place: Place,
    options: &CodecOptions,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match cql_type {
        CqlType::List(_)
        | CqlType::Set(_)
        | CqlType::Map(_)
        | CqlType::Tuple(_)
        | CqlType::User(_)
        | CqlType::Vector(_) => nested::encode(cql_type, text, options, out).map_err(EncodeError::Within),
        native => Ok(scalar(native, text, options, place, out)?),
    }
}

/// [`encode`] for the native types.
#[inline]
fn scalar(
    cql_type: &CqlType,
    text: &[u8],
    options: &CodecOptions,
    place: Place,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    match &options.forms {
        None => usual(cql_type, text, options.rounding, out),
        Some(forms) => forms.scalar(cql_type, text, options.rounding, place, out),
    }
}

/// [`scalar`] for texts in the usual forms.
#[inline]
fn usual(cql_type: &CqlType, text: &[u8], rounding: Rounding, out: &mut Vec<u8>) -> Result<(), CodecError> {
    match cql_type {
        CqlType::Ascii => text::ascii(text, out),
        CqlType::Bigint => number::bigint(text, out),
        CqlType::Blob => text::blob(text, out),
        CqlType::Boolean => text::boolean(text, out),
        CqlType::Date => temporal::date(text, out),
        CqlType::Decimal => bignum::decimal(text, out),
        CqlType::Double => number::double(text, out),
        CqlType::Duration => duration::duration(text, out),
        CqlType::Float => number::float(text, out),
        CqlType::Inet => net::inet(text, out),
        CqlType::Int => number::int(text, out),
        CqlType::Smallint => number::smallint(text, out),
        CqlType::Text => text::text(text, out),
        CqlType::Time => temporal::time(text, rounding, out),
        CqlType::Timestamp => temporal::timestamp(text, rounding, out),
        CqlType::Timeuuid => net::timeuuid(text, out),
        CqlType::Tinyint => number::tinyint(text, out),
        CqlType::Uuid => net::uuid(text, out),
        CqlType::Varint => bignum::varint(text, out),
        CqlType::List(_)
        | CqlType::Set(_)
        | CqlType::Map(_)
        | CqlType::Tuple(_)
        | CqlType::User(_)
        | CqlType::Vector(_) => Err(CodecError::new(RejectCode::InvalidCollection, "not a value by itself")),
    }
}
