//! `setSymmetricKey`: gives a key its piggybacked symmetric key.
//!
//! Spec: SKS API V0.35, setSymmetricKey (11).
//! Refusals: NoSession, NoKey, Option (order, key length), Algorithm, NotAllowed (limit, usage, second key, no certificate yet), Crypto (decryption), Mac, Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{KeyHandle, List8, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// A key created in this session.
        key_handle: KeyHandle,
        /// Encrypted.
        symmetric_key: Vec<u8>,
        /// URIs, strictly ascending.
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
