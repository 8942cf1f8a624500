//! The bound on the bytes of input that a worker holds at once: parsing waits here when inserting is slower.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A budget of bytes.
#[derive(Debug)]
pub struct MemoryBudget {
    bytes_max: u64,
    used: Mutex<u64>,
    given_back: Condvar,
}

/// Bytes taken from a budget; given back when dropped.
#[derive(Debug)]
pub struct Lease {
    budget: Arc<MemoryBudget>,
    bytes: u64,
}

impl MemoryBudget {
    /// A budget of `bytes_max` bytes.
    pub fn new(bytes_max: u64) -> Self {
        MemoryBudget { bytes_max, used: Mutex::new(0), given_back: Condvar::new() }
    }

    /// Takes `bytes`, waiting until there is room. More than the whole budget is given when nothing else is taken, so that one
    /// huge record can pass. The wait ends because whoever holds a lease settles its rows or is stopped, and drops it then.
    pub fn take(self: &Arc<Self>, bytes: u64) -> Lease {
        let bytes = bytes.min(self.bytes_max);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while *used + bytes > self.bytes_max {
            used = self.given_back.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += bytes;
        Lease { budget: Arc::clone(self), bytes }
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
        let budget = Arc::new(MemoryBudget::new(10));
        let first = budget.take(6);
        let second = budget.take(4);
        let (taken, wait) = bounded(1);
        let taker = {
            let budget = Arc::clone(&budget);
            thread::spawn(move || {
                let lease = budget.take(5);
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
        let budget = Arc::new(MemoryBudget::new(10));
        drop(budget.take(1_000));
        assert_eq!(*budget.used.lock().unwrap(), 0);
    }
}
