//! The firmware's side of the socket: a thread per connection, blocking. A slow or silent client costs its thread and
//! holds up nobody; there is no lock around a signing. The SAM sends many calls over a few connections, two for each core,
//! and what takes long over others.

mod admissions;
mod answer;

use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tracing::{debug, error, info, warn};
use zeroize::{Zeroize, Zeroizing};

use admissions::Admissions;

use crate::error::FirmwareError;
use crate::firmware::{Admitted, Firmware};
use crate::protocol::{Frame, MAX_CALL, OK, status_of};
use crate::socket::{Socket, own_uid, peer_uid};

/// Who may connect, and how many at once.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Users whose processes may connect, besides the one that the server runs as. The socket's mode keeps others than
    /// that one (and root) out all the same, until somebody changes it.
    pub uids: BTreeSet<u32>,
    /// Connections at a time.
    pub max_connections: usize,
}

impl Default for ServerOptions {
    /// The own user, and more connections than a SAM commonly has long calls under way.
    fn default() -> Self {
        Self { uids: BTreeSet::new(), max_connections: 256 }
    }
}

/// A listening firmware.
#[derive(Debug)]
pub struct Server {
    socket: Socket,
    options: ServerOptions,
    connections: Arc<Connections>,
    stop: (UnixStream, UnixStream),
}

/// Ends a [`Server`]; any number may be made of one.
#[derive(Debug)]
pub struct Stop(UnixStream);

impl Stop {
    /// Ends it: [`Server::run`] returns when the calls under way are done.
    pub fn stop(&self) {
        // An error means that nobody runs any more.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Server {
    /// Listens at `path`, for the owner alone (0600).
    ///
    /// # Errors
    /// The system's; also when somebody listens there, or something else is there.
    pub fn bind(path: &Path, options: ServerOptions) -> io::Result<Self> {
        let socket = Socket::bind(path)?;
        Ok(Self { socket, options, connections: Arc::default(), stop: UnixStream::pair()? })
    }

    /// Something to end it with, from another thread or a signal's handler.
    ///
    /// # Errors
    /// The system's.
    pub fn stopper(&self) -> io::Result<Stop> {
        Ok(Stop(self.stop.0.try_clone()?))
    }

    /// Serves until it is stopped. Then the socket is closed, and calls under way have ten seconds to end.
    ///
    /// # Errors
    /// Those that make the socket useless.
    pub fn run(self, firmware: &Arc<Firmware>) -> io::Result<()> {
        info!(sam = firmware.status().sam_id, "the firmware serves");
        let served = self.accept_all(firmware);
        drop(self.socket);
        self.connections.end(END_LIMIT);
        served
    }

    fn accept_all(&self, firmware: &Arc<Firmware>) -> io::Result<()> {
        let listener = self.socket.listener();
        loop {
            let mut waiting = [PollFd::new(listener, PollFlags::IN), PollFd::new(&self.stop.1, PollFlags::IN)];
            match poll(&mut waiting, None) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            let [ready, stop] = waiting.map(|fd| !fd.revents().is_empty());
            if stop {
                return Ok(());
            }
            if !ready {
                continue;
            }
            match listener.accept() {
                Ok((stream, _)) => self.admit(stream, firmware),
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
        }
    }

    fn admit(&self, stream: UnixStream, firmware: &Arc<Firmware>) {
        let uid = match peer_uid(&stream) {
            Ok(uid) => uid,
            Err(error) => return warn!(%error, "connection refused: the client's uid is not known"),
        };
        if uid != own_uid() && !self.options.uids.contains(&uid) {
            return warn!(uid, "connection refused: this uid is not allowed");
        }
        let entered = self.connections.enter(&stream, self.options.max_connections);
        let Some(entered) = entered else { return warn!(uid, "connection refused: there are too many") };
        let firmware = Arc::clone(firmware);
        let thread = thread::Builder::new().name(format!("client {}", entered.id));
        let spawned = thread.spawn(move || {
            if let Err(error) = serve(&stream, &firmware) {
                debug!(connection = entered.id, %error, "ended");
            }
            drop(entered);
        });
        if let Err(error) = spawned {
            warn!(uid, %error, "connection refused: there is no thread for it");
        }
    }
}

/// Answers the calls of one connection in their order, until the client ends it. Answers are sent together while further
/// calls are here already, but none waits long for another.
fn serve(stream: &UnixStream, firmware: &Firmware) -> io::Result<()> {
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let mut reader = BufReader::with_capacity(BUFFER, stream);
    let mut answers = Answers::to(stream);
    let mut admissions = Admissions::default();
    while let Some(call) = Frame::read(&mut reader, MAX_CALL)? {
        answers.push(&guarded(firmware, &mut admissions, &call))?;
        if !Frame::is_whole(reader.buffer()) || answers.began.elapsed() > LONGEST_WAIT {
            answers.send()?;
        }
    }
    Ok(())
}

/// Answers that are sent together.
struct Answers<'s> {
    stream: &'s UnixStream,
    /// Never grows, so that no copy is left that is not wiped: one may be the integrity key.
    bytes: Zeroizing<Vec<u8>>,
    /// When the first of them was ready.
    began: Instant,
}

impl<'s> Answers<'s> {
    fn to(stream: &'s UnixStream) -> Self {
        Self { stream, bytes: Zeroizing::new(Vec::with_capacity(BUFFER)), began: Instant::now() }
    }

    fn push(&mut self, answer: &Frame) -> io::Result<()> {
        if self.bytes.len() + answer.bytes().len() > self.bytes.capacity() {
            self.send()?;
        }
        if answer.bytes().len() > self.bytes.capacity() {
            return answer.write(&mut &*self.stream);
        }
        if self.bytes.is_empty() {
            self.began = Instant::now();
        }
        self.bytes.extend_from_slice(answer.bytes());
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        let sent = (&mut &*self.stream).write_all(&self.bytes);
        self.bytes.as_mut_slice().zeroize();
        self.bytes.clear();
        sent
    }
}

/// A panic costs the call that made it: while it unwinds, the key that is active is dropped, and so wiped.
fn guarded(firmware: &Firmware, admissions: &mut Admissions<Admitted>, call: &Frame) -> Frame {
    let result = catch_unwind(AssertUnwindSafe(|| answer::answer(firmware, admissions, call)));
    let result = result.unwrap_or_else(|_| {
        error!(code = call.code(), "a call ended in a panic");
        Err(FirmwareError::Failed)
    });
    match result {
        Ok(body) => Frame::new(OK, &body),
        Err(error) => {
            let text = if let FirmwareError::NotOperational(why) = &error { why.as_bytes() } else { &[] };
            Frame::new(status_of(&error), text)
        }
    }
}

/// The open connections.
#[derive(Debug, Default)]
struct Connections {
    open: Mutex<HashMap<u64, UnixStream>>,
    next: AtomicU64,
}

/// A connection's place. Dropped, it is free.
struct Entered {
    id: u64,
    connections: Arc<Connections>,
}

impl Connections {
    fn enter(self: &Arc<Self>, stream: &UnixStream, max: usize) -> Option<Entered> {
        let mut open = self.open.lock();
        if open.len() >= max {
            return None;
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        open.insert(id, stream.try_clone().ok()?);
        Some(Entered { id, connections: Arc::clone(self) })
    }

    /// Reads nothing more from any of them, and waits until the answers under way are written.
    fn end(&self, limit: Duration) {
        let start = Instant::now();
        for stream in self.open.lock().values() {
            // It may have ended already.
            let _ = stream.shutdown(Shutdown::Read);
        }
        while !self.open.lock().is_empty() && start.elapsed() < limit {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.connections.open.lock().remove(&self.id);
    }
}

/// How long the calls under way may take when the server ends: an RSA-4096 key takes seconds.
const END_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait when the system has no file or memory left for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of calls that are read at once, and of answers that are sent together: some dozens.
const BUFFER: usize = 64 << 10;
/// How long the first of several answers may wait for the others: two or three calls, so that the SAM has something to do
/// meanwhile.
const LONGEST_WAIT: Duration = Duration::from_micros(300);
/// A client that does not read its answers is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
