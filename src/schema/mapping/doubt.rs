//! Doubts about a file's first line: whether it is what `--columns` and `--no-header` say of it.

use super::FileFields;
use super::named::{Target, target};
use super::problem::names;
use crate::schema::table::TableSchema;

/// A warning quotes no more characters than this of a file's first line.
const SHOWN_CHARS: usize = 100;

/// A warning for each file whose first line may not be what `--columns` and `--no-header` say of it. There are good reasons for all
/// of this, so none of it is an error.
pub fn doubtful_headers(schema: &TableSchema, files: &[FileFields<'_>]) -> Vec<String> {
    let warning = |file: &FileFields<'_>| {
        let doubt = doubt(schema, file)?;
        Some(format!("{}: {doubt}", file.path.display()))
    };
    files.iter().filter_map(warning).collect()
}

fn doubt(schema: &TableSchema, file: &FileFields<'_>) -> Option<String> {
    let plain =
        |names: &[String]| -> Vec<String> { names.iter().map(|name| name.trim().to_lowercase()).collect() };
    let sorted = |mut names: Vec<String>| {
        names.sort_unstable();
        names
    };
    let (columns, header, first) = (plain(file.names), plain(file.passed_over), plain(file.first_record));
    let known = |(field, plain): (&String, &String)| {
        columns.contains(plain) || !matches!(target(schema, field), Target::Unknown)
    };
    if !header.is_empty() && !file.passed_over.iter().zip(&header).any(known) {
        return Some(format!(
            "the first line is passed over as a header, but none of its fields is a column: {}; if it is data, it is \
             NOT LOADED: give --no-header",
            cut(&names(file.passed_over))
        ));
    }
    if header != columns && sorted(header) == sorted(columns.clone()) {
        return Some(format!(
            "the header names the columns of --columns in another order: {}; the fields are taken in the order of --columns: \
             leave --columns out if the header is right",
            cut(&names(file.passed_over))
        ));
    }
    if !first.is_empty() && sorted(first) == sorted(columns) {
        return Some(format!(
            "the first record is nothing but the columns' names: {}; with --no-header it is data and LOADED AS A ROW, or rejected: \
             leave --no-header out if it is a header",
            cut(&names(file.first_record))
        ));
    }
    None
}

/// The beginning of a text that may be long.
fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
