//! The types that files say of their columns themselves, as Parquet does: nothing is to be guessed of them. Pure.

use super::{ProposeError, names_of, place_of};
use crate::format::parquet::column::common_type;
use crate::format::parquet::fit::shown;
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::schema::types::CqlType;
use crate::settings::InputSettings;

/// What the files say of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    /// Its type in the table.
    pub(super) cql_type: CqlType,
    /// Its type in the first file that has it, as people name it.
    shown: String,
    /// That file.
    path: String,
}

impl Declared {
    /// What is to be said of it.
    pub(super) fn remark(&self) -> Option<String> {
        has_tuple(&self.cql_type)
            .then(|| format!("{}: a tuple has its values in order, a user type would name them", self.shown))
    }
}

fn has_tuple(cql_type: &CqlType) -> bool {
    match cql_type {
        CqlType::Tuple(_) => true,
        CqlType::List(list) => has_tuple(&list.of),
        CqlType::Map(map) => has_tuple(&map.key) || has_tuple(&map.value),
        _ => false,
    }
}

/// What the files say of each field; nothing where they are of a format that says nothing.
///
/// # Errors
/// A column has a type that no table has, or is of one kind in one file and of another in the next.
pub(super) fn declared(
    input: &InputSettings,
    inputs: &[(InputFile, Header)],
    fields: &[String],
) -> Result<Vec<Option<Declared>>, ProposeError> {
    let mut known: Vec<Option<Declared>> = vec![None; fields.len()];
    for (file, header) in inputs {
        let Some(columns) = &header.columns else { continue };
        let names = names_of(input, header);
        for ((name, data_type), new_type) in names.iter().zip(&columns.types).zip(&columns.new_types) {
            let Some(known) = place_of(name, names, fields).and_then(|place| known.get_mut(place)) else {
                continue;
            };
            let (path, shown) = (file.path.display().to_string(), shown(data_type));
            let Some(cql_type) = new_type else {
                return Err(ProposeError::NoType { path, column: name.clone(), found: shown });
            };
            let cql_type = match known {
                None => cql_type.clone(),
                Some(before) => common_type(&before.cql_type, cql_type).ok_or_else(|| {
                    let first = format!("{} in {}", before.shown, before.path);
                    let other = format!("{shown} in {path}");
                    ProposeError::TypesDiffer { column: name.clone(), first, other }
                })?,
            };
            *known = Some(match known.take() {
                None => Declared { cql_type, shown, path },
                Some(before) => Declared { cql_type, ..before },
            });
        }
    }
    Ok(known)
}
