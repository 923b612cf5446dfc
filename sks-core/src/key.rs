//! Keys: finding one that is ready, keeping it ready, and removing one with all that only it used.

use std::ops::Bound;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use sks_wire::Secret;
use sks_wire::algorithm::{Algorithm, Class};
use sks_wire::types::{AnyText, KeyUsage};

use crate::device::Device;
use crate::ports::{PrivateKey, Read, StoreError};
use crate::record::{Address, Key, Material};
use crate::refusal::Refusal;
use crate::session;
use crate::work::{Typed, Work, list};

/// A key that is ready for use: its attributes and its parsed private or symmetric key.
pub(crate) struct Usable {
    pub(crate) key: Key,
    secret: Ready,
}

enum Ready {
    Private(Box<dyn PrivateKey>),
    Symmetric(Secret),
}

impl Usable {
    /// The private key, for usages that have one.
    pub(crate) fn private(&self) -> Result<&dyn PrivateKey, Refusal> {
        match &self.secret {
            Ready::Private(key) => Ok(&**key),
            Ready::Symmetric(_) => Err(Refusal::Usage),
        }
    }

    /// The symmetric key, for the usage that has one.
    pub(crate) fn symmetric(&self) -> Result<&Secret, Refusal> {
        match &self.secret {
            Ready::Symmetric(key) => Ok(key),
            Ready::Private(_) => Err(Refusal::Usage),
        }
    }

    /// Refuses a key whose KeyUsage is none of `allowed`.
    pub(crate) fn require(&self, allowed: &[KeyUsage]) -> Result<(), Refusal> {
        if allowed.contains(&self.key.key_usage) { Ok(()) } else { Err(Refusal::Usage) }
    }

    /// The algorithm of this URI, if it is one of the class and the key is endorsed for it.
    pub(crate) fn endorsed(&self, uri: &[u8], class: Class) -> Result<Algorithm, Refusal> {
        let algorithm =
            Algorithm::from_uri(uri).filter(|algorithm| algorithm.class() == class).ok_or(Refusal::UnknownAlgorithm)?;
        if self.key.endorsed_algorithms.contains(&algorithm) { Ok(algorithm) } else { Err(Refusal::NotEndorsed) }
    }

    fn load(device: &Device, handle: u32) -> Result<Self, Refusal> {
        let store = &*device.store;
        loop {
            let key = provisioned(store, handle)?;
            let material = store.material(handle)?;
            // Two reads are no snapshot: an update between them would pair one key's attributes with another's secret.
            if store.key(handle)?.as_ref() != Some(&key) {
                continue;
            }
            let lost = || Refusal::StoreDamaged(format!("the private or symmetric key {handle} is missing"));
            let secret = match material.ok_or_else(lost)? {
                Material::Symmetric(bytes) => Ready::Symmetric(bytes),
                Material::Private(pkcs8) => Ready::Private(
                    device
                        .crypto
                        .load(pkcs8.expose())
                        .map_err(|_| Refusal::StoreDamaged(format!("the private key {handle} does not load")))?,
                ),
            };
            return Ok(Self { key, secret });
        }
    }
}

/// Ready keys: making one from PKCS#8 costs half an RSA signature. Bounded; dropped keys wipe themselves.
pub(crate) struct Cache {
    inner: Mutex<Inner>,
}

struct Inner {
    ready: LruCache<u32, Arc<Usable>>,
    /// Rises with every change to any key: a key loaded before a change and kept after it would be stale.
    changes: u64,
}

impl Cache {
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = std::num::NonZeroUsize::new(capacity).unwrap_or(std::num::NonZeroUsize::MIN);
        Self { inner: Mutex::new(Inner { ready: LruCache::new(capacity), changes: 0 }) }
    }

    /// The key of this handle, ready for use.
    pub(crate) fn get(&self, device: &Device, handle: u32) -> Result<Arc<Usable>, Refusal> {
        let changes = {
            let mut inner = self.inner.lock();
            if let Some(ready) = inner.ready.get(&handle) {
                return Ok(Arc::clone(ready));
            }
            inner.changes
        };
        let loaded = Arc::new(Usable::load(device, handle)?);
        let mut inner = self.inner.lock();
        if inner.changes == changes {
            inner.ready.put(handle, Arc::clone(&loaded));
        }
        Ok(loaded)
    }

    /// Drops what these keys were.
    pub(crate) fn forget(&self, handles: &[u32]) {
        if !handles.is_empty() {
            let mut inner = self.inner.lock();
            inner.changes = inner.changes.wrapping_add(1);
            for handle in handles {
                inner.ready.pop(handle);
            }
        }
    }
}

/// The attributes of a key of a closed session.
pub(crate) fn provisioned(read: &(impl Read + ?Sized), handle: u32) -> Result<Key, Refusal> {
    let key = read.key(handle)?.ok_or(Refusal::NoKey)?;
    if key.provisioned { Ok(key) } else { Err(Refusal::KeyNotReady) }
}

/// Removes a key with its PIN, and the PIN and PUK policies that governed nothing else. Its session stays.
pub(crate) fn remove(work: &mut Work<'_>, handle: u32) -> Result<(), Refusal> {
    let Some(key) = work.key(handle)? else { return Ok(()) };
    remove_entry(work, handle, &key)?;
    work.remove(&Address::SessionKey(key.session, handle))?;
    if let Some(group) = key.pin_group {
        work.remove(&Address::GroupKey(group, handle))?;
        remove_unused_group(work, group)?;
    }
    Ok(())
}

/// Removes a key of a closed session, and the session with its last key.
pub(crate) fn remove_with_session(work: &mut Work<'_>, handle: u32) -> Result<(), Refusal> {
    let Some(key) = work.key(handle)? else { return Ok(()) };
    remove(work, handle)?;
    if !session::owns_keys(work, key.session)? {
        session::remove(work, key.session)?;
    }
    Ok(())
}

/// Removes the key entry alone: attributes, secrets, extension objects.
pub(crate) fn remove_entry(work: &mut Work<'_>, handle: u32, key: &Key) -> Result<(), Refusal> {
    for index in 0..extension_count(key) {
        work.remove(&Address::Extension(handle, index))?;
    }
    work.remove(&Address::Material(handle))?;
    work.remove(&Address::Key(handle))
}

/// How many extension objects a key has.
pub(crate) fn extension_count(key: &Key) -> u16 {
    u16::try_from(key.extension_types.len()).unwrap_or(u16::MAX)
}

fn remove_unused_group(work: &mut Work<'_>, number: u32) -> Result<(), Refusal> {
    if lowest_in_group(work, number)?.is_some() {
        return Ok(());
    }
    let Some(group) = work.pin_group(number)? else { return Ok(()) };
    work.remove(&Address::PinGroup(number))?;
    work.remove(&Address::PolicyGroup(group.policy, number))?;
    if !groups(work, group.policy)?.is_empty() {
        return Ok(());
    }
    let Some(policy) = work.pin_policy(group.policy)? else { return Ok(()) };
    work.remove(&Address::PinPolicy(group.policy))?;
    if let Some(puk) = policy.puk_policy {
        work.remove(&Address::PukPin(puk, group.policy))?;
        if !puk_is_used(work, puk)? {
            work.remove(&Address::PukPolicy(puk))?;
        }
    }
    Ok(())
}

/// The lowest handle of the keys of a PIN group.
pub(crate) fn lowest_in_group(read: &(impl Read + ?Sized), number: u32) -> Result<Option<u32>, StoreError> {
    match read.next(Bound::Included(&Address::GroupKey(number, 0)))? {
        Some((Address::GroupKey(group, key), _)) if group == number => Ok(Some(key)),
        _ => Ok(None),
    }
}

/// The PIN groups under a PIN policy.
pub(crate) fn groups(read: &(impl Read + ?Sized), policy: u32) -> Result<Vec<u32>, StoreError> {
    list(read, Address::PolicyGroup(policy, 0), |at, _| match at {
        Address::PolicyGroup(owner, group) if *owner == policy => Some(*group),
        _ => None,
    })
}

/// Whether a PUK policy governs any PIN policy.
pub(crate) fn puk_is_used(read: &(impl Read + ?Sized), puk: u32) -> Result<bool, StoreError> {
    let next = read.next(Bound::Included(&Address::PukPin(puk, 0)))?;
    Ok(matches!(next, Some((Address::PukPin(owner, _), _)) if owner == puk))
}

/// EndorsedAlgorithm as the answers tell it.
pub(crate) fn endorsed_uris(key: &Key) -> Vec<AnyText> {
    key.endorsed_algorithms.iter().map(|algorithm| AnyText::from(algorithm.uri())).collect()
}

/// ExtensionType as the answers tell it.
pub(crate) fn extension_uris(key: &Key) -> Vec<AnyText> {
    key.extension_types.iter().map(|uri| AnyText::from(uri.as_str())).collect()
}

/// Bytes of an answer of enumerateKeys beside the lists: status, handles, ID, usage, FriendlyName, counts.
const ANSWER_OVERHEAD: usize = 256;

/// Refuses attributes that the token could not tell in one answer.
pub(crate) fn check_answer_size(key: &Key, max: usize) -> Result<(), Refusal> {
    let certificates = key.certificates.iter().map(Vec::len);
    let algorithms = key.endorsed_algorithms.iter().map(|algorithm| algorithm.uri().len());
    let extensions = key.extension_types.iter().map(String::len);
    let lists: usize = certificates.chain(algorithms).chain(extensions).map(|length| length + 2).sum();
    if lists + ANSWER_OVERHEAD > max { Err(Refusal::KeyTooLarge) } else { Ok(()) }
}
