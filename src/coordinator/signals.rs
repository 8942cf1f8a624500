//! Ctrl-C and SIGTERM as events of the loop. The first asks for an orderly stop, the second ends everything at once.

use std::io;
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
}

impl SignalWatch {
    /// Starts watching; signals come as events.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn start(events: Sender<Event>) -> io::Result<SignalWatch> {
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let handle = signals.handle();
        let thread = thread::spawn(move || {
            let mut loop_over: Option<Instant> = None;
            for signal in signals.forever() {
                if events.send(Event::Signal(signal)).is_ok() {
                    continue;
                }
                // The loop is over and only files are being finished. Whoever is still impatient after a while need not wait for
                // that: the signal does what it does by default, which fails for no signal that is watched.
                if loop_over.get_or_insert_with(Instant::now).elapsed() > FINISH_WITHIN {
                    let _ = emulate_default_handler(signal);
                }
            }
        });
        Ok(SignalWatch { handle, thread })
    }

    /// Stops watching.
    pub fn stop(self) {
        self.handle.close();
        // It only passes events on and cannot panic.
        let _ = self.thread.join();
    }
}
