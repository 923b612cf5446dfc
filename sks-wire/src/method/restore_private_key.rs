//! `restorePrivateKey`: replaces a generated private key by one that the issuer supplies.
//!
//! Spec: SKS API V0.35, restorePrivateKey (20). Charges 2 operations. Order: session, key, state, limit, decrypt, MAC,
//! private key. The key then has the restored one's type.
//!
//! Refusals: NoSession, NoKey (not a key of this session), NotAllowed (ImportPrivateKey is false, no certificate yet, a
//! second restore; limit), Crypto (decryption; not PKCS#8 of a supported RSA size or P-256; not the certificate's key),
//! Mac, Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{KeyHandle, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// A key created in this session.
        key_handle: KeyHandle,
        /// Encrypted Data: PKCS#8 of an RSA or P-256 key.
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
