//! The top-level error and the documented exit codes. Whatever ends the process, its exit code is decided here and
//! nowhere else.

use crate::cli::UsageError;
use crate::coordinator::LoadError;
use crate::coordinator::job::JobError;
use crate::ledger::job::Refusal;
use crate::ledger::overview::OverviewError;
use crate::plan::discover::DiscoverError;
use crate::report::event::RunStatus;
use crate::report::watch::WatchError;

/// Exit codes: stable, documented in the README.
pub mod exit_code {
    /// All done.
    pub const DONE: u8 = 0;
    /// Done, with rejects within the budget, or with differences found.
    pub const DONE_WITH_REJECTS: u8 = 1;
    /// Wrong usage or settings.
    pub const USAGE: u8 = 2;
    /// Stopped: the error budget is spent.
    pub const TOO_MANY_ERRORS: u8 = 3;
    /// Could not run or go on: cluster, file, table or ledger.
    pub const FAILED: u8 = 4;
    /// Another run is at the job.
    pub const LOCKED: u8 = 5;
    /// A unit failed for good, or the accounting does not close.
    pub const INCOMPLETE: u8 = 6;
    /// Stopped by SIGINT.
    pub const INTERRUPTED: u8 = 130;
    /// Stopped by SIGTERM.
    pub const TERMINATED: u8 = 143;
}

/// Why the command ends without having done its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line is wrong.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// What is to watch the run cannot.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The load could not begin.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Jobs could not be shown or forgotten.
    #[error(transparent)]
    Jobs(#[from] OverviewError),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] std::io::Error),
}

impl Error {
    /// The exit code to end with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage(_) => exit_code::USAGE,
            Error::Load(LoadError::Job(JobError::Locked { .. }))
            | Error::Jobs(OverviewError::Running { .. }) => exit_code::LOCKED,
            // The command line does not fit what the job was begun with.
            Error::Load(LoadError::Job(
                JobError::Refused(Refusal::Settings { .. }) | JobError::ListAtOneTime { .. },
            )) => exit_code::USAGE,
            Error::Load(LoadError::Discover(DiscoverError::Twice { .. }) | LoadError::Plan(_)) => {
                exit_code::USAGE
            }
            Error::Load(_) | Error::Jobs(_) | Error::Watch(_) | Error::Output(_) => exit_code::FAILED,
        }
    }
}

impl RunStatus {
    /// The exit code of a run that ended so; a signal's is 128 and its number, as shells have it.
    pub fn exit_code(self) -> u8 {
        match self {
            RunStatus::Done => exit_code::DONE,
            RunStatus::DoneWithRejects | RunStatus::Differences => exit_code::DONE_WITH_REJECTS,
            RunStatus::TooManyErrors => exit_code::TOO_MANY_ERRORS,
            RunStatus::Failed => exit_code::FAILED,
            RunStatus::Incomplete => exit_code::INCOMPLETE,
            // Signal numbers end at 64; a number that is none could only come from a mistake of ours.
            RunStatus::Interrupted(signal) => u8::try_from(signal)
                .ok()
                .and_then(|signal| signal.checked_add(128))
                .unwrap_or(exit_code::FAILED),
        }
    }

    /// The exit code where the summary could not be written: a run that went well has failed those who rely on it.
    pub fn exit_code_without_summary(self) -> u8 {
        match self {
            RunStatus::Done | RunStatus::DoneWithRejects | RunStatus::Differences => exit_code::FAILED,
            other => other.exit_code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_documented_exit_code() {
        let check = |status: RunStatus, expected: u8| assert_eq!(status.exit_code(), expected, "{status:?}");
        check(RunStatus::Done, 0);
        check(RunStatus::DoneWithRejects, 1);
        check(RunStatus::Differences, 1);
        check(RunStatus::TooManyErrors, 3);
        check(RunStatus::Failed, 4);
        check(RunStatus::Incomplete, 6);
        check(RunStatus::Interrupted(2), exit_code::INTERRUPTED);
        check(RunStatus::Interrupted(15), exit_code::TERMINATED);
        check(RunStatus::Interrupted(-1), exit_code::FAILED);
        check(RunStatus::Interrupted(300), exit_code::FAILED);
    }

    #[test]
    fn a_summary_that_is_missing_fails_only_what_went_well() {
        let check = |status: RunStatus, expected: u8| {
            assert_eq!(status.exit_code_without_summary(), expected, "{status:?}");
        };
        check(RunStatus::Done, 4);
        check(RunStatus::DoneWithRejects, 4);
        check(RunStatus::TooManyErrors, 3);
        check(RunStatus::Incomplete, 6);
        check(RunStatus::Interrupted(15), 143);
    }

    #[test]
    fn a_file_given_twice_is_a_mistake_of_the_command_line_and_one_that_is_missing_is_not() {
        let path = std::path::PathBuf::from;
        let twice = DiscoverError::Twice { path: path("a"), first: path("a") };
        assert_eq!(Error::from(LoadError::from(twice)).exit_code(), 2);
        let missing = DiscoverError::Missing { path: path("a") };
        assert_eq!(Error::from(LoadError::from(missing)).exit_code(), 4);
    }

    #[test]
    fn usage_errors_exit_with_2() {
        let error = Error::from(UsageError::Missing { what: "--table", hint: "give it" });
        assert_eq!((error.exit_code(), error.to_string().as_str()), (2, "--table is missing: give it"));
    }
}
