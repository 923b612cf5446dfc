//! What C_Initialize makes: the state of one process' use of the token.
//!
//! Every lock here is held for a few instructions, or for as long as a listing takes to copy; never over a call to the
//! token.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cryptoki_sys::{
    CKR_CRYPTOKI_NOT_INITIALIZED, CKR_DEVICE_REMOVED, CKR_FUNCTION_FAILED, CKR_SESSION_HANDLE_INVALID,
    CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT,
};
use parking_lot::Mutex;
use sks_client::{Error, paths};
use sks_issuer::EphemeralKey;
use sks_issuer::ca::LocalCa;
use sks_issuer::crypto::CryptoError;
use sks_wire::Method;

use crate::error::{Result, Rv};
use crate::listing::{Listing, Made};
use crate::login::Login;
use crate::object::{Held, Key};
use crate::session::Session;
use crate::slot::SlotNames;
use crate::token::Token;

/// The state between C_Initialize and C_Finalize.
pub(crate) struct Module {
    /// The process that initialised it. A child has to do so again.
    pid: u32,
    pub(crate) token: Token,
    names: SlotNames,
    listing: Mutex<Option<Arc<Listing>>>,
    /// The slots that C_GetSlotList has shown.
    shown: Mutex<BTreeSet<u64>>,
    pub(crate) sessions: Mutex<BTreeMap<u64, Arc<Session>>>,
    pub(crate) logins: Mutex<BTreeMap<u64, Arc<Login>>>,
    pub(crate) held: Mutex<BTreeMap<u64, Arc<Held>>>,
    /// The local issuer's CA.
    pub(crate) ca: Mutex<Option<Arc<LocalCa>>>,
    /// The local issuer's ephemeral key for its next session.
    ephemeral: Mutex<Option<EphemeralKey>>,
    next: AtomicU64,
}

/// Handles of session objects begin here, above those of any key's.
const HELD: u64 = 1 << 60;

impl Module {
    pub(crate) fn new() -> Self {
        Self {
            pid: std::process::id(),
            token: Token::new(),
            names: SlotNames::default(),
            listing: Mutex::default(),
            shown: Mutex::default(),
            sessions: Mutex::default(),
            logins: Mutex::default(),
            held: Mutex::default(),
            ca: Mutex::default(),
            ephemeral: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }

    /// Refuses a process that has inherited the state through a fork.
    pub(crate) fn check_process(&self) -> Result<()> {
        if self.pid == std::process::id() { Ok(()) } else { Rv::err(CKR_CRYPTOKI_NOT_INITIALIZED) }
    }

    /// Ends it: PINs, derived keys and the issuer's keys are wiped, connections closed.
    pub(crate) fn end(&self) {
        self.sessions.lock().clear();
        self.logins.lock().clear();
        self.held.lock().clear();
        *self.ca.lock() = None;
        *self.ephemeral.lock() = None;
        *self.listing.lock() = None;
        self.token.disconnect();
    }

    /// After a fork, in the child: wipes and closes what was inherited. Locks that a thread of the parent held stay shut.
    pub(crate) fn abandon(&self) {
        if let Some(mut logins) = self.logins.try_lock() {
            logins.clear();
        }
        if let Some(mut sessions) = self.sessions.try_lock() {
            sessions.clear();
        }
        if let Some(mut held) = self.held.try_lock() {
            held.clear();
        }
        if let Some(mut ca) = self.ca.try_lock() {
            *ca = None;
        }
        if let Some(mut ephemeral) = self.ephemeral.try_lock() {
            *ephemeral = None;
        }
        self.token.disconnect();
    }

    /// An ephemeral key for one session.
    pub(crate) fn ephemeral(&self) -> std::result::Result<EphemeralKey, CryptoError> {
        let ready = self.ephemeral.lock().take();
        ready.map_or_else(EphemeralKey::generate, Ok)
    }

    /// Makes the next session's ephemeral key, where there is time for it.
    pub(crate) fn make_ephemeral(&self) {
        // A failure shows where the key is needed.
        if let Ok(key) = EphemeralKey::generate() {
            *self.ephemeral.lock() = Some(key);
        }
    }

    /// A number that was not used yet.
    pub(crate) fn fresh(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A handle for a new session object.
    pub(crate) fn fresh_object(&self) -> u64 {
        HELD | self.fresh()
    }

    /// The local issuer's CA, made at first use, and kept while its file stays.
    pub(crate) fn ca(&self) -> Result<Arc<LocalCa>> {
        let known = self.ca.lock().clone();
        if let Some(ca) = known.filter(|ca| ca.is_current()) {
            return Ok(ca);
        }
        let ca = LocalCa::open_or_create(&paths::defaults().local_ca).map_err(|_| Rv(CKR_FUNCTION_FAILED))?;
        Ok(Arc::clone(self.ca.lock().insert(Arc::new(ca))))
    }

    /// A key made during a login takes its PIN.
    pub(crate) fn admit(&self, slot: u64, policy: u32) {
        let mut logins = self.logins.lock();
        if let Some(login) = logins.get_mut(&slot) {
            // In place; a copy while another thread works with it.
            if let Login::User { policies, .. } = Arc::make_mut(login) {
                policies.insert(policy);
            }
        }
    }

    /// What the token holds now.
    pub(crate) fn listing(&self) -> Result<Arc<Listing>> {
        let last = self.listing.lock().clone();
        if let Some(last) = &last
            && last.is_current(&self.token)?
        {
            return Ok(Arc::clone(last));
        }
        let fresh = Arc::new(Listing::take(&self.token, &self.names, last.as_deref())?);
        *self.listing.lock() = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// What the token holds when this process has made a key.
    pub(crate) fn listing_with(&self, made: &Made) -> Result<Arc<Listing>> {
        if let Some(last) = self.listing.lock().as_mut()
            // In place; a copy while another thread works with it.
            && Arc::make_mut(last).add_made(&self.token, &self.names, made)
        {
            return Ok(Arc::clone(last));
        }
        self.listing()
    }

    /// Takes a key that this process has deleted from what is known, if nothing else has changed between the two counts.
    pub(crate) fn forget(&self, key: &Key, since: u32, count: u32) {
        if let Some(last) = self.listing.lock().as_mut()
            && last.count == since
            && count == since.wrapping_add(1)
            && last.is_unbroken(&self.token)
        {
            Arc::make_mut(last).remove(key, count);
        }
    }

    /// What the token held at the last look, or holds now if there was none.
    pub(crate) fn last_listing(&self) -> Result<Arc<Listing>> {
        let last = self.listing.lock().clone();
        match last {
            Some(last) => Ok(last),
            None => self.listing(),
        }
    }

    /// As [`Module::last_listing`], but never that of another token.
    pub(crate) fn last_listing_of_same(&self) -> Result<Arc<Listing>> {
        let last = self.last_listing()?;
        if last.is_unbroken(&self.token) { Ok(last) } else { self.listing() }
    }

    /// Calls the token with one of its keys. If a connection has ended since the key was listed, another token may be behind
    /// the socket, whose answer for the same handle is not passed on.
    pub(crate) fn use_key<M: Method>(&self, key: &Key, request: &M) -> std::result::Result<M::Response, Error> {
        let answer = self.token.call(request)?;
        let last =
            self.listing.lock().as_ref().filter(|last| last.is_unbroken(&self.token)).map(|last| last.holds(key));
        let holds = last.unwrap_or_else(|| self.listing().is_ok_and(|present| present.holds(key)));
        if holds { Ok(answer) } else { Err(Error::Connection(io::ErrorKind::ConnectionReset.into())) }
    }

    /// The slots' ids, and whether each has keys (slot 0: a token).
    pub(crate) fn slots(&self, renew: bool) -> Vec<(u64, bool)> {
        let listing = self.listing().ok();
        let mut shown = self.shown.lock();
        if renew || shown.is_empty() {
            shown.insert(0);
            shown.extend(listing.iter().flat_map(|listing| listing.slots.keys()));
        }
        let present = |slot: &u64| listing.as_ref().is_some_and(|listing| listing.slots.contains_key(slot));
        shown.iter().map(|slot| (*slot, present(slot))).collect()
    }

    /// Refuses a slot that C_GetSlotList has not shown.
    pub(crate) fn check_slot(&self, slot: u64) -> Result<()> {
        if self.shown.lock().is_empty() {
            self.slots(true);
        }
        if self.shown.lock().contains(&slot) { Ok(()) } else { Rv::err(CKR_SLOT_ID_INVALID) }
    }

    /// A slot's present listing.
    pub(crate) fn present(&self, slot: u64) -> Result<Arc<Listing>> {
        self.check_slot(slot)?;
        // That the token is away is told as its slot's state, not as something that broke in the middle of a use.
        let listing =
            self.listing().map_err(|rv| if rv == Rv(CKR_DEVICE_REMOVED) { Rv(CKR_TOKEN_NOT_PRESENT) } else { rv })?;
        if listing.slots.contains_key(&slot) { Ok(listing) } else { Rv::err(CKR_TOKEN_NOT_PRESENT) }
    }

    pub(crate) fn session(&self, handle: u64) -> Result<Arc<Session>> {
        self.sessions.lock().get(&handle).cloned().ok_or(Rv(CKR_SESSION_HANDLE_INVALID))
    }
}
