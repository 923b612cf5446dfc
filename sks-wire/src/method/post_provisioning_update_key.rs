//! `postProvisioningUpdateKey`: schedules the replacement of a key of an earlier session.
//!
//! Spec: SKS API V0.35, postProvisioningUpdateKey (51).
//! Refusals: NoSession, NoKey, NotAllowed (either limit, not updatable, already a target, PIN-protected or unfinished new key), Mac, Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{KeyHandle, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// The new key, of this session.
        key_handle: KeyHandle,
        /// The target key, of a closed session.
        key_handle_original: KeyHandle,
        /// Over the Data of this method; see `mac_data`.
        mac: [u8; 32],
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}

/// The Data of the MAC: `Post Provisioning MAC || End-Entity Certificate`, the latter being the new key's.
#[must_use]
pub fn mac_data<'a>(post_provisioning_mac: &'a [u8; 32], end_entity_certificate: &'a [u8]) -> Vec<&'a [u8]> {
    vec![post_provisioning_mac, end_entity_certificate]
}
