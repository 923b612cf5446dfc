//! `createPINPolicy`: creates a PIN policy object.
//!
//! Spec: SKS API V0.35, createPINPolicy (8).
//! Refusals: NoSession, Option (id taken, PUK policy unknown, ranges), Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::types::{
    Code, Format, Grouping, Id, InputMethod, Octet, PinPolicyHandle, ProvisioningHandle, PukPolicyHandle, pattern,
};

message! {
    /// The arguments.
    Request {
        /// An open session.
        provisioning_handle: ProvisioningHandle,
        /// Unique among the session's PIN policies.
        id: Id,
        /// A PUK policy of this session, or 0.
        puk_policy_handle: PukPolicyHandle,
        /// Whether the user sets PINs (else the issuer).
        user_defined: bool,
        /// Whether the user may change them.
        user_modifiable: bool,
        /// What PINs are made of.
        format: Code<Format>,
        /// Wrong PINs in a row that lock a key.
        retry_limit: Octet<1, 255>,
        /// How PINs of several keys relate.
        grouping: Code<Grouping>,
        /// Bits of [`pattern`].
        pattern_restrictions: Octet<0, { pattern::ALL }>,
        /// In bytes.
        min_length: Octet<1, 100>,
        /// In bytes; not under `min_length`.
        max_length: Octet<1, 100>,
        /// A wish to middleware.
        input_method: Code<InputMethod>,
    }
}

message! {
    /// The new object.
    Response {
        /// For createKeyPair.
        pin_policy_handle: PinPolicyHandle,
    }
}
