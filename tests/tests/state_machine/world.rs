//! A token, an issuer that keeps its side of every session, and the model that both are held to.

use std::collections::{BTreeMap, BTreeSet};

use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::crypto::{EphemeralKey, SessionKey};
use sks_tests::{Token, golden};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::*;
use sks_wire::types::{
    Blob, Choice, Code, Enumerated, Grouping, Id, KeyAlgorithm, KeyHandle, KeyUsage, NO_HANDLE, Octet, PinPolicyHandle,
    ProvisioningHandle, PukPolicyHandle, protection,
};
use sks_wire::{Secret, Status};

use crate::model::{Group, Key, Model, Outcome, PIN_LIMIT, PUK_LIMIT, PinPolicy, PukPolicy, Session};
use crate::op::Op;

const ISSUER: &str = "https://issuer.example";
const PINS: [&str; 3] = ["1563", "2674", "3785"];
const PUK: &str = "17644";

/// The issuer's side of a session.
struct Peer {
    key: SessionKey,
    counter: u16,
    client_session_id: Id,
    server_session_id: Id,
}

/// What the issuer keeps of a key.
struct Made {
    public_key: Vec<u8>,
    certificate: Vec<u8>,
}

pub(crate) struct World {
    pub token: Token,
    /// MACed calls that were accepted, and the session that each named.
    pub recorded: Vec<(u32, Vec<u8>)>,
    model: Model,
    peers: BTreeMap<u32, Peer>,
    made: BTreeMap<u32, Made>,
    ca: Ca,
}

fn secret(text: &str) -> Secret {
    Secret::from(text.as_bytes())
}

fn id(prefix: &str, name: u8) -> Id {
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
            Op::Create { updatable, limit } => self.create(updatable, limit),
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
            Op::Restart => self.token = self.token.restarted(),
        }
    }

    /// Mostly an open session, made for the purpose if there is none.
    fn session(&mut self, selector: u8) -> u32 {
        if selector < FITTING && handles(&self.model.sessions, |s| s.open).is_empty() {
            self.create(true, 200);
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
        self.create(true, 200);
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
    fn expect<M: Method>(&mut self, request: &M, expected: Outcome) -> Option<M::Response> {
        let answer = self.token.call(request);
        let text = answer.as_ref().err().map(|refused| refused.text.clone());
        let outcome = answer.as_ref().map(|_| ()).map_err(|refused| refused.status);
        assert_eq!(outcome, expected, "{}: {text:?}", M::ID.name());
        answer.ok()
    }

    /// As [`World::expect`] for an operation in a session: a refusal ends the session.
    fn operate<M: Method>(&mut self, session: u32, request: &M, expected: Outcome) -> Option<M::Response> {
        let answer = self.expect(request, expected);
        if expected.is_err() && self.model.sessions.get(&session).is_some_and(|s| s.open) {
            self.model.abort(session);
        }
        answer
    }

    /// As [`World::operate`] for an operation with a MAC.
    fn operate_with_mac<M: Method>(&mut self, session: u32, request: &M, expected: Outcome) {
        if self.operate(session, request, expected).is_some() {
            self.peers.get_mut(&session).unwrap().counter += 1;
            self.recorded.push((session, encode_request(request).to_vec()));
        }
    }

    /// The MAC that the issuer of the session makes; any bytes for a session that there is not.
    fn mac(&self, session: u32, id: MethodId, data: &[&[u8]], wrong: bool) -> [u8; 32] {
        let mut mac = self.peers.get(&session).map_or([0; 32], |peer| peer.key.mac(id, peer.counter, data));
        mac[31] ^= u8::from(wrong);
        mac
    }

    fn create(&mut self, updatable: bool, limit: u16) {
        let ephemeral = EphemeralKey::generate().unwrap();
        let request = create_provisioning_session::Request {
            session_key_algorithm: Algorithm::Sk1.uri().into(),
            server_session_id: id("S", u8::try_from(self.peers.len() % 250).unwrap()),
            server_ephemeral_key: ephemeral.public_der().to_vec(),
            issuer_uri: ISSUER.into(),
            updatable,
            client_time: [0; 8],
            session_life_time: 1000,
            session_key_limit: limit,
        };
        let answer = self.expect(&request, Ok(())).unwrap();
        let info = create_provisioning_session::other_info(
            ISSUER,
            &golden("device_certificate"),
            &answer.client_session_id,
            &request.server_session_id,
        );
        let key = SessionKey::derive(&ephemeral.agree(&answer.client_ephemeral_key).unwrap(), &info);
        let peer = Peer {
            key,
            counter: 0,
            client_session_id: answer.client_session_id,
            server_session_id: request.server_session_id,
        };
        let handle = answer.provisioning_handle.0;
        assert!(self.peers.insert(handle, peer).is_none(), "a handle was used again");
        self.model.sessions.insert(handle, Session { open: true, updatable, limit, ..Session::default() });
    }

    fn puk(&mut self, session: u32, name: u8) {
        let puk_value = self.peers.get(&session).map_or(Vec::new(), |p| p.key.encrypt(PUK.as_bytes()).unwrap());
        let request = create_puk_policy::Request {
            provisioning_handle: ProvisioningHandle(session),
            id: id("PUK", name),
            puk_value: puk_value.into(),
            format: Code::raw(0),
            retry_limit: PUK_LIMIT,
        };
        let expected =
            self.model.open(session).and_then(|s| if s.puk_names.insert(name) { Ok(()) } else { Err(Status::Option) });
        let expected = expected.and_then(|()| self.model.charge(session, 1));
        if let Some(answer) = self.operate(session, &request, expected) {
            let made = self.model.puks.insert(answer.puk_policy_handle.0, PukPolicy { session, errors: 0 });
            assert!(made.is_none());
        }
    }

    fn pin(&mut self, session: u32, name: u8, puk: u32, grouping: u8) {
        let grouping = Grouping::from_value(grouping).unwrap();
        let request = create_pin_policy::Request {
            provisioning_handle: ProvisioningHandle(session),
            id: id("PIN", name),
            puk_policy_handle: PukPolicyHandle(puk),
            user_defined: true,
            user_modifiable: true,
            format: Code::raw(0),
            retry_limit: Octet(PIN_LIMIT),
            grouping: grouping.into(),
            pattern_restrictions: Octet(0),
            min_length: Octet(4),
            max_length: Octet(8),
            input_method: Code::raw(0),
        };
        let known = puk == 0 || self.model.puks.get(&puk).is_some_and(|p| p.session == session);
        let expected = self
            .model
            .open(session)
            .and_then(|s| if s.pin_names.insert(name) && known { Ok(()) } else { Err(Status::Option) });
        if let Some(answer) = self.operate(session, &request, expected) {
            let policy = PinPolicy { session, puk: (puk != 0).then_some(puk), grouping };
            assert!(self.model.pins.insert(answer.pin_policy_handle.0, policy).is_none());
        }
    }

    fn key(&mut self, session: u32, name: u8, policy: u32, pin: u8, signature: bool, updatable: bool) {
        let request = create_key_pair::Request {
            provisioning_handle: ProvisioningHandle(session),
            attestation_algorithm: Algorithm::Ka1.uri().into(),
            issuer_seed: [name; 32],
            id: id("Key", name),
            pin_policy_handle: PinPolicyHandle(policy),
            pin_value: if policy == 0 { Secret::default() } else { secret(PINS[usize::from(pin)]) },
            biometric_protection: Code::raw(0),
            private_key_backup: false,
            export_policy: Code::raw(0),
            updatable,
            delete_policy: Code::raw(0),
            enable_pin_caching: false,
            import_private_key: false,
            key_usage: if signature { KeyUsage::Signature } else { KeyUsage::Universal }.into(),
            friendly_name: "".into(),
            key_algorithm: KeyAlgorithm::Ecc { curve: Algorithm::P256.uri().into() },
        };
        let expected = self.expect_key(session, name, policy, pin, signature);
        let joined = *expected.as_ref().unwrap_or(&None);
        if let Some(answer) = self.operate(session, &request, expected.map(|_| ())) {
            let handle = answer.private_key_and_handle.key_handle.0;
            let group = (policy != 0).then(|| joined.unwrap_or(handle));
            if let (Some(number), None) = (group, joined) {
                let half = signature && self.model.pins[&policy].grouping == Grouping::SignatureStandard;
                self.model.groups.insert(number, Group { policy, signature: half, pin, errors: 0 });
            }
            let key = Key {
                session,
                name,
                provisioned: false,
                certified: false,
                group,
                extensions: [].into(),
                updatable,
                replaces: false,
            };
            assert!(self.model.keys.insert(handle, key).is_none());
            let leaf = Leaf::new(Subject::common_name(&format!("Key {handle}")).unwrap(), KeyUsage::Universal);
            let certificate = self.ca.issue(&answer.generated_public_key, &leaf).unwrap();
            self.made.insert(handle, Made { public_key: answer.generated_public_key, certificate });
        }
    }

    fn expect_key(&mut self, session: u32, name: u8, policy: u32, pin: u8, sign: bool) -> Result<Option<u32>, Status> {
        let fresh = self.model.open(session)?.key_names.insert(name);
        let known = policy == 0 || self.model.pins.get(&policy).is_some_and(|p| p.session == session);
        if !(fresh && known) {
            return Err(Status::Option);
        }
        self.model.charge(session, 1)?;
        if policy == 0 { Ok(None) } else { self.model.grouping(policy, sign, None, pin) }
    }

    fn certify(&mut self, session: u32, key: u32, wrong: bool) {
        let empty = Made { public_key: Vec::new(), certificate: vec![0x30] };
        let made = self.made.get(&key).unwrap_or(&empty);
        let name = id("Key", self.model.keys.get(&key).map_or(0, |k| k.name));
        let path = vec![made.certificate.clone()];
        let data = set_certificate_path::mac_data(&made.public_key, &name, &path);
        let mac = self.mac(session, MethodId::SetCertificatePath, &data, wrong);
        let request = set_certificate_path::Request {
            provisioning_handle: ProvisioningHandle(session),
            key_handle: KeyHandle(key),
            x509_certificate: path.clone().into(),
            mac,
        };
        let expected = self.expect_certify(session, key, wrong);
        self.operate_with_mac(session, &request, expected);
    }

    fn expect_certify(&mut self, session: u32, key: u32, wrong: bool) -> Outcome {
        self.model.open(session)?;
        if self.model.own_key(session, key)?.certified {
            return Err(Status::NotAllowed);
        }
        self.model.charge(session, 1)?;
        if wrong {
            return Err(Status::Mac);
        }
        self.model.own_key(session, key)?.certified = true;
        Ok(())
    }

    fn extend(&mut self, session: u32, key: u32, kind: u8, wrong: bool) {
        let certificate = self.made.get(&key).map_or(&[][..], |made| &made.certificate);
        let uri = format!("urn:test:{kind}");
        let content = [kind];
        let data = add_extension_data::mac_data(certificate, &[0], &[], &content, uri.as_bytes());
        let mac = self.mac(session, MethodId::AddExtensionData, &data, wrong);
        let request = add_extension_data::Request {
            provisioning_handle: ProvisioningHandle(session),
            key_handle: KeyHandle(key),
            base_type: Code::raw(0),
            qualifier: Vec::new(),
            extension_data: Blob(Secret::new(vec![kind])),
            extension_type: uri.as_str().into(),
            mac,
        };
        let expected = self.expect_extend(session, key, kind, wrong);
        self.operate_with_mac(session, &request, expected);
    }

    fn expect_extend(&mut self, session: u32, key: u32, kind: u8, wrong: bool) -> Outcome {
        self.model.open(session)?;
        let entry = self.model.own_key(session, key)?;
        if !entry.certified {
            return Err(Status::NotAllowed);
        }
        if entry.extensions.contains(&kind) {
            return Err(Status::Option);
        }
        self.model.charge(session, 1)?;
        if wrong {
            return Err(Status::Mac);
        }
        self.model.own_key(session, key)?.extensions.insert(kind);
        Ok(())
    }

    fn external(&mut self, session: u32) {
        let request = sign_provisioning_session_data::Request {
            provisioning_handle: ProvisioningHandle(session),
            data: b"Hello SKS".to_vec(),
        };
        let expected = self.model.charge(session, 1);
        if let Some(answer) = self.operate(session, &request, expected) {
            assert_eq!(answer.result, self.peers[&session].key.external_signature(b"Hello SKS"));
        }
    }

    fn close(&mut self, session: u32, wrong: bool) {
        let ids = self.peers.get(&session).map(|p| (p.client_session_id.clone(), p.server_session_id.clone()));
        let (client, server) = ids.unwrap_or((id("C", 0), id("S", 0)));
        let data = close_provisioning_session::mac_data(&client, &server, ISSUER);
        let mac = self.mac(session, MethodId::CloseProvisioningSession, &data, wrong);
        let request = close_provisioning_session::Request { provisioning_handle: ProvisioningHandle(session), mac };
        let expected = self
            .model
            .charge(session, 2)
            .and_then(|()| if wrong { Err(Status::Mac) } else { self.model.close(session) });
        if let Some(answer) = self.operate(session, &request, expected) {
            let peer = &self.peers[&session];
            let data: [&[u8]; 2] = [b"Success", &(peer.counter + 1).to_be_bytes()];
            assert_eq!(answer.attested_response, peer.key.attestation(&data));
            self.recorded.push((session, encode_request(&request).to_vec()));
        }
    }

    fn abort(&mut self, session: u32) {
        let request = abort_provisioning_session::Request { provisioning_handle: ProvisioningHandle(session) };
        let expected = self.model.open(session).map(|_| ());
        if self.expect(&request, expected).is_some() {
            self.model.abort(session);
        }
    }

    fn post(&mut self, session: u32, new: Option<u32>, target: u32, wrong: bool) {
        let expected = self.expect_post(session, new, target, wrong);
        // An update leaves the new key's certificate under the old handle; `adopt` keeps `made` in step.
        let certificate = |key: u32| self.made.get(&key).map_or(&[][..], |made| &made.certificate);
        let owner = self.model.keys.get(&target).map_or(0, |k| k.session);
        let inner = self.peers.get(&owner).map_or([0; 32], |p| p.key.proof_of_issuance(certificate(target)));
        let handle = ProvisioningHandle(session);
        match new {
            None => {
                let data = post_provisioning_delete_key::mac_data(&inner);
                let mac = self.mac(session, MethodId::PostProvisioningDeleteKey, &data, wrong);
                let key_handle = KeyHandle(target);
                let request = post_provisioning_delete_key::Request { provisioning_handle: handle, key_handle, mac };
                self.operate_with_mac(session, &request, expected);
            }
            Some(new) => {
                let data = post_provisioning_update_key::mac_data(&inner, certificate(new));
                let mac = self.mac(session, MethodId::PostProvisioningUpdateKey, &data, wrong);
                let request = post_provisioning_update_key::Request {
                    provisioning_handle: handle,
                    key_handle: KeyHandle(new),
                    key_handle_original: KeyHandle(target),
                    mac,
                };
                self.operate_with_mac(session, &request, expected);
            }
        }
    }

    fn expect_post(&mut self, session: u32, new: Option<u32>, target: u32, wrong: bool) -> Outcome {
        self.model.open(session)?;
        let fresh = match new {
            Some(new) => Some(self.model.own_key(session, new)?.clone()),
            None => None,
        };
        let key = self.model.user_key(target)?.clone();
        let owner = self.model.sessions[&key.session].clone();
        let scheduled = self.model.sessions[&session].pending.contains_key(&target);
        let unfit = fresh.as_ref().is_some_and(|new| new.replaces || new.group.is_some() || !new.certified);
        if !(key.updatable && owner.updatable) || scheduled || unfit || owner.uses >= owner.limit {
            return Err(Status::NotAllowed);
        }
        self.model.charge(session, 1)?;
        self.model.sessions.get_mut(&key.session).unwrap().uses += 1;
        if wrong {
            return Err(Status::Mac);
        }
        if let Some(new) = new {
            self.model.own_key(session, new)?.replaces = true;
        }
        self.model.sessions.get_mut(&session).unwrap().pending.insert(target, (key.session, new));
        Ok(())
    }

    fn use_key(&mut self, key: u32, pin: u8) {
        let protected = self.model.user_key(key).map(|k| k.group);
        let request = sign_hashed_data::Request {
            key_handle: KeyHandle(key),
            signature_algorithm: Algorithm::EcdsaSha256.uri().into(),
            pin: if let Ok(Some(_)) = protected { secret(PINS[usize::from(pin)]) } else { Secret::default() },
            hashed_data: vec![7; 32],
        };
        let expected = protected.and_then(|group| match group {
            Some(group) => self.model.check_pin(group, pin),
            None => Ok(()),
        });
        self.expect(&request, expected);
    }

    fn unlock(&mut self, key: u32, right: bool) {
        let authorization = secret(if right { PUK } else { "99999" });
        let request = unlock_key::Request { key_handle: KeyHandle(key), authorization };
        let expected = self.model.protected(key).and_then(|group| {
            let puk = self.model.puk_of(group)?;
            self.model.check_puk(puk, right)?;
            self.model.groups.get_mut(&group).unwrap().errors = 0;
            Ok(())
        });
        self.expect(&request, expected);
    }

    fn change_pin(&mut self, key: u32, old: u8, new: u8) {
        let [pin, new_pin] = [old, new].map(|pin| secret(PINS[usize::from(pin)]));
        let request = change_pin::Request { key_handle: KeyHandle(key), pin, new_pin };
        let expected = self.model.protected(key).and_then(|group| {
            self.model.check_pin(group, old)?;
            self.new_pin(group, new)
        });
        self.expect(&request, expected);
    }

    fn set_pin(&mut self, key: u32, right: bool, new: u8) {
        let puk = secret(if right { PUK } else { "99999" });
        let new_pin = secret(PINS[usize::from(new)]);
        let request = set_pin::Request { key_handle: KeyHandle(key), puk, new_pin };
        let expected = self.model.protected(key).and_then(|group| {
            let puk = self.model.puk_of(group)?;
            self.model.check_puk(puk, right)?;
            self.new_pin(group, new)
        });
        self.expect(&request, expected);
    }

    fn new_pin(&mut self, number: u32, pin: u8) -> Outcome {
        let Group { policy, signature, .. } = self.model.groups[&number];
        self.model.grouping(policy, signature, Some(number), pin)?;
        let group = self.model.groups.get_mut(&number).unwrap();
        (group.pin, group.errors) = (pin, 0);
        Ok(())
    }

    fn delete(&mut self, key: u32) {
        let request = delete_key::Request { key_handle: KeyHandle(key), optional_authorization: Secret::default() };
        let expected = self.model.user_key(key).map(|_| ());
        if self.expect(&request, expected).is_some() {
            self.model.remove_key(key);
        }
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
        assert_eq!(sessions, self.model.sessions.iter().map(|(handle, s)| (*handle, s.open)).collect());
        let mut keys = Vec::new();
        let mut handle = NO_HANDLE;
        loop {
            let Enumerated::Next { handle: next, item } =
                self.token.call(&enumerate_keys::Request { key_handle: KeyHandle(handle) }).unwrap().next
            else {
                break;
            };
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
        let expected = self.model.keys.iter();
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
