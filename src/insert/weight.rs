//! How large a row is to a server that looks whether a batch of several partitions is too large: an upper bound, so that no server
//! warns of ours. Pure.

use super::encoded::EncodedRow;
use crate::schema::statement::RowPlan;

/// What Cassandra counts for a cell beside its value: write time, time to live, time of deletion (`AbstractCell.dataSize`).
const CELL_BYTES: usize = 24;
/// What it counts at most for a row and its partition beside cells and keys (`BTreeRow.dataSize`, `PartitionUpdate.dataSize`).
const ROW_BYTES: usize = 128;
/// A value of many cells has at least four bytes for each, for which it counts a cell and a path of up to 16 bytes.
const MANY_CELLS_FACTOR: usize = (CELL_BYTES + 16) / 4;

/// Computes weights of rows.
#[derive(Debug)]
pub(super) struct MutationWeight {
    /// Of every row, beside its values.
    fixed: usize,
    /// Places of values that are kept as many cells.
    many_cells: Vec<usize>,
    /// Nobody knows how large the values of these rows are when functions have made them.
    unknown: bool,
}

impl MutationWeight {
    pub(super) fn of(plan: &RowPlan) -> Self {
        let many = plan.columns.iter().enumerate().filter(|(_, column)| column.cql_type.is_multi_cell());
        MutationWeight {
            fixed: ROW_BYTES + plan.columns.len().saturating_add(plan.called.len()) * CELL_BYTES,
            many_cells: many.map(|(at, _)| at).collect(),
            unknown: !plan.called.is_empty(),
        }
    }

    /// The most that a server can count for a row in the encoder's form.
    pub(super) fn bytes(&self, values: &[u8]) -> usize {
        if self.unknown {
            return usize::MAX;
        }
        let mut bytes = self.fixed + values.len();
        if self.many_cells.is_empty() {
            return bytes;
        }
        let cells = EncodedRow(values).cells().into_iter().flatten().flatten();
        for (at, cell) in cells.enumerate() {
            if self.many_cells.contains(&at) {
                bytes += CELL_BYTES + cell.value().map_or(0, <[u8]>::len) * MANY_CELLS_FACTOR;
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::table::{Column, ColumnRole};
    use crate::schema::types::UserTypes;

    fn plan(types: &[&str]) -> RowPlan {
        let column = |cql_type: &&str| Column {
            name: "c".to_owned(),
            cql_type: UserTypes::default().parse(cql_type).unwrap(),
            role: ColumnRole::Regular,
        };
        RowPlan { columns: types.iter().map(column).collect(), ..RowPlan::default() }
    }

    #[test]
    fn cells_and_elements_weigh_more_than_their_bytes() {
        let row = |values: &[&[u8]]| {
            let mut row = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
            for value in values {
                row.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
                row.extend(*value);
            }
            row
        };
        let weigh = |types: &[&str], values: &[&[u8]]| MutationWeight::of(&plan(types)).bytes(&row(values));
        let plain = weigh(&["int", "text"], &[&[0; 4], b"text"]);
        assert!(plain >= 2 * 16 + 8 + 40, "{plain}");
        // A set of three numbers is three cells.
        let three = [&[0, 0, 0, 3][..], &[0, 0, 0, 4, 0, 0, 0, 1].repeat(3)].concat();
        let set = weigh(&["int", "set<int>"], &[&[0; 4], &three]);
        assert!(set >= plain + 3 * (16 + 4), "{set}");
        let frozen = weigh(&["int", "frozen<set<int>>"], &[&[0; 4], &three]);
        assert!(frozen < set);
    }

    #[test]
    fn what_functions_make_may_be_of_any_size() {
        let mut plan = plan(&["int"]);
        plan.called = plan.columns.clone();
        assert_eq!(MutationWeight::of(&plan).bytes(&[0, 0]), usize::MAX);
    }
}
