//! A credential database in memory, that can be looked at, copied, and told to fail.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard, RwLock};
use sks_core::ports::{Read, Store, StoreError, Txn};
use sks_core::record::{Address, Record};

type Records = BTreeMap<Address, Record>;
type Hook = Box<dyn FnOnce() + Send>;

/// The store. Clones share one database.
#[derive(Clone, Default)]
pub struct MemStore {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    records: RwLock<Records>,
    writer: Mutex<()>,
    full: AtomicBool,
    after_get: Mutex<Option<(Address, Hook)>>,
    before_begin: Mutex<Option<Hook>>,
}

impl MemStore {
    /// Everything that is stored.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<Address, Record> {
        self.inner.records.read().clone()
    }

    /// A store of its own with these records: what a restart finds.
    #[must_use]
    pub fn from_snapshot(records: BTreeMap<Address, Record>) -> Self {
        let store = Self::default();
        *store.inner.records.write() = records;
        store
    }

    /// From now on, or no more, refuses every transaction that writes and not only removes.
    pub fn set_full(&self, full: bool) {
        self.inner.full.store(full, Ordering::SeqCst);
    }

    /// Does something once, after the next read of `at` outside a transaction: what another caller might do just then.
    pub fn after_get(&self, at: Address, hook: impl FnOnce() + Send + 'static) {
        *self.inner.after_get.lock() = Some((at, Box::new(hook)));
    }

    /// Does something once, before the next transaction begins.
    pub fn before_begin(&self, hook: impl FnOnce() + Send + 'static) {
        *self.inner.before_begin.lock() = Some(Box::new(hook));
    }
}

fn next_in(records: &Records, from: Bound<&Address>) -> Option<(Address, Record)> {
    let (Bound::Included(start) | Bound::Excluded(start)) = from else { panic!("tables have no common start") };
    let (at, record) = records.range((from, Bound::Unbounded)).next()?;
    let same_table = std::mem::discriminant(at) == std::mem::discriminant(start);
    same_table.then(|| (at.clone(), record.clone()))
}

impl Read for MemStore {
    fn get(&self, at: &Address) -> Result<Option<Record>, StoreError> {
        let record = self.inner.records.read().get(at).cloned();
        let hook = self.inner.after_get.lock().take_if(|(wanted, _)| wanted == at);
        if let Some((_, hook)) = hook {
            hook();
        }
        Ok(record)
    }

    fn next(&self, from: Bound<&Address>) -> Result<Option<(Address, Record)>, StoreError> {
        Ok(next_in(&self.inner.records.read(), from))
    }
}

impl Store for MemStore {
    fn begin(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        let hook = self.inner.before_begin.lock().take();
        if let Some(hook) = hook {
            hook();
        }
        let writer = self.inner.writer.lock();
        Ok(Box::new(MemTxn { records: self.snapshot(), wrote: false, inner: &self.inner, _writer: writer }))
    }
}

struct MemTxn<'a> {
    records: Records,
    wrote: bool,
    inner: &'a Inner,
    _writer: MutexGuard<'a, ()>,
}

impl Read for MemTxn<'_> {
    fn get(&self, at: &Address) -> Result<Option<Record>, StoreError> {
        Ok(self.records.get(at).cloned())
    }

    fn next(&self, from: Bound<&Address>) -> Result<Option<(Address, Record)>, StoreError> {
        Ok(next_in(&self.records, from))
    }
}

impl Txn for MemTxn<'_> {
    fn put(&mut self, at: Address, record: Record) -> Result<(), StoreError> {
        self.wrote = true;
        self.records.insert(at, record);
        Ok(())
    }

    fn remove(&mut self, at: &Address) -> Result<(), StoreError> {
        self.records.remove(at);
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        if self.wrote && self.inner.full.load(Ordering::SeqCst) {
            return Err(StoreError::Full);
        }
        *self.inner.records.write() = self.records;
        Ok(())
    }
}
