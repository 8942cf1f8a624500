//! The options of a table that does not exist yet.

use std::path::PathBuf;

use super::{Typed, input, places};
use crate::cli::args::{InputArgs, ProposingArgs};
use crate::cli::error::{Origin, UsageError};
use crate::cli::{SchemaArgs, table_name, value};
use crate::plan::pipe::is_stdin;
use crate::propose::{KeySpec, ProposeSettings};
use crate::schema::field::FieldRef;
use crate::settings::{SchemaSettings, TableName};

/// Less would hold no record.
const SAMPLE_BYTES_MIN: u64 = 4 * 1024;
/// Nobody wants to wait longer.
const SAMPLE_BYTES_MAX: u64 = 1 << 40;

/// Understands what `ringload schema` was told.
///
/// # Errors
/// The first thing that is wrong, as one line.
pub fn resolve_schema(args: &SchemaArgs) -> Result<SchemaSettings, UsageError> {
    let SchemaArgs { target, layering, proposing, input } = args;
    let typed = Typed::new(layering);
    let table =
        target.table.as_ref().map(|table| typed.value("table", table, table_name::parse)).transpose()?;
    let inputs = places::inputs(target, input.files_from.as_deref())?;
    if inputs.iter().any(|path| is_stdin(path)) {
        return refuse(
            "standard input (-) with ringload schema: save its beginning in a file first, as in head -c 64M > sample.csv",
        );
    }
    refuse_mapping(input)?;
    let propose = settings(&typed, proposing, table)?;
    let mut input = input::resolve(&typed, input)?;
    let inputs = places::hide(inputs, &mut input.places.hidden)?;
    Ok(SchemaSettings { propose, inputs, input, warnings: layering.warnings.clone() })
}

/// What a load needs to know to create its table. `fields_beside` are those that say how its rows are written.
pub(super) fn for_load(
    typed: &Typed<'_>,
    args: &ProposingArgs,
    is_wanted: bool,
    table: &TableName,
    fields_beside: Vec<FieldRef>,
) -> Result<Option<ProposeSettings>, UsageError> {
    if !is_wanted {
        let option = ["key", "sample-size"]
            .into_iter()
            .find(|name| typed.origins.get(*name) == Some(&Origin::CommandLine));
        return match option {
            Some(name) => Err(UsageError::Combination(format!(
                "--{name} without --create-table: it is for a table that does not exist yet; add --create-table, or leave it out"
            ))),
            None => Ok(None),
        };
    }
    if args.key.is_none() {
        return refuse(
            "--create-table without --key: a primary key is not guessed; name its columns, as in --key '(device, day), ts'",
        );
    }
    let settings = settings(typed, args, Some(table.clone()))?;
    Ok(Some(ProposeSettings { fields_beside, ..settings }))
}

fn settings(
    typed: &Typed<'_>,
    args: &ProposingArgs,
    table: Option<TableName>,
) -> Result<ProposeSettings, UsageError> {
    let sample_bytes = typed.value("sample-size", &args.sample_size, |text| {
        value::size(text, SAMPLE_BYTES_MIN..=SAMPLE_BYTES_MAX)
    })?;
    let key = args.key.as_ref().map(|key| typed.value("key", key, KeySpec::parse)).transpose()?;
    Ok(ProposeSettings { table, key, sample_bytes, fields_beside: Vec::new() })
}

/// Refuses standard input where its beginning is looked at before it is loaded.
pub(super) fn refuse_stdin(inputs: &[PathBuf]) -> Result<(), UsageError> {
    match inputs.iter().any(|path| is_stdin(path)) {
        true => refuse(
            "--create-table with standard input (-), which can be read only once: let ringload schema propose a table from a file with \
             its beginning, and create that",
        ),
        false => Ok(()),
    }
}

/// What is filled from elsewhere than the files has no type to be seen.
fn refuse_mapping(input: &InputArgs) -> Result<(), UsageError> {
    if input.map.is_none() && input.set.is_empty() {
        return Ok(());
    }
    refuse(
        "--map or --set with ringload schema: a new table gets a column for each field, under its name; leave them out, and change what \
         is proposed as you like",
    )
}

fn refuse<T>(problem: &str) -> Result<T, UsageError> {
    Err(UsageError::Combination(problem.to_owned()))
}
