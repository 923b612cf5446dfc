//! The commands of a user, through the built binary, against a daemon on a temporary store.
//!
//! What a signature, a certificate or an exported key is worth is asked of the `openssl` command where there is one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod docs;
mod errors;
mod foreign;
mod keys;
mod pins;
mod prompt;
mod support;
