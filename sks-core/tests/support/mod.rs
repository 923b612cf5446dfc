//! What the tests of the methods share: a token with bystanders, and ways to say what a refusal must leave behind.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use sks_core::record::{Address, Record, Session};
use sks_issuer::SessionKey;
use sks_tests::{Issuing, Made, Token, secret};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{
    Method, change_pin, create_key_pair, create_pin_policy, create_provisioning_session, delete_key, encode_request,
    enumerate_keys, export_key, get_extension_object, get_key_attributes, get_key_group, get_key_protection_info,
    set_pin, sign_hashed_data, unlock_key, verify_pin,
};
use sks_wire::types::{Enumerated, KeyHandle, NO_HANDLE, ProvisioningHandle};
use sks_wire::{Refused, Status};

/// All that the token keeps, apart from its counters.
pub(crate) type World = BTreeMap<Address, Record>;

pub(crate) fn world(token: &Token) -> World {
    let mut all = token.store.snapshot();
    all.retain(|at, _| !matches!(at, Address::Counter(_)));
    all
}

/// Two worlds are the same; else tells where they differ, not all that they hold.
#[track_caller]
pub(crate) fn same(found: &World, expected: &World, what: &str) {
    let all = found.keys().chain(expected.keys());
    let differing: std::collections::BTreeSet<&Address> = all.filter(|at| found.get(at) != expected.get(at)).collect();
    assert!(differing.is_empty(), "{what}: {differing:?}");
}

/// An open session on a token that also holds a closed one and another open one.
pub(crate) struct Open {
    pub(crate) token: Token,
    /// All that was there before the session.
    pub(crate) before: World,
    pub(crate) session: Issuing,
}

impl Deref for Open {
    type Target = Issuing;

    fn deref(&self) -> &Issuing {
        &self.session
    }
}

impl DerefMut for Open {
    fn deref_mut(&mut self) -> &mut Issuing {
        &mut self.session
    }
}

impl Open {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut create_provisioning_session::Request)) -> Self {
        Self::on(&crowded(), change)
    }

    pub(crate) fn limited(limit: u16) -> Self {
        Self::with(|r| r.session_key_limit = limit)
    }

    pub(crate) fn on(token: &Token, change: impl FnOnce(&mut create_provisioning_session::Request)) -> Self {
        let before = world(token);
        Self { token: token.clone(), before, session: Issuing::create(token, change) }
    }

    /// The session as it is stored.
    pub(crate) fn stored(&self) -> Option<Session> {
        stored(&self.token, self.handle)
    }

    /// The call is refused, the session is gone with everything created in it, and nothing else changed.
    pub(crate) fn aborts<M: Method>(&self, request: &M, status: Status, words: &str) {
        self.aborts_bytes(&encode_request(request), status, words);
    }

    pub(crate) fn aborts_bytes(&self, call: &[u8], status: Status, words: &str) {
        let refused = refusal_of(&self.token.device.call(call));
        expect(&refused, status, words);
        same(&world(&self.token), &self.before, &format!("{refused}: only the session's own may go"));
    }
}

/// The refusal in an answer.
pub(crate) fn refusal_of(answer: &[u8]) -> Refused {
    let status = Status::from_value(answer[0]).unwrap_or_else(|| panic!("not refused: {answer:02x?}"));
    assert_eq!(usize::from(u16::from_be_bytes([answer[1], answer[2]])), answer.len() - 3);
    Refused { status, text: String::from_utf8(answer[3..].to_vec()).unwrap() }
}

/// The refusal is the one expected, and its text helps.
#[track_caller]
pub(crate) fn expect(refused: &Refused, status: Status, words: &str) {
    assert_eq!(refused.status, status, "{refused}, expected {status}: {words}");
    assert!(refused.text.contains(words), "{refused}, expected: {words}");
    let helpful = refused.text.len() > 10 && refused.text.contains(' ') && refused.text.trim() == refused.text;
    assert!(helpful, "{refused}");
}

/// A token with a closed session that has a PIN and a PUK, and an open session that has a key.
pub(crate) fn crowded() -> Token {
    let token = Token::default();
    let mut closed = Issuing::create(&token, |r| r.updatable = true);
    let puk = closed.puk("PUK.1", "17644", 3);
    let pin = closed.pin("PIN.1", |r| r.puk_policy_handle = puk);
    closed.pin_key("Key.1", pin, "1563");
    closed.close();
    let mut open = Issuing::create(&token, |_| {});
    let puk = open.puk("PUK.1", "17644", 3);
    let pin = open.pin("PIN.1", |r| r.puk_policy_handle = puk);
    let key = open.pin_key("Key.1", pin, "1563");
    open.extension(&key, "http://example.com/e", b"e");
    token
}

pub(crate) fn stored(token: &Token, handle: ProvisioningHandle) -> Option<Session> {
    match token.store.snapshot().remove(&Address::Session(handle.0)) {
        Some(Record::Session(session)) => Some(session),
        _ => None,
    }
}

/// The call is refused and nothing at all changed.
#[track_caller]
pub(crate) fn refuses<M: Method>(token: &Token, request: &M, status: Status, words: &str) {
    let before = token.store.snapshot();
    let refused = refusal_of(&token.device.call(&encode_request(request)));
    expect(&refused, status, words);
    same(&token.store.snapshot(), &before, &format!("{refused}: nothing may change"));
}

/// Something wrong with a call.
pub(crate) struct Fault<R> {
    /// What the refusal's text says of it.
    pub(crate) words: &'static str,
    pub(crate) status: Status,
    /// Whether SessionKeyLimit leaves one operation too few.
    pub(crate) tight: bool,
    pub(crate) change: fn(&mut R),
}

pub(crate) fn fault<R>(status: Status, words: &'static str, change: fn(&mut R)) -> Fault<R> {
    Fault { words, status, tight: false, change }
}

pub(crate) fn tight<R>() -> Fault<R> {
    Fault { words: "SessionKeyLimit", status: Status::NotAllowed, tight: true, change: |_| {} }
}

/// Of any two things wrong with a call, the one that comes first in `faults` is told; each ends the session.
///
/// `build` makes the session, with one operation too few left if it is told so, and the right call. The faults are
/// made after the MAC, so that all of them after the MAC's check have to be made by `build` itself: `build` gets the
/// faults, and calls `change` of each before it computes the MAC.
pub(crate) fn in_order<R: Method>(faults: &[Fault<R>], build: impl Fn(bool, &[&Fault<R>]) -> (Open, R)) {
    for (at, first) in faults.iter().enumerate() {
        for second in &faults[at..] {
            let (open, request) = build(first.tight || second.tight, &[second, first]);
            open.aborts(&request, first.status, first.words);
        }
    }
}

/// Applies faults to a request.
pub(crate) fn apply<R>(request: &mut R, faults: &[&Fault<R>]) {
    for fault in faults {
        (fault.change)(request);
    }
}

/// A call needs exactly `cost` operations of the session key: with one less it ends the session.
pub(crate) fn costs<S>(
    cost: u16,
    prepare: impl Fn(&mut Issuing) -> S,
    act: impl Fn(&mut Issuing, S) -> Result<(), Refused>,
) {
    let mut roomy = Open::new();
    prepare(&mut roomy);
    let spent = roomy.stored().unwrap().session_key_uses;

    let mut exact = Open::limited(spent + cost);
    let prepared = prepare(&mut exact);
    act(&mut exact, prepared).unwrap_or_else(|refused| panic!("{cost} operations are enough: {refused}"));
    if let Some(session) = exact.stored() {
        assert_eq!(session.session_key_uses, spent + cost, "it costs {cost}");
    }

    if cost > 0 {
        let mut short = Open::limited(spent + cost - 1);
        let prepared = prepare(&mut short);
        let refused = act(&mut short, prepared).unwrap_err();
        expect(&refused, Status::NotAllowed, "SessionKeyLimit");
        same(&world(&short.token), &short.before, "the session is gone");
    }
}

/// A closed session with one key.
pub(crate) fn closed_key(token: &Token, change: impl FnOnce(&mut create_key_pair::Request)) -> Made {
    let mut session = Issuing::create(token, |_| {});
    let key = session.key("Key.1", change);
    session.close();
    key
}

/// A closed updatable session with one updatable key, and its session key.
pub(crate) fn updatable_key(token: &Token) -> (Made, SessionKey) {
    let mut session = Issuing::create(token, |r| r.updatable = true);
    let key = session.key("Key.1", |r| r.updatable = true);
    session.close();
    (key, session.key)
}

/// A closed session with one key under a PIN and a PUK.
pub(crate) fn pin_key(
    token: &Token,
    policy: impl FnOnce(&mut create_pin_policy::Request),
    key: impl FnOnce(&mut create_key_pair::Request),
) -> KeyHandle {
    let mut session = Issuing::create(token, |_| {});
    let puk = session.puk("PUK.1", PUK, 3);
    let pin = session.pin("PIN.1", |r| {
        r.puk_policy_handle = puk;
        policy(r);
    });
    let made = session.key("Key.1", |r| {
        (r.pin_policy_handle, r.pin_value) = (pin, secret(PIN));
        key(r);
    });
    session.close();
    made.handle
}

/// A closed session with one key under a PIN without a PUK.
pub(crate) fn pin_only_key(token: &Token) -> KeyHandle {
    let mut session = Issuing::create(token, |_| {});
    let pin = session.pin("PIN.1", |_| {});
    let made = session.pin_key("Key.1", pin, PIN);
    session.close();
    made.handle
}

/// The PIN of [`pin_key`].
pub(crate) const PIN: &str = "1563";
/// The PUK of [`pin_key`].
pub(crate) const PUK: &str = "17644";

/// A hash to be signed.
pub(crate) const HASH: [u8; 32] = [0x5A; 32];

pub(crate) fn sign(key_handle: KeyHandle, pin: &str) -> sign_hashed_data::Request {
    sign_hashed_data::Request {
        key_handle,
        signature_algorithm: Algorithm::EcdsaSha256.uri().into(),
        pin: secret(pin),
        hashed_data: HASH.to_vec(),
    }
}

pub(crate) fn verify(key_handle: KeyHandle, pin: &str) -> verify_pin::Request {
    verify_pin::Request { key_handle, pin: secret(pin) }
}

pub(crate) fn unlock(key_handle: KeyHandle, puk: &str) -> unlock_key::Request {
    unlock_key::Request { key_handle, authorization: secret(puk) }
}

pub(crate) fn change(key_handle: KeyHandle, pin: &str, new_pin: &str) -> change_pin::Request {
    change_pin::Request { key_handle, pin: secret(pin), new_pin: secret(new_pin) }
}

pub(crate) fn set(key_handle: KeyHandle, puk: &str, new_pin: &str) -> set_pin::Request {
    set_pin::Request { key_handle, puk: secret(puk), new_pin: secret(new_pin) }
}

pub(crate) fn delete(key_handle: KeyHandle, authorization: &str) -> delete_key::Request {
    delete_key::Request { key_handle, optional_authorization: secret(authorization) }
}

pub(crate) fn export(key_handle: KeyHandle, authorization: &str) -> export_key::Request {
    export_key::Request { key_handle, optional_authorization: secret(authorization) }
}

pub(crate) fn info(token: &Token, key_handle: KeyHandle) -> get_key_protection_info::Response {
    token.call(&get_key_protection_info::Request { key_handle }).unwrap()
}

/// PINErrorCount and PUKErrorCount.
pub(crate) fn errors(token: &Token, key_handle: KeyHandle) -> (u8, u8) {
    let info = info(token, key_handle);
    (info.pin_error_count, info.puk_error_count)
}

pub(crate) fn group(token: &Token, key_handle: KeyHandle) -> get_key_group::Response {
    token.call(&get_key_group::Request { key_handle }).unwrap()
}

pub(crate) fn attributes(token: &Token, key_handle: KeyHandle) -> get_key_attributes::Response {
    token.call(&get_key_attributes::Request { key_handle }).unwrap()
}

pub(crate) fn extension_of(key_handle: KeyHandle, extension_type: &str) -> get_extension_object::Request {
    get_extension_object::Request { key_handle, extension_type: extension_type.as_bytes().to_vec() }
}

/// All keys, as enumerateKeys tells them.
pub(crate) fn keys(token: &Token) -> Vec<(u32, enumerate_keys::Key)> {
    let mut found = Vec::new();
    let mut at = NO_HANDLE;
    while let Enumerated::Next { handle, item } =
        token.call(&enumerate_keys::Request { key_handle: KeyHandle(at) }).unwrap().next
    {
        at = handle;
        found.push((handle, item));
    }
    found
}

/// The change count.
pub(crate) fn changes(token: &Token) -> u32 {
    token.call(&sks_wire::method::get_change_count::Request {}).unwrap().count
}
