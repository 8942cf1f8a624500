//! Which records a load has rejected because the server refused them: those that cannot be told by reading the inputs again. Reads
//! the reasons that a load has left.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::merge::{REASONS, RejectedFile};
use super::{RejectCode, RejectError};
use crate::plan::unit::FileId;
use crate::remote::address::is_remote;

/// What is needed of a [`RejectReason`](super::RejectReason).
#[derive(Deserialize)]
struct Entry {
    file: String,
    record: u64,
    code: RejectCode,
}

/// The records, by input file and number, that the reasons below `dir` name; `None` where there are no reasons, or not of these files.
/// An earlier run of the job may have spelled their paths in another way.
///
/// # Errors
/// The reasons cannot be read.
pub fn refused_records(
    dir: &Path,
    files: &[RejectedFile<'_>],
) -> Result<Option<Vec<(FileId, u64)>>, RejectError> {
    let path = dir.join(REASONS);
    let reasons = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => BufReader::new(opened.map_err(RejectError::reading(&path))?),
    };
    let absolute =
        |path: &Path| if is_remote(path) { Ok(path.to_owned()) } else { std::path::absolute(path) };
    let paths = files.iter().map(|file| absolute(file.path)).collect::<Result<Vec<PathBuf>, _>>();
    let paths = paths.map_err(RejectError::reading(&path))?;
    let mut refused = Vec::new();
    for line in reasons.lines() {
        let line = line.map_err(RejectError::reading(&path))?;
        let entry: Entry =
            serde_json::from_str(&line).map_err(|error| RejectError::damaged(&path, error.to_string()))?;
        if entry.code == RejectCode::RefusedByServer {
            let entry_path = absolute(Path::new(&entry.file)).map_err(RejectError::reading(&path))?;
            let file = match &paths[..] {
                // Whatever it was called, and wherever that run was started.
                [_] => Some(0),
                paths => paths.iter().position(|path| *path == entry_path),
            };
            let Some(file) = file.and_then(|file| u32::try_from(file).ok()) else { return Ok(None) };
            refused.push((FileId(file), entry.record));
        }
    }
    Ok(Some(refused))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_server_refused_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<RejectedFile<'_>> = ["a.csv", "b.csv"]
            .iter()
            .map(|path| RejectedFile { path: Path::new(path), header: b"", made: false })
            .collect();
        assert_eq!(refused_records(dir.path(), &files).unwrap(), None);
        let line = |file: &str, record: u64, code: &str| {
            format!(
                r#"{{"file":"{file}","line":1,"offset":0,"bytes":1,"record":{record},"column":null,"value":null,"code":"{code}","message":"no"}}"#
            )
        };
        let reasons = [
            line("a.csv", 3, "refused_by_server"),
            line("a.csv", 4, "invalid_number"),
            line("b.csv", 1, "refused_by_server"),
        ];
        std::fs::write(dir.path().join(REASONS), reasons.join("\n") + "\n").unwrap();
        let found = refused_records(dir.path(), &files).unwrap();
        assert_eq!(found, Some(vec![(FileId(0), 3), (FileId(1), 1)]));
        std::fs::write(dir.path().join(REASONS), "no reason\n").unwrap();
        assert!(refused_records(dir.path(), &files).is_err());
    }

    #[test]
    fn a_file_is_the_same_however_its_path_is_spelled() {
        let check = |typed: &str, paths: &[&str], expected| {
            let dir = tempfile::tempdir().unwrap();
            let reason = format!(r#"{{"file":"{typed}","record":3,"code":"refused_by_server"}}"#);
            std::fs::write(dir.path().join(REASONS), reason + "\n").unwrap();
            let file = |path| RejectedFile { path: Path::new(path), header: b"", made: false };
            let files: Vec<RejectedFile<'_>> = paths.iter().copied().map(file).collect();
            assert_eq!(refused_records(dir.path(), &files).unwrap(), expected, "{typed} in {paths:?}");
        };
        let here = std::env::current_dir().unwrap().join("b.csv");
        let second = Some(vec![(FileId(1), 3)]);
        check("b.csv", &["a.csv", "./b.csv"], second.clone());
        check(here.to_str().unwrap(), &["a.csv", "b.csv"], second.clone());
        check("b.csv", &["a.csv", here.to_str().unwrap()], second);
        check("../b.csv", &["b.csv"], Some(vec![(FileId(0), 3)]));
        check("c.csv", &["a.csv", "b.csv"], None);
    }
}
