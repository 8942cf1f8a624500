//! Statements of the user's own: `--query` with named markers.

use crate::support::database::Keyspace;
use crate::support::program::Run;
use crate::support::scratch::Scratch;

const ITEMS: &str =
    "CREATE TABLE items (id int PRIMARY KEY, n int, tags set<text>, seen map<text, date>, note text)";

/// A load with a query.
fn load(keyspace: &Keyspace, scratch: &Scratch, query: &str) -> Run {
    keyspace.load(scratch, "items").args(["--query", query])
}

#[test]
fn a_statement_of_ones_own_is_executed_for_each_record() {
    let Some(keyspace) = Keyspace::new(&[ITEMS]) else { return };
    let (scratch, table) = (Scratch::new(), keyspace.table("items"));
    keyspace.cql(
        "INSERT INTO items (id, n, tags, seen) VALUES (1, 5, {'x'}, {'a': '2026-01-01'}) USING TIMESTAMP 1",
    );
    let csv = "id,Tag,day\n1,['new'],2026-01-31\n2,['two'],2026-02-01\n1,['newer'],2026-02-02\n,['three'],2026-01-31\n4,[],soon\n5,,\n";
    let file = scratch.write("items.csv", csv);
    let query = format!("UPDATE {table} SET tags = tags + :tag, seen['it'] = :day, n = :n WHERE id = :id");
    let run = load(&keyspace, &scratch, &query).args(["--set", "n = 7", "--job", "tags"]).arg(&file).finish();
    let run = run.expect_code(1);
    assert_eq!((run.number("written"), run.number("rejected")), (4, 2), "{}", run.summary);
    let rows = "SELECT id, n, tags FROM items";
    keyspace.expect_rows(rows, &["1, 7, {'new','newer','x'}", "2, 7, {'two'}", "5, 7, null"]);
    // The statement is the job's.
    let delete = format!("DELETE FROM {table} WHERE id = :id");
    let file = scratch.write("gone.csv", "number\n2\n3\n5\n");
    let gone = load(&keyspace, &scratch, &delete).args(["--map", "id = number"]).arg(&file).finish();
    assert_eq!(gone.expect_code(0).number("written"), 3);
    keyspace.expect_rows(rows, &["1, 7, {'new','newer','x'}"]);
}

#[test]
fn a_null_adds_nothing_to_a_list() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE items (id int PRIMARY KEY, tags list<text>)"]) else {
        return;
    };
    let (scratch, table) = (Scratch::new(), keyspace.table("items"));
    keyspace.cql("INSERT INTO items (id, tags) VALUES (2, ['there'])");
    let file = scratch.write("lists.csv", "id,tags\n1,['a']\n2,\n");
    for (set, expected) in [
        ("tags = tags + :tags", &["1, ['a']", "2, ['there']"][..]),
        ("tags += :tags", &["1, ['a','a']", "2, ['there']"]),
        ("tags = :tags + tags", &["1, ['a','a','a']", "2, ['there']"]),
        // A row of nothing but null is none.
        ("tags = tags - :tags", &["2, ['there']"]),
    ] {
        let query = format!("UPDATE {table} SET {set} WHERE id = :id");
        load(&keyspace, &scratch, &query).arg(&file).finish().expect_code(0).expect_counts(2, 2, 0);
        keyspace.expect_rows("SELECT id, tags FROM items", expected);
    }
}

#[test]
fn the_last_record_wins_unless_the_query_has_write_times_of_its_own() {
    let Some(keyspace) = Keyspace::new(&[ITEMS]) else { return };
    let (scratch, table) = (Scratch::new(), keyspace.table("items"));
    let file = scratch.write("items.csv", "id,note,at\n1,a,30\n1,b,20\n1,,10\n");
    let insert = |more: &str| format!("INSERT INTO {table} (id, note) VALUES (:id, :note){more}");
    load(&keyspace, &scratch, &insert("")).arg(&file).finish().expect_code(0);
    keyspace.expect_rows("SELECT note FROM items", &["'b'"]);
    load(&keyspace, &scratch, &insert(""))
        .args(["--null-as", "tombstone"])
        .arg(&file)
        .finish()
        .expect_code(0);
    keyspace.expect_rows("SELECT note FROM items", &["null"]);
    keyspace.cql("TRUNCATE items");
    let own = insert(" USING TIMESTAMP :at AND TTL 5000");
    load(&keyspace, &scratch, &own).arg(&file).finish().expect_code(0);
    keyspace.expect_rows("SELECT note, writetime(note) FROM items", &["'a', 30"]);
    // Without a time, a record would be written, or delete, as of now.
    let file = scratch.write("untimed.csv", "id,note,at\n1,now,\n2,a,30\n");
    let untimed = load(&keyspace, &scratch, &own).arg(&file).finish().expect_code(1);
    untimed.expect_counts(2, 1, 1);
    let delete = format!("DELETE FROM {table} USING TIMESTAMP :at WHERE id = :id");
    load(&keyspace, &scratch, &delete).arg(&file).finish().expect_code(1).expect_counts(2, 1, 1);
    keyspace.expect_rows("SELECT note, writetime(note) FROM items", &["'a', 30"]);
    let refused = load(&keyspace, &scratch, &own).args(["--timestamp", "now"]).arg(&file).finish();
    refused.expect_code(2).expect_said(&["--timestamp does not go with this statement"]);
    let refused = load(&keyspace, &scratch, &insert("")).args(["--ttl", "5"]).arg(&file).finish();
    refused.expect_code(2).expect_said(&["USING TTL :name"]);
}

#[test]
fn a_query_that_is_wrong_is_told_before_anything_is_sent() {
    let Some(keyspace) = Keyspace::new(&[ITEMS]) else { return };
    let (scratch, table) = (Scratch::new(), keyspace.table("items"));
    let file = scratch.write("items.csv", "id,n\n1,2\n");
    let check = |query: &str, code, said: &str| {
        load(&keyspace, &scratch, query).arg(&file).finish().expect_code(code).expect_said(&[said]);
    };
    check("SELECT n FROM k.t WHERE id = :id", 2, "writes nothing");
    check("UPDATE items SET n = :n WHERE id = :id; TRUNCATE items", 2, "is more than one statement");
    check(&format!("UPDATE {table} SET n = :n WHERE id = :ID2"), 4, "markers without a field: \"id2\"");
    check(&format!("UPDATE {table} SET m = :n WHERE id = :id"), 4, "the server refuses `UPDATE");
    check(&format!("UPDATE {table} SETS n = :n WHERE id = :id"), 4, "the server refuses `UPDATE");
    let query = format!("UPDATE {table} SET n = :n WHERE id = :id");
    let verify = keyspace.verify(&scratch, "items").args(["--query", &query]).arg(&file).finish();
    verify.expect_code(2).expect_said(&["--query says how rows are changed"]);
    assert!(keyspace.rows("SELECT id FROM items").is_empty());
}
