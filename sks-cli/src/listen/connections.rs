//! The open connections: a bound on them, and their end.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// How long an answer may wait, at the end, for a client that does not read.
const WRITE_GRACE: Duration = Duration::from_secs(2);

/// How often the end looks whether that time is over.
const STEP: Duration = Duration::from_millis(50);

/// All open connections.
pub(super) struct Connections {
    open: Mutex<Open>,
    /// A connection has ended.
    gone: Condvar,
    stopping: AtomicBool,
    limit: usize,
    limit_per_uid: usize,
}

#[derive(Default)]
struct Open {
    last_id: u64,
    peers: HashMap<u64, Arc<Peer>>,
}

struct Peer {
    stream: UnixStream,
    uid: u32,
    /// Whether its thread is at a write, which waits as long as the client does not read.
    writing: AtomicBool,
}

impl Connections {
    /// At most `limit` at a time, shared evenly by `uids` users: so that none can take all of them.
    pub(super) fn new(limit: usize, uids: usize) -> Self {
        Self {
            open: Mutex::default(),
            gone: Condvar::new(),
            stopping: AtomicBool::new(false),
            limit,
            limit_per_uid: (limit / uids.max(1)).max(1),
        }
    }

    /// Takes a connection in; `None`, and it is closed, when there are too many.
    pub(super) fn enter(self: &Arc<Self>, stream: UnixStream, uid: u32) -> Option<Connection> {
        let mut open = self.open.lock();
        let of_uid = open.peers.values().filter(|peer| peer.uid == uid).count();
        if open.peers.len() >= self.limit || of_uid >= self.limit_per_uid {
            return None;
        }
        let peer = Arc::new(Peer { stream, uid, writing: AtomicBool::new(false) });
        open.last_id += 1;
        let id = open.last_id;
        open.peers.insert(id, Arc::clone(&peer));
        Some(Connection { id, peer, all: Arc::clone(self) })
    }

    /// Ends the connections: idle ones now, others after the call under way. Waits for them, at most for `limit`, and
    /// says how many are still there.
    pub(super) fn end(&self, limit: Duration) -> usize {
        let start = Instant::now();
        let mut open = self.open.lock();
        self.stopping.store(true, Ordering::Relaxed);
        for peer in open.peers.values() {
            // Fails only when the client has gone, and then its thread knows.
            let _ = peer.stream.shutdown(Shutdown::Read);
        }
        while !open.peers.is_empty() && start.elapsed() < limit {
            if start.elapsed() > WRITE_GRACE {
                for peer in open.peers.values().filter(|peer| peer.writing.load(Ordering::Relaxed)) {
                    let _ = peer.stream.shutdown(Shutdown::Both);
                }
            }
            self.gone.wait_for(&mut open, STEP);
        }
        open.peers.len()
    }
}

/// One connection, as its thread sees it. Dropped, it is closed and no longer counted.
pub(super) struct Connection {
    id: u64,
    peer: Arc<Peer>,
    all: Arc<Connections>,
}

impl Connection {
    /// Its number, for the log.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The stream, to read from.
    pub(super) fn stream(&self) -> &UnixStream {
        &self.peer.stream
    }

    /// Whether no further call is to be started.
    pub(super) fn is_ending(&self) -> bool {
        self.all.stopping.load(Ordering::Relaxed)
    }

    /// Writes all of it, however long the client takes.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.peer.writing.store(true, Ordering::Relaxed);
        let written = (&self.peer.stream).write_all(bytes);
        self.peer.writing.store(false, Ordering::Relaxed);
        written
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open.lock().peers.remove(&self.id);
        self.all.gone.notify_all();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn stream() -> UnixStream {
        UnixStream::pair().unwrap().0
    }

    #[test]
    fn the_bound_counts_what_is_open() {
        let all = Arc::new(Connections::new(2, 1));
        let first = all.enter(stream(), 0);
        let second = all.enter(stream(), 0);
        assert!(first.is_some() && second.is_some() && all.enter(stream(), 0).is_none());
        drop(first);
        assert!(all.enter(stream(), 0).is_some());
    }

    #[test]
    fn one_user_leaves_room_for_another() {
        let all = Arc::new(Connections::new(4, 2));
        let taken = [(); 2].map(|()| all.enter(stream(), 7));
        assert!(taken.iter().all(Option::is_some) && all.enter(stream(), 7).is_none());
        assert!(all.enter(stream(), 8).is_some());
    }

    #[test]
    fn the_end_is_bounded() {
        let all = Arc::new(Connections::new(1, 1));
        let stuck = all.enter(stream(), 0).unwrap();
        assert_eq!(all.end(Duration::from_millis(10)), 1);
        assert!(stuck.is_ending());
        drop(stuck);
        assert_eq!(all.end(Duration::from_millis(10)), 0);
    }
}
