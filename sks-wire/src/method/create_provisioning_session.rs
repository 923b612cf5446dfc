//! `createProvisioningSession`: establishes a session key between an issuer and the token.
//!
//! Spec: SKS API V0.35, createProvisioningSession (1). The token makes an id and an ephemeral P-256 key, derives the
//! session key (SP800-56A, [`other_info`]) and signs what it did with its attestation key ([`attestation_data`]).
//! Nothing is charged against SessionKeyLimit.
//!
//! Refusals: Option (a text that is not UTF-8, IssuerURI not 1 to 1024 bytes, SessionLifeTime 0), Algorithm
//! (SessionKeyAlgorithm is not sk1; ServerEphemeralKey is not for P-256), Crypto (ServerEphemeralKey is no DER or no
//! point of the curve), Storage. None leaves a session behind.

use crate::codec::{message, write_short_array};
use crate::label;
use crate::types::{AnyText, Id, IssuerUri, ProvisioningHandle};

message! {
    /// The arguments.
    Request {
        /// A URI; only sk1 is known.
        session_key_algorithm: AnyText,
        /// Created by the server.
        server_session_id: Id,
        /// SubjectPublicKeyInfo of the server's ephemeral P-256 key, DER.
        server_ephemeral_key: Vec<u8>,
        /// 1 to 1024 bytes of UTF-8.
        issuer_uri: IssuerUri,
        /// Whether objects of the session may be updated later.
        updatable: bool,
        /// Milliseconds since 1970, big-endian; kept, attested and listed, never compared.
        client_time: [u8; 8],
        /// Seconds for which the session may stay open, by the token's own clock; 0 is refused.
        session_life_time: u32,
        /// How many operations the session key may do, 0 to 65535. An operation is an HMAC keyed with it after creation, or
        /// one encryption or decryption; each method tells what it charges.
        session_key_limit: u16,
    }
}

message! {
    /// The session.
    Response {
        /// Made by the token, unique in it, ASCII.
        client_session_id: Id,
        /// SubjectPublicKeyInfo of the token's ephemeral key, DER.
        client_ephemeral_key: Vec<u8>,
        /// By the device certificate's key: PKCS#1 v1.5 or X9.62 DER, either with SHA-256, over the 32 bytes of
        /// HMAC-SHA256(SessionKey, [`attestation_data`]).
        session_attestation: Vec<u8>,
        /// The new session.
        provisioning_handle: ProvisioningHandle,
    }
}

/// The data of the session HMAC that the attestation key signs: content bytes only, no lengths.
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
