//! P-256: ECDSA and ECDH (X9.62, SEC 1).

use p256::ecdsa::signature::hazmat::RandomizedPrehashSigner;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::elliptic_curve::Generate;
use zeroize::Zeroizing;

use super::Parsed;
use crate::crypto::encoded::{Encoded, Scalar, encode_p256};
use crate::crypto::peer::{POINT, PeerKey};
use crate::crypto::random::{Drbg, Port};
use crate::ports::{CryptoError, Rng};

/// A new key pair.
pub(super) fn generate(drbg: &mut Drbg) -> Result<(Encoded, Parsed), CryptoError> {
    let key = SigningKey::generate_from_rng(drbg);
    let scalar: Scalar = Zeroizing::new(key.to_bytes().into());
    Ok((encode_p256(&scalar, &point(&key)?), Parsed::P256(key)))
}

/// The key of a scalar that must lie between 1 and the curve's order.
pub(super) fn load(scalar: &Scalar) -> Result<SigningKey, CryptoError> {
    SigningKey::from_slice(scalar.as_slice()).map_err(|_| CryptoError::BadKey)
}

/// The public key, uncompressed.
pub(super) fn point(key: &SigningKey) -> Result<[u8; POINT], CryptoError> {
    let point = key.verifying_key().to_sec1_point(false);
    point.as_bytes().try_into().map_err(|_| CryptoError::Failed)
}

/// ECDSA of a hash of any of the three lengths, of which the leftmost 256 bits count. The nonce is that of RFC 6979
/// with random numbers added, so that neither a bad random source nor a fault in the signing of the same hash twice
/// gives the key away.
pub(super) fn sign(key: &SigningKey, hash: &[u8], rng: &dyn Rng) -> Result<Vec<u8>, CryptoError> {
    let signature: DerSignature = key.sign_prehash_with_rng(&mut Port(rng), hash).map_err(|_| CryptoError::Failed)?;
    Ok(signature.as_bytes().to_vec())
}

/// The x coordinate of the shared point.
pub(super) fn agree(key: &SigningKey, peer: &PeerKey) -> Zeroizing<[u8; 32]> {
    let shared = p256::ecdh::diffie_hellman(key.as_nonzero_scalar(), peer.0.as_affine());
    Zeroizing::new((*shared.raw_secret_bytes()).into())
}
