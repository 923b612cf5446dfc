//! `abortProvisioningSession`: removes an open session and all that was created in it.
//!
//! Spec: SKS API V0.35, abortProvisioningSession (5). Keys of older sessions that were to be updated or deleted stay as
//! they are.
//!
//! Refusals: NoSession (unknown or closed). Nothing changes then; this method never aborts by failing.

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
