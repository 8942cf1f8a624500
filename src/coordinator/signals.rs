//! Ctrl-C and SIGTERM as events of the loop. The first asks for an orderly stop, the second ends everything at once. A run may have
//! one loop after another; what comes between two of them is told to the next.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;

use super::run::Event;

/// So long, files may be finished undisturbed: rejects, ledger, summary.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// Watches for signals until it is stopped.
pub struct SignalWatch {
    handle: Handle,
    thread: JoinHandle<()>,
    listener: Arc<Mutex<Listener>>,
}

/// Who is told of signals, and what nobody was told of.
#[derive(Default)]
struct Listener {
    events: Option<Sender<Event>>,
    /// The first signal that came since the last loop was over.
    untold: Option<(i32, Instant)>,
}

impl SignalWatch {
    /// Starts watching.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn start() -> io::Result<SignalWatch> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let handle = signals.handle();
        let listener = Arc::new(Mutex::new(Listener::default()));
        let told = Arc::clone(&listener);
        let thread = thread::spawn(move || {
            for signal in signals.forever() {
                let waited = lock(&told).hear(signal, Instant::now());
                // No loop runs and only files are being finished. Whoever is still impatient after a while need not wait for that: the
                // signal does what it does by default, which fails for no signal that is watched.
                if waited > FINISH_WITHIN {
                    let _ = emulate_default_handler(signal);
                }
            }
        });
        Ok(SignalWatch { handle, thread, listener })
    }

    /// From now on signals come as these events, one that has come since the last loop was over among them.
    pub fn tell(&self, events: Sender<Event>) {
        lock(&self.listener).listen(events);
    }

    /// A loop heard this signal when it was too late for it: the next one, if there is one, is told.
    pub fn pass_on(&self, signal: i32) {
        lock(&self.listener).keep(signal, Instant::now());
    }

    /// Stops watching.
    pub fn stop(self) {
        self.handle.close();
        // It only passes events on and cannot panic.
        let _ = self.thread.join();
    }
}

impl Listener {
    fn listen(&mut self, events: Sender<Event>) {
        if let Some((signal, _)) = self.untold.take() {
            // A loop that is to run has not dropped its end yet.
            let _ = events.send(Event::Signal(signal));
        }
        self.events = Some(events);
    }

    /// A signal comes at `now`. Returns how long signals have come in vain.
    fn hear(&mut self, signal: i32, now: Instant) -> Duration {
        if self.events.as_ref().is_some_and(|events| events.send(Event::Signal(signal)).is_ok()) {
            return Duration::ZERO;
        }
        self.events = None;
        self.keep(signal, now)
    }

    fn keep(&mut self, signal: i32, now: Instant) -> Duration {
        let (_, since) = self.untold.get_or_insert((signal, now));
        now.duration_since(*since)
    }
}

fn lock(listener: &Mutex<Listener>) -> std::sync::MutexGuard<'_, Listener> {
    listener.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, unbounded};

    use super::*;

    fn told(events: &Receiver<Event>) -> Vec<i32> {
        let signal = |event| match event {
            Event::Signal(signal) => signal,
            other => panic!("{other:?}"),
        };
        events.try_iter().map(signal).collect()
    }

    #[test]
    fn a_signal_between_two_loops_is_told_to_the_second_once() {
        let now = Instant::now();
        let mut listener = Listener::default();
        let (events, first) = unbounded();
        listener.listen(events);
        assert_eq!(listener.hear(SIGINT, now), Duration::ZERO);
        assert_eq!(told(&first), [SIGINT]);
        drop(first);
        assert_eq!(listener.hear(SIGTERM, now), Duration::ZERO);
        let (events, second) = unbounded();
        listener.listen(events);
        assert_eq!(told(&second), [SIGTERM]);
        assert_eq!(listener.hear(SIGINT, now), Duration::ZERO);
        assert_eq!(told(&second), [SIGINT]);
    }

    #[test]
    fn signals_that_nobody_is_told_of_are_waited_with_from_the_first_of_them_on() {
        let now = Instant::now();
        let mut listener = Listener::default();
        assert_eq!(listener.hear(SIGTERM, now), Duration::ZERO);
        assert_eq!(listener.hear(SIGTERM, now + FINISH_WITHIN), FINISH_WITHIN);
        let (events, next) = unbounded();
        listener.listen(events);
        assert_eq!(told(&next), [SIGTERM]);
        drop(next);
        assert_eq!(listener.hear(SIGTERM, now + 2 * FINISH_WITHIN), Duration::ZERO, "counted anew");
    }
}
