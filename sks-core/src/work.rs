//! Typed reads of the credential database, and the one transaction of a call.

use std::ops::Bound;

use sks_wire::types::NO_HANDLE;

use crate::ports::{Read, Store, StoreError, Txn};
use crate::record::{
    Address, Counter, Extension, Identity, Key, Material, Pending, PinGroup, PinPolicy, PukPolicy, Record, Session,
};
use crate::refusal::Refusal;

macro_rules! typed {
    ($($function:ident($($argument:ident : $type:ty),*) -> $variant:ident $out:ty = $address:expr;)*) => {
        /// Reads whose record type follows from the address.
        pub(crate) trait Typed: Read {
            $(fn $function(&self, $($argument: $type),*) -> Result<Option<$out>, StoreError> {
                let at = $address;
                match self.get(&at)? {
                    None => Ok(None),
                    Some(Record::$variant(record)) => Ok(Some(record)),
                    Some(_) => Err(StoreError::Damaged(format!("a record of another kind lies at {at:?}"))),
                }
            })*
        }
    };
}

typed! {
    identity() -> Identity Identity = Address::Identity;
    counter(counter: Counter) -> Number u32 = Address::Counter(counter);
    session(handle: u32) -> Session Session = Address::Session(handle);
    deadline(session: u32) -> Time u64 = Address::OpenSession(session);
    key(handle: u32) -> Key Key = Address::Key(handle);
    material(key: u32) -> Material Material = Address::Material(key);
    extension(key: u32, index: u16) -> Extension Extension = Address::Extension(key, index);
    pin_policy(handle: u32) -> PinPolicy PinPolicy = Address::PinPolicy(handle);
    puk_policy(handle: u32) -> PukPolicy PukPolicy = Address::PukPolicy(handle);
    pin_group(number: u32) -> PinGroup PinGroup = Address::PinGroup(number);
    pending(session: u32, target: u32) -> Pending Pending = Address::Pending(session, target);
    handle_of(name: Address) -> Number u32 = name;
}

impl<R: Read + ?Sized> Typed for R {}

/// The entries from `first` on, in order, as long as `pick` makes something of them.
pub(crate) fn list<R: Read + ?Sized, T>(
    read: &R,
    first: Address,
    pick: impl Fn(&Address, Record) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    let mut entry = read.next(Bound::Included(&first))?;
    while let Some((at, record)) = entry {
        match pick(&at, record) {
            Some(item) => found.push(item),
            None => break,
        }
        entry = read.next(Bound::Excluded(&at))?;
    }
    Ok(found)
}

/// The one transaction of a call. It holds up all other writers, so it is begun when all costly work is done.
pub(crate) struct Work<'d> {
    txn: Box<dyn Txn + 'd>,
    keys: Vec<u32>,
    counts: bool,
}

impl<'d> Work<'d> {
    pub(crate) fn begin(store: &'d dyn Store) -> Result<Self, Refusal> {
        Ok(Self { txn: store.begin()?, keys: Vec::new(), counts: false })
    }

    /// The next handle of a kind. Handles are never used again, not even those of removed objects.
    pub(crate) fn allocate(&mut self, counter: Counter) -> Result<u32, Refusal> {
        let next = self.counter(counter)?.unwrap_or(0).saturating_add(1);
        if next == NO_HANDLE {
            return Err(Refusal::HandlesExhausted);
        }
        self.txn.put(Address::Counter(counter), Record::Number(next))?;
        Ok(next)
    }

    pub(crate) fn put(&mut self, at: Address, record: Record) -> Result<(), Refusal> {
        self.note(&at);
        Ok(self.txn.put(at, record)?)
    }

    /// Writes a record whose change no client lists: an error counter.
    pub(crate) fn put_uncounted(&mut self, at: Address, record: Record) -> Result<(), Refusal> {
        Ok(self.txn.put(at, record)?)
    }

    pub(crate) fn remove(&mut self, at: &Address) -> Result<(), Refusal> {
        self.note(at);
        Ok(self.txn.remove(at)?)
    }

    /// Remembers what getChangeCount and the cache of usable keys must learn of.
    fn note(&mut self, at: &Address) {
        match at {
            Address::Key(handle) | Address::Material(handle) => {
                self.keys.push(*handle);
                self.counts = true;
            }
            Address::PinPolicy(_) | Address::PukPolicy(_) | Address::Extension(..) => self.counts = true,
            _ => {}
        }
    }

    /// Returns when all is durable: the handles of the keys that changed.
    pub(crate) fn commit(mut self) -> (Vec<u32>, Result<(), Refusal>) {
        let keys = std::mem::take(&mut self.keys);
        (keys, self.finish())
    }

    fn finish(mut self) -> Result<(), Refusal> {
        if self.counts {
            let count = self.counter(Counter::Change)?.unwrap_or(0).wrapping_add(1);
            self.txn.put(Address::Counter(Counter::Change), Record::Number(count))?;
        }
        Ok(self.txn.commit()?)
    }
}

impl Read for Work<'_> {
    fn get(&self, at: &Address) -> Result<Option<Record>, StoreError> {
        self.txn.get(at)
    }

    fn next(&self, from: Bound<&Address>) -> Result<Option<(Address, Record)>, StoreError> {
        self.txn.next(from)
    }
}
