//! `setSymmetricKey`: gives a key its piggybacked symmetric key.
//!
//! Spec: SKS API V0.35, setSymmetricKey (11). Charges 2 operations. Order: session, key, state and ranges, limit,
//! decrypt, MAC, algorithms and key size.
//!
//! Refusals: NoSession, NoKey (not a key of this session), NotAllowed (KeyUsage is not symmetric-key, no certificate
//! yet, a second symmetric key; limit), Option (no algorithm, not strictly ascending by bytes, a key not of 1 to 128
//! bytes), Crypto (decryption), Mac, Algorithm (unknown, not symmetric, not UTF-8, or the key's size does not fit),
//! Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{KeyHandle, List8, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// A key created in this session.
        key_handle: KeyHandle,
        /// Encrypted Data: a key of 1 to 128 bytes.
        symmetric_key: Vec<u8>,
        /// 1 to 255 URIs, strictly ascending by bytes, which is for the token to check.
        endorsed_algorithm: List8<Vec<u8>, 1>,
        /// Over the Data of this method; see `mac_data`.
        mac: [u8; 32],
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}

/// The Data of the MAC: `End-Entity Certificate || DecryptedKey || EndorsedAlgorithms`.
#[must_use]
pub fn mac_data<'a>(
    end_entity_certificate: &'a [u8],
    decrypted_key: &'a [u8],
    endorsed_algorithm: &'a [Vec<u8>],
) -> Vec<&'a [u8]> {
    let mut data = vec![end_entity_certificate, decrypted_key];
    data.extend(endorsed_algorithm.iter().map(Vec::as_slice));
    data
}
