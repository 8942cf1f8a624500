//! The command line as a user meets it: argument vectors, variables and files in, settings or one error line out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

use jiff::Timestamp;

use super::world::SmallFile;
use super::*;
use crate::settings::*;

/// A world in memory.
#[derive(Default)]
pub(super) struct FakeWorld {
    variables: BTreeMap<String, OsString>,
    files: BTreeMap<String, (String, bool)>,
    typed_password: Option<String>,
}

impl FakeWorld {
    pub(super) fn new() -> Self {
        FakeWorld::default().variable("HOME", "/home/loader")
    }

    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), (text.to_owned(), false));
        self
    }

    pub(super) fn open_file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), (text.to_owned(), true));
        self
    }

    pub(super) fn typing(mut self, password: &str) -> Self {
        self.typed_password = Some(password.to_owned());
        self
    }
}

impl World for FakeWorld {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.variables.get(name).cloned()
    }

    fn variable_names(&self) -> Vec<String> {
        self.variables.keys().cloned().collect()
    }

    fn small_file(&self, path: &Path, _: u64) -> io::Result<SmallFile> {
        let found = path.to_str().and_then(|path| self.files.get(path));
        let (text, open_to_others) = found.ok_or(io::ErrorKind::NotFound)?;
        Ok(SmallFile { bytes: text.clone().into_bytes(), open_to_others: *open_to_others })
    }

    fn ask_password(&self, prompt: &str) -> io::Result<String> {
        assert!(prompt.ends_with(": "), "{prompt}");
        self.typed_password.clone().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn now(&self) -> Timestamp {
        "2026-03-04T05:06:07.89Z".parse().unwrap()
    }

    fn nonce(&self) -> u32 {
        0x4711
    }
}

/// What `ringload COMMAND` makes of `arguments`, which are split at spaces.
fn run(command: &str, arguments: &str, world: &FakeWorld) -> Result<Resolved, UsageError> {
    let argv = ["ringload", command].into_iter().chain(arguments.split_whitespace());
    match parse(argv.map(OsString::from), world) {
        Ok(Cli { command: Command::Load(args) }) => resolve(&args, world),
        Ok(Cli { command: Command::Check(args) }) => resolve_check(&args, world),
        Ok(other) => panic!("neither load nor check: {other:?}"),
        Err(ParseStop::Usage(error)) => Err(error),
        Err(ParseStop::Shown { text, .. }) => panic!("shown: {text}"),
    }
}

/// What `ringload load` makes of `arguments`.
pub(super) fn load(arguments: &str, world: &FakeWorld) -> Result<Resolved, UsageError> {
    run("load", arguments, world)
}

/// What `ringload check` makes of `arguments`.
pub(super) fn check(arguments: &str, world: &FakeWorld) -> Result<Resolved, UsageError> {
    run("check", arguments, world)
}

/// What `ringload verify` makes of `arguments` with a table and a file before them.
pub(super) fn verify(arguments: &str, world: &FakeWorld) -> Result<LoadSettings, UsageError> {
    let arguments = format!("-t shop.orders a.csv {arguments}");
    let argv = ["ringload", "verify"].into_iter().chain(arguments.split_whitespace());
    match parse(argv.map(OsString::from), world) {
        Ok(Cli { command: Command::Verify(args) }) => {
            resolve_verify(&args, world).map(|resolved| resolved.settings)
        }
        Ok(other) => panic!("not a verification: {other:?}"),
        Err(ParseStop::Usage(error)) => Err(error),
        Err(ParseStop::Shown { text, .. }) => panic!("shown: {text}"),
    }
}

/// The settings of `arguments` with a table and a file before them.
pub(super) fn settings(arguments: &str, world: &FakeWorld) -> LoadSettings {
    let arguments = format!("-t shop.orders a.csv {arguments}");
    load(&arguments, world).unwrap_or_else(|error| panic!("{arguments}: {error}")).settings
}

/// The error line of `arguments` with a table and a file before them.
pub(super) fn refusal(arguments: &str, world: &FakeWorld) -> String {
    load(&format!("-t shop.orders a.csv {arguments}"), world).unwrap_err().to_string()
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    definition().debug_assert();
}

#[test]
fn an_option_is_of_the_same_kind_in_every_command() {
    let mut kinds = BTreeMap::new();
    for option in layers::commands().into_iter().flat_map(|command| command.options) {
        let before = *kinds.entry(option.long.clone()).or_insert(option.kind);
        assert_eq!(before, option.kind, "{}", option.long);
    }
}

#[test]
fn the_command_line_comes_before_the_environment_before_the_file_before_the_default() {
    let check = |arguments: &str, variable: &str, file: &str, expected: u64| {
        let world = FakeWorld::new().variable("RINGLOAD_MAX_ERRORS", variable).file("r.toml", file);
        let settings = settings(&format!("--config r.toml {arguments}"), &world);
        assert_eq!(settings.max_errors, ErrorBudget::Count(expected), "{arguments} {variable} {file}");
    };
    let file = "max-errors = 3";
    check("--max-errors 1", "2", file, 1);
    check("--max-errors=1", "", file, 1);
    check("", "2", file, 2);
    check("", "", file, 3);
    check("", "", "", 100);
    // The default said aloud is a value like any other.
    check("--max-errors 100", "2", file, 100);
}

#[test]
fn lists_of_one_layer_replace_those_of_the_next() {
    let check = |arguments: &str, variable: &str, file: &str, expected: &[&str]| {
        let world = FakeWorld::new().variable("RINGLOAD_HOSTS", variable).file("r.toml", file);
        let settings = settings(&format!("--config r.toml {arguments}"), &world);
        assert_eq!(settings.connection.hosts, expected, "{arguments} {variable} {file}");
    };
    let file = "hosts = ['e', 'f:1']";
    check("--hosts a,b --hosts ::1", "c", file, &["a:9042", "b:9042", "[::1]:9042"]);
    check("", "c,d", file, &["c:9042", "d:9042"]);
    check("", "", file, &["e:9042", "f:1"]);
    check("", "", "hosts = 'g,h'", &["g:9042", "h:9042"]);
    check("", "", "", &["127.0.0.1:9042"]);
}

#[test]
fn flags_come_from_the_environment_and_the_file_and_the_environment_can_unset_them() {
    let check = |variable: &str, file: &str, expected: bool| {
        let world = FakeWorld::new().variable("RINGLOAD_DRY_RUN", variable).file("r.toml", file);
        assert_eq!(settings("--config r.toml", &world).dry_run, expected, "{variable} {file}");
    };
    check("", "", false);
    check("1", "", true);
    check("True", "", true);
    check("", "[load]\ndry-run = true", true);
    check("", "dry-run = false", false);
    check("no", "dry-run = true", false);
    let world = FakeWorld::new().variable("RINGLOAD_DRY_RUN", "maybe");
    assert_eq!(
        refusal("", &world),
        "invalid value 'maybe' for '--dry-run[=<BOOL>]': is neither true nor false (from RINGLOAD_DRY_RUN)"
    );
}

#[test]
fn the_command_line_takes_back_a_flag_of_another_layer() {
    let check = |arguments: &str, expected: bool| {
        let file = "dry-run = true";
        let world = FakeWorld::new().variable("RINGLOAD_DRY_RUN", "true").file("r.toml", file);
        let arguments = format!("--config r.toml {arguments} b.csv");
        let settings = settings(&arguments, &world);
        // What follows a flag is a file, unless it stands behind an equals sign.
        assert_eq!((settings.dry_run, settings.inputs.len()), (expected, 2), "{arguments}");
    };
    check("", true);
    check("--dry-run", true);
    check("--dry-run=false", false);
    check("--dry-run=OFF", false);
    assert!(settings("--dry-run=yes", &FakeWorld::new()).dry_run);
    assert_eq!(
        refusal("--dry-run=", &FakeWorld::new()),
        "invalid value '' for '--dry-run[=<BOOL>]': is neither true nor false"
    );
}

#[test]
fn the_configuration_file_may_be_named_by_the_environment_and_give_everything() {
    let world = FakeWorld::new().variable("RINGLOAD_CONFIG", "r.toml").file(
        "r.toml",
        "table = 'shop.orders'\nfiles = ['-x.csv', 'b.csv']\n[load]\nnull = ['a,b', '\"', 'N/A']\nworkers = 0",
    );
    let settings = load("", &world).unwrap().settings;
    assert_eq!(settings.table.to_string(), "shop.orders");
    assert_eq!(settings.inputs, [Path::new("-x.csv"), Path::new("b.csv")]);
    assert_eq!(settings.input.nulls, ["a,b", "\"", "N/A"]);
    assert_eq!(settings.writing.workers, Some(0));
    // Files on the command line replace those of the file.
    assert_eq!(load("-- -c.csv", &world).unwrap().settings.inputs, [Path::new("-c.csv")]);
}

#[test]
fn the_layers_of_one_command_do_not_reach_another() {
    let settings = |command: &str, variable: &str, file: &str| {
        let world = FakeWorld::new().variable(variable, "7").file("r.toml", file);
        run(command, "-t shop.orders --config r.toml", &world).unwrap().settings
    };
    let file = "files = ['a.csv']\nin-flight = 3\nworkers = 1\ntls = true\n[load]\nworkers = 2\nhosts = 'a'\n\
                [check]\nworkers = 3\nrate = 5\ntls = false\nfiles = ['b.csv']";
    let (load, check) = (settings("load", "X", file), settings("check", "X", file));
    assert_eq!((load.writing.workers, check.writing.workers), (Some(2), Some(3)));
    assert_eq!(
        (load.connection.hosts, check.connection.hosts),
        (vec!["a:9042".into()], vec!["127.0.0.1:9042".into()])
    );
    assert_eq!((load.connection.tls.is_some(), check.connection.tls.is_some()), (true, false));
    assert_eq!((load.inputs, check.inputs), (vec!["a.csv".into()], vec!["b.csv".into()]));
    assert_eq!((load.estimate_rate, check.estimate_rate), (None, NonZeroUsize::new(5)));
    // An option of a load only is no error for a check: not in the file, and not in the environment.
    assert_eq!((load.writing.in_flight.get(), check.writing.in_flight.get()), (3, 256));
    let files = "files = ['a.csv']";
    assert_eq!(settings("load", "RINGLOAD_IN_FLIGHT", files).writing.in_flight.get(), 7);
    assert_eq!(settings("check", "RINGLOAD_IN_FLIGHT", files).writing.in_flight.get(), 256);
    assert_eq!(settings("check", "RINGLOAD_WORKERS", file).writing.workers, Some(7));
}

#[test]
fn what_is_wrong_in_another_layer_is_said_with_its_place() {
    let check = |name: &str, value: &str, file: &str, expected: &str| {
        let world =
            FakeWorld::new().variable("RINGLOAD_CONFIG", "r.toml").variable(name, value).file("r.toml", file);
        assert_eq!(refusal("", &world), expected);
    };
    check(
        "RINGLOAD_WORKERS",
        "many",
        "",
        "--workers 'many' (from RINGLOAD_WORKERS): must be a whole number from 0 to 256",
    );
    check("X", "", "retry-for = 10", "--retry-for '10' (from r.toml): has no unit: write 10s, 10m or 10h");
    check(
        "RINGLOAD_PROGRESS",
        "loud",
        "",
        "invalid value 'loud' for '--progress <auto|bar|plain|json|none>'; [possible values: auto, bar, plain, json, \
         none] (from RINGLOAD_PROGRESS)",
    );
    check("X", "", "max_errors = 1", "r.toml: 'max_errors' is no option: did you mean 'max-errors'?");
    check(
        "X",
        "",
        "config = 'other.toml'",
        "r.toml: 'config' is no option: keys are the long options of ringload load --help",
    );
}

#[test]
fn a_configuration_file_that_cannot_be_read_is_named() {
    let line = refusal("--config gone.toml", &FakeWorld::new());
    assert!(line.starts_with("cannot read the configuration file gone.toml: "), "{line}");
}

#[test]
fn a_misspelled_variable_is_warned_of_and_a_foreign_one_is_not() {
    let world = FakeWorld::new().variable("RINGLOAD_HOST", "a").variable("RINGLOAD_DEMO_DIRECTORY", "b");
    assert_eq!(
        load("-t a.b c.csv", &world).unwrap().warnings,
        ["the variable RINGLOAD_HOST is ignored: did you mean RINGLOAD_HOSTS?"]
    );
}

#[test]
fn a_command_line_that_does_not_parse_is_refused_in_one_line() {
    let check = |arguments: &str, expected: &str| {
        assert_eq!(load(arguments, &FakeWorld::new()).unwrap_err().to_string(), expected, "{arguments}");
    };
    check("--host a", "unexpected argument '--host' found; a similar argument exists: '--hosts'");
    check(
        "--consistency most",
        "invalid value 'most' for '--consistency <LEVEL>'; [possible values: ANY, ONE, TWO, THREE, QUORUM, ALL, \
         LOCAL_QUORUM, EACH_QUORUM, LOCAL_ONE]",
    );
    check("--user", "a value is required for '--user <NAME>' but none was supplied");
    check("", "--table is missing: give -t KEYSPACE.TABLE");
    check("-t a.b", "the input is missing: name the files to load");
    check("a.csv", "--table is missing: give -t KEYSPACE.TABLE");
    check(
        "-t orders a.csv",
        "--table 'orders': names no keyspace: write KEYSPACE.TABLE, for example shop.orders",
    );
}

#[test]
fn help_and_version_go_to_standard_output_and_a_bare_command_shows_help_as_an_error() {
    let check = |argv: &[&str], code: u8, part: &str| {
        let stop = parse(argv.iter().map(OsString::from), &FakeWorld::new()).unwrap_err();
        let ParseStop::Shown { text, exit_code } = stop else { panic!("{argv:?}: {stop}") };
        assert_eq!(exit_code, code, "{argv:?}");
        assert!(text.contains(part), "{argv:?}: {text}");
    };
    check(&["ringload", "--version"], 0, env!("CARGO_PKG_VERSION"));
    check(&["ringload", "--help"], 0, "load");
    check(&["ringload", "load", "--help"], 0, "Exit codes:");
    check(&["ringload", "check", "--help"], 0, "Exit codes:");
    check(&["ringload"], 2, "Usage: ringload <COMMAND>");
}

#[test]
fn the_help_is_grouped_and_the_worker_is_hidden() {
    let mut command = definition();
    let top = command.render_help().to_string();
    assert!(!top.contains("\n  worker"), "{top}");
    let load = command.find_subcommand_mut("load").unwrap().render_long_help().to_string();
    let headings =
        ["Connecting:", "Input:", "Working:", "Writing:", "Safety:", "Watching:", "Examples:", "Exit codes:"];
    let places: Vec<usize> =
        headings.iter().map(|heading| load.find(heading).unwrap_or_else(|| panic!("{heading}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn the_man_page_and_the_completions_know_every_option() {
    let mut man_page = Vec::new();
    man(&mut man_page).unwrap();
    // A man page writes a hyphen as \-.
    let man_page = String::from_utf8(man_page).unwrap().replace("\\-", "-");
    let shells = [Shell::Bash, Shell::Zsh, Shell::Fish].map(|shell| {
        let mut text = Vec::new();
        completions(shell, &mut text).unwrap();
        (shell, String::from_utf8(text).unwrap())
    });
    for command in layers::commands() {
        let title = format!(".SH RINGLOAD {}\n", command.name.to_uppercase());
        let section = man_page.split_once(&title).unwrap_or_else(|| panic!("{title}")).1;
        let section = section.split("\n.SH ").next().unwrap();
        assert!(command.options.len() > 2, "{}: {}", command.name, command.options.len());
        for option in command.options {
            assert!(section.contains(&format!("--{}", option.long)), "man: {}", option.long);
            for (shell, text) in &shells {
                assert!(text.contains(&option.long), "{shell}: {}", option.long);
            }
        }
    }
    for text in shells.iter().map(|(_, text)| text).chain([&man_page]) {
        for hidden in ["Serve a coordinator", "ringload worker", "ringload__worker", "__worker"] {
            assert!(!text.contains(hidden), "hidden commands stay hidden: {text}");
        }
    }
    for part in [
        "ringload load [OPTIONS] --table <KEYSPACE.TABLE> <FILE>...",
        "ringload completions <SHELL>",
        ".SS CONNECTING",
        "Exit codes",
        "RINGLOAD_PASSWORD",
    ] {
        assert!(man_page.contains(part), "{part}");
    }
}

#[test]
fn a_writer_that_fails_is_an_error_and_no_panic() {
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    assert!(completions(Shell::Bash, &mut Closed).is_err());
    assert!(man(&mut Closed).is_err());
}
