//! `--dialect auto`: what is guessed is said as options, reads what was written, and is what a job remembers; where two guesses are as
//! good, or two files contradict each other, nothing is loaded. A check says what files look like.

use std::fs;

use crate::support::database::Keyspace;
use crate::support::packing::pack;
use crate::support::program::Run;
use crate::support::scratch::Scratch;

const PLACES: &str = "CREATE TABLE places (id int PRIMARY KEY, name text, n double)";
const NAMES: [&str; 2] = ["1, 'a; \"b\"', 2.5", "2, null, 3.5"];

/// The same two rows in different dialects, and the options that say so.
const FILES: [(&str, &str); 6] = [
    ("id,name,n\n1,\"a; \"\"b\"\"\",2.5\n2,,3.5\n", "--delimiter ',' --quote '\"'"),
    ("id;name;n\n1;'a; \"b\"';2.5\n2;;3.5\n", "--delimiter ';' --quote \"'\""),
    ("id\tname\tn\n1\ta; \"b\"\t2.5\n2\t\t3.5\n", "--delimiter tab"),
    ("id|name|n\r\n1|\"a; \\\"b\\\"\"|2.5\r\n2||3.5\r\n", "--delimiter '|' --quote '\"' --escape '\\'"),
    ("id;name;n\n1;a\\; \\\"b\\\";2.5\n2;;3.5\n", "--delimiter ';' --escape '\\' --escapes any"),
    ("id\u{1}name\u{1}n\n1\u{1}a; \"b\"\u{1}2.5\n2\u{1}\u{1}3.5\n", "--delimiter '\\x01'"),
];

#[test]
fn files_in_any_usual_dialect_load_without_a_word_on_it_and_with_the_words_that_are_said() {
    let Some(keyspace) = Keyspace::new(&[PLACES]) else { return };
    let scratch = Scratch::new();
    for (content, options) in FILES {
        let file = scratch.write("places.csv", content);
        keyspace.cql("TRUNCATE places");
        let auto = || keyspace.load(&scratch, "places").args(["--dialect", "auto"]).arg(&file);
        let run = auto().finish().expect_code(0).expect_counts(2, 2, 0);
        run.expect_said(&[&format!("note: --dialect auto: the content is read with {options}\n")]);
        keyspace.expect_rows("SELECT id, name, n FROM places", &NAMES);
        let verify = keyspace.verify(&scratch, "places").args(["--dialect", "auto"]).arg(&file).finish();
        assert_eq!(verify.expect_code(0).summary["verify"]["same"], 2);
        // What is said is what it takes, as a shell reads it.
        let words =
            std::process::Command::new("sh").args(["-c", &format!("printf '%s\\n' {options}")]).output();
        let words = String::from_utf8(words.expect("a shell").stdout).expect("UTF-8");
        keyspace.cql("TRUNCATE places");
        let again = keyspace.load(&scratch, "places").arg("--again").args(words.lines()).arg(&file).finish();
        again.expect_code(0).expect_counts(2, 2, 0);
        keyspace.expect_rows("SELECT id, name, n FROM places", &NAMES);
    }
}

#[test]
fn compressed_and_encoded_files_and_standard_input_are_looked_into() {
    let Some(keyspace) = Keyspace::new(&[PLACES]) else { return };
    let scratch = Scratch::new();
    let (content, options) = FILES[1];
    let utf16: Vec<u8> = format!("\u{feff}{content}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = scratch.write("places.csv", pack("xz", &utf16));
    for stdin in [false, true] {
        keyspace.cql("TRUNCATE places");
        let load = keyspace.load(&scratch, "places").args(["--dialect", "auto"]);
        let run = match stdin {
            true => load.stdin(fs::File::open(&file).expect("the file")).arg("-").finish(),
            false => load.arg(&file).finish(),
        };
        let said = format!("{options} --input-compression xz --encoding utf-16le");
        run.expect_code(0).expect_counts(2, 2, 0).expect_said(&[&said]);
        keyspace.expect_rows("SELECT id, name, n FROM places", &NAMES);
    }
}

#[test]
fn a_job_that_goes_on_guesses_again_and_is_the_job_of_the_options_that_were_guessed() {
    let Some(keyspace) = Keyspace::new(&[PLACES]) else { return };
    let scratch = Scratch::new();
    let mut content = "id;name;n\n".to_owned();
    (0..2_000).for_each(|id| content.push_str(&format!("{id};'x;{id}';{id}.5\n")));
    content.push_str("bad;;\n");
    let file = scratch.write("places.csv", content);
    let load = |options: &[&str]| {
        // One thread, and no row waits for others: the leading chunks are settled first, so that there is something to go on from.
        let load = keyspace.load(&scratch, "places").args(["--workers", "1", "--threads", "1"]);
        load.args(["--unit-size", "4KiB", "--batch", "off"]).args(options).arg(&file).finish()
    };
    // It stops at the bad record; with a larger budget it goes on, whether the dialect is guessed or said.
    let auto = ["--dialect", "auto", "--max-errors", "0"];
    load(&auto).expect_code(3);
    let run = load(&["--dialect", "auto", "--max-errors", "0"]).expect_code(3);
    assert!(run.number("resumed_records") > 0, "{}", run.summary);
    let job = run.summary["job"].clone();
    let said = ["--delimiter", ";", "--quote", "'", "--max-errors", "1"];
    let run = load(&said).expect_code(1).expect_counts(2_001, 2_000, 1);
    assert_eq!(run.summary["job"], job);
    assert!(run.number("resumed_records") > 0, "{}", run.summary);
    // A named job is done, and says so to who guesses again.
    let named = |options: &[&str]| load(&[&["--job", "nightly", "--max-errors", "1"], options].concat());
    named(&said[..4]).expect_code(1);
    let run = named(&["--dialect", "auto"]).expect_code(0).expect_said(&["job nightly was finished"]);
    assert_eq!(run.number("written"), 2_000, "{}", run.summary);
    assert_eq!(run.number("requests"), 0, "nothing is left to do: {}", run.summary);
}

/// Fails unless a load of these files with `--dialect auto` is refused with all of these texts.
fn check_refused(keyspace: &Keyspace, files: &[(&str, &str)], options: &[&str], said: &[&str]) {
    let scratch = Scratch::new();
    let files: Vec<_> = files.iter().map(|(name, content)| scratch.write(name, content)).collect();
    let run =
        keyspace.load(&scratch, "places").args(["--dialect", "auto"]).args(options).args(files).finish();
    run.expect_code(4).expect_said(said);
    assert!(keyspace.rows("SELECT id FROM places").is_empty());
}

#[test]
fn what_can_be_read_in_two_ways_or_in_none_is_not_loaded() {
    let Some(keyspace) = Keyspace::new(&[PLACES]) else { return };
    let refused = |files: &[(&str, &str)], options: &[&str], said: &[&str]| {
        check_refused(&keyspace, files, options, said);
    };
    let file = |content| [("a.csv", content)];
    let two = "may be read with --delimiter ',' or with --delimiter ';': say which";
    refused(&file("a,b;c\nd,e;f\n"), &[], &["a.csv: ", two, "leave out --dialect auto"]);
    refused(&file("id,n\n1\n2,3,4\n"), &[], &["no delimiter makes records of one length"]);
    refused(&file("{\"id\": 1}\n"), &[], &["is no CSV but JSON"]);
    refused(&file("PAR1\u{15}\u{4}"), &[], &["is a Parquet file"]);
    let both = [("a.csv", "id;name;n\n1;x;2\n"), ("b.csv", "id,name,n\n1,x,2\n")];
    refused(
        &both,
        &[],
        &["a.csv looks like --delimiter ';', and ", "b.csv like --delimiter ','", "one by one"],
    );
    let names = ["--columns", "name,n", "--allow-missing-columns"];
    refused(
        &file("x,y\nz,v\n"),
        &names,
        &["whether its first record is a header does not show", "--no-header"],
    );
    refused(
        &file("id;n\n1;x\\;y\n2;\\\"z\n"),
        &["--null", "\\N"],
        &["--null \\N holds the escape character"],
    );
}

#[test]
fn a_header_is_found_out_where_the_columns_are_named() {
    let Some(keyspace) = Keyspace::new(&[PLACES]) else { return };
    let scratch = Scratch::new();
    for (content, records, said) in [
        ("1;a;2.5\n2;b;3.5\n", 2, "--delimiter ';' --no-header\n"),
        ("id;name;n\n1;a;2.5\n", 1, "--delimiter ';', with a header\n"),
        ("no;what;much\n1;a;2.5\n", 1, "--delimiter ';', with a header\n"),
    ] {
        let file = scratch.write("places.csv", content);
        let load = keyspace.load(&scratch, "places").args([
            "--dialect",
            "auto",
            "--columns",
            "id,name,n",
            "--again",
        ]);
        load.arg(&file).finish().expect_code(0).expect_counts(records, records, 0).expect_said(&[said]);
    }
    // Without names, the table tells; that the first record is none is said by who reads it.
    let file = scratch.write("places.csv", "1;a;2.5\n2;b;3.5\n");
    keyspace.load(&scratch, "places").args(["--dialect", "auto"]).arg(&file).finish().expect_code(4);
}

#[test]
fn a_check_says_what_a_file_looks_like_that_is_not_what_is_set() {
    let scratch = Scratch::new();
    scratch.write("places.cql", format!("{};", PLACES.replace("places", "ks.places")));
    let check = |options: &[&str], content: &str| {
        scratch.write("places.csv", content);
        let check = Run::new(&scratch).args(["check", "--progress", "none", "--schema", "places.cql"]);
        check.args(options).args(["--max-errors", "9", "places.csv"]).finish()
    };
    let looks = "note: places.csv: the content looks like ";
    let run = check(&[], FILES[1].0).expect_code(4);
    run.expect_said(&[&format!("{looks}--delimiter ';' --quote \"'\", which is not what is set")]);
    let run = check(&["--delimiter", ";"], FILES[1].0).expect_code(1);
    run.expect_said(&[&format!("{looks}--quote \"'\", which")]);
    check(&[], "{\"id\": 1}\n")
        .expect_said(&["note: places.csv: is no CSV but JSON: read it with --format ndjson"]);
    for (options, content) in [(&[][..], FILES[0].0), (&["--delimiter", ";", "--quote", "'"], FILES[1].0)] {
        let run = check(options, content).expect_code(0);
        assert!(!run.stderr.contains("note:"), "{}", run.stderr);
    }
    let run = check(&["--dialect", "auto"], FILES[1].0).expect_code(0);
    run.expect_said(&["note: --dialect auto: the content is read with --delimiter ';' --quote \"'\""]);
    let run = check(&["--dialect", "auto", "--quiet"], FILES[1].0).expect_code(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_load_warns_once_of_files_that_do_not_look_like_what_is_set() {
    let Some(keyspace) = Keyspace::new(&["CREATE TABLE texts (id text PRIMARY KEY, name text)"]) else {
        return;
    };
    let scratch = Scratch::new();
    scratch.write("b.csv", "id,name\n'1','a'\n'2','b'\n");
    scratch.write("c.csv", "id,name\n'3','a, c'\n'4','b, c'\n");
    let load = |options: &[&str]| {
        let run =
            keyspace.load(&scratch, "texts").args(["--progress", "plain"]).args(options.iter().copied());
        run.finish()
    };
    let looks = "the content looks like --quote \"'\", which is not what is set";
    let run = load(&["b.csv"]).expect_code(0);
    run.expect_said(&[&format!("warning: b.csv: {looks}: if it is so")]);
    let run = load(&["b.csv", "c.csv", "--max-errors", "9"]).expect_code(1);
    let run = run.expect_said(&[&format!("warning: b.csv: {looks} (nor do 1 other files): if it is so")]);
    assert_eq!(run.stderr.matches(looks).count(), 1, "{}", run.stderr);
    let run = load(&["b.csv", "--quote", "'"]).expect_code(0);
    assert!(!run.stderr.contains("looks like"), "{}", run.stderr);
}

#[test]
fn the_line_that_says_what_stands_between_fields_is_no_record() {
    let Some(keyspace) = Keyspace::new(&[PLACES]) else { return };
    let scratch = Scratch::new();
    let file = scratch.write(
        "places.csv",
        format!("\u{feff}sep=;\r\n{}", "id;name;n\r\n1;\"a; \"\"b\"\"\";2.5\r\n2;;3.5\r\n"),
    );
    let load = |options: &[&str]| {
        keyspace.cql("TRUNCATE places");
        keyspace.load(&scratch, "places").arg("--again").args(options.iter().copied()).arg(&file).finish()
    };
    let said = "places.csv: its first line says that ';' stands between fields: load it with --delimiter ';', or with --dialect auto";
    load(&[]).expect_code(4).expect_said(&[said]);
    for options in [&["--delimiter", ";"][..], &["--dialect", "auto"]] {
        load(options).expect_code(0).expect_counts(2, 2, 0);
        keyspace.expect_rows("SELECT id, name, n FROM places", &NAMES);
    }
    // Lines are counted with it, and data it is in no dialect.
    scratch.write("places.csv", "sep=;\n1;a;x\n");
    let run = load(&["--delimiter", ";", "--no-header", "--columns", "id,name,n"]).expect_code(1);
    let run = run.expect_counts(1, 0, 1);
    let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
    let reasons = fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    assert!(reasons.contains("\"line\":2"), "{reasons}");
}
