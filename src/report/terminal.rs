//! The terminal that the bar is drawn on. It differs from the library's in one thing: between two drawings the cursor stands
//! where the bar's last line begins, not where it ends.

use std::io;

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

/// Drawings each second, as the library has it.
const DRAWINGS_PER_SECOND: u8 = 20;

/// The standard error as a place for a bar; hidden where it is no terminal.
pub(super) fn stderr() -> ProgressDrawTarget {
    let term = Term::buffered_stderr();
    match term.is_term() {
        true => ProgressDrawTarget::term_like_with_hz(Box::new(Homing(term)), DRAWINGS_PER_SECOND),
        false => ProgressDrawTarget::hidden(),
    }
}

/// A drawing fills its last line, so that whatever comes then begins a new one. The `^C` that a terminal shows for Ctrl-C would,
/// and what clears the bar would then miss its first line.
#[derive(Debug)]
pub(super) struct Homing<T>(pub(super) T);

impl<T: TermLike> TermLike for Homing<T> {
    fn width(&self) -> u16 {
        self.0.width()
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.write_str("\r")?;
        self.0.flush()
    }
}
