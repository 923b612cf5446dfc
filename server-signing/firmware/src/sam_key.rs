//! Keys of the SAM's own: P-256, derived from the master backup key, ECDSA with SHA-256.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use tw4s_formats::{Digest, Exact, SignatureAlgorithm, Signed};

use crate::error::{FirmwareError, StateError};
use crate::master::MasterKey;

/// One of them.
pub(crate) struct SamKey {
    pair: EcdsaKeyPair,
    spki: Vec<u8>,
}

impl SamKey {
    /// Derives the key of a label: candidates are drawn until one lies between 1 and the curve's order (FIPS 186-5
    /// A.2.2), which the first does but once in 2^32.
    pub(crate) fn derive(master: &MasterKey, label: &str) -> Result<Self, StateError> {
        let failed = || StateError::Failed("key derivation");
        for number in 0..=u8::MAX {
            let scalar = master.derive_numbered::<32>(label, number)?;
            let Ok(private) = PrivateKey::from_private_key(&ECDH_P256, &*scalar) else { continue };
            let public = private.compute_public_key().map_err(|_| failed())?;
            let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
            let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &*scalar, public.as_ref());
            let pair = pair.map_err(|_| failed())?;
            let spki = pair.public_key().as_der().map_err(|_| failed())?.as_ref().to_vec();
            return Ok(Self { pair, spki });
        }
        Err(failed())
    }

    /// Its SubjectPublicKeyInfo.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, FirmwareError> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| FirmwareError::Failed)?;
        Ok(signature.as_ref().to_vec())
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.pair.public_key().as_ref());
        key.verify(message, signature).is_ok()
    }

    /// Signs a value in the shape of X.509.
    pub(crate) fn sign_value<T: der::Encode>(&self, value: T) -> Result<Signed<T>, FirmwareError> {
        let tbs = Exact::new(value).map_err(|_| FirmwareError::Failed)?;
        let signature = self.sign(tbs.der())?;
        let algorithm = ALGORITHM.to_identifier().map_err(|_| FirmwareError::Failed)?;
        Signed::new(tbs, algorithm, signature).map_err(|_| FirmwareError::Failed)
    }

    /// The algorithm stands outside the signature, so it has to be the one that this key has.
    pub(crate) fn is_algorithm_of<T>(signed: &Signed<T>) -> bool {
        SignatureAlgorithm::from_identifier(&signed.signature_algorithm) == Ok(ALGORITHM)
    }
}

const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
