//! Group commit: who writes, what waits to be written, what is being written, and what is durable
//! in the redo log and not in the engine yet.
//!
//! A transaction commits in two steps. First, still the only writer, it adds its writes to the
//! batch that is being collected and lets the next writer begin. Then it waits until that batch is
//! durable; if nobody is making a batch durable, it does so itself, with everything collected so
//! far. So a lone client pays no hand-over to a thread of ours, and those that arrive during an
//! fdatasync share the next one.
//!
//! Writes go one way: collected, in flight, active layer, frozen layer, engine. Whoever looks in
//! that order misses nothing, for what leaves a place meanwhile is found in a later one.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

// To tell a condition that nobody waits for is no system call with these, and each commit tells one.
use parking_lot::{Condvar, Mutex, RwLock, RwLockReadGuard};

use crate::{Error, write_set::WriteSet};

/// What all threads share.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    /// To be locked before `state`, by those who need both.
    layers: RwLock<Layers>,
    state: Mutex<State>,
    /// Told when the writer's place is free.
    writer_left: Condvar,
    /// Told when a batch is durable, or the store broke: the first for batches of even numbers, the
    /// second for the others. No more than two are waited for, the one in flight and the next.
    settled: [Condvar; 2],
    /// The store broke. Lets a read go without the mutex.
    is_broken: AtomicBool,
}

/// Writes that are durable in the redo log, over the engine's.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// Those in the current file of the log.
    pub(crate) active: WriteSet,
    /// Those in the other one, which are on their way into the engine.
    pub(crate) frozen: Arc<WriteSet>,
}

#[derive(Debug, Default)]
struct State {
    /// Someone holds the writer's place.
    writer: bool,
    /// Committed, in no batch under way.
    collected: Arc<WriteSet>,
    /// The batch under way.
    in_flight: Arc<WriteSet>,
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
        let state = self.state.lock();
        state.broken.is_none().then_some(state.durable)
    }

    /// The batch with everything committed so far.
    pub(crate) fn newest(&self) -> Ticket {
        self.state.lock().newest()
    }

    /// Takes the writer's place, once it is free.
    pub(crate) fn enter_writer(&self) -> Result<(), Error> {
        let mut state = self.state.lock();
        while state.writer && state.broken.is_none() {
            self.writer_left.wait(&mut state);
        }
        state.check()?;
        state.writer = true;
        Ok(())
    }

    /// Gives up the writer's place without a commit.
    pub(crate) fn leave_writer(&self) {
        self.state.lock().writer = false;
        self.writer_left.notify_one();
    }

    /// Commits logically and gives up the writer's place. The ticket is for [`Self::make_durable`].
    pub(crate) fn publish(&self, writes: WriteSet) -> Ticket {
        let ticket = {
            let mut state = self.state.lock();
            // Not shared: only the one transaction reads it, and it has come to its end.
            Arc::make_mut(&mut state.collected).merge(writes);
            state.writer = false;
            state.newest()
        };
        self.writer_left.notify_one();
        ticket
    }

    /// Returns when the batch is durable, having written it if nobody else did.
    pub(crate) fn make_durable(
        &self,
        ticket: Ticket,
        write: impl Fn(u64, &WriteSet) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut state = self.state.lock();
        loop {
            if state.durable >= ticket.0 {
                return Ok(());
            }
            state.check()?;
            if state.started == state.durable {
                break;
            }
            self.settled(ticket.0).wait(&mut state);
        }
        state.started += 1;
        let number = state.started;
        let batch = mem::take(&mut state.collected);
        state.in_flight = Arc::clone(&batch);
        drop(state);

        match write(number, &batch) {
            Ok(()) => {
                drop(batch);
                self.settle(number);
                Ok(())
            }
            Err(error) => Err(self.break_off(&error)),
        }
    }

    /// The batch in flight is durable.
    fn settle(&self, number: u64) {
        {
            let mut layers = self.layers.write();
            let mut state = self.state.lock();
            // Not shared: whoever reads it holds `layers`.
            layers.active.merge(Arc::unwrap_or_clone(mem::take(&mut state.in_flight)));
            state.durable = number;
        }
        // One of those who wait for the next batch, so that the disk is not idle; it writes for all
        // of them. Only then those who are done. To write for the next ones ourselves saves that
        // hand-over and is slower: by a fifth with 8 threads, and more with 64.
        self.settled(number + 1).notify_one();
        self.settled(number).notify_all();
    }

    /// Nothing more is read or written. What the disk holds is not known any more, and an fdatasync
    /// that fails once may succeed the next time without having written: so never again, in this
    /// process.
    pub(crate) fn break_off(&self, error: &Error) -> Error {
        let first = {
            let mut state = self.state.lock();
            Arc::clone(state.broken.get_or_insert_with(|| error.chain().into()))
        };
        self.is_broken.store(true, Ordering::Release);
        self.writer_left.notify_all();
        self.settled.iter().for_each(|settled| {
            settled.notify_all();
        });
        Error::Broken { first: first.as_ref().to_owned() }
    }

    /// Fails if the store broke.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.is_broken.load(Ordering::Acquire) {
            true => self.state.lock().check(),
            false => Ok(()),
        }
    }

    /// Until this is dropped, nothing becomes visible and nothing new is begun to be brought into
    /// the engine: with it, what is read of the engine is of one moment.
    pub(crate) fn layers(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read()
    }

    /// What is collected, and what is in flight. For the writer, who holds [`Self::layers`].
    pub(crate) fn ahead(&self) -> (Arc<WriteSet>, Arc<WriteSet>) {
        let state = self.state.lock();
        (Arc::clone(&state.collected), Arc::clone(&state.in_flight))
    }

    /// Takes in what was durable and not in the engine when the store was left.
    pub(crate) fn restore(&self, layers: Layers) {
        *self.layers.write() = layers;
    }

    /// Freezes the active layer. The frozen one before is in the engine.
    pub(crate) fn freeze(&self) -> Arc<WriteSet> {
        let mut layers = self.layers.write();
        layers.frozen = Arc::new(mem::take(&mut layers.active));
        Arc::clone(&layers.frozen)
    }

    /// The frozen layer is in the engine.
    pub(crate) fn thaw(&self) {
        let frozen = {
            let mut layers = self.layers.write();
            mem::take(&mut layers.frozen)
        };
        // Thousands of records: not while all others wait.
        drop(frozen);
    }

    /// Bytes that were promised space in the engine and may not have it yet.
    pub(crate) fn outstanding_bytes(&self) -> u64 {
        let layers = self.layers();
        let (collected, in_flight) = self.ahead();
        [&layers.active, &layers.frozen, &collected, &in_flight].map(WriteSet::bytes).iter().sum()
    }

    fn settled(&self, number: u64) -> &Condvar {
        let [even, odd] = &self.settled;
        if number.is_multiple_of(2) { even } else { odd }
    }
}

#[cfg(test)]
mod tests;
