//! P-256 public keys of others: ServerEphemeralKey, and the PublicKey of keyAgreement.
//!
//! Source: RFC 5280 (SubjectPublicKeyInfo), RFC 5480 (elliptic curves), SEC 1, 2.3.4.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{ID_EC_PUBLIC_KEY, SECP_256_R_1};
use der::Decode;
use spki::SubjectPublicKeyInfoRef;

/// Bytes of an uncompressed point: 04, x, y.
pub(super) const POINT: usize = 65;
/// The first byte of an uncompressed point.
const UNCOMPRESSED: u8 = 4;

/// A point on P-256 that is not the point at infinity.
#[derive(Clone, Debug)]
pub struct PeerKey(pub(super) p256::PublicKey);

/// Why a public key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerKeyError {
    /// Well formed, but not for ECC on the named curve P-256: ERROR_ALGORITHM.
    #[error("not a key on the named curve P-256")]
    Algorithm,
    /// Not DER, or not an uncompressed point of the curve: ERROR_CRYPTO.
    #[error("not a well-formed public key")]
    Malformed,
}

/// Reads a SubjectPublicKeyInfo that holds an uncompressed point of P-256.
///
/// # Errors
/// [`PeerKeyError`].
pub fn peer_key(spki: &[u8]) -> Result<PeerKey, PeerKeyError> {
    let point = point_of(spki)?;
    p256::PublicKey::from_sec1_bytes(point).map(PeerKey).map_err(|_| PeerKeyError::Malformed)
}

/// All the checks of [`peer_key`] but that the point is on the curve.
pub(super) fn point_of(spki: &[u8]) -> Result<&[u8; POINT], PeerKeyError> {
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| PeerKeyError::Malformed)?;
    if info.algorithm.oid != ID_EC_PUBLIC_KEY {
        return Err(PeerKeyError::Algorithm);
    }
    // Explicit curve parameters, even those of P-256, are not a named curve.
    let curve = info.algorithm.parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    if curve != Some(SECP_256_R_1) {
        return Err(PeerKeyError::Algorithm);
    }
    let point = info.subject_public_key.as_bytes().and_then(|bytes| <&[u8; POINT]>::try_from(bytes).ok());
    point.filter(|point| point.first() == Some(&UNCOMPRESSED)).ok_or(PeerKeyError::Malformed)
}
