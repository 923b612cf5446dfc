//! `setPIN`: sets a PIN, authorised by the PUK, and clears the error counters.
//!
//! Spec: extension method 117 of docs/wire.md. Order: key, modifiable, the new PIN's length, format and patterns, the
//! PUK, grouping. The new PIN holds for all keys that share the old one; both error counters are reset.
//!
//! Refusals: NoKey (none, or its session is open), NotAllowed (no PUK, or not UserModifiable), Option (new PIN),
//! Authorization (PUK wrong, missing or locked), Storage. The PIN stays as it was. Counters as for unlockKey.

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
