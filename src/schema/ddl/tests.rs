use super::*;
use crate::schema::table::{Column, ColumnRole};

fn wanted(text: &str) -> Option<TableName> {
    let (keyspace, table) = text.split_once('.')?;
    Some(TableName { keyspace: keyspace.to_owned(), table: table.to_owned() })
}

fn read(text: &str, table: &str) -> Result<TableSchema, SchemaFileError> {
    table_of(Path::new("s.cql"), text, wanted(table).as_ref())
}

/// A table as one line: its name, its columns in order, then the columns that cannot be loaded.
fn shown(schema: &TableSchema) -> String {
    let column = |Column { name, cql_type, role }: &Column| {
        let role = match role {
            ColumnRole::PartitionKey => " pk",
            ColumnRole::ClusteringKey => " ck",
            ColumnRole::Static => " static",
            ColumnRole::Regular => "",
            ColumnRole::Counter => " counter",
        };
        format!("{name} {cql_type}{role}")
    };
    let mut columns: Vec<String> = schema.columns.iter().map(column).collect();
    columns.extend(schema.unsupported.iter().map(|(name, text)| format!("({name} {text})")));
    format!("{}: {}", schema.name, columns.join(", "))
}

#[track_caller]
fn check(text: &str, table: &str, expected: &str) {
    let schema = read(text, table).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(shown(&schema), expected, "{text}");
}

#[track_caller]
fn check_error(text: &str, table: &str, expected: &str) {
    let error = read(text, table).map(|schema| shown(&schema)).unwrap_err().to_string();
    assert_eq!(error, expected, "{text}");
}

#[test]
fn keys_are_understood_in_every_form() {
    check("CREATE TABLE k.t (a int PRIMARY KEY, b text)", "", "k.t: a int pk, b text");
    check("create table k.t (b text, a int primary key,);", "", "k.t: a int pk, b text");
    check("CREATE TABLE k.t (a int, b text, PRIMARY KEY (a))", "", "k.t: a int pk, b text");
    check("CREATE TABLE k.t (a int, b int, PRIMARY KEY (b, a))", "", "k.t: b int pk, a int ck");
    check("CREATE TABLE k.t (PRIMARY KEY ((b)), a int, b int)", "", "k.t: b int pk, a int");
    check(
        "CREATE TABLE k.t (z int, y int, x int, w int, v int STATIC, PRIMARY KEY ((z, y), x, w))",
        "",
        "k.t: z int pk, y int pk, x int ck, w int ck, v int static",
    );
    check("CREATE COLUMNFAMILY IF NOT EXISTS k.t (a int PRIMARY KEY)", "", "k.t: a int pk");
}

#[test]
fn names_are_read_as_cql_reads_them() {
    check(
        r#"CREATE TABLE "Ks"."My ""T""" ("Key" int, KEY int, "select" int, static int, PRIMARY KEY ("Key"))"#,
        "",
        "Ks.My \"T\": Key int pk, key int, select int, static int",
    );
    check("CREATE TABLE Shop.Orders (ID int PRIMARY KEY)", "", "shop.orders: id int pk");
    check(
        "CREATE TABLE k . t (größe int PRIMARY KEY)".replace("größe", "\"größe\"").as_str(),
        "",
        "k.t: größe int pk",
    );
    check("USE K; CREATE TABLE t (a int PRIMARY KEY)", "", "k.t: a int pk");
    check("USE \"K\"; CREATE TABLE t (a int PRIMARY KEY)", "", "K.t: a int pk");
    check("USE other; CREATE TABLE k.t (a int PRIMARY KEY)", "", "k.t: a int pk");
    check("CREATE TABLE t (a int PRIMARY KEY)", "k.t", "k.t: a int pk");
}

#[test]
fn types_are_written_as_the_cluster_writes_them() {
    let check = |written: &str, expected: &str| {
        check(
            &format!("CREATE TABLE k.t (a int PRIMARY KEY, b {written})"),
            "",
            &format!("k.t: a int pk, {expected}"),
        );
    };
    check("TIMESTAMP", "b timestamp");
    check("varchar", "b text");
    check("list<int>", "b list<int>");
    check("Set < VarChar >", "b set<text>");
    check("frozen<list<list<int>>>", "b frozen<list<frozen<list<int>>>>");
    check("map<text, frozen<map<int, list<int>>>>", "b map<text, frozen<map<int, frozen<list<int>>>>>");
    check("tuple<int, tuple<varchar>>", "b frozen<tuple<int, frozen<tuple<text>>>>");
    check("list<tuple<int,text>>", "b list<frozen<tuple<int, text>>>");
    check("vector<float,3>", "b vector<float, 3>");
    check("frozen<vector<list<int>, 2>>", "b vector<frozen<list<int>>, 2>");
    check("Addr", "(b addr)");
    check("frozen<k.addr>", "(b frozen<addr>)");
    check("map<frozen<addr>, frozen<k.\"MyType\">>", "(b map<frozen<addr>, frozen<\"MyType\">>)");
    check("\"int\"", "(b \"int\")");
    check("'org.example.Type(a=>b)'", "(b 'org.example.Type(a=>b)')");
}

#[test]
fn a_type_with_a_slip_is_told_with_its_place_and_what_was_meant() {
    let table = |cql_type: &str| format!("CREATE TABLE k.t (a int PRIMARY KEY,\n  b {cql_type}\n)");
    let check_slip = |cql_type: &str, place: &str, said: &str| {
        let rest = "A user type of that name needs its CREATE TYPE in the file";
        check_error(&table(cql_type), "", &format!("s.cql:{place}: there is no type {said} {rest}"));
    };
    check_slip("timestmp", "2:5", "timestmp: did you mean timestamp?");
    check_slip("map<text, Bigit>", "2:15", "bigit: did you mean bigint?");
    check_slip("frozen<list<string>>", "2:17", "string: did you mean text?");
    // User types that are called so.
    check(&format!("CREATE TYPE k.test (x int); {}", table("test")), "", "k.t: a int pk, b test");
    check(&format!("{}; CREATE TYPE IF NOT EXISTS test (x int)", table("test")), "", "k.t: a int pk, b test");
    check(&table("frozen<test>"), "", "k.t: a int pk, (b frozen<test>)");
    check(&table("k.test"), "", "k.t: a int pk, (b test)");
    check(&table("\"test\""), "", "k.t: a int pk, (b \"test\")");
}

#[test]
fn user_types_are_those_of_the_tables_keyspace() {
    let types = "USE k; CREATE TYPE addr (street text, at frozen<geo>); CREATE TYPE IF NOT EXISTS k.Geo (\"Lat\" double, \
                 lon DOUBLE); CREATE TYPE l.addr (x int); CREATE TYPE l.other (x int);";
    let fields = |columns: &str| {
        let schema = read(&format!("{types} CREATE TABLE t (a int PRIMARY KEY, {columns})"), "").unwrap();
        let fields = |column: &Column| match &column.cql_type {
            crate::schema::types::CqlType::User(user) => {
                user.fields.iter().map(|field| format!("{} {}", field.name, field.cql_type)).collect()
            }
            _ => vec![],
        };
        schema.columns.iter().flat_map(fields).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(fields("b addr"), "street text, at frozen<geo>");
    assert_eq!(fields("b frozen<k.geo>"), "Lat double, lon double");
    let table =
        |rest: &str| format!("{types} CREATE TABLE k.t (a int PRIMARY KEY, b list<frozen<addr>>);{rest}");
    check(&table(""), "", "k.t: a int pk, b list<frozen<addr>>");
    check(&table("CREATE TABLE k.u (a int PRIMARY KEY, b other)"), "k.u", "k.u: a int pk, (b other)");
    // A change that concerns the table is not passed over.
    check(&table("ALTER TYPE l.addr ADD y int"), "", "k.t: a int pk, b list<frozen<addr>>");
    for altered in ["k.addr", "geo", "K.GEO"] {
        let error = read(&table(&format!("\nALTER TYPE {altered} ADD y int")), "").unwrap_err().to_string();
        assert!(error.starts_with("s.cql:2:12: ALTER TYPE is not followed"), "{error}");
    }
    let error = read(&table("\nCREATE TYPE addr (z int)"), "").unwrap_err().to_string();
    assert_eq!(error, "s.cql:2:13: type addr is created a second time: keep what it is now");
}

#[test]
fn what_is_no_user_type_is_told_with_its_place() {
    let check = |text: &str, expected: &str| check_error(text, "", &format!("s.cql:{expected}"));
    check("CREATE TYPE k.t ()", "1:18: there is ) where a field's name should be");
    check("CREATE TYPE k.t (a int b int)", "1:24: there is b where ',' or ')' should be");
    check("CREATE TYPE k.t (a int, a int)", "1:25: a second field \"a\": leave one");
    check("CREATE TYPE (a int)", "1:13: there is ( where a type's name should be");
    check("CREATE TYPE k.t (a int) CREATE TABLE", "1:25: there is CREATE where ';' should be");
}

#[test]
fn masks_and_constraints_say_nothing_of_a_type() {
    check(
        "CREATE TABLE k.t (a int MASKED WITH mask_inner(1, null) PRIMARY KEY, b text MASKED WITH DEFAULT, c int static)"
            .replace(", c int static", ", c int CHECK length(c) < 5 AND c > (1), d int NOT NULL")
            .as_str(),
        "",
        "k.t: a int pk, b text, c int, d int",
    );
    check(
        "CREATE TABLE k.t (a int, b int, c text STATIC MASKED WITH k.f('x)'), PRIMARY KEY (a, b))",
        "",
        "k.t: a int pk, b int ck, c text static",
    );
}

#[test]
fn all_else_in_a_file_is_passed_over() {
    let text = "\u{feff}-- a comment; CREATE TABLE k.no (a int PRIMARY KEY);
/* CREATE TABLE k.neither (;
*/
DROP TABLE IF EXISTS k.t;
CREATE KEYSPACE k WITH replication = {'class': 'it''s; no', 'x': '1'} AND durable_writes = true;
CREATE TYPE k.addr (street text, n frozen<list<int>>);
CREATE OR REPLACE FUNCTION k.f (x int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS $$ return 'x; $$;
CREATE TABLE k.t ( // the table
  a int, b int, c text,
  PRIMARY KEY (a, b)
) WITH CLUSTERING ORDER BY (b DESC) AND comment = 'create; alter' AND caching = {'keys': 'ALL'} AND x = 99p;;
CREATE INDEX i ON k.t (c);
CREATE CUSTOM INDEX ON k.t (c) USING 'x' WITH OPTIONS = {'mode': ';'};
CREATE MATERIALIZED VIEW k.v AS SELECT a, b FROM k.t WHERE a IS NOT NULL PRIMARY KEY (b, a);
ALTER TABLE k.t WITH comment = 'x';
ALTER TABLE k.other ADD x int;
ALTER TYPE k.addr ADD x int;
INSERT INTO k.t (a, b) VALUES (1, 2)";
    check(text, "", "k.t: a int pk, b int ck, c text");
    check(text, "k.t", "k.t: a int pk, b int ck, c text");
    check_error(
        text,
        "k.v",
        "s.cql: k.v is a materialized view, which cannot be written; load its table k.t instead",
    );
}

#[test]
fn what_cqlsh_says_besides_is_no_statement() {
    check(
        "WARNING: cqlsh was built against 5.0.0, but this server's is 5.0.6.  All features may not work!\r\n\n\
         PAGING OFF\nCREATE TABLE k.t (a int PRIMARY KEY);\nCONSISTENCY ONE",
        "",
        "k.t: a int pk",
    );
    // Nor is a slip: what is left of it is no statement either.
    check_error(
        "CRATE TABLE k.t (\n  a int PRIMARY KEY\n);",
        "",
        "s.cql:3:1: there is ) where a statement should be",
    );
    check_error("'x'", "", "s.cql:1:1: there is 'x' where a statement should be");
}

#[test]
fn the_table_is_chosen_where_there_are_several() {
    let text = "USE k; CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE u (b int PRIMARY KEY); \
                CREATE TABLE l.t (c int PRIMARY KEY)";
    check(text, "k.t", "k.t: a int pk");
    check(text, "k.u", "k.u: b int pk");
    check(text, "l.t", "l.t: c int pk");
    check_error(
        text,
        "",
        "s.cql: there are several tables (k.t, k.u, l.t): choose one with -t KEYSPACE.TABLE",
    );
    check_error(
        text,
        "l.u",
        "s.cql: there is no CREATE TABLE l.u (did you mean k.u, l.t?); correct --table or --schema",
    );
    check_error(
        text,
        "shop.orders",
        "s.cql: there is no CREATE TABLE shop.orders (there are k.t, k.u, l.t); correct --table or --schema",
    );
    for table in ["", "k.t"] {
        check_error("USE k;", table, "s.cql: there is no CREATE TABLE: put there what DESCRIBE TABLE prints");
    }
}

#[test]
fn a_table_that_cannot_be_loaded_is_refused_as_the_clusters_is() {
    check_error(
        "CREATE TABLE k.t (a frozen<addr> PRIMARY KEY)",
        "",
        "s.cql: k.t: key column \"a\" is of type frozen<addr>, which ringload does not know; such a table cannot be loaded \
         (in a schema file a user type needs its CREATE TYPE)",
    );
}

#[test]
fn what_is_not_understood_is_told_with_line_and_column() {
    let check = |text: &str, expected: &str| check_error(text, "", &format!("s.cql:{expected}"));
    check("CREATE TABLE k.t a int", "1:18: there is a where '(' should be");
    check("CREATE TABLE k.t (\n  a int\n  b int)", "3:3: there is b where ',' or ')' should be");
    check("CREATE TABLE k.t (a int PRIMARY KEY", "1:36: the text ends where ',' or ')' should be");
    check("CREATE TABLE k.t (a int PRIMARY)", "1:32: there is ) where KEY should be");
    check("CREATE TABLE k.t ()", "1:19: there is ) where a column's name, PRIMARY KEY or ')' should be");
    check(
        "CREATE TABLE k.t (1a int PRIMARY KEY)",
        "1:19: there is 1a where a column's name, PRIMARY KEY or ')' should be",
    );
    check(
        "CREATE TABLE k.t (\"\" int PRIMARY KEY)",
        "1:19: there is \"\" where a column's name, PRIMARY KEY or ')' should be",
    );
    check("CREATE TABLE (a int PRIMARY KEY)", "1:14: there is ( where a table's name should be");
    check("CREATE TABLE k.t (a PRIMARY KEY)", "1:21: there is PRIMARY where a type should be");
    check("CREATE TABLE k.t (a list PRIMARY KEY)", "1:26: there is PRIMARY where '<' should be");
    check("CREATE TABLE k.t (a map<int> PRIMARY KEY)", "1:28: there is > where ',' should be");
    check(
        "CREATE TABLE k.t (a vector<int, x> PRIMARY KEY)",
        "1:33: there is x where the vector's length should be",
    );
    check("CREATE TABLE k.t (a int, PRIMARY KEY (a b))", "1:41: there is b where ',' should be");
    check("CREATE TABLE k.t (a int, PRIMARY KEY ())", "1:39: there is ) where a column's name should be");
    check("CREATE TABLE k.t LIKE k.u", "1:18: LIKE is not followed: put the columns there");
    check("CREATE TABLE k.t (a int PRIMARY KEY) a", "1:38: there is a where WITH or ';' should be");
    check("USE k CREATE TABLE t (a int PRIMARY KEY)", "1:7: there is CREATE where ';' should be");
    check("-- é\n/* é */ CREATE 'a\n", "2:16: ' is never closed: close it where the text ends");
    let deep = format!("CREATE TABLE k.t (a {}int{} PRIMARY KEY)", "list<".repeat(40), ">".repeat(40));
    check(&deep, "1:186: types are nested more than 32 deep");
}

#[test]
fn what_cannot_be_a_table_is_told_with_its_place() {
    let check = |text: &str, expected: &str| check_error(text, "", &format!("s.cql:{expected}"));
    check("CREATE TABLE k.t (a int)", "1:14: k.t has no PRIMARY KEY: give it one");
    check("CREATE TABLE k.t (a int, b int, a text)", "1:33: a second column \"a\": leave one");
    check("CREATE TABLE k.t (a int PRIMARY KEY, b int PRIMARY KEY)", "1:38: a second PRIMARY KEY: leave one");
    check("CREATE TABLE k.t (a int PRIMARY KEY, PRIMARY KEY (a))", "1:38: a second PRIMARY KEY: leave one");
    check(
        "CREATE TABLE k.t (a int, PRIMARY KEY (a, c))",
        "1:42: the key's \"c\" is no column: correct its name",
    );
    check("CREATE TABLE k.t (a int, PRIMARY KEY (a, a))", "1:42: \"a\" is in the key twice: leave it once");
    check(
        "CREATE TABLE k.t (a int, b int static, PRIMARY KEY (a, b))",
        "1:56: the key's \"b\" is static: only other columns can be",
    );
    check(
        "CREATE TABLE k.t (a int PRIMARY KEY, b int static)",
        "1:38: \"b\" is static, but the table has no clustering key",
    );
    check(
        "CREATE TABLE t (a int PRIMARY KEY)",
        "1:14: t has no keyspace: write KEYSPACE.t or USE KEYSPACE, or give -t KEYSPACE.TABLE",
    );
    check(
        "CREATE TABLE k.t (a int PRIMARY KEY);\nCREATE TABLE IF NOT EXISTS k.t (b int PRIMARY KEY)",
        "2:28: k.t is created a second time: keep what the table is now",
    );
    for change in ["ADD b int", "DROP b USING TIMESTAMP 5", "RENAME a TO b", "DROP COMPACT STORAGE"] {
        check(
            &format!("USE k; CREATE TABLE t (a int PRIMARY KEY);\nALTER TABLE k.t {change};"),
            "2:13: ALTER TABLE is not followed: put the table there as it is now, as DESCRIBE TABLE prints it",
        );
    }
    // Where a `;` is missing, what comes before would swallow it.
    check(
        "CREATE KEYSPACE k WITH replication = {}\nCREATE TABLE k.t (a int PRIMARY KEY)",
        "2:1: there is CREATE where ';' should be",
    );
    check(
        "CREATE TABLE k.t (a int PRIMARY KEY);\nGRANT CREATE ON TABLE k.t TO u ALTER TABLE k.t ADD b int",
        "2:32: there is ALTER where ';' should be",
    );
    check(
        "CREATE TABLE k.t (a int PRIMARY KEY) WITH comment = 'x'\nALTER TABLE k.t ADD b int",
        "2:1: there is ALTER where ';' should be",
    );
}

#[test]
fn no_text_whatever_brings_it_down() {
    let text = "CREATE TABLE k.\"t\" (a frozen<map<int, 'x'>>, b vector<int, 3> static, PRIMARY KEY ((a), b)) WITH x = $$y$$; \
                /* é */ -- z";
    for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        for insert in ["", "(", ")", "<", "'", "\"", "$$", ",", ".", ";", "é", "/*", "--", "PRIMARY"] {
            drop(read(&format!("{}{insert}{}", &text[..end], &text[end..]), ""));
            drop(read(&format!("{}{insert}", &text[..end]), "k.t"));
        }
    }
}
