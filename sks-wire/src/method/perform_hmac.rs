//! `performHMAC`: computes an HMAC with a symmetric key.
//!
//! Spec: extension method 112 of docs/wire.md.
//! Refusals: NoKey, NotAllowed (usage), Algorithm (unknown or not endorsed), Authorization. Counters as for signHashedData.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// URI.
        hmac_algorithm: Vec<u8>,
        /// The PIN; empty when none is given.
        pin: Secret,
        /// Anything.
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
