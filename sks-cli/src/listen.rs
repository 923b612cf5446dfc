//! The token's socket: who may connect, and the calls on each connection.
//!
//! Source: docs/wire.md, "Transport". A thread per connection, blocking: a slow, silent or dead client costs its
//! thread and a few KiB, and holds up nobody. Nothing here knows of tokens: a call is bytes, a handler answers it.

mod connections;
mod frames;
mod socket;

use std::collections::BTreeSet;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use sks_wire::watched::Watched;
use sks_wire::{Refused, Status, method};
use tracing::{debug, warn};
use zeroize::Zeroizing;

pub(crate) use socket::Socket;

use connections::{Connection, Connections};
use frames::{Answers, Calls};

/// Answers a call, from any thread.
pub(crate) type Handler = Arc<dyn Fn(&[u8]) -> Zeroizing<Vec<u8>> + Send + Sync>;

/// Connections at a time. Each may cost two megabytes for the largest frames; most cost some kilobytes.
const MAX_CONNECTIONS: usize = 1024;

/// How long to wait when the system has no file or memory left for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// A listening token.
pub(crate) struct Server {
    socket: Socket,
    /// Who may connect.
    uids: BTreeSet<u32>,
    handler: Handler,
    max_frame: u32,
    connections: Arc<Connections>,
}

impl Server {
    /// Serves the users `uids` with answers of `handler`, in frames of at most `max_frame` bytes.
    pub(crate) fn new(socket: Socket, uids: BTreeSet<u32>, handler: Handler, max_frame: u32) -> Self {
        let connections = Arc::new(Connections::new(MAX_CONNECTIONS, uids.len()));
        Self { socket, uids, handler, max_frame, connections }
    }

    /// Accepts connections until `stop` can be read.
    ///
    /// # Errors
    /// Those that make the socket useless.
    pub(crate) fn run(&self, stop: &UnixStream) -> io::Result<()> {
        loop {
            let mut waiting = [PollFd::new(self.socket.listener(), PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
            match poll(&mut waiting, None) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            let [listener, stop] = waiting.map(|fd| !fd.revents().is_empty());
            if stop {
                return Ok(());
            }
            if listener {
                self.accept()?;
            }
        }
    }

    /// Closes the socket, ends idle connections, and waits at most `limit` for the calls under way. Says how many were
    /// not done by then.
    pub(crate) fn end(self, limit: Duration) -> usize {
        drop(self.socket);
        self.connections.end(limit)
    }

    fn accept(&self) -> io::Result<()> {
        match self.socket.listener().accept() {
            Ok((stream, _)) => self.admit(stream),
            Err(error) => match Errno::from_io_error(&error) {
                // The client has gone again.
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

    fn admit(&self, stream: UnixStream) {
        let (uid, pid) = match getsockopt(&stream, PeerCredentials) {
            Ok(peer) => (peer.uid(), peer.pid()),
            Err(error) => return warn!(%error, "connection refused: the client's uid is not known"),
        };
        if !self.uids.contains(&uid) {
            return warn!(uid, pid, "connection refused: this uid is not allowed");
        }
        let Some(connection) = self.connections.enter(stream, uid) else {
            return warn!(uid, pid, "connection refused: there are too many");
        };
        debug!(connection = connection.id(), uid, pid, "connected");
        let (handler, max_frame) = (Arc::clone(&self.handler), self.max_frame);
        let thread = thread::Builder::new().name(format!("client {}", connection.id()));
        let spawned = thread.spawn(move || {
            match serve(&connection, &*handler, max_frame) {
                Ok(()) => debug!(connection = connection.id(), "ended"),
                Err(error) => debug!(connection = connection.id(), %error, "ended"),
            }
            // Before the connection, whose end may be the last that is waited for: so that the handler's device is
            // closed before the process ends.
            drop(handler);
            drop(connection);
        });
        if let Err(error) = spawned {
            warn!(uid, pid, %error, "connection refused: there is no thread for it");
        }
    }
}

/// Answers the calls of one connection in their order, until the client ends it or the token does.
fn serve(
    connection: &Connection,
    handler: &(dyn Fn(&[u8]) -> Zeroizing<Vec<u8>> + Send + Sync),
    max_frame: u32,
) -> io::Result<()> {
    let mut calls = Calls::new(max_frame);
    let mut answers = Answers::new();
    let write = |bytes: &[u8]| connection.write(bytes);
    // A client that calls again soon finds this thread awake.
    let mut stream = Watched::new(connection.stream());
    while calls.fill(&mut stream)? {
        loop {
            match calls.next() {
                Ok(Some(_)) if connection.is_ending() => return answers.flush(write),
                Ok(Some(call)) => answers.push(&handler(call), write)?,
                Ok(None) => break,
                Err(error) => {
                    debug!(connection = connection.id(), %error, "a frame is refused");
                    let refused = Refused { status: Status::Option, text: error.to_string() };
                    answers.push(&method::encode_refusal(&refused), write)?;
                    return answers.flush(write);
                }
            }
        }
        answers.flush(write)?;
    }
    Ok(())
}
