//! A row in the encoder's form (see [`crate::codec::row`]): taken apart again, and put into a statement as it is. Converts nothing.

use scylla::serialize::SerializationError;
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;

use crate::schema::statement::Stamp;

/// Length of a value that is not set (CQL protocol v4, section 3, [value]).
const UNSET: i32 = -2;
/// Length of a null.
const NULL: i32 = -1;

/// What a row has for a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// A value.
    Value(&'a [u8]),
    /// Null: what the cell has is deleted.
    Null,
    /// Nothing: the cell stays as it is.
    Unset,
}

impl<'a> Cell<'a> {
    /// Its value, if it is one.
    pub fn value(self) -> Option<&'a [u8]> {
        match self {
            Cell::Value(value) => Some(value),
            Cell::Null | Cell::Unset => None,
        }
    }
}

/// A row in the encoder's form.
#[derive(Debug, Clone, Copy)]
pub struct EncodedRow<'a>(pub &'a [u8]);

/// An encoded row is not what the encoder promises, which is a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an encoded row is malformed: {0}")]
pub struct MalformedRow(&'static str);

/// The values of an encoded row in order. After the last one comes an error if there is more.
#[derive(Debug, Clone)]
pub struct Cells<'a> {
    left: usize,
    rest: &'a [u8],
}

impl<'a> EncodedRow<'a> {
    /// Its values.
    ///
    /// # Errors
    /// The row does not begin with their number.
    pub fn cells(self) -> Result<Cells<'a>, MalformedRow> {
        let (count, rest) = self.0.split_first_chunk().ok_or(MalformedRow("no value count"))?;
        Ok(Cells { left: usize::from(u16::from_be_bytes(*count)), rest })
    }
}

impl<'a> Cells<'a> {
    fn take(&mut self) -> Result<Cell<'a>, MalformedRow> {
        let (length, values) =
            self.rest.split_first_chunk().ok_or(MalformedRow("a value's length is cut off"))?;
        let length = match i32::from_be_bytes(*length) {
            UNSET => {
                self.rest = values;
                return Ok(Cell::Unset);
            }
            NULL => {
                self.rest = values;
                return Ok(Cell::Null);
            }
            length => usize::try_from(length).map_err(|_| MalformedRow("a value's length is negative"))?,
        };
        let (value, rest) = values.split_at_checked(length).ok_or(MalformedRow("a value is cut off"))?;
        self.rest = rest;
        Ok(Cell::Value(value))
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Result<Cell<'a>, MalformedRow>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(left) = self.left.checked_sub(1) else {
            let is_more = !std::mem::take(&mut self.rest).is_empty();
            return is_more.then_some(Err(MalformedRow("there is more than its values")));
        };
        self.left = left;
        let taken = self.take();
        if taken.is_err() {
            (self.left, self.rest) = (0, &[]);
        }
        Some(taken)
    }
}

impl SerializeRow for EncodedRow<'_> {
    fn serialize(
        &self,
        ctx: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        StampedRow { values: self.0, stamp: Stamp::Last }.serialize(ctx, writer)
    }

    fn is_empty(&self) -> bool {
        self.0.len() <= 2
    }
}

/// A row in the encoder's form, whose last value, the write time, may belong behind only so many of the others.
#[derive(Debug, Clone, Copy)]
pub struct StampedRow<'a> {
    /// The row.
    pub values: &'a [u8],
    /// Where the write time's marker is.
    pub stamp: Stamp,
}

impl SerializeRow for StampedRow<'_> {
    fn serialize(
        &self,
        ctx: &RowSerializationContext<'_>,
        writer: &mut RowWriter<'_>,
    ) -> Result<(), SerializationError> {
        let cells = EncodedRow(self.values).cells().map_err(SerializationError::new)?;
        if cells.left != ctx.columns().len() {
            let error = MalformedRow("the number of values is not the statement's");
            return Err(SerializationError::new(error));
        }
        let (last, behind) = match self.stamp {
            Stamp::Behind(others) => (cells.left.saturating_sub(1), others),
            Stamp::Last | Stamp::Nowhere => (usize::MAX, usize::MAX),
        };
        for (at, cell) in cells.clone().enumerate() {
            if at == behind
                && let Some(stamp) = cells.clone().nth(last)
            {
                write(stamp.map_err(SerializationError::new)?, writer)?;
            }
            if at != last {
                write(cell.map_err(SerializationError::new)?, writer)?;
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.values.len() <= 2
    }
}

fn write(cell: Cell<'_>, writer: &mut RowWriter<'_>) -> Result<(), SerializationError> {
    let writer = writer.make_cell_writer();
    let _written = match cell {
        Cell::Value(value) => writer.set_value(value).map_err(SerializationError::new)?,
        Cell::Null => writer.set_null(),
        Cell::Unset => writer.set_unset(),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use scylla::frame::response::result::{ColumnSpec, ColumnType, NativeType, TableSpec};

    fn serialize(values: &[u8], columns: usize) -> Result<Vec<u8>, String> {
        serialize_row(&EncodedRow(values), columns)
    }

    fn serialize_row(row: &impl SerializeRow, columns: usize) -> Result<Vec<u8>, String> {
        let table = TableSpec::borrowed("k", "t");
        let int = || ColumnType::Native(NativeType::Int);
        let specs: Vec<_> = (0..columns).map(|_| ColumnSpec::borrowed("c", int(), table.clone())).collect();
        let mut out = Vec::new();
        let ctx = RowSerializationContext::from_specs(&specs);
        row.serialize(&ctx, &mut RowWriter::new(&mut out)).map(|()| out).map_err(|error| error.to_string())
    }

    /// Three values: 7 in one byte, one that is not set, and a null.
    const ROW: [u8; 15] = [0, 3, 0, 0, 0, 1, 7, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff];

    #[test]
    fn an_encoded_row_goes_into_the_statement_as_it_is() {
        assert_eq!(serialize(&ROW, 3).unwrap(), ROW[2..]);
    }

    #[test]
    fn an_encoded_row_is_taken_apart_into_its_values() {
        let cells: Result<Vec<_>, _> = EncodedRow(&ROW).cells().unwrap().collect();
        assert_eq!(cells.unwrap(), [Cell::Value(&[7]), Cell::Unset, Cell::Null]);
    }

    #[test]
    fn the_write_time_goes_where_its_marker_is() {
        let row = [0, 3, 0, 0, 0, 1, 7, 0, 0, 0, 1, 8, 0, 0, 0, 1, 9];
        let check = |stamp, expected: [u8; 3]| {
            let found = serialize_row(&StampedRow { values: &row, stamp }, 3).unwrap();
            assert_eq!([found[4], found[9], found[14]], expected, "{stamp:?}");
        };
        check(Stamp::Last, [7, 8, 9]);
        check(Stamp::Nowhere, [7, 8, 9]);
        check(Stamp::Behind(0), [9, 7, 8]);
        check(Stamp::Behind(1), [7, 9, 8]);
        check(Stamp::Behind(2), [7, 8, 9]);
    }

    #[test]
    fn a_row_that_is_cut_off_or_too_long_is_refused() {
        let row = [0, 2, 0, 0, 0, 1, 7, 0, 0, 0, 0];
        assert!(serialize(&row, 2).is_ok());
        for cut in 0..row.len() {
            assert!(serialize(&row[..cut], 2).is_err(), "cut at {cut}");
        }
        assert!(serialize(&row, 3).is_err());
        assert!(serialize(&[&row[..], &[0]].concat(), 2).is_err());
        assert!(serialize(&[0, 1, 0xff, 0xff, 0xff, 0xfd], 1).is_err());
    }
}
