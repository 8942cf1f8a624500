//! Fields and columns: what fits the table is loaded, what does not is refused before anything is written, with the names to
//! choose from.

use crate::support::database::Keyspace;
use crate::support::program::{Finished, Run};
use crate::support::scratch::Scratch;

const PEOPLE: &str = "CREATE TABLE people (country text, id int, name text, age int, motto text static, PRIMARY KEY (country, id))";

/// Loads a file into `table`.
#[track_caller]
fn load(keyspace: &Keyspace, table: &str, options: &[&str], content: &str, code: i32) -> Finished {
    let scratch = Scratch::new();
    let file = scratch.write("people.csv", content);
    keyspace.load(&scratch, table).args(options).arg(file).finish().expect_code(code)
}

/// Loads a file that must be refused with one line that says all of these.
#[track_caller]
fn check_refused(keyspace: &Keyspace, table: &str, options: &[&str], content: &str, said: &[&str]) {
    let run = load(keyspace, table, options, content, 4).expect_said(said);
    assert!(
        run.stderr.starts_with("error: ") && run.stderr.trim_end().lines().count() == 1,
        "{}",
        run.stderr
    );
    assert_eq!(run.stdout, "");
    keyspace.expect_rows(&format!("SELECT COUNT(*) FROM {table}"), &["0"]);
}

#[test]
fn files_that_do_not_fit_the_table_are_refused_and_its_columns_listed() {
    let Some(keyspace) = Keyspace::new(&[PEOPLE]) else { return };
    let check = |options: &[&str], content: &str, said: &[&str]| {
        let columns = "people has: country text (partition key), id int (clustering key), age int, motto text (static), name text";
        check_refused(&keyspace, "people", options, content, &[&["people.csv", columns], said].concat());
    };
    let record = "se,1,Åsa,30,vi\n";
    check(
        &[],
        &format!("country,id,nmae,age,motto\n{record}"),
        &["no such column: \"nmae\"", "--allow-unknown-columns"],
    );
    check(
        &[],
        "country,id,name\nse,1,Åsa\n",
        &["columns without a field: \"age\", \"motto\"", "--allow-missing-columns"],
    );
    check(&[], "country,name,age,motto\nse,Åsa,30,vi\n", &["key columns without a field: \"id\""]);
    let both = ["--allow-missing-columns", "--allow-unknown-columns"];
    check(&both, "id,name\n1,Åsa\n", &["key columns without a field: \"country\""]);
    check(&both, record, &["none of the fields", "--no-header"]);
}

#[test]
fn headers_that_name_no_columns_are_refused() {
    let Some(keyspace) = Keyspace::new(&[PEOPLE]) else { return };
    let check = |options: &[&str], content: &str, said: &[&str]| {
        check_refused(&keyspace, "people", options, content, &[&["people.csv"], said].concat());
    };
    check(&[], "country,id,name,age,motto,name\nse,1,a,2,b,c\n", &["\"name\" twice", "fields 3 and 6"]);
    check(
        &[],
        "country,id,name,Name,age,motto\nse,1,a,b,2,c\n",
        &["\"name\" is filled by several fields: \"name\", \"Name\""],
    );
    check(&[], "country,,name,age,motto\nse,1,a,2,b\n", &["header's field 2 is empty"]);
    check(
        &["--columns", "country,id"],
        "a,b,c\nse,1,x\n",
        &["--columns has 2 names but the header has 3 fields"],
    );
    check(
        &["--columns", "country,id,nmae,age,motto"],
        "a,b,c,d,e\nse,1,x,2,y\n",
        &["no such column: \"nmae\""],
    );
    check(&["--delimiter", ";"], "country,id,name,age,motto\nse,1,a,2,b\n", &["none of the fields"]);
}

#[test]
fn columns_may_be_left_out_and_fields_passed_over_where_that_is_allowed() {
    let Some(keyspace) = Keyspace::new(&[PEOPLE]) else { return };
    keyspace.cql("INSERT INTO people (country, id, name, age, motto) VALUES ('se', 1, 'Åsa', 30, 'vi')");
    load(&keyspace, "people", &["--allow-missing-columns"], "name,country,id\nEva,se,1\nBo,se,2\n", 0);
    let extra = "row,country,id,name,age,motto,more\n1,no,3,Kari,40,oss,x\n";
    load(&keyspace, "people", &["--allow-unknown-columns"], extra, 0);
    load(&keyspace, "people", &["--allow-missing-columns"], "country,id\nde,4\n", 0);
    keyspace.expect_rows(
        "SELECT country, id, name, age, motto FROM people",
        &[
            "'se', 1, 'Eva', 30, 'vi'",
            "'se', 2, 'Bo', null, 'vi'",
            "'no', 3, 'Kari', 40, 'oss'",
            "'de', 4, null, null, null",
        ],
    );
}

#[test]
fn files_of_one_load_must_fill_the_same_columns() {
    let Some(keyspace) = Keyspace::new(&[PEOPLE]) else { return };
    let scratch = Scratch::new();
    let first = scratch.write("first.csv", "country,id,name\nse,1,Åsa\n");
    let second = scratch.write("second.csv", "country,id,age\nse,1,30\n");
    keyspace
        .load(&scratch, "people")
        .args([&first, &second])
        .arg("--allow-missing-columns")
        .finish()
        .expect_code(4)
        .expect_said(&["second.csv", "first.csv", "lacks \"name\"", "besides \"age\""]);
    keyspace.expect_rows::<&str>("SELECT id FROM people", &[]);
}

#[test]
fn names_with_capitals_spaces_quotes_and_of_cql_itself_are_found() {
    const ODD: &str = r#"CREATE TABLE "OddTable" ("Id" int, "select" text, "with space" text, "a""b" int, "id" text,
                         "Größe" text, "from" timestamp, PRIMARY KEY (("Id"), "from"))"#;
    let Some(keyspace) = Keyspace::new(&[ODD]) else { return };
    let table = "\"OddTable\"";
    let header = "Id,from,select,with space,\"a\"\"b\",id,Größe";
    load(&keyspace, table, &[], &format!("{header}\n1,2026-01-31,s,w,7,x,g\n"), 0);
    let columns = "--columns=select,Id,from,with space,\"a\"\"b\",id,Größe";
    load(&keyspace, table, &["--no-header", columns], "t,2,2026-01-31,w,8,y,h\n", 0);
    keyspace.expect_rows(
        r#"SELECT "Id", "select", "with space", "a""b", "id", "Größe" FROM "OddTable""#,
        &["1, 's', 'w', 7, 'x', 'g'", "2, 't', 'w', 8, 'y', 'h'"],
    );
    keyspace.cql("TRUNCATE \"OddTable\"");
    let ambiguous = header.replace("Id,", "ID,");
    let said = ["field \"ID\" may be any of the columns", "\"Id\"", "\"id\""];
    check_refused(&keyspace, table, &[], &format!("{ambiguous}\n1,2026-01-31,s,w,7,x,g\n"), &said);
}

#[test]
fn a_table_that_is_not_there_is_told_with_those_that_are() {
    let Some(keyspace) = Keyspace::new(&[PEOPLE, "CREATE TABLE orders (id int PRIMARY KEY)"]) else { return };
    let check = |table: &str, said: &[&str]| {
        let scratch = Scratch::new();
        let file = scratch.write("people.csv", "id\n1\n");
        let run = Run::load(&scratch, &keyspace.contact, table).arg(file).finish();
        let run = run.expect_code(4).expect_said(said);
        assert_eq!(run.stderr.trim_end().lines().count(), 1, "{}", run.stderr);
    };
    let name = &keyspace.name;
    check(&format!("{name}.peeple"), &["no table \"peeple\"", name, "did you mean people?"]);
    check(&format!("{name}.zzz"), &["no table \"zzz\"", "there are orders, people"]);
    check(&format!("{name}.\"People\""), &["no table \"People\"", "did you mean people?"]);
    check("no_such_keyspace_here.people", &["no keyspace \"no_such_keyspace_here\""]);
}

#[test]
fn tables_with_types_that_cannot_be_loaded_are_refused_or_their_columns_left_out() {
    const ODD: &str =
        "'org.apache.cassandra.db.marshal.DynamicCompositeType(a=>org.apache.cassandra.db.marshal.UTF8Type)'";
    let Some(keyspace) = Keyspace::new(&[
        &format!("CREATE TABLE tagged (id int PRIMARY KEY, name text, odd {ODD}, rare {ODD})"),
        "CREATE TABLE hits (page text PRIMARY KEY, n counter)",
        &format!("CREATE TABLE by_odd (key {ODD} PRIMARY KEY, n int)"),
    ]) else {
        return;
    };
    let unknown = "(not a type that ringload knows)";
    check_refused(
        &keyspace,
        "tagged",
        &[],
        "id,name\n1,a\n",
        &["columns without a field: \"odd\", \"rare\"", unknown],
    );
    check_refused(
        &keyspace,
        "tagged",
        &["--allow-missing-columns"],
        "id,name,odd\n1,a,x\n",
        &["of types that ringload does not know: odd 'org.apache", unknown],
    );
    check_refused(&keyspace, "by_odd", &[], "key,n\n1,1\n", &["key column \"key\" is of type 'org.apache"]);
    load(&keyspace, "tagged", &["--allow-missing-columns"], "id,name\n1,a\n2,b\n", 0);
    keyspace.expect_rows("SELECT id, name FROM tagged", &["1, 'a'", "2, 'b'"]);
}

#[test]
fn inputs_that_cannot_be_read_are_refused_by_name() {
    let Some(keyspace) = Keyspace::new(&[PEOPLE]) else { return };
    let scratch = Scratch::new();
    let good = scratch.write("good.csv", "country,id,name,age,motto\nse,1,a,2,b\n");
    let utf32 = scratch.write("utf32.csv", b"\xff\xfe\0\0c\0\0\0");
    let missing = scratch.join("missing.csv");
    for (path, said) in [(missing, "no such file"), (utf32, "UTF-32")] {
        let name = path.display().to_string();
        keyspace
            .load(&scratch, "people")
            .args([&good, &path])
            .finish()
            .expect_code(4)
            .expect_said(&[&name, said]);
    }
    keyspace.expect_rows::<&str>("SELECT id FROM people", &[]);
}
