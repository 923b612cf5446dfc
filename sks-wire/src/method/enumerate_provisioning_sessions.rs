//! `enumerateProvisioningSessions`: lists the sessions, open and closed, one a call.
//!
//! Spec: SKS API V0.35, enumerateProvisioningSessions (4). The answer is the session with the smallest handle above the
//! given one, which need not exist any more.
//!
//! Refusals: none.

use crate::codec::message;
use crate::types::{AnyText, Enumerated, Id, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// 0xFFFFFFFF to start, then the handle returned last.
        provisioning_handle: ProvisioningHandle,
    }
}

message! {
    /// One session, or the end.
    Response {
        /// The session with the next higher handle.
        next: Enumerated<Session>,
    }
}

message! {
    /// What is told of a session.
    Session {
        /// Whether it is open.
        is_open: bool,
        /// As given to createProvisioningSession.
        client_time: [u8; 8],
        /// In seconds.
        session_life_time: u32,
        /// The server's name for it.
        server_session_id: Id,
        /// The token's name for it.
        client_session_id: Id,
        /// The issuer.
        issuer_uri: AnyText,
    }
}
