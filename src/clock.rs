//! This machine's clock as write times need it: microseconds since 1970, and never going back within a process.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A clock that is set once by the system's and runs on by itself: a system clock that is set back in the middle of a load
/// holds no row up.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    set_us: i64,
    set_at: Instant,
}

impl Clock {
    /// A clock that shows the system's time now.
    pub fn set() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { set_us: i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX), set_at: Instant::now() }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn now_us(self) -> i64 {
        self.set_us.saturating_add(i64::try_from(self.set_at.elapsed().as_micros()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_this_century_and_never_goes_back() {
        let clock = Clock::set();
        let (first, second) = (clock.now_us(), clock.now_us());
        assert!(first > 1_700_000_000_000_000 && second >= first, "{first} {second}");
    }
}
