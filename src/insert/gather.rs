//! Rows in, parcels out: what is sent in one request. Rows of one group, those of a partition or of some replicas, wait for each other
//! within a window that slides over the input; the group of the oldest row leaves first. Pure: it sends nothing and knows no clock.
//!
//! Each row that comes in goes out once. Within a group rows keep their order, and no row waits while more than the window passes by.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

/// What belongs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupKey {
    /// Rows with this token: those of one partition, or of two that are as good as one.
    Partition(i64),
    /// Rows of partitions that the same nodes have, by a number of ours.
    Replicas(u32),
}

/// How large a parcel may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows.
    pub rows: usize,
    /// Their weights' sum; a row that weighs more is a parcel by itself.
    pub weight: usize,
    /// Different tokens. Those that are not neighbours are counted as often as they come.
    pub tokens: usize,
}

/// How much may come in while a row waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSize {
    /// Rows.
    pub rows: u64,
    /// Bytes of input.
    pub bytes: u64,
}

/// A row, and what gathering has to know of it.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<T> {
    /// The row.
    pub row: T,
    /// Its partition's token.
    pub token: i64,
    /// What it adds to a parcel's weight.
    pub weight: usize,
    /// Bytes of input that it keeps in memory.
    pub held_bytes: u64,
}

/// Rows that are sent in one request.
#[derive(Debug, PartialEq, Eq)]
pub struct Parcel<T> {
    /// The rows in the order in which they came; at least one.
    pub rows: Vec<T>,
    /// The token of the first, by which the request finds its way.
    pub token: i64,
    /// The sum of their weights.
    pub weight: usize,
}

/// How much has come in before something.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    rows: u64,
    bytes: u64,
}

impl Mark {
    fn is_out_of(self, window: WindowSize, now: Mark) -> bool {
        now.rows - self.rows > window.rows || now.bytes - self.bytes > window.bytes
    }
}

#[derive(Debug)]
struct Group<T> {
    key: GroupKey,
    /// Empty when the group has left and waits for its turn in the order to be used again.
    rows: Vec<T>,
    first_token: i64,
    last_token: i64,
    tokens: usize,
    weight: usize,
    /// When its first row came.
    since: Mark,
}

/// Groups that are being filled.
#[derive(Debug)]
pub struct Gather<T> {
    window: WindowSize,
    groups: Vec<Group<T>>,
    /// Places among the groups that are free.
    free: Vec<u32>,
    /// Places of groups in the order of their first rows, some of which have left already.
    order: VecDeque<u32>,
    open: HashMap<GroupKey, u32, BuildHasherDefault<KeyHasher>>,
    now: Mark,
    held: u64,
}

impl<T> Gather<T> {
    /// An empty one.
    pub fn new(window: WindowSize) -> Self {
        let (groups, free, order, open) = Default::default();
        Gather { window, groups, free, order, open, now: Mark::default(), held: 0 }
    }

    /// From now on rows wait within this window.
    pub fn set_window(&mut self, window: WindowSize) {
        self.window = window;
    }

    /// How many rows wait.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Takes a row in; what has to leave for it is added to `out`.
    pub fn push(&mut self, arrival: Arrival<T>, key: GroupKey, limits: Limits, out: &mut Vec<Parcel<T>>) {
        let Arrival { row, token, weight, held_bytes } = arrival;
        if let Some(&place) = self.open.get(&key)
            && self.groups.get(place as usize).is_some_and(|group| !group.has_room(token, weight, limits))
        {
            out.extend(self.take(place));
        }
        let place = match self.open.get(&key) {
            Some(&place) => place,
            None => self.begin(key, token),
        };
        self.now.rows += 1;
        self.now.bytes += held_bytes;
        self.held += 1;
        if let Some(group) = self.groups.get_mut(place as usize) {
            group.tokens += usize::from(group.rows.is_empty() || group.last_token != token);
            group.last_token = token;
            group.weight = group.weight.saturating_add(weight);
            group.rows.push(row);
            if group.rows.len() >= limits.rows {
                out.extend(self.take(place));
            }
        }
        while self.oldest().is_some_and(|since| since.is_out_of(self.window, self.now)) {
            out.extend(self.release());
        }
    }

    /// Lets the group of the oldest row go; `None` where no row waits.
    pub fn release(&mut self) -> Option<Parcel<T>> {
        while let Some(place) = self.order.pop_front() {
            let parcel = self.take(place);
            self.free.push(place);
            if parcel.is_some() {
                return parcel;
            }
        }
        None
    }

    /// Lets the groups go whose first rows came within this many bytes of input from the oldest row on.
    pub fn release_first(&mut self, bytes: u64, out: &mut Vec<Parcel<T>>) {
        let Some(first) = self.oldest() else { return };
        while self.oldest().is_some_and(|since| since.bytes - first.bytes <= bytes) {
            out.extend(self.release());
        }
    }

    /// When the oldest row that waits came.
    fn oldest(&mut self) -> Option<Mark> {
        while let Some(&place) = self.order.front() {
            match self.groups.get(place as usize) {
                Some(group) if !group.rows.is_empty() => return Some(group.since),
                _ => {
                    self.order.pop_front();
                    self.free.push(place);
                }
            }
        }
        None
    }

    fn begin(&mut self, key: GroupKey, token: i64) -> u32 {
        let since = self.now;
        let new = Group {
            key,
            rows: Vec::new(),
            first_token: token,
            last_token: token,
            tokens: 0,
            weight: 0,
            since,
        };
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(group) = self.groups.get_mut(place as usize) {
                    *group = new;
                }
                place
            }
            None => {
                self.groups.push(new);
                // Rows in memory are far fewer than this counts.
                u32::try_from(self.groups.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.order.push_back(place);
        self.open.insert(key, place);
        place
    }

    /// Takes what a group has; its place is free when its turn in the order has come.
    fn take(&mut self, place: u32) -> Option<Parcel<T>> {
        let group = self.groups.get_mut(place as usize).filter(|group| !group.rows.is_empty())?;
        let rows = std::mem::take(&mut group.rows);
        self.held -= rows.len() as u64;
        self.open.remove(&group.key);
        Some(Parcel { rows, token: group.first_token, weight: group.weight })
    }
}

impl<T> Group<T> {
    fn has_room(&self, token: i64, weight: usize, limits: Limits) -> bool {
        self.rows.len() < limits.rows
            && self.weight.saturating_add(weight) <= limits.weight
            && self.tokens + usize::from(self.last_token != token) <= limits.tokens
    }
}

/// Tokens are hashes already.
#[derive(Debug, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(5) ^ number;
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    fn write_isize(&mut self, discriminant: isize) {
        self.write_u64(discriminant.cast_unsigned() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const WIDE: WindowSize = WindowSize { rows: 1_000, bytes: 1_000_000 };
    const LARGE: Limits = Limits { rows: 100, weight: 10_000, tokens: 100 };

    fn arrival(row: usize, token: i64) -> Arrival<usize> {
        Arrival { row, token, weight: 10, held_bytes: 100 }
    }

    /// The rows' places in the parcels that come of rows with these tokens, one partition each, and of letting all go at the end.
    fn check(window: WindowSize, limits: Limits, tokens: &[i64], expected: &[&[usize]]) {
        let (mut gather, mut out) = (Gather::new(window), Vec::new());
        for (row, &token) in tokens.iter().enumerate() {
            gather.push(arrival(row, token), GroupKey::Partition(token), limits, &mut out);
        }
        while let Some(parcel) = gather.release() {
            out.push(parcel);
        }
        assert_eq!(gather.held(), 0);
        let found: Vec<_> = out.into_iter().map(|parcel| parcel.rows).collect();
        assert_eq!(found, expected, "{tokens:?}");
    }

    #[test]
    fn rows_of_a_partition_leave_together_and_the_oldest_first() {
        check(WIDE, LARGE, &[1, 2, 1, 3, 2, 1], &[&[0, 2, 5], &[1, 4], &[3]]);
        check(WIDE, LARGE, &[], &[]);
    }

    #[test]
    fn a_full_parcel_leaves_at_once() {
        check(WIDE, Limits { rows: 2, ..LARGE }, &[1, 2, 1, 1, 2], &[&[0, 2], &[1, 4], &[3]]);
        check(WIDE, Limits { rows: 1, ..LARGE }, &[1, 1], &[&[0], &[1]]);
        check(WIDE, Limits { weight: 20, ..LARGE }, &[1, 1, 1, 2], &[&[0, 1], &[2], &[3]]);
        // One that is too heavy goes alone.
        check(WIDE, Limits { weight: 5, ..LARGE }, &[1, 1], &[&[0], &[1]]);
    }

    #[test]
    fn no_row_waits_while_more_than_the_window_comes_in() {
        check(WindowSize { rows: 2, ..WIDE }, LARGE, &[1, 2, 1, 3, 2, 3], &[&[0, 2], &[1], &[3, 5], &[4]]);
        check(WindowSize { bytes: 200, ..WIDE }, LARGE, &[1, 2, 3], &[&[0], &[1], &[2]]);
        check(WindowSize { bytes: 300, ..WIDE }, LARGE, &[1, 2, 1], &[&[0, 2], &[1]]);
    }

    #[test]
    fn parcels_of_the_same_replicas_have_only_so_many_tokens() {
        let (mut gather, mut out) = (Gather::new(WIDE), Vec::new());
        let limits = Limits { tokens: 2, ..LARGE };
        for (row, (token, replicas)) in
            [(1, 0), (5, 1), (1, 0), (2, 0), (3, 0), (3, 0), (4, 0), (5, 1)].into_iter().enumerate()
        {
            gather.push(arrival(row, token), GroupKey::Replicas(replicas), limits, &mut out);
        }
        out.extend(std::iter::from_fn(|| gather.release()));
        let found: Vec<_> = out.iter().map(|parcel| (parcel.token, parcel.rows.as_slice())).collect();
        assert_eq!(found, [(1, &[0, 2, 3][..]), (5, &[1, 7][..]), (3, &[4, 5, 6][..])]);
    }

    #[test]
    fn the_first_groups_can_be_let_go_alone() {
        let (mut gather, mut out) = (Gather::new(WIDE), Vec::new());
        for (row, token) in [1, 2, 3, 1, 4].into_iter().enumerate() {
            gather.push(arrival(row, token), GroupKey::Partition(token), LARGE, &mut out);
        }
        assert!(out.is_empty());
        gather.release_first(150, &mut out);
        let found: Vec<_> = out.iter().map(|parcel| parcel.rows.as_slice()).collect();
        assert_eq!((found, gather.held()), (vec![&[0, 3][..], &[1][..]], 2));
    }

    proptest! {
        #[test]
        fn every_row_leaves_once_in_the_order_of_its_group_within_the_limits_and_the_window(
            rows in prop::collection::vec((0i64..12, 1usize..40, 1u64..300, any::<bool>(), 0u8..20), 0..300),
            limits in (1usize..6, 20usize..100, 1usize..4),
            window in (1u64..60, 100u64..6_000),
        ) {
            let limits = Limits { rows: limits.0, weight: limits.1, tokens: limits.2 };
            let window = WindowSize { rows: window.0, bytes: window.1 };
            let key = |(token, .., by_partition, _): &(i64, usize, u64, bool, u8)| match by_partition {
                true => GroupKey::Partition(*token),
                false => GroupKey::Replicas((*token % 3) as u32),
            };
            let mut gather = Gather::new(window);
            let mut waiting: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
            let (mut sent, mut now) = (Vec::new(), (0, 0));
            let mut out = Vec::new();
            for (at, row) in rows.iter().enumerate() {
                let &(token, weight, held_bytes, _, then) = row;
                waiting.insert(at, now);
                now = (now.0 + 1, now.1 + held_bytes);
                gather.push(Arrival { row: at, token, weight, held_bytes }, key(row), limits, &mut out);
                match then {
                    0 => out.extend(gather.release()),
                    1 => gather.release_first(held_bytes, &mut out),
                    _ => {}
                }
                for parcel in out.drain(..) {
                    parcel.rows.iter().for_each(|row| { waiting.remove(row); });
                    sent.push(parcel);
                }
                prop_assert_eq!(gather.held(), waiting.len() as u64);
                if let Some((_, came)) = waiting.first_key_value() {
                    prop_assert!(now.0 - came.0 <= window.rows && now.1 - came.1 <= window.bytes);
                }
            }
            sent.extend(std::iter::from_fn(|| gather.release()));
            let mut seen = vec![false; rows.len()];
            let mut last: BTreeMap<(bool, i64), usize> = BTreeMap::new();
            for parcel in &sent {
                let first = &rows[parcel.rows[0]];
                prop_assert_eq!(parcel.token, first.0);
                prop_assert!(parcel.rows.len() <= limits.rows);
                let weight: usize = parcel.rows.iter().map(|row| rows[*row].1).sum();
                prop_assert!(parcel.weight == weight && (weight <= limits.weight || parcel.rows.len() == 1));
                let tokens: std::collections::BTreeSet<i64> = parcel.rows.iter().map(|row| rows[*row].0).collect();
                prop_assert!(tokens.len() <= limits.tokens);
                for &row in &parcel.rows {
                    prop_assert!(!std::mem::replace(&mut seen[row], true));
                    prop_assert_eq!(key(&rows[row]), key(first));
                    let (token, .., by_partition, _) = rows[row];
                    let group = (by_partition, if by_partition { token } else { token % 3 });
                    prop_assert!(last.insert(group, row).is_none_or(|last| last < row));
                }
            }
            prop_assert!(seen.iter().all(|seen| *seen));
            // Places are used again: there are no more than rows that wait at once, and those that left early.
            prop_assert!(gather.groups.len() <= rows.len());
        }
    }
}
