//! Columns that are filled by the fields of their names, as a header gives them: whose name a field has, and what is missing, unknown or
//! there twice.

use std::collections::BTreeSet;

use super::{FieldMapping, MappingProblem, MappingRules, shown};
use crate::schema::field::FieldRef;
use crate::schema::table::{Column, TableSchema};

/// What a field's name stands for.
pub(super) enum Target {
    /// A column, by its place in the table's loadable ones.
    Column(usize),
    /// A column that cannot be loaded, by its place among those.
    Unsupported(usize),
    /// One of several.
    Ambiguous(Vec<String>),
    /// Nothing.
    Unknown,
}

pub(super) fn target(schema: &TableSchema, field: &str) -> Target {
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
pub(super) fn map_fields(
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
pub(super) fn option_field(
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

pub(super) fn duplicates(
    schema: &TableSchema,
    fields: &[String],
    filled: &[Vec<usize>],
) -> Vec<MappingProblem> {
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
pub(super) fn missing_of<'a>(
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
