//! A query's markers against the table and the files: what fills each, and what is behind each. Pure.

use super::column_map::Source;
use super::mapping::{
    FieldMapping, FileFields, MappingError, MappingProblem, MappingRules, column_list, plan_files,
};
use super::query::Query;
use super::repeat::Once;
use super::statement::{RowPlan, Stamp};
use super::table::{Column, ColumnRole, TableSchema};
use super::types::CqlType;
use crate::settings::NullAs;

/// A marker as the server has it: what it calls it, which is a column where it is one's value, and its type.
pub type ServerMarker = (String, Option<CqlType>);

/// What the server calls the marker behind USING TIMESTAMP, and that behind USING TTL.
const WRITE_TIME: &str = "[timestamp]";
const TTL: &str = "[ttl]";

/// Whether a write time can be put into the statement, so that executing it twice is executing it once.
pub fn is_stamped(query: &Query, schema: &TableSchema) -> bool {
    !query.is_conditional && !query.has_timestamp && !schema.has_counters()
}

/// The plan of a query whose markers the server has described, and for each file, where their values are.
///
/// # Errors
/// A marker's type cannot be loaded, or the files do not fill them all.
pub fn plan_query(
    query: &Query,
    schema: &TableSchema,
    server: &[ServerMarker],
    files: &[FileFields<'_>],
    rules: MappingRules<'_>,
) -> Result<(RowPlan, Vec<FieldMapping>), MappingError> {
    let stamped = is_stamped(query, schema);
    let behind = query.before_stamp();
    let mut described: Vec<&ServerMarker> = server.iter().collect();
    if stamped && behind < described.len() {
        described.remove(behind);
    }
    let mut plan = RowPlan {
        statement: query.statement(&schema.name.keyspace, stamped),
        stamp: if stamped { Stamp::Behind(behind) } else { Stamp::Nowhere },
        once: once(query, schema),
        conditional: query.is_conditional,
        own: true,
        ..RowPlan::default()
    };
    let mut problems = calls(rules);
    for (marker, (name, cql_type)) in query.markers.iter().zip(described) {
        let at = plan.columns.len();
        let is_it = |column: &&Column| column.name == *name && Some(column.cql_type.thawed()) == *cql_type;
        let column = schema.columns.iter().find(is_it).filter(|_| !marker.takes_null);
        let Some(cql_type) = column.map(|column| &column.cql_type).or(cql_type.as_ref()) else {
            problems.push(MappingProblem::Unsupported(vec![format!(":{}", marker.name)]));
            continue;
        };
        let role = column.map_or(ColumnRole::Regular, |column| column.role);
        if column.is_none() {
            plan.arguments.push(at);
        }
        let is_deleted = rules.null_as == NullAs::Tombstone && !role.is_key() && !schema.has_counters();
        // A write time that is not set is the server's clock, and a time to live that is null is none at all, whatever the table's
        // default: the one is sent as the null that the server refuses, the other is left to the table.
        let (is_time, is_ttl) = (name == WRITE_TIME, name == TTL);
        let is_added = marker.is_added && matches!(cql_type, CqlType::List(_));
        if marker.takes_null || is_added || is_time || (is_deleted && !is_ttl) {
            plan.nulls.push(at);
        }
        plan.columns.push(Column { name: marker.name.clone(), cql_type: cql_type.clone(), role });
    }
    // What functions and JSON put into lists is not behind markers of theirs.
    plan.called = open_lists(schema).filter(|list| query.fills(&list.name)).cloned().collect();
    // A marker that stands there several times is filled from one field each time.
    let mut markers: Vec<Column> = Vec::new();
    for column in &plan.columns {
        if !markers.iter().any(|known| known.name == column.name) {
            markers.push(column.clone());
        }
    }
    let place = |column: &Column| markers.iter().position(|known| known.name == column.name);
    let places: Vec<usize> = plan.columns.iter().filter_map(place).collect();
    let known = TableSchema {
        name: schema.name.clone(),
        columns: markers,
        unsupported: Vec::new(),
        static_counters: Vec::new(),
    };
    let in_words = |error| in_words_of_queries(error, &known);
    if let Some(file) = files.first().filter(|_| !problems.is_empty()) {
        let (file, table, columns) = (file.path.to_owned(), schema.name.clone(), String::new());
        return Err(in_words(MappingError { file, table, problems, columns }));
    }
    let rules = MappingRules { allow_missing: false, allow_unknown: true, ..rules };
    let (_, mappings) = plan_files(&known, files, rules).map_err(in_words)?;
    Ok((plan, mappings.into_iter().map(|mapping| mapping.arranged(&places)).collect()))
}

/// Functions for markers: there is nothing to put them in.
fn calls(rules: MappingRules<'_>) -> Vec<MappingProblem> {
    let mapped = rules.map.map_or(&[][..], |map| &map.mapped);
    let calls = mapped.iter().filter(|(_, source)| matches!(source, Source::Call(_)));
    calls.map(|(marker, call)| MappingProblem::CallForMarker(marker.to_string(), call.to_string())).collect()
}

/// Why the query must not be executed twice for one record.
fn once(query: &Query, schema: &TableSchema) -> Option<Once> {
    if schema.has_counters() {
        return Some(Once::Counter);
    }
    if query.is_conditional {
        return Some(Once::Condition);
    }
    // With a write time of the query's own, there is none left for what is sent again.
    let is_once = |list: &&Column| {
        query.is_relative && query.names.contains(&list.name)
            || query.has_timestamp && query.fills(&list.name)
    };
    if let Some(list) = open_lists(schema).find(is_once) {
        return Some(Once::List(list.name.clone()));
    }
    query.not_the_same.clone().map(Once::Function)
}

/// The table's lists that are not frozen.
fn open_lists(schema: &TableSchema) -> impl Iterator<Item = &Column> {
    schema.columns.iter().filter(|column| column.cql_type.is_open_list())
}

/// The same error, of markers instead of columns.
fn in_words_of_queries(error: MappingError, known: &TableSchema) -> MappingError {
    let problem = |problem| match problem {
        MappingProblem::Missing(names) | MappingProblem::MissingKeys(names) => {
            MappingProblem::Unfilled(names)
        }
        problem => problem,
    };
    let problems = error.problems.into_iter().map(problem).collect();
    MappingError { problems, columns: format!("the markers of --query {}", column_list(known)), ..error }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::schema::column_map::ColumnMap;
    use crate::schema::examples::table;
    use crate::schema::types::UserTypes;

    /// `ks.t`: id (partition key), v text, l list<int>.
    fn schema() -> TableSchema {
        let columns = [
            ("id", "int", ColumnRole::PartitionKey),
            ("l", "list<int>", ColumnRole::Regular),
            ("v", "text", ColumnRole::Regular),
        ];
        table(&columns, &[])
    }

    fn plan(
        query: &str,
        server: &[(&str, &str)],
        fields: &[&str],
        map: Option<&str>,
    ) -> Result<(RowPlan, FieldMapping), String> {
        let map = map.map(|map| ColumnMap::parse(map).unwrap());
        plan_by(query, server, fields, MappingRules { map: map.as_ref(), ..MappingRules::default() })
    }

    fn plan_by(
        query: &str,
        server: &[(&str, &str)],
        fields: &[&str],
        rules: MappingRules<'_>,
    ) -> Result<(RowPlan, FieldMapping), String> {
        let names: Vec<String> = fields.iter().map(|name| (*name).to_owned()).collect();
        let file = FileFields {
            path: Path::new("a.csv"),
            names: &names,
            passed_over: &[],
            first_record: &[],
            sampled: None,
        };
        let server: Vec<ServerMarker> = server
            .iter()
            .map(|(name, cql_type)| ((*name).to_owned(), UserTypes::default().parse(cql_type)))
            .collect();
        let query = Query::parse(query).unwrap();
        let planned = plan_query(&query, &schema(), &server, &[file], rules);
        let (plan, mut mappings) = planned.map_err(|error| error.to_string())?;
        Ok((plan, mappings.remove(0)))
    }

    #[test]
    fn a_marker_that_stands_twice_is_filled_twice_and_the_write_time_has_its_place() {
        let query = "UPDATE ks.t SET v = :x WHERE id = :id AND f = :x";
        let server = [("[timestamp]", "bigint"), ("v", "text"), ("id", "int"), ("f", "int")];
        let (plan, mapping) = plan(query, &server, &["other", "X", "id"], None).unwrap();
        assert_eq!(plan.statement, "UPDATE ks.t USING TIMESTAMP ? SET v = ? WHERE id = ? AND f = ?");
        assert_eq!((plan.stamp, plan.once.clone(), plan.markers()), (Stamp::Behind(0), None, 4));
        assert_eq!(mapping.fields, [1, 2, 1]);
        assert_eq!(plan.arguments, [2], "what is no column's value");
        let roles: Vec<_> =
            plan.columns.iter().map(|column| (column.role, column.cql_type.clone())).collect();
        let (regular, key) = (ColumnRole::Regular, ColumnRole::PartitionKey);
        assert_eq!(roles, [(regular, CqlType::Text), (key, CqlType::Int), (regular, CqlType::Int)]);
    }

    #[test]
    fn what_must_not_be_sent_twice_has_its_reason() {
        let check = |query: &str, server: &[(&str, &str)], expected: Option<Once>| {
            let (plan, _) = plan(query, server, &["id", "v", "l"], None).unwrap();
            assert_eq!(plan.once, expected, "{query}");
        };
        let (time, id) = (("[timestamp]", "bigint"), ("id", "int"));
        check("DELETE FROM ks.t WHERE id = :id", &[time, id], None);
        let list = || Some(Once::List("l".to_owned()));
        let l = ("l", "list<int>");
        check("UPDATE ks.t SET l = :l WHERE id = :id", &[time, l, id], None);
        check("UPDATE ks.t SET l = l + :l WHERE id = :id", &[time, l, id], list());
        check("UPDATE ks.t USING TIMESTAMP 5 SET l = :l WHERE id = :id", &[l, id], list());
        check("DELETE FROM ks.t WHERE id = :id IF EXISTS", &[id], Some(Once::Condition));
        let function = Some(Once::Function("uuid".to_owned()));
        check("INSERT INTO ks.t (id, u) VALUES (:id, uuid())", &[id, time], function);
    }

    #[test]
    fn a_write_time_is_never_left_out_and_a_time_to_live_never_deleted() {
        let query = "UPDATE ks.t USING TIMESTAMP :x AND TTL :y SET v = :v WHERE id = :id";
        let server = [("[timestamp]", "bigint"), ("[ttl]", "int"), ("v", "text"), ("id", "int")];
        let fields = ["id", "v", "x", "y"];
        let nulls = |null_as| {
            let rules = MappingRules { null_as, ..MappingRules::default() };
            plan_by(query, &server, &fields, rules).unwrap().0.nulls
        };
        assert_eq!(nulls(NullAs::Unset), [0]);
        assert_eq!(nulls(NullAs::Tombstone), [0, 2]);
    }

    #[test]
    fn lists_that_are_filled_are_known_also_without_a_marker_of_theirs() {
        let check = |query: &str, server: &[(&str, &str)], expected: &[&str]| {
            let (plan, _) = plan(query, server, &["id", "x"], None).unwrap();
            let called: Vec<&str> = plan.called.iter().map(|column| column.name.as_str()).collect();
            assert_eq!((called.as_slice(), plan.once), (expected, None), "{query}");
        };
        let (time, id, x) = (("[timestamp]", "bigint"), ("id", "int"), ("arg0", "text"));
        check("INSERT INTO ks.t JSON :x", &[("[json]", "text"), time], &["l"]);
        check("INSERT INTO ks.t (id, l) VALUES (:id, fromJson(:x))", &[id, x, time], &["l"]);
        check(
            "UPDATE ks.t SET l = (list<int>) :x WHERE id = :id",
            &[time, ("cast", "list<int>"), id],
            &["l"],
        );
        check("UPDATE ks.t SET l = :x WHERE id = :id", &[time, ("l", "list<int>"), id], &["l"]);
        check("UPDATE ks.t SET v = :x WHERE id = :id", &[time, ("v", "text"), id], &[]);
        check("DELETE l FROM ks.t WHERE id = :id AND v = :x", &[time, id, ("v", "text")], &[]);
        let query = "INSERT INTO ks.t JSON :x USING TIMESTAMP 5";
        let (plan, _) = plan(query, &[("[json]", "text")], &["x"], None).unwrap();
        assert_eq!(plan.once, Some(Once::List("l".to_owned())));
    }

    #[test]
    fn what_fills_no_marker_is_told_in_their_words() {
        let query = "UPDATE ks.t SET v = :v WHERE id = :id";
        let server = [("[timestamp]", "bigint"), ("v", "text"), ("id", "int")];
        let check = |fields: &[&str], map: Option<&str>, expected: &str| {
            let error = plan(query, &server, fields, map).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(&["id", "x"], None, "markers without a field: \"v\"");
        check(&["id", "x"], None, "has: the markers of --query v text, id int (partition key)");
        check(&["id", "x"], Some("*, v = now()"), "write now() into the query where :v stands");
        let (_, mapping) = plan(query, &server, &["id", "x"], Some("*, v = x")).unwrap();
        assert_eq!(mapping.fields, [1, 0]);
    }
}
