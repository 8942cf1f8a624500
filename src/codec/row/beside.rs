//! What a row has beside the fields of its columns: values that are known of its record, its time to live and its write time.

use super::super::{CodecError, CodecOptions, encode, stamp};
use super::{Field, KeyBytes, Record, RecordPlace, RowEncoder, UNDECODABLE, UNSET, named_fault};
use crate::reject::Fault;
use crate::schema::mapping::Derived;
use crate::schema::table::Column;

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

impl RowEncoder {
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
        let rounding = self.options.rounding;
        let write_time_us = match self.write_time {
            None => write_time_us,
            Some(index) => self
                .stamp(record, index, WRITE_TIME_NAME, |text| stamp::write_time(text, rounding))
                .and_then(|found| match found {
                    (_, Some(write_time_us)) => Ok(write_time_us),
                    (field, None) => Err(named_fault(WRITE_TIME_NAME, field, &stamp::NO_WRITE_TIME.into())),
                })?,
        };
        let ttl = match self.ttl {
            TtlSource::Table => None,
            TtlSource::Seconds(seconds) => Some(Some(seconds)),
            TtlSource::Field(index) => Some(self.stamp(record, index, TTL_NAME, stamp::ttl)?.1),
        };
        match ttl {
            None => {}
            Some(None) => out.extend_from_slice(&UNSET),
            Some(Some(seconds)) => {
                out.extend_from_slice(&4i32.to_be_bytes());
                out.extend_from_slice(&seconds);
            }
        }
        out.extend_from_slice(&8i32.to_be_bytes());
        out.extend_from_slice(&write_time_us.to_be_bytes());
        Ok(write_time_us)
    }

    /// The field with this index, and what is read from it; `None` where it is null.
    fn stamp<'a, T>(
        &self,
        record: Record<'a>,
        index: usize,
        name: &str,
        read: impl FnOnce(&[u8]) -> Result<T, CodecError>,
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
        let value = read(text).map_err(|error| named_fault(name, field, &error.into()))?;
        Ok((field, Some(value)))
    }
}
