//! A connection's stream: a Unix socket that raises no SIGPIPE in its host, reads an answer in one call, and is watched
//! for it, since most come sooner than a sleeping thread wakes.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::{SendFlags, send};
use sks_client::Error;
use sks_wire::watched::Watched;
use zeroize::Zeroizing;

/// Bytes read at once: an answer with a signature is below, a certificate path may be above.
const BUFFER: usize = 4096;

/// A connection to the token.
pub(super) struct Stream {
    socket: Watched<UnixStream>,
    /// What came and was not asked for yet; it may hold secrets.
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
}

impl Stream {
    pub(super) fn connect(path: &Path) -> Result<Self, Error> {
        let socket = UnixStream::connect(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                Error::Absent { path: path.to_owned(), source }
            }
            _ => Error::Connection(source),
        })?;
        Ok(Self { socket: Watched::new(socket), buffer: Zeroizing::new(vec![0; BUFFER]), start: 0, end: 0 })
    }

    /// Sends all bytes.
    pub(super) fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match send(self.socket.socket(), bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            if out.len() >= BUFFER {
                return self.socket.read(out);
            }
            self.start = 0;
            self.end = self.socket.read(&mut self.buffer)?;
        }
        let waiting = self.buffer.get(self.start..self.end).unwrap_or_default();
        let count = waiting.len().min(out.len());
        if let (Some(from), Some(to)) = (waiting.get(..count), out.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.start += count;
        Ok(count)
    }
}
