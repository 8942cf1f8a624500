//! The columns of a file whose records name their fields themselves, by keys: what the table and the options know is all that there
//! is, so every file of a job has the same fields. What the file's beginning shows is held against that as a header would be.

use super::named::{Target, map_fields, target};
use super::{FieldMapping, FileFields, MappingProblem, MappingRules, NO_FIELD, Term, mapped, shown};
use crate::format::json::keys::{KeyMatch, KeyName, Keys, SampledKeys};
use crate::schema::column_map::Source;
use crate::schema::field::{FieldProblem, FieldRef};
use crate::schema::table::TableSchema;

/// Maps the keys of a file's objects, and what else the map has, to the table's columns, which come in the table's order.
pub(super) fn map_keys(
    schema: &TableSchema,
    file: &FileFields<'_>,
    sampled: &SampledKeys,
    rules: MappingRules<'_>,
) -> Result<(Vec<Term>, FieldMapping), Vec<MappingProblem>> {
    let keys = keys(schema, rules)?;
    let names: Vec<String> = keys.fields.iter().map(|field| field.name.clone()).collect();
    let named = FileFields { names: &names, passed_over: &[], first_record: &[], ..*file };
    // What no key fills is left unset, and which keys are unknown only the records tell.
    let lenient = MappingRules { allow_missing: true, allow_unknown: true, ..rules };
    let (terms, mapping) = match rules.map {
        Some(map) => mapped::map_columns(schema, &named, map, lenient),
        None => map_fields(schema, &names, lenient)
            .map(|(columns, mapping)| (columns.into_iter().map(Term::marker).collect(), mapping)),
    }?;
    let problems = problems(schema, &keys, &terms, &mapping, sampled);
    if problems.is_empty() {
        Ok((terms, FieldMapping { keys: Some(keys), ..mapping }))
    } else {
        Err(problems)
    }
}

/// The keys that are fields: those that options name, and the columns' names.
fn keys(schema: &TableSchema, rules: MappingRules<'_>) -> Result<Keys, Vec<MappingProblem>> {
    let mut fields: Vec<KeyName> = Vec::new();
    let mut problems = Vec::new();
    let mut want = |option: &dyn Fn() -> String, field: &FieldRef| match field {
        &FieldRef::Place(place) => {
            problems
                .push(MappingProblem::Field { option: option(), problem: FieldProblem::NoPlaces { place } });
        }
        FieldRef::Name { name, .. } if fields.iter().any(|field| field.name == *name) => {}
        FieldRef::Name { name, exact } => fields.push(KeyName { name: name.clone(), exact: *exact }),
    };
    let map = rules.map;
    for (column, source) in map.map(|map| &map.mapped[..]).unwrap_or_default() {
        let sources: Vec<&Source> = match source {
            Source::Call(call) => call.arguments().collect(),
            one => vec![one],
        };
        for source in sources {
            if let Source::Field(field) = source {
                want(&|| format!("{column} = {field}"), field);
            }
        }
    }
    for (option, field) in [("--ttl", rules.ttl), ("--timestamp", rules.write_time)] {
        if let Some(field) = field {
            want(&|| format!("{option} @{field}"), field);
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let by_name = map.is_none_or(|map| map.by_name);
    let mut refused = Vec::new();
    if by_name {
        let named: Vec<usize> = fields
            .iter()
            .filter(|field| !field.exact)
            .filter_map(|field| match target(schema, &field.name) {
                Target::Column(at) => Some(at),
                _ => None,
            })
            .collect();
        let columns = schema.columns.iter().enumerate().filter(|(at, _)| !named.contains(at));
        let columns = columns.map(|(_, column)| &column.name);
        let left_out = |name: &String| {
            let left_out = map.map(|map| &map.left_out[..]).unwrap_or_default();
            left_out.iter().any(|column| match target(schema, &column.name) {
                Target::Unsupported(at) => schema.unsupported.get(at).is_some_and(|(found, _)| found == name),
                _ => false,
            })
        };
        // What is left out on purpose is a field that nobody looks at.
        let (passed_over, others): (Vec<&String>, Vec<&String>) =
            schema.unsupported.iter().map(|(name, _)| name).partition(|name| left_out(name));
        refused.extend(others.into_iter().cloned());
        for name in columns.chain(passed_over) {
            if !fields.iter().any(|field| field.name == *name) {
                fields.push(KeyName { name: name.clone(), exact: false });
            }
        }
    }
    Ok(Keys { fields, refused, skip_unknown: rules.allow_unknown || !by_name })
}

/// What is wrong with the keys that the file begins with.
fn problems(
    schema: &TableSchema,
    keys: &Keys,
    terms: &[Term],
    mapping: &FieldMapping,
    sampled: &SampledKeys,
) -> Vec<MappingProblem> {
    let (mut problems, mut unknown, mut unsupported) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = vec![false; keys.fields.len()];
    for key in &sampled.keys {
        match keys.find(key) {
            KeyMatch::Field(index) => seen.iter_mut().skip(index).take(1).for_each(|seen| *seen = true),
            KeyMatch::Skipped => {}
            KeyMatch::Unknown => unknown.push(key.clone()),
            KeyMatch::Refused => {
                let column = schema
                    .unsupported
                    .iter()
                    .find(|(name, _)| name.to_lowercase() == key.trim().to_lowercase());
                unsupported.extend(column.map(|(name, cql_type)| format!("{} {cql_type}", shown(name))));
            }
            KeyMatch::Ambiguous => {
                let alike = |field: &&KeyName| field.name.to_lowercase() == key.trim().to_lowercase();
                let candidates = keys.fields.iter().filter(alike).map(|field| field.name.clone()).collect();
                problems.push(MappingProblem::Ambiguous { field: key.clone(), candidates });
            }
        }
    }
    if sampled.objects == 0 {
        return Vec::new();
    }
    if !unknown.is_empty() && unknown.len() == sampled.keys.len() {
        return vec![MappingProblem::NoKeyMatches(unknown)];
    }
    if !unknown.is_empty() {
        problems.push(MappingProblem::Unknown(unknown));
    }
    if !unsupported.is_empty() {
        problems.push(MappingProblem::Unsupported(unsupported));
    }
    let columns = terms.iter().flat_map(|term| std::iter::repeat_n(&term.column, term.markers()));
    let not_seen = columns.zip(&mapping.fields).filter(|(column, field)| {
        let unseen = **field != NO_FIELD && !seen.get(**field).copied().unwrap_or_default();
        column.role.is_key() && unseen
    });
    let not_seen: Vec<String> = not_seen.map(|(column, _)| column.name.clone()).collect();
    if !not_seen.is_empty() {
        problems.push(MappingProblem::KeysNotSeen { columns: not_seen, records: sampled.objects });
    }
    problems
}

#[cfg(test)]
mod tests;
