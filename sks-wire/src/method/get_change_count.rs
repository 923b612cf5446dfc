//! `getChangeCount`: tells whether anything was changed since the last look.
//!
//! Spec: extension method 121 of docs/wire.md. The count is durable: a client may keep what it listed for as long as
//! the count stays. While the store is full, removals cannot raise it: it then answers a random number, until the next
//! change that can be counted.
//!
//! Refusals: none.

use crate::codec::message;

message! {
    /// Takes no arguments.
    Request {}
}

message! {
    /// The count.
    Response {
        /// Raised with every change to keys, certificates, policies or their owners.
        count: u32,
    }
}
