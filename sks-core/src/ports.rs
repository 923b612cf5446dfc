//! What the token needs from outside: randomness, time, storage and asymmetric cryptography.
//!
//! The core itself does no I/O. The daemon passes the real things in, tests pass seeded and fixed ones.

use std::ops::Bound;
use std::time::Duration;

use sks_wire::Secret;
use sks_wire::algorithm::Algorithm;
use zeroize::Zeroizing;

use crate::crypto::PeerKey;
use crate::record::{Address, Record};

/// Random bytes.
pub trait Rng: Send + Sync {
    /// Fills `out`.
    ///
    /// # Errors
    /// [`RngError`] when the source fails; nothing may be made from `out` then.
    fn fill(&self, out: &mut [u8]) -> Result<(), RngError>;
}

/// The random source failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source of random numbers failed")]
pub struct RngError;

/// Time.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970, by the token's own clock.
    fn now_ms(&self) -> u64;

    /// Waits; for the delay of a PUK without a retry limit.
    fn sleep(&self, time: Duration);
}

/// The credential database could not do what was asked. What the failing transaction wrote is not there.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space.
    #[error("no space is left for the credential database")]
    Full,
    /// A record does not read back as it was written.
    #[error("the credential database is damaged: {0}")]
    Damaged(String),
    /// Anything else; it lasts until the daemon is started again.
    #[error("the credential database failed: {0}")]
    Failed(String),
}

/// Reads of the credential database. Outside a transaction only what is durable is seen.
pub trait Read {
    /// The record at an address.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&self, at: &Address) -> Result<Option<Record>, StoreError>;

    /// The record with the smallest address of the same table at or after (`Included`) or after (`Excluded`) the
    /// given one; `None` behind the table's last.
    ///
    /// # Errors
    /// [`StoreError`].
    fn next(&self, from: Bound<&Address>) -> Result<Option<(Address, Record)>, StoreError>;
}

/// The credential database.
pub trait Store: Read + Send + Sync {
    /// Starts the one transaction that can write; waits for the one before it to be committed or dropped.
    ///
    /// # Errors
    /// [`StoreError`].
    fn begin(&self) -> Result<Box<dyn Txn + '_>, StoreError>;
}

/// A transaction: reads see its own writes and those of all committed before it. Dropped, it never was.
pub trait Txn: Read {
    /// Writes a record.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put(&mut self, at: Address, record: Record) -> Result<(), StoreError>;

    /// Removes a record, if it is there.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove(&mut self, at: &Address) -> Result<(), StoreError>;

    /// Returns when all of it is durable.
    ///
    /// # Errors
    /// [`StoreError`]; then none of it is there, now or after a restart, unless the store has failed for good.
    fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// What kind of asymmetric key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// RSA.
    Rsa {
        /// Of the modulus.
        bits: u16,
        /// Public exponent.
        exponent: u64,
    },
    /// ECC on P-256.
    P256,
}

/// Why an asymmetric operation was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// This engine cannot do it at all.
    #[error("the engine does not support this")]
    Unsupported,
    /// The algorithm does not fit the key.
    #[error("the algorithm does not fit the key")]
    Unfit,
    /// Bytes that should be a key are none, or not a sound one.
    #[error("not a sound key")]
    BadKey,
    /// The data cannot be processed: OAEP decryption.
    #[error("the data cannot be decrypted")]
    BadData,
    /// The engine failed, or its source of random numbers.
    #[error("the cryptographic engine failed")]
    Failed,
}

impl From<RngError> for CryptoError {
    fn from(_: RngError) -> Self {
        Self::Failed
    }
}

/// An engine of asymmetric cryptography.
pub trait Crypto: Send + Sync {
    /// Makes a key pair. `issuer_seed` is mixed into the engine's random numbers where the engine lets it, and can
    /// never reduce their entropy.
    ///
    /// # Errors
    /// `Unsupported` for a size or an exponent that this engine does not make; `Failed`.
    fn generate(
        &self,
        spec: KeySpec,
        issuer_seed: &[u8; 32],
        rng: &dyn Rng,
    ) -> Result<Box<dyn PrivateKey>, CryptoError>;

    /// Reads a PKCS#8 private key: RSA of 1024 to 4096 bits, or P-256 with or without its public key.
    ///
    /// # Errors
    /// `BadKey` for garbage or an inconsistent key, `Unsupported` for a kind or size that this engine does not take.
    fn load(&self, pkcs8: &[u8]) -> Result<Box<dyn PrivateKey>, CryptoError>;

    /// ECDH on P-256 with a private number, big-endian, that is used this once.
    ///
    /// # Errors
    /// `BadKey` for a number that is not between 1 and the curve's order; `Failed`.
    fn exchange(&self, scalar: &Zeroizing<[u8; 32]>, peer: &PeerKey) -> Result<Exchange, CryptoError>;
}

/// What one ECDH gives.
pub struct Exchange {
    /// The public key of the private number: SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// The x coordinate of the shared point, 32 bytes, leading zeros kept.
    pub shared: Secret,
}

/// A private key that is ready for use.
pub trait PrivateKey: Send + Sync {
    /// Its kind.
    fn spec(&self) -> KeySpec;

    /// SubjectPublicKeyInfo, DER: rsaEncryption with NULL, or id-ecPublicKey with prime256v1 and an uncompressed
    /// point.
    fn public_key(&self) -> &[u8];

    /// PKCS#8 v1, DER; an EC key with its public key.
    ///
    /// # Errors
    /// `Failed`.
    fn pkcs8(&self) -> Result<Secret, CryptoError>;

    /// Whether [`PrivateKey::sign`] takes this algorithm with this key: its kind, and room for the encoding.
    fn fits(&self, algorithm: Algorithm) -> bool;

    /// Signs a hash: the PKCS#1 or PSS block, or an X9.62 DER signature. The caller has checked the hash's length.
    ///
    /// # Errors
    /// `Unfit`, `Unsupported`, `Failed`.
    fn sign(&self, algorithm: Algorithm, hash: &[u8], rng: &dyn Rng) -> Result<Vec<u8>, CryptoError>;

    /// Decrypts a block as long as the modulus. With `Rsa15` a padding failure gives a synthetic plain text that
    /// depends on key and data only (implicit rejection), in the time of a success.
    ///
    /// # Errors
    /// `Unfit`, `Unsupported`, `BadData` (OAEP), `Failed`.
    fn decrypt(&self, algorithm: Algorithm, data: &[u8], rng: &dyn Rng) -> Result<Secret, CryptoError>;

    /// The x coordinate of the ECDH shared point, 32 bytes. `peer` has passed
    /// [`crate::crypto::peer_key`](crate::crypto).
    ///
    /// # Errors
    /// `Unfit`, `BadKey`, `Failed`.
    fn agree(&self, peer: &[u8]) -> Result<Secret, CryptoError>;
}
