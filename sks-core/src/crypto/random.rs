//! Random numbers in the shape that the engines want, and the generator behind new key pairs.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use super::mac::hmac_sha256;
use crate::ports::{Rng, RngError};

/// The token's random numbers under rand_core's names.
pub(super) struct Port<'a>(pub(super) &'a dyn Rng);

impl TryRng for Port<'_> {
    type Error = RngError;

    fn try_next_u32(&mut self) -> Result<u32, RngError> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, RngError> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        self.0.fill(out)
    }
}

impl TryCryptoRng for Port<'_> {}

/// HMAC_DRBG with SHA-256 (NIST SP 800-90A Rev. 1, 10.1.2), for one key pair and without reseeding.
///
/// Entropy input and nonce come from the token; IssuerSeed is the personalization string. The standard lets that
/// string be known, even chosen, by an adversary: all three go through HMAC under the same chain, so that the seed
/// adds what it has and takes nothing away. Feeding the seed to a generator alone, or XORing it onto one's output,
/// has not both properties.
pub(super) struct Drbg {
    key: Zeroizing<[u8; 32]>,
    value: Zeroizing<[u8; 32]>,
}

/// Security strength of 256 bits.
const ENTROPY: usize = 32;
/// Half of it, as the standard asks.
const NONCE: usize = 16;

impl Drbg {
    /// Seeds a generator for one key pair.
    pub(super) fn for_key_pair(rng: &dyn Rng, issuer_seed: &[u8; 32]) -> Result<Self, RngError> {
        let mut fresh = Zeroizing::new([0; ENTROPY + NONCE]);
        rng.fill(&mut *fresh)?;
        Ok(Self::instantiate(&*fresh, issuer_seed))
    }

    /// `entropy` is entropy input and nonce.
    fn instantiate(entropy: &[u8], personalization: &[u8]) -> Self {
        let mut drbg = Self { key: Zeroizing::new([0; 32]), value: Zeroizing::new([1; 32]) };
        drbg.update(&[entropy, personalization]);
        drbg
    }

    fn update(&mut self, provided: &[&[u8]]) {
        for separator in 0..=u8::from(!provided.is_empty()) {
            let separator = [separator];
            let own: [&[u8]; 2] = [&*self.value, &separator];
            *self.key = hmac_sha256(&[&*self.key], &[&own, provided].concat());
            *self.value = hmac_sha256(&[&*self.key], &[&*self.value]);
        }
    }
}

impl TryRng for Drbg {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            *self.value = hmac_sha256(&[&*self.key], &[&*self.value]);
            for (to, from) in chunk.iter_mut().zip(self.value.iter()) {
                *to = *from;
            }
        }
        self.update(&[]);
        Ok(())
    }
}

impl TryCryptoRng for Drbg {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// NIST CAVP, HMAC_DRBG without reseed, SHA-256, no personalization string: the second output counts.
    #[test]
    fn generates_as_cavp_says() {
        let mut entropy = hex::decode("ca851911349384bffe89de1cbdc46e6831e44d34a4fb935ee285dd14b71a7488").unwrap();
        entropy.extend(hex::decode("659ba96c601dc69fc902940805ec0ca8").unwrap());
        let mut drbg = Drbg::instantiate(&entropy, &[]);
        let mut out = [0; 128];
        for _ in 0..2 {
            drbg.try_fill_bytes(&mut out).unwrap();
        }
        assert_eq!(
            hex::encode(out),
            "e528e9abf2dece54d47c7e75e5fe302149f817ea9fb4bee6f4199697d04d5b89d54fbb978a15b5c443c9ec21036d2460\
             b6f73ebad0dc2aba6e624abf07745bc107694bb7547bb0995f70de25d6b29e2d3011bb19d27676c07162c8b5ccde0668\
             961df86803482cb37ed6d5c0bb8d50cf1f50d476aa0458bdaba806f48be9dcb8"
        );
    }

    #[test]
    fn the_issuers_seed_changes_the_output_and_is_not_all_of_it() {
        let first = |entropy: &[u8], seed: &[u8]| {
            let mut out = [0; 32];
            Drbg::instantiate(entropy, seed).try_fill_bytes(&mut out).unwrap();
            out
        };
        assert_ne!(first(&[7; 48], &[1; 32]), first(&[7; 48], &[2; 32]));
        assert_ne!(first(&[7; 48], &[1; 32]), first(&[8; 48], &[1; 32]));
    }
}
