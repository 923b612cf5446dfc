//! An open store, and reads outside transactions.

use std::{
    fmt,
    ops::Bound,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    Engine, Entry, Error, Options, Pending, Tree, Txn,
    commit::{Commits, Ticket},
    engine::{self, Store},
    layout::{self, Found, Lock},
    log::{
        self,
        recovery::{self, Recovered, Unfinished},
    },
    record::{self, Chunks, Head},
    session::{Parts, Session},
    space::Space,
    write_set::{Stack, WriteSet, is_empty_range},
};

/// An open store. Share it between threads by reference.
pub struct Db {
    engine: Engine,
    created: bool,
    space: Space,
    /// Batches, as SEEN has it.
    seen: u64,
    /// Of the next long value.
    next_chunk_id: AtomicU64,
    core: Arc<Core>,
}

/// What it takes to make a commit durable.
pub(crate) struct Core {
    parts: Parts,
    /// Since the first commit, or since the open if it found one that was not ended.
    session: Mutex<Option<Session>>,
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
        let Recovered { batches, session } = recovery::recover(dir, &*store)?;
        let next_chunk_id = next_chunk_id(&*store, session.as_ref())?;
        let commits = Arc::new(Commits::new(batches));
        let parts = Parts { dir: dir.to_owned(), store, commits, log_bytes: options.log_bytes };
        let session = session.map(|found| Session::resume(&parts, found, batches)).transpose()?;
        Ok(Self {
            engine,
            created: !matches!(found, Found::Ready(_)),
            space: Space::new(dir, options.reserve_bytes),
            seen: batches,
            next_chunk_id: AtomicU64::new(next_chunk_id),
            core: Arc::new(Core { parts, session: Mutex::new(session), _lock: lock }),
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
    /// It is durable: the newest value whose commit has returned, or a newer one that is durable
    /// already. Never waits for the disk's writes.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`], [`Error::Broken`], [`Error::Io`], [`Error::KeyTooLong`],
    /// [`Error::NoSuchTree`].
    pub fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let raw = record::raw_key(tree, key)?;
        let mut gone = None;
        loop {
            let Some(record) = self.durable_get(&raw)? else {
                return Ok(None);
            };
            match self.durable_value(&raw, record, &mut gone)? {
                Some(value) => return Ok(Some(value)),
                None => continue,
            }
        }
    }

    /// The entry with the smallest key at or after (`Included`), after (`Excluded`) or without
    /// (`Unbounded`) a bound. As durable as from [`Self::get`], and so is what is not there.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub fn next(&self, tree: Tree, from: Bound<&[u8]>) -> Result<Option<Entry>, Error> {
        let from = record::raw_bound(tree, from)?;
        let end = record::after_tree(tree);
        let mut gone = None;
        loop {
            let Some((raw, record)) = self.durable_next(from.as_ref().map(Vec::as_slice), &end)? else {
                return Ok(None);
            };
            if let Some(value) = self.durable_value(&raw, record, &mut gone)? {
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
        &self.core.parts.commits
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.core.parts.store
    }

    /// A commit that has a ticket.
    pub(crate) fn pending(&self, ticket: Ticket) -> Pending {
        Pending::new(Arc::clone(&self.core), ticket)
    }

    /// The id of a new long value.
    pub(crate) fn new_chunk_id(&self) -> u64 {
        self.next_chunk_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn take_space(&self, writes: &WriteSet) -> Result<(), Error> {
        self.space.take(writes, || self.commits().outstanding_bytes())
    }

    pub(crate) fn damaged(&self, what: &str) -> Error {
        Error::damaged(&self.core.parts.dir, what)
    }

    /// The record at an engine key, durable.
    fn durable_get(&self, raw: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.commits().check()?;
        {
            let layers = self.commits().layers();
            if let Some(written) = Stack([&layers.active, &layers.frozen]).get(raw) {
                return Ok(written.map(<[u8]>::to_vec));
            }
        }
        // What the layers did not have is in the engine, or newer by the time we look.
        self.store().get(raw)
    }

    /// The first record from here to `end`, durable.
    fn durable_next(&self, from: Bound<&[u8]>, end: &[u8]) -> Result<Option<Entry>, Error> {
        self.commits().check()?;
        let layers = self.commits().layers();
        next_under(&Stack([&layers.active, &layers.frozen]), self.store(), from, end)
    }

    /// The value that a record holds or points at. `None`: it was replaced while we read it, so
    /// read again. `gone` remembers the last time, for telling that from damage.
    fn durable_value(&self, raw: &[u8], record: Vec<u8>, gone: &mut Option<Chunks>) -> Result<Option<Vec<u8>>, Error> {
        let chunks = match record::head(&record) {
            Some(Head::Inline) => return Ok(Some(unwrap_inline(record))),
            Some(Head::Chunked(chunks)) => chunks,
            None => return Err(self.damaged(&format!("no value can be read at {raw:02x?}"))),
        };
        let value = assemble(chunks, |key| self.durable_get(key))?;
        if value.is_none() && gone.replace(chunks) == Some(chunks) {
            return Err(self.damaged(&format!("a part of the value at {raw:02x?} is missing")));
        }
        Ok(value)
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        // A failure costs nothing that was acknowledged: the log is there, and the next open
        // goes on with it.
        if let Ok(Some(batches)) = self.core.close()
            && batches > self.seen
        {
            // So that the next open notices if any of it is gone. A failure costs only that.
            let _ = layout::write_seen(&self.core.parts.dir, batches);
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("dir", &self.core.parts.dir).field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Core {
    /// Returns when the batch is durable.
    pub(crate) fn make_durable(&self, ticket: Ticket) -> Result<(), Error> {
        self.parts.commits.make_durable(ticket, |number, batch| {
            let mut session = self.session.lock();
            let session = match &mut *session {
                Some(session) => session,
                none => none.insert(Session::begin(&self.parts, number - 1)?),
            };
            session.write(number, batch)
        })
    }

    /// Brings everything into the engine, what nobody waited for too. Returns how many batches it
    /// has, if there were commits.
    fn close(&self) -> Result<Option<u64>, Error> {
        let made = self.make_durable(self.parts.commits.newest());
        // In any case it ends here, and its thread with it.
        let session = self.session.lock().take();
        made?;
        match (session, self.parts.commits.durable()) {
            (Some(session), Some(batches)) => session.close(batches).map(|()| Some(batches)),
            _ => Ok(None),
        }
    }
}

/// The first record from here to `end`, of writes over an engine that is not begun to be changed
/// otherwise meanwhile.
pub(crate) fn next_under<const N: usize>(
    writes: &Stack<'_, N>,
    store: &dyn Store,
    from: Bound<&[u8]>,
    end: &[u8],
) -> Result<Option<Entry>, Error> {
    let put = writes.first_put(from, Bound::Excluded(end));
    let to = Bound::Excluded(put.map_or(end, |(key, _)| key));
    let kept = match is_empty_range(from, to) {
        true => None,
        false => store.first(from, to, &|key| writes.get(key).is_some())?,
    };
    Ok(kept.or_else(|| put.map(|(key, record)| (key.to_vec(), record.to_vec()))))
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

fn open_ready(engine: Engine, dir: &Path, options: &Options) -> Result<Arc<dyn Store>, Error> {
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

fn create(dir: &Path, options: &Options) -> Result<(Engine, Arc<dyn Store>), Error> {
    let engine = options.engine.unwrap_or(Engine::Sled);
    let mut mark = WriteSet::default();
    mark.insert(record::MARK_KEY.to_vec(), Some(record::MARK_VALUE.to_vec()));
    Space::new(dir, options.reserve_bytes).take(&mark, || 0)?;
    layout::write_format(dir, engine)?;
    let store = engine::create(engine, dir, options.cache_bytes)?;
    store.apply(&[(record::MARK_KEY, Some(record::MARK_VALUE))])?;
    for name in engine::names(engine) {
        layout::sync_if_there(&dir.join(name))?;
    }
    layout::sync_names(dir)?;
    // Only now: READY says that everything before it is durable.
    layout::write_ready(dir)?;
    Ok((engine, store))
}

/// The first chunk id that neither the engine nor what is not in it yet has.
fn next_chunk_id(store: &dyn Store, session: Option<&Unfinished>) -> Result<u64, Error> {
    let stored = store.last_before(record::AFTER_CHUNKS)?;
    let layers = session.map(|found| [&found.layers.active, &*found.layers.frozen]);
    let written = layers.into_iter().flatten().filter_map(|layer| layer.last_before(record::AFTER_CHUNKS));
    let last = written.chain(stored.as_deref()).filter_map(record::chunk_id).max();
    Ok(last.map_or(0, |id| id + 1))
}

/// Clears away an unfinished creation: nothing was ever acknowledged from it. If it holds records
/// after all, someone took READY away, and the store is left alone.
fn discard(engine: Engine, dir: &Path, options: &Options) -> Result<(), Error> {
    let lost = || Err(Error::damaged(dir, "READY is missing, and there are records"));
    if log::NAMES.iter().any(|name| dir.join(name).exists()) {
        return lost();
    }
    if let Ok(store) = engine::open(engine, dir, options.cache_bytes) {
        let first = store.first(Bound::Unbounded, Bound::Unbounded, &|_| false)?;
        if first.is_some_and(|(key, _)| key != record::MARK_KEY) {
            return lost();
        }
    }
    layout::remove_engine_files(dir)
}
