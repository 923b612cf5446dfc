//! Group commit: who writes, what waits to be written, what is being made durable.
//!
//! A transaction commits in two steps. First, still the only writer, it adds its writes to the
//! batch that is being collected and lets the next writer begin. Then it waits until that batch is
//! durable; if nobody is making a batch durable, it does so itself, with everything collected so
//! far. So there is no thread of our own: a lone client pays no hand-over, and those that arrive
//! during an fdatasync share the next one.

use std::{
    ops::Bound,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{Error, record, write_set::WriteSet};

/// What all threads share.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    state: Mutex<State>,
    /// Told when the writer's place is free.
    writer_left: Condvar,
    /// Told when a batch is durable, or the store broke.
    settled: Condvar,
    /// True while the engine may show what is not durable, and for ever once the store broke. Lets
    /// a read go without the mutex.
    unsettled: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Someone holds the writer's place.
    writer: bool,
    /// Committed, in no batch under way.
    collected: WriteSet,
    /// The batch under way.
    in_flight: Option<Arc<WriteSet>>,
    /// How many batches have been started; the next one has this number plus 1.
    started: u64,
    /// How many of them are durable.
    durable: u64,
    /// The first failure.
    broken: Option<Arc<str>>,
}

impl State {
    fn check(&self) -> Result<(), Error> {
        match &self.broken {
            None => Ok(()),
            Some(first) => Err(Error::Broken { first: first.as_ref().to_owned() }),
        }
    }

    /// The batch with everything committed so far.
    fn newest(&self) -> Ticket {
        Ticket(self.started + u64::from(!self.collected.is_empty()))
    }
}

/// A batch, by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(u64);

impl Ticket {
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl Commits {
    /// Goes on after so many batches.
    pub(crate) fn new(batches: u64) -> Self {
        let state = State { started: batches, durable: batches, ..State::default() };
        Self { state: Mutex::new(state), ..Self::default() }
    }

    /// How many batches are durable; `None` once the store broke.
    pub(crate) fn durable(&self) -> Option<u64> {
        let state = self.lock();
        state.broken.is_none().then_some(state.durable)
    }

    /// The batch with everything committed so far.
    pub(crate) fn newest(&self) -> Ticket {
        self.lock().newest()
    }

    /// Takes the writer's place, once it is free.
    pub(crate) fn enter_writer(&self) -> Result<(), Error> {
        let mut state = self.lock();
        while state.writer && state.broken.is_none() {
            state = wait(&self.writer_left, state);
        }
        state.check()?;
        state.writer = true;
        Ok(())
    }

    /// Gives up the writer's place without a commit.
    pub(crate) fn leave_writer(&self) {
        self.lock().writer = false;
        self.writer_left.notify_one();
    }

    /// Commits logically and gives up the writer's place. The ticket is for [`Self::make_durable`].
    pub(crate) fn publish(&self, writes: WriteSet) -> Ticket {
        let ticket = {
            let mut state = self.lock();
            state.collected.merge(writes);
            state.writer = false;
            state.newest()
        };
        self.writer_left.notify_one();
        ticket
    }

    /// Returns when the batch is durable, having applied it if nobody else did.
    pub(crate) fn make_durable(
        &self,
        ticket: Ticket,
        apply: impl Fn(&WriteSet) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut state = self.lock();
        loop {
            state.check()?;
            if state.durable >= ticket.0 {
                return Ok(());
            }
            if state.in_flight.is_some() {
                state = wait(&self.settled, state);
                continue;
            }
            state.started += 1;
            let mut batch = std::mem::take(&mut state.collected);
            batch.insert(record::COUNT_KEY.to_vec(), Some(state.started.to_be_bytes().to_vec()));
            let batch = Arc::new(batch);
            state.in_flight = Some(Arc::clone(&batch));
            // Before the engine shows any of it. SeqCst, as below: not on the hot path.
            self.unsettled.store(true, Ordering::SeqCst);
            drop(state);

            let result = apply(&batch);

            state = self.lock();
            match result {
                Ok(()) => {
                    state.durable += 1;
                    state.in_flight = None;
                    self.unsettled.store(false, Ordering::SeqCst);
                }
                // What the disk holds is not known any more, and an fdatasync that fails once may
                // succeed the next time without having written: so never again, in this process.
                Err(error) => {
                    state.broken = Some(error.chain().into());
                    self.writer_left.notify_all();
                }
            }
            self.settled.notify_all();
        }
    }

    /// To be called after a read of the engine, with the question whether a write set can have had
    /// a part in what was read. Returns when all of that is durable.
    pub(crate) fn settle(&self, touches: impl Fn(&WriteSet) -> bool) -> Result<(), Error> {
        // Acquire: if the engine showed us a batch, we see the `true` that was stored before it
        // was applied, or a `false` stored after it was durable.
        if !self.unsettled.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut state = self.lock();
        state.check()?;
        let batch = state.started;
        if !state.in_flight.as_deref().is_some_and(touches) {
            return Ok(());
        }
        while state.durable < batch {
            state = wait(&self.settled, state);
            state.check()?;
        }
        Ok(())
    }

    /// Fails if the store broke.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.unsettled.load(Ordering::Acquire) {
            self.lock().check()?;
        }
        Ok(())
    }

    /// What is to stand at `key` by what the engine may not have yet; `None` if that says nothing.
    pub(crate) fn overlay_get(&self, key: &[u8]) -> Result<Option<Option<Vec<u8>>>, Error> {
        let state = self.lock();
        state.check()?;
        let found = state.collected.get(key).or_else(|| state.in_flight.as_deref()?.get(key));
        Ok(found.map(|value| value.map(<[u8]>::to_vec)))
    }

    /// The first write in a range, of what the engine may not have yet.
    pub(crate) fn overlay_first(&self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<Option<Overlaid>, Error> {
        let state = self.lock();
        state.check()?;
        let collected = state.collected.first_in(from, to);
        let in_flight = state.in_flight.as_deref().and_then(|set| set.first_in(from, to));
        Ok(earlier(collected, in_flight).map(own))
    }

    /// Bytes that were promised space and may not have it yet.
    pub(crate) fn outstanding_bytes(&self) -> u64 {
        let state = self.lock();
        state.collected.bytes() + state.in_flight.as_deref().map_or(0, WriteSet::bytes)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, so the state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key and what is to stand there.
pub(crate) type Overlaid = (Vec<u8>, Option<Vec<u8>>);
type OverlaidRef<'a> = (&'a [u8], Option<&'a [u8]>);

/// The one with the smaller key; the first if they have the same.
pub(crate) fn earlier<'a>(newer: Option<OverlaidRef<'a>>, older: Option<OverlaidRef<'a>>) -> Option<OverlaidRef<'a>> {
    match (newer, older) {
        (Some(newer), Some(older)) if older.0 < newer.0 => Some(older),
        (None, older) => older,
        (newer, _) => newer,
    }
}

fn own((key, value): OverlaidRef<'_>) -> Overlaid {
    (key.to_vec(), value.map(<[u8]>::to_vec))
}

fn wait<'a>(condvar: &Condvar, guard: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::{
        path::Path,
        sync::{
            atomic::AtomicUsize,
            mpsc::{Receiver, Sender, channel},
        },
        thread,
        time::Duration,
    };

    use super::*;

    fn set(key: &str) -> WriteSet {
        let mut set = WriteSet::default();
        set.insert(key.into(), Some(b"new".to_vec()));
        set
    }

    /// An engine whose writes take until the test says so, and end as it says.
    struct Slow {
        commits: Commits,
        applied: AtomicUsize,
        entered: Sender<()>,
        results: Mutex<Receiver<bool>>,
    }

    impl Slow {
        fn new() -> (Self, Receiver<()>, Sender<bool>) {
            let (entered, is_entered) = channel();
            let (finish, results) = channel();
            let slow = Self {
                commits: Commits::default(),
                applied: AtomicUsize::new(0),
                entered,
                results: Mutex::new(results),
            };
            (slow, is_entered, finish)
        }

        fn commit(&self, writes: WriteSet) -> Result<(), Error> {
            self.commits.enter_writer()?;
            let ticket = self.commits.publish(writes);
            self.commits.make_durable(ticket, |_| {
                self.applied.fetch_add(1, Ordering::SeqCst);
                self.entered.send(()).unwrap();
                match self.results.lock().unwrap().recv().unwrap() {
                    true => Ok(()),
                    false => Err(Error::damaged(Path::new("disk"), "on purpose")),
                }
            })
        }

        fn read(&self, key: &str) -> Result<(), Error> {
            self.commits.settle(|batch| batch.get(key.as_bytes()).is_some())
        }
    }

    #[test]
    fn a_read_waits_for_its_own_key_and_for_no_other() {
        let (slow, entered, finish) = Slow::new();
        thread::scope(|scope| {
            scope.spawn(|| slow.commit(set("a")).unwrap());
            entered.recv().unwrap();
            // Would hang here if it waited.
            slow.read("b").unwrap();
            let waiting = scope.spawn(|| slow.read("a").unwrap());
            thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            finish.send(true).unwrap();
        });
        slow.read("a").unwrap();
    }

    #[test]
    fn commits_during_a_sync_share_the_next_one() {
        let (slow, entered, finish) = Slow::new();
        thread::scope(|scope| {
            scope.spawn(|| slow.commit(set("a")).unwrap());
            entered.recv().unwrap();
            for key in ["b", "c", "d", "e"] {
                let slow = &slow;
                scope.spawn(move || slow.commit(set(key)).unwrap());
            }
            // None of them waits for the sync with the writer's place in hand.
            while slow.commits.overlay_first(Bound::Included(b"e"), Bound::Unbounded).unwrap().is_none()
                || slow.commits.lock().collected.iter().count() < 4
            {
                thread::yield_now();
            }
            finish.send(true).unwrap();
            entered.recv().unwrap();
            finish.send(true).unwrap();
        });
        assert_eq!(slow.applied.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn an_empty_commit_waits_for_what_it_may_have_read() {
        let (slow, entered, finish) = Slow::new();
        thread::scope(|scope| {
            scope.spawn(|| slow.commit(set("a")).unwrap());
            entered.recv().unwrap();
            let empty = scope.spawn(|| slow.commit(WriteSet::default()).unwrap());
            thread::sleep(Duration::from_millis(20));
            assert!(!empty.is_finished());
            finish.send(true).unwrap();
        });
        slow.commit(WriteSet::default()).unwrap();
        assert_eq!(slow.applied.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_failed_sync_fails_everyone_from_then_on() {
        let (slow, entered, finish) = Slow::new();
        thread::scope(|scope| {
            let first = scope.spawn(|| slow.commit(set("a")));
            entered.recv().unwrap();
            let second = scope.spawn(|| slow.commit(set("b")));
            let reader = scope.spawn(|| slow.read("a"));
            thread::sleep(Duration::from_millis(20));
            finish.send(false).unwrap();
            for result in [first.join(), second.join(), reader.join()] {
                let error = result.unwrap().unwrap_err();
                assert!(matches!(&error, Error::Broken { first } if first.contains("on purpose")));
            }
        });
        assert!(slow.commit(set("c")).is_err());
        assert!(slow.read("d").is_err());
        assert_eq!(slow.applied.load(Ordering::SeqCst), 1);
    }
}
