//! What was verified, remembered: a token comes twice in one signing (as the credential and in the SAD), and a wrapped key
//! with each of its signings. What is remembered is that a public computation gave "valid", and what it was about; there
//! is nothing secret in it, and no key in the clear.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// The newest of it.
pub(crate) struct Memo<V> {
    shards: Vec<Mutex<LruCache<[u8; 32], V>>>,
}

impl<V: Clone> Memo<V> {
    /// Of so many in each of [`SHARDS`].
    pub(crate) fn new(per_shard: NonZeroUsize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::new(LruCache::new(per_shard))).collect() }
    }

    /// What `verify` makes of these parts, or made of them before. That something is not valid is not remembered.
    pub(crate) fn recall(&self, parts: &[&[u8]], verify: impl FnOnce() -> Option<V>) -> Option<V> {
        let name = name(parts);
        let Some(shard) = self.shards.get(usize::from(name[0]) % SHARDS) else { return verify() };
        let known = shard.lock().get(&name).cloned();
        if known.is_some() {
            return known;
        }
        let verified = verify()?;
        shard.lock().put(name, verified.clone());
        Some(verified)
    }
}

impl Memo<()> {
    /// Whether `verify` says that a signature is valid, or said so before of the same key, algorithm, message and
    /// signature.
    pub(crate) fn verified(&self, parts: [&[u8]; 4], verify: impl FnOnce() -> bool) -> bool {
        self.recall(&parts, || verify().then_some(())).is_some()
    }
}

/// SHA-256 over the parts, each behind its length, so that no two lists of parts look the same.
fn name(parts: &[&[u8]]) -> [u8; 32] {
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
pub(crate) const SIGNATURES: NonZeroUsize = NonZeroUsize::new(512).unwrap();
/// Together 1024 wrapped keys, in a few megabytes.
pub(crate) const WRAPPED_KEYS: NonZeroUsize = NonZeroUsize::new(64).unwrap();

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn remembers_what_is_valid_only() {
        let memo = Memo::new(SIGNATURES);
        let parts: [&[u8]; 4] = [b"key", b"algorithm", b"message", b"signature"];
        assert!(!memo.verified(parts, || false));
        assert!(!memo.verified(parts, || false), "not remembered");
        assert!(memo.verified(parts, || true));
        assert!(memo.verified(parts, || false), "remembered");
    }

    #[test]
    fn remembers_what_it_was_about() {
        let memo = Memo::new(WRAPPED_KEYS);
        assert_eq!(memo.recall(&[b"bytes"], || None), None);
        assert_eq!(memo.recall(&[b"bytes"], || Some(7)), Some(7));
        assert_eq!(memo.recall(&[b"bytes"], || Some(8)), Some(7));
        assert_eq!(memo.recall(&[b"byte", b"s"], || Some(8)), Some(8));
    }

    #[test]
    fn every_part_counts_and_none_runs_into_the_next() {
        let memo = Memo::new(SIGNATURES);
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
