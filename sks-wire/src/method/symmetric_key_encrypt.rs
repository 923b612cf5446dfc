//! `symmetricKeyEncrypt`: encrypts or decrypts with a symmetric key.
//!
//! Spec: extension method 113 of docs/wire.md.
//! Refusals: NoKey, NotAllowed (usage), Algorithm (unknown or not endorsed), Option (lengths), Authorization, Crypto (padding). Counters as for signHashedData.

use crate::codec::message;
use crate::secret::Secret;
use crate::types::KeyHandle;

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
        /// True to encrypt.
        encrypt_mode: bool,
        /// 16 bytes for CBC, else empty.
        iv: Vec<u8>,
        /// URI.
        encryption_algorithm: Vec<u8>,
        /// The PIN; empty when none is given.
        pin: Secret,
        /// What is to be changed.
        data: Secret,
    }
}

message! {
    /// The changed data.
    Response {
        /// The changed data.
        result: Secret,
    }
}
