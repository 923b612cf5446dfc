//! `verifyPIN`: checks a PIN and does nothing else.
//!
//! Spec: extension method 119 of docs/wire.md.
//!
//! Refusals: NoKey (none, or its session is open), NotAllowed (the key has no PIN), Authorization (wrong, missing or
//! locked). Counters as for signHashedData.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// The PIN.
        pin: Secret,
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}
