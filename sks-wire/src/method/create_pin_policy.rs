//! `createPINPolicy`: creates a PIN policy object.
//!
//! Spec: SKS API V0.35, createPINPolicy (8). Has no MAC: the key attestation covers it. Charges nothing.
//!
//! Refusals: NoSession, Option (ID taken; a PUK policy that is not of this session; an option out of range; MinLength
//! over MaxLength; missing-group with a numeric or binary Format), Storage. All but NoSession remove the session.

use crate::codec::message;
use crate::limit;
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
        /// Wrong PINs in a row that lock a key, 1 to 255.
        retry_limit: Octet<1, 255>,
        /// How PINs of several keys relate.
        grouping: Code<Grouping>,
        /// Bits of [`pattern`].
        pattern_restrictions: Octet<0, { pattern::ALL }>,
        /// In bytes, 1 to 100.
        min_length: Octet<1, { limit::PIN }>,
        /// In bytes, up to 100; that it is not under `min_length` is for the token to check.
        max_length: Octet<1, { limit::PIN }>,
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
