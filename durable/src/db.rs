//! An open store, and reads outside transactions.

use std::{
    fmt,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Engine, Entry, Error, Options, Tree, Txn,
    commit::{Commits, Ticket},
    engine::{self, Store},
    layout::{self, Found, Lock},
    record::{self, Chunks, Head},
    space,
    write_set::WriteSet,
};

/// An open store. Share it between threads by reference.
pub struct Db {
    engine: Engine,
    created: bool,
    reserve_bytes: u64,
    /// Batches, as SEEN has it.
    seen: u64,
    /// Of the next long value.
    next_chunk_id: AtomicU64,
    core: Arc<Core>,
}

/// What it takes to make a commit durable.
struct Core {
    dir: PathBuf,
    commits: Commits,
    store: Box<dyn Store>,
    /// Last, so that it is released after the engine is closed.
    _lock: Lock,
}

impl Db {
    /// Opens the store in `dir`, or makes one if there is none, the directory included.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`], [`Error::EngineMismatch`], [`Error::NewerFormat`], [`Error::Damaged`],
    /// [`Error::Full`] (of a new store), [`Error::Io`].
    pub fn open(dir: &Path, options: &Options) -> Result<Self, Error> {
        layout::make_dir(dir)?;
        let lock = Lock::take(dir)?;
        let found = layout::inspect(dir)?;
        let (engine, store) = match found {
            Found::Ready(engine) => {
                if let Some(asked) = options.engine.filter(|asked| *asked != engine) {
                    return Err(Error::EngineMismatch { path: dir.to_owned(), recorded: engine, asked });
                }
                (engine, open_ready(engine, dir, options)?)
            }
            Found::Nothing => create(dir, options)?,
            Found::Unfinished(engine) => {
                discard(engine, dir, options)?;
                create(dir, options)?
            }
        };
        let batches = check_seen(&*store, dir)?;
        let last_chunk = store.last_before(record::AFTER_CHUNKS)?;
        let last_id = last_chunk.as_deref().and_then(record::chunk_id);
        let core = Core { dir: dir.to_owned(), commits: Commits::new(batches), store, _lock: lock };
        Ok(Self {
            engine,
            created: !matches!(found, Found::Ready(_)),
            reserve_bytes: options.reserve_bytes,
            seen: batches,
            next_chunk_id: AtomicU64::new(last_id.map_or(0, |id| id + 1)),
            core: Arc::new(core),
        })
    }

    /// The engine that the store was made with.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// True if this open made the store.
    pub fn created(&self) -> bool {
        self.created
    }

    /// The value at `key`.
    ///
    /// It is durable: if the newest one is being made so, this waits for it. It never waits for
    /// writes to other keys.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`], [`Error::Broken`], [`Error::Io`], [`Error::KeyTooLong`],
    /// [`Error::NoSuchTree`].
    pub fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let raw = record::raw_key(tree, key)?;
        let mut gone = None;
        loop {
            let Some(record) = self.settled_get(&raw)? else {
                return Ok(None);
            };
            match self.settled_value(&raw, record, &mut gone)? {
                Some(value) => return Ok(Some(value)),
                None => continue,
            }
        }
    }

    /// The entry with the smallest key at or after (`Included`), after (`Excluded`) or without
    /// (`Unbounded`) a bound. As durable as from [`Self::get`], and so is what is not there:
    /// waits only for writes between the bound and the entry.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub fn next(&self, tree: Tree, from: Bound<&[u8]>) -> Result<Option<Entry>, Error> {
        let from = record::raw_bound(tree, from)?;
        let end = record::after_tree(tree);
        let mut gone = None;
        loop {
            let Some((raw, record)) = self.settled_next(from.as_ref().map(Vec::as_slice), &end)? else {
                return Ok(None);
            };
            if let Some(value) = self.settled_value(&raw, record, &mut gone)? {
                return Ok(Some((strip(raw), value)));
            }
        }
    }

    /// Begins a transaction, once the one before it has committed or was dropped. A thread that
    /// begins a second one before that waits for itself, for ever.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`].
    pub fn begin(&self) -> Result<Txn<'_>, Error> {
        self.commits().enter_writer()?;
        Ok(Txn::new(self))
    }

    pub(crate) fn commits(&self) -> &Commits {
        &self.core.commits
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.core.store
    }

    /// A commit that has a ticket.
    pub(crate) fn pending(&self, ticket: Ticket) -> Pending {
        Pending { core: Arc::clone(&self.core), ticket }
    }

    /// The id of a new long value.
    pub(crate) fn new_chunk_id(&self) -> u64 {
        self.next_chunk_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn check_space(&self, writes: &WriteSet) -> Result<(), Error> {
        let outstanding = self.commits().outstanding_bytes();
        space::check(&self.core.dir, self.reserve_bytes, outstanding, writes)
    }

    pub(crate) fn damaged(&self, what: &str) -> Error {
        Error::damaged(&self.core.dir, what)
    }

    /// The record at an engine key, durable.
    fn settled_get(&self, raw: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.commits().check()?;
        let record = self.store().get(raw);
        // After the read: what it showed was durable before, or is in the batch under way.
        self.commits().settle(|batch| batch.get(raw).is_some())?;
        record
    }

    /// The first record from here to `end`, durable.
    fn settled_next(&self, from: Bound<&[u8]>, end: &[u8]) -> Result<Option<Entry>, Error> {
        self.commits().check()?;
        let entry = self.store().next(from).map(|entry| entry.filter(|(key, _)| key.as_slice() < end));
        let to = match &entry {
            Ok(Some((key, _))) => Bound::Included(key.as_slice()),
            _ => Bound::Excluded(end),
        };
        self.commits().settle(|batch| batch.first_in(from, to).is_some())?;
        entry
    }

    /// The value that a record holds or points at. `None`: it was replaced while we read it, so
    /// read again. `gone` remembers the last time, for telling that from damage.
    fn settled_value(&self, raw: &[u8], record: Vec<u8>, gone: &mut Option<Chunks>) -> Result<Option<Vec<u8>>, Error> {
        let chunks = match record::head(&record) {
            Some(Head::Inline) => return Ok(Some(unwrap_inline(record))),
            Some(Head::Chunked(chunks)) => chunks,
            None => return Err(self.damaged(&format!("no value can be read at {raw:02x?}"))),
        };
        let value = assemble(chunks, |key| self.store().get(key))?;
        if value.is_none() && gone.replace(chunks) == Some(chunks) {
            return Err(self.damaged(&format!("a part of the value at {raw:02x?} is missing")));
        }
        Ok(value)
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        // What nobody waited for. Who does after this finds it done, or the store broken.
        let _ = self.core.make_durable(self.commits().newest());
        // So that the next open notices if any of it is gone. A failure costs only that.
        if let Some(batches) = self.commits().durable().filter(|batches| *batches > self.seen) {
            let _ = layout::write_seen(&self.core.dir, batches);
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("dir", &self.core.dir).field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Core {
    fn make_durable(&self, ticket: Ticket) -> Result<(), Error> {
        self.commits.make_durable(ticket, |batch| self.store.apply(batch))
    }
}

/// A transaction that has committed and is on its way to the disk, from [`Txn::commit_later`].
///
/// Nobody may be told of it before [`Self::wait`] has returned. The disk's work begins when
/// somebody waits, for this or another transaction, so a pending that is dropped becomes durable
/// with the next one that is waited for, or when the [`Db`] is dropped. It may go to any thread.
/// It holds the store's lock: open the store again only when the last one is gone.
#[must_use = "it is durable only when `wait` has returned"]
pub struct Pending {
    core: Arc<Core>,
    ticket: Ticket,
}

impl Pending {
    /// Returns when the transaction is durable, and with it every one that committed before it: of
    /// many, only the one with the highest [`Self::number`] has to be waited for.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`]: it may or may not be there after a restart; nothing can be said before.
    pub fn wait(self) -> Result<(), Error> {
        self.core.make_durable(self.ticket)
    }

    /// Not lower than that of any transaction of this store that committed before. Those of one
    /// number become durable together.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.ticket.number()
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("number", &self.number()).finish_non_exhaustive()
    }
}

/// Drops the tree's byte.
pub(crate) fn strip(mut raw: Vec<u8>) -> Vec<u8> {
    raw.drain(..1);
    raw
}

/// The value of a record whose head is [`Head::Inline`].
pub(crate) fn unwrap_inline(mut record: Vec<u8>) -> Vec<u8> {
    record.pop();
    record
}

/// Puts a long value together; `None` if a part is missing.
pub(crate) fn assemble(
    chunks: Chunks,
    read: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, Error>,
) -> Result<Option<Vec<u8>>, Error> {
    let mut value = Vec::new();
    for key in chunks.keys() {
        match read(&key)? {
            Some(piece) => value.extend_from_slice(&piece),
            None => return Ok(None),
        }
    }
    Ok((value.len() == chunks.len as usize).then_some(value))
}

fn open_ready(engine: Engine, dir: &Path, options: &Options) -> Result<Box<dyn Store>, Error> {
    let store = engine::open(engine, dir, options.cache_bytes)?;
    match store.get(record::MARK_KEY)?.as_deref() {
        Some(record::MARK_VALUE) => {
            // The directory's own names, and its name in its parent: whoever copied or restored
            // the store need not have synced them.
            layout::sync_names(dir)?;
            Ok(store)
        }
        _ => Err(Error::damaged(dir, format!("{engine} lost the store's first record"))),
    }
}

/// Compares the store with what it is known to have had, and notes what it has now; returns that.
///
/// sled takes a damaged place in its log for the log's end and goes on from there. Without this,
/// everything written behind it would be gone and nobody would know.
fn check_seen(store: &dyn Store, dir: &Path) -> Result<u64, Error> {
    let batches = record::count(store.get(record::COUNT_KEY)?.as_deref())
        .ok_or_else(|| Error::damaged(dir, "the number of batches cannot be read"))?;
    let seen = layout::seen(dir)?;
    if batches < seen {
        return Err(Error::damaged(dir, format!("it has {batches} batches and had {seen} before")));
    }
    if batches > seen {
        layout::write_seen(dir, batches)?;
    }
    Ok(batches)
}

fn create(dir: &Path, options: &Options) -> Result<(Engine, Box<dyn Store>), Error> {
    let engine = options.engine.unwrap_or(Engine::Sled);
    let mut mark = WriteSet::default();
    mark.insert(record::MARK_KEY.to_vec(), Some(record::MARK_VALUE.to_vec()));
    space::check(dir, options.reserve_bytes, 0, &mark)?;
    layout::write_format(dir, engine)?;
    let store = engine::create(engine, dir, options.cache_bytes)?;
    store.apply(&mark)?;
    for name in engine::names(engine) {
        layout::sync_if_there(&dir.join(name))?;
    }
    layout::sync_names(dir)?;
    // Only now: READY says that everything before it is durable.
    layout::write_ready(dir)?;
    Ok((engine, store))
}

/// Clears away an unfinished creation: nothing was ever acknowledged from it. If it holds records
/// after all, someone took READY away, and the store is left alone.
fn discard(engine: Engine, dir: &Path, options: &Options) -> Result<(), Error> {
    if let Ok(store) = engine::open(engine, dir, options.cache_bytes) {
        let first = store.next(Bound::Unbounded)?;
        if first.is_some_and(|(key, _)| key != record::MARK_KEY) {
            return Err(Error::damaged(dir, "READY is missing, and there are records"));
        }
    }
    layout::remove_engine_files(dir)
}
