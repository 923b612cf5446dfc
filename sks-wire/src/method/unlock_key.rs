//! `unlockKey`: re-enables a key that wrong PINs have locked.
//!
//! Spec: SKS API V0.35, unlockKey (104). Resets the PIN's error counter, for all keys that share it, and the PUK's; a
//! key that is not locked may be unlocked too. A PUK with RetryLimit 0 never locks: each try waits instead, right or
//! wrong.
//!
//! Refusals: NoKey (none, or its session is open), NotAllowed (no PIN policy or no PUK policy), Authorization (wrong or
//! missing PUK, or locked). A wrong PUK raises its error counter, which all keys under the PUK policy share.

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
