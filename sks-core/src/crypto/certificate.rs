//! What the token reads in a certificate: the public key.
//!
//! Source: RFC 5280, 4.1. Nothing is verified: the issuer vouches for the certificates that it sends.

use der::{Decode, Header, Reader, SliceReader, Tag, TagNumber};
use spki::SubjectPublicKeyInfoRef;
use x509_cert::Certificate;

use super::encoded::rsa_spec;
use super::peer::{PeerKeyError, peer_key};
use crate::ports::{CryptoError, KeySpec};

/// The SubjectPublicKeyInfo of a certificate, byte for byte. The whole input must be one X.509 certificate.
///
/// # Errors
/// [`CryptoError::BadKey`] for anything else.
pub fn public_key_of(certificate: &[u8]) -> Result<Vec<u8>, CryptoError> {
    // The first reading proves that it is a certificate, the second finds the bytes as they are.
    Certificate::from_der(certificate).map_err(|_| CryptoError::BadKey)?;
    find_public_key(certificate).map(<[u8]>::to_vec).map_err(|_| CryptoError::BadKey)
}

/// `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { version [0] OPTIONAL, serialNumber, signature, issuer,
/// validity, subject, subjectPublicKeyInfo, ... }, ... }`
fn find_public_key(certificate: &[u8]) -> der::Result<&[u8]> {
    const VERSION: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    const BEFORE_KEY: usize = 5;
    let mut reader = SliceReader::new(certificate)?;
    Header::decode(&mut reader)?;
    Header::decode(&mut reader)?;
    if Tag::peek(&reader)? == VERSION {
        reader.tlv_bytes()?;
    }
    for _ in 0..BEFORE_KEY {
        reader.tlv_bytes()?;
    }
    reader.tlv_bytes()
}

/// What kind of key a SubjectPublicKeyInfo holds.
///
/// # Errors
/// [`CryptoError::BadKey`] for garbage, [`CryptoError::Unsupported`] for a kind or size that the token does not use.
pub fn spec_of(spki: &[u8]) -> Result<KeySpec, CryptoError> {
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| CryptoError::BadKey)?;
    if info.algorithm.oid != rsa::pkcs1::ALGORITHM_OID {
        return peer_key(spki).map(|_| KeySpec::P256).map_err(|error| match error {
            PeerKeyError::Algorithm => CryptoError::Unsupported,
            PeerKeyError::Malformed => CryptoError::BadKey,
        });
    }
    let bytes = info.subject_public_key.as_bytes().ok_or(CryptoError::BadKey)?;
    let key = rsa::pkcs1::RsaPublicKeyRef::from_der(bytes).map_err(|_| CryptoError::BadKey)?;
    rsa_spec(key.modulus.as_bytes(), key.public_exponent.as_bytes())
}
