//! The thread that waits for the disk, so that whoever commits need not: it takes all that were committed meanwhile,
//! waits for the newest of them, and tells them all.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use durable::Pending;
use tokio::sync::oneshot;
use tw4s_sam::ports::{Later, StoreError};

use crate::error::{OpenError, failed};

/// It. Dropped, it ends when all that was committed is durable.
#[derive(Debug)]
pub(crate) struct Committer {
    /// Taken away at the end.
    queue: Option<Sender<Waiting>>,
    thread: Option<JoinHandle<()>>,
}

/// A commit on its way to the disk, and who waits for it.
struct Waiting {
    pending: Pending,
    told: oneshot::Sender<Result<(), StoreError>>,
}

impl Committer {
    pub(crate) fn start() -> Result<Self, OpenError> {
        let (queue, waiting) = mpsc::channel();
        let thread = thread::Builder::new().name("committer".to_owned()).spawn(move || run(&waiting));
        Ok(Self { queue: Some(queue), thread: Some(thread.map_err(OpenError::Thread)?) })
    }

    /// Has it wait for a commit.
    pub(crate) fn wait_for(&self, pending: Pending) -> Later<'static, Result<(), StoreError>> {
        let (told, durable) = oneshot::channel();
        if let Some(queue) = &self.queue {
            // If it has ended, so has the other end of `told`.
            let _ = queue.send(Waiting { pending, told });
        }
        let gone = || Err(StoreError::Failed("nobody waits for the disk any more".to_owned()));
        Box::pin(async move { durable.await.unwrap_or_else(|_| gone()) })
    }
}

fn run(queue: &Receiver<Waiting>) {
    while let Ok(first) = queue.recv() {
        let mut waiting = vec![first];
        waiting.extend(queue.try_iter());
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

impl Drop for Committer {
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            // If it has panicked, everybody who waited was told so.
            let _ = thread.join();
        }
    }
}
