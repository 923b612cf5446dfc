//! Keeps the engines clear of a full disk: a write that fails inside one breaks the store.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    Error,
    log::{self, frame::BLOCK},
    write_set::WriteSet,
};

/// The free space of a store's disk.
pub(crate) struct Space {
    dir: PathBuf,
    /// What only removals may use, in bytes.
    reserve: u64,
    last: Mutex<Option<Look>>,
}

/// A look at the disk, and what was promised since. In bytes.
struct Look {
    at: Instant,
    free: u64,
    /// What the engine has to write, from before the look and since.
    engine: u64,
    /// What the log has got since.
    log: u64,
}

impl Space {
    pub(crate) fn new(dir: &Path, reserve: u64) -> Self {
        Self { dir: dir.to_owned(), reserve, last: Mutex::default() }
    }

    /// Promises space to a transaction, or refuses it if the disk may not hold it. `outstanding` is
    /// what others were promised in the engine and may not have written yet.
    ///
    /// The system is asked now and then only. What others than this store write in between is what
    /// the reserve is for.
    pub(crate) fn take(&self, writes: &WriteSet, outstanding: impl FnOnce() -> u64) -> Result<(), Error> {
        let mut last = self.last.lock();
        let look = match last.take() {
            Some(look) if look.at.elapsed() < PERIOD && look.needed(writes, self.reserve) <= look.free => look,
            _ => Look { at: Instant::now(), free: self.free()?, engine: outstanding(), log: 0 },
        };
        let look = last.insert(look);
        let needed = look.needed(writes, self.reserve);
        if look.free < needed {
            return Err(Error::Full { path: self.dir.clone(), free: look.free, needed });
        }
        look.engine = look.engine.saturating_add(writes.bytes());
        look.log = look.log.saturating_add(logged(writes));
        Ok(())
    }

    fn free(&self) -> Result<u64, Error> {
        let stat = rustix::fs::statvfs(&self.dir);
        let stat = stat.map_err(|error| Error::io("ask for the free space of", &self.dir)(error.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

impl Look {
    /// What had to be free at the look, for these writes too.
    fn needed(&self, writes: &WriteSet, reserve: u64) -> u64 {
        let engine = self.engine.saturating_add(writes.bytes());
        // The log grows in steps; most often it has grown before.
        let log = self.log.saturating_add(logged(writes)).saturating_add(log::MAX_STEP);
        match writes.only_removes() {
            true => engine.saturating_add(log),
            false => engine.saturating_mul(GROWTH).saturating_add(log).saturating_add(reserve),
        }
    }
}

/// What a transaction takes in the log, at most.
fn logged(writes: &WriteSet) -> u64 {
    writes.bytes().saturating_add(BLOCK as u64)
}

/// How old a look may be: short enough that a disk loses a part of the default reserve meanwhile.
const PERIOD: Duration = Duration::from_millis(50);

/// How much of the disk a byte takes that the engine has to write, about, when it has taken it in:
/// redb gives a piece of a long value a page of twice its size. What the engines need for a while
/// only, and then use again, is a part of the reserve.
const GROWTH: u64 = 2;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn put(bytes: usize) -> WriteSet {
        let mut writes = WriteSet::default();
        writes.insert(Vec::new(), Some(vec![0; bytes]));
        writes
    }

    /// As if there were so many bytes.
    fn look(space: &Space, free: u64) {
        *space.last.lock() = Some(Look { at: Instant::now(), free, engine: 0, log: 0 });
    }

    fn found(space: &Space) -> u64 {
        space.last.lock().as_ref().unwrap().free
    }

    #[test]
    fn asks_again_when_the_last_look_is_used_up_or_old() {
        let dir = tempfile::tempdir().unwrap();
        let space = Space::new(dir.path(), 0);
        let room = put(1000).bytes() * (GROWTH + 1) + BLOCK as u64;
        look(&space, room * 3 + log::MAX_STEP);
        for _ in 0..3 {
            space.take(&put(1000), || unreachable!()).unwrap();
            assert_eq!(found(&space), room * 3 + log::MAX_STEP);
        }
        space.take(&put(1000), || 7).unwrap();
        assert!(found(&space) > room * 3 + log::MAX_STEP, "the disk of this test is nearly full");
        look(&space, u64::MAX);
        std::thread::sleep(PERIOD);
        space.take(&put(1), || 7).unwrap();
        assert!(found(&space) < u64::MAX);
    }

    #[test]
    fn counts_what_others_wait_for() {
        let dir = tempfile::tempdir().unwrap();
        let space = Space::new(dir.path(), 0);
        let waiting = space.free().unwrap();
        assert!(matches!(space.take(&put(1), || waiting), Err(Error::Full { .. })));
        space.take(&put(1), || 0).unwrap();
    }
}
