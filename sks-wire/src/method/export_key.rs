//! `exportKey`: returns a key in clear.
//!
//! Spec: SKS API V0.35, exportKey (105).
//! Refusals: NoKey, NotAllowed (not exportable), Authorization. A wrong PIN or PUK raises its error counter; a right one resets it.

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
