//! `asymmetricKeyDecrypt`: decrypts with a private RSA key.
//!
//! Spec: extension method 111 of docs/wire.md. Order: key, usage, algorithm known, lengths, algorithm fits the key,
//! PIN, decryption. For rsa-1_5 wrong padding is answered with status 0 and a synthetic plain text that depends on key
//! and data only, so that no status is an oracle.
//!
//! Refusals: NoKey (none, or its session is open), NotAllowed (KeyUsage is not encryption or universal), Algorithm
//! (unknown, not for RSA decryption, or the key is not RSA), Option (Parameters not empty, Data not as long as the
//! modulus), Authorization, Crypto (OAEP). Counters as for signHashedData.

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
        /// A URI: rsa-1_5, rsa-oaep-mgf1p or rsa-oaep.
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
