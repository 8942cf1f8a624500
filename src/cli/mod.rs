//! What the user typed: commands and options, and how they become [`crate::settings`].
//!
//! `parse` lays the command line over the environment over the configuration file over the defaults, all as text;
//! `resolve` turns that text into validated settings. Both see the process only through `World`, and neither
//! prints, connects or opens an input file.

pub mod args;

mod check;
mod config_file;
mod error;
mod help;
mod jobs;
mod layers;
mod list;
mod load;
mod pages;
mod resolve;
mod schema;
mod secrets;
mod table_name;
mod value;
mod verify;
mod world;

use std::path::PathBuf;

use clap::{ArgAction, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use args::LayeringArgs;
pub use check::CheckArgs;
pub use config_file::ConfigError;
pub use error::{Origin, ParseStop, UsageError};
pub use jobs::{JobsAction, JobsArgs};
pub use layers::parse;
pub use load::LoadArgs;
pub use pages::{completions, man};
pub use resolve::{Resolved, resolve, resolve_check, resolve_jobs, resolve_schema, resolve_verify};
pub use schema::SchemaArgs;
pub use secrets::{PASSWORD_VARIABLE, SecretError};
pub use verify::VerifyArgs;
pub use world::{ProcessWorld, World};

/// The whole command line.
#[derive(Debug, Clone, Parser)]
#[command(name = "ringload", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Load CSV files into a table
    Load(Box<LoadArgs>),
    /// Read, parse and encode CSV files as a load would, but write nothing
    Check(Box<CheckArgs>),
    /// Read back what was loaded and compare it with the CSV files
    Verify(Box<VerifyArgs>),
    /// Propose a CREATE TABLE that fits CSV files
    Schema(Box<SchemaArgs>),
    /// Show what the ledger knows of jobs, and forget some
    Jobs(Box<JobsArgs>),
    /// Print the completions of a shell to standard output
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the man page to standard output
    Man,
    /// Serve a coordinator over standard input and output
    #[command(hide = true)]
    Worker,
}

impl Command {
    /// Where the layers below the command line leave what they know; `None` for commands that have none.
    fn layered(&mut self) -> Option<Layered<'_>> {
        match self {
            Command::Load(load) => {
                Some(Layered { layering: &mut load.layering, files: Some(&mut load.target.files) })
            }
            Command::Check(check) => {
                Some(Layered { layering: &mut check.layering, files: Some(&mut check.target.files) })
            }
            Command::Verify(verify) => {
                Some(Layered { layering: &mut verify.layering, files: Some(&mut verify.target.files) })
            }
            Command::Schema(schema) => {
                Some(Layered { layering: &mut schema.layering, files: Some(&mut schema.target.files) })
            }
            Command::Jobs(jobs) => Some(Layered { layering: &mut jobs.layering, files: None }),
            Command::Completions { .. } | Command::Man | Command::Worker => None,
        }
    }
}

/// The parts of a command that the layers fill in themselves.
struct Layered<'a> {
    layering: &'a mut LayeringArgs,
    /// The files, where the command takes some.
    files: Option<&'a mut Vec<PathBuf>>,
}

/// The definition of the command line. A flag may be given a value (`--dry-run=false`), so that what the configuration file or
/// the environment has set can be taken back.
fn definition() -> clap::Command {
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|argument| match argument.get_action() {
            ArgAction::SetTrue => argument
                .action(ArgAction::Set)
                .value_parser(value::flag)
                .num_args(0..=1)
                .require_equals(true)
                .default_value("false")
                .default_missing_value("true")
                .hide_default_value(true)
                .value_name("BOOL"),
            _ => argument,
        })
    })
}

#[cfg(test)]
mod tests;
