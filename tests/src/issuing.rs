//! The issuer's side of an open session, call by call.
//!
//! Unlike [`sks_issuer::Session`] it checks nothing before it calls and lets a test change every request: what is built
//! here is right, and a test makes one thing of it wrong.

use std::sync::LazyLock;

use sks_issuer::ca::{Ca, Leaf, Subject};
use sks_issuer::{EphemeralKey, SessionKey};
use sks_wire::algorithm::Algorithm;
use sks_wire::method::{
    Method, abort_provisioning_session, add_extension_data, close_provisioning_session, create_key_pair,
    create_pin_policy, create_provisioning_session, create_puk_policy, create_volatile_session, get_device_info,
    post_provisioning_delete_key, post_provisioning_update_key, restore_private_key, set_certificate_path,
    set_symmetric_key,
};
use sks_wire::types::{
    BaseType, BiometricProtection, Blob, Choice, Code, DeletePolicy, ExportPolicy, Format, Grouping, Id, InputMethod,
    KeyAlgorithm, KeyHandle, KeyUsage, Octet, PinPolicyHandle, ProvisioningHandle, PukPolicyHandle,
};
use sks_wire::{MethodId, Refused, Secret, label};

use crate::{Line, golden};

/// The CA of all test certificates.
static CA: LazyLock<Ca> = LazyLock::new(|| {
    let subject = Subject::common_name("Test CA").expect("a name");
    Ca::create(&subject, 10).expect("a CA")
});

/// The CA's certificate, DER.
#[must_use]
pub fn ca_certificate() -> &'static [u8] {
    CA.certificate()
}

/// A certificate for a public key, DER.
#[must_use]
pub fn certificate(spki: &[u8]) -> Vec<u8> {
    let leaf = Leaf::new(Subject::common_name("Alice").expect("a name"), KeyUsage::Universal);
    CA.issue(spki, &leaf).expect("a certificate")
}

/// An id.
#[must_use]
pub fn id(text: &str) -> Id {
    Id::new(text).expect("a test's id is an NCName")
}

/// A PIN, a PUK or a key.
#[must_use]
pub fn secret(bytes: impl AsRef<[u8]>) -> Secret {
    Secret::from(bytes.as_ref())
}

/// An open session.
#[derive(Clone)]
pub struct Issuing {
    /// To the token.
    pub line: Line,
    /// ProvisioningHandle.
    pub handle: ProvisioningHandle,
    /// SessionKey.
    pub key: SessionKey,
    /// MACSequenceCounter: that of the next MAC.
    pub counter: u16,
    /// ClientSessionID.
    pub client_session_id: Id,
    /// ServerSessionID.
    pub server_session_id: Id,
    /// IssuerURI.
    pub issuer_uri: String,
}

/// A key pair and a certificate that fits it.
#[derive(Clone, Debug)]
pub struct Made {
    /// KeyHandle.
    pub handle: KeyHandle,
    /// ID.
    pub id: Id,
    /// GeneratedPublicKey.
    pub public_key: Vec<u8>,
    /// PrivateKey, encrypted, if a backup was asked for.
    pub backup: Option<Vec<u8>>,
    /// KeyAttestation.
    pub attestation: Vec<u8>,
    /// An End-Entity Certificate for it.
    pub certificate: Vec<u8>,
}

impl Issuing {
    /// The call that [`Issuing::create`] makes: not updatable, an hour, 1000 operations.
    #[must_use]
    pub fn request() -> create_provisioning_session::Request {
        create_provisioning_session::Request {
            session_key_algorithm: Algorithm::Sk1.uri().into(),
            server_session_id: id("S-1"),
            server_ephemeral_key: ephemeral().public_der().to_vec(),
            issuer_uri: "https://ca.example.com/enroll".into(),
            updatable: false,
            client_time: 1_270_548_000_000_u64.to_be_bytes(),
            session_life_time: 3600,
            session_key_limit: 1000,
        }
    }

    /// Creates a session; `change` alters the call.
    #[must_use]
    pub fn create(line: impl Into<Line>, change: impl FnOnce(&mut create_provisioning_session::Request)) -> Self {
        Self::try_create(line, change).expect("a session is created")
    }

    /// As [`Issuing::create`].
    ///
    /// # Errors
    /// The token's refusal.
    pub fn try_create(
        line: impl Into<Line>,
        change: impl FnOnce(&mut create_provisioning_session::Request),
    ) -> Result<Self, Refused> {
        Self::agree(line.into(), change, |line, request| line.call(request))
    }

    /// As [`Issuing::create`], for a session that the token keeps in memory.
    #[must_use]
    pub fn create_volatile(
        line: impl Into<Line>,
        change: impl FnOnce(&mut create_provisioning_session::Request),
    ) -> Self {
        Self::try_create_volatile(line, change).expect("a session is created")
    }

    /// As [`Issuing::create_volatile`].
    ///
    /// # Errors
    /// The token's refusal.
    pub fn try_create_volatile(
        line: impl Into<Line>,
        change: impl FnOnce(&mut create_provisioning_session::Request),
    ) -> Result<Self, Refused> {
        let create = |line: &Line, request: &create_provisioning_session::Request| {
            Ok(line.call(&create_volatile_session::Request(request.clone()))?.0)
        };
        Self::agree(line.into(), change, create)
    }

    fn agree(
        line: Line,
        change: impl FnOnce(&mut create_provisioning_session::Request),
        create: impl FnOnce(
            &Line,
            &create_provisioning_session::Request,
        ) -> Result<create_provisioning_session::Response, Refused>,
    ) -> Result<Self, Refused> {
        let mut request = Self::request();
        change(&mut request);
        let answer = create(&line, &request)?;
        let device = line.call(&get_device_info::Request {})?;
        let issuer_uri = String::from_utf8_lossy(&request.issuer_uri.0).into_owned();
        let info = create_provisioning_session::other_info(
            &issuer_uri,
            &device.x509_certificate.0[0],
            &answer.client_session_id,
            &request.server_session_id,
        );
        let z = ephemeral().agree(&answer.client_ephemeral_key).expect("ClientEphemeralKey is one");
        Ok(Self {
            line,
            handle: answer.provisioning_handle,
            key: SessionKey::derive(&z, &info),
            counter: 0,
            client_session_id: answer.client_session_id,
            server_session_id: request.server_session_id,
            issuer_uri,
        })
    }

    /// The MAC that the next call carries.
    #[must_use]
    pub fn mac(&self, method: MethodId, data: &[&[u8]]) -> [u8; 32] {
        self.key.mac(method, self.counter, data)
    }

    /// Encrypted Data.
    #[must_use]
    pub fn encrypt(&self, clear: &[u8]) -> Vec<u8> {
        self.key.encrypt(clear).expect("random numbers")
    }

    /// Sends a call that must succeed, and counts its MAC.
    pub fn send<M: Method>(&mut self, request: &M) -> M::Response {
        self.try_send(request).unwrap_or_else(|refused| panic!("{}: {refused}", M::ID.name()))
    }

    /// Sends a call, and counts its MAC if it succeeds.
    ///
    /// # Errors
    /// The token's refusal.
    pub fn try_send<M: Method>(&mut self, request: &M) -> Result<M::Response, Refused> {
        let answer = self.line.call(request)?;
        if has_mac(M::ID) {
            self.counter += 1;
        }
        Ok(answer)
    }

    /// createPUKPolicy: numeric, 3 tries.
    #[must_use]
    pub fn puk_request(&self, name: &str, puk: impl AsRef<[u8]>) -> create_puk_policy::Request {
        create_puk_policy::Request {
            provisioning_handle: self.handle,
            id: id(name),
            puk_value: self.encrypt(puk.as_ref()),
            format: Format::Numeric.into(),
            retry_limit: 3,
        }
    }

    /// Creates a PUK policy with `retry_limit`.
    pub fn puk(&mut self, name: &str, puk: &str, retry_limit: u8) -> PukPolicyHandle {
        let request = create_puk_policy::Request { retry_limit, ..self.puk_request(name, puk) };
        self.send(&request).puk_policy_handle
    }

    /// createPINPolicy: user-defined, modifiable, numeric, 3 tries, no grouping, 4 to 8 bytes.
    #[must_use]
    pub fn pin_request(&self, name: &str) -> create_pin_policy::Request {
        create_pin_policy::Request {
            provisioning_handle: self.handle,
            id: id(name),
            puk_policy_handle: PukPolicyHandle(0),
            user_defined: true,
            user_modifiable: true,
            format: Format::Numeric.into(),
            retry_limit: Octet(3),
            grouping: Grouping::None.into(),
            pattern_restrictions: Octet(0),
            min_length: Octet(4),
            max_length: Octet(8),
            input_method: InputMethod::Any.into(),
        }
    }

    /// Creates a PIN policy; `change` alters the call.
    pub fn pin(&mut self, name: &str, change: impl FnOnce(&mut create_pin_policy::Request)) -> PinPolicyHandle {
        let mut request = self.pin_request(name);
        change(&mut request);
        self.send(&request).pin_policy_handle
    }

    /// createKeyPair: P-256, universal, without PIN, neither exportable nor updatable.
    #[must_use]
    pub fn key_request(&self, name: &str) -> create_key_pair::Request {
        create_key_pair::Request {
            provisioning_handle: self.handle,
            attestation_algorithm: Algorithm::Ka1.uri().into(),
            issuer_seed: [7; 32],
            id: id(name),
            pin_policy_handle: PinPolicyHandle(0),
            pin_value: Secret::default(),
            biometric_protection: BiometricProtection::None.into(),
            private_key_backup: false,
            export_policy: ExportPolicy::NonExportable.into(),
            updatable: false,
            delete_policy: DeletePolicy::None.into(),
            enable_pin_caching: false,
            import_private_key: false,
            key_usage: KeyUsage::Universal.into(),
            friendly_name: "".into(),
            key_algorithm: KeyAlgorithm::Ecc { curve: Algorithm::P256.uri().into() },
        }
    }

    /// Creates a key pair; `change` alters the call.
    pub fn bare_key(&mut self, name: &str, change: impl FnOnce(&mut create_key_pair::Request)) -> Made {
        let mut request = self.key_request(name);
        change(&mut request);
        let answer = self.send(&request);
        Made {
            handle: answer.private_key_and_handle.key_handle,
            id: request.id,
            certificate: certificate(&answer.generated_public_key),
            public_key: answer.generated_public_key,
            backup: answer.private_key_and_handle.private_key,
            attestation: answer.key_attestation,
        }
    }

    /// setCertificatePath.
    #[must_use]
    pub fn path_request(&self, made: &Made, path: &[Vec<u8>]) -> set_certificate_path::Request {
        let data = set_certificate_path::mac_data(&made.public_key, &made.id, path);
        set_certificate_path::Request {
            provisioning_handle: self.handle,
            key_handle: made.handle,
            x509_certificate: path.to_vec().into(),
            mac: self.mac(MethodId::SetCertificatePath, &data),
        }
    }

    /// Gives a key its certificate and the CA's.
    pub fn certify(&mut self, made: &Made) {
        let path = [made.certificate.clone(), ca_certificate().to_vec()];
        let request = self.path_request(made, &path);
        self.send(&request);
    }

    /// Creates and certifies a key; `change` alters the creation.
    pub fn key(&mut self, name: &str, change: impl FnOnce(&mut create_key_pair::Request)) -> Made {
        let made = self.bare_key(name, change);
        self.certify(&made);
        made
    }

    /// Creates and certifies a key under a PIN policy.
    pub fn pin_key(&mut self, name: &str, policy: PinPolicyHandle, pin: &str) -> Made {
        self.key(name, |r| (r.pin_policy_handle, r.pin_value) = (policy, secret(pin)))
    }

    /// setSymmetricKey.
    #[must_use]
    pub fn symmetric_request(&self, made: &Made, clear: &[u8], uris: &[&[u8]]) -> set_symmetric_key::Request {
        let uris: Vec<Vec<u8>> = uris.iter().map(|uri| uri.to_vec()).collect();
        let data = set_symmetric_key::mac_data(&made.certificate, clear, &uris);
        set_symmetric_key::Request {
            provisioning_handle: self.handle,
            key_handle: made.handle,
            symmetric_key: self.encrypt(clear),
            mac: self.mac(MethodId::SetSymmetricKey, &data),
            endorsed_algorithm: uris.into(),
        }
    }

    /// Creates a certified symmetric key; `change` alters the creation.
    pub fn symmetric_key(
        &mut self,
        name: &str,
        clear: &[u8],
        endorsed: &[Algorithm],
        change: impl FnOnce(&mut create_key_pair::Request),
    ) -> Made {
        let made = self.key(name, |r| {
            r.key_usage = KeyUsage::SymmetricKey.into();
            change(r);
        });
        let mut uris: Vec<&[u8]> = endorsed.iter().map(|algorithm| algorithm.uri().as_bytes()).collect();
        uris.sort_unstable();
        let request = self.symmetric_request(&made, clear, &uris);
        self.send(&request);
        made
    }

    /// addExtensionData; the data of an EncryptedExtension is encrypted here.
    #[must_use]
    pub fn extension_request(
        &self,
        made: &Made,
        base_type: u8,
        qualifier: &[u8],
        data: &[u8],
        extension_type: &[u8],
    ) -> add_extension_data::Request {
        let base = [base_type];
        let covered = add_extension_data::mac_data(&made.certificate, &base, qualifier, data, extension_type);
        let mac = self.mac(MethodId::AddExtensionData, &covered);
        let encrypted = base_type == BaseType::EncryptedExtension.value();
        add_extension_data::Request {
            provisioning_handle: self.handle,
            key_handle: made.handle,
            base_type: Code::raw(base_type),
            qualifier: qualifier.to_vec(),
            extension_data: Blob(if encrypted { secret(self.encrypt(data)) } else { secret(data) }),
            extension_type: sks_wire::types::Text(extension_type.to_vec()),
            mac,
        }
    }

    /// Adds an Extension object.
    pub fn extension(&mut self, made: &Made, extension_type: &str, data: &[u8]) {
        let request = self.extension_request(made, 0, b"", data, extension_type.as_bytes());
        self.send(&request);
    }

    /// restorePrivateKey.
    #[must_use]
    pub fn restore_request(&self, made: &Made, pkcs8: &[u8]) -> restore_private_key::Request {
        let data = restore_private_key::mac_data(&made.certificate, pkcs8);
        restore_private_key::Request {
            provisioning_handle: self.handle,
            key_handle: made.handle,
            private_key: self.encrypt(pkcs8),
            mac: self.mac(MethodId::RestorePrivateKey, &data),
        }
    }

    /// Brings a key of the issuer's to the token; `change` alters the creation of the key that it takes the place of.
    pub fn imported_key(
        &mut self,
        name: &str,
        pkcs8: &[u8],
        spki: &[u8],
        change: impl FnOnce(&mut create_key_pair::Request),
    ) -> Made {
        let mut made = self.bare_key(name, |r| {
            r.import_private_key = true;
            change(r);
        });
        made.certificate = certificate(spki);
        self.certify(&made);
        let request = self.restore_request(&made, pkcs8);
        self.send(&request);
        made
    }

    /// postProvisioningDeleteKey, of a key of the session whose key is `owner`.
    #[must_use]
    pub fn delete_request(&self, owner: &SessionKey, target: &Made) -> post_provisioning_delete_key::Request {
        let proof = owner.proof_of_issuance(&target.certificate);
        let data = post_provisioning_delete_key::mac_data(&proof);
        post_provisioning_delete_key::Request {
            provisioning_handle: self.handle,
            key_handle: target.handle,
            mac: self.mac(MethodId::PostProvisioningDeleteKey, &data),
        }
    }

    /// postProvisioningUpdateKey.
    #[must_use]
    pub fn update_request(
        &self,
        new: &Made,
        owner: &SessionKey,
        target: &Made,
    ) -> post_provisioning_update_key::Request {
        let proof = owner.proof_of_issuance(&target.certificate);
        let data = post_provisioning_update_key::mac_data(&proof, &new.certificate);
        post_provisioning_update_key::Request {
            provisioning_handle: self.handle,
            key_handle: new.handle,
            key_handle_original: target.handle,
            mac: self.mac(MethodId::PostProvisioningUpdateKey, &data),
        }
    }

    /// closeProvisioningSession.
    #[must_use]
    pub fn close_request(&self) -> close_provisioning_session::Request {
        let data =
            close_provisioning_session::mac_data(&self.client_session_id, &self.server_session_id, &self.issuer_uri);
        let mac = self.mac(MethodId::CloseProvisioningSession, &data);
        close_provisioning_session::Request { provisioning_handle: self.handle, mac }
    }

    /// Closes the session, and checks the token's proof.
    ///
    /// # Errors
    /// The token's refusal.
    pub fn try_close(&mut self) -> Result<(), Refused> {
        let answer = self.try_send(&self.close_request())?;
        let proof = self.key.attestation(&[label::SUCCESS, &self.counter.to_be_bytes()]);
        assert_eq!(answer.attested_response, proof, "AttestedResponse");
        Ok(())
    }

    /// Aborts the session, which must succeed.
    pub fn abort(&mut self) {
        self.send(&abort_provisioning_session::Request { provisioning_handle: self.handle });
    }

    /// Closes the session, which must succeed.
    pub fn close(&mut self) {
        self.try_close().unwrap_or_else(|refused| panic!("close: {refused}"));
    }
}

/// Whether a method carries a MAC, and so moves the counter on.
fn has_mac(method: MethodId) -> bool {
    matches!(
        method,
        MethodId::CloseProvisioningSession
            | MethodId::SetCertificatePath
            | MethodId::SetSymmetricKey
            | MethodId::AddExtensionData
            | MethodId::RestorePrivateKey
            | MethodId::PostProvisioningDeleteKey
            | MethodId::PostProvisioningUpdateKey
    )
}

fn ephemeral() -> EphemeralKey {
    let scalar = golden("server_private_key_d").try_into().expect("32 bytes");
    EphemeralKey::from_scalar(&scalar).expect("a scalar")
}
