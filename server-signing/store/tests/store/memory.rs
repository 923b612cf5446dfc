//! An executable model: the port on ordered maps, with the whole state copied for each transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard};

use tw4s_sam::audit::Row;
use tw4s_sam::ports::{Read, Store, StoreError, Txn};
use tw4s_sam::record::{KeyId, Object, ObjectKind, Once, Seal, Table, User, UserId};

#[derive(Clone, Default)]
pub(crate) struct State {
    users: BTreeMap<UserId, User>,
    holders: BTreeMap<[u8; 32], UserId>,
    objects: BTreeMap<(KeyId, ObjectKind), Object>,
    consumed: BTreeMap<Once, u64>,
    seals: BTreeMap<u8, Seal>,
    audit: Vec<Row>,
    intents: BTreeSet<u64>,
}

#[derive(Default)]
pub(crate) struct Memory(Mutex<State>, Mutex<()>);

pub(crate) struct MemoryTxn<'a> {
    state: State,
    store: &'a Memory,
    /// The writer's place.
    _place: MutexGuard<'a, ()>,
}

impl Store for Memory {
    fn begin(&self) -> Result<Box<dyn Txn + '_>, StoreError> {
        let place = self.1.lock().unwrap();
        let state = self.0.lock().unwrap().clone();
        Ok(Box::new(MemoryTxn { state, store: self, _place: place }))
    }
}

impl Txn for MemoryTxn<'_> {
    fn put_user(&mut self, user: &User) -> Result<(), StoreError> {
        self.state.users.insert(user.id, user.clone());
        Ok(())
    }

    fn put_holder(&mut self, certificate: &[u8; 32], user: Option<&UserId>) -> Result<(), StoreError> {
        match user {
            Some(user) => self.state.holders.insert(*certificate, *user),
            None => self.state.holders.remove(certificate),
        };
        Ok(())
    }

    fn put_object(&mut self, object: &Object) -> Result<(), StoreError> {
        self.state.objects.insert((object.key, object.kind), object.clone());
        Ok(())
    }

    fn remove_object(&mut self, key: &KeyId, kind: ObjectKind) -> Result<(), StoreError> {
        self.state.objects.remove(&(*key, kind));
        Ok(())
    }

    fn put_seal(&mut self, table: Table, seal: &Seal) -> Result<(), StoreError> {
        self.state.seals.insert(table as u8, *seal);
        Ok(())
    }

    fn consume(&mut self, what: &Once, expires_ms: u64) -> Result<bool, StoreError> {
        let first = !self.state.consumed.contains_key(what);
        self.state.consumed.entry(what.clone()).or_insert(expires_ms);
        Ok(first)
    }

    /// The earliest first, and of those the first in order.
    fn purge_consumed(&mut self, before_ms: u64, limit: usize) -> Result<usize, StoreError> {
        let mut expired: Vec<(u64, Once)> = Vec::new();
        expired.extend(self.state.consumed.iter().map(|(what, expires)| (*expires, what.clone())));
        expired.retain(|(expires, _)| *expires < before_ms);
        expired.sort();
        expired.truncate(limit);
        for (_, what) in &expired {
            self.state.consumed.remove(what);
        }
        Ok(expired.len())
    }

    fn append_audit(&mut self, row: &Row) -> Result<(), StoreError> {
        if row.number != self.state.audit.len() as u64 + 1 {
            return Err(StoreError::Failed("a gap in the audit log".to_owned()));
        }
        self.state.audit.push(row.clone());
        Ok(())
    }

    fn open_intent(&mut self, number: u64) -> Result<(), StoreError> {
        self.state.intents.insert(number);
        Ok(())
    }

    fn close_intent(&mut self, number: u64) -> Result<(), StoreError> {
        self.state.intents.remove(&number);
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        *self.store.0.lock().unwrap() = self.state;
        Ok(())
    }
}

macro_rules! impl_read {
    ($type:ty, $self:ident => $state:expr) => {
        impl Read for $type {
            fn user(&$self, id: &UserId) -> Result<Option<User>, StoreError> {
                Ok($state.users.get(id).cloned())
            }

            fn users(&$self, after: Option<&UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
                Ok(page(&$state.users, after, limit))
            }

            fn holder(&$self, certificate: &[u8; 32]) -> Result<Option<UserId>, StoreError> {
                Ok($state.holders.get(certificate).copied())
            }

            fn object(&$self, key: &KeyId, kind: ObjectKind) -> Result<Option<Object>, StoreError> {
                Ok($state.objects.get(&(*key, kind)).cloned())
            }

            fn objects(&$self, after: Option<(&KeyId, ObjectKind)>, limit: usize) -> Result<Vec<Object>, StoreError> {
                Ok(page(&$state.objects, after.map(|(key, kind)| (*key, kind)).as_ref(), limit))
            }

            fn is_consumed(&$self, what: &Once) -> Result<bool, StoreError> {
                Ok($state.consumed.contains_key(what))
            }

            fn seal(&$self, table: Table) -> Result<Option<Seal>, StoreError> {
                Ok($state.seals.get(&(table as u8)).copied())
            }

            fn audit(&$self, from: u64, limit: usize) -> Result<Vec<Row>, StoreError> {
                Ok($state.audit.iter().filter(|row| row.number >= from).take(limit).cloned().collect())
            }

            fn audit_head(&$self) -> Result<Option<Row>, StoreError> {
                Ok($state.audit.last().cloned())
            }

            fn open_intents(&$self) -> Result<Vec<u64>, StoreError> {
                Ok($state.intents.iter().copied().collect())
            }
        }
    };
}

impl_read!(Memory, self => self.0.lock().unwrap());
impl_read!(MemoryTxn<'_>, self => self.state);

fn page<K: Ord, V: Clone>(map: &BTreeMap<K, V>, after: Option<&K>, limit: usize) -> Vec<V> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    map.range((from, Bound::Unbounded)).take(limit).map(|(_, row)| row.clone()).collect()
}
