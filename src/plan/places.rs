//! From what the user names to files: directories, patterns that no shell has expanded, lists of files. Only lists names; whether
//! the files can be read is for `discover` to say. The order is always the same for the same names.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern, glob_with};

use super::pipe::{STDIN, is_stdin};
use crate::remote::address::{Address, AddressError, Hidden, Target, is_remote};
use crate::remote::connect::Remotes;
use crate::remote::error::RemoteError;
use crate::remote::listing::list;
use crate::settings::RemoteSettings;

/// A list of files is shorter than this (64 MiB).
const LIST_BYTES_MAX: u64 = 64 << 20;
/// As the shell has it: `*` matches no `/` and no hidden name.
const AS_THE_SHELL: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// What is taken of the places that are named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceSettings {
    /// Files in directories below the named ones too.
    pub recursive: bool,
    /// Patterns of which the name of a file in a directory has to match one; none: all.
    pub patterns: Vec<Pattern>,
    /// A file with one path a line; `-` for standard input.
    pub files_from: Option<PathBuf>,
    /// What URLs among the paths stand for, where they hide something.
    pub hidden: Hidden,
}

/// Why there are no files at a place.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A directory without files.
    #[error("{}: no file in this directory{}: {}", path.display(), of(patterns), hint(*recursive))]
    Empty {
        /// The directory.
        path: PathBuf,
        /// What was looked for.
        patterns: Vec<Pattern>,
        /// Whether below it too.
        recursive: bool,
    },
    /// A pattern that matches nothing.
    #[error("{}: no such file, and as a pattern it matches none: check the path", path.display())]
    NoMatch {
        /// The pattern.
        path: PathBuf,
    },
    /// A list without paths.
    #[error("{}: the list names no file: put one path on each line", path.display())]
    EmptyList {
        /// The list.
        path: PathBuf,
    },
    /// A list that is too long, or is none.
    #[error("{}: the list is longer than 64 MiB: is it data? name it as a FILE then", path.display())]
    LongList {
        /// The list.
        path: PathBuf,
    },
    /// A URL in the list that names nothing.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// What stands for a directory, or a pattern, of a server.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The system refuses.
    #[error("{}: cannot be read ({source}): check that it is there, and its permissions", path.display())]
    Unreadable {
        /// The directory or list.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

fn of(patterns: &[Pattern]) -> String {
    let patterns: Vec<&str> = patterns.iter().map(Pattern::as_str).collect();
    if patterns.is_empty() { String::new() } else { format!(" matches {}", patterns.join(" or ")) }
}

fn hint(recursive: bool) -> &'static str {
    match recursive {
        true => "hidden files are left out; check the path and --pattern",
        false => {
            "hidden files and subdirectories are left out; check the path and --pattern, or give --recursive"
        }
    }
}

/// The files at `paths` in their order, then those of the list. Of each directory and pattern they are sorted by path, byte for byte.
/// What URLs in the list hide is kept in `settings`.
///
/// # Errors
/// A directory, a pattern or the list has no file, or cannot be read.
pub fn expand(
    paths: &[PathBuf],
    settings: &mut PlaceSettings,
    remote: &RemoteSettings,
) -> Result<Vec<PathBuf>, PlaceError> {
    let mut files = Vec::new();
    let remotes = Remotes::new(remote.clone(), Hidden::new());
    for path in paths {
        expand_one(path, settings, &remotes, &mut files)?;
    }
    if let Some(list) = &settings.files_from {
        for path in read_list(list)? {
            let path = Address::hide(path, &mut settings.hidden)?;
            expand_one(&path, settings, &remotes, &mut files)?;
        }
    }
    Ok(files)
}

fn expand_one(
    path: &Path,
    settings: &PlaceSettings,
    remotes: &Remotes,
    files: &mut Vec<PathBuf>,
) -> Result<(), PlaceError> {
    if is_remote(path) {
        return expand_remote(path, settings, remotes, files);
    }
    if is_stdin(path) {
        files.push(path.to_path_buf());
        return Ok(());
    }
    match (path.metadata(), path.to_str()) {
        (Ok(found), _) if found.is_dir() => expand_directory(path, settings, files),
        (Err(error), Some(pattern)) if error.kind() == ErrorKind::NotFound && is_pattern(pattern) => {
            // What is no pattern after all is a file that is not there.
            let matches = glob_with(pattern, AS_THE_SHELL).map(|matches| matches.flatten().collect());
            let mut matches: Vec<PathBuf> = matches.unwrap_or_default();
            if matches.is_empty() {
                return Err(PlaceError::NoMatch { path: path.to_path_buf() });
            }
            matches.sort();
            for path in matches {
                match path.is_dir() {
                    true => expand_directory(&path, settings, files)?,
                    false => files.push(path),
                }
            }
            Ok(())
        }
        // If it is not there, that is said when it is opened.
        _ => {
            files.push(path.to_path_buf());
            Ok(())
        }
    }
}

fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

fn expand_directory(
    directory: &Path,
    settings: &PlaceSettings,
    files: &mut Vec<PathBuf>,
) -> Result<(), PlaceError> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let unreadable = |source| PlaceError::Unreadable { path: directory.clone(), source };
        for entry in fs::read_dir(&directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            if entry.file_type().map_err(unreadable)?.is_dir() {
                if settings.recursive {
                    directories.push(path);
                }
            // Links to files are files; links to directories may lead anywhere, and in circles.
            } else if path.is_file() && settings.matches(&name.to_string_lossy()) {
                found.push(path);
            }
        }
    }
    if found.is_empty() {
        let (patterns, recursive) = (settings.patterns.clone(), settings.recursive);
        return Err(PlaceError::Empty { path: directory.to_path_buf(), patterns, recursive });
    }
    found.sort();
    files.append(&mut found);
    Ok(())
}

/// What a URL stands for: for objects below it where it ends with `/` or names a bucket, or is a pattern; only S3 lists any.
fn expand_remote(
    path: &Path,
    settings: &PlaceSettings,
    remotes: &Remotes,
    files: &mut Vec<PathBuf>,
) -> Result<(), PlaceError> {
    let url = path.to_string_lossy();
    let Target::S3 { bucket, key } = Target::parse(&url)? else {
        files.push(path.to_path_buf());
        return Ok(());
    };
    let named = |key: &String| PathBuf::from(format!("s3://{bucket}/{key}"));
    let is_hidden = |rest: &str| rest.split('/').any(|part| part.starts_with('.'));
    let mut found = if key.is_empty() || key.ends_with('/') {
        let mut keys = list(remotes, path, &bucket, &key, settings.recursive)?;
        keys.retain(|found| {
            let rest = found.strip_prefix(&key).unwrap_or(found);
            !is_hidden(rest) && settings.matches(rest.rsplit('/').next().unwrap_or(rest))
        });
        if keys.is_empty() {
            let (patterns, recursive) = (settings.patterns.clone(), settings.recursive);
            return Err(PlaceError::Empty { path: path.to_path_buf(), patterns, recursive });
        }
        keys
    } else if let (true, Ok(pattern)) = (is_pattern(&key), Pattern::new(&key)) {
        let start = key.find(['*', '?', '[']).and_then(|at| key.get(..at)).unwrap_or_default();
        let prefix = start.rfind('/').and_then(|at| key.get(..=at)).unwrap_or_default();
        let deep = key.strip_prefix(prefix).is_some_and(|rest| rest.contains('/'));
        let mut keys = list(remotes, path, &bucket, prefix, deep)?;
        match keys.contains(&key) {
            // What is no pattern after all.
            true => keys = vec![key],
            false => keys.retain(|found| pattern.matches_with(found, AS_THE_SHELL)),
        }
        if keys.is_empty() {
            return Err(PlaceError::NoMatch { path: path.to_path_buf() });
        }
        keys
    } else {
        vec![key]
    };
    found.sort();
    files.extend(found.iter().map(named));
    Ok(())
}

impl PlaceSettings {
    fn matches(&self, name: &str) -> bool {
        let matches = |pattern: &Pattern| pattern.matches_with(name, AS_THE_SHELL);
        self.patterns.is_empty() || self.patterns.iter().any(matches)
    }
}

/// The paths in a list: one on each line, blank lines left out. What stands for standard input elsewhere is a file here.
fn read_list(list: &Path) -> Result<Vec<PathBuf>, PlaceError> {
    let unreadable = |source| PlaceError::Unreadable { path: list.to_path_buf(), source };
    let from: Box<dyn Read> = match is_stdin(list) {
        true => Box::new(io::stdin()),
        false => Box::new(fs::File::open(list).map_err(unreadable)?),
    };
    let mut bytes = Vec::new();
    from.take(LIST_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LIST_BYTES_MAX {
        return Err(PlaceError::LongList { path: list.to_path_buf() });
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| unreadable(io::Error::new(ErrorKind::InvalidData, "it is not UTF-8")))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let paths: Vec<PathBuf> = lines
        .map(|line| if line == STDIN { Path::new(".").join(line) } else { PathBuf::from(line) })
        .collect();
    match paths.is_empty() {
        true => Err(PlaceError::EmptyList { path: list.to_path_buf() }),
        false => Ok(paths),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with files of these names.
    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "id\n1\n").unwrap();
        }
        folder
    }

    /// What there is at places in the folder, or what is said, without the folder's name.
    fn at(folder: &tempfile::TempDir, places: &[&str], settings: &PlaceSettings) -> Result<String, String> {
        let prefix = format!("{}/", folder.path().display());
        let places: Vec<PathBuf> = places
            .iter()
            .map(|place| if *place == STDIN { place.into() } else { folder.path().join(place) })
            .collect();
        let found = expand(&places, &mut settings.clone(), &RemoteSettings::default());
        let found = found.map_err(|error| error.to_string().replace(&prefix, ""))?;
        let found: Vec<String> =
            found.iter().map(|path| path.display().to_string().replace(&prefix, "")).collect();
        Ok(found.join(" "))
    }

    fn patterns(patterns: &[&str]) -> PlaceSettings {
        let patterns = patterns.iter().map(|pattern| Pattern::new(pattern).unwrap()).collect();
        PlaceSettings { patterns, ..PlaceSettings::default() }
    }

    const NAMES: [&str; 8] = [
        "in/b.csv",
        "in/a.csv",
        "in/B.csv.gz",
        "in/.hidden.csv",
        "in/sub/c.csv",
        "in/sub.csv",
        "in/.git/d.csv",
        "e.csv",
    ];

    #[test]
    fn a_directory_is_its_files_in_order_without_hidden_ones() {
        let folder = folder(&NAMES);
        std::os::unix::fs::symlink("../e.csv", folder.path().join("in/link.csv")).unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("in/circle")).unwrap();
        let check = |places: &[&str], settings: &PlaceSettings, expected: &str| {
            assert_eq!(at(&folder, places, settings).unwrap(), expected);
        };
        let all = PlaceSettings::default();
        check(&["in"], &all, "in/B.csv.gz in/a.csv in/b.csv in/link.csv in/sub.csv");
        let recursive = PlaceSettings { recursive: true, ..all.clone() };
        check(&["in"], &recursive, "in/B.csv.gz in/a.csv in/b.csv in/link.csv in/sub/c.csv in/sub.csv");
        check(&["in"], &patterns(&["*.gz", "a*"]), "in/B.csv.gz in/a.csv");
        check(&["e.csv", "in/sub", "-"], &patterns(&["c.*"]), "e.csv in/sub/c.csv -");
        check(&["gone.csv"], &all, "gone.csv");
    }

    #[test]
    fn a_pattern_is_what_the_shell_would_have_made_of_it() {
        let folder = folder(&[&NAMES[..], &["in/[x].csv", "in/x.csv"]].concat());
        let all = PlaceSettings::default();
        let check = |place: &str, expected: &str| assert_eq!(at(&folder, &[place], &all).unwrap(), expected);
        check("in/?.csv", "in/a.csv in/b.csv in/x.csv");
        check("*/sub*", "in/sub/c.csv in/sub.csv");
        check("in/*.gz", "in/B.csv.gz");
        // A file of that very name.
        check("in/[x].csv", "in/[x].csv");
        check("in/[ab].csv", "in/a.csv in/b.csv");
    }

    #[test]
    fn a_list_names_files_and_directories_line_by_line() {
        let folder = folder(&NAMES);
        let list = folder.path().join("list");
        let dir = folder.path().display();
        fs::write(&list, format!("{dir}/e.csv\r\n\n  \n{dir}/in/sub\n{dir}/in/a*\n-")).unwrap();
        let settings = PlaceSettings { files_from: Some(list.clone()), ..PlaceSettings::default() };
        assert_eq!(
            at(&folder, &["in/b.csv"], &settings).unwrap(),
            "in/b.csv e.csv in/sub/c.csv in/a.csv ./-"
        );
        fs::write(&list, "\n\n").unwrap();
        let said = at(&folder, &[], &settings).unwrap_err();
        assert_eq!(said, "list: the list names no file: put one path on each line");
        fs::write(&list, b"\xff\n").unwrap();
        assert!(
            at(&folder, &[], &settings).unwrap_err().starts_with("list: cannot be read (it is not UTF-8)")
        );
        fs::remove_file(&list).unwrap();
        assert!(at(&folder, &[], &settings).unwrap_err().starts_with("list: cannot be read (No such file"));
    }

    #[test]
    fn places_without_files_are_errors() {
        let folder = folder(&["in/sub/c.csv", "in/.d.csv"]);
        let check = |place: &str, settings: &PlaceSettings, expected: &str| {
            assert_eq!(at(&folder, &[place], settings).unwrap_err(), expected);
        };
        let hint =
            "hidden files and subdirectories are left out; check the path and --pattern, or give --recursive";
        check("in", &PlaceSettings::default(), &format!("in: no file in this directory: {hint}"));
        check(
            "in/sub",
            &patterns(&["*.gz"]),
            &format!("in/sub: no file in this directory matches *.gz: {hint}"),
        );
        let pattern = "in/*.csv: no such file, and as a pattern it matches none: check the path";
        check("in/*.csv", &PlaceSettings::default(), pattern);
    }
}
