//! Random numbers that are the same in every run.

use parking_lot::Mutex;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng};
use sks_core::ports::{Rng, RngError};

/// ChaCha20 from a seed.
pub struct SeededRng(Mutex<ChaCha20Rng>);

impl SeededRng {
    /// A generator whose numbers follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Rng for SeededRng {
    fn fill(&self, out: &mut [u8]) -> Result<(), RngError> {
        self.0.lock().fill_bytes(out);
        Ok(())
    }
}
