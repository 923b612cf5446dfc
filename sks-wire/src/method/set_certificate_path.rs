//! `setCertificatePath`: gives a key its certificate path.
//!
//! Spec: SKS API V0.35, setCertificatePath (10).
//! Refusals: NoSession, NoKey, Option (empty path or element), NotAllowed (limit, second path), Mac, Crypto (not this key's certificate), Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{Id, KeyHandle, Path, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// A key created in this session.
        key_handle: KeyHandle,
        /// End-entity certificate first, DER.
        x509_certificate: Path,
        /// Over the Data of this method; see `mac_data`.
        mac: [u8; 32],
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}

/// The Data of the MAC: `KeyHandle.GeneratedPublicKey || KeyHandle.ID || X509Certificate...`.
#[must_use]
pub fn mac_data<'a>(generated_public_key: &'a [u8], id: &'a Id, x509_certificate: &'a [Vec<u8>]) -> Vec<&'a [u8]> {
    let mut data = vec![generated_public_key, id.as_bytes()];
    data.extend(x509_certificate.iter().map(Vec::as_slice));
    data
}
