use super::*;
use crate::reject::RejectReason;
use crate::reject::part::PartWriter;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

fn reason(record: u64, raw: &str) -> RejectReason {
    RejectReason {
        file: "in.csv".into(),
        line: record + 1,
        offset: record * 10,
        bytes: raw.len() as u64,
        record,
        column: (record % 2 == 1).then(|| "id".into()),
        value: Some("x".into()),
        code: if record % 2 == 1 { RejectCode::InvalidNumber } else { RejectCode::FieldCount },
        message: "no number".into(),
    }
}

/// What an attempt has written by the time it ends, or is killed.
fn write_part(dir: &Path, unit: u32, attempt: u32, records: &[(u64, &str)]) -> PartFiles {
    let files = PartFiles::new(dir, UnitId(unit), 1, attempt);
    let mut part = PartWriter::new(files.clone());
    for (record, raw) in records {
        part.write(&reason(*record, raw), raw.as_bytes()).unwrap();
    }
    part.flush().unwrap().unwrap().sync().unwrap();
    files
}

/// What counts of it: so many rejects in this range of records.
fn part(unit: u32, attempt: u32, records: Range<u64>, rejected: u64) -> Part {
    Part {
        unit: UnitId(unit),
        run: 1,
        attempt,
        file: FileId(0),
        first_record: records.start,
        records: records.end - records.start,
        rejected,
        settled: true,
    }
}

fn files() -> [RejectedFile<'static>; 1] {
    [RejectedFile { path: Path::new("/data/in.csv"), header: b"id,n\n", made: false }]
}

fn read(dir: &Path, name: &str) -> String {
    let mut text = String::new();
    File::open(dir.join(name)).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// Joined, the parts give these records, in this order, and their reasons.
#[track_caller]
fn check_joined(dir: &Path, parts: &[Part], keep: Keep, expected: &[(u64, &str)]) {
    let rejects = merge(dir, &files(), parts, keep).unwrap();
    assert_eq!(rejects.total, expected.len() as u64);
    let odd = expected.iter().filter(|(number, _)| number % 2 == 1).count() as u64;
    let tally = [
        ((None, RejectCode::FieldCount), rejects.total - odd),
        ((Some("id".to_owned()), RejectCode::InvalidNumber), odd),
    ];
    assert_eq!(rejects.by, tally.into_iter().filter(|(_, count)| *count > 0).collect());
    let raw: String = expected.iter().map(|(_, raw)| *raw).collect();
    assert_eq!(read(dir, "rejected-in.csv"), format!("id,n\n{raw}"));
    let numbers: Vec<u64> = read(dir, "reasons.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<RejectReason>(line).unwrap().record)
        .collect();
    assert_eq!(numbers, expected.iter().map(|(number, _)| *number).collect::<Vec<_>>());
}

/// The parts cannot be joined; the error has these texts, and the parts are still there.
#[track_caller]
fn check_refused(dir: &Path, parts: &[Part], said: &[&str]) {
    let before = names(dir);
    let error = merge(dir, &files(), parts, Keep::Nothing).unwrap_err().to_string();
    for said in said {
        assert!(error.contains(said), "{said:?} is not in {error:?}");
    }
    assert_eq!(names(dir), before);
}

#[test]
fn what_attempts_own_is_joined_under_the_header_in_the_order_of_the_records() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("rejects");
    write_part(&dir, 1, 2, &[(8, "x,8\n"), (7, "x,7\n")]);
    write_part(&dir, 1, 1, &[(7, "x,7\n"), (6, "x,6")]);
    write_part(&dir, 0, 1, &[(2, "x,2\r\n")]);
    let parts = [part(1, 2, 7..10, 2), part(1, 1, 5..7, 1), part(0, 1, 1..5, 1)];
    let expected = [(2, "x,2\r\n"), (6, "x,6\n"), (7, "x,7\n"), (8, "x,8\n")];
    check_joined(&dir, &parts, Keep::Parts, &expected);
    assert_eq!(names(&dir).len(), 2 + 6, "a preview keeps the parts");
    check_joined(&dir, &parts, Keep::Nothing, &expected);
    assert_eq!(names(&dir), ["reasons.jsonl", "rejected-in.csv"]);
}

#[test]
fn a_part_is_good_as_far_as_it_is_owned_wherever_a_crash_has_cut_it() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    let files = write_part(dir, 0, 1, &[(2, "x,2\n"), (9, "x,9\n"), (1, "x,1\n"), (8, "x,8\n")]);
    let whole = [&files.records, &files.reasons].map(|path| fs::read(path).unwrap());
    let lines: Vec<usize> = whole[1].split_inclusive(|byte| *byte == b'\n').map(<[u8]>::len).collect();
    let (owned_records, owned_reasons) = (12, lines[..3].iter().sum::<usize>());
    let owned = [part(0, 1, 1..5, 2)];
    for (path, whole, owned_len) in
        [(&files.records, &whole[0], owned_records), (&files.reasons, &whole[1], owned_reasons)]
    {
        for cut in 0..=whole.len() {
            fs::write(path, &whole[..cut]).unwrap();
            if cut >= owned_len {
                check_joined(dir, &owned, Keep::Parts, &[(1, "x,1\n"), (2, "x,2\n")]);
            } else {
                let name = path.file_name().unwrap().to_str().unwrap();
                let found = format!("of the {} rejects that were counted", owned[0].rejected);
                fs::remove_file(dir.join("reasons.jsonl")).ok();
                fs::remove_file(dir.join("rejected-in.csv")).ok();
                check_refused(dir, &owned, &[name, &found]);
            }
        }
        // A disk that lost its power may show what was never written.
        fs::write(path, [&whole[..owned_len], &[0; 5_000]].concat()).unwrap();
        check_joined(dir, &owned, Keep::Parts, &[(1, "x,1\n"), (2, "x,2\n")]);
        fs::write(path, whole).unwrap();
    }
}

#[test]
fn a_part_that_does_not_hold_what_it_must_is_named() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    write_part(dir, 0, 1, &[(1, "a\n"), (3, "c\n"), (1, "a\n")]);
    let name = "part-00000000-1-1.reasons";
    check_refused(dir, &[part(0, 1, 1..3, 2)], &[name, "has record 1 twice"]);
    check_refused(dir, &[part(0, 1, 3..9, 2)], &[name, "has 1 of the 2 rejects"]);
    check_refused(dir, &[part(0, 1, 3..9, 3)], &[name, "has 1 of the 3 rejects"]);
    check_refused(dir, &[part(7, 1, 1..5, 1)], &["part-00000007-1-1.reasons", "No such file"]);
    write_part(dir, 1, 1, &[(3, "c\n")]);
    let both = [part(0, 1, 1..4, 1), part(1, 1, 3..9, 1)];
    check_refused(dir, &both, &["part-00000001-1-1.reasons", "owns record 3", name]);
}

#[test]
fn what_is_not_there_any_more_is_found_before_it_is_joined() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    let files = write_part(dir, 0, 1, &[(1, "a\n"), (3, "c\n")]);
    let nobody_promised = Part { settled: false, ..part(2, 1, 9..20, 1) };
    let parts = [part(0, 1, 1..5, 2), part(1, 1, 5..9, 0), nobody_promised];
    check_parts(dir, &parts).unwrap();
    fs::write(&files.records, "a\n").unwrap();
    let error = check_parts(dir, &parts).unwrap_err();
    assert!(error.is_loss() && error.to_string().contains("has 1 of the 2 rejects"), "{error}");
    fs::remove_file(&files.reasons).unwrap();
    assert!(check_parts(dir, &parts).unwrap_err().is_loss());
    assert_eq!(names(dir).len(), 1, "nothing is made");
}

#[test]
fn what_a_run_left_unfinished_is_shown_as_far_as_it_is_there() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    let unsettled = |unit, records: Range<u64>| Part { settled: false, ..part(unit, 1, records, 5) };
    let files = write_part(dir, 0, 1, &[(2, "x,2\n"), (1, "x,1\n"), (3, "x,3\n")]);
    let parts = [part(0, 1, 1..2, 1), unsettled(0, 2..9), unsettled(1, 9..20)];
    check_joined(dir, &parts, Keep::Parts, &[(1, "x,1\n"), (2, "x,2\n"), (3, "x,3\n")]);
    fs::write(&files.records, "x,2\nx,1\nx").unwrap();
    check_joined(dir, &parts, Keep::Parts, &[(1, "x,1\n"), (2, "x,2\n")]);
}

#[test]
fn a_later_run_replaces_what_an_earlier_one_has_shown() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    write_part(dir, 0, 1, &[(1, "x,1\n")]);
    let shown = Part { settled: false, ..part(0, 1, 1..9, 1) };
    check_joined(dir, &[shown], Keep::Parts, &[(1, "x,1\n")]);
    let rejects = merge(dir, &files(), &[], Keep::Nothing).unwrap();
    assert_eq!((rejects, names(dir).len()), (Rejects::default(), 0));
}

#[test]
fn a_finished_job_leaves_no_part_whoever_it_is_of() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    for name in ["part-00000009-7-1.records", "part-old", "notes"] {
        fs::write(dir.join(name), "").unwrap();
    }
    merge(dir, &files(), &[], Keep::Nothing).unwrap();
    assert_eq!(names(dir), ["notes"]);
}

#[test]
fn each_input_file_has_a_file_of_its_own_with_its_own_header() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    write_part(dir, 0, 1, &[(1, "a\n")]);
    write_part(dir, 1, 1, &[(1, "b\n")]);
    let files = [
        RejectedFile { path: Path::new("x/in.csv"), header: b"one\n", made: false },
        RejectedFile { path: Path::new("z/none.csv"), header: b"none\n", made: false },
        RejectedFile { path: Path::new("y/in.csv"), header: b"two\n", made: false },
    ];
    let second = Part { file: FileId(2), ..part(1, 1, 1..2, 1) };
    assert_eq!(merge(dir, &files, &[second, part(0, 1, 1..2, 1)], Keep::Nothing).unwrap().total, 2);
    assert_eq!(names(dir), ["reasons.jsonl", "rejected-0001-in.csv", "rejected-0003-in.csv"]);
    assert_eq!(read(dir, "rejected-0001-in.csv"), "one\na\n");
    assert_eq!(read(dir, "rejected-0003-in.csv"), "two\nb\n");
}

#[test]
fn only_the_owner_may_read_rejects() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("a/b");
    let files_of_part = write_part(&dir, 0, 1, &[(1, "a\n")]);
    merge(&dir, &files(), &[part(0, 1, 1..2, 1)], Keep::Parts).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let joined = ["reasons.jsonl", "rejected-in.csv"].map(|name| dir.join(name));
    for file in [files_of_part.reasons, files_of_part.records].iter().chain(&joined) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[test]
fn without_rejects_nothing_is_made() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("rejects");
    let mut part_writer = PartWriter::new(PartFiles::new(&dir, UnitId(0), 1, 1));
    assert!(part_writer.flush().unwrap().is_none());
    for keep in [Keep::Parts, Keep::Nothing] {
        assert_eq!(merge(&dir, &files(), &[part(0, 1, 1..9, 0)], keep).unwrap(), Rejects::default());
    }
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
fn findings_of_each_kind_have_a_file_of_their_own_and_their_reasons_stay_together() {
    let dir = tempfile::tempdir().unwrap();
    let codes = [
        (1, RejectCode::Overwritten),
        (2, RejectCode::Missing),
        (3, RejectCode::Different),
        (4, RejectCode::InvalidNumber),
        (5, RejectCode::Missing),
    ];
    let mut writer = PartWriter::new(PartFiles::new(dir.path(), UnitId(0), 1, 1));
    for (record, code) in codes {
        let raw = format!("{record}\n");
        writer.write(&RejectReason { code, ..reason(record, &raw) }, raw.as_bytes()).unwrap();
    }
    writer.flush().unwrap().unwrap().sync().unwrap();
    let rejects = merge(dir.path(), &files(), &[part(0, 1, 1..6, 5)], Keep::Nothing).unwrap();
    assert_eq!(rejects.total, 5);
    let expected =
        ["different-in.csv", "missing-in.csv", "overwritten-in.csv", "reasons.jsonl", "rejected-in.csv"];
    assert_eq!(names(dir.path()), expected);
    let check = |name: &str, records: &str| assert_eq!(read(dir.path(), name), format!("id,n\n{records}"));
    check("missing-in.csv", "2\n5\n");
    check("different-in.csv", "3\n");
    check("overwritten-in.csv", "1\n");
    check("rejected-in.csv", "4\n");
    let records: Vec<RejectReason> =
        read(dir.path(), "reasons.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.iter().map(|reason| reason.record).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[test]
fn runs_that_begin_at_once_do_not_take_each_others_directories_away() {
    const AT_ONCE: usize = 4;
    let tmp = tempfile::tempdir().unwrap();
    for round in 0..200 {
        let start = std::sync::Barrier::new(AT_ONCE);
        std::thread::scope(|scope| {
            for run in 0..AT_ONCE {
                let (dir, start) = (tmp.path().join(format!("rejects-{round}/{run}")), &start);
                scope.spawn(move || {
                    start.wait();
                    check_writable(&dir).unwrap();
                });
            }
        });
    }
}
