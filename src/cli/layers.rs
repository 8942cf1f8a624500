//! The layers of the command line: what was typed, then the environment, then the configuration file, then defaults.
//!
//! The command line is parsed twice: once as typed, to see which options are there and which file `--config` names;
//! then with the other layers' values put before the typed options, so that one parser judges all of them alike.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, CommandFactory, FromArgMatches};

use super::config_file::{self, CommandSpec, ConfigError, ConfigFile, Given, OptionKind, OptionSpec};
use super::error::{Origin, ParseStop, UsageError};
use super::secrets::PASSWORD_VARIABLE;
use super::world::{SMALL_FILE_BYTES_MAX, World};
use super::{Cli, Layered, definition, list};
use crate::error::exit_code;
use crate::nearest::nearest;

const CONFIG: &str = "config";
const CONFIG_VARIABLE: &str = "RINGLOAD_CONFIG";

/// Parses a command line, the program's name first.
///
/// # Errors
/// [`ParseStop::Shown`] for help and version, [`ParseStop::Usage`] for what is not understood.
pub fn parse(argv: impl IntoIterator<Item = OsString>, world: &dyn World) -> Result<Cli, ParseStop> {
    let argv: Vec<OsString> = argv.into_iter().collect();
    let typed = matches(&argv, &BTreeMap::new())?;
    let commands = commands();
    let Some((spec, typed_options)) = typed.subcommand().and_then(|(name, options)| {
        commands.iter().find(|command| command.name == name).map(|command| (command, options))
    }) else {
        return command(&typed);
    };
    let (config, config_path) = read_config(typed_options, world, &spec.name, &commands)?;
    let mut layers = Layers::default();
    for option in &spec.options {
        if typed_options.value_source(&id(option)) == Some(ValueSource::CommandLine) {
            layers.origins.insert(option.long.clone(), Origin::CommandLine);
        } else if let Some((name, value)) = variable(option, world) {
            layers.add_variable(option, name, value);
        } else if let (Some(given), Some(path)) = (config.options.get(&option.long), &config_path) {
            layers.add_given(option, given, path.clone());
        }
    }
    // The subcommand is always the second argument: no option stands before it.
    let (head, tail) = argv.split_at(argv.len().min(2));
    let full: Vec<OsString> = head.iter().chain(&layers.arguments).chain(tail).cloned().collect();
    let mut cli = command(&matches(&full, &layers.origins)?)?;
    if let Some(Layered { layering, files }) = cli.command.layered() {
        if let Some(files) = files.filter(|files| files.is_empty()) {
            *files = config.files;
        }
        layering.config = config_path;
        layering.origins = layers.origins;
        layering.warnings = misspelled_variables(world, &commands);
    }
    Ok(cli)
}

/// The commands whose options the other layers may give: those that take `--config`. Their options are all but help and the
/// configuration file itself.
pub(super) fn commands() -> Vec<CommandSpec> {
    let takes_config = |command: &&clap::Command| {
        command.get_arguments().any(|argument| argument.get_long() == Some(CONFIG))
    };
    let spec = |command: &clap::Command| CommandSpec {
        name: command.get_name().to_owned(),
        options: command.get_arguments().filter_map(option).collect(),
    };
    Cli::command().get_subcommands().filter(takes_config).map(spec).collect()
}

fn option(argument: &Arg) -> Option<OptionSpec> {
    let kind = match argument.get_action() {
        ArgAction::SetTrue => OptionKind::Flag,
        ArgAction::Append => OptionKind::List,
        ArgAction::Set => OptionKind::One,
        _ => return None,
    };
    let long = argument.get_long().filter(|long| *long != CONFIG)?;
    Some(OptionSpec { long: long.to_owned(), kind })
}

/// Arguments that stand for the environment's and the file's values, and where every given value came from.
#[derive(Default)]
struct Layers {
    arguments: Vec<OsString>,
    origins: BTreeMap<String, Origin>,
}

impl Layers {
    fn add_variable(&mut self, option: &OptionSpec, name: String, value: OsString) {
        self.push(option, value);
        self.origins.insert(option.long.clone(), Origin::Variable(name));
    }

    fn add_given(&mut self, option: &OptionSpec, given: &Given, path: PathBuf) {
        match given {
            Given::Flag(set) => self.push(option, set.to_string().into()),
            Given::One(text) => self.push(option, text.into()),
            Given::Items(items) => {
                for item in items {
                    self.push(option, list::quote(item).into());
                }
            }
        }
        self.origins.insert(option.long.clone(), Origin::File(path));
    }

    fn push(&mut self, option: &OptionSpec, value: OsString) {
        let mut argument = OsString::from(format!("--{}=", option.long));
        argument.push(value);
        self.arguments.push(argument);
    }
}

/// The name under which clap knows an option.
fn id(option: &OptionSpec) -> String {
    option.long.replace('-', "_")
}

/// An option's environment variable and its value; an empty one counts as not set.
fn variable(option: &OptionSpec, world: &dyn World) -> Option<(String, OsString)> {
    let name = variable_name(option);
    let value = world.variable(&name).filter(|value| !value.is_empty())?;
    Some((name, value))
}

fn variable_name(option: &OptionSpec) -> String {
    format!("RINGLOAD_{}", option.long.replace('-', "_").to_ascii_uppercase())
}

fn read_config(
    typed: &ArgMatches,
    world: &dyn World,
    command: &str,
    commands: &[CommandSpec],
) -> Result<(ConfigFile, Option<PathBuf>), UsageError> {
    let typed = typed.get_one::<PathBuf>(CONFIG).cloned();
    let named = world.variable(CONFIG_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let Some(path) = typed.or(named) else { return Ok((ConfigFile::default(), None)) };
    let unreadable = |source| ConfigError::Unreadable { path: path.clone(), source };
    let file = world.small_file(&path, SMALL_FILE_BYTES_MAX).map_err(unreadable)?;
    let text = String::from_utf8(file.bytes)
        .map_err(|_| unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, "not UTF-8")))?;
    Ok((config_file::parse(&path, &text, command, commands)?, Some(path)))
}

/// Variables that look like an option's and are none. Others that begin alike are none of our business.
fn misspelled_variables(world: &dyn World, commands: &[CommandSpec]) -> Vec<String> {
    let options = commands.iter().flat_map(|command| &command.options);
    let mut known: Vec<String> = options.map(variable_name).collect();
    known.extend([PASSWORD_VARIABLE.to_owned(), CONFIG_VARIABLE.to_owned()]);
    let mut names = world.variable_names();
    names.sort_unstable();
    names
        .iter()
        .filter(|name| !known.contains(name))
        .filter_map(|name| {
            let bare = name.strip_prefix("RINGLOAD_")?;
            let near = nearest(bare, known.iter().filter_map(|name| name.strip_prefix("RINGLOAD_")))?;
            Some(format!("the variable {name} is ignored: did you mean RINGLOAD_{near}?"))
        })
        .collect()
}

fn command(matches: &ArgMatches) -> Result<Cli, ParseStop> {
    Cli::from_arg_matches(matches).map_err(|error| stop(&error, &BTreeMap::new()))
}

fn matches(argv: &[OsString], origins: &BTreeMap<String, Origin>) -> Result<ArgMatches, ParseStop> {
    definition().try_get_matches_from(argv).map_err(|error| stop(&error, origins))
}

fn stop(error: &clap::Error, origins: &BTreeMap<String, Origin>) -> ParseStop {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            ParseStop::Shown { text, exit_code: exit_code::DONE }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            ParseStop::Shown { text, exit_code: exit_code::USAGE }
        }
        _ => {
            let mut line = one_line(&text);
            if let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) {
                let long = argument.trim_start_matches('-').split([' ', '[']).next().unwrap_or_default();
                line.push_str(&origins.get(long).map(Origin::to_string).unwrap_or_default());
            }
            UsageError::CommandLine(line).into()
        }
    }
}

/// Clap's complaint without its usage lines, on one line.
fn one_line(text: &str) -> String {
    let parts: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .map(|line| line.strip_prefix("error: ").or(line.strip_prefix("tip: ")).unwrap_or(line))
        .collect();
    parts.join("; ")
}
