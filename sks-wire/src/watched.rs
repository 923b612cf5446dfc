//! A socket that is watched for the peer's next bytes before the thread sleeps.
//!
//! Waking a sleeping thread on a core that sleeps too takes longer than most calls do. So while bytes come soon, a
//! reader looks for them again and again, and lets others have the core in between; a reader that has waited for long
//! sleeps at once, until bytes have come soon again.

use std::borrow::Borrow;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

/// How long it is watched, and what counts as soon: an RSA-2048 signature is in it, a wait for a person is not.
const LONGEST: Duration = Duration::from_micros(300);

/// How many threads of this process are watching. A child forked meanwhile counts some that it has not, and sleeps sooner.
static WATCHING: AtomicUsize = AtomicUsize::new(0);

/// There are no more of them than cores.
static MOST: LazyLock<usize> = LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));

/// A socket whose reads watch for bytes that come soon; writes go to the socket itself.
#[derive(Debug)]
pub struct Watched<S> {
    socket: S,
    /// The last bytes came soon.
    soon: bool,
}

impl<S: Borrow<UnixStream>> Watched<S> {
    /// Watches a blocking socket, beginning with its first read.
    pub fn new(socket: S) -> Self {
        Self { socket, soon: true }
    }

    /// The socket.
    pub fn socket(&self) -> &UnixStream {
        self.socket.borrow()
    }
}

impl<S: Borrow<UnixStream>> Read for Watched<S> {
    /// Fails as the socket's own read does. A time-out of the socket begins behind the watch.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (mut socket, begun) = (self.socket.borrow(), Instant::now());
        let watched = if self.soon { watch(socket, buffer, begun) } else { None };
        let read = watched.unwrap_or_else(|| socket.read(buffer));
        self.soon = begun.elapsed() <= LONGEST;
        read
    }
}

/// What the socket gives in time.
fn watch(socket: &UnixStream, buffer: &mut [u8], begun: Instant) -> Option<io::Result<usize>> {
    let _watcher = Watcher::new()?;
    loop {
        // First of all: the peer may be waiting for this core.
        thread::yield_now();
        match recv(socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Err(Errno::AGAIN) if begun.elapsed() > LONGEST => return None,
            Err(Errno::AGAIN) => {}
            result => return Some(result.map(|(length, _)| length).map_err(io::Error::from)),
        }
    }
}

/// A thread that watches.
struct Watcher;

impl Watcher {
    fn new() -> Option<Self> {
        // Dropped, and so no longer counted, if it is one too many.
        let watcher = Self;
        (WATCHING.fetch_add(1, Ordering::Relaxed) < *MOST).then_some(watcher)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        WATCHING.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::Write;

    use rustix::time::{ClockId, clock_gettime};

    use super::*;

    fn pair() -> (Watched<UnixStream>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Watched::new(ours), theirs)
    }

    #[test]
    fn gives_what_the_socket_gives_watching_or_not() {
        for soon in [true, false] {
            let (mut watched, mut peer) = pair();
            let mut buffer = [0; 4];
            peer.write_all(b"abcdef").unwrap();
            for rest in [&b"abcd"[..], b"ef"] {
                watched.soon = soon;
                assert_eq!(watched.read(&mut buffer).unwrap(), rest.len());
                assert_eq!(buffer.get(..rest.len()), Some(rest));
            }
            drop(peer);
            watched.soon = soon;
            assert_eq!(watched.read(&mut buffer).unwrap(), 0, "the end");
        }
    }

    #[test]
    fn sleeps_through_a_long_wait_and_watches_again_after_a_short_one() {
        let (mut watched, mut peer) = pair();
        let mut buffer = [0; 1];
        let wait = Duration::from_millis(100);
        let writer = thread::spawn(move || {
            thread::sleep(wait);
            peer.write_all(b"ab").unwrap();
            peer
        });
        let computed = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
        let before = computed();
        assert_eq!(watched.read(&mut buffer).unwrap(), 1);
        assert!(computed() - before < wait / 4, "it watched all the time: {:?}", computed() - before);
        assert!(!watched.soon);
        // The second byte has come already. One of many reads of it is not held up by the machine.
        let mut peer = writer.join().unwrap();
        for _ in 0..100 {
            assert_eq!(watched.read(&mut buffer).unwrap(), 1);
            peer.write_all(b"c").unwrap();
            if watched.soon {
                return;
            }
        }
        unreachable!("no byte came soon");
    }

    /// How often this thread has gone to sleep.
    fn sleeps() -> u64 {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse().unwrap()
    }

    /// One that does not watch sleeps before each answer.
    #[test]
    fn does_not_sleep_while_answers_come_soon() {
        const QUESTIONS: u64 = 100;
        let (mut asks, peer) = pair();
        let answers = thread::spawn(move || {
            let mut peer = Watched::new(peer);
            let mut question = [0; 1];
            while peer.read(&mut question).unwrap() > 0 {
                // Long enough that the other has come to its read.
                thread::sleep(LONGEST / 6);
                peer.socket().write_all(&question).unwrap();
            }
        });
        // On a busy machine many an answer is late.
        let begun = Instant::now();
        loop {
            let before = sleeps();
            for _ in 0..QUESTIONS {
                asks.socket().write_all(b"?").unwrap();
                assert_eq!(asks.read(&mut [0; 1]).unwrap(), 1);
            }
            let slept = sleeps() - before;
            if slept < QUESTIONS / 4 {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it slept {slept} times in {QUESTIONS}");
        }
        drop(asks);
        answers.join().unwrap();
    }

    #[test]
    fn no_more_threads_watch_than_there_are_cores() {
        let watchers: Vec<_> = (0..*MOST + 10).map_while(|_| Watcher::new()).collect();
        assert!(watchers.len() <= *MOST, "{}", watchers.len());
        drop(watchers);
        // Others watch in other tests' threads, but not for long.
        while Watcher::new().is_none() {
            thread::yield_now();
        }
    }
}
