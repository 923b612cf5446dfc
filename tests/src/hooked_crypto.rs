//! The token's engine, with something done before each key generation.

use sks_core::crypto::{PeerKey, engine};
use sks_core::ports::{Crypto, CryptoError, Exchange, KeySpec, PrivateKey, Rng};
use zeroize::Zeroizing;

/// An engine that a test can hold up, or make panic.
pub struct HookedCrypto<F>(pub F);

impl<F: Fn() + Send + Sync> Crypto for HookedCrypto<F> {
    fn generate(
        &self,
        spec: KeySpec,
        issuer_seed: &[u8; 32],
        rng: &dyn Rng,
    ) -> Result<Box<dyn PrivateKey>, CryptoError> {
        self.0();
        engine().generate(spec, issuer_seed, rng)
    }

    fn load(&self, pkcs8: &[u8]) -> Result<Box<dyn PrivateKey>, CryptoError> {
        engine().load(pkcs8)
    }

    fn exchange(&self, scalar: &Zeroizing<[u8; 32]>, peer: &PeerKey) -> Result<Exchange, CryptoError> {
        engine().exchange(scalar, peer)
    }
}
