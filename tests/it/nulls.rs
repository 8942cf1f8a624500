//! What becomes of cells for which a record has a null.

use crate::support::database::Keyspace;
use crate::support::scratch::Scratch;

const NOTES: &str = "CREATE TABLE notes (id int PRIMARY KEY, note text, tags list<int>, n int)";
const ROWS: &str = "SELECT id, note, tags, n FROM notes";

#[test]
fn nulls_delete_what_is_there_where_that_is_asked_for() {
    let Some(keyspace) = Keyspace::new(&[NOTES]) else { return };
    let scratch = Scratch::new();
    let full = scratch.write("full.csv", "id,note,tags,n\n1,a,[1],1\n2,b,[2],2\n");
    keyspace.load(&scratch, "notes").arg(&full).finish().expect_code(0);
    let empty = scratch.write("empty.csv", "id,note,tags,n\n1,,,\n2,\"\",[3],\n,x,,\n");
    let load = keyspace.load(&scratch, "notes").args(["--job", "unset"]).arg(&empty).finish();
    load.expect_code(1).expect_counts(3, 2, 1);
    keyspace.expect_rows(ROWS, &["1, 'a', [1], 1", "2, '', [3], 2"]);
    let tombstones = ["--null-as", "tombstone"];
    let verify = keyspace.verify(&scratch, "notes").args(tombstones).arg(&empty).finish().expect_code(1);
    assert_eq!(verify.summary["verify"]["different"], 2, "{}", verify.summary);
    let load = keyspace.load(&scratch, "notes").args(tombstones).arg(&empty).finish();
    load.expect_code(1).expect_counts(3, 2, 1);
    keyspace.expect_rows(ROWS, &["1, null, null, null", "2, '', [3], null"]);
    let verify = keyspace.verify(&scratch, "notes").args(tombstones).arg(&empty).finish().expect_code(1);
    assert_eq!(verify.summary["verify"]["same"], 2, "{}", verify.summary);
    keyspace.cql("UPDATE notes SET n = 7 WHERE id = 1");
    let verify = keyspace.verify(&scratch, "notes").args(tombstones).arg(&empty).finish().expect_code(1);
    assert_eq!(verify.summary["verify"]["overwritten"], 1, "{}", verify.summary);
}
