//! A look at each file's first record, for values that can be read and are probably not meant so. It costs nothing, and it is no
//! promise: what is in the records behind it is not looked at. Pure.

use std::path::Path;

use crate::schema::mapping::FieldMapping;
use crate::schema::table::Column;
use crate::schema::types::CqlType;

/// The first record of a file; no fields where there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstRecord<'a> {
    /// The file.
    pub(super) file: &'a Path,
    /// Where the columns are in it.
    pub(super) mapping: &'a FieldMapping,
    /// Its fields as text.
    pub(super) fields: &'a [String],
}

/// A warning for each timestamp column whose first value looks like a date without hyphens: digits alone are milliseconds.
pub(super) fn doubtful_dates<'a>(
    columns: &[Column],
    first_records: impl Iterator<Item = FirstRecord<'a>> + Clone,
) -> Vec<String> {
    let doubt = |(index, column): (usize, &Column)| {
        let value = |first: FirstRecord<'a>| {
            let text = first.fields.get(*first.mapping.fields.get(index)?)?.trim();
            is_compact_date(text).then_some((first.file, text))
        };
        let (file, text) = first_records.clone().find_map(value)?;
        Some(format!(
            "{}: {text} in column {} is read as milliseconds since 1970, as all digits alone are: if it is a date, write it with \
             hyphens, as in {}-{}-{}",
            file.display(),
            column.name,
            text.get(..4)?,
            text.get(4..6)?,
            text.get(6..)?,
        ))
    };
    let columns = columns.iter().enumerate();
    columns.filter(|(_, column)| column.cql_type == CqlType::Timestamp).filter_map(doubt).collect()
}

/// Whether a text is `yyyymmdd`, in the years that dates are of.
fn is_compact_date(text: &str) -> bool {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let number = |range| text.get(range).and_then(|digits: &str| digits.parse::<u16>().ok());
    let within = |range, (from, to)| number(range).is_some_and(|number| (from..=to).contains(&number));
    within(0..4, (1900, 2100)) && within(4..6, (1, 12)) && within(6..8, (1, 31))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::table::ColumnRole;

    fn column(name: &str, cql_type: CqlType) -> Column {
        Column { name: name.to_owned(), cql_type, role: ColumnRole::Regular }
    }

    #[test]
    fn a_timestamp_column_whose_first_value_looks_like_a_date_is_told_once() {
        let columns =
            [column("day", CqlType::Timestamp), column("id", CqlType::Int), column("ts", CqlType::Timestamp)];
        let mapping = FieldMapping { field_count: 3, fields: vec![2, 1, 0], ..FieldMapping::default() };
        let records = [["1", "20260131", "20260131"], ["19991231", "1", " 20260201"]];
        let records = records.map(|fields| fields.map(str::to_owned));
        let first = |fields| FirstRecord { file: Path::new("a.csv"), mapping: &mapping, fields };
        let told = doubtful_dates(&columns, [first(&[]), first(&records[0]), first(&records[1])].into_iter());
        let said = |text: &str, column: &str, date: &str| {
            format!(
                "a.csv: {text} in column {column} is read as milliseconds since 1970, as all digits alone are: if it is a date, \
                 write it with hyphens, as in {date}"
            )
        };
        assert_eq!(told, [said("20260131", "day", "2026-01-31"), said("19991231", "ts", "1999-12-31")]);
    }

    #[test]
    fn other_digits_are_no_dates() {
        for (text, expected) in [
            ("20260131", true),
            ("19000101", true),
            ("21001231", true),
            ("18991231", false),
            ("21010101", false),
            ("20261301", false),
            ("20260132", false),
            ("20260100", false),
            ("2026013", false),
            ("202601310", false),
            ("2026-1-1", false),
            ("+2026013", false),
        ] {
            assert_eq!(is_compact_date(text), expected, "{text}");
        }
    }
}
