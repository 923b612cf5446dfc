//! Time and randomness that a test sets.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::ports::{Clock, Rng, RngError};

/// A clock that stands where it is set.
#[derive(Debug)]
pub struct SetClock(AtomicU64);

impl SetClock {
    /// At this moment, milliseconds since 1970.
    #[must_use]
    pub fn at(ms: u64) -> Self {
        Self(AtomicU64::new(ms))
    }

    /// Moves it.
    pub fn set(&self, ms: u64) {
        self.0.store(ms, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The same bytes from the same seed: SHA-256 over seed and counter.
#[derive(Debug, Default)]
pub struct SeededRng {
    seed: u64,
    counter: AtomicU64,
}

impl SeededRng {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: AtomicU64::new(0) }
    }

    /// Begins again, as a broken source would.
    pub fn rewind(&self) {
        self.counter.store(0, Ordering::SeqCst);
    }

    /// Bytes of any length.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(32) {
            let count = self.counter.fetch_add(1, Ordering::SeqCst);
            let block =
                Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(count.to_be_bytes()).finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        out
    }
}

impl Rng for SeededRng {
    fn fill(&self, out: &mut [u8]) -> Result<(), RngError> {
        for byte in out {
            [*byte] = self.bytes();
        }
        Ok(())
    }
}
