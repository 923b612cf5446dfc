//! `deleteKey`: removes a key.
//!
//! Spec: SKS API V0.35, deleteKey (103). With the last key that uses it goes a PIN policy, with that a PUK policy, and
//! with its last key a session.
//!
//! Refusals: NoKey (none, or its session is open), Authorization (wrong, missing or redundant PIN or PUK, or locked),
//! Storage. A wrong PIN or PUK raises its own error counter; a right PUK resets its counter and leaves the PIN's. No
//! refusal removes anything.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// PIN or PUK as Delete Control asks; a redundant one is refused.
        optional_authorization: Secret,
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}
