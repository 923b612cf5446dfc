//! Sealing: XChaCha20-Poly1305 under a key of this store alone, the record's place as associated data.
//!
//! `sealed = 01 || nonce(24) || ciphertext || tag(16)`, associated data `01 || tree || key`.
//!
//! The nonce is 24 random bytes, so nothing has to be remembered to keep it unique. A counter, which the shorter
//! nonce of ChaCha20-Poly1305 would need, goes back with the files whenever a backup is restored, and then seals
//! different records under one nonce. It costs one more ChaCha block a record.

mod cipher;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::master::MasterKey;
use crate::schema::{Place, SEALING, Writer};

use cipher::{Cipher, NONCE, TAG};

/// Bytes before the ciphertext: version and nonce.
pub(crate) const HEAD: usize = 1 + NONCE;

/// Names purpose and version of the sealing key; the salt of the store makes it the store's own.
const INFO: &[u8] = b"sks-store 1 record sealing";

/// Seals and opens the records of one store.
#[derive(Debug)]
pub(crate) struct Sealer {
    cipher: Cipher,
}

/// Why a sealed value was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealFault {
    #[error("it is too short")]
    Short,
    #[error("it is sealed in a way (version {0}) that this program does not know")]
    Version(u8),
    /// Other bytes, another place, or another key.
    #[error("it is not what was sealed here")]
    Forged,
}

impl Sealer {
    /// HKDF-SHA256 (RFC 5869): salt of the store, master key, info "sks-store 1 record sealing".
    pub(crate) fn new(master: &MasterKey, salt: &[u8]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        expand(master, salt, &[INFO], &mut key);
        Self { cipher: Cipher::new(key) }
    }

    /// Seals what was written behind [`HEAD`] free bytes.
    pub(crate) fn seal(&self, place: &Place, record: Writer) -> Result<Vec<u8>, SealFailed> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealFailed)?;
        let mut bytes = Zeroizing::new(record.into_bytes());
        let Some((head, plain)) = bytes.split_at_mut_checked(HEAD) else { return Err(SealFailed) };
        let tag = self.cipher.seal(&nonce, place.associated_data(), plain).ok_or(SealFailed)?;
        if let Some((version, free)) = head.split_first_mut() {
            *version = SEALING;
            free.copy_from_slice(&nonce);
        }
        bytes.extend_from_slice(&tag);
        // Ciphertext now: nothing to wipe.
        Ok(std::mem::take(&mut *bytes))
    }

    /// Opens a value in place.
    pub(crate) fn open(&self, place: &Place, mut sealed: Vec<u8>) -> Result<Opened, SealFault> {
        let end = sealed.len().checked_sub(TAG).filter(|end| *end >= HEAD).ok_or(SealFault::Short)?;
        let (head, rest) = sealed.split_first_chunk_mut::<HEAD>().ok_or(SealFault::Short)?;
        let [version, nonce @ ..] = *head;
        if version != SEALING {
            return Err(SealFault::Version(version));
        }
        self.cipher.open(&nonce, place.associated_data(), rest).ok_or(SealFault::Forged)?;
        Ok(Opened { bytes: Zeroizing::new(sealed), end })
    }
}

/// Nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the source of random numbers failed, or the cipher")]
pub(crate) struct SealFailed;

/// A record in clear, wiped when dropped.
#[derive(Debug)]
pub(crate) struct Opened {
    bytes: Zeroizing<Vec<u8>>,
    end: usize,
}

impl Opened {
    pub(crate) fn plain(&self) -> &[u8] {
        self.bytes.get(HEAD..self.end).unwrap_or_default()
    }
}

/// HKDF-SHA256 to 32 bytes.
pub(crate) fn expand(master: &MasterKey, salt: &[u8], info: &[&[u8]], out: &mut [u8; 32]) {
    let hkdf = Hkdf::<Sha256>::new(Some(salt), master.expose());
    // It refuses only outputs over 255 hashes.
    let _ = hkdf.expand_multi_info(info, out);
}

#[cfg(test)]
mod tests;
