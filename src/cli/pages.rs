//! What the command line says of itself: shell completions and the man page, written to where the caller says.

use std::io::{self, Write};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::definition;

/// Writes the completions of `shell`.
///
/// # Errors
/// The writer's.
pub fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    // The generator panics where it cannot write: let it write to memory, which never fails.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut visible(), "ringload", &mut text);
    out.write_all(&text)
}

/// The command line without what is hidden: the generators of completions would tell of it.
fn visible() -> Command {
    let all = definition();
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Command::new("ringload")
        .version(env!("CARGO_PKG_VERSION"))
        .about(all.get_about().cloned().unwrap_or_default())
        .arg_required_else_help(true)
        .subcommands(shown)
}

/// Writes the man page, `ringload(1)`: one page with all commands and the options of each.
///
/// # Errors
/// The writer's.
pub fn man(out: &mut dyn Write) -> io::Result<()> {
    let mut command = visible().disable_help_subcommand(true);
    command.build();
    let page = Man::new(command.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    writeln!(out, ".SH SYNOPSIS")?;
    for (index, shown) in command.get_subcommands().enumerate() {
        let mut usage = shown.clone().render_usage().to_string();
        usage = usage.split_off("Usage: ".len().min(usage.len()));
        writeln!(out, "{}{}", if index > 0 { ".br\n" } else { "" }, escape(&usage))?;
    }
    writeln!(out, ".SH COMMANDS")?;
    for shown in command.get_subcommands() {
        let about = shown.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(out, ".TP\n\\fB{}\\fR\n{}", escape(shown.get_name()), escape(&about))?;
    }
    for shown in command.get_subcommands().filter(|shown| shown.get_after_help().is_some()) {
        write_options(shown, out)?;
    }
    page.render_version_section(out)
}

/// The options of one command as a section of its own. The generator makes a section of every heading: here they are
/// sections within this one.
fn write_options(command: &Command, out: &mut dyn Write) -> io::Result<()> {
    let page = Man::new(command.clone());
    let mut text = Vec::new();
    page.render_options_section(&mut text)?;
    page.render_extra_section(&mut text)?;
    writeln!(out, ".SH RINGLOAD {}", command.get_name().to_uppercase())?;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b".SH ") {
            Some(heading) => {
                out.write_all(b".SS ")?;
                out.write_all(heading)?;
            }
            None => out.write_all(line)?,
        }
    }
    Ok(())
}

/// Text as roff takes it: a plain `-` would be shown as a hyphen, a backslash begins an escape.
fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}
