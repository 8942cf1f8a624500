//! Joins what the attempts have rejected into the files that the user sees: `reasons.jsonl`, and the records of each input file
//! under its header, so that they load again once they are mended. What no attempt that counts owns is left out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::index::{Span, index};
use super::part::{PART_PREFIX, PartFiles, create, make_dir, sync_dir};
use super::{FILE_PREFIXES, RejectCode, RejectError};
use crate::plan::unit::{FileId, UnitId};
use crate::remote::address::{base_name, is_remote};

/// The file of the reasons, below the rejects' directory.
pub(super) const REASONS: &str = "reasons.jsonl";

/// What an attempt has rejected in a range of its records. What else its files hold does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The unit.
    pub unit: UnitId,
    /// The run of the job.
    pub run: u32,
    /// The attempt.
    pub attempt: u32,
    /// The input file.
    pub file: FileId,
    /// The number in the file of the range's first record, from 1.
    pub first_record: u64,
    /// How many records the range has.
    pub records: u64,
    /// How many of them are rejected.
    pub rejected: u64,
    /// Whether these are known to be on the disk. If not, the range is what a run has left unfinished, and whatever is there of
    /// its rejects is shown.
    pub settled: bool,
}

impl Part {
    fn range(&self) -> Range<u64> {
        self.first_record..self.first_record.saturating_add(self.records)
    }

    pub(super) fn owns(&self, record: u64) -> bool {
        self.range().contains(&record)
    }

    fn paths(&self, dir: &Path) -> PartFiles {
        PartFiles::new(dir, self.unit, self.run, self.attempt)
    }
}

/// What becomes of the part files when they are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// They are kept: the job is not finished, and the joined files are a preview.
    Parts,
    /// They are deleted: the job is finished.
    Nothing,
}

/// What is in the reject files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejects {
    /// How many records.
    pub total: u64,
    /// How many of them by the column that is to blame, if one is, and the reason's code.
    pub by: BTreeMap<(Option<String>, RejectCode), u64>,
}

impl Rejects {
    /// How many of them have this code.
    pub fn of(&self, code: RejectCode) -> u64 {
        self.by.iter().filter(|((_, of), _)| *of == code).map(|(_, count)| count).sum()
    }

    pub(super) fn count(&mut self, column: Option<String>, code: RejectCode) {
        self.total += 1;
        *self.by.entry((column, code)).or_default() += 1;
    }
}

/// Characters of a URL's last part that go into a file's name: a name has 255 bytes at most.
const URL_NAME_CHARS_MAX: usize = 50;

/// An input file, as far as its rejects need to know it.
#[derive(Debug, Clone, Copy)]
pub struct RejectedFile<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// Its header's original bytes; empty if it has none.
    pub header: &'a [u8],
    /// Whether its records are kept as CSV, since they are no text.
    pub made: bool,
}

/// The file below `dir` that gets such records of input file number `file` of `files`.
fn path_of(dir: &Path, prefix: &str, files: &[RejectedFile<'_>], file: FileId) -> PathBuf {
    let path = files.get(file.0 as usize).map(|file| file.path).unwrap_or(Path::new(""));
    let mut name: std::borrow::Cow<'_, str> = match is_remote(path) {
        true => of_url(base_name(&path.to_string_lossy())).into(),
        false => path.file_name().unwrap_or_default().to_string_lossy(),
    };
    if files.get(file.0 as usize).is_some_and(|file| file.made) {
        name.to_mut().push_str(".csv");
    }
    match files.len() {
        1 => dir.join(format!("{prefix}-{name}")),
        _ => dir.join(format!("{prefix}-{:04}-{name}", file.0 + 1)),
    }
}

/// A part of a URL as a file's name: keys may be longer than that, and `%` and `:` have to be no trouble.
fn of_url(name: &str) -> String {
    let too_long = name.chars().count().saturating_sub(URL_NAME_CHARS_MAX);
    let plain = |c: char| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' };
    name.chars().skip(too_long).map(plain).collect()
}

/// Joins the rejects of `parts`, in the order of the input files and of the records in them. Older joined files are replaced. What a
/// crash has torn is good as long as all is there that is owned.
///
/// # Errors
/// A part cannot be read or does not hold what it must, two parts own one record, or a file cannot be written. The parts are still
/// there then.
pub fn merge(
    dir: &Path,
    files: &[RejectedFile<'_>],
    parts: &[Part],
    keep: Keep,
) -> Result<Rejects, RejectError> {
    let mut by_file: BTreeMap<FileId, Vec<&Part>> = BTreeMap::new();
    for part in parts.iter().filter(|part| part.rejected > 0 || !part.settled) {
        by_file.entry(part.file).or_default().push(part);
    }
    let mut rejects = Rejects::default();
    let mut reasons = Draft::of(dir.join(REASONS), b"");
    for (id, file) in (0..).map(FileId).zip(files) {
        let mut drafts =
            FILE_PREFIXES.map(|prefix| (prefix, Draft::of(path_of(dir, prefix, files, id), file.header)));
        let mut parts = by_file.remove(&id).unwrap_or_default();
        parts.sort_unstable_by_key(|part| part.first_record);
        check_apart(dir, &parts)?;
        for part in parts {
            let paths = part.paths(dir);
            let places = index(part, &paths, &mut rejects)?;
            for (prefix, draft) in &mut drafts {
                let of_prefix = places.iter().filter(|place| place.code.file_prefix() == *prefix);
                draft.copy(&paths.records, of_prefix.map(|place| place.record))?;
            }
            reasons.copy(&paths.reasons, places.iter().map(|place| place.reason))?;
        }
        for (_, draft) in &mut drafts {
            draft.finish()?;
        }
    }
    reasons.finish()?;
    if rejects.total > 0 {
        sync_dir(dir)?;
    }
    if keep == Keep::Nothing {
        delete_parts(dir);
    }
    Ok(rejects)
}

/// Looks whether all is there that `parts` own and that is known to be on the disk, and counts it. Changes nothing.
///
/// # Errors
/// As those of [`merge`].
pub fn check_parts(dir: &Path, parts: &[Part]) -> Result<Rejects, RejectError> {
    let mut on_disk = parts.iter().filter(|part| part.rejected > 0 && part.settled);
    let mut rejects = Rejects::default();
    on_disk.try_for_each(|part| index(part, &part.paths(dir), &mut rejects).map(drop))?;
    Ok(rejects)
}

/// Deletes all part files below `dir`, those of attempts that nobody remembers, too; and the directory if nothing else is in it. Where
/// somebody does remember attempts from run to run, that is to come after it is remembered that the job is finished: [`Keep::Parts`]
/// until then.
pub fn delete_parts(dir: &Path) {
    // No directory, no parts. And a part that stays behind is no loss: it is never read again.
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(PART_PREFIX.as_bytes()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    remove_if_empty(dir);
}

/// One record is settled by one attempt.
fn check_apart(dir: &Path, parts: &[&Part]) -> Result<(), RejectError> {
    let overlap = parts.windows(2).find_map(|pair| match pair {
        [one, next] if next.first_record < one.range().end => Some((one, next)),
        _ => None,
    });
    let Some((one, next)) = overlap else { return Ok(()) };
    let what = format!("owns record {}, as {} does", next.first_record, one.paths(dir).reasons.display());
    Err(RejectError::damaged(&next.paths(dir).reasons, what))
}

/// A joined file while it is written: under another name, and only if there is something to write.
struct Draft<'a> {
    path: PathBuf,
    header: &'a [u8],
    out: Option<BufWriter<Arc<File>>>,
}

impl<'a> Draft<'a> {
    fn of(path: PathBuf, header: &'a [u8]) -> Self {
        Draft { path, header, out: None }
    }

    fn temporary(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".unfinished");
        name.into()
    }

    /// Copies pieces of a file in the order given. One that ends with its input file gets the line end that separates it from the
    /// next.
    fn copy(&mut self, path: &Path, spans: impl Iterator<Item = Span>) -> Result<(), RejectError> {
        let mut spans = spans.peekable();
        if spans.peek().is_none() {
            return Ok(());
        }
        let temporary = self.temporary();
        let out = match &mut self.out {
            Some(out) => out,
            None => {
                let out = self.out.insert(create(&temporary)?);
                out.write_all(self.header).map_err(RejectError::at(&temporary))?;
                out
            }
        };
        let from = File::open(path).map_err(RejectError::reading(path))?;
        let mut bytes = Vec::new();
        for span in spans {
            bytes.resize(span.len as usize, 0);
            from.read_exact_at(&mut bytes, span.start).map_err(RejectError::reading(path))?;
            if !matches!(bytes.last(), Some(b'\n' | b'\r')) {
                bytes.push(b'\n');
            }
            out.write_all(&bytes).map_err(RejectError::at(&temporary))?;
        }
        Ok(())
    }

    /// Puts the file in the place of an older one; where nothing was written, there is none any more.
    fn finish(&mut self) -> Result<(), RejectError> {
        let temporary = self.temporary();
        let Some(mut out) = self.out.take() else {
            return match fs::remove_file(&self.path).map_err(|error| (error.kind(), error)) {
                Ok(()) | Err((io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, _)) => Ok(()),
                Err((_, error)) => Err(RejectError::at(&self.path)(error)),
            };
        };
        out.flush().and_then(|()| out.get_ref().sync_data()).map_err(RejectError::at(&temporary))?;
        fs::rename(&temporary, &self.path).map_err(RejectError::at(&self.path))
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if self.out.is_some() {
            // It was not finished, and what keeps it from being deleted is no worse than what kept it from being finished.
            let _ = fs::remove_file(self.temporary());
        }
    }
}

/// Finds out before the load whether rejects can be written below `dir`. Leaves nothing behind.
///
/// # Errors
/// They cannot.
pub fn check_writable(dir: &Path) -> Result<(), RejectError> {
    let missing: Vec<&Path> =
        dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    let made = make_dir(dir).map_err(RejectError::at(dir));
    // From the innermost outwards; what somebody else has put there meanwhile stays.
    missing.into_iter().for_each(remove_if_empty);
    made
}

/// Deletes the directory if nothing is in it.
fn remove_if_empty(dir: &Path) {
    // Not empty, or never made: both are fine.
    let _ = fs::remove_dir(dir);
}

#[cfg(test)]
mod tests;
