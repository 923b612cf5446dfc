//! `restorePrivateKey`: replaces a generated private key by one that the issuer supplies.
//!
//! Spec: SKS API V0.35, restorePrivateKey (20).
//! Refusals: NoSession, NoKey, NotAllowed (limit, not announced, second restore, no certificate yet), Crypto (decryption, bad or foreign key), Mac, Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{KeyHandle, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// A key created in this session.
        key_handle: KeyHandle,
        /// PKCS#8, encrypted.
        private_key: Vec<u8>,
        /// Over the Data of this method; see `mac_data`.
        mac: [u8; 32],
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}

/// The Data of the MAC: `End-Entity Certificate || DecryptedKey`.
#[must_use]
pub fn mac_data<'a>(end_entity_certificate: &'a [u8], decrypted_key: &'a [u8]) -> Vec<&'a [u8]> {
    vec![end_entity_certificate, decrypted_key]
}
