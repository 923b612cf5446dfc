//! `signProvisioningSessionData`: lets middleware prove that data comes from this session.
//!
//! Spec: SKS API V0.35, signProvisioningSessionData (6).
//! Refusals: NoSession, NotAllowed (limit).

use crate::codec::message;
use crate::types::ProvisioningHandle;

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// Anything.
        data: Vec<u8>,
    }
}

message! {
    /// The signature.
    Response {
        /// HMAC keyed with "External Signature" and the session key.
        result: [u8; 32],
    }
}
