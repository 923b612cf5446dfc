//! The thread that waits for the disk, so that whoever commits need not: it takes all that were committed meanwhile,
//! waits for the newest of them, and tells them all.
//!
//! A write to the disk costs computing time, too. So while other requests are under way, which will commit soon, it waits
//! for them: until half of all wait for the disk (the other half keeps the processors busy meanwhile), and not for long.
//! A request that is alone waits for nobody.

use std::mem;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use durable::Pending;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;
use tw4s_sam::ports::{Later, StoreError};

use crate::error::{OpenError, failed};

/// It. Dropped, it ends when all that was committed is durable.
#[derive(Debug)]
pub(crate) struct Committer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// The queue is not empty any more, is due, or is at its end.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Requests, each with one commit in the queue at most.
    under_way: usize,
    /// Nobody commits any more.
    over: bool,
    /// The thread has ended.
    gone: bool,
}

/// A commit on its way to the disk, and who waits for it.
#[derive(Debug)]
struct Waiting {
    pending: Pending,
    told: oneshot::Sender<Result<(), StoreError>>,
}

impl Queue {
    /// Whether there is something to be done that should wait for no other commit.
    fn is_due(&self) -> bool {
        !self.waiting.is_empty() && (self.over || self.waiting.len() >= self.under_way.div_ceil(2))
    }
}

impl Committer {
    pub(crate) fn start() -> Result<Self, OpenError> {
        Self::start_with(LONGEST_WAIT)
    }

    fn start_with(longest_wait: Duration) -> Result<Self, OpenError> {
        let shared = Arc::<Shared>::default();
        let work = Arc::clone(&shared);
        let thread = thread::Builder::new().name("committer".to_owned()).spawn(move || run(&work, longest_wait));
        Ok(Self { shared, thread: Some(thread.map_err(OpenError::Thread)?) })
    }

    /// Has it wait for a commit.
    pub(crate) fn wait_for(&self, pending: Pending) -> Later<'static, Result<(), StoreError>> {
        let (told, durable) = oneshot::channel();
        self.change(|queue| {
            if !queue.gone {
                queue.waiting.push(Waiting { pending, told });
            }
        });
        let gone = || Err(StoreError::Failed("nobody waits for the disk any more".to_owned()));
        Box::pin(async move { durable.await.unwrap_or_else(|_| gone()) })
    }

    /// A request has begun.
    pub(crate) fn begins(&self) {
        self.shared.queue.lock().under_way += 1;
    }

    /// A request has ended.
    pub(crate) fn ends(&self) {
        self.change(|queue| queue.under_way = queue.under_way.saturating_sub(1));
    }

    fn change(&self, change: impl FnOnce(&mut Queue)) {
        let mut queue = self.shared.queue.lock();
        let was_empty = queue.waiting.is_empty();
        change(&mut queue);
        if queue.is_due() || was_empty {
            self.shared.changed.notify_one();
        }
    }
}

fn run(shared: &Shared, longest_wait: Duration) {
    let _gone = Gone(shared);
    while let Some(waiting) = next(shared, longest_wait) {
        // Those of the highest number are durable last.
        let (mut told, mut newest) = (Vec::with_capacity(waiting.len()), None::<Pending>);
        for Waiting { pending, told: one } in waiting {
            told.push(one);
            if newest.as_ref().is_none_or(|newest| newest.number() < pending.number()) {
                newest = Some(pending);
            }
        }
        let result = newest.map_or(Ok(()), Pending::wait).map_err(failed);
        for one in told {
            // Whoever asked may have been given up.
            let _ = one.send(result.clone());
        }
    }
}

/// All that wait, once they are due; `None` at the end.
fn next(shared: &Shared, longest_wait: Duration) -> Option<Vec<Waiting>> {
    let mut queue = shared.queue.lock();
    while queue.waiting.is_empty() {
        if queue.over {
            return None;
        }
        shared.changed.wait(&mut queue);
    }
    let end = Instant::now() + longest_wait;
    while !queue.is_due() && !shared.changed.wait_until(&mut queue, end).timed_out() {}
    Some(mem::take(&mut queue.waiting))
}

/// The thread ends; if by a panic, those who wait and those who come are told that nobody waits for the disk.
struct Gone<'s>(&'s Shared);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue.lock();
        queue.gone = true;
        queue.waiting.clear();
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.shared.queue.lock().over = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // If it has panicked, everybody who waited was told so: see `Gone`.
            let _ = thread.join();
        }
    }
}

/// For further commits, at most.
const LONGEST_WAIT: Duration = Duration::from_millis(1);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use durable::{Db, Options, Tree};
    use tempfile::TempDir;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    /// A database, and a committer that waits so long.
    fn new(longest_wait: Duration) -> (TempDir, Db, Committer) {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("db"), &Options::default()).unwrap();
        (folder, db, Committer::start_with(longest_wait).unwrap())
    }

    fn commit(db: &Db, committer: &Committer) -> Later<'static, Result<(), StoreError>> {
        let mut txn = db.begin().unwrap();
        txn.put(Tree(0), b"key", b"value").unwrap();
        committer.wait_for(txn.commit_later().unwrap())
    }

    /// Waits for each in a thread of its own, and says when.
    fn waited_for(all: Vec<Later<'static, Result<(), StoreError>>>) -> UnboundedReceiver<()> {
        let (sender, receiver) = unbounded_channel();
        for one in all {
            let sender = sender.clone();
            thread::spawn(move || {
                pollster::block_on(one).unwrap();
                sender.send(())
            });
        }
        receiver
    }

    const FOR_EVER: Duration = Duration::from_secs(3600);
    const A_MOMENT: Duration = Duration::from_millis(100);

    #[test]
    fn waits_for_half_of_the_requests_and_for_no_more() {
        let (_folder, db, committer) = new(FOR_EVER);
        (0..5).for_each(|_| committer.begins());
        let mut done = waited_for(vec![commit(&db, &committer), commit(&db, &committer)]);
        thread::sleep(A_MOMENT);
        assert!(done.try_recv().is_err(), "two of five");
        waited_for(vec![commit(&db, &committer)]).blocking_recv().unwrap();
        (0..2).for_each(|_| done.blocking_recv().unwrap());
    }

    #[test]
    fn who_is_alone_waits_for_nobody() {
        let (_folder, db, committer) = new(FOR_EVER);
        waited_for(vec![commit(&db, &committer)]).blocking_recv().unwrap();
        committer.begins();
        waited_for(vec![commit(&db, &committer)]).blocking_recv().unwrap();
    }

    #[test]
    fn does_not_wait_for_requests_that_have_ended() {
        let (_folder, db, committer) = new(FOR_EVER);
        (0..4).for_each(|_| committer.begins());
        let mut done = waited_for(vec![commit(&db, &committer)]);
        committer.ends();
        thread::sleep(A_MOMENT);
        assert!(done.try_recv().is_err(), "one of three");
        committer.ends();
        done.blocking_recv().unwrap();
    }

    #[test]
    fn does_not_wait_for_long() {
        let (_folder, db, committer) = new(A_MOMENT);
        (0..100).for_each(|_| committer.begins());
        waited_for(vec![commit(&db, &committer)]).blocking_recv().unwrap();
    }

    #[test]
    fn its_end_makes_durable_what_waits() {
        let (_folder, db, committer) = new(FOR_EVER);
        (0..100).for_each(|_| committer.begins());
        let mut done = waited_for(vec![commit(&db, &committer)]);
        drop(committer);
        done.blocking_recv().unwrap();
    }

    #[test]
    fn nobody_waits_for_a_thread_that_has_gone() {
        let (_folder, db, committer) = new(FOR_EVER);
        (0..4).for_each(|_| committer.begins());
        let before = commit(&db, &committer);
        drop(Gone(&committer.shared));
        let behind = commit(&db, &committer);
        for one in [before, behind] {
            assert!(matches!(pollster::block_on(one), Err(StoreError::Failed(_))));
        }
    }
}
