use std::os::unix::fs::PermissionsExt;

use super::layout::LAYOUT;
use super::*;
use crate::control::message::Prefix;
use crate::ledger::fingerprint::{Fingerprint, FingerprintKind};
use crate::ledger::job::{Job, JobInput, JobStatus};
use crate::ledger::lock;
use crate::plan::discover::FileTime;
use crate::plan::unit::{Chunk, FileId, UnitId};
use crate::schema::statement::RowPlan;
use crate::schema::table::{Column, ColumnRole};
use crate::schema::types::CqlType;
use crate::settings::TableName;

fn new_job(name: &str) -> NewJob {
    let modified = FileTime { seconds: -5, nanoseconds: 7 };
    let fingerprint = Fingerprint { size: 10, modified, kind: FingerprintKind::Full, hash: "ab".to_owned() };
    let key = Column { name: "id".to_owned(), cql_type: CqlType::Int, role: ColumnRole::PartitionKey };
    let plan = JobPlan {
        cluster: "c".to_owned(),
        table: TableName { keyspace: "ks".to_owned(), table: "t".to_owned() },
        table_id: "1".to_owned(),
        meaning: [("null".to_owned(), "[]".to_owned())].into(),
        row_plan: RowPlan { statement: "INSERT".to_owned(), columns: vec![key], ..RowPlan::default() },
        mappings: Vec::new(),
        inputs: vec![JobInput { path: "/a.csv".into(), fingerprint }],
    };
    NewJob {
        name: name.to_owned(),
        named: true,
        plan,
        write_time: WriteTime::Ordinal(1_000),
        begun_us: 1_000,
        rejects_dir: "/r".into(),
    }
}

fn unit(id: u32, first_ordinal: u64, chunks: &[(u64, u64, u64, u64)]) -> WorkUnit {
    let chunk = |&(start, len, records, line)| Chunk { start, len, records, line };
    WorkUnit {
        id: UnitId(id),
        file: FileId(0),
        first_ordinal,
        first_record: first_ordinal + 1,
        chunks: chunks.iter().map(chunk).collect(),
    }
}

fn attempt(unit: u32, run: u32, first_chunk: u32, prefix: Prefix) -> Attempt {
    Attempt { unit: UnitId(unit), run, attempt: 1, first_chunk, prefix, retried: 3 }
}

fn attempt_begun(unit: u32, run: u32) -> Attempt {
    attempt(unit, run, 0, Prefix::default())
}

fn prefix(chunks: u32, written: u64, rejected: u64, bytes: u64) -> Prefix {
    Prefix { chunks, records: written + rejected, written, rejected, bytes, ..Prefix::default() }
}

#[test]
fn what_is_written_down_is_there_when_the_ledger_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let units = [unit(0, 0, &[(3, 20, 2, 2), (23, 10, 1, 4)]), unit(1, 3, &[(33, 5, 1, 5)])];
    let attempts = [attempt(0, 1, 0, prefix(1, 1, 1, 20)), attempt(0, 2, 1, prefix(1, 1, 0, 10))];
    let (job, run) = {
        let mut ledger = Ledger::open(dir.path()).unwrap();
        let job = ledger.begin(&new_job("j")).unwrap();
        let facts = Facts { units: units.to_vec(), attempts: vec![attempts[0]], scanned: None };
        ledger.record(&job, &facts, 2_000).unwrap();
        let run = ledger.resume(job.id, 3_000).unwrap();
        let scanned = Some(Scanned { records: 4, bytes: 35 });
        // A prefix grows: the same attempt again.
        let smaller = attempt(0, 2, 1, Prefix::default());
        ledger.record(&job, &Facts { attempts: vec![smaller], ..Facts::default() }, 3_500).unwrap();
        ledger
            .record(&job, &Facts { attempts: vec![attempts[1]], scanned, ..Facts::default() }, 4_000)
            .unwrap();
        (job, run)
    };
    assert_eq!((job.runs, run), (1, 2));
    let ledger = Ledger::open(dir.path()).unwrap();
    let found = ledger.find("j").unwrap().unwrap();
    let expected = Job {
        runs: 2,
        updated_us: 4_000,
        scanned: Some(Scanned { records: 4, bytes: 35 }),
        was_begun: true,
        ..job
    };
    assert_eq!(found, expected);
    assert_eq!(found.plan, new_job("j").plan);
    assert_eq!(
        ledger.units(found.id).unwrap(),
        [(units[0].clone(), attempts.to_vec()), (units[1].clone(), Vec::new())]
    );
    assert_eq!(
        ledger.progress(found.id).unwrap(),
        Progress {
            units: 2,
            units_done: 1,
            records: 3,
            written: 2,
            rejected: 1,
            bytes: 30,
            ..Progress::default()
        }
    );
    assert_eq!(ledger.last_write_us("c", "1").unwrap(), Some(1_004));
    assert_eq!(ledger.find("k").unwrap(), None);
}

#[test]
fn a_job_that_begins_anew_has_forgotten_its_units_but_not_its_write_times() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    let job = ledger.begin(&new_job("j")).unwrap();
    let facts = Facts {
        units: vec![unit(0, 0, &[(0, 4, 1, 1)])],
        attempts: vec![attempt(0, 1, 0, prefix(1, 1, 0, 4))],
        scanned: None,
    };
    ledger.record(&job, &facts, 2_000).unwrap();
    ledger.finish(job.id, JobStatus::Failed, Some("why"), 3_000).unwrap();
    let found = ledger.find("j").unwrap().unwrap();
    assert_eq!((found.status, found.message.as_deref()), (JobStatus::Failed, Some("why")));
    let anew = ledger.begin(&new_job("j")).unwrap();
    assert_eq!((anew.status, anew.runs, anew.message), (JobStatus::Running, 1, None));
    assert_eq!(ledger.units(anew.id).unwrap(), []);
    assert_eq!(ledger.progress(anew.id).unwrap(), Progress::default());
    assert_eq!(ledger.last_write_us("c", "1").unwrap(), Some(1_001));
    assert_eq!(ledger.jobs().unwrap().len(), 1);
    assert!(ledger.forget("j").unwrap() && !ledger.forget("j").unwrap());
    assert_eq!(ledger.jobs().unwrap().len(), 0);
    assert_eq!(ledger.last_write_us("c", "1").unwrap(), Some(1_001));
}

#[test]
fn the_last_write_time_of_a_table_is_what_may_have_been_sent() {
    let noted = |write_time, attempts: &[Attempt], now_us| {
        let dir = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(dir.path()).unwrap();
        let job = ledger.begin(&NewJob { write_time, ..new_job("j") }).unwrap();
        let units = vec![unit(0, 0, &[(0, 4, 10_000_000, 1)])];
        ledger.record(&job, &Facts { units, ..Facts::default() }, 1_000).unwrap();
        assert_eq!(ledger.last_write_us("c", "1").unwrap(), None, "nothing was begun");
        ledger.record(&job, &Facts { attempts: attempts.to_vec(), ..Facts::default() }, now_us).unwrap();
        ledger.last_write_us("c", "1").unwrap()
    };
    let begun = [attempt_begun(0, 1)];
    assert_eq!(noted(WriteTime::Ordinal(1_000), &begun, 60_000_000), Some(10_001_000));
    assert_eq!(noted(WriteTime::Ordinal(1_000), &begun, 2_000), Some(1_002_000), "rows wait for their time");
    assert_eq!(noted(WriteTime::Constant(1_000), &begun, 2_000), Some(1_000));
    assert_eq!(noted(WriteTime::Constant(i64::MAX), &begun, 2_000), Some(i64::MAX));
    assert_eq!(noted(WriteTime::Constant(1_000), &[], 2_000), None);
}

#[test]
fn a_job_was_begun_once_a_unit_was_and_perhaps_where_its_run_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    let untouched = |ledger: &Ledger| ledger.find("j").unwrap().unwrap().is_untouched();
    let job = ledger.begin(&new_job("j")).unwrap();
    assert!(!untouched(&ledger), "a run is at it");
    let facts = Facts { units: vec![unit(0, 0, &[(0, 4, 1, 1)])], ..Facts::default() };
    ledger.record(&job, &facts, 2_000).unwrap();
    ledger.finish(job.id, JobStatus::Failed, None, 3_000).unwrap();
    assert!(untouched(&ledger), "a unit that is planned is not sent");
    // Ended in order again.
    ledger.resume(job.id, 4_000).unwrap();
    ledger.finish(job.id, JobStatus::Interrupted, None, 5_000).unwrap();
    assert!(untouched(&ledger));
    // Killed: the run after it did nothing, but that one may have.
    ledger.resume(job.id, 6_000).unwrap();
    ledger.resume(job.id, 7_000).unwrap();
    ledger.finish(job.id, JobStatus::Failed, None, 8_000).unwrap();
    assert!(!untouched(&ledger));
    let Attempt { run, attempt, prefix, .. } = ledger.units(job.id).unwrap()[0].1[0];
    assert_eq!((run, attempt, prefix), (3, 1, Prefix::default()));

    let job = ledger.begin(&new_job("j")).unwrap();
    let facts = Facts { attempts: vec![attempt_begun(0, 1)], ..facts };
    ledger.record(&job, &facts, 2_000).unwrap();
    ledger.finish(job.id, JobStatus::Failed, None, 3_000).unwrap();
    assert!(!untouched(&ledger));
}

#[test]
fn only_the_owner_may_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("a/state");
    let mut ledger = Ledger::open(&state).unwrap();
    ledger.begin(&new_job("j")).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    let files: Vec<PathBuf> = std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 2, "the write-ahead log is a file of its own: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_ledger_that_is_damaged_or_of_a_later_version_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(LEDGER_FILE);
    let check = |content: &[u8], expected: &[&str]| {
        std::fs::write(&path, content).unwrap();
        let error = Ledger::open(dir.path()).unwrap_err().to_string();
        for part in expected {
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), content, "{error}");
    };
    let name = path.to_string_lossy().into_owned();
    check(b"this is no database at all, whatever its name", &[&name, "is damaged", "move it away"]);
    {
        let scratch = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(scratch.path()).unwrap();
        let job = ledger.begin(&new_job("j")).unwrap();
        let units = (0..200).map(|id| unit(id, u64::from(id), &[(u64::from(id), 1, 1, 1)])).collect();
        ledger.record(&job, &Facts { units, ..Facts::default() }, 0).unwrap();
        drop(ledger);
        let whole = std::fs::read(scratch.path().join(LEDGER_FILE)).unwrap();
        let mut torn = whole.clone();
        let middle = torn.len() / 2;
        torn[middle..].fill(0xff);
        check(&torn, &[&name, "is damaged"]);
        check(&whole[..whole.len() / 2], &[&name, "is damaged"]);
    }
    check(b"", &[&name, "is damaged", "nothing is in it"]);

    std::fs::remove_file(&path).unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    ledger.connection.pragma_update(None, "user_version", LAYOUT + 1).unwrap();
    drop(ledger);
    let error = Ledger::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("newer ringload (3, this one knows 2)"), "{error}");
}

#[test]
fn one_that_only_looks_waits_for_nobody_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Ledger::open_to_read(dir.path()).unwrap().is_none() && !dir.path().join(LEDGER_FILE).exists());
    let mut ledger = Ledger::open(dir.path()).unwrap();
    ledger.begin(&new_job("j")).unwrap();
    let transaction =
        ledger.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    transaction.execute("DELETE FROM jobs", []).unwrap();
    let mut reader = Ledger::open_to_read(dir.path()).unwrap().unwrap();
    assert_eq!(reader.jobs().unwrap().len(), 1);
    drop(transaction);
    let error = reader.begin(&new_job("k")).unwrap_err().to_string();
    assert!(error.contains("cannot be written"), "{error}");
}

#[test]
fn a_large_ledger_is_looked_through_no_further_than_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    ledger.begin(&new_job("j")).unwrap();
    let big = format!("CREATE TABLE big (x BLOB); INSERT INTO big VALUES (zeroblob({}))", 17 << 20);
    ledger.connection.execute_batch(&big).unwrap();
    drop(ledger);
    let path = dir.path().join(LEDGER_FILE);
    let mut content = std::fs::read(&path).unwrap();
    let middle = content.len() / 2;
    content[middle..].fill(0x5a);
    std::fs::write(&path, content).unwrap();
    let ledger = Ledger::open(dir.path()).unwrap();
    assert!(ledger.find("j").unwrap().is_some());
    let read = ledger.connection.query_row("SELECT max(hex(x)) FROM big", [], |row| row.get::<_, String>(0));
    assert!(matches!(ledger.failed(read.unwrap_err()), LedgerError::Damaged { .. }));
}

#[test]
fn a_ledger_that_was_moved_away_is_made_anew_whatever_was_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    drop(Ledger::open(dir.path()).unwrap());
    drop(lock::lock(dir.path(), "j", "me").unwrap());
    std::fs::remove_file(dir.path().join(LEDGER_FILE)).unwrap();
    // As a process with this one's number leaves it that is killed before the ledger is in its place.
    let draft = dir.path().join(format!("{LEDGER_FILE}.new-{}-0", std::process::id()));
    std::fs::write(&draft, "").unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    ledger.begin(&new_job("j")).unwrap();
    assert_eq!(Ledger::open(dir.path()).unwrap().jobs().unwrap().len(), 1);
    let names = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let drafts = names.filter(|name| name.to_string_lossy().contains(".new-")).count();
    assert_eq!(drafts, 1, "what was left is in nobody's way, and nothing is added to it");
}

#[test]
fn a_new_ledger_may_be_opened_by_several_at_once() {
    const AT_ONCE: usize = 4;
    for round in 0..25 {
        let dir = tempfile::tempdir().unwrap();
        if round % 2 == 1 {
            // The one before it was moved away.
            drop(lock::lock(dir.path(), "0", "me").unwrap());
        }
        let start = std::sync::Barrier::new(AT_ONCE);
        std::thread::scope(|scope| {
            for job in 0..AT_ONCE {
                let (dir, start) = (dir.path(), &start);
                scope.spawn(move || {
                    start.wait();
                    let name = job.to_string();
                    let mut ledger = Ledger::open(dir).unwrap();
                    let _lock = lock::lock(dir, &name, "me").unwrap();
                    ledger.begin(&new_job(&name)).unwrap();
                });
            }
        });
        assert_eq!(Ledger::open(dir.path()).unwrap().jobs().unwrap().len(), AT_ONCE);
    }
}

#[test]
fn what_sqlite_says_is_told_with_what_to_do() {
    let check = |code: std::ffi::c_int, expected: &str| {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let said = translate(Path::new("/s/ledger.sqlite"), error).to_string();
        assert!(said.contains("/s/ledger.sqlite") && said.contains(expected), "{said}");
    };
    check(rusqlite::ffi::SQLITE_BUSY, "held by another process");
    check(rusqlite::ffi::SQLITE_FULL, "free space on its disk");
    check(rusqlite::ffi::SQLITE_NOTADB, "is damaged");
}

#[test]
fn facts_that_cannot_be_true_are_not_taken_for_true() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    let job = ledger.begin(&new_job("j")).unwrap();
    for damage in
        ["UPDATE jobs SET meaning = '{'", "UPDATE jobs SET runs = -1", "UPDATE inputs SET fingerprint = ''"]
    {
        ledger.connection.execute(damage, []).unwrap();
        let error = ledger.find("j").unwrap_err().to_string();
        assert!(error.contains("is damaged"), "{damage}: {error}");
        ledger.begin(&new_job("j")).unwrap();
    }
    let job = ledger.find(&job.name).unwrap().unwrap();
    ledger.record(&job, &Facts { units: vec![unit(0, 0, &[(0, 1, 1, 1)])], ..Facts::default() }, 0).unwrap();
    ledger.connection.execute("UPDATE units SET chunks = '[[1,-1,1]]'", []).unwrap();
    assert!(ledger.units(job.id).unwrap_err().to_string().contains("is damaged"));
}

#[test]
fn what_is_neither_written_nor_bad_is_counted_apart_and_named_when_the_job_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    let job = ledger.begin(&new_job("j")).unwrap();
    let settled = Prefix { aside: 3, ..prefix(1, 1, 4, 20) };
    let units = vec![unit(0, 0, &[(0, 20, 5, 1)])];
    let attempts = vec![attempt(0, 1, 0, settled)];
    ledger.record(&job, &Facts { units, attempts: attempts.clone(), scanned: None }, 2_000).unwrap();
    assert_eq!(ledger.units(job.id).unwrap()[0].1, attempts);
    let aside = |ledger: &Ledger| {
        let Progress { rejected, aside, .. } = ledger.progress(job.id).unwrap();
        (rejected, aside.all, aside.told)
    };
    assert_eq!(aside(&ledger), (1, 3, None));
    let told = Told { uncertain: 1, not_applied: 2 };
    ledger.note_aside(job.id, told).unwrap();
    ledger.finish(job.id, JobStatus::DoneWithRejects, None, 3_000).unwrap();
    assert_eq!(aside(&ledger), (1, 3, Some(told)));
}

/// Makes a ledger what the first version of this program would have made of it.
fn take_back(ledger: Ledger) {
    let back = "ALTER TABLE attempts DROP COLUMN aside; ALTER TABLE jobs DROP COLUMN uncertain; \
                ALTER TABLE jobs DROP COLUMN not_applied; PRAGMA user_version = 1;";
    ledger.connection.execute_batch(back).unwrap();
}

#[test]
fn a_ledger_of_the_first_layout_is_looked_at_as_it_is_and_brought_up_when_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(dir.path()).unwrap();
    let job = ledger.begin(&new_job("j")).unwrap();
    let facts = Facts {
        units: vec![unit(0, 0, &[(0, 20, 5, 1)])],
        attempts: vec![attempt(0, 1, 0, prefix(1, 1, 4, 20))],
        scanned: None,
    };
    ledger.record(&job, &facts, 2_000).unwrap();
    take_back(ledger);
    let layout = |ledger: &Ledger| -> i64 {
        ledger.connection.query_row("PRAGMA main.user_version", [], |row| row.get(0)).unwrap()
    };
    let expect = |ledger: &Ledger| {
        let found = ledger.find("j").unwrap().unwrap();
        assert!(found.was_begun);
        assert_eq!(ledger.jobs().unwrap().len(), 1);
        assert_eq!(ledger.units(found.id).unwrap(), [(facts.units[0].clone(), facts.attempts.clone())]);
        let progress = ledger.progress(found.id).unwrap();
        assert_eq!((progress.rejected, progress.aside.all), (4, 0));
    };
    let looking = Ledger::open_to_read(dir.path()).unwrap().unwrap();
    expect(&looking);
    assert_eq!(layout(&looking), 1);
    let mut ledger = Ledger::open(dir.path()).unwrap();
    expect(&ledger);
    assert_eq!(layout(&ledger), LAYOUT);
    // Also for whoever had it open before.
    expect(&looking);
    ledger.record(&job, &Facts { attempts: facts.attempts.clone(), ..Facts::default() }, 3_000).unwrap();
    ledger.note_aside(job.id, Told::default()).unwrap();
    expect(&Ledger::open(dir.path()).unwrap());
}
