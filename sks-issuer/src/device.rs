//! Which devices an issuer accepts, and what their keys signed.
//!
//! Source: SKS API V0.35, "createProvisioningSession" (server response validation) and "getDeviceInfo". A path is
//! checked as RFC 5280 asks of such short ones: signatures, names, validity, CA flag, path length, key usage, and no
//! critical extension that is not understood. Revocation is not looked at.

use std::time::SystemTime;

use const_oid::db::rfc5280::{ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE, ID_CE_SUBJECT_ALT_NAME};
use const_oid::db::{rfc5912::ECDSA_WITH_SHA_256, rfc5912::SHA_256_WITH_RSA_ENCRYPTION};
use der::{Decode, Encode, Reader, SliceReader};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::pkcs8::DecodePublicKey;
use sha2::Sha256;
use sks_wire::method::get_device_info;
use x509_cert::Certificate;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use crate::crypto::p256_key;
use crate::curve;

/// Which devices are accepted. The session's attestation is verified with the device's key in every case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Any device: the session is private, but nobody says with whom.
    Any,
    /// A device whose path leads to this CA certificate, DER.
    Authority(Vec<u8>),
    /// The device with exactly this certificate, DER.
    Device(Vec<u8>),
}

/// Why a device is not accepted. An index counts the certificates of its path from 0; the length of the path stands
/// for the trusted CA's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The device has no certificate.
    #[error("the device shows no certificate")]
    Missing,
    /// A certificate cannot be read.
    #[error("certificate {0} of the device's path cannot be read")]
    Unreadable(usize),
    /// The path ends without the trusted CA, or this is not the expected device.
    #[error("the device's path does not lead to what is trusted")]
    Untrusted,
    /// A certificate is not signed by the next one's key, with an algorithm known here.
    #[error("the signature of certificate {0} of the device's path is wrong")]
    Signature(usize),
    /// A certificate names another issuer than the next one.
    #[error("certificate {0} of the device's path is not issued by the next one")]
    Issuer(usize),
    /// A certificate is not valid yet, or not any more.
    #[error("certificate {0} of the device's path is not valid at this time")]
    Validity(usize),
    /// A certificate that signed another is no CA's, or may not have so many below it.
    #[error("certificate {0} of the device's path is not that of a CA")]
    NotCa(usize),
    /// A critical extension is not understood.
    #[error("certificate {0} of the device's path has a critical extension that is not understood")]
    Critical(usize),
    /// The device's key may not make signatures.
    #[error("the device's certificate does not allow signatures")]
    NoDigitalSignature,
    /// The device's key is neither on P-256 nor RSA.
    #[error("the device's key is neither on P-256 nor RSA")]
    KeyType,
}

/// A public key that signs certificates and sessions.
#[derive(Clone, Debug)]
pub enum VerifyingKey {
    /// ECDSA with SHA-256 on P-256.
    P256(p256::ecdsa::VerifyingKey),
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rsa(rsa::pkcs1v15::VerifyingKey<Sha256>),
}

impl VerifyingKey {
    /// Reads a SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn from_spki(spki: &[u8]) -> Option<Self> {
        if let Ok(key) = p256_key(spki) {
            return Some(Self::P256(p256::ecdsa::VerifyingKey::from(&key)));
        }
        let key = rsa::RsaPublicKey::from_public_key_der(spki).ok()?;
        Some(Self::Rsa(rsa::pkcs1v15::VerifyingKey::new(key)))
    }

    /// Whether this key signed `message`. An ECDSA signature is DER, as in X9.62.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => curve::verifies(key, message, signature),
            Self::Rsa(key) => rsa::pkcs1v15::Signature::try_from(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }

    /// As [`VerifyingKey::verifies`], for a message whose SHA-256 hash is known.
    #[must_use]
    pub fn verifies_hash(&self, hash: &[u8; 32], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => curve::verifies_hash(key, hash, signature),
            Self::Rsa(key) => rsa::pkcs1v15::Signature::try_from(signature)
                .is_ok_and(|signature| key.verify_prehash(hash, &signature).is_ok()),
        }
    }
}

/// A device that was accepted: its certificate, and the key that attests its sessions. Reading it takes as long as a
/// signature, so whoever opens many sessions keeps it.
#[derive(Clone, Debug)]
pub struct Accepted {
    pub(crate) certificate: Vec<u8>,
    pub(crate) attester: VerifyingKey,
}

impl Trust {
    /// As [`Trust::accept`], for a device whose getDeviceInfo is known.
    ///
    /// # Errors
    /// The first [`DeviceError`].
    pub fn accept_device(&self, told: &get_device_info::Response, now: SystemTime) -> Result<Accepted, DeviceError> {
        let path = &told.x509_certificate.0;
        let attester = self.accept(path, now)?;
        Ok(Accepted { certificate: path.first().cloned().unwrap_or_default(), attester })
    }

    /// Decides about a device by its certificate path, and returns the key that attests its sessions.
    ///
    /// # Errors
    /// The first [`DeviceError`].
    pub fn accept(&self, path: &[Vec<u8>], now: SystemTime) -> Result<VerifyingKey, DeviceError> {
        let device = path.first().ok_or(DeviceError::Missing)?;
        match self {
            Self::Any => {}
            Self::Authority(anchor) => verify_path(path, anchor, now)?,
            Self::Device(expected) if expected == device => {}
            Self::Device(_) => return Err(DeviceError::Untrusted),
        }
        let device = Parsed::read(device, 0)?;
        if device.key_usage()?.is_some_and(|usage| !usage.digital_signature()) {
            return Err(DeviceError::NoDigitalSignature);
        }
        device.key().ok_or(DeviceError::KeyType)
    }
}

/// Verifies that `path`, end-entity certificate first, leads to the CA certificate `anchor`, which may be part of it.
///
/// # Errors
/// The first [`DeviceError`].
pub fn verify_path(path: &[Vec<u8>], anchor: &[u8], now: SystemTime) -> Result<(), DeviceError> {
    let trusted = Parsed::read(anchor, path.len())?;
    let mut below: Option<Parsed<'_>> = None;
    for (index, der) in path.iter().enumerate() {
        let certificate = Parsed::read(der, index)?;
        certificate.check_time_and_extensions(now)?;
        if let Some(below) = &below {
            below.check_issued_by(&certificate)?;
        }
        if der == anchor {
            return Ok(());
        }
        if certificate.names_as_issuer(&trusted) && certificate.check_issued_by(&trusted).is_ok() {
            return trusted.check_time_and_extensions(now);
        }
        below = Some(certificate);
    }
    Err(if below.is_some() { DeviceError::Untrusted } else { DeviceError::Missing })
}

/// A certificate, the bytes that its issuer signed, and its place in the path.
struct Parsed<'a> {
    certificate: Certificate,
    signed: &'a [u8],
    index: usize,
}

impl<'a> Parsed<'a> {
    fn read(der: &'a [u8], index: usize) -> Result<Self, DeviceError> {
        let unreadable = |_| DeviceError::Unreadable(index);
        let certificate = Certificate::from_der(der).map_err(unreadable)?;
        // The signature covers the bytes as they came, not as they would be encoded again.
        let first = |reader: &mut SliceReader<'a>| {
            reader.sequence(|inner| {
                let signed = inner.tlv_bytes()?;
                inner.drain(inner.remaining_len())?;
                Ok::<_, der::Error>(signed)
            })
        };
        let signed = SliceReader::new(der).and_then(|mut reader| first(&mut reader)).map_err(unreadable)?;
        Ok(Self { certificate, signed, index })
    }

    fn key(&self) -> Option<VerifyingKey> {
        let spki = self.certificate.tbs_certificate().subject_public_key_info().to_der().ok()?;
        VerifyingKey::from_spki(&spki)
    }

    fn key_usage(&self) -> Result<Option<KeyUsage>, DeviceError> {
        let found = self.certificate.tbs_certificate().get_extension::<KeyUsage>();
        Ok(found.map_err(|_| DeviceError::Unreadable(self.index))?.map(|(_, usage)| usage))
    }

    fn names_as_issuer(&self, issuer: &Parsed<'_>) -> bool {
        self.certificate.tbs_certificate().issuer() == issuer.certificate.tbs_certificate().subject()
    }

    fn check_issued_by(&self, issuer: &Parsed<'_>) -> Result<(), DeviceError> {
        if !self.names_as_issuer(issuer) {
            return Err(DeviceError::Issuer(self.index));
        }
        issuer.check_is_ca(self.index)?;
        let outer = self.certificate.signature_algorithm();
        let known = match (issuer.key(), outer.oid) {
            (Some(key @ VerifyingKey::P256(_)), ECDSA_WITH_SHA_256) => Some(key),
            (Some(key @ VerifyingKey::Rsa(_)), SHA_256_WITH_RSA_ENCRYPTION) => Some(key),
            _ => None,
        };
        let signature = self.certificate.signature().as_bytes();
        let good = outer == self.certificate.tbs_certificate().signature()
            && known.zip(signature).is_some_and(|(key, signature)| key.verifies(self.signed, signature));
        if good { Ok(()) } else { Err(DeviceError::Signature(self.index)) }
    }

    /// Whether this may have signed a certificate with `below` others between it and the device's.
    fn check_is_ca(&self, below: usize) -> Result<(), DeviceError> {
        let constraints = self.certificate.tbs_certificate().get_extension::<BasicConstraints>();
        let constraints = constraints.map_err(|_| DeviceError::Unreadable(self.index))?.map(|(_, found)| found);
        let is_ca = constraints.is_some_and(|found| {
            found.ca && found.path_len_constraint.is_none_or(|longest| below <= usize::from(longest))
        });
        let may_sign = self.key_usage()?.is_none_or(|usage| usage.key_cert_sign());
        if is_ca && may_sign { Ok(()) } else { Err(DeviceError::NotCa(self.index)) }
    }

    fn check_time_and_extensions(&self, now: SystemTime) -> Result<(), DeviceError> {
        let tbs = self.certificate.tbs_certificate();
        let validity = tbs.validity();
        if now < validity.not_before.to_system_time() || now > validity.not_after.to_system_time() {
            return Err(DeviceError::Validity(self.index));
        }
        let understood = [ID_CE_BASIC_CONSTRAINTS, ID_CE_KEY_USAGE, ID_CE_EXT_KEY_USAGE, ID_CE_SUBJECT_ALT_NAME];
        let mut extensions = tbs.extensions().into_iter().flatten();
        if extensions.any(|extension| extension.critical && !understood.contains(&extension.extn_id)) {
            return Err(DeviceError::Critical(self.index));
        }
        Ok(())
    }
}
