//! The management commands, through the built binary.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod administrators;
mod audit;
mod console;
mod docs;
mod hsm;
mod processes;
mod scene;
mod signing;
mod support;
mod terminal;
