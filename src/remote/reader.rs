//! Reading an object forwards from anywhere: one answer of bounded length after the other, each only of the version that was found, and
//! from the byte that was reached where one breaks off. Never holds more than what came last.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;

use super::connect::Patience;
use super::error::{Fault, RemoteError};
use super::object::{Body, RemoteObject, within};

/// Bytes that are asked for at first: who only looks at the beginning shall not have much sent.
const ASKED_FIRST: u64 = 256 * 1024;
/// Bytes that are asked for at once at most. So often it is seen whether the object is still the same.
const ASKED_MAX: u64 = 64 << 20;

/// Why a reader failed: decompressors do not pass on what they are told.
#[derive(Clone, Default)]
pub struct FailureSlot(Arc<Mutex<Option<RemoteError>>>);

impl FailureSlot {
    /// What was the matter, if anything was.
    pub fn take(&self) -> Option<RemoteError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A place in an object, and what comes from there.
pub struct RemoteReader {
    object: RemoteObject,
    path: PathBuf,
    size: u64,
    offset: u64,
    /// Nothing behind it is asked for unless it is wanted now.
    end: u64,
    /// Bytes to ask for the next time.
    asks: u64,
    answer: Option<Answer>,
    failure: FailureSlot,
}

/// An answer that is being read.
struct Answer {
    body: Body,
    /// What came last and is not taken.
    left: Bytes,
    /// Where the answer ends.
    until: u64,
}

impl RemoteReader {
    /// A reader at the beginning of an object, which is shown as `path`.
    pub fn new(object: RemoteObject, path: PathBuf, size: u64) -> RemoteReader {
        let failure = FailureSlot::default();
        RemoteReader { object, path, size, offset: 0, end: size, asks: ASKED_FIRST, answer: None, failure }
    }

    /// Where it leaves word of why it failed.
    pub fn failure(&self) -> FailureSlot {
        self.failure.clone()
    }

    /// Says how far will be read.
    pub fn set_end(&mut self, end: u64) {
        self.end = end.min(self.size);
    }

    /// Fills `buffer` from `offset` as far as the object goes. Returns how much.
    ///
    /// # Errors
    /// The object has changed, or its server does not hand it out.
    pub fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize, RemoteError> {
        let known = usize::try_from(offset).ok().and_then(|from| self.object.head.get(from..));
        if let Some(known) =
            known.and_then(|known| known.get(..buffer.len())).filter(|_| self.answer.is_none())
        {
            buffer.copy_from_slice(known);
            return Ok(known.len());
        }
        if offset != self.offset {
            (self.offset, self.answer, self.asks) = (offset, None, ASKED_FIRST);
        }
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_some(rest)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    /// Some bytes from where it is; none only at the object's end.
    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, RemoteError> {
        if buffer.is_empty() || self.offset >= self.size {
            return Ok(0);
        }
        let wanted = buffer.len() as u64;
        let mut patience: Option<Patience> = None;
        loop {
            let fault = match self.next_bytes(wanted) {
                Ok(left) => {
                    let len = left.len().min(buffer.len());
                    left.copy_to_slice(buffer.get_mut(..len).unwrap_or_default());
                    self.offset += len as u64;
                    return Ok(len);
                }
                Err(fault) => fault,
            };
            self.answer = None;
            match fault {
                Fault::Lasting(reason) => return Err(reason.of(&self.path)),
                Fault::Passing(problem) => {
                    let patience = patience.get_or_insert_with(|| self.object.remotes.patience(false));
                    match patience.next_pause() {
                        Some(pause) => thread::sleep(pause),
                        None => return Err(patience.lost(&self.path, problem)),
                    }
                }
            }
        }
    }

    /// What comes next, at least one byte; asks for more where an answer has ended.
    fn next_bytes(&mut self, wanted: u64) -> Result<&mut Bytes, Fault> {
        let RemoteReader { object, answer, size, offset, end, asks, .. } = self;
        let remotes = object.remotes.clone();
        let has_ended = answer.as_ref().is_some_and(|answer| answer.until <= *offset);
        if has_ended {
            *answer = None;
        }
        if answer.is_none() {
            let until = offset.saturating_add(*asks).min(*end).max(offset.saturating_add(wanted)).min(*size);
            let body = remotes.wait_for(object.get(*size, *offset, until))?;
            *asks = asks.saturating_mul(2).min(ASKED_MAX);
            *answer = Some(Answer { body, left: Bytes::new(), until });
        }
        let Some(answer) = answer else { return Err(Fault::Passing("no answer".to_owned())) };
        while answer.left.is_empty() {
            let next = async { answer.body.next().await.transpose() };
            match remotes.wait_for(within(remotes.silence(), next))? {
                Some(bytes) => answer.left = bytes,
                None => return Err(Fault::Passing("the answer broke off".to_owned())),
            }
        }
        // No server may make two bytes of one.
        let rest = usize::try_from(answer.until.saturating_sub(*offset)).unwrap_or(usize::MAX);
        answer.left.truncate(rest);
        Ok(&mut answer.left)
    }
}

impl Read for RemoteReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_some(buffer).map_err(|error| {
            *self.failure.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
            io::Error::other(error)
        })
    }
}
