//! Algorithms: the allow-list, and which identifiers mean which (rows 9, 10 and 13).
//!
//! Source: RFC 4055 (RSA), RFC 5758 (ECDSA), RFC 8410 (Ed25519), RFC 5754 (digests). SHA-1 and MD5 are not on the list.

use der::asn1::{Any, ObjectIdentifier};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierOwned;

use crate::error::{Error, Kind};
use crate::limit::MAX_SALT_LEN;

/// A digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Digest {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Digest {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Bytes of its value.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Its identifier.
    #[must_use]
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => ID_SHA256,
            Self::Sha384 => ID_SHA384,
            Self::Sha512 => ID_SHA512,
        }
    }

    /// Its AlgorithmIdentifier, without parameters (RFC 5754 2: "MUST be generated").
    #[must_use]
    pub fn to_identifier(self) -> AlgorithmIdentifierOwned {
        AlgorithmIdentifierOwned { oid: self.oid(), parameters: None }
    }

    /// Reads an AlgorithmIdentifier; absent and NULL parameters are the same.
    ///
    /// # Errors
    /// [`Kind::Algorithm`] for any other digest, or other parameters.
    pub fn from_identifier(identifier: &AlgorithmIdentifierOwned) -> Result<Self, Error> {
        let digest = Self::ALL.into_iter().find(|digest| digest.oid() == identifier.oid).ok_or(UNKNOWN)?;
        if !absent_or_null(identifier) {
            return Err(UNKNOWN);
        }
        Ok(digest)
    }
}

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1(Digest),
    /// RSASSA-PSS, MGF1 with the same digest.
    RsaPss {
        /// Of message and mask.
        digest: Digest,
        /// Bytes of salt.
        salt_len: u16,
    },
    /// ECDSA, its value a DER Ecdsa-Sig-Value.
    Ecdsa(Digest),
    /// Ed25519, over the message and not over a digest.
    Ed25519,
}

impl SignatureAlgorithm {
    /// Its digest; Ed25519 has none of its own to name.
    #[must_use]
    pub fn digest(self) -> Option<Digest> {
        match self {
            Self::RsaPkcs1(digest) | Self::RsaPss { digest, .. } | Self::Ecdsa(digest) => Some(digest),
            Self::Ed25519 => None,
        }
    }

    /// Its AlgorithmIdentifier.
    ///
    /// # Errors
    /// [`Kind::Algorithm`] for a salt longer than we read.
    pub fn to_identifier(self) -> Result<AlgorithmIdentifierOwned, Error> {
        let (oid, parameters) = match self {
            Self::RsaPkcs1(digest) => (rsa_pkcs1(digest), Some(Any::null())),
            Self::RsaPss { digest, salt_len } => (RSASSA_PSS, Some(PssParameters::new(digest, salt_len)?.to_any()?)),
            Self::Ecdsa(digest) => (ecdsa(digest), None),
            Self::Ed25519 => (ED25519, None),
        };
        Ok(AlgorithmIdentifierOwned { oid, parameters })
    }

    /// Reads an AlgorithmIdentifier.
    ///
    /// # Errors
    /// [`Kind::Algorithm`] for any other algorithm, or parameters that it cannot have.
    pub fn from_identifier(identifier: &AlgorithmIdentifierOwned) -> Result<Self, Error> {
        if identifier.oid == RSASSA_PSS {
            return PssParameters::from_identifier(identifier)?.to_algorithm();
        }
        for digest in Digest::ALL {
            if identifier.oid == rsa_pkcs1(digest) && absent_or_null(identifier) {
                return Ok(Self::RsaPkcs1(digest));
            }
            if identifier.oid == ecdsa(digest) && identifier.parameters.is_none() {
                return Ok(Self::Ecdsa(digest));
            }
        }
        if identifier.oid == ED25519 && identifier.parameters.is_none() {
            return Ok(Self::Ed25519);
        }
        Err(UNKNOWN)
    }
}

/// What a SAD's `hashAlgorithm` names: the guide's text means both (row 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// A digest; the key says how to sign.
    Digest(Digest),
    /// The whole signature algorithm.
    Signature(SignatureAlgorithm),
}

impl HashAlgorithm {
    /// Reads an AlgorithmIdentifier.
    ///
    /// # Errors
    /// [`Kind::Algorithm`] for anything else.
    pub fn from_identifier(identifier: &AlgorithmIdentifierOwned) -> Result<Self, Error> {
        Digest::from_identifier(identifier)
            .map(Self::Digest)
            .or_else(|_| SignatureAlgorithm::from_identifier(identifier).map(Self::Signature))
    }

    /// Its AlgorithmIdentifier.
    ///
    /// # Errors
    /// As [`SignatureAlgorithm::to_identifier`].
    pub fn to_identifier(self) -> Result<AlgorithmIdentifierOwned, Error> {
        match self {
            Self::Digest(digest) => Ok(digest.to_identifier()),
            Self::Signature(algorithm) => algorithm.to_identifier(),
        }
    }

    /// The digest that the hash values must have the size of.
    #[must_use]
    pub fn digest(self) -> Option<Digest> {
        match self {
            Self::Digest(digest) => Some(digest),
            Self::Signature(algorithm) => algorithm.digest(),
        }
    }
}

/// RFC 4055 3.1:
/// ```text
/// RSASSA-PSS-params ::= SEQUENCE {
///   hashAlgorithm    [0] HashAlgorithm DEFAULT sha1Identifier,
///   maskGenAlgorithm [1] MaskGenAlgorithm DEFAULT mgf1SHA1Identifier,
///   saltLength       [2] INTEGER DEFAULT 20,
///   trailerField     [3] INTEGER DEFAULT 1 }
/// ```
/// Of the defaults only the salt's is on our list, and DER leaves a default out: so a trailerField, or 20 in writing,
/// is refused.
#[derive(Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    hash: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    mask: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    salt: Option<u16>,
}

impl PssParameters {
    fn new(digest: Digest, salt_len: u16) -> Result<Self, Error> {
        if salt_len > MAX_SALT_LEN {
            return Err(UNKNOWN);
        }
        // Here, unlike elsewhere, RFC 4055 2.1 wants NULL.
        let hash = AlgorithmIdentifierOwned { oid: digest.oid(), parameters: Some(Any::null()) };
        let mask = AlgorithmIdentifierOwned { oid: MGF1, parameters: Some(Any::encode_from(&hash)?) };
        Ok(Self { hash, mask, salt: (salt_len != DEFAULT_SALT_LEN).then_some(salt_len) })
    }

    fn to_any(&self) -> Result<Any, Error> {
        Ok(Any::encode_from(self)?)
    }

    fn from_identifier(identifier: &AlgorithmIdentifierOwned) -> Result<Self, Error> {
        let der = identifier.parameters.as_ref().ok_or(UNKNOWN)?.to_der()?;
        Self::from_der(&der).map_err(|_| UNKNOWN)
    }

    fn to_algorithm(&self) -> Result<SignatureAlgorithm, Error> {
        let digest = Digest::from_identifier(&self.hash)?;
        let mask = self.mask.parameters.as_ref().filter(|_| self.mask.oid == MGF1).ok_or(UNKNOWN)?;
        let mask = mask.decode_as::<AlgorithmIdentifierOwned>().map_err(|_| UNKNOWN)?;
        let fits = Digest::from_identifier(&mask)? == digest && self.salt != Some(DEFAULT_SALT_LEN);
        let salt_len = self.salt.unwrap_or(DEFAULT_SALT_LEN);
        if !fits || salt_len > MAX_SALT_LEN {
            return Err(UNKNOWN);
        }
        Ok(SignatureAlgorithm::RsaPss { digest, salt_len })
    }
}

fn absent_or_null(identifier: &AlgorithmIdentifierOwned) -> bool {
    identifier.parameters.as_ref().is_none_or(Any::is_null)
}

fn rsa_pkcs1(digest: Digest) -> ObjectIdentifier {
    match digest {
        Digest::Sha256 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11") },
        Digest::Sha384 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12") },
        Digest::Sha512 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13") },
    }
}

fn ecdsa(digest: Digest) -> ObjectIdentifier {
    match digest {
        Digest::Sha256 => const { ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2") },
        Digest::Sha384 => const { ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3") },
        Digest::Sha512 => const { ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4") },
    }
}

const UNKNOWN: Error = Error::value(Kind::Algorithm);
/// Bytes; RFC 4055 3.1.
const DEFAULT_SALT_LEN: u16 = 20;

const ID_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const ID_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const ID_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
