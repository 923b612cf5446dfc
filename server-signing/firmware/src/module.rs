//! The crypto module: where signers' keys are made, wrapped, activated and used.
//!
//! A module is one implementation of [`CryptoModule`], and a key while it is active one of [`RawSigningKey`]. Neither
//! has a method that gives a private key in the clear.

pub(crate) mod pkcs11;
pub(crate) mod software;

use tw4s_formats::SubjectPublicKeyInfoOwned;

use crate::algorithm::{Digested, KeySpec};

/// Why a module did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    /// It is not there, or lost its session; it may come back.
    #[error("the crypto module is down: {0}")]
    Down(String),
    /// It does not make such keys.
    #[error("the crypto module makes no such key")]
    Unsupported,
    /// What is to be unwrapped was not wrapped by it, or is no key of the kind it should be.
    #[error("not wrapped by this crypto module")]
    BadWrapping,
    /// Anything else.
    #[error("the crypto module failed")]
    Failed,
}

/// A new key pair, as it leaves the module.
#[derive(Clone, Debug)]
pub struct WrappedPair {
    /// The private key under the module's own key.
    pub wrapped: Vec<u8>,
    /// The public key.
    pub public_key: SubjectPublicKeyInfoOwned,
}

/// A crypto module. All its methods may be called from many threads at once.
pub trait CryptoModule: Send + Sync {
    /// Names the key that it wraps with, for the wrapped key's metadata.
    fn key_id(&self) -> &str;

    /// Makes a key pair and wraps the private key; nothing of it stays.
    ///
    /// # Errors
    /// [`ModuleError`], but not `BadWrapping`.
    fn generate(&self, spec: KeySpec) -> Result<WrappedPair, ModuleError>;

    /// Unwraps a private key for use. It is deactivated by being dropped.
    ///
    /// # Errors
    /// [`ModuleError`]; then nothing is active.
    fn activate(&self, wrapped: &[u8], spec: KeySpec) -> Result<Box<dyn RawSigningKey + '_>, ModuleError>;
}

/// An activated key. Dropped, also by a panic, it is wiped or destroyed.
pub trait RawSigningKey {
    /// Its kind.
    fn spec(&self) -> KeySpec;

    /// Signs a hash. An ECDSA signature is a DER Ecdsa-Sig-Value.
    ///
    /// # Errors
    /// [`ModuleError`].
    fn sign(&self, input: &Digested<'_>) -> Result<Vec<u8>, ModuleError>;
}
