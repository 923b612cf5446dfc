//! `changePIN`: changes a PIN, authorised by the old one.
//!
//! Spec: extension method 116 of docs/wire.md. Order: key, modifiable, the new PIN's length, format and patterns, the
//! old PIN, grouping: the other order would be an oracle for the PINs of other keys. The new PIN holds for all keys
//! that share the old one.
//!
//! Refusals: NoKey (none, or its session is open), NotAllowed (no PIN, or not UserModifiable), Option (new PIN),
//! Authorization (old PIN wrong, missing or locked), Storage. The PIN stays as it was. Counters as for signHashedData.

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
