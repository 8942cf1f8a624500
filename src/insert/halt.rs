//! The worker's one switch: everything that moves rows looks at it, and the first failure throws it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::control::message::FailureKind;

/// Why the worker cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind: decides the exit code.
    pub kind: FailureKind,
    /// What happened and what to do about it.
    pub message: String,
}

/// Whether the worker is to stop, and why.
#[derive(Debug)]
pub struct Halt {
    stopped: watch::Sender<bool>,
    failure: Mutex<Option<Failure>>,
}

impl Default for Halt {
    fn default() -> Self {
        Halt { stopped: watch::Sender::new(false), failure: Mutex::new(None) }
    }
}

impl Halt {
    /// Stops the worker: no further row is sent.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Stops the worker for a reason; the first reason is kept.
    pub fn fail(&self, kind: FailureKind, message: impl Into<String>) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(Failure { kind, message: message.into() });
        self.stop();
    }

    /// Whether the worker is to stop.
    pub fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Ends when the worker is to stop.
    pub async fn stopped(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Why the worker cannot go on, if something failed.
    pub fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Fails the worker when it is dropped by a panic: what panicked has left rows unsettled, and would be waited for.
#[derive(Debug)]
pub struct PanicWatch {
    halt: Arc<Halt>,
    what: &'static str,
}

impl PanicWatch {
    /// Watches over `what`, for as long as it lives.
    pub fn new(halt: &Arc<Halt>, what: &'static str) -> Self {
        PanicWatch { halt: Arc::clone(halt), what }
    }
}

impl Drop for PanicWatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.halt.fail(
                FailureKind::Accounting,
                format!("{} panicked: this is a bug, please report it", self.what),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_the_one_that_is_kept() {
        let halt = Halt::default();
        assert!(!halt.is_stopped());
        halt.fail(FailureKind::Input, "first");
        halt.fail(FailureKind::Cluster, "second");
        assert!(halt.is_stopped());
        let expected = Failure { kind: FailureKind::Input, message: "first".into() };
        assert_eq!(halt.failure(), Some(expected));
    }

    #[test]
    fn a_panic_fails_the_worker_and_an_ordinary_end_does_not() {
        let halt = Arc::new(Halt::default());
        drop(PanicWatch::new(&halt, "nothing"));
        assert!(!halt.is_stopped());
        let watched = Arc::clone(&halt);
        let panicked = std::thread::spawn(move || {
            let _watch = PanicWatch::new(&watched, "a test");
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert!(halt.failure().unwrap().message.contains("a test panicked"));
    }

    #[tokio::test]
    async fn waiting_for_a_stop_that_has_come_ends_at_once() {
        let halt = Halt::default();
        halt.stop();
        halt.stopped().await;
        assert_eq!(halt.failure(), None);
    }
}
