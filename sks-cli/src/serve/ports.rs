//! The real clock and the real randomness.

use std::thread;
use std::time::{Duration, SystemTime};

use sks_core::ports::{Clock, Rng, RngError};

/// The system's clock.
pub(super) struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, time: Duration) {
        thread::sleep(time);
    }
}

/// The system's random numbers.
pub(super) struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, out: &mut [u8]) -> Result<(), RngError> {
        getrandom::fill(out).map_err(|_| RngError)
    }
}
