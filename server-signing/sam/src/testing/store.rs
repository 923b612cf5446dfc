//! The database in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::future;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};

use crate::audit::Row;
use crate::ports::{Later, Read, Store, StoreError, Txn};
use crate::record::{KeyId, Object, ObjectKind, Once, SadName, Seal, Table, User, UserId};

/// All there is; a test may look, and tamper.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Users.
    pub users: BTreeMap<UserId, User>,
    /// Whose messages a certificate signs.
    pub holders: BTreeMap<[u8; 32], UserId>,
    /// Objects.
    pub objects: BTreeMap<(KeyId, ObjectKind), Object>,
    /// What was consumed, and until when it is kept.
    pub consumed: BTreeMap<Vec<u8>, u64>,
    /// The roots.
    pub seals: BTreeMap<u8, Seal>,
    /// The audit log.
    pub audit: Vec<Row>,
    /// Intents without a result.
    pub open: BTreeSet<u64>,
}

/// The store. A transaction works on a copy, which replaces the tables at its commit.
#[derive(Default)]
pub struct MemStore {
    tables: Mutex<Tables>,
    writer: Mutex<()>,
    down: AtomicBool,
    full: AtomicBool,
    before_begin: Mutex<Option<Hook>>,
    before_read: Mutex<Option<ReadHook>>,
    rows: AtomicUsize,
}

type Hook = Box<dyn FnOnce() + Send>;
type ReadHook = Box<dyn FnMut() + Send>;

impl MemStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everything fail, or work again.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Lets commits fail for want of space, or work again.
    pub fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// Runs this once, before the next transaction begins: what is read outside of one may change there.
    pub fn before_next_transaction(&self, hook: impl FnOnce() + Send + 'static) {
        *self.before_begin.lock() = Some(Box::new(hook));
    }

    /// Runs this before each read outside of a transaction, but for its own reads and those that come meanwhile.
    pub fn before_reads(&self, hook: impl FnMut() + Send + 'static) {
        *self.before_read.lock() = Some(Box::new(hook));
    }

    /// How many rows of users and objects the transactions have read, page by page.
    pub fn rows_in_transactions(&self) -> usize {
        self.rows.load(Ordering::SeqCst)
    }

    /// Whether a transaction is open.
    pub fn is_writing(&self) -> bool {
        self.writer.is_locked()
    }

    /// A copy of what is there.
    pub fn tables(&self) -> Tables {
        self.tables.lock().clone()
    }

    /// Changes what is there, behind the module's back.
    pub fn tamper(&self, change: impl FnOnce(&mut Tables)) {
        change(&mut self.tables.lock());
    }

    fn works(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::SeqCst) { Err(StoreError::Failed("switched off".into())) } else { Ok(()) }
    }

    fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> Result<T, StoreError> {
        self.works()?;
        let hook = self.before_read.lock().take();
        if let Some(mut hook) = hook {
            hook();
            *self.before_read.lock() = Some(hook);
        }
        Ok(look(&self.tables.lock()))
    }

    fn page<T>(&self, look: impl FnOnce(&Tables) -> Vec<T>) -> Result<Vec<T>, StoreError> {
        self.read(look)
    }
}

impl Store for MemStore {
    fn begin(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        self.works()?;
        let hook = self.before_begin.lock().take();
        if let Some(hook) = hook {
            hook();
        }
        let writer = self.writer.lock();
        let copy = self.tables();
        Ok(Box::new(MemTxn { store: self, copy, _writer: writer }))
    }

    fn consumed_hashes(&self, sad: &SadName) -> Result<u64, StoreError> {
        let of = Once::Hash { sad: *sad, hash: Vec::new(), occurrence: 0 }.to_key();
        let of = of.get(..41).unwrap();
        self.read(|tables| tables.consumed.keys().filter(|key| key.starts_with(of)).count() as u64)
    }
}

struct MemTxn<'s> {
    store: &'s MemStore,
    copy: Tables,
    _writer: MutexGuard<'s, ()>,
}

impl MemTxn<'_> {
    fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> Result<T, StoreError> {
        self.store.works()?;
        Ok(look(&self.copy))
    }

    fn page<T>(&self, look: impl FnOnce(&Tables) -> Vec<T>) -> Result<Vec<T>, StoreError> {
        let rows = self.read(look)?;
        self.store.rows.fetch_add(rows.len(), Ordering::SeqCst);
        Ok(rows)
    }

    fn write<T>(&mut self, change: impl FnOnce(&mut Tables) -> T) -> Result<T, StoreError> {
        self.store.works()?;
        Ok(change(&mut self.copy))
    }
}

macro_rules! reads {
    ($type:ty) => {
        impl Read for $type {
            fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
                self.read(|tables| tables.users.get(id).cloned())
            }

            fn users(&self, after: Option<&UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
                let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded(*id));
                let range = (from, Bound::Unbounded);
                self.page(|tables| tables.users.range(range).take(limit).map(|(_, user)| user.clone()).collect())
            }

            fn holder(&self, certificate: &[u8; 32]) -> Result<Option<UserId>, StoreError> {
                self.read(|tables| tables.holders.get(certificate).copied())
            }

            fn object(&self, key: &KeyId, kind: ObjectKind) -> Result<Option<Object>, StoreError> {
                self.read(|tables| tables.objects.get(&(*key, kind)).cloned())
            }

            fn objects(&self, after: Option<(&KeyId, ObjectKind)>, limit: usize) -> Result<Vec<Object>, StoreError> {
                let from = after.map_or(Bound::Unbounded, |(key, kind)| Bound::Excluded((*key, kind)));
                let range = (from, Bound::Unbounded);
                self.page(|tables| tables.objects.range(range).take(limit).map(|(_, it)| it.clone()).collect())
            }

            fn is_consumed(&self, what: &Once) -> Result<bool, StoreError> {
                self.read(|tables| tables.consumed.contains_key(&what.to_key()))
            }

            fn seal(&self, table: Table) -> Result<Option<Seal>, StoreError> {
                self.read(|tables| tables.seals.get(&(table as u8)).copied())
            }

            fn audit(&self, from: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
                self.read(|tables| tables.audit.iter().filter(|row| row.number >= from).take(limit).cloned().collect())
            }

            fn audit_head(&self) -> Result<Option<Row>, StoreError> {
                self.read(|tables| tables.audit.last().cloned())
            }

            fn open_intents(&self) -> Result<Vec<u64>, StoreError> {
                self.read(|tables| tables.open.iter().copied().collect())
            }
        }
    };
}
reads!(MemStore);
reads!(MemTxn<'_>);

impl Txn for MemTxn<'_> {
    fn put_user(&mut self, user: &User) -> Result<(), StoreError> {
        self.write(|tables| tables.users.insert(user.id, user.clone())).map(drop)
    }

    fn put_holder(&mut self, certificate: &[u8; 32], user: Option<&UserId>) -> Result<(), StoreError> {
        self.write(|tables| match user {
            Some(user) => tables.holders.insert(*certificate, *user),
            None => tables.holders.remove(certificate),
        })
        .map(drop)
    }

    fn put_object(&mut self, object: &Object) -> Result<(), StoreError> {
        self.write(|tables| tables.objects.insert((object.key, object.kind), object.clone())).map(drop)
    }

    fn remove_object(&mut self, key: &KeyId, kind: ObjectKind) -> Result<(), StoreError> {
        self.write(|tables| tables.objects.remove(&(*key, kind))).map(drop)
    }

    fn put_seal(&mut self, table: Table, seal: &Seal) -> Result<(), StoreError> {
        self.write(|tables| tables.seals.insert(table as u8, *seal)).map(drop)
    }

    fn consume(&mut self, what: &Once) -> Result<bool, StoreError> {
        let key = what.to_key();
        self.write(|tables| {
            let fresh = !tables.consumed.contains_key(&key);
            tables.consumed.entry(key).or_insert(what.expires_ms());
            fresh
        })
    }

    fn purge_consumed(&mut self, before_ms: u64, limit: usize) -> Result<usize, StoreError> {
        self.write(|tables| {
            let old = tables.consumed.iter().filter(|(_, expires)| **expires < before_ms).take(limit);
            let old = old.map(|(key, _)| key.clone()).collect::<Vec<_>>();
            for key in &old {
                tables.consumed.remove(key);
            }
            old.len()
        })
    }

    fn append_audit(&mut self, row: &Row) -> Result<(), StoreError> {
        self.write(|tables| tables.audit.push(row.clone()))
    }

    fn open_intent(&mut self, number: u64) -> Result<(), StoreError> {
        self.write(|tables| tables.open.insert(number)).map(drop)
    }

    fn close_intent(&mut self, number: u64) -> Result<(), StoreError> {
        self.write(|tables| tables.open.remove(&number)).map(drop)
    }

    fn commit_later(self: Box<Self>) -> Result<Later<'static, Result<(), StoreError>>, StoreError> {
        self.store.works()?;
        if self.store.full.load(Ordering::SeqCst) {
            return Err(StoreError::Full);
        }
        *self.store.tables.lock() = self.copy;
        Ok(Box::pin(future::ready(Ok(()))))
    }
}
