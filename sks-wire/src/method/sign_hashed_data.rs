//! `signHashedData`: signs a hash with a private key.
//!
//! Spec: SKS API V0.35, signHashedData (100); further algorithms in docs/wire.md. Order: key, usage, algorithm known,
//! hash length, algorithm fits the key, PIN, signature: a malformed call never burns a try.
//!
//! Refusals: NoKey (none, or its session is open), NotAllowed (KeyUsage is not signature, authentication or universal),
//! Algorithm (unknown; not for this type or size of key), Option (hash length), Authorization (wrong, missing or
//! redundant PIN, or locked).
//!
//! A wrong or missing PIN raises its error counter up to RetryLimit, where the key locks; a right one resets it. A PIN
//! for a key that has none changes no counter. No refusal changes anything else.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// A URI.
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
