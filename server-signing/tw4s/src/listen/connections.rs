//! The open connections: a bound on them, and their end.

use std::collections::HashMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// All open connections.
pub(super) struct Connections {
    open: Mutex<Open>,
    /// A connection has ended.
    gone: Condvar,
    stopping: AtomicBool,
    limit: usize,
}

#[derive(Default)]
struct Open {
    last: u64,
    streams: HashMap<u64, Arc<UnixStream>>,
}

impl Connections {
    /// At most `limit` at a time.
    pub(super) fn new(limit: usize) -> Self {
        Self { open: Mutex::default(), gone: Condvar::new(), stopping: AtomicBool::new(false), limit }
    }

    /// Takes a connection in; `None`, and it is closed, when there are too many.
    pub(super) fn enter(self: &Arc<Self>, stream: UnixStream) -> Option<Connection> {
        let mut open = self.open.lock();
        if open.streams.len() >= self.limit {
            return None;
        }
        let stream = Arc::new(stream);
        open.last += 1;
        let id = open.last;
        open.streams.insert(id, Arc::clone(&stream));
        Some(Connection { id, stream, all: Arc::clone(self) })
    }

    /// Ends the connections: idle ones now, others after the call under way. Waits for them, at most for `limit`, and
    /// says how many are still there. A peer that does not read its answer is cut off when half of that is over.
    pub(super) fn end(&self, limit: Duration) -> usize {
        let start = Instant::now();
        let mut open = self.open.lock();
        self.stopping.store(true, Ordering::Relaxed);
        for stream in open.streams.values() {
            // Fails only when the peer has gone, and then its thread knows.
            let _ = stream.shutdown(Shutdown::Read);
        }
        while !open.streams.is_empty() && start.elapsed() < limit {
            if start.elapsed() > limit / 2 {
                for stream in open.streams.values() {
                    let _ = stream.shutdown(Shutdown::Both);
                }
            }
            self.gone.wait_for(&mut open, STEP);
        }
        open.streams.len()
    }
}

/// One connection, as its thread sees it. Dropped, it is closed and no longer counted.
pub(super) struct Connection {
    id: u64,
    stream: Arc<UnixStream>,
    all: Arc<Connections>,
}

impl Connection {
    /// The stream.
    pub(super) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Whether the service ends, and takes no further call.
    pub(super) fn is_ending(&self) -> bool {
        self.all.stopping.load(Ordering::Relaxed)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open.lock().streams.remove(&self.id);
        self.all.gone.notify_all();
    }
}

/// How often the end looks whether its time is over.
const STEP: Duration = Duration::from_millis(50);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_bound_counts_what_is_open_and_the_end_is_bounded() {
        let stream = || UnixStream::pair().unwrap().0;
        let all = Arc::new(Connections::new(1));
        let stuck = all.enter(stream()).unwrap();
        assert!(all.enter(stream()).is_none());
        assert_eq!(all.end(Duration::from_millis(10)), 1);
        assert!(stuck.is_ending());
        drop(stuck);
        assert_eq!(all.end(Duration::from_millis(10)), 0);
    }
}
