//! `closeProvisioningSession`: ends a session and attests its result.
//!
//! Spec: SKS API V0.35, closeProvisioningSession (2). Order: session, limit, MAC, bookkeeping, post-provisioning
//! targets, commit, attest. The attested counter is the one after this call's own MAC. Charges 2 operations, which must
//! be there up front. What was staged by post provisioning happens now, all or nothing; a session that ends without
//! keys is removed at once.
//!
//! Refusals: NoSession, NotAllowed (limit), Mac, SessionVerify (a key without certificate, without the symmetric key
//! that its KeyUsage or the private key that ImportPrivateKey promised; a PIN policy without keys, a PUK policy without
//! PIN policies; a post-provisioning target that is gone or has a new owner). All but NoSession remove the session.

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
