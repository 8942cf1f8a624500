//! What a row has beside the fields of its columns: values that are known of its record, its time to live and its write time.

use super::super::forms::{Place, TimeuuidFrom, own_bytes};
use super::super::{CodecError, CodecOptions, encode, stamp};
use super::{Field, KeyBytes, Record, RecordPlace, RowEncoder, Target, UNDECODABLE, UNSET, named_fault};
use crate::reject::Fault;
use crate::schema::mapping::Derived;
use crate::schema::table::Column;
use crate::schema::types::CqlType;

/// What faults in a row's time to live are told of, instead of a column: the server's name for that marker.
const TTL_NAME: &str = "[ttl]";

/// What faults in a row's write time are told of, likewise.
const WRITE_TIME_NAME: &str = "[timestamp]";

/// Where the time to live comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum TtlSource {
    /// There is no such marker.
    Table,
    /// The same for all rows.
    Seconds([u8; 4]),
    /// The field with this index.
    Field(usize),
}

/// What a column is filled from that no field fills.
#[derive(Debug, Clone)]
pub(super) enum DerivedValue {
    /// The same for all records.
    Constant {
        text: String,
        /// Its value, length included; for keys, which are counted, and where it is none, it is found out for each record.
        value: Option<Vec<u8>>,
    },
    /// The line of the record.
    Line,
    /// Its number.
    Record,
}

impl DerivedValue {
    pub(super) fn of(derived: &Derived, column: &Column, options: &CodecOptions) -> Self {
        match derived {
            Derived::Line => DerivedValue::Line,
            Derived::Record => DerivedValue::Record,
            Derived::Constant(text) => {
                let mut value = Vec::new();
                let encoded = encode(&column.cql_type, text.as_bytes(), options, &mut value);
                let len =
                    i32::try_from(value.len()).ok().filter(|_| encoded.is_ok() && !column.role.is_key());
                let value = len.map(|len| [&len.to_be_bytes()[..], &value[..]].concat());
                DerivedValue::Constant { text: text.clone(), value }
            }
        }
    }
}

/// The columns whose timeuuids may be made from the whole record.
pub(super) fn own_timeuuids(targets: &[Target], options: &CodecOptions) -> Vec<usize> {
    let from = options.forms.as_ref().and_then(|forms| forms.timeuuid);
    let is_own = |target: &Target| from == Some(TimeuuidFrom::Record) && target.cql_type == CqlType::Timeuuid;
    targets.iter().enumerate().filter(|(_, target)| is_own(target)).map(|(at, _)| at).collect()
}

impl RowEncoder {
    /// Sets what is behind the time in timeuuids that are made from times: from the content of the record, however it is quoted, so
    /// that the same record always has the same one.
    pub(super) fn set_own_timeuuids(&self, record: Record<'_>, start: usize, out: &mut [u8]) {
        let mut hasher = blake3::Hasher::new();
        for field in (0..record.field_count()).filter_map(|index| record.field(index)) {
            hasher.update(&(field.bytes.len() as u64).to_le_bytes());
            hasher.update(field.bytes);
            hasher.update(&[u8::from(!field.quoted && self.is_null(field.bytes))]);
        }
        let mut place = start + 2;
        let mut columns = self.own_timeuuids.iter().peekable();
        for (index, target) in self.targets.iter().enumerate() {
            let len = out
                .get(place..)
                .and_then(|rest| rest.first_chunk())
                .map_or(-1, |len| i32::from_be_bytes(*len));
            let value = place + 4;
            place = value + usize::try_from(len).unwrap_or(0);
            if columns.next_if_eq(&&index).is_none() || len != 16 {
                continue;
            }
            let text = match &target.derived {
                Some(DerivedValue::Constant { text, .. }) => text.as_bytes(),
                // A number, which is a time.
                Some(DerivedValue::Line | DerivedValue::Record) => b"",
                None => self.field(record, target).map_or(&b""[..], |field| field.bytes),
            };
            if self.options.forms.as_ref().is_some_and(|forms| forms.needs_record(text)) {
                let hash = hasher.clone().update(&(index as u64).to_le_bytes()).finalize();
                let hash = hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                if let Some(own) = out.get_mut(value + 8..value + 16) {
                    own.copy_from_slice(&own_bytes(hash));
                }
            }
        }
    }

    /// Appends the `[value]` of a column that no field fills.
    pub(super) fn append_derived(
        &self,
        index: usize,
        derived: &DerivedValue,
        place: RecordPlace,
        keys: &mut KeyBytes,
        out: &mut Vec<u8>,
    ) -> Result<(), Box<Fault>> {
        let number;
        let text = match derived {
            DerivedValue::Constant { value: Some(value), .. } => {
                out.extend_from_slice(value);
                return Ok(());
            }
            DerivedValue::Constant { text, .. } => text.as_bytes(),
            DerivedValue::Line => {
                number = place.line.to_string();
                number.as_bytes()
            }
            DerivedValue::Record => {
                number = place.number.to_string();
                number.as_bytes()
            }
        };
        // What is derived is never null.
        let field = Field { bytes: text, quoted: true };
        let Some(target) = self.targets.get(index) else { return Ok(()) };
        self.append(target, field, keys, out).map_err(|error| self.fault(index, field, &error))
    }

    /// Appends the time to live, where the plan has one, and the write time, which is returned and always the last.
    pub(super) fn append_stamp(
        &self,
        record: Record<'_>,
        write_time_us: i64,
        out: &mut Vec<u8>,
    ) -> Result<i64, Box<Fault>> {
        let options = &self.options;
        let ttl_of = |text: &[u8], place| match &options.forms {
            None => stamp::ttl(text),
            Some(forms) => forms.ttl(text, place),
        };
        let write_time_us = match self.write_time {
            None => write_time_us,
            Some(index) => self
                .stamp(record, index, WRITE_TIME_NAME, |text, place| stamp::write_time(text, options, place))
                .and_then(|found| match found {
                    (_, Some(write_time_us)) => Ok(write_time_us),
                    (field, None) => Err(named_fault(WRITE_TIME_NAME, field, &stamp::NO_WRITE_TIME.into())),
                })?,
        };
        let ttl = match self.ttl {
            TtlSource::Table => None,
            TtlSource::Seconds(seconds) => Some(Some(seconds)),
            TtlSource::Field(index) => Some(self.stamp(record, index, TTL_NAME, ttl_of)?.1),
        };
        match ttl {
            None => {}
            Some(None) => out.extend_from_slice(&UNSET),
            Some(Some(seconds)) => {
                out.extend_from_slice(&4i32.to_be_bytes());
                out.extend_from_slice(&seconds);
            }
        }
        if self.stamped {
            out.extend_from_slice(&8i32.to_be_bytes());
            out.extend_from_slice(&write_time_us.to_be_bytes());
        }
        Ok(write_time_us)
    }

    /// The field with this index, and what is read from it; `None` where it is null.
    fn stamp<'a, T>(
        &self,
        record: Record<'a>,
        index: usize,
        name: &str,
        read: impl FnOnce(&[u8], Place) -> Result<T, CodecError>,
    ) -> Result<(Field<'a>, Option<T>), Box<Fault>> {
        let field = self.field_at(record, index).ok_or_else(|| self.field_count_fault(record))?;
        let decoded;
        let text = if self.charset.is_utf8() {
            field.bytes
        } else {
            decoded = self.charset.decode(field.bytes);
            decoded.as_deref().ok_or_else(|| named_fault(name, field, &UNDECODABLE.into()))?
        };
        if !field.quoted && self.is_null(text) {
            return Ok((field, None));
        }
        let value = read(text, self.place(field)).map_err(|error| named_fault(name, field, &error.into()))?;
        Ok((field, Some(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::forms::Forms;
    use crate::format::record::RecordBatch;
    use crate::schema::mapping::FieldMapping;
    use crate::schema::statement::RowPlan;
    use crate::schema::table::ColumnRole;
    use uuid::Uuid;

    /// The timeuuids of a row: a key from a time in the first field, a column from the second, and a constant one.
    fn timeuuids(fields: [&str; 3], quoted: bool) -> [Uuid; 3] {
        let column = |name: &str, cql_type| Column { name: name.into(), cql_type, role: ColumnRole::Regular };
        let columns = vec![
            Column { role: ColumnRole::PartitionKey, ..column("id", CqlType::Timeuuid) },
            column("note", CqlType::Text),
            column("at", CqlType::Timeuuid),
            column("fixed", CqlType::Timeuuid),
        ];
        let plan = RowPlan { columns, ..RowPlan::default() };
        let mapping = FieldMapping {
            field_count: 3,
            fields: vec![0, 2, 1, usize::MAX],
            derived: vec![(3, Derived::Constant("1970-01-01".to_owned()))].into_iter().collect(),
            ..FieldMapping::default()
        };
        let forms = Forms { timeuuid: Some(TimeuuidFrom::Record), ..Forms::default() };
        let options = CodecOptions { forms: forms.unless_usual(), ..CodecOptions::default() };
        let mut batch = RecordBatch::default();
        batch.push(&fields.map(|text| Field { bytes: text.as_bytes(), quoted })).unwrap();
        let place = RecordPlace { write_time_us: 1, line: 1, number: 1 };
        let mut row = b"before".to_vec();
        RowEncoder::new(&plan, &mapping, &[], options)
            .encode(batch.get(0).unwrap(), place, &mut row)
            .unwrap();
        let note = fields[2].len();
        [12, 12 + 16 + 4 + note + 4, 12 + 16 + 4 + note + 4 + 16 + 4]
            .map(|at| Uuid::from_slice(&row[at..at + 16]).unwrap())
    }

    #[test]
    fn timeuuids_of_records_differ_where_the_records_do_and_uuids_stay() {
        const GIVEN: &str = "f81d4fae-7dec-11d0-0000-000000000000";
        let [id, at, fixed] = timeuuids(["2026-01-31T12:34:56Z", GIVEN, "a"], false);
        assert_eq!(at.to_string(), GIVEN);
        assert_eq!([id.get_version_num(), fixed.get_version_num()], [1, 1]);
        assert_eq!(id.get_timestamp().unwrap().to_unix(), (1_769_862_896, 0));
        assert_eq!(fixed.get_timestamp().unwrap().to_unix(), (0, 0));
        assert_ne!(id.as_bytes()[8..], fixed.as_bytes()[8..]);
        assert_eq!(timeuuids(["2026-01-31T12:34:56Z", GIVEN, "a"], true), [id, at, fixed]);
        let [other, _, other_fixed] = timeuuids(["2026-01-31T12:34:56Z", GIVEN, "b"], false);
        assert_ne!(other, id);
        assert_eq!(other.get_timestamp().unwrap().to_unix(), (1_769_862_896, 0));
        assert_ne!(other_fixed, fixed);
    }

    #[test]
    fn what_stands_bare_in_json_is_as_json_has_it() {
        let check = |fields: [(&str, bool); 4], is_json: bool, expected: Option<[i64; 4]>| {
            let column = |(at, cql_type): (usize, CqlType)| Column {
                name: format!("c{at}"),
                cql_type,
                role: if at == 0 { ColumnRole::PartitionKey } else { ColumnRole::Regular },
            };
            let types = [CqlType::Bigint, CqlType::Boolean];
            let columns = types.into_iter().enumerate().map(column).collect();
            let plan =
                RowPlan { columns, ttl: Some(crate::schema::statement::Ttl::Field), ..RowPlan::default() };
            let mapping = FieldMapping {
                field_count: 4,
                fields: vec![0, 1],
                ttl: Some(2),
                write_time: Some(3),
                ..FieldMapping::default()
            };
            let forms = Forms {
                separators: Some(crate::codec::forms::Separators::new(',', Some('.')).unwrap()),
                booleans: Some("ja:nein".parse().unwrap()),
                ..Forms::default()
            };
            let options = CodecOptions { forms: forms.unless_usual(), ..CodecOptions::default() };
            let mut batch = RecordBatch::default();
            batch.push(&fields.map(|(text, quoted)| Field { bytes: text.as_bytes(), quoted })).unwrap();
            let mut row = Vec::new();
            let encoder = RowEncoder::new(&plan, &mapping, &[], options).with_json(is_json);
            let place = RecordPlace { write_time_us: 1, line: 1, number: 1 };
            let written = encoder.encode(batch.get(0).unwrap(), place, &mut row).ok().map(|write_time_us| {
                let number = |at: usize, len: usize| {
                    row[at..at + len].iter().fold(0, |n, byte| n << 8 | i64::from(*byte))
                };
                [number(6, 8), number(18, 1), number(23, 4), write_time_us]
            });
            assert_eq!(written, expected, "{fields:?}");
        };
        let quoted = [("1.000", true), ("ja", true), ("1.000", true), ("2.000", true)];
        check(quoted, true, Some([1_000, 1, 1_000, 2_000]));
        let bare = [("1.000", false), ("true", false), ("1.000", false), ("2.000", false)];
        check(bare, true, Some([1, 1, 1, 2]));
        check(bare, false, None);
        check(
            [("1.000", false), ("ja", false), ("1.000", false), ("2.000", false)],
            false,
            Some([1_000, 1, 1_000, 2_000]),
        );
    }
}
