//! The complete engine, in pure Rust: p256 0.14 and rsa 0.10.
//!
//! Source: RFC 8017 (RSA), X9.62 and SEC 1 (elliptic curves), draft-irtf-cfrg-rsa-guidance (implicit rejection).
//! Every private RSA operation is blinded with the token's random numbers and checked against faults.

mod p256_key;
mod rsa_key;

use std::sync::Arc;

use ::p256::ecdsa::SigningKey;
use ::rsa::RsaPrivateKey;
use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;

use super::encoded::{Encoded, Read, Scalar, p256_public_key, read};
use super::peer::{PeerKey, peer_key};
use super::random::Drbg;
use super::scheme::{self, Scheme};
use crate::ports::{Crypto, CryptoError, Exchange, KeySpec, PrivateKey, Rng};

/// P-256, and RSA of 1024, 2048, 3072 and 4096 bits with any odd public exponent of up to 33 bits.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl Crypto for RustCrypto {
    fn generate(
        &self,
        spec: KeySpec,
        issuer_seed: &[u8; 32],
        rng: &dyn Rng,
    ) -> Result<Box<dyn PrivateKey>, CryptoError> {
        let mut drbg = Drbg::for_key_pair(rng, issuer_seed)?;
        let (encoded, parsed) = match spec {
            KeySpec::P256 => p256_key::generate(&mut drbg)?,
            KeySpec::Rsa { bits, exponent } => rsa_key::generate(bits, exponent, &mut drbg)?,
        };
        Ok(Box::new(Key { encoded: Arc::new(encoded), parsed }))
    }

    fn load(&self, pkcs8: &[u8]) -> Result<Box<dyn PrivateKey>, CryptoError> {
        let (encoded, parsed) = match read(pkcs8)? {
            Read::Rsa(encoded) => {
                let key = rsa_key::load(&encoded)?;
                (encoded, Parsed::Rsa(Box::new(key)))
            }
            Read::P256(key) => {
                let parsed = p256_key::load(&key.scalar)?;
                (key.encode(&p256_key::point(&parsed)?)?, Parsed::P256(parsed))
            }
        };
        Ok(Box::new(Key { encoded: Arc::new(encoded), parsed }))
    }

    fn exchange(&self, scalar: &Scalar, peer: &PeerKey) -> Result<Exchange, CryptoError> {
        let key = p256_key::load(scalar)?;
        let shared = Secret::from(p256_key::agree(&key, peer).as_slice());
        Ok(Exchange { public_key: p256_public_key(&p256_key::point(&key)?), shared })
    }
}

/// A key of this engine.
pub(super) struct Key {
    encoded: Arc<Encoded>,
    parsed: Parsed,
}

/// Either kind, ready for use. Both types wipe themselves.
enum Parsed {
    Rsa(Box<RsaPrivateKey>),
    P256(SigningKey),
}

impl Key {
    /// A key that another engine has loaded and found sound.
    #[cfg(feature = "aws-lc")]
    pub(super) fn open(encoded: Arc<Encoded>) -> Result<Self, CryptoError> {
        let parsed = match read(encoded.pkcs8.expose())? {
            Read::Rsa(_) => Parsed::Rsa(Box::new(rsa_key::parse(&encoded)?)),
            Read::P256(key) => Parsed::P256(p256_key::load(&key.scalar)?),
        };
        Ok(Self { encoded, parsed })
    }
}

impl PrivateKey for Key {
    fn spec(&self) -> KeySpec {
        self.encoded.spec
    }

    fn public_key(&self) -> &[u8] {
        &self.encoded.public_key
    }

    fn pkcs8(&self) -> Result<Secret, CryptoError> {
        Ok(self.encoded.pkcs8.clone())
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        scheme::fits(algorithm, self.encoded.spec)
    }

    fn sign(&self, algorithm: Algorithm, hash: &[u8], rng: &dyn Rng) -> Result<Vec<u8>, CryptoError> {
        match (&self.parsed, Scheme::checked(algorithm, self.encoded.spec, hash)?) {
            (Parsed::Rsa(key), scheme) => rsa_key::sign(key, scheme, hash, rng),
            (Parsed::P256(key), _) => p256_key::sign(key, hash, rng),
        }
    }

    fn decrypt(&self, algorithm: Algorithm, data: &[u8], rng: &dyn Rng) -> Result<Secret, CryptoError> {
        match &self.parsed {
            Parsed::Rsa(key) => rsa_key::decrypt(key, algorithm, data, rng),
            Parsed::P256(_) => Err(CryptoError::Unfit),
        }
    }

    fn agree(&self, peer: &[u8]) -> Result<Secret, CryptoError> {
        match &self.parsed {
            Parsed::Rsa(_) => Err(CryptoError::Unfit),
            Parsed::P256(key) => {
                let peer = peer_key(peer).map_err(|_| CryptoError::BadKey)?;
                Ok(Secret::from(p256_key::agree(key, &peer).as_slice()))
            }
        }
    }
}
