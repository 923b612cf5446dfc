//! Provisioning sessions: entering an open one, what its key may do, and how one is removed.
//!
//! Source: SKS API V0.35, "Provisioning Objects", "Session Security Mechanisms" and the SessionKeyLimit ruling: each
//! HMAC keyed with the session key after creation counts one, decrypting and encrypting included.

use std::ops::Bound;
use std::sync::Arc;

use sks_wire::types::{Id, KeyHandle};
use sks_wire::{MethodId, Secret};

use crate::crypto::session::SessionKey;
use crate::device::Device;
use crate::key;
use crate::locks::Guard;
use crate::ports::{Read, StoreError};
use crate::record::{Address, Counter, Key, ObjectKind, Record, Session};
use crate::refusal::Refusal;
use crate::volatile::Memory;
use crate::work::{Typed, Work, list};

/// An open session whose lock this call holds.
pub(crate) struct Entered<'d> {
    pub(crate) handle: u32,
    pub(crate) session: Session,
    key: SessionKey,
    dirty: bool,
    /// What it holds, if it is volatile.
    memory: Option<Arc<Memory>>,
    device: &'d Device,
    _guard: Guard<'d>,
}

impl<'d> Entered<'d> {
    /// Enters an open session. One whose SessionLifeTime is over is removed instead.
    pub(crate) fn open(device: &'d Device, handle: u32) -> Result<Self, Refusal> {
        let guard = device.sessions.lock(handle);
        let memory = device.volatile.get(handle);
        let records: &dyn Read = match &memory {
            Some(memory) => &**memory,
            None => &*device.store,
        };
        let session = records.session(handle)?.filter(|session| session.open).ok_or(Refusal::NoSession)?;
        if records.deadline(handle)?.is_none_or(|deadline| device.clock.now_ms() > deadline) {
            forget(device, handle, memory.is_some())?;
            return Err(Refusal::NoSession);
        }
        let key = session_key(&session)?;
        Ok(Self { handle, session, key, dirty: false, memory, device, _guard: guard })
    }

    /// Enters a session that may have run out, so that it is removed then.
    pub(crate) fn sweep(device: &'d Device, handle: u32) -> Result<(), Refusal> {
        match Self::open(device, handle) {
            Ok(_) | Err(Refusal::NoSession) => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// What a volatile session holds; none for any other.
    pub(crate) fn volatile(&self) -> Option<Arc<Memory>> {
        self.memory.clone()
    }

    /// Where the session and its objects are.
    pub(crate) fn records(&self) -> &dyn Read {
        match &self.memory {
            Some(memory) => &**memory,
            None => &*self.device.store,
        }
    }

    /// Removes it with all that was created in it.
    pub(crate) fn remove(&self) -> Result<(), Refusal> {
        forget(self.device, self.handle, self.memory.is_some())
    }

    /// Writes a volatile session that the call has closed, all at once and durably.
    pub(crate) fn keep(&self) -> Result<(), Refusal> {
        let Some(memory) = &self.memory else { return Ok(()) };
        if memory.deadline(self.handle)?.is_some() {
            return Ok(());
        }
        let records = memory.take();
        self.device.volatile.remove(self.handle);
        if records.is_empty() {
            return Ok(());
        }
        self.device.commit(|work| records.into_iter().try_for_each(|(at, record)| work.put(at, record)))
    }

    /// The session as it must be written back, if the call changed it.
    pub(crate) fn changed(&self) -> Option<(u32, Session)> {
        self.dirty.then(|| (self.handle, self.session.clone()))
    }

    /// Leaves the session unwritten: the call has removed it.
    pub(crate) fn discard(&mut self) {
        self.dirty = false;
    }

    /// Counts operations of the session key before they are done.
    pub(crate) fn charge(&mut self, operations: u16) -> Result<(), Refusal> {
        let uses = self.session.session_key_uses.checked_add(operations).ok_or(Refusal::LimitReached)?;
        if uses > self.session.session_key_limit {
            return Err(Refusal::LimitReached);
        }
        self.session.session_key_uses = uses;
        self.dirty = true;
        Ok(())
    }

    /// Checks a method's MAC and moves the counter on.
    pub(crate) fn check_mac(&mut self, id: MethodId, data: &[&[u8]], given: &[u8; 32]) -> Result<(), Refusal> {
        if !self.key.verify(id, self.session.mac_sequence_counter, data, given) {
            return Err(Refusal::BadMac);
        }
        // Cannot wrap: every MAC counts against SessionKeyLimit, which is at most 65535.
        self.session.mac_sequence_counter = self.session.mac_sequence_counter.wrapping_add(1);
        self.dirty = true;
        Ok(())
    }

    /// Decrypts Encrypted Data.
    pub(crate) fn decrypt(&self, data: &[u8]) -> Result<Secret, Refusal> {
        self.key.decrypt(data).map_err(|_| Refusal::Undecryptable)
    }

    /// Encrypts for the issuer.
    pub(crate) fn encrypt(&self, clear: &Secret) -> Result<Vec<u8>, Refusal> {
        Ok(self.key.encrypt(clear.expose(), &*self.device.rng)?)
    }

    /// An attestation of `data`.
    pub(crate) fn attest(&self, data: &[&[u8]]) -> [u8; 32] {
        self.key.attest(data)
    }

    /// An external signature of `data`.
    pub(crate) fn sign(&self, data: &[u8]) -> [u8; 32] {
        self.key.external_signature(data)
    }

    /// A key that this session created.
    pub(crate) fn key(&self, handle: KeyHandle) -> Result<Key, Refusal> {
        self.records().key(handle.0)?.filter(|key| key.session == self.handle).ok_or(Refusal::NotInSession)
    }

    /// The handle of the object of this name, if there is one.
    pub(crate) fn named(&self, kind: ObjectKind, id: &Id) -> Result<Option<u32>, Refusal> {
        Ok(self.records().handle_of(Address::Name(self.handle, kind, id.clone()))?)
    }

    /// Refuses a name that an object of this kind has.
    pub(crate) fn fresh_name(&self, kind: ObjectKind, id: &Id) -> Result<(), Refusal> {
        match self.named(kind, id)? {
            Some(_) => Err(Refusal::NameTaken),
            None => Ok(()),
        }
    }
}

/// Begins a session; returns its handle.
pub(crate) fn open(work: &mut Work<'_>, session: Session, deadline: u64) -> Result<u32, Refusal> {
    let handle = work.allocate(Counter::Provisioning)?;
    work.put(Address::ClientSessionId(session.client_session_id.clone()), Record::Number(handle))?;
    work.put(Address::OpenSession(handle), Record::Time(deadline))?;
    work.put(Address::Session(handle), Record::Session(session))?;
    Ok(handle)
}

/// Removes an open session wherever it is. The caller holds its lock.
fn forget(device: &Device, handle: u32, volatile: bool) -> Result<(), Refusal> {
    if volatile {
        device.volatile.remove(handle);
        return Ok(());
    }
    device.commit_removal(|work| remove_open(work, handle))
}

/// The key of a session, open or still updatable.
pub(crate) fn session_key(session: &Session) -> Result<SessionKey, Refusal> {
    SessionKey::try_from(&session.session_key)
        .map_err(|_| Refusal::StoreDamaged("a session key is not 32 bytes long".to_owned()))
}

/// Counts one operation of a closed session's key.
pub(crate) fn charge(work: &mut Work<'_>, handle: u32) -> Result<(), Refusal> {
    if let Some(mut session) = work.session(handle)? {
        session.session_key_uses = session.session_key_uses.saturating_add(1).min(session.session_key_limit);
        work.put(Address::Session(handle), Record::Session(session))?;
    }
    Ok(())
}

/// The open sessions whose SessionLifeTime is over.
pub(crate) fn expired(store: &(impl Read + ?Sized), now: u64) -> Result<Vec<u32>, StoreError> {
    let all = list(store, Address::OpenSession(0), |at, record| match (at, record) {
        (Address::OpenSession(handle), Record::Time(deadline)) => Some((*handle, deadline)),
        _ => None,
    })?;
    Ok(all.into_iter().filter(|(_, deadline)| now > *deadline).map(|(handle, _)| handle).collect())
}

/// An object of an open session.
pub(crate) struct Named {
    pub(crate) kind: ObjectKind,
    pub(crate) id: Id,
    pub(crate) handle: u32,
}

/// The objects that an open session created.
pub(crate) fn objects(read: &(impl Read + ?Sized), session: u32) -> Result<Vec<Named>, StoreError> {
    let mut found = Vec::new();
    for kind in [ObjectKind::Key, ObjectKind::PinPolicy, ObjectKind::PukPolicy] {
        let Some(first) = first_name(session, kind) else { continue };
        found.extend(list(read, first, |at, record| match (at, record) {
            (Address::Name(owner, k, id), Record::Number(handle)) if *owner == session && *k == kind => {
                Some(Named { kind, id: id.clone(), handle })
            }
            _ => None,
        })?);
    }
    Ok(found)
}

/// The address before all names of a kind: `A` is the smallest character that starts an NCName.
fn first_name(session: u32, kind: ObjectKind) -> Option<Address> {
    Id::new("A").ok().map(|id| Address::Name(session, kind, id))
}

/// The targets of the session's post-provisioning operations.
pub(crate) fn targets(read: &(impl Read + ?Sized), session: u32) -> Result<Vec<u32>, StoreError> {
    list(read, Address::Pending(session, 0), |at, _| match at {
        Address::Pending(owner, target) if *owner == session => Some(*target),
        _ => None,
    })
}

/// Removes an open session and everything that was created in it.
pub(crate) fn remove_open(work: &mut Work<'_>, handle: u32) -> Result<(), Refusal> {
    // Keys come first, and take the policies along that governed only them.
    for object in objects(work, handle)? {
        match object.kind {
            ObjectKind::Key => key::remove(work, object.handle)?,
            ObjectKind::PinPolicy => remove_pin_policy(work, object.handle)?,
            ObjectKind::PukPolicy => work.remove(&Address::PukPolicy(object.handle))?,
        }
    }
    end(work, handle)?;
    remove(work, handle)
}

fn remove_pin_policy(work: &mut Work<'_>, handle: u32) -> Result<(), Refusal> {
    if let Some(policy) = work.pin_policy(handle)? {
        if let Some(puk) = policy.puk_policy {
            work.remove(&Address::PukPin(puk, handle))?;
        }
        work.remove(&Address::PinPolicy(handle))?;
    }
    Ok(())
}

/// Removes what only open sessions have: names, scheduled operations, the deadline.
pub(crate) fn end(work: &mut Work<'_>, handle: u32) -> Result<(), Refusal> {
    for Named { kind, id, .. } in objects(work, handle)? {
        work.remove(&Address::Name(handle, kind, id))?;
    }
    for target in targets(work, handle)? {
        work.remove(&Address::Pending(handle, target))?;
    }
    work.remove(&Address::OpenSession(handle))
}

/// Removes the object of a session that owns nothing any more.
pub(crate) fn remove(work: &mut Work<'_>, handle: u32) -> Result<(), Refusal> {
    if let Some(session) = work.session(handle)? {
        work.remove(&Address::ClientSessionId(session.client_session_id))?;
        work.remove(&Address::Session(handle))?;
    }
    Ok(())
}

/// The keys that a session owns, ascending.
pub(crate) fn keys(read: &(impl Read + ?Sized), session: u32) -> Result<Vec<u32>, StoreError> {
    list(read, Address::SessionKey(session, 0), |at, _| match at {
        Address::SessionKey(owner, key) if *owner == session => Some(*key),
        _ => None,
    })
}

/// Whether a session owns any key.
pub(crate) fn owns_keys(read: &(impl Read + ?Sized), session: u32) -> Result<bool, StoreError> {
    let next = read.next(Bound::Included(&Address::SessionKey(session, 0)))?;
    Ok(matches!(next, Some((Address::SessionKey(owner, _), _)) if owner == session))
}
