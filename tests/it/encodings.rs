//! Files in encodings that are no supersets of ASCII: one reader decodes them, and every row arrives, or its record is rejected by name.

use serde_json::Value;

use crate::support::database::Keyspace;
use crate::support::numbered::{NumberedLoad, csv};
use crate::support::packing::pack;
use crate::support::program::{Finished, Run};
use crate::support::scratch::Scratch;

const TEXTS: &str = "CREATE TABLE texts (id int PRIMARY KEY, \"größe\" text)";

fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn encoded(label: &str, text: &str) -> Vec<u8> {
    let (bytes, _, unmappable) =
        encoding_rs::Encoding::for_label(label.as_bytes()).expect("a label").encode(text);
    assert!(!unmappable, "{label}");
    bytes.into_owned()
}

#[test]
fn whatever_the_encoding_and_however_the_work_is_divided_every_text_arrives() {
    let Some(keyspace) = Keyspace::new(&[TEXTS]) else { return };
    let scratch = Scratch::new();
    // In Shift_JIS, GBK and Big5 the second bytes of some of these are a backslash, a bar or a brace, and in UTF-16 there are bytes
    // of quotes, commas and line ends in characters.
    let text = |id: u32| {
        format!("{}\"表|ソ能,\n{id}\"", if id.is_multiple_of(2) { "" } else { "十" }).replace("十\"", "\"十")
    };
    let csv: String = (0..3_000).map(|id| format!("{id};{}\n", text(id))).collect();
    let korean: String = (0..3_000).map(|id| format!("{id};\"한국어,\n{id}\"\n")).collect();
    let cases = [
        ("utf-16le", utf16le(&format!("id;größe\n{csv}"))),
        ("utf-8", utf16le(&format!("\u{feff}id;größe\n{csv}"))),
        ("utf-16", format!("\u{feff}id;größe\n{csv}").encode_utf16().flat_map(u16::to_be_bytes).collect()),
        ("gb18030", encoded("gb18030", &format!("id;größe\n{csv}"))),
        ("shift_jis", encoded("shift_jis", &format!("id;x\n{csv}"))),
        ("euc-kr", encoded("euc-kr", &format!("id;x\n{korean}"))),
    ];
    for (index, (encoding, bytes)) in cases.into_iter().enumerate() {
        let bytes = if index % 2 == 0 { bytes } else { pack("gzip", &bytes) };
        let file = scratch.write("texts.csv", bytes);
        for workers in ["0", "2"] {
            keyspace.cql("TRUNCATE texts");
            let options = ["--encoding", encoding, "--delimiter", ";", "--columns", "id,größe"];
            let run = keyspace
                .load(&scratch, "texts")
                .args(["--workers", workers, "--unit-size", "16KiB", "--again"])
                .args(options)
                .arg(&file)
                .finish();
            let run = run.expect_code(0).expect_counts(3_000, 3_000, 0);
            assert_eq!(run.number("units"), 1, "{encoding}: one reader");
            let note = if encoding == "euc-kr" {
                "한국어,\n".to_owned() + "1234"
            } else {
                text(1_234).replace('"', "")
            };
            keyspace.expect_rows(
                "SELECT id, \"größe\" FROM texts WHERE id = 1234",
                &[&format!("1234, '{note}'")],
            );
            let verify = keyspace.verify(&scratch, "texts").args(options).arg(&file).finish().expect_code(0);
            assert_eq!(verify.summary["verify"]["same"], 3_000, "{encoding}: {}", verify.summary);
        }
    }
}

#[test]
fn standard_input_is_decoded_too() {
    let Some(keyspace) = Keyspace::new(&[TEXTS]) else { return };
    let scratch = Scratch::new();
    for (bytes, encoding) in
        [(utf16le("\u{feff}id,größe\n1,ソ\n"), "utf-8"), (encoded("sjis", "id,x\n1,ソ\n"), "sjis")]
    {
        let file = scratch.write("texts.csv", bytes);
        let stdin = std::fs::File::open(file).expect("the file");
        let load =
            keyspace.load(&scratch, "texts").args(["--encoding", encoding, "--columns", "id,größe", "-"]);
        load.stdin(stdin).finish().expect_code(0).expect_counts(1, 1, 0);
        keyspace.expect_rows("SELECT * FROM texts", &["1, 'ソ'"]);
        keyspace.cql("TRUNCATE texts");
    }
}

/// What a run told of its rejects, and the bytes that it put aside.
fn rejects(scratch: &Scratch, run: &Finished) -> (Vec<Value>, Vec<u8>) {
    let dir = scratch.join(run.summary["rejects_dir"].as_str().expect("rejects"));
    let reasons = std::fs::read_to_string(dir.join("reasons.jsonl")).expect("reasons");
    let told = reasons.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    (told, std::fs::read(dir.join("rejected-texts.csv")).expect("records"))
}

#[test]
fn records_with_bytes_that_are_no_character_are_rejected_and_loaded_again_mended() {
    let Some(keyspace) = Keyspace::new(&[TEXTS]) else { return };
    let scratch = Scratch::new();
    let mut file = utf16le("\u{feff}id,größe\n1,good\n2,\"half of\n");
    // The first half of a pair, without the second.
    file.extend([0x3d, 0xd8]);
    file.extend(utf16le(" a smile\"\n3,good again\n"));
    let file = scratch.write("texts.csv", file);
    let run = keyspace.load(&scratch, "texts").args(["--max-errors", "1"]).arg(&file).finish().expect_code(1);
    let run = run.expect_counts(3, 2, 1);
    keyspace.expect_rows("SELECT id, \"größe\" FROM texts", &["1, 'good'", "3, 'good again'"]);
    let (told, kept) = rejects(&scratch, &run);
    assert_eq!(told[0]["code"], "invalid_encoding", "{told:?}");
    let found = ["line", "record", "column"].map(|key| told[0][key].clone());
    assert_eq!(found, [Value::from(3), Value::from(2), Value::from("größe")], "{told:?}");
    // Offsets and the record itself are those of the text in UTF-8.
    assert_eq!(told[0]["offset"], "\u{feff}id,größe\n1,good\n".len(), "{told:?}");
    assert_eq!(kept, ["id,größe\n2,\"half of\n".as_bytes(), b"\xff a smile\"\n"].concat());
    let mended: Vec<u8> = kept.into_iter().map(|byte| if byte == 0xff { b'X' } else { byte }).collect();
    let mended = scratch.write("mended.csv", mended);
    keyspace.load(&scratch, "texts").arg(mended).finish().expect_code(0).expect_counts(1, 1, 0);
    keyspace.expect_rows("SELECT \"größe\" FROM texts WHERE id = 2", &["'half of\nX a smile'"]);
}

#[test]
fn a_check_says_why_one_reader_has_a_file() {
    let scratch = Scratch::new();
    scratch.write("texts.cql", "CREATE TABLE ks.texts (id int PRIMARY KEY, note text);");
    let csv = "id,note\n1,a\n";
    scratch.write("plain.csv", csv);
    scratch.write("utf16.csv", utf16le(&format!("\u{feff}{csv}")));
    scratch.write("packed.csv", pack("zstd", csv.as_bytes()));
    scratch.write("both.csv", pack("gzip", &utf16le(&format!("\u{feff}{csv}"))));
    let check = || Run::new(&scratch).args(["check", "--progress", "none", "--schema", "texts.cql"]);
    let run = check().args(["plain.csv", "utf16.csv", "packed.csv", "both.csv"]).finish().expect_code(0);
    run.expect_said(&[
        "readers         1 for utf16.csv, because UTF-16LE is no superset of ASCII",
        "readers         1 for packed.csv, because it is zstd-compressed",
        "readers         1 for both.csv, because it is gzip-compressed, and UTF-16LE is no superset of ASCII",
    ]);
    assert!(!check().arg("plain.csv").finish().expect_code(0).stderr.contains("readers"));
    let run = check().args(["--encoding", "latin1", "utf16.csv"]).finish().expect_code(4);
    run.expect_said(&["utf16.csv: begins with the byte order mark of UTF-16LE, so it is not windows-1252"]);
}

#[test]
fn a_load_of_a_file_that_is_decoded_first_goes_on_where_it_was_killed() {
    const RECORDS: u64 = 6_000;
    // Behind the two fields that are loaded, one whose characters have two and four bytes each.
    let text: String = csv(RECORDS).lines().map(|line| format!("{line},\"数据，😀\"\n")).collect();
    let text = text.replacen("数据，😀", "more", 1);
    let marked = format!("\u{feff}{text}");
    let cases: [(&str, Vec<u8>, &[&str]); 3] = [
        ("utf-16 with a mark", utf16le(&marked), &[]),
        ("utf-16 without one", utf16le(&text), &["--encoding", "utf-16le"]),
        ("gb18030", encoded("gb18030", &text), &["--encoding", "gb18030"]),
    ];
    for (label, bytes, options) in cases {
        let Some(mut load) = NumberedLoad::of(RECORDS) else { return };
        load.file = load.scratch.write("encoded.csv", bytes);
        load.relay.allow_writes(RECORDS / 2);
        let run = || load.run(2).args(["--allow-unknown-columns"]).args(options);
        load.kill_when_settled(run().start(), 0);
        let run = run().finish().expect_code(0).expect_counts(RECORDS, RECORDS, 0);
        let resumed = run.number("resumed_records");
        assert!(resumed > 0 && resumed < RECORDS, "{label}: {}", run.summary);
        load.expect_every_row_at_its_time();
    }
}

#[test]
fn utf16_without_a_mark_is_named_and_a_mark_that_contradicts_is_told() {
    let scratch = Scratch::new();
    scratch.write("t.cql", "CREATE TABLE ks.t (id int PRIMARY KEY, note text);");
    let check = |options: &[&str], bytes: Vec<u8>| {
        scratch.write("t.csv", bytes);
        let run = Run::new(&scratch).args(["check", "--progress", "plain", "--schema", "t.cql"]);
        run.args(options).arg("t.csv").finish()
    };
    let text = "id,note\n1,é\n";
    let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let refused = |bytes: Vec<u8>, said: &str| {
        check(&[], bytes).expect_code(4).expect_said(&["without a byte order mark", said]);
    };
    refused(utf16le(text), "t.csv: is UTF-16LE without a byte order mark: load it with --encoding utf-16le");
    refused(be.clone(), "--encoding utf-16be");
    check(&["--encoding", "utf-16be"], be.clone()).expect_code(0);
    let marked = [&[0xfe, 0xff][..], &be].concat();
    let run = check(&["--encoding", "utf-16le"], marked).expect_code(0);
    run.expect_said(&[
        "warning: t.csv: begins with the byte order mark of UTF-16BE, and is read so, not as UTF-16LE",
    ]);
    let run = check(&[], encoded("windows-1252", text)).expect_code(1);
    run.expect_said(&["note: t.csv: the content is not UTF-8: say its encoding"]);
    let run = check(&["--encoding", "windows-1252"], text.into()).expect_code(0);
    run.expect_said(&["note: t.csv: the content looks like UTF-8, and --encoding windows-1252 is set"]);
}
