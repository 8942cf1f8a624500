//! The options that say how the work is shared out and how rows are written.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::Typed;
use crate::cli::args::{GatheringArgs, RequestArgs, WorkingArgs, WritingArgs};
use crate::cli::error::UsageError;
use crate::cli::value;
use crate::settings::{TimestampMode, TtlMode, WritingSettings};

/// More worker processes than this are a mistake: each opens a session of its own.
const WORKERS_MAX: usize = 256;
/// More parser threads than this are a mistake.
const THREADS_MAX: usize = 1024;
/// More requests in flight than this only queue in the driver: a connection has 32,768 stream ids.
const IN_FLIGHT_MAX: usize = 65_536;
/// More connections to a node from one worker are a mistake: one carries 32,768 requests.
const CONNECTIONS_MAX: usize = 64;
/// Units below 1 KiB cost more to hand out than to load, and a large file has more of them than there are numbers; units above
/// 16 GiB are lost whole when a worker dies, and leave the others idle.
const UNIT_BYTES: RangeInclusive<u64> = 1 << 10..=16 << 30;

/// The last second at which a row may expire where seconds are counted in 31 bits (Cassandra's
/// `Cell.MAX_DELETION_TIME_2038_LEGACY_CAP`).
const EXPIRY_MAX_S: i64 = i32::MAX as i64 - 1;

/// The options that make these settings; those that a command does not have are as by default.
pub(super) struct Groups<'a> {
    pub(super) working: &'a WorkingArgs,
    pub(super) requests: Option<&'a RequestArgs>,
    pub(super) gathering: Option<&'a GatheringArgs>,
    pub(super) writing: Option<&'a WritingArgs>,
}

impl Groups<'_> {
    pub(super) fn resolve(
        self,
        typed: &Typed<'_>,
        now: Timestamp,
        warnings: &mut Vec<String>,
    ) -> Result<WritingSettings, UsageError> {
        let (workers, threads, unit_bytes) = working(typed, self.working)?;
        let mut settings = WritingSettings { workers, threads, unit_bytes, ..WritingSettings::default() };
        if let Some(args) = self.requests {
            settings.in_flight = typed.count("in-flight", &args.in_flight, IN_FLIGHT_MAX)?;
            let connections = args.connections.as_ref();
            settings.connections =
                connections.map(|text| typed.count("connections", text, CONNECTIONS_MAX)).transpose()?;
            settings.session_starts = typed.count("session-starts", &args.session_starts, WORKERS_MAX)?;
            settings.retry_for = typed.value("retry-for", &args.retry_for, value::duration)?;
        }
        if let Some(args) = self.gathering {
            settings.batch = args.batch;
            let window = args.window.as_ref();
            settings.window = window.map(|text| typed.value("window", text, value::window)).transpose()?;
        }
        if let Some(args) = self.writing {
            settings.timestamp = typed.value("timestamp", &args.timestamp, value::timestamp)?;
            settings.ttl = args.ttl.as_ref().map(|text| typed.value("ttl", text, value::ttl)).transpose()?;
        }
        if let TimestampMode::Fixed(micros) = settings.timestamp
            && micros > now.as_microsecond()
        {
            warnings.push(format!(
                "--timestamp {micros} lies in the future: what others write or delete before that time stays hidden"
            ));
        }
        if let Some(TtlMode::Seconds(seconds)) = settings.ttl
            && now.as_second().saturating_add(i64::from(seconds)) > EXPIRY_MAX_S
        {
            warnings.push(format!(
                "--ttl {seconds}: the rows would expire after 2038-01-19T03:14:06Z, and servers that do not count so far refuse them \
                 (Cassandra before 5.0, and 5.0 in its compatibility mode CASSANDRA_4)"
            ));
        }
        Ok(settings)
    }
}

/// Workers, threads of each, and the bytes of a unit, where they were given.
type Working = (Option<usize>, Option<NonZeroUsize>, Option<u64>);

fn working(typed: &Typed<'_>, args: &WorkingArgs) -> Result<Working, UsageError> {
    let workers = args
        .workers
        .as_ref()
        .map(|text| typed.value("workers", text, |text| value::number(text, 0..=WORKERS_MAX)));
    let threads = args.threads.as_ref().map(|text| typed.count("threads", text, THREADS_MAX));
    let unit_bytes = args
        .unit_size
        .as_ref()
        .map(|text| typed.value("unit-size", text, |text| value::size(text, UNIT_BYTES)));
    Ok((workers.transpose()?, threads.transpose()?, unit_bytes.transpose()?))
}
