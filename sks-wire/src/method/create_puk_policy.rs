//! `createPUKPolicy`: creates a PUK policy object.
//!
//! Spec: SKS API V0.35, createPUKPolicy (7). Has no MAC: the key attestation covers it. Charges 1 operation. Order:
//! ranges, limit, decrypt, PUK rules.
//!
//! Refusals: NoSession, Option (ID taken, Format, a PUK that is empty, over 100 bytes or not of its Format), NotAllowed
//! (limit), Crypto (decryption), Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{Code, Format, Id, ProvisioningHandle, PukPolicyHandle};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// Unique among the session's PUK policies.
        id: Id,
        /// Encrypted Data: a PUK of 1 to 100 bytes.
        puk_value: Vec<u8>,
        /// What the PUK is made of.
        format: Code<Format>,
        /// Wrong PUKs in a row that lock it; 0 never locks, but delays each try by at least a second.
        retry_limit: u8,
    }
}

message! {
    /// The new object.
    Response {
        /// For createPINPolicy.
        puk_policy_handle: PukPolicyHandle,
    }
}
