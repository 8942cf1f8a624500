//! The file of `--config`: TOML whose keys are the long option names, at the top level or in `[load]`. Pure: it is
//! given the file's text. It knows the options' names and kinds, not their meaning.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::nearest::nearest;

/// The key that stands for the files on the command line.
const FILES: &str = "files";

/// The table for the options of `load`; it comes before the top level.
const LOAD: &str = "load";

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
    #[error("{}: '{key}' is no option: {hint}", path.display())]
    UnknownKey {
        /// Which file.
        path: PathBuf,
        /// Which key.
        key: String,
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
        expected: &'static str,
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
    /// The files to load, for a command line without any.
    pub(super) files: Vec<PathBuf>,
}

/// Reads a configuration file's text.
pub(super) fn parse(path: &Path, text: &str, options: &[OptionSpec]) -> Result<ConfigFile, ConfigError> {
    let mut top: Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        problem: error.message().replace('\n', "; "),
    })?;
    let load = match top.remove(LOAD) {
        None => Table::new(),
        Some(Value::Table(load)) => load,
        Some(_) => {
            return Err(ConfigError::Kind {
                path: path.to_owned(),
                key: LOAD.to_owned(),
                expected: "a table: write [load]",
            });
        }
    };
    let mut config = ConfigFile::default();
    for (key, value) in top.into_iter().chain(load) {
        take(&mut config, path, &key, value, options)?;
    }
    Ok(config)
}

fn take(
    config: &mut ConfigFile,
    path: &Path,
    key: &str,
    value: Value,
    options: &[OptionSpec],
) -> Result<(), ConfigError> {
    let wrong = |expected| ConfigError::Kind { path: path.to_owned(), key: key.to_owned(), expected };
    if key == "password" {
        return Err(ConfigError::Password { path: path.to_owned() });
    }
    if key == FILES {
        let Value::Array(items) = value else { return Err(wrong("an array of paths")) };
        let files: Option<Vec<PathBuf>> = items.iter().map(|item| item.as_str().map(PathBuf::from)).collect();
        config.files = files.ok_or_else(|| wrong("an array of paths"))?;
        return Ok(());
    }
    let Some(option) = options.iter().find(|option| option.long == key) else {
        return Err(unknown(path, key, options));
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
        (OptionKind::One, value) => Given::One(scalar(&value).ok_or_else(|| wrong("a string or a number"))?),
    };
    config.options.insert(key.to_owned(), given);
    Ok(())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

fn unknown(path: &Path, key: &str, options: &[OptionSpec]) -> ConfigError {
    let known = options.iter().map(|option| option.long.as_str()).chain([FILES, LOAD]);
    let hint = match nearest(key, known) {
        Some(near) => format!("did you mean '{near}'?"),
        None => "keys are the long options of ringload load --help".to_owned(),
    };
    ConfigError::UnknownKey { path: path.to_owned(), key: key.to_owned(), hint }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Vec<OptionSpec> {
        let option = |long: &str, kind| OptionSpec { long: long.to_owned(), kind };
        vec![
            option("hosts", OptionKind::List),
            option("max-errors", OptionKind::One),
            option("tls", OptionKind::Flag),
        ]
    }

    fn read(text: &str) -> Result<ConfigFile, ConfigError> {
        parse(Path::new("r.toml"), text, &options())
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
        let password = read("[load]\npassword = 'pw1'").unwrap_err().to_string();
        assert!(password.contains("password-file") && !password.contains("pw1"), "{password}");
        let syntax = read("tls = true\nhosts = [").unwrap_err().to_string();
        assert!(syntax.starts_with("r.toml:2: ") && !syntax.contains('\n'), "{syntax}");
    }
}
