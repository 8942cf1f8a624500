//! Bounds how long requests take without a timer for each: one task looks at all lanes a few times a second, and calls those whose
//! request is overdue.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How often lanes are looked at, at most: a request may take so much longer than it should.
const LOOK_EVERY_MAX: Duration = Duration::from_millis(250);
/// And at least.
const LOOK_EVERY_MIN: Duration = Duration::from_millis(5);
/// Looks within the time that a request may take.
const LOOKS: u32 = 8;
/// A lane without a request.
const IDLE: u64 = u64::MAX;

/// Watches over the requests of some lanes.
#[derive(Debug)]
pub(super) struct Watchdog {
    epoch: Instant,
    timeout: Duration,
    lanes: Vec<Leash>,
}

/// What is known of a lane.
#[derive(Debug)]
struct Leash {
    /// When its request was sent, in milliseconds since the watchdog's epoch.
    since_ms: AtomicU64,
    overdue: Notify,
}

impl Watchdog {
    /// One for so many lanes, whose requests may take so long.
    pub(super) fn new(lanes: usize, timeout: Duration) -> Self {
        let leash = || Leash { since_ms: AtomicU64::new(IDLE), overdue: Notify::new() };
        Watchdog {
            epoch: Instant::now(),
            timeout,
            lanes: std::iter::repeat_with(leash).take(lanes).collect(),
        }
    }

    /// How long a request may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What comes of a lane's request; `None` where it takes too long: it is abandoned then.
    pub(super) async fn watch<T>(&self, lane: usize, request: impl Future<Output = T>) -> Option<T> {
        let Some(leash) = self.lanes.get(lane) else { return Some(request.await) };
        let begun = Instant::now();
        leash.since_ms.store(self.ms(begun), Ordering::Relaxed);
        let answer = tokio::select! {
            biased;
            answer = request => Some(answer),
            () = self.overdue(leash, begun) => None,
        };
        leash.since_ms.store(IDLE, Ordering::Relaxed);
        answer
    }

    /// A call may have been meant for the request before.
    async fn overdue(&self, leash: &Leash, begun: Instant) {
        loop {
            leash.overdue.notified().await;
            if begun.elapsed() >= self.timeout {
                return;
            }
        }
    }

    /// Looks after the lanes, for ever.
    pub(super) async fn run(&self) {
        let every = (self.timeout / LOOKS).clamp(LOOK_EVERY_MIN, LOOK_EVERY_MAX);
        loop {
            tokio::time::sleep(every).await;
            self.look(Instant::now());
        }
    }

    fn look(&self, now: Instant) {
        let timeout_ms = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        let now_ms = self.ms(now);
        for leash in &self.lanes {
            let since_ms = leash.since_ms.load(Ordering::Relaxed);
            if since_ms != IDLE && now_ms.saturating_sub(since_ms) > timeout_ms {
                leash.overdue.notify_one();
            }
        }
    }

    fn ms(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.epoch).as_millis()).unwrap_or(IDLE - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test]
    async fn a_request_without_an_answer_is_abandoned_when_its_time_is_over() {
        let watchdog = Watchdog::new(2, Duration::from_millis(20));
        tokio::select! {
            abandoned = watchdog.watch(1, pending::<()>()) => assert_eq!(abandoned, None),
            () = watchdog.run() => {}
        }
        assert_eq!(watchdog.watch(1, async { 7 }).await, Some(7));
        assert_eq!(watchdog.lanes[1].since_ms.load(Ordering::Relaxed), IDLE);
    }

    #[tokio::test]
    async fn one_that_is_called_too_early_goes_on() {
        let watchdog = Watchdog::new(1, Duration::from_secs(3_600));
        watchdog.lanes[0].overdue.notify_one();
        let (answer, answered) = tokio::sync::oneshot::channel();
        let watched = watchdog.watch(0, answered);
        tokio::pin!(watched);
        assert!(futures::poll!(&mut watched).is_pending());
        watchdog.look(Instant::now());
        assert!(futures::poll!(&mut watched).is_pending());
        answer.send(7).unwrap();
        assert_eq!(watched.await.unwrap(), Ok(7));
    }

    #[test]
    fn only_lanes_with_an_overdue_request_are_called() {
        let watchdog = Watchdog::new(3, Duration::from_millis(100));
        watchdog.lanes[0].since_ms.store(0, Ordering::Relaxed);
        watchdog.lanes[1].since_ms.store(50, Ordering::Relaxed);
        watchdog.look(watchdog.epoch + Duration::from_millis(101));
        let mut called = watchdog.lanes.iter().map(|leash| {
            let mut call = Box::pin(leash.overdue.notified());
            call.as_mut().enable()
        });
        assert_eq!((called.next(), called.next(), called.next()), (Some(true), Some(false), Some(false)));
    }
}
