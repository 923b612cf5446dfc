//! A token, an issuer that keeps its side of every session, and the model that both are held to.

use std::collections::{BTreeMap, BTreeSet};

use sks_issuer::ca::{Ca, Subject};
use sks_issuer::crypto::SessionKey;
use sks_tests::Token;
use sks_wire::Status;
use sks_wire::method::*;
use sks_wire::types::{Enumerated, Grouping, Id, KeyHandle, NO_HANDLE, ProvisioningHandle, protection};

use crate::model::{Key, Model, Outcome, PIN_LIMIT, PUK_LIMIT};
use crate::op::Op;

/// The issuer's side of a session.
pub(crate) struct Peer {
    pub(crate) key: SessionKey,
    pub(crate) counter: u16,
    pub(crate) client_session_id: Id,
    pub(crate) server_session_id: Id,
}

/// What the issuer keeps of a key.
pub(crate) struct Made {
    pub(crate) public_key: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
}

pub(crate) struct World {
    pub token: Token,
    /// MACed calls that were accepted, and the session that each named.
    pub recorded: Vec<(u32, Vec<u8>)>,
    pub(crate) model: Model,
    pub(crate) peers: BTreeMap<u32, Peer>,
    pub(crate) made: BTreeMap<u32, Made>,
    pub(crate) ca: Ca,
}

pub(crate) fn id(prefix: &str, name: u8) -> Id {
    Id::new(&format!("{prefix}.{name}")).unwrap()
}

/// A handle that is never given.
const NOTHING: u32 = 0xFFFF_0000;

/// Selectors below this pick what fits.
const FITTING: u8 = 245;

/// One of `fitting`, the newest first; other selectors, or without any that fits, pick one of `all`.
fn choose(fitting: Vec<u32>, all: Vec<u32>, selector: u8) -> u32 {
    let from = if selector < FITTING && !fitting.is_empty() { fitting } else { all };
    let index = usize::from(selector) % from.len().max(1);
    from.into_iter().rev().nth(index).unwrap_or(NOTHING)
}

/// The handles of the objects that fit.
fn handles<T>(objects: &BTreeMap<u32, T>, fits: impl Fn(&T) -> bool) -> Vec<u32> {
    objects.iter().filter(|(_, object)| fits(object)).map(|(handle, _)| *handle).collect()
}

/// A name that the session has not used, or, from 250 on, perhaps one that it has.
fn name(used: Option<&BTreeSet<u8>>, selector: u8) -> u8 {
    let fresh = (0..240).find(|name| used.is_none_or(|used| !used.contains(name)));
    if selector < 250 { fresh.unwrap_or(0) } else { selector - 250 }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            token: Token::default(),
            recorded: Vec::new(),
            model: Model::default(),
            peers: BTreeMap::new(),
            made: BTreeMap::new(),
            ca: Ca::create(&Subject::common_name("Test CA").unwrap(), 10).unwrap(),
        }
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        match *op {
            Op::Create { updatable, volatile, limit } => self.create(updatable, volatile, limit),
            Op::Puk { session, name: selector } => {
                let session = self.session(session);
                self.puk(session, name(self.model.sessions.get(&session).map(|s| &s.puk_names), selector));
            }
            Op::Pin { session, name: selector, puk, grouping } => {
                let session = self.session(session);
                let own = handles(&self.model.puks, |p| p.session == session);
                let puk = puk.map_or(0, |puk| choose(own, handles(&self.model.puks, |_| true), puk));
                let name = name(self.model.sessions.get(&session).map(|s| &s.pin_names), selector);
                self.pin(session, name, if puk == NOTHING { 0 } else { puk }, grouping);
            }
            Op::Key { session, name: selector, policy, pin, signature, updatable } => {
                let session = self.session(session);
                let own = handles(&self.model.pins, |p| p.session == session);
                let policy = policy.map_or(0, |policy| choose(own, Vec::new(), policy));
                let name = name(self.model.sessions.get(&session).map(|s| &s.key_names), selector);
                self.key(session, name, if policy == NOTHING { 0 } else { policy }, pin, signature, updatable);
            }
            Op::Certify { session, key, wrong } => {
                let session = self.session(session);
                self.certify(session, self.own(key, |k| k.session == session && !k.certified), wrong);
            }
            Op::Extend { session, key, kind, wrong } => {
                let session = self.session(session);
                let fits = |k: &Key| k.session == session && k.certified && !k.extensions.contains(&kind);
                self.extend(session, self.own(key, fits), kind, wrong);
            }
            Op::External { session } => {
                let session = self.session(session);
                self.external(session);
            }
            Op::Close { session, wrong } => {
                let session = self.session(session);
                self.close(session, wrong);
            }
            Op::Finish { session } => {
                let session = self.session(session);
                self.finish(session);
            }
            Op::Abort { session } => {
                let session = self.session(session);
                self.abort(session);
            }
            Op::PostDelete { session, target, wrong } => {
                let (target, session) = (self.target(target), self.session(session));
                self.post(session, None, target, wrong);
            }
            Op::PostUpdate { session, new, target, wrong } => {
                let (target, session) = (self.target(target), self.session(session));
                if new < FITTING && new % 2 == 0 && target != NOTHING {
                    self.fresh_key(session);
                }
                let fits = |k: &Key| k.session == session && k.certified && k.group.is_none() && !k.replaces;
                self.post(session, Some(self.own(new, fits)), target, wrong);
            }
            Op::Use { key, pin } => {
                let key = self.user(key);
                self.use_key(key, pin);
            }
            Op::Unlock { key, right } => {
                let key = self.user(key);
                self.unlock(key, right);
            }
            Op::ChangePin { key, old, new } => {
                let key = self.user(key);
                self.change_pin(key, old, new);
            }
            Op::SetPin { key, right, new } => {
                let key = self.user(key);
                self.set_pin(key, right, new);
            }
            Op::Delete { key } => {
                let key = self.user(key);
                self.delete(key);
            }
            Op::Restart => {
                self.token = self.token.restarted();
                self.model.restart();
            }
        }
    }

    /// Mostly an open session, made for the purpose if there is none.
    fn session(&mut self, selector: u8) -> u32 {
        if selector < FITTING && handles(&self.model.sessions, |s| s.open).is_empty() {
            self.create(true, false, 200);
        }
        choose(handles(&self.model.sessions, |s| s.open), handles(&self.peers, |_| true), selector)
    }

    /// Mostly a key of the session that fits.
    fn own(&self, selector: u8, fits: impl Fn(&Key) -> bool) -> u32 {
        choose(handles(&self.model.keys, fits), handles(&self.made, |_| true), selector)
    }

    /// Mostly a key that may be updated.
    fn target(&mut self, selector: u8) -> u32 {
        let updatable = |world: &Self, owner: u32| world.model.sessions.get(&owner).is_some_and(|s| s.updatable);
        self.stock(selector);
        self.own(selector, |k| k.provisioned && k.updatable && updatable(self, k.session))
    }

    /// Mostly a key that is ready for use.
    fn user(&mut self, selector: u8) -> u32 {
        self.stock(selector);
        self.own(selector, |k| k.provisioned)
    }

    /// Provisions a family of keys if there is none: two under one PIN policy with a PUK, one without a PIN.
    fn stock(&mut self, selector: u8) {
        if selector >= FITTING || self.model.keys.values().any(|k| k.provisioned) {
            return;
        }
        self.create(true, false, 200);
        let session = *self.model.sessions.keys().next_back().unwrap();
        self.puk(session, 0);
        let puk = *self.model.puks.keys().next_back().unwrap();
        self.pin(session, 0, puk, selector % 4);
        let policy = *self.model.pins.keys().next_back().unwrap();
        self.key(session, 0, policy, 0, false, true);
        let pin = u8::from(self.model.pins[&policy].grouping == Grouping::Unique);
        self.key(session, 1, policy, pin, false, true);
        self.key(session, 2, 0, 0, false, true);
        self.finish(session);
    }

    /// A certified key without a PIN, if the session can make one more.
    fn fresh_key(&mut self, session: u32) {
        let names = self.model.sessions.get(&session).filter(|s| s.open).map(|s| &s.key_names);
        if names.is_some() {
            self.key(session, name(names, 0), 0, 0, false, true);
            if let Some(key) = handles(&self.model.keys, |k| k.session == session && !k.certified).last() {
                self.certify(session, *key, false);
            }
        }
    }

    fn finish(&mut self, session: u32) {
        for key in handles(&self.model.keys, |k| k.session == session && !k.certified) {
            self.certify(session, key, false);
        }
        self.close(session, false);
    }

    /// Makes a call that the model has an opinion on.
    pub(crate) fn expect<M: Method>(&mut self, request: &M, expected: Outcome) -> Option<M::Response> {
        let answer = self.token.call(request);
        let text = answer.as_ref().err().map(|refused| refused.text.clone());
        let outcome = answer.as_ref().map(|_| ()).map_err(|refused| refused.status);
        assert_eq!(outcome, expected, "{}: {text:?}", M::ID.name());
        answer.ok()
    }

    /// As [`World::expect`] for an operation in a session: a refusal ends the session.
    pub(crate) fn operate<M: Method>(&mut self, session: u32, request: &M, expected: Outcome) -> Option<M::Response> {
        let answer = self.expect(request, expected);
        if expected.is_err() && self.model.sessions.get(&session).is_some_and(|s| s.open) {
            self.model.abort(session);
        }
        answer
    }

    /// As [`World::operate`] for an operation with a MAC.
    pub(crate) fn operate_with_mac<M: Method>(&mut self, session: u32, request: &M, expected: Outcome) {
        if self.operate(session, request, expected).is_some() {
            self.peers.get_mut(&session).unwrap().counter += 1;
            self.recorded.push((session, encode_request(request).to_vec()));
        }
    }

    /// The MAC that the issuer of the session makes; any bytes for a session that there is not.
    pub(crate) fn mac(&self, session: u32, id: MethodId, data: &[&[u8]], wrong: bool) -> [u8; 32] {
        let mut mac = self.peers.get(&session).map_or([0; 32], |peer| peer.key.mac(id, peer.counter, data));
        mac[31] ^= u8::from(wrong);
        mac
    }

    /// Aborts every open session.
    pub(crate) fn abort_all(&mut self) {
        let open: Vec<u32> = self.model.sessions.iter().filter(|(_, s)| s.open).map(|(handle, _)| *handle).collect();
        open.into_iter().for_each(|session| self.abort(session));
    }

    /// Sends an accepted call again; with `other`, with the handle of the newest session in its place.
    pub(crate) fn replay(&mut self, (session, call): &(u32, Vec<u8>), other: bool) {
        let mut call = call.clone();
        let mut named = *session;
        if other {
            named = self.session(0);
            call[1..5].copy_from_slice(&named.to_be_bytes());
        }
        let answer = self.token.device.call(&call);
        assert_ne!(answer[0], 0, "a replay was accepted");
        match self.model.open(named) {
            Ok(_) => self.model.abort(named),
            Err(status) => assert_eq!(answer[0], status.value()),
        }
    }

    /// Makes a call in the newest session, if it is open, that must be refused.
    pub(crate) fn provoke(&mut self, fault: u8) -> Option<Status> {
        let session = self.session(0);
        self.model.open(session).ok()?;
        let handle = session.to_be_bytes();
        let mut call = match fault {
            0 => vec![MethodId::CloseProvisioningSession.number()],
            1 => vec![MethodId::CreatePukPolicy.number()],
            2 => vec![MethodId::SetCertificatePath.number()],
            3 => vec![MethodId::SignProvisioningSessionData.number()],
            _ => vec![MethodId::PostProvisioningDeleteKey.number()],
        };
        call.extend(handle);
        match fault {
            // A wrong MAC; else a call that ends too early.
            0 => call.extend([[0, 32].as_slice(), &[0; 32]].concat()),
            _ => call.extend([0, 9]),
        }
        let answer = self.token.device.call(&call);
        self.model.abort(session);
        Status::from_value(answer[0])
    }

    /// What the token shows is what the model holds.
    pub(crate) fn compare(&mut self) {
        let mut sessions = BTreeMap::new();
        let mut handle = NO_HANDLE;
        loop {
            let request = enumerate_provisioning_sessions::Request { provisioning_handle: ProvisioningHandle(handle) };
            let Enumerated::Next { handle: next, item } = self.token.call(&request).unwrap().next else { break };
            sessions.insert(next, item.is_open);
            handle = next;
        }
        let seen = self.model.sessions.iter().filter(|(handle, _)| self.model.is_seen(**handle));
        assert_eq!(sessions, seen.map(|(handle, s)| (*handle, s.open)).collect());
        let mut keys = Vec::new();
        let mut handle = NO_HANDLE;
        while let Enumerated::Next { handle: next, item } =
            self.token.call(&enumerate_keys::Request { key_handle: KeyHandle(handle) }).unwrap().next
        {
            self.adopt(next, &item);
            keys.push((
                next,
                item.provisioning_handle.0,
                item.id,
                !item.x509_certificate.0.is_empty(),
                item.extension_type.0.len(),
            ));
            handle = next;
        }
        let expected = self.model.keys.iter().filter(|(_, k)| self.model.is_seen(k.session));
        let expected = expected.map(|(h, k)| (*h, k.session, id("Key", k.name), k.provisioned, k.extensions.len()));
        assert_eq!(keys, expected.collect::<Vec<_>>());
        for (handle, key) in self.model.keys.iter().filter(|(_, k)| k.provisioned) {
            self.compare_protection(*handle, key);
        }
    }

    /// After an update the certificate under a handle is another one.
    fn adopt(&mut self, handle: u32, shown: &enumerate_keys::Key) {
        if let (Some(certificate), Some(made)) = (shown.x509_certificate.0.first(), self.made.get_mut(&handle)) {
            made.certificate.clone_from(certificate);
        }
    }

    fn compare_protection(&self, handle: u32, key: &Key) {
        let info = self.token.call(&get_key_protection_info::Request { key_handle: KeyHandle(handle) }).unwrap();
        let group = key.group.map(|number| &self.model.groups[&number]);
        let puk = group.and_then(|g| self.model.pins[&g.policy].puk).map(|puk| &self.model.puks[&puk]);
        let bits = [
            (group.is_some(), protection::PIN),
            (puk.is_some(), protection::PUK),
            (group.is_some_and(|g| g.errors >= PIN_LIMIT), protection::PIN_LOCKED),
            (puk.is_some_and(|p| p.errors >= PUK_LIMIT), protection::PUK_LOCKED),
        ];
        let status = bits.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum::<u8>();
        assert_eq!(info.protection_status, status);
        assert_eq!(
            (info.pin_error_count, info.puk_error_count),
            (group.map_or(0, |g| g.errors), puk.map_or(0, |p| p.errors))
        );
        let shared = self.token.call(&get_key_group::Request { key_handle: KeyHandle(handle) }).unwrap();
        let lowest =
            self.model.keys.iter().filter(|(_, k)| key.group.is_some() && k.group == key.group).map(|(h, _)| *h);
        assert_eq!(shared.pin_group.0, lowest.min().unwrap_or(0));
    }
}
