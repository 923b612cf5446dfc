//! Logins: the user's PIN through verifyPIN, the SO's PUK through unlockKey.
//!
//! Source: PKCS#11 2.40, C_Login, C_SetPIN, C_InitPIN. A login holds for the slot, in all sessions of the process. The
//! PIN is kept for the keys that allow it (EnablePINCaching) and wiped at logout.

use std::collections::BTreeSet;
use std::sync::Arc;

use cryptoki_sys::{
    CK_USER_TYPE, CKR_ACTION_PROHIBITED, CKR_OPERATION_NOT_INITIALIZED, CKR_PIN_INCORRECT, CKR_PIN_INVALID,
    CKR_PIN_LEN_RANGE, CKR_PIN_LOCKED, CKR_SESSION_READ_ONLY, CKR_USER_ALREADY_LOGGED_IN,
    CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKR_USER_NOT_LOGGED_IN, CKR_USER_TYPE_INVALID, CKU_CONTEXT_SPECIFIC, CKU_SO,
    CKU_USER,
};
use sks_client::Error;
use sks_wire::method::{Method, change_pin, get_key_protection_info, set_pin, unlock_key, verify_pin};
use sks_wire::types::{InputMethod, KeyHandle, protection};
use sks_wire::{Secret, Status, limit};

use crate::error::{Result, Rv, status};
use crate::listing::Slot;
use crate::module::Module;
use crate::object::Key;
use crate::session::{self, Session};

/// Policies of a key, and its counters now.
type State = get_key_protection_info::Response;

/// Who is logged in to a slot.
#[derive(Clone)]
pub(crate) enum Login {
    /// CKU_USER.
    User {
        /// The PIN; none if no key of the slot allows it to be kept.
        pin: Option<Secret>,
        /// The PIN policies whose keys took it.
        policies: BTreeSet<u32>,
    },
    /// CKU_SO.
    Officer {
        /// The PUK, for C_InitPIN.
        puk: Secret,
        /// The PIN policies that it governs.
        policies: BTreeSet<u32>,
    },
}

impl Login {
    pub(crate) fn is_officer(&self) -> bool {
        matches!(self, Self::Officer { .. })
    }
}

/// A PIN as a caller gives it; none where the module is to ask (CKF_PROTECTED_AUTHENTICATION_PATH).
pub(crate) type Given<'a> = Option<&'a [u8]>;

/// C_Login.
pub(crate) fn login(module: &Module, handle: u64, user: CK_USER_TYPE, pin: Given<'_>) -> Result<()> {
    let session = module.session(handle)?;
    let present = module.logins.lock().get(&session.slot).cloned();
    match (user, present) {
        (CKU_CONTEXT_SPECIFIC, _) => return context_login(module, &session, pin),
        (CKU_USER | CKU_SO, None) => {}
        (CKU_USER, Some(login)) if !login.is_officer() => return Rv::err(CKR_USER_ALREADY_LOGGED_IN),
        (CKU_SO, Some(login)) if login.is_officer() => return Rv::err(CKR_USER_ALREADY_LOGGED_IN),
        (CKU_USER | CKU_SO, Some(_)) => return Rv::err(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
        _ => return Rv::err(CKR_USER_TYPE_INVALID),
    }
    let listing = module.present(session.slot)?;
    let slot = listing.slots.get(&session.slot).filter(|slot| !slot.groups.is_empty());
    // Slot 0 has neither PIN nor PUK.
    let slot = slot.ok_or(Rv(CKR_USER_TYPE_INVALID))?;
    let login = if user == CKU_USER {
        user_login(module, slot, pin)?
    } else {
        session::check_no_read_only(module, session.slot)?;
        officer_login(module, slot, pin)?
    };
    module.logins.lock().insert(session.slot, Arc::new(login));
    Ok(())
}

/// C_Logout: wipes the PIN, or the PUK, when the last operation that works with it is done.
pub(crate) fn logout(module: &Module, handle: u64) -> Result<()> {
    let session = module.session(handle)?;
    let was = module.logins.lock().remove(&session.slot);
    was.ok_or(Rv(CKR_USER_NOT_LOGGED_IN))?;
    let sessions: Vec<_> = module.sessions.lock().values().filter(|s| s.slot == session.slot).cloned().collect();
    for session in sessions {
        session.operations.lock().forget_private();
    }
    module.held.lock().retain(|_, held| held.slot != session.slot || !held.is_private());
    Ok(())
}

/// Verifies the PIN with one key of each group.
fn user_login(module: &Module, slot: &Slot, pin: Given<'_>) -> Result<Login> {
    let pin = given(slot, pin, "PIN")?;
    check_length(slot, &pin)?;
    let policies = opened_by_pin(module, slot, &pin)?;
    let kept = slot.keys.iter().any(|key| key.policy.enable_pin_caching);
    Ok(Login::User { pin: kept.then_some(pin), policies })
}

/// The PIN policies whose keys take a PIN.
fn opened_by_pin(module: &Module, slot: &Slot, pin: &Secret) -> Result<BTreeSet<u32>> {
    let keys: Vec<&Key> = slot.groups.iter().map(Arc::as_ref).collect();
    let request = |key: &Key| verify_pin::Request { key_handle: KeyHandle(key.handle), pin: pin.clone() };
    let left = |state: &State| state.retry_limit.saturating_sub(state.pin_error_count);
    opened(module, keys, left, request, refused)
}

/// The PIN policies whose keys take a PIN or a PUK.
///
/// A slot of the local issuer's may have several groups, and their PINs and PUKs may differ. So that the login with one does
/// not lock the keys of another, a group at its last try is asked only when none that has more took it; keys of groups that
/// refused it, or were not asked, stay closed.
fn opened<M: Method>(
    module: &Module,
    keys: Vec<&Key>,
    left: impl Fn(&State) -> u8,
    request: impl Fn(&Key) -> M,
    refused: fn(&Module, &Key, &Error) -> Rv,
) -> Result<BTreeSet<u32>> {
    let mut answers = Answers::default();
    let (last_try, others) = by_tries(module, keys, left)?;
    answers.ask(module, &others, &request, refused)?;
    // All of these: they most likely share it, and it was mistyped before.
    if answers.policies.is_empty() {
        answers.ask(module, &last_try, &request, refused)?;
    }
    if answers.policies.is_empty() {
        return Err(answers.refused.unwrap_or(Rv(CKR_PIN_INCORRECT)));
    }
    Ok(answers.policies)
}

/// What the groups of a slot said to a PIN or a PUK.
#[derive(Default)]
struct Answers {
    /// The PIN policies whose keys took it.
    policies: BTreeSet<u32>,
    /// Locked only if all that refused it are.
    refused: Option<Rv>,
}

impl Answers {
    /// Asks each of the keys, without waiting in between.
    fn ask<M: Method>(
        &mut self,
        module: &Module,
        keys: &[&Key],
        request: impl Fn(&Key) -> M,
        refused: fn(&Module, &Key, &Error) -> Rv,
    ) -> Result<()> {
        let answers = module.token.call_all(&keys.iter().map(|key| request(key)).collect::<Vec<_>>())?;
        for (key, answer) in keys.iter().zip(answers) {
            match answer.map_err(|error| refused(module, key, &error)) {
                Ok(_) => _ = self.policies.insert(key.pin_policy),
                Err(rv @ Rv(CKR_PIN_INCORRECT)) => self.refused = Some(rv),
                Err(rv @ Rv(CKR_PIN_LOCKED)) => self.refused = self.refused.or(Some(rv)),
                Err(rv) => return Err(rv),
            }
        }
        Ok(())
    }
}

/// The PIN given, or asked for.
fn given(slot: &Slot, pin: Given<'_>, what: &str) -> Result<Secret> {
    let gui = slot.groups.iter().any(|key| key.policy.input_method.get() == Ok(InputMethod::TrustedGui));
    match (pin, gui) {
        (Some(pin), _) => Ok(Secret::from(pin)),
        (None, true) => crate::pin_entry::ask(what, &slot.groups),
        (None, false) => Rv::err(cryptoki_sys::CKR_ARGUMENTS_BAD),
    }
}

/// A PIN that no key of the slot can have costs no try.
fn check_length(slot: &Slot, pin: &Secret) -> Result<()> {
    let fits =
        |key: &Arc<Key>| (usize::from(key.policy.min_length)..=usize::from(key.policy.max_length)).contains(&pin.len());
    if slot.groups.iter().any(fits) { Ok(()) } else { Rv::err(CKR_PIN_LEN_RANGE) }
}

fn verify(module: &Module, key: &Key, pin: &Secret) -> Result<()> {
    let request = verify_pin::Request { key_handle: KeyHandle(key.handle), pin: pin.clone() };
    match module.token.call(&request) {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(module, key, &error)),
    }
}

fn state(module: &Module, key: &Key) -> Result<State> {
    Ok(module.token.call(&get_key_protection_info::Request { key_handle: KeyHandle(key.handle) })?)
}

/// The keys at their last try, and the others. One that is alone is asked whatever its state.
fn by_tries<'a>(
    module: &Module,
    keys: Vec<&'a Key>,
    left: impl Fn(&State) -> u8,
) -> Result<(Vec<&'a Key>, Vec<&'a Key>)> {
    if keys.len() < 2 {
        return Ok((Vec::new(), keys));
    }
    let request = |key: &&Key| get_key_protection_info::Request { key_handle: KeyHandle(key.handle) };
    let states = module.token.call_all(&keys.iter().map(request).collect::<Vec<_>>())?;
    let (mut last_try, mut others) = (Vec::new(), Vec::new());
    for (key, state) in keys.into_iter().zip(states) {
        if left(&state?) <= 1 { last_try.push(key) } else { others.push(key) }
    }
    Ok((last_try, others))
}

/// Why a PIN was refused: wrong, or locked by now.
fn refused(module: &Module, key: &Key, error: &Error) -> Rv {
    if status(error) != Some(Status::Authorization) {
        return Rv::from_ref(error);
    }
    let locked = state(module, key).is_ok_and(|state| state.protection_status & protection::PIN_LOCKED != 0);
    Rv(if locked { CKR_PIN_LOCKED } else { CKR_PIN_INCORRECT })
}

/// Why a PUK was refused.
fn puk_refused(module: &Module, key: &Key, error: &Error) -> Rv {
    match status(error) {
        Some(Status::NotAllowed) => return Rv(CKR_ACTION_PROHIBITED),
        Some(Status::Option) => return Rv(CKR_PIN_INVALID),
        Some(Status::Authorization) => {}
        _ => return Rv::from_ref(error),
    }
    let locked = state(module, key).is_ok_and(|state| state.protection_status & protection::PUK_LOCKED != 0);
    Rv(if locked { CKR_PIN_LOCKED } else { CKR_PIN_INCORRECT })
}

/// Unlocks the groups whose PUK it is.
fn officer_login(module: &Module, slot: &Slot, puk: Given<'_>) -> Result<Login> {
    if !slot.groups.iter().any(|key| key.has_puk) {
        return Rv::err(CKR_USER_TYPE_INVALID);
    }
    let puk = given(slot, puk, "PUK")?;
    if puk.is_empty() || puk.len() > usize::from(limit::PUK) {
        return Rv::err(CKR_PIN_LEN_RANGE);
    }
    let keys: Vec<&Key> = slot.groups.iter().map(Arc::as_ref).filter(|key| key.has_puk).collect();
    let request = |key: &Key| unlock_key::Request { key_handle: KeyHandle(key.handle), authorization: puk.clone() };
    // A PUK without a limit of tries never locks.
    let left = |state: &State| match state.puk_retry_limit {
        0 => u8::MAX,
        limit => limit.saturating_sub(state.puk_error_count),
    };
    let policies = opened(module, keys, left, request, puk_refused)?;
    Ok(Login::Officer { puk, policies })
}

/// CKU_CONTEXT_SPECIFIC: the PIN for the operation that was begun with a key that asks for it each time.
fn context_login(module: &Module, session: &Session, pin: Given<'_>) -> Result<()> {
    let key = session.operations.lock().waiting_key().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
    let listing = module.last_listing()?;
    let slot = listing.slots.get(&session.slot).ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
    let pin = given(slot, pin, "PIN")?;
    check_length(slot, &pin)?;
    verify(module, &key, &pin)?;
    session.operations.lock().give_pin(&pin);
    Ok(())
}

/// The PIN for an operation with a key: empty for one without a PIN.
pub(crate) fn pin_for(module: &Module, key: &Key, own: Option<&Secret>) -> Result<Secret> {
    if key.group == 0 {
        return Ok(Secret::default());
    }
    let login = module.logins.lock().get(&key.slot).cloned();
    match (login.as_deref(), own) {
        (Some(Login::User { policies, .. }), _) if !policies.contains(&key.pin_policy) => {
            Rv::err(CKR_USER_NOT_LOGGED_IN)
        }
        (Some(Login::User { .. }), Some(own)) if key.always_authenticate() => Ok(own.clone()),
        (Some(Login::User { pin: Some(pin), .. }), _) if !key.always_authenticate() => Ok(pin.clone()),
        _ => Rv::err(CKR_USER_NOT_LOGGED_IN),
    }
}

/// What a refusal of a private-key operation shows as. A kept PIN that is refused was changed elsewhere: it is dropped, so
/// that it does not use up the tries.
pub(crate) fn operation_refused(module: &Module, key: &Key, error: &Error) -> Rv {
    if status(error) != Some(Status::Authorization) {
        return Rv::from_ref(error);
    }
    if key.always_authenticate() {
        return refused(module, key, error);
    }
    module.logins.lock().remove(&key.slot);
    Rv(CKR_USER_NOT_LOGGED_IN)
}

/// C_SetPIN: changes the PIN of every group that the old one opens.
pub(crate) fn set_pin(module: &Module, handle: u64, old: Given<'_>, new: Given<'_>) -> Result<()> {
    let session = module.session(handle)?;
    if !session.read_write {
        return Rv::err(CKR_SESSION_READ_ONLY);
    }
    let listing = module.present(session.slot)?;
    let slot = listing.slots.get(&session.slot).filter(|slot| !slot.groups.is_empty());
    let slot = slot.ok_or(Rv(CKR_ACTION_PROHIBITED))?;
    let login = module.logins.lock().get(&session.slot).cloned();
    if login.as_ref().is_some_and(|login| login.is_officer()) {
        // The PUK is the issuer's.
        return Rv::err(CKR_ACTION_PROHIBITED);
    }
    let (old, new) = (given(slot, old, "PIN")?, given(slot, new, "new PIN")?);
    check_length(slot, &old)?;
    check_new(&slot.groups, &new)?;
    let policies = match login.as_deref() {
        Some(Login::User { policies, .. }) => policies.clone(),
        _ => opened_by_pin(module, slot, &old)?,
    };
    for key in slot.groups.iter().filter(|key| policies.contains(&key.pin_policy)) {
        let request = change_pin::Request { key_handle: KeyHandle(key.handle), pin: old.clone(), new_pin: new.clone() };
        module.token.call(&request).map_err(|error| match status(&error) {
            Some(Status::NotAllowed) => Rv(CKR_ACTION_PROHIBITED),
            Some(Status::Option) => Rv(CKR_PIN_INVALID),
            _ => refused(module, key, &error),
        })?;
    }
    if let Some(Login::User { pin, policies }) = login.as_deref() {
        let changed = Login::User { pin: pin.as_ref().map(|_| new), policies: policies.clone() };
        module.logins.lock().insert(session.slot, Arc::new(changed));
    }
    Ok(())
}

/// C_InitPIN: sets the PIN of every group that the PUK governs.
pub(crate) fn init_pin(module: &Module, handle: u64, new: Given<'_>) -> Result<()> {
    let session = module.session(handle)?;
    let login = module.logins.lock().get(&session.slot).cloned();
    let Some(Login::Officer { puk, policies }) = login.as_deref() else { return Rv::err(CKR_USER_NOT_LOGGED_IN) };
    let listing = module.present(session.slot)?;
    let slot = listing.slots.get(&session.slot).ok_or(Rv(CKR_USER_NOT_LOGGED_IN))?;
    let new = given(slot, new, "new PIN")?;
    let governed = slot.groups.iter().filter(|key| policies.contains(&key.pin_policy));
    check_new(governed.clone(), &new)?;
    for key in governed {
        let request = set_pin::Request { key_handle: KeyHandle(key.handle), puk: puk.clone(), new_pin: new.clone() };
        module.token.call(&request).map_err(|error| puk_refused(module, key, &error))?;
    }
    Ok(())
}

/// A new PIN has to fit all groups that get it.
fn check_new<'a>(groups: impl IntoIterator<Item = &'a Arc<Key>>, new: &Secret) -> Result<()> {
    let mut fits = true;
    for key in groups {
        if !key.policy.user_modifiable {
            return Rv::err(CKR_ACTION_PROHIBITED);
        }
        fits &= (usize::from(key.policy.min_length)..=usize::from(key.policy.max_length)).contains(&new.len());
    }
    if fits { Ok(()) } else { Rv::err(CKR_PIN_LEN_RANGE) }
}
