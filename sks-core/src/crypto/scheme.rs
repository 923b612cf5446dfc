//! What the signature algorithms ask of an engine.
//!
//! Source: RFC 8017 (PKCS#1 v1.5, PSS), X9.62, and the URIs of [`Algorithm`].

use sks_wire::algorithm::Algorithm;

use crate::ports::{CryptoError, KeySpec};

/// A hash algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// A signature scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// RSASSA-PKCS1-v1_5.
    Pkcs1(Hash),
    /// RSASSA-PSS, MGF1 with the same hash, the salt as long as the hash.
    Pss(Hash),
    /// ECDSA, DER.
    Ecdsa(Hash),
}

impl Hash {
    /// In bytes.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Bytes of DigestInfo without the hash: tags, lengths, NULL and the object identifier of 5 or 9 bytes.
    fn digest_info_len(self) -> usize {
        if self == Self::Sha1 { 15 } else { 19 }
    }
}

impl Scheme {
    /// `None` where the algorithm is not for signatures.
    pub(super) fn of(algorithm: Algorithm) -> Option<Self> {
        Some(match algorithm {
            Algorithm::RsaSha1 => Self::Pkcs1(Hash::Sha1),
            Algorithm::RsaSha256 => Self::Pkcs1(Hash::Sha256),
            Algorithm::RsaSha384 => Self::Pkcs1(Hash::Sha384),
            Algorithm::RsaSha512 => Self::Pkcs1(Hash::Sha512),
            Algorithm::RsaPssSha1 => Self::Pss(Hash::Sha1),
            Algorithm::RsaPssSha256 => Self::Pss(Hash::Sha256),
            Algorithm::RsaPssSha384 => Self::Pss(Hash::Sha384),
            Algorithm::RsaPssSha512 => Self::Pss(Hash::Sha512),
            Algorithm::EcdsaSha256 => Self::Ecdsa(Hash::Sha256),
            Algorithm::EcdsaSha384 => Self::Ecdsa(Hash::Sha384),
            Algorithm::EcdsaSha512 => Self::Ecdsa(Hash::Sha512),
            _ => return None,
        })
    }

    /// The scheme, if it fits key and hash.
    pub(super) fn checked(algorithm: Algorithm, spec: KeySpec, hash: &[u8]) -> Result<Self, CryptoError> {
        let scheme = Self::of(algorithm).ok_or(CryptoError::Unfit)?;
        let sound = scheme.fits(spec) && scheme.hash().len() == hash.len();
        if sound { Ok(scheme) } else { Err(CryptoError::Unfit) }
    }

    /// Of what a signature is made.
    pub(super) fn hash(self) -> Hash {
        match self {
            Self::Pkcs1(hash) | Self::Pss(hash) | Self::Ecdsa(hash) => hash,
        }
    }

    /// Whether the key is of the right kind and has room for the encoding (RFC 8017, 9.1.1 and 9.2, step 3).
    pub(super) fn fits(self, spec: KeySpec) -> bool {
        match (self, spec) {
            (Self::Pkcs1(hash), KeySpec::Rsa { bits, .. }) => {
                usize::from(bits).div_ceil(8) >= hash.digest_info_len() + hash.len() + 11
            }
            (Self::Pss(hash), KeySpec::Rsa { bits, .. }) => {
                usize::from(bits).saturating_sub(1).div_ceil(8) >= 2 * hash.len() + 2
            }
            (Self::Ecdsa(_), KeySpec::P256) => true,
            _ => false,
        }
    }
}

/// Whether a key of this kind can sign with this algorithm.
pub(super) fn fits(algorithm: Algorithm, spec: KeySpec) -> bool {
    Scheme::of(algorithm).is_some_and(|scheme| scheme.fits(spec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pss_with_sha512_does_not_fit_1024_bits() {
        let rsa = |bits| KeySpec::Rsa { bits, exponent: 65537 };
        assert!(!fits(Algorithm::RsaPssSha512, rsa(1024)));
        assert!(fits(Algorithm::RsaPssSha384, rsa(1024)));
        assert!(fits(Algorithm::RsaPssSha512, rsa(2048)));
        assert!(fits(Algorithm::RsaSha512, rsa(1024)));
        assert!(!fits(Algorithm::RsaSha256, KeySpec::P256));
        assert!(!fits(Algorithm::EcdsaSha256, rsa(2048)));
        assert!(!fits(Algorithm::Rsa15, rsa(2048)));
    }
}
