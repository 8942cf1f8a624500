//! Maps against one table and one file: what fills what, and what is said of what cannot be.

use super::super::problem::joined;
use super::super::{MappingError, plan_files};
use super::*;
use crate::schema::examples::table;
use crate::schema::table::ColumnRole;

/// `ks.t`: id (partition key), n, "Name", note, and tags, which cannot be loaded.
fn schema() -> TableSchema {
    let columns = [
        ("id", "int", ColumnRole::PartitionKey),
        ("n", "smallint", ColumnRole::Regular),
        ("Name", "text", ColumnRole::Regular),
        ("note", "text", ColumnRole::Static),
    ];
    table(&columns, &[("tags", "weird")])
}

/// Maps a file of these fields; without any its first record has three.
fn plan(
    map: &str,
    set: &[&str],
    fields: &[&str],
    allow: bool,
) -> Result<(Vec<Column>, FieldMapping), MappingError> {
    let mut parsed = if map.is_empty() { ColumnMap::BY_NAME } else { ColumnMap::parse(map).unwrap() };
    set.iter().for_each(|text| parsed.set(text).unwrap());
    let names: Vec<String> = fields.iter().map(|name| (*name).to_owned()).collect();
    let first_record = if names.is_empty() { vec!["x".to_owned(); 3] } else { Vec::new() };
    let file = FileFields {
        path: Path::new("/data/a.csv"),
        names: &names,
        passed_over: &[],
        first_record: &first_record,
        sampled: None,
    };
    let rules = MappingRules {
        allow_missing: allow,
        allow_unknown: allow,
        map: Some(&parsed),
        ..MappingRules::default()
    };
    let (terms, mut mappings) = plan_files(&schema(), &[file], rules)?;
    let columns = terms.into_iter().map(|term| term.column).collect();
    Ok((columns, mappings.remove(0)))
}

/// What fills each column that is filled, in the order of the table, as `column = field's index` or `column = what`.
fn check(map: &str, set: &[&str], fields: &[&str], expected: &[&str]) {
    let (columns, mapping) = plan(map, set, fields, false).unwrap();
    let source = |(at, column): (usize, &Column)| match mapping.derived(at) {
        None => format!("{} = {}", column.name, mapping.fields[at]),
        Some(derived) => {
            assert_eq!(mapping.fields[at], NO_FIELD);
            format!("{} = {derived:?}", column.name)
        }
    };
    let found: Vec<String> = columns.iter().enumerate().map(source).collect();
    assert_eq!(found, expected, "{map} {set:?} {fields:?}");
    assert_eq!(mapping.field_count, if fields.is_empty() { 3 } else { fields.len() });
}

fn refuse(map: &str, set: &[&str], fields: &[&str], expected: &str) {
    let error = plan(map, set, fields, false).unwrap_err();
    let told = joined(&error.problems, "; ");
    assert_eq!(told, expected, "{map} {set:?} {fields:?}");
}

#[test]
fn a_map_names_all_that_is_loaded() {
    let all = ["id = 1", "n = 0", "Name = 3", "note = 3"];
    let fields = ["N", "Key", "unused", "x"];
    check("note = x, Name = x, id = key, n = N, -tags", &[], &fields, &all);
    check("\"note\" = \"x\", name = #4, id = #2, n = #1, -tags", &[], &fields, &all);
    check("id = #3, -n, -Name, -note, -tags", &[], &[], &["id = 2"]);
}

#[test]
fn a_star_takes_all_else_by_name() {
    let fields = ["id", "NAME", "note", "k"];
    check("*, -tags, n = k", &[], &fields, &["id = 0", "n = 3", "Name = 1", "note = 2"]);
    check("*, -tags, n = id", &[], &fields[..3], &["id = 0", "n = 0", "Name = 1", "note = 2"]);
    check("*, -tags, n = k, -note", &[], &fields, &["id = 0", "n = 3", "Name = 1"]);
    check("id = k, *, -tags, n = id", &[], &fields, &["id = 3", "n = 0", "Name = 1", "note = 2"]);
    refuse(
        "*, -tags, -n",
        &[],
        &fields,
        "no such column: \"k\" (correct the name, or leave such fields out with --allow-unknown-columns)",
    );
}

#[test]
fn what_is_known_of_a_record_and_its_file_fills_columns() {
    let map = "id = $record, n = $line, note = $file, Name = $name, -tags";
    let expected =
        ["id = Record", "n = Line", "Name = Constant(\"a.csv\")", "note = Constant(\"/data/a.csv\")"];
    check(map, &[], &["x"], &expected);
    refuse(
        "id = $name, -n, -Name, -note, -tags",
        &[],
        &["x"],
        "column id of type int cannot be $name: not an integer: write digits with an optional sign, such as -42",
    );
}

#[test]
fn constants_fill_columns_beside_fields_of_their_names() {
    let fields = ["id", "Name", "tags"];
    let expected = ["id = 0", "n = Constant(\"7\")", "Name = 1", "note = Constant(\"a, b\")"];
    check("*, -tags", &["n = 7, note = 'a, b'"], &fields, &expected);
    let (columns, mapping) = plan("", &["n = 7", "note = 'a, b'"], &fields[..2], true).unwrap();
    assert_eq!((columns.len(), mapping.derived.len()), (4, 2));
}

#[test]
fn what_does_not_fit_is_told() {
    let fields = ["id", "n", "Name", "note"];
    let refuse = |map: &str, set: &[&str], expected: &str| refuse(map, set, &fields, expected);
    refuse("*, nmae = n, -tags", &[], "nmae: no such column (did you mean n?)");
    refuse("*, \"name\" = n, -tags", &[], "\"name\": no such column (did you mean Name, n?)");
    refuse("*, n = nn, -tags", &[], "n = nn: no field is called \"nn\" (did you mean n?)");
    refuse("*, n = #5, -tags", &[], "n = #5: there is no field #5: the file has 4");
    refuse("*, n = id, N = Name, -tags", &[], "column N is filled twice by --map and --set: leave it once");
    refuse("*, n = id, -tags", &["n = 1"], "column n is filled twice by --map and --set: leave it once");
    refuse("*, n = id, -n, -tags", &[], "column n is filled and left out at once: take one of them away");
    refuse(
        "*, -tags",
        &["n = 70000"],
        "column n of type smallint cannot be '70000': outside the range of smallint, -32768 to 32767: load it into an int or bigint",
    );
    refuse(
        "*, tags = n",
        &[],
        "of types that ringload does not know: tags weird; leave them out of the file (in a schema file a user type needs its CREATE TYPE)",
    );
    refuse("*, -tags, -id", &[], "key columns without a field: \"id\" (each row needs them)");
    refuse(
        "id = id",
        &[],
        "columns without a field: \"n\", \"Name\", \"note\", \"tags\" (leave them unset with --allow-missing-columns)",
    );
    assert!(plan("id = id", &[], &fields, true).is_ok());
}

#[test]
fn without_a_header_fields_have_places_only() {
    let rest = "-n, -Name, -note, -tags";
    refuse(
        &format!("id = key, {rest}"),
        &[],
        &[],
        "id = key: \"key\" is a name, and without a header or --columns fields have none: write #1 for the first field; key columns without a field: \"id\" (each row needs them)",
    );
    refuse(
        &format!("*, id = #1, {rest}"),
        &[],
        &[],
        "* takes fields by their names, and without a header or --columns they have none: map each by its place, as id = #1",
    );
}
