//! `exportKey`: returns a key in clear.
//!
//! Spec: SKS API V0.35, exportKey (105). Order: key, Export Control, PIN or PUK.
//!
//! Refusals: NoKey (none, or its session is open), NotAllowed (not exportable; no counter is touched), Authorization
//! (wrong, missing or redundant PIN or PUK, or locked). Counters as for deleteKey.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// PIN or PUK as Export Control asks; a redundant one is refused.
        optional_authorization: Secret,
    }
}

message! {
    /// The key.
    Response {
        /// PKCS#8 DER, or the symmetric key.
        raw_key: Secret,
    }
}
