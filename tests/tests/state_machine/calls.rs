//! The calls themselves: what the issuer or the user sends, and what the model expects of it.

use sks_issuer::ca::{Leaf, Subject};
use sks_issuer::crypto::{EphemeralKey, SessionKey};
use sks_tests::golden;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::*;
use sks_wire::types::{
    Blob, Choice, Code, Grouping, KeyAlgorithm, KeyHandle, KeyUsage, Octet, PinPolicyHandle, ProvisioningHandle,
    PukPolicyHandle,
};
use sks_wire::{Secret, Status};

use crate::model::{Group, Key, Outcome, PIN_LIMIT, PUK_LIMIT, PinPolicy, PukPolicy, Session};
use crate::world::{Made, Peer, World, id};

const ISSUER: &str = "https://issuer.example";
const PINS: [&str; 3] = ["1563", "2674", "3785"];
const PUK: &str = "17644";

fn secret(text: &str) -> Secret {
    Secret::from(text.as_bytes())
}

impl World {
    pub(super) fn create(&mut self, updatable: bool, volatile: bool, limit: u16) {
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
        let answer = match volatile {
            true => self.expect(&create_volatile_session::Request(request.clone()), Ok(())).unwrap().0,
            false => self.expect(&request, Ok(())).unwrap(),
        };
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
        self.model.sessions.insert(handle, Session { open: true, volatile, updatable, limit, ..Session::default() });
    }

    pub(super) fn puk(&mut self, session: u32, name: u8) {
        let puk_value = self.peers.get(&session).map_or(Vec::new(), |p| p.key.encrypt(PUK.as_bytes()).unwrap());
        let request = create_puk_policy::Request {
            provisioning_handle: ProvisioningHandle(session),
            id: id("PUK", name),
            puk_value,
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

    pub(super) fn pin(&mut self, session: u32, name: u8, puk: u32, grouping: u8) {
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

    pub(super) fn key(&mut self, session: u32, name: u8, policy: u32, pin: u8, signature: bool, updatable: bool) {
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

    pub(super) fn certify(&mut self, session: u32, key: u32, wrong: bool) {
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

    pub(super) fn extend(&mut self, session: u32, key: u32, kind: u8, wrong: bool) {
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

    pub(super) fn external(&mut self, session: u32) {
        let request = sign_provisioning_session_data::Request {
            provisioning_handle: ProvisioningHandle(session),
            data: b"Hello SKS".to_vec(),
        };
        let expected = self.model.charge(session, 1);
        if let Some(answer) = self.operate(session, &request, expected) {
            assert_eq!(answer.result, self.peers[&session].key.external_signature(b"Hello SKS"));
        }
    }

    pub(super) fn close(&mut self, session: u32, wrong: bool) {
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
            // Updates have put other certificates under old handles.
            self.compare();
        }
    }

    pub(super) fn abort(&mut self, session: u32) {
        let request = abort_provisioning_session::Request { provisioning_handle: ProvisioningHandle(session) };
        let expected = self.model.open(session).map(|_| ());
        if self.expect(&request, expected).is_some() {
            self.model.abort(session);
        }
    }

    pub(super) fn post(&mut self, session: u32, new: Option<u32>, target: u32, wrong: bool) {
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
        if self.model.sessions[&session].volatile {
            return Err(Status::NotAllowed);
        }
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

    pub(super) fn use_key(&mut self, key: u32, pin: u8) {
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

    pub(super) fn unlock(&mut self, key: u32, right: bool) {
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

    pub(super) fn change_pin(&mut self, key: u32, old: u8, new: u8) {
        let [pin, new_pin] = [old, new].map(|pin| secret(PINS[usize::from(pin)]));
        let request = change_pin::Request { key_handle: KeyHandle(key), pin, new_pin };
        let expected = self.model.protected(key).and_then(|group| {
            self.model.check_pin(group, old)?;
            self.new_pin(group, new)
        });
        self.expect(&request, expected);
    }

    pub(super) fn set_pin(&mut self, key: u32, right: bool, new: u8) {
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

    pub(super) fn delete(&mut self, key: u32) {
        let request = delete_key::Request { key_handle: KeyHandle(key), optional_authorization: Secret::default() };
        let expected = self.model.user_key(key).map(|_| ());
        if self.expect(&request, expected).is_some() {
            self.model.remove_key(key);
        }
    }
}
