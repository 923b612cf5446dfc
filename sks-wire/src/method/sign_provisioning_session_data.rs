//! `signProvisioningSessionData`: lets middleware prove that data comes from this session.
//!
//! Spec: SKS API V0.35, signProvisioningSessionData (6). Result = HMAC-SHA256("External Signature" || SessionKey,
//! Data). Charges 1 operation; the MAC counter stays.
//!
//! Refusals: NoSession, NotAllowed (limit). All but NoSession remove the session.

use crate::codec::message;
use crate::types::ProvisioningHandle;

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// Anything up to 65535 bytes.
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
