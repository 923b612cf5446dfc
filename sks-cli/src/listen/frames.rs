//! The frames of one connection: calls out of bursts of bytes, answers into as few writes.
//!
//! Source: docs/wire.md, "Transport". One read takes whatever has arrived into a buffer of the connection's own; that
//! costs a system call less per call than reading the length and then the body. Calls carry PINs and answers carry
//! keys, so what was handled is wiped before the buffer is used again.

use std::io::{self, ErrorKind, Read};

use sks_wire::frame::FrameError;
use zeroize::{Zeroize, Zeroizing};

/// What a connection holds for each direction while its calls are small, in bytes. Most are under 1 KiB.
const SMALL: usize = 8 << 10;

/// Bytes of a frame's length.
const PREFIX: usize = 4;

/// Incoming bytes, not yet handled.
pub(super) struct Calls {
    /// Grows with what really arrives, up to one frame of the largest length; never on the word of a length.
    bytes: Zeroizing<Vec<u8>>,
    /// `bytes[start..end]` is not yet handled; before it lie calls that are, behind it nothing.
    start: usize,
    end: usize,
    max: u32,
}

impl Calls {
    /// Frames of at most `max` bytes.
    pub(super) fn new(max: u32) -> Self {
        Self { bytes: Zeroizing::new(vec![0; SMALL]), start: 0, end: 0, max }
    }

    /// Reads once; `false` at the end of the stream. Every call in the buffer has been taken before.
    pub(super) fn fill(&mut self, stream: &mut impl Read) -> io::Result<bool> {
        self.make_room();
        loop {
            match stream.read(self.bytes.get_mut(self.end..).unwrap_or_default()) {
                Ok(length) => {
                    self.end += length;
                    return Ok(length > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next call that has arrived whole.
    ///
    /// # Errors
    /// `TooLong`; the stream is of no further use.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let Some(length) = self.announced()? else { return Ok(None) };
        let body = self.start + PREFIX;
        if self.end - body < length {
            return Ok(None);
        }
        self.start = body + length;
        Ok(self.bytes.get(body..self.start))
    }

    /// The length of the frame that begins at `start`, if it is there and allowed.
    fn announced(&self) -> Result<Option<usize>, FrameError> {
        let waiting = self.bytes.get(self.start..self.end).unwrap_or_default();
        let Some(prefix) = waiting.first_chunk() else { return Ok(None) };
        let length = u32::from_be_bytes(*prefix);
        if length > self.max {
            return Err(FrameError::TooLong { length, max: self.max });
        }
        Ok(Some(usize::try_from(length).unwrap_or(usize::MAX)))
    }

    /// Wipes what was handled, moves the rest to the front, and sees to it that there is room behind it.
    fn make_room(&mut self) {
        let waiting = self.end - self.start;
        self.bytes.copy_within(self.start..self.end, 0);
        if let Some(handled) = self.bytes.get_mut(waiting..self.end) {
            handled.zeroize();
        }
        (self.start, self.end) = (0, waiting);
        let length = self.bytes.len();
        if waiting == length {
            let frame = self.announced().ok().flatten().unwrap_or(0).saturating_add(PREFIX);
            self.resize(frame.min(length * 2).max(SMALL));
        } else if waiting == 0 && length > SMALL {
            self.resize(SMALL);
        }
    }

    /// Goes over to another buffer. The old one is wiped, which a reallocation would not do.
    fn resize(&mut self, length: usize) {
        let mut bytes = Zeroizing::new(vec![0; length]);
        if let (Some(to), Some(from)) = (bytes.get_mut(..self.end), self.bytes.get(..self.end)) {
            to.copy_from_slice(from);
        }
        self.bytes = bytes;
    }
}

/// Outgoing answers, not yet written. Its buffer never grows: whoever lets a client wait pays with that thread only.
pub(super) struct Answers {
    bytes: Zeroizing<Vec<u8>>,
}

impl Answers {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { bytes: Zeroizing::new(Vec::with_capacity(SMALL)) }
    }

    /// Adds an answer; writes when there is no more room.
    pub(super) fn push(&mut self, answer: &[u8], write: impl Fn(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let length = u32::try_from(answer.len()).map_err(|_| ErrorKind::InvalidInput)?;
        if self.bytes.len() + PREFIX + answer.len() > SMALL {
            self.flush(&write)?;
        }
        self.bytes.extend_from_slice(&length.to_be_bytes());
        if PREFIX + answer.len() > SMALL {
            self.flush(&write)?;
            return write(answer);
        }
        self.bytes.extend_from_slice(answer);
        Ok(())
    }

    /// Writes what is there, and wipes it.
    pub(super) fn flush(&mut self, write: impl Fn(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let written = write(&self.bytes);
        // The slice, not the Vec: wiping all of the capacity after each answer takes as long as the answer.
        self.bytes.as_mut_slice().zeroize();
        self.bytes.clear();
        written
    }
}

#[cfg(test)]
mod tests;
