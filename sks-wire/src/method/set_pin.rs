//! `setPIN`: sets a PIN, authorised by the PUK, and clears the error counters.
//!
//! Spec: extension method 117 of docs/wire.md.
//! Refusals: NoKey, NotAllowed (no PUK, not modifiable), Option (new PIN), Authorization.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// The PUK.
        puk: Secret,
        /// The new PIN.
        new_pin: Secret,
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}
