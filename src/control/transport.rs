//! Messages as JSON lines over any reader and writer, so that tests run both sides in memory.
//! Knows nothing of what the messages mean.

use std::io::{self, BufRead, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest message that is read, in bytes: far more than any unit or job needs, far less than would hurt.
pub const MESSAGE_BYTES_MAX: u64 = 64 << 20;

/// Why a message could not be received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The stream broke.
    #[error("the control channel broke: {0}")]
    Io(#[from] io::Error),
    /// A line that is no message.
    #[error("the control channel carries something that is no message: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A line without an end.
    #[error("a message on the control channel is longer than {MESSAGE_BYTES_MAX} bytes or was cut off")]
    Incomplete,
}

/// Writes one message as a line and flushes it.
///
/// # Errors
/// The stream is closed or broken.
pub fn send<T: Serialize>(writer: &mut impl Write, message: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    writer.write_all(&line)?;
    writer.flush()
}

/// Reads the next message; `None` at the end of the stream.
///
/// # Errors
/// The stream broke, or what it carries is no message.
pub fn receive<T: DeserializeOwned>(reader: &mut impl BufRead) -> Result<Option<T>, ReceiveError> {
    let mut line = Vec::new();
    let read = reader.take(MESSAGE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        return Err(ReceiveError::Incomplete);
    }
    Ok(Some(serde_json::from_slice(&line)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::message::{FromWorker, PROTOCOL_VERSION, Prefix, ToWorker, UnitCounts};
    use crate::plan::unit::{Chunk, FileId, UnitId, WorkUnit};

    fn unit() -> WorkUnit {
        let chunks = vec![Chunk { start: 10, len: 20, records: 3, line: 2 }];
        WorkUnit { id: UnitId(7), file: FileId(1), first_ordinal: 100, first_record: 5, chunks }
    }

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let mut wire = Vec::new();
        let sent = [
            ToWorker::PermitGranted,
            ToWorker::Unit { unit: unit(), attempt: 2, in_doubt: true },
            ToWorker::Finish,
        ];
        for message in &sent {
            send(&mut wire, message).unwrap();
        }
        let mut reader = wire.as_slice();
        for message in sent {
            assert_eq!(receive::<ToWorker>(&mut reader).unwrap(), Some(message));
        }
        assert_eq!(receive::<ToWorker>(&mut reader).unwrap(), None);
    }

    #[test]
    fn the_version_is_the_first_thing_on_the_wire() {
        let mut wire = Vec::new();
        send(&mut wire, &FromWorker::Hello { version: PROTOCOL_VERSION }).unwrap();
        assert_eq!(String::from_utf8(wire).unwrap(), "{\"type\":\"hello\",\"version\":6}\n");
    }

    #[test]
    fn a_message_that_is_cut_off_is_an_error() {
        let mut wire = Vec::new();
        let (counts, prefix) = (UnitCounts::default(), Prefix::default());
        let progress = FromWorker::Progress { unit: UnitId(1), counts, prefix, in_flight: 0, waiting: 0 };
        send(&mut wire, &progress).unwrap();
        for cut in 1..wire.len() {
            let outcome = receive::<FromWorker>(&mut &wire[..cut]);
            assert!(matches!(outcome, Err(ReceiveError::Incomplete)), "cut at {cut}: {outcome:?}");
        }
    }

    #[test]
    fn a_line_that_is_no_message_is_an_error() {
        let outcome = receive::<FromWorker>(&mut &b"thread panicked\n"[..]);
        assert!(matches!(outcome, Err(ReceiveError::Malformed(_))));
    }
}
