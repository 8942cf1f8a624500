use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::cli::tests::{FakeWorld, check, load, refusal, settings, verify};
use crate::codec::CodecOptions;
use crate::codec::row::Jagged;
use crate::format::Format;
use crate::format::csv::dialect::{Delimiter, Dialect, Escapes, Trim};
use crate::format::detect::Said;
use crate::ledger::fingerprint::FingerprintKind;
use crate::ledger::job::Rerun;
use crate::plan::compression::CompressionChoice;
use crate::plan::places::PlaceSettings;
use crate::remote::address::Hidden;
use crate::schema::column_map::ColumnMap;
use crate::schema::types::CqlType;
use crate::settings::DialectChoice;
use crate::settings::*;
use crate::verify::sample::Sample;

#[test]
fn without_options_everything_has_its_documented_default() {
    let expected = LoadSettings {
        table: TableName { keyspace: "shop".to_owned(), table: "orders".to_owned() },
        schema: None,
        new_table: None,
        inputs: vec!["a.csv".into()],
        connection: ConnectionSettings::usual("127.0.0.1:9042"),
        input: InputSettings::usual(),
        writing: WritingSettings {
            workers: None,
            threads: None,
            in_flight: NonZeroUsize::new(256).unwrap(),
            session_starts: NonZeroUsize::new(2).unwrap(),
            unit_bytes: None,
            timestamp: TimestampMode::Order,
            ttl: None,
            retry_for: Duration::from_secs(600),
            connections: None,
            batch: BatchMode::Auto,
            window: None,
        },
        max_errors: ErrorBudget::Count(100),
        rejects_dir: "ringload-rejects/shop.orders-20260304T050607Z-00004711".into(),
        job: Some(JobSettings {
            name: None,
            state_dir: "/home/loader/.local/state/ringload".into(),
            rerun: Rerun::Continue,
            fingerprint: FingerprintKind::Sampled,
        }),
        dry_run: false,
        estimate_rate: None,
        read_back: None,
        watching: WatchingSettings::default(),
    };
    assert_eq!(settings("", &FakeWorld::new()), expected);
    assert_eq!(expected.writing, WritingSettings::default());
}

#[test]
fn every_connection_option_reaches_its_setting() {
    let world = FakeWorld::new().file("pw", "s3cret\nsecond line\n");
    let connection = settings(
        "--hosts db1,[::1]:1 --datacenter dc1 --user loader --password-file pw --tls --tls-ca ca.pem --tls-cert c.pem \
         --tls-key k.pem --tls-server-name db.example.org --consistency each_quorum --serial-consistency serial --compression LZ4 \
         --connect-timeout 5s --request-timeout 1m --address-map 10.0.0.1=127.0.0.1:1,10.0.0.2=127.0.0.1:2",
        &world,
    )
    .connection;
    let expected = ConnectionSettings {
        hosts: vec!["db1:9042".to_owned(), "[::1]:1".to_owned()],
        address_map: vec![
            ("10.0.0.1:9042".parse().unwrap(), "127.0.0.1:1".parse().unwrap()),
            ("10.0.0.2:9042".parse().unwrap(), "127.0.0.1:2".parse().unwrap()),
        ],
        datacenter: Some("dc1".to_owned()),
        credentials: Some(Credentials {
            user: "loader".to_owned(),
            password: Secret::new("s3cret".to_owned()),
        }),
        tls: Some(TlsSettings {
            ca: Some("ca.pem".into()),
            client: Some(ClientCertificate { cert: "c.pem".into(), key: "k.pem".into() }),
            verification: TlsVerification::ServerName("db.example.org".to_owned()),
        }),
        consistency: ConsistencyLevel::EachQuorum,
        serial_consistency: SerialConsistencyLevel::Serial,
        compression: FrameCompression::Lz4,
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(60),
    };
    assert_eq!(connection, expected);
}

#[test]
fn every_other_option_reaches_its_setting() {
    let settings = settings(
        "--format csv --delimiter ; --quote ' --escape \\ --escapes any --trim unquoted --encoding latin2 --dialect AUTO --comment # --no-header --null NIL,NULL --null N/A --columns id,\"a,b\" \
         --map *,c=#1 --set x=1,y=2 --set z='3' --allow-missing-columns --allow-unknown-columns --allow-missing-fields --allow-extra-fields --skip 3 --limit 5 --max-record-size 256MiB \
         --recursive --pattern *.csv,*.gz --files-from list --input-compression zstd --timestamp-rounding truncate \
         --workers 0 --threads 3 --in-flight 7 --session-starts 1 --unit-size 8MiB --timestamp 1700000000000000 --ttl 1h --null-as TOMBSTONE \
         --retry-for 0s --connections 3 --batch REPLICA --window 1000 --max-errors 2.5% --rejects out --dry-run --progress json --summary s.json --quiet --log-file l \
         --split-remote --remote-timeout 5m --s3-endpoint http://minio:9000/ --s3-region eu --s3-virtual-host --s3-anonymous \
         --log-format JSON --metrics-listen 9100 b.csv",
        &FakeWorld::new(),
    );
    assert_eq!(settings.inputs, [Path::new("a.csv"), Path::new("b.csv")]);
    let mut map = ColumnMap::parse("*,c=#1").unwrap();
    ["x=1,y=2", "z='3'"].iter().for_each(|text| map.set(text).unwrap());
    let input = InputSettings {
        format: Format::Csv(Dialect {
            delimiter: Delimiter::byte(b';'),
            quote: Some(b'\''),
            escape: Some(b'\\'),
            escapes: Escapes::Any,
            trim: Trim::Unquoted,
            charset: "iso-8859-2".parse().unwrap(),
            comment: Some(b'#'),
            header: false,
        }),
        format_is_said: true,
        places: PlaceSettings {
            recursive: true,
            patterns: ["*.csv", "*.gz"].map(|pattern| glob::Pattern::new(pattern).unwrap()).to_vec(),
            files_from: Some("list".into()),
            hidden: Hidden::new(),
        },
        compression: CompressionChoice::Zstd,
        nulls: ["NIL", "NULL", "N/A"].map(str::to_owned).to_vec(),
        null_as: NullAs::Tombstone,
        columns: Some(["id", "a,b"].map(str::to_owned).to_vec()),
        map: Some(map),
        query: None,
        allow_missing_columns: true,
        allow_unknown_columns: true,
        jagged: Jagged { missing: true, extra: true },
        skip: 3,
        limit: Some(5),
        max_record_bytes: 256 << 20,
        codec: CodecOptions { rounding: Rounding::Truncate, forms: None },
        remote: RemoteSettings {
            split: true,
            timeout: Duration::from_secs(300),
            s3: S3Settings {
                endpoint: Some("http://minio:9000".to_owned()),
                region: Some("eu".to_owned()),
                virtual_host: true,
                anonymous: true,
            },
        },
        dialect_choice: DialectChoice::Auto,
        said: Said { delimiter: true, quote: true, escape: true, header: true },
    };
    assert_eq!(settings.input, input);
    let writing = WritingSettings {
        workers: Some(0),
        threads: NonZeroUsize::new(3),
        in_flight: NonZeroUsize::new(7).unwrap(),
        session_starts: NonZeroUsize::new(1).unwrap(),
        unit_bytes: Some(8 << 20),
        timestamp: TimestampMode::Fixed(1_700_000_000_000_000),
        ttl: Some(TtlMode::Seconds(3_600)),
        retry_for: Duration::ZERO,
        connections: NonZeroUsize::new(3),
        batch: BatchMode::Replica,
        window: Some(Window::Rows(1_000)),
    };
    assert_eq!(settings.writing, writing);
    assert_eq!(settings.max_errors, ErrorBudget::Percent(2.5));
    assert_eq!(settings.rejects_dir, Path::new("out/shop.orders-20260304T050607Z-00004711"));
    let watching = WatchingSettings {
        progress: ProgressMode::Json,
        quiet: true,
        summary: Some("s.json".into()),
        log: Some(LogSettings { file: "l".into(), format: LogFormat::Json }),
        metrics: Some("127.0.0.1:9100".to_owned()),
    };
    assert_eq!(settings.watching, watching);
    assert!(settings.dry_run);
}

#[test]
fn a_check_is_a_dry_run_of_a_load() {
    let same = |arguments: &str| {
        let arguments = format!("-t shop.orders a.csv {arguments}");
        let dry_run = load(&format!("{arguments} --dry-run"), &FakeWorld::new()).unwrap();
        assert_eq!(check(&arguments, &FakeWorld::new()).unwrap(), dry_run, "{arguments}");
    };
    same("");
    same(
        "--workers 2 --threads 3 --unit-size 8MiB --max-errors 5% --rejects out --rate 60000 --summary s.json",
    );
    same(
        "--format csv --delimiter ; --null N/A --columns a,b --no-header --allow-missing-columns --max-record-size 1MiB",
    );
    same(
        "--hosts db1 --datacenter d --tls --tls-insecure --consistency ONE --progress json --connect-timeout 3s",
    );
}

#[test]
fn a_schema_file_gives_the_table_and_no_password_is_asked_for() {
    let world = || {
        FakeWorld::new()
            .file("one.cql", "USE shop; CREATE TABLE orders (id int PRIMARY KEY, note list<text>)")
            .file("two.cql", "CREATE TABLE shop.orders (id text PRIMARY KEY); CREATE TABLE shop.items (id int PRIMARY KEY)")
            .file("none.cql", "CREATE TABLE orders (id int PRIMARY KEY)")
    };
    let read = |arguments: &str| {
        let settings = check(&format!("a.csv {arguments}"), &world()).unwrap().settings;
        let schema = settings.schema.unwrap();
        assert_eq!(schema.name, settings.table);
        (settings.table.to_string(), schema.columns[0].cql_type.clone(), settings.rejects_dir)
    };
    let dir = |table: &str| Path::new("ringload-rejects").join(format!("{table}-20260304T050607Z-00004711"));
    assert_eq!(read("--schema one.cql"), ("shop.orders".to_owned(), CqlType::Int, dir("shop.orders")));
    assert_eq!(
        read("--schema two.cql -t shop.items"),
        ("shop.items".to_owned(), CqlType::Int, dir("shop.items"))
    );
    assert_eq!(read("--schema none.cql -t ks.orders").0, "ks.orders");
    // Without a terminal the question itself would be an error.
    let resolved =
        check("--schema one.cql --user u a.csv", &world().variable("RINGLOAD_PASSWORD", "x")).unwrap();
    assert_eq!((resolved.settings.connection.credentials, resolved.warnings), (None, Vec::new()));
    assert!(check("--schema one.cql --user u a.csv", &world()).is_ok());
    let dry_run = load("--schema one.cql --dry-run a.csv", &world()).unwrap().settings;
    assert!(dry_run.schema.is_some());
    let refused = |arguments: &str, expected: &str| {
        let line = check(&format!("a.csv {arguments}"), &world()).unwrap_err().to_string();
        assert!(line.starts_with(expected), "{line}");
    };
    refused(
        "--schema two.cql",
        "two.cql: there are several tables (shop.orders, shop.items): choose one with -t",
    );
    refused(
        "--schema two.cql -t a.b",
        "two.cql: there is no CREATE TABLE a.b (there are shop.items, shop.orders)",
    );
    refused("--schema none.cql", "none.cql:1:14: orders has no keyspace: ");
    refused("--schema gone.cql", "cannot read the schema file gone.cql: ");
}

#[test]
fn what_only_a_check_can_do_is_refused_of_a_load_and_what_a_check_needs_is_said() {
    let world = FakeWorld::new().file("s.cql", "CREATE TABLE shop.orders (id int PRIMARY KEY)");
    let refused =
        |arguments: &str, expected: &str| assert_eq!(refusal(arguments, &world), expected, "{arguments}");
    refused(
        "--schema s.cql",
        "--schema without --dry-run: a load takes the table from its cluster; leave it out, or add --dry-run",
    );
    refused(
        "--rate 5",
        "--rate without --dry-run: it only estimates and slows no load down; leave it out, or add --dry-run",
    );
    refused("--dry-run --rate 0", "--rate '0': must be a whole number from 1 to 1000000000");
    refused("--dry-run --rate 60k", "--rate '60k': must be a whole number from 1 to 1000000000");
    assert_eq!(settings("--dry-run --rate 60000", &world).estimate_rate, NonZeroUsize::new(60_000));
    assert_eq!(
        check("a.csv", &world).unwrap_err().to_string(),
        "--table is missing: give -t KEYSPACE.TABLE, or --schema FILE.cql where there is no cluster"
    );
    let unknown = check("-t a.b a.csv --in-flight 5", &world).unwrap_err().to_string();
    assert!(unknown.starts_with("unexpected argument '--in-flight' found"), "{unknown}");
}

#[test]
fn values_that_make_no_sense_are_refused_in_one_line() {
    let check = |arguments: &str, expected: &str| {
        assert_eq!(refusal(arguments, &FakeWorld::new()), expected, "{arguments}");
    };
    check("--hosts db1,", "--hosts '': names no host: write HOST or HOST:PORT");
    check("--hosts=", "--hosts '': names no host: write HOST or HOST:PORT");
    check("--datacenter=", "--datacenter '': is empty: name it, or leave the option out");
    check("--user=", "--user '': is empty: name the user, or leave the option out");
    check("--connect-timeout 0s", "--connect-timeout '0s': must be longer than 0, for example 30s");
    check("--request-timeout 30", "--request-timeout '30': has no unit: write 30s, 30m or 30h");
    check(
        "--address-map 10.0.0.1=::1,10.0.0.1:9042=::2",
        "--address-map '10.0.0.1:9042=::2': 10.0.0.1:9042 is mapped twice",
    );
    check(
        "--delimiter 123456789",
        "--delimiter '123456789': must be at most 8 bytes in UTF-8 and is 9, or tab",
    );
    check("--delimiter \\x00", "--delimiter '\\x00': must not hold a line end or NUL");
    check("--quote ||", "--quote '||': must be one character, or tab; or none");
    check("--columns id,,name", "--columns 'id,,name': a name is empty");
    check("--columns id,id", "--columns 'id,id': 'id' stands there twice");
    check(
        "--encoding klingon",
        "--encoding 'klingon': is no encoding: name one as browsers do, for example windows-1252, utf-16le, shift_jis or koi8-r",
    );
    check("--delimiter Ł --encoding latin1", "--delimiter 'Ł': cannot be written in windows-1252");
    check("--skip -1", "--skip '-1': must be a whole number from 0");
    check("--limit 0", "--limit '0': must be a whole number from 1");
    check("--max-record-size 257MiB", "--max-record-size '257MiB': must be from 1 B to 256.0 MiB");
    check("--unit-size 1023", "--unit-size '1023': must be from 1.0 KiB to 16.0 GiB");
    check("--unit-size 17GiB", "--unit-size '17GiB': must be from 1.0 KiB to 16.0 GiB");
    check("--workers -1", "--workers '-1': must be a whole number from 0 to 256");
    check("--threads 0", "--threads '0': must be a whole number from 1 to 1024");
    check("--in-flight 0", "--in-flight '0': must be a whole number from 1 to 65536");
    check("--connections 0", "--connections '0': must be a whole number from 1 to 64");
    check("--window 0", "--window '0': must be a whole number from 1 to 100000000");
    check("--window 300MiB", "--window '300MiB': must be from 256.0 KiB to 256.0 MiB");
    check("--window many", "--window 'many': is neither rows nor a size: write for example 100000 or 32MiB");
    check("--session-starts 0", "--session-starts '0': must be a whole number from 1 to 256");
    check("--timestamp -5", "--timestamp '-5': must not be before 1970");
    check(
        "--max-errors 101%",
        "--max-errors '101%': must be a count from 0, for example 100, or a share from 0% to 100%",
    );
}

#[test]
fn options_that_do_not_go_together_are_refused_in_one_line() {
    let check = |arguments: &str, expected: &str| {
        assert_eq!(refusal(arguments, &FakeWorld::new()), expected, "{arguments}");
    };
    for option in ["--tls-ca x", "--tls-cert x", "--tls-key x", "--tls-server-name x", "--tls-insecure"] {
        let name = option.split(' ').next().unwrap();
        check(option, &format!("{name} without --tls: the connection would not be encrypted; add --tls"));
    }
    check("--tls --tls-cert c", "--tls-cert without --tls-key: a client certificate needs its private key");
    check("--tls --tls-key k", "--tls-key without --tls-cert: a private key needs its certificate chain");
    check(
        "--tls --tls-insecure --tls-server-name x",
        "--tls-insecure checks no name, --tls-server-name says which to check: give one of the two",
    );
    check(
        "--tls --tls-insecure --tls-ca x",
        "--tls-insecure checks no certificate, --tls-ca says how to check it: give one of the two",
    );
    check("--tls --tls-server-name a_b:c", "--tls-server-name 'a_b:c': is no host name or IP address");
    check("--password-file pw", "--password-file without --user: add --user NAME");
    check(
        "--no-header",
        "--no-header without --columns: say which column each field belongs to, for example --columns id,name",
    );
    check(
        "--quote none --escape \\",
        "--escape with --quote none: an escape stands before quotes in quoted fields; leave it out, or add --escapes any",
    );
    check(
        "--escape \\ --escapes any --null NULL,\\N",
        "--null \\N holds the escape character, which is no part of the text with --escapes any: leave it out of --null",
    );
    check(
        "--escapes any",
        "--escapes without --escape: say which character it is, for example --escape '\\'",
    );
    check(
        "--delimiter |'| --quote '",
        "--quote '\\'' is a part of --delimiter: each needs characters of its own",
    );
    check(
        "--escape \"",
        "--escape is the same as --quote: doubled quotes are always understood; leave --escape out",
    );
    check("--delimiter \"", "--delimiter and --quote are both '\\\"': each needs a character of its own");
    check(
        "--delimiter tab --comment \\t",
        "--delimiter and --comment are both '\\t': each needs a character of its own",
    );
    check("--escape # --comment #", "--escape and --comment are both '#': each needs a character of its own");
}

#[test]
fn a_log_has_a_file_and_has_it_for_itself() {
    let check = |arguments: &str, expected: &str| {
        assert_eq!(refusal(arguments, &FakeWorld::new()), expected, "{arguments}");
    };
    check("--log-format json", "--log-format without --log-file: add --log-file FILE");
    check("--log-file a.csv", "--log-file a.csv is also an input: give the log a file of its own");
    check(
        "--log-file s --summary s",
        "--log-file s is also the file of --summary: give the log a file of its own",
    );
    check("--metrics-listen x", "--metrics-listen 'x': names no port: write PORT, HOST:PORT or [::1]:PORT");
    // A file is for many runs, some of which may have no log.
    let world = FakeWorld::new().file("r.toml", "log-format = 'json'");
    assert_eq!(settings("--config r.toml", &world).watching.log, None);
}

#[test]
fn a_log_is_not_opened_where_it_would_do_harm() {
    let check = |arguments: &str, expected: bool| {
        let argv = format!("ringload load a.csv {arguments}");
        let parsed = crate::cli::parse(argv.split(' ').map(Into::into), &FakeWorld::new()).unwrap();
        let crate::cli::Command::Load(args) = parsed.command else { panic!("not a load") };
        let watching = args.watching.settings(&args.target.files);
        assert_eq!(watching.log.is_some(), expected, "{arguments}");
    };
    check("--log-file l --summary s", true);
    check("--log-file a.csv", false);
    check("--log-file s --summary s", false);
}

#[test]
fn a_dialect_without_quotes_or_with_a_tab_is_understood() {
    let check = |arguments: &str, delimiter: u8, quote: Option<u8>| {
        let format = settings(arguments, &FakeWorld::new()).input.format;
        let dialect = format.dialect().unwrap();
        assert_eq!((dialect.delimiter, dialect.quote), (Delimiter::byte(delimiter), quote), "{arguments}");
    };
    check("--delimiter tab", b'\t', Some(b'"'));
    check("--delimiter \\t --quote none", b'\t', None);
    check("--delimiter | --escape none --comment none", b'|', Some(b'"'));
}

#[test]
fn the_password_comes_from_file_variable_or_prompt_and_a_named_file_first() {
    let check = |arguments: &str, world: FakeWorld, expected: &str| {
        let credentials = settings(arguments, &world).connection.credentials.unwrap();
        assert_eq!(credentials.password.expose(), expected, "{arguments}");
    };
    let world = || FakeWorld::new().file("pw", "of file\r\n").variable("RINGLOAD_PASSWORD", "of variable");
    check("--user u --password-file pw", world(), "of file");
    check("--user u", world(), "of variable");
    check("--user u", FakeWorld::new().typing("typed"), "typed");
    check("--user u", world().variable("RINGLOAD_PASSWORD", "").typing("typed"), "typed");
    // The environment comes before the configuration file here too.
    let config = "user = 'u'\npassword-file = 'pw'";
    check("--config r.toml", world().file("r.toml", config), "of variable");
    check("--config r.toml", FakeWorld::new().file("pw", "of file").file("r.toml", config), "of file");
    check("--user u", world().variable("RINGLOAD_PASSWORD_FILE", "pw"), "of file");
}

#[test]
fn a_password_that_cannot_be_had_is_refused_with_the_way_out() {
    let check = |arguments: &str, world: FakeWorld, expected: &str| {
        let line = refusal(arguments, &world);
        assert!(line.starts_with(expected), "{line}");
    };
    check("--user u --password-file pw", FakeWorld::new(), "cannot read the password file pw: ");
    check(
        "--user u --password-file pw",
        FakeWorld::new().file("pw", "\nsecond"),
        "the first line of the password file pw is empty: write the password there",
    );
    check("--user u", FakeWorld::new(), "--user u needs a password and there is no terminal to ask for it (");
    check("--user u", FakeWorld::new().typing(""), "the password for --user u is empty: ");
}

#[test]
fn nobody_is_asked_for_a_password_before_the_rest_is_right() {
    // Without a terminal the question itself would be the error.
    assert_eq!(
        refusal("--user u --max-errors x", &FakeWorld::new()),
        "--max-errors 'x': must be a count from 0, for example 100, or a share from 0% to 100%"
    );
}

#[test]
fn what_is_risky_is_warned_of() {
    let check = |arguments: &str, world: FakeWorld, expected: &[&str]| {
        let warnings = load(&format!("-t shop.orders a.csv {arguments}"), &world).unwrap().warnings;
        assert_eq!(warnings, expected, "{arguments}");
    };
    check("", FakeWorld::new(), &[]);
    check(
        "--tls --tls-insecure",
        FakeWorld::new(),
        &[
            "--tls-insecure: the nodes' certificates are NOT checked; anyone between here and the cluster can read and \
           change what is sent, the password included",
        ],
    );
    check(
        "--user u --password-file pw",
        FakeWorld::new().open_file("pw", "x"),
        &["others than you may read the password file pw: run chmod 600 pw"],
    );
    check(
        "",
        FakeWorld::new().variable("RINGLOAD_PASSWORD", "x"),
        &["RINGLOAD_PASSWORD is not used: there is no --user"],
    );
    check(
        "--timestamp 1900000000000000",
        FakeWorld::new(),
        &[
            "--timestamp 1900000000000000 lies in the future: what others write or delete before that time stays hidden",
        ],
    );
}

#[test]
fn a_password_is_in_no_debug_output() {
    let world = FakeWorld::new().file("pw", "s3cret");
    let resolved = load("-t a.b c.csv --user u --password-file pw", &world).unwrap();
    let shown = format!("{resolved:?}");
    assert!(shown.contains("Secret(..)") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn the_rejects_directory_is_plain_whatever_the_table_is_called() {
    let table = TableName { keyspace: "Ks".to_owned(), table: "../My.T\u{e4}ble/".to_owned() };
    let now = "2026-12-31T23:59:59.999Z".parse().unwrap();
    assert_eq!(run_name(&table, now, 7), "Ks.___My_T_ble_-20261231T235959Z-00000007");
}

#[test]
fn the_ledger_is_where_programs_keep_their_state_unless_another_place_is_asked_for() {
    let check = |options: &str, world: FakeWorld, expected: &str| {
        let job = settings(options, &world).job.unwrap();
        assert_eq!(job.state_dir, Path::new(expected), "{options}");
    };
    let world = || FakeWorld::new();
    check("", world(), "/home/loader/.local/state/ringload");
    check("", world().variable("XDG_STATE_HOME", "/state"), "/state/ringload");
    check("", world().variable("XDG_STATE_HOME", "relative"), "/home/loader/.local/state/ringload");
    check("--state-dir here", world().variable("XDG_STATE_HOME", "/state"), "here");
    check("", world().variable("RINGLOAD_STATE_DIR", "/there"), "/there");
    let homeless = refusal("", &world().variable("HOME", ""));
    assert!(homeless.contains("--state-dir is missing"), "{homeless}");
    assert_eq!(settings("--dry-run", &world().variable("HOME", "")).job, None, "it remembers nothing");
}

#[test]
fn what_a_run_does_with_an_earlier_one_is_one_thing_at_a_time() {
    let check = |options: &str, expected: Rerun| {
        assert_eq!(settings(options, &FakeWorld::new()).job.unwrap().rerun, expected, "{options}");
    };
    check("", Rerun::Continue);
    check("--restart", Rerun::Restart);
    check("--again", Rerun::Again);
    let both = refusal("--restart --again", &FakeWorld::new());
    assert!(both.contains("give one of them"), "{both}");
}

#[test]
fn a_job_has_a_name_that_can_be_shown() {
    let named = settings("--job nightly --fingerprint FULL", &FakeWorld::new()).job.unwrap();
    assert_eq!((named.name.as_deref(), named.fingerprint), (Some("nightly"), FingerprintKind::Full));
    for wrong in ["--job=", "--job=a\u{7}b"] {
        let said = refusal(wrong, &FakeWorld::new());
        assert!(said.contains("must be 1 to 200 bytes"), "{said}");
    }
}

#[test]
fn a_verification_has_the_settings_of_the_load_and_its_own() {
    let world = FakeWorld::new();
    let plain = verify("", &world).unwrap();
    let dir = Path::new("ringload-differences/shop.orders-20260304T050607Z-00004711-verify");
    let read_back = ReadBackSettings {
        sample: Sample::ALL,
        differences_dir: dir.into(),
        max_errors: ErrorBudget::Count(u64::MAX),
    };
    let expected = LoadSettings {
        max_errors: read_back.max_errors,
        rejects_dir: dir.into(),
        read_back: Some(read_back),
        ..settings("", &world)
    };
    assert_eq!(plain, expected);

    let arguments = "--sample 0.5% --differences out --max-errors 3% --job nightly --state-dir st --delimiter ; --in-flight 9 \
                     --workers 2 --consistency each_quorum --retry-for 5s";
    let full = verify(arguments, &world).unwrap();
    let read_back = full.read_back.unwrap();
    assert_eq!((read_back.sample, read_back.max_errors), (Sample::percent(0.5).unwrap(), full.max_errors));
    assert_eq!(full.max_errors, ErrorBudget::Percent(3.0));
    assert!(full.rejects_dir.starts_with("out") && full.rejects_dir == read_back.differences_dir);
    let job = full.job.unwrap();
    assert_eq!((job.name.as_deref(), job.state_dir.as_path()), (Some("nightly"), Path::new("st")));
    assert_eq!(
        (full.input.format.dialect().unwrap().delimiter, full.writing.in_flight.get()),
        (Delimiter::byte(b';'), 9)
    );
    assert_eq!((full.writing.workers, full.writing.retry_for), (Some(2), Duration::from_secs(5)));
    assert_eq!(full.connection.consistency, ConsistencyLevel::EachQuorum);
    assert!(verify("--timestamp now", &world).is_err(), "the ledger knows the write times");
}

#[test]
fn a_load_that_verifies_bears_any_number_of_findings_and_its_own_number_of_rejects() {
    let world = FakeWorld::new();
    let load = settings("--verify --sample 10% --max-errors 5 --differences d --rejects d", &world);
    let read_back = load.read_back.unwrap();
    assert_eq!(
        (load.max_errors, read_back.max_errors),
        (ErrorBudget::Count(5), ErrorBudget::Count(u64::MAX))
    );
    assert_eq!(read_back.sample, Sample::percent(10.0).unwrap());
    assert_ne!(load.rejects_dir, read_back.differences_dir);
    assert_eq!(settings("", &world).read_back, None);
}

#[test]
fn a_statement_of_ones_own_says_its_table() {
    // What is typed here is cut at its spaces.
    let query = "--query UPDATE/**/ks.t/**/SET/**/v=:v/**/WHERE/**/id=:id a.csv";
    let settings = load(query, &FakeWorld::new()).unwrap().settings;
    assert_eq!(settings.table, TableName { keyspace: "ks".to_owned(), table: "t".to_owned() });
    assert_eq!(settings.input.query.map(|query| query.markers.len()), Some(2));
}

#[test]
fn options_of_a_verification_are_for_loads_that_verify() {
    let check = |arguments: &str, expected: &str| {
        let said = refusal(arguments, &FakeWorld::new());
        assert!(said.contains(expected), "{said}");
    };
    check("--sample 10%", "--sample without --verify");
    check("--differences d", "--differences without --verify");
    check("--verify --dry-run", "--verify with --dry-run");
    check("--verify --sample 10", "must be a share from 0.0001% to 100%");
    check("--verify --consistency ANY", "nothing can be read back with it");
    // The environment is for all commands.
    let world = FakeWorld::new().variable("RINGLOAD_SAMPLE", "10%");
    assert_eq!(settings("", &world).read_back, None);
    assert!(settings("--verify", &world).read_back.is_some_and(|read_back| !read_back.sample.is_all()));
}

#[test]
fn what_a_url_hides_is_in_no_input_and_a_url_that_names_nothing_is_refused_without_it() {
    let settings =
        settings("https://joe:s3cret@host/b.csv?X-Amz-Signature=s3cret s3://bucket/in/", &FakeWorld::new());
    assert_eq!(settings.inputs, ["a.csv", "https://host/b.csv?...", "s3://bucket/in/"].map(Path::new));
    assert!(!format!("{settings:?}").contains("s3cret"));
    let hidden = settings.input.places.hidden.values().map(Secret::expose).collect::<Vec<_>>();
    assert_eq!(hidden, ["https://joe:s3cret@host/b.csv?X-Amz-Signature=s3cret"]);
    let said = refusal("https://joe:s3cret@host:99999/b.csv?s3cret", &FakeWorld::new());
    assert!(said.contains("https://host:99999/b.csv") && !said.contains("s3cret"), "{said}");
    let said = refusal("--s3-endpoint https://joe:s3cret@minio", &FakeWorld::new());
    assert!(said.contains("--s3-endpoint") && !said.contains("s3cret"), "{said}");
}
