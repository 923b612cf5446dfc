//! The other side of [`crate::listen`]: a connection to a service's socket.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use tw4s_formats::limit::MAX_PEER_LEN;

use crate::listen::{Frame, read_frame, write_frame};

/// A connection. One call at a time.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: UnixStream,
}

impl Peer {
    /// Connects.
    pub(crate) fn connect(path: &Path) -> io::Result<Self> {
        Ok(Self { stream: UnixStream::connect(path)? })
    }

    /// Sends a call and reads its answer.
    pub(crate) fn call(&mut self, call: &[u8]) -> io::Result<Vec<u8>> {
        let mut answer = Vec::new();
        write_frame(&self.stream, call)?;
        match read_frame(&mut self.stream, &mut answer, MAX_PEER_LEN)? {
            Frame::Whole => Ok(answer),
            Frame::TooLong => Err(io::ErrorKind::InvalidData.into()),
            Frame::End => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
