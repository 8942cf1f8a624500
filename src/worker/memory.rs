//! The bound on the bytes of input that a worker has read and not told the coordinator to be settled: reading waits here when
//! inserting is slower. So it bounds the worker's memory, and what is sent again when the worker dies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How often whoever waits for memory looks whether it still should.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A budget of bytes.
#[derive(Debug)]
pub struct MemoryBudget {
    bytes_max: u64,
    used: Mutex<u64>,
    given_back: Condvar,
    wanted: Arc<AtomicBool>,
}

/// Bytes taken from a budget; given back when dropped.
#[derive(Debug)]
pub struct Lease {
    budget: Arc<MemoryBudget>,
    bytes: u64,
}

impl MemoryBudget {
    /// A budget of `bytes_max` bytes, which says in `wanted` whether somebody waits.
    pub fn new(bytes_max: u64, wanted: Arc<AtomicBool>) -> Self {
        let (used, given_back) = Default::default();
        MemoryBudget { bytes_max, used, given_back, wanted }
    }

    /// Takes `bytes`, waiting until there is room. More than the whole budget is given when nothing else is taken, so that one
    /// huge record can pass. `may_wait` is asked before it waits, and every now and then: `None` where it says no.
    pub fn take(self: &Arc<Self>, bytes: u64, mut may_wait: impl FnMut() -> bool) -> Option<Lease> {
        let bytes = bytes.min(self.bytes_max);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used + bytes > self.bytes_max {
            self.wanted.store(true, Ordering::Relaxed);
            if !may_wait() {
                return None;
            }
            used = self.given_back.wait_timeout(used, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.wanted.store(false, Ordering::Relaxed);
        *used += bytes;
        Some(Lease { budget: Arc::clone(self), bytes })
    }

    /// Whether somebody waits.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut used = self.budget.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used -= self.bytes;
        self.budget.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::bounded;
    use std::thread;

    #[test]
    fn taking_waits_until_enough_is_given_back() {
        let budget = Arc::new(MemoryBudget::new(10, Arc::default()));
        let first = budget.take(6, || true).unwrap();
        let second = budget.take(4, || true).unwrap();
        let (taken, wait) = bounded(1);
        let taker = {
            let budget = Arc::clone(&budget);
            thread::spawn(move || {
                let lease = budget.take(5, || true).unwrap();
                taken.send(()).unwrap();
                drop(lease);
            })
        };
        drop(second);
        assert!(wait.try_recv().is_err(), "4 of the 5 bytes are not enough");
        drop(first);
        wait.recv().unwrap();
        taker.join().unwrap();
        assert_eq!(*budget.used.lock().unwrap(), 0);
    }

    #[test]
    fn one_that_is_larger_than_the_budget_passes_alone() {
        let budget = Arc::new(MemoryBudget::new(10, Arc::default()));
        drop(budget.take(1_000, || true).unwrap());
        assert_eq!(*budget.used.lock().unwrap(), 0);
    }

    #[test]
    fn one_who_may_not_wait_any_more_gets_nothing() {
        let budget = Arc::new(MemoryBudget::new(10, Arc::default()));
        let all = budget.take(10, || panic!("there is room")).unwrap();
        let mut asked = 0;
        let taken = budget.take(1, || {
            asked += 1;
            assert!(budget.is_wanted());
            asked < 3
        });
        assert!(taken.is_none());
        assert_eq!(asked, 3);
        drop(all);
        assert!(budget.take(1, || false).is_some());
    }
}
