//! Fixtures: a store in memory, seeded randomness, a clock that is set by hand, and a token made of them.
//!
//! Whatever goes wrong in a fixture fails the test that uses it, so it panics.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a fixture that fails must fail its test"
)]

mod clock;
pub mod dialogue;
mod hooked_crypto;
mod issuing;
mod line;
mod mem_store;
mod rng;
mod stage;
mod token;

pub use clock::FixedClock;
pub use hooked_crypto::HookedCrypto;
pub use issuing::{Issuing, Made, ca_certificate, certificate, id, secret};
pub use line::Line;
pub use mem_store::MemStore;
pub use rng::SeededRng;
pub use stage::Stage;
pub use token::{DEVICE_NAME, Token, golden, golden_ca};
