//! `addExtensionData`: adds an extension object to a key.
//!
//! Spec: SKS API V0.35, addExtensionData (12). Charges 1 operation, 2 for an EncryptedExtension. Order: session, key,
//! state and ranges, limit, decrypt, MAC. The size limit counts clear bytes
//! ([`EXTENSION_DATA`](crate::limit::EXTENSION_DATA)).
//!
//! Refusals: NoSession, NoKey (not a key of this session), NotAllowed (no certificate yet; limit), Option (BaseType; a
//! Qualifier where there is none or none where there is one; type taken or not UTF-8; size), Crypto (decryption), Mac,
//! Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{AnyText, BaseType, Blob, Code, KeyHandle, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// A key created in this session.
        key_handle: KeyHandle,
        /// What kind of object.
        base_type: Code<BaseType>,
        /// The MIME type of a logotype, else empty.
        qualifier: Vec<u8>,
        /// The object: up to 65536 bytes, as Encrypted Data for an EncryptedExtension.
        extension_data: Blob,
        /// A URI in UTF-8, unique for the key.
        extension_type: AnyText,
        /// Over the Data of this method; see `mac_data`.
        mac: [u8; 32],
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}

/// The Data of the MAC: `End-Entity Certificate || BaseType || Qualifier || ExtensionData || ExtensionType`, with
/// ExtensionData in clear.
#[must_use]
pub fn mac_data<'a>(
    end_entity_certificate: &'a [u8],
    base_type: &'a [u8; 1],
    qualifier: &'a [u8],
    extension_data: &'a [u8],
    extension_type: &'a [u8],
) -> Vec<&'a [u8]> {
    vec![end_entity_certificate, base_type, qualifier, extension_data, extension_type]
}
