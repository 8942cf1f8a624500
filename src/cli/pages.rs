//! What the command line says of itself: shell completions and the man page, written to where the caller says.

use std::io::{self, Write};

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
    clap_complete::generate(shell, &mut definition(), "ringload", &mut text);
    out.write_all(&text)
}

/// Writes the man page, `ringload(1)`: one page with all commands and the options of `load`.
///
/// # Errors
/// The writer's.
pub fn man(out: &mut dyn Write) -> io::Result<()> {
    let mut command = definition().disable_help_subcommand(true);
    command.build();
    let page = Man::new(command.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    writeln!(out, ".SH SYNOPSIS")?;
    let visible = || command.get_subcommands().filter(|command| !command.is_hide_set());
    for (index, shown) in visible().enumerate() {
        let mut usage = shown.clone().render_usage().to_string();
        usage = usage.split_off("Usage: ".len().min(usage.len()));
        writeln!(out, "{}{}", if index > 0 { ".br\n" } else { "" }, escape(&usage))?;
    }
    writeln!(out, ".SH COMMANDS")?;
    for shown in visible() {
        let about = shown.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(out, ".TP\n\\fB{}\\fR\n{}", escape(shown.get_name()), escape(&about))?;
    }
    if let Some(load) = command.find_subcommand("load").cloned() {
        let load = Man::new(load);
        load.render_options_section(out)?;
        load.render_extra_section(out)?;
    }
    page.render_version_section(out)
}

/// Text as roff takes it: a plain `-` would be shown as a hyphen, a backslash begins an escape.
fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}
