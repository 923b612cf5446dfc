//! What a certificate says of a key.

use der::asn1::UintRef;
use der::{Decode, Encode};
use sha1::{Digest, Sha1};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use x509_cert::Certificate;

/// id-ecPublicKey, RFC 5480.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// rsaEncryption, RFC 8017.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Bytes of an uncompressed point on P-256.
pub(crate) const POINT: usize = 65;

/// A public key of a kind that the token has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// P-256: the uncompressed point.
    Ec(Vec<u8>),
    /// RSA: modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// n
        modulus: Vec<u8>,
        /// e
        exponent: Vec<u8>,
    },
}

impl PublicKey {
    /// From a SubjectPublicKeyInfo.
    pub(crate) fn of_spki(der: &[u8]) -> Option<Self> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).ok()?;
        let bits = spki.subject_public_key.as_bytes()?;
        match spki.algorithm.oid {
            EC_PUBLIC_KEY if bits.len() == POINT => Some(Self::Ec(bits.to_vec())),
            RSA_ENCRYPTION => {
                let key = rsa::pkcs1::RsaPublicKey::<UintRef<'_>>::from_der(bits).ok()?;
                let modulus = key.modulus.as_bytes().to_vec();
                Some(Self::Rsa { modulus, exponent: key.public_exponent.as_bytes().to_vec() })
            }
            _ => None,
        }
    }

    /// Bytes of an RSA modulus, or of an ECDSA signature.
    pub(crate) fn signature_length(&self) -> usize {
        match self {
            Self::Ec(_) => 64,
            Self::Rsa { modulus, .. } => modulus.len(),
        }
    }

    /// Bits of the key.
    pub(crate) fn bits(&self) -> usize {
        match self {
            Self::Ec(_) => 256,
            Self::Rsa { modulus, .. } => modulus.len() * 8 - modulus.first().map_or(0, |b| b.leading_zeros() as usize),
        }
    }

    /// CKA_ID by default: SHA-1 of the point or the modulus.
    pub(crate) fn id(&self) -> [u8; 20] {
        match self {
            Self::Ec(point) => Sha1::digest(point).into(),
            Self::Rsa { modulus, .. } => Sha1::digest(modulus).into(),
        }
    }
}

/// What is used of a key's certificate.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The public key.
    pub(crate) key: PublicKey,
    /// SubjectPublicKeyInfo, DER.
    pub(crate) spki: Vec<u8>,
    /// CKA_ID by default.
    pub(crate) id: [u8; 20],
    /// Subject, DER.
    pub(crate) subject: Vec<u8>,
    /// Issuer, DER.
    pub(crate) issuer: Vec<u8>,
    /// Serial number, DER.
    pub(crate) serial: Vec<u8>,
}

impl Parsed {
    /// Parses a certificate.
    pub(crate) fn of(der: &[u8]) -> Option<Self> {
        let Names { spki, subject, issuer, serial, .. } = Names::of(der)?;
        let key = PublicKey::of_spki(&spki)?;
        Some(Self { id: key.id(), key, spki, subject, issuer, serial })
    }
}

/// The names in any certificate.
pub(crate) struct Names {
    pub(crate) spki: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    /// The subject's last attribute, for people.
    pub(crate) label: String,
    pub(crate) issuer: Vec<u8>,
    pub(crate) serial: Vec<u8>,
}

impl Names {
    pub(crate) fn of(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let tbs = certificate.tbs_certificate();
        let subject = tbs.subject().to_string();
        let label = subject.split(',').find_map(|part| part.trim().strip_prefix("CN=")).unwrap_or(&subject).to_owned();
        Some(Self {
            spki: tbs.subject_public_key_info().to_der().ok()?,
            subject: tbs.subject().to_der().ok()?,
            label,
            issuer: tbs.issuer().to_der().ok()?,
            serial: tbs.serial_number().to_der().ok()?,
        })
    }
}

/// The CKA_ID of a certificate whose key is not the token's: as a key's, or SHA-1 of a certificate that cannot be read.
pub(crate) fn key_id(der: &[u8]) -> Vec<u8> {
    let key = Names::of(der).and_then(|names| PublicKey::of_spki(&names.spki));
    key.map_or_else(|| Sha1::digest(der).to_vec(), |key| key.id().to_vec())
}
