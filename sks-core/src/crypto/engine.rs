//! The engine that the token uses: for each operation the fast one where it can, else the complete one.

use zeroize::Zeroizing;

use super::peer::PeerKey;
use super::rustcrypto::RustCrypto;
use crate::ports::{Crypto, CryptoError, Exchange, KeySpec, PrivateKey, Rng};

/// aws-lc-rs where it is built in (feature `aws-lc`) and can do it, else RustCrypto.
///
/// Which of the two does an operation depends on the kind of key and the algorithm only, never on the data: so that a
/// synthetic plain text depends on key and data, and no answer tells which engine gave up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Preferred;

/// The engine that the token uses.
#[must_use]
pub fn engine() -> Preferred {
    Preferred
}

#[cfg(not(feature = "aws-lc"))]
impl Crypto for Preferred {
    fn generate(
        &self,
        spec: KeySpec,
        issuer_seed: &[u8; 32],
        rng: &dyn Rng,
    ) -> Result<Box<dyn PrivateKey>, CryptoError> {
        RustCrypto.generate(spec, issuer_seed, rng)
    }

    fn load(&self, pkcs8: &[u8]) -> Result<Box<dyn PrivateKey>, CryptoError> {
        RustCrypto.load(pkcs8)
    }

    fn exchange(&self, scalar: &Zeroizing<[u8; 32]>, peer: &PeerKey) -> Result<Exchange, CryptoError> {
        RustCrypto.exchange(scalar, peer)
    }
}

#[cfg(feature = "aws-lc")]
impl Crypto for Preferred {
    fn generate(
        &self,
        spec: KeySpec,
        issuer_seed: &[u8; 32],
        rng: &dyn Rng,
    ) -> Result<Box<dyn PrivateKey>, CryptoError> {
        match fast::generate(spec, issuer_seed, rng) {
            Err(CryptoError::Unsupported) => RustCrypto.generate(spec, issuer_seed, rng),
            done => done,
        }
    }

    fn load(&self, pkcs8: &[u8]) -> Result<Box<dyn PrivateKey>, CryptoError> {
        match fast::load(pkcs8) {
            Err(CryptoError::Unsupported) => RustCrypto.load(pkcs8),
            done => done,
        }
    }

    fn exchange(&self, scalar: &Zeroizing<[u8; 32]>, peer: &PeerKey) -> Result<Exchange, CryptoError> {
        super::AwsLc.exchange(scalar, peer)
    }
}

/// Keys that both engines know.
#[cfg(feature = "aws-lc")]
mod fast {
    use std::sync::OnceLock;

    use sks_wire::Secret;
    use sks_wire::algorithm::Algorithm;

    use crate::crypto::{aws_lc, rustcrypto, scheme};
    use crate::ports::{CryptoError, KeySpec, PrivateKey, Rng};

    pub(super) fn generate(
        spec: KeySpec,
        issuer_seed: &[u8; 32],
        rng: &dyn Rng,
    ) -> Result<Box<dyn PrivateKey>, CryptoError> {
        Ok(Box::new(Key::new(aws_lc::Key::generate(spec, issuer_seed, rng)?)))
    }

    pub(super) fn load(pkcs8: &[u8]) -> Result<Box<dyn PrivateKey>, CryptoError> {
        Ok(Box::new(Key::new(aws_lc::Key::load(pkcs8)?)))
    }

    /// The complete half is read when it is first needed: reading costs 100 us and more, and most keys never need it.
    struct Key {
        fast: aws_lc::Key,
        complete: OnceLock<Option<rustcrypto::Key>>,
    }

    impl Key {
        fn new(fast: aws_lc::Key) -> Self {
            Self { fast, complete: OnceLock::new() }
        }

        fn complete(&self) -> Result<&rustcrypto::Key, CryptoError> {
            let open = || rustcrypto::Key::open(self.fast.encoded()).ok();
            self.complete.get_or_init(open).as_ref().ok_or(CryptoError::Failed)
        }
    }

    impl PrivateKey for Key {
        fn spec(&self) -> KeySpec {
            self.fast.spec()
        }

        fn public_key(&self) -> &[u8] {
            self.fast.public_key()
        }

        fn pkcs8(&self) -> Result<Secret, CryptoError> {
            self.fast.pkcs8()
        }

        fn fits(&self, algorithm: Algorithm) -> bool {
            scheme::fits(algorithm, self.fast.spec())
        }

        fn sign(&self, algorithm: Algorithm, hash: &[u8], rng: &dyn Rng) -> Result<Vec<u8>, CryptoError> {
            match self.fast.sign(algorithm, hash, rng) {
                Err(CryptoError::Unsupported) => self.complete()?.sign(algorithm, hash, rng),
                done => done,
            }
        }

        fn decrypt(&self, algorithm: Algorithm, data: &[u8], rng: &dyn Rng) -> Result<Secret, CryptoError> {
            match self.fast.decrypt(algorithm, data, rng) {
                Err(CryptoError::Unsupported) => self.complete()?.decrypt(algorithm, data, rng),
                done => done,
            }
        }

        fn agree(&self, peer: &[u8]) -> Result<Secret, CryptoError> {
            self.fast.agree(peer)
        }
    }
}
