//! `unlockKey`: re-enables a key that wrong PINs have locked.
//!
//! Spec: SKS API V0.35, unlockKey (104).
//! Refusals: NoKey, NotAllowed (no PIN or PUK policy), Authorization. A wrong PUK raises its error counter; a right one resets both.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// The PUK.
        authorization: Secret,
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}
