//! What is shown of a run while it goes on. Changes nothing of it.

use super::Dispatcher;
use crate::report::event::{RunEvent, Snapshot};

impl Dispatcher<'_> {
    /// Shows how far the run is.
    pub(super) fn show_progress(&mut self) {
        let snapshot = self.snapshot();
        (self.report)(RunEvent::Progress(snapshot));
    }

    fn snapshot(&self) -> Snapshot {
        let counts = self.assignment.counts();
        let verifying = self.options.job.verify.is_some();
        // What is found is looked up as well.
        let found = if verifying { counts.rejected } else { 0 };
        Snapshot {
            bytes_total: self.options.bytes_total,
            bytes_done: counts.bytes,
            resumed: self.options.resumed,
            written: counts.written.saturating_sub(counts.verify.left_out()) + found,
            rejected: counts.rejected,
            retried: counts.retried,
            in_flight: self.members.iter().map(|(_, member)| member.in_flight).sum(),
            waiting: self.members.iter().map(|(_, member)| member.waiting).sum(),
            workers_ready: self.members.iter().filter(|(_, member)| member.ready).count(),
            elapsed: self.options.started.elapsed(),
            verifying,
        }
    }
}
