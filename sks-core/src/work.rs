//! Typed reads of the credential database, and the one transaction of a call.

use std::ops::Bound;
use std::sync::Arc;

use sks_wire::types::NO_HANDLE;

use crate::device::Device;
use crate::ports::{Read, Rng, StoreError, Txn};
use crate::record::{
    Address, Counter, Extension, Identity, Key, Material, Pending, PinGroup, PinPolicy, PukPolicy, Record, Session,
};
use crate::refusal::Refusal;
use crate::volatile::Memory;

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
    if is_unused(read)? {
        return Ok(0);
    }
    let mut random = [0; 4];
    rng.fill(&mut random)?;
    Ok(u32::from_be_bytes(random))
}

/// Whether nothing was ever made, so that nothing was ever changed.
fn is_unused<R: Read + ?Sized>(read: &R) -> Result<bool, StoreError> {
    for made in [Counter::Key, Counter::PinPolicy, Counter::PukPolicy] {
        if read.counter(made)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Where a call writes.
enum Under<'d> {
    Store(Box<dyn Txn + 'd>),
    /// At once and for good: a call in a volatile session that is refused ends it.
    Volatile(Arc<Memory>),
}

/// The one transaction of a call. It holds up all other writers, so it is begun when all costly work is done.
pub(crate) struct Work<'d> {
    under: Under<'d>,
    device: &'d Device,
    keys: Vec<u32>,
    counts: bool,
    /// Whether the change count is given up rather than raised.
    count_lost: bool,
}

impl<'d> Work<'d> {
    pub(crate) fn begin(device: &'d Device) -> Result<Self, Refusal> {
        Ok(Self::over(Under::Store(device.store.begin()?), device))
    }

    /// The work of a call in a volatile session: it holds up nobody.
    pub(crate) fn volatile(device: &'d Device, memory: Arc<Memory>) -> Self {
        Self::over(Under::Volatile(memory), device)
    }

    fn over(under: Under<'d>, device: &'d Device) -> Self {
        Self { under, device, keys: Vec::new(), counts: false, count_lost: false }
    }

    /// Removes the change count instead of raising it: all that a full store takes is removals. See [`change_count`].
    pub(crate) fn lose_count(&mut self) {
        self.count_lost = true;
    }

    /// The next handle of a kind. Handles are never used again, not even those of removed objects.
    pub(crate) fn allocate(&mut self, counter: Counter) -> Result<u32, Refusal> {
        match self.under {
            Under::Store(_) => Ok(self.raise(counter, 1)?.0),
            Under::Volatile(_) => self.device.volatile.allocate(self.device, counter),
        }
    }

    /// Sets handles of a kind aside: the first and the last of them, `count` as long as there are as many.
    pub(crate) fn reserve(&mut self, counter: Counter, count: u32) -> Result<(u32, u32), Refusal> {
        // The counters would tell of a change count that was lost, though nothing was made yet.
        if self.counter(Counter::Change)?.is_none() && is_unused(self)? {
            self.put(Address::Counter(Counter::Change), Record::Number(0))?;
        }
        self.raise(counter, count)
    }

    fn raise(&mut self, counter: Counter, count: u32) -> Result<(u32, u32), Refusal> {
        let last = self.counter(counter)?.unwrap_or(0);
        let next = last.saturating_add(1);
        if next == NO_HANDLE {
            return Err(Refusal::HandlesExhausted);
        }
        let end = last.saturating_add(count).min(NO_HANDLE - 1);
        self.put(Address::Counter(counter), Record::Number(end))?;
        Ok((next, end))
    }

    pub(crate) fn put(&mut self, at: Address, record: Record) -> Result<(), Refusal> {
        self.note(&at);
        self.put_uncounted(at, record)
    }

    /// Writes a record whose change no client lists: an error counter.
    pub(crate) fn put_uncounted(&mut self, at: Address, record: Record) -> Result<(), Refusal> {
        match &mut self.under {
            Under::Store(txn) => Ok(txn.put(at, record)?),
            Under::Volatile(memory) => memory.put(at, record),
        }
    }

    pub(crate) fn remove(&mut self, at: &Address) -> Result<(), Refusal> {
        self.note(at);
        match &mut self.under {
            Under::Store(txn) => txn.remove(at)?,
            Under::Volatile(memory) => memory.remove(at),
        }
        Ok(())
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

    /// Returns when all is durable, but for what a volatile session holds: the handles of the keys that changed.
    pub(crate) fn commit(mut self) -> (Vec<u32>, Result<(), Refusal>) {
        let keys = std::mem::take(&mut self.keys);
        (keys, self.finish())
    }

    fn finish(self) -> Result<(), Refusal> {
        // What a volatile session holds is counted when its close has written it.
        let Under::Store(mut txn) = self.under else { return Ok(()) };
        let at = Address::Counter(Counter::Change);
        if self.counts && self.count_lost {
            txn.remove(&at)?;
        } else if self.counts {
            let count = change_count(&*txn, &*self.device.rng)?.wrapping_add(1);
            txn.put(at, Record::Number(count))?;
        }
        Ok(txn.commit()?)
    }
}

impl Read for Work<'_> {
    fn get(&self, at: &Address) -> Result<Option<Record>, StoreError> {
        match &self.under {
            Under::Store(txn) => txn.get(at),
            Under::Volatile(memory) => memory.get(at),
        }
    }

    fn next(&self, from: Bound<&Address>) -> Result<Option<(Address, Record)>, StoreError> {
        match &self.under {
            Under::Store(txn) => txn.next(from),
            Under::Volatile(memory) => memory.next(from),
        }
    }
}
