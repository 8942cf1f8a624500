//! The only module that prints. It consumes [`event::RunEvent`]s and never influences the run: what cannot be printed
//! (a closed pipe, say) is dropped, the load goes on.

mod details;
pub mod event;
mod figures;
pub mod jobs;
mod json;
mod lines;
pub mod log;
pub mod metrics;
pub mod progress;
mod rate;
pub mod summary;
mod terminal;
mod verified;
pub mod watch;

pub use progress::Reporter;
pub use watch::Watch;

use std::io::{self, Write};

/// Shows an error that ends the command on standard error: `error: …`.
pub fn show_error(error: &dyn std::error::Error) {
    drop(write_error(&mut io::stderr().lock(), error));
}

/// Shows a warning on standard error: `warning: …`.
pub fn show_warning(message: &str) {
    show_on_stderr(&format!("{}\n", lines::warning(message)));
}

/// Shows a note on standard error: `note: …`.
pub fn show_note(message: &str) {
    show_on_stderr(&format!("{}\n", lines::note(message)));
}

/// Writes a text to standard error as it is (help that was not asked for).
pub fn show_on_stderr(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// Writes data to standard output. A reader that has gone away is no error.
///
/// # Errors
/// Standard output cannot be written, a full disk for example.
pub fn show_on_stdout(data: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(data).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn write_error(out: &mut dyn Write, error: &dyn std::error::Error) -> io::Result<()> {
    writeln!(out, "{}", lines::error(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::UsageError;

    #[test]
    fn an_error_is_one_line_that_says_so() {
        let mut out = Vec::new();
        write_error(&mut out, &UsageError::Missing { what: "--table", hint: "give it" }).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "error: --table is missing: give it\n");
    }
}
