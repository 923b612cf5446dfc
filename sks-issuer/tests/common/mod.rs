//! The golden values, and a token that plays the device of theirs: honest unless told otherwise. It checks no MAC; it
//! keeps what it was sent.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::convert::Infallible;

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use sks_issuer::crypto::{EphemeralKey, SessionKey};
use sks_issuer::{SessionOptions, Transport, Trust};
use sks_wire::method::*;
use sks_wire::types::{
    BackupAndHandle, Choice, Format, Id, KeyHandle, PinPolicyHandle, ProvisioningHandle, PukPolicyHandle,
};
use sks_wire::{Refused, Request, Response, Secret, Status, label};
use zeroize::Zeroizing;

pub(crate) fn golden() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/sks-vectors.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A golden value that is text.
pub(crate) fn text(name: &str) -> String {
    golden()[name].as_str().unwrap().to_owned()
}

/// A golden value in hex.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    hex::decode(text(name)).unwrap()
}

pub(crate) fn array<const N: usize>(name: &str) -> [u8; N] {
    bytes(name).try_into().unwrap()
}

/// The golden certificates: a key's, and its CA's.
pub(crate) fn certificates() -> Vec<Vec<u8>> {
    let list = golden()["certificates"].as_array().unwrap().clone();
    list.iter().map(|der| hex::decode(der.as_str().unwrap()).unwrap()).collect()
}

pub(crate) fn session_key() -> SessionKey {
    SessionKey::from_bytes(&array("session_key"))
}

pub(crate) fn server_key() -> EphemeralKey {
    EphemeralKey::from_scalar(&array("server_private_key_d")).unwrap()
}

/// The options of the golden session.
pub(crate) fn golden_options() -> SessionOptions {
    let time = std::time::Duration::from_millis(golden()["client_time_ms"].as_u64().unwrap());
    SessionOptions {
        updatable: true,
        life_time: u32::try_from(golden()["session_life_time"].as_u64().unwrap()).unwrap(),
        key_limit: u16::try_from(golden()["session_key_limit"].as_u64().unwrap()).unwrap(),
        server_session_id: Some(Id::new(&text("server_session_id")).unwrap()),
        client_time: Some(std::time::UNIX_EPOCH + time),
        ..SessionOptions::new(&text("issuer_uri"), Trust::Any)
    }
}

/// What the token does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// The session is attested by another key.
    OtherDevice,
    /// The session's attestation is over another ClientTime.
    OtherTime,
    /// ClientEphemeralKey is no key.
    NoEphemeral,
    /// The key's attestation is over another public key.
    OtherKey,
    /// An attribute is attested otherwise than asked.
    Exportable,
    /// A backup comes that nobody asked for.
    Unasked,
    /// The backup is of another key.
    OtherBackup,
    /// The external signature is wrong.
    Signature,
    /// The close is attested with the counter not raised.
    StaleClose,
    /// Every step but the creation is refused.
    Refusing,
    /// setCertificatePath is refused, and the rest answered as if it were not.
    RefusingTheEnd,
}

pub(crate) struct FakeToken {
    pub path: Vec<Vec<u8>>,
    pub lie: Option<Lie>,
    pub calls: Vec<Request>,
    /// How many calls came together, each time that several did.
    pub bursts: Vec<usize>,
    device: SigningKey,
    key: Option<SessionKey>,
    puk: Option<(create_puk_policy::Request, Secret)>,
    policy: Option<create_pin_policy::Request>,
    create: Option<create_provisioning_session::Request>,
    counter: u16,
}

impl FakeToken {
    pub(crate) fn honest() -> Self {
        Self {
            path: vec![bytes("device_certificate"), certificates()[1].clone()],
            lie: None,
            calls: Vec::new(),
            bursts: Vec::new(),
            device: SigningKey::from_slice(&bytes("device_private_key_d")).unwrap(),
            key: None,
            puk: None,
            policy: None,
            create: None,
            counter: 0,
        }
    }

    pub(crate) fn lying(lie: Lie) -> Self {
        Self { lie: Some(lie), ..Self::honest() }
    }

    pub(crate) fn last(&self) -> &Request {
        self.calls.last().unwrap()
    }

    fn lies(&self, lie: Lie) -> bool {
        self.lie == Some(lie)
    }

    fn create(&mut self, request: &create_provisioning_session::Request) -> Response {
        let client_session_id = Id::new(&text("client_session_id")).unwrap();
        let ephemeral = EphemeralKey::from_scalar(&array("client_private_key_d")).unwrap();
        let info = create_provisioning_session::other_info(
            std::str::from_utf8(&request.issuer_uri.0).unwrap(),
            &self.path[0],
            &client_session_id,
            &request.server_session_id,
        );
        let key = SessionKey::derive(&ephemeral.agree(&request.server_ephemeral_key).unwrap(), &info);
        let mut attested = request.clone();
        if self.lies(Lie::OtherTime) {
            attested.client_time[7] ^= 1;
        }
        let data = create_provisioning_session::attestation_data(&attested, &client_session_id, ephemeral.public_der());
        let signer =
            if self.lies(Lie::OtherDevice) { SigningKey::from_slice(&[3; 32]).unwrap() } else { self.device.clone() };
        let signature: DerSignature = signer.sign(&key.session_hmac(&[&data]));
        self.key = Some(key);
        self.create = Some(request.clone());
        let public = ephemeral.public_der();
        Response::CreateProvisioningSession(create_provisioning_session::Response {
            client_session_id,
            client_ephemeral_key: if self.lies(Lie::NoEphemeral) { vec![0x30, 0] } else { public.to_vec() },
            session_attestation: signature.as_bytes().to_vec(),
            provisioning_handle: ProvisioningHandle(7),
        })
    }

    fn create_key(&self, request: &create_key_pair::Request) -> Response {
        let key = self.key.as_ref().unwrap();
        let public = bytes("key_public_der");
        let pin = match &self.policy {
            Some(policy) if !policy.user_defined => key.decrypt(request.pin_value.expose()).unwrap(),
            _ => request.pin_value.clone(),
        };
        let puk = self.puk.as_ref().map(|(puk, value)| create_key_pair::AttestedPuk {
            id: &puk.id,
            retry_limit: puk.retry_limit,
            puk: value,
            format: Format::from_value(puk.format.value()).unwrap(),
        });
        let protected = (request.pin_policy_handle != PinPolicyHandle(0)).then_some(self.policy.as_ref()).flatten();
        let attested_pin = protected.map(|policy| create_key_pair::AttestedPin { policy, pin: &pin, puk });
        let mut attested = request.clone();
        if self.lies(Lie::Exportable) {
            attested.export_policy = sks_wire::types::ExportPolicy::None.into();
        }
        let attested_key = if self.lies(Lie::OtherKey) { bytes("server_ephemeral_key_der") } else { public.clone() };
        let data = create_key_pair::attestation_data(&attested, &attested_key, attested_pin);
        let mut private = bytes("m5_restorePrivateKey_pkcs8");
        if self.lies(Lie::OtherBackup) {
            private = sks_issuer::ca::generate_key().unwrap().private_key.expose().to_vec();
        }
        let backup = request.private_key_backup || self.lies(Lie::Unasked);
        Response::CreateKeyPair(create_key_pair::Response {
            generated_public_key: public,
            key_attestation: key.attestation(&[data.expose()]).to_vec(),
            private_key_and_handle: BackupAndHandle {
                private_key: backup.then(|| key.encrypt(&private).unwrap()),
                key_handle: KeyHandle(11),
            },
        })
    }

    fn answer(&mut self, request: Request) -> Response {
        match request {
            Request::GetDeviceInfo(_) => Response::GetDeviceInfo(self.info()),
            Request::CreateProvisioningSession(request) => self.create(&request),
            Request::GetProvisioningSession(_) => {
                Response::GetProvisioningSession(get_provisioning_session::Response {
                    provisioning_handle: ProvisioningHandle(7),
                })
            }
            Request::AbortProvisioningSession(_) => abort_provisioning_session::Response {}.into(),
            Request::CreatePukPolicy(request) => {
                let puk = self.key.as_ref().unwrap().decrypt(&request.puk_value).unwrap();
                self.puk = Some((request, puk));
                create_puk_policy::Response { puk_policy_handle: PukPolicyHandle(8) }.into()
            }
            Request::CreatePinPolicy(request) => {
                self.policy = Some(request);
                create_pin_policy::Response { pin_policy_handle: PinPolicyHandle(9) }.into()
            }
            Request::CreateKeyPair(request) => self.create_key(&request),
            Request::SignProvisioningSessionData(request) => {
                let mut result = self.key.as_ref().unwrap().external_signature(&request.data);
                result[0] ^= u8::from(self.lies(Lie::Signature));
                sign_provisioning_session_data::Response { result }.into()
            }
            Request::CloseProvisioningSession(_) => {
                let counter = self.counter + u16::from(!self.lies(Lie::StaleClose));
                let key = self.key.as_ref().unwrap();
                let attested_response = key.attestation(&[label::SUCCESS, &counter.to_be_bytes()]);
                close_provisioning_session::Response { attested_response }.into()
            }
            Request::SetCertificatePath(_) => self.maced(set_certificate_path::Response {}.into()),
            Request::SetSymmetricKey(_) => self.maced(set_symmetric_key::Response {}.into()),
            Request::AddExtensionData(_) => self.maced(add_extension_data::Response {}.into()),
            Request::RestorePrivateKey(_) => self.maced(restore_private_key::Response {}.into()),
            Request::PostProvisioningDeleteKey(_) => self.maced(post_provisioning_delete_key::Response {}.into()),
            Request::PostProvisioningUpdateKey(_) => self.maced(post_provisioning_update_key::Response {}.into()),
            other => panic!("an issuer does not call {:?}", other.id()),
        }
    }

    fn maced(&mut self, response: Response) -> Response {
        self.counter += 1;
        response
    }

    pub(crate) fn info(&self) -> get_device_info::Response {
        get_device_info::Response {
            api_level: 1,
            vendor_name: "SKS".into(),
            vendor_description: "a token in a test".into(),
            x509_certificate: self.path.clone().into(),
            algorithm: vec![sks_wire::algorithm::Algorithm::Sk1.uri().into()].into(),
            rsa_exponent_support: true,
            rsa_key_size: vec![2048].into(),
            extension_data_size: 65536,
            device_pin_support: false,
            biometric_support: false,
        }
    }
}

impl Transport for &mut FakeToken {
    type Error = Infallible;

    fn call_raw(&mut self, call: &[u8]) -> Result<Zeroizing<Vec<u8>>, Infallible> {
        let request = Request::decode(call).unwrap();
        self.calls.push(request.clone());
        let early = matches!(request, Request::GetDeviceInfo(_) | Request::CreateProvisioningSession(_));
        let path = matches!(request, Request::SetCertificatePath(_));
        if (self.lies(Lie::Refusing) && !early) || (self.lies(Lie::RefusingTheEnd) && path) {
            let refused = Refused { status: Status::Mac, text: "no".to_owned() };
            return Ok(Zeroizing::new(encode_refusal(&refused).to_vec()));
        }
        Ok(Zeroizing::new(self.answer(request).encode().to_vec()))
    }

    fn call_raw_while(&mut self, call: &[u8], meanwhile: impl FnOnce()) -> Result<Zeroizing<Vec<u8>>, Infallible> {
        let answer = self.call_raw(call);
        meanwhile();
        answer
    }

    fn call_all_raw(&mut self, calls: &[Zeroizing<Vec<u8>>]) -> Result<Vec<Zeroizing<Vec<u8>>>, Infallible> {
        self.bursts.push(calls.len());
        calls.iter().map(|call| self.call_raw(call)).collect()
    }
}
