//! `createProvisioningSession`: establishes a session key between an issuer and the token.
//!
//! Spec: SKS API V0.35, createProvisioningSession (1).
//! Refusals: Algorithm (session key algorithm, curve), Crypto (the server's key), Option (texts, life time), Storage.

use crate::codec::{message, write_short_array};
use crate::label;
use crate::types::{AnyText, Id, ProvisioningHandle, Text};

message! {
    /// The arguments.
    Request {
        /// `sk1`.
        session_key_algorithm: AnyText,
        /// Created by the server.
        server_session_id: Id,
        /// SubjectPublicKeyInfo of the server's ephemeral P-256 key, DER.
        server_ephemeral_key: Vec<u8>,
        /// The issuer's URI.
        issuer_uri: Text<1, 1024>,
        /// Whether objects of the session may be updated later.
        updatable: bool,
        /// Milliseconds since 1970; kept and attested, never compared.
        client_time: [u8; 8],
        /// Seconds for which the session may stay open; not 0.
        session_life_time: u32,
        /// How many operations the session key may do.
        session_key_limit: u16,
    }
}

message! {
    /// The session.
    Response {
        /// Made by the token, unique in it.
        client_session_id: Id,
        /// SubjectPublicKeyInfo of the token's ephemeral key, DER.
        client_ephemeral_key: Vec<u8>,
        /// Signature of the attestation key over the session HMAC.
        session_attestation: Vec<u8>,
        /// The new session.
        provisioning_handle: ProvisioningHandle,
    }
}

/// The data of the session HMAC that the attestation key signs, after the two ids that the text puts first.
#[must_use]
pub fn attestation_data(request: &Request, client_session_id: &Id, client_ephemeral_key: &[u8]) -> Vec<u8> {
    [
        client_session_id.as_bytes(),
        request.server_session_id.as_bytes(),
        &request.issuer_uri.0,
        &request.server_ephemeral_key,
        client_ephemeral_key,
        &[u8::from(request.updatable)],
        &request.client_time,
        &request.session_life_time.to_be_bytes(),
        &request.session_key_limit.to_be_bytes(),
    ]
    .concat()
}

/// The OtherInfo of the key derivation: AlgorithmID, PartyUInfo, PartyVInfo and SuppPrivInfo, each behind its
/// two-byte length.
#[must_use]
pub fn other_info(
    issuer_uri: &str,
    device_certificate: &[u8],
    client_session_id: &Id,
    server_session_id: &Id,
) -> Vec<u8> {
    let ids = [client_session_id.as_bytes(), server_session_id.as_bytes()].concat();
    let mut out = Vec::new();
    for part in [label::ALGORITHM_ID, issuer_uri.as_bytes(), device_certificate, &ids] {
        write_short_array(part, &mut out);
    }
    out
}
