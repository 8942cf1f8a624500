//! The file of `--config`: TOML whose keys are the long option names, at the top level for all commands or in a table of one
//! command, such as `[load]`. Pure: it is given the file's text. It knows the options' names and kinds, not their meaning.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::nearest::nearest;

/// The key that stands for the files on the command line.
const FILES: &str = "files";

/// Why a configuration file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not TOML.
    #[error("{}:{line}: {problem}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A key that is no option.
    #[error("{}: '{key}' is no option{of}: {hint}", path.display())]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: String,
        /// Of which command, as " of load", where it stands in the table of one.
        of: String,
        /// What may have been meant.
        hint: String,
    },
    /// A password in the file.
    #[error(
        "{}: a password must not stand in the configuration file: put it into a file of its own, name that with \
         password-file, and change the password if others could read it here",
        path.display()
    )]
    Password {
        /// Which file.
        path: PathBuf,
    },
    /// A value of the wrong kind.
    #[error("{}: '{key}' must be {expected}", path.display())]
    Kind {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: String,
        /// What it must be.
        expected: String,
    },
}

/// How many values an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OptionKind {
    /// None: it is there or not.
    Flag,
    /// One.
    One,
    /// Any number.
    List,
}

/// An option as the other layers need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OptionSpec {
    /// Its long name.
    pub(super) long: String,
    /// How many values it takes.
    pub(super) kind: OptionKind,
}

/// A command as the other layers need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandSpec {
    /// Its name, which is also that of its table.
    pub(super) name: String,
    /// Its options.
    pub(super) options: Vec<OptionSpec>,
}

/// What a file says of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// A flag's value.
    Flag(bool),
    /// An option's value as it would be typed.
    One(String),
    /// The items of a list.
    Items(Vec<String>),
}

/// What a configuration file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ConfigFile {
    /// Options by long name.
    pub(super) options: BTreeMap<String, Given>,
    /// The input files, for a command line without any.
    pub(super) files: Vec<PathBuf>,
}

/// Reads a configuration file's text for `command`. The tables of other commands are only checked, and so are the options at
/// the top that only other commands have.
pub(super) fn parse(
    path: &Path,
    text: &str,
    command: &str,
    commands: &[CommandSpec],
) -> Result<ConfigFile, ConfigError> {
    let mut top: Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        problem: error.message().replace('\n', "; "),
    })?;
    let mut own = ConfigFile::default();
    let mut tables = Vec::new();
    for spec in commands {
        match top.remove(&spec.name) {
            None => {}
            Some(Value::Table(table)) => tables.push((spec, table)),
            Some(_) => {
                return Err(ConfigError::Kind {
                    path: path.to_owned(),
                    key: spec.name.clone(),
                    expected: format!("a table: write [{}]", spec.name),
                });
            }
        }
    }
    let scope = Scope { path, commands, table: None };
    for (key, value) in top {
        scope.take(&mut own, &key, value)?;
    }
    for (spec, table) in tables {
        let scope = Scope { path, commands, table: Some(spec) };
        let mut ignored = ConfigFile::default();
        let into = if spec.name == command { &mut own } else { &mut ignored };
        for (key, value) in table {
            scope.take(into, &key, value)?;
        }
    }
    Ok(own)
}

/// A part of the file.
struct Scope<'a> {
    path: &'a Path,
    commands: &'a [CommandSpec],
    /// The command whose table it is; `None`: the top level.
    table: Option<&'a CommandSpec>,
}

impl<'a> Scope<'a> {
    /// The options that may stand here.
    fn options(&self) -> impl Iterator<Item = &'a OptionSpec> {
        let commands = self.table.map_or(self.commands, std::slice::from_ref);
        commands.iter().flat_map(|command| &command.options)
    }

    fn take(&self, config: &mut ConfigFile, key: &str, value: Value) -> Result<(), ConfigError> {
        let wrong = |expected: &str| ConfigError::Kind {
            path: self.path.to_owned(),
            key: key.to_owned(),
            expected: expected.to_owned(),
        };
        if key == "password" {
            return Err(ConfigError::Password { path: self.path.to_owned() });
        }
        if key == FILES {
            let Value::Array(items) = value else { return Err(wrong("an array of paths")) };
            let files: Option<Vec<PathBuf>> =
                items.iter().map(|item| item.as_str().map(PathBuf::from)).collect();
            config.files = files.ok_or_else(|| wrong("an array of paths"))?;
            return Ok(());
        }
        let Some(option) = self.options().find(|option| option.long == key) else {
            return Err(self.unknown(key));
        };
        let given = match (option.kind, value) {
            (OptionKind::Flag, Value::Boolean(set)) => Given::Flag(set),
            (OptionKind::Flag, _) => return Err(wrong("true or false")),
            (OptionKind::List, Value::Array(items)) => {
                let items: Option<Vec<String>> = items.iter().map(scalar).collect();
                Given::Items(items.ok_or_else(|| wrong("an array of strings"))?)
            }
            (OptionKind::List, Value::String(text)) => Given::One(text),
            (OptionKind::List, _) => return Err(wrong("an array of strings")),
            (OptionKind::One, value) => {
                Given::One(scalar(&value).ok_or_else(|| wrong("a string or a number"))?)
            }
        };
        config.options.insert(key.to_owned(), given);
        Ok(())
    }

    fn unknown(&self, key: &str) -> ConfigError {
        let options = self.options().map(|option| option.long.as_str()).chain([FILES]);
        let near = match self.table {
            Some(_) => nearest(key, options),
            None => nearest(key, options.chain(self.commands.iter().map(|command| command.name.as_str()))),
        };
        let hint = match (near, self.table) {
            (Some(near), _) => format!("did you mean '{near}'?"),
            (None, Some(table)) => format!("keys are the long options of ringload {} --help", table.name),
            (None, None) => "keys are the long options of ringload load --help".to_owned(),
        };
        let of = self.table.map_or_else(String::new, |table| format!(" of {}", table.name));
        ConfigError::UnknownKey { path: self.path.to_owned(), key: key.to_owned(), of, hint }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_for(command: &str, text: &str) -> Result<ConfigFile, ConfigError> {
        let option = |long: &str, kind| OptionSpec { long: long.to_owned(), kind };
        let spec = |name: &str, last| CommandSpec {
            name: name.to_owned(),
            options: vec![option("hosts", OptionKind::List), option("tls", OptionKind::Flag), last],
        };
        let commands = [
            spec("load", option("max-errors", OptionKind::One)),
            spec("check", option("rate", OptionKind::One)),
        ];
        parse(Path::new("r.toml"), text, command, &commands)
    }

    fn read(text: &str) -> Result<ConfigFile, ConfigError> {
        read_for("load", text)
    }

    #[test]
    fn keys_may_stand_at_the_top_or_in_load_and_load_comes_first() {
        let check = |text: &str, expected: &[(&str, Given)]| {
            let expected: BTreeMap<String, Given> =
                expected.iter().map(|(key, given)| ((*key).to_owned(), given.clone())).collect();
            assert_eq!(read(text).unwrap().options, expected, "{text}");
        };
        let one = |text: &str| Given::One(text.to_owned());
        check("", &[]);
        check("max-errors = 5", &[("max-errors", one("5"))]);
        check("max-errors = '5%'", &[("max-errors", one("5%"))]);
        check("max-errors = 0.5", &[("max-errors", one("0.5"))]);
        check("max-errors = 5\n[load]\nmax-errors = 6", &[("max-errors", one("6"))]);
        check("[load]\ntls = true", &[("tls", Given::Flag(true))]);
        check("hosts = 'a,b'", &[("hosts", one("a,b"))]);
        check("hosts = ['a', 'b']", &[("hosts", Given::Items(vec!["a".to_owned(), "b".to_owned()]))]);
    }

    #[test]
    fn the_top_is_for_all_commands_and_a_table_for_one() {
        let check = |text: &str, load: &[&str], check: &[&str]| {
            for (command, expected) in [("load", load), ("check", check)] {
                let options = read_for(command, text).unwrap().options;
                let values: Vec<String> = options
                    .into_iter()
                    .map(|(key, given)| match given {
                        Given::Flag(set) => format!("{key}={set}"),
                        Given::One(text) => format!("{key}={text}"),
                        Given::Items(items) => format!("{key}={items:?}"),
                    })
                    .collect();
                assert_eq!(values, expected, "{command}: {text}");
            }
        };
        check("hosts = 'a'", &["hosts=a"], &["hosts=a"]);
        check("[load]\nhosts = 'a'", &["hosts=a"], &[]);
        check("tls = true\n[check]\ntls = false\nrate = 5", &["tls=true"], &["rate=5", "tls=false"]);
        check("hosts = 'a'\n[load]\nhosts = 'b'\n[check]\nhosts = 'c'", &["hosts=b"], &["hosts=c"]);
    }

    #[test]
    fn files_are_taken_as_paths() {
        let files = read("files = ['a.csv', '-b.csv']").unwrap().files;
        assert_eq!(files, [PathBuf::from("a.csv"), PathBuf::from("-b.csv")]);
    }

    #[test]
    fn what_is_wrong_is_said_with_file_and_key() {
        let check = |text: &str, expected: &str| {
            assert_eq!(read(text).unwrap_err().to_string(), expected, "{text}");
        };
        check("host = ['a']", "r.toml: 'host' is no option: did you mean 'hosts'?");
        check("max_errors = 1", "r.toml: 'max_errors' is no option: did you mean 'max-errors'?");
        check(
            "banana = 1",
            "r.toml: 'banana' is no option: keys are the long options of ringload load --help",
        );
        check("[unload]\nx = 1", "r.toml: 'unload' is no option: did you mean 'load'?");
        check("tls = 'yes'", "r.toml: 'tls' must be true or false");
        check("hosts = 1", "r.toml: 'hosts' must be an array of strings");
        check("hosts = [['a']]", "r.toml: 'hosts' must be an array of strings");
        check("max-errors = [1]", "r.toml: 'max-errors' must be a string or a number");
        check("max-errors = true", "r.toml: 'max-errors' must be a string or a number");
        check("files = 'a.csv'", "r.toml: 'files' must be an array of paths");
        check("load = 1", "r.toml: 'load' must be a table: write [load]");
        check("check = 1", "r.toml: 'check' must be a table: write [check]");
        // What stands in another command's table is checked too.
        check("[check]\nrates = 1", "r.toml: 'rates' is no option of check: did you mean 'rate'?");
        check(
            "[check]\nmax-errors = 1",
            "r.toml: 'max-errors' is no option of check: keys are the long options of ringload check --help",
        );
        check(
            "[load]\nrate = 1",
            "r.toml: 'rate' is no option of load: keys are the long options of ringload load --help",
        );
        let password = read("[load]\npassword = 'pw1'").unwrap_err().to_string();
        assert!(password.contains("password-file") && !password.contains("pw1"), "{password}");
        let syntax = read("tls = true\nhosts = [").unwrap_err().to_string();
        assert!(syntax.starts_with("r.toml:2: ") && !syntax.contains('\n'), "{syntax}");
    }
}
