//! Which records a load has rejected because the server refused them: those that cannot be told by reading the inputs again. Reads
//! the reasons that a load has left.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

use super::merge::{REASONS, RejectedFile};
use super::{RejectCode, RejectError};
use crate::plan::unit::FileId;

/// What is needed of a [`RejectReason`](super::RejectReason).
#[derive(Deserialize)]
struct Entry {
    file: String,
    record: u64,
    code: RejectCode,
}

/// The records, by input file and number, that the reasons below `dir` name; `None` where there are no reasons.
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
    // A file may be loaded twice in one job.
    let paths: Vec<(FileId, String)> =
        (0..).map(FileId).zip(files.iter().map(|file| file.path.display().to_string())).collect();
    let mut refused = Vec::new();
    for line in reasons.lines() {
        let line = line.map_err(RejectError::reading(&path))?;
        let entry: Entry =
            serde_json::from_str(&line).map_err(|error| RejectError::damaged(&path, error.to_string()))?;
        if entry.code == RejectCode::RefusedByServer {
            let of_path = paths.iter().filter(|(_, path)| *path == entry.file);
            refused.extend(of_path.map(|(file, _)| (*file, entry.record)));
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
            .map(|path| RejectedFile { path: Path::new(path), header: b"" })
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
}
