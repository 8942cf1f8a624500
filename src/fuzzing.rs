//! What no bytes may break. Each function here takes any bytes, gives them to a part that reads what others have written, and panics where
//! a promise of that part does not hold. The targets of `fuzz/` call them with what libFuzzer finds, the tests below with
//! examples and with what comes by chance. Not part of ringload as it is built.

use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use csv_core::ReadRecordResult;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::codec::forms::{Blobs, EpochUnit, Forms, Separators, Times};
use crate::codec::{CodecOptions, canonical, encode};
use crate::control::message::{FromWorker, ToWorker};
use crate::control::transport::{receive, send};
use crate::format::Format;
use crate::format::boundaries::Splitter;
use crate::format::charset::Charset;
use crate::format::csv::dialect::{Delimiter, Dialect, Escapes, Trim};
use crate::format::csv::reader::{ChunkReader, ReadError};
use crate::format::csv::scan::{Lane, State, nth_record_start};
use crate::format::detect::{Said, detect};
use crate::format::json::documents::{Documents, Layout};
use crate::format::json::keys::{KeyName, Keys};
use crate::format::json::reader::{Extent, JsonReader};
use crate::format::reader::RecordReader;
use crate::format::record::{Record, RecordBatch};
use crate::schema::column_map::ColumnMap;
use crate::schema::ddl::table_of;
use crate::schema::field::FieldRef;
use crate::schema::query::Query;
use crate::schema::types::{CqlType, UserTypes};
use crate::settings::{Rounding, TableName};

/// The first byte, from which something is chosen, and the others.
fn chosen(bytes: &[u8]) -> (usize, &[u8]) {
    bytes.split_first().map_or((0, bytes), |(first, rest)| (usize::from(*first), rest))
}

fn pick<T: Copy>(from: &[T], choice: usize) -> Option<T> {
    from.get(choice % from.len().max(1)).copied()
}

/// A dialect that these bytes choose, if it is a valid one.
fn dialect(delimiter: usize, others: usize) -> Option<Dialect> {
    const DELIMITERS: [&[u8]; 8] = [b",", b";", b"\t", b"|", b"||", b"aab", b":a:a:,", b"\xc3\xa9"];
    let delimiter_of = pick(&DELIMITERS, delimiter).and_then(Delimiter::new)?;
    let dialect = Dialect {
        delimiter: delimiter_of,
        quote: pick(&[Some(b'"'), Some(b'"'), Some(b'\''), None], delimiter / 8)?,
        escape: pick(&[None, Some(b'\\')], delimiter / 32)?,
        escapes: pick(&[Escapes::Quotes, Escapes::Any, Escapes::Cqlsh, Escapes::Tsv], others)?,
        comment: pick(&[None, Some(b'#')], others / 4)?,
        trim: pick(&[Trim::None, Trim::None, Trim::Unquoted, Trim::All], others / 8)?,
        charset: Charset::UTF_8,
        header: false,
    };
    dialect.validate().is_ok().then_some(dialect)
}

/// The fields of the records, each with whether it stands in quotes.
fn fields(batch: &RecordBatch) -> Vec<Vec<(Vec<u8>, bool)>> {
    let of = |record: Record<'_>| {
        let fields = (0..record.field_count()).filter_map(|at| record.field(at));
        fields.map(|field| (field.bytes.to_vec(), field.quoted)).collect()
    };
    batch.iter().map(of).collect()
}

/// What some bytes do from between records, scanned in two pieces that are cut at `cut`.
fn scanned(splitter: Splitter, bytes: &[u8], cut: usize) -> Lane {
    let (front, back) = bytes.split_at(cut.min(bytes.len()));
    let start = Lane::new(State::RecordStart).then(0, &splitter.scan(front));
    start.then(front.len() as u64, &splitter.scan(back))
}

/// CSV in the dialect that the first two bytes choose, cut where the third says: scanned in pieces it has the records that the reader
/// finds in it, which are those of csv-core where that knows the dialect.
pub fn csv(bytes: &[u8]) {
    let (delimiter, rest) = chosen(bytes);
    let (others, rest) = chosen(rest);
    let (cut, data) = chosen(rest);
    let Some(dialect) = dialect(delimiter, others) else { return };
    let splitter = Splitter::Csv(dialect);
    let cut = cut % (data.len() + 1);
    let whole = scanned(splitter, data, 0);
    assert_eq!(scanned(splitter, data, cut), whole, "scanned in pieces");
    let read = |bytes: &[u8]| ChunkReader::new(&dialect).read(bytes.to_vec());
    let batch = match read(data) {
        Ok(batch) => batch,
        Err(ReadError::OpenQuote { quote }) => {
            assert!(whole.end.in_quotes(), "the scan sees no open quote");
            assert_eq!(whole.quote, Some(quote as u64), "another open quote");
            return;
        }
        Err(error) => unreadable(&error),
    };
    assert!(!whole.end.in_quotes(), "the reader sees no open quote");
    assert_eq!(batch.len() as u64, whole.records, "as many records");
    for (before, record) in (0..).zip(batch.iter()) {
        let start = nth_record_start(&dialect, State::RecordStart, data, before);
        assert_eq!(start.map(|start| start as u64), Some(record.offset()), "the same beginnings");
    }
    let all = fields(&batch);
    // The records that start behind the cut, from the first of them.
    if let Some(start) = batch.iter().map(|record| record.offset() as usize).find(|start| *start >= cut) {
        let (front, back) = data.split_at(start);
        let halves = [front, back].map(|half| read(half).map(|batch| fields(&batch)).unwrap_or_default());
        assert_eq!(halves.concat(), all, "read in two chunks");
    }
    if dialect.is_simple() {
        let texts = all.into_iter().map(|fields| fields.into_iter().map(|(text, _)| text).collect());
        assert_eq!(
            texts.collect::<Vec<Vec<Vec<u8>>>>(),
            core_records(&dialect, data),
            "as csv-core reads it"
        );
    }
}

/// Stops at an error that no bytes may cause.
#[expect(clippy::panic, reason = "that is how a target tells what it has found")]
fn unreadable(error: &dyn std::error::Error) -> ! {
    panic!("{error}")
}

/// The records as csv-core finds them in all of the bytes.
fn core_records(dialect: &Dialect, bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut core = dialect.core_reader();
    // It would strip a byte order mark; and it takes a comment without a line end for a record.
    core.read_record(b"\n", &mut [0], &mut [0]);
    let mut input = bytes.to_vec();
    input.extend(dialect.comment.map(|_| b'\n'));
    let (mut output, mut ends) = (vec![0; input.len() + 1], vec![0; input.len() + 2]);
    let (mut records, mut rest, mut written, mut ended) = (Vec::new(), &input[..], 0, 0);
    loop {
        let (Some(room), Some(room_for_ends)) = (output.get_mut(written..), ends.get_mut(ended..)) else {
            return records;
        };
        let (result, read, more, fields) = core.read_record(rest, room, room_for_ends);
        rest = rest.get(read..).unwrap_or_default();
        (written, ended) = (written + more, ended + fields);
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::Record => {
                let mut start = 0;
                let cut = |end: &usize| {
                    let field = output.get(start..*end).unwrap_or_default().to_vec();
                    start = *end;
                    field
                };
                records.push(ends.iter().take(ended).map(cut).collect());
                (written, ended) = (0, 0);
            }
            _ => return records,
        }
    }
}

/// What a dialect is guessed to be is one in which the bytes can be scanned.
pub fn detection(bytes: &[u8]) {
    let (choice, data) = chosen(bytes);
    let said = Said {
        delimiter: choice & 1 > 0,
        quote: choice & 2 > 0,
        escape: choice & 4 > 0,
        header: choice & 8 > 0,
    };
    if let Ok(guess) = detect(data, choice & 16 == 0, &Dialect::default(), said, None) {
        let dialect = guess.applied(&Dialect::default());
        assert!(dialect.validate().is_ok(), "{dialect:?}");
        csv_in(&dialect, data);
    }
}

fn csv_in(dialect: &Dialect, data: &[u8]) {
    let lane = scanned(Splitter::Csv(*dialect), data, 0);
    match ChunkReader::new(dialect).read(data.to_vec()) {
        Ok(batch) => assert_eq!(batch.len() as u64, lane.records),
        Err(ReadError::OpenQuote { .. }) => assert!(lane.end.in_quotes()),
        Err(error) => unreadable(&error),
    }
}

fn keys(skip_unknown: bool) -> Keys {
    let field = |name: &str| KeyName { name: name.to_owned(), exact: false };
    Keys { fields: ["a", "b", "Ab"].map(field).to_vec(), refused: vec!["c".to_owned()], skip_unknown }
}

/// What is taken for a record is JSON to others too, but for what is nested deeper than they read.
fn check_json(record: Record<'_>) {
    if record.fault().is_none() {
        let raw = record.raw();
        let mut others = serde_json::Deserializer::from_slice(&raw).into_iter::<IgnoredAny>();
        if let Some(Err(error)) = others.next() {
            assert!(error.to_string().contains("recursion limit"), "{error}");
        }
    }
}

/// JSON lines, cut where the first byte says: scanned in pieces they are the records that the reader finds.
pub fn json_lines(bytes: &[u8]) {
    let (cut, data) = chosen(bytes);
    let whole = scanned(Splitter::Lines, data, 0);
    assert_eq!(scanned(Splitter::Lines, data, cut % (data.len() + 1)), whole, "scanned in pieces");
    let format = Format::Ndjson(Charset::UTF_8);
    match RecordReader::new(&format, &keys(cut & 1 > 0)).read(data.to_vec()) {
        Ok(batch) => {
            assert_eq!(batch.len() as u64, whole.records, "as many records");
            batch.iter().for_each(check_json);
        }
        Err(error) => unreadable(&error),
    }
}

/// JSON documents, cut where the first byte says: found in pieces they are where they are in the whole, and the reader takes as many.
pub fn json_documents(bytes: &[u8]) {
    let (cut, data) = chosen(bytes);
    let layout = if cut & 1 > 0 { Layout::Array } else { Layout::Run };
    let (front, back) = data.split_at(cut % (data.len() + 1));
    let (mut at_once, mut in_two) = (Documents::start(layout), Documents::start(layout));
    let whole = at_once.scan(data);
    let pieces = in_two.scan(front).map_err(|broken| broken.at).and_then(|first| {
        let second = in_two.scan(back).map_err(|broken| front.len() + broken.at)?;
        Ok(first.then_lane(front.len() as u64, &second))
    });
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => {
            assert_eq!((whole.records, whole.first, whole.last), (pieces.records, pieces.first, pieces.last));
            assert_eq!(at_once, in_two, "where the pass is");
        }
        (Err(broken), pieces) => assert_eq!(pieces.err(), Some(broken.at), "{broken:?}"),
        (Ok(whole), Err(at)) => assert_eq!(whole.records, u64::MAX, "broken at {at} only when cut"),
    }
    let mut documents = Documents::start(layout);
    let mut pos = 0;
    let mut reader = JsonReader::new(Extent::Document, Charset::UTF_8, keys(cut & 2 > 0));
    while let Ok(Some(Range { start, end })) = documents.next_whole(data, &mut pos) {
        let document = data.get(start..end).unwrap_or_default();
        match reader.read(document.to_vec()) {
            Ok(batch) => {
                assert_eq!(batch.len(), 1, "one document is one record");
                batch.iter().for_each(check_json);
            }
            Err(error) => unreadable(&error),
        }
    }
}

/// Types that the values of [`value`] are of.
fn types() -> &'static [CqlType] {
    const NESTED: [&str; 13] = [
        "list<int>",
        "set<text>",
        "set<frozen<list<decimal>>>",
        "map<text, bigint>",
        "map<timeuuid, blob>",
        "tuple<int, text, boolean>",
        "vector<float, 3>",
        "vector<text, 2>",
        "list<frozen<map<inet, duration>>>",
        "set<varint>",
        "set<timestamp>",
        "map<double, time>",
        "tuple<date, frozen<set<smallint>>>",
    ];
    static TYPES: OnceLock<Vec<CqlType>> = OnceLock::new();
    TYPES.get_or_init(|| {
        let nested = NESTED.iter().filter_map(|text| UserTypes::default().parse(text));
        CqlType::ALL.iter().cloned().chain(nested).collect()
    })
}

/// Ways to write values that those of [`value`] are read in.
fn options() -> &'static [CodecOptions] {
    static OPTIONS: OnceLock<Vec<CodecOptions>> = OnceLock::new();
    OPTIONS.get_or_init(|| {
        let formats = ["%d/%m/%Y %H:%M:%S%.f", "iso", "%m/%d/%y %I:%M %p", "%F %T %:z"].map(str::to_owned);
        let times = Times::default().with_timestamps(&formats).unwrap_or_default();
        let forms = [
            Forms::default(),
            Forms { separators: Separators::new(',', Some('.')).ok(), ..Forms::default() },
            Forms { booleans: "ja:nein,1:0".parse().ok(), blobs: Blobs::Base64, ..Forms::default() },
            Forms {
                times: Some(times.with_meaning(Some(EpochUnit::Ns), "Europe/Paris".parse().ok())),
                ..Forms::default()
            },
        ];
        let roundings = [Rounding::Reject, Rounding::Truncate];
        let of =
            |(forms, rounding): (Forms, Rounding)| CodecOptions { rounding, forms: forms.unless_usual() };
        forms.into_iter().zip(roundings.into_iter().cycle()).map(of).collect()
    })
}

/// A text as a value of the type that the first byte chooses, in the forms that the second one does: what is accepted is in the form
/// that all values of the type have.
pub fn value(bytes: &[u8]) {
    let (cql_type, rest) = chosen(bytes);
    let (form, text) = chosen(rest);
    let (types, options) = (types(), options());
    let Some((cql_type, options)) =
        types.get(cql_type % types.len()).zip(options.get(form % options.len().max(1)))
    else {
        return;
    };
    let mut out = b"before".to_vec();
    let encoded = encode(cql_type, text, options, &mut out);
    let value = out.strip_prefix(b"before").unwrap_or_default();
    if encoded.is_ok() {
        assert_eq!(canonical(cql_type, value).as_deref(), Some(value), "{cql_type}");
    }
}

/// Text where a schema file is expected.
pub fn ddl(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let wanted = TableName { keyspace: "ks".to_owned(), table: "t".to_owned() };
    for wanted in [None, Some(&wanted)] {
        if let Ok(table) = table_of(Path::new("schema.cql"), &text, wanted) {
            assert!(table.columns.iter().any(|column| column.role.is_key()), "a table has a key");
        }
    }
}

/// Text where an option expects CQL or names of fields.
pub fn statements(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(query) = Query::parse(&text) {
        assert_eq!(query.text(), text);
        for stamped in [false, true] {
            assert!(query.statement("ks", stamped).contains('?'), "a marker");
        }
    }
    if let Ok(map) = ColumnMap::parse(&text) {
        // What the ledger keeps of it is understood in the same way.
        if let Some(kept) = map.map_text() {
            assert_eq!(ColumnMap::parse(&kept).as_ref(), Ok(&map), "{kept}");
        }
    }
    let _ = ColumnMap::BY_NAME.clone().set(&text);
    let _ = FieldRef::parse(&text);
    if let Some(cql_type) = UserTypes::default().parse(&text) {
        assert_eq!(UserTypes::default().parse(&cql_type.to_string()), Some(cql_type));
    }
    let formats = [text.into_owned()];
    let _ = Times::default().with_timestamps(&formats);
    let _ = Times::default().with_dates(&formats);
    let _ = Times::default().with_clocks(&formats);
}

/// What coordinator and workers may say to each other.
pub fn messages(bytes: &[u8]) {
    fn sent_again<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(mut bytes: &[u8]) {
        while let Ok(Some(message)) = receive::<T>(&mut bytes) {
            let mut wire = Vec::new();
            assert!(send(&mut wire, &message).is_ok());
            assert_eq!(receive(&mut &wire[..]).ok().flatten().as_ref(), Some(&message));
        }
    }
    sent_again::<ToWorker>(bytes);
    sent_again::<FromWorker>(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All of them, as the targets have them.
    const TARGETS: [fn(&[u8]); 8] =
        [csv, detection, json_lines, json_documents, value, ddl, statements, messages];

    /// What reaches far into each of them. Whatever a target stops at comes here too.
    #[test]
    fn no_example_breaks_what_reads_it() {
        type Example = (fn(&[u8]), &'static [u8]);
        const EXAMPLES: [Example; 14] = [
            (csv, b"\0\0\x05a,\"b\"\"\n\",c\r\n\n1,2,3\"4\n\"\"x,,\r"),
            (csv, b"\0\x04\x03\xef\xbb\xbfa,b\n#c\n\"d\n"),
            (csv, b"\x24\x1a\x09a ||\\|| \" b \" || \\N\n# c\n\\\n||\"\\\"\"\n"),
            (detection, b"\x10a;b\n1;\"2;3\"\n4;5\n"),
            (json_lines, b"\x03 {\"a\":1,\"\\u0062\":[{}]}\n\n{\"c\":1}\nx\n{\"A\":\"\\ud83d\\ude00\"}"),
            (json_documents, b"\x05{\"a\":\n1},{\"ab\":\"]\"}\n, \"x\" ] "),
            (json_documents, b"\x02{\"a\":[1}"),
            (value, b"\x14\0{'b', \"a\", c}"),
            (value, b"\x0e\x0331/01/2026 12:34:56.5"),
            (ddl, b"USE ks; CREATE TYPE a (x int); CREATE TABLE t (k int, v frozen<a>, PRIMARY KEY ((k), v)) WITH x = {};"),
            (statements, b"UPDATE t USING TTL 5 SET l = l + :l, m[:k] = f(:v) WHERE id = :\"Id\" IF EXISTS;"),
            (statements, b"*, a = #1, -\"B\", c = toTimestamp(now()), d = '1''2', e = $line"),
            (statements, b"map<text, frozen<list<vector<float, 3>>>>"),
            (messages, b"{\"type\":\"finish\"}\n{\"type\":\"hello\",\"version\":5}\n"),
        ];
        EXAMPLES.iter().for_each(|(target, bytes)| target(bytes));
    }

    /// Pieces of what is read somewhere.
    #[rustfmt::skip]
    const PIECES: [&[u8]; 58] = [
        b"\0", b"\x01", b"\x07", b"\xff", b"\xc3\xa9", b"a", b"id", b"ks.t", b"1", b"-1.5e3", b"2026-01-31", b"12:30",
        b",", b";", b":", b".", b"|", b"\"", b"'", b"\\", b"#", b"\n", b"\r\n", b"\r", b" ", b"\t", b"[", b"]", b"{",
        b"}", b"(", b")", b"<", b">", b"=", b"?", b"*", b"$$", b"--", b"/*", b"*/", b"CREATE TABLE ", b" PRIMARY KEY ",
        b"CREATE TYPE ", b"INSERT INTO ", b"UPDATE ", b" SET ", b" WHERE ", b" USING TIMESTAMP ", b"now()", b"%d", b"%.f",
        b"frozen<list<int>>", b"text", b"true", b"null", b"{\"a\":1}", b"{\"type\":\"hello\",\"version\":5}\n",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_break_what_reads_them(
            choices in prop::collection::vec(any::<u8>(), 0..4),
            pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40),
        ) {
            let bytes = [choices, pieces.concat()].concat();
            TARGETS.iter().for_each(|target| target(&bytes));
        }
    }
}
