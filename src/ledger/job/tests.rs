use std::time::Duration;

use super::*;
use crate::ledger::fingerprint::FingerprintKind;
use crate::plan::discover::FileTime;
use crate::schema::repeat::Once;
use crate::schema::table::{Column, ColumnRole};
use crate::schema::types::CqlType;

const DAY_US: i64 = 86_400 * 1_000_000;
const GRACE: TableHistory = TableHistory {
    gc_grace: Duration::from_secs(10 * 86_400),
    truncated_us: None,
    dropped_us: BTreeMap::new(),
};

fn input(path: &str, hash: &str) -> JobInput {
    let modified = FileTime { seconds: 1, nanoseconds: 0 };
    let fingerprint =
        Fingerprint { size: 10, modified, kind: FingerprintKind::Sampled, hash: hash.to_owned() };
    JobInput { path: path.into(), fingerprint }
}

fn plan() -> JobPlan {
    let key = Column { name: "id".to_owned(), cql_type: CqlType::Int, role: ColumnRole::PartitionKey };
    JobPlan {
        cluster: "c".to_owned(),
        table: TableName { keyspace: "ks".to_owned(), table: "t".to_owned() },
        table_id: "1".to_owned(),
        meaning: [("null".to_owned(), "[]".to_owned())].into(),
        row_plan: RowPlan { statement: "INSERT".to_owned(), columns: vec![key], ..RowPlan::default() },
        mappings: vec![FieldMapping { field_count: 1, fields: vec![0], ..FieldMapping::default() }],
        inputs: vec![input("/a.csv", "aa")],
    }
}

fn job(status: JobStatus, named: bool) -> Job {
    Job {
        id: 1,
        name: "nightly".to_owned(),
        named,
        plan: plan(),
        write_time: WriteTime::Ordinal(1),
        begun_us: 0,
        updated_us: 0,
        status,
        message: None,
        runs: 1,
        scanned: None,
        rejects_dir: "r".into(),
        was_begun: true,
    }
}

/// What a run does that finds a job in this state, named or not, and is asked for another plan.
#[track_caller]
fn check(status: JobStatus, named: bool, asked: &JobPlan, rerun: Rerun, expected: Result<Decision, &str>) {
    let decision = decide(Some(&job(status, named)), asked, rerun, DAY_US, &GRACE);
    match (decision, expected) {
        (Ok(decision), Ok(expected)) => assert_eq!(decision, expected),
        (Err(refusal), Err(expected)) => {
            let said = refusal.to_string();
            assert!(said.contains(expected) && said.contains("--restart"), "{said}");
        }
        (decision, expected) => panic!("{decision:?} instead of {expected:?}"),
    }
}

const UNFINISHED: [JobStatus; 5] = [
    JobStatus::Running,
    JobStatus::Interrupted,
    JobStatus::TooManyErrors,
    JobStatus::Failed,
    JobStatus::Incomplete,
];

/// Plans that are not the job's, and what is said of them.
fn others() -> Vec<(JobPlan, &'static str)> {
    let changed = |change: fn(&mut JobPlan)| {
        let mut other = plan();
        change(&mut other);
        other
    };
    vec![
        (changed(|plan| plan.cluster = "d".to_owned()), "it writes to cluster \"c\", and this is \"d\""),
        (changed(|plan| plan.table.table = "u".to_owned()), "it writes to ks.t, not to ks.u"),
        (changed(|plan| plan.table_id = "2".to_owned()), "dropped and created again"),
        (changed(|plan| plan.row_plan.columns.clear()), "the columns of ks.t that are loaded have changed"),
        (
            changed(|plan| drop(plan.meaning.insert("null".to_owned(), "[\"NA\"]".to_owned()))),
            "--null was [] and is [\"NA\"] now",
        ),
        (
            changed(|plan| drop(plan.meaning.insert("ttl".to_owned(), "5".to_owned()))),
            "--ttl was not set and is 5 now",
        ),
        (
            changed(|plan| plan.inputs.push(input("/b.csv", "bb"))),
            "its inputs are /a.csv, and these are /a.csv, /b.csv",
        ),
        (changed(|plan| plan.inputs = vec![input("/a.csv", "ab")]), "/a.csv: its content is another"),
        (changed(|plan| plan.mappings.clear()), "the headers of the inputs have changed"),
    ]
}

#[test]
fn a_job_that_is_not_known_begins() {
    for rerun in [Rerun::Continue, Rerun::Restart, Rerun::Again] {
        assert_eq!(decide(None, &plan(), rerun, 0, &GRACE), Ok(Decision::Begin));
    }
}

#[test]
fn an_unfinished_job_goes_on_if_nothing_of_its_plan_has_changed_and_begins_anew_only_when_told_to() {
    for status in UNFINISHED {
        for named in [false, true] {
            check(status, named, &plan(), Rerun::Continue, Ok(Decision::Resume));
            check(status, named, &plan(), Rerun::Again, Ok(Decision::Resume));
            check(status, named, &plan(), Rerun::Restart, Ok(Decision::Begin));
            for (other, said) in others() {
                check(status, named, &other, Rerun::Continue, Err(said));
                check(status, named, &other, Rerun::Again, Err(said));
                check(status, named, &other, Rerun::Restart, Ok(Decision::Begin));
            }
        }
    }
}

#[test]
fn a_job_of_which_nothing_was_sent_begins_anew_with_whatever_is_asked_for() {
    let decide_on = |status, was_begun, asked: &JobPlan, rerun, now_us, truncated_us| {
        let job = Job { was_begun, ..job(status, true) };
        decide(Some(&job), asked, rerun, now_us, &TableHistory { truncated_us, ..GRACE })
    };
    for status in UNFINISHED {
        // A run that did not come to its end may have sent rows of which the ledger has lost the trace.
        let is_known = status != JobStatus::Running;
        for rerun in [Rerun::Continue, Rerun::Again] {
            let asked = others().into_iter().map(|(other, _)| (other, DAY_US, None));
            for (asked, now_us, truncated_us) in
                asked.chain([(plan(), 30 * DAY_US, None), (plan(), DAY_US, Some(5))])
            {
                let decided =
                    |was_begun| decide_on(status, was_begun, &asked, rerun, now_us, truncated_us).ok();
                assert_eq!(decided(false), is_known.then_some(Decision::Begin), "{status:?}");
                assert_eq!(decided(true), None, "{status:?}");
            }
            // Where nothing has changed, what is scanned need not be scanned again.
            let same = decide_on(status, false, &plan(), rerun, DAY_US, None);
            assert_eq!(same, Ok(Decision::Resume));
        }
    }
}

#[test]
fn a_finished_job_runs_again_unless_it_is_named_and_everything_is_the_same() {
    for status in [JobStatus::Done, JobStatus::DoneWithRejects] {
        check(status, true, &plan(), Rerun::Continue, Ok(Decision::NothingToDo));
        check(status, true, &plan(), Rerun::Restart, Ok(Decision::NothingToDo));
        check(status, true, &plan(), Rerun::Again, Ok(Decision::Begin));
        check(status, false, &plan(), Rerun::Continue, Ok(Decision::Begin));
        for (other, _) in others() {
            check(status, true, &other, Rerun::Continue, Ok(Decision::Begin));
        }
    }
}

#[test]
fn what_must_not_be_sent_twice_is_loaded_again_only_when_told_to_or_with_other_inputs() {
    let once = |mut plan: JobPlan| {
        plan.row_plan.once = Some(Once::Counter);
        plan
    };
    let decide_on = |named, asked: JobPlan, rerun| {
        let job = Job { plan: once(plan()), ..job(JobStatus::Done, named) };
        decide(Some(&job), &once(asked), rerun, DAY_US, &GRACE).map_err(|refusal| refusal.to_string())
    };
    let mut touched = plan();
    touched.inputs[0].fingerprint.modified = FileTime { seconds: 2, nanoseconds: 0 };
    for named in [false, true] {
        assert_eq!(decide_on(named, plan(), Rerun::Continue), Ok(Decision::NothingToDo));
        assert_eq!(decide_on(named, plan(), Rerun::Again), Ok(Decision::Begin));
        for (other, _) in others() {
            assert_eq!(decide_on(named, other, Rerun::Continue), Ok(Decision::Begin));
        }
        let refusal = decide_on(named, touched.clone(), Rerun::Continue).unwrap_err();
        for part in ["/a.csv: it was written to since", "sent twice", "--again"] {
            assert!(refusal.contains(part), "{refusal}");
        }
        assert_eq!(decide_on(named, touched.clone(), Rerun::Again), Ok(Decision::Begin));
    }
    check(JobStatus::Done, true, &touched, Rerun::Continue, Ok(Decision::Begin));
}

#[test]
fn a_job_older_than_the_grace_of_deletions_does_not_go_on() {
    let at =
        |now_us, grace| decide(Some(&job(JobStatus::Failed, true)), &plan(), Rerun::Continue, now_us, &grace);
    assert_eq!(at(10 * DAY_US, GRACE), Ok(Decision::Resume));
    let refusal = at(10 * DAY_US + 1, GRACE).unwrap_err().to_string();
    assert!(
        refusal.contains("begun 1970-01-01T00:00:00Z")
            && refusal.contains("gc_grace_seconds (864000) of ks.t"),
        "{refusal}"
    );
    assert!(refusal.contains("--restart"), "{refusal}");
    let none = TableHistory { gc_grace: Duration::ZERO, ..GRACE };
    assert_eq!(at(-1, none.clone()), Ok(Decision::Resume), "a clock that went back is no age");
    assert!(at(1, none).is_err());
}

#[test]
fn a_job_whose_table_was_truncated_since_does_not_go_on() {
    let job = Job { begun_us: 1_000, ..job(JobStatus::Interrupted, true) };
    let at = |truncated_us, rerun| {
        decide(Some(&job), &plan(), rerun, DAY_US, &TableHistory { truncated_us, ..GRACE })
    };
    assert_eq!(at(Some(999), Rerun::Continue), Ok(Decision::Resume));
    assert_eq!(at(Some(1_001), Rerun::Restart), Ok(Decision::Begin));
    let refusal = at(Some(1_001), Rerun::Continue).unwrap_err().to_string();
    assert!(refusal.contains("ks.t was truncated") && refusal.contains("--restart"), "{refusal}");
}

#[test]
fn a_finished_job_whose_table_was_truncated_since_it_began_runs_again() {
    let job = Job { begun_us: 1_000, updated_us: 2_000, ..job(JobStatus::Done, true) };
    let at = |truncated_us| {
        let history = TableHistory { truncated_us: Some(truncated_us), ..GRACE };
        decide(Some(&job), &plan(), Rerun::Continue, DAY_US, &history)
    };
    assert_eq!(at(1_000), Ok(Decision::NothingToDo));
    assert_eq!(at(1_001), Ok(Decision::Begin), "in the middle of it");
    assert_eq!(at(2_001), Ok(Decision::Begin));
}

#[test]
fn a_job_of_whose_columns_one_was_dropped_since_is_not_what_it_was() {
    let on = |status, column: &str, at, rerun| {
        let job = Job { begun_us: 1_000, updated_us: 2_000, ..job(status, true) };
        let history = TableHistory { dropped_us: [(column.to_owned(), at)].into(), ..GRACE };
        decide(Some(&job), &plan(), rerun, DAY_US, &history).map_err(|refusal| refusal.to_string())
    };
    let unfinished = |column, at| on(JobStatus::Running, column, at, Rerun::Continue);
    assert_eq!(unfinished("id", 1_000), Ok(Decision::Resume), "before it was begun");
    assert_eq!(unfinished("other", 1_001), Ok(Decision::Resume), "it is not loaded");
    let refusal = unfinished("id", 1_001).unwrap_err();
    assert!(refusal.contains("column id of ks.t was dropped") && refusal.contains("--restart"), "{refusal}");
    assert_eq!(on(JobStatus::Running, "id", 1_001, Rerun::Restart), Ok(Decision::Begin));
    let finished = |column, at| on(JobStatus::Done, column, at, Rerun::Continue);
    assert_eq!(finished("id", 1_000), Ok(Decision::NothingToDo));
    assert_eq!(finished("other", 3_000), Ok(Decision::NothingToDo));
    assert_eq!(finished("id", 1_001), Ok(Decision::Begin), "while it was loaded");
    assert_eq!(finished("id", 3_000), Ok(Decision::Begin));
}

#[test]
fn a_derived_name_follows_what_the_job_is_and_not_what_the_files_hold() {
    let name = plan().derived_name();
    assert!(name.starts_with("ks.t-") && name.len() == "ks.t-".len() + NAME_DIGITS, "{name}");
    let mut same = plan();
    same.inputs = vec![input("/a.csv", "other content")];
    same.mappings.clear();
    assert_eq!(same.derived_name(), name);
    let names: Vec<String> = others().iter().map(|(other, _)| other.derived_name()).collect();
    // Columns, content and header are not part of a name.
    assert_eq!(names.iter().filter(|other| **other == name).count(), 3, "{names:?}");
}

#[test]
fn to_begin_anew_what_must_not_be_sent_twice_is_warned_of_unless_what_was_sent_is_gone() {
    let once = |mut plan: JobPlan| {
        plan.row_plan.once = Some(Once::Counter);
        plan
    };
    let job = Job { plan: once(plan()), ..job(JobStatus::Failed, true) };
    let refused = |asked: &JobPlan, history: &TableHistory| {
        decide(Some(&job), asked, Rerun::Continue, DAY_US, history).unwrap_err().to_string()
    };
    for (other, said) in others() {
        let (is_gone, asked) = (other.table_change(&plan()).is_some(), once(other));
        let refusal = refused(&asked, &GRACE);
        assert!(refusal.contains(said) && refusal.contains("--restart"), "{refusal}");
        assert_eq!(refusal.contains("once more"), !is_gone, "{refusal}");
    }
    let truncated = refused(&job.plan, &TableHistory { truncated_us: Some(5), ..GRACE });
    assert!(!truncated.contains("once more"), "{truncated}");
    let old = refused(&job.plan, &TableHistory { gc_grace: Duration::from_secs(1), ..GRACE });
    assert!(old.contains("counters are added to"), "{old}");
}
