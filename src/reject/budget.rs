//! The error budget: when bad records stop a load. Pure.

use crate::settings::ErrorBudget;

/// A percentage says nothing before so many records.
const PERCENT_JUDGED_FROM: u64 = 1_000;

impl ErrorBudget {
    /// Whether the budget is spent in the middle of a load, with so many `records` parsed.
    pub fn is_spent(self, rejected: u64, records: u64) -> bool {
        match self {
            ErrorBudget::Count(limit) => rejected > limit,
            ErrorBudget::Percent(_) => {
                records >= PERCENT_JUDGED_FROM && self.is_spent_at_end(rejected, records)
            }
        }
    }

    /// Whether the budget is spent when all records are counted.
    pub fn is_spent_at_end(self, rejected: u64, records: u64) -> bool {
        match self {
            ErrorBudget::Count(limit) => rejected > limit,
            ErrorBudget::Percent(limit) => rejected as f64 > records as f64 * limit / 100.0,
        }
    }

    /// How many rejects one worker may have before it waits for a verdict, where the budget is a number.
    pub fn worker_limit(self) -> Option<u64> {
        match self {
            ErrorBudget::Count(limit) => Some(limit),
            ErrorBudget::Percent(_) => None,
        }
    }
}

impl std::fmt::Display for ErrorBudget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ErrorBudget::Count(limit) => write!(f, "{limit}"),
            ErrorBudget::Percent(limit) => write!(f, "{limit}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_spent_by_the_reject_after_the_last_allowed() {
        let budget = ErrorBudget::Count(100);
        assert!(!budget.is_spent(100, 100));
        assert!(budget.is_spent(101, 1_000_000));
        assert!(ErrorBudget::Count(0).is_spent(1, 1));
    }

    #[test]
    fn a_percentage_is_judged_after_a_thousand_records_and_at_the_end() {
        let budget = ErrorBudget::Percent(1.0);
        assert!(!budget.is_spent(500, 999));
        assert!(budget.is_spent(500, 1_000));
        assert!(!budget.is_spent(10, 1_000));
        assert!(budget.is_spent(11, 1_000));
        assert!(budget.is_spent_at_end(1, 99));
        assert!(!budget.is_spent_at_end(1, 100));
        assert!(!budget.is_spent_at_end(0, 0));
    }
}
