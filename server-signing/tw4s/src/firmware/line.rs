//! A connection to the firmware that many calls share: they are sent without waiting for each other's answers, and those
//! that are ready together go in one piece.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::timeout;
use tracing::debug;
use tw4s_firmware::client::{ANSWER_TIMEOUT, CALL_TIMEOUT};
use tw4s_firmware::protocol::{Frame, MAX_ANSWER};

/// It. Dropped, it ends.
#[derive(Debug)]
pub(super) struct Line {
    calls: mpsc::UnboundedSender<Sent>,
    /// Calls without an answer yet.
    under_way: Arc<AtomicUsize>,
}

/// A call, and who waits for its answer.
type Sent = (Arc<Frame>, Waiter);
type Waiter = oneshot::Sender<Frame>;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lost {
    /// The line broke. The call may have been carried out.
    #[error("the connection broke")]
    Broken,
    /// It hangs.
    #[error("no answer came in time")]
    Late,
}

impl Line {
    /// Connects, to a process of this user alone.
    pub(super) async fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path).await?;
        if stream.peer_cred()?.uid() != rustix::process::geteuid().as_raw() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user listens at the socket"));
        }
        let (from, to) = stream.into_split();
        let (calls, sent) = mpsc::unbounded_channel();
        let (waiters, answered) = mpsc::unbounded_channel();
        let under_way = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&under_way);
        tokio::spawn(async move {
            if let Err(error) = write_calls(sent, waiters, to, count).await {
                debug!(%error, "a line to the firmware ended");
            }
        });
        tokio::spawn(async move {
            if let Err(error) = read_answers(answered, from).await {
                debug!(%error, "a line to the firmware ended");
            }
        });
        Ok(Self { calls, under_way })
    }

    /// How many calls wait for their answers.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.calls.is_closed()
    }

    /// Sends a call and waits for its answer.
    pub(super) async fn exchange(&self, call: Arc<Frame>) -> Result<Frame, Lost> {
        let (waiter, answer) = oneshot::channel();
        let _under_way = Counted::new(&self.under_way);
        self.calls.send((call, waiter)).map_err(|_| Lost::Broken)?;
        match timeout(ANSWER_TIMEOUT, answer).await {
            Ok(answer) => answer.map_err(|_| Lost::Broken),
            Err(_) => Err(Lost::Late),
        }
    }

    /// Sends a call whose answer nobody waits for.
    pub(super) fn send(&self, call: Frame) {
        // If it has ended, the firmware has forgotten all that was on it.
        let _ = self.calls.send((Arc::new(call), oneshot::channel().0));
    }
}

/// One more, as long as this lives.
struct Counted<'c>(&'c AtomicUsize);

impl<'c> Counted<'c> {
    fn new(count: &'c AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Ends when the line is dropped, and when its other half has.
async fn write_calls(
    mut calls: mpsc::UnboundedReceiver<Sent>,
    waiters: mpsc::UnboundedSender<Waiter>,
    mut to: OwnedWriteHalf,
    under_way: Arc<AtomicUsize>,
) -> io::Result<()> {
    let (mut ready, mut bytes) = (Vec::new(), Vec::new());
    loop {
        tokio::select! {
            biased;
            () = waiters.closed() => return Ok(()),
            count = calls.recv_many(&mut ready, AT_ONCE) => if count == 0 { return Ok(()) },
        }
        // What else can run may have calls to add, and adds them first if the firmware has something to do meanwhile.
        if under_way.load(Ordering::Relaxed) > ready.len() + AHEAD {
            yield_now().await;
        }
        while ready.len() < AT_ONCE
            && let Ok(more) = calls.try_recv()
        {
            ready.push(more);
        }
        bytes.clear();
        for (call, waiter) in ready.drain(..) {
            bytes.extend_from_slice(call.bytes());
            // Before it is sent, so that no answer comes without a waiter.
            waiters.send(waiter).map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        timeout(CALL_TIMEOUT, to.write_all(&bytes)).await??;
        bytes.shrink_to(BUFFER);
    }
}

/// Gives each answer to the first who waits: they come in the order of the calls. When this ends, all who wait are told.
async fn read_answers(mut waiters: mpsc::UnboundedReceiver<Waiter>, mut from: OwnedReadHalf) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(BUFFER);
    loop {
        bytes.reserve(BUFFER);
        if from.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
        let mut rest = bytes.as_slice();
        while Frame::is_whole(rest) {
            // Without waiting: all of it is there.
            let Some(answer) = Frame::read(&mut rest, MAX_ANSWER)? else { break };
            let waiter = waiters.try_recv().map_err(|_| io::ErrorKind::InvalidData)?;
            // Whoever asked may not care.
            let _ = waiter.send(answer);
        }
        let read = bytes.len() - rest.len();
        bytes.drain(..read);
        if bytes.len() > MAX_ANSWER {
            return Err(io::ErrorKind::InvalidData.into());
        }
        bytes.shrink_to(2 * BUFFER);
    }
}

/// Calls that the firmware has before further ones are collected: the one that it works on.
const AHEAD: usize = 1;
/// Calls that are sent in one piece, at most.
const AT_ONCE: usize = 64;
/// Bytes of answers that are read at once.
const BUFFER: usize = 64 << 10;
