//! What can be wrong with a command line, one line each; all of it ends the process with exit code 2.

use std::path::PathBuf;

use super::config_file::ConfigError;
use super::secrets::SecretError;
use crate::schema::ddl::SchemaFileError;

/// Where an option's value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    CommandLine,
    /// This environment variable.
    Variable(String),
    /// This configuration file.
    File(PathBuf),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::CommandLine => Ok(()),
            Origin::Variable(name) => write!(f, " (from {name})"),
            Origin::File(path) => write!(f, " (from {})", path.display()),
        }
    }
}

/// Why a command line is refused.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// It does not parse.
    #[error("{0}")]
    CommandLine(String),
    /// Something that is needed is not there.
    #[error("{what} is missing: {hint}")]
    Missing {
        /// What.
        what: &'static str,
        /// How to give it.
        hint: &'static str,
    },
    /// An option's value is wrong.
    #[error("--{option} '{value}'{origin}: {problem}")]
    Value {
        /// The option's long name.
        option: String,
        /// What was typed.
        value: String,
        /// Where.
        origin: Origin,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Options that do not go together.
    #[error("{0}")]
    Combination(String),
    /// The configuration file is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The schema file is wrong.
    #[error(transparent)]
    Schema(#[from] SchemaFileError),
    /// The password cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Why parsing ends without a command to run.
#[derive(Debug, thiserror::Error)]
pub enum ParseStop {
    /// A text was asked for (help or version: exit code 0, to standard output) or nothing was (help: exit code 2, to
    /// standard error).
    #[error("{text}")]
    Shown {
        /// The text, line end included.
        text: String,
        /// The exit code to end with.
        exit_code: u8,
    },
    /// The command line is refused.
    #[error(transparent)]
    Usage(#[from] UsageError),
}
