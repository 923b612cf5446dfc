//! `changePIN`: changes a PIN, authorised by the old one.
//!
//! Spec: extension method 116 of docs/wire.md.
//! Refusals: NoKey, NotAllowed (no PIN, not modifiable), Option (new PIN), Authorization.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// The old PIN.
        pin: Secret,
        /// The new PIN.
        new_pin: Secret,
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}
