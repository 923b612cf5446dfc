//! `setCertificatePath`: gives a key its certificate path.
//!
//! Spec: SKS API V0.35, setCertificatePath (10). Charges 1 operation. Order: session, key, state and ranges, limit,
//! MAC, certificate.
//!
//! Refusals: NoSession, NoKey (not a key of this session), NotAllowed (a second path; limit), Option (no object, or an
//! empty one), Mac, Crypto (the first object is no X.509 certificate, or not of this key, which ImportPrivateKey
//! excuses), Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{Id, KeyHandle, Path, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// A key created in this session.
        key_handle: KeyHandle,
        /// 1 to 255 certificates, DER, none empty; the end entity's first.
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
