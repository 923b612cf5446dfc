//! `keyAgreement`: computes an ECDH shared secret.
//!
//! Spec: extension method 114 of docs/wire.md. Order: key, usage, algorithm known, lengths, algorithm fits the key,
//! public key, PIN, operation.
//!
//! Refusals: NoKey (none, or its session is open), NotAllowed (KeyUsage is not encryption or universal), Algorithm (not
//! ecdh, the key is not EC, PublicKey is not for P-256), Option (Parameters not empty), Crypto (PublicKey is no DER or
//! no point of the curve), Authorization. Counters as for signHashedData.

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
        /// A URI; only ecdh is known.
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
