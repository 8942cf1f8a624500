//! The options that say how the files are read.

use glob::Pattern;

use super::{Typed, forms, remote};
use crate::cli::args::InputArgs;
use crate::cli::error::{Origin, UsageError};
use crate::cli::{list, value};
use crate::codec::CodecOptions;
use crate::codec::row::Jagged;
use crate::format::charset::Charset;
use crate::format::csv::dialect::{Delimiter, Dialect, Escapes};
use crate::format::detect::Said;
use crate::format::record::RECORD_BYTES_MAX;
use crate::format::{Format, FormatName};
use crate::plan::places::PlaceSettings;
use crate::remote::address::Hidden;
use crate::schema::column_map::ColumnMap;
use crate::schema::query::Query;
use crate::settings::InputSettings;

pub(super) fn resolve(typed: &Typed<'_>, args: &InputArgs) -> Result<InputSettings, UsageError> {
    let map = column_map(typed, args)?;
    let format = format(typed, args)?;
    let is_csv = format.dialect().is_some();
    let columns = if format.is_keyed() { None } else { columns(typed, args)? };
    // By their places, fields need no names.
    let needs_names = is_csv && map.as_ref().is_none_or(|map| map.by_name);
    if args.no_header && columns.is_none() && needs_names {
        return Err(UsageError::Combination(
            "--no-header without --columns: say which column each field belongs to, for example --columns id,name"
                .to_owned(),
        ));
    }
    // The empty text needs no mention: an unquoted empty field is null in any case.
    let mut nulls: Vec<String> =
        list::split(&args.null).into_iter().filter(|text| !text.is_empty()).collect();
    if format.dialect().is_some_and(|dialect| dialect.escapes == Escapes::Tsv) {
        // So it is in any case.
        nulls.retain(|text| text != "\\N");
    }
    if format == Format::Parquet {
        // It has nulls of its own, and its texts mean what they say.
        nulls.clear();
    }
    if let Some(dialect) = format.dialect() {
        check_nulls(dialect, &nulls)?;
    }
    Ok(InputSettings {
        format,
        format_is_said: args.format.is_some(),
        places: places(typed, args)?,
        compression: args.input_compression,
        nulls,
        null_as: args.null_as,
        columns,
        map,
        query: args.query.as_ref().map(|text| typed.value("query", text, Query::parse)).transpose()?,
        allow_missing_columns: args.allow_missing_columns,
        allow_unknown_columns: args.allow_unknown_columns,
        jagged: Jagged {
            missing: is_csv && args.allow_missing_fields,
            extra: is_csv && args.allow_extra_fields,
        },
        skip: typed.value("skip", &args.skip, |text| value::count(text, 0))?,
        limit: args
            .limit
            .as_ref()
            .map(|limit| typed.value("limit", limit, |text| value::count(text, 1)))
            .transpose()?,
        max_record_bytes: typed.value("max-record-size", &args.max_record_size, |text| {
            value::size(text, 1..=RECORD_BYTES_MAX)
        })?,
        codec: CodecOptions { rounding: args.timestamp_rounding, forms: forms::resolve(typed, &args.forms)? },
        remote: remote::resolve(typed, &args.remote)?,
        dialect_choice: args.dialect,
        said: said(typed, args.format == Some(FormatName::Tsv)),
    })
}

/// What of the dialect was given, by whatever way, and is not to be guessed.
fn said(typed: &Typed<'_>, as_tsv: bool) -> Said {
    let is_given = |option: &str| typed.origins.contains_key(option);
    Said {
        delimiter: as_tsv || is_given("delimiter"),
        quote: as_tsv || is_given("quote"),
        escape: as_tsv || is_given("escape") || is_given("escapes"),
        header: is_given("no-header"),
    }
}

fn places(typed: &Typed<'_>, args: &InputArgs) -> Result<PlaceSettings, UsageError> {
    let pattern = |text: String| {
        let parsed = Pattern::new(&text).map_err(|error| error.msg.to_owned());
        parsed.map_err(|problem| typed.wrong("pattern", &text, problem))
    };
    Ok(PlaceSettings {
        recursive: args.recursive,
        patterns: list::split(&args.pattern).into_iter().map(pattern).collect::<Result<_, _>>()?,
        files_from: args.files_from.clone(),
        hidden: Hidden::new(),
    })
}

fn column_map(typed: &Typed<'_>, args: &InputArgs) -> Result<Option<ColumnMap>, UsageError> {
    let map = args.map.as_ref().map(|text| typed.value("map", text, ColumnMap::parse)).transpose()?;
    if args.set.is_empty() {
        return Ok(map);
    }
    let mut map = map.unwrap_or(ColumnMap::BY_NAME);
    for text in &args.set {
        typed.value("set", text, |text| map.set(text))?;
    }
    Ok(Some(map))
}

/// An escape that works everywhere is no part of any field.
fn check_nulls(dialect: &Dialect, nulls: &[String]) -> Result<(), UsageError> {
    let escape = dialect.escape.filter(|_| dialect.escapes != Escapes::Quotes).map(char::from);
    match escape.and_then(|escape| nulls.iter().find(|null| null.contains(escape))) {
        Some(null) => Err(UsageError::Combination(format!(
            "--null {null} holds the escape character, which is no part of the text with --escapes any: leave it out of --null"
        ))),
        None => Ok(()),
    }
}

fn columns(typed: &Typed<'_>, args: &InputArgs) -> Result<Option<Vec<String>>, UsageError> {
    let mut columns: Vec<String> = Vec::new();
    for item in list::split(&args.columns) {
        let name = item.trim();
        if name.is_empty() {
            return Err(typed.wrong("columns", &args.columns.join(","), "a name is empty".to_owned()));
        }
        if columns.iter().any(|known| known == name) {
            return Err(typed.wrong(
                "columns",
                &args.columns.join(","),
                format!("'{name}' stands there twice"),
            ));
        }
        columns.push(name.to_owned());
    }
    Ok((!columns.is_empty()).then_some(columns))
}

fn format(typed: &Typed<'_>, args: &InputArgs) -> Result<Format, UsageError> {
    let charset = typed.value("encoding", &args.encoding, |text| {
        text.parse::<Charset>().map_err(|error| error.to_string())
    })?;
    Ok(match args.format {
        None | Some(FormatName::Csv) => Format::Csv(dialect(typed, args, charset, false)?),
        Some(FormatName::Tsv) => Format::Csv(dialect(typed, args, charset, true)?),
        Some(FormatName::Ndjson) => {
            refuse_csv(typed, args, "ndjson")?;
            Format::Ndjson(charset)
        }
        Some(FormatName::Json) => {
            refuse_csv(typed, args, "json")?;
            Format::Json(charset)
        }
        Some(FormatName::Parquet) => {
            refuse_csv(typed, args, "parquet")?;
            Format::Parquet
        }
    })
}

/// JSON has no dialects, and Parquet is no text. From the environment or the configuration file such options may come for other files.
fn refuse_csv(typed: &Typed<'_>, args: &InputArgs, format: &str) -> Result<(), UsageError> {
    let flags = [
        ("no-header", args.no_header),
        ("allow-missing-fields", args.allow_missing_fields),
        ("allow-extra-fields", args.allow_extra_fields),
    ];
    let dialect = ["delimiter", "quote", "escape", "escapes", "comment", "trim", "dialect"]
        .map(|option| (option, true));
    let is_parquet = args.format == Some(FormatName::Parquet);
    let of_text = ["encoding", "null", "input-compression"].map(|option| (option, is_parquet));
    let others = dialect.into_iter().chain([("columns", !is_parquet)]).chain(of_text);
    let is_typed = |option: &str| typed.origins.get(option) == Some(&Origin::CommandLine);
    match flags.into_iter().chain(others).find(|(option, is_set)| *is_set && is_typed(option)) {
        Some((option, _)) => {
            let read = if is_parquet { "text" } else { "CSV" };
            Err(UsageError::Combination(format!(
                "--{option} with --format {format}: it says how {read} is read; leave it out"
            )))
        }
        None => Ok(()),
    }
}

/// The dialect that is typed; what is not typed of it is as in most CSV files, or `as_tsv`.
fn dialect(
    typed: &Typed<'_>,
    args: &InputArgs,
    charset: Charset,
    as_tsv: bool,
) -> Result<Dialect, UsageError> {
    let tsv = |option: &str| as_tsv && !typed.origins.contains_key(option);
    let dialect = Dialect {
        delimiter: if tsv("delimiter") {
            Delimiter::byte(b'\t')
        } else {
            typed.value("delimiter", &args.delimiter, |text| {
                let delimiter = value::delimiter(text)?;
                // What is typed is UTF-8, the file may not be.
                let encoded = charset.encode(delimiter.as_bytes());
                let not_in_file = || format!("cannot be written in {}", charset.name());
                encoded.and_then(|bytes| Delimiter::new(&bytes)).ok_or_else(not_in_file)
            })?
        },
        charset,
        quote: if tsv("quote") {
            None
        } else {
            typed.value("quote", &args.quote, value::optional_character)?
        },
        escape: if tsv("escape") {
            Some(b'\\')
        } else {
            typed.value("escape", &args.escape, value::optional_character)?
        },
        // Without an escape there is nothing to say of it.
        escapes: if tsv("escapes") && tsv("escape") { Escapes::Tsv } else { args.escapes },
        trim: args.trim,
        comment: typed.value("comment", &args.comment, value::optional_character)?,
        header: !args.no_header,
    };
    dialect.validate().map_err(|error| UsageError::Combination(error.to_string()))?;
    Ok(dialect)
}
