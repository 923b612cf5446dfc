//! `keyAgreement`: computes an ECDH shared secret.
//!
//! Spec: extension method 114 of docs/wire.md.
//! Refusals: NoKey, NotAllowed (usage), Algorithm, Option (parameters), Crypto (public key), Authorization. Counters as for signHashedData.

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
        algorithm: Vec<u8>,
        /// The PIN; empty when none is given.
        pin: Secret,
        /// SubjectPublicKeyInfo of the peer, DER.
        public_key: Vec<u8>,
    }
}

message! {
    /// The shared secret.
    Response {
        /// The x coordinate, 32 bytes.
        shared_secret: Secret,
    }
}
