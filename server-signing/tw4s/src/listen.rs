//! The service's Unix sockets: calls and answers in frames of a length in four bytes, big-endian, and a body.
//!
//! A thread per connection, blocking: a slow, silent or dead peer costs its thread and a few KiB, and holds up nobody.
//! Nothing here knows of signing: a call is bytes, a handler answers it. What comes over wss later brings its own
//! frames and calls the same handlers.

mod connections;

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tracing::{debug, warn};

use connections::{Connection, Connections};

/// What answers the calls of one socket, from any thread.
pub(crate) trait Handler: Send + Sync {
    /// Bytes of the longest call; a longer one is not read.
    fn max_call(&self) -> usize;

    /// Answers a call.
    fn answer(&self, call: &[u8]) -> Vec<u8>;

    /// What a call is answered with that announces more than [`Handler::max_call`]; the connection ends then.
    fn too_long(&self) -> Vec<u8>;
}

/// A listening socket. Dropped, it is closed and its file removed.
struct Socket {
    listener: UnixListener,
    path: PathBuf,
    handler: Arc<dyn Handler>,
}

/// The sockets of a service.
pub(crate) struct Server {
    sockets: Vec<Socket>,
    connections: Arc<Connections>,
}

impl Server {
    /// No socket yet.
    pub(crate) fn new() -> Self {
        Self { sockets: Vec::new(), connections: Arc::new(Connections::new(MAX_CONNECTIONS)) }
    }

    /// Listens at `path`. Whoever calls this holds the instance's lock, so a file that is there is left over.
    pub(crate) fn bind(&mut self, path: &Path, handler: Arc<dyn Handler>) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The process's umask keeps other users out; `admit` looks at their uid as well.
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        self.sockets.push(Socket { listener, path: path.to_owned(), handler });
        Ok(())
    }

    /// Accepts connections until `stop` can be read.
    pub(crate) fn run(&self, stop: &UnixStream) -> io::Result<()> {
        loop {
            let mut waiting = vec![PollFd::new(stop, PollFlags::IN)];
            waiting.extend(self.sockets.iter().map(|socket| PollFd::new(&socket.listener, PollFlags::IN)));
            match poll(&mut waiting, None) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            let ready: Vec<bool> = waiting.iter().map(|fd| !fd.revents().is_empty()).collect();
            if ready.first() == Some(&true) {
                return Ok(());
            }
            for (socket, _) in self.sockets.iter().zip(ready.iter().skip(1)).filter(|(_, ready)| **ready) {
                self.accept(socket)?;
            }
        }
    }

    /// Closes the sockets, ends idle connections, and waits at most `limit` for the calls under way. Says how many
    /// were not done by then.
    pub(crate) fn end(self, limit: Duration) -> usize {
        drop(self.sockets);
        self.connections.end(limit)
    }

    fn accept(&self, socket: &Socket) -> io::Result<()> {
        match socket.listener.accept() {
            Ok((stream, _)) => self.admit(stream, &socket.handler),
            Err(error) => match Errno::from_io_error(&error) {
                // The peer has gone again.
                Some(Errno::INTR | Errno::AGAIN | Errno::CONNABORTED) => {}
                Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    warn!(%error, "a connection waits");
                    thread::sleep(EXHAUSTED_PAUSE);
                }
                _ => return Err(error),
            },
        }
        Ok(())
    }

    fn admit(&self, stream: UnixStream, handler: &Arc<dyn Handler>) {
        let uid = match getsockopt(&stream, PeerCredentials) {
            Ok(peer) => peer.uid(),
            Err(error) => return warn!(%error, "connection refused: the peer's uid is not known"),
        };
        if uid != rustix::process::geteuid().as_raw() {
            return warn!(uid, "connection refused: this uid is not allowed");
        }
        if let Err(error) = stream.set_nonblocking(false) {
            return warn!(%error, "connection refused");
        }
        let Some(connection) = self.connections.enter(stream) else {
            return warn!("connection refused: there are too many");
        };
        let handler = Arc::clone(handler);
        let spawned = thread::Builder::new().name("peer".to_owned()).spawn(move || {
            if let Err(error) = serve(&connection, &*handler) {
                debug!(%error, "a connection ended");
            }
            // Before the connection, whose end may be the last that is waited for.
            drop(handler);
            drop(connection);
        });
        if let Err(error) = spawned {
            warn!(%error, "connection refused: there is no thread for it");
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A file that stays is stale, and the next start removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Answers the calls of one connection in their order, until the peer ends it or the service does.
fn serve(connection: &Connection, handler: &dyn Handler) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(BUFFER, connection.stream());
    let mut call = Vec::new();
    loop {
        match read_frame(&mut reader, &mut call, handler.max_call())? {
            Frame::Whole if connection.is_ending() => return Ok(()),
            Frame::Whole => write_frame(connection.stream(), &handler.answer(&call))?,
            Frame::TooLong => return write_frame(connection.stream(), &handler.too_long()),
            Frame::End => return Ok(()),
        }
    }
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A frame.
    Whole,
    /// The length of one that is not read.
    TooLong,
    /// The stream's end, between two frames.
    End,
}

/// Reads a frame into `body`, which grows with what really arrives and not on the word of a length.
pub(crate) fn read_frame(reader: &mut impl Read, body: &mut Vec<u8>, max: usize) -> io::Result<Frame> {
    let mut prefix = [0; 4];
    match reader.read(&mut prefix)? {
        0 => return Ok(Frame::End),
        length => reader.read_exact(prefix.get_mut(length..).unwrap_or_default())?,
    }
    let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if length > max {
        return Ok(Frame::TooLong);
    }
    body.clear();
    let wanted = u64::try_from(length).unwrap_or(u64::MAX);
    match reader.take(wanted).read_to_end(body)? {
        read if read == length => Ok(Frame::Whole),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Writes a frame, in one piece.
pub(crate) fn write_frame(mut writer: impl Write, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = Vec::with_capacity(4 + body.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(body);
    writer.write_all(&frame)
}

/// Connections at a time, each a thread.
const MAX_CONNECTIONS: usize = 1024;
/// Bytes read at once; a request with one hash has about 1 KiB.
const BUFFER: usize = 8 << 10;
/// How long to wait when the system has no file or memory left for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn read(bytes: &[u8], max: usize) -> io::Result<(Frame, Vec<u8>)> {
        let mut body = Vec::new();
        read_frame(&mut &*bytes, &mut body, max).map(|frame| (frame, body))
    }

    #[test]
    fn frames_are_read_up_to_the_bound() {
        assert_eq!(read(&[0, 0, 0, 2, 7, 8], 2).unwrap(), (Frame::Whole, vec![7, 8]));
        assert_eq!(read(&[0, 0, 0, 0], 2).unwrap(), (Frame::Whole, vec![]));
        assert_eq!(read(&[0, 0, 0, 3], 2).unwrap().0, Frame::TooLong);
        assert_eq!(read(&[255; 4], 2).unwrap().0, Frame::TooLong);
        assert_eq!(read(&[], 2).unwrap().0, Frame::End);
        assert!(read(&[0, 0], 2).is_err() && read(&[0, 0, 0, 2, 7], 2).is_err());
    }
}
