//! Which field of a file goes into which column: header names (or `--columns`) against the table, everything that is wrong
//! said at once and before anything is written. Pure.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::column_map::ColumnMap;
use super::field::{FieldProblem, FieldRef};
use super::statement::quoted;
use super::table::{Column, ColumnRole, TableSchema};
use crate::codec::CodecOptions;
use crate::format::json::keys::SampledKeys;
use crate::settings::{NullAs, TableName};

mod doubt;
mod keyed;
mod mapped;
mod place;
mod term;

pub use doubt::doubtful_headers;
pub use place::{Derived, FieldMapping, NO_FIELD};
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

/// The fields do not fit the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}; the table {table} has: {columns}", file.display(), joined(problems, "; "))]
pub struct MappingError {
    /// Which file.
    pub file: PathBuf,
    /// Which table.
    pub table: TableName,
    /// All that is wrong; never empty.
    pub problems: Vec<MappingProblem>,
    /// The table's columns with types and roles, as one text.
    pub columns: String,
}

/// One thing that is wrong with a file's fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingProblem {
    /// Not one field is a column.
    #[error(
        "none of the fields {} is a column: if the first line is data, give --no-header and --columns", names(.0)
    )]
    NothingMatches(Vec<String>),
    /// Fields that are no columns.
    #[error("no such column: {} (correct the name, or leave such fields out with --allow-unknown-columns)", names(.0))]
    Unknown(Vec<String>),
    /// A field whose name differs from several columns only in case.
    #[error(
        "field {field:?} may be any of the columns {}: write its name with the column's capitals",
        names(candidates)
    )]
    Ambiguous {
        /// The field's name.
        field: String,
        /// The columns.
        candidates: Vec<String>,
    },
    /// Two fields for one column.
    #[error("column {column:?} is filled by several fields: {}; leave it once", names(fields))]
    Duplicate {
        /// The column.
        column: String,
        /// The fields' names.
        fields: Vec<String>,
    },
    /// Fields for columns that cannot be loaded.
    #[error(
        "of types that ringload does not know: {}; leave them out of the file (in a schema file a user type needs its \
         CREATE TYPE)", joined(.0, ", ")
    )]
    Unsupported(Vec<String>),
    /// Key columns without a field.
    #[error("key columns without a field: {} (each row needs them)", names(.0))]
    MissingKeys(Vec<String>),
    /// Other columns without a field.
    #[error("columns without a field: {} (leave them unset with --allow-missing-columns)", names(.0))]
    Missing(Vec<String>),
    /// A column that an option names.
    #[error("{column}: no such column ({hint})")]
    NoSuchColumn {
        /// Its name, as it was given.
        column: String,
        /// Those that may have been meant, or those that there are.
        hint: String,
    },
    /// A column with two sources.
    #[error("column {0} is filled twice by --map and --set: leave it once")]
    FilledTwice(String),
    /// A column that is filled and left out.
    #[error("column {0} is filled and left out at once: take one of them away")]
    FilledAndLeftOut(String),
    /// A column cannot hold its source.
    #[error("column {column} of type {cql_type} cannot be {from}: {problem}")]
    Unfit {
        /// The column.
        column: String,
        /// Its type.
        cql_type: String,
        /// What was to fill it, as it was given.
        from: String,
        /// What is wrong.
        problem: String,
    },
    /// `*` without names.
    #[error(
        "* takes fields by their names, and without a header or --columns they have none: map each by its place, as id = #1"
    )]
    NothingToMatch,
    /// A function for a marker of a query.
    #[error(
        "{0} = {1}: markers are filled from fields and constants; write {1} into the query where :{0} stands"
    )]
    CallForMarker(String, String),
    /// Markers of a query that nothing fills.
    #[error(
        "markers without a field: {} (give the fields these names, or say what fills them with --map 'MARKER = FIELD' or --set)",
        names(.0)
    )]
    Unfilled(Vec<String>),
    /// There is no file.
    #[error("standard input has no {from}: give the column a constant with --set")]
    NoFile {
        /// What was to be taken of it.
        from: String,
    },
    /// The file's path is no text.
    #[error("{from} is not UTF-8: rename the file")]
    PathNotText {
        /// What was to be taken of it.
        from: String,
    },
    /// A field that an option names.
    #[error("{option}: {problem}")]
    Field {
        /// The option, as it was given.
        option: String,
        /// What is wrong.
        problem: FieldProblem,
    },
    /// `--columns` does not fit the header.
    #[error(
        "--columns has {columns} names but the header has {header} fields; name each field, and if the first line is \
         data, give --no-header"
    )]
    HeaderLength {
        /// How many names were given.
        columns: usize,
        /// How many fields the header has.
        header: usize,
    },
    /// Not one key is a column.
    #[error("none of the keys {} is a column: correct them, or say which is which with --map", names(.0))]
    NoKeyMatches(Vec<String>),
    /// Key columns without a key.
    #[error(
        "key columns that none of the first {records} records has: {} (each row needs them)",
        names(columns)
    )]
    KeysNotSeen {
        /// The columns.
        columns: Vec<String>,
        /// How many records were looked at.
        records: usize,
    },
    /// Not the columns of the first file.
    #[error(
        "its columns are not those of {}{}{}; load such files in runs of their own", first.display(),
        more(", it lacks ", lacking), more(", it has besides ", besides)
    )]
    UnlikeFirstFile {
        /// The first file.
        first: PathBuf,
        /// Columns that only the first file fills.
        lacking: Vec<String>,
        /// Columns that only this file fills.
        besides: Vec<String>,
    },
}

fn joined<T: ToString>(items: &[T], separator: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}

/// Names in quotes, so that empty ones and spaces can be seen.
fn names(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

fn more(lead: &str, list: &[String]) -> String {
    if list.is_empty() { String::new() } else { format!("{lead}{}", names(list)) }
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

/// What a field's name stands for.
enum Target {
    /// A column, by its place in the table's loadable ones.
    Column(usize),
    /// A column that cannot be loaded, by its place among those.
    Unsupported(usize),
    /// One of several.
    Ambiguous(Vec<String>),
    /// Nothing.
    Unknown,
}

fn target(schema: &TableSchema, field: &str) -> Target {
    let loadable =
        schema.columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), Target::Column(at)));
    let others =
        schema.unsupported.iter().enumerate().map(|(at, (name, _))| (name.as_str(), Target::Unsupported(at)));
    let mut all: Vec<(&str, Target)> = loadable.chain(others).collect();
    let trimmed = field.trim();
    let exact = all
        .iter()
        .position(|(name, _)| *name == field)
        .or_else(|| all.iter().position(|(name, _)| *name == trimmed));
    if let Some(at) = exact {
        return all.swap_remove(at).1;
    }
    let lower = trimmed.to_lowercase();
    all.retain(|(name, _)| name.to_lowercase() == lower);
    match all.len() {
        0 => Target::Unknown,
        1 => all.swap_remove(0).1,
        _ => Target::Ambiguous(all.into_iter().map(|(name, _)| name.to_owned()).collect()),
    }
}

/// Maps the fields of these names to the table's columns. The columns come in the table's order, whatever the fields'.
///
/// A name is the column's as it stands; else without the spaces around it; else, if just one column differs from it in
/// case only, that one.
fn map_fields(
    schema: &TableSchema,
    fields: &[String],
    rules: MappingRules<'_>,
) -> Result<(Vec<Column>, FieldMapping), Vec<MappingProblem>> {
    let mut problems = Vec::new();
    let ttl = option_field("--ttl", rules.ttl, fields, fields.len(), &mut problems);
    let write_time = option_field("--timestamp", rules.write_time, fields, fields.len(), &mut problems);
    let mut unknown = Vec::new();
    let mut unsupported = BTreeSet::new();
    let mut filled: Vec<Vec<usize>> = vec![Vec::new(); schema.columns.len()];
    for (index, field) in fields.iter().enumerate() {
        match target(schema, field) {
            Target::Column(at) => {
                if let Some(by) = filled.get_mut(at) {
                    by.push(index);
                }
            }
            Target::Unsupported(at) => unsupported.extend(schema.unsupported.get(at)),
            Target::Ambiguous(candidates) => {
                problems.push(MappingProblem::Ambiguous { field: field.clone(), candidates });
            }
            Target::Unknown => unknown.push((index, field.clone())),
        }
    }
    if !fields.is_empty() && unknown.len() == fields.len() {
        return Err(vec![MappingProblem::NothingMatches(fields.to_vec())]);
    }
    unknown.retain(|(index, _)| ![ttl, write_time].contains(&Some(*index)));
    let unknown: Vec<String> = unknown.into_iter().map(|(_, name)| name).collect();
    if !unknown.is_empty() && !rules.allow_unknown {
        problems.push(MappingProblem::Unknown(unknown));
    }
    if !unsupported.is_empty() {
        let listed =
            unsupported.iter().map(|(name, cql_type)| format!("{} {cql_type}", shown(name))).collect();
        problems.push(MappingProblem::Unsupported(listed));
    }
    problems.extend(duplicates(schema, fields, &filled));
    problems.extend(missing(schema, &filled, &unsupported, rules));
    if !problems.is_empty() {
        return Err(problems);
    }
    let mapped = schema.columns.iter().zip(&filled);
    let (columns, places) =
        mapped.filter_map(|(column, by)| by.first().map(|&index| (column.clone(), index))).unzip();
    let derived = Vec::new();
    Ok((
        columns,
        FieldMapping { field_count: fields.len(), fields: places, ttl, write_time, derived, keys: None },
    ))
}

/// The field that an option names with `@`, where it does.
fn option_field(
    option: &str,
    wanted: Option<&FieldRef>,
    names: &[String],
    fields: usize,
    problems: &mut Vec<MappingProblem>,
) -> Option<usize> {
    let wanted = wanted?;
    match wanted.find_of(names, fields) {
        Ok(index) => Some(index),
        Err(problem) => {
            problems.push(MappingProblem::Field { option: format!("{option} @{wanted}"), problem });
            None
        }
    }
}

fn duplicates(schema: &TableSchema, fields: &[String], filled: &[Vec<usize>]) -> Vec<MappingProblem> {
    let mapped = schema.columns.iter().zip(filled).filter(|(_, by)| by.len() > 1);
    mapped
        .map(|(column, by)| MappingProblem::Duplicate {
            column: column.name.clone(),
            fields: by.iter().filter_map(|&index| fields.get(index).cloned()).collect(),
        })
        .collect()
}

fn missing(
    schema: &TableSchema,
    filled: &[Vec<usize>],
    named: &BTreeSet<&(String, String)>,
    rules: MappingRules<'_>,
) -> Vec<MappingProblem> {
    let empty = schema.columns.iter().zip(filled).filter(|(_, by)| by.is_empty()).map(|(column, _)| column);
    let others = schema.unsupported.iter().filter(|column| !named.contains(column));
    missing_of(empty, others.map(|(name, _)| name.clone()).collect(), rules)
}

/// What to say of columns that nothing fills, and of others that cannot be filled.
fn missing_of<'a>(
    empty: impl Iterator<Item = &'a Column>,
    unsupported: Vec<String>,
    rules: MappingRules<'_>,
) -> Vec<MappingProblem> {
    let (keys, others): (Vec<&Column>, Vec<&Column>) = empty.partition(|column| column.role.is_key());
    let name = |column: &Column| column.name.clone();
    let keys: Vec<String> = keys.into_iter().map(name).collect();
    let others: Vec<String> = others.into_iter().map(name).chain(unsupported).collect();
    let mut problems = Vec::new();
    if !keys.is_empty() {
        problems.push(MappingProblem::MissingKeys(keys));
    }
    if !others.is_empty() && !rules.allow_missing {
        problems.push(MappingProblem::Missing(others));
    }
    problems
}

#[cfg(test)]
mod tests;
