//! Which records of a job are looked at: a share of them, chosen by their ordinals alone, so that every run looks at the same. Pure.

use serde::{Deserialize, Serialize};

/// Millionths in a whole.
const WHOLE: u32 = 1_000_000;

/// A share of the records, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sample(u32);

impl Sample {
    /// Every record.
    pub const ALL: Sample = Sample(WHOLE);

    /// So many percent of the records, as far as millionths go; `None` unless that is something, and no more than all.
    pub fn percent(percent: f64) -> Option<Sample> {
        let millionths = (percent * f64::from(WHOLE / 100)).round();
        // The range is checked, and a NaN is in none.
        (1.0..=f64::from(WHOLE)).contains(&millionths).then_some(Sample(millionths as u32))
    }

    /// Whether every record is looked at.
    pub fn is_all(self) -> bool {
        self == Sample::ALL
    }

    /// Whether the record with this ordinal in the job is looked at.
    pub fn takes(self, ordinal: u64) -> bool {
        // The ordinals' hashes are spread evenly, so this takes the share, without a pattern that data may have too.
        self.is_all() || (u128::from(mixed(ordinal)) * u128::from(WHOLE)) >> 64 < u128::from(self.0)
    }
}

impl std::fmt::Display for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", f64::from(self.0) * 100.0 / f64::from(WHOLE))
    }
}

/// Spreads consecutive numbers over all of 64 bits (the finalizer of SplitMix64; Steele, Lea, Flood: "Fast splittable
/// pseudorandom number generators", 2014).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(percent: f64, ordinals: u64) -> Vec<u64> {
        let sample = Sample::percent(percent).unwrap();
        (0..ordinals).filter(|ordinal| sample.takes(*ordinal)).collect()
    }

    #[test]
    fn a_sample_takes_about_its_share_and_always_the_same_records() {
        for (percent, low, high) in [(0.1, 70, 130), (10.0, 9_700, 10_300), (50.0, 49_300, 50_700)] {
            let found = taken(percent, 100_000);
            assert!((low..=high).contains(&found.len()), "{percent}%: {}", found.len());
            assert_eq!(found, taken(percent, 100_000));
        }
        assert_eq!(taken(100.0, 100_000).len(), 100_000);
    }

    #[test]
    fn a_larger_sample_has_all_of_a_smaller_one() {
        let larger = taken(20.0, 10_000);
        assert!(taken(10.0, 10_000).iter().all(|ordinal| larger.contains(ordinal)));
    }

    #[test]
    fn a_share_is_more_than_nothing_and_no_more_than_all() {
        for wrong in [0.0, -1.0, 100.1, f64::NAN, f64::INFINITY, 0.000_01] {
            assert_eq!(Sample::percent(wrong), None, "{wrong}");
        }
        let check = |percent, expected: &str| {
            assert_eq!(Sample::percent(percent).unwrap().to_string(), expected);
        };
        check(10.0, "10%");
        check(0.5, "0.5%");
        check(100.0, "100%");
    }
}
