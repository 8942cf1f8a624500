//! Where the password comes from: a file, the environment or a prompt, in this order, never an option. It goes into
//! a [`Secret`] at once and into no message.

use std::io;
use std::path::{Path, PathBuf};

use super::error::Origin;
use super::world::{SMALL_FILE_BYTES_MAX, World};
use crate::settings::Secret;

/// The environment variable that may hold the password. Whoever starts a child process removes it from its environment.
pub const PASSWORD_VARIABLE: &str = "RINGLOAD_PASSWORD";

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the password file {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file's first line is empty.
    #[error("the first line of the password file {} is empty: write the password there", path.display())]
    EmptyFile {
        /// Which file.
        path: PathBuf,
    },
    /// A password that is not UTF-8.
    #[error("the password in {place} is not UTF-8: the servers take UTF-8 only")]
    NotUtf8 {
        /// Where it was found.
        place: String,
    },
    /// There is no terminal to ask on.
    #[error(
        "--user {user} needs a password and there is no terminal to ask for it ({source}): give --password-file \
         or {PASSWORD_VARIABLE}"
    )]
    NoTerminal {
        /// For whom.
        user: String,
        /// Why.
        source: io::Error,
    },
    /// Nothing was typed.
    #[error("the password for --user {user} is empty: type it, or give --password-file")]
    NothingTyped {
        /// For whom.
        user: String,
    },
}

/// The password of `user`, and what to warn of. A password file named on the command line or by the environment
/// comes before the variable; one named by the configuration file comes after it.
pub(super) fn password(
    user: &str,
    file: Option<(&Path, &Origin)>,
    world: &dyn World,
) -> Result<(Secret, Option<String>), SecretError> {
    let variable = world.variable(PASSWORD_VARIABLE).filter(|value| !value.is_empty());
    match (file, variable) {
        (Some((path, Origin::CommandLine | Origin::Variable(_))), _) | (Some((path, _)), None) => {
            from_file(path, world)
        }
        (_, Some(value)) => match value.into_string() {
            Ok(text) => Ok((Secret::new(text), None)),
            Err(_) => Err(SecretError::NotUtf8 { place: PASSWORD_VARIABLE.to_owned() }),
        },
        (None, None) => from_prompt(user, world),
    }
}

fn from_file(path: &Path, world: &dyn World) -> Result<(Secret, Option<String>), SecretError> {
    let file = world
        .small_file(path, SMALL_FILE_BYTES_MAX)
        .map_err(|source| SecretError::Unreadable { path: path.to_owned(), source })?;
    let line = file.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(SecretError::EmptyFile { path: path.to_owned() });
    }
    let text = std::str::from_utf8(line)
        .map_err(|_| SecretError::NotUtf8 { place: format!("the file {}", path.display()) })?;
    let warning = file.open_to_others.then(|| {
        format!(
            "others than you may read the password file {}: run chmod 600 {}",
            path.display(),
            path.display()
        )
    });
    Ok((Secret::new(text.to_owned()), warning))
}

fn from_prompt(user: &str, world: &dyn World) -> Result<(Secret, Option<String>), SecretError> {
    let typed = world
        .ask_password(&format!("Password of {user}: "))
        .map_err(|source| SecretError::NoTerminal { user: user.to_owned(), source })?;
    if typed.is_empty() {
        return Err(SecretError::NothingTyped { user: user.to_owned() });
    }
    Ok((Secret::new(typed), None))
}
