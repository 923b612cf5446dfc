//! Public keys: which kind a SubjectPublicKeyInfo holds.
//!
//! Source: RFC 3279 2.3.1 (RSA), RFC 5480 (EC, named curves alone, points uncompressed), RFC 8410 (Ed25519).

use der::asn1::{ObjectIdentifier, Uint};
use der::{Decode, Sequence};
use spki::SubjectPublicKeyInfoOwned;

use crate::algorithm::{Digest, SignatureAlgorithm};
use crate::error::{Error, Kind};
use crate::format::Format;
use crate::limit::MAX_SPKI_LEN;

/// A kind of public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA.
    Rsa {
        /// Of the modulus.
        bits: u32,
    },
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// Ed25519.
    Ed25519,
}

impl KeyKind {
    /// Tells the kind by algorithm, parameters and shape; whether an EC point is on its curve is for the crypto module.
    ///
    /// # Errors
    /// [`Kind::Algorithm`] for any other.
    pub fn of(key: &SubjectPublicKeyInfoOwned) -> Result<Self, Error> {
        let unknown = Error::value(Kind::Algorithm);
        let bytes = key.subject_public_key.as_bytes().ok_or(unknown)?;
        let parameters = key.algorithm.parameters.as_ref();
        match key.algorithm.oid {
            RSA_ENCRYPTION if parameters.is_some_and(|p| p.is_null()) => {
                let key = RsaPublicKey::from_der(bytes).map_err(|_| unknown)?;
                Ok(Self::Rsa { bits: bits(key.modulus.as_bytes()).ok_or(unknown)? })
            }
            EC_PUBLIC_KEY => {
                let curve = parameters.and_then(|p| p.decode_as::<ObjectIdentifier>().ok());
                match (curve.ok_or(unknown)?, bytes.first(), bytes.len()) {
                    (SECP256R1, Some(&UNCOMPRESSED), 65) => Ok(Self::P256),
                    (SECP384R1, Some(&UNCOMPRESSED), 97) => Ok(Self::P384),
                    (SECP521R1, Some(&UNCOMPRESSED), 133) => Ok(Self::P521),
                    _ => Err(unknown),
                }
            }
            ED25519 if parameters.is_none() && bytes.len() == 32 => Ok(Self::Ed25519),
            _ => Err(unknown),
        }
    }

    /// The algorithm of a SAD signed with such a key, which the SAD itself does not name (row 9).
    #[must_use]
    pub fn sad_algorithm(self) -> SignatureAlgorithm {
        match self {
            Self::Rsa { .. } => SignatureAlgorithm::RsaPkcs1(Digest::Sha256),
            Self::P256 => SignatureAlgorithm::Ecdsa(Digest::Sha256),
            Self::P384 => SignatureAlgorithm::Ecdsa(Digest::Sha384),
            Self::P521 => SignatureAlgorithm::Ecdsa(Digest::Sha512),
            Self::Ed25519 => SignatureAlgorithm::Ed25519,
        }
    }
}

impl Format for SubjectPublicKeyInfoOwned {
    const MAX_LEN: usize = MAX_SPKI_LEN;
}

/// RFC 8017 A.1.1.
#[derive(Sequence)]
struct RsaPublicKey {
    modulus: Uint,
    public_exponent: Uint,
}

fn bits(modulus: &[u8]) -> Option<u32> {
    let first = modulus.first().filter(|first| **first != 0)?;
    u32::try_from(modulus.len()).ok()?.checked_mul(8)?.checked_sub(first.leading_zeros())
}

const UNCOMPRESSED: u8 = 4;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const SECP521R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
