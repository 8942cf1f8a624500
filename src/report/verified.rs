//! What a verification found, as lines for people and as fields for scripts. Pure.

use serde::Serialize;

use super::details::{ReasonFields, reason_fields, reason_lines};
use super::event::{Summary, Verified};
use super::figures::{counted, run_time, seconds, thousands};
use super::summary::row;
use crate::verify::compare::Known;

/// A verification, as the summary file has it.
#[derive(Debug, Serialize)]
pub(super) struct VerifyFields<'a> {
    checked: u64,
    same: u64,
    missing: u64,
    different: u64,
    overwritten: u64,
    superseded: u64,
    expired: u64,
    not_checked: u64,
    not_sampled: u64,
    /// What could be compared beside values: the write times of each record, the job's last one, or nothing.
    write_times: &'static str,
    sample: String,
    reasons: Vec<ReasonFields<'a>>,
    differences_dir: Option<String>,
    seconds: f64,
}

pub(super) fn fields(summary: &Summary) -> Option<VerifyFields<'_>> {
    summary.verified.as_ref().map(|verified| VerifyFields {
        checked: verified.checked,
        same: verified.same,
        missing: verified.missing,
        different: verified.different,
        overwritten: verified.overwritten,
        superseded: verified.superseded,
        expired: verified.expired,
        not_checked: verified.not_checked,
        not_sampled: verified.not_sampled,
        write_times: match verified.known {
            Known::EachRecord { .. } => "each_record",
            Known::LastRecord { .. } => "last_record",
            Known::Nothing => "none",
        },
        sample: verified.sample.to_string(),
        reasons: reason_fields(&verified.reasons),
        differences_dir: verified.differences_dir.as_deref().map(|path| path.display().to_string()),
        seconds: seconds(verified.elapsed),
    })
}

/// How the differences are told in the first line.
pub(super) fn headline(summary: &Summary) -> String {
    let Some(verified) = &summary.verified else { return "differences found".to_owned() };
    let (missing, different) = (verified.missing, verified.different);
    let found = [(missing, "missing"), (different, "different")].into_iter().filter(|(count, _)| *count > 0);
    let found: Vec<String> = found.map(|(count, what)| format!("{} {what}", counted(count, "row"))).collect();
    let loaded = if summary.verify_only { "" } else { "loaded, but " };
    format!("{loaded}{}", found.join(", "))
}

/// The lines of a verification.
pub(super) fn lines(summary: &Summary) -> Vec<String> {
    let Some(verified) = &summary.verified else { return Vec::new() };
    let &Verified { missing, different, overwritten, superseded, not_checked, not_sampled, .. } = verified;
    let of = if verified.sample.is_all() {
        String::new()
    } else {
        format!(", a sample of {} ({} left out)", verified.sample, thousands(not_sampled))
    };
    let took =
        if summary.verify_only { String::new() } else { format!(" in {}", run_time(verified.elapsed)) };
    let mut lines = vec![row("checked", &format!("{}{of}{took}", thousands(verified.checked)))];
    let counts = [("same", verified.same), ("missing", missing), ("different", different)];
    lines.extend(counts.map(|(name, count)| row(name, &thousands(count))));
    lines.push(row("overwritten", &of_time(overwritten, verified.known != Known::Nothing)));
    let exact = matches!(verified.known, Known::EachRecord { .. });
    lines.push(row("superseded", &of_time(superseded, exact)));
    // Few tables have rows that expire.
    lines.extend((verified.expired > 0).then(|| row("expired", &thousands(verified.expired))));
    lines.push(row("not checked", &thousands(not_checked)));
    if summary.verify_only {
        lines.extend(reason_lines(&summary.reject_reasons));
    }
    lines.extend(
        verified.differences_dir.as_ref().map(|dir| row("findings", &format!("in {}", dir.display()))),
    );
    lines.extend(reason_lines(&verified.reasons));
    lines.extend(unknown(verified.known).map(|note| row("note", note)));
    lines
}

/// What can only be counted where write times are known.
fn of_time(count: u64, is_known: bool) -> String {
    if is_known { thousands(count) } else { "unknown".to_owned() }
}

fn unknown(known: Known) -> Option<&'static str> {
    match known {
        Known::EachRecord { last_us: i64::MAX } => Some(
            "whatever was written later than a record counts as superseding it: write times come from the records",
        ),
        Known::EachRecord { .. } => None,
        Known::LastRecord { .. } => Some(
            "what a later record of the same key has superseded counts as different: the inputs or settings are not the job's",
        ),
        Known::Nothing => Some(
            "what was overwritten or superseded counts as different: no job in the ledger has loaded these files",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::event::{RejectTally, RunStatus};
    use super::super::summary::{SummaryFile, human, quiet};
    use super::*;
    use crate::reject::RejectCode;
    use crate::settings::TableName;
    use crate::verify::sample::Sample;

    fn verified() -> Verified {
        Verified {
            checked: 20_000,
            same: 19_990,
            missing: 1,
            different: 2,
            overwritten: 3,
            superseded: 4,
            expired: 6,
            not_checked: 5,
            not_sampled: 180_000,
            known: Known::EachRecord { last_us: 7 },
            sample: Sample::percent(10.0).unwrap(),
            reasons: vec![
                RejectTally { column: Some("price".to_owned()), code: RejectCode::Different, count: 2 },
                RejectTally { column: None, code: RejectCode::Missing, count: 1 },
            ],
            differences_dir: Some("ringload-differences/x".into()),
            elapsed: Duration::from_millis(2_500),
        }
    }

    fn summary(verify_only: bool, verified: Verified) -> Summary {
        let table = TableName { keyspace: "shop".to_owned(), table: "orders".to_owned() };
        Summary {
            status: RunStatus::Differences,
            job: Some("nightly".to_owned()),
            message: None,
            bytes: 21_800_000,
            records: 200_005,
            written: if verify_only { 0 } else { 200_000 },
            rejected: 5,
            reject_reasons: vec![RejectTally { column: None, code: RejectCode::FieldCount, count: 5 }],
            units: 4,
            elapsed: Duration::from_millis(2_500),
            verify_only,
            verified: Some(verified),
            ..Summary::not_begun(&table, &["a.csv".into()], false, String::new())
        }
    }

    #[test]
    fn people_read_what_became_of_the_records() {
        let check = |summary: &Summary, expected: &str| assert_eq!(human(summary), expected);
        check(
            &summary(true, verified()),
            "\
1 row missing, 2 rows different
  table           shop.orders
  job             nightly
  records         200,005 (21.8 MB)
  checked         20,000, a sample of 10% (180,000 left out)
  same            19,990
  missing         1
  different       2
  overwritten     3
  superseded      4
  expired         6
  not checked     5
    5             field_count
  findings        in ringload-differences/x
    2             column price: different
    1             missing
  workers         in this process (4 units)
  time            2.5s
  rate            8,000 rows/s, 8.7 MB/s",
        );
        let clean = Verified {
            checked: 200_000,
            same: 200_000,
            missing: 0,
            different: 0,
            overwritten: 0,
            superseded: 0,
            expired: 0,
            not_sampled: 0,
            sample: Sample::ALL,
            reasons: Vec::new(),
            differences_dir: None,
            ..verified()
        };
        let status = RunStatus::DoneWithRejects;
        check(
            &Summary { status, ..summary(false, clean) },
            "\
done, with 5 rejects
  table           shop.orders
  job             nightly
  records         200,005 (21.8 MB)
  written         200,000
  rejected        5
    5             field_count
  workers         in this process (4 units)
  time            2.5s
  rate            80,000 rows/s, 8.7 MB/s
  checked         200,000 in 2.5s
  same            200,000
  missing         0
  different       0
  overwritten     0
  superseded      0
  not checked     5",
        );
    }

    #[test]
    fn what_cannot_be_told_apart_is_not_counted() {
        let check = |known, expected: [&str; 3]| {
            let text = human(&summary(true, Verified { known, ..verified() }));
            for line in expected {
                assert!(text.contains(line), "{line:?} is not in {text}");
            }
        };
        let unknown =
            ["\n  overwritten     unknown\n", "\n  superseded      unknown\n", "no job in the ledger"];
        check(Known::Nothing, unknown);
        let changed = ["\n  overwritten     3\n", "\n  superseded      unknown\n", "are not the job's"];
        check(Known::LastRecord { last_us: 7 }, changed);
    }

    #[test]
    fn the_first_line_tells_what_was_found() {
        let check = |verify_only, missing, different, status, expected: &str| {
            let verified = Verified { missing, different, ..verified() };
            let summary = Summary { status, ..summary(verify_only, verified) };
            assert_eq!(human(&summary).lines().next(), Some(expected));
        };
        check(true, 1_000, 0, RunStatus::Differences, "1,000 rows missing");
        check(true, 0, 1, RunStatus::Differences, "1 row different");
        check(false, 2, 1, RunStatus::Differences, "loaded, but 2 rows missing, 1 row different");
        check(true, 0, 0, RunStatus::Done, "done");
        check(true, 0, 0, RunStatus::DoneWithRejects, "done, but 5 records could not be checked");
    }

    #[test]
    fn a_quiet_verification_says_what_it_found_and_where() {
        let check = |status, message: Option<&str>, expected: &str| {
            let message = message.map(str::to_owned);
            let summary =
                Summary { status, message, records: 20_005, rejected: 5, ..summary(true, verified()) };
            assert_eq!(quiet(&summary).as_deref(), Some(expected));
        };
        let see = "see ringload-differences/x";
        check(RunStatus::Differences, None, &format!("1 row missing, 2 rows different, {see}"));
        let unread = format!("5 of 20,005 records could not be checked, {see}");
        check(RunStatus::DoneWithRejects, None, &unread);
        check(RunStatus::TooManyErrors, Some("too many"), &format!("stopped: too many, {see}"));
    }

    #[test]
    fn of_a_load_that_was_being_verified_it_is_said_that_it_is_loaded() {
        let interrupted =
            |verify_only| Summary { status: RunStatus::Interrupted(2), ..summary(verify_only, verified()) };
        let said = "loaded, but its verification was interrupted by SIGINT";
        assert!(human(&interrupted(true)).starts_with("interrupted by SIGINT\n"));
        assert!(human(&interrupted(false)).starts_with(&format!("{said}\n")));
        assert!(quiet(&interrupted(false)).is_some_and(|line| line.starts_with(&format!("{said}: "))));
    }

    #[test]
    fn scripts_read_the_documented_fields() {
        let value = serde_json::to_value(SummaryFile::from(&summary(true, verified()))).unwrap();
        let expected = serde_json::json!({
            "checked": 20_000, "same": 19_990, "missing": 1, "different": 2, "overwritten": 3, "superseded": 4, "expired": 6,
            "not_checked": 5, "not_sampled": 180_000, "write_times": "each_record", "sample": "10%",
            "reasons": [
                {"column": "price", "code": "different", "count": 2}, {"column": null, "code": "missing", "count": 1},
            ],
            "differences_dir": "ringload-differences/x", "seconds": 2.5,
        });
        assert_eq!(value["verify"], expected);
        assert_eq!((&value["status"], &value["exit_code"]), (&"differences".into(), &1.into()));
    }
}
