//! Sessions: what is under way in each, and finding objects.
//!
//! Source: PKCS#11 2.40, "Session management functions" and "Object management functions".

use std::sync::Arc;

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_FLAGS, CK_OBJECT_HANDLE, CK_SESSION_INFO, CK_STATE, CKA_CLASS, CKA_ID, CKF_DECRYPT,
    CKF_DIGEST, CKF_ENCRYPT, CKF_FIND_OBJECTS, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKF_SIGN, CKF_VERIFY,
    CKR_OBJECT_HANDLE_INVALID, CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_PARALLEL_NOT_SUPPORTED,
    CKR_SESSION_READ_ONLY_EXISTS, CKR_USER_NOT_LOGGED_IN, CKS_RO_PUBLIC_SESSION, CKS_RO_USER_FUNCTIONS,
    CKS_RW_PUBLIC_SESSION, CKS_RW_SO_FUNCTIONS, CKS_RW_USER_FUNCTIONS,
};
use parking_lot::Mutex;
use sks_wire::Secret;
use sks_wire::method::get_extension_object;
use sks_wire::types::KeyHandle;
use zeroize::Zeroizing;

use crate::cipher::{Ciphering, Direction};
use crate::digest::Digesting;
use crate::error::{Result, Rv};
use crate::login::Login;
use crate::module::Module;
use crate::object::template::{Template, ulong};
use crate::object::{Held, Key, Object, Value};
use crate::sign::Signing;
use crate::verify::Verifying;

/// An open session.
pub(crate) struct Session {
    pub(crate) handle: u64,
    pub(crate) slot: u64,
    pub(crate) read_write: bool,
    /// What is under way. An operation is taken out while it works.
    pub(crate) operations: Mutex<Operations>,
}

/// What may be under way in a session at the same time.
#[derive(Default)]
pub(crate) struct Operations {
    pub(crate) find: Option<std::vec::IntoIter<CK_OBJECT_HANDLE>>,
    pub(crate) digest: Option<Digesting>,
    pub(crate) sign: Option<Signing>,
    pub(crate) verify: Option<Verifying>,
    encrypt: Option<Ciphering>,
    decrypt: Option<Ciphering>,
}

impl Operations {
    /// The encryption or the decryption.
    pub(crate) fn cipher(&mut self, direction: Direction) -> &mut Option<Ciphering> {
        match direction {
            Direction::Encrypt => &mut self.encrypt,
            Direction::Decrypt => &mut self.decrypt,
        }
    }

    /// The key of an operation that waits for its own login.
    pub(crate) fn waiting_key(&self) -> Option<Arc<Key>> {
        let ciphers = self.encrypt.iter().chain(&self.decrypt).map(|cipher| (&cipher.key, &cipher.pin));
        let ciphers = ciphers.filter_map(|(key, pin)| Some((key.as_ref()?, pin)));
        let all = self.sign.iter().map(|sign| (&sign.key, &sign.pin)).chain(ciphers);
        let mut waiting = all.filter(|(key, pin)| pin.is_none() && key.always_authenticate());
        waiting.next().map(|(key, _)| Arc::clone(key))
    }

    /// Gives the operation that waits its PIN.
    pub(crate) fn give_pin(&mut self, pin: &Secret) {
        if let Some(sign) = self.sign.as_mut().filter(|sign| sign.pin.is_none() && sign.key.always_authenticate()) {
            sign.pin = Some(pin.clone());
            return;
        }
        for cipher in self.encrypt.iter_mut().chain(&mut self.decrypt) {
            if cipher.key.as_ref().is_some_and(|key| key.always_authenticate()) {
                cipher.pin = Some(pin.clone());
            }
        }
    }

    /// Ends what works with a private or secret key.
    pub(crate) fn forget_private(&mut self) {
        self.sign = None;
        (self.encrypt, self.decrypt) = (None, None);
    }
}

/// The caller's room for an output: none when it asks for the length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room(pub(crate) Option<usize>);

impl Room {
    pub(crate) fn holds(self, length: usize) -> bool {
        self.0.is_some_and(|room| room >= length)
    }
}

/// An output, or the room that it needs.
pub(crate) enum Reply {
    /// The operation goes on.
    Needs(usize),
    /// The operation is done.
    Bytes(Zeroizing<Vec<u8>>),
}

impl Reply {
    pub(crate) fn bytes(bytes: Vec<u8>) -> Self {
        Self::Bytes(Zeroizing::new(bytes))
    }
}

/// An object as a function is given it.
#[derive(Clone)]
pub(crate) enum Found {
    /// Of the token.
    Token(Object),
    /// Of a session.
    Held(Arc<Held>),
}

impl Found {
    pub(crate) fn attribute(&self, kind: CK_ATTRIBUTE_TYPE) -> Value {
        match self {
            Self::Token(object) => object.attribute(kind),
            Self::Held(held) => held.attribute(kind),
        }
    }

    /// The token's object that it is, or is a copy of.
    pub(crate) fn original(&self) -> Option<&Object> {
        match self {
            Self::Token(object) => Some(object),
            Self::Held(held) => held.of.as_ref(),
        }
    }
}

/// C_OpenSession.
pub(crate) fn open(module: &Module, slot: u64, flags: CK_FLAGS) -> Result<u64> {
    if flags & CKF_SERIAL_SESSION == 0 {
        return Rv::err(CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    }
    module.present(slot)?;
    let read_write = flags & CKF_RW_SESSION != 0;
    let officer = module.logins.lock().get(&slot).is_some_and(|login| login.is_officer());
    if officer && !read_write {
        return Rv::err(cryptoki_sys::CKR_SESSION_READ_WRITE_SO_EXISTS);
    }
    let handle = module.fresh();
    let session = Session { handle, slot, read_write, operations: Mutex::default() };
    module.sessions.lock().insert(handle, Arc::new(session));
    Ok(handle)
}

/// C_CloseSession. The last one of a slot logs out.
pub(crate) fn close(module: &Module, handle: u64) -> Result<()> {
    let session = module.session(handle)?;
    let last = {
        let mut sessions = module.sessions.lock();
        sessions.remove(&handle);
        !sessions.values().any(|other| other.slot == session.slot)
    };
    module.held.lock().retain(|_, held| held.session != handle);
    if last {
        module.logins.lock().remove(&session.slot);
    }
    Ok(())
}

/// C_CloseAllSessions.
pub(crate) fn close_all(module: &Module, slot: u64) -> Result<()> {
    module.check_slot(slot)?;
    module.sessions.lock().retain(|_, session| session.slot != slot);
    module.held.lock().retain(|_, held| held.slot != slot);
    module.logins.lock().remove(&slot);
    Ok(())
}

/// C_GetSessionInfo.
pub(crate) fn info(module: &Module, handle: u64) -> Result<CK_SESSION_INFO> {
    let session = module.session(handle)?;
    let login = module.logins.lock().get(&session.slot).cloned();
    let flags = CKF_SERIAL_SESSION | if session.read_write { CKF_RW_SESSION } else { 0 };
    Ok(CK_SESSION_INFO { slotID: session.slot, state: state(&session, login.as_deref()), flags, ulDeviceError: 0 })
}

fn state(session: &Session, login: Option<&Login>) -> CK_STATE {
    match (login, session.read_write) {
        (None, false) => CKS_RO_PUBLIC_SESSION,
        (None, true) => CKS_RW_PUBLIC_SESSION,
        (Some(login), _) if login.is_officer() => CKS_RW_SO_FUNCTIONS,
        (Some(_), false) => CKS_RO_USER_FUNCTIONS,
        (Some(_), true) => CKS_RW_USER_FUNCTIONS,
    }
}

/// Refuses CKU_SO while a session of the slot is read-only.
pub(crate) fn check_no_read_only(module: &Module, slot: u64) -> Result<()> {
    let any = module.sessions.lock().values().any(|session| session.slot == slot && !session.read_write);
    if any { Rv::err(CKR_SESSION_READ_ONLY_EXISTS) } else { Ok(()) }
}

/// The object that a handle names, for a session.
pub(crate) fn object(module: &Module, session: &Session, handle: CK_OBJECT_HANDLE) -> Result<Found> {
    let held = module.held.lock().get(&handle).cloned();
    let found = match held.filter(|held| held.slot == session.slot) {
        Some(held) => Found::Held(held),
        None => Found::Token(token_object(module, session, handle)?),
    };
    let private = match &found {
        Found::Token(object) => object.is_private(),
        Found::Held(held) => held.is_private(),
    };
    if private && !user_is_in(module, session) {
        return Rv::err(CKR_USER_NOT_LOGGED_IN);
    }
    Ok(found)
}

fn token_object(module: &Module, session: &Session, handle: CK_OBJECT_HANDLE) -> Result<Object> {
    let (key, part) = Object::parse_handle(handle).ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))?;
    let mut listing = module.last_listing()?;
    if !listing.keys.contains_key(&key) {
        listing = module.listing()?;
    }
    let key = listing.keys.get(&key).filter(|key| key.slot == session.slot).ok_or(Rv(CKR_OBJECT_HANDLE_INVALID))?;
    let object = Object { key: Arc::clone(key), part };
    // A part that the key does not have.
    let exists = Object::of_key(key).iter().any(|other| other.part == part);
    if exists { Ok(object) } else { Rv::err(CKR_OBJECT_HANDLE_INVALID) }
}

/// Whether private objects show themselves: the user is logged in, or the slot knows no login.
pub(crate) fn user_is_in(module: &Module, session: &Session) -> bool {
    session.slot == 0 || module.logins.lock().get(&session.slot).is_some_and(|login| !login.is_officer())
}

/// C_FindObjectsInit.
pub(crate) fn find_init(module: &Module, handle: u64, template: &Template<'_>) -> Result<()> {
    let session = module.session(handle)?;
    if session.operations.lock().find.is_some() {
        return Rv::err(CKR_OPERATION_ACTIVE);
    }
    let found = find(module, &session, template)?;
    session.operations.lock().find = Some(found.into_iter());
    Ok(())
}

fn find(module: &Module, session: &Session, template: &Template<'_>) -> Result<Vec<CK_OBJECT_HANDLE>> {
    let listing = module.listing()?;
    let user = user_is_in(module, session);
    let class = template.get(CKA_CLASS).map(ulong).transpose()?;
    let matches = |object: &&Object| {
        class.is_none_or(|class| class == object.class())
            && (user || !object.is_private())
            && template.0.iter().all(|(kind, value)| agrees(&object.attribute(*kind), value))
    };
    let mut found: Vec<CK_OBJECT_HANDLE> = match (listing.slots.get(&session.slot), template.get(CKA_ID)) {
        (None, _) => Vec::new(),
        (Some(slot), Some(id)) => slot.with_id(id).filter(matches).map(Object::handle).collect(),
        (Some(slot), None) => slot.objects().iter().filter(matches).map(Object::handle).collect(),
    };
    let held = module.held.lock();
    let own = held.iter().filter(|(_, held)| held.slot == session.slot && (user || !held.is_private()));
    let own = own.filter(|(_, held)| template.0.iter().all(|(kind, value)| agrees(&held.attribute(*kind), value)));
    found.extend(own.map(|(handle, _)| *handle));
    Ok(found)
}

fn agrees(found: &Value, wanted: &[u8]) -> bool {
    matches!(found, Value::Bytes(found) if found.as_slice() == wanted)
}

/// C_FindObjects.
pub(crate) fn find_next(module: &Module, handle: u64, most: usize) -> Result<Vec<CK_OBJECT_HANDLE>> {
    let session = module.session(handle)?;
    let mut operations = session.operations.lock();
    let find = operations.find.as_mut().ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))?;
    Ok(find.take(most).collect())
}

/// C_FindObjectsFinal.
pub(crate) fn find_final(module: &Module, handle: u64) -> Result<()> {
    let session = module.session(handle)?;
    let found = session.operations.lock().find.take();
    found.map(|_| ()).ok_or(Rv(CKR_OPERATION_NOT_INITIALIZED))
}

/// C_SessionCancel.
pub(crate) fn cancel(module: &Module, handle: u64, flags: CK_FLAGS) -> Result<()> {
    let session = module.session(handle)?;
    let mut operations = session.operations.lock();
    if flags & CKF_FIND_OBJECTS != 0 {
        operations.find = None;
    }
    if flags & CKF_DIGEST != 0 {
        operations.digest = None;
    }
    if flags & CKF_SIGN != 0 {
        operations.sign = None;
    }
    if flags & CKF_VERIFY != 0 {
        operations.verify = None;
    }
    if flags & CKF_ENCRYPT != 0 {
        operations.encrypt = None;
    }
    if flags & CKF_DECRYPT != 0 {
        operations.decrypt = None;
    }
    Ok(())
}

/// C_GetAttributeValue: the values of some attributes.
pub(crate) fn values(
    module: &Module,
    handle: u64,
    object_handle: CK_OBJECT_HANDLE,
    kinds: &[CK_ATTRIBUTE_TYPE],
) -> Result<Vec<Value>> {
    let session = module.session(handle)?;
    let found = object(module, &session, object_handle)?;
    kinds
        .iter()
        .map(|kind| match (found.attribute(*kind), found.original()) {
            (Value::Extension, Some(object)) => extension(module, object),
            (value, _) => Ok(value),
        })
        .collect()
}

/// The content of an extension object.
fn extension(module: &Module, object: &Object) -> Result<Value> {
    let Some(kind) = object.extension_type() else { return Ok(Value::Unknown) };
    let request =
        get_extension_object::Request { key_handle: KeyHandle(object.key.handle), extension_type: kind.to_vec() };
    let answer = module.token.call(&request)?;
    Ok(Value::Bytes(Zeroizing::new(answer.extension_data.0.expose().to_vec())))
}
