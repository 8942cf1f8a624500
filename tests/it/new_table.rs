//! `ringload schema` and `load --create-table`: what is proposed is taken by the server and fits the files.

use std::fs;
use std::path::Path;

use crate::support::database::Keyspace;
use crate::support::program::Run;
use crate::support::scratch::Scratch;

const FLIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/flights-2013-01.csv");
/// Every word that CQL knows, reserved or not (the list of `CqlLexer` and `Parser.g` of Cassandra 5.0).
const WORDS: &str = "add,aggregate,all,allow,alter,and,apply,as,asc,ascii,authorize,batch,begin,between,bigint,blob,boolean,by,\
                     called,cast,clustering,columnfamily,compact,contains,count,counter,create,custom,date,decimal,default,delete,\
                     desc,describe,distinct,double,drop,duration,entries,execute,exists,filtering,finalfunc,float,from,frozen,full,\
                     function,functions,grant,group,if,in,index,inet,infinity,initcond,input,insert,int,internals,into,is,json,key,\
                     keys,keyspace,keyspaces,language,like,limit,list,login,map,materialized,mbean,mbeans,modify,nan,nologin,\
                     norecursive,nosuperuser,not,null,of,on,only,options,or,order,partition,password,per,permission,permissions,\
                     primary,rename,replace,returns,revoke,role,roles,schema,select,set,sfunc,smallint,static,storage,stype,\
                     superuser,table,text,time,timestamp,timeuuid,tinyint,to,token,trigger,truncate,ttl,tuple,type,unlogged,unset,\
                     update,use,user,users,using,uuid,values,varchar,varint,view,where,with,writetime";

/// The CQL that is proposed for a file.
fn proposed(scratch: &Scratch, options: &[&str]) -> String {
    let run = Run::new(scratch).arg("schema").args(options).finish().expect_code(0);
    run.stdout
}

#[test]
fn what_is_proposed_for_the_flights_is_created_and_holds_them_all() {
    let Some(keyspace) = Keyspace::new(&[]) else { return };
    let scratch = Scratch::new();
    let key = "(carrier, flight), time_hour DESC, origin, sched_dep_time";
    let options = ["-t", &keyspace.table("flights"), "--key", key, "--null", "NA", FLIGHTS];
    let cql = proposed(&scratch, &options);
    assert!(cql.starts_with("-- From 27004 records: all of "), "{cql}");
    for column in ["year int,", "dep_delay int,", "tailnum text,", "time_hour timestamp,", "carrier text,"] {
        assert!(cql.contains(&format!("    {column}\n")), "{column} in {cql}");
    }
    let statement = cql.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n");
    keyspace.cql(statement.trim_end().trim_end_matches(';'));
    let load = keyspace.load(&scratch, "flights").args(["--null", "NA", FLIGHTS]).finish();
    load.expect_code(0).expect_counts(27_004, 27_004, 0);
    let schema = scratch.write("flights.cql", &cql);
    let check = Run::new(&scratch).args(["check", "--schema"]).arg(schema).args(["--null", "NA", FLIGHTS]);
    check.finish().expect_code(0);
}

#[test]
fn a_table_that_is_not_there_is_created_once_and_loaded() {
    let Some(keyspace) = Keyspace::new(&[]) else { return };
    let scratch = Scratch::new();
    scratch.write(
        "one.csv",
        "ID,At Time,tags\n1,2024-01-01T00:00:00Z,\"[\"\"a\"\"]\"\n2,2024-01-02T00:00:00Z,\n",
    );
    scratch.write("two.csv", "ID,At Time,tags\n3,2024-01-03T00:00:00Z,\"[\"\"b\"\", \"\"c\"\"]\"\nx,,\n");
    let load = |file: &str, more: &[&str]| {
        let run = keyspace.load(&scratch, "fresh");
        run.args(["--create-table", "--key", "id", "--progress", "plain", file])
            .args(more.iter().copied())
            .finish()
    };
    let dry_run = load("one.csv", &["--dry-run"]).expect_code(0).expect_counts(2, 2, 0);
    dry_run.expect_said(&["would be created", "\"At Time\" timestamp"]);
    let there =
        format!("SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{}'", keyspace.name);
    keyspace.expect_rows::<&str>(&there, &[]);
    let first = load("one.csv", &[]).expect_code(0).expect_counts(2, 2, 0);
    first.expect_said(&["created:", "CREATE TABLE IF NOT EXISTS", "tags frozen<list<text>>"]);
    let second = load("two.csv", &[]).expect_code(1).expect_counts(2, 1, 1);
    assert!(!second.stderr.contains("CREATE TABLE"), "{}", second.stderr);
    let count = format!("SELECT id, \"At Time\", tags FROM {}", keyspace.table("fresh"));
    assert_eq!(keyspace.rows(&count).len(), 3);
    load("one.csv", &[]).expect_code(0);
}

#[test]
fn loads_that_create_the_same_table_at_once_all_go_on() {
    let Some(keyspace) = Keyspace::new(&[]) else { return };
    let scratch = Scratch::new();
    scratch.write("one.csv", "Id,v\n1,a\n2,b\n");
    for round in 0..3 {
        let table = format!("fresh_{round}");
        let start = |job: usize| {
            let name = format!("job-{round}-{job}");
            let run = keyspace.load(&scratch, &table).args([
                "--create-table",
                "--key",
                "id",
                "--job",
                &name,
                "one.csv",
            ]);
            run.start()
        };
        let running: Vec<_> = (0..4).map(start).collect();
        for run in running {
            run.finish().expect_code(0).expect_counts(2, 2, 0);
        }
    }
}

#[test]
fn every_word_of_cql_may_be_a_field_of_a_new_table() {
    let Some(keyspace) = Keyspace::new(&[]) else { return };
    let scratch = Scratch::new();
    let values = vec!["1"; WORDS.split(',').count()].join(",");
    scratch.write("words.csv", format!("Id,{WORDS}\n7,{values}\n"));
    let run = keyspace.load(&scratch, "words").args(["--create-table", "--key", "id", "words.csv"]).finish();
    run.expect_code(0).expect_counts(1, 1, 0);
}

#[test]
fn without_a_keyspace_or_a_key_nothing_is_created() {
    let Some(keyspace) = Keyspace::new(&[]) else { return };
    let scratch = Scratch::new();
    scratch.write("one.csv", "id\n1\n");
    let load = |table: &str, options: &[&str]| {
        let contact = crate::support::database::environment("RINGLOAD_TEST_CASSANDRA").expect("a node");
        Run::load(&scratch, &contact, table)
            .args(["--create-table", "one.csv"])
            .args(options.iter().copied())
            .finish()
    };
    let fresh = keyspace.table("fresh");
    load(&fresh, &[]).expect_code(2).expect_said(&["--create-table without --key"]);
    load(&fresh, &["--key", "idd"]).expect_code(4).expect_said(&["no field is called \"idd\"", "id"]);
    load("nowhere_at_all.fresh", &["--key", "id"]).expect_code(4).expect_said(&["no keyspace"]);
    let plain = Run::load(&scratch, "127.0.0.1:1", &fresh).args(["--key", "id", "one.csv"]).finish();
    plain.expect_code(2).expect_said(&["--key without --create-table"]);
    assert!(!Path::new(&scratch.join("ringload-rejects")).exists());
    assert!(fs::read_dir(scratch.path()).is_ok());
}

#[test]
fn what_cannot_be_proposed_is_said_with_its_reason() {
    let scratch = Scratch::new();
    scratch.write("twice.csv", "a,b\n1,x\n1,x\n");
    let refused = |options: &[&str], code: i32, said: &[&str]| {
        Run::new(&scratch).arg("schema").args(options).finish().expect_code(code).expect_said(said);
    };
    refused(&["twice.csv"], 4, &["name the primary key with --key", "a int, b text"]);
    refused(&["-"], 2, &["head -c"]);
    refused(&["missing.csv"], 4, &["missing.csv"]);
    refused(&["--map", "a = b", "twice.csv"], 2, &["--map or --set"]);
    refused(&["--key", "(a", "twice.csv"], 2, &["--key", "bracket"]);
    let load =
        Run::load(&scratch, "127.0.0.1:1", "ks.t").args(["--create-table", "--key", "a", "-"]).finish();
    load.expect_code(2).expect_said(&["--create-table with standard input"]);
}

#[test]
fn with_what_fills_columns_otherwise_a_table_that_is_there_is_loaded_and_none_is_made_up() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE there (id int PRIMARY KEY, note text)"]) else {
        return;
    };
    let scratch = Scratch::new();
    scratch.write("one.csv", "No,note\n1,a\n2,b\n");
    let load = |table: &str, options: &[&str]| {
        let load = keyspace.load(&scratch, table).args(["--create-table", "--key", "id", "one.csv"]);
        load.args(options.iter().copied()).finish()
    };
    let update = |table: &str| format!("UPDATE {} SET note = :note WHERE id = :id", keyspace.table(table));
    let map = ["--map", "id = No, note = note"];
    load("there", &map).expect_code(0).expect_counts(2, 2, 0);
    load("there", &["--map", "id = No", "--set", "note = x"]).expect_code(0).expect_counts(2, 2, 0);
    load("there", &["--columns", "id,note"]).expect_code(0).expect_counts(2, 2, 0);
    let query = update("there");
    load("there", &["--map", "id = No, note = note", "--query", &query])
        .expect_code(0)
        .expect_counts(2, 2, 0);
    let said = |option: &str| {
        format!(
            "and --create-table makes one with a column for each field, under its name: with {option} create"
        )
    };
    load("fresh", &map).expect_code(4).expect_said(&[&said("--map or --set")]);
    load("fresh", &["--map", "id = No, note = note", "--query", &update("fresh")])
        .expect_code(4)
        .expect_said(&[&said("--query")]);
    load("fresh", &["--columns", "id,note"]).expect_code(0).expect_counts(2, 2, 0);
    // What says how a row is written is no column.
    scratch.write("timed.csv", "id,note,lives,at\n1,a,600,2024-01-01T00:00:00Z\n");
    let load =
        keyspace.load(&scratch, "timed").args(["--create-table", "--key", "id", "--progress", "plain"]);
    let run = load.args(["--ttl", "@lives", "--timestamp", "@at", "timed.csv"]).finish().expect_code(0);
    assert!(!run.stderr.contains("lives int") && !run.stderr.contains("at timestamp"), "{}", run.stderr);
}
