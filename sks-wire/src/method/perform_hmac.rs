//! `performHMAC`: computes an HMAC with a symmetric key.
//!
//! Spec: extension method 112 of docs/wire.md. Order: key, usage, algorithm known and endorsed, PIN, operation.
//!
//! Refusals: NoKey (none, or its session is open), NotAllowed (KeyUsage is not symmetric-key), Algorithm (unknown, no
//! HMAC, or not endorsed), Authorization. Counters as for signHashedData.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// A URI, endorsed by setSymmetricKey.
        hmac_algorithm: Vec<u8>,
        /// The PIN; empty when none is given.
        pin: Secret,
        /// Anything up to 65535 bytes.
        data: Vec<u8>,
    }
}

message! {
    /// The HMAC.
    Response {
        /// The HMAC.
        result: Vec<u8>,
    }
}
