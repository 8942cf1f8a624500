//! Samples with the dialects that they are in, or why nobody can tell; and that what is guessed reads what was written.

use proptest::prelude::*;

use super::*;
use crate::format::csv::collected::{Collected, collected};
use crate::format::csv::dialect::Trim;
use crate::format::csv::reader::ChunkReader;

const NOTHING: Said = Said { delimiter: false, quote: false, escape: false, header: false };

/// The options that are guessed, or why none are.
fn guessed(sample: &str) -> String {
    match detect(sample.as_bytes(), true, &Dialect::default(), NOTHING, None) {
        Ok(guess) => options(&guess),
        Err(indecision) => indecision.to_string(),
    }
}

#[track_caller]
fn check(sample: &str, expected: &str) {
    assert_eq!(guessed(sample), expected, "{sample:?}");
}

#[test]
fn delimiters_are_known_by_records_of_one_length_and_fields_that_look_like_something() {
    check("id,name\n1,a\n2,b\n", "--delimiter ','");
    check("id;name;n\n1;a;2,5\n2;b;3,5\n", "--delimiter ';'");
    check("id\tname\n1\ta b\n2\tb c\n", "--delimiter tab");
    check("id|at\n1|2026-01-31 10:00:00\n2|2026-02-01 11:00:00\n", "--delimiter '|'");
    check("id,at\n1,2026-01-31 10:00:00\n2,2026-02-01 11:00:00\n", "--delimiter ','");
    check("1\u{1}a\u{1}x,y\n2\u{1}b\u{1}z\n", "--delimiter '\\x01' --no-header");
    check("id:shell\n0:bash\n1:sh\n", "--delimiter ':'");
    check("id n\n1 2.5\n2 3.5\n", "--delimiter ' '");
    check("name\nJohn Smith\nAnn\n", "no option");
    check("id^n\n1^2.5\n2^3.5\n", "--delimiter '^'");
    check("1,5;2,5\n3,5;4,5\n", "--delimiter ';' --no-header");
    check("Größe;Straße\nklein;Weg 5\ngroß;Platz 7\n", "--delimiter ';'");
}

#[test]
fn quotes_and_escapes_are_guessed_only_where_the_sample_shows_them() {
    check("a,b\n1,\"x,y\"\n2,z\n", "--delimiter ',' --quote '\"'");
    check("a;b\n1;'x;y'\n2;'it''s'\n", "--delimiter ';' --quote \"'\"");
    check("'a','b'\n'1','x y'\n'2','z'\n", "--delimiter ',' --quote \"'\"");
    check("a,b\n1,5\" pipe\n2,6\" pipe\n", "--delimiter ','");
    check("a,b\n1,\"pipe\n2,\"tube\n3,\"bar\n", "--delimiter ',' --quote none");
    check("a,b\n1,\"say \\\"hi\\\", he said\"\n2,\"x\"\n", "--delimiter ',' --quote '\"' --escape '\\'");
    check("a,b\n1,x\\,y\n2,z\n", "--delimiter ',' --escape '\\' --escapes any");
    check("a,b\n1,C:\\dir\n2,D:\\x\n", "--delimiter ','");
    check("a,b\n1,it's\n2,that's\n", "--delimiter ','");
}

#[test]
fn what_can_be_read_in_two_ways_is_not_guessed() {
    let two = |first: &str, second: &str| format!("may be read with {first} or with {second}: say which");
    check("a,b;c\nd,e;f\n", &two("--delimiter ','", "--delimiter ';'"));
    check(
        "a,b\n1,\"x\\\\y\"\n2,\"z\\\\\"\n",
        &two("--delimiter ',' --quote '\"' --escape none", "--delimiter ',' --quote '\"' --escape '\\'"),
    );
    check(
        "n,b\n1,'x'\n2,y\n3,z\n4,v\n",
        &two("--delimiter ',' --quote \"'\"", "--delimiter ',' --quote none --escape none"),
    );
    for sample in ["a,b\nc\nd,e,f\n", "one, two\nthree\nfour, five, six\n", "a b\nc d\n", "Abc def"] {
        check(
            sample,
            "no delimiter makes records of one length of it: say what it is with --delimiter and --quote",
        );
    }
}

#[test]
fn json_is_no_csv() {
    check("{\"a\": 1}\n{\"a\": 2}\n", "is no CSV but JSON: read it with --format ndjson");
    let json = "is no CSV but JSON: read it with --format json";
    check("{\n  \"a\": 1\n}\n", json);
    check(" [\n{\"a\": 1}]", json);
    check("{a},b\n1,2\n", "--delimiter ','");
}

#[test]
fn where_nothing_is_shown_what_is_set_stays() {
    for sample in ["", "\n\n", "\u{feff}"] {
        check(sample, "no option");
    }
    check("id\n1\n2\n", "no option");
    check("1\n2\n", "--no-header");
    let set = Dialect { delimiter: Delimiter::byte(b'|'), quote: Some(b'\''), ..Dialect::default() };
    let guess = detect(b"id\n1\n", true, &set, NOTHING, None).unwrap();
    assert_eq!(guess.applied(&set), set);
}

#[test]
fn what_is_said_is_not_guessed() {
    let guess = |sample: &str, set: Dialect, said: Said| {
        detect(sample.as_bytes(), true, &set, said, None).map(|guess| options(&guess))
    };
    let usual = Dialect::default();
    let semicolon = Dialect { delimiter: Delimiter::byte(b';'), ..usual };
    assert_eq!(guess("a,b;c\nd,e;f\n", semicolon, Said { delimiter: true, ..NOTHING }).unwrap(), "no option");
    let bare = Dialect { quote: None, ..usual };
    assert_eq!(
        guess("\"a\",b\n\"c\",d\n", bare, Said { quote: true, ..NOTHING }).unwrap(),
        "--delimiter ','"
    );
    assert_eq!(guess("1,2\n3,4\n", usual, Said { header: true, ..NOTHING }).unwrap(), "--delimiter ','");
    let commented = Dialect { comment: Some(b'#'), ..usual };
    assert_eq!(
        guess("# a;b;c\n1,2\n# d;e\n3,4\n", commented, NOTHING).unwrap(),
        "--delimiter ',' --no-header"
    );
}

#[test]
fn a_header_is_known_by_the_columns_or_by_what_is_below_it() {
    let header = |sample: &str, columns: &[&str]| {
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let columns = (!columns.is_empty()).then_some(&columns[..]);
        detect(sample.as_bytes(), true, &Dialect::default(), NOTHING, columns).unwrap().header
    };
    assert_eq!(header("id,name\n1,a\n2,b\n", &[]), Some(true));
    assert_eq!(header("3,c\n1,a\n2,b\n", &[]), Some(false));
    assert_eq!(header("x,name\ny,a\nz,b\n", &[]), None);
    assert_eq!(header("x,name\ny,a\nz,b\n", &["id", "Name"]), Some(true));
    assert_eq!(
        header("year,2013,2014\na,1,2\nb,3,4\n", &[]),
        Some(false),
        "years are numbers as those below"
    );
    assert_eq!(header("id,2013\n1,2\n3,4\n", &[]), None);
    assert_eq!(header("id,name\n", &[]), None);
    assert_eq!(header("id,name\n,\n1,\n", &[]), Some(true));
}

#[test]
fn several_samples_must_not_contradict_each_other() {
    let guess = |sample: &str| detect(sample.as_bytes(), true, &Dialect::default(), NOTHING, None).unwrap();
    let (plain, quoted) = (guess("a;b\n1;2\n"), guess("a;b\n'1;2';3\n"));
    assert_eq!(plain.and(&quoted), Some(quoted).map(|quoted| Guess { header: plain.header, ..quoted }));
    assert_eq!(guess("").and(&quoted), Some(quoted));
    assert_eq!(quoted.and(&guess("a;b\n\"1;2\";3\n")), None);
    assert_eq!(plain.and(&guess("a,b\n1,2\n")), None);
}

#[test]
fn the_dialects_of_a_public_collection_are_guessed_or_refused_and_never_mistaken() {
    let (mut right, mut refused) = (0, 0);
    for Collected { name, bytes, dialect, records } in collected() {
        let set = Dialect { header: false, comment: dialect.comment, ..Dialect::default() };
        // Their own delimiters of several characters, and quotes that nobody looks for, are said.
        let usual = dialect.delimiter.single().is_some_and(|byte| DELIMITERS.contains(&byte))
            && dialect.quote.is_none_or(|quote| QUOTES.contains(&quote));
        if !usual {
            continue;
        }
        let Ok(guess) = detect(&bytes, true, &set, Said { header: true, ..NOTHING }, None) else {
            refused += 1;
            continue;
        };
        let found = read(&bytes, &guess.applied(&set));
        if found == records {
            right += 1;
        } else {
            panic!("{name}: {guess:?}: {found:?}");
        }
    }
    assert!(right > 3 * refused, "{right} right, {refused} refused");
}

fn read(bytes: &[u8], dialect: &Dialect) -> Vec<Vec<String>> {
    let batch = ChunkReader::new(dialect).read(bytes.to_vec()).unwrap();
    let text = |field: super::super::record::Field<'_>| String::from_utf8(field.bytes.to_vec()).unwrap();
    let fields = |record: super::super::record::Record<'_>| {
        (0..record.field_count()).filter_map(|index| record.field(index)).map(text).collect()
    };
    batch.iter().map(fields).collect()
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
struct Style {
    delimiter: u8,
    quote: Option<u8>,
    /// Backslashes before quotes and themselves, instead of doubled quotes.
    escapes: bool,
    quote_all: bool,
    header: bool,
    line_end: &'static str,
}

fn styles() -> impl Strategy<Value = Style> {
    let delimiter = prop::sample::select(&DELIMITERS[..]);
    let quote = prop::sample::select(&[Some(b'"'), Some(b'"'), Some(b'\''), None][..]);
    let line_end = prop::sample::select(&["\n", "\r\n"][..]);
    (delimiter, quote, any::<bool>(), any::<bool>(), any::<bool>(), line_end).prop_map(
        |(delimiter, quote, escapes, quote_all, header, line_end)| Style {
            delimiter,
            quote,
            escapes,
            quote_all,
            header,
            line_end,
        },
    )
}

/// A column's values, all of one clear type.
fn column(rows: usize) -> impl Strategy<Value = Vec<String>> {
    let value = prop_oneof![
        Just("-?[0-9]{1,6}"),
        Just("[0-9]{1,4}\\.[0-9]{2}"),
        Just("20[0-2][0-9]-0[1-9]-[12][0-9]"),
        Just("1[0-9]:[0-5][0-9]:[0-5][0-9]"),
        Just("20[0-2][0-9]-0[1-9]-[12][0-9] 1[0-9]:[0-5][0-9]:[0-5][0-9]"),
        Just("[a-z]{3,8}"),
        Just("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        Just("true|false"),
        Just("[a-z]{2,5} [a-z]{2,5}( [a-z]{2,5}){0,3}"),
        Just("[a-z]{1,4}[,;|:\"'\\\\ \\n\\t^][a-z\"',;]{0,4}"),
    ];
    value.prop_flat_map(move |pattern| prop::collection::vec(pattern, rows))
}

impl Style {
    fn write(&self, records: &[Vec<String>]) -> Option<String> {
        let (delimiter, mut file) = (char::from(self.delimiter), String::new());
        for record in records {
            for (index, field) in record.iter().enumerate() {
                if index > 0 {
                    file.push(delimiter);
                }
                file.push_str(&self.field(field, delimiter)?);
            }
            file.push_str(self.line_end);
        }
        Some(file)
    }

    /// `None` where there is no way to write it.
    fn field(&self, text: &str, delimiter: char) -> Option<String> {
        let special = |c: char| c == delimiter || matches!(c, '\n' | '\r');
        let Some(quote) = self.quote.map(char::from) else {
            return (!text.contains(special)).then(|| text.to_owned());
        };
        let needs = text.contains(special) || text.contains(quote) || (self.escapes && text.contains('\\'));
        if !needs && !self.quote_all {
            return Some(text.to_owned());
        }
        let inner = match self.escapes {
            true => text.replace('\\', "\\\\").replace(quote, &format!("\\{quote}")),
            false => text.replace(quote, &format!("{quote}{quote}")),
        };
        Some(format!("{quote}{inner}{quote}"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_of_columns_of_clear_types_is_guessed_or_refused_and_never_mistaken(
        style in styles(), columns in (3_usize..20).prop_flat_map(|rows| prop::collection::vec(column(rows), 2..6))
    ) {
        let mut records: Vec<Vec<String>> = (0..columns[0].len())
            .map(|row| columns.iter().map(|column| column[row].clone()).collect())
            .collect();
        if style.header {
            records.insert(0, (0..columns.len()).map(|column| format!("column_{column}")).collect());
        }
        let Some(file) = style.write(&records) else { return Ok(()) };
        let set = Dialect { trim: Trim::None, ..Dialect::default() };
        if let Ok(guess) = detect(file.as_bytes(), true, &set, NOTHING, None) {
            prop_assert_eq!(read(file.as_bytes(), &guess.applied(&set)), records, "{:?} of {:?}", guess, file);
            prop_assert!(guess.header.is_none_or(|header| header == style.header), "{:?} of {:?}", guess, file);
        }
    }
}

#[test]
fn nearly_all_files_of_columns_of_clear_types_are_guessed() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut guessed, mut all) = (0, 0);
    let files = (styles(), (3_usize..20).prop_flat_map(|rows| prop::collection::vec(column(rows), 2..6)));
    for _ in 0..300 {
        let (style, columns) = files.new_tree(&mut runner).unwrap().current();
        let records: Vec<Vec<String>> = (0..columns[0].len())
            .map(|row| columns.iter().map(|column| column[row].clone()).collect())
            .collect();
        let Some(file) = style.write(&records) else { continue };
        all += 1;
        guessed += u32::from(detect(file.as_bytes(), true, &Dialect::default(), NOTHING, None).is_ok());
    }
    assert!(guessed * 10 > all * 9, "{guessed} of {all}");
}

#[test]
fn of_a_sample_that_is_cut_off_the_last_record_does_not_count() {
    let guess = |sample: &str, complete| {
        let guess = detect(sample.as_bytes(), complete, &Dialect::default(), NOTHING, None);
        guess.map(|guess| options(&guess)).map_err(|error| error.to_string())
    };
    let cut = "id;note;n\n1;'a;b';1\n2;'c;\nd';2\n3;'e;f";
    assert_eq!(guess(cut, false).unwrap(), "--delimiter ';' --quote \"'\"");
    assert!(guess(cut, true).is_err(), "the quote does not close");
    assert_eq!(guess("id;na", false).unwrap(), "no option");
}
