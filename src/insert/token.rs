//! The token of a row in the encoder's form: which partition it belongs to, as far as gathering and routing need to know.

use scylla::routing::partitioner::{Partitioner, PartitionerHasher, PartitionerName};
use scylla::statement::prepared::PreparedStatement;

use super::encoded::{Cell, EncodedRow};
use crate::schema::statement::Stamp;

/// Partition keys of more columns than this are put together on the heap.
const KEYS_ON_STACK: usize = 8;

/// Computes tokens.
#[derive(Debug)]
pub struct TokenOf {
    partitioner: PartitionerName,
    /// Where the columns of the partition key are among a row's values, in the key's order.
    places: Vec<usize>,
}

impl TokenOf {
    /// The tokens of a statement's rows; `None` where its markers are not all of the partition key.
    pub fn of(statement: &PreparedStatement, stamp: Stamp) -> Option<Self> {
        if !statement.is_token_aware() {
            return None;
        }
        let mut indexes = statement.get_variable_pk_indexes().to_vec();
        indexes.sort_unstable_by_key(|index| index.sequence);
        // In the encoder's form the write time is the last value, whatever its marker's place.
        let place = |index: usize| match stamp {
            Stamp::Behind(others) if index > others => index - 1,
            Stamp::Behind(_) | Stamp::Last | Stamp::Nowhere => index,
        };
        let places = indexes.iter().map(|index| place(usize::from(index.index))).collect();
        Some(TokenOf { partitioner: statement.get_partitioner_name().clone(), places })
    }

    /// The token of a row.
    ///
    /// # Errors
    /// A message: the values are not what the encoder promises, which is a bug.
    pub fn token(&self, values: &[u8]) -> Result<i64, String> {
        let mut on_stack = [&[][..]; KEYS_ON_STACK];
        let mut on_heap = Vec::new();
        let keys = match on_stack.get_mut(..self.places.len()) {
            Some(keys) => keys,
            None => {
                on_heap.resize(self.places.len(), &[][..]);
                &mut on_heap[..]
            }
        };
        let mut left = keys.len();
        let cells = EncodedRow(values).cells().map_err(|error| error.to_string())?;
        for (at, cell) in cells.enumerate() {
            let cell = cell.map_err(|error| error.to_string())?;
            let wanted = keys.iter_mut().zip(&self.places).filter(|(_, place)| **place == at);
            for (key, _) in wanted {
                let Cell::Value(value) = cell else { return Err("a key has no value".to_owned()) };
                (*key, left) = (value, left - 1);
            }
            if left == 0 {
                return Ok(self.hash(keys));
            }
        }
        Err("a row lacks columns of its key".to_owned())
    }

    /// A key of several columns is hashed as it is kept: for each, two bytes of length, the value and one more byte (Cassandra's
    /// `CompositeType`).
    fn hash(&self, keys: &[&[u8]]) -> i64 {
        let mut hasher = self.partitioner.build_hasher();
        match keys {
            [key] => hasher.write(key),
            keys => {
                for key in keys {
                    // The encoder refuses keys that are longer.
                    hasher.write(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
                    hasher.write(key);
                    hasher.write(&[0]);
                }
            }
        }
        hasher.finish().value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(places: &[usize], values: &[&[u8]], expected: Result<i64, &str>) {
        let mut row = u16::try_from(values.len()).unwrap().to_be_bytes().to_vec();
        for value in values {
            row.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
            row.extend(*value);
        }
        let tokens = TokenOf { partitioner: PartitionerName::Murmur3, places: places.to_vec() };
        assert_eq!(
            tokens.token(&row).as_ref().map_err(|error| &**error),
            expected.as_ref().map_err(|error| *error)
        );
    }

    #[test]
    fn tokens_are_those_of_the_server() {
        // From Cassandra 5.0.6: SELECT token(k) with a text as the key.
        check(&[0], &[b"test"], Ok(-6_017_608_668_500_074_083));
        check(&[1], &[b"another", b"xd", b"behind"], Ok(4_507_812_186_440_344_727));
        check(&[0], &[b"primary_key"], Ok(-1_632_642_444_691_073_360));
    }

    #[test]
    fn a_row_without_its_key_is_a_bug() {
        check(&[2], &[b"a", b"b"], Err("a row lacks columns of its key"));
        let tokens = TokenOf { partitioner: PartitionerName::Murmur3, places: vec![0] };
        assert!(tokens.token(&[0, 1, 0xff, 0xff, 0xff, 0xfe]).is_err());
    }
}
