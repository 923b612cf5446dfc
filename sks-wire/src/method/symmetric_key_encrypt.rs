//! `symmetricKeyEncrypt`: encrypts or decrypts with a symmetric key.
//!
//! Spec: extension method 113 of docs/wire.md. Order: key, usage, algorithm known and endorsed, lengths, PIN,
//! operation.
//!
//! Refusals: NoKey (none, or its session is open), NotAllowed (KeyUsage is not symmetric-key), Algorithm (unknown, no
//! encryption, or not endorsed), Option (IV not 16 bytes for CBC or not empty for ECB; data without padding or to be
//! decrypted not a multiple of 16 bytes, or empty where there must be padding; more than
//! [`PADDED_DATA`](crate::limit::PADDED_DATA) bytes to pad), Authorization, Crypto (padding). Counters as for
//! signHashedData.

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
        /// A URI, endorsed by setSymmetricKey.
        encryption_algorithm: Vec<u8>,
        /// The PIN; empty when none is given.
        pin: Secret,
        /// What is to be encrypted or decrypted.
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
