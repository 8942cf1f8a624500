//! The settings that change what a load writes, as text by option: part of what a job is. A setting that only changes speed has no
//! place here, one that changes meaning must have one.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::{NOT_SET, TTL};
use crate::format::Format;
use crate::format::csv::dialect::{Delimiter, Dialect, Escapes, Trim};
use crate::plan::compression::{Compression, CompressionChoice};
use crate::schema::column_map::ColumnMap;
use crate::settings::{InputSettings, LoadSettings, NullAs, Rounding, TimestampMode, TtlMode};

/// The settings of a load that change what is written, by option: as a person reads them, and different for different settings.
pub fn meaning(settings: &LoadSettings) -> BTreeMap<String, String> {
    let input = &settings.input;
    let forms = input.codec.forms.as_ref().map(|forms| forms.options()).unwrap_or_default();
    let later = later(settings).into_iter().filter_map(|(option, value)| Some((option, value?)));
    let all = first(settings).into_iter().chain(later).chain(forms);
    all.map(|(option, value)| (option.to_owned(), value)).collect()
}

/// Of other formats than CSV there is no dialect: what is said of it is always the same.
fn dialect(input: &InputSettings) -> Dialect {
    let none = || Dialect { charset: input.format.charset(), ..Dialect::default() };
    input.format.dialect().copied().unwrap_or_else(none)
}

/// Options that every job has, whatever they are.
fn first(settings: &LoadSettings) -> [(&'static str, String); 11] {
    let input = &settings.input;
    let Dialect { delimiter, quote, escape, comment, header, .. } = dialect(input);
    let rounding = match input.codec.rounding {
        Rounding::Reject => "reject",
        Rounding::Truncate => "truncate",
    };
    let timestamp = match &settings.writing.timestamp {
        TimestampMode::Order => "order".to_owned(),
        TimestampMode::Now => "now".to_owned(),
        TimestampMode::Fixed(micros) => micros.to_string(),
        TimestampMode::Field(field) => format!("@{field}"),
    };
    [
        ("delimiter", between(&delimiter)),
        ("quote", character(quote)),
        ("escape", character(escape)),
        ("comment", character(comment)),
        ("no-header", (!header).to_string()),
        ("null", list(&input.nulls)),
        ("columns", list(input.columns.as_deref().unwrap_or_default())),
        ("allow-missing-columns", input.allow_missing_columns.to_string()),
        ("allow-unknown-columns", input.allow_unknown_columns.to_string()),
        ("timestamp-rounding", rounding.to_owned()),
        ("timestamp", timestamp),
    ]
}

/// Options that are known by their absence where they are as usual: a job that was begun before there were these is the same job.
fn later(settings: &LoadSettings) -> [(&'static str, Option<String>); 14] {
    let input = &settings.input;
    let Dialect { escapes, trim, charset, .. } = dialect(input);
    let ttl = settings.writing.ttl.as_ref().map(|ttl| match ttl {
        TtlMode::Seconds(seconds) => seconds.to_string(),
        TtlMode::Field(field) => format!("@{field}"),
    });
    let compression = match input.compression {
        // The files' content tells, and their fingerprints say what that was.
        CompressionChoice::Auto => None,
        CompressionChoice::None => Some("none"),
        choice => choice.of(&[]).map(Compression::name),
    };
    let map = input.map.as_ref();
    [
        ("allow-missing-fields", input.jagged.missing.then(|| true.to_string())),
        ("allow-extra-fields", input.jagged.extra.then(|| true.to_string())),
        ("escapes", unusual(escapes, Escapes::Quotes)),
        ("encoding", (!charset.is_utf8()).then(|| charset.name().to_owned())),
        ("trim", unusual(trim, Trim::None)),
        ("format", (!matches!(input.format, Format::Csv(_))).then(|| input.format.name().to_owned())),
        ("skip", (input.skip > 0).then(|| input.skip.to_string())),
        ("limit", input.limit.map(|limit| limit.to_string())),
        (TTL, ttl),
        ("map", map.and_then(ColumnMap::map_text)),
        ("set", map.and_then(ColumnMap::set_text)),
        ("query", input.query.as_ref().map(|query| query.text().to_owned())),
        ("null-as", unusual(input.null_as, NullAs::Unset)),
        ("input-compression", compression.map(str::to_owned)),
    ]
}

fn unusual<T: Debug + PartialEq>(value: T, usual: T) -> Option<String> {
    (value != usual).then(|| format!("{value:?}").to_lowercase())
}

fn character(byte: Option<u8>) -> String {
    byte.map_or("none".to_owned(), |byte| format!("{:?}", char::from(byte)))
}

fn between(delimiter: &Delimiter) -> String {
    match delimiter.single() {
        Some(byte) => character(Some(byte)),
        None => format!("{:?}", String::from_utf8_lossy(delimiter.as_bytes())),
    }
}

fn list(texts: &[String]) -> String {
    match texts {
        [] => NOT_SET.to_owned(),
        // Texts can always be written.
        texts => serde_json::to_string(texts).unwrap_or_default(),
    }
}
