//! The token's cryptography from outside: golden vectors, the two engines against each other and against OpenSSL,
//! hostile input.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and its fixtures have known shapes"
)]

mod engines;
mod fixtures;
mod hostile;
mod issuance;
mod openssl;
mod symmetric;
mod vectors;
