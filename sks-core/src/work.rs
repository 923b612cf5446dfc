//! Typed reads of the credential database, and the one transaction of a call.

use std::ops::Bound;

use sks_wire::types::NO_HANDLE;

use crate::device::Device;
use crate::ports::{Read, Rng, StoreError, Txn};
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

/// What getChangeCount tells.
///
/// A removal from a full store cannot raise the count, so it removes it. From then on, until a change is counted again,
/// each answer is a random number: one that nobody has seen, so that no client goes on with what it listed.
pub(crate) fn change_count<R: Read + ?Sized>(read: &R, rng: &dyn Rng) -> Result<u32, Refusal> {
    if let Some(count) = read.counter(Counter::Change)? {
        return Ok(count);
    }
    for made in [Counter::Key, Counter::PinPolicy, Counter::PukPolicy] {
        if read.counter(made)?.is_some() {
            let mut random = [0; 4];
            rng.fill(&mut random)?;
            return Ok(u32::from_be_bytes(random));
        }
    }
    // Nothing was ever made, so nothing was ever changed.
    Ok(0)
}

/// The one transaction of a call. It holds up all other writers, so it is begun when all costly work is done.
pub(crate) struct Work<'d> {
    txn: Box<dyn Txn + 'd>,
    device: &'d Device,
    keys: Vec<u32>,
    counts: bool,
    /// Whether the change count is given up rather than raised.
    count_lost: bool,
}

impl<'d> Work<'d> {
    pub(crate) fn begin(device: &'d Device) -> Result<Self, Refusal> {
        Ok(Self { txn: device.store.begin()?, device, keys: Vec::new(), counts: false, count_lost: false })
    }

    /// Removes the change count instead of raising it: all that a full store takes is removals. See [`change_count`].
    pub(crate) fn lose_count(&mut self) {
        self.count_lost = true;
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
        let at = Address::Counter(Counter::Change);
        if self.counts && self.count_lost {
            self.txn.remove(&at)?;
        } else if self.counts {
            let count = change_count(&self, &*self.device.rng)?.wrapping_add(1);
            self.txn.put(at, Record::Number(count))?;
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
