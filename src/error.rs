//! The top-level error and the documented exit codes, mapped in one place.

/// Exit codes: stable, documented in the README.
pub mod exit_code {
    /// All done.
    pub const DONE: u8 = 0;
    /// Done, with rejects within the budget.
    pub const DONE_WITH_REJECTS: u8 = 1;
    /// Wrong usage or settings.
    pub const USAGE: u8 = 2;
    /// Stopped: the error budget is spent.
    pub const TOO_MANY_ERRORS: u8 = 3;
    /// Could not run or go on: cluster, file or table.
    pub const FAILED: u8 = 4;
    /// A unit failed for good, or the accounting does not close.
    pub const INCOMPLETE: u8 = 6;
    /// Stopped by SIGINT.
    pub const INTERRUPTED: u8 = 130;
    /// Stopped by SIGTERM.
    pub const TERMINATED: u8 = 143;
}
