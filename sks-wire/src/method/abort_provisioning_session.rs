//! `abortProvisioningSession`: removes an open session and all that was created in it.
//!
//! Spec: SKS API V0.35, abortProvisioningSession (5).
//! Refusals: NoSession.

use crate::codec::message;
use crate::types::ProvisioningHandle;

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
    }
}

message! {
    /// Empty: the status says it all.
    Response {}
}
