//! `getProvisioningSession`: finds an open session by its names.
//!
//! Spec: SKS API V0.35, getProvisioningSession (3). All three names must be equal byte for byte; of several sessions
//! the oldest is returned.
//!
//! Refusals: NoSession (no open session has these names). Nothing changes.

use crate::codec::message;
use crate::types::{Id, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// As given to createProvisioningSession.
        server_session_id: Id,
        /// As returned by it.
        client_session_id: Id,
        /// As given to it; not bounded here, an impossible one just matches nothing.
        issuer_uri: Vec<u8>,
    }
}

message! {
    /// The open session.
    Response {
        /// The session.
        provisioning_handle: ProvisioningHandle,
    }
}
