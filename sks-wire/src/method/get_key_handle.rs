//! `getKeyHandle`: finds a key of an open session by its ID.
//!
//! Spec: extension method 19 of docs/wire.md.
//!
//! Refusals: NoSession (unknown or closed), NoKey (no such ID in it). Neither removes the session.

use crate::codec::message;
use crate::types::{Id, KeyHandle, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// As given to createKeyPair.
        id: Id,
    }
}

message! {
    /// The key.
    Response {
        /// The key.
        key_handle: KeyHandle,
    }
}
