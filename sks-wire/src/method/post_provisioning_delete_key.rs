//! `postProvisioningDeleteKey`: schedules the deletion of a key of an earlier session.
//!
//! Spec: SKS API V0.35, postProvisioningDeleteKey (50). Checks both sessions' limits, then charges 1 operation here and
//! 1 to the session that owns the target; the latter stays charged even if this session is aborted. The target is
//! changed at close and works until then.
//!
//! Refusals: NoSession, NoKey (no target, or one whose session is open), NotAllowed (key or owning session not
//! Updatable, already a target in this session; either limit), Mac, Storage. All but NoSession remove this session,
//! never the target's.

use crate::codec::message;
use crate::types::{KeyHandle, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// The target key, of a closed session.
        key_handle: KeyHandle,
        /// Over the Data of this method; see `mac_data`.
        mac: [u8; 32],
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}

/// The Data of the MAC: the Post Provisioning MAC, made with the target's own session key over its certificate.
#[must_use]
pub fn mac_data(post_provisioning_mac: &[u8; 32]) -> Vec<&[u8]> {
    vec![post_provisioning_mac]
}
