//! With AWS-LC.

use aws_lc_rs::agreement::{self, ECDH_P256};
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, UnparsedPublicKey};
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point;
use sks_wire::Secret;
use zeroize::Zeroizing;

use crate::crypto::CryptoError;

/// A private key for ECDH. AWS-LC wipes what it frees.
pub(crate) struct AgreementKey(agreement::PrivateKey);

impl AgreementKey {
    pub(crate) fn new(scalar: &[u8; 32]) -> Result<Self, CryptoError> {
        let key = agreement::PrivateKey::from_private_key(&ECDH_P256, scalar);
        key.map(Self).map_err(|_| CryptoError::PrivateKey)
    }

    pub(crate) fn public_key(&self) -> Result<p256::PublicKey, CryptoError> {
        let point = self.0.compute_public_key().map_err(|_| CryptoError::PrivateKey)?;
        p256::PublicKey::from_sec1_bytes(point.as_ref()).map_err(|_| CryptoError::PrivateKey)
    }

    /// The x coordinate of the shared point.
    pub(crate) fn agree(&self, peer: &p256::PublicKey) -> Result<Secret, CryptoError> {
        let peer = agreement::UnparsedPublicKey::new(&ECDH_P256, peer.to_sec1_point(false));
        agreement::agree(&self.0, peer, CryptoError::PublicKey, |shared| Ok(Secret::from(shared)))
    }
}

/// A private key for ECDSA with SHA-256.
pub(crate) struct SigningKey(EcdsaKeyPair);

impl SigningKey {
    pub(crate) fn new(key: &p256::ecdsa::SigningKey) -> Result<Self, CryptoError> {
        let scalar = Zeroizing::new(<[u8; 32]>::from(key.to_bytes()));
        let point = key.verifying_key().to_sec1_point(false);
        let key = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            scalar.as_slice(),
            point.as_bytes(),
        );
        key.map(Self).map_err(|_| CryptoError::PrivateKey)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<DerSignature, CryptoError> {
        let hash = digest::digest(&digest::SHA256, message);
        let signature = self.0.sign_digest(&hash).map_err(|_| CryptoError::PrivateKey)?;
        DerSignature::try_from(signature.as_ref()).map_err(|_| CryptoError::PrivateKey)
    }
}

/// Whether `signature`, DER, is of the SHA-256 hash of `message`.
pub(crate) fn verifies(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    unparsed(key).verify(message, signature).is_ok()
}

/// As [`verifies`], for a message whose SHA-256 hash is known.
pub(crate) fn verifies_hash(key: &VerifyingKey, hash: &[u8; 32], signature: &[u8]) -> bool {
    let hash = Digest::import_less_safe(hash, &digest::SHA256);
    hash.is_ok_and(|hash| unparsed(key).verify_digest(&hash, signature).is_ok())
}

fn unparsed(key: &VerifyingKey) -> UnparsedPublicKey<impl AsRef<[u8]>> {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.to_sec1_point(false))
}
