//! A clock that moves when it is told to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sks_core::ports::Clock;

/// Starts at the text's own date, 2010-04-06 10:00 UTC; sleeping moves it on at once.
#[derive(Debug)]
pub struct FixedClock {
    now: AtomicU64,
    slept: AtomicU64,
}

impl Default for FixedClock {
    fn default() -> Self {
        Self { now: AtomicU64::new(1_270_548_000_000), slept: AtomicU64::new(0) }
    }
}

impl FixedClock {
    /// Moves the clock on.
    pub fn advance(&self, time: Duration) {
        self.now.fetch_add(millis(time), Ordering::SeqCst);
    }

    /// How long the token has slept in all.
    #[must_use]
    pub fn slept(&self) -> Duration {
        Duration::from_millis(self.slept.load(Ordering::SeqCst))
    }
}

impl Clock for FixedClock {
    fn now_ms(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    fn sleep(&self, time: Duration) {
        self.slept.fetch_add(millis(time), Ordering::SeqCst);
        self.advance(time);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("a test's time fits")
}
