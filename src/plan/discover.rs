//! From paths to [`InputFile`]s: files that are there, can be read and can be split. Size and time of change are noted
//! here, once; whoever opens the file later does so through [`InputFile::open`] and never reads one that has changed.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::compression::{Compression, CompressionChoice, HEAD_BYTES};
use super::pipe::{SharedPipe, is_stdin};
use super::unit::FileId;
use crate::format::charset::Charset;
use crate::remote::address::is_remote;
use crate::remote::connect::Remotes;
use crate::remote::error::RemoteError;
use crate::remote::object::{Cut, Found, RemoteObject, find};

/// A file's time of change as the system counts it: relative to 1970-01-01T00:00:00Z, and before it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTime {
    /// Whole seconds, negative before 1970.
    pub seconds: i64,
    /// Nanoseconds after those seconds.
    pub nanoseconds: i64,
}

impl FileTime {
    fn modified(metadata: &Metadata) -> Self {
        FileTime { seconds: metadata.mtime(), nanoseconds: metadata.mtime_nsec() }
    }
}

/// One input file as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its number in the job.
    pub id: FileId,
    /// Where it is, as it was given; always UTF-8.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When its content was last changed.
    pub modified: FileTime,
    /// How its content is compressed, if it is.
    #[serde(default)]
    pub compression: Option<Compression>,
    /// The encoding that it is decoded from before anything else; `None` where it is split as it is.
    #[serde(default)]
    pub decoding: Option<Charset>,
    /// Where it is standard input: what has been read of it, in this process.
    #[serde(skip)]
    pub pipe: Option<SharedPipe>,
    /// Where it is an object of a server: what was found.
    #[serde(default)]
    pub remote: Option<RemoteObject>,
}

/// Why a path is no input.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// Nothing is there.
    #[error("{}: no such file: check the path", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
    },
    /// A directory.
    #[error("{}: is a directory: name the files in it, as in {}/*.csv", path.display(), path.display())]
    Directory {
        /// The path.
        path: PathBuf,
    },
    /// A pipe, a device or a socket.
    #[error(
        "{}: is not a regular file, so it cannot be split: save its data in a file, or read it as standard input: - < {}",
        path.display(), path.display()
    )]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// Nobody types as fast.
    #[error(
        "standard input is a terminal: let a program or a file be read from it, as in: zcat orders.gz | ringload load ... -"
    )]
    Terminal,
    /// Standard input cannot be read.
    #[error("standard input cannot be read: {0}")]
    Stdin(#[source] io::Error),
    /// Paths travel as text.
    #[error("{}: the path is not UTF-8: rename the file or link to it by another name", path.display())]
    PathNotUtf8 {
        /// The path, as far as it can be shown.
        path: PathBuf,
    },
    /// The system refuses to open it.
    #[error("{}: cannot be read ({source}): check its permissions", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// One file, given twice: a pattern's names are the shell's, and easily overlap with others.
    #[error(
        "{}: given twice{}, so that its records would be loaded twice: name each file once",
        path.display(), other_name(path, first)
    )]
    Twice {
        /// The path that was given later.
        path: PathBuf,
        /// The path that was given first.
        first: PathBuf,
    },
    /// An object of a server.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// More files than can be counted.
    #[error("{count} input files are too many for one load: load them in several")]
    TooMany {
        /// How many were given.
        count: usize,
    },
}

/// Why a file that was found cannot be read now.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The system refuses.
    #[error("{}: cannot be read ({source}): check that it is still there", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not what was found: shorter, longer or written to.
    #[error(
        "{}: the file has changed since the load began: load it again when nothing writes to it",
        path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// It is an object of a server.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Compressed data without their end.
    #[error(
        "{}: the {compression} data end in the middle, after {offset} decompressed bytes: the file is cut off, get it whole",
        path.display()
    )]
    CutOff {
        /// The file.
        path: PathBuf,
        /// How it is compressed.
        compression: Compression,
        /// Decompressed bytes before.
        offset: u64,
    },
    /// Compressed data that are wrong.
    #[error(
        "{}: cannot be decompressed as {compression} behind {offset} decompressed bytes ({source}): the file is damaged, or not \
         {compression}; get it anew, or say what it is with --input-compression",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it is compressed.
        compression: Compression,
        /// Decompressed bytes before.
        offset: u64,
        /// What the decompressor says.
        source: io::Error,
    },
}

fn other_name(path: &Path, first: &Path) -> String {
    if path == first { String::new() } else { format!(", before as {}", first.display()) }
}

/// The input files at `paths`, in their order.
///
/// # Errors
/// A path that is missing, no regular file, not UTF-8, or cannot be opened for reading; two paths of one file.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<InputFile>, DiscoverError> {
    discover_as(paths, CompressionChoice::Auto)
}

/// The same, of inputs that are compressed in the way that was chosen.
///
/// # Errors
/// As those of [`discover`].
pub fn discover_as(
    paths: &[PathBuf],
    compression: CompressionChoice,
) -> Result<Vec<InputFile>, DiscoverError> {
    discover_through(paths, compression, &Remotes::default())
}

/// The same, where some of them may be objects of servers.
///
/// # Errors
/// As those of [`discover`]; an object that is not there or cannot be read in parts.
pub fn discover_through(
    paths: &[PathBuf],
    compression: CompressionChoice,
    remotes: &Remotes,
) -> Result<Vec<InputFile>, DiscoverError> {
    let mut first_paths: BTreeMap<Identity, &Path> = BTreeMap::new();
    let urls: Vec<&Path> = paths.iter().map(PathBuf::as_path).filter(|path| is_remote(path)).collect();
    let mut found = find(remotes, &urls, HEAD_BYTES)?.into_iter();
    paths
        .iter()
        .enumerate()
        .map(|(index, path)| {
            let id = u32::try_from(index).map_err(|_| DiscoverError::TooMany { count: paths.len() })?;
            if is_stdin(path) {
                return open_stdin(FileId(id), path, compression);
            }
            let (file, identity) = match is_remote(path).then(|| found.next()).flatten() {
                Some(object) => of_object(FileId(id), path, compression, object),
                None => inspect(FileId(id), path, compression)?,
            };
            match first_paths.insert(identity, path) {
                None => Ok(file),
                Some(first) => Err(DiscoverError::Twice { path: path.clone(), first: first.to_path_buf() }),
            }
        })
        .collect()
}

/// What tells a file from every other, whatever its names.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    /// On this machine: device and inode.
    Inode(u64, u64),
    /// At a server: what is shown of its URL, as text.
    Url(String),
}

fn of_object(id: FileId, path: &Path, choice: CompressionChoice, found: Found) -> (InputFile, Identity) {
    let Found { object, size } = found;
    let identity = Identity::Url(path.to_string_lossy().into_owned());
    let modified = FileTime { seconds: object.modified_s.unwrap_or(0), nanoseconds: 0 };
    let (path, compression) = (path.to_path_buf(), choice.of(&object.head));
    let (decoding, pipe, remote) = (None, None, Some(object));
    (InputFile { id, path, size, modified, compression, decoding, pipe, remote }, identity)
}

fn inspect(
    id: FileId,
    path: &Path,
    choice: CompressionChoice,
) -> Result<(InputFile, Identity), DiscoverError> {
    let owned = || path.to_path_buf();
    if path.to_str().is_none() {
        return Err(DiscoverError::PathNotUtf8 { path: owned() });
    }
    let unreadable = |source: io::Error| match source.kind() {
        ErrorKind::NotFound => DiscoverError::Missing { path: owned() },
        _ => DiscoverError::Unreadable { path: owned(), source },
    };
    // Looked at before it is opened: opening a pipe waits for its writer.
    let found = path.metadata().map_err(unreadable)?;
    if found.is_dir() {
        return Err(DiscoverError::Directory { path: owned() });
    }
    if !found.is_file() {
        return Err(DiscoverError::NotRegular { path: owned() });
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let opened = file.metadata().map_err(unreadable)?;
    let compression = choice.of(&head(&mut file).map_err(unreadable)?);
    let (size, modified) = (opened.len(), FileTime::modified(&opened));
    let file = InputFile {
        id,
        path: owned(),
        size,
        modified,
        compression,
        decoding: None,
        pipe: None,
        remote: None,
    };
    Ok((file, Identity::Inode(opened.dev(), opened.ino())))
}

fn open_stdin(id: FileId, path: &Path, choice: CompressionChoice) -> Result<InputFile, DiscoverError> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(DiscoverError::Terminal);
    }
    let pipe = SharedPipe::new(stdin, choice).map_err(DiscoverError::Stdin)?;
    let (path, modified) = (path.to_path_buf(), FileTime { seconds: 0, nanoseconds: 0 });
    let compression = pipe.compression();
    Ok(InputFile { id, path, size: 0, modified, compression, decoding: None, pipe: Some(pipe), remote: None })
}

/// A file's first bytes.
fn head(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    file.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

impl InputFile {
    /// Opens the file, if it is still what was found.
    ///
    /// # Errors
    /// It cannot be opened, or its size or time of change differs.
    pub fn open(&self) -> Result<File, InputError> {
        let file = File::open(&self.path).map_err(|source| self.unreadable(source))?;
        self.check_unchanged(&file)?;
        Ok(file)
    }

    /// Whether it is standard input.
    pub fn is_stdin(&self) -> bool {
        is_stdin(&self.path)
    }

    /// What files that are made of it are named after.
    pub fn name(&self) -> &Path {
        if self.is_stdin() { Path::new("stdin") } else { &self.path }
    }

    /// Whether its size does not tell how much data it holds.
    pub fn is_of_unknown_length(&self) -> bool {
        self.is_stdin() || self.is_read_forwards()
    }

    /// Whether its bytes are made from those of a file or stream, from the first one on: by one reader.
    pub fn is_read_forwards(&self) -> bool {
        self.compression.is_some() || self.decoding.is_some()
    }

    /// Why one reader has all of it; `None` where several have a piece each.
    pub fn one_reader_because(&self) -> Option<String> {
        match (self.decoding, self.compression) {
            (Some(charset), None) => Some(format!("{} is no superset of ASCII", charset.name())),
            (Some(charset), Some(compression)) => Some(format!(
                "it is {compression}-compressed, and {} is no superset of ASCII",
                charset.name()
            )),
            (None, Some(compression)) => Some(format!("it is {compression}-compressed")),
            (None, None) if self.is_stdin() => Some("a stream is read from its start".to_owned()),
            (None, None) => {
                let object = self.remote.as_ref().filter(|object| object.cut != Cut::Parts);
                object.map(|_| "its server has one reader without --split-remote".to_owned())
            }
        }
    }

    /// Bytes of its data, which begin at `data_start`, as far as its size tells: for a compressed or encoded file its size.
    pub fn data_bytes(&self, data_start: u64) -> u64 {
        match self.is_read_forwards() {
            true => self.size,
            false => self.size.saturating_sub(data_start),
        }
    }

    /// Checks that the open file is still what was found.
    ///
    /// # Errors
    /// Its size or time of change differs, or cannot be asked for.
    pub fn check_unchanged(&self, file: &File) -> Result<(), InputError> {
        match file.metadata() {
            Ok(now) if now.len() == self.size && FileTime::modified(&now) == self.modified => Ok(()),
            Ok(_) => Err(InputError::Changed { path: self.path.clone() }),
            Err(source) => Err(self.unreadable(source)),
        }
    }

    /// Fills `buffer` from `offset` in the open file.
    ///
    /// # Errors
    /// The file ends before the buffer is full, or cannot be read.
    pub fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> Result<(), InputError> {
        file.read_exact_at(buffer, offset).map_err(|source| match source.kind() {
            ErrorKind::UnexpectedEof => InputError::Changed { path: self.path.clone() },
            _ => self.unreadable(source),
        })
    }

    /// What to say where the system refuses.
    pub(super) fn unreadable(&self, source: io::Error) -> InputError {
        InputError::Unreadable { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use super::*;

    fn set_modified(path: &Path, time: SystemTime) {
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    /// The message for a path, without the scratch folder's name.
    fn check(path: &Path, expected: &str) {
        let error = discover(&[path.to_path_buf()]).unwrap_err().to_string();
        let folder = path.parent().unwrap().display().to_string();
        assert_eq!(error.replace(&folder, "DIR"), expected);
    }

    #[test]
    fn files_are_numbered_in_the_order_given() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one.csv", "two.csv"].map(|name| folder.path().join(name));
        std::fs::write(&one, "a\n").unwrap();
        std::fs::write(&two, "").unwrap();
        let files = discover(&[two.clone(), one.clone()]).unwrap();
        let found: Vec<_> = files.iter().map(|file| (file.id, &file.path, file.size)).collect();
        assert_eq!(found, [(FileId(0), &two, 0), (FileId(1), &one, 2)]);
    }

    #[test]
    fn a_file_that_is_given_twice_is_refused_whatever_its_names_are() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a.csv"), "a\n").unwrap();
        std::fs::write(at("b.csv"), "a\n").unwrap();
        std::fs::hard_link(at("a.csv"), at("hard.csv")).unwrap();
        std::os::unix::fs::symlink(at("a.csv"), at("soft.csv")).unwrap();
        let check = |name: &str, said: &str| {
            let error = discover(&[at("a.csv"), at("b.csv"), at(name)]).unwrap_err().to_string();
            let expected = format!("{said}, so that its records would be loaded twice: name each file once");
            assert_eq!(error.replace(&folder.path().display().to_string(), "DIR"), expected);
        };
        check("a.csv", "DIR/a.csv: given twice");
        for other in ["hard.csv", "soft.csv"] {
            check(other, &format!("DIR/{other}: given twice, before as DIR/a.csv"));
        }
        let dotted = folder.path().join(".").join("b.csv");
        assert!(matches!(discover(&[at("b.csv"), dotted]), Err(DiscoverError::Twice { .. })));
    }

    #[test]
    fn what_cannot_be_loaded_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        check(&at("none.csv"), "DIR/none.csv: no such file: check the path");
        std::fs::create_dir(at("dir")).unwrap();
        check(&at("dir"), "DIR/dir: is a directory: name the files in it, as in DIR/dir/*.csv");
        let socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        check(
            &at("socket"),
            "DIR/socket: is not a regular file, so it cannot be split: save its data in a file, or read it as standard input: - \
             < DIR/socket",
        );
        drop(socket);
        check(
            &folder.path().join(OsStr::from_bytes(b"\xff.csv")),
            "DIR/\u{fffd}.csv: the path is not UTF-8: rename the file or link to it by another name",
        );
    }

    #[test]
    fn a_file_that_grew_or_shrank_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "a,b\n").unwrap();
        let file = discover(std::slice::from_ref(&path)).unwrap().remove(0);
        let open = file.open().unwrap();
        assert!(matches!(file.read_at(&open, &mut [0; 8], 0), Err(InputError::Changed { .. })));
        for content in ["a,b\nc", "a"] {
            std::fs::write(&path, content).unwrap();
            assert!(matches!(file.open(), Err(InputError::Changed { .. })));
            assert!(matches!(file.check_unchanged(&open), Err(InputError::Changed { .. })));
        }
    }

    #[test]
    fn a_file_that_was_written_to_is_not_read_though_its_size_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "a,b\n").unwrap();
        let file = discover(std::slice::from_ref(&path)).unwrap().remove(0);
        set_modified(&path, UNIX_EPOCH + Duration::from_secs(1));
        assert!(matches!(file.open(), Err(InputError::Changed { .. })));
    }

    #[test]
    fn a_file_last_changed_before_1970_is_the_same_file_to_a_worker() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "a,b\n").unwrap();
        set_modified(&path, UNIX_EPOCH - Duration::from_millis(1_500));
        let file = discover(std::slice::from_ref(&path)).unwrap().remove(0);
        assert_eq!(file.modified, FileTime { seconds: -2, nanoseconds: 500_000_000 });
        let told: InputFile = serde_json::from_str(&serde_json::to_string(&file).unwrap()).unwrap();
        assert_eq!(told, file);
        assert!(told.open().is_ok());
    }
}
