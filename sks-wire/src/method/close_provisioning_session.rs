//! `closeProvisioningSession`: ends a session and attests its result.
//!
//! Spec: SKS API V0.35, closeProvisioningSession (2).
//! Refusals: NoSession, NotAllowed (limit), Mac, SessionVerify. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{Id, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// Over the Data of this method; see `mac_data`.
        mac: [u8; 32],
    }
}

message! {
    /// The proof of success.
    Response {
        /// HMAC over "Success" and the counter.
        attested_response: [u8; 32],
    }
}

/// The Data of the MAC: `ClientSessionID || ServerSessionID || IssuerURI`.
#[must_use]
pub fn mac_data<'a>(client_session_id: &'a Id, server_session_id: &'a Id, issuer_uri: &'a str) -> Vec<&'a [u8]> {
    vec![client_session_id.as_bytes(), server_session_id.as_bytes(), issuer_uri.as_bytes()]
}
