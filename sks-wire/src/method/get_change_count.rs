//! `getChangeCount`: tells whether anything was changed since the last look.
//!
//! Spec: extension method 121 of docs/wire.md. The count is durable: a client may keep what it listed for as long as
//! the count stays.
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
