//! `getKeyGroup`: tells which keys share a PIN.
//!
//! Spec: extension method 120 of docs/wire.md.
//!
//! Refusals: NoKey (none, or its session is open).

use crate::codec::message;
use crate::types::{AnyText, KeyHandle, PinPolicyHandle, PukPolicyHandle};

message! {
    /// The arguments.
    Request {
        /// A key of a closed session.
        key_handle: KeyHandle,
    }
}

message! {
    /// The group.
    Response {
        /// 0 where there is none.
        pin_policy_handle: PinPolicyHandle,
        /// Lowest handle of the keys that share this key's PIN; 0 where there is none.
        pin_group: KeyHandle,
        /// 0 where there is none.
        puk_policy_handle: PukPolicyHandle,
        /// Empty where there is none.
        pin_policy_id: AnyText,
    }
}
