//! What an input file was when its job began, so that a resumed job reads the same bytes: size, time of change, and a hash of its
//! content (BLAKE3) or of samples of it; of an object of a server, what the server calls its version. Reads only.

use std::fs::File;

use serde::{Deserialize, Serialize};

use crate::plan::discover::{FileTime, InputError, InputFile};

/// Bytes hashed at the beginning and at the end of a file.
const EDGE_BYTES: u64 = 64 * 1024;
/// Blocks hashed in between, evenly spread.
const SAMPLES: u64 = 32;
/// Bytes of each.
const SAMPLE_BYTES: u64 = 16 * 1024;
/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;

/// How much of the content goes into the hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FingerprintKind {
    /// Head, tail, and blocks between them: takes milliseconds for any file.
    #[default]
    Sampled,
    /// All of it.
    Full,
}

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Size in bytes.
    pub size: u64,
    /// When its content was last changed.
    pub modified: FileTime,
    /// What was hashed.
    pub kind: FingerprintKind,
    /// The hash, in hexadecimal digits; of an object of a server its ETag, if it has one.
    pub hash: String,
}

impl Fingerprint {
    /// What a file is now.
    ///
    /// # Errors
    /// It cannot be read, or it changes meanwhile.
    pub fn of(input: &InputFile, kind: FingerprintKind) -> Result<Fingerprint, InputError> {
        if let Some(object) = &input.remote {
            // What the server says is all there is: a hash would have all of it sent.
            let (size, e_tag) = (input.size, object.e_tag.clone());
            let seconds = object.modified_s.filter(|_| e_tag.is_none()).unwrap_or(0);
            let modified = FileTime { seconds, nanoseconds: 0 };
            return Ok(Fingerprint { size, modified, kind, hash: e_tag.unwrap_or_default() });
        }
        let file = input.open()?;
        let mut hasher = blake3::Hasher::new();
        for (start, end) in ranges(input.size, kind) {
            hash_range(&mut hasher, input, &file, start, end)?;
        }
        input.check_unchanged(&file)?;
        let hash = hasher.finalize().to_hex().to_string();
        Ok(Fingerprint { size: input.size, modified: input.modified, kind, hash })
    }

    /// What is different about a file that was `self` and is `now`; `None` if it holds the same bytes as far as can be told.
    /// Whoever hashed all of it need not care for the time.
    pub fn change(&self, now: &Fingerprint) -> Option<String> {
        if self.size != now.size {
            return Some(format!("it had {} bytes and has {} now", self.size, now.size));
        }
        if self.hash != now.hash {
            return Some("its content is another".to_owned());
        }
        // With a kind of `Full` there is a hash of everything, but of an object without an ETag.
        if (self.kind == FingerprintKind::Sampled || self.hash.is_empty()) && self.modified != now.modified {
            return Some(
                "it was written to since, which may have changed more than the samples that were compared \
                 (jobs begun with --fingerprint full compare all)"
                    .to_owned(),
            );
        }
        None
    }
}

/// The ranges that are hashed, in order and without overlap.
fn ranges(size: u64, kind: FingerprintKind) -> Vec<(u64, u64)> {
    let sampled = 2 * EDGE_BYTES + SAMPLES * SAMPLE_BYTES;
    if kind == FingerprintKind::Full || size <= 2 * sampled {
        return vec![(0, size)];
    }
    let between = size - 2 * EDGE_BYTES;
    let sample = |index: u64| {
        // In the middle of each of as many equal parts. No product passes 64 bits: a file has less than 2^63 bytes.
        let part = between / SAMPLES;
        let start = EDGE_BYTES + index * part + part / 2;
        (start, start + SAMPLE_BYTES)
    };
    let mut ranges = vec![(0, EDGE_BYTES)];
    ranges.extend((0..SAMPLES).map(sample));
    ranges.push((size - EDGE_BYTES, size));
    ranges
}

fn hash_range(
    hasher: &mut blake3::Hasher,
    input: &InputFile,
    file: &File,
    start: u64,
    end: u64,
) -> Result<(), InputError> {
    let mut buffer = vec![0; READ_BYTES.min(usize::try_from(end - start).unwrap_or(READ_BYTES))];
    let mut offset = start;
    while offset < end {
        let len = (buffer.len() as u64).min(end - offset);
        let bytes = buffer.get_mut(..len as usize).unwrap_or_default();
        input.read_at(file, bytes, offset)?;
        hasher.update(bytes);
        offset += len;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::discover::discover;
    use crate::plan::unit::FileId;
    use crate::remote::connect::Remotes;
    use crate::remote::object::{Cut, RemoteObject};
    use crate::settings::Secret;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    fn fingerprint(path: &Path, kind: FingerprintKind) -> Fingerprint {
        let file = discover(&[path.to_path_buf()]).unwrap().remove(0);
        Fingerprint::of(&file, kind).unwrap()
    }

    #[test]
    fn what_changed_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, "id\n1\n").unwrap();
        let earlier = SystemTime::now() - Duration::from_secs(10);
        let date = |time| File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        for kind in [FingerprintKind::Sampled, FingerprintKind::Full] {
            let check = |content: &str, time: SystemTime, expected: Option<&str>| {
                std::fs::write(&path, "id\n1\n").unwrap();
                date(earlier);
                let before = fingerprint(&path, kind);
                std::fs::write(&path, content).unwrap();
                date(time);
                let change = before.change(&fingerprint(&path, kind));
                match expected {
                    None => assert_eq!(change, None, "{kind:?} {content:?}"),
                    Some(expected) => {
                        let change = change.unwrap_or_else(|| panic!("{kind:?} {content:?}: no change"));
                        assert!(change.contains(expected), "{change}");
                    }
                }
            };
            check("id\n1\n", earlier, None);
            check("id\n1\n2\n", earlier, Some("it had 5 bytes and has 7 now"));
            check("id\n2\n", earlier, Some("its content is another"));
            let touched = (kind == FingerprintKind::Sampled).then_some("it was written to since");
            check("id\n1\n", earlier + Duration::from_secs(1), touched);
        }
    }

    #[test]
    fn an_object_is_its_etag_and_without_one_its_time_of_change() {
        let of = |size, e_tag: Option<&str>, modified_s, kind| {
            let url = Secret::new("http://host/a.csv".to_owned());
            let e_tag = e_tag.map(str::to_owned);
            let (cut, remotes) = (Cut::default(), Remotes::default());
            let remote = Some(RemoteObject { url, e_tag, modified_s, cut, head: Vec::new(), remotes });
            let modified = FileTime { seconds: modified_s.unwrap_or(0), nanoseconds: 0 };
            let (path, id) = ("http://host/a.csv".into(), FileId(0));
            let file =
                InputFile { id, path, size, modified, compression: None, decoding: None, pipe: None, remote };
            Fingerprint::of(&file, kind).unwrap()
        };
        for kind in [FingerprintKind::Sampled, FingerprintKind::Full] {
            let was = of(5, Some("\"a\""), Some(1), kind);
            let check = |was: &Fingerprint, now: Fingerprint, expected: Option<&str>| {
                let change = was.change(&now);
                assert_eq!(change.is_some(), expected.is_some(), "{change:?}");
                assert!(change.unwrap_or_default().contains(expected.unwrap_or_default()));
            };
            // Copied to where it was: the same bytes.
            check(&was, of(5, Some("\"a\""), Some(2), kind), None);
            check(&was, of(5, Some("\"b\""), Some(1), kind), Some("its content is another"));
            check(&was, of(6, Some("\"a\""), Some(1), kind), Some("it had 5 bytes and has 6 now"));
            let timed = of(5, None, Some(1), kind);
            check(&timed, of(5, None, Some(1), kind), None);
            check(&timed, of(5, None, Some(2), kind), Some("it was written to since"));
        }
    }

    #[test]
    fn a_change_at_either_end_of_a_large_file_is_seen_in_samples_and_any_change_in_full() {
        let size = 4 << 20;
        let check = |kind, at: usize, seen: bool| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a.csv");
            let mut content = vec![b'a'; size];
            std::fs::write(&path, &content).unwrap();
            let before = fingerprint(&path, kind);
            content[at] = b'b';
            std::fs::write(&path, &content).unwrap();
            assert_eq!(before.hash != fingerprint(&path, kind).hash, seen, "{kind:?} {at}");
        };
        check(FingerprintKind::Sampled, 0, true);
        check(FingerprintKind::Sampled, size - 1, true);
        check(FingerprintKind::Sampled, EDGE_BYTES as usize + 1, false);
        check(FingerprintKind::Full, EDGE_BYTES as usize + 1, true);
    }

    #[test]
    fn ranges_are_in_order_within_the_file_and_do_not_overlap() {
        let check = |size: u64| {
            for kind in [FingerprintKind::Sampled, FingerprintKind::Full] {
                let ranges = ranges(size, kind);
                assert_eq!((ranges[0].0, ranges[ranges.len() - 1].1), (0, size), "{size}");
                assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{size}: {ranges:?}");
            }
        };
        for size in [0, 1, 700_000, 1_310_720, 1_310_721, 5_000_000, 1 << 40, i64::MAX as u64] {
            check(size);
        }
    }
}
