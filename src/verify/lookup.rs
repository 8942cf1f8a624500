//! The request of a verification: looks a record's row up by its key, with the write time of each cell, and holds what comes back
//! against what a load would send, byte for byte.
//!
//! A finding goes the way of a reject, so that a record that is missing lands in a file that can be loaded again.

use std::borrow::Cow;

use scylla::deserialize::row::ColumnIterator;
use scylla::response::query_result::QueryResult;
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;

use super::compare::{Difference, FileCell, Known, TableCell, Verdict, judge, judge_null};
use super::expiry::Expiry;
use super::show;
use crate::clock::Clock;
use crate::codec::row::cut;
use crate::codec::{canonical, is_kept_as_null};
use crate::control::message::{FileSpec, JobSpec, VerifyCounts, VerifySpec};
use crate::format::record::Record;
use crate::insert::cql::Target;
use crate::insert::encoded::{Cell, EncodedRow};
use crate::insert::engine::RowRef;
use crate::insert::load::ChunkLoad;
use crate::insert::request::{Again, Request};
use crate::reject::{Fault, RejectCode};
use crate::schema::mapping::{Derived, FieldMapping};
use crate::schema::prepare::prepare_select;
use crate::schema::statement::select_statement;
use crate::schema::table::{Column, ColumnRole, SchemaError};
use crate::schema::types::CqlType;

/// Looks rows up.
#[derive(Debug)]
pub struct Lookup {
    statement: PreparedStatement,
    columns: Vec<Column>,
    /// Places of those that are no column's value, which cannot be compared.
    arguments: Vec<usize>,
    mappings: Vec<FieldMapping>,
    known: Known,
    /// How many microseconds are each record's own.
    slot_us: i64,
    /// Whether the server tells the write times of columns of many cells.
    knows_all_times: bool,
    expiry: Expiry,
    /// Whether rows were held until their write times had come, which are known.
    held: bool,
    /// Whether rows have a time to live of their own, before their write time.
    with_ttl: bool,
    clock: Clock,
}

/// The judgement of a row and what there is to say of it.
struct Judgement<'a> {
    verdict: Verdict,
    /// The first column of which it is true, with what the table has there.
    worst: Option<(usize, TableCell<'a>)>,
    /// How many other columns are different.
    others: usize,
}

impl Lookup {
    /// Looks up the job's rows through its SELECT, prepared.
    pub fn new(statement: PreparedStatement, job: &JobSpec, verify: &VerifySpec) -> Self {
        let &VerifySpec { known, expiry, .. } = verify;
        let columns = job.row_plan.columns.clone();
        let comparable = job.row_plan.comparable();
        let values = comparable.iter().filter(|column| !column.role.is_key()).count();
        let knows_all_times = statement.get_current_result_set_col_specs().get().len() >= 2 * values;
        Lookup {
            statement,
            columns,
            arguments: job.row_plan.arguments.clone(),
            mappings: job.files.iter().map(|FileSpec { mapping, .. }| mapping.clone()).collect(),
            known,
            slot_us: job.write_time.slot_us(),
            knows_all_times,
            expiry,
            held: matches!(known, Known::EachRecord { .. }) && job.write_time.is_held(),
            with_ttl: job.row_plan.ttl.is_some(),
            clock: Clock::set(),
        }
    }

    /// Whether the row may have expired. Asked when the server has answered: what it has let expire is so for any time after.
    fn may_have_expired(&self, row: RowRef<'_>) -> Result<bool, String> {
        let mut ttl_s = None;
        if self.with_ttl {
            let mut cells = EncodedRow(row.values).cells().map_err(|error| error.to_string())?;
            let cell = cells.nth(self.columns.len()).ok_or("a row has no time to live")?;
            ttl_s = cell.map_err(|error| error.to_string())?.value().map(seconds).transpose()?;
        }
        let arrived_us = self.held.then_some(row.write_time_us);
        Ok(self.expiry.may_have_expired(ttl_s, arrived_us, self.clock.now_us()))
    }

    /// Holds a row of the table against the record's. The SELECT has a value and a write time for each column that is no key.
    fn judge<'a>(&self, row: RowRef<'a>, mut found: ColumnIterator<'a, 'a>) -> Result<Judgement<'a>, String> {
        let mut judged = Judgement { verdict: Verdict::Same, worst: None, others: 0 };
        let mut next = || match found.next() {
            Some(Ok(column)) => Ok(column.slice.map(|slice| slice.as_slice())),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("the server's answer lacks columns".to_owned()),
        };
        let cells = EncodedRow(row.values).cells().map_err(|error| error.to_string())?;
        let now_us = self.clock.now_us();
        for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            let wanted = cell.map_err(|error| error.to_string())?;
            if column.role.is_key() || self.arguments.contains(&index) {
                continue;
            }
            let value = next()?;
            let is_timed = self.knows_all_times || !column.cql_type.is_multi_cell();
            let written_us = if is_timed { next()?.map(bigint).transpose()? } else { None };
            let (wanted, value) = match wanted {
                // The cell stays as it is.
                Cell::Unset => continue,
                Cell::Null => (None, value.filter(|value| !is_kept_as_null(&column.cql_type, value))),
                Cell::Value(wanted) => match same_form(&column.cql_type, wanted, value) {
                    (None, _) => continue,
                    of_both => of_both,
                },
            };
            let is_static = column.role == ColumnRole::Static;
            let file = FileCell { is_static, ..self.file_cell(row, wanted.unwrap_or_default()) };
            let cell = TableCell { value, written_us };
            let judged_cell = match wanted {
                Some(_) => judge(self.known, file, cell, now_us),
                None => judge_null(self.known, file, cell, now_us),
            };
            let verdict = match judged_cell {
                Verdict::Different(Difference::Null) if self.may_have_expired(row)? => Verdict::Expired,
                verdict => verdict,
            };
            let is_different = |verdict| matches!(verdict, Verdict::Different(_));
            match is_different(judged.verdict) {
                true => judged.others += usize::from(is_different(verdict)),
                false if verdict > judged.verdict => {
                    (judged.verdict, judged.worst) = (verdict, Some((index, cell)));
                }
                false => {}
            }
        }
        Ok(judged)
    }

    /// The text of a column in a record.
    fn field<'r>(
        &self,
        record: Option<Record<'r>>,
        chunk: &ChunkLoad,
        column: usize,
    ) -> Option<Cow<'r, [u8]>> {
        let mapping = self.mappings.get(chunk.file().0 as usize)?;
        let number = |number: u64| Some(Cow::Owned(number.to_string().into_bytes()));
        match mapping.derived(column) {
            Some(Derived::Constant(text)) => Some(Cow::Owned(text.clone().into_bytes())),
            Some(Derived::Line) => number(chunk.line_of(record?)),
            Some(Derived::Record) => number(chunk.number_of(record?)),
            None => Some(Cow::Borrowed(record?.field(*mapping.fields.get(column)?)?.bytes)),
        }
    }

    fn missing(&self, record: u32, chunk: &ChunkLoad) -> Fault {
        let fields = chunk.records().get(record as usize);
        let keys = self.columns.iter().enumerate().filter(|(_, column)| column.role.is_key());
        let key = keys.map(|(index, column)| {
            let text = self.field(fields, chunk, index).unwrap_or_default();
            format!("{} {}", column.name, show::text(&text))
        });
        let key: Vec<String> = key.collect();
        let message = format!("the table has no row with {}", key.join(", "));
        Fault { code: RejectCode::Missing, column: None, value: None, message }
    }

    /// A cell that is not as the file says.
    fn fault(&self, code: RejectCode, row: RowRef<'_>, chunk: &ChunkLoad, judged: &Judgement<'_>) -> Fault {
        let (index, cell) = judged.worst.unwrap_or((0, TableCell { value: None, written_us: None }));
        let column = self.columns.get(index);
        let fields = chunk.records().get(row.record as usize);
        let value = self.field(fields, chunk, index).map(|text| cut(&text).to_vec());
        let has = match (cell.value, column) {
            (Some(value), Some(column)) => show::value(&column.cql_type, value),
            _ => "null".to_owned(),
        };
        let written = cell.written_us.map(show::time);
        let when = written.map(|time| format!(", written {time}")).unwrap_or_default();
        let why = match judged.verdict {
            Verdict::Overwritten => ", after the job's last write",
            Verdict::Different(Difference::Older) => {
                ", before this record: what this record wrote is not there"
            }
            Verdict::Different(Difference::Future) => {
                ", which is still to come: it hides what was loaded until then"
            }
            Verdict::Different(Difference::Value) if self.is_own_time(row, cell) => {
                ", this record's write time"
            }
            _ => "",
        };
        let more = match judged.others {
            0 => String::new(),
            1 => "; one more column differs".to_owned(),
            others => format!("; {others} more columns differ"),
        };
        let message = format!("the table has {has}{when}{why}{more}");
        Fault { code, column: column.map(|column| column.name.clone()), value, message }
    }

    fn file_cell<'v>(&self, row: RowRef<'_>, value: &'v [u8]) -> FileCell<'v> {
        FileCell { value, write_time_us: row.write_time_us, slot_us: self.slot_us, is_static: false }
    }

    fn is_own_time(&self, row: RowRef<'_>, cell: TableCell<'_>) -> bool {
        let is_own = |written_us| self.file_cell(row, &[]).whose(written_us).is_eq();
        matches!(self.known, Known::EachRecord { .. }) && cell.written_us.is_some_and(is_own)
    }
}

impl Request for Lookup {
    const TROUBLE: &'static str = "answering";
    const WHAT: &'static str = "to be read";

    fn bind(&self, values: &[u8]) -> Result<BoundStatement, String> {
        let key = key_of(&self.columns, values)?;
        self.statement.clone().bind(&EncodedRow(&key)).map_err(|error| error.to_string())
    }

    fn after_doubt(&self, _: &[u8], _: u8) -> Result<Again, String> {
        Ok(Again::Same)
    }

    fn settle(&self, answer: QueryResult, row: RowRef<'_>, chunk: &ChunkLoad) -> Result<(), String> {
        let unreadable =
            |error: &dyn std::error::Error| format!("the server's answer cannot be read: {error}");
        let rows = answer.into_rows_result().map_err(|error| unreadable(&error))?;
        let found = rows.maybe_first_row::<ColumnIterator<'_, '_>>().map_err(|error| unreadable(&error))?;
        let Some(found) = found else {
            match self.may_have_expired(row)? {
                true => chunk.set_aside(1, VerifyCounts { expired: 1, ..VerifyCounts::default() }),
                false => chunk.reject(row.record, &self.missing(row.record, chunk)),
            }
            return Ok(());
        };
        let judged = self.judge(row, found)?;
        match judged.verdict {
            Verdict::Same => chunk.written(1),
            Verdict::Superseded => {
                chunk.set_aside(1, VerifyCounts { superseded: 1, ..VerifyCounts::default() });
            }
            Verdict::Expired => chunk.set_aside(1, VerifyCounts { expired: 1, ..VerifyCounts::default() }),
            Verdict::Overwritten => {
                chunk.reject(row.record, &self.fault(RejectCode::Overwritten, row, chunk, &judged));
            }
            Verdict::Different(_) => {
                chunk.reject(row.record, &self.fault(RejectCode::Different, row, chunk, &judged));
            }
        }
        Ok(())
    }

    async fn look_at_table(&self, target: &Target) -> Result<(), SchemaError> {
        let Target { session, table, row_plan } = target;
        prepare_select(session, table, &select_statement(table, &row_plan.comparable())).await.map(drop)
    }
}

/// What the file and the table have of a cell, so that they can be compared byte by byte: the table's value is the file's where it is
/// the same one in other bytes, and an empty list that is kept as null is null in both. Nothing of the file where both have nothing.
fn same_form<'f>(
    cql_type: &CqlType,
    wanted: &'f [u8],
    value: Option<&'f [u8]>,
) -> (Option<&'f [u8]>, Option<&'f [u8]>) {
    if cql_type.is_native() {
        return (Some(wanted), value);
    }
    let value = value.filter(|value| !is_kept_as_null(cql_type, value));
    match value {
        None if is_kept_as_null(cql_type, wanted) => (None, None),
        Some(other) if other != wanted && canonical(cql_type, other).is_some_and(|bytes| bytes == wanted) => {
            (Some(wanted), Some(wanted))
        }
        _ => (Some(wanted), value),
    }
}

/// The values of the key columns, in the encoder's form.
fn key_of(columns: &[Column], values: &[u8]) -> Result<Vec<u8>, String> {
    let (mut count, mut key) = (0u16, vec![0; 2]);
    let cells = EncodedRow(values).cells().map_err(|error| error.to_string())?;
    for (column, cell) in columns.iter().zip(cells) {
        let cell = cell.map_err(|error| error.to_string())?;
        if !column.role.is_key() {
            continue;
        }
        let value = cell.value().ok_or("a key has no value")?;
        let length = i32::try_from(value.len()).map_err(|error| error.to_string())?;
        key.extend_from_slice(&length.to_be_bytes());
        key.extend_from_slice(value);
        count += 1;
    }
    if let Some(place) = key.first_chunk_mut() {
        *place = count.to_be_bytes();
    }
    Ok(key)
}

fn seconds(bytes: &[u8]) -> Result<u32, String> {
    let bytes = bytes.try_into().map_err(|_| "a time to live is no int".to_owned())?;
    Ok(u32::from_be_bytes(bytes))
}

fn bigint(bytes: &[u8]) -> Result<i64, String> {
    let bytes = bytes.try_into().map_err(|_| "a write time is no bigint".to_owned())?;
    Ok(i64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_row_is_made_of_its_key_columns_only() {
        let column = |name: &str, role| Column { name: name.to_owned(), cql_type: CqlType::Int, role };
        let columns = [
            column("k", ColumnRole::PartitionKey),
            column("s", ColumnRole::Static),
            column("c", ColumnRole::ClusteringKey),
        ];
        let row = [0, 4, 0, 0, 0, 1, 7, 0, 0, 0, 1, 8, 0, 0, 0, 2, 9, 9, 0, 0, 0, 1, 1];
        assert_eq!(key_of(&columns, &row).unwrap(), [0, 2, 0, 0, 0, 1, 7, 0, 0, 0, 2, 9, 9]);
        let no_key = [0, 3, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(key_of(&columns, &no_key).is_err());
    }
}
