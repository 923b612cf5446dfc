//! `postProvisioningUpdateKey`: schedules the replacement of a key of an earlier session.
//!
//! Spec: SKS API V0.35, postProvisioningUpdateKey (51). Checks both sessions' limits, then charges 1 operation here and
//! 1 to the session that owns the target; the latter stays charged even if this session is aborted. The target is
//! changed at close and works until then. The new key then answers under the target's handle, with the target's PIN
//! policy, PIN, PIN group and PIN error counter; its own handle dies.
//!
//! Refusals: NoSession, NoKey (no target, or one whose session is open; a new key that is not of this session),
//! NotAllowed (target or owning session not Updatable, already a target, the new key used before, PIN-protected or not
//! fully provisioned; either limit), Mac, Storage. All but NoSession remove this session, never the target's.

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
