//! Volatile sessions: open sessions that are kept in memory until their close writes them.
//!
//! Source: docs/wire.md, createVolatileSession. What such a session holds are its own records, at addresses
//! that no other session has, so a map is all the database that it needs, and its close can write the map in one
//! transaction. Only the handles are shared: they are set aside durably, some at a time, so that none is given twice.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::device::Device;
use crate::ports::{Read, StoreError};
use crate::record::{Address, Counter, Key, Material, Record, Session};
use crate::refusal::Refusal;
use crate::session::{self, Entered};
use crate::work::{Typed, Work};

/// Volatile sessions at once.
const MAX_SESSIONS: usize = 64;
/// What one of them may hold, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// What a record takes beside its texts, certificates and secrets, in bytes, rounded up.
const RECORD: usize = 512;
/// How many handles are set aside at a time: a restart skips as many, and so many are given between two waits for the
/// disk.
const RESERVE: u32 = 256;

/// The volatile sessions of a token.
#[derive(Default)]
pub(crate) struct Volatile {
    open: Mutex<HashMap<u32, Arc<Memory>>>,
    /// For each kind of handle the last one given, and the last one that was set aside. Locked before the store's
    /// writer, and after any session.
    handles: Mutex<HashMap<Counter, (u32, u32)>>,
}

impl Volatile {
    /// What the session of this handle holds, if there is one.
    pub(crate) fn get(&self, handle: u32) -> Option<Arc<Memory>> {
        self.open.lock().get(&handle).cloned()
    }

    /// Keeps a new session; returns its handle.
    pub(crate) fn open(&self, device: &Device, session: Session, deadline: u64) -> Result<u32, Refusal> {
        let is_full = |open: &HashMap<_, _>| open.len() >= MAX_SESSIONS;
        if is_full(&self.open.lock()) {
            // Those that ran out make room.
            for handle in self.expired(device.clock.now_ms())? {
                Entered::sweep(device, handle)?;
            }
        }
        let memory = Arc::new(Memory::default());
        let handle = session::open(&mut Work::volatile(device, Arc::clone(&memory)), session, deadline)?;
        let mut open = self.open.lock();
        if is_full(&open) {
            return Err(Refusal::VolatileSessions);
        }
        open.insert(handle, memory);
        Ok(handle)
    }

    /// The sessions whose SessionLifeTime is over.
    pub(crate) fn expired(&self, now: u64) -> Result<Vec<u32>, StoreError> {
        let mut all = Vec::new();
        for memory in self.open.lock().values() {
            all.extend(session::expired(&**memory, now)?);
        }
        Ok(all)
    }

    /// Drops a session, wiped.
    pub(crate) fn remove(&self, handle: u32) {
        self.open.lock().remove(&handle);
    }

    /// A handle that was never given. Once others have taken handles behind those that were set aside, the rest of these
    /// is skipped, so that handles ascend.
    pub(crate) fn allocate(&self, device: &Device, counter: Counter) -> Result<u32, Refusal> {
        let mut handles = self.handles.lock();
        if let Some((given, end)) = handles.get_mut(&counter)
            && *given < *end
            && device.store.counter(counter)? == Some(*end)
        {
            *given += 1;
            return Ok(*given);
        }
        let mut first = 0;
        let mut end = 0;
        device.commit(|work| {
            (first, end) = work.reserve(counter, RESERVE)?;
            Ok(())
        })?;
        handles.insert(counter, (first, end));
        Ok(first)
    }
}

/// What a volatile session holds. Calls in a session come one at a time: the lock is never waited for.
#[derive(Default)]
pub(crate) struct Memory(Mutex<Records>);

#[derive(Default)]
struct Records {
    all: BTreeMap<Address, Record>,
    bytes: usize,
}

impl Memory {
    pub(crate) fn put(&self, at: Address, record: Record) -> Result<(), Refusal> {
        let mut records = self.0.lock();
        let old = records.all.get(&at).map_or(0, size);
        let bytes = records.bytes - old + size(&record);
        if bytes > MAX_BYTES {
            return Err(Refusal::VolatileSize);
        }
        records.bytes = bytes;
        records.all.insert(at, record);
        Ok(())
    }

    pub(crate) fn remove(&self, at: &Address) {
        let mut records = self.0.lock();
        if let Some(record) = records.all.remove(at) {
            records.bytes -= size(&record);
        }
    }

    /// Hands all over.
    pub(crate) fn take(&self) -> BTreeMap<Address, Record> {
        std::mem::take(&mut *self.0.lock()).all
    }
}

impl Read for Memory {
    fn get(&self, at: &Address) -> Result<Option<Record>, StoreError> {
        Ok(self.0.lock().all.get(at).cloned())
    }

    fn next(&self, from: Bound<&Address>) -> Result<Option<(Address, Record)>, StoreError> {
        let (Bound::Included(start) | Bound::Excluded(start)) = from else { return Ok(None) };
        let records = self.0.lock();
        let next = records.all.range((from, Bound::Unbounded)).next();
        let same_table = |at: &Address| std::mem::discriminant(at) == std::mem::discriminant(start);
        Ok(next.filter(|(at, _)| same_table(at)).map(|(at, record)| (at.clone(), record.clone())))
    }
}

/// What a record takes in memory, in bytes.
fn size(record: &Record) -> usize {
    let lengths = |all: &[Vec<u8>]| all.iter().map(|one| one.len() + size_of::<Vec<u8>>()).sum::<usize>();
    let texts = |all: &[String]| all.iter().map(|one| one.len() + size_of::<String>()).sum::<usize>();
    let more = match record {
        Record::Session(session) => session.issuer_uri.len(),
        Record::Key(Key { certificates, extension_types, endorsed_algorithms, public_key, .. }) => {
            lengths(certificates) + texts(extension_types) + endorsed_algorithms.len() + public_key.len()
        }
        Record::Material(Material::Private(bytes) | Material::Symmetric(bytes)) => bytes.len(),
        Record::Extension(extension) => extension.qualifier.len() + extension.data.len(),
        Record::Identity(_)
        | Record::Number(_)
        | Record::Time(_)
        | Record::Mark
        | Record::Pending(_)
        | Record::PinPolicy(_)
        | Record::PukPolicy(_)
        | Record::PinGroup(_) => 0,
    };
    RECORD + more
}

#[cfg(test)]
mod wiped;
