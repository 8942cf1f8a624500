//! Which field of a file goes into which column: header names (or `--columns`) against the table, everything that is wrong
//! said at once and before anything is written. Pure.

use std::path::{Path, PathBuf};

use super::column_map::ColumnMap;
use super::field::FieldRef;
use super::statement::quoted;
use super::table::{ColumnRole, TableSchema};
use crate::codec::CodecOptions;
use crate::format::json::keys::SampledKeys;
use crate::settings::NullAs;

mod doubt;
mod keyed;
mod mapped;
mod named;
mod place;
mod problem;
mod term;

pub use doubt::doubtful_headers;
use named::map_fields;
pub use place::{Derived, FieldMapping, NO_FIELD};
pub use problem::{MappingError, MappingProblem};
pub use term::Term;

/// What may be left out, and what fields are for beside columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MappingRules<'a> {
    /// Columns of the table that no field fills. Key columns never may.
    pub allow_missing: bool,
    /// Fields that are no column of the table.
    pub allow_unknown: bool,
    /// The field that says how long a row lives.
    pub ttl: Option<&'a FieldRef>,
    /// The field that holds a row's write time.
    pub write_time: Option<&'a FieldRef>,
    /// What fills columns, where anything else than fields of their names does.
    pub map: Option<&'a ColumnMap>,
    /// How constants are read.
    pub codec: &'a CodecOptions,
    /// What becomes of cells whose fields are null.
    pub null_as: NullAs,
}

/// The fields of one file.
#[derive(Debug, Clone, Copy)]
pub struct FileFields<'a> {
    /// The file, for messages.
    pub path: &'a Path,
    /// What its fields are called: its header's names, or `--columns`, which wins over a header. Empty for a file without
    /// any record.
    pub names: &'a [String],
    /// Where the names come from `--columns`: the fields of the file's own header, which is passed over; empty if it has
    /// none.
    pub passed_over: &'a [String],
    /// Where the file has no header: the fields of its first record.
    pub first_record: &'a [String],
    /// Where fields are those of keys in each record: what the file's beginning shows of them.
    pub sampled: Option<&'a SampledKeys>,
}

/// Maps the fields of several files, which must fill the same columns, in whatever order. One mapping for each file.
///
/// A file without a header or any record (the nightly export of a day without data) fits every table; where all files are
/// such, the columns are all that the table has.
///
/// # Errors
/// All that is wrong with the first file where something is.
pub fn plan_files(
    schema: &TableSchema,
    files: &[FileFields<'_>],
    rules: MappingRules<'_>,
) -> Result<(Vec<Term>, Vec<FieldMapping>), MappingError> {
    let mut first: Option<(&Path, Vec<Term>)> = None;
    let mut mappings = Vec::with_capacity(files.len());
    for file in files {
        let fail = |problems| error(schema, file.path.to_owned(), problems);
        let (columns, header) = (file.names.len(), file.passed_over.len());
        if header > 0 && header != columns {
            return Err(fail(vec![MappingProblem::HeaderLength { columns, header }]));
        }
        if let Some(sampled) = file.sampled {
            let (terms, mapping) = keyed::map_keys(schema, file, sampled, rules).map_err(fail)?;
            // They are made of the table and the rules, so they are the same for all files.
            first = first.or(Some((file.path, terms)));
            mappings.push(mapping);
            continue;
        }
        // Where fields are mapped by their places, they need no names.
        if file.names.is_empty() && (rules.map.is_none() || file.first_record.is_empty()) {
            mappings.push(FieldMapping::default());
            continue;
        }
        let mapped = match rules.map {
            Some(map) => mapped::map_columns(schema, file, map, rules),
            None => map_fields(schema, file.names, rules)
                .map(|(columns, mapping)| (columns.into_iter().map(Term::marker).collect(), mapping)),
        };
        let (terms, mapping) = mapped.map_err(fail)?;
        match &first {
            None => first = Some((file.path, terms)),
            Some((path, expected)) if *expected != terms => {
                return Err(fail(vec![MappingProblem::UnlikeFirstFile {
                    first: path.to_path_buf(),
                    lacking: only_in(expected, &terms),
                    besides: only_in(&terms, expected),
                }]));
            }
            Some(_) => {}
        }
        mappings.push(mapping);
    }
    let all = || schema.columns.iter().cloned().map(Term::marker).collect();
    Ok((first.map_or_else(all, |(_, terms)| terms), mappings))
}

fn only_in(these: &[Term], those: &[Term]) -> Vec<String> {
    these.iter().filter(|term| !those.contains(term)).map(|term| term.column.name.clone()).collect()
}

fn error(schema: &TableSchema, file: PathBuf, problems: Vec<MappingProblem>) -> MappingError {
    MappingError { file, table: schema.name.clone(), problems, columns: column_list(schema) }
}

/// The table's columns as a person would list them: `id int (partition key), ...`.
pub fn column_list(schema: &TableSchema) -> String {
    let loadable = schema.columns.iter().map(|column| {
        let role = match column.role {
            ColumnRole::PartitionKey => " (partition key)",
            ColumnRole::ClusteringKey => " (clustering key)",
            ColumnRole::Static => " (static)",
            ColumnRole::Counter => " (counter)",
            ColumnRole::Regular => "",
        };
        format!("{} {}{role}", shown(&column.name), column.cql_type)
    });
    let others = schema
        .unsupported
        .iter()
        .map(|(name, cql_type)| format!("{} {cql_type} (not a type that ringload knows)", shown(name)));
    loadable.chain(others).collect::<Vec<_>>().join(", ")
}

/// A column's name, in quotes only where CQL itself would need them for its characters.
fn shown(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests;
