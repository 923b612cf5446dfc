//! `sks serve` as its users meet it: the built binary, a store and a socket in a temporary directory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says on stderr what it skips"
)]

mod crash;
mod daemon;
mod frames;
mod masters;
mod raw;
mod secrecy;
mod sockets;
mod starts;
mod stops;
mod systemd;
mod users;
