//! The columns of a file where `--map` or `--set` says what fills them.

use std::path::Path;

use super::named::{Target, duplicates, missing_of, option_field, target};
use super::{Derived, FieldMapping, FileFields, MappingProblem, MappingRules, NO_FIELD, Term, shown};
use crate::codec::encode;
use crate::plan::pipe::is_stdin;
use crate::remote::address::{base_name, is_remote};
use crate::schema::call::Call;
use crate::schema::column_map::{ColumnMap, ColumnRef, Source};
use crate::schema::field::{FieldProblem, FieldRef};
use crate::schema::table::{Column, TableSchema, hint};

/// What is found out of a map on the way through it.
struct Found<'a> {
    schema: &'a TableSchema,
    /// The fields' names; none for a file without a header.
    names: &'a [String],
    field_count: usize,
    /// For each column, what fills it on purpose.
    sources: Vec<Option<Filled>>,
    /// Columns that are left unset on purpose.
    left_out: Vec<bool>,
    /// The unsupported ones of these.
    unsupported_left_out: Vec<bool>,
    /// Fields that are used.
    used: Vec<bool>,
    problems: Vec<MappingProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Filled {
    Field(usize),
    Derived(Derived),
    /// A function, with what its markers stand for.
    Call(Call, Vec<Filled>),
}

/// Maps a file's fields, and what else the map has, to the table's columns, which come in the table's order.
pub(super) fn map_columns(
    schema: &TableSchema,
    file: &FileFields<'_>,
    map: &ColumnMap,
    rules: MappingRules<'_>,
) -> Result<(Vec<Term>, FieldMapping), Vec<MappingProblem>> {
    // Without a header, its first record says how many fields a record has.
    let field_count = if file.names.is_empty() { file.first_record.len() } else { file.names.len() };
    let mut found = Found {
        schema,
        names: file.names,
        field_count,
        sources: vec![None; schema.columns.len()],
        left_out: vec![false; schema.columns.len()],
        unsupported_left_out: vec![false; schema.unsupported.len()],
        used: vec![false; field_count],
        problems: Vec::new(),
    };
    let (mut options, mut problems) = ([None, None], Vec::new());
    for (at, (option, wanted)) in
        [("--ttl", rules.ttl), ("--timestamp", rules.write_time)].into_iter().enumerate()
    {
        options[at] = option_field(option, wanted, file.names, field_count, &mut problems);
        found.use_field(options[at]);
    }
    found.problems.extend(problems);
    for (column, source) in &map.mapped {
        found.fill(column, source, file.path, rules);
    }
    for (column, value) in &map.constants {
        found.fill(column, &Source::Constant(value.clone()), file.path, rules);
    }
    map.left_out.iter().for_each(|column| found.leave_out(column));
    let explicit =
        found.sources.iter().any(|source| matches!(source, Some(Filled::Field(_) | Filled::Call(..))));
    if map.by_name {
        found.fill_by_name(rules, explicit)?;
    }
    found.complete(rules, options)
}

impl Found<'_> {
    fn use_field(&mut self, index: Option<usize>) {
        if let Some(used) = index.and_then(|index| self.used.get_mut(index)) {
            *used = true;
        }
    }

    /// The column that is named; tells what is wrong with the name.
    fn column(&mut self, wanted: &ColumnRef) -> Option<Target> {
        let exactly = |name: &str| *name == wanted.name;
        let found = match wanted.exact {
            false => target(self.schema, &wanted.name),
            true => {
                let column = self.schema.columns.iter().position(|column| exactly(&column.name));
                let other = self.schema.unsupported.iter().position(|(name, _)| exactly(name));
                column.map(Target::Column).or(other.map(Target::Unsupported)).unwrap_or(Target::Unknown)
            }
        };
        match found {
            Target::Unknown => {
                let names = self.schema.columns.iter().map(|column| column.name.clone()).collect();
                let hint = hint(&wanted.name, names);
                self.problems.push(MappingProblem::NoSuchColumn { column: wanted.to_string(), hint });
                None
            }
            Target::Ambiguous(candidates) => {
                self.problems.push(MappingProblem::Ambiguous { field: wanted.name.clone(), candidates });
                None
            }
            found => Some(found),
        }
    }

    fn fill(&mut self, wanted: &ColumnRef, source: &Source, file: &Path, rules: MappingRules<'_>) {
        let filled = self.filled(wanted, source, file);
        let at = match self.column(wanted) {
            Some(Target::Column(at)) => at,
            Some(Target::Unsupported(at)) => {
                // It is named, so nobody need be told that it is missing.
                if let Some(left_out) = self.unsupported_left_out.get_mut(at) {
                    *left_out = true;
                }
                if let Some((name, cql_type)) = self.schema.unsupported.get(at) {
                    let listed = vec![format!("{} {cql_type}", shown(name))];
                    self.problems.push(MappingProblem::Unsupported(listed));
                }
                return;
            }
            _ => return,
        };
        let Some(filled) = filled else { return };
        if let (Some(column), Filled::Derived(derived)) = (self.schema.columns.get(at), &filled) {
            self.problems.extend(unfit(column, source, derived, rules));
        }
        match self.sources.get_mut(at) {
            Some(place @ None) => *place = Some(filled),
            _ => self.problems.push(MappingProblem::FilledTwice(wanted.to_string())),
        }
    }

    /// What a source is for this file.
    fn filled(&mut self, wanted: &ColumnRef, source: &Source, file: &Path) -> Option<Filled> {
        let text = |text: Option<&str>| match text {
            Some(text) => Ok(Filled::Derived(Derived::Constant(text.to_owned()))),
            None => Err(MappingProblem::PathNotText { from: source.to_string() }),
        };
        let found = match source {
            Source::Field(field) => match self.field(field) {
                Ok(index) => {
                    self.use_field(Some(index));
                    Ok(Filled::Field(index))
                }
                Err(problem) => Err(MappingProblem::Field { option: format!("{wanted} = {field}"), problem }),
            },
            Source::Path | Source::Name if is_stdin(file) => {
                Err(MappingProblem::NoFile { from: source.to_string() })
            }
            Source::Path if is_remote(file) => text(file.to_str()),
            Source::Name if is_remote(file) => text(file.to_str().map(base_name)),
            Source::Path => text(std::path::absolute(file).ok().as_deref().and_then(Path::to_str)),
            Source::Name => text(file.file_name().and_then(|name| name.to_str())),
            Source::Line => Ok(Filled::Derived(Derived::Line)),
            Source::Record => Ok(Filled::Derived(Derived::Record)),
            Source::Constant(value) => text(Some(value)),
            Source::Call(call) => {
                let arguments = call.arguments().map(|source| self.filled(wanted, source, file));
                // What is wrong with one of them is told already.
                return arguments
                    .collect::<Option<_>>()
                    .map(|arguments| Filled::Call(call.clone(), arguments));
            }
        };
        found.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn field(&self, field: &FieldRef) -> Result<usize, FieldProblem> {
        field.find_of(self.names, self.field_count)
    }

    fn leave_out(&mut self, wanted: &ColumnRef) {
        let (is_filled, place) = match self.column(wanted) {
            Some(Target::Column(at)) => {
                (self.sources.get(at).is_some_and(Option::is_some), self.left_out.get_mut(at))
            }
            Some(Target::Unsupported(at)) => (false, self.unsupported_left_out.get_mut(at)),
            _ => return,
        };
        if let Some(left_out) = place {
            *left_out = true;
        }
        if is_filled {
            self.problems.push(MappingProblem::FilledAndLeftOut(wanted.to_string()));
        }
    }

    /// Lets the fields fill the columns of their names that nothing else fills.
    fn fill_by_name(&mut self, rules: MappingRules<'_>, explicit: bool) -> Result<(), Vec<MappingProblem>> {
        let mut filled: Vec<Vec<usize>> = vec![Vec::new(); self.schema.columns.len()];
        let mut unknown = Vec::new();
        if self.names.is_empty() {
            self.problems.push(MappingProblem::NothingToMatch);
        }
        for (index, name) in self.names.iter().enumerate() {
            let is_used = self.used.get(index).copied().unwrap_or_default();
            match target(self.schema, name) {
                Target::Column(at) => {
                    let is_free = self.sources.get(at).is_some_and(Option::is_none);
                    let is_left_out = self.left_out.get(at).copied().unwrap_or_default();
                    if let Some(by) = filled.get_mut(at).filter(|_| is_free && !is_left_out) {
                        by.push(index);
                    }
                }
                Target::Unsupported(at) if !is_used => {
                    let left_out = self.unsupported_left_out.get(at).copied().unwrap_or_default();
                    let column = self.schema.unsupported.get(at).filter(|_| !left_out);
                    self.problems.extend(column.map(|(name, cql_type)| {
                        MappingProblem::Unsupported(vec![format!("{} {cql_type}", shown(name))])
                    }));
                }
                Target::Ambiguous(candidates) if !is_used => {
                    self.problems.push(MappingProblem::Ambiguous { field: name.clone(), candidates });
                }
                Target::Unknown if !is_used => unknown.push(name.clone()),
                Target::Unsupported(_) | Target::Ambiguous(_) | Target::Unknown => {}
            }
        }
        if !explicit && !unknown.is_empty() && unknown.len() == self.names.len() {
            return Err(vec![MappingProblem::NothingMatches(unknown)]);
        }
        if !unknown.is_empty() && !rules.allow_unknown {
            self.problems.push(MappingProblem::Unknown(unknown));
        }
        self.problems.extend(duplicates(self.schema, self.names, &filled));
        for (source, by) in self.sources.iter_mut().zip(filled) {
            if let Some(&index) = by.first() {
                *source = Some(Filled::Field(index));
            }
        }
        Ok(())
    }

    /// What it all comes to.
    fn complete(
        mut self,
        rules: MappingRules<'_>,
        [ttl, write_time]: [Option<usize>; 2],
    ) -> Result<(Vec<Term>, FieldMapping), Vec<MappingProblem>> {
        let empty = self.schema.columns.iter().zip(&self.sources).zip(&self.left_out);
        let empty = empty
            .filter(|((column, source), left_out)| source.is_none() && (column.role.is_key() || !**left_out));
        let others = self.schema.unsupported.iter().zip(&self.unsupported_left_out);
        let others = others.filter(|(_, left_out)| !**left_out).map(|((name, _), _)| name.clone()).collect();
        let problems = missing_of(empty.map(|((column, _), _)| column), others, rules);
        self.problems.extend(problems);
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let filled = self.schema.columns.iter().zip(self.sources);
        let (mut terms, mut markers) = (Vec::new(), Vec::new());
        for (column, source) in filled.filter_map(|(column, source)| Some((column.clone(), source?))) {
            match source {
                Filled::Call(call, arguments) => {
                    terms.push(Term { column, call: Some(call) });
                    markers.extend(arguments);
                }
                source => {
                    terms.push(Term::marker(column));
                    markers.push(source);
                }
            }
        }
        let (mut fields, mut derived) = (Vec::with_capacity(markers.len()), Vec::new());
        for (at, source) in markers.into_iter().enumerate() {
            match source {
                Filled::Field(index) => fields.push(index),
                Filled::Derived(source) => {
                    fields.push(NO_FIELD);
                    derived.push((at, source));
                }
                // The arguments of a function are no functions to us: those are text.
                Filled::Call(..) => fields.push(NO_FIELD),
            }
        }
        let field_count = self.field_count;
        Ok((terms, FieldMapping { field_count, fields, ttl, write_time, derived, keys: None }))
    }
}

/// Why a column cannot hold what is to be the same for all its rows, or a number.
fn unfit(
    column: &Column,
    source: &Source,
    derived: &Derived,
    rules: MappingRules<'_>,
) -> Option<MappingProblem> {
    let text = match derived {
        Derived::Constant(text) => text.as_str(),
        Derived::Line | Derived::Record => "1",
    };
    let problem = encode(&column.cql_type, text.as_bytes(), rules.codec, &mut Vec::new()).err()?;
    Some(MappingProblem::Unfit {
        column: column.name.clone(),
        cql_type: column.cql_type.to_string(),
        from: source.to_string(),
        problem: problem.to_string(),
    })
}

#[cfg(test)]
mod tests;
