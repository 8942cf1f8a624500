//! Header names against one table: what maps where, and what is said of what does not.

use super::problem::joined;
use super::*;
use crate::schema::examples::table;
use crate::schema::table::Column;
use crate::schema::types::CqlType;

const STRICT: MappingRules<'_> = MappingRules {
    allow_missing: false,
    allow_unknown: false,
    ttl: None,
    write_time: None,
    map: None,
    codec: &CodecOptions::DEFAULT,
    null_as: NullAs::Unset,
};
const MISSING: MappingRules<'_> = MappingRules { allow_missing: true, ..STRICT };
const UNKNOWN: MappingRules<'_> = MappingRules { allow_unknown: true, ..STRICT };

/// `ks.t`: id (partition key), ts (clustering key), Name, note, and whatever unsupported columns.
fn schema(unsupported: &[(&str, &str)]) -> TableSchema {
    let columns = [
        ("id", "int", ColumnRole::PartitionKey),
        ("ts", "timestamp", ColumnRole::ClusteringKey),
        ("Name", "text", ColumnRole::Regular),
        ("note", "text", ColumnRole::Static),
    ];
    table(&columns, unsupported)
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The columns that are filled, each with its field's index.
fn check(fields: &[&str], rules: MappingRules<'_>, expected: &[(&str, usize)]) {
    let (columns, mapping) = map_fields(&schema(&[]), &texts(fields), rules).unwrap();
    let filled: Vec<(&str, usize)> =
        columns.iter().map(|column| column.name.as_str()).zip(mapping.fields.iter().copied()).collect();
    assert_eq!(filled, expected, "{fields:?}");
    assert_eq!(mapping.field_count, fields.len());
}

fn problems(schema: &TableSchema, fields: &[&str], rules: MappingRules<'_>) -> Vec<MappingProblem> {
    map_fields(schema, &texts(fields), rules).unwrap_err()
}

fn check_refused(fields: &[&str], rules: MappingRules<'_>, expected: &[MappingProblem]) {
    assert_eq!(problems(&schema(&[]), fields, rules), expected, "{fields:?}");
}

#[test]
fn names_are_matched_as_they_stand_without_spaces_and_in_any_case() {
    let expected = [("id", 1), ("ts", 0), ("Name", 3), ("note", 2)];
    check(&["ts", "id", "note", "Name"], STRICT, &expected);
    check(&[" ts", "id ", "\tnote\t", " Name "], STRICT, &expected);
    check(&["TS", "Id", "NOTE", "name"], STRICT, &expected);
}

#[test]
fn an_exact_name_goes_before_one_of_another_case() {
    let mut table = schema(&[]);
    table.columns.push(Column {
        name: "name".to_owned(),
        cql_type: CqlType::Text,
        role: ColumnRole::Regular,
    });
    let (columns, mapping) =
        map_fields(&table, &texts(&["id", "ts", "name", "Name", "note"]), STRICT).unwrap();
    let place = |name: &str| mapping.fields[columns.iter().position(|column| column.name == name).unwrap()];
    assert_eq!((place("name"), place("Name")), (2, 3));

    assert_eq!(
        problems(&table, &["id", "ts", "NAME", "note"], MISSING),
        [MappingProblem::Ambiguous { field: "NAME".to_owned(), candidates: texts(&["Name", "name"]) }]
    );
}

#[test]
fn what_is_allowed_to_be_left_out_is_left_out() {
    check(&["id", "ts", "Name"], MISSING, &[("id", 0), ("ts", 1), ("Name", 2)]);
    check(
        &["x", "id", "ts", "y", "note", "Name"],
        UNKNOWN,
        &[("id", 1), ("ts", 2), ("Name", 5), ("note", 4)],
    );
}

#[test]
fn unknown_and_missing_columns_are_told_together() {
    check_refused(
        &["id", "ts", "Name", "nota", ""],
        STRICT,
        &[MappingProblem::Unknown(texts(&["nota", ""])), MappingProblem::Missing(texts(&["note"]))],
    );
}

#[test]
fn key_columns_are_never_left_out() {
    check_refused(&["id", "Name"], MISSING, &[MappingProblem::MissingKeys(texts(&["ts"]))]);
    check_refused(&[], MISSING, &[MappingProblem::MissingKeys(texts(&["id", "ts"]))]);
}

#[test]
fn two_fields_for_one_column_are_refused() {
    check_refused(
        &["id", "ts", "Name", "note", " ID"],
        UNKNOWN,
        &[MappingProblem::Duplicate { column: "id".to_owned(), fields: texts(&["id", " ID"]) }],
    );
}

#[test]
fn a_header_without_any_column_is_taken_for_data() {
    check_refused(
        &["1", "2024-01-01"],
        UNKNOWN,
        &[MappingProblem::NothingMatches(texts(&["1", "2024-01-01"]))],
    );
}

#[test]
fn columns_of_unknown_types_count_as_missing_and_may_not_be_named() {
    let table = schema(&[("tags", "frozen<addr>")]);
    let all = ["id", "ts", "Name", "note"];
    assert_eq!(problems(&table, &all, STRICT), [MappingProblem::Missing(texts(&["tags"]))]);
    assert!(map_fields(&table, &texts(&all), MISSING).is_ok());
    let named = ["id", "ts", "Name", "note", "Tags"];
    assert_eq!(
        problems(&table, &named, MISSING),
        [MappingProblem::Unsupported(texts(&["tags frozen<addr>"]))]
    );
}

#[test]
fn an_error_lists_the_tables_columns_in_one_line() {
    let names = texts(&["id", "nme"]);
    let file = FileFields {
        path: Path::new("a.csv"),
        names: &names,
        passed_over: &[],
        first_record: &[],
        sampled: None,
    };
    let error = plan_files(&schema(&[("tags", "frozen<addr>")]), &[file], STRICT).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.csv: no such column: \"nme\" (correct the name, or leave such fields out with --allow-unknown-columns); \
         key columns without a field: \"ts\" (each row needs them); \
         columns without a field: \"Name\", \"note\", \"tags\" (leave them unset with --allow-missing-columns); \
         the table ks.t has: id int (partition key), ts timestamp (clustering key), \"Name\" text, \
         note text (static), tags frozen<addr> (not a type that ringload knows)"
    );
}

/// Maps files of these names, with headers of so many fields to pass over; what is filled from where in each.
fn plan(files: &[(&str, &[&str], usize)], rules: MappingRules<'_>) -> Result<Vec<Vec<usize>>, MappingError> {
    let names: Vec<Vec<String>> = files.iter().map(|(_, names, _)| texts(names)).collect();
    let header = texts(&["x"; 9]);
    let fields: Vec<FileFields<'_>> = files
        .iter()
        .zip(&names)
        .map(|((path, _, passed_over), names)| FileFields {
            path: Path::new(*path),
            names,
            passed_over: &header[..*passed_over],
            first_record: &[],
            sampled: None,
        })
        .collect();
    let (_, mappings) = plan_files(&schema(&[]), &fields, rules)?;
    Ok(mappings.into_iter().map(|mapping| mapping.fields).collect())
}

#[test]
fn files_may_order_their_fields_differently() {
    let a: &[&str] = &["id", "ts", "Name", "note"];
    let b: &[&str] = &["note", "name", "ts", "id", "more"];
    let both = plan(&[("a.csv", a, 0), ("b.csv", b, 0)], UNKNOWN).unwrap();
    assert_eq!(both, [vec![0, 1, 2, 3], vec![3, 2, 1, 0]]);
}

#[test]
fn files_with_different_columns_are_refused_by_name() {
    let a: &[&str] = &["id", "ts", "Name"];
    let b: &[&str] = &["id", "ts", "note"];
    let error = plan(&[("a.csv", a, 0), ("b.csv", b, 0)], MISSING).unwrap_err();
    assert_eq!(error.file, Path::new("b.csv"));
    let expected =
        "b.csv: its columns are not those of a.csv, it lacks \"Name\", it has besides \"note\"; load such";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn an_error_names_the_file_where_it_is() {
    let a: &[&str] = &["id", "ts", "Name", "note"];
    let error = plan(&[("a.csv", a, 0), ("b.csv", &["id"], 0)], STRICT).unwrap_err();
    assert!(error.to_string().starts_with("b.csv: key columns without a field: \"ts\""), "{error}");
}

#[test]
fn given_columns_must_be_as_many_as_the_headers_fields() {
    let names: &[&str] = &["id", "ts", "Name", "note"];
    assert!(plan(&[("a.csv", names, 4), ("b.csv", names, 0)], STRICT).is_ok());
    let error = plan(&[("a.csv", names, 5)], STRICT).unwrap_err();
    assert_eq!(error.problems, [MappingProblem::HeaderLength { columns: 4, header: 5 }]);
}

#[test]
fn a_file_without_any_record_fits_every_table() {
    let a: &[&str] = &["id", "ts", "Name", "note"];
    let mixed = plan(&[("empty.csv", &[], 0), ("a.csv", a, 0)], STRICT).unwrap();
    assert_eq!(mixed, [vec![], vec![0, 1, 2, 3]]);
    let empty = FileFields {
        path: Path::new("empty.csv"),
        names: &[],
        passed_over: &[],
        first_record: &[],
        sampled: None,
    };
    let table = schema(&[("tags", "frozen<addr>")]);
    let (terms, mappings) = plan_files(&table, &[empty], STRICT).unwrap();
    let columns: Vec<Column> = terms.into_iter().map(|term| term.column).collect();
    assert_eq!((columns, mappings.len()), (table.columns, 1));
}

/// The warnings for one file whose header is passed over.
fn check_doubts(columns: &[&str], header: &[&str], expected: &[&str]) {
    let (names, passed_over) = (texts(columns), texts(header));
    let file = FileFields {
        path: Path::new("a.csv"),
        names: &names,
        passed_over: &passed_over,
        first_record: &[],
        sampled: None,
    };
    assert_eq!(doubtful_headers(&schema(&[("tags", "frozen<addr>")]), &[file]), expected, "{header:?}");
}

#[test]
fn a_header_that_is_passed_over_is_doubted_if_it_names_nothing() {
    let columns = ["id", "ts", "extra"];
    check_doubts(&columns, &[], &[]);
    for header in [["x", "ID ", "y"], ["x", "y", " Extra"], ["x", "Tags", "y"], ["NAME", "x", "y"]] {
        check_doubts(&columns, &header, &[]);
    }
    let rest = "if it is data, it is NOT LOADED: give --no-header";
    let lead = "a.csv: the first line is passed over as a header, but none of its fields is a column:";
    check_doubts(&columns, &["1", "", "a\nb"], &[&format!("{lead} \"1\", \"\", \"a\\nb\"; {rest}")]);
    let long = "\u{e5}".repeat(200);
    check_doubts(&columns, &[&long], &[&format!("{lead} \"{}...; {rest}", "\u{e5}".repeat(99))]);
}

#[test]
fn a_header_that_names_the_given_columns_in_another_order_is_told() {
    let columns = ["id", "ts", "note"];
    check_doubts(&columns, &["id", "ts", "note"], &[]);
    check_doubts(&columns, &["ID", " ts", "Note"], &[]);
    check_doubts(&columns, &["note", "ts", "other"], &[]);
    let lead = "a.csv: the header names the columns of --columns in another order:";
    let rest = "the fields are taken in the order of --columns: leave --columns out if the header is right";
    check_doubts(&columns, &["ts", "id", "note"], &[&format!("{lead} \"ts\", \"id\", \"note\"; {rest}")]);
    check_doubts(&columns, &["NOTE", "id", "ts"], &[&format!("{lead} \"NOTE\", \"id\", \"ts\"; {rest}")]);
}

#[test]
fn a_first_record_that_is_the_columns_names_is_told() {
    let check = |first: &[&str], told: bool| {
        let (names, first_record) = (texts(&["id", "ts", "note"]), texts(first));
        let file = FileFields {
            path: Path::new("a.csv"),
            names: &names,
            passed_over: &[],
            first_record: &first_record,
            sampled: None,
        };
        let warnings = doubtful_headers(&schema(&[]), &[file]);
        let lead = "a.csv: the first record is nothing but the columns' names: ";
        assert_eq!(warnings.len(), usize::from(told), "{warnings:?}");
        assert!(warnings.iter().all(|warning| warning.starts_with(lead) && warning.contains("--no-header")));
    };
    check(&[], false);
    check(&["1", "2", "3"], false);
    check(&["id", "ts", "1"], false);
    check(&["id", "ts"], false);
    check(&["Id", "ts", "note "], true);
    check(&["note", "ts", "id"], true);
}

#[test]
fn a_field_for_the_time_to_live_needs_no_column_and_may_have_one() {
    let check = |wanted: &str, expected: Result<usize, &str>| {
        let field = FieldRef::parse(wanted).unwrap();
        let rules = MappingRules { ttl: Some(&field), ..STRICT };
        let fields = texts(&["id", "ts", "Expires In", "Name", "note"]);
        let found = map_fields(&schema(&[]), &fields, rules);
        match (found, expected) {
            (Ok((_, mapping)), Ok(index)) => {
                assert_eq!((mapping.fields, mapping.ttl), (vec![0, 1, 3, 4], Some(index)));
            }
            (Err(problems), Err(expected)) => assert_eq!(joined(&problems, "; "), expected),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    };
    check("expires in", Ok(2));
    check("#3", Ok(2));
    let unknown = "no such column: \"Expires In\" (correct the name, or leave such fields out with --allow-unknown-columns)";
    check(
        "expires",
        Err(&format!("--ttl @expires: no field is called \"expires\" (did you mean Expires In?); {unknown}")),
    );
    check("#6", Err(&format!("--ttl @#6: there is no field #6: the file has 5; {unknown}")));
    let (field, fields) = (FieldRef::Place(4), texts(&["id", "ts", "note", "name"]));
    let rules = MappingRules { ttl: Some(&field), ..STRICT };
    let (_, mapping) = map_fields(&schema(&[]), &fields, rules).unwrap();
    assert_eq!((mapping.fields, mapping.ttl), (vec![0, 1, 3, 2], Some(3)));
}

#[test]
fn a_field_for_the_write_time_needs_no_column_either() {
    let (at, ttl) = (FieldRef::parse("at").unwrap(), FieldRef::parse("ttl").unwrap());
    let rules = MappingRules { ttl: Some(&ttl), write_time: Some(&at), ..STRICT };
    let (_, mapping) =
        map_fields(&schema(&[]), &texts(&["ttl", "id", "ts", "At", "name", "note"]), rules).unwrap();
    assert_eq!((mapping.fields, mapping.ttl, mapping.write_time), (vec![1, 2, 4, 5], Some(0), Some(3)));
    let problems = map_fields(&schema(&[]), &texts(&["id", "ts", "name", "note"]), rules).unwrap_err();
    let told = joined(&problems, "; ");
    assert!(told.contains("--ttl @ttl: no field") && told.contains("--timestamp @at: no field"), "{told}");
}
