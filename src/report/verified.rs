//! What a verification found, as lines for people and as fields for scripts. Pure.

use serde::Serialize;

use super::details::{ReasonFields, reason_fields, reason_lines};
use super::event::{Summary, Verified};
use super::figures::{counted, run_time, thousands};
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
        seconds: (verified.elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
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
        Known::EachRecord { .. } => None,
        Known::LastRecord { .. } => Some(
            "what a later record of the same key has superseded counts as different: the inputs or settings are not the job's",
        ),
        Known::Nothing => Some(
            "what was overwritten or superseded counts as different: no job in the ledger has loaded these files",
        ),
    }
}
