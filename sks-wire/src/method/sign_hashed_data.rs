//! `signHashedData`: signs a hash with a private key.
//!
//! Spec: SKS API V0.35, signHashedData (100).
//! Refusals: NoKey, NotAllowed (usage), Algorithm, Option (hash length), Authorization. A wrong PIN raises its error counter; a right one resets it.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// URI.
        signature_algorithm: Vec<u8>,
        /// The PIN; empty when none is given.
        pin: Secret,
        /// As long as the algorithm's hash.
        hashed_data: Vec<u8>,
    }
}

message! {
    /// The signature.
    Response {
        /// PKCS#1 or PSS block, or an X9.62 DER signature.
        result: Vec<u8>,
    }
}
