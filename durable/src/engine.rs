//! The engines behind one small trait: an ordered map with durable, atomic batches.

mod redb;
mod sled;

use std::{
    any::Any,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{Engine, Entry, Error, write_set::WriteSet};

/// One ordered map of byte strings.
pub(crate) trait Store: Send + Sync {
    /// The value at `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// The first entry from here on. Atomic: no batch is seen in part.
    fn next(&self, from: Bound<&[u8]>) -> Result<Option<Entry>, Error>;

    /// The last key before `end`.
    fn last_before(&self, end: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Writes all or nothing, and returns when it is durable. After an error the caller must not
    /// use the store any more.
    fn apply(&self, batch: &WriteSet) -> Result<(), Error>;
}

/// Makes an engine's files in `dir`, which has none. Not durable yet.
pub(crate) fn create(engine: Engine, dir: &Path, cache_bytes: u64) -> Result<Box<dyn Store>, Error> {
    match engine {
        Engine::Sled => sled::create(dir, cache_bytes),
        Engine::Redb => redb::create(dir, cache_bytes),
    }
}

/// Opens an engine's files in `dir`.
pub(crate) fn open(engine: Engine, dir: &Path, cache_bytes: u64) -> Result<Box<dyn Store>, Error> {
    match engine {
        Engine::Sled => sled::open(dir, cache_bytes),
        Engine::Redb => redb::open(dir, cache_bytes),
    }
}

/// The names of an engine's files in the store's directory, leftovers of a creation included.
pub(crate) fn names(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::Sled => sled::NAMES,
        Engine::Redb => redb::NAMES,
    }
}

/// Runs a call into an engine. Both panic on some damaged files, sled on many; a caller that
/// serves others must outlive that.
fn contained<T>(path: &Path, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // Unwind safety: after a failed open the engine is gone, after a failed write the store is
    // broken for good, and a failed read changes nothing of ours.
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(Error::damaged(path, format!("the engine gave up: {}", message(&*panic)))))
}

/// Opens a file that an engine locks for itself. `LOCK` keeps other processes out, so whoever has
/// it is a store of this process that was just dropped and whose threads are not done yet, or a
/// child that this process is about to start and that has not let go of the descriptor yet.
fn patiently<T>(open: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match open() {
            Err(Error::Locked { .. }) if Instant::now() < deadline => thread::sleep(PAUSE),
            result => return result,
        }
    }
}

/// Far more than either takes.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(2);

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}
