//! Which write times a job gets, and whether this machine's clock lets it keep them. Pure: it is told what time it is.

use jiff::SignedDuration;

use super::job::JobError;
use crate::control::message::WriteTime;
use crate::ledger::job::show_time;
use crate::schema::statement::{RowPlan, Stamp};
use crate::schema::table::Column;
use crate::settings::TimestampMode;

/// A row may have to wait so long for its write time without a word: clocks are set by a little all the time.
const WAIT_US_MAX: i64 = 5_000_000;

/// Write times lie ahead of this machine's clock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// Those of rows that are in the table.
    #[error(
        "{table} was given rows with write times up to {last} ({last_us}), {ahead} ahead of this machine's clock, and rows loaded now \
         would be hidden by them, or have to wait until then: wait, put the clock right, write with a later --timestamp N, or give \
         another --state-dir, whose ledger does not know of those rows"
    )]
    Table {
        /// The table.
        table: String,
        /// The latest write time that the ledger knows of.
        last: String,
        /// The same in microseconds since 1970-01-01T00:00:00Z.
        last_us: i64,
        /// How far ahead that is.
        ahead: String,
    },
    /// Those of the job that is to go on.
    #[error(
        "job {job} is unfinished, and its next row is to be written at {next}, {ahead} ahead of this machine's clock: wait until then, \
         put the clock right, or begin it anew with --restart and --timestamp N, later than {next_us}"
    )]
    Job {
        /// The job.
        job: String,
        /// The write time of the first record that is not settled, or of one before it.
        next: String,
        /// The same in microseconds since 1970-01-01T00:00:00Z.
        next_us: i64,
        /// How far ahead that is.
        ahead: String,
    },
}

/// The write times of a job that begins and writes rows by this plan.
///
/// # Errors
/// As those of [`write_time`].
pub(super) fn write_time_of(
    mode: &TimestampMode,
    plan: &RowPlan,
    now_us: i64,
    last_us: Option<i64>,
) -> Result<WriteTime, JobError> {
    match plan.stamp {
        Stamp::Nowhere => Ok(WriteTime::Server),
        Stamp::Last | Stamp::Behind(_) => write_time(mode, list_of(plan), now_us, last_us),
    }
}

/// The write times of a job that begins. Its base is later than everything written before it, so that rows deleted just before do not
/// shadow loaded ones, and later than the last row of any job before it, so that a later load of the same keys wins. With a `list` that
/// is not frozen each record has several write times.
///
/// # Errors
/// There is such a list, and one write time for all.
fn write_time(
    mode: &TimestampMode,
    list: Option<&str>,
    now_us: i64,
    last_us: Option<i64>,
) -> Result<WriteTime, JobError> {
    let after = |us: i64| us.saturating_add(1);
    let base = after(now_us.max(last_us.unwrap_or(now_us)));
    match (mode, list) {
        (TimestampMode::Order, None) => Ok(WriteTime::Ordinal(base)),
        (TimestampMode::Order, Some(_)) => Ok(WriteTime::Spaced(base)),
        (TimestampMode::Now | TimestampMode::Fixed(_) | TimestampMode::Field(_), Some(column)) => {
            Err(JobError::ListAtOneTime { column: column.to_owned() })
        }
        (TimestampMode::Now, None) => Ok(WriteTime::Constant(now_us.max(last_us.map_or(now_us, after)))),
        (TimestampMode::Fixed(timestamp), None) => Ok(WriteTime::Constant(*timestamp)),
        (TimestampMode::Field(_), None) => Ok(WriteTime::Field),
    }
}

/// The first column that is a list and not frozen, in rows that may be sent twice.
fn list_of(plan: &RowPlan) -> Option<&str> {
    let is_list =
        |(at, column): &(usize, &Column)| column.cql_type.is_open_list() && !plan.arguments.contains(at);
    let filled = plan.columns.iter().enumerate().filter(is_list).map(|(_, column)| column);
    let list = filled.chain(plan.called.iter().filter(|column| column.cql_type.is_open_list())).next();
    list.map(|column| column.name.as_str()).filter(|_| plan.once.is_none())
}

/// Whether a job may begin in a table whose rows have write times up to `last_us`, as far as is known.
///
/// # Errors
/// They are ahead of the clock; whoever gives the write time knows what it is to be.
pub(super) fn check_begin(
    mode: &TimestampMode,
    table: &str,
    now_us: i64,
    last_us: Option<i64>,
) -> Result<(), ClockError> {
    match (mode, last_us.and_then(|last_us| Some((last_us, ahead(last_us, now_us)?)))) {
        (TimestampMode::Order | TimestampMode::Now, Some((last_us, ahead))) => {
            Err(ClockError::Table { table: table.to_owned(), last: show_time(last_us), last_us, ahead })
        }
        _ => Ok(()),
    }
}

/// Whether a job of which so many records are settled may go on.
///
/// # Errors
/// The clock has been set back since its last run: each row would be held for as long.
pub(super) fn check_resume(
    job: &str,
    write_time: WriteTime,
    settled: u64,
    now_us: i64,
) -> Result<(), ClockError> {
    let next_us = write_time.of(settled);
    match (write_time.is_held(), ahead(next_us, now_us)) {
        (true, Some(ahead)) => {
            Err(ClockError::Job { job: job.to_owned(), next: show_time(next_us), next_us, ahead })
        }
        _ => Ok(()),
    }
}

/// How far a time lies ahead, if that is more than can be waited for without a word.
fn ahead(us: i64, now_us: i64) -> Option<String> {
    let ahead_us = us.saturating_sub(now_us);
    let shown = SignedDuration::from_secs(ahead_us / 1_000_000);
    (ahead_us > WAIT_US_MAX).then(|| format!("{shown:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::field::FieldRef;
    use crate::schema::repeat::Once;
    use crate::schema::table::ColumnRole;
    use crate::schema::types::UserTypes;

    const NOW: i64 = 1_800_000_000_000_000;
    const HOUR: i64 = 3_600 * 1_000_000;

    #[test]
    fn a_job_writes_later_than_its_start_and_than_the_jobs_before_it() {
        let check = |mode, last_us, expected| {
            assert_eq!(write_time(&mode, None, 1_000, last_us).unwrap(), expected);
        };
        check(TimestampMode::Order, None, WriteTime::Ordinal(1_001));
        check(TimestampMode::Order, Some(10), WriteTime::Ordinal(1_001));
        check(TimestampMode::Order, Some(1_000), WriteTime::Ordinal(1_001));
        check(TimestampMode::Order, Some(5_000), WriteTime::Ordinal(5_001));
        check(TimestampMode::Now, None, WriteTime::Constant(1_000));
        check(TimestampMode::Now, Some(10), WriteTime::Constant(1_000));
        check(TimestampMode::Now, Some(1_000), WriteTime::Constant(1_001));
        check(TimestampMode::Now, Some(5_000), WriteTime::Constant(5_001));
        check(TimestampMode::Fixed(7), Some(5_000), WriteTime::Constant(7));
        check(TimestampMode::Field(FieldRef::Place(1)), Some(5_000), WriteTime::Field);
    }

    #[test]
    fn with_a_list_each_record_has_several_write_times_and_one_for_all_is_refused() {
        let write_time = |mode| write_time(&mode, Some("tags"), 1_000, None);
        assert_eq!(write_time(TimestampMode::Order).unwrap(), WriteTime::Spaced(1_001));
        for mode in [TimestampMode::Now, TimestampMode::Fixed(7), TimestampMode::Field(FieldRef::Place(1))] {
            let error = write_time(mode).unwrap_err().to_string();
            assert!(error.starts_with("column \"tags\" is a list that is not frozen"), "{error}");
        }
    }

    #[test]
    fn a_list_that_a_function_fills_has_several_write_times_too() {
        let column = |name: &str, cql_type: &str| Column {
            name: name.to_owned(),
            cql_type: UserTypes::default().parse(cql_type).unwrap(),
            role: ColumnRole::Regular,
        };
        let check = |cql_type, once, expected| {
            let called = vec![column("day", "date"), column("l", cql_type)];
            let columns = vec![column("l", "text")];
            let plan = RowPlan { columns, arguments: vec![0], called, once, ..RowPlan::default() };
            assert_eq!(
                write_time_of(&TimestampMode::Order, &plan, 1_000, None).unwrap(),
                expected,
                "{cql_type}"
            );
        };
        check("list<int>", None, WriteTime::Spaced(1_001));
        check("frozen<list<int>>", None, WriteTime::Ordinal(1_001));
        check("list<int>", Some(Once::Function("f".to_owned())), WriteTime::Ordinal(1_001));
    }

    #[test]
    fn a_job_does_not_begin_behind_rows_from_the_future_unless_it_is_told_its_write_time() {
        let check = |mode: &TimestampMode, last_us| check_begin(mode, "ks.t", NOW, last_us);
        for mode in &[TimestampMode::Order, TimestampMode::Now] {
            for last_us in [None, Some(NOW - HOUR), Some(NOW), Some(NOW + WAIT_US_MAX)] {
                assert_eq!(check(mode, last_us), Ok(()));
            }
            let said = check(mode, Some(NOW + HOUR)).unwrap_err().to_string();
            let parts =
                ["ks.t", "2027-01-15T09:00:00Z (1800003600000000), 1h ahead", "--timestamp N", "--state-dir"];
            for part in parts {
                assert!(said.contains(part), "{part}: {said}");
            }
            assert!(check(mode, Some(i64::MAX)).is_err());
        }
        assert_eq!(check(&TimestampMode::Fixed(7), Some(NOW + HOUR)), Ok(()));
    }

    #[test]
    fn a_job_does_not_go_on_when_the_clock_was_set_back_behind_what_it_has_written() {
        let check = |write_time, settled| check_resume("nightly", write_time, settled, NOW);
        assert_eq!(check(WriteTime::Ordinal(NOW), 5_000_000), Ok(()));
        assert_eq!(check(WriteTime::Ordinal(NOW - HOUR), 3_600_000_000), Ok(()));
        assert!(check(WriteTime::Spaced(NOW), 1_000_000).is_err());
        // Nobody waits for one write time that is the same for all.
        assert_eq!(check(WriteTime::Constant(NOW + HOUR), 1), Ok(()));
        let said = check(WriteTime::Ordinal(NOW + HOUR), 60_000_000).unwrap_err().to_string();
        for part in ["job nightly", "2027-01-15T09:01:00Z", "1h 1m ahead", "--restart", "--timestamp N"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
