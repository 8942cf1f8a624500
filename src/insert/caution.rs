//! Keeps lanes from pouring what cannot be sent twice into a cluster in trouble: as long as nobody knows what became of the last such
//! row, one lane at a time tries another, after a pause, until one is acknowledged. So an outage leaves as many rows in doubt as there
//! were requests in flight, and a few.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::MutexGuard;

/// Whether rows can be sent.
#[derive(Debug, Default)]
pub(super) struct Caution {
    in_trouble: AtomicBool,
    trouble: Mutex<Option<Trouble>>,
    turn: tokio::sync::Mutex<()>,
}

/// Since when there is trouble, and how many rows it has left in doubt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trouble {
    /// When it began.
    pub(super) since: Instant,
    /// Rows in doubt.
    pub(super) rows: u32,
}

impl Trouble {
    /// How long it has lasted.
    pub(super) fn lasts(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Caution {
    /// Waits for its turn where there is trouble; whoever gets one tells what came of it before giving it back.
    pub(super) async fn turn(&self) -> Option<(MutexGuard<'_, ()>, Trouble)> {
        if !self.in_trouble.load(Ordering::Acquire) {
            return None;
        }
        let turn = self.turn.lock().await;
        self.trouble().map(|trouble| (turn, trouble))
    }

    /// A row was answered: the trouble is over.
    pub(super) fn answered(&self) {
        if self.in_trouble.load(Ordering::Acquire) {
            *self.lock() = None;
            self.in_trouble.store(false, Ordering::Release);
        }
    }

    /// Nobody knows what became of a row.
    pub(super) fn doubted(&self) {
        let mut trouble = self.lock();
        let Trouble { since, rows } = trouble.unwrap_or(Trouble { since: Instant::now(), rows: 0 });
        *trouble = Some(Trouble { since, rows: rows.saturating_add(1) });
        self.in_trouble.store(true, Ordering::Release);
    }

    fn trouble(&self) -> Option<Trouble> {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_tries_again_until_one_is_answered() {
        let caution = Caution::default();
        assert!(caution.turn().await.is_none());
        caution.doubted();
        caution.doubted();
        let (turn, trouble) = caution.turn().await.unwrap();
        assert_eq!(trouble.rows, 2);
        {
            // Nobody else has a turn meanwhile.
            let other = caution.turn();
            tokio::pin!(other);
            assert!(futures::poll!(&mut other).is_pending());
            caution.answered();
            drop(turn);
            assert!(other.await.is_none(), "whoever waited sees that it is over");
        }
        assert!(caution.turn().await.is_none());
    }
}
