//! The service's Unix sockets: calls and answers in frames of a length in four bytes, big-endian, and a body.
//!
//! A task per connection, on a few threads: a slow, silent or dead peer costs its task and a few KiB, and holds up nobody.
//! Nothing here knows of signing: a call is bytes, a handler answers it. What comes over wss later brings its own
//! frames and calls the same handlers.

mod frame;

use std::fs;
use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};
use tw4s_sam::ports::Later;

pub(crate) use frame::{Frame, read_frame, write_frame};

use frame::{Calls, framed};

/// What answers the calls of one socket, any number of them at a time.
pub(crate) trait Handler: Send + Sync {
    /// Bytes of the longest call; a longer one is not read.
    fn max_call(&self) -> usize;

    /// Answers a call.
    fn answer<'a>(&'a self, call: &'a [u8]) -> Later<'a, Vec<u8>>;

    /// What a call is answered with that announces more than [`Handler::max_call`]; the connection ends then.
    fn too_long(&self) -> Later<'_, Vec<u8>>;
}

/// A listening socket. Dropped, it is closed and its file removed.
struct Socket {
    listener: StdListener,
    path: PathBuf,
    handler: Arc<dyn Handler>,
}

/// The sockets of a service.
pub(crate) struct Server {
    sockets: Vec<Socket>,
    connections: Connections,
}

/// What the connections share.
#[derive(Clone)]
struct Connections {
    /// A permit for each.
    places: Arc<Semaphore>,
    phase: Arc<watch::Sender<Phase>>,
}

/// How far the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// No further call is taken.
    Ending,
    /// Answers that nobody reads are given up.
    Cutting,
}

impl Server {
    /// No socket yet.
    pub(crate) fn new() -> Self {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let phase = Arc::new(watch::channel(Phase::Serving).0);
        Self { sockets: Vec::new(), connections: Connections { places, phase } }
    }

    /// Listens at `path`. Whoever calls this holds the instance's lock, so a file that is there is left over.
    pub(crate) fn bind(&mut self, path: &Path, handler: Arc<dyn Handler>) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The process's umask keeps other users out; `admit` looks at their uid as well.
        let listener = StdListener::bind(path)?;
        listener.set_nonblocking(true)?;
        self.sockets.push(Socket { listener, path: path.to_owned(), handler });
        Ok(())
    }

    /// Accepts connections until `stop` can be read; then the sockets are closed.
    pub(crate) async fn run(&mut self, stop: StdStream) -> io::Result<()> {
        stop.set_nonblocking(true)?;
        let stop = UnixStream::from_std(stop)?;
        let mut accepting = JoinSet::new();
        for socket in self.sockets.drain(..) {
            accepting.spawn(accept_all(socket, self.connections.clone()));
        }
        let ended = tokio::select! {
            stopped = stop.readable() => stopped,
            Some(failed) = accepting.join_next() => failed.unwrap_or_else(|error| Err(io::Error::other(error))),
        };
        accepting.shutdown().await;
        ended
    }

    /// Ends idle connections, and waits at most `limit` for the calls under way. Says how many were not done by then. A
    /// peer that does not read its answer is cut off when half of that is over.
    pub(crate) async fn end(self, limit: Duration) -> usize {
        let Connections { places, phase } = self.connections;
        for next in [Phase::Ending, Phase::Cutting] {
            phase.send_replace(next);
            let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
            if timeout(limit / 2, places.acquire_many(all)).await.is_ok() {
                return 0;
            }
        }
        MAX_CONNECTIONS - places.available_permits()
    }
}

async fn accept_all(socket: Socket, connections: Connections) -> io::Result<()> {
    let listener = UnixListener::from_std(socket.listener.try_clone()?)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => connections.admit(stream, &socket.handler),
            Err(error) => match Errno::from_io_error(&error) {
                // The peer has gone again.
                Some(Errno::INTR | Errno::AGAIN | Errno::CONNABORTED) => {}
                Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    warn!(%error, "a connection waits");
                    sleep(EXHAUSTED_PAUSE).await;
                }
                _ => return Err(error),
            },
        }
    }
}

impl Connections {
    fn admit(&self, stream: UnixStream, handler: &Arc<dyn Handler>) {
        let uid = match stream.peer_cred() {
            Ok(peer) => peer.uid(),
            Err(error) => return warn!(%error, "connection refused: the peer's uid is not known"),
        };
        if uid != rustix::process::geteuid().as_raw() {
            return warn!(uid, "connection refused: this uid is not allowed");
        }
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return warn!("connection refused: there are too many");
        };
        let (handler, mut phase) = (Arc::clone(handler), self.phase.subscribe());
        tokio::spawn(async move {
            if let Err(error) = serve(stream, &*handler, &mut phase).await {
                debug!(%error, "a connection ended");
            }
            // Before the place, which may be the last that is waited for.
            drop(handler);
            drop(place);
        });
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A file that stays is stale, and the next start removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Answers the calls of one connection in their order, until the peer ends it or the service does. A call that was read
/// is carried out, also if the peer has gone.
async fn serve(mut stream: UnixStream, handler: &dyn Handler, phase: &mut watch::Receiver<Phase>) -> io::Result<()> {
    let mut calls = Calls::default();
    loop {
        let frame = tokio::select! {
            biased;
            _ = phase.wait_for(|phase| *phase >= Phase::Ending) => return Ok(()),
            frame = calls.next(&mut stream, handler.max_call()) => frame?,
        };
        let answer = match frame {
            Frame::Whole => handler.answer(calls.body()).await,
            Frame::TooLong => handler.too_long().await,
            Frame::End => return Ok(()),
        };
        let answer = framed(&answer)?;
        tokio::select! {
            biased;
            written = stream.write_all(&answer) => written?,
            _ = phase.wait_for(|phase| *phase >= Phase::Cutting) => return Ok(()),
        }
        if frame == Frame::TooLong {
            return Ok(());
        }
    }
}

/// Connections at a time, each with one call under way at most.
const MAX_CONNECTIONS: usize = 1024;
/// How long to wait when the system has no file or memory left for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod limits;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Answers when it is told to.
    struct Slow(Semaphore);

    impl Handler for Slow {
        fn max_call(&self) -> usize {
            8
        }

        fn answer<'a>(&'a self, call: &'a [u8]) -> Later<'a, Vec<u8>> {
            Box::pin(async move {
                self.0.acquire().await.unwrap().forget();
                call.to_vec()
            })
        }

        fn too_long(&self) -> Later<'_, Vec<u8>> {
            Box::pin(async { b"too long".to_vec() })
        }
    }

    #[test]
    fn the_end_waits_for_calls_under_way_and_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for (answers, expected) in [(1, 0), (0, 1)] {
            let slow = Arc::new(Slow(Semaphore::new(0)));
            let mut server = Server::new();
            server.bind(&path, slow.clone()).unwrap();
            let (stop, mut stopper) = StdStream::pair().unwrap();
            let (mut idle, mut busy) = (StdStream::connect(&path).unwrap(), StdStream::connect(&path).unwrap());
            runtime.block_on(async {
                let running = tokio::spawn(async move { server.run(stop).await.map(|()| server) });
                write_frame(&busy, b"call").unwrap();
                while slow.0.available_permits() == 0 && Arc::strong_count(&slow) < 4 {
                    sleep(Duration::from_millis(1)).await;
                }
                sleep(Duration::from_millis(50)).await;
                io::Write::write_all(&mut stopper, b"x").unwrap();
                let server = running.await.unwrap().unwrap();
                assert!(!path.exists(), "its sockets are closed");
                let ending = tokio::spawn(server.end(Duration::from_secs(if answers == 0 { 1 } else { 60 })));
                sleep(Duration::from_millis(50)).await;
                slow.0.add_permits(answers);
                assert_eq!(ending.await.unwrap(), expected);
            });
            let mut body = Vec::new();
            assert_eq!(read_frame(&mut idle, &mut body, 8).unwrap(), Frame::End);
            if answers == 1 {
                assert_eq!(
                    (read_frame(&mut busy, &mut body, 8).unwrap(), body.as_slice()),
                    (Frame::Whole, &b"call"[..])
                );
            }
        }
    }
}
