//! Joins the part files of the attempts that count into the files that the user sees: `reasons.jsonl`, and the records of each
//! input file under its header, so that they load again once they are mended.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use super::part::{PartFiles, create};
use super::{RejectError, RejectReason};
use crate::plan::unit::{FileId, UnitId};

/// An attempt whose rejects count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The unit: parts are joined in the order of their units.
    pub unit: UnitId,
    /// The attempt.
    pub attempt: u32,
    /// The input file.
    pub file: FileId,
}

/// An input file, as far as its rejects need to know it.
#[derive(Debug, Clone, Copy)]
pub struct RejectedFile<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// Its header's original bytes; empty if it has none.
    pub header: &'a [u8],
}

/// The file below `dir` that gets the rejected records of input file number `file` of `files`.
pub fn records_path(dir: &Path, files: &[RejectedFile<'_>], file: FileId) -> PathBuf {
    let name = files.get(file.0 as usize).and_then(|file| file.path.file_name()).unwrap_or_default();
    let name = name.to_string_lossy();
    match files.len() {
        1 => dir.join(format!("rejected-{name}")),
        _ => dir.join(format!("rejected-{:04}-{name}", file.0 + 1)),
    }
}

/// Joins `parts` and deletes them; `others` are parts that do not count and are only deleted. Returns how many rejects there are.
///
/// # Errors
/// A part cannot be read or a file not be written; the parts are still there then.
pub fn merge(
    dir: &Path,
    files: &[RejectedFile<'_>],
    parts: &[Part],
    others: &[Part],
) -> Result<u64, RejectError> {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    let mut out = Joined { dir, files, reasons: None, records: None };
    let mut rejects = 0;
    for part in &parts {
        let paths = PartFiles::new(dir, part.unit, part.attempt);
        if paths.reasons.exists() {
            rejects += out.add(part.file, &paths)?;
        }
    }
    out.finish()?;
    for part in parts.iter().chain(others) {
        PartFiles::new(dir, part.unit, part.attempt).delete();
    }
    Ok(rejects)
}

struct Joined<'a> {
    dir: &'a Path,
    files: &'a [RejectedFile<'a>],
    reasons: Option<BufWriter<File>>,
    /// Parts come in the order of their files, so one file is open at a time.
    records: Option<(FileId, BufWriter<File>)>,
}

impl Joined<'_> {
    fn add(&mut self, file: FileId, part: &PartFiles) -> Result<u64, RejectError> {
        let path = records_path(self.dir, self.files, file);
        let records = match &mut self.records {
            Some((open, records)) if *open == file => records,
            _ => {
                self.finish_records()?;
                let mut records = create(&path)?;
                let header = self.files.get(file.0 as usize).map_or(&b""[..], |file| file.header);
                records.write_all(header).map_err(RejectError::at(&path))?;
                &mut self.records.insert((file, records)).1
            }
        };
        let rejects = index(&part.reasons).map_err(RejectError::at(&part.reasons))?;
        let spans = rejects.iter().map(|reject| &reject.record);
        copy_spans(&part.records, spans, records).map_err(RejectError::at(&path))?;
        let path = self.dir.join("reasons.jsonl");
        let reasons = match &mut self.reasons {
            Some(reasons) => reasons,
            None => self.reasons.insert(create(&path)?),
        };
        let spans = rejects.iter().map(|reject| &reject.reason);
        copy_spans(&part.reasons, spans, reasons).map_err(RejectError::at(&path))?;
        Ok(rejects.len() as u64)
    }

    fn finish_records(&mut self) -> Result<(), RejectError> {
        let Some((file, mut records)) = self.records.take() else { return Ok(()) };
        let path = records_path(self.dir, self.files, file);
        records.flush().and_then(|()| records.get_ref().sync_data()).map_err(RejectError::at(&path))
    }

    fn finish(mut self) -> Result<(), RejectError> {
        self.finish_records()?;
        let Some(mut reasons) = self.reasons.take() else { return Ok(()) };
        let path = self.dir.join("reasons.jsonl");
        reasons.flush().and_then(|()| reasons.get_ref().sync_data()).map_err(RejectError::at(&path))
    }
}

/// Where a reject is in its part's two files.
struct Reject {
    number: u64,
    record: Range<u64>,
    reason: Range<u64>,
}

/// A part's rejects in the order of the input: they were written as they were found, by several threads, but mended records must
/// load in their order for the last of a key to win.
fn index(reasons: &Path) -> io::Result<Vec<Reject>> {
    let mut rejects = Vec::new();
    let (mut record_start, mut reason_start) = (0, 0);
    for line in BufReader::new(File::open(reasons)?).lines() {
        let line = line?;
        let reason: RejectReason = serde_json::from_str(&line)?;
        let (record_end, reason_end) = (record_start + reason.bytes, reason_start + line.len() as u64 + 1);
        rejects.push(Reject {
            number: reason.record,
            record: record_start..record_end,
            reason: reason_start..reason_end,
        });
        (record_start, reason_start) = (record_end, reason_end);
    }
    rejects.sort_unstable_by_key(|reject| reject.number);
    Ok(rejects)
}

/// Copies pieces of a file in the order given. One that ends with its input file gets the line end that separates it from the
/// next.
fn copy_spans<'a>(
    from: &Path,
    spans: impl Iterator<Item = &'a Range<u64>>,
    to: &mut impl Write,
) -> io::Result<()> {
    let from = File::open(from)?;
    let mut bytes = Vec::new();
    for span in spans {
        bytes.resize(usize::try_from(span.end - span.start).map_err(io::Error::other)?, 0);
        from.read_exact_at(&mut bytes, span.start)?;
        to.write_all(&bytes)?;
        if !matches!(bytes.last(), Some(b'\n' | b'\r')) {
            to.write_all(b"\n")?;
        }
    }
    Ok(())
}

/// Finds out before the load whether rejects can be written below `dir`. Leaves nothing behind.
///
/// # Errors
/// They cannot.
pub fn check_writable(dir: &Path) -> Result<(), RejectError> {
    let missing: Vec<&Path> =
        dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(RejectError::at(dir));
    // From the innermost outwards; what somebody else has put there meanwhile stays.
    missing.into_iter().for_each(remove_if_empty);
    made
}

/// Deletes the directory if nothing is in it.
pub fn remove_if_empty(dir: &Path) {
    // Not empty, or never made: both are fine.
    let _ = fs::remove_dir(dir);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reject::RejectCode;
    use crate::reject::part::PartWriter;
    use std::os::unix::fs::PermissionsExt;

    fn reason(record: u64, raw: &str) -> RejectReason {
        RejectReason {
            file: "in.csv".into(),
            line: record + 1,
            offset: record * 10,
            bytes: raw.len() as u64,
            record,
            column: Some("id".into()),
            value: Some("x".into()),
            code: RejectCode::InvalidNumber,
            message: "no number".into(),
        }
    }

    fn write_part(dir: &Path, unit: u32, attempt: u32, records: &[(u64, &str)]) {
        let mut part = PartWriter::new(PartFiles::new(dir, UnitId(unit), attempt));
        for (record, raw) in records {
            part.write(&reason(*record, raw), raw.as_bytes()).unwrap();
        }
        part.finish().unwrap();
    }

    fn part(unit: u32, attempt: u32, file: u32) -> Part {
        Part { unit: UnitId(unit), attempt, file: FileId(file) }
    }

    #[test]
    fn the_parts_that_count_are_joined_under_the_header_in_the_order_of_their_units() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("rejects");
        write_part(&dir, 1, 2, &[(8, "x,8"), (7, "x,7\n")]);
        write_part(&dir, 1, 1, &[(7, "x,7\n")]);
        write_part(&dir, 0, 1, &[(2, "x,2\r\n")]);
        let files = [RejectedFile { path: Path::new("/data/in.csv"), header: b"id,n\n" }];
        let joined = merge(&dir, &files, &[part(1, 2, 0), part(0, 1, 0), part(2, 1, 0)], &[part(1, 1, 0)]);
        assert_eq!(joined.unwrap(), 3);
        let records = fs::read_to_string(dir.join("rejected-in.csv")).unwrap();
        assert_eq!(records, "id,n\nx,2\r\nx,7\nx,8\n");
        let reasons = fs::read_to_string(dir.join("reasons.jsonl")).unwrap();
        let numbers: Vec<u64> =
            reasons.lines().map(|line| serde_json::from_str::<RejectReason>(line).unwrap().record).collect();
        assert_eq!(numbers, [2, 7, 8]);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "the parts are gone");
    }

    #[test]
    fn each_input_file_has_a_file_of_its_own_with_its_own_header() {
        let tmp = tempfile::tempdir().unwrap();
        write_part(tmp.path(), 0, 1, &[(1, "a\n")]);
        write_part(tmp.path(), 1, 1, &[(1, "b\n")]);
        let files = [
            RejectedFile { path: Path::new("x/in.csv"), header: b"one\n" },
            RejectedFile { path: Path::new("y/in.csv"), header: b"two\n" },
        ];
        assert_eq!(merge(tmp.path(), &files, &[part(0, 1, 0), part(1, 1, 1)], &[]).unwrap(), 2);
        assert_eq!(fs::read_to_string(tmp.path().join("rejected-0001-in.csv")).unwrap(), "one\na\n");
        assert_eq!(fs::read_to_string(tmp.path().join("rejected-0002-in.csv")).unwrap(), "two\nb\n");
    }

    #[test]
    fn only_the_owner_may_read_rejects() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("a/b");
        write_part(&dir, 0, 1, &[(1, "a\n")]);
        let files = [RejectedFile { path: Path::new("in.csv"), header: b"" }];
        merge(&dir, &files, &[part(0, 1, 0)], &[]).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&dir.join("reasons.jsonl")), 0o600);
        assert_eq!(mode(&dir.join("rejected-in.csv")), 0o600);
    }

    #[test]
    fn without_rejects_nothing_is_made() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("rejects");
        let mut part_writer = PartWriter::new(PartFiles::new(&dir, UnitId(0), 1));
        part_writer.finish().unwrap();
        let files = [RejectedFile { path: Path::new("in.csv"), header: b"" }];
        assert_eq!(merge(&dir, &files, &[part(0, 1, 0)], &[]).unwrap(), 0);
        assert!(!dir.exists());
    }

    #[test]
    fn whether_rejects_can_be_written_is_found_out_without_leaving_anything() {
        let tmp = tempfile::tempdir().unwrap();
        check_writable(&tmp.path().join("a/b/c")).unwrap();
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
        fs::create_dir(tmp.path().join("a")).unwrap();
        check_writable(&tmp.path().join("a/b")).unwrap();
        assert!(tmp.path().join("a").exists(), "what was there stays");
        let error = check_writable(Path::new("/proc/x/y")).unwrap_err().to_string();
        assert!(error.contains("/proc/x/y") && error.contains("--rejects"), "{error}");
    }

    #[test]
    fn a_damaged_part_is_an_error_that_names_the_file() {
        let tmp = tempfile::tempdir().unwrap();
        write_part(tmp.path(), 0, 1, &[(1, "a\n")]);
        fs::write(PartFiles::new(tmp.path(), UnitId(0), 1).reasons, "{\"file\":").unwrap();
        let files = [RejectedFile { path: Path::new("in.csv"), header: b"" }];
        let error = merge(tmp.path(), &files, &[part(0, 1, 0)], &[]).unwrap_err();
        assert!(error.to_string().contains("part-00000000-1.reasons"), "{error}");
    }

    #[test]
    fn a_part_whose_worker_was_killed_is_left_out_and_deleted() {
        let tmp = tempfile::tempdir().unwrap();
        write_part(tmp.path(), 0, 1, &[(1, "a\n")]);
        let mut killed = PartWriter::new(PartFiles::new(tmp.path(), UnitId(1), 1));
        killed.write(&reason(2, "b\n"), b"b\n").unwrap();
        let files = [RejectedFile { path: Path::new("in.csv"), header: b"h\n" }];
        assert_eq!(merge(tmp.path(), &files, &[part(0, 1, 0), part(1, 1, 0)], &[]).unwrap(), 1);
        assert_eq!(fs::read_to_string(tmp.path().join("rejected-in.csv")).unwrap(), "h\na\n");
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 2, "the unfinished part is gone");
    }
}
