//! Signatures that verified, remembered: a token comes twice in one signing (as the credential and in the SAD), and a
//! wrapped key with each of its signings. What is remembered is that a public computation gave "valid"; there is
//! nothing secret in it, and no key.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// The newest of them.
pub(crate) struct Memo {
    shards: Vec<Mutex<LruCache<[u8; 32], ()>>>,
}

impl Memo {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::new(LruCache::new(PER_SHARD))).collect() }
    }

    /// Whether `verify` says that the signature is valid, or said so before of the same key, algorithm, message and
    /// signature. That something is not valid is not remembered.
    pub(crate) fn verified(&self, parts: [&[u8]; 4], verify: impl FnOnce() -> bool) -> bool {
        let name = name(parts);
        let shard = self.shards.get(usize::from(name[0]) % SHARDS);
        let Some(shard) = shard else { return verify() };
        if shard.lock().get(&name).is_some() {
            return true;
        }
        let valid = verify();
        if valid {
            shard.lock().put(name, ());
        }
        valid
    }
}

/// SHA-256 over the parts, each behind its length, so that no two lists of parts look the same.
fn name(parts: [&[u8]; 4]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// So that threads seldom meet at a lock; it is held for a look-up only.
const SHARDS: usize = 16;
/// Together 8192 signatures, in less than a megabyte.
const PER_SHARD: NonZeroUsize = NonZeroUsize::new(512).unwrap();

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn remembers_what_is_valid_only() {
        let memo = Memo::new();
        let parts: [&[u8]; 4] = [b"key", b"algorithm", b"message", b"signature"];
        assert!(!memo.verified(parts, || false));
        assert!(!memo.verified(parts, || false), "not remembered");
        assert!(memo.verified(parts, || true));
        assert!(memo.verified(parts, || false), "remembered");
    }

    #[test]
    fn every_part_counts_and_none_runs_into_the_next() {
        let memo = Memo::new();
        let parts: [&[u8]; 4] = [b"key", b"algorithm", b"message", b"signature"];
        assert!(memo.verified(parts, || true));
        for at in 0..4 {
            let mut others = parts;
            others[at] = b"other";
            assert!(!memo.verified(others, || false));
        }
        assert!(!memo.verified([b"keya", b"lgorithm", b"message", b"signature"], || false));
    }
}
