//! Fixtures for tests of this crate and of those that stand on it: a store in memory, a firmware half in software that
//! really verifies, a clock set by hand, seeded randomness, an identity provider, and all of it put together.
//!
//! Not for service: keys come from seeds, and a failure panics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "fixtures of tests, which may fail by panicking"
)]

mod clock;
mod firmware;
mod identity;
mod keys;
mod store;
mod world;

pub use clock::{SeededRng, SetClock};
pub use firmware::{SoftFirmware, Trust};
pub use identity::{Idp, Person, TokenSpec};
pub use store::{MemStore, Tables};
pub use world::{NOW, Outcome, World, uuid};
