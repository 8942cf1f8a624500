//! What the libraries of a worker process say is wrong, most often the driver, goes to the coordinator, whose log has it. In a worker
//! that is a thread the coordinator hears them itself. It is bounded: a driver that has the same to say of every request must not
//! hold up the channel.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;

use super::desk::Desk;
use crate::control::message::FromWorker;
use crate::control::said::{Said, TARGET, filter};

/// What a worker passes on; the rest is counted.
const WORDS_MAX: u64 = 20;
/// The longest of it, in characters.
const WORD_CHARS_MAX: usize = 1_000;

/// Hears libraries from now on, in this process, to its end.
pub(super) fn hear(desk: &Arc<Desk>) -> Arc<Ear> {
    let ear = Arc::new(Ear { desk: Arc::downgrade(desk), heard: AtomicU64::new(0) });
    // It fails where somebody hears them already, which is never so in a process that is a worker.
    drop(tracing::subscriber::set_global_default(registry().with(filter()).with(Hearing(Arc::clone(&ear)))));
    ear
}

/// Passes on what it hears.
pub(super) struct Ear {
    /// The channel must not stay open because somebody might still say something.
    desk: Weak<Desk>,
    heard: AtomicU64,
}

impl Ear {
    fn hear(&self, source: &str, message: &str, is_error: bool) {
        if self.heard.fetch_add(1, Ordering::Relaxed) < WORDS_MAX
            && let Some(desk) = self.desk.upgrade()
        {
            let message = message.chars().take(WORD_CHARS_MAX).collect();
            desk.say(&FromWorker::Library { source: source.to_owned(), message, is_error });
        }
    }

    /// Says how much was not passed on, if anything.
    pub(super) fn tell_rest(&self) {
        let rest = self.heard.load(Ordering::Relaxed).saturating_sub(WORDS_MAX);
        if rest > 0
            && let Some(desk) = self.desk.upgrade()
        {
            let message =
                format!("libraries in this worker had {rest} more things to say, which are not logged");
            desk.say(&FromWorker::Library { source: TARGET.to_owned(), message, is_error: false });
        }
    }
}

struct Hearing(Arc<Ear>);

impl<S: Subscriber> Layer<S> for Hearing {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let is_error = *metadata.level() == Level::ERROR;
        self.0.hear(metadata.target(), &Said::in_event(event).message(), is_error);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    use super::*;
    use crate::insert::halt::Halt;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn warnings_and_errors_of_libraries_are_passed_on_up_to_a_bound_and_the_rest_is_counted() {
        let lines = Lines::default();
        let desk = Arc::new(Desk::new(lines.clone(), Arc::new(Halt::default())));
        let ear = Arc::new(Ear { desk: Arc::downgrade(&desk), heard: AtomicU64::new(0) });
        let subscriber = registry().with(filter()).with(Hearing(Arc::clone(&ear)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "driver", "a row's value");
            tracing::error!(target: "driver", node = 1, "gone");
            for _ in 0..WORDS_MAX + 2 {
                tracing::warn!(target: "driver", "busy");
            }
        });
        ear.tell_rest();
        let bytes = lines.0.lock().unwrap().clone();
        let said: Vec<FromWorker> = String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let word = |source: &str, message: &str, is_error| FromWorker::Library {
            source: source.to_owned(),
            message: message.to_owned(),
            is_error,
        };
        assert_eq!(said.len() as u64, WORDS_MAX + 1);
        assert_eq!(said[0], word("driver", "gone; node=1", true));
        assert!(said[1..20].iter().all(|said| *said == word("driver", "busy", false)));
        let rest = "libraries in this worker had 3 more things to say, which are not logged";
        assert_eq!(said[20], word(TARGET, rest, false));
        assert_eq!(Arc::strong_count(&desk), 1);
    }
}
