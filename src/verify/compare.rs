//! What the table has against what the file says: the judgement of a cell, and of a row by its cells. Pure, tested as a table.
//!
//! A load writes each record with a write time of its own, and the ledger knows it. So a value that is another one can be told by
//! its write time: whether a later record of the same key wrote it, or somebody else after the job, or whether it is wrong.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// What is known of the write times of what was loaded. All in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// That of each record, and the last one of the job.
    EachRecord {
        /// The job's last write time.
        last_us: i64,
    },
    /// The job's last one. The inputs have changed since the job, so that the records are no longer those that had their ordinals.
    LastRecord {
        /// The job's last write time.
        last_us: i64,
    },
    /// Nothing: only values can be compared.
    Nothing,
}

/// A cell of a row that is in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableCell<'a> {
    /// Its value, as it came; `None`: null.
    pub value: Option<&'a [u8]>,
    /// When it was written.
    pub written_us: Option<i64>,
}

/// What a record says of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileCell<'a> {
    /// The value, as a load would send it.
    pub value: &'a [u8],
    /// When a load would have written it, where [`Known::EachRecord`].
    pub write_time_us: i64,
    /// How many microseconds from then on are the record's own: a load may have written it later, when it sent it again.
    pub slot_us: i64,
    /// Whether the cell belongs to all rows of the partition.
    pub is_static: bool,
}

impl FileCell<'_> {
    /// Whether what was written then was written by the record, or before or after it.
    pub fn whose(&self, written_us: i64) -> Ordering {
        match written_us.cmp(&self.write_time_us) {
            Ordering::Greater if written_us.saturating_sub(self.write_time_us) < self.slot_us => {
                Ordering::Equal
            }
            order => order,
        }
    }
}

/// The judgement of a cell, from good to bad: that of a row is the worst of its cells'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is as the file says.
    Same,
    /// A later record of the job has written it.
    Superseded,
    /// It is null, and its time to live may be over.
    Expired,
    /// It was written after the job.
    Overwritten,
    /// It is not as the file says.
    Different(Difference),
}

/// What is wrong with a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// It is null.
    Null,
    /// It has another value.
    Value,
    /// It was written before the record, so what the record wrote is not there; the value is the same or another.
    Older,
    /// It has another value, with a write time that has not come yet: that was not written since, but hides what was loaded.
    Future,
}

/// So far the clocks of those who write may be apart, in microseconds: a write time that is later than now by more lies in the future.
const CLOCKS_APART_US: i64 = 1_000_000;

/// Judges a cell of a row that is in the table at `now_us` (microseconds since 1970-01-01T00:00:00Z), for which the record has a value.
pub fn judge(known: Known, file: FileCell<'_>, table: TableCell<'_>, now_us: i64) -> Verdict {
    let Some(value) = table.value else { return Verdict::Different(Difference::Null) };
    let is_same = value == file.value;
    let by_value = if is_same { Verdict::Same } else { Verdict::Different(Difference::Value) };
    match (known, table.written_us) {
        (Known::EachRecord { last_us } | Known::LastRecord { last_us }, Some(written))
            if written > last_us =>
        {
            match !is_same && written > now_us.saturating_add(CLOCKS_APART_US) {
                true => Verdict::Different(Difference::Future),
                false => Verdict::Overwritten,
            }
        }
        (Known::EachRecord { .. }, Some(written)) => match file.whose(written) {
            Ordering::Less => Verdict::Different(Difference::Older),
            Ordering::Equal => by_value,
            // Every record of a partition writes its static cells; that the last one did is no duplicate.
            Ordering::Greater if file.is_static && is_same => Verdict::Same,
            Ordering::Greater => Verdict::Superseded,
        },
        _ => by_value,
    }
}

/// The same for a record that deletes what the cell has: nothing is to be there.
pub fn judge_null(known: Known, file: FileCell<'_>, table: TableCell<'_>, now_us: i64) -> Verdict {
    match table.value {
        None => Verdict::Same,
        // Whatever is there, it is not the same.
        Some(_) => match judge(known, file, table, now_us) {
            Verdict::Same => Verdict::Different(Difference::Value),
            verdict => verdict,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When cells are judged.
    const NOW: i64 = 10_000;
    const EACH: Known = Known::EachRecord { last_us: 200 };
    const LAST: Known = Known::LastRecord { last_us: 200 };

    fn verdict(known: Known, table: Option<&[u8]>, written_us: Option<i64>, is_static: bool) -> Verdict {
        let file = FileCell { value: b"new", write_time_us: 100, slot_us: 1, is_static };
        judge(known, file, TableCell { value: table, written_us }, NOW)
    }

    #[test]
    fn a_cell_is_judged_by_its_value_and_its_write_time() {
        use Difference::*;
        use Verdict::*;
        let (same, other) = (Some(&b"new"[..]), Some(&b"old"[..]));
        let table = [
            // The write time of each record is known.
            (EACH, same, Some(100), Same),
            (EACH, other, Some(100), Different(Value)),
            (EACH, same, Some(101), Superseded),
            (EACH, other, Some(101), Superseded),
            (EACH, other, Some(200), Superseded),
            (EACH, other, Some(201), Overwritten),
            (EACH, same, Some(201), Overwritten),
            (EACH, other, Some(NOW + CLOCKS_APART_US), Overwritten),
            (EACH, other, Some(NOW + CLOCKS_APART_US + 1), Different(Future)),
            (EACH, same, Some(NOW + CLOCKS_APART_US + 1), Overwritten),
            (EACH, other, Some(i64::MAX), Different(Future)),
            (EACH, other, Some(99), Different(Older)),
            (EACH, same, Some(99), Different(Older)),
            (EACH, None, None, Different(Null)),
            (EACH, same, None, Same),
            (EACH, other, None, Different(Value)),
            // Only the last write time of the job is known.
            (LAST, same, Some(99), Same),
            (LAST, other, Some(99), Different(Value)),
            (LAST, same, Some(150), Same),
            (LAST, other, Some(200), Different(Value)),
            (LAST, other, Some(201), Overwritten),
            (LAST, other, Some(NOW + CLOCKS_APART_US + 1), Different(Future)),
            (LAST, None, None, Different(Null)),
            // No write time is known.
            (Known::Nothing, same, Some(1), Same),
            (Known::Nothing, other, Some(1), Different(Value)),
            (Known::Nothing, other, Some(i64::MAX), Different(Value)),
            (Known::Nothing, None, None, Different(Null)),
        ];
        for (known, value, written_us, expected) in table {
            assert_eq!(
                verdict(known, value, written_us, false),
                expected,
                "{known:?} {value:?} {written_us:?}"
            );
        }
    }

    #[test]
    fn what_a_record_deletes_is_not_to_be_there() {
        let check = |known, value: Option<&[u8]>, written_us, expected| {
            let file = FileCell { value: b"", write_time_us: 100, slot_us: 1, is_static: false };
            assert_eq!(judge_null(known, file, TableCell { value, written_us }, NOW), expected, "{value:?}");
        };
        check(EACH, None, None, Verdict::Same);
        check(EACH, Some(b"x"), Some(150), Verdict::Superseded);
        check(EACH, Some(b"x"), Some(201), Verdict::Overwritten);
        check(EACH, Some(b"x"), Some(99), Verdict::Different(Difference::Older));
        check(EACH, Some(b""), Some(100), Verdict::Different(Difference::Value));
        check(Known::Nothing, Some(b""), Some(1), Verdict::Different(Difference::Value));
        check(Known::Nothing, None, None, Verdict::Same);
    }

    #[test]
    fn one_write_time_for_all_records_cannot_tell_a_duplicate_from_a_difference() {
        let file = FileCell { value: b"new", write_time_us: 100, slot_us: 1, is_static: false };
        let known = Known::EachRecord { last_us: 100 };
        let check = |value: &[u8], written_us, expected| {
            let table = TableCell { value: Some(value), written_us: Some(written_us) };
            assert_eq!(judge(known, file, table, NOW), expected);
        };
        check(b"new", 100, Verdict::Same);
        check(b"old", 100, Verdict::Different(Difference::Value));
        check(b"old", 101, Verdict::Overwritten);
        check(b"old", 99, Verdict::Different(Difference::Older));
    }

    #[test]
    fn what_the_job_itself_wrote_with_a_time_in_the_future_is_its_own() {
        let last_us = NOW + 2 * CLOCKS_APART_US;
        let file = FileCell { value: b"new", write_time_us: last_us, slot_us: 1, is_static: false };
        let cell = |value| TableCell { value: Some(value), written_us: Some(last_us) };
        let known = Known::EachRecord { last_us };
        assert_eq!(judge(known, file, cell(b"new"), NOW), Verdict::Same);
        assert_eq!(judge(known, file, cell(b"old"), NOW), Verdict::Different(Difference::Value));
    }

    #[test]
    fn a_static_cell_that_a_later_record_wrote_again_is_the_same() {
        let check = |value: &[u8], expected| {
            assert_eq!(verdict(EACH, Some(value), Some(150), true), expected);
        };
        check(b"new", Verdict::Same);
        check(b"old", Verdict::Superseded);
    }

    #[test]
    fn a_record_that_was_sent_again_has_several_write_times() {
        let file = FileCell { value: b"new", write_time_us: 100, slot_us: 16, is_static: false };
        let check = |value: &[u8], written_us, expected| {
            let table = TableCell { value: Some(value), written_us: Some(written_us) };
            assert_eq!(judge(EACH, file, table, NOW), expected, "{written_us}");
        };
        check(b"new", 99, Verdict::Different(Difference::Older));
        for own in [100, 101, 115] {
            check(b"new", own, Verdict::Same);
            check(b"old", own, Verdict::Different(Difference::Value));
        }
        check(b"new", 116, Verdict::Superseded);
    }

    #[test]
    fn an_empty_value_is_not_null() {
        let file = FileCell { value: b"", write_time_us: 100, slot_us: 1, is_static: false };
        let check = |value: Option<&[u8]>, expected| {
            let written_us = value.map(|_| 100);
            assert_eq!(judge(EACH, file, TableCell { value, written_us }, NOW), expected);
        };
        check(Some(b""), Verdict::Same);
        check(None, Verdict::Different(Difference::Null));
        check(Some(b"\0"), Verdict::Different(Difference::Value));
    }

    #[test]
    fn a_row_is_as_bad_as_its_worst_cell() {
        use Verdict::*;
        let mut verdicts = [Different(Difference::Null), Same, Overwritten, Superseded];
        verdicts.sort();
        assert_eq!(verdicts, [Same, Superseded, Overwritten, Different(Difference::Null)]);
    }

    use proptest::prelude::*;

    proptest! {
        /// Records of one key, some of whose writes were lost, and whoever wrote after the job: the cell is what was written last, and
        /// the judgements say whose that is. Where nobody wrote later, a lost last write is never passed over.
        #[test]
        fn of_records_with_one_key_each_is_judged_by_whose_write_is_there(
            lost in prop::collection::vec(any::<bool>(), 1..8),
            values in prop::collection::vec(0..3u8, 8),
            later in proptest::option::of(0..3u8),
        ) {
            let time = |record: usize| 1_000 + record as i64;
            let last_us = time(lost.len() - 1);
            let winner = (0..lost.len()).rev().find(|record| !lost[*record]);
            let (value, written_us) = match (later, winner) {
                (Some(value), _) => (value, last_us + 5),
                (None, Some(record)) => (values[record], time(record)),
                // The row is missing, and no cell is judged.
                (None, None) => return Ok(()),
            };
            let cell = TableCell { value: Some(&[value]), written_us: Some(written_us) };
            for record in 0..lost.len() {
                let file = FileCell { value: &values[record..=record], write_time_us: time(record), slot_us: 1, is_static: false };
                let expected = match (later, winner.map(|winner| winner.cmp(&record))) {
                    (Some(_), _) => Verdict::Overwritten,
                    (None, Some(Ordering::Equal)) => Verdict::Same,
                    (None, Some(Ordering::Greater)) => Verdict::Superseded,
                    (None, _) => Verdict::Different(Difference::Older),
                };
                prop_assert_eq!(judge(Known::EachRecord { last_us }, file, cell, NOW), expected);
            }
        }
    }
}
