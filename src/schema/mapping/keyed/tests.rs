//! Keys against one table: which are fields, what each column is filled from, and what is said of what cannot be.

use std::path::Path;

use super::super::problem::joined;
use super::super::{MappingError, plan_files};
use super::*;
use crate::schema::column_map::ColumnMap;
use crate::schema::examples::table;
use crate::schema::table::{Column, ColumnRole};

/// `ks.t`: id (partition key), n, "Name", "name", and tags, which cannot be loaded.
fn schema() -> TableSchema {
    let columns = [
        ("id", "int", ColumnRole::PartitionKey),
        ("n", "smallint", ColumnRole::Regular),
        ("Name", "text", ColumnRole::Regular),
        ("name", "text", ColumnRole::Regular),
    ];
    table(&columns, &[("tags", "weird")])
}

fn plan(map: &str, keys: &[&str], allow_unknown: bool) -> Result<(Vec<Column>, FieldMapping), MappingError> {
    let map = (!map.is_empty()).then(|| ColumnMap::parse(map).unwrap());
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    let sampled = SampledKeys { objects: usize::from(!keys.is_empty()), keys };
    let file = FileFields {
        path: Path::new("/data/a.ndjson"),
        names: &[],
        passed_over: &[],
        first_record: &[],
        sampled: Some(&sampled),
    };
    let rules = MappingRules { allow_unknown, map: map.as_ref(), ..MappingRules::default() };
    let (terms, mut mappings) = plan_files(&schema(), &[file], rules)?;
    Ok((terms.into_iter().map(|term| term.column).collect(), mappings.remove(0)))
}

/// What fills each column that can be filled, as `column = key`.
fn check(map: &str, keys: &[&str], expected: &[&str]) {
    let (columns, mapping) = plan(map, keys, false).unwrap();
    let known = mapping.keys.unwrap();
    let name = |at: &usize| known.fields.get(*at).map_or("something else", |field| field.name.as_str());
    let found: Vec<String> = std::iter::zip(&columns, &mapping.fields)
        .map(|(column, at)| format!("{} = {}", column.name, name(at)))
        .collect();
    assert_eq!(found, expected, "{map} {keys:?}");
    assert_eq!(mapping.field_count, known.fields.len());
    // A file that begins with other keys, or with none, has the same fields.
    assert_eq!(plan(map, &[], false).unwrap().1.keys, Some(known));
}

fn refuse(map: &str, keys: &[&str], allow_unknown: bool, expected: &str) {
    let error = plan(map, keys, allow_unknown).unwrap_err();
    let told = joined(&error.problems, "; ");
    assert_eq!(told, expected, "{map} {keys:?}");
}

#[test]
fn every_column_is_a_key_whatever_a_file_begins_with() {
    let all = ["id = id", "n = n", "Name = Name", "name = name"];
    check("", &["id"], &all);
    check("", &["ID", "name", "n"], &all);
    check("*", &["id", "Name"], &all);
    check("-n, *", &["id", "n"], &["id = id", "Name = Name", "name = name"]);
}

#[test]
fn mapped_keys_are_fields_beside_the_columns_names() {
    check("n = Order No, *", &["id", "order no"], &["id = id", "n = Order No", "Name = Name", "name = name"]);
    check("n = name, *", &["id"], &["id = id", "n = name", "Name = Name", "name = name"]);
    check("id = ID, *", &["id"], &["id = ID", "n = n", "Name = Name", "name = name"]);
    check("id = \"No\", n = $line", &["No", "other"], &["id = No", "n = something else"]);
}

#[test]
fn keys_that_are_left_out_or_not_asked_for_are_passed_over() {
    let known = |map: &str| plan(map, &[], false).unwrap().1.keys.unwrap();
    assert_eq!(known("").find("tags"), KeyMatch::Refused);
    assert_eq!(known("").find("other"), KeyMatch::Unknown);
    assert!(matches!(known("*, -tags").find("tags"), KeyMatch::Field(_)));
    assert_eq!(known("id = id").find("tags"), KeyMatch::Skipped);
    assert_eq!(plan("", &[], true).unwrap().1.keys.unwrap().find("other"), KeyMatch::Skipped);
}

#[test]
fn what_a_file_begins_with_is_held_against_the_table() {
    refuse(
        "",
        &["a", "b"],
        false,
        "none of the keys \"a\", \"b\" is a column: correct them, or say which is which with --map",
    );
    refuse(
        "",
        &["id", "x", "tags"],
        false,
        "no such column: \"x\" (correct the name, or leave such fields out with --allow-unknown-columns); of types that ringload does \
         not know: tags weird; leave them out of the file (in a schema file a user type needs its CREATE TYPE)",
    );
    refuse(
        "",
        &["n", "x"],
        true,
        "key columns that none of the first 1 records has: \"id\" (each row needs them)",
    );
    refuse(
        "",
        &["id", "NAME"],
        false,
        "field \"NAME\" may be any of the columns \"Name\", \"name\": write its name with the column's capitals",
    );
    refuse(
        "n = #1, *",
        &[],
        false,
        "n = #1: #1 is a place, and keys of JSON objects have none: write the key's name",
    );
    refuse("n = x", &["x"], false, "key columns without a field: \"id\" (each row needs them)");
}
