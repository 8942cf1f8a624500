//! Faults of a row, faults of the cluster, and what to do about them: a decision function without clock or I/O, tested as a
//! table. A cluster fault pauses a row and never rejects it; only what the server says of the row itself does.

use std::time::Duration;

use scylla::errors::{BadQuery, DbError, ExecutionError, RequestAttemptError};
use scylla::statement::Consistency;

/// What an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The server refuses this row for its content.
    Row,
    /// The cluster cannot take it now: overloaded, too few replicas, unreachable, timed out.
    Cluster,
    /// The server failed on this request; whether because of the row or by itself is not said.
    Unclear,
    /// Sending it again cannot help: no permission, a statement that does not fit.
    Fatal,
}

/// What to do with a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Send it again after this time.
    Retry(Duration),
    /// Reject the row.
    Reject,
    /// Never send it again, and say that nobody knows whether it was executed.
    LeaveInDoubt,
    /// End the run.
    GiveUp,
}

/// What is known when a request has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// What the error says.
    pub kind: FaultKind,
    /// How many times the row has been sent, from 1.
    pub sent: u32,
    /// How long ago it failed first.
    pub failing_for: Duration,
    /// Whether other rows have been acknowledged since then.
    pub others_succeed: bool,
    /// Whether it may have been executed and must not be twice.
    pub in_doubt: bool,
}

/// After so many failures of a kind that may be the row's own fault, over so long a time, while others succeed, the row is
/// rejected. Long, because a single sick replica fails the same way.
const UNCLEAR_FAILURES_MAX: u32 = 8;
/// See [`UNCLEAR_FAILURES_MAX`].
const UNCLEAR_FAILING_MIN: Duration = Duration::from_secs(120);
/// The first pause; each further one is twice as long.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
/// The longest pause: how late the end of an outage is noticed.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Decides what to do with a request that failed. `jitter` is a random number in 0..1 that keeps the rows from coming
/// back all at once: a pause is between half and all of its full length.
pub fn decide(attempt: Attempt, retry_for: Duration, jitter: f64) -> Decision {
    match attempt.kind {
        FaultKind::Row => Decision::Reject,
        FaultKind::Fatal => Decision::GiveUp,
        FaultKind::Cluster | FaultKind::Unclear if attempt.in_doubt => Decision::LeaveInDoubt,
        FaultKind::Unclear if is_the_rows_own(attempt) => Decision::Reject,
        FaultKind::Cluster | FaultKind::Unclear if attempt.failing_for >= retry_for => Decision::GiveUp,
        FaultKind::Cluster | FaultKind::Unclear => Decision::Retry(pause(attempt.sent, jitter)),
    }
}

fn is_the_rows_own(attempt: Attempt) -> bool {
    attempt.others_succeed
        && attempt.sent >= UNCLEAR_FAILURES_MAX
        && attempt.failing_for >= UNCLEAR_FAILING_MIN
}

/// How long to wait before something is sent for the time after `sent` times.
pub(super) fn pause(sent: u32, jitter: f64) -> Duration {
    let doublings = sent.saturating_sub(1).min(16);
    let full = BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MAX);
    full.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
}

/// Reads the driver's error by its type, never by its text.
pub fn classify(error: &ExecutionError) -> FaultKind {
    match error {
        ExecutionError::LastAttemptError(attempt) => classify_attempt(attempt),
        ExecutionError::BadQuery(BadQuery::ValuesTooLongForKey(..)) => FaultKind::Row,
        ExecutionError::BadQuery(_)
        | ExecutionError::PrepareError(_)
        | ExecutionError::UseKeyspaceError(_) => FaultKind::Fatal,
        ExecutionError::EmptyPlan
        | ExecutionError::ConnectionPoolError(_)
        | ExecutionError::RequestTimeout(_) => FaultKind::Cluster,
        _ => FaultKind::Unclear,
    }
}

/// Whether a request that failed may have been executed all the same, now or later. No server has seen those of which it is certain that
/// they were not, or it said so before it did anything. `conditional`: the statement has a condition.
pub fn may_have_been_executed(error: &ExecutionError, conditional: bool) -> bool {
    let attempt = match error {
        ExecutionError::EmptyPlan | ExecutionError::ConnectionPoolError(_) => return false,
        ExecutionError::LastAttemptError(attempt) => attempt,
        _ => return true,
    };
    match attempt {
        RequestAttemptError::UnableToAllocStreamId => false,
        RequestAttemptError::DbError(error, _) => match error {
            DbError::IsBootstrapping => false,
            // Of what has a condition, replicas agree on it first (`SERIAL`), and may then be too few to learn of it.
            DbError::Unavailable { consistency, .. } => {
                conditional && !matches!(consistency, Consistency::Serial | Consistency::LocalSerial)
            }
            // One that a replica rejects may have been taken by others.
            DbError::RateLimitReached { rejected_by_coordinator, .. } => !rejected_by_coordinator,
            _ => true,
        },
        _ => true,
    }
}

fn classify_attempt(error: &RequestAttemptError) -> FaultKind {
    match error {
        RequestAttemptError::DbError(error, _) => classify_server_error(error),
        RequestAttemptError::BrokenConnectionError(_) | RequestAttemptError::UnableToAllocStreamId => {
            FaultKind::Cluster
        }
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => {
            FaultKind::Row
        }
        RequestAttemptError::RepreparedIdChanged { .. } => FaultKind::Fatal,
        _ => FaultKind::Unclear,
    }
}

fn classify_server_error(error: &DbError) -> FaultKind {
    match error {
        // A function that fails does so before anything is written: fromJson() of what is no JSON, a user function.
        DbError::Invalid | DbError::FunctionFailure { .. } => FaultKind::Row,
        DbError::Unavailable { .. }
        | DbError::Overloaded
        | DbError::IsBootstrapping
        | DbError::WriteTimeout { .. }
        | DbError::ReadTimeout { .. }
        | DbError::RateLimitReached { .. } => FaultKind::Cluster,
        DbError::SyntaxError
        | DbError::AuthenticationError
        | DbError::Unauthorized
        | DbError::ConfigError
        | DbError::AlreadyExists { .. } => FaultKind::Fatal,
        // WriteFailure, ServerError and what later versions add.
        _ => FaultKind::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY_FOR: Duration = Duration::from_secs(600);

    fn attempt(kind: FaultKind, sent: u32, failing_s: u64, others_succeed: bool) -> Attempt {
        let failing_for = Duration::from_secs(failing_s);
        Attempt { kind, sent, failing_for, others_succeed, in_doubt: false }
    }

    #[test]
    fn what_was_refused_before_anything_was_done_was_not_executed() {
        let of_server =
            |error| ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, String::new()));
        let (consistency, alive) = (Consistency::One, 0);
        let write_type = scylla::errors::WriteType::Simple;
        let limited = |rejected_by_coordinator| {
            let op_type = scylla::errors::OperationType::Write;
            of_server(DbError::RateLimitReached { op_type, rejected_by_coordinator })
        };
        for (error, expected) in [
            (ExecutionError::EmptyPlan, false),
            (of_server(DbError::Unavailable { consistency, required: 1, alive }), false),
            (limited(true), false),
            // Other replicas may have taken it.
            (limited(false), true),
            (of_server(DbError::IsBootstrapping), false),
            (ExecutionError::LastAttemptError(RequestAttemptError::UnableToAllocStreamId), false),
            (of_server(DbError::WriteTimeout { consistency, received: 0, required: 1, write_type }), true),
            // Some replicas may have been sent the write before one had too many hints.
            (of_server(DbError::Overloaded), true),
            (of_server(DbError::ServerError), true),
            (ExecutionError::RequestTimeout(Duration::from_secs(1)), true),
        ] {
            assert_eq!(may_have_been_executed(&error, false), expected, "{error}");
        }
        // A condition that was agreed on is executed, though too few replicas are there to be told of it.
        for (consistency, expected) in
            [(Consistency::Serial, false), (Consistency::LocalSerial, false), (Consistency::All, true)]
        {
            let error = of_server(DbError::Unavailable { consistency, required: 1, alive });
            assert_eq!(may_have_been_executed(&error, true), expected, "{consistency}");
        }
    }

    #[test]
    fn decisions() {
        use FaultKind::*;
        let retry = |ms| Decision::Retry(Duration::from_millis(ms));
        let table = [
            (attempt(Row, 1, 0, true), Decision::Reject),
            (attempt(Row, 1, 0, false), Decision::Reject),
            (attempt(Fatal, 1, 0, true), Decision::GiveUp),
            (attempt(Cluster, 1, 0, true), retry(50)),
            (attempt(Cluster, 2, 0, true), retry(100)),
            (attempt(Cluster, 7, 0, true), retry(3200)),
            (attempt(Cluster, 8, 10, true), retry(5000)),
            (attempt(Cluster, 1000, 599, true), retry(5000)),
            (attempt(Cluster, u32::MAX, 599, true), retry(5000)),
            (attempt(Cluster, 100, 600, true), Decision::GiveUp),
            (attempt(Unclear, 7, 10, true), retry(3200)),
            (attempt(Unclear, 8, 119, true), retry(5000)),
            (attempt(Unclear, 7, 120, true), retry(3200)),
            (attempt(Unclear, 8, 120, true), Decision::Reject),
            (attempt(Unclear, 8, 120, false), retry(5000)),
            (attempt(Unclear, 200, 600, false), Decision::GiveUp),
        ];
        for (input, expected) in table {
            assert_eq!(decide(input, RETRY_FOR, 1.0), expected, "{input:?}");
        }
    }

    #[test]
    fn what_must_not_be_executed_twice_is_left_in_doubt_at_once() {
        use FaultKind::*;
        let check = |kind, expected| {
            for (sent, failing_s, others_succeed) in [(1, 0, true), (8, 120, true), (3, 600, false)] {
                let input = Attempt { in_doubt: true, ..attempt(kind, sent, failing_s, others_succeed) };
                assert_eq!(decide(input, RETRY_FOR, 1.0), expected, "{input:?}");
            }
        };
        check(Row, Decision::Reject);
        check(Fatal, Decision::GiveUp);
        check(Cluster, Decision::LeaveInDoubt);
        check(Unclear, Decision::LeaveInDoubt);
    }

    #[test]
    fn a_pause_is_never_shorter_than_half_nor_longer_than_the_whole() {
        for sent in [1, 2, 5, 50] {
            let whole = pause(sent, 1.0);
            assert_eq!(pause(sent, 0.0), whole / 2);
            assert!(pause(sent, 0.3) > whole / 2 && pause(sent, 0.3) < whole);
        }
    }

    #[test]
    fn errors_are_read_by_their_type() {
        let consistency = Consistency::LocalQuorum;
        let table = [
            (DbError::Invalid, FaultKind::Row),
            (DbError::Overloaded, FaultKind::Cluster),
            (DbError::IsBootstrapping, FaultKind::Cluster),
            (DbError::Unavailable { consistency, required: 2, alive: 1 }, FaultKind::Cluster),
            (
                DbError::WriteTimeout {
                    consistency,
                    received: 0,
                    required: 1,
                    write_type: scylla::errors::WriteType::Simple,
                },
                FaultKind::Cluster,
            ),
            (
                DbError::FunctionFailure {
                    keyspace: "ks".into(),
                    function: "f".into(),
                    arg_types: Vec::new(),
                },
                FaultKind::Row,
            ),
            (DbError::Unauthorized, FaultKind::Fatal),
            (DbError::SyntaxError, FaultKind::Fatal),
            (DbError::ServerError, FaultKind::Unclear),
        ];
        for (error, expected) in table {
            let wrapped = ExecutionError::from(RequestAttemptError::DbError(error.clone(), String::new()));
            assert_eq!(classify(&wrapped), expected, "{error:?}");
        }
        assert_eq!(classify(&ExecutionError::RequestTimeout(RETRY_FOR)), FaultKind::Cluster);
        assert_eq!(classify(&ExecutionError::EmptyPlan), FaultKind::Cluster);
    }
}
