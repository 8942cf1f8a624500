//! Whether it pays to hold rows back for others of their partition: looks at a sample of the partitions that pass by, over as much
//! input as a window spans, and says how many rows of one partition would come together. Pure, and cheap: it holds no row.

use std::collections::HashSet;

use super::gather::WindowSize;

/// Of so many partitions, one is looked at.
const SAMPLED_OF: u64 = 32;
/// Gathering begins to pay where so many rows of one partition come together.
const PAYS_FROM: f64 = 3.0;
/// It goes on as long as it is so many.
const PAYS_STILL: f64 = 2.5;
/// After this part of the first span it is looked for the first time.
const EARLY_PART: u64 = 8;
/// Where there are fewer rows than this to a partition of the sample by then, and not half as many again to all partitions, as far as
/// the sample tells their number, there will not be enough.
const EARLY_FROM: (f64, f64) = (1.1, 1.5);

/// What is known of the rows that come.
#[derive(Debug)]
pub struct Prospect {
    span: WindowSize,
    rows: u64,
    bytes: u64,
    sampled_rows: u64,
    sampled: HashSet<i64>,
    pays: bool,
    /// Nothing has been looked at yet.
    is_new: bool,
}

impl Prospect {
    /// Nothing is known: it is hoped that it pays.
    pub fn new(span: WindowSize) -> Self {
        let (rows, bytes, sampled_rows, sampled) = Default::default();
        Prospect { span, rows, bytes, sampled_rows, sampled, pays: true, is_new: true }
    }

    /// Whether rows should be held back.
    pub fn pays(&self) -> bool {
        self.pays
    }

    /// A row with this token comes, which keeps so many bytes of input in memory.
    pub fn note(&mut self, token: i64, held_bytes: u64) {
        self.rows += 1;
        self.bytes += held_bytes;
        // Not the bits that places in hash tables are made of, so that these stay even.
        if (token.cast_unsigned() >> 24).is_multiple_of(SAMPLED_OF) {
            self.sampled_rows += 1;
            self.sampled.insert(token);
        }
        if self.rows >= self.span.rows || self.bytes >= self.span.bytes {
            let (of_sample, of_all) = self.together();
            self.pays = of_sample.max(of_all) >= if self.pays { PAYS_STILL } else { PAYS_FROM };
            (self.rows, self.bytes, self.sampled_rows) = (0, 0, 0);
            self.sampled.clear();
        } else if self.is_new
            && (self.rows >= self.span.rows / EARLY_PART || self.bytes >= self.span.bytes / EARLY_PART)
        {
            self.is_new = false;
            let (of_sample, of_all) = self.together();
            self.pays = of_sample >= EARLY_FROM.0 || of_all >= EARLY_FROM.1;
        }
    }

    /// How many rows of one partition have come together, on average: those of the sample; and all rows over all partitions, of which
    /// the sample tells how many there are, so that one large partition counts though it may not be in the sample.
    fn together(&self) -> (f64, f64) {
        let partitions = self.sampled.len() as f64;
        if self.sampled.is_empty() {
            return (f64::INFINITY, f64::INFINITY);
        }
        (self.sampled_rows as f64 / partitions, self.rows as f64 / (SAMPLED_OF as f64 * partitions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: WindowSize = WindowSize { rows: 64_000, bytes: 64_000_000 };

    /// Numbers that look random and are the same in every run (SplitMix64).
    fn random(seed: u64) -> u64 {
        let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// The token of a partition.
    fn token(partition: u64) -> i64 {
        random(partition + 1_000_000).cast_signed()
    }

    /// Whether gathering pays after each of these numbers of rows, of partitions that are chosen like this.
    fn check(partition_of: impl Fn(u64) -> u64, expected: &[(u64, bool)]) {
        let mut prospect = Prospect::new(SPAN);
        let mut row = 0;
        for &(rows, pays) in expected {
            while row < rows {
                prospect.note(token(partition_of(row)), 100);
                row += 1;
            }
            assert_eq!(prospect.pays(), pays, "after {rows} rows");
        }
    }

    #[test]
    fn rows_are_held_back_where_many_of_a_partition_come_close_to_each_other() {
        check(|row| random(row) % 2_000, &[(1, true), (8_000, true), (64_000, true), (640_000, true)]);
        check(|row| row / 100, &[(8_000, true), (64_000, true)]);
        check(|_| 7, &[(8_000, true), (64_000, true)]);
        // Nearly all rows are of one partition.
        check(|row| if row % 50 == 0 { row } else { 7 }, &[(8_000, true), (64_000, true)]);
    }

    #[test]
    fn rows_are_not_held_back_for_long_where_each_is_alone() {
        check(|row| row, &[(7_999, true), (8_000, false), (64_000, false), (640_000, false)]);
        check(|row| random(row) % 60_000, &[(64_000, false), (640_000, false)]);
    }

    #[test]
    fn it_looks_again_with_every_span() {
        let changing = |row| if row < 128_000 { row } else { random(row) % 1_000 };
        check(changing, &[(128_000, false), (192_000, true)]);
        let changing = |row| if row < 128_000 { random(row) % 1_000 } else { row };
        check(changing, &[(128_000, true), (192_000, false)]);
    }

    #[test]
    fn large_rows_make_the_span_short() {
        let mut prospect = Prospect::new(SPAN);
        for row in 0..6_400 {
            prospect.note(token(row), 10_000);
        }
        assert!(!prospect.pays());
    }
}
