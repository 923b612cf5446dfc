//! `deleteKey`: removes a key.
//!
//! Spec: SKS API V0.35, deleteKey (103).
//! Refusals: NoKey, Authorization. A wrong PIN or PUK raises its error counter; a right one resets it.

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
