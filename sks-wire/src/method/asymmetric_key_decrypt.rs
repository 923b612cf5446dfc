//! `asymmetricKeyDecrypt`: decrypts with a private RSA key.
//!
//! Spec: extension method 111 of docs/wire.md.
//! Refusals: NoKey, NotAllowed (usage), Algorithm, Option (lengths), Authorization, Crypto (OAEP). Counters as for signHashedData.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// Empty.
        parameters: Vec<u8>,
        /// URI.
        encryption_algorithm: Vec<u8>,
        /// The PIN; empty when none is given.
        pin: Secret,
        /// As long as the modulus.
        data: Vec<u8>,
    }
}

message! {
    /// The plain text.
    Response {
        /// The plain text.
        result: Secret,
    }
}
