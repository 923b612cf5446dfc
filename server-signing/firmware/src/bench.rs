//! The bare work of a signing, without sockets, parsing or a database: what `tw4s bench` is compared with.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use tw4s_formats::{Digest, SignatureAlgorithm};

use crate::algorithm::{Digested, KeySpec};
use crate::module::{CryptoModule, ModuleError};
use crate::verify::PublicKey;

/// The crypto path of a signing: token, SAD and wrapped key verified (each ECDSA P-256 over a message of its usual
/// size), the key unwrapped, hashes signed.
pub struct BarePath<'m> {
    module: &'m dyn CryptoModule,
    spec: KeySpec,
    wrapped: Vec<u8>,
    signed: Vec<(PublicKey, Vec<u8>, Vec<u8>)>,
    hash: Vec<u8>,
}

impl<'m> BarePath<'m> {
    /// Makes keys and signatures.
    ///
    /// # Errors
    /// [`ModuleError`].
    pub fn new(module: &'m dyn CryptoModule, spec: KeySpec) -> Result<Self, ModuleError> {
        let failed = || ModuleError::Failed;
        let mut signed = Vec::new();
        for len in MESSAGE_LENGTHS {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| failed())?;
            let message = vec![0x5a; len];
            let signature = pair.sign(&SystemRandom::new(), &message).map_err(|_| failed())?;
            let key = PublicKey::p256(pair.public_key().as_ref());
            signed.push((key, message, signature.as_ref().to_vec()));
        }
        let size = spec.default_algorithm().digest().ok_or_else(failed)?.size();
        Ok(Self { module, spec, wrapped: module.generate(spec)?.wrapped, signed, hash: vec![0xa5; size] })
    }

    /// The whole path, with `hashes` signatures. May be run from many threads at once.
    ///
    /// # Errors
    /// [`ModuleError`].
    pub fn run(&self, hashes: usize) -> Result<(), ModuleError> {
        for (key, message, signature) in &self.signed {
            if !key.verify(SignatureAlgorithm::Ecdsa(Digest::Sha256), message, signature) {
                return Err(ModuleError::Failed);
            }
        }
        self.run_signatures(hashes)
    }

    /// The signatures alone, with one activation: for batches, the bare signature rate.
    ///
    /// # Errors
    /// [`ModuleError`].
    pub fn run_signatures(&self, hashes: usize) -> Result<(), ModuleError> {
        let input = Digested::new(self.spec, self.spec.default_algorithm(), &self.hash);
        let input = input.map_err(|_| ModuleError::Failed)?;
        let key = self.module.activate(&self.wrapped, self.spec)?;
        for _ in 0..hashes {
            key.sign(&input)?;
        }
        Ok(())
    }
}

/// Bytes of a token's data, a SADTBS with one hash, and a wrapped key, all with P-256 keys.
const MESSAGE_LENGTHS: [usize; 3] = [250, 530, 400];
