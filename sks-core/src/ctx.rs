//! What a handler is lent: the token, the session of the call, and its transaction.

use std::collections::HashSet;

use parking_lot::Mutex;
use sks_wire::codec::Message;
use sks_wire::types::KeyHandle;
use sks_wire::{Response, Secret};

use crate::device::Device;
use crate::gate::Class;
use crate::key::{self, Usable};
use crate::locks::Guard;
use crate::ports::Read;
use crate::record::{Address, Key, PinGroup, PinPolicy, PukPolicy, Record};
use crate::refusal::{Effect, Refusal};
use crate::session::{self, Entered};
use crate::work::{Typed, Work};

/// The context of one call.
pub(crate) struct Ctx<'d> {
    pub(crate) device: &'d Device,
    session: Option<Entered<'d>>,
    work: Option<Work<'d>>,
    /// PIN and PUK locks, held until a wrong one is counted, or a new one kept, durably.
    held: Vec<Guard<'d>>,
    /// Closed sessions whose key was used by this call: that counts, whatever becomes of the call.
    charged: Vec<u32>,
}

impl<'d> Ctx<'d> {
    pub(crate) fn new(device: &'d Device) -> Self {
        Self { device, session: None, work: None, held: Vec::new(), charged: Vec::new() }
    }

    /// The database as it is durable; in a volatile session all that it holds instead.
    pub(crate) fn store(&self) -> &dyn Read {
        match &self.session {
            Some(entered) => entered.records(),
            None => &*self.device.store,
        }
    }

    /// Takes the lock of the session that the arguments name, and loads it.
    pub(crate) fn enter(&mut self, class: Class, body: &[u8]) -> Result<(), Refusal> {
        if class != Class::Free {
            let handle = Device::named_session(body).ok_or(Refusal::NoSession)?;
            self.session = Some(Entered::open(self.device, handle)?);
        }
        Ok(())
    }

    /// The session of the call; the gate has opened it for every method that asks.
    pub(crate) fn session(&mut self) -> Result<&mut Entered<'d>, Refusal> {
        self.session.as_mut().ok_or(Refusal::Defect("a session method outside a session"))
    }

    /// The call's transaction, begun at the first use. All costly work comes before.
    pub(crate) fn work(&mut self) -> Result<&mut Work<'d>, Refusal> {
        if self.work.is_none() {
            self.work = Some(match self.session.as_ref().and_then(Entered::volatile) {
                Some(memory) => Work::volatile(self.device, memory),
                None => Work::begin(self.device)?,
            });
        }
        self.work.as_mut().ok_or(Refusal::Defect("a transaction that was not begun"))
    }

    /// The ranges of all arguments.
    pub(crate) fn ranges(request: &impl Message) -> Result<(), Refusal> {
        request.check().map_err(Refusal::OutOfRange)
    }

    /// Counts an operation of a closed session's key, at once and for good.
    pub(crate) fn charge_closed(&mut self, session: u32) {
        self.charged.push(session);
    }

    /// A key that its closed session has made ready, for use.
    pub(crate) fn usable(&self, handle: KeyHandle) -> Result<std::sync::Arc<Usable>, Refusal> {
        self.device.cache.get(self.device, handle.0)
    }

    /// The attributes of a key of a closed session.
    pub(crate) fn user_key(&self, handle: KeyHandle) -> Result<Key, Refusal> {
        key::provisioned(self.store(), handle.0)
    }

    /// The PIN group of a key and the policies over it.
    pub(crate) fn protection(&self, handle: KeyHandle, key: &Key) -> Result<Option<Protection>, Refusal> {
        let Some(number) = key.pin_group else { return Ok(None) };
        match self.protection_by(number)? {
            Some(over) => Ok(Some(over)),
            None if self.is_still(handle, key)? => {
                Err(Refusal::StoreDamaged(format!("the PIN of key group {number} is missing")))
            }
            None => Err(Refusal::NoKey),
        }
    }

    fn protection_by(&self, number: u32) -> Result<Option<Protection>, Refusal> {
        let store = self.store();
        let Some(group) = store.pin_group(number)? else { return Ok(None) };
        let Some(policy) = store.pin_policy(group.policy)? else { return Ok(None) };
        let puk = match policy.puk_policy {
            Some(handle) => match store.puk_policy(handle)? {
                None => return Ok(None),
                puk => puk,
            },
            None => None,
        };
        Ok(Some(Protection { number, group, policy, puk }))
    }

    /// Whether a key is still what was read: several reads are no snapshot, and an update or a deletion between them
    /// would make up a key that never was. No two states of a key are equal, since an update changes its owner.
    pub(crate) fn is_still(&self, handle: KeyHandle, key: &Key) -> Result<bool, Refusal> {
        Ok(self.store().key(handle.0)?.as_ref() == Some(key))
    }

    /// Checks the PIN that the User API was given for a key, with all counter rules.
    pub(crate) fn authorize(&mut self, key: &Key, pin: &Secret) -> Result<(), Refusal> {
        match key.pin_group {
            None => Self::no_authorization(pin),
            Some(group) => self.verify_pin(group, pin).map(drop),
        }
    }

    /// Refuses a PIN or PUK where none is asked for.
    pub(crate) fn no_authorization(given: &Secret) -> Result<(), Refusal> {
        if given.is_empty() { Ok(()) } else { Err(Refusal::UnexpectedAuthorization) }
    }

    /// Checks the PUK that the User API was given for a key, with all counter rules.
    pub(crate) fn authorize_by_puk(&mut self, handle: KeyHandle, key: &Key, puk: &Secret) -> Result<(), Refusal> {
        let over = self.protection(handle, key)?.ok_or(Refusal::UnexpectedAuthorization)?;
        self.verify_puk(over.policy.puk_policy.ok_or(Refusal::UnexpectedAuthorization)?, puk)
    }

    /// Compares a PIN: one comparison a group at a time, and no other as long as the guard is held.
    pub(crate) fn verify_pin(&mut self, number: u32, pin: &Secret) -> Result<Guard<'d>, Refusal> {
        let guard = self.device.pins.lock(number);
        self.device.settle_owed(Effect::CountPin(number))?;
        let store = self.store();
        let group = store.pin_group(number)?.ok_or(Refusal::NoKey)?;
        let policy = store.pin_policy(group.policy)?.ok_or(Refusal::NoKey)?;
        if group.error_count >= policy.retry_limit {
            return Err(Refusal::PinLocked);
        }
        if !crate::policy::same_secret(&group.pin, pin) {
            self.held.push(guard);
            return Err(Refusal::WrongPin(number));
        }
        if group.error_count > 0 {
            self.device.commit(|work| set_pin_errors(work, number, |_| 0))?;
        }
        Ok(guard)
    }

    /// Holds a PIN's lock until the call has an answer.
    pub(crate) fn hold(&mut self, guard: Guard<'d>) {
        self.held.push(guard);
    }

    /// Compares a PUK: one comparison a policy at a time, after the delay that stands in for a retry limit.
    pub(crate) fn verify_puk(&mut self, handle: u32, puk: &Secret) -> Result<(), Refusal> {
        let guard = self.device.puks.lock(handle);
        self.device.settle_owed(Effect::CountPuk(handle))?;
        let policy = self.store().puk_policy(handle)?.ok_or(Refusal::NoKey)?;
        if policy.retry_limit == 0 {
            self.device.clock.sleep(self.device.config.puk_delay);
        } else if policy.error_count >= policy.retry_limit {
            return Err(Refusal::PukLocked);
        }
        if !crate::policy::same_secret(&policy.puk, puk) {
            if policy.retry_limit == 0 {
                return Err(Refusal::WrongDelayedPuk);
            }
            self.held.push(guard);
            return Err(Refusal::WrongPuk(handle));
        }
        if policy.error_count > 0 {
            self.device.commit(|work| set_puk_errors(work, handle, |_| 0))?;
        }
        Ok(())
    }

    /// Commits what the handler wrote, or applies the refusal's effect; then there is an answer.
    pub(crate) fn finish(mut self, class: Class, result: Result<Response, Refusal>) -> Result<Response, Refusal> {
        let result = result.and_then(|response| self.commit().map(|()| response));
        let Err(refusal) = &result else { return result };
        // The transaction of a refused call must be gone before the effects begin theirs.
        self.work = None;
        self.device.count(refusal.effect())?;
        if class == Class::Operation
            && let Some(entered) = self.session.take()
        {
            if entered.volatile().is_some() {
                entered.remove()?;
                return result;
            }
            let charged = std::mem::take(&mut self.charged);
            let removed = self.device.commit(|work| {
                for closed in &charged {
                    session::charge(work, *closed)?;
                }
                session::remove_open(work, entered.handle)
            });
            match removed {
                // What was charged is lost then: a full store takes nothing but removals.
                Err(Refusal::StoreFull) => {
                    self.device.commit_removal(|work| session::remove_open(work, entered.handle))?;
                }
                done => done?,
            }
        }
        result
    }

    /// Writes the session back and commits.
    fn commit(&mut self) -> Result<(), Refusal> {
        if let Some((handle, session)) = self.session.as_ref().and_then(Entered::changed) {
            self.work()?.put(Address::Session(handle), Record::Session(session))?;
        }
        for closed in std::mem::take(&mut self.charged) {
            session::charge(self.work()?, closed)?;
            // A commit that fails drops this charge; the refusal that follows makes it again.
            self.charged.push(closed);
        }
        if let Some(work) = self.work.take() {
            self.device.settle(work)?;
        }
        self.session.as_ref().map_or(Ok(()), Entered::keep)
    }
}

/// A key's PIN, its counter and the policies over it.
pub(crate) struct Protection {
    pub(crate) number: u32,
    pub(crate) group: PinGroup,
    pub(crate) policy: PinPolicy,
    pub(crate) puk: Option<PukPolicy>,
}

/// Wrong PINs and PUKs that the store could not count, which happens when it is full or has failed.
///
/// Each would be a guess for nothing. So nothing more is compared with that PIN or PUK until the count is durable; a
/// restart forgives one.
pub(crate) type Owed = Mutex<HashSet<Effect>>;

impl Device {
    /// Counts a wrong PIN or PUK, durably. The caller holds its lock.
    fn count(&self, effect: Effect) -> Result<(), Refusal> {
        let counted = match effect {
            Effect::Drop => Ok(()),
            Effect::CountPin(group) => self.commit(|work| set_pin_errors(work, group, |count| count.saturating_add(1))),
            Effect::CountPuk(policy) => {
                self.commit(|work| set_puk_errors(work, policy, |count| count.saturating_add(1)))
            }
        };
        if counted.is_err() {
            self.owed.lock().insert(effect);
        }
        counted
    }

    /// Counts what is owed. The caller holds the lock of that PIN or PUK.
    fn settle_owed(&self, effect: Effect) -> Result<(), Refusal> {
        let owed = self.owed.lock().remove(&effect);
        if owed { self.count(effect) } else { Ok(()) }
    }

    /// Runs a transaction of its own.
    pub(crate) fn commit(&self, write: impl FnOnce(&mut Work<'_>) -> Result<(), Refusal>) -> Result<(), Refusal> {
        let mut work = Work::begin(self)?;
        write(&mut work)?;
        self.settle(work)
    }

    /// Runs a transaction that only removes, which a full store takes too.
    pub(crate) fn commit_removal(&self, remove: impl Fn(&mut Work<'_>) -> Result<(), Refusal>) -> Result<(), Refusal> {
        match self.commit(&remove) {
            Err(Refusal::StoreFull) => self.commit(|work| {
                work.lose_count();
                remove(work)
            }),
            done => done,
        }
    }

    /// Commits, then forgets the cached forms of the keys that changed, before anybody is answered.
    fn settle(&self, work: Work<'_>) -> Result<(), Refusal> {
        let (keys, result) = work.commit();
        self.cache.forget(&keys);
        result
    }
}

/// Sets a PIN's error counter; the group may be gone with its last key.
pub(crate) fn set_pin_errors(work: &mut Work<'_>, number: u32, count: impl FnOnce(u8) -> u8) -> Result<(), Refusal> {
    if let Some(mut group) = work.pin_group(number)? {
        let limit = work.pin_policy(group.policy)?.map_or(u8::MAX, |policy| policy.retry_limit);
        group.error_count = count(group.error_count).min(limit);
        work.put(Address::PinGroup(number), Record::PinGroup(group))?;
    }
    Ok(())
}

/// Sets a PUK's error counter; the policy may be gone with its last key.
pub(crate) fn set_puk_errors(work: &mut Work<'_>, handle: u32, count: impl FnOnce(u8) -> u8) -> Result<(), Refusal> {
    if let Some(mut policy) = work.puk_policy(handle)? {
        policy.error_count = count(policy.error_count).min(policy.retry_limit);
        // The counter is no change to what clients list, so it does not go through `put`'s change count.
        work.put_uncounted(Address::PukPolicy(handle), Record::PukPolicy(policy))?;
    }
    Ok(())
}
