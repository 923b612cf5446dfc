//! In pure Rust: p256.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{DerSignature, VerifyingKey};
use sks_wire::Secret;

use crate::crypto::CryptoError;

/// A private key for ECDH.
pub(crate) struct AgreementKey(p256::SecretKey);

impl AgreementKey {
    pub(crate) fn new(scalar: &[u8; 32]) -> Result<Self, CryptoError> {
        p256::SecretKey::from_slice(scalar).map(Self).map_err(|_| CryptoError::PrivateKey)
    }

    pub(crate) fn public_key(&self) -> Result<p256::PublicKey, CryptoError> {
        Ok(self.0.public_key())
    }

    /// The x coordinate of the shared point.
    pub(crate) fn agree(&self, peer: &p256::PublicKey) -> Result<Secret, CryptoError> {
        Ok(Secret::from(self.0.diffie_hellman(peer).raw_secret_bytes().as_slice()))
    }
}

/// A private key for ECDSA with SHA-256.
pub(crate) struct SigningKey(p256::ecdsa::SigningKey);

impl SigningKey {
    pub(crate) fn new(key: &p256::ecdsa::SigningKey) -> Result<Self, CryptoError> {
        Ok(Self(key.clone()))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<DerSignature, CryptoError> {
        self.0.try_sign(message).map_err(|_| CryptoError::PrivateKey)
    }
}

/// Whether `signature`, DER, is of the SHA-256 hash of `message`.
pub(crate) fn verifies(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    DerSignature::try_from(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}

/// As [`verifies`], for a message whose SHA-256 hash is known.
pub(crate) fn verifies_hash(key: &VerifyingKey, hash: &[u8; 32], signature: &[u8]) -> bool {
    DerSignature::try_from(signature).is_ok_and(|signature| key.verify_prehash(hash, &signature).is_ok())
}
