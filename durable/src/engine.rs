//! The engines behind one small trait: an ordered map with durable, atomic batches.

mod redb;
mod sled;

use std::{
    any::Any,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Engine, Entry, Error,
    write_set::{Write, WriteSet},
};

/// One ordered map of byte strings.
pub(crate) trait Store: Send + Sync {
    /// The value at `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// The first entry in a range, which is not empty, whose key is not `hidden`.
    fn first(
        &self,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        hidden: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<Entry>, Error>;

    /// The last key before `end`.
    fn last_before(&self, end: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Writes all or nothing, and returns when it is durable. After an error the caller must not
    /// use the store any more.
    fn apply(&self, batch: &[Write<'_>]) -> Result<(), Error>;

    /// Writes each, in any order, and returns when all are durable. A cut before that can leave any
    /// of them. Reads go on meanwhile. After an error as [`Self::apply`].
    fn apply_singly(&self, writes: &[Write<'_>]) -> Result<(), Error>;
}

/// Makes an engine's files in `dir`, which has none. Not durable yet.
pub(crate) fn create(engine: Engine, dir: &Path, cache_bytes: u64) -> Result<Arc<dyn Store>, Error> {
    match engine {
        Engine::Sled => sled::create(dir, cache_bytes),
        Engine::Redb => redb::create(dir, cache_bytes),
    }
}

/// Opens an engine's files in `dir`.
pub(crate) fn open(engine: Engine, dir: &Path, cache_bytes: u64) -> Result<Arc<dyn Store>, Error> {
    match engine {
        Engine::Sled => sled::open(dir, cache_bytes),
        Engine::Redb => redb::open(dir, cache_bytes),
    }
}

/// Applies a write set of any size, and when all of it is durable `end`. Only what is in the redo
/// log may go this way: a cut can leave it in part.
pub(crate) fn apply_in_pieces(store: &dyn Store, writes: &WriteSet, end: &[Write<'_>]) -> Result<(), Error> {
    let mut piece = Vec::new();
    let mut bytes = 0;
    for (key, value) in writes.iter() {
        if bytes > PIECE {
            store.apply_singly(&piece)?;
            piece.clear();
            bytes = 0;
        }
        piece.push((key, value));
        bytes += RECORD + key.len() + value.map_or(0, <[u8]>::len);
    }
    store.apply_singly(&piece)?;
    store.apply(end)
}

/// 256 KiB: each costs a wait for the disk, and is far less than a segment of sled's log, which must
/// not be used again before what was moved out of it is durable.
const PIECE: usize = 256 << 10;

/// What a record counts for beside its key and value: every one may have redb write a page anew, and
/// keep the old one until the next piece, so thousands of short ones would fill the disk's reserve.
const RECORD: usize = 64;

/// The names of an engine's files in the store's directory, leftovers of a creation included.
pub(crate) fn names(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::Sled => sled::NAMES,
        Engine::Redb => redb::NAMES,
    }
}

/// Runs a call into an engine. Both panic on some damaged files, sled on many; a caller that
/// serves others must outlive that.
pub(crate) fn contained<T>(path: &Path, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
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
