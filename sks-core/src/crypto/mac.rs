//! HMAC-SHA256 (RFC 2104, FIPS 198-1) for keys of up to one block, and comparison in constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of an HMAC-SHA256, and of every key derived with it.
pub(super) const LEN: usize = 32;

/// SHA-256's block. A key that is not longer is not hashed but filled up with zeros, which is what happens here.
const BLOCK: usize = 64;

/// `HMAC-SHA256(key, data)`, the parts of each joined. The key has at most 64 bytes; the session layer's longest, of
/// postProvisioningDeleteKey, has 59.
pub(super) fn hmac_sha256(key: &[&[u8]], data: &[&[u8]]) -> [u8; LEN] {
    debug_assert!(key.iter().map(|part| part.len()).sum::<usize>() <= BLOCK, "a key longer than a block");
    let mut block = Zeroizing::new([0; BLOCK]);
    for (slot, byte) in block.iter_mut().zip(key.iter().copied().flatten()) {
        *slot = *byte;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    for part in data {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Whether two MACs are the same, in a time that depends on their lengths only.
#[must_use]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
