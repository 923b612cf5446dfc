//! The one source of random numbers: the operating system.

use crate::crypto::CryptoError;

/// Fills an array with random bytes.
pub(crate) fn array<const N: usize>() -> Result<[u8; N], CryptoError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| CryptoError::Random)?;
    Ok(bytes)
}

/// A fresh name that is an NCName: the prefix, and 128 bits in hex.
pub(crate) fn name(prefix: &str) -> Result<String, CryptoError> {
    Ok(format!("{prefix}{:032x}", u128::from_be_bytes(array()?)))
}
