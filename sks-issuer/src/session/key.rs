//! Key pairs: what is asked for, and whether the token's answer holds.

use p256::pkcs8::DecodePrivateKey;
use rsa::pkcs8::{DecodePublicKey, EncodePublicKey};
use rsa::traits::PublicKeyParts;
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use sks_wire::method::create_key_pair::{self, AttestedPin, AttestedPuk};
use sks_wire::types::{
    BiometricProtection, DeletePolicy, ExportPolicy, Id, KeyAlgorithm, KeyHandle, KeyUsage, NO_HANDLE, PinPolicyHandle,
    ProvisioningHandle,
};

use super::policy::PinPolicy;
use super::{Session, Step};
use crate::crypto::{CryptoError, matches, p256_key, public_der};
use crate::error::Error;
use crate::random;
use crate::transport::Transport;

/// A key pair to be created.
#[derive(Clone, Debug)]
pub struct KeyOptions {
    /// Unique among the session's keys.
    pub id: Id,
    /// For people, at most 100 bytes.
    pub friendly_name: String,
    /// What the key is for.
    pub usage: KeyUsage,
    /// What exporting it asks for.
    pub export_policy: ExportPolicy,
    /// What deleting it asks for.
    pub delete_policy: DeletePolicy,
    /// Whether a later session may update or delete it, if its session is updatable.
    pub updatable: bool,
    /// Whether the private key comes back, encrypted, for the issuer to keep.
    pub private_key_backup: bool,
    /// Whether restorePrivateKey will follow.
    pub import_private_key: bool,
    /// Whether middleware may remember PINs.
    pub enable_pin_caching: bool,
    /// Biometric protection, where the device has it.
    pub biometric_protection: BiometricProtection,
    /// Type and size.
    pub algorithm: KeyAlgorithm,
    /// IssuerSeed; random unless given.
    pub issuer_seed: Option<[u8; 32]>,
}

impl KeyOptions {
    /// A key on P-256 for any use: neither exportable, updatable nor backed up, free to be deleted.
    #[must_use]
    pub fn p256(id: Id) -> Self {
        Self::new(id, KeyAlgorithm::Ecc { curve: Algorithm::P256.uri().into() })
    }

    /// An RSA key of `size` bits with the default exponent, else as [`KeyOptions::p256`].
    #[must_use]
    pub fn rsa(id: Id, size: u16) -> Self {
        Self::new(id, KeyAlgorithm::Rsa { size, exponent: 0 })
    }

    fn new(id: Id, algorithm: KeyAlgorithm) -> Self {
        Self {
            id,
            friendly_name: String::new(),
            usage: KeyUsage::Universal,
            export_policy: ExportPolicy::NonExportable,
            delete_policy: DeletePolicy::None,
            updatable: false,
            private_key_backup: false,
            import_private_key: false,
            enable_pin_caching: false,
            biometric_protection: BiometricProtection::None,
            algorithm,
            issuer_seed: None,
        }
    }

    /// The call that creates the key pair.
    pub(super) fn request(
        &self,
        handle: ProvisioningHandle,
        protection: Protection<'_>,
        pin_value: Secret,
    ) -> Result<create_key_pair::Request, CryptoError> {
        Ok(create_key_pair::Request {
            provisioning_handle: handle,
            attestation_algorithm: Algorithm::Ka1.uri().into(),
            issuer_seed: self.issuer_seed.map_or_else(random::array, Ok)?,
            id: self.id.clone(),
            pin_policy_handle: protection.handle(),
            pin_value,
            biometric_protection: self.biometric_protection.into(),
            private_key_backup: self.private_key_backup,
            export_policy: self.export_policy.into(),
            updatable: self.updatable,
            delete_policy: self.delete_policy.into(),
            enable_pin_caching: self.enable_pin_caching,
            import_private_key: self.import_private_key,
            key_usage: self.usage.into(),
            friendly_name: self.friendly_name.as_str().into(),
            key_algorithm: self.algorithm.clone(),
        })
    }

    /// How often the call uses the session key; the PIN may be encrypted with it.
    pub(super) fn uses(&self, encrypted: bool) -> u16 {
        1 + u16::from(encrypted) + u16::from(self.private_key_backup)
    }
}

/// What guards the use of a key.
#[derive(Clone, Copy, Debug)]
pub enum Protection<'a> {
    /// Nothing.
    None,
    /// A PIN under a policy of this session: the user's goes in clear, the issuer's encrypted.
    Pin {
        /// The policy.
        policy: &'a PinPolicy,
        /// The PIN.
        pin: &'a Secret,
    },
    /// The device's own PIN, where it has one.
    DevicePin,
}

impl<'a> Protection<'a> {
    fn handle(&self) -> PinPolicyHandle {
        match self {
            Self::None => PinPolicyHandle(0),
            Self::Pin { policy, .. } => policy.handle,
            Self::DevicePin => PinPolicyHandle(NO_HANDLE),
        }
    }

    fn attested(&self) -> Option<AttestedPin<'a>> {
        let Self::Pin { policy, pin } = *self else { return None };
        let puk = policy.puk.as_ref().map(|puk| AttestedPuk {
            id: &puk.options.id,
            retry_limit: puk.options.retry_limit,
            puk: &puk.options.puk,
            format: puk.options.format,
        });
        Some(AttestedPin { policy: &policy.request, pin, puk })
    }
}

/// A key pair that the token has attested and that still needs its certificate.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// KeyHandle.
    pub handle: KeyHandle,
    /// Its name in the session.
    pub id: Id,
    /// GeneratedPublicKey: SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// The private key, PKCS#8, if a backup was asked for.
    pub backup: Option<Secret>,
}

/// A key with its certificate path.
#[derive(Clone, Debug)]
pub struct CertifiedKey {
    /// KeyHandle.
    pub handle: KeyHandle,
    /// Its name in the session.
    pub id: Id,
    /// GeneratedPublicKey: SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// The private key, PKCS#8, if a backup was asked for.
    pub backup: Option<Secret>,
    /// The End-Entity Certificate, DER.
    pub certificate: Vec<u8>,
}

impl<T: Transport> Session<T> {
    /// Creates a key pair, verifies its attestation and decrypts its backup.
    ///
    /// # Errors
    /// [`Error::KeyAttestation`], [`Error::GeneratedKey`] and [`Error::Backup`] among others.
    pub fn create_key_pair(&mut self, options: &KeyOptions, protection: Protection<'_>) -> Step<T, KeyPair> {
        let (pin_value, encrypted) = self.pin_value(protection)?;
        let request = options.request(self.handle, protection, pin_value)?;
        let answer = self.spend(options.uses(encrypted), &request)?;
        self.verify(&request, protection, answer)
    }

    /// PINValue, and whether it is encrypted.
    fn pin_value(&self, protection: Protection<'_>) -> Step<T, (Secret, bool)> {
        Ok(match protection {
            Protection::Pin { policy, pin } if policy.request.user_defined => (pin.clone(), false),
            Protection::Pin { pin, .. } => (Secret::new(self.record.key.encrypt(pin.expose())?), true),
            Protection::None | Protection::DevicePin => (Secret::default(), false),
        })
    }

    pub(super) fn verify(
        &self,
        request: &create_key_pair::Request,
        protection: Protection<'_>,
        answer: create_key_pair::Response,
    ) -> Step<T, KeyPair> {
        let public_key = answer.generated_public_key;
        let data = create_key_pair::attestation_data(request, &public_key, protection.attested());
        let expected = self.record.key.attestation(&[data.expose()]);
        if !matches(&expected, &answer.key_attestation) {
            return Err(Error::KeyAttestation);
        }
        if !is_as_asked(&public_key, &request.key_algorithm) {
            return Err(Error::GeneratedKey);
        }
        let tail = answer.private_key_and_handle;
        let backup = match (request.private_key_backup, tail.private_key) {
            (false, None) => None,
            (true, Some(encrypted)) => Some(self.record.key.decrypt(&encrypted)?),
            _ => return Err(Error::Backup),
        };
        if backup.as_ref().is_some_and(|backup| public_of(backup).as_ref() != Some(&public_key)) {
            return Err(Error::Backup);
        }
        Ok(KeyPair { handle: tail.key_handle, id: request.id.clone(), public_key, backup })
    }
}

/// Whether a generated key has the type, size and exponent of the request.
fn is_as_asked(spki: &[u8], asked: &KeyAlgorithm) -> bool {
    match asked {
        KeyAlgorithm::Ecc { curve } => curve.0 == Algorithm::P256.uri().as_bytes() && p256_key(spki).is_ok(),
        KeyAlgorithm::Rsa { size, exponent } => rsa::RsaPublicKey::from_public_key_der(spki).is_ok_and(|key| {
            let chosen = *exponent == 0 || *key.e() == rsa::BoxedUint::from(u64::from(*exponent));
            key.n().bits() == u32::from(*size) && chosen
        }),
    }
}

/// The public key, SubjectPublicKeyInfo, of a PKCS#8 private key.
fn public_of(pkcs8: &Secret) -> Option<Vec<u8>> {
    if let Ok(key) = p256::SecretKey::from_pkcs8_der(pkcs8.expose()) {
        return Some(public_der(&key.public_key()));
    }
    let key = rsa::RsaPrivateKey::from_pkcs8_der(pkcs8.expose()).ok()?;
    Some(key.to_public_key().to_public_key_der().ok()?.into_vec())
}
